"""The synthesizer whole: what it says again, what it says twice, and what it learns from."""

import copy
import dataclasses
import functools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from configs import parse_config
from models.alignment import search_durations
from models.duration_predictor import DurationPredictor
from models.masks import length_mask
from models.synthesizer import Synthesis, Synthesizer
from tests.rounding import SAME, assert_same, float64
from tests.voices.random_voice import (
    NUM_SYMBOLS,
    largest_difference,
    noise,
    seeded,
    small_config,
    small_synthesizer,
)

PHONEME_LENGTHS = torch.tensor([6, 9, 3])
FRAME_LENGTHS = torch.tensor([20, 40, 31])
PHONEMES, FRAMES = 9, 40


def train_on(voice: Synthesizer, *, seed: int = 0) -> Synthesis:
    ids = torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded())
    spectrogram = noise(3, 17, FRAMES).abs() * length_mask(FRAME_LENGTHS, FRAMES)
    speaker_ids = None if voice.speakers is None else torch.tensor([0, 2, 1])
    spoken = voice(ids, PHONEME_LENGTHS, spectrogram, FRAME_LENGTHS, speaker_ids, generator=seeded(seed))
    assert isinstance(spoken, Synthesis)
    return spoken


def tensors_of(result: Any) -> list[Tensor]:
    values = [getattr(result, field.name) for field in dataclasses.fields(result)]
    known = [value for value in values if value is not None]
    return [x for value in known for x in ([value] if isinstance(value, Tensor) else tensors_of(value))]


def same(first: Any, second: Any) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tensors_of(first), tensors_of(second), strict=True))


def test_generator_of_the_paper_has_36_3_million_weights() -> None:
    config = parse_config({"run": {"dir": "runs/paper"}, "data": {"root": "corpus"}}, source="defaults")
    with torch.device("meta"):
        voice = Synthesizer(config, num_symbols=178)
    assert round(sum(parameter.numel() for parameter in voice.parameters()) / 1e6, 1) == 36.3


@float64()
def test_converting_to_the_same_speaker_is_saying_it_again() -> None:
    voice = small_synthesizer(num_speakers=3)
    spectrogram, me = noise(3, 17, FRAMES).abs(), torch.tensor([0, 1, 2])
    again = voice.reconstruct(spectrogram, FRAME_LENGTHS, me)
    converted = voice.reconstruct(spectrogram, FRAME_LENGTHS, me, me)
    assert_same(converted, again)


def test_converting_to_another_speaker_is_heard_in_every_clip() -> None:
    voice = small_synthesizer(num_speakers=3)
    spectrogram, me, you = noise(3, 17, FRAMES).abs(), torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0])
    again = voice.reconstruct(spectrogram, FRAME_LENGTHS, me)
    converted = voice.reconstruct(spectrogram, FRAME_LENGTHS, me, you)
    assert bool(((converted - again).abs().amax(dim=(1, 2)) > 0.01).all())


@float64()
def test_conversion_goes_through_the_prior_which_has_no_speaker() -> None:
    """As one speaker into the flow and as another out of it, by hand, then decoded as the other."""
    voice = small_synthesizer(num_speakers=3)
    spectrogram, me, you = noise(1, 17, 12).abs(), torch.tensor([0]), torch.tensor([2])
    mask = torch.ones(1, 1, 12)
    assert voice.speakers is not None
    with torch.no_grad():
        mine, yours = (voice.speakers(ids).unsqueeze(2) for ids in (me, you))
        z_p = voice.flow(voice.posterior_encoder(spectrogram, mask, mine).mean, mask, mine)
        expected = voice.decoder(voice.flow.inverse(z_p, mask, yours), yours)
    assert_same(voice.reconstruct(spectrogram, torch.tensor([12]), me, you), expected)


def test_a_reconstruction_with_noise_is_repeatable_and_varies_with_the_seed() -> None:
    voice, spectrogram = small_synthesizer(), noise(1, 17, 20).abs()
    say = functools.partial(voice.reconstruct, spectrogram, torch.tensor([20]), noise_scale=1.0)
    assert torch.equal(say(generator=seeded(1)), say(generator=seeded(1)))
    assert largest_difference(say(generator=seeded(1)), say(generator=seeded(2))) > 0.01


