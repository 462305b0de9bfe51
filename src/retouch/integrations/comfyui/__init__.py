"""A node for ComfyUI that fills holes with retouch, which must be installed in ComfyUI's own Python.

`retouch install-plugin comfyui --into custom_nodes` puts this folder into ComfyUI.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import retouch


class RetouchFill:
    """Fills what a mask marks, from the rest of the image."""

    CATEGORY = "image/retouch"
    DESCRIPTION = "Fills the mask from the rest of the image; every other pixel stays as it is."
    FUNCTION = "fill"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What the node shows: the names are ComfyUI's."""
        models = [card.name for card in retouch.list_models() if card.alone]
        seed = {"default": 0, "min": 0, "max": 2**63 - 1, "control_after_generate": True}
        return {
            "required": {
                "image": ("IMAGE",),
                "mask": ("MASK",),
                "model": (models,),
                "seed": ("INT", seed),
                "grow": ("INT", {"default": 0, "min": 0, "max": 500}),
                "refine": ("BOOLEAN", {"default": False}),
            },
            "optional": {"borrow_from": ("MASK",)},
        }

    def fill(
        self,
        image: torch.Tensor,
        mask: torch.Tensor,
        model: str,
        seed: int,
        grow: int,
        refine: bool,
        borrow_from: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor]:
        """Fill each image of a batch.

        Args:
            image: ``B×H×W×C`` in [0, 1].
            mask: ``B×H×W``, ``1×H×W`` or ``H×W``; at least half = fill this. An empty one may have any size,
                because ComfyUI gives images without transparency one of 64 × 64.
            model: a name that `retouch models` lists.
            seed: the same seed gives the same fill.
            grow: pixels by which the holes grow.
            refine: refine the fill with neural-patch.
            borrow_from: like ``mask``; at least half = the fill may borrow only from here.
        """
        holes = _each(mask, len(image), "mask")
        sources = (
            [None] * len(image) if borrow_from is None else _each(borrow_from, len(image), "borrow_from")
        )
        watch = _Watch(len(image))
        filled = []
        for one, hole, source in zip(image.cpu().numpy(), holes, sources, strict=True):
            if hole.any():
                options = {"model": model, "seed": seed, "dilate": grow, "refine": refine}
                one = retouch.inpaint(
                    one, hole, **options, include=source, trust_mask=True, on_progress=watch.step
                )
            filled.append(one)
            watch.next()
        return (torch.from_numpy(np.stack(filled)).to(image.device),)


class _Watch:
    """ComfyUI's progress bar and its button to cancel; nothing where ComfyUI is not there."""

    def __init__(self, images: int) -> None:
        try:
            from comfy.model_management import throw_exception_if_processing_interrupted
            from comfy.utils import ProgressBar
        except ImportError:
            self._stop, self._bar = None, None
        else:
            self._stop, self._bar = throw_exception_if_processing_interrupted, ProgressBar(100 * images)
        self._done, self._images = 0, images

    def step(self, step: Any) -> None:
        """Called by retouch; the exception that ends the work is ComfyUI's own."""
        if self._bar is not None:
            self._stop()
            self._bar.update_absolute(round(100 * (self._done + min(step.done / max(step.total, 1), 1))))

    def next(self) -> None:
        """Go on to the next image."""
        self._done += 1


def _each(mask: torch.Tensor, images: int, name: str) -> list[Any]:
    """A bool array for each image."""
    masks = mask.cpu().numpy() >= 0.5
    masks = masks[None] if masks.ndim == 2 else masks
    if len(masks) not in (1, images):
        raise ValueError(f"{name} has {len(masks)} masks for {images} images; give one, or as many.")
    return [masks[number % len(masks)] for number in range(images)]


NODE_CLASS_MAPPINGS = {"RetouchFill": RetouchFill}
NODE_DISPLAY_NAME_MAPPINGS = {"RetouchFill": "Fill holes (retouch)"}
