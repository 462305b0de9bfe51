"""Configuration: strict to read, and the same when written and read again."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from retouch import RetouchError
from retouch.options import build, dump
from retouch.training.config import config_names, find_config, override, read_yaml


@dataclass(frozen=True)
class Rectangles:
    side: tuple[int, int] = (4, 8)


@dataclass(frozen=True)
class Strokes:
    width: float = 2.0
    parts: tuple[float, ...] = ()


@dataclass(frozen=True)
class Mixture:
    of: tuple[Rectangles | Strokes, ...]


@dataclass(frozen=True)
class Optimizer:
    lr: float = 1e-4
    kind_of_decay: Literal["none", "cosine"] = "none"

    def __post_init__(self):
        if self.lr <= 0:
            raise ValueError(f"lr must be above 0, not {self.lr}.")


@dataclass(frozen=True)
class Config:
    steps: int
    masks: Rectangles | Strokes | Mixture
    optimizer: Optimizer = field(default_factory=Optimizer)
    note: str | None = None
    flip: bool = True


FULL = {
    "steps": 10,
    "masks": {
        "kind": "mixture",
        "of": [{"kind": "strokes", "width": 3, "parts": [1, 2.5]}, {"kind": "rectangles"}],
    },
    "optimizer": {"lr": "2e-4"},
    "flip": False,
}


def test_a_whole_configuration():
    config = build(Config, FULL)
    assert config == Config(
        10, Mixture((Strokes(3.0, (1.0, 2.5)), Rectangles())), Optimizer(2e-4), None, False
    )
    assert isinstance(config.masks.of[0].width, float)


def test_written_and_read_again_it_is_the_same(tmp_path):
    import yaml

    config = build(Config, FULL)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(dump(config)))
    assert build(Config, read_yaml(path)) == config
    assert dump(config)["optimizer"] == {"lr": 2e-4, "kind_of_decay": "none"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"step": 1}, "no setting step; choose from steps"),
        ({"optimizer": {"rate": 1}}, "no setting optimizer.rate"),
        ({"masks": {"kind": "circles"}}, "one of rectangles, strokes, mixture"),
        ({"masks": {"kind": "rectangles", "side": [1, 2, 3]}}, "must hold 2 values"),
        ({"masks": {"kind": "rectangles", "side": 4}}, "masks.side must be a list"),
        (
            {"masks": {"kind": "mixture", "of": [{"kind": "strokes", "width": "wide"}]}},
            r"masks.of\[0\].width",
        ),
        ({"steps": 1.5}, "steps must be int"),
        ({"steps": True}, "steps must be int"),
        ({"flip": 1}, "flip must be bool"),
        ({"optimizer": {"kind_of_decay": "linear"}}, "none, cosine"),
        ({"optimizer": 3}, "optimizer must hold keys"),
        ({"optimizer": {"lr": -1}}, "above 0"),
    ],
)
def test_mistakes_are_named(change, sentence):
    with pytest.raises(RetouchError, match=sentence):
        build(Config, {**FULL, **change})


def test_a_field_without_default_is_needed():
    with pytest.raises(RetouchError, match="steps is missing"):
        build(Config, {"masks": {"kind": "rectangles"}})


def test_changes_from_the_command_line_leave_the_file_alone():
    changed = override(FULL, ["optimizer.lr=3e-4", "steps=7", "note=a test", "masks.of=[{kind: rectangles}]"])
    config = build(Config, changed)
    assert (config.optimizer.lr, config.steps, config.note) == (3e-4, 7, "a test")
    assert config.masks == Mixture((Rectangles(),))
    assert FULL["optimizer"] == {"lr": "2e-4"}


@pytest.mark.parametrize("change", ["steps", "=3", "steps.more=3", "masks={kind: strokes"])
def test_changes_that_make_no_sense(change):
    with pytest.raises(RetouchError, match="--set"):
        override(FULL, [change])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("steps: 1\nsteps: 2", "stands twice"), ("- 1", "keys and values"), ("a: [", "no valid YAML")],
)
def test_bad_files(tmp_path, text, sentence):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(RetouchError, match=sentence):
        read_yaml(path)
    with pytest.raises(RetouchError, match="Cannot read"):
        read_yaml(tmp_path / "nowhere.yaml")


def test_a_configuration_is_found_by_name_or_path(tmp_path, monkeypatch):
    assert "contextual-attention-lite" in config_names()
    for name in config_names():
        assert find_config(name).name == f"{name}.yaml"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("steps: 1")
    (tmp_path / "pen-net-lite").write_text("steps: 2")
    assert read_yaml(find_config("mine.yaml")) == {"steps": 1}
    assert read_yaml(find_config(tmp_path / "mine.yaml")) == {"steps": 1}
    assert read_yaml(find_config("pen-net-lite")) == {"steps": 2}  # a file goes before a name


@pytest.mark.parametrize("given", ["contextual-attention", "configs/pen-net-lite.yaml", ""])
def test_a_wrong_name_lists_what_there_is(given):
    with pytest.raises(RetouchError, match=r"There is no configuration .* confidence-head, context-enc"):
        find_config(given)
