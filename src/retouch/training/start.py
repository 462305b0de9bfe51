"""Everything around the training loop: arguments, the folder of the run, devices, and stop signals."""

from __future__ import annotations

import hashlib
import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric

from retouch.errors import RetouchError
from retouch.training.checkpoint import checkpoints, load_checkpoint
from retouch.training.config import find_config, override, read_yaml
from retouch.training.damage import Damage
from retouch.training.data import TrainingSet
from retouch.training.finetune import begin_with, fitting
from retouch.training.journal import duration
from retouch.training.loop import StopCondition, train
from retouch.training.masks import Mixture, Part, silhouettes_of, with_silhouettes
from retouch.training.settings import CONFIG, Config, build_config, differences, dump_config
from retouch.training.shards import Member, Shards
from retouch.training.state import State

# Changing these would change which pictures are held out.
_FIXED = ("seed", "data.held_out")


def start(
    configuration: str | Path,
    data: Sequence[Path],
    folder: Path,
    *,
    silhouettes: Path | None = None,
    resume: bool = False,
    weights: str | Path | None = None,
    changes: Sequence[str] = (),
    minutes: float | None = None,
    device: str = "auto",
    devices: int = 1,
    workers: int | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Train a model, or resume a run.

    Args:
        configuration: A YAML file, or the name of a shipped one; see :class:`retouch.training.settings.Run`.
        data: Tar shards, folders or pictures.
        folder: Folder of the run: checkpoints, ``config.yaml``, ``metrics.csv``, grids.
        silhouettes: A tar file or folder of silhouettes, for masks of objects.
        resume: Go on from the last checkpoint in ``folder``.
        weights: Weights to start from instead of random ones: a file, or the name of a shipped file.
        changes: Settings that differ from the file, such as ``optimizer.lr=2e-4``.
        minutes: Stop after this time, start-up included.
        device: "auto", "cpu", "cuda" or "mps".
        devices: Number of devices. Each trains on its part of every batch, in its own process.
        workers: Threads per process that prepare samples; None for one per processor.
        say: Called with lines about the progress.

    Raises:
        RetouchError: An argument does not fit, and nothing was written; or training broke down.
    """
    if minutes is not None and not minutes >= 0:
        raise RetouchError(f"--minutes must be a number from 0 on, not {minutes}.")
    ends = None if minutes is None else time.monotonic() + 60 * minutes
    config = build_config(override(read_yaml(find_config(configuration)), changes))
    _check(config, folder, resume, devices)
    if resume and weights is not None:
        raise RetouchError("--resume goes on with the weights of the checkpoint; leave out --from.")
    beginning = None if weights is None else fitting(weights, config)
    content, refused = load_checkpoint(folder) if resume else ({}, [])
    if resume:
        _check_same(config, content["config"], folder, changes)
    masks = config.run.data.masks
    if silhouettes is not None:
        given = with_silhouettes(masks, str(silhouettes))
        if given == masks:
            raise RetouchError("The masks of this configuration use no silhouettes; leave out --masks.")
        masks = given
    pictures = TrainingSet(data, config.run.data.size, masks, config.run.seed, scale=config.run.data.scale)
    training, held_out = pictures.split(config.run.data.held_out, content.get("held_out", []))

    fabric = _fabric(device, devices)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RetouchError(f"Cannot write to {folder} ({error.strerror}); name another --out.") from error
    fabric.launch()
    tell = say if fabric.global_rank == 0 else lambda _: None
    state = State.begin(config, fabric.device)
    if beginning is not None:
        begin_with(state, beginning)
        beginning = None  # frees the memory
    if resume:
        state.load(content)
        content = {}  # frees the memory of networks and optimizers
        for path in refused:
            if fabric.global_rank == 0:  # renamed, so that it does not count as one of the last two
                path.rename(path.with_suffix(".damaged"))
            tell(f"{path} is cut off or damaged; the one before it is used.")
    state.held_out = held_out.names()
    if state.step >= config.run.steps:
        tell(f"All {config.run.steps} steps are done; for more, add --set steps=… to --resume.")
        return
    _note_data(state, pictures, masks, tell)
    count = sum(each.numel() for each in state.generator.parameters())
    kept = "in memory" if pictures.shards.in_memory else "read as needed"
    tell(
        f"{config.run.model}, {count:,} parameters, on {devices} × {fabric.device.type}: "
        f"{len(training)} pictures ({kept}), {len(held_out)} held out; from step {state.step}"
    )
    with _told_to_stop() as asked:
        done = train(
            *(config, state, fabric, training, held_out, folder),
            stop=StopCondition(asked, ends),
            say=tell,
            workers=workers,
        )
    for warning in dict.fromkeys([*training.warnings(), *held_out.warnings()]):
        tell(warning)
    what = "done" if done else "stopped; continue with --resume"
    tell(f"{what}: step {state.step} of {config.run.steps}, {duration(state.seconds)} of training: {folder}")


def _check(config: Config, folder: Path, resume: bool, devices: int) -> None:
    parts = config.run.accumulate * devices
    if devices < 1 or config.run.batch % parts:
        raise RetouchError(
            f"A batch of {config.run.batch} cannot be shared by {devices} devices in {config.run.accumulate} "
            "parts (accumulate); change one of these numbers."
        )
    if folder.exists() and not folder.is_dir():
        raise RetouchError(f"{folder} is a file; name a folder for the run (--out).")
    if not resume and checkpoints(folder):
        raise RetouchError(f"{folder} holds a run; go on with --resume, or name another folder (--out).")


def _fabric(device: str, devices: int) -> Fabric:
    # Fabric logs its own settings and advertises products; a run has its own lines.
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    half = _halves(device)
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    try:
        return Fabric(
            accelerator=device,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            precision="bf16-mixed" if half else "32-true",
        )
    except Exception as error:  # of many kinds, by device
        raise RetouchError(f"Cannot train on {devices} × {device}: {error}") from error


def _halves(device: str) -> bool:
    """Whether bfloat16 is faster than float32 there. On a processor it is with AMX only."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(torch.cpu._is_amx_tile_supported())


def _check_same(config: Config, before: Mapping[str, Any], folder: Path, changes: Sequence[str]) -> None:
    """Raise :class:`RetouchError` if a setting changed since the checkpoint without being in ``changes``."""
    now = dump_config(config)
    if before["model"] != now["model"]:
        raise RetouchError(
            f"{folder} is a run of {before['model']}, but the configuration is for {now['model']}; resume "
            f"with {folder / CONFIG}."
        )
    # Settings that came later have their defaults.
    before = dump_config(build_config(before))
    meant = {change.partition("=")[0] for change in changes}
    for name, (old, new) in differences(before, now).items():
        if name in _FIXED:
            raise RetouchError(
                f"{name} was {old} when the run began, and cannot become {new}: that would hold out other "
                "pictures, which the run has trained on. Begin another run for that."
            )
        if not any(name == each or name.startswith(each + ".") for each in meant):
            raise RetouchError(
                f"The checkpoint was made with {name} = {old}, and the configuration says {new}; to change "
                f"it, add --set {name}={new}, else resume with {folder / CONFIG}."
            )


def _note_data(
    state: State, pictures: TrainingSet, masks: Part | Mixture | Damage, say: Callable[[str], None]
) -> None:
    """Record the data that is used from this step on, and say so if it differs from the data before."""
    files = silhouettes_of(masks)
    shapes = Shards([Path(each) for each in files]).members if files else []
    members = pictures.shards.members
    now = {"pictures": len(pictures), "pictures_sha256": _digest(sorted(map(_named, members)))}
    now |= {"silhouettes": len(shapes), "silhouettes_sha256": _digest(sorted(map(_named, shapes)))}
    # Samples follow the order.
    now |= {"order_sha256": _digest(f"{_named(each)}:{each.size}" for each in members)}
    before = [each for each in state.data if "pictures" in each]
    # Runs of before 2026-11-29 noted no order.
    if before and all(before[-1].get(what, value) == value for what, value in now.items()):
        return
    if before:
        say("The pictures are not those of before: training continues, but not exactly as without a break.")
    state.data.append({"step": state.step, **now})


def _named(member: Member) -> str:
    return f"{member.path.name}:{member.name}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    """Note SIGTERM, SIGHUP and Ctrl-C inside this context; a second signal acts at once."""
    told: list[int] = []

    def note(number: int, frame: object) -> None:
        told.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    numbers = {getattr(signal, name, signal.SIGTERM) for name in ("SIGTERM", "SIGINT", "SIGHUP")}
    before = {each: signal.signal(each, note) for each in numbers}
    try:
        yield lambda: bool(told)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
