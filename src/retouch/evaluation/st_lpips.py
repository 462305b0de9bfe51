"""ST-LPIPS, a perceptual distance that tolerates small shifts (Ghildyal & Liu, ECCV 2022)."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _weights() -> dict[str, Tensor]:
    # The package's own import needs torchvision, which it does not declare; only its file is wanted.
    spec = find_spec("stlpips_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("ST-LPIPS needs its weights: pip install stlpips-pytorch")
    folder = Path(spec.submodule_search_locations[0]) / "weights" / "vST0.0"
    weights: dict[str, Tensor] = torch.load(
        folder / "alex_shift_tolerant.pth", map_location="cpu", weights_only=True
    )
    return weights


class STLPIPS(nn.Module):
    """ST-LPIPS with its anti-aliased AlexNet, from the weights that ``stlpips-pytorch`` carries.

    Every stride is taken by a reflect-padded 3-tap blur instead of by the convolution or the pooling
    (section 4 of the paper), and the padding is as wide as the published code has it.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, value in _weights().items():
            self.register_buffer(name.replace(".", "_"), value)

    def _blur_down(self, x: Tensor, name: str) -> Tensor:
        kernel = self.get_buffer(f"net_{name}_filt")
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])

    def _convolve(self, x: Tensor, name: str, padding: int) -> Tensor:
        return F.conv2d(
            x, self.get_buffer(f"net_{name}_weight"), self.get_buffer(f"net_{name}_bias"), padding=padding
        )

    def features(self, image: Tensor) -> list[Tensor]:
        """The five feature maps of ``image`` (``B×3×H×W`` in [0, 1]), unit length over the channels."""
        shift, scale = self.get_buffer("scaling_layer_shift"), self.get_buffer("scaling_layer_scale")
        x = (2 * image - 1 - shift) / scale
        x = F.relu(self._blur_down(self._convolve(x, "slice1_0", 2), "slice1_1"))
        maps = [x]
        x = self._blur_down(F.max_pool2d(x, 3, 1), "slice2_4")
        x = F.relu(self._convolve(x, "slice2_5", 2))
        maps.append(x)
        x = self._blur_down(F.max_pool2d(x, 3, 1), "slice3_8")
        for name in ("slice3_9", "slice4_11", "slice5_13"):
            x = F.relu(self._convolve(x, name, 1))
            maps.append(x)
        return [each / (each.norm(dim=1, keepdim=True) + 1e-10) for each in maps]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance map ``B×1×H×W`` between two ``B×3×H×W`` images in [0, 1]; its mean is the metric."""
        size = first.shape[2:]
        distance = torch.zeros_like(first[:, :1])
        for level, (one, other) in enumerate(zip(self.features(first), self.features(second), strict=True)):
            score = F.conv2d((one - other) ** 2, self.get_buffer(f"lin{level}_model_1_weight"))
            distance = distance + F.interpolate(score, size, mode="bilinear", align_corners=False)
        return distance


@cache
def st_lpips() -> STLPIPS:
    """The metric, loaded once."""
    return STLPIPS().eval()
