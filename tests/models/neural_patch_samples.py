"""What the tests of Neural Patch Synthesis share: a tiny VGG, a plain content, pictures."""

import torch

from retouch.contract import Fill, Model
from retouch.networks.vgg import Vgg


def tiny(channels=(6, 6, 8, 8)):
    """A network like VGG with four blocks of one random layer each."""
    generator = torch.Generator().manual_seed(0)
    blocks, inputs = [], 3
    for each in channels:
        weight = torch.randn(each, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
        blocks.append([(weight, torch.zeros(each))])
        inputs = each
    return Vgg(blocks, torch.full((1, 3, 1, 1), 0.5), torch.full((1, 3, 1, 1), 0.25))


class Plain(Model):
    """Fills with one grey, and says how far it came."""

    name = "plain"

    def __init__(self, value=0.5):
        self.value = value

    def infer(self, image, mask, allowed, *, seed, on_progress):
        return Fill(torch.full_like(image, self.value), torch.full_like(mask, 0.25))


def square(side=64, begin=24, end=40):
    mask = torch.zeros(1, 1, side, side)
    mask[..., begin:end, begin:end] = 1
    return mask


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def stripes(side=64):
    """Bands of 8 pixels, of period 16, along the diagonal."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    grey = 0.3 + 0.4 * (((row + column) // 8) % 2)
    return torch.stack([grey, 0.8 * grey, 0.5 * grey + 0.2])[None]
