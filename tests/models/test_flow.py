"""The flow can be undone, and it never changes the volume."""

import torch
from torch import Tensor

from models.flow import Flow
from models.masks import length_mask
from tests.rounding import assert_same, float64
from tests.voices.random_voice import noise, randomised

LATENT, FRAMES = 6, 9


def flow(coupling_layers: int = 3, speaker_channels: int = 0) -> Flow:
    return randomised(
        lambda: Flow(
            latent_channels=LATENT,
            hidden_channels=8,
            kernel_size=3,
            coupling_layers=coupling_layers,
            wavenet_layers=2,
            speaker_channels=speaker_channels,
        )
    )


@torch.no_grad()
@float64()
def test_inverse_undoes_forward_and_forward_undoes_inverse_at_every_real_frame() -> None:
    for speaker_channels in (0, 5):
        layers = flow(speaker_channels=speaker_channels)
        mask = length_mask(torch.tensor([9, 4]), FRAMES)
        z = noise(2, LATENT, FRAMES) * mask
        speaker = noise(2, speaker_channels, 1) if speaker_channels else None
        z_p = layers(z, mask, speaker)
        assert float((z_p - z.flip(1)).abs().max()) > 0.1, "a flow that only reverses would prove nothing"
        assert_same(layers.inverse(z_p, mask, speaker), z)
        assert_same(layers(layers.inverse(z, mask, speaker), mask, speaker), z)


def test_volume_never_changes_so_the_log_determinant_is_zero() -> None:
    layers, mask = flow().double(), torch.ones(1, 1, 3, dtype=torch.float64)

    def forward(z: Tensor) -> Tensor:
        return layers(z.view(1, LATENT, 3), mask).flatten()

    jacobian = torch.autograd.functional.jacobian(forward, noise(LATENT * 3).double())
    assert float((jacobian - torch.diag(jacobian.diagonal())).abs().max()) > 0.1
    assert abs(float(torch.linalg.slogdet(jacobian).logabsdet)) < 1e-12


@torch.no_grad()
def test_flow_starts_as_a_reversal_of_the_channels() -> None:
    layers = Flow(latent_channels=LATENT, hidden_channels=8, kernel_size=3, coupling_layers=3, wavenet_layers=2)
    z = noise(2, LATENT, FRAMES)
    assert torch.equal(layers(z, torch.ones(2, 1, FRAMES)), z.flip(1))
