"""How much of made damage is found, and what is found on photos without any.

    python benchmarks/damage_found.py --data FOLDER --count 200 --out REPORT

The damage is made by `damage_made.py`, which shares nothing with what trains the detector. Counts pixels
within 2 pixels of each other as the same. Prints precision and recall at each sensitivity, recall by kind,
and what is marked on the same photos as they are. REPORT gets the curve and contact sheets: photos at random,
those where most is missed, those where most is found in error, and the clean photos with most marked (red =
missed, blue = found in error, green = found).
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from damage_made import KINDS, age
from retouch.imaging import write_png
from retouch.training.shards import Shards

TOLERANCE = 2
"""Pixels this near to each other count as the same."""
SHOWN = 6
"""Pictures on a contact sheet."""
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Find = Callable[..., Mask]


@dataclass
class Counts:
    """What was found on some photos, in pixels."""

    found: int = 0
    right: int = 0
    true: dict[str, int] = field(default_factory=dict)
    recalled: dict[str, int] = field(default_factory=dict)

    def add(self, found: Mask, kinds: Bytes) -> None:
        """Count a photo's mask against what each pixel suffers from."""
        truth = kinds > 0
        self.found += int(found.sum())
        self.right += int((found & _near(truth)).sum())
        reached = _near(found)
        for number, kind in enumerate(KINDS[1:], 1):
            self.true[kind] = self.true.get(kind, 0) + int((kinds == number).sum())
            self.recalled[kind] = self.recalled.get(kind, 0) + int((reached & (kinds == number)).sum())

    @property
    def precision(self) -> float:
        """The share of what was found that is damaged."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the damage that was found."""
        return sum(self.recalled.values()) / max(sum(self.true.values()), 1)


def _near(mask: Mask) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * TOLERANCE + 1, 2 * TOLERANCE + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def photos(data: Sequence[Path], count: int, skip: int) -> list[Bytes]:
    """Photos of folders or tar files, ``H×W×3``, with sides of at most 1024 pixels."""
    shards = Shards(data)
    read = []
    for index in range(skip, min(skip + count, len(shards.members))):
        member = shards.members[index]
        with member.path.open("rb") as file:
            file.seek(member.offset)
            encoded = np.frombuffer(file.read(member.size), np.uint8)
        photo = cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        shrink = 1024 / max(photo.shape)
        if shrink < 1:
            photo = cv2.resize(photo, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        read.append(photo)
    return read


def sheet(cases: Sequence[tuple[Bytes, Mask, Mask]], file: Path) -> None:
    """Draw photos beside what was found and missed."""
    rows = []
    for photo, truth, found in cases:
        drawn = photo // 2
        for where, colour in (
            (truth & ~_near(found), (255, 60, 60)),
            (found & ~_near(truth), (80, 130, 255)),
            (found & _near(truth), (70, 220, 90)),
        ):
            drawn[where] = colour
        row = np.hstack([photo, drawn])
        rows.append(
            cv2.resize(row, (1200, round(row.shape[0] * 1200 / row.shape[1])), interpolation=cv2.INTER_AREA)
        )
    write_png(np.vstack(rows), file, overwrite=True)


def curve(points: Sequence[tuple[float, float]], file: Path) -> None:
    """Draw precision over recall, both from 0 to 1; the grey cross is the goal, 0.85 and 0.85."""
    side, edge = 600, 60
    drawn = np.full((side + 2 * edge, side + 2 * edge, 3), 255, np.uint8)

    def place(recall: float, precision: float) -> tuple[int, int]:
        return round(edge + side * recall), round(edge + side * (1 - precision))

    for tenth in range(11):
        share = tenth / 10
        cv2.line(drawn, place(share, 0), place(share, 1), (225, 225, 225), 1)
        cv2.line(drawn, place(0, share), place(1, share), (225, 225, 225), 1)
        for at, shift in ((place(share, 0), (-12, 22)), (place(0, share), (-38, 5))):
            where = (at[0] + shift[0], at[1] + shift[1])
            cv2.putText(
                drawn, f"{share:.1f}", where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (90, 90, 90), 1, cv2.LINE_AA
            )
    for text, at in (("recall", (330, 715)), ("precision", (10, 45))):
        cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (60, 60, 60), 1, cv2.LINE_AA)
    cv2.drawMarker(drawn, place(0.85, 0.85), (120, 120, 120), cv2.MARKER_CROSS, 24, 2)
    line = [place(recall, precision) for precision, recall in sorted(points, key=lambda each: each[1])]
    cv2.polylines(drawn, [np.array(line)], False, (30, 90, 200), 2, cv2.LINE_AA)
    for each in line:
        cv2.circle(drawn, each, 5, (30, 90, 200), -1, cv2.LINE_AA)
    write_png(drawn, file, overwrite=True)


