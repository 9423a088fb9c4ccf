"""The multi-resolution discriminator: its spectra against another library's, its gradients and its feature maps."""

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from configs import DiscriminatorSettings, InputError
from models.discriminator import Discriminator, ResolutionDiscriminator
from tests.rounding import assert_same, float64
from tests.voices.random_voice import largest_difference, noise, randomised, small_config

RESOLUTIONS = ((256, 64, 256), (128, 30, 100))


def discriminators(divisor: int = 16, **settings: Any) -> Discriminator:
    return Discriminator(DiscriminatorSettings(resolutions=RESOLUTIONS, channel_divisor=divisor, **settings))  # type: ignore[arg-type]


def classified(sub_discriminator: ResolutionDiscriminator, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What a sub-discriminator says of audio [B, 1, S]."""
    logits, feature_maps = sub_discriminator(sub_discriminator.spectrum(audio))
    return logits, feature_maps


@pytest.mark.parametrize(("n_fft", "hop", "window"), [(256, 64, 256), (128, 30, 100), (64, 64, 64), (60, 15, 33)])
@float64()
def test_spectrum_is_that_of_librosa(n_fft: int, hop: int, window: int) -> None:
    sub_discriminator, audio = ResolutionDiscriminator(n_fft, hop, window, 16), noise(2, 1, 1000)
    seen = sub_discriminator.spectrum(audio).numpy()  # [B, 2, T, K]
    margin = (n_fft - hop) // 2
    hann = librosa.filters.get_window("hann", window)
    for clip, ours in zip(audio[:, 0].numpy(), seen, strict=True):
        padded = np.pad(clip, margin, mode="reflect")
        theirs = librosa.stft(padded, n_fft=n_fft, hop_length=hop, win_length=window, center=False).T
        expected = np.stack((theirs.real, theirs.imag)) / np.sqrt((hann**2).sum())
        assert_same(torch.from_numpy(ours), torch.from_numpy(expected))
    assert seen.shape[2] == 1000 // hop


def test_noise_is_as_loud_at_every_resolution() -> None:
    audio = noise(4, 1, 4096)
    levels = [float(ResolutionDiscriminator(*each, 16).spectrum(audio).square().mean()) for each in RESOLUTIONS]
    assert levels == pytest.approx([0.5, 0.5], rel=0.05), "half of it real, half imaginary"


def test_a_sine_is_seen_in_its_bin_and_its_neighbours_alone() -> None:
    sub_discriminator, time = ResolutionDiscriminator(256, 64, 256, 16), torch.arange(2048)
    power = (
        sub_discriminator.spectrum(torch.sin(2 * torch.pi * 40 / 256 * time).view(1, 1, -1))
        .square()
        .sum(dim=(0, 1))[4:-4]
    )
    assert float(power[:, 39:42].sum() / power.sum()) > 0.9999


@float64()
def test_a_phase_that_magnitudes_do_not_show_is_heard() -> None:
    sub_discriminator, time = randomised(lambda: ResolutionDiscriminator(256, 64, 256, 2)), torch.arange(2048)
    # Both are whole cycles of each frame: their magnitudes are the same.
    sine, cosine = (torch.sin(2 * torch.pi * 40 / 256 * time + shift).view(1, 1, -1) for shift in (0.0, torch.pi / 2))
    magnitudes = [sub_discriminator.spectrum(each).square().sum(1).sqrt()[:, 4:-4] for each in (sine, cosine)]
    assert_same(*magnitudes)
    inside = [classified(sub_discriminator, each)[0].view(1, 32, -1)[:, 12:20] for each in (sine, cosine)]
    assert largest_difference(*inside) > 1e-3


def test_existing_sub_discriminators_are_what_they_were_without_resolutions() -> None:
    plain, more = (
        randomised(lambda r=r: Discriminator(DiscriminatorSettings(channel_divisor=16, resolutions=r)))  # type: ignore[misc]
        for r in ((), RESOLUTIONS)
    )
    assert more.names == [*plain.names, "resolution_256", "resolution_128"]
    assert list(more.state_dict())[: len(plain.state_dict())] == list(plain.state_dict())
    more.load_state_dict(plain.state_dict(), strict=False)
    audio = noise(2, 1, 700)
    for ours, theirs in zip(plain(audio).logits, more(audio).logits[: len(plain.names)], strict=True):
        assert torch.equal(ours, theirs)


@torch.no_grad()
@float64()
def test_a_clip_is_classified_the_same_whatever_its_neighbours_are() -> None:
    discriminator, audio = randomised(discriminators), noise(4, 1, 500)
    batched = discriminator(audio)
    assert [len(feature_maps) for feature_maps in batched.feature_maps[-2:]] == [6, 6]
    for b in range(4):
        for ours, theirs in zip(batched.logits, discriminator(audio[b : b + 1]).logits, strict=True):
            assert_same(ours[b : b + 1], theirs)


@float64()
def test_two_batches_classified_in_one_pass_are_classified_as_in_two() -> None:
    discriminator = randomised(discriminators)
    real, fake = noise(3, 1, 600), noise(3, 1, 600, seed=1)
    for together, apart in zip(
        discriminator.compare(real, fake), (discriminator(real), discriminator(fake)), strict=True
    ):
        for sub_discriminator, other in zip(together.feature_maps, apart.feature_maps, strict=True):
            for ours, theirs in zip(sub_discriminator, other, strict=True):
                assert_same(ours, theirs)


def test_every_weight_and_every_sample_learns_from_the_scores() -> None:
    sub_discriminator, audio = (
        randomised(lambda: ResolutionDiscriminator(256, 64, 256, 8)),
        noise(2, 1, 700).requires_grad_(),
    )
    gradients = torch.autograd.grad(
        classified(sub_discriminator, audio)[0].square().mean(), [audio, *sub_discriminator.parameters()]
    )
    assert all(bool(gradient.isfinite().all()) and float(gradient.abs().max()) > 0 for gradient in gradients)
    assert float((gradients[0] != 0).float().mean()) > 0.99


@float64()
def test_cached_weights_change_nothing() -> None:
    discriminator, audio = randomised(discriminators), noise(2, 1, 600)
    plain = discriminator(audio)
    with parametrize.cached():
        other = discriminator(audio)
    for ours, theirs in zip(plain.logits, other.logits, strict=True):
        assert_same(ours, theirs)


@torch.no_grad()
def test_all_sub_discriminators_are_compiled_in_one_piece_though_spectra_cannot_be() -> None:
    """One by one they would be more pieces than torch.compile keeps, and the last ones be left uncompiled."""
    few = DiscriminatorSettings(periods=(2,), scales=0, resolutions=RESOLUTIONS[:1], channel_divisor=16)
    discriminator, audio = randomised(lambda: Discriminator(few)), noise(2, 1, 600)
    plain, pieces = discriminator(audio), list[torch.fx.GraphModule]()

    def keep(piece: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., Any]:
        pieces.append(piece)
        return piece.forward

    discriminator.compile(backend=keep, dynamic=True)
    compiled = discriminator(audio)
    assert len(pieces) == 1
    for ours, theirs in zip(compiled.logits, plain.logits, strict=True):
        assert_same(ours, theirs)


@torch.no_grad()
def test_spectrum_stays_float32_under_autocast_and_the_layers_do_not() -> None:
    sub_discriminator, audio = randomised(lambda: ResolutionDiscriminator(256, 64, 256, 8)), noise(2, 1, 700)
    full, _ = classified(sub_discriminator, audio)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(
            sub_discriminator.spectrum(audio.bfloat16()), sub_discriminator.spectrum(audio.bfloat16().float())
        )
        half, feature_maps = classified(sub_discriminator, audio)
    assert {layer.dtype for layer in feature_maps} == {torch.bfloat16}
    assert relative_error(half, full) < 0.05


@pytest.mark.parametrize(
    ("resolutions", "named"),
    [
        ([[32, 33, 32]], "hop"),
        ([[32, 24, 16]], "hop"),
        ([[32, 8, 33]], "window"),
        ([[32, 8, 32], [32, 4, 16]], "of its own"),
        ([[128, 8, 32]], "train.segment_samples = 64"),
    ],
)
def test_resolutions_that_cannot_be_are_refused(resolutions: list[list[int]], named: str) -> None:
    with pytest.raises(InputError, match=r"discriminator\.resolutions = .*" + named):
        small_config(discriminator={"resolutions": resolutions})


def test_resolutions_as_long_as_the_segment_are_classified() -> None:
    config = small_config(discriminator={"resolutions": [[64, 1, 64], [32, 32, 32]], "channel_divisor": 16})
    output = Discriminator(config.discriminator)(noise(1, 1, config.train.segment_samples))
    assert all(bool(logits.isfinite().all()) for logits in output.logits)


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    return float((ours.float() - theirs).square().mean().sqrt() / theirs.square().mean().sqrt())
