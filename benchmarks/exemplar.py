"""Compare a model with PyPatchMatch (radius 3) and Telea, on photos whose holes are known.

    python benchmarks/exemplar.py DATA --sheet

DATA is a folder with index.json: {"items": [{"id", "category", "image", "masks": {kind: path}}, ...]}, paths
relative to DATA, white = hole. For every photo and mask kind all three tools fill the hole in turn, on the
CPU; none of them sees what was in it. The clock runs from float tensors (PyPatchMatch: from uint8) to a uint8
picture. Measured in the hole, lower is better:

  L1 %       mean absolute difference to the truth, in per cent of the full range
  ST-LPIPS   perceptual distance map over the hole's bounding box + 48 px, mean over the hole's pixels

One row for each photo and mask kind goes to OUT/rows.csv as soon as it is measured. Started again, the
benchmark goes on after the rows of the same model and number of threads; after a change of code, name a new
OUT.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

import retouch
from retouch.evaluation.metrics.st_lpips import st_lpips
from retouch.imaging import read_mask, read_photo, to_srgb, write_png
from retouch.ops.masks import bounding_box

TOOLS = ("model", "pypatchmatch", "telea")
MEASURES = ("l1", "st_lpips", "seconds")
FIELDS = ["photo", "category", "mask", "model", "threads", "hole"]
FIELDS += [f"{tool}_{measure}" for tool in TOOLS for measure in MEASURES]
MARGIN = 48
RESAMPLES = 10_000
HOLE_COLOUR = (255, 0, 255)

Pixels = np.ndarray
Row = dict[str, str]
Fill = Callable[["Case"], tuple[float, Pixels]]


@dataclass(frozen=True)
class Case:
    """A photo, ``H×W×3`` uint8 sRGB, and its hole, ``H×W`` bool."""

    photo: str
    category: str
    mask: str
    truth: Pixels
    hole: Pixels

    @property
    def seen(self) -> Pixels:
        """The photo with grey in the hole, so that no tool can look at the truth."""
        return np.where(self.hole[..., None], np.uint8(128), self.truth)


def read_case(data: Path, item: dict[str, Any], kind: str) -> Case:
    """Read one photo and one of its masks."""
    photo = read_photo(data / item["image"])
    truth = np.rint(255 * to_srgb(photo, slice(None), slice(None))).astype(np.uint8)
    hole = read_mask(data / item["masks"][kind], truth.shape)
    if not hole.any():
        raise retouch.RetouchError(f"{item['masks'][kind]} has no hole; leave it out of index.json.")
    return Case(item["id"], item.get("category", ""), kind, truth, hole)


def tensor(pixels: Pixels) -> Tensor:
    """``B×H×W×C`` uint8 as ``B×C×H×W`` float32 in [0, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).contiguous()


def with_model(name: str) -> Fill:
    """A model of retouch, called through its contract; returns seconds and the filled photo."""
    model = retouch.load(name, device="cpu")

    def fill(case: Case) -> tuple[float, Pixels]:
        image, mask = tensor(case.seen[None]), torch.from_numpy(case.hole)[None, None].float()
        begin = time.perf_counter()
        filled = model(image, mask).image
        pixels = filled[0].permute(1, 2, 0).mul(255).round().to(torch.uint8).numpy()
        return time.perf_counter() - begin, pixels

    return fill


def with_pypatchmatch() -> Fill:
    """PyPatchMatch with patches of 7×7 pixels; returns seconds and the filled photo."""
    try:
        import patchmatch
    except ImportError as error:
        raise retouch.RetouchError(
            "PyPatchMatch is not installed; install it with: pip install 'retouch[evaluate]'"
        ) from error
    if not patchmatch.patchmatch_available:
        raise retouch.RetouchError(
            "PyPatchMatch cannot load its library; try: pip install --force-reinstall pypatchmatch"
        )

    def fill(case: Case) -> tuple[float, Pixels]:
        image, mask = case.seen, case.hole.astype(np.uint8)
        begin = time.perf_counter()
        pixels = patchmatch.inpaint(image, mask, patch_size=3)
        return time.perf_counter() - begin, pixels

    return fill


def complete(case: Case, filled: Pixels) -> Pixels:
    """Put the known pixels back, should a tool have touched them."""
    return np.where(case.hole[..., None], filled, case.truth)


def scores(case: Case, fills: list[Pixels]) -> list[tuple[float, float]]:
    """L1 in per cent and ST-LPIPS in the hole, for each of the fills."""
    box = bounding_box(case.hole)
    assert box is not None
    rows, columns = (slice(max(0, side.start - MARGIN), side.stop + MARGIN) for side in box)
    others = tensor(np.stack([fill[rows, columns] for fill in fills]))
    with torch.no_grad():
        # A batch of one beside a batch of all: the features of the truth are computed once.
        maps = st_lpips()(tensor(case.truth[None, rows, columns]), others)[:, 0].numpy()
    hole = case.hole[rows, columns]
    truth = case.truth[case.hole].astype(int)
    return [
        (float(np.abs(fill[case.hole] - truth).mean() / 2.55), float(distance[hole].mean()))
        for fill, distance in zip(fills, maps, strict=True)
    ]


