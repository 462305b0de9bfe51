"""The command that makes a fill again, without the folders of the machine that it was made on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any


def command_of(record: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Write the command of a record.

    Args:
        record: the record; files are meant by their names.
        defaults: the values of arguments that need not be said.
    """
    words = ["retouch", "fill", record["original"]["file"] or "-"]
    if record["mask"]["given"]:
        words.append(record["mask"]["file"] or "MASK")
    if record["result"]["file"]:
        words += ["-o", record["result"]["file"]]
    for name, value in {**record["arguments"], "seed": record["seed"]}.items():
        if value != defaults.get(name):
            words += option_words(name, value)
    return shlex.join([*words, "--record"])


def option_words(name: str, value: Any) -> list[str]:
    """The words of an option; the value of one that names a file is a mapping with ``file``."""
    option = "--" + name.replace("_", "-")
    if name == "options":
        return [word for key, each in value.items() for word in ("--option", f"{key}={_text(each)}")]
    if name == "references":
        return [word for each in value for word in ("--from", each["file"] or "REFERENCE")]
    if isinstance(value, bool):
        return [option, "confidence.png"] if name == "confidence" else [option]
    if isinstance(value, Mapping):  # a file
        return [option, value["file"] or name.upper()]
    return [option, str(value)]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
