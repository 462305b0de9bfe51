"""Checkpoints: written atomically. The last two are kept, so that one may get damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from retouch.errors import RetouchError
from retouch.files import remove_unfinished, write_file

_KEPT = 2
_NAME = "checkpoint-{:08d}.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> Path:
    """Write a checkpoint, and remove all but the last two.

    Args:
        folder: Folder of the run.
        state: Tensors and plain values in dictionaries and lists. ``step`` names the file.

    Raises:
        RetouchError: The disk is full, or the folder cannot be written to. Checkpoints stay as they are.
    """
    path = folder / _NAME.format(state["step"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)  # a killed process may have left as much as a whole checkpoint
        write_file(lambda file: torch.save(state, file), path, overwrite=True)
        for old in checkpoints(folder)[:-_KEPT]:
            old.unlink()
    except (RetouchError, OSError, RuntimeError) as error:  # torch turns some errors of writing into its own
        raise RetouchError(
            f"Cannot write a checkpoint to {folder} ({error.__cause__ or error}); make room and go on with "
            "--resume."
        ) from error
    return path


def checkpoints(folder: Path) -> list[Path]:
    """List the checkpoints of a run, oldest first."""
    return sorted(folder.glob(_NAME.replace("{:08d}", "*")))


def load_checkpoint(folder: Path) -> tuple[dict[str, Any], list[Path]]:
    """Read the newest intact checkpoint.

    Returns:
        Its state, and the paths of newer checkpoints that are cut off or damaged.

    Raises:
        RetouchError: There is no checkpoint, or none is intact.
    """
    refused: list[Path] = []
    for path in reversed(checkpoints(folder)):
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            return state, refused
        except (PermissionError, MemoryError) as error:
            raise RetouchError(
                f"{path} cannot be read ({error}) but may be intact; check its permissions."
            ) from error
        except Exception:
            # A checkpoint is a zip file; a damaged one fails in many ways.
            refused.append(path)
    if refused:
        raise RetouchError(f"No checkpoint in {folder} is whole; train again in another folder.")
    if folder.is_file():
        raise RetouchError(f"{folder} is a file; name the folder of the run.")
    raise RetouchError(
        f"There is no checkpoint in {folder}; name the folder of a run, or train without --resume."
    )
