#!/usr/bin/env bash
# torch: a fused optimizer on a processor pairs weights with the moments of others, without a word, once layouts differ.
#
# Versions     torch 2.14.1 (2.13.0 and 2.9.0 did the same), numpy 2.2.6
# Expected     A network may become channels last at any time, also when a checkpoint is resumed: the layout changes
#              the speed, not the result. Or else an error, as reports from GPUs have (pytorch issue 110758).
# Found        Adam, AdamW and SGD with momentum agree to the last bit in both layouts without `fused`. With
#              `fused=True` on a processor they read moments and weights in the order of memory, without a check: the
#              moment of one weight moves another. Loading a checkpoint keeps the layout of its moments, so a run
#              resumed as channels last goes on wrongly, and so does a network that becomes so between two steps. The
#              loss hardly shows it.
# Remedy       Lay the moments out as the weights are: torch.empty_like(weight).copy_(moment), after loading.
#
# It runs without retouch, needs Python 3.11 or newer and a package index, and fails once this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 2.14.1; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check "torch==$version" numpy==2.2.6
    "$folder/$version/bin/python" - <<'PYTHON'
from copy import deepcopy

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

torch.set_num_threads(1)
torch.manual_seed(0)
shown, wanted = torch.randn(4, 3, 16, 16), torch.randn(4, 8, 14, 14)
beginning = nn.Conv2d(3, 8, 3).state_dict()
print(f"torch {torch.__version__}")


def steps(network, optimizer, count):
    for _ in range(count):
        optimizer.zero_grad()
        loss = (network(shown) - wanted).square().mean()
        loss.backward()
        optimizer.step()
    return loss.item()


def trained(kind, settings, order, mended=False):
    """Twenty steps, a checkpoint, and twenty steps with a network in another order of memory."""
    network = nn.Conv2d(3, 8, 3)
    network.load_state_dict(beginning)
    optimizer = kind(network.parameters(), lr=0.01, **settings)
    steps(network, optimizer, 20)
    checkpoint = deepcopy((network.state_dict(), optimizer.state_dict()))
    network = nn.Conv2d(3, 8, 3).to(memory_format=order)
    network.load_state_dict(checkpoint[0])
    optimizer = kind(network.parameters(), lr=0.01, **settings)
    optimizer.load_state_dict(checkpoint[1])
    if mended:
        for weight, moments in optimizer.state.items():
            for name, moment in moments.items():
                if torch.is_tensor(moment) and moment.shape == weight.shape:
                    moments[name] = torch.empty_like(weight).copy_(moment)
    return steps(network, optimizer, 20), network.weight.detach().contiguous()


for kind, settings in ((Adam, {}), (AdamW, {}), (SGD, {"momentum": 0.9})):
    for fused in (False, True):
        both = {**settings, "fused": fused}
        one, other, mended = (
            trained(kind, both, torch.contiguous_format),
            trained(kind, both, torch.channels_last),
            trained(kind, both, torch.channels_last, mended=True),
        )
        apart, again = ((one[1] - each[1]).abs().max().item() for each in (other, mended))
        print(
            f"{kind.__name__}, fused {fused}: weights of {one[1].abs().mean():.3f} differ by up to {apart:.4f}, "
            f"with moments laid out anew by {again:.1e}; loss {one[0]:.4f} and {other[0]:.4f}"
        )
        assert again < 1e-6
        assert apart > 0.01 if fused else apart < 1e-6, "this has changed"
PYTHON
done
