"""Filling in passes, with models whose order of acceptance is known."""

import pytest
import torch

from retouch.confidence.passes import PassesCorrespondence, fill_in_passes
from retouch.contract import Fill, crop_correspondence


class From:
    """Borrows every pixel of a hole from one place."""

    def __init__(self, mask, row, column):
        self.mask, self.place = mask, (row, column)

    def source_map(self):
        row, column = (torch.full_like(self.mask, each).long() for each in self.place)
        return torch.where(self.mask > 0, torch.cat([row, column], 1), -1)

    def transfer(self, values, scale=1):
        hole = self.mask.repeat_interleave(scale, 2).repeat_interleave(scale, 3) > 0
        row, column = self.place
        return torch.where(hole, values[..., row * scale, column * scale][..., None, None], values)


class Ring:
    """Is sure of hole pixels beside the known area alone; fills with the number of the pass, in tenths."""

    def __init__(self, sure=0.8, doubtful=0.2, borrows=lambda number: True):
        self.sure, self.doubtful, self.borrows, self.seen = sure, doubtful, borrows, []

    def __call__(self, image, left, number):
        self.seen.append((image.clone(), left.clone(), number))
        beside = torch.nn.functional.max_pool2d(1 - left, (1, 3), 1, (0, 1)) * left
        confidence = torch.where(beside > 0, self.sure, self.doubtful) - number / 100
        found = From(left, 0, number) if self.borrows(number) else None
        return Fill(
            torch.full_like(image, (number + 1) / 10), confidence, found, () if found is None else (found,)
        )


