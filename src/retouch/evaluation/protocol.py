"""Protocols: how a paper measured, with its photos, their size, the holes and the published figures."""

from __future__ import annotations

import hashlib
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from retouch.errors import RetouchError
from retouch.evaluation.arrays import Hole, Pixels, size_text
from retouch.evaluation.pairs import Pair, check_hole, find_pairs, find_photos, read_hole, shrunk
from retouch.imaging import read_photo, to_srgb

_FOLDER = Path(__file__).with_name("protocols")
_SQUARES = ("center-square", "random-square")
_WIDTH = 100


@dataclass(frozen=True)
class MaskRule:
    """Where the holes of a protocol come from.

    Attributes:
        kind: "center-square", "random-square" (its place depends on the photo's id alone), or "folder" for
            the user's own masks.
        size: The side of the square in pixels; None for a folder.
    """

    kind: str
    size: int | None


@dataclass(frozen=True)
class Published:
    """One row of a paper's table: its label, and the figures by metric."""

    label: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Protocol:
    """How one table of a paper was measured.

    Attributes:
        name: The name of its file.
        title: One line.
        source: The paper and its table.
        data: Which photos to use, and how to lay them out.
        size: The side in pixels of the square photos that are measured.
        mask: Where the holes come from.
        metrics: What the table reports, as keys of :data:`~retouch.evaluation.metrics.COLUMNS`.
        published: The paper's figures, in the order of its table.
        notes: What the paper does not say, and what we chose instead.
    """

    name: str
    title: str
    source: str
    data: str
    size: int
    mask: MaskRule
    metrics: tuple[str, ...]
    published: tuple[Published, ...]
    notes: str


