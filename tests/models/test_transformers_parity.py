"""Every part computes what `transformers.VitsModel` computes with the same random weights.

In float64, where what differs is not rounding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from configs import Config, parse_config
from models.duration_predictor import DurationPredictor
from models.masks import length_mask
from models.stochastic_duration_predictor import StochasticDurationPredictor
from models.synthesizer import Synthesizer
from tests.models.transformers_vits import counterpart
from tests.rounding import assert_same, float64
from tests.voices.random_voice import (
    NUM_SYMBOLS,
    noise,
    randomised,
    seeded,
    small_config,
    small_synthesizer,
    speak_up,
)

QUIET = 0.01  # the standard deviation below which a waveform would prove little
PHONEME_LENGTHS = torch.tensor([11, 6, 1])
FRAME_LENGTHS = torch.tensor([23, 40, 9])
PHONEMES, FRAMES = 11, 40


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with float64():
        yield


@dataclass(frozen=True)
class Pair:
    """One model twice: ours, and theirs with our weights."""

    config: Config
    ours: Synthesizer
    theirs: Any
    speaker: Tensor | None  # [3, C, 1]
    speaker_ids: Tensor | None  # [3]

    @property
    def phoneme_ids(self) -> Tensor:
        return torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded())

    @property
    def phoneme_mask(self) -> Tensor:
        return length_mask(PHONEME_LENGTHS, PHONEMES)

    @property
    def frame_mask(self) -> Tensor:
        return length_mask(FRAME_LENGTHS, FRAMES)


def make_pair(num_speakers: int, **sections: dict[str, Any]) -> Pair:
    config = small_config(**sections)
    ours = small_synthesizer(config, num_speakers=num_speakers)
    theirs = counterpart(ours, config)
    speaker_ids = torch.tensor([2, 0, 2]) if num_speakers > 1 else None
    speaker = None if ours.speakers is None else ours.speakers(speaker_ids).detach().unsqueeze(2)
    return Pair(config, ours, theirs, speaker, speaker_ids)


@pytest.fixture(scope="module", params=[1, 3], ids=["one speaker", "three speakers"])
def pair(request: pytest.FixtureRequest) -> Pair:
    with float64():
        return make_pair(request.param)


@pytest.fixture(scope="module", params=[1, 3], ids=["one speaker", "three speakers"])
def deterministic_pair(request: pytest.FixtureRequest) -> Pair:
    with float64():
        return make_pair(request.param, model={"duration_predictor": "deterministic", "duration_channels": 20})


@torch.no_grad()
def test_text_encoder_gives_the_same_hidden_states_and_prior(pair: Pair) -> None:
    ours = pair.ours.text_encoder(pair.phoneme_ids, pair.phoneme_mask)
    theirs = pair.theirs.text_encoder(
        pair.phoneme_ids, pair.phoneme_mask.transpose(1, 2), attention_mask=pair.phoneme_mask[:, 0]
    )
    assert_same(ours.hidden, theirs.last_hidden_state.transpose(1, 2))
    assert_same(ours.prior.mean, theirs.prior_means.transpose(1, 2))
    assert_same(ours.prior.log_std, theirs.prior_log_variances.transpose(1, 2))


@torch.no_grad()
def test_posterior_encoder_gives_the_same_statistics_and_with_the_same_noise_the_same_sample(pair: Pair) -> None:
    spectrogram = noise(3, pair.config.audio.spectrogram_bins, FRAMES).abs()
    ours = pair.ours.posterior_encoder(spectrogram, pair.frame_mask, pair.speaker)
    sample = ours.sample(generator=seeded(7)) * pair.frame_mask
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        their_sample, mean, log_std = pair.theirs.posterior_encoder(spectrogram, pair.frame_mask, pair.speaker)
    assert_same(ours.mean, mean)
    assert_same(ours.log_std, log_std)
    assert_same(sample, their_sample)


@torch.no_grad()
def test_flow_moves_the_latents_to_the_same_place_in_both_directions(pair: Pair) -> None:
    z = noise(3, pair.config.model.latent_channels, FRAMES) * pair.frame_mask
    z_p = pair.ours.flow(z, pair.frame_mask, pair.speaker)
    assert_same(z_p, pair.theirs.flow(z, pair.frame_mask, pair.speaker))
    back = pair.ours.flow.inverse(z, pair.frame_mask, pair.speaker)
    assert_same(back, pair.theirs.flow(z, pair.frame_mask, pair.speaker, reverse=True))


@torch.no_grad()
def test_stochastic_duration_predictor_gives_the_same_bound_of_the_likelihood(pair: Pair) -> None:
    hidden = noise(3, pair.config.model.hidden_channels, PHONEMES) * pair.phoneme_mask
    durations = torch.randint(1, 30, (3, PHONEMES), generator=seeded()) * pair.phoneme_mask[:, 0].long()
    ours = pair.ours.duration_predictor(hidden, pair.phoneme_mask, durations, pair.speaker, seeded(7))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        theirs = pair.theirs.duration_predictor(
            hidden, pair.phoneme_mask, pair.speaker, durations=durations[:, None].float()
        )
    assert_same(ours, theirs)


@pytest.mark.parametrize("noise_scale", [0.0, 0.8])
@torch.no_grad()
def test_stochastic_duration_predictor_draws_the_same_durations(pair: Pair, noise_scale: float) -> None:
    predictor = pair.ours.duration_predictor
    assert isinstance(predictor, StochasticDurationPredictor)
    hidden = noise(3, pair.config.model.hidden_channels, PHONEMES) * pair.phoneme_mask
    ours = predictor.predict(hidden, pair.phoneme_mask, pair.speaker, noise_scale=noise_scale, generator=seeded(7))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        theirs = pair.theirs.duration_predictor(
            hidden, pair.phoneme_mask, pair.speaker, reverse=True, noise_scale=noise_scale
        )
    assert_same(ours, theirs)


@torch.no_grad()
def test_deterministic_duration_predictor_gives_the_same_log_durations(deterministic_pair: Pair) -> None:
    pair = deterministic_pair
    predictor = pair.ours.duration_predictor
    assert isinstance(predictor, DurationPredictor)
    hidden = noise(3, pair.config.model.hidden_channels, PHONEMES) * pair.phoneme_mask
    ours = predictor.predict(hidden, pair.phoneme_mask, pair.speaker)
    theirs = pair.theirs.duration_predictor(hidden, pair.phoneme_mask, pair.speaker)
    assert_same(ours, theirs)


@torch.no_grad()
def test_decoder_makes_the_same_waveform(pair: Pair) -> None:
    z = noise(3, pair.config.model.latent_channels, FRAMES)
    ours = pair.ours.decoder(z, pair.speaker)
    theirs = pair.theirs.decoder(z, pair.speaker)
    assert float(theirs.std()) >= QUIET
    assert_same(ours, theirs)


def assert_speaks_the_same(pair: Pair) -> None:
    for b, length in enumerate(PHONEME_LENGTHS.tolist()):  # one by one: their decoder hears the padding of a batch
        ids = pair.phoneme_ids[b : b + 1, :length]
        speaker_ids = None if pair.speaker_ids is None else pair.speaker_ids[b : b + 1]
        speech = pair.ours.speak(
            ids, torch.tensor([length]), speaker_ids, noise_scale=0.0, duration_noise_scale=0.0, speed=0.1
        )
        theirs = pair.theirs(
            input_ids=ids, speaker_id=None if speaker_ids is None else int(speaker_ids), speaking_rate=0.1
        )
        assert float(theirs.waveform.std()) >= QUIET
        assert speech.audio_lengths.tolist() == theirs.sequence_lengths.tolist()
        assert_same(speech.audio[:, 0], theirs.waveform)


@torch.no_grad()
def test_text_becomes_the_same_audio_without_noise(pair: Pair) -> None:
    assert_speaks_the_same(pair)


@torch.no_grad()
def test_text_becomes_the_same_audio_with_deterministic_durations(deterministic_pair: Pair) -> None:
    assert_speaks_the_same(deterministic_pair)


@torch.no_grad()
def test_text_becomes_the_same_audio_in_the_size_of_the_paper() -> None:
    config = parse_config({"run": {"dir": "runs/paper"}, "data": {"root": "corpus"}}, source="defaults")
    ours = randomised(lambda: Synthesizer(config, num_symbols=178))
    speak_up(ours)
    theirs = counterpart(ours, config)
    ids = torch.randint(178, (1, 15), generator=seeded())
    speech = ours.speak(ids, torch.tensor([15]), noise_scale=0.0, duration_noise_scale=0.0)
    waveform = theirs(input_ids=ids).waveform
    assert float(waveform.std()) >= QUIET
    assert_same(speech.audio[:, 0], waveform)
