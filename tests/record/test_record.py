"""A record says what was done, by its schema, and without a place of this machine."""

import hashlib
import json
import shlex

import numpy as np
import pytest
from PIL import Image

import retouch
from retouch.api.arguments import DEFAULTS
from retouch.imaging import read_photo
from retouch.imaging.provenance import HUMAN_EDITS, WITH_TRAINED
from retouch.recording.record import schema

jsonschema = pytest.importorskip("jsonschema")


def check(record):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(record)))


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_record_of_a_command(run, photo_file, mask_file, tmp_path, hole):
    kept = tmp_path / "kept.png"
    Image.fromarray(~hole).save(kept)
    words = ("--include", kept, "--seed", 5, "--dilate", 2, "--option", "patch=7", "--record", "--quiet")
    assert run("fill", photo_file, mask_file, *words).code == 0
    out = tmp_path / "photo-filled.png"
    record = json.loads((tmp_path / "photo-filled.json").read_text())
    check(record)
    assert record["original"] | {"file": "photo.png", "sha256": digest(photo_file)} == record["original"]
    assert (record["original"]["width"], record["original"]["height"]) == (128, 96)
    assert record["mask"] | {"given": True, "file": "mask.png", "sha256": digest(mask_file)} == record["mask"]
    assert record["arguments"]["include"] == {"file": "kept.png", "sha256": digest(kept)}
    assert record["arguments"]["options"] == {"patch": "7"}
    assert record["result"]["sha256"] == digest(out)
    assert record["model"] == {"name": "exemplar", "loaded": False, "trained": False, "weights": []}
    assert (record["seed"], record["device"], record["source_type"]) == (5, "cpu", HUMAN_EDITS)
    # The boxes hold what was filled, and no place of this machine is in any of it.
    assert sum(each["pixels"] for each in record["boxes"]) == sum(record["filled_by"].values())
    assert sum(record["filled_by"].values()) == record["mask"]["pixels"] > hole.sum()
    assert str(tmp_path) not in json.dumps(record)
    assert str(tmp_path).encode() not in out.read_bytes()

    # The command makes the same pixels.
    command = shlex.split(record["command"])
    assert command[:2] == ["retouch", "fill"]
    out.rename(tmp_path / "first.png")
    again = [str(tmp_path / each) if each.endswith(".png") else each for each in command[1:]]
    assert run(*again, "--overwrite").code == 0
    assert np.array_equal(read_photo(out).pixels, read_photo(tmp_path / "first.png").pixels)


def test_numbers_of_numpy_are_plain_in_a_record(photo, hole):
    given = {"dilate": np.int16(1), "invert_mask": np.bool_(False), "seed": np.uint8(3)}
    record = retouch.fill(photo, hole, model="telea", record=True, **given).record
    check(record)
    assert (record["arguments"]["dilate"], record["seed"]) == (1, 3)
    assert record["arguments"]["invert_mask"] is False


def test_a_record_in_python(photo, photo_file, mask_file, hole, tmp_path):
    result = retouch.fill(photo_file, mask_file, model="telea", record=True, confidence=True)
    check(result.record)
    assert json.loads((tmp_path / "photo-filled.json").read_text()) == result.record
    assert not result.record["model"]["trained"]  # a network that judges fills nothing
    assert retouch.fill(photo, hole, model="telea").record is None
    untold = retouch.fill(photo, hole, model=retouch.load("telea"), avoid=hole, record=True).record
    check(untold)
    assert untold["original"]["file"] is untold["mask"]["sha256"] is None
    assert untold["model"]["loaded"]
    bytes_only = retouch.fill(photo_file.read_bytes(), hole, model="telea", record=True)
    check(bytes_only.record)
    assert bytes_only.record["result"]["sha256"] == hashlib.sha256(bytes_only.image).hexdigest()
    empty = retouch.fill(photo_file.read_bytes(), np.zeros_like(hole), record=True)
    check(empty.record)
    assert (empty.record["boxes"], empty.record["source_type"]) == ([], None)
    assert empty.image == photo_file.read_bytes()


def test_weights_have_digests(photo_file, mask_file, weights_file):
    record = retouch.fill(
        photo_file, mask_file, model=weights_file, upsampling="residual", record=True
    ).record
    check(record)
    assert record["model"]["name"] == "tiny.safetensors"
    assert record["model"]["weights"] == [{"file": "tiny.safetensors", "sha256": digest(weights_file)}]
    assert record["source_type"] == WITH_TRAINED
    assert "torch" in record["versions"]


@pytest.mark.parametrize(
    ("model", "trained"),
    [
        ("exemplar", False),
        ("telea", False),
        ("contextual-attention", True),
        ("exemplar+neural-patch", True),
        ("contextual-attention+exemplar", True),
    ],
)
def test_what_counts_as_trained(model, trained):
    assert retouch.load(model).by_network == trained


@pytest.mark.parametrize(
    ("upsampling", "working_size", "trained"),
    [("network", 16, True), ("network", 512, False), ("auto", 16, False), ("residual", 16, False)],
)
def test_a_network_that_makes_the_detail_is_told_if_it_did(upsampling, working_size, trained, photo, hole):
    """Patches of 11 are filled in torch, where the network is at hand."""
    given = {"options": {"patch": 11}, "upsampling": upsampling, "working_size": working_size}
    record = retouch.fill(photo, hole, record=True, **given).record
    check(record)
    assert record["model"]["trained"] == trained
    assert (record["source_type"] == WITH_TRAINED) == trained
    assert bool(record["model"]["weights"]) == (upsampling == "network")


def test_only_networks_are_marked_unasked(photo_file, mask_file, weights_file, tmp_path):
    plain, network = tmp_path / "plain.png", tmp_path / "network.png"
    retouch.fill(photo_file, mask_file, output=plain)
    assert read_photo(plain).header.xmp is None
    retouch.fill(photo_file, mask_file, model=weights_file, output=network)
    assert WITH_TRAINED.encode() in read_photo(network).header.xmp
    assert b"stEvt:when" not in read_photo(network).header.xmp  # the same input gives the same file
    assert not network.with_suffix(".json").exists()


def test_an_empty_mask_marks_nothing(photo_file, weights_file, hole):
    result = retouch.fill(photo_file, np.zeros_like(hole), model=weights_file, record=True)
    assert result.image.read_bytes() == photo_file.read_bytes()


def test_what_cannot_be_recorded(run, photo_file, mask_file, tmp_path):
    done = run("fill", photo_file, mask_file, "-o", "-", "--record")
    assert (done.code, done.out) == (2, "")
    assert "name the result's file after -o" in done.err
    record = tmp_path / "photo-filled.json"
    record.write_text("mine")
    assert "photo-filled.json exists already" in run("fill", photo_file, mask_file, "--record").err
    with pytest.raises(retouch.RetouchError, match="exists already"):
        retouch.fill(photo_file, mask_file, record=True)
    assert record.read_text() == "mine"
    assert not (tmp_path / "photo-filled.png").exists()


def test_every_argument_is_recorded_or_known_not_to_matter(photo, hole):
    record = retouch.fill(photo, hole, model="telea", record=True).record
    elsewhere = {"seed", "device"}
    harmless = {"in_place", "on_progress", "output", "overwrite", "trace", "record", "sign", "tsa"}
    assert set(record["arguments"]) | elsewhere | harmless == DEFAULTS.keys()
