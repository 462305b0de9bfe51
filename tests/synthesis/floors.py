"""A chequered floor in perspective, drawn from its formula."""

import numpy as np

HEIGHT, WIDTH = 240, 320
HORIZON, MIDDLE = -90, 160  # row of the horizon, column of the way straight ahead


def on_floor(columns, rows, turn):
    """Two coordinates of the floor, across each other and turned, at pixels of the photo."""
    depth = 1 / (rows - HORIZON)
    across, along = (columns - MIDDLE) * depth * 200, -40000 * depth
    return across * np.cos(turn) - along * np.sin(turn), across * np.sin(turn) + along * np.cos(turn)


def floor(turn=0.3, tile=24.0):
    """The floor, ``HEIGHT×WIDTH×3``; each pixel is the mean of 16 samples."""
    rows, columns = (np.arange(4 * side) / 4 - 0.375 for side in (HEIGHT, WIDTH))
    one, two = on_floor(columns, rows[:, None], turn)
    grey = ((np.floor(one / tile) + np.floor(two / tile)) % 2).reshape(HEIGHT, 4, WIDTH, 4).mean((1, 3))
    return (0.2 + 0.6 * grey[..., None] * np.array([1, 0.9, 0.8])).astype(np.float32)


def square(top=80, left=110, side=90):
    """A square hole."""
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[top : top + side, left : left + side] = True
    return hole
