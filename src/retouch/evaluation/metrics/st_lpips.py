"""ST-LPIPS, a perceptual distance that tolerates small shifts (Ghildyal & Liu, ECCV 2022)."""

from __future__ import annotations

from functools import cache

from torch import Tensor
from torch.nn import functional as F

from retouch.evaluation.arrays import Hole, Pixels
from retouch.evaluation.metrics.metric import PairMetric, hole_and_image
from retouch.evaluation.metrics.perceptual import PerceptualNetwork, perceptual
from retouch.networks.antialiasing import blur_down, dense_maximum
from retouch.weights.vgg import shift_tolerant


class STLPIPS(PerceptualNetwork):
    """ST-LPIPS with its anti-aliased AlexNet and the weights of the package ``stlpips-pytorch``.

    A reflect-padded 3-tap blur does the downsampling, instead of the convolution or the pooling (section 4 of
    the paper). The padding is as wide as in the published code.
    """

    label = "ST-LPIPS"
    smallest = 21  # pixels a side; a smaller picture leaves a feature map too small to be reflected

    def __init__(self) -> None:
        super().__init__()
        for name, value in shift_tolerant("alex").items():
            self.register_buffer(name.replace(".", "_"), value)

    def _blur_down(self, x: Tensor, name: str) -> Tensor:
        return blur_down(x, self.get_buffer(f"net_{name}_filt"))

    def _convolve(self, x: Tensor, name: str, padding: int) -> Tensor:
        return F.conv2d(
            x, self.get_buffer(f"net_{name}_weight"), self.get_buffer(f"net_{name}_bias"), padding=padding
        )

    def maps(self, image: Tensor) -> list[Tensor]:
        """The output of each of the five convolutions, ``B×C×h×w``."""
        shift, scale = self.get_buffer("scaling_layer_shift"), self.get_buffer("scaling_layer_scale")
        x = (2 * image - 1 - shift) / scale
        x = F.relu(self._blur_down(self._convolve(x, "slice1_0", 2), "slice1_1"))
        maps = [x]
        x = self._blur_down(dense_maximum(x, 3), "slice2_4")
        x = F.relu(self._convolve(x, "slice2_5", 2))
        maps.append(x)
        x = self._blur_down(dense_maximum(x, 3), "slice3_8")
        for name in ("slice3_9", "slice4_11", "slice5_13"):
            x = F.relu(self._convolve(x, name, 1))
            maps.append(x)
        return maps

    def head(self, level: int) -> Tensor:
        """The weights of a level's channels, ``1×C×1×1``."""
        return self.get_buffer(f"lin{level}_model_1_weight")


@cache
def st_lpips() -> STLPIPS:
    """The network, loaded once."""
    return STLPIPS().eval()


def measure(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    """``st_lpips_hole`` and ``st_lpips_image``, at least 0; see ``perceptual``. Lower is better."""
    in_image, in_hole = perceptual(st_lpips(), fill, truth, hole)
    return {"st_lpips_hole": in_hole, "st_lpips_image": in_image}


METRIC = PairMetric(
    "st_lpips",
    hole_and_image("st_lpips", "ST-LPIPS", "lower", short_hole="ST-LPIPS hole"),
    measure,
    smallest=STLPIPS.smallest,
)