def measure(find: Find, data: list[Bytes], sensitivities: Sequence[float], middle: float, out: Path) -> None:
    """Print tables, and draw what they are about."""
    made = [age(photo, seed) for seed, photo in enumerate(data)]
    counts = {each: Counts() for each in sensitivities}
    cases: list[Any] = []
    begin = time.process_time()
    for each, count in counts.items():
        for one in made:
            found = find(one.damaged, sensitivity=each)
            count.add(found, one.kinds)
            if each == middle:
                cases.append((one.damaged, one.kinds > 0, found))
    pixels = sum(one.kinds.size for one in made) * len(counts) / 1e6
    print(f"{len(made)} photos, {(time.process_time() - begin) / pixels:.2f} CPU seconds per megapixel\n")
    print("| sensitivity | precision | recall |", " | ".join(KINDS[1:]), "|")
    print("|" + "---:|" * (len(KINDS) + 2))
    for each, count in counts.items():
        kinds = [f"{count.recalled[kind] / max(count.true[kind], 1):.2f}" for kind in KINDS[1:]]
        print(
            f"| {each:g} | {count.precision:.3f} | {count.recall:.3f} |", " | ".join(kinds), "|", flush=True
        )
    curve([(count.precision, count.recall) for count in counts.values()], out / "curve.png")
    for name, photographs in (("as they are", data), ("old, but whole", [one.clean for one in made])):
        marks = [find(photo, sensitivity=middle) for photo in photographs]
        shares = np.array([mark.mean() for mark in marks])
        print(
            f"\n{name}: {shares.mean():.4%} of the pixels marked on average, none on "
            f"{(shares == 0).mean():.0%} of the photos, at most {shares.max():.2%}",
            flush=True,
        )
        worst = np.argsort(-shares)[:SHOWN]
        nothing = [np.zeros_like(mark) for mark in marks]
        sheet(
            [(photographs[i], nothing[i], marks[i]) for i in worst],
            out / f"clean-{name.split(',')[0].split()[0]}.png",
        )
    missed = [int((truth & ~_near(found)).sum()) for _, truth, found in cases]
    wrong = [int((found & ~_near(truth)).sum()) for _, truth, found in cases]
    sheet(cases[:SHOWN], out / "some.png")
    sheet([cases[i] for i in np.argsort(missed)[::-1][:SHOWN]], out / "missed.png")
    sheet([cases[i] for i in np.argsort(wrong)[::-1][:SHOWN]], out / "wrong.png")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos: folders or tar files")
    parser.add_argument("--count", type=int, default=50, help="how many photos; default: 50")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first photos")
    parser.add_argument("--out", type=Path, required=True, help="the folder for curve and sheets")
    parser.add_argument(
        "--find",
        default="retouch:find_damage",
        metavar="MODULE:FUNCTION",
        help="takes a photo and sensitivity=, returns a mask; default: %(default)s",
    )
    parser.add_argument("--sensitivity", type=float, default=0.5, help="that of the sheets; default: 0.5")
    parser.add_argument(
        "--sensitivities", type=float, nargs="+", default=[0.1, 0.3, 0.5, 0.7, 0.9], help="those of the curve"
    )
    given = parser.parse_args()
    module, _, function = given.find.partition(":")
    find = getattr(importlib.import_module(module), function)
    given.out.mkdir(parents=True, exist_ok=True)
    sensitivities = sorted({*given.sensitivities, given.sensitivity})
    measure(find, photos(given.data, given.count, given.skip), sensitivities, given.sensitivity, given.out)


if __name__ == "__main__":
    main()
