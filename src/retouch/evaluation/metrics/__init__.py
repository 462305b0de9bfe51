"""The metrics: one file for each, and the list below.

To add one, write its file with a ``METRIC`` and add that to the list, at its place in the tables.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Features, Hole, Pixels, size_text
from retouch.evaluation.metrics import (
    frequency_ratio,
    inception,
    inception_score,
    l1,
    l2,
    lpips,
    ms_ssim,
    psnr,
    seam,
    ssim,
    st_lpips,
    total_variation,
    vgg,
)
from retouch.evaluation.metrics.metric import Column, PairMetric, SetMetric

PAIR_METRICS: tuple[PairMetric, ...] = (
    l1.METRIC,
    l2.METRIC,
    psnr.METRIC,
    ssim.METRIC,
    ms_ssim.METRIC,
    total_variation.METRIC,
    lpips.METRIC,
    st_lpips.METRIC,
    frequency_ratio.METRIC,
    seam.METRIC,
)

SET_METRICS: tuple[SetMetric, ...] = (vgg.METRIC, inception.METRIC, inception_score.METRIC)

NAMES: tuple[str, ...] = (
    *(metric.name for metric in PAIR_METRICS),
    *(metric.name for metric in SET_METRICS),
)
"""What ``--metric`` takes."""

COLUMNS: dict[str, Column] = {
    **{key: column for metric in PAIR_METRICS for key, column in metric.columns.items()},
    **{metric.name: metric.column for metric in SET_METRICS},
}
"""Every value that a report can hold, by key, in the order of the tables."""

FEWEST_PHOTOS = 100
"""A metric of a whole set needs this many photos; over fewer, its value depends mostly on the choice."""


def measure(fill: Pixels, truth: Pixels, hole: Hole, names: Collection[str] = NAMES) -> dict[str, float]:
    """Every metric of one fill that exists for its size and can be computed here.

    Nothing depends on other pictures or on the order of calls.

    Args:
        fill: ``H×W×3`` uint8 sRGB, equal to the photo outside the hole.
        truth: The photo, ``H×W×3`` uint8 sRGB.
        hole: ``H×W`` bool, True = filled.
        names: Which metrics to compute, from ``NAMES``.

    Returns:
        Values by key of ``COLUMNS``, in that order.

    Raises:
        RetouchError: The sizes differ or the hole is empty.
    """
    if fill.shape != truth.shape or hole.shape != truth.shape[:2]:
        sizes = f"{size_text(fill)}, {size_text(truth)} and {size_text(hole)}"
        raise RetouchError(f"Fill, photo and mask must have one size, not {sizes}.")
    if not hole.any():
        raise RetouchError("There is nothing to measure in an empty hole; leave this mask out.")
    values: dict[str, float] = {}
    for metric in PAIR_METRICS:
        if metric.name in names and min(hole.shape) >= metric.smallest and metric.missing() is None:
            values |= metric.measure(fill, truth, hole)
    return {key: values[key] for key in COLUMNS if key in values}


def describe(pixels: Pixels, inception_file: str | None, names: Collection[str] = NAMES) -> Features | None:
    """The features of one picture for the metrics of whole sets.

    Args:
        pixels: ``H×W×3`` uint8 sRGB.
        inception_file: The Inception network's file; None to use VGG.
        names: The metrics wanted, from ``NAMES``.

    Returns:
        A vector, or None if no metric needs it or VGG cannot see so small a picture.
    """
    if not any(metric.name in names for metric in SET_METRICS):
        return None
    if inception_file is not None:
        return inception.features_inception(pixels, inception_file)
    try:
        return vgg.features_vgg(pixels)
    except RetouchError:
        return None


def measure_set(
    fills: NDArray[np.float64],
    truths: NDArray[np.float64],
    inception_file: str | None,
    names: Collection[str] = NAMES,
) -> dict[str, float]:
    """Metrics that compare the distribution of fills with that of their photos.

    Args:
        fills: Features of the fills, ``N×D``, as :func:`describe` returns them.
        truths: Features of the photos, ``M×D``, each photo once.
        inception_file: As in :func:`describe`.
        names: The metrics wanted, from ``NAMES``.

    Returns:
        Values by key of ``COLUMNS``; none if there are fewer than :data:`FEWEST_PHOTOS` photos or fills.
    """
    if min(len(fills), len(truths)) < FEWEST_PHOTOS:
        return {}
    return {
        metric.name: metric.measure(fills, truths)
        for metric in _set_metrics(inception_file)
        if metric.name in names
    }


def _set_metrics(inception_file: str | None) -> list[SetMetric]:
    network = "vgg" if inception_file is None else "inception"
    return [metric for metric in SET_METRICS if metric.network == network]


def missing(names: Collection[str] = NAMES) -> dict[str, str]:
    """The wanted metrics that cannot be computed here, each with a sentence that says what to install."""
    found = {metric.name: metric.missing() for metric in PAIR_METRICS if metric.name in names}
    return {name: sentence for name, sentence in found.items() if sentence is not None}


def notes(photos: int, inception_file: str | None, names: Collection[str] = NAMES) -> list[str]:
    """Sentences that say which of the wanted metrics a report lacks, and why.

    Args:
        photos: How many photos were scored, of the model that has the fewest.
        inception_file: As in :func:`describe`.
        names: The metrics wanted, from ``NAMES``.
    """
    found = list(missing(names).values())
    labels = [metric.column.label for metric in _set_metrics(inception_file) if metric.name in names]
    if labels and photos < FEWEST_PHOTOS:
        found.append(
            f"{' and '.join(labels)}: too few photos ({photos}); at least {FEWEST_PHOTOS} are needed."
        )
    return found
