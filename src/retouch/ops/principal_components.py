"""Principal directions: the few directions in which a set of vectors differs most."""

from __future__ import annotations

import torch
from torch import Tensor


def principal_directions(samples: Tensor, count: int) -> Tensor:
    """Find the directions that keep most of the inner products of samples.

    Args:
        samples: ``N×d``; subtract their mean first where differences count.
        count: number of directions; fewer if ``d`` is smaller.

    Returns:
        ``d×count``, orthonormal.
    """
    # In single precision LAPACK's solver now and then fails, or gives NaN, where samples are few or alike.
    # Not every device has double precision; the matrix is small.
    products = (samples.t() @ samples).cpu().double()
    directions: Tensor = torch.linalg.eigh(products).eigenvectors[:, -count:]
    return directions.to(samples.dtype).to(samples.device)
