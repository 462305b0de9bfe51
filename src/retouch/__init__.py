"""Fill holes in photographs.

``inpaint`` fills and returns a picture of the kind it was given, ``fill`` also says what the fill was made
from, ``batch`` fills many, and ``replay`` makes a recorded fill again. ``load`` returns a model to call on
tensors, and ``list_models`` lists the models. ``stylize`` gives a picture the style of another.
``find_damage`` finds the damage of old photos, and ``restore`` mends it. ``clear_crowd`` takes passers-by out
of a series.
"""

from retouch.api import Restored, Result, clear_crowd, fill, find_damage, inpaint, replay, restore, stylize
from retouch.batching import batch
from retouch.errors import RetouchError
from retouch.models.loading import list_models, load

__all__ = [
    "Restored",
    "Result",
    "RetouchError",
    "batch",
    "clear_crowd",
    "fill",
    "find_damage",
    "inpaint",
    "list_models",
    "load",
    "replay",
    "restore",
    "stylize",
]


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # takes half as long to import as all of this

    return version("retouch")
