"""Training samples: pictures and masks, in an order that depends on the seed alone.

Sample k of a run is a function of the seed, k and the files. It does not depend on the number of workers, on
where a run was resumed, or on what was drawn before.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retouch.errors import RetouchError
from retouch.ops.masks import Mask
from retouch.training.damage import Damage
from retouch.training.masks import Sampler
from retouch.training.shards import Shards

Picture = NDArray[np.uint8]

_ORDER, _CROP, _MASK, _LOSS = range(4)  # the purposes of random streams


def batches(
    samples: TrainingSet,
    size: int,
    start: int = 0,
    *,
    workers: int | None = None,
    rank: int = 0,
    ranks: int = 1,
) -> Generator[Batch]:
    """Yield batches without end, prepared ahead by threads. Decoding and drawing release Python's lock.

    With several ranks, each gets its own part of every ``size · ranks`` samples. Together they see what one
    process with a batch of that size would see.

    Args:
        samples: The set to draw from.
        size: Samples per batch.
        start: Number of the first sample, over all ranks; a resumed run continues with it.
        workers: Number of threads; None for one per processor, at most 16. It does not change the batches.
        rank: Number of this process, from 0.
        ranks: Number of processes.

    Raises:
        RetouchError: A number is out of range; while iterating, the errors of :class:`TrainingSet`.
    """
    workers = min(16, os.cpu_count() or 1) if workers is None else workers
    if min(size, workers, ranks) < 1 or start < 0 or not 0 <= rank < ranks:
        raise RetouchError("A batch needs at least one sample, one worker and a first sample from 0 on.")
    return _prepared(samples, size, start + rank * size, size * ranks, workers)


def _prepared(samples: TrainingSet, size: int, start: int, step: int, workers: int) -> Generator[Batch]:
    ahead = 2 + -(-workers // size)  # in batches: work for every worker while two batches wait
    waiting: deque[tuple[int, list[Future[tuple[Picture, Mask]]]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="data")
    try:
        while True:
            while len(waiting) < ahead:
                waiting.append(
                    (start, [pool.submit(samples.__getitem__, start + place) for place in range(size)])
                )
                start += step
            number, futures = waiting.popleft()
            pictures, holes = zip(*(future.result() for future in futures), strict=True)
            images = torch.from_numpy(np.stack(pictures))
            yield Batch(number, images, torch.from_numpy(np.stack(holes)).unsqueeze(1))
    finally:
        pool.shutdown(cancel_futures=True)


def decode(data: bytes) -> Picture | None:
    """Decode an image file: upright, ``H×W×3`` uint8 sRGB; None if it cannot be read.

    OpenCV decodes because it is faster. It ignores colour profiles, so training pictures count as sRGB. Files
    that OpenCV cannot read go to :mod:`retouch.imaging`. So do JPEGs that are cut off: OpenCV would return
    them half grey without an error.
    """
    cut_short = data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-1024:]
    picture: NDArray[Any] | None = None
    if data and not cut_short:
        try:
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:  # OpenCV refuses very large pictures
            picture = None
    if picture is not None:
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    from retouch.imaging import read_photo, to_srgb  # late: rarely needed, and libvips loads slowly

    try:
        photo = read_photo(data)
        image = to_srgb(photo, slice(None), slice(None))
    except RetouchError:
        return None
    return np.rint(image * 255).astype(np.uint8)


def _generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, number)))


def uniforms(seed: int, number: int, count: int) -> Tensor:
    """Draw a float32 number in [0, 1) for each of ``count`` samples, from sample ``number`` on."""
    drawn = [_generator(seed, _LOSS, number + place).random() for place in range(count)]
    # Rounding to float32 may give 1; the largest float32 below 1 takes its place.
    return torch.tensor(drawn, dtype=torch.float32).clamp_(max=1 - 2**-24)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of ``count`` pictures in an epoch."""
    return _generator(seed, _ORDER, epoch).permutation(count)


