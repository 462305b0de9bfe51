"""The randomised search: close to the exact one, seeded, and glad of a good start."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from retouch.matching.correspondence import match
from retouch.matching.patch_scores import patch_scores
from retouch.matching.patch_search import search_randomised
from retouch.matching.patches import patch_grid

pytestmark = pytest.mark.usefixtures("each_search")


def textured(height=96, width=96, channels=3):
    """Waves of a few scales and grain, in [0, 1]: repetitive, but nowhere quite the same."""
    generator = torch.Generator().manual_seed(0)
    image = torch.zeros(1, channels, height, width)
    for size in (4, 12, 32):
        grain = torch.rand(1, channels, size, size, generator=generator)
        image += F.interpolate(grain, (height, width), mode="bicubic", align_corners=False)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image += 0.5 * torch.sin(rows / 3) * torch.cos(columns / 5 + rows / 40)
    image += 0.05 * torch.rand(1, channels, height, width, generator=generator)
    return (image - image.amin()) / (image.amax() - image.amin())


def box(height=96, width=96):
    mask = torch.zeros(1, 1, height, width)
    mask[..., height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 1
    return mask


def gain(image, mask, **options):
    """How much of what exact search gains over a random choice the approximate search gains."""
    exact = match(image, mask, **options).similarities[0].mean()
    found = match(image, mask, method="approximate", **options).similarities[0].mean()
    grid = patch_grid(mask[0, 0] > 0, mask[0, 0] == 0, options["patch"])
    sources = grid.sources.nonzero()[:, 0]
    draw = torch.randint(len(sources), grid.queries.shape, generator=torch.Generator().manual_seed(1))
    chance = patch_scores(image[0], grid, options["similarity"]).pairs(grid.queries, sources[draw]).mean()
    assert found <= exact + 1e-6
    return float((found - chance) / (exact - chance))


@pytest.mark.parametrize("kind", ["cosine", "squared-distance"])
def test_close_to_exact_in_colour(kind):
    assert gain(textured(), box(), patch=7, similarity=kind) > 0.95


def test_close_to_exact_in_features():
    torch.manual_seed(3)
    filters = torch.randn(24, 3, 5, 5)
    features = F.relu(F.conv2d(textured(), filters, padding=2))
    options = {"patch": 3, "similarity": "cosine"}
    exact = match(features, box(), **options).similarities[0].mean()
    found = match(features, box(), method="approximate", **options).similarities[0].mean()
    assert found >= 0.95 * exact
    assert gain(features, box(), **options) > 0.9


def test_close_to_exact_on_a_photo():
    photos = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))
    if not photos:
        pytest.skip("no example photo")
    image_module = pytest.importorskip("PIL.Image")
    numpy = pytest.importorskip("numpy")
    with image_module.open(photos[0]) as photo:
        pixels = numpy.asarray(photo.convert("RGB").resize((96, 96)))
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255
    options = {"patch": 7, "similarity": "cosine"}
    exact = match(image, box(), **options).similarities[0].mean()
    found = match(image, box(), method="approximate", **options).similarities[0].mean()
    assert found >= 0.95 * exact


def test_same_seed_same_result():
    image, mask = textured(48, 48), box(48, 48)
    state = torch.get_rng_state()
    first, again, other = (
        match(image, mask, patch=5, method="approximate", seed=seed).field() for seed in (7, 7, 8)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_perfect_start_is_kept():
    torch.manual_seed(4)
    image, mask = torch.rand(1, 3, 40, 80), torch.zeros(1, 1, 40, 80)
    mask[..., 10:30, 10:30] = 1
    image[..., :40] = image[..., 40:]
    options = {"patch": 5, "similarity": "squared-distance"}
    exact = match(image, mask, **options)
    near = match(image, mask, method="approximate", start=exact.field(), **options)
    assert torch.equal(near.source_map(), exact.source_map())


def test_one_good_seed_spreads():
    """Noise has no gradient to follow: only propagation can find the planted copy from a single hint."""
    torch.manual_seed(5)
    image, mask = torch.rand(1, 3, 64, 128), torch.zeros(1, 1, 64, 128)
    mask[..., 20:36, 20:36] = 1
    image[..., :64] = image[..., 64:]
    start = torch.full((1, 2, 64, 128), -1)
    start[0, :, 28, 28] = torch.tensor([28, 92])
    found = match(image, mask, patch=5, method="approximate", start=start)
    hole = mask[0, 0] > 0
    rows, columns = hole.nonzero().T
    assert torch.equal(found.source_map()[0][:, hole], torch.stack([rows, columns + 64]))


def test_a_start_may_hold_anything():
    image, mask = textured(40, 40), box(40, 40)
    start = torch.randint(-100, 100, (1, 2, 40, 40), generator=torch.Generator().manual_seed(6))
    field = match(image, mask, patch=5, method="approximate", start=start).field()[0]
    grid = patch_grid(mask[0, 0] > 0, mask[0, 0] == 0, 5)
    rows, columns = grid.row_column(grid.queries)
    assert grid.sources[grid.flat(*field[:, rows, columns])].all()


def test_a_map_without_a_hole_has_nothing_to_search():
    grid = patch_grid(torch.zeros(9, 9, dtype=torch.bool), torch.ones(9, 9, dtype=torch.bool), 3)
    assert len(search_randomised(patch_scores(torch.rand(3, 9, 9), grid, "cosine"), 0)) == 0
