"""Compare the compiled exemplar with the one in torch and with PyPatchMatch: time on one core, and quality.

    python benchmarks/exemplar.py DATA [--limit 100] [--size 512] [--masks KIND ...] [--out FOLDER]
    git worktree add FOLDER COMMIT; python benchmarks/exemplar.py DATA --before FOLDER --metrics l1

DATA is laid out as for `retouch evaluate`. The methods take turns on each pair, in one process with one
thread (PyPatchMatch and another checkout's exemplar in their own), so seconds may be compared as ratios.
"""

import argparse
import os
import pickle
import subprocess
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from retouch.evaluation.fillers import Filled, Filler
from retouch.evaluation.run import Case
from retouch.models.exemplar import Exemplar
from retouch.models.exemplar_torch import TorchExemplar
from shared import Source, cases_of, compare_fills, model_source

_FILLS = """
import pickle, sys, time
import numpy as np, retouch
while True:
    try:
        photo, hole = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    begin = time.perf_counter()
    filled = np.asarray(retouch.inpaint(photo, hole))
    pickle.dump((filled, time.perf_counter() - begin), sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""


def checkout_source(folder: Path) -> Source:
    """The default model of another checkout, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", _FILLS],
        env={**os.environ, "PYTHONPATH": str(folder.resolve() / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asked, said = process.stdin, process.stdout

    def fill(case: Case, truth: np.ndarray, hole: np.ndarray) -> Filled:
        pickle.dump((np.where(hole[..., None], np.uint8(128), truth), hole), asked)
        asked.flush()
        filled, seconds = pickle.load(said)
        return Filled(filled, seconds, None)

    return fill


def main() -> None:
    """Read the options, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, help="photos, at most")
    parser.add_argument("--size", type=int, default=512, help="shorter side that photos are shrunk to")
    parser.add_argument("--masks", nargs="+", default=None, help="kinds of masks")
    parser.add_argument("--metrics", nargs="+", default=["l1", "lpips", "st-lpips"])
    parser.add_argument(
        "--before", type=Path, help="another checkout of retouch, instead of the model in torch"
    )
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    peer = Filler("pypatchmatch", "cpu", 0, 1)
    sources = {
        "compiled": model_source(Exemplar(threads=1)),
        "portable": model_source(Exemplar(threads=1, portable=True)),
        "pypatchmatch": lambda case, truth, hole: peer(truth, hole),
    }
    if given.before is None:
        sources["torch"] = model_source(TorchExemplar())
    else:
        sources["before"] = checkout_source(given.before)
    compare_fills(
        cases_of(given.data, given.masks, given.limit, given.size),
        sources,
        metrics=given.metrics,
        data=given.data,
        threads=1,
        out=given.out,
        size=given.size,
    )


if __name__ == "__main__":
    main()