def protocol_names() -> list[str]:
    """The names of the protocols that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_protocol(name: str | Path) -> Protocol:
    """Load a protocol.

    Args:
        name: One of :func:`protocol_names`, or the path of a YAML file with the same keys.

    Raises:
        RetouchError: There is no such protocol, or the file is not valid.
    """
    path = _FOLDER / f"{name}.yaml" if str(name) in protocol_names() else Path(name)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise RetouchError(
            f"There is no protocol {str(name)!r}; choose from {', '.join(protocol_names())}, "
            "or name a .yaml file."
        )
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise RetouchError(f"{path} cannot be read as YAML ({reason}); correct it.") from error
    return _parse(content, path)


def _parse(content: object, path: Path) -> Protocol:
    keys = ("title", "source", "data", "size", "mask", "metrics", "published", "notes")
    top = _keys(content, keys, path, "the file")
    rule = _mask_rule(top["mask"], path)
    size = _pixels(top["size"], path, "size")
    if rule.size is not None and rule.size >= size:
        raise RetouchError(f"{path}: a hole of {rule.size} pixels leaves nothing of {size}; make it smaller.")
    if not isinstance(top["metrics"], list) or not isinstance(top["published"], list):
        raise RetouchError(f"{path}: metrics and published must be lists; correct it.")
    texts = {key: _text(top[key], path, key) for key in ("title", "source", "data", "notes")}
    metrics = tuple(_metric(key, path) for key in top["metrics"])
    published = tuple(_published(each, metrics, path) for each in top["published"])
    return Protocol(path.stem, size=size, mask=rule, metrics=metrics, published=published, **texts)


def _keys(content: object, keys: Sequence[str], path: Path, where: str) -> dict[str, Any]:
    """Check that this is a mapping with exactly these keys."""
    if not isinstance(content, dict):
        raise RetouchError(f"{path}: {where} must have the keys {', '.join(keys)}; correct it.")
    unknown = [str(key) for key in content if key not in keys]
    missing = [key for key in keys if key not in content]
    if unknown or missing:
        problem = f"has an unknown key {unknown[0]!r}" if unknown else f"lacks {missing[0]!r}"
        raise RetouchError(f"{path}: {where} {problem}; its keys are {', '.join(keys)}.")
    return content


def _text(value: object, path: Path, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RetouchError(f"{path}: {key} must be a text; correct it.")
    return " ".join(value.split())


def _pixels(value: object, path: Path, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RetouchError(f"{path}: {key} must be a number of pixels, not {value!r}.")
    return value


def _mask_rule(value: object, path: Path) -> MaskRule:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "folder":
        _keys(value, ("kind",), path, "mask")
        return MaskRule("folder", None)
    if kind not in _SQUARES:
        raise RetouchError(f"{path}: the kind of mask must be one of {', '.join(_SQUARES)} and folder.")
    rule = _keys(value, ("kind", "size"), path, "mask")
    return MaskRule(str(kind), _pixels(rule["size"], path, "the size of the mask"))


def _metric(key: object, path: Path) -> str:
    from retouch.evaluation.metrics import COLUMNS

    if not isinstance(key, str) or key not in COLUMNS:
        raise RetouchError(f"{path}: there is no metric {key!r}; choose from {', '.join(COLUMNS)}.")
    return key


def _published(value: object, metrics: Sequence[str], path: Path) -> Published:
    entry = _keys(value, ("label", "metrics"), path, "an entry of published")
    label = _text(entry["label"], path, "label")
    if not isinstance(entry["metrics"], dict) or not entry["metrics"]:
        raise RetouchError(f"{path}: {label} must have figures by metric; correct it.")
    for key, figure in entry["metrics"].items():
        if key not in metrics:
            raise RetouchError(f"{path}: {label} has {key!r}, which is not among the metrics; add it there.")
        if not isinstance(figure, int | float) or isinstance(figure, bool) or not math.isfinite(figure):
            raise RetouchError(f"{path}: {key} of {label} must be a number, not {figure!r}.")
    return Published(label, {key: float(figure) for key, figure in entry["metrics"].items()})


def protocol_pairs(
    protocol: Protocol, data: Path, masks: Sequence[str] | None = None, limit: int | None = None
) -> list[Pair]:
    """Find the pairs that a protocol measures in a user's folder.

    Args:
        protocol: The protocol. If it makes its own holes, the folder needs no masks.
        data: The folder, laid out as :func:`~retouch.evaluation.pairs.find_pairs` describes.
        masks: The one kind of masks to use, if the protocol uses the user's masks and there are several.
        limit: How many photos to take, spread evenly over the list; None for all.

    Returns:
        Pairs with one kind of masks, for :func:`read_protocol_pair`.

    Raises:
        RetouchError: As in :func:`~retouch.evaluation.pairs.find_pairs`, or the kinds of masks do not fit.
    """
    if protocol.mask.kind == "folder":
        pairs = find_pairs(data, masks, limit)
        kinds = list(dict.fromkeys(pair.masks for pair in pairs))
        if len(kinds) > 1:
            raise RetouchError(f"{protocol.name} uses one kind of masks; choose from {', '.join(kinds)}.")
        return pairs
    kind = protocol.mask.kind
    if masks and list(masks) != [kind]:
        raise RetouchError(f"{protocol.name} makes its own holes ({kind}); leave out --masks.")
    return [Pair(photo, kind, image, None) for photo, image in find_photos(data, limit)]


def read_protocol_pair(protocol: Protocol, pair: Pair) -> tuple[Pixels, Hole]:
    """Read a photo and its hole as a protocol requires.

    The centre square of the photo is shrunk to the protocol's size by area averaging. A mask file has that
    size already, or it has the photo's size and is shrunk in the same way (a pixel belongs to the hole if at
    least half of it does).

    Returns:
        The photo, ``S×S×3`` uint8 sRGB, and its hole, ``S×S`` bool, True = fill.

    Raises:
        RetouchError: A file cannot be read, the photo is smaller than the protocol's size, the mask has
            neither size, or the hole is empty or covers everything.
    """
    size, rule = protocol.size, protocol.mask
    photo = read_photo(pair.image)
    height, width = photo.pixels.shape[:2]
    side = min(height, width)
    if side < size:
        raise RetouchError(
            f"{pair.image} is {width} × {height} pixels, smaller than the {size} × {size} of "
            f"{protocol.name}; leave it out."
        )
    rows = slice((height - side) // 2, (height - side) // 2 + side)
    columns = slice((width - side) // 2, (width - side) // 2 + side)
    truth = np.rint(255 * shrunk(to_srgb(photo, rows, columns), size)).astype(np.uint8)
    if pair.mask is None:
        return truth, _square(pair.photo, size, rule)
    hole = read_hole(pair.mask)
    if hole.shape != (size, size):
        if hole.shape != (height, width):
            raise RetouchError(
                f"The mask {pair.mask} is {size_text(hole)} pixels; bring it to the {width} × {height} of "
                f"its photo or to the {size} × {size} of {protocol.name}."
            )
        hole = shrunk(hole[rows, columns].astype(np.float32), size) >= 0.5
    check_hole(hole, pair.mask)
    return truth, hole


def _square(photo: str, size: int, rule: MaskRule) -> Hole:
    """The hole that a rule makes for the photo with this id."""
    assert rule.size is not None
    room = size - rule.size + 1
    top = left = (size - rule.size) // 2
    if rule.kind == "random-square":
        # A hash instead of random numbers, so that order, limit and numpy's version cannot move a hole.
        digest = hashlib.sha256(photo.encode("utf-8", "surrogateescape")).digest()
        top, left = (int.from_bytes(each) % room for each in (digest[:8], digest[8:16]))
    hole = np.zeros((size, size), dtype=bool)
    hole[top : top + rule.size, left : left + rule.size] = True
    return hole


def published_figures(protocol: Protocol, masks: str) -> list[dict[str, Any]]:
    """The paper's figures as a report holds them; ``masks`` is the kind of the pairs' masks."""
    return [
        {"label": each.label, "masks": masks, "metrics": dict(each.metrics)} for each in protocol.published
    ]


def describe(protocol: Protocol) -> str:
    """Describe a protocol in lines for people to read."""
    from retouch.evaluation.metrics import COLUMNS

    size, hole = protocol.size, protocol.mask.size
    holes = {
        "center-square": f"a square of {hole} × {hole} pixels in the centre",
        "random-square": f"a square of {hole} × {hole} pixels at a place that depends on the photo's name",
        "folder": f"your own masks, either {size} × {size} pixels or as large as the photos",
    }
    entries = {
        "source": protocol.source,
        "data": protocol.data,
        "photos": f"the centre square of each, shrunk to {size} × {size} pixels by area averaging",
        "hole": holes[protocol.mask.kind],
        "metrics": "; ".join(COLUMNS[key].label for key in protocol.metrics),
        "notes": protocol.notes,
    }
    lines = [f"{protocol.name}: {protocol.title}", ""]
    for key, text in entries.items():
        lines += textwrap.wrap(
            text, _WIDTH, initial_indent=f"{key:<9}", subsequent_indent=" " * 9, break_on_hyphens=False
        )
    lines += ["", "published" if protocol.published else "published: no figures; see the notes"]
    for each in protocol.published:
        told = "; ".join(f"{COLUMNS[key].label} = {figure:g}" for key, figure in each.metrics.items())
        lines.append(f"  {each.label}: {told}")
    return "\n".join(lines)
