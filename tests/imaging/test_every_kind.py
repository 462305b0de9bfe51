"""Files of every kind that the writers can make are filled.

Known pixels, metadata, depth and profile come back, or it is said, or the file is refused with a sentence
that helps. To run a kind alone, add it to ``FOUND``: a failure prints it.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.imaging.every_kind import AXES, Kind, sample
from tests.imaging.every_kind_checks import metadata_problems, pixel_problems, profile_problems
from tests.imaging.every_kind_readers import Content, read
from tests.imaging.every_kind_rules import refusals
from tests.imaging.every_kind_writers import make

import retouch

# Kinds that have failed once.
FOUND = (
    Kind("tiff", "tifffile", "cmyk", 8, compression="none", profile="p3", target="tif"),
    Kind("tiff", "tifffile", "cmyk", 16, (1,), "lzw", "big-endian", 7, "cut short", target="tif"),
    Kind("tiff", "tifffile", "white is 0", 8, (0, 0), "packbits", "planes", target="tif"),
    Kind("tiff", "tifffile", "grey", 1, compression="lzma", target="tif"),
    Kind("tiff", "tifffile", "white is 0", 1, compression="zstd", layout="tiles", target="tif"),
    Kind("tiff", "libvips", "grey", 4, compression="lzw", target="tif"),
    Kind("heic", "pillow-heif", depth=12, target="heic"),
    Kind("jpeg", compression="4:4:4", metadata=("xmp",), target="png"),
    Kind("gif", colours="palette", metadata=("comment",), target="png"),
    Kind("pnm", "numpy", "rgb", 16, target="tif"),
)
COUNT, BLOCKS, QUICK = 5200, 52, 40
TAGS = ("EXIF:Artist", "EXIF:Copyright", "XMP:Title", "XMP:Creator", "IPTC:Keywords", "IPTC:City")
WRITABLE = ("jpeg", "png", "webp", "tiff", "avif", "heic")  # what exiftool writes
MASK = "mask.png"
ADVICE = ("use ", "convert ", "save ")


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Path]:
    """A folder for each kind."""
    return (tmp_path / str(number) for number in range(COUNT))


@pytest.mark.parametrize("kind", FOUND, ids=repr)
def test_found(kind, tmp_path):
    assert not problems(kind, tmp_path)


def test_a_few(rooms):
    run(sample(QUICK), rooms)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_many(block, rooms):
    run(sample(COUNT)[QUICK + block :: BLOCKS], rooms)


@pytest.mark.slow
def test_the_sample_has_every_value():
    kinds = sample(COUNT)
    assert len(set(kinds)) == COUNT > 5000
    for format, axes in AXES.items():
        for name, values in axes.items():
            found = {getattr(kind, name) for kind in kinds if kind.format == format}
            assert found == set(values), f"{format}: {name}"


def run(kinds, rooms):
    failed = {kind: problems(kind, room) for kind, room in zip(kinds, rooms, strict=False)}
    lines = [f"{kind!r}: {'; '.join(found)}" for kind, found in failed.items() if found]
    assert not lines, "\n".join(lines)


def problems(kind: Kind, folder: Path) -> list[str]:
    """Fill a file of a kind, and say what is wrong with the result."""
    folder.mkdir(exist_ok=True)
    photo, target = folder / f"photo.{kind.own}", folder / f"out.{kind.target}"
    data = make(kind)
    before = read(data)
    photo.write_bytes(data)
    words = refusals(kind)
    try:
        notes = fill(photo, target)
    except retouch.RetouchError as error:
        found = _refusal(str(error), words)
        left = {each.name for each in folder.iterdir()} - {photo.name, MASK}
        return found + [f"left behind: {each}" for each in left]
    except Exception as error:  # each is a failure, and the others are to be seen, too
        return [f"{type(error).__name__}: {error}"]
    found = [f"not refused as {words}"] if words else []
    found += [] if photo.read_bytes() == data else ["the photo was changed"]
    after = read(target.read_bytes())
    return [
        *found,
        *metadata_problems(kind, before, after, notes),
        *profile_problems(kind, before, after),
        *pixel_problems(kind, before, after, ~hole_of(before)),
    ]


def hole_of(content: Content) -> np.ndarray:
    """What is filled, ``H×W`` bool."""
    hole = np.zeros(content.upright.shape[:2], bool)
    hole[8:14, 9:16] = True
    return hole


def fill(photo: Path, target: Path) -> str:
    """Fill a photo, and return the notes."""
    mask = photo.with_name(MASK)
    Image.fromarray(hole_of(read(photo.read_bytes()))).save(mask)
    return " ".join(retouch.fill(photo, mask, model="telea", output=target).notes)


def _refusal(sentence: str, words: list[str]) -> list[str]:
    if not any(each in sentence for each in words):
        return [f"refused: {sentence}"]
    helpful = any(each in sentence for each in ADVICE) and "damaged" not in sentence
    return [] if helpful else [f"no help: {sentence}"]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_what_exiftool_writes_exiftool_finds(tmp_path):
    plain = [kind for kind in sample(800) if not refusals(kind) and kind.layout != "BigTIFF"]
    kinds = {
        (kind.format, kind.target): replace(kind, metadata=()) for kind in plain if kind.format in WRITABLE
    }
    photos = [tmp_path / f"{number}.{kind.own}" for number, kind in enumerate(kinds.values())]
    targets = [
        tmp_path / f"{photo.stem}-filled.{target}" for photo, (_, target) in zip(photos, kinds, strict=True)
    ]
    for kind, photo in zip(kinds.values(), photos, strict=True):
        photo.write_bytes(make(kind))
    values = [f"-{tag}=value {number}" for number, tag in enumerate(TAGS)]
    subprocess.run(["exiftool", "-q", "-q", "-m", "-overwrite_original", *values, *photos], check=True)
    notes = [fill(photo, target) for photo, target in zip(photos, targets, strict=True)]
    for kind, had, has, said in zip(kinds.values(), found(photos), found(targets), notes, strict=True):
        assert {"EXIF:Artist", "XMP:Title"} <= set(had), kind
        lost = {tag for tag in had if has.get(tag) != had[tag] and tag.split(":")[0] not in said}
        assert not lost, kind


def found(files: list[Path]) -> list[dict[str, str]]:
    """What exiftool reads of the tags, by file."""
    command = ["exiftool", "-j", "-G", *(f"-{tag}" for tag in TAGS), *files]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [{tag: value for tag, value in each.items() if tag in TAGS} for each in answer]