def measure(case: Case, tools: dict[str, Fill], first: int) -> dict[str, Any]:
    """Fill with every tool, beginning with the one numbered ``first``, and score."""
    names = [TOOLS[(first + place) % len(TOOLS)] for place in range(len(TOOLS))]
    done = {name: tools[name](case) for name in names}
    scored = scores(case, [complete(case, done[name][1]) for name in TOOLS])
    row: dict[str, Any] = {"hole": f"{case.hole.mean():.4f}"}
    for name, values in zip(TOOLS, scored, strict=True):
        for quantity, value in zip(MEASURES, (*values, done[name][0]), strict=True):
            row[f"{name}_{quantity}"] = f"{value:.6g}"
    return row


def read_rows(path: Path) -> list[Row]:
    """Rows of an earlier run; a last line that was cut off is removed from the file."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    reader = csv.DictReader(whole.splitlines())
    if whole and reader.fieldnames != FIELDS:
        raise retouch.RetouchError(f"{path} is no table of this benchmark; name another folder with --out.")
    return list(reader)


def append_row(path: Path, row: Row) -> None:
    """Add one row, and the names of the columns before the first."""
    is_new = not path.exists() or path.stat().st_size == 0
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def column(rows: list[Row], name: str) -> Pixels:
    """One column of numbers."""
    return np.array([float(row[name]) for row in rows])


def bootstrap(rows: list[Row], differences: Pixels) -> tuple[float, float]:
    """95 % interval of the mean; photos are drawn, with all their masks, for those are not independent."""
    photos, index = np.unique([row["photo"] for row in rows], return_inverse=True)
    totals, counts = np.bincount(index, differences), np.bincount(index)
    random = np.random.default_rng(0)
    means = []
    for _ in range(RESAMPLES):
        drawn = random.integers(len(photos), size=len(photos))
        means.append(totals[drawn].sum() / counts[drawn].sum())
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def report(title: str, rows: list[Row], model: str) -> Iterator[str]:
    """A Markdown table of the three tools, and how the model stands to PyPatchMatch."""
    yield f"\n{title}, {len(rows)} fills, {len({row['photo'] for row in rows})} photos\n"
    yield "| tool | L1 % | ST-LPIPS | median s |"
    yield "|---|---:|---:|---:|"
    for tool in TOOLS:
        l1, perceptual, seconds = (column(rows, f"{tool}_{quantity}") for quantity in MEASURES)
        name = model if tool == "model" else tool
        yield f"| {name} | {l1.mean():.2f} | {perceptual.mean():.4f} | {np.median(seconds):.2f} |"
    yield f"\n| {model} against pypatchmatch | difference of means | 95 % interval | better on |"
    yield "|---|---:|---:|---:|"
    for quantity, name, digits in (("l1", "L1 %", 2), ("st_lpips", "ST-LPIPS", 4)):
        difference = column(rows, f"model_{quantity}") - column(rows, f"pypatchmatch_{quantity}")
        low, high = bootstrap(rows, difference)
        yield (
            f"| {name} | {difference.mean():+.{digits}f} | {low:+.{digits}f} to {high:+.{digits}f} "
            f"| {int((difference < 0).sum())} of {len(rows)} |"
        )
    ratios = column(rows, "model_seconds") / column(rows, "pypatchmatch_seconds")
    yield f"\nTime, median of the ratios {model} / pypatchmatch: {np.median(ratios):.2f}"


def chosen(rows: list[Row]) -> list[tuple[str, Row]]:
    """The two worst, the two median and the two best by ST-LPIPS less that of PyPatchMatch."""
    difference = column(rows, "model_st_lpips") - column(rows, "pypatchmatch_st_lpips")
    order = np.argsort(-difference, kind="stable")
    if len(order) < 6:
        return [(f"{place + 1} of {len(order)}", rows[each]) for place, each in enumerate(order)]
    middle = len(order) // 2
    places = {"worst": (0, 1), "median": (middle - 1, middle), "best": (-2, -1)}
    return [(name, rows[order[place]]) for name, both in places.items() for place in both]


def draw_sheet(cases: list[tuple[str, Row, Case]], tools: dict[str, Fill], model: str) -> Pixels:
    """One row a case: the hole, PyPatchMatch, the model, the truth; under a line that says which."""
    strips = []
    for name, row, case in cases:
        # Every tool is seeded: these are the fills that were measured.
        ours, theirs = (complete(case, tools[tool](case)[1]) for tool in ("model", "pypatchmatch"))
        marked = np.where(case.hole[..., None], np.array(HOLE_COLOUR, np.uint8), case.truth)
        pictures = np.concatenate([marked, theirs, ours, case.truth], axis=1)
        line = np.full((32, pictures.shape[1], 3), 255, np.uint8)
        values = [
            f"{tool} {float(row[f'{key}_st_lpips']):.3f} / {float(row[f'{key}_l1']):.1f}"
            for tool, key in (("pypatchmatch", "pypatchmatch"), (model, "model"))
        ]
        text = f"{name}: {case.photo}   ST-LPIPS / L1 %   {values[0]}   {values[1]}"
        cv2.putText(line, text, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
        strips += [line, pictures]
    width = max(strip.shape[1] for strip in strips)
    white = [((0, 0), (0, width - strip.shape[1]), (0, 0)) for strip in strips]
    padded = [np.pad(strip, pad, constant_values=255) for strip, pad in zip(strips, white, strict=True)]
    return np.concatenate(padded, axis=0)


def read_index(data: Path, limit: int | None, kinds: list[str]) -> dict[str, dict[str, Any]]:
    """Items by id; with a limit, spread evenly over the list, which may be sorted by category."""
    try:
        items = json.loads((data / "index.json").read_text(encoding="utf-8"))["items"]
    except FileNotFoundError as error:
        raise retouch.RetouchError(f"{data} has no index.json; see --help for what DATA must be.") from error
    if limit is not None and limit < len(items):
        items = [items[place * len(items) // limit] for place in range(limit)]
    for item in items:
        missing = [kind for kind in kinds if kind not in item["masks"]]
        if missing:
            raise retouch.RetouchError(
                f"{item['id']} has no mask of the kind {missing[0]}, only {', '.join(item['masks'])}."
            )
    return {item["id"]: item for item in items}


def run(arguments: argparse.Namespace) -> None:
    """Measure what is not yet measured, print the tables, draw the sheets."""
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    items = read_index(arguments.data, arguments.limit, arguments.masks)
    tools = {
        "model": with_model(arguments.model),
        "pypatchmatch": with_pypatchmatch(),
        "telea": with_model("telea"),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "rows.csv"
    setting = {"model": arguments.model, "threads": str(arguments.threads)}
    wanted = [(photo, kind) for photo in items for kind in arguments.masks]
    rows = {
        (row["photo"], row["mask"]): row
        for row in read_rows(path)
        if all(row[key] == value for key, value in setting.items())
    }
    left = [key for key in wanted if key not in rows]
    if len(left) < len(wanted):
        print(f"{len(wanted) - len(left)} of {len(wanted)} are in {path} already", file=sys.stderr)
    started = time.perf_counter()
    for number, (photo, kind) in enumerate(left):
        case = read_case(arguments.data, items[photo], kind)
        if number == 0:
            for fill in tools.values():  # loads kernels, starts threads
                fill(case)
        row = {"photo": photo, "category": case.category, "mask": kind, **setting}
        row |= measure(case, tools, first=number)
        append_row(path, row)
        rows[photo, kind] = row
        if (number + 1) % 10 == 0 or number + 1 == len(left):
            minutes = (time.perf_counter() - started) / 60
            rest = minutes / (number + 1) * (len(left) - number - 1)
            print(
                f"{number + 1}/{len(left)}, {minutes:.1f} min, {rest:.1f} to go", file=sys.stderr, flush=True
            )

    print(f"{arguments.model}, {arguments.threads} threads, rows in {path}")
    for kind in arguments.masks:
        of_kind = [rows[key] for key in wanted if key[1] == kind]
        print("\n".join(report(kind, of_kind, arguments.model)))
    if len(arguments.masks) > 1:
        print("\n".join(report("overall", [rows[key] for key in wanted], arguments.model)), flush=True)
    for kind in arguments.masks if arguments.sheet else ():
        picked = chosen([rows[key] for key in wanted if key[1] == kind])
        cases = [(name, row, read_case(arguments.data, items[row["photo"]], kind)) for name, row in picked]
        target = arguments.out / f"sheet-{kind}.png"
        write_png(draw_sheet(cases, tools, arguments.model), target, overwrite=True)
        print(f"\nsheet  {target}", flush=True)


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with index.json, photos and masks")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="so many photos, spread over the list; all if left out"
    )
    parser.add_argument(
        "--masks",
        nargs="+",
        metavar="KIND",
        default=["center", "object", "irregular-low"],
        help="kinds of masks; left out: center object irregular-low",
    )
    parser.add_argument("--model", default="exemplar", help="as `retouch models` lists; left out: exemplar")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/exemplar"), help="folder of rows.csv; left out: runs/exemplar"
    )
    parser.add_argument(
        "--threads", type=positive, default=2, help="of torch and OpenCV; left out: 2 (PyPatchMatch has one)"
    )
    parser.add_argument(
        "--sheet",
        action="store_true",
        help="draw OUT/sheet-KIND.png: the worst, median and best fills by ST-LPIPS less that of\n"
        "PyPatchMatch; columns: hole, PyPatchMatch, model, truth",
    )
    arguments = parser.parse_args()
    arguments.masks = list(dict.fromkeys(arguments.masks))
    try:
        run(arguments)
    except retouch.RetouchError as error:
        sys.exit(f"exemplar.py: {error}")


if __name__ == "__main__":
    main()
