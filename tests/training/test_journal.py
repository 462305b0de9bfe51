"""Figures by step, grids and words."""

import cv2
import numpy as np
import pytest
import torch

from retouch.training.journal import Journal, duration, write_grid


def lines(folder):
    return (folder / "metrics.csv").read_text().splitlines()


def test_figures_of_steps_that_are_done_anew_are_dropped(tmp_path):
    journal = Journal(tmp_path, 0)
    for step in (1, 2, 3):
        journal.add(step, {"hole": step / 8, "lr": 1e-4})
    journal.close()
    journal = Journal(tmp_path, 2)
    journal.add(3, {"hole": 0.5})
    journal.close()
    assert lines(tmp_path) == [
        "step,name,value",
        *("1,hole,0.125", "1,lr,0.0001", "2,hole,0.25", "2,lr,0.0001", "3,hole,0.5"),
    ]


def test_a_line_that_was_cut_short_does_no_harm(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,name,value\n1,hole,0.5\n2,ho")
    Journal(tmp_path, 5).close()
    assert lines(tmp_path) == ["step,name,value", "1,hole,0.5"]


def test_tensorboard_has_the_same_figures(tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    journal = Journal(tmp_path, 0)
    journal.add(7, {"hole": 0.25})
    journal.close()
    read = event_accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    assert [(each.step, each.value) for each in read.Scalars("hole")] == [(7, 0.25)]


def test_a_grid_has_a_row_for_each_item(tmp_path):
    reds, blues = torch.zeros(2, 3, 5, 6), torch.zeros(2, 3, 5, 6)
    reds[:, 0], blues[1, 2] = 1.0, 2.0
    write_grid(tmp_path / "grids" / "a.png", [reds, blues])
    sheet = cv2.imread(str(tmp_path / "grids" / "a.png"))[..., ::-1]
    assert sheet.shape == (5 + 4 + 5, 6 + 4 + 6, 3)
    assert (sheet[:5, :6] == (255, 0, 0)).all()
    assert (sheet[9:, 10:] == (0, 0, 255)).all()
    assert (sheet[:5, 10:] == 0).all()
    assert (sheet[5:9] == 255).all()
    write_grid(tmp_path / "grids" / "a.png", [blues])
    assert np.array_equal(cv2.imread(str(tmp_path / "grids" / "a.png"))[..., ::-1], sheet[:, 10:])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3569, "59 min"), (3570, "1 h 00 min"), (11_100, "3 h 05 min")],
)
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words
