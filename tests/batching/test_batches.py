"""Whole batches, through ``retouch.batch``."""

import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.batching import filling, pool
from retouch.batching.jobs import Job
from retouch.batching.plan import Batch

NAMES = {"p0.png", "p1.png", "p2.png", "p3.png", "sub/p4.png", "sub/p5.png"}


def outcomes(found):
    return {name: each.outcome for name, each in found.items()}


def test_results_are_those_of_fill(archive, fill_all, lines):
    assert outcomes(fill_all()) == dict.fromkeys(NAMES, "filled")
    for name in NAMES:
        mask = archive / "masks" / name.replace(".png", "_mask.png")
        wanted = retouch.inpaint(
            np.asarray(Image.open(archive / "photos" / name)), Image.open(mask), model="telea"
        )
        assert np.array_equal(np.asarray(Image.open(archive / "out" / name)), wanted)
    assert sorted(each.name for each in (archive / "out").iterdir() if each.is_file()) == [
        *("p0.png", "p1.png", "p2.png", "p3.png"),
        "retouch-batch.jsonl",
    ]
    assert {line["name"] for line in lines()} == NAMES
    assert not (archive / "out" / ".retouch-batch").exists()


def test_the_journal_says_what_was_done(archive, fill_all, lines):
    fill_all(seed=7)
    line = next(line for line in lines() if line["name"] == "p0.png")
    assert line["outcome"] == "filled"
    assert line["options"] == {"model": "telea", "seed": 7}
    assert line["version"] == retouch.__version__
    assert line["seconds"] > 0
    assert line["inputs"]["photo"]["path"] == str(archive / "photos" / "p0.png")
    assert {len(line["inputs"][kind]["sha256"]) for kind in ("photo", "mask")} == {64}


def test_records_can_be_replayed(archive, fill_all):
    assert set(fill_all(record=True)) == NAMES
    record = archive / "out" / "sub" / "p4.json"
    told = json.loads(record.read_text())
    assert (told["original"]["file"], told["mask"]["file"]) == ("p4.png", "p4_mask.png")
    assert "-o p4.png" in told["command"]
    inputs = {
        "photo": archive / "photos" / "sub" / "p4.png",
        "mask": archive / "masks" / "sub" / "p4_mask.png",
    }
    assert retouch.replay(record, **inputs).same
    assert set(outcomes(fill_all(record=True)).values()) == {"done"}


def test_a_second_run_does_nothing(fill_all, lines, monkeypatch):
    fill_all()
    before = lines()
    monkeypatch.setattr(pool, "Pool", None)  # would be called
    monkeypatch.setattr("retouch.batching.plan.Pool", None)
    assert outcomes(fill_all()) == dict.fromkeys(NAMES, "done")
    assert lines() == before


def test_what_is_missing_or_changed_is_filled_again(archive, fill_all, write):
    fill_all()
    (archive / "out" / "p0.png").unlink()
    write(archive / "photos" / "p1.png", 77)
    write(archive / "masks" / "p2_mask.png", box=slice(1, 4))
    os.utime(archive / "photos" / "p3.png", ns=(1, 1))  # the same content
    again = outcomes(fill_all())
    assert {name for name, outcome in again.items() if outcome == "filled"} == {"p0.png", "p1.png", "p2.png"}
    assert set(outcomes(fill_all(dilate=1)).values()) == {"filled"}
    assert set(outcomes(fill_all(dilate=1)).values()) == {"done"}


def test_what_others_wrote_is_not_replaced(archive, fill_all, write):
    write(archive / "out" / "p0.png", 5)
    fill_all()
    write(archive / "out" / "p1.png", 6)  # somebody worked on it
    kept = {name: (archive / "out" / name).read_bytes() for name in ("p0.png", "p1.png")}
    found = fill_all()
    assert {name for name, each in found.items() if each.outcome == "failed"} == set(kept)
    assert "move it away, or use --overwrite" in found["p0.png"].error
    assert {name: (archive / "out" / name).read_bytes() for name in kept} == kept
    assert outcomes(fill_all(overwrite=True)) == {
        name: "filled" if name in kept else "done" for name in NAMES
    }


def test_what_comes_while_a_photo_is_filled_is_not_replaced(archive, fill_all, write, monkeypatch):
    take = pool.Pool.take

    def takes(self, *, wait):
        if not (archive / "out" / "p0.png").exists():
            write(archive / "out" / "p0.png", 5)
        return take(self, wait=wait)

    monkeypatch.setattr(pool.Pool, "take", takes)
    found = fill_all()
    assert outcomes(found) == dict.fromkeys(NAMES, "filled") | {"p0.png": "failed"}
    assert "move it away, or use --overwrite" in found["p0.png"].error
    assert (archive / "out" / "p0.png").read_bytes() == write(archive / "other.png", 5).read_bytes()
    monkeypatch.undo()
    (archive / "out" / "p0.png").unlink()
    assert outcomes(fill_all())["p0.png"] == "filled"


