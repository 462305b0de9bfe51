"""Weights files: what goes in comes out, rounded to half precision, and nothing else is taken."""

import json
import os
import struct

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import nn

import retouch.weights
from retouch import RetouchError
from retouch.weights import Weights, read_weights, restore, shipped, write_weights

KINDS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


def tensor(seed, shape, kind):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 100
    return values.abs().clamp(max=250).to(kind)


@given(
    shapes=st.dictionaries(
        st.text(min_size=1, max_size=12).filter(lambda name: name != "__metadata__"),
        st.tuples(st.lists(st.integers(0, 4), max_size=4), st.sampled_from(KINDS)),
        max_size=5,
    ),
    about=st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text()
            | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    ),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path, shapes, about):
    tensors = {name: tensor(number, *each) for number, (name, each) in enumerate(shapes.items())}
    path = tmp_path / "a.safetensors"
    write_weights(path, "some-model", tensors, about, overwrite=True)
    found = read_weights(path)
    assert (found.model, found.about, found.path) == ("some-model", about, path)
    assert set(found.tensors) == set(tensors)
    for name, each in tensors.items():
        if each.is_floating_point():
            assert found.tensors[name].dtype == torch.float32
            assert torch.equal(found.tensors[name], each.half().float())
            assert torch.allclose(found.tensors[name], each.float(), rtol=2**-11, atol=2**-25)
        else:
            assert found.tensors[name].dtype == each.dtype
            assert torch.equal(found.tensors[name], each)


def test_parameters_views_and_shared_tensors_are_written(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = {"a": nn.Parameter(whole), "b": whole.T, "c": whole, "d": torch.arange(4).expand(2, 4)}
    write_weights(tmp_path / "a.safetensors", "m", tensors, {})
    found = read_weights(tmp_path / "a.safetensors").tensors
    assert all(torch.equal(found[name], each) for name, each in tensors.items())
    assert (tmp_path / "a.safetensors").stat().st_size < 1000


@pytest.mark.parametrize("value", [70000.0, float("inf"), float("nan")])
def test_values_that_half_precision_cannot_hold(tmp_path, value):
    bad = torch.zeros(3)
    bad[1] = value
    with pytest.raises(RetouchError, match=r"layer\.bias holds values"):
        write_weights(tmp_path / "a.safetensors", "m", {"ok": torch.zeros(2), "layer.bias": bad}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("about", [{"loss": float("nan")}, {"path": os}, {1.5: {2, 3}}])
def test_what_json_cannot_hold(tmp_path, about):
    with pytest.raises(RetouchError, match="plain JSON"):
        write_weights(tmp_path / "a.safetensors", "m", {}, about)


def test_nothing_is_replaced_unless_told(tmp_path):
    path = tmp_path / "a.safetensors"
    write_weights(path, "m", {"x": torch.zeros(1)}, {})
    with pytest.raises(RetouchError, match="--overwrite"):
        write_weights(path, "m", {"x": torch.ones(1)}, {})
    assert read_weights(path).tensors["x"] == 0
    write_weights(path, "m", {"x": torch.ones(1)}, {}, overwrite=True)
    assert read_weights(path).tensors["x"] == 1
    assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_link_stays_a_link(tmp_path):
    link, path = tmp_path / "latest.safetensors", tmp_path / "a.safetensors"
    write_weights(path, "m", {"x": torch.zeros(1)}, {})
    link.symlink_to(path)
    write_weights(link, "m", {"x": torch.ones(1)}, {}, overwrite=True)
    assert link.is_symlink()
    assert read_weights(path).tensors["x"] == 1


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, broken):
    path = tmp_path / "a.safetensors"
    write_weights(path, "m", {"x": torch.zeros(1)}, {})

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail) if broken == "fsync" else patch.setattr(type(path), "replace", fail)
        with pytest.raises(RetouchError, match="No space left"):
            write_weights(path, "m", {"x": torch.ones(1)}, {}, overwrite=True)
    assert read_weights(path).tensors["x"] == 0
    assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.pt", "ends in .safetensors; rename a.pt"),
        ("a", "ends in .safetensors"),
        ("gone/a.safetensors", "gone does not exist"),
        ("folder.safetensors", "is a folder"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, name, sentence):
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(RetouchError, match=sentence):
        write_weights(tmp_path / name, "m", {}, {}, overwrite=True)


