r"""Weights beside others, or models beside others, on photos that nothing was learned from.

    python benchmarks/weights.py --data PHOTOS --masks SILHOUETTES --photos 24 --out REPORT \
        before=contextual-attention now=FILE

The photos come in the order in which `retouch train --data PHOTOS` holds them out (seed 0), without those
whose short side has fewer than 288 pixels; each is cropped to 288² and gets four holes. With ``--large`` five
windows of 512² of each photo of a folder of large ones come instead. Prints what `retouch evaluate` prints,
the differences to the first with their 95 % intervals (over photos; over windows with ``--large``, so they
are narrow); REPORT gets the pictures and a page that shows them side by side.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import retouch
from held_out import SIDE, Scene, holes, scenes, windows
from retouch.evaluation.run import Case, Source
from retouch.training.data import TrainingSet
from retouch.training.masks import Rectangles
from shared import compare_fills, machine, model_source


def cases(found: Iterable[Scene]) -> list[Case]:
    """What is to be filled."""
    return [
        Case(str(scene.number), scene.kind, lambda scene=scene: (scene.truth, scene.hole)) for scene in found
    ]


def named(text: str) -> tuple[str, Source]:
    """Read NAME=MODEL; a model is a name or a file of weights."""
    name, _, model = text.partition("=")
    return name, model_source(retouch.load(Path(model) if Path(model).is_file() else model, device="cpu"))


def main() -> None:
    """Read the command line, fill and score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL", help="a model's name or a weights file")
    photos = parser.add_mutually_exclusive_group(required=True)
    photos.add_argument("--data", type=Path, nargs="+", help="what the runs got as --data")
    photos.add_argument("--large", type=Path, help="instead: a folder of large photos, all of it, at 512²")
    parser.add_argument("--masks", type=Path, required=True, help="silhouettes, as for retouch train")
    parser.add_argument("--held-out", type=int, default=64, help="the runs' data.held_out")
    parser.add_argument("--photos", type=int, default=24, help="photos that are large enough, at most")
    parser.add_argument("--metric", nargs="+", default=["l1", "lpips", "st_lpips"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder of the report, with all pictures")
    given = parser.parse_args()
    sources = dict(map(named, given.models))
    if len(sources) < len(given.models):
        parser.error("two models have one name")
    print(machine())
    kinds = holes(given.masks)
    if given.large:
        found = windows(given.large, kinds)
    else:
        _, held_out = TrainingSet(given.data, SIDE, Rectangles(), 0, memory=0).split(given.held_out)
        found = islice(scenes(held_out, kinds, 0), len(kinds) * given.photos)
    compare_fills(
        cases(found),
        sources,
        metrics=given.metric,
        data=given.large or given.data[0],
        threads=given.threads,
        out=given.out,
    )


if __name__ == "__main__":
    main()
