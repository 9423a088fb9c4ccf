"""Metrics of voices that are as good or as bad as a test wants them, and how two of them are told apart."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from configs import InputError
from data.transcriber import PlugIn
from evaluation.alignment import ALIGNMENT
from evaluation.metric import Better, Metric, MetricRow, MetricSection
from evaluation.objectives.measurement import Measurement, read_evaluation
from evaluation.parts import RECONSTRUCTION, SPEECH, by_speaker, by_transcriber
from evaluation.rendition import HeldOutSentence, Sound
from evaluation.scoring import Evaluation, compare_evaluations, evaluate
from evaluation.subject import Aligned, Subject
from evaluation.table import table, table_of_two, write_json
from infer import Voice
from metrics.perception import missing
from metrics.spectra import Audio, mel_distance
from speaking.engine import SpokenSentence
from tests.benchmarks.streaming import random_voice
from text import Encoded

HOUSE = Path(__file__).resolve().parents[2]
RATE, HOP = 22050, 256
TEXTS = ("one", "two", "three", "four", "five", "six", "seven")
SPOKEN_FRAMES, RECORDED_FRAMES = 3, 5  # of each id

NEARNESS = MetricSection(
    "reconstruction",
    (Metric("nearness", "", "lower", lambda it: mel_distance(it.recorded.audio, it.reconstructed.audio, RATE)),),
)


QUICK = MetricSection(SPEECH.title, tuple(metric for metric in SPEECH.metrics if not metric.needs))


class Echo(Subject):
    """Says every recording as it was, with a little noise on it."""

    def __init__(
        self, voice: Voice, noise: float = 0.0, *, speechless_at: str = "", texts: Sequence[str] = TEXTS, **known: str
    ) -> None:
        super().__init__(f"echo {noise}", voice, step=1, seed=1, **known)
        self.texts = texts
        self.noise, self.speechless_at = noise, speechless_at

    def reconstruct(self, recorded: Audio, speaker: int | None) -> Audio:
        return recorded + self.noise * np.random.default_rng(1).normal(size=len(recorded)).astype(np.float32)

    def render(self, encoded: Encoded, speaker: int | None, *, text: str) -> SpokenSentence:
        if text == self.speechless_at:
            raise InputError("the voice would take 99 s to say it")
        audio, frames = (
            self.reconstruct(buzz(self.texts.index(text)), speaker),
            np.full(len(encoded.ids), SPOKEN_FRAMES),
        )
        return SpokenSentence(len(audio), frames, lambda: audio, lambda: iter([audio]), encoded, lambda: ())

    def align(self, ids: Sequence[int], recorded: Audio, speaker: int | None) -> Aligned:
        frames = np.full(len(ids), RECORDED_FRAMES)
        return Aligned(np.eye(len(ids), dtype=np.float32).repeat(RECORDED_FRAMES, axis=0) * 50, frames)


def buzz(seed: int) -> Audio:
    """What is a voice to a pitch tracker and to PESQ: a buzz that glides and swells, with a little noise."""
    time = np.arange((100 + 5 * seed) * HOP) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * time * (1 + seed % 3))) / RATE
    harmonics = sum(np.sin(phase * number) / number for number in range(1, 20))
    swell = 0.6 - 0.5 * np.cos(2 * np.pi * time * 4)
    noise = np.random.default_rng(seed).normal(scale=0.001, size=len(time))
    return np.asarray(0.1 * harmonics * swell + noise, np.float32)


@cache
def voice() -> Voice:
    return random_voice(HOUSE / "configs" / "tiny.toml", [])


def held_out(count: int) -> list[HeldOutSentence]:
    encode = voice().front_end.utterance
    return [
        HeldOutSentence(text, text, encode(text), None, Sound(buzz(seed), RATE))
        for seed, text in enumerate(TEXTS[:count])
    ]


def means(evaluation: Evaluation) -> dict[str, float]:
    return {row.name: row.interval.mean for row in evaluation.rows}


def test_a_decoder_that_gives_the_recording_back_is_perfect() -> None:
    found = means(evaluate(Echo(voice()), held_out(2), (RECONSTRUCTION,)))
    lost = {"multi-resolution STFT distance", "mel distance", "periodicity error", "F0 RMSE"}
    assert {name: found[name] for name in lost} == dict.fromkeys(lost, 0)
    assert found["voiced/unvoiced F1"] == 1


# The scores that P.862.2 and STOI give to what is the same.
@pytest.mark.parametrize(("library", "name", "best"), [("stoi", "STOI", 1.0), ("pesq", "PESQ", 4.64)])
def test_what_is_the_same_has_the_best_score_of_a_listener_that_is_installed_and_none_of_another(
    library: str, name: str, best: float
) -> None:
    found = evaluate(Echo(voice()), held_out(2), (RECONSTRUCTION,))
    (row,) = (row for row in found.rows if row.name == name)
    if library in missing():
        assert (row.values, row.note) == ({}, missing()[library])
        assert f"without {name}: {missing()[library]}" in table(found)
    else:
        assert row.interval.mean == pytest.approx(best, abs=0.01 if best > 1 else 1e-4)


def test_speech_that_is_the_recording_differs_in_the_durations_it_claims_alone() -> None:
    found = evaluate(Echo(voice()), held_out(1), (SPEECH,))
    value = means(found)
    assert {value[name] for name in ("mel-cepstral distortion", "log-F0 RMSE", "duration error per sentence")} == {0}
    for row in found.rows:
        if row.recorded:
            assert row.values == row.recorded, row.name
    assert "".join(held_out(1)[0].encoded.symbols) == "wˌʌn"  # three sounds, of 2, 4 and 2 ids
    frames = (RECORDED_FRAMES - SPOKEN_FRAMES) * (2 + 4 + 2) / 3
    assert value["duration error per phoneme"] == pytest.approx(frames * HOP / RATE * 1000)


def test_a_voice_without_posterior_encoder_is_evaluated_by_its_speech_and_the_rest_is_told() -> None:
    found = evaluate(Echo(voice(), no_posterior="it cannot listen"), held_out(1), (RECONSTRUCTION, SPEECH, ALIGNMENT))
    left_out = {row.name for row in found.rows if row.note == "it cannot listen"}
    expected = {metric.name for part in (RECONSTRUCTION, ALIGNMENT) for metric in part.metrics}
    assert left_out == expected | {"duration error per phoneme"}
    assert all(row.interval.count == 1 for row in found.rows if not row.note)
    told = "without reconstruction, duration error per phoneme, alignment: it cannot listen"
    assert told in table(found)


def test_a_library_that_is_not_installed_costs_its_own_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.subject.missing", lambda: {"pesq": "pesq not installed: pip install pesq"})
    found = evaluate(Echo(voice()), held_out(1), (RECONSTRUCTION,))
    assert [row.name for row in found.rows if row.note] == ["PESQ"]
    assert "without PESQ: pesq not installed: pip install pesq" in table(found)
    assert "STOI" in table(found)


def test_a_sentence_that_fails_is_named_and_the_others_are_evaluated() -> None:
    found = evaluate(Echo(voice(), speechless_at="two"), held_out(3), (QUICK, ALIGNMENT))
    assert [(failure.sentence, failure.reason) for failure in found.failures] == [
        ("two", "the voice would take 99 s to say it")
    ]
    assert {row.interval.count for row in found.rows if row.part == SPEECH.title} == {2}
    assert {row.interval.count for row in found.rows if row.part == ALIGNMENT.title} == {3}
    assert "1 sentence failed\n  two: the voice would take 99 s" in table(found)


def test_the_worse_of_two_voices_is_found_and_a_voice_is_as_good_as_itself() -> None:
    sentences = held_out(7)
    good, bad = (evaluate(Echo(voice(), noise), sentences, (NEARNESS,)) for noise in (0.001, 0.003))
    (forth,), (back,), (same,) = (
        compare_evaluations(good, bad),
        compare_evaluations(bad, good),
        compare_evaluations(good, good),
    )
    assert (forth.winner, back.winner, same.winner) == ("first", "second", None)
    by_hand = [bad.rows[0].values[text] - good.rows[0].values[text] for text in TEXTS]
    assert forth.difference.mean == pytest.approx(np.mean(by_hand))
    assert forth.difference.mean == -back.difference.mean
    assert 0 < forth.difference.low < forth.difference.mean < forth.difference.high
    lines = table_of_two(good, bad, [forth]).splitlines()
    assert next(line for line in lines if "nearness" in line).endswith("echo 0.001")


def test_what_few_sentences_cannot_tell_is_said() -> None:
    narrow, blind = "the intervals are too narrow", "no difference can be found"
    for count, expected in ((5, {narrow, blind}), (6, {narrow})):
        good, bad = (evaluate(Echo(voice(), noise), held_out(count), (NEARNESS,)) for noise in (0.001, 0.003))
        compared = compare_evaluations(good, bad)
        told = table_of_two(good, bad, compared)
        assert {one for one in (narrow, blind) if one in told} == expected
        assert compared[0].winner == (None if blind in expected else "first")
        assert narrow in table(good)
        assert blind not in table(good)


def test_two_voices_are_compared_on_the_sentences_that_both_could_say() -> None:
    first = evaluate(Echo(voice(), 0.001, speechless_at="two"), held_out(7), (QUICK,))
    second = evaluate(Echo(voice(), 0.003, speechless_at="five"), held_out(7), (QUICK,))
    counts = {one.name: one.difference.count for one in compare_evaluations(first, second)}
    assert set(counts.values()) == {5}


def test_where_the_recording_is_the_aim_the_nearer_voice_is_better() -> None:
    def loud(gain: float) -> MetricSection:
        def level(sound: Sound) -> float:
            return sound.level.loudness_lufs

        metric = Metric(
            "level", "LU", "recorded", lambda it: level(it.reconstructed) + gain, lambda it: level(it.recorded)
        )
        return MetricSection("level", (metric,))

    sentences = held_out(7)
    louder, quieter = (evaluate(Echo(voice()), sentences, (loud(gain),)) for gain in (3.0, -1.0))
    (found,) = compare_evaluations(louder, quieter)
    assert found.winner == "second"
    assert found.difference.mean == pytest.approx(-2)


def aligning(name: str, coverage: float, repeated: float) -> Evaluation:
    """A voice with these metrics of an alignment, a little different from sentence to sentence."""

    def row(metric: str, better: Better, mean: float) -> MetricRow:
        return MetricRow(ALIGNMENT.title, metric, "%", better, {text: mean + n for n, text in enumerate(TEXTS, -3)}, {})

    rows = (row("monotonic coverage", "higher", coverage), row("phonemes repeated", "lower", repeated))
    return Evaluation(name, 1, rows, ())


def _uneven(row: MetricRow) -> MetricRow:
    """The same, a little less on the whole, here more and there less."""
    values = {text: value + (1 if n % 2 else -2) for n, (text, value) in enumerate(row.values.items())}
    return replace(row, values=values)


def test_a_voice_that_has_not_aligned_is_never_the_better_one_for_repeating_nothing() -> None:
    good, poor, untrained = aligning("good", 90, 5), aligning("poor", 30, 60), aligning("untrained", 0, 2)
    assert [one.winner for one in compare_evaluations(good, poor)] == ["first", "first"]
    assert [one.winner for one in compare_evaluations(poor, untrained)] == ["first", None]
    assert [one.winner for one in compare_evaluations(untrained, poor)] == ["second", None]
    assert [one.winner for one in compare_evaluations(untrained, aligning("other", -1, 40))] == [None, None]
    # Who hears less has less to repeat.
    less = compare_evaluations(poor, aligning("little", 10, 20))
    assert [(one.winner, one.withheld) for one in less] == [("first", False), (None, True)]
    assert "neither: see coverage" in table_of_two(poor, aligning("little", 10, 20), less)
    # Where neither surely hears less, who repeats less is the better one.
    steadier = compare_evaluations(good, aligning("steadier", 90, 1))
    assert [(one.winner, one.withheld) for one in steadier] == [(None, False), ("second", False)]
    nearly = replace(aligning("nearly", 90, 1), rows=(_uneven(good.rows[0]), aligning("nearly", 90, 1).rows[1]))
    assert [one.winner for one in compare_evaluations(good, nearly)] == [None, "second"]
    assert "untrained: its alignment is no better than chance" in table(untrained)
    assert "no better than chance" not in table(poor)


def test_one_sentence_has_no_intervals_and_that_is_what_is_said() -> None:
    told = table(evaluate(Echo(voice(), 0.001), held_out(1), (NEARNESS,)))
    assert "there are no intervals" in told
    assert "too narrow" not in told
    assert "[" not in told.splitlines()[3]


def test_a_speaker_is_compared_with_the_other_recordings_of_the_same_speaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: unit vectors at these angles, of whose means the direction is the mean angle."""
    sentences = [replace(one, speaker=n == 4) for n, one in enumerate(held_out(5))]
    angles = {
        len(one.recorded.audio): np.deg2rad(angle) for one, angle in zip(sentences, (0, 20, 40, 60, 5), strict=True)
    }

    def embed(audio: Audio, sample_rate: int) -> np.ndarray:
        return np.array([np.cos(angles[len(audio)]), np.sin(angles[len(audio)])], np.float32)

    monkeypatch.setattr("evaluation.rendition.speaker_embedding", embed)
    monkeypatch.setattr("evaluation.subject.missing", dict)
    (row,) = evaluate(Echo(voice(), 0.001), sentences, (by_speaker(sentences),)).rows
    assert row.values["one"] == pytest.approx(np.cos(np.deg2rad(40)))
    assert row.recorded["one"] == row.values["one"]
    others = [replace(one, speaker=n) for n, one in enumerate(sentences)]  # as another voice numbers its speakers
    assert evaluate(Echo(voice(), 0.001), others, (by_speaker(sentences),)).rows[0].values == pytest.approx(
        row.values, nan_ok=True
    )
    assert np.isnan(row.values["five"])  # the only one of the other speaker
    monkeypatch.setattr("evaluation.subject.missing", lambda: {"speaker encoder": "resemblyzer is not installed"})
    (row,) = evaluate(Echo(voice()), sentences, (by_speaker(sentences),)).rows
    assert (row.note, row.values) == ("resemblyzer is not installed", {})


