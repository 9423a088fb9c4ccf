"""Durations that nobody speaks are refused before they are decoded; those of untrained voices are not."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from configs import InputError
from infer import Voice
from speaking.engine import check_durations
from speaking.onnx_engine import OnnxEngine
from tests.benchmarks.streaming import TEN_WORDS, random_voice
from tests.clients.exported_voice import write_random_voice
from voices.export.__main__ import write_onnx
from voices.onnx_synthesizer import OnnxSynthesizer
from voices.voice_file import load_voice

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


@pytest.fixture(scope="module")
def runaway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .onnx that asks for as many frames as may be."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("runaway")
    voice = load_voice(write_random_voice(folder / "voice", "hifigan"))
    with torch.no_grad():
        voice.synthesizer.get_parameter("duration_predictor.flow.affine.shift")[0] = -20.0
    return write_onnx(voice, folder, "ours")["float32"]


def as_published(file: Path, folder: Path) -> Path:
    """The same as others write it: nothing of ours in it, and no durations beside the audio."""
    import onnx

    model = onnx.load(str(file))
    del model.metadata_props[:]
    del model.graph.output[1]
    copy = folder / "published.onnx"
    onnx.save(model, str(copy))
    Path(f"{copy}.json").write_bytes(Path(f"{file}.json").read_bytes())
    return copy


@pytest.mark.parametrize("whose", ["ours", "published"])
def test_a_runaway_in_onnx_is_refused_before_any_frame_of_it_is_made(
    runaway: Path, whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxruntime import InferenceSession

    voice = Voice.load(runaway if whose == "ours" else as_published(runaway, tmp_path))
    run, made = InferenceSession.run, dict[str, int]()

    def watched(session: InferenceSession, names: list[str], feeds: dict[str, Any]) -> list[Any]:
        values: list[Any] = run(session, names, feeds)
        made.update(zip(names, (value.size for value in values), strict=True))
        return values

    monkeypatch.setattr(InferenceSession, "run", watched)
    with pytest.raises(InputError, match=r"would take \d+ s to say 'The early bird catches the worm"):
        voice.speak(TEN_WORDS, speed=0.5, seed=1)
    assert made
    assert "output" not in made
    assert max(made.values()) < 100_000  # with a value for each of its frames there would be millions


@pytest.mark.parametrize("frames", [np.inf, np.nan, 1e30])
def test_what_is_no_number_of_frames_is_refused_too(frames: float) -> None:
    class Run:
        def __init__(self, ids: Any) -> None:
            self.ids = ids

        def durations(self) -> Any:
            return np.full(self.ids.shape, frames, np.float32)

        def outputs(self) -> dict[str, Any]:
            raise AssertionError("the durations were believed")

    class Broken:
        inputs, outputs = ("input",), ("output", "durations")

        def start(self, feeds: dict[str, Any], *_: object) -> Run:
            return Run(feeds["input"])

    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])
    voice.engine = OnnxEngine(OnnxSynthesizer(Broken(), 256))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="for one sound"):
        voice.speak(TEN_WORDS)


def test_the_rule_holds_for_what_was_asked_and_not_for_what_the_speed_makes_of_it() -> None:
    voice = random_voice(HOUSE / "configs" / "tiny.toml", [])
    (said,) = voice.say(TEN_WORDS, seed=1, speed=0.05)
    assert said.samples / voice.sample_rate > 30
