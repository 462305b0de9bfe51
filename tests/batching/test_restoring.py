"""Batches of scans to restore, through ``retouch.batch``."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

import retouch
from retouch import RetouchError
from retouch.batching.jobs import Job, given_options, read_option
from retouch.batching.pairing import folder_jobs
from retouch.batching.restoring import command_of


def scratched(path, seed, *, channels=3):
    """A soft scene with a white scratch; its fourth channel is an infrared picture of the scratch."""
    random = np.random.default_rng(seed)
    scene = cv2.GaussianBlur(random.normal(0, 7, (160, 200, 3)).astype(np.float32), (0, 0), 20)
    scene = np.rint((0.45 + scene + random.normal(0, 0.02, scene.shape)).clip(0.1, 0.7) * 255).astype(
        np.uint8
    )
    scratch = np.zeros((160, 200), np.uint8)
    cv2.line(scratch, (30 + seed, 15), (70, 140), 255, 2)
    scene[scratch > 0] = 250
    path.parent.mkdir(parents=True, exist_ok=True)
    if channels == 4:
        seen = random.normal(200, 1.5, (160, 200)) - 0.5 * scratch
        tifffile.imwrite(
            path,
            np.dstack([scene, seen.clip(0, 255).astype(np.uint8)]),
            photometric="rgb",
            extrasamples=("unspecified",),
        )
    else:
        Image.fromarray(scene).save(path)
    return scratch > 0


@pytest.fixture
def scans(tmp_path):
    """``scans/`` with a, and with b one folder below."""
    scratched(tmp_path / "scans" / "a.tif", 1)
    scratched(tmp_path / "scans" / "sub" / "b.png", 2)
    return tmp_path


@pytest.fixture
def restore_all(scans):
    """Restore the scans; returns outcomes by the name of the result."""

    def restore_all(masks=None, **given):
        place = None if masks is None else scans / masks
        given = {"recursive": True, "restore": True, "output": scans / "out"} | given
        done = retouch.batch(scans / "scans", place, **given)
        return {Path(each.output).relative_to(scans / "out").as_posix(): each for each in done}

    return restore_all


def outcomes(found):
    return {name: each.outcome for name, each in found.items()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_results_are_those_of_restore(scans, restore_all):
    found = restore_all(sensitivity=0.75, report=True)
    assert outcomes(found) == {"a.tif": "filled", "sub/b.png": "filled"}
    for name in ("a.tif", "sub/b.png"):
        photo, result = scans / "scans" / name, scans / "out" / name
        alone = retouch.restore(photo, sensitivity=0.75, output=scans / ("alone" + photo.suffix))
        assert 0.005 < alone.mask.mean() < 0.05
        assert result.read_bytes() == alone.image.read_bytes()
        mask = result.with_name(f"{result.stem}-mask.png")
        assert np.array_equal(np.asarray(Image.open(mask)) > 0, alone.mask)
        record = json.loads(result.with_suffix(".json").read_text("utf-8"))
        for part, path in (("original", photo), ("result", result), ("mask", mask)):
            assert (record[part]["file"], record[part]["sha256"]) == (path.name, digest(path))
        assert record["found"] == alone.record["found"]
        wanted = f"retouch restore {photo.name} --sensitivity 0.75 --report {photo.stem}.html -o {photo.name}"
        assert record["command"] == wanted
        assert photo.name in result.with_suffix(".html").read_text("utf-8")
        for each in (alone.image, scans / "alone-mask.png", scans / "alone.json"):
            each.unlink()


def test_it_goes_on_where_it_was(scans, restore_all):
    restore_all()
    assert set(outcomes(restore_all()).values()) == {"done"}
    (scans / "out" / "a-mask.png").unlink()
    assert outcomes(restore_all()) == {"a.tif": "filled", "sub/b.png": "done"}
    assert set(outcomes(restore_all(sensitivity=0.9)).values()) == {"filled"}
    (scans / "out" / "sub" / "b.json").write_text("mine")
    again = restore_all(sensitivity=0.9)
    assert outcomes(again) == {"a.tif": "done", "sub/b.png": "failed"}
    assert "is not what this batch wrote" in again["sub/b.png"].error


def test_masks_say_what_to_mend_and_what_to_protect(scans, restore_all):
    for name in ("a", "sub/b"):
        mask = np.zeros((160, 200), np.uint8)
        mask[20:40, 20:60] = 255
        (scans / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(scans / "masks" / f"{name}.png")
    kept = np.zeros((160, 200), np.uint8)
    kept[:, :40] = 255
    Image.fromarray(kept).save(scans / "kept.png")
    assert set(outcomes(restore_all("masks", protect=scans / "kept.png")).values()) == {"filled"}
    record = json.loads((scans / "out" / "sub" / "b.json").read_text("utf-8"))
    assert record["found"]["by"] == "mask"
    assert "--mask b.png --protect kept.png" in record["command"]
    mended = np.asarray(Image.open(scans / "out" / "sub" / "b-mask.png")) > 0
    assert mended.sum() == 20 * 20
    assert not mended[:, :40].any()
    with pytest.raises(RetouchError, match="leave one of them out"):
        restore_all("masks", sensitivity=0.3)


def test_the_folder_of_an_earlier_run_is_one_of_masks(scans, restore_all):
    restore_all()
    corrected = scans / "out" / "a-mask.png"
    Image.fromarray(np.zeros((160, 200), np.uint8)).save(corrected)
    again = restore_all("out", output=scans / "out" / "again")
    assert outcomes(again) == {"again/a.tif": "filled", "again/sub/b.png": "filled"}
    assert Path(again["again/a.tif"].mask) == corrected
    assert (scans / "out" / "again" / "a.tif").read_bytes() == (scans / "scans" / "a.tif").read_bytes()
    first, second = (scans / "out" / each / "sub" / "b.png" for each in ("", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_results_of_an_earlier_run_are_never_masks(scans):
    """A photo whose name ends like a mask's, and one whose mask was removed."""
    scratched(scans / "scans" / "a-mask.tif", 3)
    done = retouch.batch(scans / "scans", output=scans / "earlier", recursive=True, restore=True)
    assert [each.outcome for each in done] == ["filled"] * 3
    (scans / "earlier" / "sub" / "b-mask.png").unlink()
    jobs = {
        job.name: job
        for job in folder_jobs(
            str(scans / "scans"), str(scans / "earlier"), out=str(scans / "out2"), recursive=True,
            options={"restore": True},
        )
    }  # fmt: skip
    assert jobs["a.tif"].mask == str(scans / "earlier" / "a-mask.png")
    assert jobs["a-mask.tif"].mask == str(scans / "earlier" / "a-mask-mask.png")
    assert jobs["sub/b.png"].mask is None
    assert "There is no mask for" in jobs["sub/b.png"].problem


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("scans/a.tif,m.png,yes,0.3,,", "line 2: A mask says where damage is, and sensitivity how"),
        ("scans/a.tif,m.png,yes,,scans/a.tif,", "line 2: A mask says where damage is, and infrared how"),
        ("scans/a.tif,,yes,,,a.json", "line 2: a.json is also the name of what is written beside it"),
    ],
)
def test_mistakes_of_a_table_are_said_before_the_work(scans, row, says):
    (scans / "list.csv").write_text(f"photo,mask,restore,sensitivity,infrared,output\n{row}\n")
    with pytest.raises(RetouchError, match=says):
        list(retouch.batch(scans / "list.csv", output=scans / "out"))