def layout(device: torch.device) -> torch.memory_format:
    """How networks in training and their images lie in memory on a device.

    Channels last is faster on processors and GPUs of Nvidia; on "mps" we have not tried it.
    """
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


@dataclass(frozen=True)
class Batch:
    """Samples ``number`` to ``number + B - 1`` of a run.

    Attributes:
        number: Number of the first sample.
        images: ``B×3×H×W`` uint8 sRGB.
        masks: ``B×1×H×W`` bool, True = hole.
    """

    number: int
    images: Tensor
    masks: Tensor

    def pair(self, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Return image in [0, 1] and mask of zeros and ones, float32 on ``device``; sent as bytes.

        The image lies in memory as networks in training do.
        """
        images, masks = (each.to(device) for each in (self.images, self.masks))
        return (images.float() / 255).contiguous(memory_format=layout(torch.device(device))), masks.float()


class TrainingSet:
    """An endless, numbered sequence of crops with masks.

    Every epoch has an order of its own. A sample is a square crop of a scaled picture. The shorter side of
    the scaled picture is drawn uniformly from ``scale`` times ``size``, up to its own resolution. A picture
    smaller than the crop is enlarged until it fits. Half of the crops are mirrored.

    Args:
        paths: Tar shards, folders or pictures; see :class:`retouch.training.shards.Shards`.
        size: Height and width of a crop, in pixels.
        masks: Sampler of the holes; or what damages the pictures, and then says where.
        seed: Seed of all randomness.
        scale: Least and greatest shorter side of the scaled picture, as a multiple of ``size``; at least 1.
        memory: Keep the encoded pictures in RAM if they fit into this many bytes.

    Raises:
        RetouchError: There is no picture, or the masks cannot be drawn.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        size: int,
        masks: Sampler | Damage,
        seed: int,
        *,
        scale: tuple[float, float] = (1.0, 2.0),
        memory: int = 4 * 2**30,
    ) -> None:
        if size < 2:
            raise RetouchError(f"The size of a crop must be at least 2 pixels, not {size}.")
        if not 1 <= scale[0] <= scale[1]:
            raise RetouchError(f"The scale must be two numbers from 1, the lesser first, not {scale}.")
        self.size, self.masks, self.seed, self.scale = size, masks, seed, scale
        if not isinstance(masks, Damage):
            masks(_generator(seed, _MASK, 0), size, size)  # reports problems with the masks right away
        self.shards = Shards([Path(path) for path in paths], memory)
        self._unreadable: set[int] = set()
        self._chosen = list(range(len(self.shards)))

    def __len__(self) -> int:
        """Number of pictures. Sample numbers go beyond it."""
        return len(self._chosen)

    def split(self, count: int, names: Sequence[str] = ()) -> tuple[TrainingSet, TrainingSet]:
        """Hold out ``count`` pictures; return the training set and the held-out set.

        The choice depends on the seed and the file names. So a folder and a tar file made of it hold out the
        same pictures, and adding pictures never moves a training picture into the held-out set. Pictures of
        one name go together, so there may be a few more.

        Args:
            count: Number of pictures to hold out.
            names: Names of pictures that were held out before (:meth:`names`). Pictures of these names are
                held out again, and no others, if there are any.

        Raises:
            RetouchError: No picture would be left.
        """
        if count >= len(self):
            raise RetouchError(
                f"Of {len(self)} in all, {count} are to be held out; add pictures, or hold out fewer "
                "(--set data.held_out=8)."
            )
        drawn = sorted(self._chosen, key=self._lot)
        # Several folders may hold the same name, or one may be listed twice: all of a name stay together.
        before = set(names)
        known = [number for number in drawn if self._name(number) in before]
        if known:
            drawn, count = known + [each for each in drawn if self._name(each) not in before], len(known)
        while 0 < count < len(drawn) and self._lot(drawn[count]) == self._lot(drawn[count - 1]):
            count += 1
        if count == len(drawn):
            raise RetouchError("All pictures have the names of those that are held out; add others.")
        parts = (copy(self), copy(self))
        for part, chosen in zip(parts, (drawn[count:], drawn[:count]), strict=True):
            part._chosen, part._unreadable = sorted(chosen), set()
        return parts

    def __getitem__(self, number: int) -> tuple[Picture, Mask]:
        """Return sample ``number``, from 0: ``3×size×size`` uint8 sRGB and ``size×size`` bool, True = hole.

        Raises:
            RetouchError: No picture can be read, or a file has disappeared.
        """
        random = _generator(self.seed, _CROP, number)
        epoch, place = divmod(number, len(self))
        picture = self._decoded(self._chosen[_order(self.seed, epoch, len(self))[place]])
        while picture is None:  # a random other one takes its place
            picture = self._decoded(self._chosen[random.integers(len(self))])
        crop, own = self._crop(picture, random), _generator(self.seed, _MASK, number)
        if isinstance(self.masks, Damage):
            crop, hole = self.masks.spoil(own, crop)
        else:
            hole = self.masks(own, self.size, self.size)
        return np.ascontiguousarray(crop.transpose(2, 0, 1)), hole

    def _lot(self, number: int) -> bytes:
        """Return the key that decides about holding out; it does not depend on the folder."""
        return hashlib.sha256(f"{self.seed}/{self._name(number)}".encode("utf-8", "surrogateescape")).digest()

    def _name(self, number: int) -> str:
        member = self.shards.members[number]
        return PurePosixPath(member.name or member.path.name).name

    def whole(self) -> Iterator[Picture]:
        """Yield the pictures that can be read, uncropped, in the order in which :meth:`split` holds them out.

        So the first pictures do not depend on how many are held out.
        """
        for number in sorted(self._chosen, key=self._lot):
            picture = self._decoded(number)
            if picture is not None:
                yield picture

    def names(self) -> list[str]:
        """List the file names of the pictures, without folders, sorted."""
        return sorted(self._name(number) for number in self._chosen)

    def warnings(self) -> list[str]:
        """List the problems found with the data so far, one sentence each."""
        found = [
            f"{path} is cut short; pictures after the damage are left out." for path in self.shards.damaged
        ]
        if self._unreadable:
            names = [str(self.shards.members[number]) for number in sorted(self._unreadable)]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            found.append(
                f"{len(names)} of {len(self)} pictures cannot be read and are skipped: "
                f"{', '.join(names[:3])}{more}."
            )
        return found

    def _decoded(self, number: int) -> Picture | None:
        if number not in self._unreadable:
            picture = decode(self.shards[number])
            if picture is not None:
                return picture
            self._unreadable.add(number)
        # Checked by every thread, not only by the one that met the last unreadable picture.
        if len(self._unreadable) == len(self):
            raise RetouchError(
                f"None of the {len(self)} pictures can be read, {self.shards.members[number]} for one; "
                "get intact JPEG, PNG or WebP files."
            )
        return None

    def _crop(self, picture: Picture, random: np.random.Generator) -> Picture:
        height, width = picture.shape[:2]
        shorter = min(height, width)
        least = max(1.0, min(self.scale[0], shorter / self.size))
        greatest = max(least, min(self.scale[1], shorter / self.size))
        # Cropping before scaling gives the same result and costs less.
        side = min(shorter, max(1, round(shorter / random.uniform(least, greatest))))
        top = int(random.integers(height - side + 1))
        left = int(random.integers(width - side + 1))
        crop: NDArray[Any] = picture[top : top + side, left : left + side]
        if side != self.size:
            way = cv2.INTER_AREA if side > self.size else cv2.INTER_CUBIC
            crop = cv2.resize(crop, (self.size, self.size), interpolation=way)
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        return np.ascontiguousarray(crop, np.uint8)
