import pytest
import torch

from retouch.matching.patch_scores import shift_sum

STEPS, MARGIN = [-3, -1, 0, 2], 4


def drawn(count, rows, last):
    """A table and the rows to take: each once at most for a step, but a share ``last`` are the last."""
    torch.manual_seed(0)
    index = torch.stack([torch.randperm(rows)[:count] for _ in STEPS], 1)
    index[torch.rand(index.shape) < last] = rows - 1
    return torch.randn(rows, 20, dtype=torch.float64, requires_grad=True), index


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (5, 9), (9, 9)])
@pytest.mark.parametrize("last", [0.0, 0.4, 1.0])
def test_shifted_rows_are_summed(count, rows, last):
    table, index = drawn(count, rows, last)
    found = shift_sum(table, index, STEPS, MARGIN)
    assert found.shape == (count, 20 - 2 * MARGIN)
    for row in range(count):
        for column in range(20 - 2 * MARGIN):
            parts = [table[index[row, k], MARGIN + column + step] for k, step in enumerate(STEPS)]
            torch.testing.assert_close(found[row, column], sum(parts))
    assert torch.autograd.gradcheck(lambda values: shift_sum(values, index, STEPS, MARGIN), (table,))
