"""The one error that a user can cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_TORCH = ("torch", "safetensors")  # what "networks" brings; the extras that train and measure bring it too
_CPU = "pip install torch --index-url https://download.pytorch.org/whl/cpu"


class RetouchError(ValueError):
    """An error that the user can cause and fix.

    Its text is one sentence that says what is wrong and what to do. The command line prints it and ends with
    exit code 2; nothing has been written by then.
    """


def missing_extra(extra: str, package: str, what: str = "") -> RetouchError:
    """Make the error that says how to install what an optional part of retouch needs.

    retouch is on no package index, so the command installs it from a clone.

    Args:
        extra: The extra of ``pyproject.toml`` that brings the package: "networks", "train", "evaluate",
            "serve", "cluster" or "c2pa".
        package: What is missing.
        what: What needs it, to begin the sentence with; "" where that is plain.
    """
    command = f"pip install '.[{extra}]'"
    if package in _TORCH:
        # Alone, pip would bring torch's build for NVIDIA GPUs, of several gigabytes.
        command = f"{_CPU} && {command} (with an NVIDIA GPU: {command} alone)"
    missing = f"{what} needs {package}, which" if what else package
    return RetouchError(f"{missing} is not installed; in a clone of retouch, run: {command}")


@contextmanager
def needs_networks(what: str) -> Iterator[None]:
    """Say how to install the extra "networks" where importing what it brings fails.

    Args:
        what: What needs it, as the sentence begins.

    Raises:
        RetouchError: torch or safetensors is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _TORCH:
            raise
        raise missing_extra("networks", error.name, what) from error
