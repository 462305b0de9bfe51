"""Finder and scout of :mod:`retouch.networks.damage`, built of the same weights for OpenCV.

OpenCV runs convolutions on a processor about as fast as torch does in float32, and is part of the light core.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retouch.finding.arrays import Arrays
from retouch.finding.onnx import Graph

NAME = "damage"
"""The networks' name in weights files."""
CELL = 16
"""Side of the squares that the scout judges, in pixels."""
DEEPEST = 32
"""Sides of what the networks look at are multiples of this."""
_EPSILON = 1e-5  # of torch's batch normalisation


class Runner:
    """A network for windows of one size.

    Args:
        graph: the network, from "image" to ``output``.
        output: the value that it returns.
        side: side of the window.
        shape: shape of the output.
    """

    def __init__(self, graph: Graph, output: str, side: int, shape: tuple[int, ...]) -> None:
        content = graph.file({"image": (1, 3, side, side)}, {output: shape})
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))

    def __call__(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run it on a window, ``3×side×side`` in [−0.5, 0.5]; returns logits, ``C×h×w``."""
        self._network.setInput(window[None], "image")
        result: NDArray[np.float32] = self._network.forward()[0]
        return result


def finder(arrays: Arrays, side: int) -> Runner:
    """Build the network that finds damage; it returns four planes of half the size, see :func:`whole`."""
    graph = Graph()
    values, seen = "image", []
    depth = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("down."))
    for level in range(depth):
        steps = 1 + max(int(name.split(".")[2]) for name in arrays if name.startswith(f"down.{level}."))
        for step in range(steps):
            values = _layer(graph, arrays, f"down.{level}.{step}", values, 2 if step == 0 else 1)
        seen.append(values)
    twice = graph.constant(np.array([1, 1, 2, 2], np.float32))
    for level in reversed(range(depth - 1)):
        coarse = graph.convolution(values, *_plain(arrays, f"across.{level}"), 1, 0)
        enlarged = graph.node(
            "Resize",
            [coarse, "", twice],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        values = _layer(graph, arrays, f"up.{level}", graph.node("Add", [enlarged, seen[level]]), 1)
    output = graph.convolution(values, *_plain(arrays, "last"), 1, 1)
    return Runner(graph, output, side, (1, 4, side // 2, side // 2))


def scout(arrays: Arrays, side: int) -> Runner:
    """Build the network that says which squares of 16 pixels are worth looking at: ``1×h×w``."""
    graph, values = Graph(), "image"
    last = max(int(name.split(".")[1]) for name in arrays if name.startswith("scout."))
    for step in range(last):
        stride = (4, 2, 2)[step] if step < 3 else 1
        values = _layer(graph, arrays, f"scout.{step}", values, stride)
    output = graph.convolution(values, *_plain(arrays, f"scout.{last}"), 1, 0)
    return Runner(graph, output, side, (1, 1, side // CELL, side // CELL))


def whole(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put the finder's four planes ``4×h×w`` together: ``2h×2w``."""
    _, height, width = planes.shape
    return planes.reshape(2, 2, height, width).transpose(2, 0, 3, 1).reshape(2 * height, 2 * width)


def _plain(arrays: Arrays, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return arrays[f"{name}.weight"], arrays[f"{name}.bias"]


def _layer(graph: Graph, arrays: Arrays, name: str, values: str, stride: int) -> str:
    """Add a convolution, with the normalisation that follows it folded into its weights, and a rectifier."""
    weight = arrays[f"{name}.0.weight"]
    mean, spread = arrays[f"{name}.1.running_mean"], arrays[f"{name}.1.running_var"]
    scale = arrays[f"{name}.1.weight"] / np.sqrt(spread + _EPSILON)
    bias = arrays[f"{name}.1.bias"] - mean * scale
    padding = 0 if weight.shape[2] == stride else 1  # squares side by side have nothing beyond the border
    made = graph.convolution(values, weight * scale[:, None, None, None], bias, stride, padding)
    return graph.node("Relu", [made])
