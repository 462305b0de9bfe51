import inspect
import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image

import retouch
import retouch.models.neural_patch.model
from retouch import RetouchError
from retouch.cli.terminal import read_pipe
from retouch.drawing.sources import sheet
from retouch.native import library

FAST = ("--model", "telea")


def _names(folder) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def empty_mask(tmp_path, hole):
    path = tmp_path / "empty.png"
    Image.fromarray(np.zeros_like(hole)).save(path)
    return path


def test_fill_writes_beside_the_photo(run, pixels, photo, hole, photo_file, mask_file):
    done = run("fill", photo_file, mask_file, *FAST)
    target = photo_file.with_name("photo-filled.png")
    assert done.code == 0
    assert done.out == b""
    assert done.err.startswith(f"wrote {target} in ")
    assert done.err.count("\n") == 1  # no progress bar where nobody looks
    assert np.array_equal(pixels(target), retouch.inpaint(photo, hole, model="telea"))


def test_quiet_is_silent(run, photo_file, mask_file):
    done = run("fill", photo_file, mask_file, *FAST, "--quiet")
    assert (done.code, done.out, done.err) == (0, b"", "")


def test_the_transparent_area_is_the_mask(run, pixels, photo, hole, tmp_path):
    file = tmp_path / "cut.png"
    Image.fromarray(np.dstack([photo, np.where(hole, 0, 255).astype(np.uint8)])).save(file)
    assert run("fill", file, *FAST).code == 0
    filled = pixels(tmp_path / "cut-filled.png")
    assert (filled[..., 3] == 255).all()
    assert np.array_equal(filled[~hole][:, :3], photo[~hole])


