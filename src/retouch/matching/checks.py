"""What :func:`~retouch.matching.correspondence.match` takes, and the errors for what it cannot take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from retouch.errors import RetouchError


@dataclass(frozen=True)
class SourceMap:
    """A map to borrow from.

    Attributes:
        features: ``B×C×h×w``, with the batch and channels of the map that is matched; any size.
        allowed: ``B×1×h×w``, above 0.5 where patches may be borrowed.
    """

    features: Tensor
    allowed: Tensor


def check_options(
    patch: int,
    similarity: str,
    top: int | None,
    softmax_scale: float,
    method: str,
    start: Tensor | None,
    propagation: int,
) -> None:
    """Raise :class:`RetouchError` for options that do not fit each other."""
    if patch < 1 or patch % 2 == 0:
        raise RetouchError(f"The side of a patch must be odd, such as 3 or 7, not {patch}.")
    if top is not None and top < 1:
        raise RetouchError(f"At least one source must be kept (top=1), not {top}.")
    if softmax_scale <= 0:
        raise RetouchError(f"The softmax scale must be greater than 0, not {softmax_scale}.")
    measures = ("cosine", "squared-distance") + (("correlation",) if top is None else ())
    if similarity not in measures:
        names = '" or "'.join(measures)
        raise RetouchError(f'The similarity must be "{names}", not "{similarity}".')
    if propagation < 1 or propagation % 2 == 0 or propagation > patch:
        raise RetouchError(f"Propagation must be odd and at most the patch's {patch}, not {propagation}.")
    if propagation > 1 and top is not None:
        raise RetouchError("Propagation needs the softmax over all sources; use top=None, or propagation=1.")
    if method not in ("exact", "approximate"):
        raise RetouchError(f'The method must be "exact" or "approximate", not "{method}".')
    if method == "approximate" and top != 1:
        raise RetouchError("The approximate search keeps one source; use top=1, or the exact method.")
    if start is not None and method != "approximate":
        raise RetouchError(
            'Only the approximate search has a start; use method="approximate" or leave it out.'
        )


def check_maps(
    features: Tensor,
    mask: Tensor,
    sources: Sequence[SourceMap] | None,
    allowed: Tensor | None,
    start: Tensor | None,
) -> None:
    """Raise :class:`RetouchError` for maps that do not fit each other."""
    _check_features("Features", features)
    batch, channels, height, width = features.shape
    expected = (batch, 1, height, width)
    for name, each in (("mask", mask), ("map of allowed sources", allowed)):
        if each is not None and each.shape != expected:
            raise RetouchError(f"The {name} must have the shape {expected}, not {tuple(each.shape)}.")
    if start is not None and start.shape not in ((batch, 2, height, width), (batch, 3, height, width)):
        raise RetouchError(
            f"The start must have the shape {(batch, 2, height, width)}, or 3 channels for the map, row and "
            f"column of each source, not {tuple(start.shape)}."
        )
    if sources is None:
        return
    if not sources:
        raise RetouchError("Matching needs at least one source map; leave sources out to use the map itself.")
    if allowed is not None:
        raise RetouchError(
            "Each source map says what is allowed; leave out the other map of allowed sources."
        )
    for number, source in enumerate(sources):
        name = f"Features of source map {number}"
        _check_features(name, source.features)
        if source.features.shape[:2] != (batch, channels) or source.features.dtype != features.dtype:
            raise RetouchError(
                f"{name} must be {features.dtype} with batch and channels {(batch, channels)}, "
                f"not {source.features.dtype} {tuple(source.features.shape)}."
            )
        area = (batch, 1, *source.features.shape[2:])
        if source.allowed.shape != area:
            raise RetouchError(
                f"The allowed area of source map {number} must have the shape {area}, "
                f"not {tuple(source.allowed.shape)}."
            )


def _check_features(name: str, features: Tensor) -> None:
    if features.ndim != 4 or not features.is_floating_point() or 0 in features.shape:
        raise RetouchError(
            f"{name} must be a floating point B×C×H×W tensor, not {features.dtype} {tuple(features.shape)}."
        )
    if not bool(torch.isfinite(features).all()):
        raise RetouchError(f"{name} must be finite; they hold NaN or infinity.")
