"""Configuration files of training: finding them, reading YAML strictly, and changing single settings.

:mod:`retouch.options` makes dataclasses of their content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from retouch.errors import RetouchError

_SHIPPED = Path(__file__).parent / "configs"
_ENDING = ".yaml"


def config_names() -> list[str]:
    """List the names of the configurations that are part of this package."""
    return sorted(path.stem for path in _SHIPPED.glob(f"*{_ENDING}"))


def find_config(given: str | Path) -> Path:
    """Find a configuration file.

    Args:
        given: The path of a YAML file, or the name of a configuration that is part of this package, such as
            "contextual-attention-lite". A file goes before a name.

    Raises:
        RetouchError: There is neither such a file nor such a name.
    """
    if Path(given).is_file():
        return Path(given)
    if str(given) in (names := config_names()):
        return _SHIPPED / f"{given}{_ENDING}"
    raise RetouchError(
        f"There is no configuration {given}; name a YAML file of yours, or one of {', '.join(names)}."
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        RetouchError: The file cannot be read, holds something else, or repeats a key.
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
    """Refuses repeated keys. The plain loader would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def override(content: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Return ``content`` with changes such as ``optimizer.lr=2e-4``; the value is read as YAML.

    Raises:
        RetouchError: A change has no ``=``, or one of its parents is a plain value.
    """
    result = {**content}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name:
            raise RetouchError(f"--set {change} has no value; write key=value, such as optimizer.lr=2e-4.")
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
