"""PEN-Net (Zeng et al., CVPR 2019): a pyramid of features, each level filled by what the one below finds."""

from __future__ import annotations

import torch
from torch import Tensor

from retouch.contract import Fill, OnProgress, Progress, SizeRequirements
from retouch.matching.cells import PixelCorrespondence, hole_window
from retouch.models.pen_net.network import DEEPEST, LEVELS, PenNetNetwork
from retouch.networks.network_model import NetworkModel, restored
from retouch.weights import Weights
from retouch.weights.setting import setting


class PenNet(NetworkModel[PenNetNetwork]):
    """A network that fills features of five sizes, each guided by the next coarser one, and decodes them.

    It is fully convolutional: any size, several holes of any shape. It has no confidence. Its levels have
    cells of 64, 32, 16, 8 and 4 pixels. A level borrows whole patches of 3×3 cells that are known and allowed
    (the coarsest level single cells); the map continues one cell beyond the picture. Where there are no such
    patches, the level borrows nothing.
    """

    name = "pen-net"
    size = SizeRequirements(multiple_of=DEEPEST, minimum=DEEPEST)

    @torch.no_grad()
    def infer(
        self, image: Tensor, mask: Tensor, allowed: Tensor, *, seed: int, on_progress: OnProgress
    ) -> Fill:
        """See :meth:`retouch.contract.Model.infer`; nothing here is random."""
        deep, attended, found = self.network.borrow(image * 2 - 1, mask, allowed)
        on_progress(Progress("fill", 1, 2))
        filled, _ = self.network.decode(deep, attended, hole_window(mask))
        on_progress(Progress("fill", 2, 2))
        levels = tuple(PixelCorrespondence(cells, mask, cells.grids[0].margin) for cells in found)
        return Fill((filled + 1) / 2, None, levels[-1], levels)


def open_weights(weights: Weights, device: str) -> PenNet:
    """Make the model from weights that were read.

    Args:
        weights: their settings state the network's width and levels, and the size of the crops.
        device: where the model runs.

    Raises:
        RetouchError: a setting is missing, or the weights do not fit the network.
    """
    levels = round(setting(weights, "recipe.levels", 1, LEVELS))
    network = PenNetNetwork(setting(weights, "recipe.width", 0.01, 4), levels)
    return PenNet(*restored(network, weights, device, DEEPEST))
