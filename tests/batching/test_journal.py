"""What a kill at each step of writing a result leaves, and what the next run makes of it."""

import errno
import json
import os
import shutil
from contextlib import suppress
from hashlib import sha256

import pytest

from retouch import RetouchError
from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.batching.journal import Journal


class Killed(BaseException):
    pass


@pytest.fixture
def fill_killed(archive, fill_all, monkeypatch):
    """Fill the archive, and be killed between the line of ``p2.png`` and its result's name."""
    move = places.move

    def copy(source, target):
        # A worker may be writing other photos: what it renames meanwhile is gone, and no error of the batch.
        with suppress(FileNotFoundError):
            shutil.copy2(source, target)

    def killed(source, target):
        if target.endswith("p2.png"):
            # close() would clean up, which a kill does not do.
            shutil.copytree(archive / "out", archive / "killed", copy_function=copy)
            raise Killed
        move(source, target)

    def fill_killed(**given):
        monkeypatch.setattr(places, "move", killed)
        with pytest.raises(Killed):
            fill_all(workers=1, **given)
        monkeypatch.setattr(places, "move", move)
        shutil.rmtree(archive / "out")
        (archive / "killed").rename(archive / "out")

    return fill_killed


def test_killed_between_line_and_name(archive, fill_all, fill_killed, lines):
    """The result waits under its first name; it gets its own, and nothing is filled."""
    fill_killed()
    stem = sha256(b"p2.png").hexdigest()[:24]  # others may be ready meanwhile
    (waiting,) = (archive / "out" / ".retouch-batch").glob(f"*/*/{stem}.png")
    content, before = waiting.read_bytes(), len(lines())
    assert not (archive / "out" / "p2.png").exists()
    assert fill_all()["p2.png"].outcome == "done"
    assert (archive / "out" / "p2.png").read_bytes() == content
    assert len(lines()) == 6 >= before
    assert not (archive / "out" / ".retouch-batch").exists()


@pytest.mark.parametrize("before", [False, True])
def test_what_came_after_a_kill_stays(archive, fill_all, fill_killed, before):
    """A file that somebody put there, or a result from before that somebody changed."""
    target = archive / "out" / "p2.png"
    if before:
        fill_all()
    fill_killed(dilate=1)
    target.write_bytes(b"precious")
    again = fill_all(dilate=1)["p2.png"]
    assert again.outcome == "failed"
    assert "p2.png exists, and is not what this batch wrote" in again.error
    assert target.read_bytes() == b"precious"
    assert not (archive / "out" / ".retouch-batch").exists()
    assert fill_all(dilate=1, overwrite=True)["p2.png"].outcome == "filled"
    assert target.read_bytes() != b"precious"


def test_one_file_that_came_keeps_all_results_of_its_photo_waiting(archive, fill_all, fill_killed):
    """Otherwise a record would lie beside a photo that it is not about."""
    fill_killed(record=True)
    (archive / "out" / "p2.json").write_text("precious")
    assert fill_all(record=True)["p2.png"].outcome == "failed"
    assert (archive / "out" / "p2.json").read_text() == "precious"
    assert not (archive / "out" / "p2.png").exists()


def test_a_result_from_before_makes_way_after_a_kill(archive, fill_all, fill_killed, lines):
    fill_all()
    fill_killed(dilate=1)
    target, count = archive / "out" / "p2.png", len(lines())
    told = [line["files"]["p2.png"]["sha256"] for line in lines() if line["name"] == "p2.png"]
    assert sha256(target.read_bytes()).hexdigest() == told[0] != told[1]
    assert fill_all(dilate=1)["p2.png"].outcome == "done"
    assert sha256(target.read_bytes()).hexdigest() == told[1]
    assert count <= len(lines()) == 12


def test_killed_with_leave_to_replace(archive, fill_all, fill_killed):
    """The leave is that of one run: without it, what it did not reach to replace stays."""
    target = archive / "out" / "p2.png"
    target.parent.mkdir()
    target.write_bytes(b"old")
    fill_killed(overwrite=True)
    assert fill_all()["p2.png"].outcome == "failed"
    assert target.read_bytes() == b"old"
    assert fill_all(overwrite=True)["p2.png"].outcome == "filled"
    assert fill_all()["p2.png"].outcome == "done"


def test_killed_between_result_and_line(archive, fill_all, lines):
    """What waits without a line may be half a file; it is removed, and filled anew."""
    fill_all()
    journal = archive / "out" / "retouch-batch.jsonl"
    whole = journal.read_bytes()
    cut = whole[: whole.rstrip().rfind(b"\n") + 20]  # the last line, torn
    name = next(line["name"] for line in reversed(lines()))
    (archive / "out" / name).unlink()
    journal.write_bytes(cut)
    half = archive / "out" / ".retouch-batch" / "retouch-batch" / "00000000" / "half.png"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    found = fill_all()
    assert {each for each in found if found[each].outcome == "filled"} == {name}
    assert not half.exists()
    assert len(lines()) == 6