def test_the_photos_cannot_protect_themselves(scans, restore_all):
    with pytest.raises(RetouchError, match="holds the photos, so it cannot be protect"):
        restore_all(protect=scans / "scans")


def test_the_fourth_channel_says_where_the_dust_is(tmp_path):
    dirt = scratched(tmp_path / "scans" / "c.tif", 3, channels=4)
    (done,) = retouch.batch(
        tmp_path / "scans", output=tmp_path / "out", restore=True, infrared=tmp_path / "scans"
    )
    assert (done.outcome, done.error) == ("filled", "")
    record = json.loads((tmp_path / "out" / "c.json").read_text("utf-8"))
    assert record["found"]["by"] == "infrared"
    assert "--infrared c.tif" in record["command"]
    mended = np.asarray(Image.open(tmp_path / "out" / "c-mask.png")) > 0
    assert mended[dirt].mean() > 0.9
    assert mended.mean() < 0.1


def test_infrared_scans_are_paired_by_name_and_one_that_is_missing_is_said(scans):
    scratched(scans / "ir" / "a.png", 1)
    options = {"restore": True, "infrared": str(scans / "ir")}
    first, second = folder_jobs(
        str(scans / "scans"), None, out=str(scans / "out"), recursive=True, options=options
    )
    assert (Path(first.options["infrared"]), first.problem) == (scans / "ir" / "a.png", "")
    assert second.unmasked
    assert "There is no infrared scan for" in second.problem


