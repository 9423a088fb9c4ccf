"""The robustness set: what is broken on purpose is found, each fault by its own reason, and sound speech is fine."""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from configs import AudioSettings, Config, load_config
from evaluation.rendition import HeldOutSentence, Sound
from evaluation.robustness import (
    ENOUGH_RECORDINGS,
    HardText,
    TextResult,
    evaluate_robustness,
    hard_texts,
    robustness_table,
)
from evaluation.robustness.ordinary import LEAST_CHANGE_DB, TONE_CENTS, TONE_VOICED_SHARE, Impression
from evaluation.robustness.texts import ordinary_sentences
from infer import Voice
from speaking.engine import Audio, Check, Rendering, Scales
from tests.benchmarks.streaming import random_voice
from text import grapheme_symbols

HOUSE = Path(__file__).resolve().parents[2]
SHARED_DATA = HOUSE.parent / "shared" / "data"
HOP = 256
SYMBOL, BLANK = 4, 2  # frames: 14 symbols a second
# Only sentences with a z are broken; no ordinary one has any.
HARD = HardText("broken", "a lazy breeze over the grazing geese", True)

Frames = NDArray[np.int64]


@dataclass
class SteadyEngine:
    """Gives every symbol the same time and a noise of its own, but spoils sentences with a z, or all."""

    marker: int
    changing: bool = True  # of its spectrum, from symbol to symbol
    spoil_frames: Callable[[Frames], None] = lambda frames: None
    spoil_sound: Callable[[Audio], None] = lambda audio: None
    everywhere: bool = False

    def generator(self, seed: int | None) -> None:
        """It needs none: its noise is always the same."""

    def convert(self, audio: Audio, settings: AudioSettings, speaker: int, target: int) -> Audio:
        raise NotImplementedError

    def render(
        self,
        ids: Sequence[int],
        speaker: int | None,
        *,
        check: Check,
        generator: None,
        **scales: Unpack[Scales],
    ) -> Rendering:
        frames = np.where(np.arange(len(ids)) % 2, BLANK, SYMBOL)
        spoilt = self.everywhere or self.marker in ids
        if spoilt:
            self.spoil_frames(frames)
        check(frames)
        audio = np.random.default_rng(1).normal(scale=0.05, size=int(frames.sum()) * HOP).astype(np.float32)
        if self.changing:  # half of the symbols hiss, the others rumble, both as loud
            rumbling = np.repeat(np.array(ids) % 4 < 2, frames * HOP)
            audio = np.where(rumbling, np.convolve(audio, np.ones(64) / 8, "same"), np.diff(audio, append=0) * 0.7)
            audio = audio.astype(np.float32)
        if spoilt:
            self.spoil_sound(audio)

        def chunks() -> Iterator[Audio]:
            yield from np.array_split(audio, 3)

        return Rendering(len(audio), frames, lambda: audio, chunks)


@dataclass(frozen=True)
class Parts:
    """Of a voice that reads letters."""

    config: Config
    symbols: str
    speakers: tuple[str, ...] = ()
    lexicon: str | None = None


def steady_voice(**spoiling: Any) -> Voice:
    config = load_config(HOUSE / "configs" / "tiny.toml", ["data.front_end=graphemes"])
    symbols = grapheme_symbols(["abcdefghijklmnopqrstuvwxyz"])
    engine = SteadyEngine(symbols.ids["z"], **spoiling)
    return Voice(Parts(config, symbols.to_json()), engine)


def result_of(text: str | HardText = HARD, **spoiling: Any) -> TextResult:
    hard = HardText("broken", text, True) if isinstance(text, str) else text
    (one,) = evaluate_robustness(steady_voice(**spoiling), seed=1, texts=[hard])
    return one


@cache
def unspoilt() -> TextResult:
    return result_of()


def rules(one: TextResult) -> set[str]:
    return {reason.rule for reason in one.reasons}


def one_sound_fifty_times(frames: Frames) -> None:
    frames[6] *= 50  # "l": ^ _ a _ space _ l


