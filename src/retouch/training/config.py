"""Configuration: frozen dataclasses, read strictly from YAML and written back whole.

The dataclasses are the documentation: what is a field can be set, and what is not is an error.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from retouch.errors import RetouchError

T = TypeVar("T")
# Where a field may hold one of several dataclasses, this key says which.
KIND = "kind"


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        RetouchError: it cannot be read, is no mapping, or repeats a key.
    """
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_Strict)
    except OSError as error:
        raise RetouchError(f"Cannot read {path} ({error.strerror}); name a configuration file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RetouchError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RetouchError(f"{path} must hold keys and values.")
    return content


class _Strict(yaml.SafeLoader):
    """Refuses repeated keys, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def override(content: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Apply changes such as ``optimizer.lr=2e-4``; the value is read as YAML.

    Raises:
        RetouchError: a change has no ``=``, or leads through what holds no keys.
    """
    result = {**content}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name:
            raise RetouchError(f"--set {change} says no value; write key=value, such as optimizer.lr=2e-4.")
        *parents, last = name.split(".")
        place = result
        for parent in parents:
            below = place.get(parent, {})
            if not isinstance(below, Mapping):
                raise RetouchError(f"--set {change}: {parent} holds no keys.")
            place[parent] = {**below}
            place = place[parent]
        try:
            place[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RetouchError(f"--set {change}: the value is no valid YAML; check its brackets.") from error
    return result


def build(cls: type[T], content: Mapping[str, Any], where: str = "") -> T:
    """Make a dataclass of a mapping, and all dataclasses within.

    Args:
        cls: the dataclass.
        content: its fields; those with a default may be left out.
        where: what leads to it, for the errors.

    Raises:
        RetouchError: a key that is no field, a field without value, or a value of another type.
    """
    if not isinstance(content, Mapping):
        raise RetouchError(f"{where or 'The configuration'} must hold keys and values, not {content!r}.")
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    prefix = f"{where}." if where else ""
    for key in content:
        if key not in known:
            raise RetouchError(f"There is no setting {prefix}{key}; choose from {', '.join(known)}.")
    hints = get_type_hints(cls)
    values = {}
    for name, field in known.items():
        if name in content:
            values[name] = _value(hints[name], content[name], prefix + name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise RetouchError(f"The setting {prefix}{name} is missing.")
    try:
        return cls(**values)
    except ValueError as error:
        raise RetouchError(f"{where or 'The configuration'}: {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where)
    if _is_dataclass(hint):
        return build(hint, value, where)
    if origin is Literal:
        if value not in arguments:
            raise RetouchError(f"{where} must be one of {', '.join(map(str, arguments))}, not {value!r}.")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RetouchError(f"{where} must be a list, not {value!r}.")
        each = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(each) != len(value):
            raise RetouchError(f"{where} must hold {len(each)} values, not {len(value)}.")
        return tuple(
            _value(inner, item, f"{where}[{index}]")
            for index, (inner, item) in enumerate(zip(each, value, strict=True))
        )
    # A whole number will do for a float, and YAML reads 1e-4, without a point, as text.
    if hint is float and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise RetouchError(f"{where} must be a finite number, not {value}.")
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise RetouchError(f"{where} must be {hint.__name__}, not {value!r}.")
    return value


def _is_dataclass(hint: Any) -> bool:
    return is_dataclass(hint)


def _one_of(hints: Sequence[Any], value: Any, where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    classes: dict[str, Any] = {each.__name__.lower(): each for each in hints if _is_dataclass(each)}
    if not classes:
        (hint,) = (each for each in hints if each is not type(None))
        return _value(hint, value, where)
    if not isinstance(value, Mapping) or str(value.get(KIND)) not in classes:
        raise RetouchError(f"{where} needs a {KIND}, one of {', '.join(classes)}, not {value!r}.")
    rest = {key: each for key, each in value.items() if key != KIND}
    return build(classes[value[KIND]], rest, where)


def dump(config: Any) -> dict[str, Any]:
    """A mapping of plain values that :func:`build` makes the same configuration of.

    Every field of a dataclass within a union gets its ``kind``.
    """

    def plain(value: Any, hint: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            hints = get_type_hints(type(value))
            content = {
                each.name: plain(getattr(value, each.name), hints[each.name]) for each in fields(value)
            }
            several = get_origin(hint) in (Union, types.UnionType)
            return {KIND: type(value).__name__.lower(), **content} if several else content
        if isinstance(value, tuple):
            arguments = get_args(hint)
            each = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
            return [plain(item, inner) for item, inner in zip(value, each, strict=True)]
        return value

    result: dict[str, Any] = plain(config, type(config))
    return result
