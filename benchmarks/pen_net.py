"""PEN-Net, compared with the published dense form of its attention: time and memory.

    python benchmarks/pen_net.py --repeats 3 --threads 2

At each level, the dense form makes every patch of the map a convolution kernel, compares all positions with
all and pastes with a transposed convolution; it decodes the whole image. Ours asks for the hole only, in
chunks, and decodes the rectangle around the hole. Peak memory is what the work adds to the process. At 1024
pixels a single map of the dense form has 17 GB, so ours runs alone.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.models.pen_net import network as network_file
from retouch.models.pen_net.network import PenNetNetwork
from shared import Values, centred_pair, compare_forms, measured

FORMS = {"network": ("dense", "ours")}


def dense_attend(
    deep: Tensor, shallow: Tensor, mask: Tensor, allowed: Tensor | None = None, patch: int = 3
) -> tuple[Tensor, None]:
    """The layer as the public code has it; one image, no forbidden sources."""
    channels, height, width = deep.shape[1:]
    cells, margin = height * width, patch // 2
    hole = F.max_pool2d(mask, mask.shape[2] // height)
    known = F.max_pool2d(hole, patch, stride=1, padding=margin).reshape(1, cells, 1, 1) == 0
    kernels = F.unfold(deep, patch, padding=margin)[0].t().reshape(cells, channels, patch, patch)
    kernels = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-4)[:, None, None, None]
    pasted = F.unfold(shallow, 4, padding=1, stride=2)[0].t().reshape(cells, -1, 4, 4)

    scores = F.conv2d(deep, kernels, padding=margin) * known  # 1×sources×height×width
    weights = (torch.softmax(scores * 10, 1) * known).clamp_min(1e-8)
    return F.conv_transpose2d(weights, pasted, stride=2, padding=1) / 4, None


def run(method: str, width: float, size: int, hole: float) -> Values:
    """Measure one method; see ``shared.measured``."""
    torch.manual_seed(0)
    if method == "dense":
        network_file.attend = dense_attend  # type: ignore[assignment]
    network = PenNetNetwork(width).eval()

    def once(side: int) -> None:
        image, mask = centred_pair(side, hole)
        network(image, mask, hole_only=method == "ours")

    return measured(once, size)


if __name__ == "__main__":
    compare_forms(
        __file__,
        __doc__,
        run,
        forms=FORMS,
        sizes=[256, 512, 1024],
        width=network_file.PAPER,
        largest_dense=512,
    )
