import hashlib
import json
import os
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

import retouch
from retouch.imaging import photo_from_array, read_photo, write_photo
from retouch.native import library
from retouch.ops.masks import dilate


def texture(shape=(96, 128, 3), dtype=np.uint16):
    random = np.random.default_rng(0)
    return random.normal(0.5, 0.04, shape).clip(0, 1).__mul__(np.iinfo(dtype).max).astype(dtype)


@pytest.fixture
def scan(tmp_path):
    """A scan of 48 bits with a white scratch, and a mask of it."""
    pixels, mask = texture(), np.zeros((96, 128), np.uint8)
    mask[20:70, 60:63] = mask[80:84, 20:24] = 255
    pixels[mask > 0] = 65535
    write_photo(photo_from_array(pixels), tmp_path / "scan.tif")
    Image.fromarray(mask).save(tmp_path / "looked-at.png")
    return tmp_path / "scan.tif", tmp_path / "looked-at.png", pixels, mask > 0


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_looked_at_mask_is_mended_and_nothing_else(run, scan, tmp_path):
    file, looked_at, pixels, mask = scan
    before = file.read_bytes()
    done = run("restore", file, "--mask", looked_at)
    assert done.code == 0, done.err
    made = read_photo(tmp_path / "scan-restored.tif").pixels
    assert made.dtype == np.uint16
    assert np.array_equal(made[~mask], pixels[~mask])
    assert (made[mask] < 60000).all()
    assert file.read_bytes() == before
    assert "mended 1 scratch, 1 speck: 1.4 % of the photo" in done.err


def test_the_record_says_what_was_changed_and_with_what(run, scan, tmp_path):
    file, looked_at, _, mask = scan
    run("restore", file, "--mask", looked_at, "--seed", 7)
    record = json.loads((tmp_path / "scan-restored.json").read_text("utf-8"))
    assert record["original"] == {
        "file": "scan.tif", "sha256": digest(file), "width": 128, "height": 96, "channels": 3, "bits": 16,
    }  # fmt: skip
    for name, made in (("result", "scan-restored.tif"), ("mask", "scan-restored-mask.png")):
        assert record[name] == {"file": made, "sha256": digest(tmp_path / made)}
    assert record["seed"] == 7
    assert record["command"] == f"retouch restore {file} --mask {looked_at} --seed 7"
    assert record["versions"]["retouch"] == retouch.__version__
    assert record["found"]["by"] == "mask"
    assert record["found"]["sensitivity"] is None
    assert record["found"]["pixels"] == mask.sum()
    assert record["found"]["kinds"] == {"scratch": 1, "speck": 1}
    by = "exemplar" if library() is None else "mend"  # thin damage is mended by the compiled part
    assert record["filled_by"] == {by: int(mask.sum())}
    assert np.array_equal(np.asarray(Image.open(tmp_path / "scan-restored-mask.png")) > 0, mask)


def test_the_same_command_makes_the_same_files(run, scan, tmp_path):
    file, looked_at, *_ = scan
    made = []
    for _ in range(2):
        run("restore", file, "--mask", looked_at, "--overwrite")
        made.append([digest(tmp_path / f"scan-restored{each}") for each in (".tif", ".json", "-mask.png")])
    assert made[0] == made[1]


def test_protected_areas_stay(run, scan, tmp_path):
    file, looked_at, pixels, mask = scan
    protect = np.zeros((96, 128), np.uint8)
    protect[:, 50:] = 255
    Image.fromarray(protect).save(tmp_path / "protect.png")
    run("restore", file, "--mask", looked_at, "--protect", tmp_path / "protect.png", "-o", tmp_path / "o.tif")
    made = read_photo(tmp_path / "o.tif").pixels
    assert np.array_equal(made[:, 50:], pixels[:, 50:])
    assert (made[mask & (protect == 0)] < 60000).all()


def test_damage_can_be_grown_but_not_into_what_is_protected(run, scan, tmp_path):
    file, looked_at, _, mask = scan
    protect = np.zeros((96, 128), np.uint8)
    protect[:, 63:] = 255
    Image.fromarray(protect).save(tmp_path / "protect.png")
    run("restore", file, "--mask", looked_at, "--dilate", 2, "--protect", tmp_path / "protect.png")
    made = np.asarray(Image.open(tmp_path / "scan-restored-mask.png")) > 0
    assert np.array_equal(made, dilate(mask, 2) & (protect == 0))
    told = json.loads((tmp_path / "scan-restored.json").read_text())["found"]
    assert told["pixels"] == (mask & (protect == 0)).sum()  # what was found, not what it was grown to


