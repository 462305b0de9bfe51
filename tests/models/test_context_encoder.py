"""The content network of Neural Patch Synthesis, in both forms."""

import pytest
import torch
from tests.models.network_checks import check_any_size_and_several_holes, check_bfloat16
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import retouch
from retouch.errors import RetouchError
from retouch.models.context_encoder.critic import SMALLEST, ContextEncoderCritic
from retouch.models.context_encoder.model import ConnectedContextEncoder, ContextEncoder, open_weights
from retouch.models.context_encoder.network import (
    LITE,
    PAPER,
    ConnectedNetwork,
    ConvolutionalNetwork,
    network,
)
from retouch.weights import read_weights, write_weights

torch.set_num_threads(1)

FORMS = ("connected", "convolutional")
TINY = 0.0625


def parameters(network):
    return sum(each.numel() for each in network.parameters())


def tiny(form, seed=0):
    """A narrow network whose images are not as grey as they are at first, so that comparing them tells."""
    torch.manual_seed(seed)
    made = network(form, TINY)
    *_, last = (each for each in made.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d))
    nn.init.normal_(last.weight, std=0.3)
    if form == "connected":
        with torch.no_grad():
            for _ in range(5):  # statistics of their own, as training would leave them
                made(torch.rand(4, 3, 128, 128) * 2 - 1, torch.zeros(4, 1, 128, 128))
    return made.eval()


