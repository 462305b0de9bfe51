"""Fills made by other tools: which file belongs to which pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retouch.errors import RetouchError
from retouch.evaluation.pairs import Pair, pictures_among


def find_predictions(folder: Path, pairs: Sequence[Pair]) -> tuple[dict[Pair, Path], list[Pair]]:
    """Match another tool's fills to pairs by file name.

    A fill is named like its photo's id or file, with any picture ending and perhaps followed by ``-filled``
    (as ``retouch fill`` names its results). It lies in a subfolder named like the kind of masks or, if
    there is only one kind, in the folder itself.

    Args:
        folder: The folder with the fills.
        pairs: The pairs that were filled.

    Returns:
        The file of each pair that has one, and the pairs that have none.

    Raises:
        RetouchError: There is no such folder, there is no fill at all, two files match one pair, or one file
            matches two pairs.
    """
    if not folder.is_dir():
        raise RetouchError(f"{folder} is not a folder; name the one that holds the fills.")
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
            raise RetouchError(f"{fills[0]} could be the fill of {both}; name fills after the photos' ids.")
        if fills:
            found[pair], owner[fills[0]] = fills[0], pair
    if not found:
        example = f", such as {pairs[0].photo}.png" if pairs else ""
        if len(kinds) > 1 and not any((folder / kind).is_dir() for kind in kinds):
            raise RetouchError(
                f"{folder} has no subfolders for the kinds of masks ({', '.join(kinds)}); "
                "put the fills there, or choose one kind with --masks."
            )
        raise RetouchError(f"No fill in {folder} is named like a photo{example}; rename the fills.")
    return found, [pair for pair in pairs if pair not in found]
