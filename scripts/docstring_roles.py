"""Griffe extension for `make docs`: show Sphinx roles in docstrings, such as :class:`Model`, as code.

mkdocstrings reads Markdown and would print the role's name.
"""

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")


def _as_code(match: re.Match[str]) -> str:
    whole = match.group(0)
    name = match.group(1)
    return f"`{name.rsplit('.', 1)[-1] if '`~' in whole else name}`"


class DocstringRoles(griffe.Extension):
    """Rewrite the roles before docstrings are parsed."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Griffe calls this for every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(_as_code, obj.docstring.value)