def pair(batch=1, height=128, width=128):
    """Noise, and two holes in the middle of 128²."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(batch, 1, height, width)
    mask[..., 36:57, 40:66] = 1
    mask[..., 70:73, 33:36] = 1
    return torch.rand(batch, 3, height, width, generator=generator) * 2 - 1, mask


def test_parameter_counts():
    with torch.device("meta"):  # nothing is drawn
        counts = [parameters(network(form, width)) for form in FORMS for width in (PAPER, LITE)]
    assert counts == [71_124_611, 17_785_667, 6_939_811, 1_736_659]
    assert [parameters(ContextEncoderCritic(form)) for form in FORMS] == [2_765_633, 2_764_737]


def test_lite_is_under_half_a_billion_operations():
    image, mask = pair()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:  # a multiply-add counts 2
        network("convolutional", LITE)(image, mask)
    assert counter.get_total_flops() < 5e8


def test_signals_keep_their_strength_at_first():
    torch.manual_seed(0)
    built, strengths = network("convolutional", LITE), []
    for each in built.modules():
        if isinstance(each, nn.ELU):
            each.register_forward_hook(
                lambda layer, inputs, output: strengths.append(output.square().mean().sqrt().item())
            )
    with torch.no_grad():
        filled = built(*pair(2))
    assert len(strengths) == 13
    assert 0.2 < min(strengths) < max(strengths) < 1
    assert filled.abs().mean() < 0.2


@pytest.mark.parametrize("form", FORMS)
def test_the_image_comes_whole(form):
    built, (image, mask) = tiny(form), pair(2)
    with torch.no_grad():
        filled = built(image, mask)
    assert filled.shape == image.shape
    assert filled.abs().max() <= 1
    middle = filled[..., 32:96, 32:96]
    assert middle.std() > 0.01
    if form == "connected":
        assert torch.equal(filled.abs().sum(), middle.abs().sum())  # nothing around it


@pytest.mark.parametrize("form", FORMS)
def test_the_hole_is_not_looked_at(form):
    built, (image, mask) = tiny(form), pair()
    with torch.no_grad():
        one, two = (built(torch.where(mask > 0, value, image), mask) for value in (-1.0, torch.nan))
    assert torch.equal(one, two)


def test_the_connected_form_hides_its_whole_middle():
    """As in training, whatever part of it is hole."""
    built, (image, mask) = tiny("connected"), pair()
    other = image.clone()
    other[..., 32:96, 32:96] = 1
    with torch.no_grad():
        assert torch.equal(built(image, mask), built(other, mask))
        other[..., 31, 40] = -other[..., 31, 40]
        assert not torch.equal(built(image, mask), built(other, mask))


@pytest.mark.parametrize("form", FORMS)
def test_items_are_filled_each_on_its_own(form):
    built, (image, mask) = tiny(form), pair(3)
    mask[1] = 0
    mask[2, :, 80:96, 64:96] = 1
    with torch.no_grad():
        together = built(image, mask)
        for item in range(3):
            alone = built(image[item : item + 1], mask[item : item + 1])
            assert torch.allclose(together[item], alone[0], atol=1e-5)


def test_items_of_the_convolutional_form_stay_apart_in_training_too():
    built, (image, mask) = tiny("convolutional").train(), pair(2)
    image.requires_grad_()
    (gradient,) = torch.autograd.grad(built(image, mask)[0].sum(), image)
    assert gradient[0].any()
    assert not gradient[1].any()


@pytest.mark.parametrize("at", [(0, 0), (127, 0), (70, 50)])
def test_every_pixel_depends_on_the_whole_of_128(at):
    torch.manual_seed(0)
    built = network("convolutional", TINY).double()
    image, mask = torch.rand(1, 3, 128, 128, dtype=torch.float64), torch.zeros(1, 1, 128, 128)
    image.requires_grad_()
    (gradient,) = torch.autograd.grad(built(image, mask.double())[0, :, at[0], at[1]].sum(), image)
    assert (gradient.abs().amax(1) > 0).all()


def test_far_away_pixels_are_not_looked_at():
    """So that the test above tells something: the reach ends somewhere."""
    built, (image, mask) = network("convolutional", TINY).double(), pair(height=32, width=512)
    image = image.double().requires_grad_()
    (gradient,) = torch.autograd.grad(built(image, mask.double())[0, :, 0, 0].sum(), image)
    assert not gradient[..., 300:].any()


@pytest.mark.parametrize("form", FORMS)
def test_every_parameter_learns(form):
    torch.manual_seed(0)
    built, (image, mask) = network(form, TINY), pair(2)
    (built(image, mask) - image).square().sum().backward()
    for name, each in built.named_parameters():
        assert each.grad is not None, name
        assert each.grad.abs().sum() > 0, name


@pytest.mark.parametrize("form", FORMS)
def test_bfloat16_autocast(form):
    # Of two items batch normalisation would amplify the rounding at the bottleneck, where it sees just them.
    built, (image, mask) = tiny(form).train(), pair(8)
    check_bfloat16(built, lambda: (built(image, mask), []))


@pytest.mark.parametrize("size", [(32, 48), (0, 64)])
def test_sizes_the_convolutional_form_cannot_take(size):
    with pytest.raises(RetouchError, match="multiples of 32"):
        tiny("convolutional")(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (64, 64), (71, 131)])
def test_any_size_and_several_holes(size):
    check_any_size_and_several_holes(ContextEncoder(tiny("convolutional")), size)


def test_what_the_connected_form_cannot_take_is_said():
    model, (image, mask) = ConnectedContextEncoder(tiny("connected")), pair()
    image = (image + 1) / 2
    fill = model(image, mask)
    known = (mask == 0).expand_as(image)
    assert torch.equal(fill.image[known], image[known])
    assert not torch.equal(fill.image, image)
    assert (fill.confidence, fill.correspondence, fill.levels) == (None, None, ())
    sentence = r"^The connected form .* middle 64×64 pixels of 128×128 .*; crop or shrink .*\.$"
    for top in (31, 96):
        beyond = mask.clone()
        beyond[..., top, 64] = 1
        with pytest.raises(RetouchError, match=sentence):
            model(image, beyond)
    larger, hole = pair(height=256)
    with pytest.raises(RetouchError, match=sentence):
        model((larger + 1) / 2, hole)
    assert model(image[..., :120, :], mask[..., :120, :]).image.shape == (1, 3, 120, 128)  # padded


def test_one_picture_is_too_few_to_learn_from():
    with pytest.raises(RetouchError, match="two pictures at a time"):
        network("connected", TINY)(*pair(1))


def test_a_model_normalises_with_what_was_learned():
    """Not with the batch, though it was made of a network in training mode."""
    built, (image, mask) = tiny("connected").train(), pair(2)
    model, image = ConnectedContextEncoder(built), (image + 1) / 2
    together = model(image, mask).image
    assert torch.allclose(together[:1], model(image[:1], mask[:1]).image, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_opens(tmp_path, form):
    built, (image, mask) = tiny(form), pair()
    built.load_state_dict({name: each.half().to(each.dtype) for name, each in built.state_dict().items()})
    about = {"config": {"recipe": {"form": form, "width": TINY}, "data": {"size": 128}}}
    write_weights(tmp_path / "a.safetensors", "context-encoder", built.state_dict(), about)
    weights = read_weights(tmp_path / "a.safetensors")
    for name, each in built.named_buffers():  # the running statistics are part of the file
        assert name == "mean" or torch.equal(weights.tensors[name], each)
    for model in (open_weights(weights, "cpu"), retouch.load(tmp_path / "a.safetensors")):
        assert isinstance(model.network, ConnectedNetwork if form == "connected" else ConvolutionalNetwork)
        assert model.size.minimum == (128 if form == "connected" else 32)
        assert model.working_size == 128
        expected = (built(image, mask) + 1) / 2
        hole = (mask > 0).expand_as(image)
        assert torch.allclose(model((image + 1) / 2, mask).image[hole], expected[hole], atol=1e-6)


@pytest.mark.parametrize("form", [None, "connect", 3, ["connected"]])
def test_a_file_that_does_not_say_its_form(tmp_path, form):
    about = {"config": {"recipe": {"form": form, "width": TINY}, "data": {"size": 128}}}
    write_weights(tmp_path / "a.safetensors", "context-encoder", {}, about)
    with pytest.raises(RetouchError, match=r"does not say its recipe\.form"):
        open_weights(read_weights(tmp_path / "a.safetensors"), "cpu")


@pytest.mark.parametrize("form", FORMS)
def test_critics_score_and_learn(form):
    torch.manual_seed(0)
    critic = ContextEncoderCritic(form, TINY)
    image = torch.randn(2, 3, 64, 96, requires_grad=True)
    critic(image).square().sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in (image, *critic.parameters()))
    assert critic(torch.randn(2, 3, 128, 128)).shape == (2, 1, 5, 5)
    assert critic(torch.randn(2, 3, SMALLEST, SMALLEST)).shape == (2, 1, 1, 1)
    with pytest.raises(RetouchError, match="at least 64"):
        critic(torch.randn(1, 3, SMALLEST - 1, 64))


def test_the_critic_of_the_connected_form_judges_alike_whoever_learns():
    """The loop has it in evaluation mode while the generator learns."""
    critic, image = ContextEncoderCritic("connected", TINY), torch.randn(3, 3, 64, 64)
    assert torch.equal(critic(image), critic.eval()(image))
    assert not list(critic.buffers())


def test_the_critic_of_the_convolutional_form_has_spectral_norm_one():
    critic = ContextEncoderCritic("convolutional", TINY)
    for _ in range(20):
        critic(torch.zeros(1, 3, 64, 64))
    convolutions = [each for each in critic.layers if isinstance(each, nn.Conv2d)]
    assert len(convolutions) == 4
    for each in convolutions:
        norm = torch.linalg.matrix_norm(each.weight.flatten(1), 2)
        assert torch.allclose(norm, torch.tensor(1.0), atol=0.02)
