"""Fills that other tools made: which file belongs to which pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retouch.errors import RetouchError
from retouch.evaluation.pairs import Pair, pictures_among


def find_predictions(folder: Path, pairs: Sequence[Pair]) -> tuple[dict[Pair, Path], list[Pair]]:
    """The fills that another tool made, matched by name.

    A fill is called like the id or the file of its photo, perhaps with ``-filled`` behind (so does
    ``retouch fill``), with any ending of a picture. It lies in a subfolder called like the kind of masks
    or, if there is one kind only, in the folder itself.

    Args:
        folder: where they lie.
        pairs: what they are fills of.

    Returns:
        The file for each pair that has one, and the pairs that have none.

    Raises:
        RetouchError: no such folder, no fill at all, two files for one pair, or one file for two.
    """
    if not folder.is_dir():
        raise RetouchError(f"{folder} is no folder; name the one that holds the fills.")
    kinds = dict.fromkeys(pair.masks for pair in pairs)
    by_stem: dict[str, dict[str, list[Path]]] = {kind: {} for kind in kinds}
    for kind in kinds:
        places = [folder / kind, folder] if len(kinds) == 1 else [folder / kind]
        for place in (each for each in places if each.is_dir()):
            for path in pictures_among(place.iterdir()):
                by_stem[kind].setdefault(path.stem, []).append(path)
    found: dict[Pair, Path] = {}
    owner: dict[Path, Pair] = {}
    for pair in pairs:
        stems = dict.fromkeys((pair.photo, pair.image.stem, f"{pair.image.stem}-filled"))
        fills = [path for stem in stems for path in by_stem[pair.masks].get(stem, [])]
        if len(fills) > 1:
            raise RetouchError(
                f"{fills[0]} and {fills[1]} could both be the fill of {pair.photo}; remove one."
            )
        if fills and fills[0] in owner:
            both = f"{owner[fills[0]].photo} or of {pair.photo}"
            raise RetouchError(f"{fills[0]} could be the fill of {both}; name the fills by the photos' ids.")
        if fills:
            found[pair], owner[fills[0]] = fills[0], pair
    if not found:
        example = f", such as {pairs[0].photo}.png" if pairs else ""
        if len(kinds) > 1 and not any((folder / kind).is_dir() for kind in kinds):
            raise RetouchError(
                f"{folder} has no subfolders for the kinds of masks ({', '.join(kinds)}); "
                "put the fills there, or choose one kind with --masks."
            )
        raise RetouchError(f"No fill in {folder} is named like a photo{example}; rename them.")
    return found, [pair for pair in pairs if pair not in found]
