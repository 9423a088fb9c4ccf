"""The WaveNet against its equations, one layer and one frame at a time, in float64."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.layers.wavenet import WaveNet
from models.masks import length_mask
from tests.voices.random_voice import noise, randomised

CHANNELS, KERNEL, LAYERS, SPEAKER = 6, 5, 3, 4


def weights_of(layer: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, nn.Conv1d)
    assert layer.bias is not None
    return layer.weight, layer.bias


def by_the_equations(net: WaveNet, x: Tensor, speaker: Tensor | None) -> Tensor:
    """One clip [H, F]: tanh(W x) * sigmoid(V x), then a residual and a skip, each with one tap a frame."""
    reach = KERNEL // 2
    heard = None
    if net.speaker is not None and speaker is not None:
        weight, bias = weights_of(net.speaker)
        heard = weight[..., 0] @ speaker + bias
    result = torch.zeros_like(x)
    for i in range(LAYERS):
        weight, bias = weights_of(net.gates[i])
        outward, outward_bias = weights_of(net.residual_skips[i])
        padded = F.pad(x, (reach, reach))
        following = []
        for f in range(x.shape[1]):
            window = padded[:, f : f + KERNEL]
            gate = (weight * window).sum(dim=(1, 2)) + bias
            if heard is not None:
                gate = gate + heard[2 * CHANNELS * i : 2 * CHANNELS * (i + 1)]
            both = outward[..., 0] @ (gate[:CHANNELS].tanh() * gate[CHANNELS:].sigmoid()) + outward_bias
            following.append(x[:, f] + both[:CHANNELS])
            result[:, f] += both[-CHANNELS:]
        x = torch.stack(following, dim=1)
    return result


@pytest.mark.parametrize("speaker_channels", [0, SPEAKER])
@torch.no_grad()
def test_each_clip_of_a_padded_batch_follows_the_equations_and_is_zero_after_its_end(speaker_channels: int) -> None:
    net = randomised(lambda: WaveNet(CHANNELS, KERNEL, LAYERS, speaker_channels)).double()
    lengths = torch.tensor([9, 1, 4])
    mask = length_mask(lengths, 9).double()
    x = noise(3, CHANNELS, 9).double() * mask
    speaker = noise(3, SPEAKER, 1).double() if speaker_channels else None
    result = net(x, mask, speaker)
    for b, length in enumerate(lengths.tolist()):
        expected = by_the_equations(net, x[b, :, :length], None if speaker is None else speaker[b, :, 0])
        torch.testing.assert_close(result[b, :, :length], expected, atol=1e-12, rtol=0)
        assert not result[b, :, length:].any()
