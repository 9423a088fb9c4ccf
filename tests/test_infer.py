"""A voice speaks, for programs: the same by every engine, and every mistake is one sentence."""

import os
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from configs import InputError
from infer import Voice
from speaking.engine import FIRST_FRAMES, Silence, SpokenSentence
from speaking.options import SpeakOptions
from speaking.torch_engine import TorchEngine
from tests.clients.exported_voice import DECODERS, Exports, write_random_voice
from tests.random_run import make_voice

HOUSE = Path(__file__).resolve().parents[1]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}  # as here: another number of threads rounds differently


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def choir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("choir"), ("ann", "bob"))


def test_a_seed_repeats_the_sound_and_another_changes_it(run: Path) -> None:
    voice = Voice.load(run)
    first = voice.speak("Hello there.", seed=1)
    assert np.array_equal(first, voice.speak("Hello there.", seed=1))
    other = voice.speak("Hello there.", seed=2)
    assert first.shape != other.shape or not np.allclose(first, other)


def test_without_noise_every_seed_sounds_the_same(run: Path) -> None:
    voice = Voice.load(run)
    first, second = (voice.speak("Hello.", seed=seed, noise_scale=0, duration_noise_scale=0) for seed in (1, 2))
    assert np.array_equal(first, second)


def test_twice_the_speed_takes_half_the_time(run: Path) -> None:
    voice = Voice.load(run)
    seconds = [len(voice.speak("A longer sentence to measure.", seed=1, speed=speed)) for speed in (0.25, 0.5)]
    assert seconds[0] / seconds[1] == pytest.approx(2, rel=0.15)  # durations are rounded up to whole frames


def test_sentences_are_spoken_one_by_one_with_the_pause_between(run: Path) -> None:
    voice = Voice.load(run)
    text = "This is one. This is two! Is this three?"
    heard = list(voice.say(text, seed=3, pause_seconds=0.5))
    assert [type(said) for said in heard] == [SpokenSentence, Silence, SpokenSentence, Silence, SpokenSentence]
    assert [said.samples for said in heard[1::2]] == [11025, 11025]
    whole = voice.speak(text, seed=3, pause_seconds=0.5)
    assert np.array_equal(whole, np.concatenate([said.whole() for said in heard]))
    sentences = [said.whole() for said in voice.say(text, seed=3, pause_seconds=0)]
    assert all(np.array_equal(*pair) for pair in zip(sentences, (said.whole() for said in heard[::2]), strict=True))


def test_phonemes_in_brackets_are_spoken_as_they_are(run: Path) -> None:
    voice = Voice.load(run)
    phonemes = "".join(voice.front_end.sentences("water")[0].symbols)
    spoken = [voice.speak(text, seed=1) for text in ("water", f"[[{phonemes}]]", "[[zzz]]")]
    assert np.array_equal(spoken[0], spoken[1])
    assert spoken[0].shape != spoken[2].shape


def test_speakers_sound_different_and_an_unknown_one_is_refused_by_name(choir: Path) -> None:
    voice = Voice.load(choir)
    spoken = [
        voice.speak("Hello.", speaker=name, seed=1, noise_scale=0, duration_noise_scale=0) for name in ("ann", "bob")
    ]
    assert spoken[0].shape != spoken[1].shape or not np.allclose(spoken[0], spoken[1])
    assert np.array_equal(voice.speak("Hello.", seed=1), voice.speak("Hello.", seed=1, speaker="ann"))
    with pytest.raises(InputError, match=r"no speaker 'eve'; it has ann, bob"):
        voice.speak("Hello.", speaker="eve")


def test_a_speaker_is_taken_by_id_or_but_for_case_and_that_is_told(choir: Path) -> None:
    voice = Voice.load(choir)
    bob = voice.speak("Hello.", speaker="bob", seed=1)
    recording = np.random.default_rng(1).normal(scale=0.1, size=22050).astype(np.float32)
    to_bob = voice.convert(recording, speaker="ann", target="bob")
    for asked, told in (("Bob", "'bob' is taken"), ("1", "1 is taken as an id, that of 'bob'"), (1, "that of 'bob'")):
        with pytest.warns(UserWarning, match=told):
            assert np.array_equal(voice.speak("Hello.", speaker=asked, seed=1), bob)
        with pytest.warns(UserWarning, match=told):
            assert np.array_equal(voice.convert(recording, speaker="ann", target=asked), to_bob)
        with pytest.warns(UserWarning, match=told):
            assert not np.array_equal(voice.convert(recording, speaker=asked, target="bob"), to_bob)
    with pytest.raises(InputError, match="no speaker '2'; it has ann, bob"):
        voice.speak("Hello.", speaker=2)


