"""Padding never changes what is heard: a ragged batch of eight is eight batches of one, whatever stands in the padding.

Every test fills the padding of its inputs with numbers that would drown everything if they were looked at, and computes
in float64, where a trace of them would show.
"""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from models.duration_predictor import DurationPredictor
from models.masks import length_mask
from models.stochastic_duration_predictor import StochasticDurationPredictor
from models.synthesizer import Synthesizer
from tests.rounding import assert_same, float64, in_float64
from tests.voices.random_voice import NUM_SYMBOLS, noise, seeded, small_config, small_synthesizer

BATCH = 8
PHONEME_LENGTHS = torch.tensor([9, 1, 4, 7, 2, 9, 5, 3])
FRAME_LENGTHS = torch.tensor([31, 8, 17, 24, 9, 12, 31, 10])  # each at least one training segment long
PHONEMES, FRAMES = int(PHONEME_LENGTHS.max()), int(FRAME_LENGTHS.max())
LOUD = 1e30


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with float64():
        yield


@pytest.fixture(scope="module", params=[1, 3], ids=["one speaker", "three speakers"])
def voice(request: pytest.FixtureRequest) -> Synthesizer:
    return in_float64(small_synthesizer(num_speakers=request.param))


def phoneme_mask() -> Tensor:
    return length_mask(PHONEME_LENGTHS, PHONEMES)


def frame_mask() -> Tensor:
    return length_mask(FRAME_LENGTHS, FRAMES)


def loud_in_padding(x: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask > 0, x, LOUD)


def speaker_ids(voice: Synthesizer) -> Tensor | None:
    return None if voice.speakers is None else torch.arange(BATCH) % 3


def speaker_of(voice: Synthesizer) -> Tensor | None:
    return None if voice.speakers is None else voice.speakers(speaker_ids(voice)).detach().unsqueeze(2)


def row(x: Tensor | None, b: int) -> Any:
    return None if x is None else x[b : b + 1]


@torch.no_grad()
def test_text_encoder_reads_each_sentence_of_a_batch_as_it_does_alone(voice: Synthesizer) -> None:
    ids = torch.randint(NUM_SYMBOLS, (BATCH, PHONEMES), generator=seeded())  # padded with symbols like any other
    batched = voice.text_encoder(ids, phoneme_mask())
    for b, length in enumerate(PHONEME_LENGTHS.tolist()):
        alone = voice.text_encoder(ids[b : b + 1, :length], torch.ones(1, 1, length))
        assert_same(row(batched.hidden, b)[..., :length], alone.hidden)
        assert_same(row(batched.prior.mean, b)[..., :length], alone.prior.mean)
        assert_same(row(batched.prior.log_std, b)[..., :length], alone.prior.log_std)
    for x in (batched.hidden, batched.prior.mean, batched.prior.log_std):
        assert not (x * (1 - phoneme_mask())).any()


@torch.no_grad()
def test_posterior_encoder_hears_each_clip_of_a_batch_as_it_does_alone(voice: Synthesizer) -> None:
    speaker = speaker_of(voice)
    spectrogram = loud_in_padding(noise(BATCH, 17, FRAMES).abs(), frame_mask())
    batched = voice.posterior_encoder(spectrogram, frame_mask(), speaker)
    for b, length in enumerate(FRAME_LENGTHS.tolist()):
        alone = voice.posterior_encoder(spectrogram[b : b + 1, :, :length], torch.ones(1, 1, length), row(speaker, b))
        assert_same(row(batched.mean, b)[..., :length], alone.mean)
        assert_same(row(batched.log_std, b)[..., :length], alone.log_std)
    assert not (batched.mean * (1 - frame_mask())).any()
    assert not (batched.log_std * (1 - frame_mask())).any()


