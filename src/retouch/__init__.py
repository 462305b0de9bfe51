"""Fill holes in photographs.

``inpaint`` fills and returns a picture of the kind it was given, ``fill`` also says what the fill was made
from, ``load`` gives a model to call on tensors, and ``models`` lists them. ``stylize`` gives a picture the
style of another.
"""

from importlib.metadata import version

# `models` is also the name of a subpackage. retouch.api has imported that by now, so the function is bound
# last and stays: `retouch.models()` lists, `from retouch.models.exemplar import …` works as well.
from retouch.api import Result, fill, inpaint
from retouch.errors import RetouchError
from retouch.loading import load, models
from retouch.stylizing import stylize

__version__ = version("retouch")
__all__ = ["Result", "RetouchError", "fill", "inpaint", "load", "models", "stylize"]
