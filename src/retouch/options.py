"""Making a model's options of what a user gave: names and values, the values perhaps as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from retouch.errors import RetouchError

Options = TypeVar("Options")


def make_options(kind: type[Options], given: Mapping[str, Any], model: str) -> Options:
    """Make a dataclass of options.

    Args:
        kind: the dataclass; each of its fields has a default.
        given: values by the names of its fields. Text is read as the field's type, with commas between the
            parts of a tuple; the text of an empty tuple is empty.
        model: whose options they are, for the errors.

    Raises:
        RetouchError: there is no such option, or a value is not of its type.
    """
    types = get_type_hints(kind)
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    values = {}
    for name, value in given.items():
        if name not in names:
            raise RetouchError(f"{model} has no option {name!r}; its options are {', '.join(names)}.")
        try:
            values[name] = _typed(types[name], value)
        except (TypeError, ValueError, OverflowError) as error:
            raise RetouchError(
                f"The option {name} of {model} takes {_described(types[name])}, not {value!r}."
            ) from error
    return kind(**values)


def _typed(kind: Any, value: Any) -> Any:
    if get_origin(kind) is tuple:
        if isinstance(value, str):
            value = [each.strip() for each in value.split(",") if each.strip()]
        parts = [value] if isinstance(value, int | float) else value
        return tuple(_typed(get_args(kind)[0], each) for each in parts)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError
        return value
    if kind is str and not isinstance(value, str):
        raise TypeError
    if kind is int and (isinstance(value, bool) or (isinstance(value, float) and not value.is_integer())):
        raise TypeError
    made = kind(value)
    if kind is float and not math.isfinite(made):
        raise ValueError
    return made


def _described(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"{_described(get_args(kind)[0])}, one or more with commas between"
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return {int: "a whole number", float: "a number", str: "text"}[kind]
