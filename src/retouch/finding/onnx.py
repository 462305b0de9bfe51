"""Write a network as ONNX, for OpenCV to run: the few parts of the format that convolutions need.

ONNX files are protocol buffers (onnx.proto of the ONNX project; the field numbers below are its own). A field
is its number, its wire type, and its content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_OPSET, _IR = 13, 8
_FLOAT = 1  # TensorProto.DataType
_WHOLE, _TEXT, _LIST = 2, 3, 7  # AttributeProto.AttributeType


class Graph:
    """A network that is put together layer by layer. Values are named by what the methods return."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, values: NDArray[np.float32]) -> str:
        """Add constant values."""
        name = f"constant{len(self._constants)}"
        shape = b"".join(_number(1, side) for side in values.shape)
        data = np.ascontiguousarray(values, np.float32).tobytes()
        self._constants.append(shape + _number(2, _FLOAT) + _text(8, name) + _bytes(9, data))
        return name

    def node(self, kind: str, inputs: Sequence[str], **attributes: int | str | Sequence[int]) -> str:
        """Add an operator of ONNX."""
        name = f"value{len(self._nodes)}"
        parts = [_text(1, each) for each in inputs] + [_text(2, name), _text(4, kind)]
        parts += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return name

    def convolution(
        self, values: str, weight: NDArray[np.float32], bias: NDArray[np.float32], stride: int, padding: int
    ) -> str:
        """Add a convolution with ``weight`` ``O×I×K×K`` and ``bias`` ``O``."""
        return self.node(
            "Conv",
            [values, self.constant(weight), self.constant(bias)],
            kernel_shape=weight.shape[2:],
            strides=(stride, stride),
            pads=(padding,) * 4,
        )

    def file(self, inputs: Mapping[str, Sequence[int]], outputs: Mapping[str, Sequence[int]]) -> bytes:
        """Return the network as the content of a file; shapes of inputs and outputs by name."""
        graph = b"".join(_bytes(1, each) for each in self._nodes) + _text(2, "retouch")
        graph += b"".join(_bytes(5, each) for each in self._constants)
        graph += b"".join(_bytes(11, _value(*each)) for each in inputs.items())
        graph += b"".join(_bytes(12, _value(*each)) for each in outputs.items())
        return _number(1, _IR) + _bytes(8, _text(1, "") + _number(2, _OPSET)) + _bytes(7, graph)


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, content: str) -> bytes:
    return _bytes(field, content.encode())


def _attribute(name: str, value: int | str | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _WHOLE)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, _TEXT)
    return _text(1, name) + b"".join(_number(8, each) for each in value) + _number(20, _LIST)


def _value(name: str, shape: Sequence[int]) -> bytes:
    sides = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, sides)))
