"""List the models, and load one by its name, from a weights file, or around another model."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch import models
from retouch.errors import RetouchError, needs_networks
from retouch.models import AUTO, ModelCard
from retouch.models.specification import JOIN, Specification
from retouch.native import library

if TYPE_CHECKING:
    from retouch.contract import Model


def list_models() -> list[ModelCard]:
    """List the models that :func:`load` and :func:`retouch.fill` know by name."""
    return [card for card in models.CARDS if card.ready]


def load(
    name: str | Path | Specification = "auto",
    *,
    device: str = "auto",
    options: Mapping[str, Any] | None = None,
) -> Model:
    """Return a model, to be called with tensors as :mod:`retouch.contract` describes.

    Args:
        name: one of ``[card.name for card in retouch.list_models()]``; "auto" is the default model. Or a
            weights file of your own, which states its model: a path, or text that ends in ``.safetensors``.
            Text may continue with ``+neural-patch``, which refines the fill, ``+confidence-feedback``, which
            adds confidence and fills in passes, ``+exemplar``, which copies what looks like the fill, or
            ``+infer-match-translate``, which takes its colours. Or such a name, parsed.
        device: "cpu", "cuda", "cuda:1", "mps"; "auto" takes a CUDA GPU if there is one and the model can use
            it, but the CPU for what runs compiled.
        options: options of the model, by name (of the last one named, if several). Values may be text.

    Raises:
        RetouchError: there is no such model, device or option, the model needs torch and it is not
            installed, or the file does not hold the weights of a model.

    Example:
        >>> import retouch, torch
        >>> image, mask = torch.rand(1, 3, 48, 48), torch.zeros(1, 1, 48, 48)
        >>> mask[..., 20:28, 20:28] = 1
        >>> fill = retouch.load("telea")(image, mask)
        >>> bool((fill.image == image)[(mask == 0).expand_as(image)].all())
        True
    """
    specification = name if isinstance(name, Specification) else Specification.parse(name)
    compiled = specification.base != "exemplar" or library() is not None
    how = "" if compiled else ", which was installed without its compiled part,"
    with needs_networks(f"The model {specification}{how}"):
        model = _load(specification, device, options or {})
    model.by_network = specification.trained
    return model


def _load(specification: Specification, device: str, given: Mapping[str, Any]) -> Model:
    outermost = len(specification.around)
    model = _load_base(specification, device, {} if outermost else given)
    for number, each in enumerate(specification.around, 1):
        card = next(card for card in models.CARDS if card.name == each)
        assert card.refine is not None  # the specification names no other
        model = card.refine(model, given if number == outermost else {})
    return model


def _load_base(specification: Specification, device: str, options: Mapping[str, Any]) -> Model:
    if specification.file is not None:
        return _open(specification.file, device, options)
    card = next((card for card in models.CARDS if card.name == specification.base), None)
    if card is None:
        names = ", ".join(card.name for card in list_models())
        if JOIN in str(specification.base):
            *first, last = [card.name for card in models.CARDS if card.refine is not None]
            after = f"{', '.join(first)} and {last}"
            raise RetouchError(
                f"There is no model called {str(specification.base)!r}; only {after} can stand after {JOIN}."
            )
        raise RetouchError(
            f"There is no model called {str(specification.base)!r}; choose one of auto, {names}, "
            "or give a weights file."
        )
    return card.make(_device(device, card), options)


def _open(path: Path, device: str, options: Mapping[str, Any]) -> Model:
    from retouch.confidence.head import NAME as HEAD
    from retouch.weights import read_weights

    weights = read_weights(path)
    for card in models.CARDS:
        if card.name == weights.model and card.open is not None:
            card.check_options(options)
            return card.open(weights, _device(device, card), options)
    if weights.model == HEAD:
        raise RetouchError(
            f"{path} judges fills and makes none; give it as the option head of {AUTO}+confidence-feedback."
        )
    known = ", ".join(card.name for card in models.CARDS if card.open is not None)
    raise RetouchError(
        f"{path} holds weights of {weights.model!r}, which this version of retouch does not know; "
        f"give weights of {known}."
    )


def check_device(device: str) -> None:
    """Raise :class:`RetouchError` if this machine has no such device; it always has "auto" and "cpu"."""
    if device in ("auto", "cpu"):
        return
    with needs_networks(f"The device {device}"):
        import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # which one depends on the device
        raise RetouchError(f"There is no device {device!r} here; use auto or cpu.") from error


def _device(device: str, card: ModelCard) -> str:
    """The device that a model runs on; torch is imported only where there is a choice."""
    if not card.gpu:
        if device not in ("auto", "cpu"):
            raise RetouchError(f"The model {card.name} runs on the CPU only; use the device auto or cpu.")
        return "cpu"
    if device != "auto":
        check_device(device)
        return device
    # Compiled, a method without a network needs no GPU, and importing torch takes longer than the fill.
    if find_spec("torch") is None or (card.build is not None and library() is not None):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