@pytest.mark.parametrize("num_speakers", [1, 3])
@float64()
def test_folding_weight_norm_keeps_the_audio_and_leaves_no_parametrization(num_speakers: int) -> None:
    voice = small_synthesizer(num_speakers=num_speakers)
    speaker_ids = None if num_speakers == 1 else torch.tensor([0, 2, 1])
    spectrogram, ids = noise(3, 17, FRAMES).abs(), torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded())

    def speak() -> tuple[Tensor, Tensor]:
        again = voice.reconstruct(spectrogram, FRAME_LENGTHS, speaker_ids)
        speech = voice.speak(ids, PHONEME_LENGTHS, speaker_ids, speed=0.5, generator=seeded())
        return again, speech.audio

    before = speak()
    assert any(parametrize.is_parametrized(module) for module in voice.modules())
    foretold = {name: x.detach().clone() for name, x in voice.folded_state_dict().items()}
    assert any(parametrize.is_parametrized(module) for module in voice.modules())
    voice.fold_weight_norm()
    folded = voice.state_dict()
    assert foretold.keys() == folded.keys()
    assert all(torch.equal(x, folded[name]) for name, x in foretold.items())
    assert not any(parametrize.is_parametrized(module) for module in voice.modules())
    assert not any("parametrizations" in name for name in voice.state_dict())
    for x, y in zip(before, speak(), strict=True):
        assert_same(x, y)


def test_folding_a_copy_leaves_the_original_as_it_was() -> None:
    voice = small_synthesizer()
    before = train_on(voice)
    copy.deepcopy(voice).fold_weight_norm()
    assert same(train_on(voice), before)


def test_training_pass_is_repeatable_with_a_generator_and_varies_with_the_seed() -> None:
    voice = small_synthesizer()
    assert same(train_on(voice, seed=1), train_on(voice, seed=1))
    first, second = train_on(voice, seed=1), train_on(voice, seed=2)
    assert not torch.equal(first.z_p, second.z_p)
    assert not torch.equal(first.duration_cost, second.duration_cost)


def test_with_dropout_a_training_pass_is_repeatable_once_torch_is_seeded_too() -> None:
    voice = small_synthesizer().train()

    def spoken() -> Synthesis:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return train_on(voice)

    assert same(spoken(), spoken())


@pytest.mark.parametrize("kind", ["stochastic", "deterministic"])
@pytest.mark.parametrize(("num_speakers", "segments"), [(1, 1), (3, 1), (3, 2)])
@float64()
def test_every_weight_learns_from_a_training_pass(kind: str, num_speakers: int, segments: int) -> None:
    config = small_config(model={"duration_predictor": kind}, train={"segments": segments})
    voice = small_synthesizer(config, num_speakers=num_speakers)
    spoken = train_on(voice)
    taught = [x for x in tensors_of(spoken) if x.requires_grad]
    # Squares: the sum of a normalised tensor has no gradient of its own.
    total = torch.stack([x.square().sum() for x in taught]).sum()
    names, parameters = zip(*voice.named_parameters(), strict=True)
    gradients = dict(zip(names, torch.autograd.grad(total, parameters, allow_unused=True), strict=True))
    untaught = {name for name, gradient in gradients.items() if gradient is None}
    assert untaught == set()
    assert all(bool(gradient.isfinite().all()) for gradient in gradients.values())
    # Softmax does not notice what is added to every key alike.
    still = {name for name, gradient in gradients.items() if float(gradient.abs().max()) < SAME}
    assert still <= {f"text_encoder.blocks.{layer}.attention.key.bias" for layer in range(2)}
    if voice.speakers is not None:
        assert bool(gradients["speakers.weight"].abs().amax(dim=1).gt(0).all()), "each speaker was heard"


def test_durations_share_out_every_frame_and_the_prior_is_repeated_accordingly() -> None:
    voice = small_synthesizer()
    spoken = train_on(voice)
    ids = torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded())
    prior = voice.text_encoder(ids, length_mask(PHONEME_LENGTHS, PHONEMES)).prior
    assert torch.equal(spoken.durations.sum(dim=1), FRAME_LENGTHS)
    for b, (phonemes, frames) in enumerate(zip(PHONEME_LENGTHS.tolist(), FRAME_LENGTHS.tolist(), strict=True)):
        assert bool((spoken.durations[b, :phonemes] >= 1).all())
        assert not spoken.durations[b, phonemes:].any()
        for ours, source in ((spoken.prior.mean, prior.mean), (spoken.prior.log_std, prior.log_std)):
            repeated = source[b].repeat_interleave(spoken.durations[b], dim=1)
            assert torch.equal(ours[b, :, :frames], repeated)