def test_a_broken_photo_stops_nothing_and_is_tried_again_when_asked(archive, fill_all, write):
    good = (archive / "photos" / "p0.png").read_bytes()
    (archive / "photos" / "p0.png").write_bytes(good[:200])
    (archive / "masks" / "p1_mask.png").write_bytes(b"")
    found = fill_all()
    assert outcomes(found) == {name: "failed" if name in ("p0.png", "p1.png") else "filled" for name in NAMES}
    assert "p0.png" in found["p0.png"].error
    assert "empty" in found["p1.png"].error
    assert outcomes(fill_all()) == {
        name: "failed" if name in ("p0.png", "p1.png") else "done" for name in NAMES
    }
    write(archive / "photos" / "p0.png")
    assert outcomes(fill_all())["p0.png"] == "filled"  # it changed
    assert outcomes(fill_all(retry_failed=True))["p1.png"] == "failed"


def test_a_failure_later_forgets_no_result(archive, fill_all):
    fill_all()
    assert set(outcomes(fill_all(sources=True)).values()) == {"failed"}  # telea borrows nothing
    assert set(outcomes(fill_all()).values()) == {"filled"}  # not "exists, and is not what this batch wrote"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_process_costs_one_photo_only(fill_all, monkeypatch):
    ask, deaths = pool._Process.ask, []

    def dies_on(process, request):
        if request.get("fill", {}).get("name") == "p2.png":
            deaths.append(process)
            os.kill(process._process.pid, signal.SIGKILL)
        return ask(process, request)

    monkeypatch.setattr(pool._Process, "ask", dies_on)
    found = fill_all()
    assert outcomes(found) == {name: "failed" if name == "p2.png" else "filled" for name in NAMES}
    assert "was killed, probably because memory ran out, twice" in found["p2.png"].error
    assert len(deaths) == 2
    monkeypatch.setattr(pool._Process, "ask", ask)
    assert outcomes(fill_all(retry_failed=True))["p2.png"] == "filled"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_process_that_is_killed_once_costs_nothing(fill_all, monkeypatch):
    ask, deaths = pool._Process.ask, []

    def dies_once(process, request):
        if "fill" in request and not deaths:
            deaths.append(process)
            os.kill(process._process.pid, signal.SIGKILL)
        return ask(process, request)

    monkeypatch.setattr(pool._Process, "ask", dies_once)
    assert outcomes(fill_all()) == dict.fromkeys(NAMES, "filled")


def test_shards_share_the_work_exactly(fill_all):
    parts = [set(fill_all(shard=f"{number}/3")) for number in (1, 2, 3)]
    assert set.union(*parts) == NAMES
    assert sum(map(len, parts)) == len(NAMES)
    assert set(outcomes(fill_all()).values()) == {"done"}  # whatever the shard that did it


def test_only_one_batch_writes_a_journal(archive, fill_all):
    running = retouch.batch(archive / "photos", archive / "masks", output=archive / "out", model="telea")
    next(running)
    with pytest.raises(RetouchError, match="Another batch writes to"):
        fill_all()
    assert list(fill_all(shard="1/1"))
    running.close()
    assert set(outcomes(fill_all()).values()) == {"done"}


def test_a_photo_that_needs_more_memory_than_there_is_fails(archive, fill_all, write):
    write(archive / "photos" / "large.png", side=1200)
    write(archive / "masks" / "large.png", box=slice(3, 9), side=1200)
    found = fill_all(memory="200M")
    assert outcomes(found) == dict.fromkeys(NAMES, "filled") | {"large.png": "failed"}
    assert "It may need 0.2 GB of memory, and --memory allows 0.2" in found["large.png"].error
    assert outcomes(fill_all(memory="1G", retry_failed=True))["large.png"] == "filled"


def test_formats_drawings_and_rows_of_their_own(archive, fill_all):
    (archive / "list.csv").write_text(
        "photo,mask,dilate,sources,confidence,output\n"
        "photos/p0.png,masks/p0_mask.png,2,yes,no,a/zero.webp\n"
        "photos/p1.png,masks/p1_mask.png,,,,\n"
    )
    found = fill_all("list.csv", model="exemplar", format="tif")
    assert outcomes(found) == {"a/zero.webp": "filled", "photos/p1.tif": "filled"}
    written = sorted(path.relative_to(archive / "out").as_posix() for path in (archive / "out").rglob("*.*"))
    assert written == ["a/zero-sources.png", "a/zero.webp", "photos/p1.tif", "retouch-batch.jsonl"]
    (archive / "out" / "a" / "zero-sources.png").unlink()
    assert outcomes(fill_all("list.csv", model="exemplar", format="tif"))["a/zero.webp"] == "filled"


def test_where_a_result_cannot_be_written_it_is_named(archive, monkeypatch):
    """Not the name under which it waits, which nobody knows."""

    def full(*_, output, **__):
        raise RetouchError(f"{output} cannot be written (No space left on device); choose another place.")

    monkeypatch.setattr(retouch, "fill", full)
    job = Job(str(archive / "photos" / "p0.png"), None, "p0.png", {"model": "telea"})
    error = filling.fill_job(job, str(archive / "out"), str(archive / "out" / ".retouch-batch"))["error"]
    assert error.startswith(f"{archive / 'out' / 'p0.png'} cannot be written")


