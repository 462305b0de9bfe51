"""Find the photos that mislead the network that finds damage: whole ones in which it sees most.

    python scripts/hard_photos.py PHOTOS… HARD.tar --share 0.15
    retouch train damage --data PHOTOS --data HARD.tar --data HARD.tar --from damage.safetensors --out RUN

PHOTOS are folders and tar files of photos without damage. Those in which the network finds most (the mean
probability of damage in the middle of the photo; with ``--areas``, of large damage in a small copy of all of
it) are copied into a tar file, which then counts as more photos of the training. Their names stay, and with
them what is held out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from retouch.errors import RetouchError
from retouch.finding.arrays import read_arrays, shipped_arrays
from retouch.finding.damage import AREAS, COPY
from retouch.finding.looking import CORE, Values, look, probability
from retouch.finding.networks import NAME
from retouch.imaging import photo_from_array
from retouch.training.data import decode
from tars import new_tar, whole_shards, write_tar

SIDE = CORE // 2
"""Of the middle that is looked at, in pixels: one window of the smaller kind."""


def main() -> None:
    """Read the command line, look at all photos, and write those that mislead."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+", help="folders and tar files of photos without damage")
    parser.add_argument("tar", type=new_tar, help="the file to write")
    parser.add_argument("--share", type=float, default=0.15, help="of the photos")
    parser.add_argument("--areas", action="store_true", help="look for large damage, for damage-areas")
    parser.add_argument("--weights", type=Path, help="of another network than the one that ships")
    given = parser.parse_args()
    if not 0 < given.share < 1:
        parser.error("--share must lie between 0 and 1")
    try:
        shipped = shipped_arrays(NAME, AREAS if given.areas else "")
        arrays = shipped if given.weights is None else read_arrays(given.weights, NAME)
        shards = whole_shards(given.photos)
        seen = []
        for number in range(len(shards)):
            photo = decode(shards[number])
            if photo is not None:
                if not given.areas:
                    top, left = (max(0, (each - SIDE) // 2) for each in photo.shape[:2])
                    photo = np.ascontiguousarray(photo[top : top + SIDE, left : left + SIDE])
                probable = look(Values(photo_from_array(photo)).small(COPY), arrays, worth=0)
                seen.append((float(probability(probable).mean()), number))
    except RetouchError as error:
        parser.error(str(error))
    seen.sort(reverse=True)
    many = max(1, round(given.share * len(seen)))
    chosen, rest = seen[:many], seen[many:]
    if not rest:
        parser.error(f"of {len(seen)} photos that can be read none is left over; give more photos")
    members = shards.members
    write_tar(given.tar, ((Path(members[n].name or members[n].path).name, shards[n]) for _, n in chosen))
    most, least = (100 * float(np.mean([share for share, _ in each])) for each in (chosen, rest))
    print(
        f"{given.tar}: {len(chosen)} of {len(seen)} photos; there {most:.2f} % is found, else {least:.2f} %"
    )


if __name__ == "__main__":
    main()
