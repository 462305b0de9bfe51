"""Fill a photo at its full resolution and put before and after side by side. ``make demo`` runs this.

    python scripts/demo.py PHOTO [MASK]

Without MASK, the transparent area of PHOTO is filled. The pictures go to the folder demo/.
"""

import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import retouch
from retouch.cli.terminal import progress_bar
from retouch.errors import RetouchError
from retouch.imaging import Photo, read_photo, write_photo

FOLDER = Path("demo")
GAP = 50  # the white gap between the two pictures is 1/50 of their width


def demo(photo: str, mask: str | None = None) -> None:
    """Fill ``photo``, write the two pictures, and print where they are and how long it took."""
    FOLDER.mkdir(exist_ok=True)
    name = Path(photo)
    target = FOLDER / f"{name.stem}-filled{name.suffix}"
    comparison = FOLDER / f"{name.stem}-before-after{name.suffix}"
    started = time.perf_counter()
    with progress_bar(quiet=False) as on_progress:
        retouch.fill(photo, mask, output=target, overwrite=True, on_progress=on_progress)
    seconds = time.perf_counter() - started
    before, after = read_photo(photo), read_photo(target)
    write_photo(_side_by_side(before, after), comparison, overwrite=True)

    height, width = before.pixels.shape[:2]
    command = ["retouch", "fill", photo, *([mask] if mask else []), "-o", str(target)]
    print(f"filled            {target} ({width} × {height} pixels, {seconds:.1f} s)")
    print(f"before and after  {comparison}")
    print(f"the same by hand  .venv/bin/{shlex.join(command)}")


def _side_by_side(before: Photo, after: Photo) -> Photo:
    def join(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        gap = np.full_like(left[:, : max(1, left.shape[1] // GAP)], np.iinfo(left.dtype).max)
        return np.concatenate([left, gap, right], axis=1)

    alpha = None if before.alpha is None or after.alpha is None else join(before.alpha, after.alpha)
    return replace(after, pixels=join(before.pixels, after.pixels), alpha=alpha)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    # The command line turns its errors into exit codes inside Typer; here nothing does it for us.
    try:
        demo(*sys.argv[1:])
    except RetouchError as error:
        print(f"retouch: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("retouch: interrupted", file=sys.stderr)
        sys.exit(130)
