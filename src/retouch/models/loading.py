"""Which models there are, and how one is made of its name, of a weights file, or around another model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.errors import RetouchError
from retouch.models import AUTO, CARDS, CONTENT, REFINER, ModelCard

if TYPE_CHECKING:
    from retouch.contract import Model

JOIN = "+"  # between the name of a model and that of the one that refines its fill


def list_models() -> list[ModelCard]:
    """List the models that :func:`load` and :func:`retouch.fill` know by name."""
    return [card for card in CARDS if card.ready]


def load(
    name: str | Path = "auto", *, device: str = "auto", options: Mapping[str, Any] | None = None
) -> Model:
    """Return a model, to be called on tensors as :mod:`retouch.contract` says.

    Args:
        name: one of ``[card.name for card in retouch.list_models()]``; "auto" is the best that needs no
            choice. Or a weights file of your own, which says itself whose they are: a path, or text that
            ends in ``.safetensors``. Text of either kind may go on with ``+neural-patch``, which refines the
            fill, or ``+confidence-feedback``, which adds confidence and fills in passes.
        device: "cpu", "cuda", "cuda:1", "mps"; "auto" takes a CUDA GPU if there is one and
            the model can use it.
        options: of the model, by name; of the last one, if others refine its fill. Values may be text.

    Raises:
        RetouchError: there is no such model, device or option, or the file does not hold the weights of a
            model.

    Example:
        >>> import retouch, torch
        >>> image, mask = torch.rand(1, 3, 48, 48), torch.zeros(1, 1, 48, 48)
        >>> mask[..., 20:28, 20:28] = 1
        >>> fill = retouch.load("telea")(image, mask)
        >>> bool((fill.image == image)[(mask == 0).expand_as(image)].all())
        True
    """
    given = options or {}
    content, refiner = split_refiner(name)
    if refiner is not None and refiner.refine is not None:
        content = CONTENT if content is None else content
        if refiner.name in _refiners(content):
            raise RetouchError(f"{name} would refine what is refined already; name {refiner.name} once.")
        return refiner.refine(load(content, device=device), given)
    if is_weights_file(name):
        return _open(Path(name), device, given)
    wanted = AUTO if name == "auto" else name
    card = next((card for card in CARDS if card.name == wanted), None)
    if card is None:
        names = ", ".join(card.name for card in list_models())
        raise RetouchError(
            f"There is no model called {name!r}; choose one of auto, {names}, or give a weights file."
        )
    return card.make(_device(device, card), given)


def split_refiner(name: str | Path) -> tuple[str | None, ModelCard | None]:
    """Split "exemplar+neural-patch" into the name of the content's model and the card of the refining one.

    The former is None for "neural-patch" alone; the latter is None for what refines nothing, and for a name
    that stands for a network of its own when it is alone, "confidence-feedback".
    """
    for card in CARDS:
        if card.refine is None or not isinstance(name, str):
            continue
        if name == card.name:
            return None, card if card.open is None else None
        if name.endswith(ending := JOIN + card.name):
            return name.removesuffix(ending), card
    return None, None


def _refiners(name: str | Path) -> list[str]:
    """Names of all that refine, the last first: ["neural-patch"] of "exemplar+neural-patch"."""
    found: list[str] = []
    rest: str | Path | None = name
    while rest is not None:
        rest, card = split_refiner(rest)
        found += [] if card is None else [card.name]
    return found


def improves(name: str | Path) -> bool:
    """Whether it is a model that improves step by step, so that it can be stopped with what there is."""
    return REFINER in _refiners(name)


def refined(name: str | Path) -> str:
    """The name of a model whose fill is refined: "exemplar+neural-patch" of "exemplar"."""
    text = str(name)
    if improves(text):
        return text
    if isinstance(name, Path) and not is_weights_file(text):
        raise RetouchError(f"A weights file whose fill is refined must end in .safetensors; rename {name}.")
    return text + JOIN + REFINER


def is_weights_file(name: str | Path) -> bool:
    """Whether :func:`load` takes this as a weights file rather than as the name of a model."""
    from retouch.weights import ENDING

    return isinstance(name, Path) or Path(name).suffix.lower() == ENDING


def _open(path: Path, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.confidence.head import NAME as HEAD
    from retouch.weights import read_weights

    weights = read_weights(path)
    for card in CARDS:
        if card.name == weights.model and card.open is not None:
            card.check_options(options)
            return card.open(weights, _device(device, card), options)
    if weights.model == HEAD:
        raise RetouchError(
            f"{path} judges fills and makes none; give it as the option head of {AUTO}+confidence-feedback."
        )
    known = ", ".join(card.name for card in CARDS if card.open is not None)
    raise RetouchError(
        f"{path} holds weights of {weights.model!r}, which this version of retouch does not know; "
        f"give weights of {known}."
    )


def check_device(device: str) -> None:
    """Raise :class:`RetouchError` if this machine has no such device; "auto" it always has."""
    import torch

    if device == "auto":
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # which one depends on the device
        raise RetouchError(f"There is no device {device!r} here; use auto or cpu.") from error


def _device(device: str, card: ModelCard) -> str:
    import torch

    if device == "auto":
        return "cuda" if card.gpu and torch.cuda.is_available() else "cpu"
    check_device(device)
    if torch.device(device).type != "cpu" and not card.gpu:
        raise RetouchError(f"The model {card.name} runs on the CPU only; use the device auto or cpu.")
    return device