@pytest.fixture
def hears_ctrl_c():
    """The tests themselves may run where Ctrl-C is ignored, such as in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_options_reach_the_library(
    hears_ctrl_c, run, photo, hole, photo_file, mask_file, tmp_path, monkeypatch
):
    seen = {}

    def fill(image, mask, **options):
        seen.update(options, mask=mask)
        raise retouch.RetouchError("seen enough")

    monkeypatch.setattr(retouch, "fill", fill)
    options = {"model": "telea", "device": "cpu", "seed": 3, "dilate": 4, "working_size": 300}
    options |= {
        "include": str(mask_file),
        "avoid": "a.png",
        "lines": "l.png",
        "upsampling": "residual",
        "close": 5,
    }
    options |= {"mask_from": "luminance", "wrap": "both"}
    flags = (
        *("invert_mask", "resize_mask", "trust_mask", "allow_huge", "refine"),
        *("references_only", "any_light", "record"),
    )
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    words += ["--option", "preset=fast", "--option", "vgg19=a=b.pth", "--confidence", tmp_path / "c.png"]
    words += ["--from", "one.jpg", "--from", "two.jpg"]
    run("fill", photo_file, tmp_path / "m.png", *words, *("--" + each.replace("_", "-") for each in flags))
    assert callable(seen.pop("on_progress"))  # for Ctrl-C
    expected = {**options, **dict.fromkeys(flags, True), "mask": str(tmp_path / "m.png")}
    assert seen == {
        **expected,
        "options": {"preset": "fast", "vgg19": "a=b.pth"},
        "confidence": True,
        "references": ["one.jpg", "two.jpg"],
        "in_place": True,
        "trace": False,  # sources are not drawn
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("preset",), "NAME=VALUE, such as preset=fast, not 'preset'"),
        (("=3",), "not '=3'"),
        (("patch=3", "patch=5"), "patch is given twice"),
        (("patch=large",), "option patch of exemplar takes a whole number, not 'large'"),
        (
            ("colour=red",),
            "its options are coherence, guidance, trust, fading, patch, rounds, planes.",
        ),
    ],
)
def test_options_that_cannot_be(run, photo_file, mask_file, words, sentence):
    done = run("fill", photo_file, mask_file, *(each for word in words for each in ("--option", word)))
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--dilate", "abc"), "give a whole number"),
        (("--wrap", "sideways"), "'sideways' is not one of"),
    ],
)
def test_wrong_values_are_told_in_plain_words(run, words, says):
    done = run("fill", "photo.png", "mask.png", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert says in done.err
    assert not any(theirs in done.err for theirs in ("Input should", "parse", "Value error"))


def test_defaults_are_those_of_the_library(shared_options):
    # Whatever the library takes can be said on the command line, but for what only Python can give.
    assert set(inspect.signature(retouch.fill).parameters) - shared_options("fill") == {
        "image",
        "on_progress",
        "in_place",
        "trace",
    }


def test_sources_and_confidence_are_drawn(run, pixels, photo_file, mask_file, tmp_path, hole):
    sources, confidence = tmp_path / "sources.png", tmp_path / "confidence.png"
    done = run("fill", photo_file, mask_file, "--sources", sources, "--model", "exemplar")
    assert done.code == 0
    assert pixels(sources).shape == (96, 128, 3)
    assert retouch.fill(photo_file.read_bytes(), hole).confidence is None
    done = run("fill", photo_file, mask_file, "--confidence", confidence, "--overwrite", *FAST)
    assert done.code == 0
    drawn = pixels(confidence)
    assert (drawn[~hole] == 255).all()
    expected = retouch.fill(photo_file.read_bytes(), hole, model="telea", confidence=True).confidence
    assert 0 < expected[hole].mean() < 1
    assert np.abs(drawn.reshape(hole.shape) / 255 - expected).max() < 0.01


def test_sources_can_be_drawn_as_a_colour_wheel(run, pixels, photo_file, mask_file, tmp_path, hole):
    places, wheel = tmp_path / "places.png", tmp_path / "wheel.png"
    run("fill", photo_file, mask_file, "--sources", places)
    assert run("fill", photo_file, mask_file, "--sources", wheel, "--colour-wheel", "--overwrite").code == 0
    result = retouch.fill(photo_file.read_bytes(), hole)
    assert np.array_equal(pixels(places), result.draw_sources())
    assert np.array_equal(pixels(wheel), result.draw_sources("wheel"))


@pytest.mark.parametrize("style", ["places", "wheel"])
def test_each_level_of_a_model_has_its_sources_drawn(
    run, pixels, photo_file, mask_file, pyramid_file, tmp_path, hole, style
):
    drawn = tmp_path / "levels.png"
    options = ["--colour-wheel"] if style == "wheel" else []
    words = ("fill", photo_file, mask_file, "--model", pyramid_file, "--sources", drawn, *options)
    assert run(*words).code == 0
    levels = retouch.fill(photo_file.read_bytes(), hole, model=pyramid_file).levels
    assert len(levels) == 5
    pictures = [each.draw_sources(style) for each in levels]
    assert len({each.tobytes() for each in pictures[2:]}) == 3
    assert np.array_equal(pixels(drawn), sheet(pictures, 5))


def test_where_nothing_could_be_borrowed_sources_are_drawn_grey(run, pixels, tmp_path, pyramid_file):
    photo, mask = tmp_path / "thin.png", tmp_path / "mask.png"
    Image.fromarray(np.full((11, 200, 3), 90, np.uint8)).save(photo)
    hole = np.zeros((11, 200), bool)
    hole[4:8, 90:110] = True
    Image.fromarray(hole).save(mask)
    drawn = tmp_path / "sources.png"
    assert run("fill", photo, mask, "--model", pyramid_file, "--sources", drawn).code == 0
    assert (retouch.fill(photo.read_bytes(), hole, model=pyramid_file).correspondence == -1).all()
    assert np.ptp(pixels(drawn).astype(int), axis=-1).max() == 0


def test_a_model_that_borrows_nothing_has_nothing_to_draw(run, photo_file, mask_file, tmp_path):
    done = run("fill", photo_file, mask_file, *FAST, "--sources", tmp_path / "extra.png")
    assert done.code == 2
    assert "--sources" in done.err
    assert _names(tmp_path) == ["mask.png", "photo.png"]


def test_include_and_avoid_are_files(run, pixels, photo, hole, photo_file, mask_file, tmp_path):
    masks = {"include": np.zeros_like(hole), "avoid": np.zeros_like(hole)}
    masks["include"][:, 56:] = masks["avoid"][:40, 84:] = True
    words = []
    for name, mask in masks.items():
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
        words += [f"--{name}", tmp_path / f"{name}.png"]
    assert run("fill", photo_file, mask_file, *words).code == 0
    assert np.array_equal(pixels(tmp_path / "photo-filled.png"), retouch.inpaint(photo, hole, **masks))


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_a_photo_goes_through_a_pipe_in_its_own_format(run, photo, mask_file, tmp_path, suffix):
    file = tmp_path / f"piped.{suffix}"
    Image.fromarray(photo).save(file)
    done = run("fill", "-", mask_file, "-o", "-", *FAST, stdin=file.read_bytes())
    assert done.code == 0
    assert Image.open(io.BytesIO(done.out)).format == Image.open(file).format
    assert done.err.startswith("wrote standard output in ")


def test_pipes_can_be_mixed_with_files(run, pixels, photo, hole, photo_file, mask_file, tmp_path):
    expected = retouch.inpaint(photo, hole, model="telea")
    assert np.array_equal(
        pixels(io.BytesIO(run("fill", photo_file, mask_file, "-o", "-", *FAST).out)), expected
    )
    assert run("fill", photo_file, "-", *FAST, stdin=mask_file.read_bytes()).code == 0
    assert np.array_equal(pixels(tmp_path / "photo-filled.png"), expected)
    done = run("fill", "-", mask_file, "-o", tmp_path / "o.png", *FAST, stdin=photo_file.read_bytes())
    assert done.out == b""
    assert np.array_equal(pixels(tmp_path / "o.png"), expected)
    # A photo from a pipe has no place beside it, so it goes on down the pipe.
    done = run("fill", "-", mask_file, *FAST, stdin=photo_file.read_bytes())
    assert np.array_equal(pixels(io.BytesIO(done.out)), expected)


@pytest.mark.parametrize("piped", [False, True])
def test_an_empty_mask_copies_the_photo_and_says_so(run, pixels, photo, empty_mask, tmp_path, piped):
    file = tmp_path / "photo.jpg"
    Image.fromarray(photo).save(file, quality=30)
    if piped:
        done = run("fill", "-", empty_mask, "-o", "-", stdin=file.read_bytes())
        assert done.out == file.read_bytes()
    else:
        done = run(
            "fill", file, empty_mask, "--sources", tmp_path / "s.png", "--confidence", tmp_path / "c.png"
        )
        assert (tmp_path / "photo-filled.jpg").read_bytes() == file.read_bytes()
        assert (pixels(tmp_path / "c.png") == 255).all()
    assert done.code == 0
    assert "empty" in done.err


def test_the_photo_itself_is_replaced_only_when_told(run, pixels, photo, hole, photo_file, mask_file):
    before = photo_file.read_bytes()
    done = run("fill", photo_file, mask_file, "-o", photo_file, *FAST)
    assert done.code == 2
    assert "--overwrite" in done.err
    assert photo_file.read_bytes() == before
    assert run("fill", photo_file, mask_file, "-o", photo_file, *FAST, "--overwrite").code == 0
    assert np.array_equal(pixels(photo_file), retouch.inpaint(photo, hole, model="telea"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gone.png", "mask.png"], "gone.png"),
        (["photo.png", "gone.png"], "gone.png"),
        ([".", "mask.png"], "folder"),
        (["notes.txt", "mask.png"], "notes.txt"),
        (["broken.png", "mask.png"], "broken.png"),
        (["nothing.png", "mask.png"], "nothing.png"),
        (["photo.png", "small.png"], "--resize-mask"),
        (["photo.png", "mask.png", "--mask-from", "alpha"], "no transparency; leave out --mask-from"),
        (["photo.png", "mask.png", "--mask-from", "red"], "'auto', 'alpha', 'inverted-alpha', 'luminance'"),
        (["photo.png", "small.png"], "64 × 48"),
        (["photo.png", "full.png"], "whole"),
        (["photo.png"], "mask"),
        (["photo.png", "mask.png", "--model", "lama"], "lama"),
        (["photo.png", "mask.png", "--device", "quantum"], "quantum"),
        (["photo.png", "photo-copy.png"], "The mask is in colour like a photo"),
        (["photo.png", "grey.png"], "The mask has many shades of grey like a photo"),
        (["mask.png", "photo.png"], "The photo and the mask seem to be swapped"),
        (["photo.png", "mask.png", "--avoid", "photo-copy.png"], "The avoid mask is in colour like a photo"),
        (["photo.png", "mask.png", "--invert-mask"], "The mask covers 98 % of the photo"),
        (["photo.png", "mask.png", "-m", "mask.png"], "given twice"),
        (["photo.png", "mask.png", "--close", "-1"], "-1"),
        (["photo.png", "mask.png", "--close", "wide"], "'--close'"),
        (["photo.png", "mask.png", "--seed", str(2**63)], "too large"),
        (["photo.png", "mask.png", "--upsampling", "magic"], "'auto', 'network', 'residual'"),
        (["photo.png", "mask.png", "--sed", "1"], "--sed"),
        (["photo.png", "mask.png", "other.png"], "other.png"),
        ([], "'PHOTO'; see retouch fill --help"),
        (["photo.png", "mask.png", "-o", "gone/"], "gone does not exist"),
        (["-", "mask.png", "-o", "./"], "has no name"),
        (["photo.png", "mask.png", "--dilate", "-1"], "-1"),
        (["photo.png", "mask.png", "--working-size", "0"], "0"),
        (["photo.png", "mask.png", "--include", "mask.png"], "borrow"),
        (["photo.png", "mask.png", "--avoid", "full.png"], "borrow"),
        (["photo.png", "mask.png", "--include", "half.png", "--avoid", "half.png"], "borrow"),
        (["photo.png", "mask.png", "--include", "small.png"], "include mask is 64 × 48"),
        (["photo.png", "mask.png", "--avoid", "small.png"], "avoid mask is 64 × 48"),
        (["photo.png", "mask.png", "--avoid", "gone.png"], "gone.png"),
        (["photo.png", "mask.png", "--include", "notes.txt"], "notes.txt"),
        (["photo.png", "mask.png", "--lines", "gone.png"], "gone.png"),
        (["photo.png", "mask.png", "--lines", "small.png"], "mask of lines is 64 × 48"),
        (
            ["photo.png", "mask.png", "--lines", "photo-copy.png"],
            "The mask of lines is in colour like a photo",
        ),
        (["photo.png", "mask.png", "--lines", "corner.png"], "The lines do not cross the hole"),
        (["photo.png", "mask.png", "--lines", "half.png", "--model", "telea"], "Only exemplar follows lines"),
        pytest.param(
            ["photo.png", "mask.png", "--lines", "mask.png"],
            "A line in the hole cannot be seen beside it",
            marks=pytest.mark.skipif(library() is None, reason="only the compiled exemplar follows lines"),
        ),
        (["photo.png", "mask.png", "--lines", "half.png", "-o", "half.png", "--overwrite"], "--lines"),
        (["photo.png", "mask.png", "-o", "gone/out.png"], "gone"),
        (["photo.png", "mask.png", "-o", "out.xyz"], "xyz"),
        (["photo.png", "mask.png", "-o", "out"], "extension"),
        (["deep.png", "mask.png", "-o", "out.jpg"], "16"),
        (["photo.png", "mask.png", "-o", "mask.png", "--overwrite"], "MASK"),
        (["photo.png", "mask.png", "--avoid", "half.png", "-o", "half.png", "--overwrite"], "--avoid"),
        (["photo.png", "mask.png", "--include", "half.png", "-o", "half.png", "--overwrite"], "--include"),
        (
            ["photo.png", "mask.png", "--avoid", "half.png", "--sources", "half.png", "--overwrite"],
            "--sources and --avoid",
        ),
        (["photo.png", "mask.png", "-o", "x.png", "--sources", "x.png"], "--sources and -o"),
        (["photo.png", "mask.png", "--sources", "x.png", "--confidence", "./x.png"], "same file"),
        (["photo.png", "mask.png", "--sources", "photo-filled.png"], "same file"),
        (["photo.png", "mask.png", "--sources", "photo.png", "--overwrite"], "PHOTO"),
        (["photo.png", "mask.png", "--sources", "hard-link.png", "--overwrite"], "PHOTO"),
        (["photo.png", "mask.png", "--confidence", "mask.png", "--overwrite"], "MASK"),
        (["photo.png", "mask.png", "--sources", "there.png"], "--overwrite"),
        (["photo.png", "mask.png", "-o", "loop.png"], "exists already"),
        (["photo.png", "mask.png", "-o", 300 * "x" + ".png"], "too long"),
        (["photo.png", "mask.png", "--sources", "out.jpg"], ".png"),
        (["photo.png", "mask.png", "--colour-wheel"], "add --sources"),
        (["photo.png", "mask.png", "--model", "gone.safetensors"], "gone.safetensors"),
        (["photo.png", "mask.png", "--confidence", "gone/c.png"], "gone"),
        (["-", "-"], "PHOTO and MASK"),
        (["-", "mask.png"], "empty"),
        (["photo.png", "-"], "empty"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(
    refused, photo, photo_file, mask_file, tmp_path, monkeypatch, words, says
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("retouch.engine.window_fill.fill_crop", lambda *_, **__: pytest.fail("too far"))
    (tmp_path / "notes.txt").write_text("not a photo")
    (tmp_path / "broken.png").write_bytes(photo_file.read_bytes()[:-2000])
    (tmp_path / "nothing.png").write_bytes(b"")
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "hard-link.png").hardlink_to(photo_file)
    (tmp_path / "loop.png").symlink_to("loop.png")
    Image.fromarray(np.zeros((48, 64), np.uint8)).save("small.png")
    Image.fromarray(np.full((96, 128), 255, np.uint8)).save("full.png")
    Image.fromarray(np.arange(128)[None].repeat(96, axis=0) < 64).save("half.png")
    Image.fromarray(np.pad([[True]], ((0, 95), (0, 127)))).save("corner.png")
    Image.fromarray(photo[..., 0].astype(np.uint16) * 257).save("deep.png")
    Image.fromarray(photo).save("photo-copy.png")
    Image.fromarray(photo).convert("L").save("grey.png")
    refused("fill", *words, says=says)


def test_the_mask_can_be_an_option(run, photo_file, mask_file, tmp_path):
    assert run("fill", photo_file, mask_file, *FAST, "-o", tmp_path / "second.png").code == 0
    for option in ("--mask", "-m"):
        out = tmp_path / f"option{option}.png"
        assert run("fill", photo_file, option, mask_file, *FAST, "-o", out).code == 0
        assert out.read_bytes() == (tmp_path / "second.png").read_bytes()


@pytest.mark.parametrize("folder", ["there", "there/", "{}/there"])
def test_output_can_be_a_folder(run, photo_file, mask_file, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    done = run("fill", photo_file, mask_file, *FAST, "-o", folder.format(tmp_path))
    assert done.code == 0
    assert "photo-filled.png" in done.err
    assert _names(tmp_path / "there") == ["photo-filled.png"]


def test_a_trusted_mask_may_be_a_photo(run, pixels, photo, photo_file, tmp_path):
    assert run("fill", photo_file, photo_file, *FAST, "--trust-mask").code == 0
    filled = pixels(tmp_path / "photo-filled.png")
    assert np.array_equal(filled, retouch.inpaint(photo, photo, model="telea", trust_mask=True))
    assert (filled != photo).any()


def test_islands_are_pointed_out_and_closed(run, pixels, photo, hole, photo_file, tmp_path):
    mask = tmp_path / "mask.png"
    hole[55, 45] = hole[52:55, 50:53] = False
    Image.fromarray(hole).save(mask)
    done = run("fill", photo_file, mask, *FAST)
    note = (
        "2 known islands smaller than 30 pixels lie inside the hole; --close 2 (close=2 in Python) takes them"
    )
    assert done.code == 0
    assert done.err.splitlines()[1:] == [note + " in."]
    done = run("fill", photo_file, mask, *FAST, "--close", "1", "--overwrite")
    assert done.err.splitlines()[1].startswith("1 known island smaller than 30 pixels lies inside the hole; ")
    done = run("fill", photo_file, mask, *FAST, "--close", "2", "--overwrite")
    assert done.err.count("\n") == 1
    hole[50:62, 40:56] = True
    assert np.array_equal(pixels(tmp_path / "photo-filled.png"), retouch.inpaint(photo, hole, model="telea"))
    assert run("fill", photo_file, mask, *FAST, "--overwrite", "--quiet").err == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["photo.png", "mask.png"], "to fill a photo, type: retouch fill photo.png mask.png"),
        (["holiday photo.jpg"], "retouch fill 'holiday photo.jpg'"),
        (["-", "mask.png"], "retouch fill - mask.png"),
        (["fil", "photo.png"], "There is no command 'fil'; did you mean fill?"),
        (["Stylise", "photo.png"], "did you mean stylize?"),
        (["bogus"], "choose one of fill, clear-crowd, batch, find, restore, edit, serve, stylize, "),
    ],
)
def test_a_missing_or_unknown_command(run, words, says):
    done = run(*words)
    assert (done.code, done.out, done.err.count("\n")) == (2, b"", 1)
    assert says in done.err


def test_without_words_the_help_is_printed(run):
    done = run()
    assert done.code == 0
    assert "stylize" in done.out.decode()


def test_telea_needs_no_torch(photo_file, mask_file):
    code = "import sys; from retouch.cli import main\ntry: main()\nfinally: print('torch' in sys.modules)"
    words = ("fill", str(photo_file), str(mask_file), *FAST)
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert photo_file.with_name("photo-filled.png").exists()
    assert done.stdout == "False\n"


@pytest.mark.parametrize("given", [None, "ACTIVE"])
def test_waiting_threads_do_not_spin_unless_told_to(given):
    code = (
        "import os; from retouch.cli import main\n"
        "try: main(['--version'])\n"
        "finally: print(os.environ['OMP_WAIT_POLICY'])"
    )
    surroundings = {name: each for name, each in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if given is not None:
        surroundings["OMP_WAIT_POLICY"] = given
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == (given or "PASSIVE")


def test_an_unknown_option_is_exit_code_2(run):
    done = run("fill", "photo.png", "--sed", "1")
    assert done.code == 2
    assert "--sed" in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def interrupted(hears_ctrl_c, monkeypatch):
    """Ctrl-C comes while neural-patch paints."""
    module = sys.modules["retouch.models.neural_patch.model"]
    paint = module.paint

    def interrupt(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return paint(*arguments, **options)

    monkeypatch.setattr(module, "paint", interrupt)


def test_the_first_ctrl_c_is_good_enough(interrupted, run, pixels, photo_file, mask_file, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    out = tmp_path / "out.png"
    words = ("fill", photo_file, mask_file, "-o", out, "--model", "telea", "--refine")
    done = run(*words, "--option", "scales=1", "--option", "iterations=2")
    assert done.code == 0
    assert done.err.startswith("retouch: finishing early with the best fill; Ctrl-C again gives up\nwrote ")
    assert (pixels(out) != pixels(photo_file)).any()
    assert signal.getsignal(signal.SIGINT) is before


def test_where_ctrl_c_is_ignored_it_stays_so(interrupted, run, photo_file, mask_file):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    done = run("fill", photo_file, mask_file, "--model", "telea+neural-patch", "--option", "scales=1")
    assert done.code == 0
    assert "finishing" not in done.err


def test_the_second_ctrl_c_gives_up(hears_ctrl_c, run, photo_file, mask_file, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(sys.modules["retouch.models.neural_patch.model"], "paint", interrupt)
    out = tmp_path / "out.png"
    done = run("fill", photo_file, mask_file, "-o", out, "--model", "telea+neural-patch")
    assert done.code == 130
    assert done.err.endswith("retouch: interrupted\n")
    assert not out.exists()


def test_a_prompt_that_is_left_counts_as_interrupted(run, photo_file, mask_file, monkeypatch):
    def leave(*_, **__):
        raise typer.Abort

    monkeypatch.setattr("retouch.engine.window_fill.fill_crop", leave)
    done = run("fill", photo_file, mask_file)
    assert (done.code, done.err) == (130, "retouch: interrupted\n")


def test_progress_never_gets_into_the_photo(photo_file, mask_file):
    """Python prints to standard output where standard error is closed."""
    command = f"'{sys.executable}' -m retouch fill '{photo_file}' '{mask_file}' -o - --progress json 2>&-"
    made = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout
    assert made.startswith(b"\x89PNG")


def test_interrupted(run, photo_file, mask_file, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("retouch.engine.window_fill.fill_crop", interrupt)
    done = run("fill", photo_file, mask_file)
    assert done.code == 130
    assert done.err == "retouch: interrupted\n"
    assert _names(tmp_path) == ["mask.png", "photo.png"]


def test_version(run):
    done = run("--version")
    assert done.code == 0
    assert done.out.decode() == f"retouch {retouch.__version__}\n"


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "retouch", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"retouch {retouch.__version__}\n")


def test_a_closed_pipe_is_one_sentence(photo_file, mask_file):
    code = "from retouch.cli import main; main()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code, "fill", str(photo_file), str(mask_file), "-o", "-", *FAST],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pipe" in done.stderr


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar(run, photo_file, mask_file, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for quiet in (False, True):
        terminal = _Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        words = ("--quiet",) if quiet else ()
        assert run("fill", photo_file, mask_file, *FAST, "--overwrite", *words).out == b""
        assert ("━" in terminal.getvalue()) != quiet
        assert ("wrote" in terminal.getvalue()) != quiet


def test_a_terminal_gets_no_photo(run, photo_file, mask_file, monkeypatch):
    monkeypatch.setattr(sys, "stdout", _Terminal())
    done = run("fill", photo_file, mask_file, *FAST, "-o", "-")
    assert done.code == 2
    assert "terminal" in done.err


def test_a_keyboard_is_no_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", _Terminal())
    with pytest.raises(RetouchError, match="piped"):
        read_pipe("photo")


def test_how_a_mask_was_read_is_said(run, pixels, photo, hole, photo_file, tmp_path):
    labels = hole.astype(np.uint8)
    labels[50:56] *= 5
    Image.fromarray(labels).save(tmp_path / "labels.png")
    done = run("fill", photo_file, tmp_path / "labels.png", *FAST)
    assert done.code == 0
    assert "map of classes, with the values 0, 1 and 5: all but 0 are filled" in done.err
    assert np.array_equal(pixels(tmp_path / "photo-filled.png"), retouch.inpaint(photo, hole, model="telea"))
    erased = np.dstack([photo, ~hole * np.uint8(255)])
    Image.fromarray(erased).save(tmp_path / "erased.png")
    done = run("fill", photo_file, tmp_path / "erased.png", *FAST, "--overwrite")
    assert "the photo with a part erased" in done.err
    assert np.array_equal(pixels(tmp_path / "photo-filled.png"), retouch.inpaint(photo, hole, model="telea"))


def test_a_texture_is_filled_across_its_edges(run, pixels, photo, photo_file, tmp_path):
    mask = np.zeros(photo.shape[:2], bool)
    mask[:6, 40:60] = mask[-6:, 40:60] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    done = run("fill", photo_file, tmp_path / "mask.png", *FAST, "--wrap", "both")
    assert done.code == 0
    expected = retouch.inpaint(photo, mask, model="telea", wrap="both")
    assert np.array_equal(pixels(tmp_path / "photo-filled.png"), expected)
    assert not np.array_equal(expected, retouch.inpaint(photo, mask, model="telea"))


def test_progress_for_programs(run, photo_file, mask_file):
    done = run("fill", photo_file, mask_file, "--model", "telea", "--progress", "json")
    told = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert {step["stage"] for step in told} >= {"fill"}
    assert all(step.keys() == {"stage", "done", "total", "detail"} for step in told)
    assert told[-1]["done"] == told[-1]["total"]
    assert done.err.splitlines()[len(told)].startswith("wrote ")


def test_nobody_wants_the_fill_any_longer(photo_file, mask_file, tmp_path):
    target = tmp_path / "filled.png"
    words = ["fill", photo_file, mask_file, "-o", target, "--model", "telea", "--progress", "json"]
    process = subprocess.Popen([sys.executable, "-m", "retouch", *map(str, words)], stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait() == 2
    assert not target.exists()
