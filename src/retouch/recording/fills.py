"""Make the record of a fill of what was asked for, and of what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from retouch.contract import ArrayModel, Model
from retouch.engine.filled import PhotoFill, filled_by
from retouch.imaging import Edited
from retouch.models.specification import Specification
from retouch.ops.masks import Mask
from retouch.recording.command import command_of
from retouch.recording.record import (
    FORMAT,
    Record,
    file_entry,
    mask_entry,
    photo_entry,
    pixels_digest,
    versions,
)

_FILES = ("include", "avoid", "lines")
# What changes no pixel, or stands elsewhere in a record.
_OUTSIDE = {"in_place", "on_progress", "output", "overwrite", "trace", "record", "sign", "tsa", "seed",
            "device", "options"}  # fmt: skip
_WEIGHTS = (".safetensors", ".pth")


def record_of(
    fill: PhotoFill,
    hole: Mask,
    said: Edited,
    arguments: Mapping[str, Any],
    *,
    image: object,
    mask: object,
    model: Model,
) -> Record:
    """The record of a fill, but for its result.

    Args:
        fill: the fill.
        hole: what was filled.
        said: what its file says of it.
        arguments: of the fill.
        image: the picture that was handed over; only a file has a name and a digest.
        mask: the mask, likewise.
        model: what filled.
    """
    loaded = not isinstance(arguments["model"], (str, Path))
    specification = None if loaded else _specification(arguments)
    photo = fill.photo
    weights = [] if loaded else [file_entry(each) for each in weights_of(arguments)]
    return {
        "format": FORMAT,
        "when": said.when,
        "command": "",
        "seed": int(arguments["seed"]),
        "device": "cpu" if isinstance(model, ArrayModel) else str(model.device),
        "versions": versions(),
        "original": photo_entry(image, photo),
        "mask": {"given": mask is not None, **mask_entry(mask, hole)},
        "model": {
            "name": model.name if specification is None else _name(specification),
            "loaded": loaded,
            "trained": said.trained,
            "weights": weights,
        },
        "arguments": _arguments(arguments, specification),
        "boxes": [
            {
                "top": each.box.top,
                "left": each.box.left,
                "height": each.box.height,
                "width": each.box.width,
                "pixels": int(each.hole.sum()),
                "by": each.by,
            }
            for each in fill.regions
        ],
        "filled_by": filled_by(fill),
        "source_type": said.source_type if fill.regions else None,
        "result": {"file": None, "sha256": None, "pixels_sha256": pixels_digest(photo), "signed": False},
    }


def with_original(record: Record, original: str | Path | bytes) -> Record:
    """The record of a fill of a photo that the caller had read from a file; it comes before writing."""
    return record | {"original": record["original"] | file_entry(original)}


def with_result(record: Record, result: object, defaults: Mapping[str, Any], *, signed: bool) -> Record:
    """Complete a record once its result is written.

    Args:
        record: the record.
        result: a file, or its bytes; anything else has no digest.
        defaults: of the arguments, which the command need not say.
        signed: whether the file is signed, if anything was filled.
    """
    found = record["result"] | {"signed": signed and bool(record["boxes"])}
    if isinstance(result, (str, Path, bytes)):
        found |= file_entry(result)
    record = record | {"result": found}
    return record | {"command": command_of(record, defaults)}


def renamed(record: Record, names: Mapping[str, str], defaults: Mapping[str, Any]) -> Record:
    """A record with other names of files.

    Args:
        record: the record, complete.
        names: by "photo", "mask", "include", "avoid", "lines" and "result".
        defaults: as in :func:`with_result`.
    """
    arguments = dict(record["arguments"])
    arguments |= {name: arguments[name] | {"file": names[name]} for name in _FILES if name in names}
    parts = {"photo": "original", "mask": "mask", "result": "result"}
    found = {part: record[part] | {"file": names[name]} for name, part in parts.items() if name in names}
    record = record | found | {"arguments": arguments}
    return record | {"command": command_of(record, defaults)}


def _specification(given: Mapping[str, Any]) -> Specification:
    parsed = Specification.parse(given["model"])
    return parsed.refined() if given["refine"] else parsed


def _name(specification: Specification) -> str:
    """The full name of a model; of a weights file, without its folder."""
    file = specification.file
    return str(specification) if file is None else str(specification).replace(str(file), file.name, 1)


def weights_of(given: Mapping[str, Any]) -> list[Path]:
    """The files of weights that a fill by a model with a name reads."""
    specification = _specification(given)
    found = [specification.file] if specification.file is not None else []
    found += [Path(each) for each in (given["options"] or {}).values() if _is_weights(each)]
    if specification.trained or given["upsampling"] == "network":
        # Late: they need torch.
        from retouch.confidence import head
        from retouch.upsampling import network
        from retouch.weights import ENDING, shipped

        names = [card.shipped for card in specification.cards if card.shipped is not None]
        names += [head.NAME + ENDING] if "confidence-feedback" in specification.around else []
        names += [network.NAME + ENDING] if given["upsampling"] != "residual" else []
        found += [shipped(name) for name in names]
    return found


def _is_weights(value: object) -> bool:
    return isinstance(value, (str, Path)) and str(value).endswith(_WEIGHTS) and Path(value).is_file()


def recorded_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments that a record has under ``arguments``."""
    return {name: value for name, value in given.items() if name not in _OUTSIDE} | {
        "options": given["options"]
    }


def _arguments(given: Mapping[str, Any], specification: Specification | None) -> dict[str, Any]:
    found = {name: _plain(value) for name, value in recorded_arguments(given).items()}
    for name in _FILES:
        found[name] = None if given[name] is None else file_entry(given[name])
    references = given["references"]
    if references is not None:
        pictures = references.values() if isinstance(references, Mapping) else references
        found["references"] = [file_entry(each) for each in pictures]
    options = {
        name: Path(value).name if _is_weights(value) else _plain(value)
        for name, value in (given["options"] or {}).items()
    }
    model = None if specification is None else _name(specification)
    return {**found, "model": model, "refine": False, "options": options or None}


def _plain(value: Any) -> Any:
    """A value that JSON holds; numpy's numbers are accepted as arguments."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool, list, tuple, type(None))) else str(value)