def all_ones(frames: Frames) -> None:
    frames[:] = 1


def three_times_as_slow(frames: Frames) -> None:
    frames *= 3


def a_space_of_two_seconds(frames: Frames) -> None:
    frames[4] = 170


def everything_runs_away(frames: Frames) -> None:
    frames[:] = 500


def silence(audio: Audio) -> None:
    audio *= 1e-4


def a_gap_in_a_word(audio: Audio) -> None:
    audio[25 * 6 * HOP : 31 * 6 * HOP] = 0  # "grazin"


def not_a_number(audio: Audio) -> None:
    audio[1000] = np.nan


def a_clip(audio: Audio) -> None:
    audio *= 30
    np.clip(audio, -1, 1, out=audio)


def an_error(frames: Frames) -> None:
    raise ZeroDivisionError("on purpose")


@pytest.mark.parametrize(
    ("spoiling", "expected"),
    [
        ({"spoil_frames": one_sound_fifty_times}, {"stretched", "speaking rate"}),  # half of the time is one sound's
        ({"spoil_frames": all_ones}, {"rushed", "speaking rate"}),
        ({"spoil_frames": three_times_as_slow}, {"speaking rate"}),
        ({"spoil_frames": a_space_of_two_seconds}, {"long pause"}),
        ({"spoil_frames": everything_runs_away}, {"refused"}),
        ({"spoil_frames": an_error}, {"exception"}),
        ({"spoil_sound": silence}, {"near silent"}),
        ({"spoil_sound": a_gap_in_a_word}, {"silence within"}),
        ({"spoil_sound": not_a_number}, {"not finite"}),
        ({"spoil_sound": a_clip}, {"clipped"}),
    ],
    ids=lambda case: next(iter(case.values())).__name__ if isinstance(case, dict) else "",
)
def test_what_is_broken_is_found_by_its_own_reason(spoiling: dict[str, Any], expected: set[str]) -> None:
    assert unspoilt().outcome == "fine"
    one = result_of(**spoiling)
    assert one.outcome == "wrong"
    assert rules(one) == expected


@pytest.mark.parametrize(
    ("spoiling", "expected"),
    [
        ({"spoil_frames": all_ones}, "speaking rate"),
        ({"spoil_sound": silence}, "near silent"),
        ({"spoil_sound": a_clip}, "clipped"),
    ],
    ids=["all ones", "silence", "clip"],
)
def test_a_voice_that_is_broken_everywhere_does_not_pass_as_usual(spoiling: dict[str, Any], expected: str) -> None:
    assert expected in rules(result_of(**spoiling, everywhere=True))


def test_a_voice_that_always_runs_away_is_evaluated_all_the_same() -> None:
    assert rules(result_of(spoil_frames=everything_runs_away, everywhere=True)) == {"refused"}


@pytest.mark.parametrize("factor", [0.2, 5])
def test_a_repetition_that_is_skipped_or_drawn_out_is_found(factor: float) -> None:
    def third_word(frames: Frames) -> None:
        third = slice(2 + 2 * 8, 2 + 2 * 11)  # of "zoo zoo zoo ...": ^ _ z _ o _ o _ space _
        frames[third] = np.maximum(1, (frames[third] * factor).astype(np.int64))

    text = "zoo zoo zoo zoo zoo zoo"
    assert result_of(text).outcome == "fine"
    assert "repetitions differ" in rules(result_of(text, spoil_frames=third_word))


def test_slow_and_fast_voices_are_held_against_themselves() -> None:
    def half_as_slow_again(frames: Frames) -> None:
        frames[:] = frames * 3 // 2

    slow = result_of(spoil_frames=half_as_slow_again, everywhere=True)
    assert slow.outcome == "fine"
    assert slow.seconds == pytest.approx(1.5 * unspoilt().seconds, rel=0.02)


