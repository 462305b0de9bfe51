"""The compiled part, built so that reading or writing out of bounds, or a race, ends the process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retouch.native import library

ROOT = Path(__file__).resolve().parent.parent.parent
NATIVE = ROOT / "src" / "retouch" / "native"
PARTS = sorted(each for each in NATIVE.glob("*.cpp") if each.name != "module.cpp")  # that one is Python's
COMPILER = shutil.which("g++")
FLAGS = ["-std=c++17", "-O1", "-g", "-ffp-contract=off", "-D_GLIBCXX_ASSERTIONS", "-fPIC", "-shared"]
# Whoever asks for the compiled part gets the other build, and says so.
OTHER_BUILD = """
import ctypes, pathlib
load, here = ctypes.CDLL, pathlib.Path(__file__).parent
def other(name, *more, **named):
    if "_native" not in str(name):
        return load(name, *more, **named)
    (here / "used").touch()
    return load(str(here / "checked.so"), *more, **named)
ctypes.CDLL = other
"""
RACES = """
import other_build
import numpy as np
from retouch.native.painting import paint
for seed, (height, width) in enumerate([(1, 40), (33, 20), (90, 130), (200, 160)]):
    random = np.random.default_rng(seed)
    hole = np.zeros((height, width), bool)
    hole[height // 4 : 3 * height // 4 + 1, width // 4 : 3 * width // 4] = True
    image = random.random((height, width, 3), np.float32)
    how = dict(rounds=(2, 3), coherence=0.15, guidance=0.4, trust=0.05, fading=0.35, seed=seed)
    paint(image, hole, ~hole, patch=5, threads=4, **how)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(library() is None or COMPILER is None, reason="nothing was compiled, or not by g++"),
]


@pytest.fixture
def run(tmp_path):
    """Build with sanitizers, and run Python with them; returns the output."""

    def run(sanitizers, runtime, *command):
        asked = [COMPILER, f"-print-file-name=lib{runtime}.so"]
        preloaded = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
        if not preloaded.is_absolute():
            pytest.skip(f"this compiler has no {runtime}")
        checks = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
        subprocess.run([COMPILER, *FLAGS, *checks, "-o", tmp_path / "checked.so", *PARTS], check=True)
        (tmp_path / "other_build.py").write_text(OTHER_BUILD)
        environment = {
            **os.environ,
            "LD_PRELOAD": str(preloaded),
            "PYTHONPATH": str(tmp_path),
            "OPENBLAS_NUM_THREADS": "1",
            "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps what it allocated
            "TSAN_OPTIONS": "halt_on_error=1",
        }
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert (tmp_path / "used").exists()

    return run


def test_nothing_is_out_of_bounds(run):
    tests = ("native/test_painting.py", "synthesis/test_layout.py", "synthesis/test_assembly.py")
    chosen = [*(f"tests/{each}" for each in tests), "-m", "not slow", "-k", "not interruption"]
    plugins = ["-s", "-p", "other_build", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run("address,undefined", "asan", "-m", "pytest", *plugins, *chosen)


def test_threads_do_not_race(run):
    run("thread", "tsan", "-c", RACES)
