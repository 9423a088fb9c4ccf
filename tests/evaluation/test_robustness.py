"""The robustness set: what is broken on purpose is found, each fault by its own reason, and sound speech is fine."""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pytest
from numpy.typing import NDArray

from configs import Config, load_config
from data.text import grapheme_symbols
from evaluation.robustness import HardText, JudgedText, hard_texts, judge_robustness, robustness_table
from evaluation.robustness.texts import ordinary_sentences
from infer import Voice
from speaking.engine import Audio, Check, Options, Rendering
from tests.benchmarks.streaming import random_voice

HOUSE = Path(__file__).resolve().parents[2]
HOP = 256
SYMBOL, BLANK = 4, 2  # frames: 14 symbols a second
# Only sentences with a z are broken; no ordinary one has any.
HARD = HardText("broken", "a lazy breeze over the grazing geese", True)

Frames = NDArray[np.int64]


@dataclass
class SteadyEngine:
    """Gives every symbol the same time and a steady noise, but spoils sentences with a z, or all."""

    marker: int
    spoil_frames: Callable[[Frames], None] = lambda frames: None
    spoil_sound: Callable[[Audio], None] = lambda audio: None
    everywhere: bool = False

    def render(self, ids: Sequence[int], speaker: int | None, *, check: Check, **options: Unpack[Options]) -> Rendering:
        frames = np.where(np.arange(len(ids)) % 2, BLANK, SYMBOL)
        spoilt = self.everywhere or self.marker in ids
        if spoilt:
            self.spoil_frames(frames)
        check(frames)
        audio = np.random.default_rng(1).normal(scale=0.05, size=int(frames.sum()) * HOP).astype(np.float32)
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


def judged(text: str | HardText = HARD, **spoiling: Any) -> JudgedText:
    hard = HardText("broken", text, True) if isinstance(text, str) else text
    (one,) = judge_robustness(steady_voice(**spoiling), seed=1, texts=[hard])
    return one


def rules(one: JudgedText) -> set[str]:
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
        ({"spoil_frames": one_sound_fifty_times}, {"stretched", "pace"}),  # half of the time is one sound's
        ({"spoil_frames": all_ones}, {"rushed", "pace"}),
        ({"spoil_frames": three_times_as_slow}, {"pace"}),
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
    assert judged().outcome == "fine"
    one = judged(**spoiling)
    assert one.outcome == "wrong"
    assert rules(one) == expected


@pytest.mark.parametrize(
    ("spoiling", "expected"),
    [
        ({"spoil_frames": all_ones}, "pace"),
        ({"spoil_sound": silence}, "near silent"),
        ({"spoil_sound": a_clip}, "clipped"),
    ],
    ids=["all ones", "silence", "clip"],
)
def test_a_voice_that_is_broken_everywhere_does_not_pass_as_usual(spoiling: dict[str, Any], expected: str) -> None:
    assert expected in rules(judged(**spoiling, everywhere=True))


def test_a_voice_that_always_runs_away_is_judged_all_the_same() -> None:
    assert rules(judged(spoil_frames=everything_runs_away, everywhere=True)) == {"refused"}


@pytest.mark.parametrize("factor", [0.2, 5])
def test_a_repetition_that_is_skipped_or_drawn_out_is_found(factor: float) -> None:
    def third_word(frames: Frames) -> None:
        third = slice(2 + 2 * 8, 2 + 2 * 11)  # of "zoo zoo zoo ...": ^ _ z _ o _ o _ space _
        frames[third] = np.maximum(1, (frames[third] * factor).astype(np.int64))

    text = "zoo zoo zoo zoo zoo zoo"
    assert judged(text).outcome == "fine"
    assert "repetitions differ" in rules(judged(text, spoil_frames=third_word))


def test_slow_and_fast_voices_are_held_against_themselves() -> None:
    def half_as_slow_again(frames: Frames) -> None:
        frames[:] = frames * 3 // 2

    slow = judged(spoil_frames=half_as_slow_again, everywhere=True)
    assert slow.outcome == "fine"
    assert slow.seconds == pytest.approx(1.5 * judged().seconds, rel=0.02)


def test_only_what_cannot_be_spoken_may_be_refused() -> None:
    texts = [
        HardText("punctuation", "?!", False),
        HardText("scripts", "мир", False),
        HardText("nothing", "", False),
        HardText("letters", "мир", True),  # this voice knows none of them
        HardText("left out", "peace is мир", True),
    ]
    outcomes = judge_robustness(steady_voice(), seed=1, texts=texts)
    assert [one.outcome for one in outcomes] == ["refused", "refused", "refused", "refused", "fine"]
    assert "there is nothing to speak" in outcomes[0].reasons[0].sentence
    assert "does not know и м р" in outcomes[4].warnings[0]


def test_letters_that_are_known_and_not_spoken_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = steady_voice()
    monkeypatch.setattr(voice.front_end, "portions", lambda text: iter(()))
    (one,) = judge_robustness(voice, seed=1, texts=[HARD])
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


def test_a_real_voice_speaks_every_class_without_an_exception() -> None:
    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])  # at the pace of a reader
    shortest = {text.kind: text for text in sorted(hard_texts(), key=lambda text: -len(text.text))[1:]}
    outcomes = judge_robustness(voice, seed=1, texts=list(shortest.values()))
    assert len(outcomes) == 19
    assert [one for one in outcomes if one.outcome == "wrong"] == []
    refused = {one.kind for one in outcomes if one.outcome == "refused"}
    assert refused == {"only punctuation", "emoji", "other scripts", "whitespace"}
    assert json.loads(json.dumps([asdict(one) for one in outcomes]))[-1]["kind"] == outcomes[-1].kind


def test_a_thousand_words_need_no_more_memory_than_a_hundred() -> None:
    voice = steady_voice()
    long = next(text for text in hard_texts() if text.kind == "1 000 words")
    short = HardText("100 words", " ".join(long.text.split()[:100]), True)
    judge_robustness(voice, seed=1, texts=[short])  # what is read once and kept
    peaks = []
    for text in (short, long):
        tracemalloc.start()
        (one,) = judge_robustness(voice, seed=1, texts=[text])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert one.outcome == "fine"
    assert one.seconds > 300
    assert peaks[1] < 1.2 * peaks[0]


def test_the_table_counts_by_class_and_tells_what_is_wrong() -> None:
    texts = [HARD, HardText("calm", "all is well", True), HardText("marks", "...", False)]
    table = robustness_table(judge_robustness(steady_voice(spoil_sound=silence), seed=1, texts=texts)).splitlines()
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
