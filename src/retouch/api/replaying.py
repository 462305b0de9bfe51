"""``replay``: make a fill again from its record, and say whether it is the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.api.arguments import DEFAULTS
from retouch.errors import RetouchError
from retouch.files import file_digest
from retouch.models.specification import Specification

if TYPE_CHECKING:
    from retouch.recording.record import Record

_FILES = ("include", "avoid", "lines")
_SAID = {
    "photo": "photo",
    "mask": "mask",
    "include": "include mask",
    "avoid": "avoid mask",
    "lines": "mask of lines",
}


@dataclass(frozen=True)
class Replayed:
    """A fill that was made again.

    Attributes:
        same: whether it is the fill of the record: its pixels and, unless that was signed, its file.
        says: one sentence on what is the same, or what differs and why.
        pixels_same: whether the pixels are the same; None if the fill was not made again.
    """

    same: bool
    says: str
    pixels_same: bool | None = None


def replay(
    record: str | Path,
    *,
    photo: str | Path | None = None,
    mask: str | Path | None = None,
    output: str | Path | None = None,
    device: str | None = None,
    overwrite: bool = False,
    allow_huge: bool = False,
) -> Replayed:
    """Make a fill again from its record, and compare it.

    Files are looked for by their names beside the record, beside the photo, and in the current folder.

    Args:
        record: the file that ``record=True`` or ``retouch fill --record`` wrote.
        photo: the photo, if it lies elsewhere or has another name.
        mask: the mask, likewise.
        output: a file to write the fill to; None writes none.
        device: computes it; None for the device of the record.
        overwrite: replace ``output`` if it exists.
        allow_huge: read files with more pixels than the safety limit.

    Raises:
        RetouchError: the record, or a file that it names, cannot be used.
    """
    from retouch import files, imaging
    from retouch.api.inpainting import fill_at
    from retouch.recording.record import read_record

    place = Path(record)
    told = read_record(place)
    told["arguments"] = _known_arguments(told, place)
    if told["model"]["loaded"]:
        raise RetouchError(
            "The model of this record was handed over in Python; only that program can make the fill again."
        )
    if told["result"]["file"] is None:
        raise RetouchError("The result of this record was no file, so there is nothing to compare with.")
    suffix = Path(told["result"]["file"]).suffix
    if output is not None:
        if Path(output).suffix.lower() != suffix.lower():
            raise RetouchError(
                f"The result of this record ends in {suffix}; name a file that does, too, after -o."
            )
        files.refuse_existing(Path(output), overwrite=overwrite)
        files.check_folder(Path(output))
    folders = [place.parent, *([] if photo is None else [Path(photo).parent]), Path()]
    inputs = {"photo": _found(told["original"], "photo", photo, folders)}
    if told["original"]["sha256"] != told["result"]["sha256"] == file_digest(inputs["photo"]):
        raise RetouchError(
            f"{inputs['photo']} is the result of this record; name the photo with --photo FILE (photo= in "
            "Python)."
        )
    if told["mask"]["given"]:
        inputs["mask"] = _found(told["mask"], "mask", mask, folders)
    for name in _FILES:
        if told["arguments"][name] is not None:
            inputs[name] = _found(told["arguments"][name], name, None, folders)
    references = {f"reference {at}": each for at, each in enumerate(told["arguments"]["references"] or (), 1)}
    inputs |= {name: _found(entry, name, None, folders) for name, entry in references.items()}
    if output is not None:
        # The photo may be replaced, as by the fill itself, and so may an earlier result.
        others = {_SAID.get(name, name): path for name, path in inputs.items() if name != "photo"}
        files.refuse_inputs(Path(output), {"record": place, **others})
    entries = {"photo": told["original"], "mask": told["mask"], **told["arguments"], **references}
    for name, path in inputs.items():
        if entries[name]["sha256"] not in (None, file_digest(path)):  # none of what was no file
            what = _SAID.get(name, name)
            return Replayed(False, f"The {what} {path.name} is another file than that of the record.")
    opened = imaging.read_photo(inputs["photo"], allow_huge=allow_huge)
    data_format = imaging.format_name(opened, Path(f"result{suffix}"))
    arguments = _arguments(told, inputs, folders)
    arguments |= {"device": device or told["device"], "allow_huge": allow_huge}
    weights = _other_weights(told, arguments)
    result = fill_at(opened, inputs.get("mask"), told["when"], **arguments)
    assert result.record is not None
    if result.changed:
        data = imaging.write_photo(result.image, None, format=data_format)
    else:  # its file is a copy
        data = inputs["photo"].read_bytes()
    assert data is not None
    if output is not None:
        files.write_bytes(data, Path(output), overwrite=overwrite)
    return _compared(told, result.record, data, weights)


def _known_arguments(told: Record, place: Path) -> dict[str, Any]:
    """The arguments of a record: those that it lacks, because they came later, have their defaults.

    Raises:
        RetouchError: it has one that is not known here, and that may change the fill.
    """
    from retouch.recording.fills import recorded_arguments

    given, known = told["arguments"], recorded_arguments(DEFAULTS)
    asked = [name for name, value in given.items() if value is not None and value is not False]
    unknown = [name for name in asked if name not in known]
    if unknown:
        version = told["versions"]["retouch"]
        raise RetouchError(
            f"{place} has the argument {unknown[0]}, which retouch does not know here; replay it with "
            f"retouch {version} or newer."
        )
    found = {**known, **{name: value for name, value in given.items() if name in known}}
    if found["model"] is None and not told["model"]["loaded"]:
        raise RetouchError(f"{place} is damaged: it names no model; make the record anew.")
    return found


def _found(entry: dict[str, Any], what: str, given: str | Path | None, folders: list[Path]) -> Path:
    """Find a file that a record names."""
    if given is not None:
        return Path(given)
    option = f"--{what} FILE ({what}= in Python)"
    if entry["file"] is None:
        if what not in ("photo", "mask"):
            raise RetouchError(
                f"What this record calls {what} was no file, so the fill cannot be made again."
            )
        raise RetouchError(f"The {what} of this record has no name; name its file with {option}.")
    name: str = entry["file"]
    there = [folder / name for folder in folders if (folder / name).is_file()]
    for path in there:  # a result may have its photo's name
        if entry.get("sha256") == file_digest(path):
            return path
    if there:
        return there[0]
    hint = f"name it with {option}" if what in ("photo", "mask") else "put it there"
    raise RetouchError(f"{name} is not beside the record; {hint}.")


def _arguments(told: Record, inputs: dict[str, Path], folders: list[Path]) -> dict[str, Any]:
    """The arguments of a record, with the places of its files."""
    found = {**told["arguments"], **{name: inputs[name] for name in _FILES if name in inputs}}
    others = [path for name, path in inputs.items() if name.startswith("reference ")]
    found["references"] = others or None
    weights = {each["file"]: each for each in told["model"]["weights"]}
    specification = Specification.parse(found["model"])
    if specification.file is not None:
        named = str(specification.file)
        if named not in weights:
            raise RetouchError(f"The record does not say which file {named} was; make the record anew.")
        path = _found(weights[named], "weights", None, folders)
        found["model"] = str(replace(specification, base=path))
    found["options"] = {
        name: str(_found(weights[value], "weights", None, folders))
        if isinstance(value, str) and value in weights
        else value
        for name, value in (found["options"] or {}).items()
    }
    return {**found, "seed": told["seed"], "record": True, "in_place": True, "trace": False}


def _other_weights(told: Record, arguments: dict[str, Any]) -> list[str]:
    """The names of the weights that are not those of the record."""
    from retouch.files import file_digest
    from retouch.recording.fills import weights_of

    here = {path.name: file_digest(path) for path in weights_of(arguments)}
    return [each["file"] for each in told["model"]["weights"] if here.get(each["file"]) != each["sha256"]]


def _compared(told: Record, made: Record, data: bytes, weights: list[str]) -> Replayed:
    from retouch.recording.record import file_entry

    pixels = told["result"]["pixels_sha256"] == made["result"]["pixels_sha256"]
    file = told["result"]["sha256"] == file_entry(data)["sha256"]
    if pixels and (file or told["result"]["signed"]):
        says = (
            "the same pixels, and the same file"
            if file
            else "the same pixels (its file was signed, and no signature is made twice)"
        )
        return Replayed(True, f"The fill is the same: {says}.", pixels)
    same_hole = told["mask"]["hole_sha256"] == made["mask"]["hole_sha256"]
    reasons = [] if same_hole else ["the mask gives another hole"]
    reasons += [f"the weights {name} are others" for name in weights]
    reasons += [
        f"{name} is {made['versions'].get(name, 'not there')}, and was {was}"
        for name, was in told["versions"].items()
        if made["versions"].get(name) != was
    ]
    if made["device"] != told["device"]:
        reasons.append(f"it was computed on {told['device']}, and here on {made['device']}")
    what = "The pixels differ" if not pixels else "The pixels are the same, but the file differs"
    why = "; ".join(reasons) or "photo, mask, weights and versions are those of the record"
    return Replayed(False, f"{what}: {why}.", pixels)
