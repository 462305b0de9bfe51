"""Metrics of a whole set of fills: Fréchet distances over deep features, and the Inception Score."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.networks.vgg import shift_tolerant_vgg

Values = NDArray[np.float64]

VGG_AREA = 256 * 256
VGG_SMALLEST = 18  # pixels a side; below, a feature map is too small to be reflected
INCEPTION_FEATURES = 2048


@torch.inference_mode()
def features_vgg(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the anti-aliased VGG-16 of ST-LPIPS sees in a picture: relu5_3, averaged over the picture.

    As the Inception network of FID sees pictures at 299×299, this one sees them at an area of at most 256²
    pixels, shrunk by area averaging, proportions kept. Its Fréchet distance is *not* FID: the two cannot be
    compared.

    Args:
        pixels: ``H×W×3`` uint8 sRGB.

    Returns:
        512 values.

    Raises:
        RetouchError: If a side is below ``VGG_SMALLEST`` pixels, as given or once shrunk.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, (VGG_AREA / (height * width)) ** 0.5)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    if min(pixels.shape[:2]) < VGG_SMALLEST:
        raise RetouchError(
            f"A picture of {width}×{height} pixels is too small or too narrow for VGG features; leave it out."
        )
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    (x,) = shift_tolerant_vgg().maps(image, ["relu5_3"])
    return x.double().mean(dim=(2, 3))[0].float().numpy()


def frechet_distance(features_a: Values, features_b: Values) -> float:
    """Fréchet distance of two sets of features, each taken for a Gaussian (Heusel et al., NeurIPS 2017).

    ``|μa − μb|² + tr(Σa + Σb − 2(ΣaΣb)^½)`` in float64. With centred features ``A`` and ``B``, the trace of
    the root is the sum of the singular values of ``ABᵀ``: no root of a nearly singular matrix is taken, and
    sets with fewer pictures than features are exact too. Few pictures still bias the distance upwards (sets
    of thousands are usual): compare only distances over equally many.

    Args:
        features_a: ``N×D``, one row a picture.
        features_b: ``M×D``.

    Returns:
        The distance, from 0.

    Raises:
        RetouchError: If a set has fewer than two pictures.
    """
    features_a, features_b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    factors: list[Values] = []
    for features in (features_a, features_b):
        if len(features) < 2:
            raise RetouchError("A Fréchet distance needs at least two pictures in each set; give more.")
        centred = (features - features.mean(axis=0)) / (len(features) - 1) ** 0.5
        # RᵀR is the covariance, whatever the number of pictures, and R has at most D rows.
        factors.append(np.asarray(np.linalg.qr(centred, mode="r"), np.float64))
    one, other = factors
    root = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    between = ((features_a.mean(axis=0) - features_b.mean(axis=0)) ** 2).sum()
    return max(0.0, float(between + (one**2).sum() + (other**2).sum() - 2 * root))


@lru_cache(maxsize=1)
def load_inception(path: str) -> torch.jit.ScriptModule:
    """Read the Inception network of TensorFlow's ``inception-2015-12-05`` as TorchScript, as StyleGAN has it.

    It takes ``B×3×H×W`` uint8, brings it to 299×299 by itself, and gives class probabilities, or, with
    ``return_features=True``, 2048 features. Published FID figures rest on it. A TorchScript file is a
    program: read only one from a source that you trust.

    Raises:
        RetouchError: If the file is missing or is no TorchScript.
    """
    if not Path(path).is_file():
        raise RetouchError(f"{path} is no file; give the path of inception-2015-12-05.pt.")
    try:
        with warnings.catch_warnings():
            # The network exists in this format alone, whatever torch thinks of the format.
            warnings.simplefilter("ignore", DeprecationWarning)
            network: torch.jit.ScriptModule = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise RetouchError(
            f"{path} is not TorchScript; give the path of inception-2015-12-05.pt as StyleGAN uses it."
        ) from error
    return network.eval()


@torch.inference_mode()
def features_inception(pixels: NDArray[np.uint8], path: str) -> NDArray[np.float32]:
    """What the Inception network at ``path`` sees in a picture.

    Args:
        pixels: ``H×W×3`` uint8 sRGB.
        path: See ``load_inception``, which reads it once.

    Returns:
        ``INCEPTION_FEATURES`` features, whose Fréchet distance is FID, and after them the class
        probabilities for ``inception_score``, without the bias of the last layer, as the score's authors
        had it.

    Raises:
        RetouchError: If the file is not of the kind that ``load_inception`` describes.
    """
    network = load_inception(path)
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].contiguous()
    try:
        features, classes = network(image, return_features=True), network(image, no_output_bias=True)
        if features.shape != (1, INCEPTION_FEATURES):
            raise RuntimeError(f"features of the shape {tuple(features.shape)}")
    except RuntimeError as error:
        raise RetouchError(
            f"{path} does not work as StyleGAN's inception-2015-12-05.pt does; give the path of that."
        ) from error
    return torch.cat([features[0], classes[0]]).float().numpy()


def inception_score(probabilities: Values) -> float:
    """Inception Score of a set (Salimans et al., NeurIPS 2016), over all pictures at once.

    The exponential of the mean divergence of each picture's classes from the set's: 1 if all pictures look
    the same, at most the number of pictures or of classes. Published figures average ten parts of 5,000
    pictures; parts of a small set would only lower it.

    Args:
        probabilities: ``N×K``, rows sum to 1.
    """
    marginal = probabilities.mean(axis=0, keepdims=True)
    # A class of probability 0 adds nothing: the limit of p·log p.
    ratio = np.divide(probabilities, marginal, out=np.ones_like(probabilities), where=probabilities > 0)
    return float(np.exp((probabilities * np.log(ratio)).sum(axis=1).mean()))