def test_the_only_speaker_has_the_id_0(run: Path) -> None:
    voice = Voice.load(run)
    with pytest.warns(UserWarning, match="that of its only one"):
        assert np.array_equal(voice.speak("Hello.", speaker="0", seed=1), voice.speak("Hello.", seed=1))


def test_conversion_keeps_the_length_and_changes_the_sound(choir: Path) -> None:
    voice = Voice.load(choir)
    recording = np.random.default_rng(1).normal(scale=0.1, size=22050).astype(np.float32)
    itself, other = (voice.convert(recording, speaker="ann", target=name) for name in ("ann", "bob"))
    assert len(itself) == len(other) == 22050 // 256 * 256
    assert not np.allclose(itself, other, atol=1e-4)


def test_an_unknown_symbol_is_told_and_the_rest_is_spoken(run: Path) -> None:
    voice = Voice.load(run)
    with pytest.warns(UserWarning, match=r"does not know .*☃.* and speaks without"):
        heard = voice.speak("[[həlˈoʊ☃]]", seed=1)
    assert np.array_equal(heard, voice.speak("[[həlˈoʊ]]", seed=1))


def words_of(said: SpokenSentence) -> str:
    return " ".join(word.text for word in said.words())


@pytest.mark.parametrize("decoder", DECODERS)
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("abcdefgho ,.", min_size=1, max_size=60).filter(lambda text: any(map(str.isalpha, text))))
@example(text="Nobody said that it would be easy, but here we are. Good.")
def test_what_is_streamed_is_what_is_spoken(streamed: Callable[[str], Voice], decoder: str, text: str) -> None:
    voice = streamed(decoder)
    chunks = list(voice.stream(text, seed=1, speed=0.5))
    # Without a bounded receptive field, phases add up the predicted pitch, and with it its rounding errors, over a
    # sentence: chunks are convolutions of another length, which each processor adds up in an order of its own.
    assert isinstance(voice.engine, TorchEngine)
    atol = 5e-3 if voice.engine.synthesizer.decoder.receptive_field is None else 1e-5
    np.testing.assert_allclose(np.concatenate(chunks), voice.speak(text, seed=1, speed=0.5), rtol=0, atol=atol)


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Voice]:
    """A voice of a family of decoders."""
    return cache(lambda decoder: Voice.load(write_random_voice(tmp_path_factory.mktemp(decoder) / "voice", decoder)))


