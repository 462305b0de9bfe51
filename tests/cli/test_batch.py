import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import typer
from PIL import Image

from retouch.batching.jobs import OPTIONS
from retouch.batching.running import Outcome
from retouch.cli import app, tally
from retouch.cli.tally import Tally

FAST = ("--model", "telea")
ABOUT_ONE_PHOTO = frozenset(
    [
        *("photo", "mask", "mask_file", "output", "progress", "references", "references_only", "any_light"),
        *("sign", "tsa"),
    ]
)
"""What ``retouch fill`` has and ``retouch batch`` has not."""


@pytest.fixture
def folders(tmp_path, photo, hole):
    """``photos/`` with a, b and c, and ``masks/`` with masks of a and b."""
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for number, name in enumerate("abc"):
        Image.fromarray(np.roll(photo, number)).save(tmp_path / "photos" / f"{name}.png")
        if name != "c":
            Image.fromarray(hole).save(tmp_path / "masks" / f"{name}-mask.png")
    return tmp_path / "photos", tmp_path / "masks", "-o", tmp_path / "out"


@pytest.fixture
def complete(folders):
    (folders[0] / "c.png").unlink()
    return folders


def test_what_was_done_is_said_and_what_was_not(run, folders):
    done = run("batch", *folders, *FAST)
    assert (done.code, done.out) == (1, b"")
    assert "1 without a mask:\n" in done.err
    assert f"{folders[0] / 'c.png'}: There is no mask for" in done.err
    assert done.err.splitlines()[-1].startswith("3 of 3 photos, 2 filled, 1 without a mask, ")


def test_all_well_is_zero_then_and_again(run, complete):
    first, again = (run("batch", *complete, *FAST) for _ in range(2))
    assert (first.code, again.code) == (0, 0)
    assert again.err == "2 of 2 photos, 2 done before\n"
    assert run("batch", *complete, *FAST, "--quiet").err == ""


def test_failures_are_a_table_and_stay_until_tried_again(run, folders, photo):
    (folders[0] / "c.png").unlink()
    (folders[0] / "a.png").write_bytes(b"GIF89a")
    for words in ((), (), ("--retry-failed",)):
        done = run("batch", *folders, *FAST, *words)
        assert done.code == 1
        assert "1 failed:\n" in done.err
        assert f"  {folders[0] / 'a.png'}: {folders[0] / 'a.png'} " in done.err
    assert "1 failed:" in run("batch", *folders, *FAST, "--quiet").err


def test_a_dry_run_shows_pairs_and_writes_nothing(run, folders):
    done = run("batch", *folders, *FAST, "--dry-run", "--avoid", folders[1] / "a-mask.png")
    photos, masks = folders[:2]
    rows = [line.split("\t") for line in done.out.decode().splitlines()]
    avoided = f"avoid: {masks / 'a-mask.png'}"
    assert rows[0] == ["fill", str(photos / "a.png"), str(masks / "a-mask.png"), "a.png", avoided]
    assert rows[1][0] == "fill"
    assert rows[2][:4] == ["unmasked", str(photos / "c.png"), "-", "c.png"]
    assert done.code == 0
    assert not folders[3].exists()
    run("batch", *folders, *FAST)
    rows = [line.split("\t") for line in run("batch", *folders, *FAST, "--dry-run").out.decode().splitlines()]
    assert [row[0] for row in rows] == ["done", "done", "unmasked"]


@pytest.mark.skipif(os.name == "nt", reason="no such names")
def test_names_with_line_ends_stay_on_their_line(run, folders):
    (folders[0] / "c.png").rename(folders[0] / "c\n\td\x1b[31m.png")
    shown = "c\\n\\td\\x1b[31m.png"
    rows = [line.split("\t") for line in run("batch", *folders, "--dry-run").out.decode().splitlines()]
    assert [row[3] for row in rows] == ["a.png", "b.png", shown]
    assert f"  {folders[0] / shown}: There is no mask" in run("batch", *folders, *FAST).err


