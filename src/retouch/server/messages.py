"""What the server and the process that fills tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retouch.server.boxes import Box
from retouch.server.edits import Edit
from retouch.server.mapped import PhotoFiles


@dataclass(frozen=True)
class Area:
    """A mask: what lies in a box, ``h×w``; nothing outside of it."""

    box: Box
    mask: NDArray[np.uint8]


@dataclass(frozen=True)
class FillRequest:
    """What is to be filled, and how.

    Attributes:
        files: the photo.
        hole: how much of the fill each pixel takes, 255 = all, 0 = stays as it is; None fills what is
            transparent.
        include: where may be borrowed from, above 127; None for everywhere.
        avoid: where may not.
        lines: what should go on through the hole.
        model: the model's name.
        refine: refine its fill with neural-patch.
        confidence: judge the fill of a model that has no confidence of its own.
        seeds: a fill is made for each.
        targets: the name and the file of the edit for each seed.
        previews: whether anybody looks at the fill as it grows.
        references: other photos of the same place, by name.
        references_only: fill nothing that no reference shows.
        any_light: trust references of another hour or season by their structure.
    """

    files: PhotoFiles
    hole: Area | None
    include: Area | None
    avoid: Area | None
    lines: Area | None
    model: str
    refine: bool
    confidence: bool
    seeds: tuple[int, ...]
    targets: tuple[tuple[str, Path], ...]
    previews: bool = True
    references: Mapping[str, PhotoFiles] = field(default_factory=dict)
    references_only: bool = False
    any_light: bool = False


@dataclass(frozen=True)
class Report:
    """How far a fill has come; ``preview`` is a JPEG of ``box`` as it looks now."""

    fraction: float
    stage: str
    box: Box | None = None
    preview: bytes | None = None


@dataclass(frozen=True)
class Filled:
    """The fills that were asked for, written to their files."""

    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Failed:
    """Why there is no fill: one sentence if the user caused it; ``details`` is for the terminal otherwise."""

    message: str
    details: str = ""


class Cancel:
    """Asks for the end of the fill that is made."""


class Cancelled:
    """The fill was given up as asked."""


Message = Report | Filled | Failed | Cancelled
