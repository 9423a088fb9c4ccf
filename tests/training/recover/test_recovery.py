"""A voice's own speech, what rooms and microphones make of it, and what is learned from it: an encoder, a decoder."""

import math

import pytest
import torch
from torch import Tensor

from configs import Config, InputError
from configs.decoders import VocosSettings
from data.spectrogram import LinearSpectrogram
from models.synthesizer import Synthesizer
from tests.voices.random_voice import NUM_SYMBOLS, small_config, small_synthesizer
from training.features import Features
from training.recover import augmentation, learning, of_voice
from training.recover.augmentation import augmented
from training.recover.crops import Crops
from training.recover.decoder import learn_decoder
from training.recover.of_voice import with_recovered_parts
from training.recover.own_speech import Utterance, own_speech
from training.recover.posterior_encoder import learn_posterior_encoder
from voices.importing.assembly import Imported
from voices.importing.report import Report
from voices.voice_file import VoiceFile

RATE = 22050
TEXTS = [[1 + (place + step) % (NUM_SYMBOLS - 1) for step in range(170)] for place in range(24)]


@pytest.fixture(scope="module")
def voice() -> tuple[Config, Synthesizer]:
    """A small voice of random weights."""
    config = small_config()
    return config, small_synthesizer(config)


@pytest.fixture(scope="module")
def utterances(voice: tuple[Config, Synthesizer]) -> list[Utterance]:
    """What it says."""
    return list(own_speech(voice[1], TEXTS, seed=3))


# ----------------------------------------------------------------------------------------------- the voice's speech


def test_an_utterance_is_what_the_decoder_makes_of_its_latents(
    voice: tuple[Config, Synthesizer], utterances: list[Utterance]
) -> None:
    config, synthesizer = voice
    assert len(utterances) > 16
    for one in utterances[:4]:
        assert len(one.audio) == one.z.shape[1] * config.audio.hop_length
        with torch.inference_mode():
            torch.testing.assert_close(synthesizer.decoder(one.z[None])[0, 0], one.audio)


def test_speech_follows_from_the_seed_and_varies_with_it(voice: tuple[Config, Synthesizer]) -> None:
    first, again, other = (list(own_speech(voice[1], TEXTS[:3], seed=seed)) for seed in (3, 3, 4))
    assert all(torch.equal(one.z, two.z) for one, two in zip(first, again, strict=True))
    assert not any(torch.equal(one.z[:, :128], two.z[:, :128]) for one, two in zip(first, other, strict=True))


def test_every_speaker_speaks() -> None:
    texts = [text[:60] for text in TEXTS[:7]]
    spoken = own_speech(small_synthesizer(num_speakers=3), texts, seed=1, speakers=3)
    assert {one.speaker for one in spoken} == {0, 1, 2}


# ----------------------------------------------------------------------------------------------------- augmentation


def tone() -> Tensor:
    """A second of a sine, with a root mean square of 0.1."""
    return 0.1 * math.sqrt(2) * torch.sin(2 * math.pi * 400.0 * torch.arange(RATE) / RATE)


def changed(audio: Tensor) -> Tensor:
    """The same, recorded elsewhere."""
    return augmented(audio, RATE, torch.Generator().manual_seed(1))


def decibels(audio: Tensor) -> float:
    """The level above that of the tone."""
    return 20 * math.log10(float(audio.square().mean().sqrt()) / 0.1)


