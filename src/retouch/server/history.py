"""The edits of a photo in their order, of which the last ones may be undone; and what is saved of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from retouch.server.edits import Edit
from retouch.server.errors import Refusal


class History:
    """Which edits there are, which of them are applied, and which were when the photo was saved.

    Attributes:
        edits: all of them, the first one first; those after ``applied`` are undone.
        applied: how many are applied.
        written: the files that the photo was saved to.
        variants: fills to choose from, by id.
    """

    def __init__(self, known: dict[str, Any] | None = None) -> None:
        """Begin one, or go on with what :meth:`as_json` gave."""
        known = known or {"edits": [], "applied": 0, "saved": [], "written": []}
        self.edits = [Edit.of(each) for each in known["edits"]]
        self.applied: int = known["applied"]
        self.written: list[str] = known["written"]
        self.variants: dict[str, Edit] = {}
        self._saved: list[str] = known["saved"]

    def as_json(self) -> dict[str, Any]:
        """All but the variants, which do not outlive the server."""
        return {
            "edits": [asdict(each) for each in self.edits],
            "applied": self.applied,
            "saved": self._saved,
            "written": self.written,
        }

    @property
    def now(self) -> list[Edit]:
        """The edits that are applied."""
        return self.edits[: self.applied]

    @property
    def unsaved(self) -> bool:
        """Whether the photo differs from what was saved, or opened."""
        return [each.id for each in self.now] != self._saved

    @property
    def last(self) -> Edit:
        """The edit to undo.

        Raises:
            Refusal: there is none.
        """
        if not self.applied:
            raise Refusal(409, "nothing_to_undo", "There is nothing to undo.")
        return self.edits[self.applied - 1]

    @property
    def next(self) -> Edit:
        """The edit to redo.

        Raises:
            Refusal: there is none.
        """
        if self.applied == len(self.edits):
            raise Refusal(409, "nothing_to_redo", "There is nothing to redo.")
        return self.edits[self.applied]

    def add(self, edit: Edit) -> list[Edit]:
        """Add an edit that was applied; returns those that can no longer be redone."""
        dropped = self.edits[self.applied :]
        self.edits[self.applied :] = [edit]
        self.applied += 1
        return dropped

    def offer(self, edits: Sequence[Edit]) -> list[Edit]:
        """Let fills wait as variants; returns the earlier ones, which they replace."""
        dropped, self.variants = self.variants, {each.id: each for each in edits}
        return list(dropped.values())

    def variant(self, name: str) -> Edit:
        """The variant of this name.

        Raises:
            Refusal: there is none any more.
        """
        if name not in self.variants:
            raise Refusal(404, "no_variant", "There is no such variant any more; fill again.")
        return self.variants[name]

    def saved(self, target: str) -> None:
        """The photo as it is now was saved to a file."""
        self._saved = [each.id for each in self.now]
        self.written = sorted({*self.written, target})
