"""The critic of the content network (Pathak et al. 2016; Yang et al. 2017, section 3.2): is this image real?

Layers as in the public code: four 4×4 convolutions of stride 2 and one that makes the score, leaky ReLU.
For the connected form it scores the 64×64 middle, once, with batch normalisation: 2,765,633 parameters.
Deviation for the convolutional form: patches are scored, of images with the fill pasted in, and layers are
of spectral norm 1 where the code normalises over the batch: 2,764,737 parameters.
"""

from __future__ import annotations

from torch import nn

from retouch.models.context_encoder.network import Form
from retouch.networks.layers import convolution, scaled
from retouch.networks.patch_critic import SLOPE, PatchCritic, spectral_layer

CHANNELS = (64, 128, 256, 512)
"""Published channels of the layers that halve the image."""
SMALLEST = 64
"""The smallest side, in pixels, of which a score is left: one score."""


class ContextEncoderCritic(PatchCritic):
    """Scores for patches of 94×94 pixels, every 16: 1×1 at 64², 5×5 at 128²; a logit, greater is more real.

    With spectral norms, in training mode each call takes their estimates one step further, whatever it sees.
    With batch normalisation, in either mode, the scores are of a batch as a whole, as in the code: real
    images and fills have to be shown each by themselves.
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
