"""Atomic writing by callback, as text and by copying; the image formats are in tests/imaging."""

import os

import pytest

from retouch import RetouchError
from retouch.files import (
    copy_file,
    file_digest,
    read_once,
    refuse_inputs,
    remove_unfinished,
    same_file,
    write_file,
    write_text,
)


def test_a_callback_writes_in_pieces(tmp_path):
    target = tmp_path / "a.bin"

    def write(file):
        file.write(b"one ")
        assert not target.exists()
        file.write(b"two")

    write_file(write, target)
    assert target.read_bytes() == b"one two"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_callback_that_fails_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"before")

    def write(file):
        file.write(b"half")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_file(write, target, overwrite=True)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_that_exists_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"before")
    with pytest.raises(RetouchError, match="exists already"):
        write_file(lambda file: pytest.fail("was called"), tmp_path / "a.bin")


def test_text_is_written_as_it_is(tmp_path):
    write_text("Straße\r\nend\n", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == "Straße\r\nend\n".encode()
    with pytest.raises(RetouchError, match="exists already"):
        write_text("", tmp_path / "a.txt")


def test_what_a_killed_writer_left_can_be_removed(tmp_path):
    left = tmp_path / "left"
    write_file(lambda file: left.write_text(next(tmp_path.glob(".*")).name), tmp_path / "a.bin")
    unfinished = tmp_path / left.read_text()
    unfinished.write_bytes(b"half")
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "left"]


def test_a_file_is_the_same_through_links_and_before_it_is_there(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    assert same_file(one, tmp_path / "sub" / ".." / "one")
    assert not same_file(one, other)
    one.write_bytes(b"x")
    assert not same_file(one, other)
    os.link(one, other)
    assert same_file(one, other)
    (tmp_path / "link").symlink_to(one)
    assert same_file(tmp_path / "link", other)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_read_once_and_never_waited_for_again(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for again in (file_digest, lambda pipe: copy_file(pipe, tmp_path / "copy")):
        with pytest.raises(RetouchError, match="pipe, and is needed more than once; save it as a file"):
            again(tmp_path / "pipe")
    assert not (tmp_path / "copy").exists()
    (tmp_path / "file").write_bytes(b"x")
    for other in (tmp_path / "file", str(tmp_path), tmp_path / "none", b"bytes", None, 5):
        assert read_once(other) is other


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="there is no such device here")  # noqa: PTH110
def test_a_pipe_that_brings_nothing_is_named():
    with pytest.raises(RetouchError, match="/dev/null is a pipe that brings nothing"):
        read_once("/dev/null")


def test_what_is_read_is_never_written(tmp_path):
    mask, link = tmp_path / "mask.png", tmp_path / "link.png"
    mask.write_bytes(b"x")
    os.link(mask, link)
    refuse_inputs(tmp_path / "out.png", {"mask": mask, "photo": b"bytes"})
    with pytest.raises(RetouchError, match=r"link\.png is the mask, and would be replaced"):
        refuse_inputs(link, {"photo": None, "mask": str(mask)})
