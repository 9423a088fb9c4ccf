"""HiFi-GAN with other activations: the order of its parts, its field, and clips beyond whose end filters reach."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.decoders.bigvgan import BigvganDecoder
from models.layers.snake import AntialiasedSnake
from models.masks import length_mask
from tests.voices.random_voice import largest_difference, noise, randomised


def small_decoder(residual_block: int) -> BigvganDecoder:
    return randomised(
        lambda: BigvganDecoder(
            latent_channels=4,
            initial_channels=16,
            upsample_rates=[4, 2],
            upsample_kernel_sizes=[8, 4],
            residual_block=residual_block,
            residual_kernel_sizes=[3, 5],
            residual_dilations=[[1, 3], [1, 2]],
            speaker_channels=3,
        )
    ).double()


def decoded(decoder: BigvganDecoder, z: Tensor, speaker: Tensor) -> Tensor:
    """The paper's figure 1, in a loop over the parts by their names."""
    part = dict(decoder.named_modules())
    x = part["input"](z) + part["speaker"](speaker)
    for stage, (rate, kernel_size) in enumerate(((4, 8), (2, 4))):
        upsample = part[f"upsamples.{stage}"]
        x = F.conv_transpose1d(x, upsample.weight, upsample.bias, rate, (kernel_size - rate) // 2)
        outcomes = []
        for block, (kernel, dilations) in enumerate(((3, (1, 3)), (5, (1, 2)))):
            y = x
            for row, dilation in enumerate(dilations):
                inner = y
                name = f"residuals.{stage}.blocks.{block}.rows.{row}"
                for place in range(len(part[f"{name}.convolutions"])):
                    layer, wide = part[f"{name}.convolutions.{place}"], dilation if place == 0 else 1
                    inner = part[f"{name}.activations.{place}"](inner)
                    inner = F.conv1d(
                        inner,
                        layer.weight,
                        layer.bias,
                        padding=wide * (kernel // 2),
                        dilation=wide,
                    )
                y = y + inner
            outcomes.append(y)
        x = torch.stack(outcomes).mean(0)
    return torch.tanh(part["output"](part["activation"](x)))


@pytest.mark.parametrize("residual_block", [1, 2])
@torch.no_grad()
def test_parts_follow_each_other_as_in_the_paper(residual_block: int) -> None:
    decoder, z, speaker = small_decoder(residual_block), noise(2, 4, 12).double(), noise(2, 3, 1, seed=1).double()
    rows = [name for name, _ in decoder.named_modules() if name.endswith("rows.0.convolutions.1")]
    assert len(rows) == (4 if residual_block == 1 else 0), "the first block has pairs"
    assert largest_difference(decoder(z, speaker), decoded(decoder, z, speaker)) <= 1e-9


@pytest.mark.parametrize("residual_block", [1, 2])
@torch.no_grad()
def test_nothing_but_the_periodic_activations_bends_the_signal(residual_block: int) -> None:
    decoder = small_decoder(residual_block)
    for module in decoder.modules():
        if isinstance(module, AntialiasedSnake):
            module.log_alpha.fill_(-50.0)  # the sine of almost nothing

    def before_tanh(z: Tensor) -> Tensor:
        return torch.atanh(decoder(z, noise(1, 3, 1).double()))

    one, other = 0.1 * noise(1, 4, 12).double(), 0.1 * noise(1, 4, 12, seed=1).double()
    ours, theirs = before_tanh(one + other) + before_tanh(0 * one), before_tanh(one) + before_tanh(other)
    assert float(before_tanh(one).std()) > 0.01
    assert largest_difference(ours, theirs) <= 1e-9


@pytest.mark.parametrize("residual_block", [1, 2])
def test_sample_depends_on_the_frames_of_its_field_and_on_no_others(residual_block: int) -> None:
    decoder = small_decoder(residual_block)
    frames = 2 * decoder.receptive_field + 9
    z, middle = noise(1, 4, frames).double().requires_grad_(), frames // 2
    audio = decoder(z, noise(1, 3, 1).double())[0, 0, middle * 8 : (middle + 1) * 8]
    (gradient,) = torch.autograd.grad((audio * noise(8, seed=2)).sum(), z)
    reached = gradient.abs().sum(dim=(0, 1)).nonzero().flatten() - middle
    assert int(reached.abs().max()) == decoder.receptive_field


@pytest.mark.parametrize("residual_block", [1, 2])
@torch.no_grad()
def test_clip_of_a_padded_batch_sounds_as_alone_though_filters_reach_beyond_its_end(residual_block: int) -> None:
    decoder, lengths = small_decoder(residual_block), [20, 13, 1]
    z, speaker = noise(3, 4, 20).double(), noise(3, 3, 1, seed=1).double()
    audio = decoder(z, speaker, length_mask(torch.tensor(lengths), 20).double())
    for b, length in enumerate(lengths):
        alone = decoder(z[b : b + 1, :, :length], speaker[b : b + 1])
        assert largest_difference(audio[b : b + 1, :, : length * 8], alone) <= 1e-9
        assert not audio[b, :, length * 8 :].any()
