"""FID: the Fréchet distance over features of the Inception network, which the user supplies."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path

import torch

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Features, Pixels
from retouch.evaluation.metrics.frechet import Values, frechet_distance
from retouch.evaluation.metrics.metric import Column, SetMetric

INCEPTION_FEATURES = 2048


@lru_cache(maxsize=1)
def load_inception(path: str) -> torch.jit.ScriptModule:
    """Read the Inception network of TensorFlow's ``inception-2015-12-05`` as TorchScript, as StyleGAN has it.

    Published FID figures rest on this network. It takes ``B×3×H×W`` uint8, resizes to 299×299 by itself, and
    returns class probabilities or, with ``return_features=True``, 2048 features. A TorchScript file is a
    program, so read only one that comes from a source you trust.

    Args:
        path: The file.

    Raises:
        RetouchError: The file is missing or is not TorchScript.
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
def features_inception(pixels: Pixels, path: str) -> Features:
    """Describe a picture by the Inception network in a file.

    Args:
        pixels: ``H×W×3`` uint8 sRGB.
        path: See ``load_inception``, which reads it once.

    Returns:
        ``INCEPTION_FEATURES`` features, followed by the class probabilities for the Inception Score. Like
        the score's authors, we compute the probabilities without the bias of the last layer.

    Raises:
        RetouchError: The file does not hold the network that ``load_inception`` describes.
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


def fid(fills: Values, truths: Values) -> float:
    """The Fréchet distance between the features of fills and photos; see ``frechet_distance``."""
    return frechet_distance(fills[:, :INCEPTION_FEATURES], truths[:, :INCEPTION_FEATURES])


METRIC = SetMetric("fid", Column("FID", "lower", "FID"), "inception", fid)
