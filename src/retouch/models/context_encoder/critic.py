"""The critic of the content network (Pathak et al. 2016; Yang et al. 2017, section 3.2).

Its layers are those of the public code: four 4×4 convolutions of stride 2 with leaky ReLU, and one for the
score. For the connected form, it gives one score for the 64×64 middle, with batch normalisation: 2,765,633
parameters. Deviation for the convolutional form: it scores patches of the image with the fill pasted in, and
spectral normalisation replaces batch normalisation: 2,764,737 parameters.
"""

from __future__ import annotations

from torch import nn

from retouch.models.context_encoder.network import Form
from retouch.networks.layers import convolution, scaled
from retouch.networks.patch_critic import SLOPE, PatchCritic, spectral_layer

CHANNELS = (64, 128, 256, 512)
"""Published channels of the stride-2 layers."""
SMALLEST = 64
"""The smallest side of an image, in pixels. It gets one score."""


class ContextEncoderCritic(PatchCritic):
    """Scores patches of 94×94 pixels, every 16 pixels: 1×1 scores at 64², 5×5 at 128².

    Scores are logits; greater is more real. With spectral normalisation, each call in training mode takes one
    power iteration. With batch normalisation, the scores depend on the whole batch in either mode, as in the
    code; so real images and fills need separate calls.
    """

    smallest = SMALLEST

    def __init__(self, form: Form, width: float = 1.0) -> None:
        """Build the critic of a form; ``width`` multiplies :data:`CHANNELS`."""
        super().__init__()
        inputs, layers = 3, list[nn.Module]()
        for place, outputs in enumerate(scaled(CHANNELS, width)):
            normalised = form == "connected" and place > 0
            made = convolution(inputs, outputs, 4, 2, bias=not normalised)
            nn.init.normal_(made.weight, std=0.02)
            if form == "convolutional":
                layers += spectral_layer(made)
            elif normalised:
                # Without running statistics: those of real and filled images differ, and the generator would
                # be judged with a mixture of both.
                layers += [made, nn.BatchNorm2d(outputs, track_running_stats=False), nn.LeakyReLU(SLOPE)]
            else:
                layers += [made, nn.LeakyReLU(SLOPE)]
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.score = nn.Conv2d(inputs, 1, 4)
        nn.init.normal_(self.score.weight, std=0.02)
