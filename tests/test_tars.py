"""Tar files of photos that the scripts write."""

import importlib.util
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "tars.py"


@pytest.fixture(scope="module")
def tars():
    made = importlib.util.spec_from_file_location("tars", SCRIPT)
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module


def test_files_come_back_as_they_were(tars, tmp_path):
    files = {"a/1.webp": b"one", "2.jpg": bytes(700)}
    assert tars.write_tar(tmp_path / "photos.tar", files.items()) == 2
    with tarfile.open(tmp_path / "photos.tar") as tar:
        assert {each.name: tar.extractfile(each).read() for each in tar} == files


def test_a_file_that_cannot_be_read_leaves_no_part_of_a_tar(tars, tmp_path):
    def files():
        yield "1.jpg", b"one"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        tars.write_tar(tmp_path / "photos.tar", files())
    assert list(tmp_path.iterdir()) == []
