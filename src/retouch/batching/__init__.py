"""Many photos: which there are, what was done already, and the processes that fill the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retouch.batching.listing import Item
    from retouch.batching.running import Outcome


def batch(
    photos: str | Path | Iterable[Item],
    masks: str | Path | None = None,
    *,
    output: str | Path,
    recursive: bool = False,
    format: str | None = None,
    workers: int | str = "auto",
    memory: int | str | None = None,
    shard: str | None = None,
    cluster: str | None = None,
    overwrite: bool = False,
    retry_failed: bool = False,
    **options: Any,
) -> Iterator[Outcome]:
    """Fill or restore many photos, and yield what becomes of each as it happens.

    What ``output`` holds already, from the same photo, mask and options, is not filled again: so a batch that
    was stopped, even killed, goes on where it was. See docs/batch.md.

    Args:
        photos: a folder; a CSV file with columns ``photo``, ``mask``, ``output`` and options; or items: a
            path, a photo and its mask, or a mapping with ``photo``, ``mask``, ``output`` and options. All
            pictures are paths or URLs.
        masks: for a folder of photos, the folder of their masks (the same names, perhaps with ``_mask``), or
            one mask for all. None = fill what is transparent, or find what is to be restored.
        output: the folder of the results, where the journal is, too; made if it is not there.
        recursive: also take the photos in the folder's folders.
        format: the ending of the results, such as "png". None = as the photo's.
        workers: how many processes work at a time; "auto" is one for each processor. Together they never use
            more threads than there are processors.
        memory: how much all of them may take, in bytes or such as "4G"; large photos take turns. None = 80 %
            of what is free.
        shard: such as "3/10": only the third tenth of the photos, for machines that share the work.
        cluster: the address of a Ray cluster, which does the work instead; "auto" finds or starts one.
        overwrite: replace files in ``output`` that the journal does not know.
        retry_failed: try once more what failed before.
        **options: those of :func:`retouch.fill` that are text or numbers; ``include``, ``avoid`` and
            ``lines`` may be folders, like ``masks``. ``sources`` and ``confidence`` also draw these pictures,
            and ``colour_wheel`` says how. With ``restore=True`` those of :func:`retouch.restore`: ``protect``
            and ``infrared`` may be folders, and ``report=True`` also writes ``NAME.html``.

    Yields:
        An :class:`~retouch.batching.running.Outcome` for each photo. One that fails is an outcome, not an
        error.

    Raises:
        RetouchError: nothing can be filled: a folder is missing, an option is wrong, another batch writes to
            ``output``.

    Example:
        >>> import retouch
        >>> for each in retouch.batch("photos", "masks", output="filled", dilate=2):  # doctest: +SKIP
        ...     print(each.outcome, each.output, each.error)
    """
    from retouch.batching.plan import Batch

    return Batch(
        photos,
        masks,
        str(output),
        options,
        recursive,
        format,
        shard,
        workers,
        memory,
        cluster,
        overwrite,
        retry_failed,
    ).run()