def test_formats_may_be_written_like_endings(fill_all):
    assert outcomes(fill_all("photos", format=".WEBP", recursive=False)) == {
        f"p{number}.webp": "filled" for number in range(4)
    }


def test_an_empty_mask_copies_the_photo(archive, fill_all, write):
    write(archive / "masks" / "p0_mask.png", box=slice(0, 0))
    assert outcomes(fill_all())["p0.png"] == "filled"
    assert (archive / "out" / "p0.png").read_bytes() == (archive / "photos" / "p0.png").read_bytes()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": "nope"}, "no model called 'nope'"),
        ({"dilate": -1}, "--dilate takes 0 or more"),
        ({"workers": 0}, "--workers takes auto, or 1 to"),
        ({"workers": 1000}, "--workers takes auto, or 1 to"),
        ({"memory": "much"}, "Memory is given like 4G"),
        ({"memory": -1}, "Memory is given like 4G"),
        ({"format": "bmp"}, "format of the results is one of jpg, png"),
        ({"dilate": "4"}, "option dilate takes a whole number, not '4'"),
        ({"trust_mask": 1}, "option trust_mask takes True or False, not 1"),
        ({"wrap": 3}, "option wrap takes text, not 3"),
        ({"options": 5}, "options are given as a mapping"),
        ({"photos": "photos/empty"}, "There are no photos in .*empty; check its name"),
        ({"shard": "0/4"}, "written like 3/10"),
        ({"colour": 3}, "no option 'colour'"),
        ({"cluster": "auto", "workers": 1}, "on a cluster Ray shares them out"),
        ({"masks": "nowhere"}, "There is no .*nowhere"),
        ({"avoid": "nowhere"}, "There is no nowhere"),
        ({"photos": "nowhere"}, "There is no folder .*nowhere"),
    ],
)
def test_what_is_wrong_for_all_is_said_at_once_and_nothing_written(archive, fill_all, given, says):
    (archive / "photos" / "empty").mkdir()
    with pytest.raises(RetouchError, match=says):
        fill_all(**given)
    assert not (archive / "out").exists()


def test_a_name_that_is_no_text(archive, fill_all, write):
    bytes_ = os.fsencode(archive / "photos") + b"/\xff\n.png"
    try:
        os.rename(archive / "photos" / "p0.png", bytes_)  # noqa: PTH104 # bytes
    except OSError:
        pytest.skip("this file system holds text only")
    found = fill_all(masks="masks/p1_mask.png")
    assert set(outcomes(found).values()) == {"filled"}
    assert os.path.exists(os.fsencode(archive / "out") + b"/\xff\n.png")  # noqa: PTH110 # bytes
    assert set(outcomes(fill_all(masks="masks/p1_mask.png")).values()) == {"done"}


@pytest.mark.parametrize("mask", ["masks/p0_mask.png", "out/p0.png"])
def test_nothing_that_is_read_is_replaced(archive, fill_all, mask):
    out = archive / "out"
    (archive / "photos" if "masks" in mask else archive / "masks").rename(out)
    if "masks" not in mask:
        (out / "p0_mask.png").rename(out / "p0.png")
    items = [(archive / "photos" / "p0.png", archive / mask)]
    if "masks" in mask:
        (archive / "photos").symlink_to(out)
    before = (out / "p0.png").read_bytes()
    with pytest.raises(RetouchError, match=r"would replace .*out/p0\.png, which is read"):
        fill_all(
            [{"photo": photo, "mask": hole, "output": "p0.png"} for photo, hole in items], overwrite=True
        )
    assert (out / "p0.png").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="paths in URLs")
def test_urls_are_read_and_written_by_path(archive, write):
    pytest.importorskip("fsspec")
    url = f"file://{archive}"
    batch = Batch(f"{url}/photos", f"{url}/masks", f"{url}/out", {"model": "telea"}, recursive=True)
    assert {each.outcome for each in batch.run()} == {"filled"}
    assert {
        path.relative_to(archive / "out").as_posix() for path in (archive / "out").rglob("*.png")
    } == NAMES
    assert {each.outcome for each in batch.run()} == {"done"}
    (archive / "photos" / "p0.png").write_bytes(b"no picture")
    broken = next(each for each in batch.run() if each.outcome == "failed")
    assert broken.error.startswith(f"{url}/photos/p0.png is not an image")
    write(archive / "photos" / "p0.png", 0)
    assert sorted(each.outcome for each in batch.run()) == ["done"] * 5 + ["filled"]
    local = {name: (archive / "out" / name).read_bytes() for name in NAMES}
    for path in (archive / "out").rglob("*.png"):
        path.unlink()
    assert {each.outcome for each in batch.run()} == {"filled"}
    assert {name: (archive / "out" / name).read_bytes() for name in NAMES} == local
