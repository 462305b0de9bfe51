"""How long finding damage takes, with and without the scout that says where to look.

    python benchmarks/damage_speed.py PHOTO --megapixels 24

The photo is enlarged or shrunk to that size and gets made damage: a few specks and scratches, as on a scan
that was cleaned before. The two ways take turns, each in a process of its own. Memory is the peak of the
whole process, the photo included.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from retouch.finding import damage
from retouch.finding.arrays import shipped_arrays
from retouch.finding.looking import Values, look, scouted
from retouch.finding.networks import NAME
from retouch.imaging import photo_from_array

WAYS = {"everywhere": 0.0, "scouted": damage.WORTH}


def scan(path: Path, megapixels: float, spots: int) -> np.ndarray:
    """The photo in that size, with some damage."""
    photo = cv2.imread(str(path))
    assert photo is not None
    scale = (megapixels * 1e6 / (photo.shape[0] * photo.shape[1])) ** 0.5
    photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    random = np.random.default_rng(0)
    height, width = photo.shape[:2]
    for number in range(spots):
        x, y = (int(random.integers(side)) for side in (width, height))
        grey = int(random.choice((20, 240)))
        if number % 5:
            cv2.circle(photo, (x, y), int(random.integers(2, 8)), (grey,) * 3, -1, cv2.LINE_AA)
        else:
            end = (x + int(random.normal(0, 150)), y + int(random.normal(0, 150)))
            cv2.line(photo, (x, y), end, (grey,) * 3, int(random.integers(1, 5)), cv2.LINE_AA)
    return photo


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=Path)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--spots", type=int, default=60, help="specks and scratches in the photo")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        photo = photo_from_array(scan(given.photo, given.megapixels, given.spots))
        arrays = shipped_arrays(NAME)
        begin, busy = time.perf_counter(), time.process_time()
        values = Values(photo)
        probable = look(values, arrays, worth=WAYS[given.measure])
        small = look(values.small(damage.COPY), shipped_arrays(NAME, damage.AREAS), worth=0)
        found = damage.marked(probable, small, 0.5)
        spent, busy = time.perf_counter() - begin, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(spent, busy, peak, 100 * found.mean())
        return
    from shared import interleaved, machine

    print(machine())
    options = [str(given.photo), "--megapixels", str(given.megapixels), "--spots", str(given.spots)]
    rows = interleaved(__file__, list(WAYS), given.repeats, options)
    print("where         seconds   CPU s   peak MB   % marked")
    for way, each in rows.items():
        seconds, busy, peak, marked = np.median(each, 0)
        print(f"{way:<12}{seconds:>9.2f}{busy:>8.2f}{peak:>10.0f}{marked:>11.4f}")
    everywhere, sent = (np.array(each)[:, :2] for each in rows.values())
    ratio = np.median(everywhere / sent, 0)
    print(
        f"the scout makes it {ratio[0]:.1f} times as fast, {ratio[1]:.1f} times by processor time", end="; "
    )
    values = Values(photo_from_array(scan(given.photo, given.megapixels, given.spots)))
    share = (scouted(values, shipped_arrays(NAME)) > np.log(damage.WORTH / (1 - damage.WORTH))).mean()
    print(f"{100 * share:.1f} % of the squares are worth looking at", file=sys.stdout)


if __name__ == "__main__":
    main()
