"""Pictures a second of training `structure`, beside `confidence-feedback-lite`.

    python benchmarks/training.py --data PHOTOS SCENES --masks SILHOUETTES --repeats 5

Each value comes from a process of its own and is the median between the lines that `retouch train` prints,
with all losses. The configurations take turns, so other work on the machine affects both alike. Pictures for
each second of the processor count what all cores did; they hardly change beside other work.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from retouch.training.config import find_config, read_yaml
from retouch.training.start import start
from shared import interleaved, machine

CONFIGURATIONS = ("structure", "confidence-feedback-lite")
LINES = 5
PICTURES = {"structure": 192, "confidence-feedback-lite": 32}  # between two lines


def measure(name: str, given: argparse.Namespace) -> tuple[float, float]:
    """Train a configuration for a few steps: pictures for each second, by the clock and of the processor."""
    batch = read_yaml(find_config(name))["batch"]
    steps = PICTURES[name] // batch
    changes = [
        f"steps={LINES * steps}",
        f"watch.log_every={steps}",
        f"watch.validate_every={10**6}",
        "data.held_out=1",  # they are looked at before the first step
    ]
    told: list[tuple[float, float]] = []

    def say(line: str) -> None:
        if line.startswith("step "):
            told.append((time.perf_counter(), time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        start(
            *(name, given.data, Path(folder)),
            silhouettes=given.masks,
            changes=changes,
            device="cpu",
            say=say,
        )
    # Before the first line the machine warms up, and before the last it writes a checkpoint.
    spent = [np.subtract(two, one) for one, two in pairwise(told[:-1])]
    clock, processor = np.median(spent, 0)
    return steps * batch / clock, steps * batch / processor


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
        print(*measure(given.measure, given))
        return
    print(machine())
    options = ["--data", *map(str, given.data), "--masks", str(given.masks)]
    results = interleaved(__file__, CONFIGURATIONS, given.repeats, options)
    for place, what in enumerate(("by the clock", "of the processor")):
        print(f"pictures for each second {what}")
        values = {name: [row[place] for row in rows] for name, rows in results.items()}
        ratios = np.divide(*(values[name] for name in CONFIGURATIONS))
        for name, each in (*values.items(), ("ratio", ratios)):
            print(f"  {name:<26}{np.median(each):6.1f}  ({', '.join(f'{one:.1f}' for one in each)})")


if __name__ == "__main__":
    main()
