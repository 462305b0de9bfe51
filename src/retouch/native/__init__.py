"""The compiled part of the patch search: plain C functions in C++17, called through ctypes.

It is built when the package is installed and a C++ compiler is there. Without it everything works, in torch.
``RETOUCH_COMPILED=0`` in the environment leaves it unused.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from functools import cache

_INTERFACE = 5  # must be what retouch_interface() in search.cpp returns


@cache
def library() -> ctypes.CDLL | None:
    """Load the compiled part; None if it was not built, is of another version, or is not to be used."""
    if os.environ.get("RETOUCH_COMPILED") == "0":
        return None
    found = importlib.util.find_spec("retouch.native._native")
    if found is None or found.origin is None:
        return None
    try:
        loaded = ctypes.CDLL(found.origin)
        return loaded if loaded.retouch_interface() == _INTERFACE else None
    except (OSError, AttributeError):
        return None


def search_in_use() -> str:
    """Say which patch search runs on this computer's processor: "compiled, AVX2", "compiled" or "torch"."""
    compiled = library()
    if compiled is None:
        return "torch"
    return "compiled, AVX2" if compiled.retouch_avx2() else "compiled"
