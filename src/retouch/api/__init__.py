"""The one Python interface: the command line, the server and plug-ins all use it.

``import retouch`` comes through here, and so does ``retouch --help``: whatever is slow to import (torch,
OpenCV, libvips, numpy) is imported inside the functions that need it.
"""

from retouch.api.crowd import clear_crowd
from retouch.api.finding import find_damage
from retouch.api.inpainting import fill, inpaint
from retouch.api.replaying import Replayed, replay
from retouch.api.restoring import Restored, restore
from retouch.api.result import Result
from retouch.api.style_transfer import stylize

__all__ = [
    "Replayed",
    "Restored",
    "Result",
    "clear_crowd",
    "fill",
    "find_damage",
    "inpaint",
    "replay",
    "restore",
    "stylize",
]
