"""What works where only the light core is installed, and what the rest says then.

A child process cannot import what the extras bring.
"""

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from retouch.native import library

CHILD = """
import sys
for name in ("torch", "safetensors", "stlpips_pytorch", "lightning", "torchmetrics", "yaml", "skimage"):
    sys.modules[name] = None  # importing it is an error, and nothing finds it
"""
COMMANDS = (
    CHILD
    + """
from retouch.cli import main
for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit as ended:
        sys.stdout.flush()
        print(f"<{ended.code or 0}>", file=sys.stderr, flush=True)
"""
)


def child(code, *words, cwd):
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a photo of 90×120 pixels and a mask."""
    folder = tmp_path_factory.mktemp("pictures")
    photo = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    mask = np.zeros((90, 120), np.uint8)
    mask[30:50, 40:70] = 255
    Image.fromarray(photo).save(folder / "photo.png")
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


def test_the_command_line_works(folder):
    lines = [
        "--help",
        "models",
        "models --json",
        *(["fill photo.png mask.png -o exemplar.png"] if library() else []),
        "fill photo.png mask.png --model telea -o telea.png --record",
        "replay telea.json",
        "find photo.png --damage -o found.png",
        "fill photo.png mask.png --model navier-stokes --working-size 32 --sources sources.png -o small.png",
        "find photo.png --text -o text.png",
        *(["restore photo.png --mask mask.png --report report.html -o restored.png"] if library() else []),
    ]
    done = child(COMMANDS, *lines, cwd=folder)
    assert re.findall("<.>", done.stderr) == ["<0>"] * len(lines), done.stderr
    assert "contextual-attention" in done.stdout
    photo, mask = (np.asarray(Image.open(folder / name)) for name in ("photo.png", "mask.png"))
    compiled = ["exemplar.png", "restored.png"] if library() else []
    for name in (*compiled, "telea.png", "small.png"):
        filled = np.asarray(Image.open(folder / name))
        assert np.array_equal(filled[mask == 0], photo[mask == 0])
        assert (filled[mask > 0] != photo[mask > 0]).any()
    assert Image.open(folder / "sources.png").size == (120, 90)


def test_python_works(folder):
    code = """
import numpy as np
import retouch, retouch.cv2, retouch.skimage
image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
mask = np.zeros((90, 120), bool)
mask[30:50, 40:70] = True
steps = []
result = retouch.fill(image, mask, model="telea", working_size=32, on_progress=steps.append)
assert (result.image[~mask] == image[~mask]).all()
assert result.correspondence[mask].min() >= 0, "where the detail came from"
assert result.draw_sources("wheel").shape[2] == 3
assert steps[-1].preview().shape[2] == 3
assert retouch.load("telea").name == "telea"
"""
    child(CHILD + code, cwd=folder)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("fill photo.png mask.png --model contextual-attention", "The model contextual-attention"),
        ("fill photo.png mask.png --model telea --refine", "The model telea+neural-patch"),
        ("fill photo.png mask.png --model telea --confidence sure.png", "Confidence"),
        ("fill photo.png mask.png --model telea+confidence-feedback", "The model telea+confidence-feedback"),
        ("fill photo.png mask.png --model telea --working-size 32 --upsampling network", "Upsampling by"),
        ("fill photo.png mask.png --model mask.safetensors", "The model mask.safetensors"),
        ("fill photo.png mask.png --model contextual-attention --device cuda", "The device cuda"),
        ("stylize photo.png mask.png", "Style transfer"),
    ],
)
def test_what_needs_networks_says_so(folder, line, what):
    sentence = refused(folder, line, "networks")
    assert sentence.startswith(f"retouch: {what}")
    assert " needs torch, which is not installed; in a clone of retouch, run: pip install torch" in sentence


@pytest.mark.parametrize(
    ("line", "extra"),
    [
        ("evaluate --model telea --data .", "evaluate"),
        ("score . --data .", "evaluate"),
        ("train contextual-attention-lite --data . --out run", "train"),
        ("export run -o mine.safetensors", "train"),
    ],
)
def test_the_rest_says_what_to_install(folder, line, extra):
    sentence = refused(folder, line, extra)
    assert sentence.startswith(
        "retouch: torch is not installed; in a clone of retouch, run: pip install torch"
    )


def refused(folder, line, extra):
    """Run a command that ends without having written anything, and return what it says."""
    before = sorted(folder.iterdir())
    done = child(COMMANDS, line, cwd=folder)
    sentence, code = done.stderr.splitlines()
    assert code == "<2>"
    assert "--index-url https://download.pytorch.org/whl/cpu" in sentence
    assert f"(with an NVIDIA GPU: pip install '.[{extra}]' alone)" in sentence
    assert sorted(folder.iterdir()) == before
    return sentence


def test_torch_is_not_imported_where_it_is_installed(folder):
    code = """
import sys
import numpy as np
import retouch, retouch.cv2, retouch.skimage, retouch.drawing.sources
from retouch.cli import main
image = np.zeros((60, 60, 3), np.uint8)
mask = np.zeros((60, 60), np.uint8)
mask[20:40, 20:40] = 255
for model in sys.argv[1:]:
    for size in (None, 16):
        retouch.fill(image, mask, model=model, working_size=size)
try:
    main(["models"])
finally:
    loaded = {"torch", "safetensors"} & set(sys.modules)
    print(loaded or "nothing", file=sys.stderr)
"""
    models = ["telea", "auto"] if library() else ["telea"]
    assert child(code, *models, cwd=folder).stderr == "nothing\n"


def test_without_the_compiled_part_the_default_model_needs_torch(folder):
    code = "import os\nos.environ['RETOUCH_COMPILED'] = '0'\n" + COMMANDS
    done = child(code, "fill photo.png mask.png", cwd=folder)
    assert done.stderr.startswith(
        "retouch: The model exemplar, which was installed without its compiled part, needs torch, which is"
    )
    assert done.stderr.endswith("<2>\n")
