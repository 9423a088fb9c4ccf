"""Spectrograms against librosa, and against themselves in a padded batch."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from data.audio_file import FULL_SCALE, read_audio
from data.spectrogram import LinearSpectrogram, MelScale, MelSpectrogram
from tests.rounding import assert_same, float64, growth

N_FFT, HOP, RATE = 1024, 256, 22050
LENGTHS = (1, 2, 100, 300, 385, 4096, 9001, 12345)


def linear() -> LinearSpectrogram:
    return LinearSpectrogram(n_fft=N_FFT, window_length=N_FFT, hop_length=HOP)


def mel(fmin_hz: float = 0.0, fmax_hz: float | None = None) -> MelSpectrogram:
    return MelSpectrogram(
        sample_rate=RATE,
        n_fft=N_FFT,
        window_length=N_FFT,
        hop_length=HOP,
        mel_bands=80,
        fmin_hz=fmin_hz,
        fmax_hz=fmax_hz,
    )


def noise(samples: int, seed: int = 0) -> Tensor:
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed)) * 0.3


def ragged(lengths: tuple[int, ...] = LENGTHS) -> tuple[list[Tensor], Tensor, Tensor]:
    """Clips, and the same clips padded into one batch with their lengths; beyond them is anything but silence."""
    clips = [noise(length, seed) for seed, length in enumerate(lengths)]
    batch = torch.full((len(lengths), max(lengths)), 0.7)
    for row, clip in enumerate(clips):
        batch[row, : len(clip)] = clip
    return clips, batch, torch.tensor(lengths)


def librosa_magnitude(audio: np.ndarray, n_fft: int, window_length: int, hop: int) -> np.ndarray:
    padded = np.pad(audio, (n_fft - hop) // 2, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=n_fft, hop_length=hop, win_length=window_length, center=False)
    magnitude: np.ndarray = np.sqrt(np.abs(spectrum) ** 2 + 1e-6)
    return magnitude


@pytest.mark.parametrize(
    ("n_fft", "window", "hop"), [(1024, 1024, 256), (1024, 800, 200), (512, 512, 128), (64, 48, 64)]
)
@pytest.mark.parametrize("samples", [9000, 300])
@float64()
def test_linear_spectrogram_is_librosas(n_fft: int, window: int, hop: int, samples: int) -> None:
    audio = noise(samples)
    ours = LinearSpectrogram(n_fft=n_fft, window_length=window, hop_length=hop)(audio[None])[0]
    theirs = librosa_magnitude(audio.numpy(), n_fft, window, hop)
    assert ours.shape == theirs.shape
    assert_same(ours, torch.from_numpy(theirs))


@pytest.mark.parametrize(("fmin_hz", "fmax_hz"), [(0.0, None), (60.0, 8000.0)])
@float64()
def test_mel_spectrogram_of_speech_is_librosas(ljspeech: Path, fmin_hz: float, fmax_hz: float | None) -> None:
    recording = ljspeech / "wavs" / "LJ001-0002.flac"
    audio = read_audio(recording, sample_rate=RATE).astype(np.float64) / FULL_SCALE
    magnitude = librosa_magnitude(audio, N_FFT, N_FFT, HOP)
    bands = librosa.feature.melspectrogram(
        S=magnitude, sr=RATE, n_fft=N_FFT, n_mels=80, fmin=fmin_hz, fmax=fmax_hz or RATE / 2, dtype=np.float64
    )
    ours = mel(fmin_hz, fmax_hz)(torch.from_numpy(audio)[None])[0]
    assert_same(ours, torch.from_numpy(np.log(np.maximum(bands, 1e-5))))


@pytest.mark.parametrize(("n_fft", "window", "hop"), [(1024, 1024, 256), (64, 48, 64)])
def test_in_float32_a_magnitude_is_as_near_as_the_sum_of_its_frame_allows(n_fft: int, window: int, hop: int) -> None:
    audio = noise(9000)
    ours = LinearSpectrogram(n_fft=n_fft, window_length=window, hop_length=hop)(audio[None])[0]
    exact = librosa_magnitude(audio.double().numpy(), n_fft, window, hop)
    padded = np.pad(audio.abs().double().numpy(), (n_fft - hop) // 2, mode="reflect")
    start = (n_fft - window) // 2
    weights = np.pad(librosa.filters.get_window("hann", window), (start, n_fft - window - start))
    loudness = (librosa.util.frame(padded, frame_length=n_fft, hop_length=hop) * weights[:, None]).sum(axis=0)  # [F]
    # Real and imaginary part, their squares, a sum and a root.
    assert_same(ours, torch.from_numpy(exact), bound=torch.from_numpy(2 * growth(n_fft + 6) * (loudness + 1e-3)))


@float64()
def test_a_clip_in_a_padded_batch_has_the_spectrogram_it_has_alone() -> None:
    clips, batch, lengths = ragged()
    together = linear()(batch, lengths)
    for clip, row in zip(clips, together, strict=True):
        frames = len(clip) // HOP
        assert_same(row[:, :frames], linear()(clip[None])[0])
        assert torch.count_nonzero(row[:, frames:]) == 0


@float64()
def test_a_mel_batch_of_eight_equals_eight_of_one() -> None:
    clips, batch, lengths = ragged()
    for clip, row in zip(clips, mel()(batch, lengths), strict=True):
        frames = len(clip) // HOP
        assert_same(row[:, :frames], mel()(clip[None])[0])


@float64()
def test_clips_shorter_than_the_margin_are_reflected_back_and_forth() -> None:
    for samples in (257, 300, 384, 385):
        audio = noise(samples)
        expected = librosa_magnitude(audio.numpy(), N_FFT, N_FFT, HOP)
        given = linear()(audio[None], torch.tensor([samples]))[0]
        assert_same(given, torch.from_numpy(expected))


def test_frame_lengths_are_the_frames_that_are_not_zero() -> None:
    _, batch, lengths = ragged()
    spectrogram = linear()(batch, lengths)
    assert torch.equal(linear().frame_lengths(lengths), spectrogram.any(dim=1).sum(dim=1))


def test_autocast_changes_nothing() -> None:
    _, batch, lengths = ragged()
    expected = mel()(batch, lengths)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        given = mel()(batch, lengths)
    assert given.dtype == torch.float32
    assert torch.equal(given, expected)


def test_half_precision_audio_is_transformed_in_single_precision() -> None:
    audio = noise(4096).bfloat16()
    assert torch.equal(mel()(audio[None]), mel()(audio.float()[None]))


def test_gradients_at_silence_and_in_speech_are_finite() -> None:
    for audio in (torch.zeros(1, 4096), noise(4096)[None]):
        audio.requires_grad_(True)
        mel()(audio).sum().backward()
        assert audio.grad is not None
        assert audio.grad.isfinite().all()


@float64()
def test_the_gradient_is_that_of_finite_differences() -> None:
    transform = LinearSpectrogram(n_fft=16, window_length=16, hop_length=4)
    audio = noise(40)[None].requires_grad_(True)
    weights = noise(9 * 10, seed=1).reshape(1, 9, 10)
    for lengths in (None, torch.tensor([40])):
        (gradient,) = torch.autograd.grad((transform(audio, lengths) * weights).sum(), audio)
        step, place = 1e-4, 3  # a sample that is reflected
        nudge = torch.zeros_like(audio)
        nudge[0, place] = step
        up, down = ((transform(audio + sign * nudge, lengths) * weights).sum() for sign in (1, -1))
        # The difference is of the order of its step's square.
        assert float(gradient[0, place]) == pytest.approx(float((up - down).detach() / (2 * step)), rel=step**2)


def test_nothing_waits_for_the_device() -> None:
    # On tensors without data, reading a value back is an error.
    transform = mel()
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert transform(torch.empty(8, 9000), torch.empty(8, dtype=torch.int64)).shape == (8, 80, 35)


def test_buffers_are_not_part_of_a_checkpoint() -> None:
    assert mel().state_dict() == {}
    assert {name for name, _ in mel().named_buffers()} == {"linear.window", "scale.filterbank"}


def test_the_mel_scale_keeps_silence_at_its_floor() -> None:
    scale = MelScale(sample_rate=RATE, n_fft=N_FFT, mel_bands=80, fmin_hz=0.0, fmax_hz=None)
    assert torch.equal(scale(torch.zeros(1, 513, 2)), torch.full((1, 80, 2), 1e-5).log())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_spectrogram_without_a_synchronisation() -> None:
    _, batch, lengths = ragged()
    expected = mel()(batch, lengths)
    transform, batch, lengths = mel().cuda(), batch.cuda(), lengths.cuda()
    transform(batch, lengths)
    torch.cuda.set_sync_debug_mode("error")
    try:
        given = transform(batch, lengths)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(given.cpu(), expected, rtol=0, atol=1e-3)
