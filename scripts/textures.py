"""Pick textures that look like photos from data of games: bricks, tiles, façades, grids, rust.

    apt-get download openarena-081-textures stellarium-data supertuxkart-data torcs-data ufoai-textures
    for each in *.deb; do dpkg-deb -x $each data; done
    for each in $(find data -name '*.pk3'); do unzip -qo $each -d ${each%.pk3}; done
    python scripts/textures.py data TEXTURES.tar
    retouch train damage --data PHOTOS --data TEXTURES.tar …

They are whole, and full of what a network that finds damage takes for it. What is no picture of a surface is
left out by its name (normal maps, fonts, icons), for being transparent, or for being plain or drawn with few
tones. Larger ones are shrunk to a short side of 384 pixels and cut to 512² at most.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.errors import RetouchError
from retouch.training.shards import Shards
from tars import new_tar, whole_shards, write_tar

SHORT, LONG, SHORTEST = 384, 512, 256
"""Sides in pixels: the short side after shrinking, the longest that is kept, and the least that is taken."""
_NO_SURFACE = re.compile(
    r"(_nm|normal|_n|spec|_s|gloss|mask|_alpha|lightmap|font|icon|gui|logo|sprite|particle|fx|hud|screenshot"
    r"|minimap|height|bump|_local|_g|sky)\b|/(gfx|gui|icons|levelshots|nebulae|effects|karts)/",
    re.IGNORECASE,
)
_TONES, _SPREAD, _DETAIL, _PLAIN = 60, 8.0, 0.6, 0.3

Bytes = NDArray[np.uint8]


def texture(encoded: bytes) -> Bytes | None:
    """Decode a picture, ``H×W×3`` uint8 BGR, of at most 512²; None if it is no texture."""
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8 or picture.ndim != 3:
        return None
    if min(picture.shape[:2]) < SHORTEST or (picture.shape[2] == 4 and picture[..., 3].min() < 250):
        return None
    if (scale := SHORT / min(picture.shape[:2])) < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found: Bytes = np.ascontiguousarray(picture[:LONG, :LONG, :3])
    grey = cv2.cvtColor(found, cv2.COLOR_BGR2GRAY)
    if len(np.unique(grey)) < _TONES or grey.std() < _SPREAD:
        return None
    detail = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), 1.5)).astype(np.float32)
    return found if (cv2.blur(detail, (16, 16)) < _DETAIL).mean() <= _PLAIN else None


def textures(shards: Shards) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the WebP of each texture, those that look alike once."""
    seen: set[bytes] = set()
    for number, member in enumerate(shards.members):
        if _NO_SURFACE.search(str(member)) or (found := texture(shards[number])) is None:
            continue
        small = cv2.resize(cv2.cvtColor(found, cv2.COLOR_BGR2GRAY), (8, 8), interpolation=cv2.INTER_AREA)
        alike = ((small - small.mean()) // 8).astype(np.int8).tobytes()
        if alike not in seen:
            name = f"textures/{len(seen):05d}-{Path(member.name or member.path).stem}.webp"
            seen.add(alike)
            yield name, cv2.imencode(".webp", found, [cv2.IMWRITE_WEBP_QUALITY, 85])[1].tobytes()


def main() -> None:
    """Read the command line, and write the textures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="folders of pictures")
    parser.add_argument("tar", type=new_tar, help="the file to write")
    given = parser.parse_args()
    try:
        shards = whole_shards(given.data)
        count = write_tar(given.tar, textures(shards))
    except RetouchError as error:
        parser.error(str(error))
    print(f"{given.tar}: {count} textures of {len(shards.members)} pictures")


if __name__ == "__main__":
    main()
