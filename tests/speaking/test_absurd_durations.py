"""Durations that nobody speaks are refused before they are decoded; those of untrained voices are not."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from configs import InputError
from infer import Voice
from speaking.durations import check_durations
from tests.benchmarks.streaming import TEN_WORDS, random_voice

HOUSE = Path(__file__).resolve().parents[2]
FRAME_SECONDS = 256 / 22050


def refusal(seconds: list[float], *, speed: float = 1.0) -> str | None:
    """What is said against a sentence of b's whose ids last so long at speed 1."""
    frames = np.ceil(np.array(seconds) / FRAME_SECONDS / speed).astype(np.int64)
    symbols = (len(seconds) - 3) // 2
    try:
        check_durations(frames, symbols=symbols, frame_seconds=FRAME_SECONDS, speed=speed, text=lambda: "b" * symbols)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("speed", [0.05, 1.0, 20.0])
def test_speech_slow_speech_and_long_silence_are_believed(speed: float) -> None:
    assert refusal([0.05] * 203, speed=speed) is None
    assert refusal([0.2] * 203, speed=speed) is None  # 2.5 symbols a second
    assert refusal([1.2, 0.1, 0.1, 0.3, 1.2], speed=speed) is None  # one sound between silences
    assert refusal([0.0] * 5, speed=speed) is None


@pytest.mark.parametrize("speed", [0.05, 1.0, 5.0])
def test_a_sound_or_a_sentence_that_nobody_could_say_is_refused(speed: float) -> None:
    one_sound = refusal([0.05] * 100 + [4.2] + [0.05] * 102, speed=speed)
    assert one_sound is not None
    assert "for one sound: lower the duration noise scale, try another seed" in one_sound
    whole = refusal([0.5] * 203, speed=speed)
    assert whole is not None
    assert re.match(r"the voice would take \d+ s to say", whole)


@pytest.mark.parametrize("settings", ["tiny", "demo"])
def test_voices_of_random_weights_are_believed(settings: str) -> None:
    # As drawn, a predictor gives exp(0.8 n) frames, n standard normal: far from what is refused.
    voice = random_voice(HOUSE / "configs" / f"{settings}.toml", [])
    said = [next(voice.say(text, seed=seed)) for seed in range(20) for text in ("No.", TEN_WORDS)]
    assert all(0 < one.samples < 20 * voice.sample_rate for one in said)


def test_a_runaway_is_refused_by_its_words_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])
    predictor = voice.engine.synthesizer.duration_predictor  # type: ignore[attr-defined]
    with torch.no_grad():
        predictor.flow.affine.shift[0] = -4.0  # 55 frames for each id
    monkeypatch.setattr(voice.engine.synthesizer.decoder, "forward", None)  # type: ignore[attr-defined]
    for speak in (Voice.speak, Voice.stream):
        with pytest.raises(InputError, match=r"would take \d\d+ s to say 'The early bird catches the worm"):
            list(speak(voice, TEN_WORDS, seed=1))


def test_a_runaway_is_refused_before_it_takes_memory_however_slow_the_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])
    predictor = voice.engine.synthesizer.duration_predictor  # type: ignore[attr-defined]
    with torch.no_grad():
        predictor.flow.affine.shift[0] = -20.0  # as many frames as may be
    monkeypatch.setattr("models.synthesizer._expand_prior", None)  # which would take gigabytes
    with pytest.raises(InputError, match="s to say"):
        voice.speak(TEN_WORDS, speed=0.05)


def test_the_rule_holds_for_what_was_asked_and_not_for_what_the_speed_makes_of_it() -> None:
    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])
    (said,) = voice.say(TEN_WORDS, seed=1, speed=0.05)
    assert said.samples / voice.sample_rate > 30
