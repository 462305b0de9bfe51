"""A photo that comes with its mask, is filled once, and is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import numpy as np
from starlette.requests import Request

from retouch.api import editing
from retouch.errors import RetouchError
from retouch.server.compat import pictures
from retouch.server.edits import Edit, PatchFile, followed
from retouch.server.errors import Refusal
from retouch.server.mapped import Mapped, PhotoFiles
from retouch.server.masks import box_of
from retouch.server.messages import Area, FillRequest
from retouch.server.service import Service

_LOOK = 0.5  # seconds between looks whether the client is still there
_FILL = 127  # what is brighter is filled


class Passing:
    """A photo in a folder that goes when its request is answered.

    Attributes:
        id: the folder's name.
        revision: how many fills were applied.
    """

    def __init__(self, folder: Path, image: bytes, mask: bytes, most_pixels: int) -> None:
        """Decode a photo and its mask.

        Args:
            folder: where to.
            image: the photo's file.
            mask: the file of a picture of the same size; what is brighter than 127 of 255 is filled.
            most_pixels: that either may have.

        Raises:
            RetouchError: one of them cannot be read, or their sizes differ.
        """
        photo = editing.open_photo(image, most_pixels)
        hole = pictures.brightness(mask, most_pixels) > _FILL
        if hole.shape != photo.pixels.shape[:2]:
            sizes = [f"{width} × {height}" for height, width in (photo.pixels.shape[:2], hole.shape)]
            raise Refusal(
                400,
                "sizes_differ",
                f"The image is {sizes[0]} pixels and the mask {sizes[1]}; send both alike.",
            )
        self.id, self.revision, self.turn = folder.name, 0, asyncio.Lock()
        self._folder = folder
        self._format = photo.format
        self._edit: Edit | None = None
        self._box = box_of(hole)
        if self._box is None:
            self._untouched = image
            return
        # In files, so that waiting takes no memory.
        self._files = PhotoFiles.written(folder, photo)
        self._hole = Mapped.written(folder / "hole.raw", hole[self._box.place].astype(np.uint8) * 255)

    @property
    def media_type(self) -> str:
        """Of the file that :meth:`file` returns."""
        kept = self._box is None or self._format in editing.FORMATS
        return f"image/{self._format if kept else 'png'}"

    async def fill(
        self,
        service: Service,
        request: Request,
        *,
        model: str,
        seed: int,
        tell: Callable[[float], Awaitable[None]],
    ) -> None:
        """Fill it when its turn has come; nothing is done if the mask is empty.

        Args:
            service: the server.
            request: of the client; when it is gone, the fill is given up.
            model: the model's name.
            seed: of the fill.
            tell: is told how far the fill has come, from 0 to 1.

        Raises:
            RetouchError: it failed.
        """
        if self._box is None:
            return
        jobs = service.jobs
        job = jobs.submit(self, partial(self._request, model, seed))
        try:
            while not job.over:
                await job.change(_LOOK)
                await tell(job.report.fraction)
                if not (job.over or job.cancelled) and await request.is_disconnected():
                    jobs.cancel(job)
        finally:
            jobs.cancel(job)
            jobs.forget(job)
        if job.state != "done":
            raise RetouchError(job.message or "The fill was given up; send it again.")

    def file(self) -> bytes:
        """The filled photo, in its own format where that can be written, else as PNG."""
        if self._box is None:
            return self._untouched
        patches = PatchFile(self._folder / "fill.npz")
        photo = self._files.photo("c")
        patches.change(photo, "after")
        edit = self._edit
        assert edit is not None  # a fill came first
        marked = editing.marked(followed(photo, [patches]), [(edit.model, edit.filled_by, edit.seed)])
        return editing.write(marked, self._folder, None, changed=True)

    def commit(self, edit: Edit) -> None:
        """Take the fill; its values are in its file already."""
        self.revision += 1
        self._edit = edit

    def _request(self, model: str, seed: int) -> FillRequest:
        assert self._box is not None  # else nothing is asked for
        return FillRequest(
            files=self._files,
            hole=Area(self._box, self._hole.open()),
            include=None,
            avoid=None,
            lines=None,
            model=model,
            refine=False,
            confidence=False,
            seeds=(seed,),
            targets=(("fill", self._folder / "fill.npz"),),
            previews=False,
        )