def pair(*widths):
    """A row of pixels for each item, with a hole of so many from column 2 on."""
    image = torch.rand(len(widths), 3, 2, 12, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(len(widths), 1, 2, 12)
    for item, width in enumerate(widths):
        mask[item, :, :, 2 : 2 + width] = 1
    return torch.where(mask > 0, 0.5, image), mask


def test_rings_are_accepted_from_outside_in():
    image, mask = pair(5)
    ring = Ring()
    fill = fill_in_passes(ring, image, mask, passes=8, threshold=0.5)
    assert torch.allclose(fill.image[0, 0, 0, 2:7], torch.tensor([0.1, 0.2, 0.3, 0.2, 0.1]))
    assert torch.allclose(fill.confidence[0, 0, 0, 2:7], torch.tensor([0.8, 0.79, 0.78, 0.79, 0.8]))
    assert [each[2] for each in ring.seen] == [0, 1, 2]  # nothing was left then
    for (seen, left, _), hole in zip(ring.seen, ([1] * 5, [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]), strict=True):
        assert left[0, 0, 0, 2:7].tolist() == hole
        assert bool((seen[0, :, :, 2:7][..., torch.tensor(hole) > 0] == 0.5).all())
    assert torch.allclose(ring.seen[2][0][0, 0, 0, 2:7], torch.tensor([0.1, 0.2, 0.5, 0.2, 0.1]))


def test_known_pixels_stay_and_are_certain():
    image, mask = pair(5, 3)
    fill = fill_in_passes(Ring(), image, mask, passes=3, threshold=0.5)
    known = (mask == 0).expand_as(image)
    assert torch.equal(fill.image[known], image[known])
    assert bool((fill.confidence[mask == 0] == 1).all())
    assert bool((fill.correspondence.source_map()[known[:, :2]] == -1).all())


def test_one_pass_is_the_fill_itself():
    image, mask = pair(5)
    ring = Ring()
    fill, once = fill_in_passes(ring, image, mask, passes=1, threshold=0.5), Ring()(image, mask, 0)
    hole = mask > 0
    assert torch.equal(fill.image, torch.where(hole, once.image, image))
    assert torch.equal(fill.confidence[hole], once.confidence[hole])
    assert isinstance(fill.correspondence, From)
    assert fill.levels == (fill.correspondence,)
    assert len(ring.seen) == 1


@pytest.mark.parametrize(("passes", "middle"), [(1, 0.1), (2, 0.2), (3, 0.3), (8, 0.4)])
def test_passes_are_bounded_and_the_last_accepts_all(passes, middle):
    image, mask = pair(7)
    ring = Ring()
    fill = fill_in_passes(ring, image, mask, passes=passes, threshold=0.5)
    assert len(ring.seen) == min(passes, 4)
    assert fill.image[0, 0, 0, 5].item() == pytest.approx(middle)


@pytest.mark.parametrize("threshold", [0.8, 1.0])
def test_it_ends_when_nothing_is_trusted(threshold):
    image, mask = pair(5)
    ring = Ring()
    fill = fill_in_passes(ring, image, mask, passes=4, threshold=threshold)
    assert len(ring.seen) == 1
    assert bool((fill.image[(mask > 0).expand_as(image)] == torch.tensor(0.1)).all())


def test_it_ends_when_everything_is_trusted():
    image, mask = pair(5)
    ring = Ring(doubtful=0.7)
    fill_in_passes(ring, image, mask, passes=4, threshold=0.5)
    assert len(ring.seen) == 1


def test_items_do_not_depend_on_each_other():
    image, mask = pair(7, 0, 3, 1)
    ring = Ring()
    together = fill_in_passes(ring, image, mask, passes=3, threshold=0.5)
    sources = together.correspondence.source_map()
    for item in range(4):
        one = slice(item, item + 1)
        alone = fill_in_passes(Ring(), image[one], mask[one], passes=3, threshold=0.5)
        assert torch.equal(together.image[one], alone.image)
        assert torch.equal(together.confidence[one], alone.confidence)
        assert torch.equal(sources[one], alone.correspondence.source_map())
    assert [int(each.sum()) for each in ring.seen[2][1]] == [6, 0, 0, 0]


@pytest.mark.parametrize("scale", [1, 3])
def test_each_pixel_was_taken_from_where_its_own_pass_took_it(scale):
    image, mask = pair(5)
    fill = fill_in_passes(Ring(), image, mask, passes=3, threshold=0.5)
    assert isinstance(fill.correspondence, PassesCorrespondence)
    assert fill.correspondence.source_map()[0, :, 0].T.tolist() == (
        [[-1, -1]] * 2 + [[0, 0], [0, 1], [0, 2], [0, 1], [0, 0]] + [[-1, -1]] * 5
    )
    values = torch.arange(2 * 12 * scale**2).float().reshape(1, 1, 2 * scale, 12 * scale)
    carried = fill.correspondence.transfer(values, scale)
    rows = carried[0, 0, 0].reshape(12, scale)
    expected = [0.0, 1, 2, 1, 0]
    assert rows[2:7].tolist() == [[each * scale] * scale for each in expected]
    assert torch.equal(rows[:2], values[0, 0, 0].reshape(12, scale)[:2])
    (level,) = fill.levels
    assert torch.equal(level.source_map(), fill.correspondence.source_map())


def test_a_pass_may_borrow_nothing():
    image, mask = pair(5)
    fill = fill_in_passes(Ring(borrows=lambda number: number == 1), image, mask, passes=3, threshold=0.5)
    assert fill.correspondence.source_map()[0, 1, 0, 2:7].tolist() == [-1, 1, -1, 1, -1]
    values = torch.arange(24.0).reshape(1, 1, 2, 12)
    assert fill.correspondence.transfer(values)[0, 0, 0, 2:7].tolist() == [2, 1, 4, 1, 6]
    assert fill.levels == ()
    fill = fill_in_passes(Ring(borrows=lambda number: False), image, mask, passes=3, threshold=0.5)
    assert fill.correspondence is None


def test_a_model_that_pads_its_input_is_cropped():
    image, mask = pair(5)

    class Padding(From):
        """Borrows on a map that is larger than the image below and at the right."""

        def __init__(self, mask, row, column):
            super().__init__(torch.nn.functional.pad(mask, (0, 4, 0, 6)), row, column)

        def transfer(self, values, scale=1):
            assert values.shape[2:] == (8 * scale, 16 * scale)
            return super().transfer(values, scale)

    class Around(Ring):
        def __call__(self, image, left, number):
            fill = super().__call__(image, left, number)
            return Fill(fill.image, fill.confidence, crop_correspondence(Padding(left, 0, number), 6, 4))

    fill = fill_in_passes(Around(), image, mask, passes=3, threshold=0.5)
    plain = fill_in_passes(Ring(), image, mask, passes=3, threshold=0.5)
    assert torch.equal(fill.correspondence.source_map(), plain.correspondence.source_map())
    values = torch.rand(1, 2, 4, 24)
    assert torch.equal(fill.correspondence.transfer(values, 2), plain.correspondence.transfer(values, 2))