def test_only_what_cannot_be_spoken_may_be_refused() -> None:
    texts = [
        HardText("punctuation", "?!", False),
        HardText("scripts", "мир", False),
        HardText("nothing", "", False),
        HardText("letters", "мир", True),  # this voice knows none of them
        HardText("left out", "peace is мир", True),
    ]
    outcomes = evaluate_robustness(steady_voice(), seed=1, texts=texts)
    assert [one.outcome for one in outcomes] == ["refused", "refused", "refused", "refused", "fine"]
    assert "there is nothing to speak" in outcomes[0].reasons[0].sentence
    assert "does not know и м р" in outcomes[4].warnings[0]


def test_letters_that_are_known_and_not_spoken_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = steady_voice()
    monkeypatch.setattr(voice.front_end, "portions", lambda text: iter(()))
    (one,) = evaluate_robustness(voice, seed=1, texts=[HARD])
    assert (one.outcome, rules(one)) == ("wrong", {"refused"})


def test_there_are_a_hundred_texts_and_none_twice() -> None:
    texts = hard_texts()
    assert len(texts) == len({text.text for text in texts}) == 100
    long = next(text for text in texts if text.kind == "1 000 words")
    assert len(long.text.split()) == 1000
    unmarked = [text.text for text in texts if text.kind == "no punctuation"]
    assert not set("".join(unmarked)) & set('.,;:!?"')
    assert max(len(text.split()) for text in unmarked) == 120
    assert not any("z" in sentence for sentence in ordinary_sentences("en-us"))  # as the tests here rely on


def test_a_voice_of_random_weights_does_not_speak_and_nothing_that_it_says_is_fine() -> None:
    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])  # at the pace of a reader
    shortest = {text.kind: text for text in sorted(hard_texts(), key=lambda text: -len(text.text))[1:]}
    outcomes = evaluate_robustness(voice, seed=1, texts=list(shortest.values()))
    assert len(outcomes) == 19
    refused = {one.kind for one in outcomes if one.outcome == "refused"}
    assert refused == {"only punctuation", "emoji", "other scripts", "whitespace"}
    assert all(rules(one) == {"no speech"} for one in outcomes if one.outcome == "wrong")  # and no exception
    assert not [one for one in outcomes if one.outcome == "fine"]
    assert json.loads(json.dumps([asdict(one) for one in outcomes]))[-1]["kind"] == outcomes[-1].kind
    told, *table = robustness_table(outcomes).splitlines()
    assert told.startswith("the voice does not speak ordinary sentences either: these results mean nothing (its spec")
    assert len(table) == 19 + 2  # no line for each of its texts


def hum(audio: Audio) -> None:
    audio[:] = audio * 0.1 + 0.1 * np.sin(np.arange(len(audio)) * 2 * np.pi * 86 / 22050)


def recordings(gain: float, count: int = 6) -> list[HeldOutSentence]:
    """Of the same reader as `steady_voice`, with as much change, in level and in time."""
    voice = steady_voice()
    texts = [f"we saw {number} ships by the sea" for number in "abcdefghij"[:count]]
    sounds = [Sound(voice.speak(text) * np.float32(gain), 22050) for text in texts]
    encode = voice.front_end.utterance
    return [HeldOutSentence(text, text, encode(text), None, sound) for text, sound in zip(texts, sounds, strict=True)]


@pytest.mark.parametrize(
    ("spoiling", "recorded", "why"),
    [
        ({"changing": False}, [], "its spectrum changes by"),
        ({"spoil_sound": hum}, [], "it hums one tone"),
        ({"spoil_sound": silence}, recordings(1.0), "it is at"),
        ({"spoil_frames": all_ones}, recordings(1.0), "sounds per second, the recordings"),
        ({"changing": False}, recordings(1.0), "that of the recordings"),
    ],
    ids=["noise", "hum", "silence", "too fast", "noise beside recordings"],
)
def test_a_voice_that_does_not_speak_ordinary_sentences_is_told_why(
    spoiling: dict[str, Any], recorded: list[HeldOutSentence], why: str
) -> None:
    voice = steady_voice(**spoiling, everywhere=True)
    (one,) = evaluate_robustness(voice, seed=1, texts=[HARD], recorded=recorded)
    assert one.outcome == "wrong"
    assert why in next(reason.sentence for reason in one.reasons if reason.rule == "no speech")