@pytest.mark.parametrize("direction", ["forward", "inverse"])
@torch.no_grad()
def test_flow_moves_each_clip_of_a_batch_as_it_does_alone(voice: Synthesizer, direction: str) -> None:
    speaker, flow = speaker_of(voice), getattr(voice.flow, direction)
    z = loud_in_padding(noise(BATCH, 8, FRAMES), frame_mask())
    batched = flow(z, frame_mask(), speaker)
    for b, length in enumerate(FRAME_LENGTHS.tolist()):
        alone = flow(z[b : b + 1, :, :length], torch.ones(1, 1, length), row(speaker, b))
        assert_same(row(batched, b)[..., :length], alone)


@pytest.mark.parametrize("kind", ["stochastic", "deterministic"])
@pytest.mark.parametrize("num_speakers", [1, 3])
@torch.no_grad()
def test_duration_predictor_scores_and_times_each_sentence_of_a_batch_as_it_does_alone(
    kind: str, num_speakers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = small_synthesizer(small_config(model={"duration_predictor": kind}), num_speakers=num_speakers)
    predictor, speaker = voice.duration_predictor, speaker_of(voice)
    assert isinstance(predictor, StochasticDurationPredictor | DurationPredictor)
    drawn = noise(BATCH, 2, PHONEMES)
    hidden = loud_in_padding(noise(BATCH, 16, PHONEMES), phoneme_mask())
    durations = torch.randint(1, 30, (BATCH, PHONEMES), generator=seeded())
    durations = durations.where(phoneme_mask()[:, 0] > 0, 10**9)

    def draw(injected: Tensor) -> None:
        monkeypatch.setattr("models.stochastic_duration_predictor.standard_normal", lambda *_: injected)

    draw(drawn)
    costs = predictor(hidden, phoneme_mask(), durations, speaker)
    log_durations = predictor.predict(hidden, phoneme_mask(), speaker, noise_scale=0.8)
    for b, length in enumerate(PHONEME_LENGTHS.tolist()):
        draw(drawn[b : b + 1, :, :length])
        mine = hidden[b : b + 1, :, :length], torch.ones(1, 1, length)
        assert_same(row(costs, b), predictor(*mine, durations[b : b + 1, :length], row(speaker, b)))
        alone = predictor.predict(*mine, row(speaker, b), noise_scale=0.8)
        assert_same(row(log_durations, b)[..., :length], alone)


@pytest.mark.parametrize("residual_block", [1, 2])
@pytest.mark.parametrize("num_speakers", [1, 3])
@torch.no_grad()
def test_decoder_with_a_mask_voices_each_clip_of_a_batch_as_it_does_alone_and_is_silent_after_it(
    residual_block: int, num_speakers: int
) -> None:
    voice = small_synthesizer(small_config(decoder={"residual_block": residual_block}), num_speakers=num_speakers)
    speaker = speaker_of(voice)
    z = torch.where(frame_mask() > 0, noise(BATCH, 8, FRAMES), LOUD)
    batched = voice.decoder(z, speaker, frame_mask())
    for b, length in enumerate(FRAME_LENGTHS.tolist()):
        samples = length * voice.hop_length
        alone = voice.decoder(z[b : b + 1, :, :length], row(speaker, b))
        assert float(alone.std()) > 0.01
        assert_same(row(batched, b)[..., :samples], alone)
        assert not batched[b, :, samples:].any()


@pytest.mark.parametrize("kind", ["stochastic", "deterministic"])
@pytest.mark.parametrize("num_speakers", [1, 3])
def test_each_sentence_of_a_batch_is_spoken_as_it_is_alone(kind: str, num_speakers: int) -> None:
    voice = small_synthesizer(small_config(model={"duration_predictor": kind}), num_speakers=num_speakers)
    ids = torch.randint(NUM_SYMBOLS, (BATCH, PHONEMES), generator=seeded())
    speak = functools.partial(voice.speak, noise_scale=0.0, duration_noise_scale=0.0, speed=0.3)
    batched = speak(ids, PHONEME_LENGTHS, speaker_ids(voice))
    for b, length in enumerate(PHONEME_LENGTHS.tolist()):
        alone = speak(ids[b : b + 1, :length], PHONEME_LENGTHS[b : b + 1], row(speaker_ids(voice), b))
        samples = int(alone.audio_lengths)
        assert batched.durations[b, :length].tolist() == alone.durations[0].tolist()
        assert not batched.durations[b, length:].any()
        assert int(batched.audio_lengths[b]) == samples
        assert_same(row(batched.audio, b)[..., :samples], alone.audio)
        assert not batched.audio[b, :, samples:].any()


@pytest.mark.parametrize("converted", [False, True], ids=["same speaker", "other speaker"])
def test_each_recording_of_a_batch_is_said_again_as_it_is_alone(converted: bool) -> None:
    voice = small_synthesizer(num_speakers=3)
    mine = speaker_ids(voice)
    assert mine is not None
    target = (mine + 1) % 3 if converted else None
    spectrogram = loud_in_padding(noise(BATCH, 17, FRAMES).abs(), frame_mask())
    batched = voice.reconstruct(spectrogram, FRAME_LENGTHS, mine, target)
    for b, length in enumerate(FRAME_LENGTHS.tolist()):
        samples = length * voice.hop_length
        alone = voice.reconstruct(
            spectrogram[b : b + 1, :, :length], FRAME_LENGTHS[b : b + 1], mine[b : b + 1], row(target, b)
        )
        assert_same(row(batched, b)[..., :samples], alone)
        assert not batched[b, :, samples:].any()


@torch.no_grad()
def test_a_clip_teaches_the_same_whoever_its_neighbours_in_the_batch_are(
    voice: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = torch.randint(NUM_SYMBOLS, (BATCH, PHONEMES), generator=seeded())
    spectrogram = loud_in_padding(noise(BATCH, 17, FRAMES).abs(), frame_mask())
    rows = slice(None)  # with the same noise and the same segment

    def draw(like: Tensor, _: object) -> Tensor:
        return noise(BATCH, like.shape[1], FRAMES)[rows, :, : like.shape[2]]

    def start_in_the_middle(lengths: Tensor, size: int, *_: object) -> Tensor:
        return ((lengths - size) // 2)[:, None]

    monkeypatch.setattr("models.gaussian.standard_normal", draw)
    monkeypatch.setattr("models.stochastic_duration_predictor.standard_normal", draw)
    monkeypatch.setattr("models.synthesizer.random_segment_starts", start_in_the_middle)

    batched = voice(ids, PHONEME_LENGTHS, spectrogram, FRAME_LENGTHS, speaker_ids(voice))
    for b, (phonemes, frames) in enumerate(zip(PHONEME_LENGTHS.tolist(), FRAME_LENGTHS.tolist(), strict=True)):
        rows = slice(b, b + 1)
        alone = voice(
            ids[rows, :phonemes],
            PHONEME_LENGTHS[rows],
            spectrogram[rows, :, :frames],
            FRAME_LENGTHS[rows],
            row(speaker_ids(voice), b),
        )
        assert batched.durations[b, :phonemes].tolist() == alone.durations[0].tolist()
        assert_same(row(batched.audio, b), alone.audio)
        assert_same(row(batched.z_p, b)[..., :frames], alone.z_p)
        assert_same(row(batched.duration_cost, b), alone.duration_cost)
        for ours, theirs in ((batched.prior, alone.prior), (batched.posterior, alone.posterior)):
            assert_same(row(ours.mean, b)[..., :frames], theirs.mean)
            assert_same(row(ours.log_std, b)[..., :frames], theirs.log_std)
    for x in (batched.z_p, batched.prior.mean, batched.prior.log_std, batched.posterior.mean):
        assert not (x * (1 - frame_mask())).any(), "the losses rely on zeros after a clip's end"
