"""A wheel holds all of the package and nothing else, and works outside a clone."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from retouch.native import library

pytestmark = pytest.mark.slow  # a wheel is compiled, and the command line imports torch and lightning

ROOT = Path(__file__).resolve().parent.parent
# By folder of the package, the endings of the files in it.
DATA = {
    "": "typed",
    "weights": "safetensors",
    "training/configs": "yaml",
    "evaluation/protocols": "yaml",
    "evaluation/report": "css html js",
    "integrations": "yaml",
    "recording": "json",
    "integrations/gimp": "py",
    "integrations/darktable": "lua",
    "integrations/comfyui": "py toml",
}

COMPILED = {".so", ".pyd"}
IGNORED = ("__pycache__", "*.egg-info", "*.pyc", *(f"*{each}" for each in COMPILED))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built in a copy: setuptools writes beside its sources."""
    clone, out = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheels")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns(*IGNORED))
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(clone)]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("retouch-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel unpacked, as an installation leaves it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_everything_is_inside_and_nothing_else(installed):
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    compiled = {name for name in found if Path(name).suffix in COMPILED}
    assert len(compiled) == (library() is not None), "it is built where this package's was built"
    found -= compiled
    package = {name for name in found if name.startswith("retouch/")}
    sources = ROOT / "src"
    wanted = {
        path.relative_to(sources).as_posix()
        for path in (sources / "retouch").rglob("*")
        if path.is_file() and path.suffix not in {".pyc", *COMPILED}
    }
    assert package == wanted
    assert {name.partition("/")[0].rpartition(".")[2] for name in found - package} == {"dist-info"}


def test_the_data_are_of_all_kinds(installed):
    for folder, endings in DATA.items():
        for ending in endings.split():
            assert list((installed / "retouch" / folder).glob(f"*.{ending}")), (folder, ending)


USE = """
import sys
sys.path.insert(0, sys.argv[1])
import retouch
from retouch.cli import main
assert retouch.__file__.startswith(sys.argv[1]), retouch.__file__
for line in sys.argv[2:]:
    try:
        main(line.split())
    except SystemExit as ended:
        print(f"<{ended.code or 0}>", file=sys.stderr)
"""


def test_it_works_from_another_folder(installed, tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    mask = np.zeros((40, 50), np.uint8)
    mask[10:20, 15:30] = 255
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    lines = [
        "--version",
        "models",
        "fill photo.png mask.png --model telea -o filled.png",
        "train contextual-attention-lite --data nowhere --out run",
        "train no-such --data nowhere --out run",
    ]
    # Isolated: neither this folder nor PYTHONPATH is looked at.
    command = [sys.executable, "-I", "-c", USE, str(installed), *lines]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    codes = [line for line in done.stderr.splitlines() if line.startswith("<")]
    assert codes == ["<0>", "<0>", "<0>", "<2>", "<2>"], done.stderr
    assert "retouch 0." in done.stdout
    assert "contextual-attention" in done.stdout
    filled = cv2.imread(str(tmp_path / "filled.png"))
    assert np.array_equal(filled[mask == 0], photo[mask == 0])
    assert not np.array_equal(filled[mask > 0], photo[mask > 0])
    # The configuration was found and read: what is missing is the silhouettes that it asks for.
    assert "silhouettes" in done.stderr
    assert "There is no configuration no-such" in done.stderr
    assert not (tmp_path / "run").exists()
