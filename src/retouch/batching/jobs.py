"""A photo to fill or restore: with which mask, to which name, and with which options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args, get_origin, get_type_hints

from retouch.api.arguments import DEFAULTS, InpaintArguments
from retouch.errors import RetouchError
from retouch.finding import check_sensitivity

MASKS = ("include", "avoid", "lines", "protect", "infrared")
"""Options that name one more picture, or a folder of them."""
DRAWINGS = ("sources", "confidence")
"""Options that draw one more picture, whose name ends in ``-sources.png`` or ``-confidence.png``."""
_OF_FILL = {"model", "refine", "options", "device", "seed", "dilate", "close", "invert_mask", "mask_from"}
_OF_FILL |= {"resize_mask", "trust_mask", *MASKS, "working_size", "upsampling", "wrap", "confidence"}
_OF_FILL |= {"allow_huge", "record"}
OPTIONS: Mapping[str, Any] = {
    **{name: value for name, value in DEFAULTS.items() if name in _OF_FILL},
    "sources": False,
    "colour_wheel": False,
    "restore": False,
    "sensitivity": None,
    "protect": None,
    "infrared": None,
    "report": False,
}
"""The options of a job, and their defaults: those of ``fill`` and ``restore`` that are about a photo, the
drawings, and which of the two is meant.

They are named, and not all that ``fill`` has, because each must be right here: a table can hold it, other
processes get it, files that it names count as inputs, and files that it writes as results.
"""
NOT_HERE = frozenset(
    [
        *("any_light", "in_place", "on_progress", "output", "overwrite", "references", "references_only"),
        *("sign", "trace", "tsa"),
    ]
)
"""The arguments of ``fill`` that are no options of a job. A test asks for a decision about each new one."""
RESTORING = frozenset(["restore", "sensitivity", "protect", "infrared", "report"])
"""The options that only restoring has, and the one that asks for it."""
_BOTH = frozenset(["seed", "dilate", "resize_mask", "trust_mask", "allow_huge"])
_KINDS: Mapping[type, str] = {bool: "True or False", int: "a whole number", str: "text"}
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True)
class Job:
    """A photo to fill or restore.

    Attributes:
        photo: its path or URL.
        mask: that of its mask; None = fill what is transparent, or find what is to be restored.
        name: of the file to write, with slashes, relative to the folder of the results.
        options: those of :data:`OPTIONS` that differ from their defaults.
        problem: why it cannot be filled, one sentence; "" if it can.
        unmasked: whether that is because no mask, or no infrared scan, was found.
    """

    photo: str
    mask: str | None
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    unmasked: bool = False

    @property
    def names(self) -> dict[str, str]:
        """The names of all files to write, by what they are: "photo", and perhaps others."""
        stem = str(PurePosixPath(self.name).with_suffix(""))
        if self.options.get("restore"):
            report = {"report": f"{stem}.html"} if self.options.get("report") else {}
            return {"photo": self.name, "mask": f"{stem}-mask.png", "record": f"{stem}.json", **report}
        drawn = {each: f"{stem}-{each}.png" for each in DRAWINGS if self.options.get(each)}
        record = {"record": f"{stem}.json"} if self.options.get("record") else {}
        return {"photo": self.name, **drawn, **record}

    def inputs(self) -> dict[str, str]:
        """The files that the result depends on, by what they are."""
        from retouch.models.specification import Specification

        found = {"photo": self.photo}
        if self.mask is not None:
            found["mask"] = self.mask
        found |= {name: self.options[name] for name in MASKS if name in self.options}
        if "model" in self.options and (file := Specification.parse(self.options["model"]).file) is not None:
            found["model"] = str(file)
        return found


def given_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the options that differ from their defaults, as values that JSON can hold.

    Raises:
        RetouchError: there is no such option, its value is no text and no number, such as a loaded model, or
            it does not go with the others.
    """
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if name not in OPTIONS:
            raise RetouchError(f"A batch has no option {name!r}; its options are {', '.join(OPTIONS)}.")
        if isinstance(value, Path):
            value = str(value)
        if name == "options" and value is not None:
            if not isinstance(value, Mapping):
                raise RetouchError(f"options are given as a mapping, such as {{'patch': 7}}, not {value!r}.")
            value = {key: str(each) for key, each in value.items()}
        elif name == "sensitivity" and value is not None:
            check_sensitivity(value)
            value = float(value)
        elif name in MASKS and value is not None and not isinstance(value, str):
            raise RetouchError(f"The option {name} takes the path of a picture, not {value!r}.")
        elif value is not None and not isinstance(value, bool | int | str):
            raise RetouchError(
                f"In a batch, {name} must be a name, a file or a number, not a {type(value).__name__}, "
                "because other processes do the work."
            )
        kind = type(OPTIONS[name])
        if kind in _KINDS and not isinstance(value, kind):
            raise RetouchError(f"The option {name} takes {_KINDS[kind]}, not {value!r}.")
        if value != OPTIONS[name]:
            kept[name] = value
    for name in kept:
        if kept.get("restore") and name not in _BOTH | RESTORING:
            raise RetouchError(f"Restoring has no option {name}; leave it out, or leave out restore.")
        if not kept.get("restore") and name in RESTORING:
            raise RetouchError(f"The option {name} is for restoring; add restore, or leave it out.")
    return kept


