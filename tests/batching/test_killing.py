"""A run over a thousand photos, killed twenty times."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import retouch

COUNT = 1000
COMMAND = (sys.executable, "-m", "retouch", "batch", "photos", "masks", "-o", "out", "--model", "telea", "-q")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_killed_twenty_times(tmp_path, write, lines, archive):
    for number in range(COUNT - 4):  # the archive has four at its top
        write(tmp_path / "photos" / f"q{number}.png", number)
        write(tmp_path / "masks" / f"q{number}.png", box=slice(8, 14))
    chance = random.Random(0)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    kills, seen = 0, []
    while kills < 20:
        run = subprocess.Popen(COMMAND, cwd=tmp_path, env=environment)
        # Runs that begin late find little to do, so the last ones must be killed early.
        time.sleep(chance.uniform(0.2, 1.6))
        assert run.poll() is None, "done before it was killed twenty times"
        run.kill()
        run.wait()
        kills += 1
        seen.append(len(list((tmp_path / "out").glob("*.png"))) if (tmp_path / "out").exists() else 0)
    assert seen == sorted(seen)
    assert 0 < seen[-1] < COUNT
    assert subprocess.run(COMMAND, cwd=tmp_path, env=environment).returncode == 0
    written = Counter(line["name"] for line in lines())
    assert set(written.values()) == {1}  # nothing twice
    names = {path.name for path in (tmp_path / "photos").glob("*.png")}
    assert set(written) == names  # nothing left out
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {"retouch-batch.jsonl"}
    for name in names:  # no half file
        filled = np.asarray(Image.open(tmp_path / "out" / name))
        mask = tmp_path / "masks" / (name if name.startswith("q") else name.replace(".png", "_mask.png"))
        photo = np.asarray(Image.open(tmp_path / "photos" / name))
        assert np.array_equal(filled, retouch.inpaint(photo, Image.open(mask), model="telea"))
