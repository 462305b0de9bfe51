"""Pictures a second of training `structure`, beside `confidence-feedback-lite`.

    python benchmarks/training.py --data PHOTOS SCENES --masks SILHOUETTES --repeats 5

Each value is the median of what `retouch train` logs, with all losses, after its first lines, in a process of
its own. The configurations take turns, so other work on the machine affects both alike.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
from pathlib import Path

from retouch.training.config import find_config, read_yaml
from retouch.training.start import start
from shared import interleaved, machine

CONFIGURATIONS = ("structure", "confidence-feedback-lite")
LINES = 5  # each after so many pictures:
PICTURES = {"structure": 192, "confidence-feedback-lite": 32}


def pictures_a_second(name: str, given: argparse.Namespace) -> float:
    """Train a configuration for a few steps and return its speed."""
    steps = max(1, PICTURES[name] // read_yaml(find_config(name))["batch"])
    changes = [
        f"steps={LINES * steps}",
        f"watch.log_every={steps}",
        f"watch.validate_every={10**6}",
        "data.held_out=1",  # they are looked at before the first step
    ]
    with tempfile.TemporaryDirectory() as folder:
        start(
            *(name, given.data, Path(folder)),
            silhouettes=given.masks,
            changes=changes,
            device="cpu",
            say=lambda _: None,
        )
        with (Path(folder) / "metrics.csv").open() as file:
            rows = [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "images_per_second"]
    # The first line holds the start, and the last a checkpoint.
    return statistics.median(rows[1:-1])


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos, as for retouch train")
    parser.add_argument("--masks", type=Path, required=True, help="silhouettes, as for retouch train")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=CONFIGURATIONS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(pictures_a_second(given.measure, given))
        return
    print(machine())
    options = ["--data", *map(str, given.data), "--masks", str(given.masks)]
    results = interleaved(__file__, CONFIGURATIONS, given.repeats, options)
    for name, rows in results.items():
        told = ", ".join(f"{row[0]:.1f}" for row in rows)
        print(f"{name:<26}{statistics.median(row[0] for row in rows):6.1f} pictures a second ({told})")
    pairs = zip(*(results[name] for name in CONFIGURATIONS), strict=True)
    ratios = [one[0] / other[0] for one, other in pairs]
    told = ", ".join(f"{each:.1f}" for each in ratios)
    print(f"{CONFIGURATIONS[0]} is {statistics.median(ratios):.1f} times as fast ({told})")


if __name__ == "__main__":
    main()
