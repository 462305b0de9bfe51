"""The compiled searches of patches that are described by floats, for numpy arrays; see search.cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retouch.native import library
from retouch.native.arrays import address

_Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """What is searched, and how. Flat positions are those of :class:`retouch.matching.layout.Layout`.

    Attributes:
        queries: ``Q`` int64 flat positions, each once.
        sources: ``Q`` int64 flat positions, each allowed; improved in place.
        values: ``Q`` float32, for the distances to the sources found.
        size: rows and columns of the queries' map.
        margin: cells around each map.
        stride: what a step down adds to a flat position of a query.
        allowed: ``N`` booleans, which flat positions of the sources may be borrowed.
        maps: ``M×3`` int32, of each map of sources the first line, rows and columns.
        source_stride: what a step down adds to a flat position of a source.
        rounds: how often every query tries what continues its neighbours' sources.
        exploring: in so many of these rounds, the first ones, it also tries random sources.
        radii: for each of them, one at most so many rows and columns from its own source.
        anywhere: int64 flat positions, one of which it tries as well; empty for none.
        seed: of the random sources.
        prices: ``Q`` float32, of each neighbour whose source is not continued; None for no price.
        threads: how many to use; the result is the same.
    """

    queries: NDArray[np.int64]
    sources: NDArray[np.int64]
    values: _Floats
    size: tuple[int, int]
    margin: int
    stride: int
    allowed: NDArray[np.bool_]
    maps: NDArray[np.int32]
    source_stride: int
    rounds: int
    exploring: int
    radii: Sequence[int]
    anywhere: NDArray[np.int64]
    seed: int
    prices: _Floats | None = None
    threads: int = 1


class _Task(ctypes.Structure):
    """``Task`` of search.cpp."""

    _fields_ = (
        ("count", ctypes.c_int64),
        ("queries", ctypes.c_void_p),
        ("sources", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("prices", ctypes.c_void_p),
        ("height", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("margin", ctypes.c_int32),
        ("stride", ctypes.c_int32),
        ("allowed", ctypes.c_void_p),
        ("maps", ctypes.c_void_p),
        ("cells", ctypes.c_int64),
        ("map_count", ctypes.c_int32),
        ("source_stride", ctypes.c_int32),
        ("rounds", ctypes.c_int32),
        ("exploring", ctypes.c_int32),
        ("radii", ctypes.c_void_p),
        ("anywhere", ctypes.c_void_p),
        ("anywhere_count", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
        ("radius_count", ctypes.c_int32),
        ("threads", ctypes.c_int32),
    )


def search_rows(task: Task, queries: _Floats, table: _Floats, weights: _Floats | None) -> None:
    """Improve sources by the weighted squared distance of rows of numbers.

    Args:
        task: what is searched.
        queries: ``Q×d``.
        table: ``N×d``, one row for each flat position of the sources.
        weights: ``Q×d``, 0 or more; None if all are 1.
    """
    _run("retouch_search_rows", task, (queries, table, weights), (queries.shape[1],))


def search_patches(
    task: Task,
    query_cells: _Floats,
    source_cells: _Floats,
    factors: tuple[_Floats, _Floats, _Floats] | None = None,
) -> None:
    """Improve sources by the squared distance of patches of cells, whose side is ``2·margin + 1``.

    Args:
        task: what is searched.
        query_cells: ``n×C``, one row for each flat position of the queries' map.
        source_cells: ``N×C``.
        factors: ``Q`` factors of the queries' cells, ``N`` of the sources', and ``N`` numbers of the sources,
            0 or more, that are added to the distance; None if all factors are 1.
    """
    arrays = (query_cells, source_cells, *(factors or (None,) * 3))
    _run("retouch_search_patches", task, arrays, (2 * task.margin + 1, source_cells.shape[1]))


def _run(name: str, task: Task, arrays: Sequence[_Floats | None], numbers: Sequence[int]) -> None:
    radii = np.array(task.radii, np.int32)
    fields = _Task(
        count=len(task.queries),
        queries=address(task.queries, np.int64),
        sources=address(task.sources, np.int64),
        values=address(task.values, np.float32),
        prices=address(task.prices, np.float32),
        height=task.size[0],
        width=task.size[1],
        margin=task.margin,
        stride=task.stride,
        allowed=address(task.allowed, np.bool_),
        maps=address(task.maps, np.int32),
        cells=len(task.allowed),
        map_count=len(task.maps),
        source_stride=task.source_stride,
        rounds=task.rounds,
        exploring=task.exploring,
        radii=address(radii, np.int32),
        anywhere=address(task.anywhere, np.int64),
        anywhere_count=len(task.anywhere),
        seed=task.seed,
        radius_count=len(radii),
        threads=task.threads,
    )
    loaded = library()
    assert loaded is not None
    addresses = [ctypes.c_void_p(address(each, np.float32)) for each in arrays]
    loaded[name](ctypes.byref(fields), *addresses, *map(ctypes.c_int32, numbers))
