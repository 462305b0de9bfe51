import os
import threading
import time

import pytest

from retouch import RetouchError
from retouch.batching import places
from retouch.batching.jobs import Job
from retouch.batching.journal import Journal
from retouch.batching.plan import Batch
from retouch.batching.running import run
from retouch.batching.watching import arrivals


def test_a_photo_comes_once_it_is_complete(tmp_path):
    photo, mask = tmp_path / "a.png", tmp_path / "m.png"
    looks = [
        (lambda: photo.write_bytes(b"1"), []),
        (lambda: photo.write_bytes(b"12"), []),  # still arriving
        (lambda: None, []),  # complete, but without its mask
        (lambda: mask.write_bytes(b"1"), []),
        (lambda: None, ["a.png"]),  # both are complete
        (lambda: None, []),
        (lambda: photo.write_bytes(b"123"), []),  # another one of the same name
        (lambda: None, ["a.png"]),
        (lambda: None, []),
    ]
    steps = iter(looks)

    def find():
        next(steps)[0]()
        return [Job(str(photo), str(mask), "a.png", unmasked=not mask.exists())]

    watched = arrivals(find, sleep=lambda _: None)
    came = [[job.name for job in iter(watched.__next__, None)] for _ in looks]
    assert came == [wanted for _, wanted in looks]


@pytest.mark.slow
def test_watching_fills_what_arrives(archive, write):
    batch = Batch(archive / "photos", str(archive / "masks"), str(archive / "out"), {"model": "telea"})
    running = batch.watch()
    first = {next(running).output for _ in range(4)}
    assert first == {str(archive / "out" / f"p{number}.png") for number in range(4)}

    def arrive():
        time.sleep(0.3)
        write(archive / "masks" / "late.png", box=slice(8, 14))
        write(archive / "photos" / "late.png", 9)

    thread = threading.Thread(target=arrive)
    thread.start()
    assert next(running).output == str(archive / "out" / "late.png")
    thread.join()
    running.close()
    assert (archive / "out" / "late.png").exists()


@pytest.mark.slow
def test_a_second_photo_of_one_name_ends_no_watch(archive, write):
    masks = str(archive / "masks")
    batch = Batch(archive / "photos", masks, str(archive / "out"), {"model": "telea"}, format="webp")
    running = batch.watch()
    assert {next(running).outcome for _ in range(4)} == {"filled"}
    write(archive / "photos" / "p0.jpg")
    late = next(running)
    assert (late.photo, late.outcome) == (str(archive / "photos" / "p0.jpg"), "failed")
    running.close()


def test_a_folder_that_goes_meanwhile_and_one_that_nobody_may_read(archive, monkeypatch):
    scan = os.scandir

    def fails(error):
        def scandir(folder):
            if str(folder).rstrip("/").endswith("sub"):
                raise error
            return scan(folder)

        return scandir

    monkeypatch.setattr(os, "scandir", fails(FileNotFoundError()))
    assert len(list(places.files_below(str(archive / "photos"), recursive=True))) == 4
    monkeypatch.setattr(os, "scandir", fails(PermissionError(13, "Permission denied")))
    with pytest.raises(RetouchError, match=r"sub cannot be listed \(Permission denied"):
        list(places.files_below(str(archive / "photos"), recursive=True))


def test_a_photo_that_changes_while_it_is_filled_is_filled_after_that(tmp_path):
    """Never two at a time, which would write one file."""
    flying, given = [], []

    class Slow:
        room, waiting = 10, 0

        def give(self, job):
            assert job.name not in flying
            flying.append(job.name)
            given.append(job.photo)
            self.waiting += 1

        def take(self, *, wait):
            if not wait or not flying:
                return []
            self.waiting -= 1
            reply = {
                "outcome": "failed",
                "error": "No.",
                "notes": [],
                "seconds": 0.0,
                "files": {},
                "inputs": {},
            }
            return [(Job("", None, flying.pop(0)), reply)]

        def close(self):
            pass

    journal = Journal(str(tmp_path / "out"))
    journal.open()
    jobs = [Job("1", None, "a.png"), Job("2", None, "b.png"), None, Job("3", None, "a.png")]
    assert len(list(run(jobs, journal, str(tmp_path / "out"), Slow))) == 3
    journal.close()
    assert given == ["1", "2", "3"]


def test_only_folders_are_watched(tmp_path):
    with pytest.raises(RetouchError, match="for a folder of photos"):
        Batch(tmp_path / "list.csv", None, str(tmp_path / "out")).watch()