def test_words_and_characters_are_counted_as_another_library_counts_them() -> None:
    """Oracle: torchmetrics, of texts written by hand as they are read."""
    from torchmetrics.functional.text import char_error_rate, word_error_rate

    sentences = [
        replace(one, text=text)
        for one, text in zip(
            held_out(3), ("He paid 7 dollars, Mr. Smith.", "It’s twenty-one!", "Nobody came home."), strict=True
        )
    ]
    heard = ("he paid seven dollar mister smith", "It's 21", "No body game home at all")
    said = ("he paid seven dollars mr smith", "it's twenty one", "nobody came home")
    read = ("he paid seven dollar mr smith", "it's twenty one", "no body game home at all")
    calls: list[int] = []

    def transcribe(audio: Audio, sample_rate: int) -> str:
        calls.append(len(audio))
        return heard[[len(one.recorded.audio) for one in sentences].index(len(audio))]

    front_end = voice().front_end
    found = evaluate(
        Echo(voice(), texts=[one.text for one in sentences]),
        sentences,
        (by_transcriber(transcribe, front_end, sentences),),
    )
    for row, oracle in zip(found.rows, (word_error_rate, char_error_rate), strict=True):
        expected = [100 * float(oracle([one], [other])) for one, other in zip(read, said, strict=True)]
        assert list(row.recorded.values()) == pytest.approx(expected)
        assert list(row.values.values()) == pytest.approx(expected)
        together = 100 * float(oracle(list(read), list(said)))
        assert (row.interval.mean, row.recorded_interval.mean) == pytest.approx((together, together))
        assert abs(together - np.mean(expected)) > 1  # the sentences differ in length
    assert len(calls) == 6  # once for each recording and each sentence of the voice, whatever is counted