def test_it_has_every_option_of_fill(run, complete):
    commands = typer.main.get_command(app).commands
    fill, batch = ({each.name: each for each in commands[name].params} for name in ("fill", "batch"))
    for name, option in fill.items():
        if name not in ABOUT_ONE_PHOTO:
            assert name in batch, f"Add {name} to batching.jobs.OPTIONS, or here and to docs/batch.md."
            if name not in ("sources", "confidence"):  # files there, whether to draw them here
                assert (batch[name].default, batch[name].opts) == (option.default, option.opts)
    assert set(OPTIONS) <= set(batch)
    words = ("--seed", "3", "--dilate", "2", "--option", "patch=5", "--wrap", "both", "--sources")
    assert run("batch", *complete, *words).code == 0
    lines = (complete[3] / "retouch-batch.jsonl").read_text().splitlines()
    wanted = {"seed": 3, "dilate": 2, "options": {"patch": "5"}, "wrap": "both", "sources": True}
    assert [json.loads(line)["options"] for line in lines] == [wanted, wanted]
    assert (complete[3] / "a-sources.png").exists()


def test_mistakes_are_one_sentence(refused, folders):
    refused("batch", *folders[:2], says="Missing option '--output'")
    refused("batch", *folders, "--colour-wheel", says="add --sources")
    refused("batch", *folders, "--workers", "none", says="--workers takes auto")
    refused("batch", folders[0] / "x", "-o", folders[3], says="There is no folder")
    refused("batch", *folders, "--format", "bmp", says="'bmp' is not one of")
    refused("batch", *folders, "--option", "patch", says="--option takes NAME=VALUE")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_watching_ends_with_ctrl_c(complete):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-m", "retouch", "batch", *map(str, complete), *FAST, "--watch"]
    watching = subprocess.Popen(
        words,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not all((complete[3] / name).exists() for name in ("a.png", "b.png")):
        assert watching.poll() is None, watching.stderr.read()
        time.sleep(0.05)
    time.sleep(0.2)
    watching.send_signal(signal.SIGINT)
    assert watching.communicate()[1] == "2 photos, 2 filled\n"
    assert watching.returncode == 0


def test_a_line_a_minute_where_there_is_no_terminal(monkeypatch, capsys):
    clock = iter(range(0, 10_000, 25))
    monkeypatch.setattr(tally.time, "monotonic", lambda: float(next(clock)))
    counted = Tally(4, quiet=False)
    with counted.shown():
        for number in range(4):
            counted.count(Outcome(f"{number}.png", None, f"out/{number}.png", "filled"))
    said = capsys.readouterr().err.splitlines()
    assert 1 <= len(said) < 4
    assert said[0].startswith("3 of 4 photos, 3 filled, ")
    assert said[0].endswith(" left")


def test_long_tables_are_cut(capsys):
    counted = Tally(60, quiet=True)
    for number in range(60):
        counted.count(Outcome(f"{number}.png", None, "", "failed", "It is broken."))
    assert counted.report() == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "60 failed:"
    assert said[-1] == "  and 10 more; --dry-run lists all of them"
    assert len(said) == 52


def test_scans_are_restored(run, folders):
    photos, _, *out = folders
    planned = run("batch", photos, *out, "--restore", "--sensitivity", "0.2", "--dry-run")
    assert planned.out.decode().splitlines()[0].split("\t") == [
        "restore",
        str(photos / "a.png"),
        "(found)",
        "a.png",
    ]
    done = run("batch", photos, *out, "--restore", "--sensitivity", "0.2", "--report")
    assert done.code == 0, done.err
    assert done.err.splitlines()[-1].startswith("3 of 3 photos, 3 restored, ")
    assert {each.name for each in out[-1].iterdir()} == {
        *(f"{name}{ending}" for name in "abc" for ending in (".png", "-mask.png", ".json", ".html")),
        "retouch-batch.jsonl",
    }


def test_what_only_filling_has_is_refused_when_restoring(run, folders):
    photos, _, *out = folders
    done = run("batch", photos, *out, "--restore", "--model", "telea")
    assert done.code == 2
    assert done.err == "retouch: Restoring has no option model; leave it out, or leave out restore.\n"
    assert not out[-1].exists()
