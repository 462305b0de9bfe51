import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from retouch.networks.depthwise import depthwise


@settings(max_examples=30, deadline=None)
@given(
    kernel=st.sampled_from([1, 3, 5, 7, 9]),
    stride=st.integers(1, 2),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padded=st.booleans(),
    seed=st.integers(0, 99),
)
def test_gradients_are_those_of_conv2d(
    kernel: int, stride: int, height: int, width: int, padded: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    padding = kernel // 2 if padded else 0
    size = (height, width) if padded else (height + kernel - 1, width + kernel - 1)
    x = torch.randn(2, 4, *size, generator=generator).requires_grad_()
    weight = torch.randn(4, 1, kernel, kernel, generator=generator).requires_grad_()
    bias = torch.randn(4, generator=generator).requires_grad_()

    made = depthwise(x, weight, bias, stride, padding)
    wanted = F.conv2d(x, weight, bias, stride, padding, groups=4)
    torch.testing.assert_close(made, wanted)
    gradient = torch.randn(made.shape, generator=generator)
    for ours, theirs in zip(
        torch.autograd.grad(made, (x, weight, bias), gradient),
        torch.autograd.grad(wanted, (x, weight, bias), gradient),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_in_bfloat16_gradients_come_close() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, 13, 13, generator=generator).requires_grad_()
    weight = torch.randn(8, 1, 5, 5, generator=generator).requires_grad_()
    bias = torch.zeros(8, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        made = depthwise(x, weight, bias, 2, 2)
    assert made.dtype == torch.bfloat16
    wanted = F.conv2d(x, weight, bias, 2, 2, groups=8)
    ours = torch.autograd.grad(made.float().square().sum(), (x, weight))
    theirs = torch.autograd.grad(wanted.square().sum(), (x, weight))
    for one, two in zip(ours, theirs, strict=True):
        assert one.dtype == torch.float32
        assert float((one - two).norm() / two.norm()) < 0.02
