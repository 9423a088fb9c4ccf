"""A voice speaks: the same for programs and on the command line, and every mistake is one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from configs import InputError, load_config
from data.text import piper_symbols
from infer import Voice, main
from models import Synthesizer
from models.voice_file import save_voice

HOUSE = Path(__file__).resolve().parents[1]


def make_voice(folder: Path, speakers: tuple[str, ...] = (), *overrides: str) -> Path:
    """A run folder with a voice of random weights."""
    config = load_config(HOUSE / "configs" / "tiny.toml", overrides)
    torch.manual_seed(5)
    symbols = piper_symbols()
    synthesizer = Synthesizer(config, num_symbols=symbols.size, num_speakers=max(1, len(speakers)))
    loud = synthesizer.get_parameter("decoder.output.weight")
    torch.nn.init.normal_(loud, std=0.3)  # so that a difference is heard
    save_voice(folder / "voice.safetensors", synthesizer, config, symbols=symbols.to_json(), speakers=speakers, step=1)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def choir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("choir"), ("ann", "bob"))


def infer(*arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `python infer.py ...` as a user does."""
    command = [sys.executable, "infer.py", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # as here: another number of threads rounds differently
    return subprocess.run(
        command, cwd=HOUSE, input=text, capture_output=True, text=True, timeout=600, check=False, env=environment
    )


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
    sentences = list(voice.sentences(text, seed=3))
    assert len(sentences) == 3
    whole = voice.speak(text, seed=3, pause_seconds=0.5)
    pause = np.zeros(11025, dtype=np.float32)
    assert np.array_equal(whole, np.concatenate([sentences[0], pause, sentences[1], pause, sentences[2]]))


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


def test_text_comes_from_the_argument_a_file_or_standard_input(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.txt").write_text("Hello there.\n")
    wavs = [tmp_path / f"{name}.wav" for name in ("argument", "file", "input")]
    options = ["--seed", "1", "--speed", "2"]
    monkeypatch.setattr("sys.argv", ["infer.py", str(run), "Hello there.", "-o", str(wavs[0]), *options])
    assert main() == 0
    file = ["--file", str(tmp_path / "text.txt")]
    monkeypatch.setattr("sys.argv", ["infer.py", str(run), *file, "-o", str(wavs[1]), *options])
    assert main() == 0
    done = infer(str(run), "-o", str(wavs[2]), *options, text="Hello there.\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{wavs[2]}: ")
    assert wavs[0].read_bytes() == wavs[1].read_bytes() == wavs[2].read_bytes()
    audio, rate = soundfile.read(wavs[0], dtype="float32")
    assert rate == 22050
    expected = Voice.load(run).speak("Hello there.", seed=1, speed=2)
    assert np.abs(audio - expected).max() <= 1 / 32768


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["RUN", "  "], "there is nothing to speak"),
        (["EMPTY", "Hello."], "holds no voice yet"),
        (["EMPTY/gone", "Hello."], "there is no such run folder or voice file"),
        (["RUN", "Hello.", "-o", "EMPTY/gone/a.wav"], "in a folder that exists"),
        (["RUN", "Hello.", "-o", "EMPTY/a.flac"], "give the name of a .wav file"),
        (["RUN", "Hello.", "--pause", "-1"], "pause = -1 is out of range"),
        (["RUN", "Hello.", "--noise-scale", "nan"], "noise scale = nan is out of range"),
        (["RUN", "Hello.", "--seed", "-3"], "seed = -3 is out of range"),
        (["RUN", "Hello.", "--speaker", "ann"], "no speaker 'ann'"),
        (["RUN", "Hello.", "--file", "text.txt"], "give the text or --file, not both"),
        (["RUN", "--file", "EMPTY/text.txt"], "text.txt: cannot be read as UTF-8 text"),
        (["RUN", "--source", "a.wav"], "name --source-speaker"),
    ],
)
def test_every_mistake_is_one_sentence_and_exit_code_two(
    run: Path,
    tmp_path: Path,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"RUN": str(run), "EMPTY": str(tmp_path)}
    argv = [places.get(word, word.replace("EMPTY", str(tmp_path))) for word in arguments]
    monkeypatch.setattr("sys.argv", ["infer.py", *argv])
    assert main() == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert told in errors
    assert errors.count("\n") == 1


def test_a_heading_is_a_sentence_of_its_own(run: Path) -> None:
    assert len(list(Voice.load(run).sentences("Chapter One\n\nIt was dark.", seed=1))) == 2


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e9])
def test_a_speed_that_is_no_speed_is_refused(run: Path, speed: float) -> None:
    with pytest.raises(InputError, match=r"speed = .* is out of range"):
        Voice.load(run).speak("Hello.", speed=speed)


def test_a_device_that_is_not_there_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match=r"the device 'warp' cannot be used"):
        Voice.load(run, device="warp")
