"""``retouch find``: a mask of the damage."""

import cv2
import numpy as np
import pytest
from PIL import Image

import retouch


@pytest.fixture
def scan_file(tmp_path):
    """A grey slope with two white scratches that cross, 96×128."""
    scan = np.tile(np.linspace(60, 140, 128), (96, 1)).astype(np.uint8)
    cv2.line(scan, (50, 20), (56, 80), 250, 2, cv2.LINE_AA)
    cv2.line(scan, (20, 40), (110, 46), 250, 2, cv2.LINE_AA)
    path = tmp_path / "scan.png"
    Image.fromarray(scan).save(path)
    return path


def test_the_mask_is_what_python_finds(run, pixels, scan_file):
    done = run("find", scan_file, "--damage")
    target = scan_file.with_name("scan-damage.png")
    assert done.code == 0
    assert done.out == b""
    found = retouch.find_damage(pixels(scan_file))
    assert np.array_equal(pixels(target), found * np.uint8(255))
    assert found[30, 51]
    assert done.err.startswith("found ")
    assert done.err.splitlines()[1].startswith(f"wrote {target} in ")


def test_nothing_found_is_said(run, pixels, tmp_path):
    path = tmp_path / "plain.tif"
    Image.fromarray(np.full((40, 50, 3), 128, np.uint8)).save(path)
    done = run("find", path, "--damage", "-o", tmp_path / "mask.png")
    assert done.err.startswith("found no damage\n")
    assert not pixels(tmp_path / "mask.png").any()


def test_protected_places_are_left_alone(run, pixels, scan_file, tmp_path):
    protect = np.zeros((96, 128), np.uint8)
    protect[:, :90] = 255
    Image.fromarray(protect).save(tmp_path / "protect.png")
    run("find", scan_file, "--damage", "-o", tmp_path / "m.png", "--protect", tmp_path / "protect.png", "-q")
    mask = pixels(tmp_path / "m.png")
    assert not mask[:, :90].any()
    assert mask[45, 95:105].any()


def test_the_hints_about_masks_name_options_that_there_are(run, refused, pixels, scan_file, tmp_path):
    random = np.random.default_rng(0)
    soft = random.integers(0, 256, (48, 64), np.uint8)  # half the size, and all tones of a photo
    Image.fromarray(soft).save(tmp_path / "protect.png")
    words = ["find", scan_file, "--damage", "-o", tmp_path / "m.png", "--protect", tmp_path / "protect.png"]
    refused(*words, "--trust-mask", says="use --resize-mask")
    refused(*words, "--resize-mask", says="use --trust-mask")
    Image.fromarray(np.full((96, 128), 255, np.uint8)).save(tmp_path / "white.png")
    white = [*words[:-1], tmp_path / "white.png"]
    refused(*white, says="may be inverted")
    assert run(*white, "--trust-mask", "--overwrite").code == 0
    assert run(*words, "--resize-mask", "--trust-mask", "--overwrite").code == 0
    assert pixels(tmp_path / "m.png").shape == (96, 128)


def test_mistakes_are_said(refused, scan_file, tmp_path):
    refused("find", scan_file, says="Add --damage or --text")
    refused("find", scan_file, "--damage", "--json", says="are for --text")
    refused("find", scan_file, "--damage", "--sensitivity", "2", says="from 0 to 1")
    refused("find", scan_file, "--text", "--sensitivity", "0.5", says="is for --damage")
    refused("find", scan_file, "--damage", "-o", "-", says="name one that ends in .png")
    refused("find", scan_file, "--damage", "-o", scan_file, says="the same file")
    refused("find", scan_file, "--damage", "-o", tmp_path / "mask.jpg", says=".png")


def test_the_protect_mask_is_not_replaced(refused, scan_file, tmp_path):
    Image.fromarray(np.zeros((96, 128), np.uint8)).save(tmp_path / "p.png")
    words = ("--damage", "--protect", tmp_path / "p.png", "-o", tmp_path / "p.png", "--overwrite")
    refused("find", scan_file, *words, says="-o and --protect are the same file")