def test_the_own_fourth_channel_is_not_that_of_a_namesake(scans):
    scratched(scans / "scans" / "a.png", 1)
    options = {"restore": True, "infrared": f"{scans}/scans/../scans/"}
    found = folder_jobs(str(scans / "scans"), None, out=str(scans / "out"), options=options)
    assert [job.options["infrared"] for job in found] == [job.photo for job in found]
    assert all("would both be written to a.json; rename one." in job.problem for job in found)


def test_a_table_may_fill_and_restore(scans):
    hole = np.zeros((160, 200), np.uint8)
    hole[20:40, 20:60] = 255
    Image.fromarray(hole).save(scans / "hole.png")
    table = "photo,mask,restore,sensitivity,model\nscans/a.tif,,yes,0.2,\nscans/sub/b.png,hole.png,,,telea\n"
    (scans / "list.csv").write_text(table)
    found = list(retouch.batch(scans / "list.csv", output=scans / "out"))
    assert [(each.outcome, each.error) for each in found] == [("filled", "")] * 2
    assert (scans / "out" / "scans" / "a.json").is_file()
    assert not (scans / "out" / "scans" / "sub" / "b.json").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"restore": True, "model": "telea"}, "Restoring has no option model"),
        ({"restore": True, "record": True}, "Restoring has no option record"),
        ({"sensitivity": 0.4}, "The option sensitivity is for restoring"),
        ({"report": True}, "The option report is for restoring"),
        ({"restore": True, "sensitivity": 1.2}, "a number from 0 to 1, not 1.2"),
        ({"restore": True, "sensitivity": float("nan")}, "a number from 0 to 1, not nan"),
        ({"restore": True, "sensitivity": "high"}, "a number from 0 to 1, not 'high'"),
        ({"restore": True, "sensitivity": True}, "a number from 0 to 1, not True"),
        ({"restore": "yes"}, "restore takes True or False"),
        ({"restore": True, "protect": 3}, "protect takes the path of a picture, not 3"),
        ({"avoid": True}, "avoid takes the path of a picture, not True"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given, says):
    with pytest.raises(RetouchError, match=says):
        given_options(given)


def test_a_sensitivity_in_a_table_is_a_number():
    assert read_option("sensitivity", "0.25") == 0.25
    with pytest.raises(RetouchError, match="a number from 0 to 1, not 'much'"):
        read_option("sensitivity", "much")


def test_the_command_restores_one_scan_alone():
    options = {"restore": True, "sensitivity": 0.2, "protect": "keep/a b.png", "trust_mask": True, "seed": 4}
    job = Job("scans/a b.tif", None, "sub/a b.png", options)
    wanted = (
        "retouch restore 'a b.tif' --protect 'a b.png' --sensitivity 0.2 --seed 4 --trust-mask -o 'a b.png'"
    )
    assert command_of(job) == wanted
    assert job.names == {"photo": "sub/a b.png", "mask": "sub/a b-mask.png", "record": "sub/a b.json"}