def test_half_of_the_clips_are_as_they_were_in_each_respect(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = changed(tone().expand(256, -1))
    same = (clips - tone()).abs().amax(dim=1) < 1e-6
    assert 4 <= int(same.sum()) <= 40  # a sixteenth is in all four respects
    assert float(clips.abs().max()) <= 1.0
    monkeypatch.setattr(augmentation, "_SHARE", 0.0)
    torch.testing.assert_close(changed(tone()[None])[0], tone())


def only(monkeypatch: pytest.MonkeyPatch, name: str, bounds: tuple[float, float]) -> None:
    """Change all clips in one respect by a known amount, and in all others by nothing that can be heard."""
    neutral = {"_GAINS_DB": (0.0, 0.0), "_NOISE_DB": (300.0, 300.0), "_DIRECT_DB": (300.0, 300.0)}
    for key, value in (neutral | {name: bounds}).items():
        monkeypatch.setattr(augmentation, key, value)
    monkeypatch.setattr(augmentation, "_EQUALISER_DB", 0.0)
    monkeypatch.setattr(augmentation, "_SHARE", 1.0)


@pytest.mark.parametrize("gain", [-12.0, 5.0])
def test_a_gain_is_in_decibels(monkeypatch: pytest.MonkeyPatch, gain: float) -> None:
    only(monkeypatch, "_GAINS_DB", (gain, gain))
    assert decibels(changed(tone()[None])) == pytest.approx(gain, abs=1e-3)


def test_noise_is_so_many_decibels_below_the_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_NOISE_DB", (20.0, 20.0))
    assert decibels(changed(tone()[None]) - tone()) == pytest.approx(-20.0, abs=0.2)


def test_a_reverberation_falls_by_sixty_decibels_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_DIRECT_DB", (0.0, 0.0))
    monkeypatch.setattr(augmentation, "_REVERBERATION_SECONDS", (0.4, 0.4))
    impulse = torch.zeros(64, RATE)
    impulse[:, 0] = 0.1
    response = changed(impulse).square().mean(dim=0)
    early, late = (float(response[round(at * RATE) :][:500].mean()) for at in (0.02, 0.12))
    assert 10 * math.log10(early / late) == pytest.approx(15.0, abs=1.0)  # 0.1 s, a quarter of the time


# --------------------------------------------------------------------------------------------------------- learning


def test_the_encoder_knows_more_of_the_latents_than_their_distribution_tells(
    voice: tuple[Config, Synthesizer], utterances: list[Utterance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle is the best Gaussian for each dimension that does not look at the spectrogram."""
    monkeypatch.setattr(augmentation, "_SHARE", 0.0)
    config, synthesizer = voice
    told: list[tuple[int, float]] = []
    taught = of_voice._fresh(config, synthesizer)
    found = learn_posterior_encoder(
        taught.posterior_encoder,
        synthesizer,
        config,
        utterances,
        most_steps=150,
        seed=1,
        progress=lambda *each: told.append(each),
    )
    z = torch.cat([one.z for one in utterances], dim=1)
    blind = (0.5 * math.log(2 * math.pi * math.e) + z.std(dim=1).log()).mean()
    assert found.held_out[-1] < float(blind) - 0.03
    assert [likelihood for _, likelihood in told] == list(found.held_out)
    # What it learned is what the synthesizer computes with: the likelihood by torch.distributions is the same.
    taught.eval()
    audio = config.audio
    linear = LinearSpectrogram(n_fft=audio.n_fft, window_length=audio.window_length, hop_length=audio.hop_length)
    likelihoods = []
    for one in utterances:
        with torch.inference_mode():
            posterior = taught.posterior_encoder(linear(one.audio[None]), torch.ones(1, 1, one.z.shape[1]))
        normal = torch.distributions.Normal(posterior.mean[0], posterior.log_std[0].exp())
        likelihoods.append(normal.log_prob(one.z).mean())
    assert -float(torch.stack(likelihoods).mean()) == pytest.approx(found.held_out[-1], abs=0.1)


def test_a_decoder_of_another_kind_is_nearer_to_the_speech_than_any_steady_sound(
    voice: tuple[Config, Synthesizer], utterances: list[Utterance]
) -> None:
    """The oracle is the best spectrum that does not look at the latents: the median of each band."""
    config, synthesizer = voice
    settings = VocosSettings(channels=48, expansion_channels=96, layers=2, istft_n_fft=4 * config.audio.hop_length)
    other = config.model_copy(update={"decoder": settings})
    decoder = of_voice._fresh(other, synthesizer).decoder
    found = learn_decoder(decoder, synthesizer, other, utterances, most_steps=250, seed=1)
    mel = Features(config, torch.device("cpu")).mel
    spectra = [mel(one.audio[None])[0] for one in utterances]
    median = torch.cat(spectra, dim=1).median(dim=1, keepdim=True).values
    blind = torch.cat([(spectrum - median).abs() for spectrum in spectra], dim=1).mean()
    with torch.inference_mode():
        decoded = [mel(decoder.eval()(one.z[None])[0]) for one in utterances]
    distance = torch.stack([(one - two).abs().mean() for one, two in zip(decoded, spectra, strict=True)]).mean()
    assert distance < 0.8 * blind
    assert found.held_out[-1] < found.held_out[0]


def test_a_crop_is_of_the_latents_that_it_was_decoded_from(
    voice: tuple[Config, Synthesizer], utterances: list[Utterance]
) -> None:
    config, synthesizer = voice
    frames, hop = 128, config.audio.hop_length
    audio, z, _ = Crops(config.audio, frames=frames, warped=False, seed=1).batch(utterances)
    field = synthesizer.decoder.receptive_field
    assert field is not None
    with torch.inference_mode():
        decoded = synthesizer.decoder(z)
    inner = slice(field * hop, -field * hop)
    torch.testing.assert_close(decoded[..., inner], audio[..., inner], rtol=0, atol=1e-5)


def test_it_stops_where_the_likelihood_is_flat(
    voice: tuple[Config, Synthesizer], utterances: list[Utterance], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "_CHECK_EVERY", 2)
    monkeypatch.setattr(learning, "_FLAT", 100.0)  # nothing is gained
    encoder = of_voice._fresh(*voice).posterior_encoder
    found = learn_posterior_encoder(encoder, voice[1], voice[0], utterances, most_steps=1500, seed=1)
    assert (found.steps, len(found.held_out)) == (10, 5)


def test_too_few_utterances_are_refused(voice: tuple[Config, Synthesizer], utterances: list[Utterance]) -> None:
    with pytest.raises(InputError, match="3 utterances of a voice are too few to learn from"):
        learn_decoder(voice[1].decoder, voice[1], voice[0], utterances[:3], most_steps=2, seed=1)


def test_few_texts_are_said_until_there_is_enough_speech(voice: tuple[Config, Synthesizer]) -> None:
    config, synthesizer = voice
    texts = TEXTS[:2]
    once = sum(len(one.audio) for one in own_speech(synthesizer, texts, seed=1)) / config.audio.sample_rate / 60
    utterances = of_voice._speech(VoiceFile(config, synthesizer, "{}", (), 0), texts, 6 * once)
    assert sum(len(one.audio) for one in utterances) / config.audio.sample_rate / 60 >= 6 * once
    assert len({one.audio.numpy().tobytes() for one in utterances}) == len(utterances) > 6  # each another time


def test_a_voice_that_can_say_nothing_is_told_so(voice: tuple[Config, Synthesizer]) -> None:
    imported = Imported(VoiceFile(*voice, "{}", (), 0), Report("a voice", ()))
    with pytest.raises(InputError, match="the voice can say none of the 2 texts in 128 to 1200 frames"):
        with_recovered_parts(imported, [[1], [2]], minutes=1.0, most_steps=2)
