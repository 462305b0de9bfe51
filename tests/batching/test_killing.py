"""A run over a thousand photos, killed twenty times."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import retouch

COUNT = 1000
COMMAND = (sys.executable, "-m", "retouch", "batch", "photos", "masks", "-o", "out", "--model", "telea", "-q")


def size(path):
    return path.stat().st_size if path.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_killed_twenty_times(tmp_path, write, lines, archive):
    for number in range(COUNT - 4):  # the archive has four at its top
        write(tmp_path / "photos" / f"q{number}.png", number)
        write(tmp_path / "masks" / f"q{number}.png", box=slice(8, 14))
    chance, journal = random.Random(0), tmp_path / "out" / "retouch-batch.jsonl"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    seen = []
    for kill in range(20):
        run = subprocess.Popen(COMMAND, cwd=tmp_path, env=environment, start_new_session=True)
        # After a second at most, or some 20 lines, so that there is something left for the twentieth.
        latest = time.monotonic() + (chance.uniform(0, 1) if kill % 4 == 0 else 60)
        enough = size(journal) + chance.uniform(0, 15_000)
        while time.monotonic() < latest and size(journal) < enough:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        assert run.poll() is None, "done before it was killed twenty times"
        if kill % 2:
            os.killpg(run.pid, signal.SIGKILL)
        else:
            run.kill()  # its processes find out by themselves
        run.wait()
        seen.append(len(list((tmp_path / "out").glob("*.png"))))
    assert seen == sorted(seen)
    assert 0 < seen[-1] < COUNT
    assert subprocess.run(COMMAND, cwd=tmp_path, env=environment).returncode == 0
    written = Counter(line["name"] for line in lines())
    assert set(written.values()) == {1}  # nothing twice
    names = {path.name for path in (tmp_path / "photos").glob("*.png")}
    assert set(written) == names  # nothing left out
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {"retouch-batch.jsonl"}
    for name in names:  # no half file
        filled = np.asarray(Image.open(tmp_path / "out" / name))
        mask = tmp_path / "masks" / (name if name.startswith("q") else name.replace(".png", "_mask.png"))
        photo = np.asarray(Image.open(tmp_path / "photos" / name))
        assert np.array_equal(filled, retouch.inpaint(photo, Image.open(mask), model="telea"))