def test_a_voice_that_is_like_its_recordings_speaks_and_a_few_recordings_decide_nothing() -> None:
    assert "no speech" not in rules(
        evaluate_robustness(steady_voice(), seed=1, texts=[HARD], recorded=recordings(3.0))[0]
    )
    quiet = steady_voice(spoil_sound=silence, everywhere=True)
    for count, found in ((ENOUGH_RECORDINGS - 1, False), (ENOUGH_RECORDINGS, True)):
        (one,) = evaluate_robustness(quiet, seed=1, texts=[HARD], recorded=recordings(1.0, count))
        assert ("no speech" in rules(one)) == found


def test_a_voice_of_another_alphabet_is_asked_for_the_sentences_of_its_recordings() -> None:
    letters = "абвгд"
    config = load_config(HOUSE / "configs" / "tiny.toml", ["data.front_end=graphemes", "data.language=ru"])
    symbols = grapheme_symbols([letters])
    voice = Voice(Parts(config, symbols.to_json()), SteadyEngine(-1, changing=False))
    text = " ".join(["абв", "где", "да"] * 5)
    sentence = HeldOutSentence(
        "one", text, voice.front_end.utterance(text), None, Sound(np.ones(22050, np.float32), 22050)
    )
    hard = HardText("calm", "вода", True)
    assert "no speech" not in rules(evaluate_robustness(voice, seed=1, texts=[hard])[0])  # nothing is known
    assert "no speech" in rules(evaluate_robustness(voice, seed=1, texts=[hard], recorded=[sentence])[0])


@pytest.mark.parametrize("corpus", ["ljspeech_dev", "onevoice", "multispeaker"])
def test_no_reader_is_taken_for_noise_or_a_tone(corpus: str) -> None:
    files = sorted((SHARED_DATA / corpus / "wavs").glob("*"))[::23]
    if not files:
        pytest.skip(f"real speech is not present: {SHARED_DATA / corpus}")
    for file in files[:12]:
        audio, rate = soundfile.read(file, dtype="float32")
        found = Impression.of(audio, rate, "")
        assert found.change_db > 1.8 * LEAST_CHANGE_DB, file.name
        assert found.voiced_share < TONE_VOICED_SHARE, file.name
        assert found.pitch_cents > 2 * TONE_CENTS, file.name
        quiet = (audio * np.float32(0.01)).astype(np.float32)
        assert Impression.of(quiet, rate, "").change_db == pytest.approx(found.change_db, rel=1e-3)


def test_a_thousand_words_need_no_more_memory_than_a_hundred() -> None:
    voice = steady_voice()
    long = next(text for text in hard_texts() if text.kind == "1 000 words")
    short = HardText("100 words", " ".join(long.text.split()[:100]), True)
    evaluate_robustness(voice, seed=1, texts=[short])  # what is read once and kept
    peaks = []
    for text in (short, long):
        tracemalloc.start()
        (one,) = evaluate_robustness(voice, seed=1, texts=[text])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert one.outcome == "fine"
    assert one.seconds > 300
    assert peaks[1] < 1.2 * peaks[0]


def test_the_table_counts_by_class_and_tells_what_is_wrong() -> None:
    texts = [HARD, HardText("calm", "all is well", True), HardText("marks", "...", False)]
    table = robustness_table(evaluate_robustness(steady_voice(spoil_sound=silence), seed=1, texts=texts)).splitlines()
    cells = [line.split() for line in table]
    assert cells[0] == ["class", "texts", "fine", "refused", "wrong"]
    assert cells[1:5] == [
        ["broken", "1", "0", "0", "1"],
        ["calm", "1", "1", "0", "0"],
        ["marks", "1", "0", "1", "0"],
        ["all", "3", "1", "1", "1"],
    ]
    assert table[5].startswith("broken: 'a lazy breeze over the grazing geese': near silent: a sentence is at")
    assert len(table) == 6
