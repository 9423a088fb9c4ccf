"""sherpa-onnx says our voices as we say them: 1.13, which makes its own phonemes, and 2, which is given them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.clients.exported_voice import CHOIR, DECODERS, HOUSE, SENTENCE, TEXT, ExportedVoice, Exports
from text import Encoded
from voices.export.sherpa_lexicon import lexicon_words, sherpa_lexicon

Series = Literal["1", "2"]
SERIES: tuple[Series, ...] = ("1", "2")
OLDER = HOUSE / ".venv" / "sherpa-onnx-1.13"  # where make setup puts it
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Said:
    """What a client says of a voice."""

    audios: tuple[NDArray[np.float32], ...]
    sample_rate: int
    speakers: int


def environment(series: Series, offline: dict[str, str]) -> dict[str, str]:
    """One in which sherpa-onnx of this series is imported; skips where there is none."""
    if series == "1" and not OLDER.is_dir():
        pytest.skip(f"sherpa-onnx 1.13 is not installed: {OLDER} (make setup)")
    if series == "2" and find_spec("sherpa_onnx") is None:
        pytest.skip("sherpa-onnx is not installed")
    return {**offline, "PYTHONPATH": str(OLDER)} if series == "1" else offline


def request(series: Series, sentences: Sequence[Encoded], text: str) -> dict[str, Any]:
    """These sentences in the words that this series understands."""
    return {"text": text} if series == "1" else {"tokens": [list(sentence.symbols) for sentence in sentences]}


def say(
    series: Series,
    exported: ExportedVoice,
    utterances: Sequence[dict[str, Any]],
    folder: Path,
    offline: dict[str, str],
    lexicon: Path | None = None,
    **scales: float,
) -> Said:
    """Speak these utterances in a process of this series."""
    job: dict[str, Any] = {
        "model": str(exported.onnx),
        "tokens": str(exported.onnx.parent / "tokens.txt"),
        "scales": {"noise_scale": 0.0, "noise_scale_w": 0.0, **scales},
        "utterances": utterances,
    }
    if lexicon is not None:
        job["lexicon"] = str(lexicon)
    elif series == "1":
        piper = pytest.importorskip("piper.phonemize_espeak", reason="the phonemes come from piper's espeak-ng-data")
        job["data_dir"] = str(piper.ESPEAK_DATA_DIR)
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    script = Path(__file__).with_name("sherpa_speaker.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder / "job.json"), str(folder / "said.npz")],
        env=environment(series, offline),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "said.npz") as said:
        facts = json.loads(str(said["facts"]))
        assert facts["version"].startswith(f"{series}.")
        audios = tuple(said[str(index)] for index in range(len(utterances)))
    return Said(audios, facts["sample_rate"], facts["speakers"])


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", [*DECODERS, "trained"])
def test_without_noise_sherpa_says_what_we_say(
    exports: Exports, offline: dict[str, str], tmp_path: Path, name: str, series: Series
) -> None:
    exported = exports(name)
    sentences = exported.encode(TEXT)
    said = say(series, exported, [request(series, sentences, TEXT)], tmp_path, offline)
    assert (said.sample_rate, said.speakers) == (exported.sample_rate, 1)
    ours = np.concatenate([exported.say(sentence.ids) for sentence in sentences])
    assert len(sentences) == 3
    np.testing.assert_allclose(said.audios[0], ours, atol=exported.tolerance, rtol=0)


@pytest.mark.parametrize("series", SERIES)
def test_every_speaker_at_every_speed_is_said_as_we_say_it(
    exports: Exports, offline: dict[str, str], tmp_path: Path, series: Series
) -> None:
    exported = exports("choir")
    sentences = exported.encode(SENTENCE)
    manners = [(speaker, speed) for speaker in range(len(CHOIR)) for speed in (1.0, 0.5, 0.25)]
    utterances = [
        {**request(series, sentences, SENTENCE), "sid": speaker, "speed": speed} for speaker, speed in manners
    ]
    said = say(series, exported, utterances, tmp_path, offline)
    assert said.speakers == len(CHOIR)
    for audio, (speaker, speed) in zip(said.audios, manners, strict=True):
        ours = exported.say(sentences[0].ids, speaker=speaker, speed=speed)
        np.testing.assert_allclose(audio, ours, atol=TOLERANCE, rtol=0)
    assert len({audio.tobytes() for audio in said.audios}) == len(manners)


@pytest.mark.parametrize("series", SERIES)
def test_sherpa_moves_the_scales_of_a_voice(
    exports: Exports, offline: dict[str, str], tmp_path: Path, series: Series
) -> None:
    exported = exports("hifigan")
    sentences = exported.encode(SENTENCE)
    asked = [request(series, sentences, SENTENCE)] * 2
    (slow, _) = say(series, exported, asked, tmp_path, offline, length_scale=3.0).audios
    np.testing.assert_allclose(slow, exported.say(sentences[0].ids, speed=1 / 3), atol=TOLERANCE, rtol=0)

    quiet = exported.say(sentences[0].ids)
    first, second = say(series, exported, asked, tmp_path, offline, noise_scale=0.667).audios
    assert len(first) == len(second) == len(quiet)
    assert not np.allclose(first, quiet, atol=0.01)
    assert not np.allclose(first, second, atol=0.01)

    rhythms = say(series, exported, asked * 3, tmp_path, offline, noise_scale_w=2.0).audios
    assert len({len(audio) for audio in rhythms}) > 1


def test_the_second_series_takes_code_points_as_it_takes_tokens(
    exports: Exports, offline: dict[str, str], tmp_path: Path
) -> None:
    exported = exports("vocos")
    sentences = exported.encode(TEXT)
    points = [[ord(symbol) for symbol in sentence.symbols] for sentence in sentences]
    utterances = [{"phoneme_codepoints": points}, request("2", sentences, TEXT)]
    by_points, by_tokens = say("2", exported, utterances, tmp_path, offline).audios
    assert len(by_points) > 0
    assert np.array_equal(by_points, by_tokens)


def test_the_espeak_of_the_first_series_knows_no_palatal_mark_and_nothing_else_differs(
    exports: Exports, offline: dict[str, str], tmp_path: Path
) -> None:
    exported = exports("hifigan")
    text = "The early bird is here."
    (sentence,) = exported.encode(text)
    assert "ʲ" in sentence.symbols
    (audio,) = say("1", exported, [{"text": text}], tmp_path, offline).audios
    without = exported.front_end.symbols.encode(symbol for symbol in sentence.symbols if symbol != "ʲ")
    np.testing.assert_allclose(audio, exported.say(without.ids), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("series", SERIES)
def test_a_voice_of_letters_is_spelled_by_sherpa_as_by_us(
    exports: Exports, offline: dict[str, str], tmp_path: Path, series: Series
) -> None:
    exported = exports("letters")
    (sentence,) = exported.encode(SENTENCE)
    (audio,) = say(series, exported, [{"text": SENTENCE}], tmp_path, offline).audios
    ours = exported.say(sentence.ids)
    np.testing.assert_allclose(audio[: len(ours)], ours, atol=TOLERANCE, rtol=0)
    # Behind the last mark it says one more sentence, with nothing in it.
    assert len(audio) - len(ours) == exported.durations([1, 0, 2]).sum()


@pytest.mark.parametrize("series", SERIES)
def test_the_smaller_graphs_are_said_alike_by_sherpa_and_by_piper(
    exports: Exports, offline: dict[str, str], tmp_path: Path, series: Series
) -> None:
    piper = pytest.importorskip("piper", reason="piper-tts is not installed")
    exported = exports("vocos")
    sentences = exported.encode(SENTENCE)
    ours = exported.say(sentences[0].ids)
    settings = piper.SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
    for form in ("int8", "fp16"):
        small = replace(exported, onnx=exported.onnx.with_suffix(f".{form}.onnx"))
        (chunk,) = piper.PiperVoice.load(small.onnx).synthesize(SENTENCE, settings)
        (audio,) = say(series, small, [request(series, sentences, SENTENCE)], tmp_path, offline).audios
        np.testing.assert_allclose(audio, chunk.audio_float_array, atol=TOLERANCE, rtol=0)
        assert len(audio) == pytest.approx(len(ours), rel=0.05)
        assert np.abs(audio).max() == pytest.approx(np.abs(ours).max(), rel=0.2)


@pytest.mark.parametrize("series", SERIES)
def test_plain_text_is_said_by_the_words_of_the_lexicon(
    exports: Exports, offline: dict[str, str], tmp_path: Path, series: Series
) -> None:
    exported = exports("hifigan")
    words = tmp_path / "words.txt"
    words.write_text("The early bird, hello! Don't. " + 100 * "a", encoding="utf-8")
    spelled = replace(exported.voice, lexicon='{"tomato": "[[təmˈɑːtoʊ]]"}')
    lexicon = tmp_path / "lexicon.txt"
    known = lexicon_words(spelled, words)
    assert known == ["bird", "don't", "early", "hello", "the", "tomato"]
    lexicon.write_text(sherpa_lexicon(spelled, known), encoding="utf-8")
    entries = dict(line.split(" ", 1) for line in lexicon.read_text(encoding="utf-8").splitlines())
    assert entries["hello"].split() == list("_".join(("", *"həlˈoʊ", "")))
    assert entries["tomato"].split() == list("_".join(("", *"təmˈɑːtoʊ", "")))

    (audio,) = say(series, exported, [{"text": "Hello tomato"}], tmp_path, offline, lexicon).audios
    ids = json.loads(exported.voice.symbols)
    said = [ids[symbol] for symbol in "həlˈoʊ təmˈɑːtoʊ"]
    ours = exported.say([0, *(index for symbol in said for index in (symbol, 0))])
    np.testing.assert_allclose(audio, ours, atol=TOLERANCE, rtol=0)
