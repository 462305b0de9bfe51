"""How a scale's hole is painted before it is optimised: with known patches that VGG finds similar.

This is not in the paper (Yang et al., CVPR 2017). Its optimiser starts from the content itself and finds the
nearest patch of each feature patch alone; neighbours then ask for different things, whose mean is speckle.
Here colours and VGG's features are compared together, pixel by pixel, sources are chosen for coherence too,
and the colours themselves are carried over.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from retouch.networks.vgg import Vgg
from retouch.ops.principal_components import principal_directions

PATCH = 5
"""Side of the patches whose colours are compared, in pixels; less where no such patch is known."""
CHANNELS = 24
"""Principal channels of the features that are compared."""
_ROUNDS = (3, 4, 5, 6)  # of searching and painting, from the finest scale to the coarsest
# Of unit vectors about their mean; a smaller spread tells nothing apart.
_LEAST_SPREAD = 1e-3


def rounds(number: int) -> int:
    """How often a scale, counted from the finest, is searched and painted."""
    return _ROUNDS[min(number, len(_ROUNDS) - 1)]


def pixel_features(vgg: Vgg, layers: Sequence[str], image: Tensor, known: Tensor, weight: float) -> Tensor:
    """Describe the surroundings of each pixel by VGG's features.

    Only their directions count, so that dark and faint textures count as much as others.

    Args:
        vgg: the network that sees the features.
        layers: the layers that count.
        image: ``1×3×H×W`` in [0, 1], sides multiples of the layers' cells.
        known: ``1×1×H×W``, 1 outside the hole.
        weight: root mean square of the result, per layer, about its mean over the known area.

    Returns:
        ``D×H×W``, without channels where too little is known, or all that is known looks alike.
    """
    found = [image[0, :0]]
    for layer, features in zip(layers, vgg(image, layers), strict=True):
        cell = vgg.cell(layer)
        unit = F.normalize(features, dim=1)
        sample = unit[0][:, F.avg_pool2d(known, cell)[0, 0] == 1].t()
        if len(sample) < 2:
            continue
        centred = sample - sample.mean(0)
        spread = centred.square().sum(1).mean().sqrt()
        if spread < _LEAST_SPREAD:
            continue
        basis = principal_directions(centred, CHANNELS)
        seen = torch.einsum("bchw,cd->bdhw", unit, basis) * (weight / spread)
        found.append(F.interpolate(seen, image.shape[2:], mode="bilinear", align_corners=False)[0])
    return torch.cat(found)
