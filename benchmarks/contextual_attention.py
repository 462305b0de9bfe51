"""Contextual Attention, compared with the published dense form of its attention: time and memory.

    python benchmarks/contextual_attention.py --repeats 3 --threads 2

The dense form makes every patch of the map a convolution kernel, propagates the scores of all positions with
two convolutions, takes a softmax over all of them and pastes with a transposed convolution; it decodes the
whole image. Ours asks for the hole only, in chunks, and decodes the rectangle around the hole. "layer" is the
attention alone. Peak memory is what the work adds to the process.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.models.contextual_attention import network as network_file
from retouch.models.contextual_attention.network import ContextualAttentionNetwork, attend
from shared import Values, centred_pair, compare_forms, measured

FORMS = {"layer": ("dense-layer", "ours-layer"), "network": ("dense", "ours")}


def dense_attend(features: Tensor, mask: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, None]:
    """The layer as the public code has it; one image, no forbidden sources."""
    small, hole = features[..., ::2, ::2], F.max_pool2d(mask, 8)
    channels, height, width = small.shape[1:]
    cells = height * width
    known = (F.max_pool2d(F.pad(hole, (1, 1, 1, 1)), 3, stride=1).flatten() == 0).float()
    kernels = F.unfold(small, 3, padding=1)[0].t().reshape(cells, channels, 3, 3)
    kernels = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-4)[:, None, None, None]
    pasted = F.unfold(features, 4, padding=1, stride=2)[0].t().reshape(cells, channels, 4, 4)

    identity = torch.eye(3)[None, None]
    scores = F.conv2d(small, kernels, padding=1)  # 1×sources×height×width
    scores = scores.reshape(1, cells, cells).transpose(1, 2).reshape(1, 1, cells, cells)
    scores = F.conv2d(scores, identity, padding=1)
    scores = scores.reshape(height, width, height, width).permute(1, 0, 3, 2).reshape(1, 1, cells, cells)
    scores = F.conv2d(scores, identity, padding=1)
    scores = scores.reshape(width, height, width, height).permute(1, 0, 3, 2).reshape(cells, cells)
    weights = torch.softmax(scores * known * 10, 1) * known
    maps = weights.t().reshape(1, cells, height, width)
    return F.conv_transpose2d(maps, pasted, stride=2, padding=1) / 4, None


def run(method: str, width: float, size: int, hole: float) -> Values:
    """Measure one method; see ``shared.measured``."""
    torch.manual_seed(0)
    if method.startswith("dense"):
        network_file.attend = dense_attend  # type: ignore[assignment]
    network = ContextualAttentionNetwork(width).eval()
    layer = dense_attend if method.startswith("dense") else attend

    def once(side: int) -> None:
        image, mask = centred_pair(side, hole)
        if method.endswith("layer"):
            layer(torch.randn(1, round(128 * width), side // 4, side // 4), mask)
        else:
            network(image, mask, hole_only=method == "ours")

    return measured(once, size)


if __name__ == "__main__":
    compare_forms(
        __file__, __doc__, run, forms=FORMS, sizes=[512], width=network_file.PAPER, largest_dense=1024
    )
