"""No change of the code may quietly change what a shipped model makes; see golden_samples.py.

Other processors add in another order. Networks forgive that; where patches are chosen, one choice brings
another, so those may differ by about as much as two seeds do.
"""

import numpy as np
import pytest
import torch
from tests.models.golden_samples import FOLDER, NAMES, hole, make, read, tensors

from retouch.evaluation.metrics.st_lpips import st_lpips
from retouch.models import CARDS

torch.set_num_threads(1)

# Mean absolute difference in the hole, of 255, and ST-LPIPS to the picture; others may hardly differ.
CHOOSING = {
    "exemplar": (5.9, 0.024),
    "neural-patch": (9.0, 0.035),
    "infer-match-translate": (3.3, 0.012),
    "context-encoder": (3.0, 0.01),
}
STEADY = (1.0, 0.01)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_still_looks_the_same(name):
    made, golden = make(name), read(name)
    difference, distance = CHOOSING.get(name, STEADY)
    assert np.abs(made.astype(float) - golden)[hole()].mean() < difference
    with torch.no_grad():
        found = st_lpips()(tensors(made)[0], tensors(golden)[0])[0, 0].numpy()
    assert found[hole()].mean() < distance


def test_every_shipped_model_has_a_picture():
    shipped = {card.name for card in CARDS if card.widths}
    assert shipped <= set(NAMES)
    assert {path.stem for path in FOLDER.glob("*.png")} == {*NAMES, "photo", "mask"}
