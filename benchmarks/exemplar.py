"""Compare the compiled exemplar with the one in torch and with PyPatchMatch: time on one core, and quality.

    python benchmarks/exemplar.py DATA [--limit 100] [--size 512] [--masks KIND ...] [--out FOLDER]

DATA is laid out as for `retouch evaluate`. The methods take turns on each pair, in one process with one
thread (PyPatchMatch in its own), so seconds may be compared as ratios.
"""

import argparse
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

from retouch.evaluation.fillers import Filler
from retouch.models.exemplar import Exemplar
from retouch.models.exemplar_torch import TorchExemplar
from shared import cases_of, compare_fills, model_source


def main() -> None:
    """Read the options, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, help="photos, at most")
    parser.add_argument("--size", type=int, default=512, help="shorter side that photos are shrunk to")
    parser.add_argument("--masks", nargs="+", default=None, help="kinds of masks")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    peer = Filler("pypatchmatch", "cpu", 0, 1)
    sources = {
        "compiled": model_source(Exemplar(threads=1)),
        "portable": model_source(Exemplar(threads=1, portable=True)),
        "torch": model_source(TorchExemplar()),
        "pypatchmatch": lambda case, truth, hole: peer(truth, hole),
    }
    compare_fills(
        cases_of(given.data, given.masks, given.limit, given.size),
        sources,
        metrics=["l1", "lpips", "st-lpips"],
        data=given.data,
        threads=1,
        out=given.out,
        size=given.size,
    )


if __name__ == "__main__":
    main()
