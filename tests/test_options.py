"""Options by name: what text and values become."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from retouch import RetouchError
from retouch.options import make_options


@dataclass(frozen=True)
class Some:
    count: int = 3
    share: float = 0.5
    names: tuple[str, ...] = ("a",)
    steps: tuple[int, ...] = (1, 2)
    way: Literal["near", "far"] = "near"
    whole: bool = False


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, Some()),
        ({"count": "4"}, Some(count=4)),
        ({"count": 4.0}, Some(count=4)),
        ({"count": np.int64(4), "share": np.float32(0.25)}, Some(count=4, share=0.25)),
        ({"share": "1e-3"}, Some(share=0.001)),
        ({"share": 2}, Some(share=2.0)),
        ({"names": "b, c"}, Some(names=("b", "c"))),
        ({"names": ""}, Some(names=())),
        ({"steps": [5]}, Some(steps=(5,))),
        ({"steps": 5}, Some(steps=(5,))),
        ({"steps": "7,8", "way": "far"}, Some(steps=(7, 8), way="far")),
        ({"whole": "Yes"}, Some(whole=True)),
        ({"whole": "false"}, Some()),
    ],
)
def test_values_and_text(given, made):
    found = make_options(Some, given, "thing")
    assert found == made
    assert type(found.count) is int
    assert type(found.share) is float
    assert type(found.whole) is bool


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"size": 1}, "thing has no option 'size'; its options are count, share, names, steps, way, whole."),
        ({"count": "4.5"}, "The option count of thing takes a whole number, not '4.5'."),
        ({"count": True}, "takes a whole number, not True"),
        ({"count": 4.5}, "takes a whole number, not 4.5"),
        ({"share": "much"}, "takes a number, not 'much'"),
        ({"share": "nan"}, "takes a number, not 'nan'"),
        ({"names": (1,)}, "takes text, one or more with commas between"),
        ({"steps": "1,x"}, "takes a whole number, one or more with commas between, not '1,x'"),
        ({"way": "up"}, "takes near or far, not 'up'"),
        ({"whole": "perhaps"}, "takes yes or no, not 'perhaps'"),
        ({"whole": 1}, "takes yes or no, not 1"),
        ({"count": None}, "takes a whole number, not None"),
        ({"steps": None}, "takes a whole number, one or more with commas between, not None"),
    ],
)
def test_what_cannot_be(given, sentence):
    with pytest.raises(RetouchError) as caught:
        make_options(Some, given, "thing")
    assert sentence in str(caught.value)
