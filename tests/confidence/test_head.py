"""The head that judges fills: its shape and size, what it says of what, and its files."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.confidence.head import DEEPEST, NAME, ConfidenceHead, open_head, right
from retouch.errors import RetouchError
from retouch.weights import write_weights

torch.set_num_threads(1)
CPU = torch.device("cpu")


def untrained(seed=0):
    torch.manual_seed(seed)
    return ConfidenceHead().eval()


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_it_is_small():
    assert sum(each.numel() for each in ConfidenceHead().parameters()) < 300_000


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), batch=st.integers(1, 2))
def test_any_size(height, width, batch):
    mask = (noise(batch, 1, height, width, seed=1) > 0.5).float()
    confidence = untrained().confidence(noise(batch, 3, height, width), mask)
    assert confidence.shape == mask.shape
    assert bool((confidence[mask == 0] == 1).all())
    hole = confidence[mask > 0]
    assert bool(((hole > 0) & (hole < 1)).all())


def test_padding_continues_the_picture():
    head, image, mask = untrained(), noise(1, 3, 40, 52), torch.zeros(1, 1, 40, 52)
    mask[..., 10:, 20:] = 1
    below, right_ = -40 % DEEPEST, -52 % DEEPEST
    padded = [
        torch.nn.functional.pad(each, (0, right_, 0, below), mode="replicate") for each in (image, mask)
    ]
    with torch.no_grad():
        assert torch.equal(head(image, mask), head(*padded)[..., :40, :52])


def test_items_do_not_depend_on_each_other():
    head, image, mask = untrained(), noise(3, 3, 32, 48), (noise(3, 1, 32, 48, seed=1) > 0.5).float()
    together = head.confidence(image, mask)
    for item in range(3):
        alone = head.confidence(image[item : item + 1], mask[item : item + 1])
        assert torch.allclose(together[item : item + 1], alone, atol=1e-5)


def test_a_part_of_the_picture_far_away_changes_nothing():
    """What is said of a hole does not depend on how much else the picture shows."""
    head, image, mask = untrained(), noise(1, 3, 32, 512), torch.zeros(1, 1, 32, 512)
    mask[..., 8:24, 8:24] = 1
    other = image.clone()
    other[..., 400:] = 0
    assert torch.allclose(head.confidence(image, mask), head.confidence(other, mask), atol=1e-6)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [([0.09, 0.09, 0.09], 1), ([0.11, 0.11, 0.11], 0), ([0.27, 0.0, 0.0], 1), ([-0.2, 0.2, 0.0], 0)],
)
def test_right_is_within_a_tenth_on_average_over_channels(difference, expected):
    truth = torch.full((1, 3, 2, 2), 0.5)
    fill = truth + torch.tensor(difference)[:, None, None]
    assert right(fill, truth).tolist() == [[[[expected] * 2] * 2]]


def test_files_are_opened(tmp_path):
    head, path = untrained(), tmp_path / "mine.safetensors"
    write_weights(path, NAME, head.state_dict(), {})
    opened = open_head(CPU, path)
    image, mask = noise(1, 3, 32, 32), torch.ones(1, 1, 32, 32)
    assert torch.allclose(opened.confidence(image, mask), head.confidence(image, mask), atol=1e-2)
    assert not any(each.requires_grad for each in opened.parameters())


def test_files_of_something_else_are_refused(weights_file, tmp_path):
    with pytest.raises(RetouchError, match="holds weights of 'contextual-attention', not of confidence-head"):
        open_head(CPU, weights_file)
    with pytest.raises(RetouchError, match="no weights file"):
        open_head(CPU, tmp_path / "gone.safetensors")


def test_the_packages_head_is_read_once_and_trusts_a_sky_more_than_a_crowd():
    head = open_head(CPU)
    assert head is open_head(CPU)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    sky = torch.linspace(0.3, 0.5, 64)[None, None, :, None].expand(1, 3, 64, 64)
    crowd = noise(1, 3, 16, 16).repeat_interleave(4, 2).repeat_interleave(4, 3)
    inside = mask > 0
    assert head.confidence(sky, mask)[inside].mean() > 0.8
    assert head.confidence(crowd, mask)[inside].mean() < 0.6
