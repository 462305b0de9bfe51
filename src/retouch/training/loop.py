"""The training loop, which all recipes share.

Lightning Fabric starts the processes and handles devices and precision. The loop itself averages gradients
over the devices, once a step. The usual wrapper (DistributedDataParallel) cannot do it: a gradient penalty
differentiates the critic twice and calls it several times.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from retouch.errors import RetouchError
from retouch.training.checkpoint import checkpoints, save_checkpoint
from retouch.training.data import Batch, TrainingSet, batches
from retouch.training.journal import Journal, duration, write_grid
from retouch.training.losses import masked_l1
from retouch.training.recipes.sample import Losses, Sample
from retouch.training.settings import Config, Run, write_config
from retouch.training.state import State

_SHOWN = 8  # rows of a validation grid
_GRADIENT = "gradient_"  # what the figures of gradients' norms begin with


@dataclass(frozen=True)
class StopCondition:
    """When to stop before the last step.

    Attributes:
        asked: Called after every step; stop if it returns True.
        at: Stop when the monotonic clock shows this time, in seconds; None for no limit.
    """

    asked: Callable[[], bool] = lambda: False
    at: float | None = None

    def met(self) -> bool:
        """Whether to stop now."""
        return self.asked() or (self.at is not None and time.monotonic() >= self.at)


def train(
    config: Config,
    state: State,
    fabric: Fabric,
    training: TrainingSet,
    held_out: TrainingSet,
    folder: Path,
    *,
    stop: StopCondition,
    say: Callable[[str], None],
    workers: int | None = None,
) -> bool:
    """Train from ``state`` to the last step, or until ``stop`` is met. A checkpoint is written at the end.

    A new run writes its first validation grid before the first step.

    Args:
        config: Configuration of the run.
        state: Where training begins. It changes in place.
        fabric: Launched.
        training: Pictures to train on.
        held_out: Pictures for validation figures and grids.
        folder: Folder of the run.
        stop: When to stop early.
        say: Called with lines about the progress, in the first process only.
        workers: Threads that prepare samples; None for one per processor.

    Returns:
        Whether the last step was reached.

    Raises:
        RetouchError: A term of the loss or a gradient is not finite. The last checkpoint stays as it is.
    """
    run, recipe = config.run, config.recipe
    first = fabric.global_rank == 0
    parts = run.accumulate * fabric.world_size
    source = batches(
        training,
        run.batch // parts,
        state.sample,
        workers=workers,
        rank=fabric.global_rank,
        ranks=fabric.world_size,
    )
    if first and not checkpoints(folder):
        _save(folder, state, config)  # so that every run can be resumed, whatever happens
    journal = Journal(folder, state.step) if first else None
    logged: defaultdict[str, list[float]] = defaultdict(list)
    began, before = time.monotonic(), state.seconds
    busy = done = 0.0  # seconds of training and steps since the last line
    stopping = _any(fabric, stop.met())
    try:
        if journal and state.step == 0 and not stopping:
            # Wrong pictures or masks show at once, not after hours.
            _watch(journal, config, state, fabric, held_out, folder)
        while state.step < run.steps and not stopping:
            started = time.monotonic()
            rate = run.optimizer.lr * run.schedule.factor(state.step, run.steps)
            adversarial = state.step >= recipe.adversarial_from
            figures: dict[str, float] = {}
            for _ in range(recipe.critic_steps if adversarial else 0):
                losses = partial(recipe.critic_losses, state.generator, state.critic)
                figures |= _update("critic", losses, config, state, fabric, source, rate)
            judge = state.critic if adversarial else None
            losses = partial(recipe.generator_losses, state.generator, judge)
            state.critic.eval().requires_grad_(False)  # it only scores now
            figures |= _update("generator", losses, config, state, fabric, source, rate)
            state.critic.train().requires_grad_(True)
            state.step += 1
            state.follow(run.average)
            state.seconds = before + time.monotonic() - began
            busy, done = busy + time.monotonic() - started, done + 1
            for name, value in figures.items():
                logged[name].append(value)

            # A signal may reach one process only, and clocks differ; all processes stop together.
            stopping = _any(fabric, stop.met())
            last = stopping or state.step == run.steps
            if first and (state.step % run.watch.checkpoint_every == 0 or last):
                _save(folder, state, config)
            if journal and (state.step % run.watch.log_every == 0 or last):
                pace = done / max(busy, 1e-9)
                means = {name: sum(values) / len(values) for name, values in logged.items()}
                speed = pace * run.batch
                journal.add(state.step, {**means, "lr": rate, "images_per_second": speed})
                left = duration((run.steps - state.step) / pace)
                shown = {name: value for name, value in means.items() if not name.startswith(_GRADIENT)}
                terms = "  ".join(f"{name} {value:.3g}" for name, value in shown.items())
                with suppress(BrokenPipeError):  # who read along is gone; training goes on
                    say(f"step {state.step}/{run.steps}  {speed:.1f} images/s  {left} left  {terms}")
                logged.clear()
                busy = done = 0.0
            if journal and (state.step % run.watch.validate_every == 0 or state.step == run.steps):
                _watch(journal, config, state, fabric, held_out, folder)
    except OSError as error:
        raise RetouchError(
            f"Cannot write to {folder} ({error}); make room and go on with --resume."
        ) from error
    finally:
        source.close()
        if journal:
            journal.close()
    return state.step == run.steps


def _watch(
    journal: Journal, config: Config, state: State, fabric: Fabric, held_out: TrainingSet, folder: Path
) -> None:
    """Write a validation grid and the figures of the held-out pictures."""
    with fabric.autocast():
        journal.add(state.step, _validate(config, state, fabric, held_out, folder))


def _save(folder: Path, state: State, config: Config) -> None:
    """Write a checkpoint and its configuration."""
    save_checkpoint(folder, state.dump(config))
    write_config(folder, config)


def _update(
    name: str,
    losses: Callable[[Sample], Losses],
    config: Config,
    state: State,
    fabric: Fabric,
    source: Iterator[Batch],
    rate: float,
) -> dict[str, float]:
    """Take one step of one optimizer.

    Returns:
        The terms of its loss, averaged over all samples, and the norm of the gradient before it is clipped.
    """
    run, optimizer = config.run, state.optimizers[name]
    network: nn.Module = getattr(state, name)
    optimizer.zero_grad(set_to_none=True)
    values: dict[str, Tensor] = {}
    for part in range(run.accumulate):
        # A critic's spectral norms take one power iteration per training step, however many parts it has.
        # Batch normalisation, which generators have, sees every part.
        network.train(part == 0 or name == "generator")
        problem: RetouchError | None = None
        try:
            sample = Sample.of(next(source), run.seed, fabric.device)
            try:
                with fabric.autocast():
                    terms = losses(sample)
            except RetouchError as error:  # a network may refuse values that are not finite
                raise _diverged(state, run, f"the {name} broke down ({error})") from error
        except RetouchError as error:
            problem = error
        # If one process cannot go on, the others must not wait for it.
        if _any(fabric, problem is not None):
            raise problem or RetouchError("Another process of this run failed; its own message says why.")
        # bfloat16 has the exponents of float32, so losses need no scaling.
        if not terms:
            continue
        total = torch.stack([term.weight * term.value.float() for term in terms.values()]).sum()
        (total / run.accumulate).backward()  # type: ignore[no-untyped-call]
        for each, term in terms.items():
            values[each] = term.value.detach().float() / run.accumulate + values.get(each, 0)
    state.sample += run.batch
    if not values:  # the recipe has no loss for this network
        return {}
    figures = torch.stack(list(values.values()))
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    if fabric.world_size > 1:
        figures = _mean(fabric, figures)
        _average(fabric, gradients)
    norm = get_total_norm(gradients)
    result = dict(zip(values, figures.tolist(), strict=True))
    bad = [each for each, value in result.items() if not abs(value) < float("inf")]
    if bad or not bool(norm.isfinite()):
        what = f"the term {bad[0]}" if bad else f"the gradient of the {name}"
        raise _diverged(state, run, f"{what} is not a finite number")
    result[f"{_GRADIENT}{name}"] = float(norm)
    if run.optimizer.clip:
        clip_grads_with_norm_(network.parameters(), run.optimizer.clip, norm)
    for group in optimizer.param_groups:
        group["lr"], group["betas"] = rate, run.optimizer.betas
    optimizer.step()
    return result


def _diverged(state: State, run: Run, what: str) -> RetouchError:
    return RetouchError(
        f"At step {state.step + 1} {what}; training stopped. Go on from the last checkpoint with a lower "
        f"learning rate: --resume --set optimizer.lr={run.optimizer.lr / 4:g}"
    )


def _average(fabric: Fabric, gradients: list[Tensor]) -> None:
    """Average gradients over the processes, in place and in one message, whatever their memory layout."""
    averaged = _mean(fabric, torch.cat([each.flatten() for each in gradients]))
    sizes = [each.numel() for each in gradients]
    for each, part in zip(gradients, torch.split(averaged, sizes), strict=True):
        each.copy_(part.view(each.shape))


def _mean(fabric: Fabric, tensor: Tensor) -> Tensor:
    reduced = fabric.all_reduce(tensor, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return reduced


def _any(fabric: Fabric, flag: bool) -> bool:
    if fabric.world_size == 1:
        return flag
    return bool(_mean(fabric, torch.tensor(float(flag), device=fabric.device)) > 0)


@torch.no_grad()
def _validate(
    config: Config, state: State, fabric: Fabric, held_out: TrainingSet, folder: Path
) -> dict[str, float]:
    """Write a grid of the first held-out pictures, and return the mean error of all held-out pictures."""
    size = min(_SHOWN, len(held_out))
    total = 0.0
    source = batches(held_out, size, workers=1)
    for number in range(-(-len(held_out) // size)):
        image, mask = next(source).pair(fabric.device)
        stages = config.recipe.stages(state.average, image, mask)
        if number == 0:
            columns = [torch.where(mask > 0, 0.5, image), *stages.values(), image]
            write_grid(folder / "grids" / f"step-{state.step:08d}.png", columns)
        fill = list(stages.values())[-1]
        left = min(size, len(held_out) - number * size)  # the last batch starts over with the first pictures
        total += left * masked_l1(fill[:left], image[:left], mask[:left]).item()
    source.close()
    return {"validation_l1_hole": total / len(held_out)}