def header(**metadata):
    return save({"x": torch.zeros(2)}, metadata)


GOOD = header(format="retouch 1", model="m", about="{}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no weights file"),
        (b"", "no safetensors file"),
        (b"PK\x03\x04" + bytes(200), "no safetensors file"),
        (GOOD[:-1], "cut off"),
        (GOOD[:20], "cut off"),
        (struct.pack("<Q", 2**60) + GOOD[8:], "no safetensors file"),
        (save({"x": torch.zeros(2)}), "not exported by retouch"),
        (header(format="pt"), "not exported by retouch"),
        (header(format="retouch 1", model="m"), "not exported by retouch"),
        (header(format="retouch 1", about="{}"), "not exported by retouch"),
        (header(format="retouch 2", model="m", about="{}"), "format 2, .* install a newer one"),
        (header(format="retouch 1", model="m", about='{"config'), "no JSON"),
        (header(format="retouch 1", model="m", about="[1]"), "no keys"),
    ],
)
def test_files_that_are_refused(tmp_path, content, sentence):
    path = tmp_path / "a.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RetouchError, match=sentence) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)
    with pytest.raises(RetouchError, match="no weights file"):
        read_weights(tmp_path)


def test_what_was_read_does_not_hang_on_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    write_weights(path, "m", {"n": torch.arange(5), "x": torch.ones(1000)}, {})
    found = read_weights(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert torch.equal(found.tensors["n"], torch.arange(5))
    assert torch.equal(found.tensors["x"], torch.ones(1000))


def test_the_header_can_be_read_without_this_package(tmp_path):
    path = tmp_path / "a.safetensors"
    write_weights(path, "m", {"x": torch.zeros(2)}, {"steps": 7, "data": "Straße"})
    content = path.read_bytes()
    metadata = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])["__metadata__"]
    assert metadata["format"] == "retouch 1"
    assert json.loads(metadata["about"]) == {"steps": 7, "data": "Straße"}


def test_files_that_are_part_of_the_package(tmp_path, monkeypatch):
    with pytest.raises(RetouchError, match="lacks the weights file no-such"):
        shipped("no-such.safetensors")
    monkeypatch.setattr(retouch.weights, "__file__", str(tmp_path / "__init__.py"))
    save_file({}, tmp_path / "a.safetensors")
    assert shipped("a.safetensors") == tmp_path / "a.safetensors"


def layers():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def given_weights(tensors, path):
    return Weights("nets", tensors, {}, path / "a.safetensors")


def test_a_network_gets_its_values_back(tmp_path):
    before, after = layers(), layers()
    write_weights(tmp_path / "a.safetensors", "nets", before.state_dict(), {})
    restore(after, read_weights(tmp_path / "a.safetensors"))
    for (name, one), other in zip(before.state_dict().items(), after.state_dict().values(), strict=True):
        assert one.dtype == other.dtype, name
        np.testing.assert_allclose(one, other, rtol=2**-11, atol=2**-25)


def test_what_does_not_fit_a_network_is_named(tmp_path):
    network = layers()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    tensors = dict(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).state_dict())
    with pytest.raises(
        RetouchError,
        match=r"a\.safetensors does not fit .*nets: 0\.weight is 4×2 instead of 3×2 \(and 6 more\); ",
    ):
        restore(network, given_weights(tensors, tmp_path))
    tensors = {**before, "3.bias": torch.zeros(1), "1.num_batches_tracked": torch.zeros(1)}
    del tensors["2.weight"], tensors["2.bias"]
    with pytest.raises(
        RetouchError,
        match=r"1\.num_batches_tracked is 1 instead of a single value, 2\.weight is missing \(and 1 more\), "
        r"3\.bias is unexpected; ",
    ):
        restore(network, given_weights(tensors, tmp_path))
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