def test_the_report_needs_no_other_file(run, scan, tmp_path):
    file, looked_at, *_ = scan
    assert run("restore", file, "--mask", looked_at, "--report", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.count("<figure>") == 2
    assert page.count("data:image/jpeg;base64,") == 1 + 2 * 3
    assert "http" not in page
    assert "scratch: 1, speck: 1" in page


def test_what_was_found_in_infrared_is_mended(run, scan, tmp_path):
    file, _, pixels, mask = scan
    infrared = np.full((96, 128), 50000, np.uint16)
    infrared[mask] = 20000
    write_photo(photo_from_array(infrared), tmp_path / "ir.tif")
    done = run("restore", file, "--infrared", tmp_path / "ir.tif")
    assert done.code == 0, done.err
    made = read_photo(tmp_path / "scan-restored.tif").pixels
    assert (made[mask] < 60000).all()
    assert (made != pixels).any(2).mean() < 0.06
    assert json.loads((tmp_path / "scan-restored.json").read_text())["found"]["by"] == "infrared"


@pytest.mark.parametrize("kind", ["unspecified", "unassalpha"])
def test_infrared_as_the_fourth_channel(run, scan, tmp_path, kind):
    _, _, pixels, mask = scan
    infrared = np.full((96, 128, 1), 50000, np.uint16)
    infrared[mask] = 20000
    four = np.concatenate([pixels, infrared], axis=2)
    tifffile.imwrite(tmp_path / "four.tif", four, photometric="rgb", extrasamples=[kind])
    done = run("restore", tmp_path / "four.tif", "--infrared", tmp_path / "four.tif")
    assert done.code == 0, done.err
    made = read_photo(tmp_path / "four-restored.tif")
    assert (made.pixels[mask] < 60000).all()
    if kind == "unspecified":
        assert np.array_equal(made.extra, infrared)


def test_scans_of_few_bits_stay_what_they_are(run, tmp_path):
    page = np.ones((64, 64), bool)
    page[20:24] = False
    page[40:43, 30:33] = False
    Image.fromarray(page).save(tmp_path / "page.tif", compression="group4")
    mask = np.zeros((64, 64), np.uint8)
    mask[38:45, 28:35] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert run("restore", tmp_path / "page.tif", "--mask", tmp_path / "mask.png").code == 0
    made = Image.open(tmp_path / "page-restored.tif")
    assert made.mode == "1"
    assert np.asarray(made)[36:50].all()
    assert not np.asarray(made)[20:24].any()


def test_a_palette_becomes_the_colours_that_it_stands_for(run, tmp_path):
    Image.fromarray(texture((64, 64, 3), np.uint8)).quantize(16).save(tmp_path / "few.png")
    mask = np.zeros((64, 64), np.uint8)
    mask[30:34, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert run("restore", tmp_path / "few.png", "--mask", tmp_path / "mask.png").code == 0
    made = np.asarray(Image.open(tmp_path / "few-restored.png"))
    before = np.asarray(Image.open(tmp_path / "few.png").convert("RGB"))
    assert np.array_equal(made[mask == 0], before[mask == 0])


def test_nothing_to_mend_copies_the_scan(run, scan, tmp_path):
    file, *_ = scan
    Image.fromarray(np.zeros((96, 128), np.uint8)).save(tmp_path / "none.png")
    assert run("restore", file, "--mask", tmp_path / "none.png").code == 0
    assert (tmp_path / "scan-restored.tif").read_bytes() == file.read_bytes()
    assert json.loads((tmp_path / "scan-restored.json").read_text())["found"]["kinds"] == {}


def test_the_scan_is_never_replaced(refused, scan):
    file, looked_at, *_ = scan
    refused("restore", file, "--mask", looked_at, "-o", file, "--overwrite", says="never replaced")
    refused("restore", file, "--mask", looked_at, "--report", file, "--overwrite", says="never replaced")


@pytest.mark.parametrize("size", [(2500, 2), (2, 2500)])
def test_a_report_of_a_narrow_scan(size, run, tmp_path):
    file, looked_at = tmp_path / "narrow.png", tmp_path / "looked-at.png"
    Image.new("RGB", size, (90, 80, 70)).save(file)
    mask = Image.new("L", size)
    mask.putpixel((size[0] // 2, size[1] // 2), 255)
    mask.save(looked_at)
    done = run("restore", file, "--mask", looked_at, "--report", tmp_path / "r.html")
    assert done.code == 0, done.err
    assert "<figure>" in (tmp_path / "r.html").read_text("utf-8")


@pytest.mark.parametrize("words", [("-o", "looked-at.png"), ("--report", "looked-at.png")])
def test_what_is_read_is_never_replaced(refused, scan, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    refused("restore", "scan.tif", "--mask", "looked-at.png", "--overwrite", *words, says="is read and would")
    words = (*words, "--mask", "looked-at.png", "--protect", "looked-at.png")
    refused("restore", "scan.tif", "--overwrite", *words, says="is read and would")
    (tmp_path / "looked-at.png").rename("scan-restored-mask.png")
    refused(
        "restore", "scan.tif", "--mask", "scan-restored-mask.png", "--overwrite", says="is read and would"
    )
    (tmp_path / "other-name.tif").hardlink_to(tmp_path / "scan.tif")
    refused("restore", "scan.tif", "--overwrite", "-o", "other-name.tif", says="never replaced")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_recorded_with_a_question_mark(run, scan, tmp_path):
    file, looked_at, *_ = scan
    odd = file.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.tif"))
    done = run(
        "restore", odd, "--mask", looked_at, "-o", tmp_path / "out.tif", "--report", tmp_path / "r.html"
    )
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["original"]["file"] == "caf?.tif"
    assert "caf?.tif" in (tmp_path / "r.html").read_text("utf-8")


def test_mistakes_are_said_before_anything_is_written(refused, scan, tmp_path):
    file, looked_at, *_ = scan
    (tmp_path / "scan-restored.json").write_text("{}")
    refused("restore", file, "--mask", looked_at, says="scan-restored.json exists already")
    (tmp_path / "scan-restored.json").unlink()
    refused("restore", file, "--mask", looked_at, "--dilate", -1, says="0 or more")
    refused("restore", "-", "--mask", looked_at, says="files, not pipes")
    refused("restore", file, "--mask", looked_at, "-o", "", says="has no name")
    refused("restore", file, "--infrared", file, says="no fourth channel")
    refused("restore", file, "--mask", looked_at, "--infrared", file, says="give one of them")


def test_the_options_have_the_arguments_defaults(shared_options):
    names = {"mask", "output", "sensitivity", "protect", "infrared", "dilate", "report", "seed"}
    assert names <= shared_options("restore")


def test_arrays_come_back_as_arrays(scan):
    _, _, pixels, mask = scan
    before = pixels.copy()
    made = retouch.restore(pixels, mask)
    assert np.array_equal(pixels, before)
    assert np.array_equal(made.image[~mask], pixels[~mask])
    assert np.array_equal(made.mask, mask)
    assert made.kinds == {"scratch": 1, "speck": 1}
    assert made.record["original"]["file"] is None


def test_a_mask_that_is_probably_inverted_is_refused(run, scan, tmp_path):
    file, looked_at, _, mask = scan
    for name, pixels in (("inverted.png", ~mask), ("full.png", np.ones_like(mask))):
        Image.fromarray(pixels.astype(np.uint8) * 255).save(tmp_path / name)
        done = run("restore", file, "--mask", tmp_path / name)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "may be inverted" in done.err
    assert not list(tmp_path.glob("scan-restored*"))
    done = run("restore", file, "--mask", looked_at, "--protect", tmp_path / "inverted.png")
    assert "The protect mask covers 99 % of the photo" in done.err
    assert not list(tmp_path.glob("scan-restored*"))
    assert run("restore", file, "--mask", tmp_path / "inverted.png", "--trust-mask").code == 0
    done = run("restore", file, "--mask", tmp_path / "full.png", "--trust-mask", "--overwrite")
    assert "nothing is left to mend it from" in done.err


def test_a_mask_that_grows_over_nearly_everything_is_not_taken_for_an_inverted_one(run, scan):
    file, looked_at, *_ = scan
    done = run("restore", file, "--mask", looked_at, "--dilate", 60)
    assert done.code == 0, done.err


def test_a_sensitivity_beside_a_mask_is_refused(run, scan, tmp_path):
    file, looked_at, *_ = scan
    done = run("restore", file, "--mask", looked_at, "--sensitivity", 0.5)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "leave one of them out" in done.err
    assert not list(tmp_path.glob("scan-restored*"))


def test_alpha_under_the_mask_is_mended_too(scan):
    _, _, pixels, mask = scan
    alpha = np.full(mask.shape, 65535, np.uint16)
    alpha[mask] = 20000
    made = retouch.restore(np.dstack([pixels, alpha]), mask)
    assert np.array_equal(made.image[~mask], np.dstack([pixels, alpha])[~mask])
    assert (made.image[mask][:, 3] > 60000).all()


def test_a_report_is_a_page(run, scan, tmp_path):
    file, looked_at, *_ = scan
    done = run("restore", file, "--mask", looked_at, "--report", tmp_path / "report.txt")
    assert done.code == 2
    assert "name it report.html" in done.err
    assert not list(tmp_path.glob("scan-restored*"))
