"""A scene made in code, and shots of it whose geometry is known."""

import cv2
import numpy as np

HEIGHT, WIDTH = 300, 400


def scene(seed: int = 0, height: int = HEIGHT + 120, width: int = WIDTH + 120) -> np.ndarray:
    """Coloured shapes of all sizes, which features can tell apart: ``H×W×3`` float32, 0 to 255."""
    random = np.random.default_rng(seed)
    made = np.full((height, width, 3), 120, np.float32)
    for size in (70, 40, 22, 12):
        for _ in range(2600 // size):
            centre = random.integers(0, (width, height)).tolist()
            colour = random.uniform(30, 215, 3).tolist()
            sides = tuple((random.uniform(0.3, 1, 2) * size).astype(int).tolist())
            cv2.ellipse(made, centre, sides, float(random.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(made, (0, 0), 0.8)


def shot(
    made: np.ndarray, matrix: np.ndarray | None = None, *, gain: float = 1, noise: float = 0
) -> np.ndarray:
    """The middle of a scene, ``HEIGHT×WIDTH×3`` uint8, or what a camera sees that ``matrix`` moves."""
    move = np.array([[1, 0, -60], [0, 1, -60], [0, 0, 1]], np.float64)
    if matrix is not None:
        move = matrix @ move
    size = (WIDTH, HEIGHT)
    seen = cv2.warpPerspective(made, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    seen = seen * gain + np.random.default_rng(1).normal(0, noise, seen.shape)
    return np.rint(seen.clip(0, 255)).astype(np.uint8)


def moved(right: float = 9.0, down: float = -6.0, turn: float = 2.0, scale: float = 1.03) -> np.ndarray:
    """The homography of a camera that moved a little."""
    made = np.eye(3)
    made[:2] = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), turn, scale)
    made[:2, 2] += right, down
    made[2, 0] = 4e-5
    return made


def hole(top: int = 110, left: int = 150, height: int = 70, width: int = 80) -> np.ndarray:
    """A hole, ``HEIGHT×WIDTH`` bool."""
    made = np.zeros((HEIGHT, WIDTH), np.bool_)
    made[top : top + height, left : left + width] = True
    return made


def punched(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A photo whose hole shows something else."""
    made = photo.copy()
    made[mask] = (255, 0, 255)
    return made
