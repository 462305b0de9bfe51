"""Configuration files of runs."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from retouch.errors import RetouchError
from retouch.models.contextual_attention.network import LITE, PAPER
from retouch.training.recipes.contextual_attention import ContextualAttentionRecipe
from retouch.training.recipes.pen_net import PenNetRecipe
from retouch.training.settings import Run, Schedule, build_config, differences, dump_config

CONFIGS = sorted((Path(__file__).parents[2] / "src/retouch/training/configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_each_shipped_file_is_complete_and_comes_back_whole(path):
    content = yaml.safe_load(path.read_text())
    assert dump_config(build_config(content)) == content


def test_the_paper_file_says_what_was_published():
    config = build_config(yaml.safe_load((CONFIGS[0].parent / "contextual-attention-paper.yaml").read_text()))
    assert config.recipe == ContextualAttentionRecipe()  # the defaults are the paper's
    assert (config.recipe.width, config.run.batch, config.run.steps) == (PAPER, 16, 1_000_000)


def test_the_paper_file_of_pen_net_says_what_was_published():
    config = build_config(yaml.safe_load((CONFIGS[0].parent / "pen-net-paper.yaml").read_text()))
    assert config.recipe == PenNetRecipe()
    assert (config.run.optimizer.betas, config.run.batch) == ((0.5, 0.999), 16)


def test_the_lite_file_trains_the_lite_width():
    config = build_config(yaml.safe_load((CONFIGS[0].parent / "contextual-attention-lite.yaml").read_text()))
    assert (config.recipe.width, config.run.data.size) == (LITE, 128)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"steps": 3}, "model must be one of contextual-attention, pen-net"),
        ({"model": "lama", "steps": 3}, "not 'lama'"),
        ({"model": "contextual-attention"}, "steps is missing"),
        ({"model": "contextual-attention", "steps": 3, "stepz": 3}, "no setting stepz"),
        ({"model": "contextual-attention", "steps": 3, "recipe": {"gama": 0.9}}, "no setting recipe.gama"),
        ({"model": "contextual-attention", "steps": 3, "recipe": 5}, "recipe must hold keys"),
        ({"model": "contextual-attention", "steps": 3, "recipe": {"gamma": 1.5}}, r"gamma in \(0, 1\]"),
        ({"model": "contextual-attention", "steps": 3, "data": {"size": 100}}, "96, 128, 160"),
        ({"model": "contextual-attention", "steps": 3, "data": {"size": 64}}, "96, 128, 160"),
        ({"model": "contextual-attention", "steps": 3, "data": {"held_out": 0}}, "held_out"),
        ({"model": "contextual-attention", "steps": 0}, "steps, batch and accumulate"),
        ({"model": ["contextual-attention"], "steps": 3}, "model must be one of"),
        ({"model": "contextual-attention", "steps": 3, "seed": -1}, "seed must be"),
        ({"model": "contextual-attention", "steps": 3, "seed": 2**70}, "seed must be"),
        ({"model": "contextual-attention", "steps": 3, "recipe": {"width": float("inf")}}, "finite"),
        ({"model": "contextual-attention", "steps": 3, "recipe": {"width": 5.0}}, "width must be from"),
        ({"model": "contextual-attention", "steps": 3, "optimizer": {"lr": float("nan")}}, "finite"),
        ({"model": "contextual-attention", "steps": 3, "schedule": {"final": -1.0}}, "final in"),
        ({"model": "contextual-attention", "steps": 3, "data": {"masks": {"kind": ["x"]}}}, "needs a kind"),
        ({"model": "contextual-attention", "steps": 3, "average": 1.0}, "average"),
        ({"model": "contextual-attention", "steps": 3, "optimizer": {"lr": 0}}, "lr must be"),
        ({"model": "contextual-attention", "steps": 3, "watch": {"log_every": 0}}, "at least 1"),
    ],
)
def test_what_is_wrong_is_said(content, words):
    with pytest.raises(RetouchError, match=words):
        build_config(content)


def test_learning_rate_rises_then_falls_as_told():
    linear = Schedule(warmup=4, decay="linear", final=0.5)
    assert [linear.factor(step, 12) for step in (0, 1, 3, 4, 8, 12)] == [0.25, 0.5, 1, 1, 0.75, 0.5]
    cosine = Schedule(decay="cosine", final=0.2)
    assert [cosine.factor(step, 10) for step in (0, 5, 10)] == pytest.approx([1, 0.6, 0.2])
    assert Schedule().factor(99, 100) == 1


@given(st.integers(0, 20), st.sampled_from(["none", "linear", "cosine"]), st.floats(0, 1))
def test_the_rate_never_rises_after_the_warmup(warmup, decay, final):
    factors = [Schedule(warmup, decay, final).factor(step, 50) for step in range(50)]
    assert all(one >= other for one, other in zip(factors[warmup:], factors[warmup + 1 :], strict=False))
    assert all(0 < factor <= 1 for factor in factors[:warmup])


def test_differences_have_dotted_names():
    one = {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}
    other = {"a": 1, "b": {"c": 5, "d": 3}, "f": 6}
    assert differences(one, other) == {"b.c": (2, 5), "e": (4, None), "f": (None, 6)}
    assert differences(one, one) == {}


def test_defaults_make_a_run():
    assert Run("contextual-attention", 5).data.size == 256