@torch.no_grad()
@float64()
def test_a_decoded_segment_is_the_same_place_of_the_whole_clip() -> None:
    """Away from its edges, where the decoder would look beyond it."""
    voice = small_synthesizer(small_config(train={"segment_samples": 24 * 8, "segments": 2}))
    frame_lengths = torch.tensor([40, 40])
    spectrogram, ids = noise(2, 17, 40).abs(), torch.randint(NUM_SYMBOLS, (2, 9), generator=seeded())
    spoken = voice(ids, torch.tensor([9, 9]), spectrogram, frame_lengths, generator=seeded())
    z = voice.flow.inverse(spoken.z_p, spoken.frame_mask)
    whole = voice.decoder(z)
    edge = 10 * voice.hop_length
    for row, start in enumerate((spoken.segment_starts * voice.hop_length).flatten().tolist()):
        segment = spoken.audio[row, :, edge:-edge]
        same_place = whole[row // 2, :, start + edge : start + spoken.audio.shape[2] - edge]
        assert_same(segment, same_place)
    assert len(set(spoken.segment_starts.flatten().tolist())) == 4


@torch.no_grad()
@float64()
def test_every_segment_of_a_clip_is_decoded_in_the_voice_of_its_speaker() -> None:
    voice = small_synthesizer(small_config(train={"segments": 3}), num_speakers=3)
    spoken = train_on(voice)
    assert voice.speakers is not None
    speaker = voice.speakers(torch.tensor([0, 2, 1])).unsqueeze(2)
    z = voice.flow.inverse(spoken.z_p, spoken.frame_mask, speaker)
    segments = [
        voice.decoder(z[b : b + 1, :, start : start + voice.segment_frames], speaker[b : b + 1])
        for b, starts in enumerate(spoken.segment_starts.tolist())
        for start in starts
    ]
    assert len(segments) == 9
    assert_same(spoken.audio, torch.cat(segments))


@torch.no_grad()
def test_one_segment_of_each_clip_is_what_drawing_cutting_and_decoding_by_hand_make_bit_for_bit() -> None:
    voice, seen = small_synthesizer(num_speakers=3), dict[str, Any]()
    chance = seeded()
    voice.flow.register_forward_pre_hook(lambda _, args: seen.update(z=args[0]))
    voice.duration_predictor.register_forward_hook(lambda *_: seen.update(state=chance.get_state()))
    ids, speaker_ids = torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded()), torch.tensor([0, 2, 1])
    spoken = voice(ids, PHONEME_LENGTHS, noise(3, 17, FRAMES).abs(), FRAME_LENGTHS, speaker_ids, generator=chance)

    before = seeded().set_state(seen["state"])
    starts = (torch.rand(3, generator=before) * (FRAME_LENGTHS - 8 + 1)).long()  # a segment has 8
    pieces = torch.stack([seen["z"][b, :, start : start + 8] for b, start in enumerate(starts.tolist())])
    assert voice.speakers is not None
    assert torch.equal(spoken.segment_starts, starts[:, None])
    assert torch.equal(spoken.audio, voice.decoder(pieces, voice.speakers(speaker_ids).unsqueeze(2)))
    assert torch.equal(chance.get_state(), before.get_state())


@torch.no_grad()
@float64()
def test_after_the_end_of_a_clip_shorter_than_its_segment_the_decoder_is_given_nothing() -> None:
    voice = small_synthesizer(small_config(train={"segments": 2}))
    frame_lengths = torch.tensor([20, 5])  # a segment has 8
    spectrogram, ids = noise(2, 17, 20).abs(), torch.randint(NUM_SYMBOLS, (2, 4), generator=seeded())
    spoken = voice(ids, torch.tensor([4, 4]), spectrogram, frame_lengths, generator=seeded())
    z = voice.flow.inverse(spoken.z_p, spoken.frame_mask) * spoken.frame_mask
    assert spoken.segment_starts[1].tolist() == [0, 0]
    assert_same(spoken.audio[2:], voice.decoder(z[[1, 1], :, :8]))


