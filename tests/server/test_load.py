"""Many clients at once."""

import asyncio
import resource
from contextlib import suppress
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pytest
from tests.server.client import area, decoded, png

import retouch

CLIENTS, FILLS = 50, 20
CEILING = 300 << 20  # bytes of the server; and of the process that fills


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def family(pid):
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in started for each in family(int(child)))]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")
def test_fifty_clients_and_a_thousand_fills(server, photo):
    masks = []
    for top in (10, 30, 50, 70):
        mask = np.zeros(photo.shape[:2], np.bool_)
        mask[top : top + 8, 40:50] = True
        masks.append(mask)
    expected = photo
    for number in range(FILLS):
        expected = retouch.inpaint(expected, masks[number % 4], model="telea")
    started = server()
    peaks = {}

    async def watch():
        while True:
            for each in family(started.process.pid):
                with suppress(FileNotFoundError):
                    peaks[each] = max(peaks.get(each, 0), resident(each))
            await asyncio.sleep(0.1)

    async def visit(http):
        state = (await http.post("/v1/photos?name=a.png", content=png(photo))).json()
        place = f"/v1/photos/{state['id']}"
        for number in range(FILLS):
            asked = area(masks[number % 4]) | {"model": "telea"}
            job = (await http.post(f"{place}/fills", json=asked)).json()["job"]
            told = await http.get(f"/v1/jobs/{job}/events")
            assert "event: done" in told.text, told.text
        tile = decoded((await http.get(f"{place}/tiles/0/0/0")).content)
        state = (await http.get(place)).json()
        await http.delete(place)
        return tile, len(state["edits"])

    async def all_of_them():
        limits = httpx.Limits(max_connections=2 * CLIENTS)
        watching = asyncio.create_task(watch())
        async with httpx.AsyncClient(base_url=started.url, timeout=600, limits=limits) as http:
            answers = await asyncio.gather(*(visit(http) for _ in range(CLIENTS)))
        watching.cancel()
        return answers

    answers = asyncio.run(all_of_them())
    assert [count for _, count in answers] == [FILLS] * CLIENTS
    assert all(np.array_equal(tile, expected) for tile, _ in answers)
    assert max(peaks.values()) < CEILING, {each: size >> 20 for each, size in peaks.items()}
    # What the clients held is free.
    assert [each.name for each in (started.folder).iterdir()] == ["lock"]
