"""The contract of every model: ranges, shapes and the meaning of a mask, written once.

Image: float32 sRGB in [0, 1], ``B×3×H×W``. Mask: ``B×1×H×W`` of zeros and ones, **1 = fill this**.
Known pixels (mask 0) come back bit-identical. A paper's own conventions (a [-1, 1] range, an inverted
mask) stay inside that model's files.

A model that needs no torch is an :class:`ArrayModel`. It works on one numpy picture, ``H×W×3``, with bool
masks. This package imports torch only inside the functions that handle tensors, so that such a model can be
used without it.
"""

from retouch.contract.array_model import ArrayFill, ArrayModel, LineModel
from retouch.contract.correspondence import Correspondence, SourceMap, crop_correspondence
from retouch.contract.model import Fill, Model, SizeRequirements, check_pair
from retouch.contract.progress import OnProgress, Progress, Stop

__all__ = [
    "ArrayFill",
    "ArrayModel",
    "Correspondence",
    "Fill",
    "LineModel",
    "Model",
    "OnProgress",
    "Progress",
    "SizeRequirements",
    "SourceMap",
    "Stop",
    "check_pair",
    "crop_correspondence",
]
