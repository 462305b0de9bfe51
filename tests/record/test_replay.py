"""A record gives the same fill again, or a sentence on what is another."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image
from tests.references.made import hole as made_hole
from tests.references.made import moved, punched, scene, shot

import retouch
from retouch.imaging import read_photo
from retouch.imaging.provenance import COMPOSITE


@pytest.fixture
def made(photo_file, mask_file):
    """The record of a fill."""
    retouch.fill(photo_file, mask_file, model="telea", record=True)
    return photo_file.with_name("photo-filled.json")


def change(record, *path, to):
    content = json.loads(record.read_text())
    inner = content
    for each in path[:-1]:
        inner = inner[each]
    inner[path[-1]] = to
    record.write_text(json.dumps(content))


def test_the_same(run, made):
    done = run("replay", made)
    assert (done.code, done.err) == (0, "")
    assert done.out == "The fill is the same: the same pixels, and the same file.\n"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=some.sampled_from(["telea", "navier-stokes", "exemplar"]),
    seed=some.integers(0, 2**31),
    dilate=some.integers(0, 3),
    kind=some.sampled_from(
        [("png", "uint8"), ("png", "uint16"), ("tif", "uint16"), ("jpg", "uint8"), ("webp", "uint8")]
    ),
    wrap=some.sampled_from(["auto", "both"]),
)
def test_whatever_was_asked_for(photo, hole, tmp_path, model, seed, dilate, kind, wrap):
    from retouch.imaging import photo_from_array, write_photo

    ending, dtype = kind
    picture = photo.astype(dtype) * (257 if dtype == "uint16" else 1)
    file, mask = tmp_path / f"photo.{ending}", tmp_path / "mask.png"
    write_photo(photo_from_array(picture), file, overwrite=True)
    Image.fromarray(hole).save(mask)
    result = retouch.fill(
        file, mask, model=model, seed=seed, dilate=dilate, wrap=wrap, record=True, overwrite=True
    )
    again = retouch.replay(
        result.image.with_suffix(".json"), output=tmp_path / f"again.{ending}", overwrite=True
    )
    assert again.same, again.says
    assert (tmp_path / f"again.{ending}").read_bytes() == result.image.read_bytes()


def test_a_network_and_its_options(photo_file, mask_file, weights_file, run):
    out = photo_file.with_name("out.png")
    retouch.fill(photo_file, mask_file, model=weights_file, output=out, record=True)
    done = run("replay", out.with_suffix(".json"))
    assert done.code == 2
    assert "tiny.safetensors is not beside the record; put it there" in done.err
    shutil.copy(weights_file, photo_file.parent)
    assert run("replay", out.with_suffix(".json")).code == 0


def test_other_weights_are_named(photo_file, mask_file, weights_file, pyramid_file):
    out = photo_file.with_name("out.png")
    retouch.fill(photo_file, mask_file, model=weights_file, output=out, record=True)
    shutil.copy(pyramid_file, photo_file.with_name("tiny.safetensors"))
    again = retouch.replay(out.with_suffix(".json"))
    assert not again.same
    assert again.says == "The pixels differ: the weights tiny.safetensors are others."


def test_the_transparent_area(photo, hole, tmp_path):
    file = tmp_path / "cut.png"
    Image.fromarray(np.dstack([photo, np.where(hole, 0, 255).astype(np.uint8)])).save(file)
    retouch.fill(file, record=True)
    assert retouch.replay(tmp_path / "cut-filled.json").same


def test_elsewhere_with_other_names(made, photo_file, mask_file, tmp_path, run):
    folder = tmp_path / "archive"
    folder.mkdir()
    photo, mask = photo_file.rename(folder / "a.png"), mask_file.rename(folder / "b.png")
    done = run("replay", made)
    assert done.code == 2
    assert "photo.png is not beside the record; name it with --photo FILE" in done.err
    out = tmp_path / "again.png"
    assert run("replay", made, "--photo", photo, "--mask", mask, "-o", out).code == 0
    assert out.read_bytes() == made.with_suffix(".png").read_bytes()


def test_a_result_with_its_photos_name_is_not_taken_for_it(photo_file, mask_file, tmp_path, run, monkeypatch):
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / photo_file.name
    retouch.fill(photo_file, mask_file, model="telea", record=True, output=output)
    record = output.with_suffix(".json")
    monkeypatch.chdir(tmp_path / "out")
    done = run("replay", record, "--mask", mask_file)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "name the photo with --photo" in done.err
    monkeypatch.chdir(photo_file.parent)
    done = run("replay", record, "--mask", mask_file)
    assert (done.code, done.err) == (0, "")


def test_other_photos(tmp_path, run):
    truth, mask = shot(scene()), made_hole()
    pictures = {"photo": punched(truth, mask), "mask": mask, "other": shot(scene(), moved())}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    words = ("--from", tmp_path / "other.png", "--model", "telea", "--record")
    assert run("fill", tmp_path / "photo.png", tmp_path / "mask.png", *words).code == 0
    record = tmp_path / "photo-filled.json"
    told = json.loads(record.read_text())
    assert told["source_type"] == COMPOSITE
    assert [each["file"] for each in told["arguments"]["references"]] == ["other.png"]
    assert "--from other.png" in told["command"]
    assert run("replay", record).code == 0
    Image.fromarray(truth).save(tmp_path / "other.png")
    assert run("replay", record).out == "The reference 1 other.png is another file than that of the record.\n"


def test_a_mask_that_was_no_file(photo_file, mask_file, hole, tmp_path, run):
    retouch.fill(photo_file, hole, model="telea", record=True)
    record = tmp_path / "photo-filled.json"
    assert "The mask of this record has no name; name its file with --mask FILE" in run("replay", record).err
    assert run("replay", record, "--mask", mask_file).code == 0
    Image.fromarray(~hole).save(mask_file)
    change(record, "arguments", "trust_mask", to=True)
    done = run("replay", record, "--mask", mask_file)
    assert (done.code, done.out) == (1, "The pixels differ: the mask gives another hole.\n")


def test_a_photo_that_was_replaced(photo_file, mask_file, run):
    before = photo_file.read_bytes()
    words = ("fill", photo_file, mask_file, "--model", "telea", "--record", "-o", photo_file, "--overwrite")
    assert run(*words).code == 0
    record = photo_file.with_suffix(".json")
    assert "photo.png is the result of this record" in run("replay", record).err
    kept = photo_file.with_name("kept.png")
    kept.write_bytes(before)
    assert run("replay", record, "--photo", kept).code == 0


@pytest.mark.parametrize("which", ["photo", "mask"])
def test_another_input(made, run, tmp_path, which):
    file = tmp_path / f"{which}.png"
    array = np.asarray(Image.open(file)).copy()
    array[0, 0] = ~array[0, 0]
    Image.fromarray(array).save(file)
    done = run("replay", made)
    assert (done.code, done.err) == (1, "")
    assert done.out == f"The {which} {which}.png is another file than that of the record.\n"


def test_another_version(made, run):
    change(made, "versions", "retouch", to="0.0.1")
    assert run("replay", made).code == 0  # it makes no difference
    change(made, "result", "sha256", to="0" * 64)
    done = run("replay", made)
    assert done.code == 1
    here = retouch.__version__
    assert done.out == f"The pixels are the same, but the file differs: retouch is {here}, and was 0.0.1.\n"
    change(made, "result", "pixels_sha256", to="0" * 64)
    assert run("replay", made).out == f"The pixels differ: retouch is {here}, and was 0.0.1.\n"
    change(made, "versions", "retouch", to=here)
    assert "photo, mask, weights and versions are those of the record" in run("replay", made).out


def test_what_is_no_record(run, made, tmp_path, photo_file):
    for content, sentence in (
        ("{", "is no record"),
        ("[]", "is no record of the kind"),
        ('{"format": "retouch fill 99"}', "is no record of the kind"),
        ('{"format": "retouch fill 1"}', "is damaged: it lacks when, command"),
    ):
        other = tmp_path / "other.json"
        other.write_text(content)
        done = run("replay", other)
        assert (done.code, sentence in done.err, done.err.count("\n")) == (2, True, 1), done.err
    assert "cannot be read" in run("replay", tmp_path / "none.json").err
    assert "ends in .png" in run("replay", made, "-o", tmp_path / "again.jpg").err
    assert "exists already" in run("replay", made, "-o", photo_file).err
    change(made, "model", "loaded", to=True)
    assert "handed over in Python" in run("replay", made).err


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("mask",), None, "is damaged: mask is missing or wrong"),
        (("model",), None, "is damaged: model is missing or wrong"),
        (("model", "weights"), {}, "is damaged: model/weights is missing or wrong"),
        (("mask", "given"), "yes", "is damaged: mask/given is missing or wrong"),
        (("original", "sha256"), 5, "is damaged: original/sha256 is missing or wrong"),
        (("versions",), {}, "is damaged: versions/retouch is missing or wrong"),
        (("arguments",), {}, "is damaged: arguments/model is missing or wrong"),
        (("arguments", "model"), None, "is damaged: it names no model"),
        (("arguments", "model"), "gone.safetensors", "does not say which file gone.safetensors was"),
        (("arguments", "avoid"), "mask.png", "is damaged: arguments/avoid is missing or wrong"),
        (("arguments", "references"), [None], "is damaged: arguments/references is missing or wrong"),
        (("arguments", "working_size"), "wide", "is damaged: arguments/working_size is missing or wrong"),
        (("arguments", "options"), [], "is damaged: arguments/options is missing or wrong"),
        (("arguments", "options"), {"patch": [7]}, "telea has no options"),
        (("arguments", "magic"), 5, "has the argument magic, which retouch does not know here"),
        (("arguments", "magic"), 0, "has the argument magic, which retouch does not know here"),
        (("arguments", "overwrite"), True, "has the argument overwrite, which retouch does not know here"),
    ],
)
def test_a_damaged_record_is_a_sentence(run, made, path, value, sentence):
    change(made, *path, to=value)
    done = run("replay", made)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert sentence in done.err


def test_a_record_of_another_version_holds(run, made):
    """One from before an argument was added, and one from after, where it has its default."""
    content = json.loads(made.read_text())
    for name in ("avoid", "references", "wrap", "options"):
        del content["arguments"][name]
    content["arguments"] |= {"magic": None, "more_magic": False}
    content["added"] = "LATER"
    made.write_text(json.dumps(content).replace('"LATER"', "[" * 900 + "]" * 900))
    assert run("replay", made).code == 0


def test_a_list_among_the_options(photo_file, mask_file):
    retouch.fill(photo_file, mask_file, model="telea", record=True)
    record = photo_file.with_name("photo-filled.json")
    change(record, "arguments", "model", to="exemplar")
    change(record, "arguments", "options", to={"bogus": [1, 2]})
    with pytest.raises(retouch.RetouchError, match="bogus"):
        retouch.replay(record)


def test_nothing_that_is_read_is_replaced(run, photo_file, mask_file, tmp_path):
    avoid, link = tmp_path / "avoid.png", tmp_path / "link.png"
    shutil.copy(mask_file, avoid)
    retouch.fill(photo_file, mask_file, model="telea", record=True, avoid=avoid)
    record = tmp_path / "photo-filled.json"
    link.symlink_to(record)
    before = {each: each.read_bytes() for each in (mask_file, avoid, record)}
    for target, what in ((mask_file, "mask"), (avoid, "avoid mask"), (link, "record")):
        done = run("replay", record, "-o", target, "--overwrite")
        assert (done.code, done.out) == (2, "")
        assert f"{target} is the {what}, and would be replaced" in done.err
    assert {each: each.read_bytes() for each in before} == before
    assert run("replay", record, "-o", photo_file, "--overwrite").code == 0  # as retouch fill can


def test_an_empty_mask(photo_file, mask_file, hole):
    Image.fromarray(np.zeros_like(hole)).save(mask_file)
    retouch.fill(photo_file, mask_file, record=True)
    assert retouch.replay(photo_file.with_name("photo-filled.json")).same
    assert read_photo(photo_file).header.xmp is None