def test_another_shards_unfinished_results_stay(archive, fill_all):
    theirs = archive / "out" / ".retouch-batch" / "retouch-batch-2-of-2" / "00000000" / "half.png"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"half")
    fill_all(shard="1/2")
    assert theirs.exists()
    fill_all(shard="2/2")
    assert not theirs.exists()


def test_a_damaged_line_is_named(archive, fill_all):
    fill_all()
    journal = archive / "out" / "retouch-batch.jsonl"
    journal.write_bytes(b"{broken\n" + journal.read_bytes())
    with pytest.raises(RetouchError, match=r"Line 1 of .*retouch-batch\.jsonl is damaged"):
        fill_all()


def test_a_file_that_may_not_be_read_stops_no_other(archive, fill_all, monkeypatch):
    fill_all()
    photo = archive / "photos" / "p1.png"
    os.utime(photo, (1, 1))
    digest = places.digest

    def locked(place):
        if place == str(photo):
            raise PermissionError(13, "Permission denied", place)
        return digest(place)

    monkeypatch.setattr(places, "digest", locked)
    done = fill_all()
    assert done.pop("p1.png").outcome == "filled"  # anew; a worker of this test may read it
    assert {each.outcome for each in done.values()} == {"done"}


@pytest.mark.parametrize(
    "change", [{"ended": 5}, {"files": None}, {"files": {"a.png": {}}}, {"inputs": {"photo": {"size": 1}}}]
)
def test_a_line_of_another_version_is_named(archive, fill_all, lines, change):
    fill_all()
    journal = archive / "out" / "retouch-batch.jsonl"
    for strange in (json.dumps(lines()[0] | change), "5", "[" * 100_000):
        journal.write_text(f"{json.dumps(lines()[0])}\n{strange}\n", "utf-8")
        with pytest.raises(RetouchError, match=r"Line 2 of .*retouch-batch\.jsonl is damaged, or of another"):
            fill_all()
        journal.write_text(journal.read_text("utf-8").splitlines()[0] + "\n", "utf-8")


def test_a_full_disk_leaves_no_line_of_results_without_names(archive, fill_all, monkeypatch):
    """Otherwise the photo's result from before would count as somebody else's."""
    fill_all()
    before = (archive / "out" / "retouch-batch.jsonl").read_bytes()
    write = os.write
    calls = []

    def full(file, data):
        if calls.append(data) or len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:-9])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RetouchError, match=r"journal in .* cannot be written \(No space left"):
        fill_all(dilate=1)
    monkeypatch.undo()
    assert (archive / "out" / "retouch-batch.jsonl").read_bytes() == before
    assert {each.outcome for each in fill_all(dilate=1).values()} == {"filled"}


def test_storage_without_locks(fill_all, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    assert {each.outcome for each in fill_all().values()} == {"filled"}


def test_a_weights_file_that_changed_counts(tmp_path, archive):
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"one")
    job = Job("a.png", None, "a.png", {"model": str(weights)})
    assert job.inputs()["model"] == str(weights)
    assert "model" not in Job("a.png", None, "a.png", {"model": "telea"}).inputs()


def test_looking_writes_nothing(archive):
    journal = Journal(str(archive / "none"))
    journal.read()
    assert journal.state(Job("a.png", None, "a.png")) == "missing"
    assert not (archive / "none").exists()


def test_interrupted_between_line_and_name(archive, fill_all, lines, monkeypatch):
    move, calls = places.move, []

    def interrupted(source, target):
        calls.append(target)
        if len(calls) == 1:
            raise KeyboardInterrupt
        move(source, target)

    monkeypatch.setattr(places, "move", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fill_all(workers=1)
    assert {line["name"] for line in lines()} == {
        path.relative_to(archive / "out").as_posix() for path in (archive / "out").rglob("*.png")
    }
    before = len(lines())
    assert before >= 1
    assert sum(each.outcome == "done" for each in fill_all().values()) == before


def test_the_last_line_counts_and_of_two_journals_the_later_one(archive, fill_all, lines):
    fill_all(shard="1/1")
    fill_all(shard="1/1", dilate=1)
    first = archive / "out" / "retouch-batch-1-of-1.jsonl"
    assert {each.outcome for each in fill_all(dilate=1).values()} == {"done"}
    early = [
        json.dumps(line | {"ended": "2000"}) for line in lines() if line["options"].get("dilate") is None
    ]
    (archive / "out" / "retouch-batch-9-of-9.jsonl").write_text("\n".join(early) + "\n")
    assert {each.outcome for each in fill_all(dilate=1).values()} == {"done"}
    assert first.exists()