def test_the_first_chunk_is_a_quarter_second_that_did_not_wait_for_the_rest(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = Voice.load(run)
    read: list[str] = []
    phonemise = voice.front_end.phonemise

    def watched(text: str) -> list[list[str]]:
        read.append(text)
        return phonemise(text)

    monkeypatch.setattr(voice.front_end, "phonemise", watched)
    stream = voice.stream("She had nothing more to say to him that evening. " * 1000, seed=1, speed=0.25)
    assert read == []
    assert len(next(stream)) == FIRST_FRAMES * 256
    assert sum(map(len, read)) < 1000


def test_a_mistake_is_told_before_the_stream_begins(run: Path) -> None:
    voice = Voice.load(run)
    with pytest.raises(InputError, match="no speaker 'eve'"):
        voice.stream("Hello.", speaker="eve")
    with pytest.raises(InputError, match="speed = 99 is out of range"):
        voice.stream("Hello.", speed=99)
    with pytest.raises(TypeError, match=r"^a voice cannot be asked for 'sped', did you mean speed\? it takes speaker"):
        voice.speak("Hello.", sped=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'voice'; it takes speaker, speed"):
        voice.stream("Hello.", voice="ann")  # type: ignore[call-arg]


def test_timestamps_end_where_the_audio_does_and_frames_are_their_grid(choir: Path) -> None:
    voice = Voice.load(choir)
    text = "It was a letter of the king. He read it!\n\nThen he laughed."
    timed = voice.speak_timed(text, seed=4, speaker="bob", pause_seconds=0.37)
    assert np.array_equal(timed.audio, voice.speak(text, seed=4, speaker="bob", pause_seconds=0.37))
    times = timed.timestamps
    assert times.seconds == len(timed.audio) / 22050 == times.sentences[-1].end
    assert [word.text for word in times.sentences[0].words] == ["It", "was a", "letter", "of the", "king."]
    for before, after in pairwise(times.sentences):
        assert round((after.start - before.end) * 22050) == round(0.37 * 22050)
    for sentence in times.sentences:
        assert [one.end for one in sentence.phonemes[:-1]] == [one.start for one in sentence.phonemes[1:]]
        assert all(round((one.start - sentence.start) * 22050) % 256 == 0 for one in sentence.phonemes)
        assert all(before.end <= after.start for before, after in pairwise(sentence.words))


def test_a_voice_in_onnx_is_the_same_voice(exports: Exports) -> None:
    pytest.importorskip("onnxruntime")
    ours, theirs = (Voice.load(file) for file in (exports("choir").file, exports("choir").onnx))
    text = "Good morning. It was a letter of the king, after all."
    timed = [voice.speak_timed(text, seed=2, speaker="bob") for voice in (ours, theirs)]
    np.testing.assert_allclose(timed[0].audio, timed[1].audio, rtol=0, atol=1e-4)
    assert timed[0].timestamps == timed[1].timestamps
    slow: SpeakOptions = {"seed": 2, "speaker": "bob", "speed": 0.25}
    chunks = list(theirs.stream(text, **slow))
    assert len(chunks[0]) == FIRST_FRAMES * 256
    np.testing.assert_allclose(np.concatenate(chunks), theirs.speak(text, **slow), rtol=0, atol=1e-5)
    with pytest.raises(InputError, match=r"an \.onnx voice only speaks"):
        theirs.convert(np.zeros(22050, np.float32), speaker="ann", target="bob")
    in_torch = Voice.load(exports("choir").onnx, engine="torch")
    np.testing.assert_allclose(in_torch.speak(text, seed=2, speaker="bob"), timed[0].audio, rtol=0, atol=1e-6)
    assert len(list(in_torch.stream(text, seed=2, speaker="bob"))) > 3  # chunks of sentences
    with pytest.raises(InputError, match=r"has no posterior encoder, which hears the recording \(an \.onnx holds none"):
        in_torch.convert(np.zeros(22050, np.float32), speaker="ann", target="bob")


def test_ssml_breaks_are_exact_and_rates_multiply_the_speed(run: Path) -> None:
    voice = Voice.load(run)
    heard = list(
        voice.say(
            '<speak><break time="250ms"/>One <break time="2s"/> two. <prosody rate="50%">Three.</prosody> Four.'
            '<break time="1s"/></speak>',
            ssml=True,
            seed=1,
            speed=0.5,
            pause_seconds=0.1,
            duration_noise_scale=0,
        )
    )
    silences = [said.samples / 22050 for said in heard if isinstance(said, Silence)]
    assert silences == pytest.approx([0.25, 2, 0.1, 0.1, 1], abs=1 / 22050)
    assert isinstance(heard[-1], Silence)
    spoken = [said for said in heard if isinstance(said, SpokenSentence)]
    (alone,) = voice.say("Three.", seed=1, speed=0.25, duration_noise_scale=0)
    assert [words_of(said) for said in spoken] == ["One", "two.", "Three.", "Four."]
    assert isinstance(alone, SpokenSentence)
    assert spoken[2].frames.tolist() == alone.frames.tolist()


@given(st.integers(0, 400_000))
def test_the_chunks_of_a_silence_are_the_silence_and_are_short(samples: int) -> None:
    chunks = list(Silence(samples).chunks())
    assert sum(map(len, chunks)) == samples
    assert all(0 < len(chunk) <= 65_536 and not chunk.any() for chunk in chunks)


def test_markup_that_is_not_spoken_is_told(run: Path) -> None:
    with pytest.warns(UserWarning, match="the text has markup that is not spoken: &amp; <b> </b>"):
        Voice.load(run).speak("<b>Tom</b> &amp; he.", seed=1)


def test_a_heading_is_a_sentence_of_its_own(run: Path) -> None:
    heard = list(Voice.load(run).say("Chapter One\n\nIt was dark.", seed=1))
    assert [words_of(said) for said in heard if isinstance(said, SpokenSentence)] == ["Chapter One", "It was dark."]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e9])
def test_a_speed_that_is_no_speed_is_refused(run: Path, speed: float) -> None:
    with pytest.raises(InputError, match=r"speed = .* is out of range"):
        Voice.load(run).speak("Hello.", speed=speed)


def test_a_device_that_is_not_there_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match=r"the device 'warp' cannot be used"):
        Voice.load(run, device="warp")