@pytest.mark.parametrize("kind", ["stochastic", "deterministic"])
@torch.no_grad()
def test_spoken_durations_are_the_predicted_ones_divided_by_the_speed_and_rounded_up(kind: str) -> None:
    voice = small_synthesizer(small_config(model={"duration_predictor": kind}))
    ids, mask = torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded()), length_mask(PHONEME_LENGTHS, PHONEMES)
    predictor = voice.duration_predictor
    hidden = voice.text_encoder(ids, mask).hidden
    predicted = predictor.predict(hidden, mask, noise_scale=0.0).exp()[:, 0] * mask[:, 0]
    for speed in (0.25, 1.0, 3.0):
        speech = voice.speak(ids, PHONEME_LENGTHS, noise_scale=0.0, duration_noise_scale=0.0, speed=speed)
        assert torch.equal(speech.durations, torch.ceil(predicted / speed).long())
        assert torch.equal(speech.audio_lengths, speech.durations.sum(dim=1) * voice.hop_length)
    assert isinstance(predictor, DurationPredictor) == (kind == "deterministic")


def test_the_same_seed_says_the_same_and_another_seed_says_it_differently() -> None:
    voice, ids = small_synthesizer(), torch.randint(NUM_SYMBOLS, (1, 9), generator=seeded())
    speak = functools.partial(voice.speak, ids, torch.tensor([9]), speed=0.3)
    assert same(speak(generator=seeded(1)), speak(generator=seeded(1)))
    one, other = speak(generator=seeded(1)), speak(generator=seeded(2))
    assert not torch.equal(one.durations, other.durations)
    steady = functools.partial(speak, duration_noise_scale=0.0)
    assert largest_difference(steady(generator=seeded(1)).audio, steady(generator=seeded(2)).audio) > 0.01


def test_speaking_and_training_leave_every_weight_as_it_was() -> None:
    voice = small_synthesizer()
    before = {name: x.clone() for name, x in voice.state_dict().items()}
    train_on(voice)
    voice.speak(torch.ones(1, 4, dtype=torch.long), torch.tensor([4]))
    voice.reconstruct(noise(1, 17, 9), torch.tensor([9]))
    assert all(torch.equal(x, before[name]) for name, x in voice.state_dict().items())


@pytest.mark.parametrize("num_speakers", [1, 3])
@float64()
def test_aligning_recordings_is_the_search_among_the_priors_from_the_mean_of_the_posterior(num_speakers: int) -> None:
    voice = small_synthesizer(num_speakers=num_speakers)
    speaker_ids = None if num_speakers == 1 else torch.tensor([0, 2, 1])
    ids = torch.randint(NUM_SYMBOLS, (3, PHONEMES), generator=seeded())
    spectrogram = noise(3, 17, FRAMES).abs()
    alignment = voice.align(ids, PHONEME_LENGTHS, spectrogram, FRAME_LENGTHS, speaker_ids)
    for b, (phonemes, frames) in enumerate(zip(PHONEME_LENGTHS.tolist(), FRAME_LENGTHS.tolist(), strict=True)):
        with torch.no_grad():  # each by itself
            speaker = None if voice.speakers is None else voice.speakers(torch.tensor([[0, 2, 1][b]])).unsqueeze(2)
            mask = torch.ones(1, 1, frames)
            z = voice.posterior_encoder(spectrogram[b : b + 1, :, :frames], mask, speaker).mean
            z_p = voice.flow(z, mask, speaker)
            prior = voice.text_encoder(ids[b : b + 1, :phonemes], torch.ones(1, 1, phonemes)).prior
        normal = torch.distributions.Normal(prior.mean[..., None, :], prior.log_std.exp()[..., None, :])
        scores = normal.log_prob(z_p[..., None]).sum(dim=1)  # [1, F, P]
        assert_same(alignment.scores[b, :frames, :phonemes], scores[0])
        lengths = torch.tensor([phonemes]), torch.tensor([frames])
        assert torch.equal(alignment.durations[b, :phonemes], search_durations(scores, *lengths)[0])
        repeated = prior.mean[0].repeat_interleave(alignment.durations[b, :phonemes], dim=1)
        assert_same(alignment.prior.mean[b, :, :frames], repeated)