def test_a_study_measures_again_what_another_asr_understood(tmp_path: Path) -> None:
    sentences = held_out(1)
    subject, study = Echo(voice()), object.__new__(Measurement)
    study.sentences, study.parts = sentences, [by_transcriber(lambda *_: "one", voice().front_end, sentences)]
    write_json(tmp_path / "kept", sentences, [evaluate(subject, sentences, study.parts, asr="whisper")])
    kept = read_evaluation(tmp_path / "kept")
    assert kept is not None
    for study.asr, same in (("whisper", True), ("whisper:small.en", False), (None, False)):
        assert study._is_of(kept, subject) is same


def test_a_listener_that_fails_at_a_sentence_costs_that_sentence_alone() -> None:
    sentences = held_out(3)
    at_two = sentences[1].recorded.audio

    def transcribe(audio: Audio, sample_rate: int) -> object:
        if len(audio) == len(at_two):
            raise RuntimeError("out of\nmemory")
        return None if len(audio) > len(at_two) else "one"

    words = by_transcriber(PlugIn("--asr ears:hear", transcribe), voice().front_end, sentences)
    found = evaluate(Echo(voice()), sentences, (NEARNESS, words))
    assert [(failure.sentence, failure.reason) for failure in found.failures] == [
        ("two", "--asr ears:hear: RuntimeError: out of memory"),
        ("three", "--asr ears:hear: returned None, which is no text"),
    ]
    nearness, errors, _ = found.rows
    assert nearness.interval.count == 3
    assert (errors.interval.count, errors.recorded_interval.count) == (1, 1)
    assert errors.values["one"] == errors.recorded["one"] == 0
