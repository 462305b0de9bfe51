"""``retouch find --text``: a mask of the text, and its boxes."""

import json

import numpy as np
import pytest
from PIL import Image
from tests.finding.test_date_stamps import background, stamped

from retouch.finding import text


@pytest.fixture(autouse=True)
def no_detector(monkeypatch):
    monkeypatch.setattr(text, "has_detector", lambda: False)


def save(image, path):
    Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(path)
    return path


def test_the_mask_covers_a_date_and_its_box_is_listed(run, pixels, tmp_path):
    image, digits = stamped(background())
    done = run("find", save(image, tmp_path / "photo.png"), "--text", "--json")
    assert done.code == 0, done.err
    mask = pixels(tmp_path / "photo-text.png")
    assert set(np.unique(mask)) == {0, 255}
    assert (mask[digits] == 255).mean() > 0.99
    listed = json.loads(done.out)
    assert (listed["width"], listed["height"]) == (800, 600)
    (found,) = listed["texts"]
    assert found["kind"] == "date stamp"
    (left, top), _, (right, bottom), _ = found["corners"]
    rows, columns = np.nonzero(mask)
    assert (left, top, right, bottom) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert done.err.startswith("found 1 date stamp\n")


@pytest.mark.parametrize("shape", [(1, 50, 3), (50, 1, 3), (1, 1, 3)])
def test_a_line_of_pixels_has_no_date(shape, run, tmp_path):
    file = save(np.full(shape, 0.4), tmp_path / "line.png")
    done = run("find", file, "--text", "-o", tmp_path / "mask.png")
    assert done.code in (0, 2)
    assert "Traceback" not in done.err


def test_what_was_not_looked_for_is_said(run, pixels, tmp_path):
    done = run(
        "find", save(background((300, 400)), tmp_path / "photo.png"), "--text", "-o", tmp_path / "m.png"
    )
    assert done.code == 0
    assert done.err.startswith("found no text\nonly orange dates were looked for")
    assert not pixels(tmp_path / "m.png").any()


def test_mistakes_are_said(run, refused, tmp_path):
    file = save(background((60, 80)), tmp_path / "photo.png")
    done = run("find", file, "--text", "--where", "anywhere")
    assert done.code == 2
    assert (
        done.err == "retouch: rapidocr is not installed; in a clone of retouch, run: pip install '.[text]'\n"
    )
    assert not (tmp_path / "photo-text.png").exists()
    refused("find", file, "--damage", "--where", "anywhere", says="are for --text")
