"""Typed reading: from text, YAML or JSON to frozen dataclasses, and back.

The dataclasses are the documentation: a key that is no field is an error, and so is a value of the wrong
type. There are two ways in. :func:`build` reads a mapping as YAML or JSON gives it: values have their types,
and dataclasses nest. :func:`make_options` reads options by name, as a user types them: values may be text.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from retouch.errors import RetouchError

T = TypeVar("T")
KIND = "kind"
"""Where a field may hold one of several dataclasses, this key names the class, in lower case."""
_WHOLE = "The configuration"
_YES_NO = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def make_options(kind: type[T], given: Mapping[str, Any], model: str) -> T:
    """Make a dataclass of options that were given by name.

    Args:
        kind: The dataclass. Every field has a default.
        given: Values by field name. Text is read as the field's type. Commas separate the parts of a tuple;
            an empty text is an empty tuple. A single number also works as a tuple of one.
        model: Whose options they are, for the error messages.

    Raises:
        RetouchError: There is no such option, or a value is of the wrong type.
    """
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    values = {}
    for name, value in given.items():
        if name not in names:
            raise RetouchError(f"{model} has no option {name!r}; its options are {', '.join(names)}.")
        try:
            values[name] = _value(hints[name], value, name, text=True)
        except RetouchError as error:
            raise RetouchError(
                f"The option {name} of {model} takes {_described(hints[name])}, not {value!r}."
            ) from error
    return kind(**values)


def build(cls: type[T], content: Mapping[str, Any], where: str = "") -> T:
    """Make a dataclass of a mapping, and every dataclass inside it.

    Args:
        cls: The dataclass.
        content: Values by field name. Fields with a default may be left out.
        where: Dotted name of the place of ``content`` in the whole, for the error messages.

    Raises:
        RetouchError: A key is no field, a field has no value, or a value is of the wrong type.
    """
    made: T = _dataclass(cls, content, where, text=False)
    return made


def dump(config: Any) -> dict[str, Any]:
    """Return a mapping of plain values from which :func:`build` makes the same dataclass.

    A dataclass in a field that may hold several gets its ``kind``.
    """

    def plain(value: Any, hint: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            hints = get_type_hints(type(value))
            content = {
                each.name: plain(getattr(value, each.name), hints[each.name]) for each in fields(value)
            }
            return {KIND: type(value).__name__.lower(), **content} if _is_union(hint) else content
        if isinstance(value, tuple):
            hints_of_parts = _parts(hint, len(value))
            return [plain(item, inner) for item, inner in zip(value, hints_of_parts, strict=True)]
        return value

    result: dict[str, Any] = plain(config, type(config))
    return result


def _dataclass(cls: Any, content: Any, where: str, text: bool) -> Any:
    if not isinstance(content, Mapping):
        raise RetouchError(f"{where or _WHOLE} must hold keys and values, not {content!r}.")
    known = {field.name: field for field in fields(cls)}
    prefix = f"{where}." if where else ""
    for key in content:
        if key not in known:
            raise RetouchError(f"There is no setting {prefix}{key}; choose from {', '.join(known)}.")
    hints = get_type_hints(cls)
    values = {}
    for name, field in known.items():
        if name in content:
            values[name] = _value(hints[name], content[name], prefix + name, text)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise RetouchError(f"The setting {prefix}{name} is missing.")
    try:
        return cls(**values)
    except ValueError as error:
        raise RetouchError(f"{where or _WHOLE}: {error}") from error


def _value(hint: Any, value: Any, where: str, text: bool) -> Any:
    """Read a value as the type ``hint``; with ``text``, also from how a user would type it."""
    if _is_union(hint):
        return _one_of(get_args(hint), value, where, text)
    if is_dataclass(hint):
        return _dataclass(hint, value, where, text)
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if value not in choices:
            raise RetouchError(f"{where} must be one of {', '.join(map(str, choices))}, not {value!r}.")
        return value
    if get_origin(hint) is tuple:
        if text:
            value = _split(value)
        if not isinstance(value, list | tuple):
            raise RetouchError(f"{where} must be a list, not {value!r}.")
        hints = _parts(hint, len(value))
        if len(hints) != len(value):
            raise RetouchError(f"{where} must hold {len(hints)} values, not {len(value)}.")
        return tuple(
            _value(inner, item, f"{where}[{index}]", text)
            for index, (inner, item) in enumerate(zip(hints, value, strict=True))
        )
    value = _converted(hint, value, text)
    if isinstance(value, float) and not math.isfinite(value):
        raise RetouchError(f"{where} must be a finite number, not {value}.")
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise RetouchError(f"{where} must be {hint.__name__}, not {value!r}.")
    return value


def _converted(hint: Any, value: Any, text: bool) -> Any:
    """The value as a number, where that loses nothing; else the value itself."""
    if isinstance(value, bool):
        return value
    if hint is float and isinstance(value, Real | str):
        # YAML reads 1e-4, without a point, as text.
        with suppress(ValueError, OverflowError):
            return float(value)
    if hint is int and isinstance(value, Integral):  # also numpy's
        return int(value)
    if text and hint is int and (isinstance(value, str) or (isinstance(value, float) and value.is_integer())):
        with suppress(ValueError):
            return int(value)
    if text and hint is bool and isinstance(value, str):
        return _YES_NO.get(value.strip().lower(), value)
    return value


def _split(value: Any) -> Any:
    """The parts of a tuple that was typed, or a single number as a tuple of one."""
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    return [value] if isinstance(value, int | float) else value


def _one_of(hints: Sequence[Any], value: Any, where: str, text: bool) -> Any:
    if value is None and type(None) in hints:
        return None
    classes = {each.__name__.lower(): each for each in hints if is_dataclass(each) and isinstance(each, type)}
    if not classes:
        (hint,) = (each for each in hints if each is not type(None))
        return _value(hint, value, where, text)
    if not isinstance(value, Mapping) or str(value.get(KIND)) not in classes:
        raise RetouchError(f"{where} needs a {KIND}, one of {', '.join(classes)}, not {value!r}.")
    rest = {key: each for key, each in value.items() if key != KIND}
    return _dataclass(classes[value[KIND]], rest, where, text)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _parts(hint: Any, count: int) -> tuple[Any, ...]:
    """The type of each part of a tuple; ``count`` of them if the tuple may be of any length."""
    arguments = get_args(hint)
    return arguments[:1] * count if arguments[-1] is Ellipsis else arguments


def _described(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"{_described(get_args(hint)[0])}, one or more with commas between"
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    return {int: "a whole number", float: "a number", str: "text", bool: "yes or no"}[hint]