def check_job(job: Job) -> Job:
    """Return a job. Raise :class:`RetouchError` if its mask, options and name do not go together."""
    if not job.options.get("restore"):
        return job
    named = {"sensitivity", "infrared"} & job.options.keys()
    if job.mask is not None and named:
        raise RetouchError(
            f"A mask says where damage is, and {min(named)} how to look for it; leave one of them out."
        )
    if len(set(job.names.values())) < len(job.names):
        raise RetouchError(f"{job.name} is also the name of what is written beside it; choose another.")
    return job


def read_option(name: str, text: str) -> Any:
    """Read an option as people write it into a table.

    Args:
        name: one of :data:`OPTIONS`.
        text: its value; of ``options``, several NAME=VALUE with blanks between.

    Raises:
        RetouchError: there is no such option, or the text is none of its values.
    """
    if name not in OPTIONS:
        raise RetouchError(f"A batch has no option {name!r}; its options are {', '.join(OPTIONS)}.")
    hint = get_type_hints(InpaintArguments, localns={"Model": Any, "Picture": Any, "Progress": Any}).get(name)
    if isinstance(OPTIONS[name], bool):
        if text.lower() not in _YES_NO:
            raise RetouchError(f"The option {name} takes yes or no, not {text!r}.")
        return _YES_NO[text.lower()]
    if isinstance(OPTIONS[name], int) or name == "working_size":
        try:
            return int(text)
        except ValueError as error:
            raise RetouchError(f"The option {name} takes a whole number, not {text!r}.") from error
    if name == "sensitivity":
        try:
            return float(text)
        except ValueError as error:
            raise RetouchError(f"The option {name} takes a number from 0 to 1, not {text!r}.") from error
    if get_origin(hint) is Literal and text not in get_args(hint):
        raise RetouchError(f"The option {name} is one of {', '.join(get_args(hint))}, not {text!r}.")
    if name == "options":
        return dict(_pair(each) for each in text.split())
    return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise RetouchError(f"The column options takes NAME=VALUE, such as preset=fast, not {text!r}.")
    return name, value


def in_shard(name: str, shard: tuple[int, int]) -> bool:
    """Whether a job belongs to a shard: ``(3, 10)`` is the third of ten.

    It depends on the job's name alone, so photos that come later move no other photo to another shard.
    """
    number, count = shard
    return int.from_bytes(sha256(name.encode("utf-8", "surrogateescape")).digest()[:8]) % count == number - 1


def read_shard(text: str) -> tuple[int, int]:
    """Read a shard such as "3/10".

    Raises:
        RetouchError: it is none.
    """
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise RetouchError(f"A shard is written like 3/10, the third of ten, not {text!r}.")
