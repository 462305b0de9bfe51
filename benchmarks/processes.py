"""Compared methods run in processes of their own, in turn, so that what else runs hits all alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence


def interleaved(
    script: str, methods: Sequence[str], repeats: int, options: Sequence[str]
) -> dict[str, list[tuple[float, ...]]]:
    """The numbers that ``script … --measure METHOD`` prints, a row for each repeat."""
    results: dict[str, list[tuple[float, ...]]] = {method: [] for method in methods}
    for _ in range(repeats):
        for method in methods:
            command = [sys.executable, script, *options, "--measure", method]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results[method].append(tuple(float(part) for part in output.split()))
    return results
