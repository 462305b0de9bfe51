"""Models with known answers."""

from collections import deque

import numpy as np
import torch

from retouch.contract import Fill, Model, Progress


class Offset:
    """A correspondence made of a finished source map."""

    def __init__(self, sources):
        self.sources = sources

    def source_map(self):
        return self.sources

    def transfer(self, values, scale=1):
        raise AssertionError("the engine asks for the source map only")


class Nearest(Model):
    """Copies each hole pixel from an allowed pixel near it (breadth first), with half confidence."""

    name = "nearest"

    def __init__(self):
        self.seen = []

    def infer(self, image, mask, allowed, *, seed, on_progress):
        self.seen.append((image.clone(), mask.clone(), allowed.clone()))
        on_progress(Progress("think", 1, 2))
        height, width = mask.shape[2:]
        source = np.full((height, width, 2), -1)
        queue = deque((int(r), int(c)) for r, c in allowed[0, 0].nonzero())
        for place in queue:
            source[place] = place
        while queue:
            row, column = queue.popleft()
            for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                if 0 <= near[0] < height and 0 <= near[1] < width and source[near][0] < 0:
                    source[near] = source[row, column]
                    queue.append(near)
        sources = torch.from_numpy(source).permute(2, 0, 1)[None]
        filled = image[:, :, sources[0, 0], sources[0, 1]]
        sources = torch.where(mask > 0, sources, -1)
        on_progress(Progress("think", 2, 2))
        return Fill(filled, torch.full_like(mask, 0.5), Offset(sources))


class Constant(Model):
    """Fills every hole with one grey."""

    name = "constant"

    def __init__(self, value):
        self.value = value
        self.seen = []

    def infer(self, image, mask, allowed, *, seed, on_progress):
        self.seen.append((image.clone(), mask.clone(), allowed.clone()))
        return Fill(torch.full_like(image, self.value))
