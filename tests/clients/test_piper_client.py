"""piper-tts, as a library and as a command, says our voices as we say them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from configs.decoders import DECODER_KINDS
from infer import Voice
from tests.clients.exported_voice import CHOIR, DECODERS, SENTENCE, TEXT, ExportedVoice, Exports

piper = pytest.importorskip("piper", reason="piper-tts is not installed")

TOLERANCE = 1e-4
SAMPLE_STEP = 1 / 32767  # piper cuts to 16 bits towards zero


def load(exported: ExportedVoice, **options: Any) -> Any:
    """The voice as piper's library sees it."""
    return piper.PiperVoice.load(exported.onnx, **options)


def without_noise(**settings: Any) -> Any:
    """Settings with which an utterance is the same each time, as loud as the voice itself is."""
    return piper.SynthesisConfig(**{"noise_scale": 0.0, "noise_w_scale": 0.0, "normalize_audio": False, **settings})


def command(exported: ExportedVoice, environment: dict[str, str], file: Path, *arguments: str) -> NDArray[np.float32]:
    """What `piper` writes into a wav, checked for its rate."""
    run = subprocess.run(
        [sys.executable, "-m", "piper", "-m", str(exported.onnx), "-f", str(file), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    audio, rate = soundfile.read(file, dtype="int16")
    assert rate == exported.sample_rate
    scaled: NDArray[np.float32] = (audio / np.float32(32767)).astype(np.float32)
    return scaled


def test_no_family_of_decoders_is_forgotten() -> None:
    assert set(DECODERS) == set(DECODER_KINDS)


@pytest.mark.parametrize("name", [*DECODERS, "trained"])
def test_without_noise_piper_says_what_we_say(exports: Exports, name: str) -> None:
    exported = exports(name)
    chunks = list(load(exported).synthesize(TEXT, without_noise()))
    assert len(chunks) == 3
    for chunk in chunks:
        assert chunk.sample_rate == exported.sample_rate
        ours = exported.say(chunk.phoneme_ids)
        assert len(chunk.audio_float_array) == exported.durations(chunk.phoneme_ids).sum()
        np.testing.assert_allclose(chunk.audio_float_array, ours, atol=exported.tolerance, rtol=0)
    assert [chunk.phoneme_ids for chunk in chunks] == [list(sentence.ids) for sentence in exported.encode(TEXT)]


def test_without_noise_piper_says_what_infer_says_of_the_voice_and_of_its_export(exports: Exports) -> None:
    exported = exports("hifigan")
    theirs = np.concatenate([chunk.audio_float_array for chunk in load(exported).synthesize(TEXT, without_noise())])
    for path in (exported.file, exported.onnx):
        ours = Voice.load(path, "cpu").speak(TEXT, noise_scale=0.0, duration_noise_scale=0.0, pause_seconds=0.0)
        np.testing.assert_allclose(theirs, ours, atol=TOLERANCE, rtol=0)


def test_every_speaker_is_said_by_its_number_and_the_first_by_default(exports: Exports) -> None:
    exported = exports("choir")
    voice = load(exported)
    assert voice.config.speaker_id_map == {name: index for index, name in enumerate(CHOIR)}
    said = []
    for speaker in (*voice.config.speaker_id_map.values(), None):
        (chunk,) = voice.synthesize(SENTENCE, without_noise(speaker_id=speaker))
        ours = exported.say(chunk.phoneme_ids, speaker=speaker or 0)
        np.testing.assert_allclose(chunk.audio_float_array, ours, atol=TOLERANCE, rtol=0)
        said.append(chunk.audio_float_array)
    assert len({audio.tobytes() for audio in said}) == len(CHOIR)


def test_the_length_scale_is_live(exports: Exports) -> None:
    exported = exports("hifigan")
    voice = load(exported)
    samples = []
    for scale in (4.0, 8.0):
        (chunk,) = voice.synthesize(SENTENCE, without_noise(length_scale=scale))
        np.testing.assert_allclose(
            chunk.audio_float_array, exported.say(chunk.phoneme_ids, speed=1 / scale), atol=TOLERANCE, rtol=0
        )
        samples.append(len(chunk.audio_float_array))
    assert samples[1] / samples[0] == pytest.approx(2, rel=0.1)  # durations are rounded up to whole frames


def test_both_noise_scales_are_live(exports: Exports) -> None:
    voice = load(exports("hifigan"))

    def said(**settings: float) -> NDArray[np.float32]:
        (chunk,) = voice.synthesize(SENTENCE, without_noise(**settings))
        return chunk.audio_float_array

    quiet, first, second = said(), said(noise_scale=0.667), said(noise_scale=0.667)
    assert len(quiet) == len(first) == len(second)
    assert not np.allclose(first, quiet, atol=0.01)
    assert not np.allclose(first, second, atol=0.01)
    assert len({len(said(noise_w_scale=2.0)) for _ in range(5)}) > 1


def test_the_files_of_a_voice_say_how_it_likes_to_be_spoken(exports: Exports) -> None:
    exported = exports("choir")
    config, speaking = load(exported).config, exported.voice.config.speaking
    assert config.num_symbols == len(exported.voice.synthesizer.text_encoder.embedding.weight)
    assert config.num_speakers == len(CHOIR)
    assert (config.noise_scale, config.noise_w_scale) == (speaking.noise_scale, speaking.duration_noise_scale)
    assert config.length_scale == 1 / speaking.speed
    assert config.hop_length == exported.voice.config.audio.hop_length
    assert json.loads(Path(f"{exported.onnx}.json").read_text(encoding="utf-8"))["language"]["family"] == "en"


@pytest.mark.parametrize("name", ["hifigan", "vocos"])
@pytest.mark.parametrize("patched", [False, True])
def test_piper_knows_how_long_each_phoneme_lasts(exports: Exports, name: str, patched: bool) -> None:
    exported = exports(name)
    voice = load(exported, include_alignments=patched)
    (chunk,) = voice.synthesize(SENTENCE, without_noise(length_scale=4.0), include_alignments=True)
    durations = exported.durations(chunk.phoneme_ids, speed=1 / 4)
    assert len(set(durations)) > 2
    assert chunk.phoneme_id_samples.tolist() == durations.tolist()
    assert [alignment.phoneme for alignment in chunk.phoneme_alignments] == ["^", *chunk.phonemes, "$"]
    assert sum(alignment.num_samples for alignment in chunk.phoneme_alignments) == len(chunk.audio_float_array)


@pytest.mark.parametrize("name", ["hifigan", "trained"])
def test_the_command_writes_what_we_say(exports: Exports, offline: dict[str, str], tmp_path: Path, name: str) -> None:
    exported = exports(name)
    still = ("--noise-scale", "0", "--noise-w-scale", "0")
    ours = np.concatenate([exported.say(sentence.ids) for sentence in exported.encode(TEXT)])
    theirs = command(exported, offline, tmp_path / "own.wav", *still, "--no-normalize", TEXT)
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE + SAMPLE_STEP, rtol=0)

    # Unless it is told not to, piper makes each sentence as loud as it can be.
    ours = exported.say(exported.encode(SENTENCE)[0].ids)
    theirs = command(exported, offline, tmp_path / "loud.wav", *still, SENTENCE)
    loudest = np.abs(ours).max()
    np.testing.assert_allclose(theirs, ours / loudest, atol=2 * TOLERANCE / loudest + SAMPLE_STEP, rtol=0)


def test_the_command_speaks_as_the_speaker_and_at_the_pace_it_is_told(
    exports: Exports, offline: dict[str, str], tmp_path: Path
) -> None:
    exported = exports("choir")
    ids = exported.encode(SENTENCE)[0].ids
    still = ("--noise-scale", "0", "--noise-w-scale", "0", "--no-normalize")
    theirs = command(exported, offline, tmp_path / "a.wav", *still, "--speaker", "2", "--length-scale", "2", SENTENCE)
    ours = exported.say(ids, speaker=2, speed=0.5)
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE + SAMPLE_STEP, rtol=0)


def test_a_voice_of_letters_is_spelled_by_piper_as_by_us(exports: Exports) -> None:
    exported = exports("letters")
    voice = load(exported)
    assert voice.config.phoneme_type.value == "text"
    (chunk,) = voice.synthesize(SENTENCE, without_noise())
    assert chunk.phoneme_ids == list(exported.encode(SENTENCE)[0].ids)
    np.testing.assert_allclose(chunk.audio_float_array, exported.say(chunk.phoneme_ids), atol=TOLERANCE, rtol=0)
