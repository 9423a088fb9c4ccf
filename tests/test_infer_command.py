"""A voice speaks on the command line: to files, streams and batches, and every mistake is one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs import InputError
from infer import Voice, main
from speaking.command_line import read_arguments
from speaking.engine import Silence
from speaking.options import choose_engine
from tests.one_sentence import one_sentence
from tests.random_run import make_voice

HOUSE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def choir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_voice(tmp_path_factory.mktemp("choir"), ("ann", "bob"))


def infer(*arguments: str, text: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `python infer.py ...` as a user does."""
    command = [env["PYTHON_EXEC"], "infer.py", *arguments]
    return subprocess.run(command, cwd=HOUSE, input=text, capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize("asked", ["1", "BOB"])
def test_who_was_taken_is_told_once_however_many_lines_are_spoken(
    choir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], asked: str
) -> None:
    (tmp_path / "lines.txt").write_text("Hello.\nThere.\nAgain.", encoding="utf-8")
    batch = ["--batch", str(tmp_path / "lines.txt"), "--out-dir", str(tmp_path), "--jobs", "1"]
    for arguments in (["Hello. There. Again.", "-o", str(tmp_path / "speech.wav")], batch):
        monkeypatch.setattr(sys, "argv", ["infer.py", str(choir), *arguments, "--speaker", asked])
        assert main() == 0
        errors = capfd.readouterr().err
        assert errors.count("is taken") == errors.count("warning: ") == 1
        assert "bob" in errors


def test_a_converted_recording_goes_where_speech_goes(
    choir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    recording, file = tmp_path / "ann.wav", tmp_path / "bob.wav"
    soundfile.write(recording, np.random.default_rng(1).normal(scale=0.1, size=8000), 22050, subtype="PCM_16")
    asked = (choir, "--source", recording, "--source-speaker", "ann", "--speaker", "bob", "--rate", 16000)
    assert speak(monkeypatch, *asked, "-o", file) == 0
    assert capsysbinary.readouterr().out == f"{file}: 0.36 s at 16000 Hz\n".encode()
    assert speak(monkeypatch, *asked, "-o", "-") == 0
    audio, rate = soundfile.read(file, dtype="int16")
    assert rate == 16000
    assert np.array_equal(np.frombuffer(capsysbinary.readouterr().out, "<i2"), audio)


def test_text_comes_from_the_argument_a_file_or_standard_input(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked: dict[str, str]
) -> None:
    (tmp_path / "text.txt").write_text("Hello there.\n")
    wavs = [tmp_path / f"{name}.wav" for name in ("argument", "file", "input")]
    options = ["--seed", "1", "--speed", "2"]
    monkeypatch.setattr("sys.argv", ["infer.py", str(run), "Hello there.", "-o", str(wavs[0]), *options])
    assert main() == 0
    file = ["--file", str(tmp_path / "text.txt")]
    monkeypatch.setattr("sys.argv", ["infer.py", str(run), *file, "-o", str(wavs[1]), *options])
    assert main() == 0
    done = infer(str(run), "-o", str(wavs[2]), *options, text="Hello there.\n", env=forked)
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
        (("voice.safetensors", "--engine", "onnx"), "--engine onnx: voice.safetensors is no .onnx: make one of it"),
        (("a.onnx", "--engine", "onnx", "--device", "cuda"), "--engine onnx runs on the CPU: leave --device cuda out"),
    ],
)
def test_an_engine_that_cannot_run_the_voice_is_refused_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.setattr("sys.argv", ["infer.py", *arguments, "--", "Hello."])
    with pytest.raises(InputError) as refused:
        read_arguments()
    assert str(refused.value).startswith(told)
    asked = {
        ("a.onnx", "auto"): "onnx",
        ("a.onnx", "cpu"): "onnx",
        ("a.onnx", "cuda:1"): "torch",
        ("a", "cpu"): "torch",
    }
    assert {(path, device): choose_engine("auto", Path(path), device) for path, device in asked} == asked
    with pytest.raises(InputError, match="engine 'tpu': there is no such engine; they are auto, torch, onnx"):
        Voice.load(Path(__file__), engine="tpu")


def speak(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command here, in this process."""
    monkeypatch.setattr("sys.argv", ["infer.py", *map(str, arguments)])
    return main()


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_the_breaks_of_a_document_are_bounded_in_all_and_are_never_held_at_once(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stream: tuple[str, ...],
) -> None:
    def document(breaks: int) -> str:
        return "<speak>One." + '<break time="60s"/>' * breaks + "</speak>"

    file = tmp_path / "a.wav"
    assert speak(monkeypatch, run, document(4000), "-o", file, *stream) == 2
    error = capsys.readouterr().err
    assert "240000 s of silence in all, more than 3600 s" in error
    assert "speaking.longest_silence_seconds" in error
    assert not file.exists()
    assert speak(monkeypatch, run, document(3), "-o", file, "--longest-silence", 179, *stream) == 2
    whole = Silence.whole
    monkeypatch.setattr(Silence, "whole", lambda self: pytest.fail(f"{whole} of {self.samples} samples"))
    assert speak(monkeypatch, run, document(3), "-o", file, "--longest-silence", 180, *stream) == 0
    assert soundfile.info(file).duration > 180


@pytest.mark.parametrize("stream", [(), ("--stream",)])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_the_file_is_of_the_kind_and_rate_that_is_asked_for(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, stream: tuple[str, ...]
) -> None:
    file = tmp_path / f"a.{suffix}"
    asked = ("--seed", 1, "--speed", 0.5, "--rate", 16000, "-o", file, "--timestamps", "tsv")
    assert speak(monkeypatch, run, "Hello there. Good.", *asked, *stream) == 0
    audio, rate = soundfile.read(file)
    assert rate == 16000
    seconds = len(Voice.load(run).speak("Hello there. Good.", seed=1, speed=0.5)) / 22050
    assert len(audio) / rate == pytest.approx(seconds, abs=1e-3)
    last = (tmp_path / "a.tsv").read_text().splitlines()[-1].split("\t")
    assert float(last[1]) == pytest.approx(seconds)
    assert last[2:] == ["phoneme", "$"]


def test_samples_stream_to_standard_output_and_all_else_to_standard_error(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert speak(monkeypatch, run, "Hello there.", "--seed", 1, "--stream", "-o", "-") == 0
    output, errors = capsysbinary.readouterr()
    assert errors == b"16-bit little-endian mono at 22050 Hz\n"
    expected = Voice.load(run).speak("Hello there.", seed=1)
    assert np.abs(np.frombuffer(output, "<i2") / 32768 - expected).max() <= 1.5 / 32768
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert speak(monkeypatch, run, "Hello there.", "-o", "-") == 2
    output, errors = capsysbinary.readouterr()
    assert (output, errors[:40]) == (b"", b"error: standard output is a terminal: pi")


def test_phonemes_are_printed_a_sentence_a_line_and_nothing_is_spoken(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert speak(monkeypatch, run, "Hello there. Good!", "--phonemes") == 0
    assert capsys.readouterr().out == "həlˈoʊ ðˈɛɹ.\nɡˈʊd!\n"
    assert speak(monkeypatch, run, '<speak>Hello <phoneme ph="wˈɜːld">moon</phoneme>.</speak>', "--phonemes") == 0
    assert capsys.readouterr().out == "həlˈoʊ wˈɜːld.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_batch_is_the_same_however_many_speak_and_names_the_lines_that_fail(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("Hello there.\n\nbye|Good bye.\n...\nNo [[☃]] snow.\n")
    asked = ("--batch", lines, "--seed", 7, "--timestamps", "srt", "--format", "flac")
    for jobs in (1, 2):
        assert speak(monkeypatch, run, *asked, "--jobs", jobs, "--out-dir", tmp_path / str(jobs)) == 2
        output, errors = capsys.readouterr()
        assert output.startswith("3 of 4 lines: ")
        assert f"error: {lines}, line 4: there is nothing to speak" in errors
        assert f"warning: {lines}, line 5: this voice does not know ☃" in errors
    files = {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()}
    assert sorted(files) == ["0001.flac", "0001.srt", "0005.flac", "0005.srt", "bye.flac", "bye.srt"]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "2").iterdir()}
    heard, _ = soundfile.read(tmp_path / "1" / "bye.flac", dtype="float32")
    assert np.abs(heard - Voice.load(run).speak("Good bye.", seed=7)).max() <= 1 / 32768


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["RUN", "  "], "there is nothing to speak"),
        (["EMPTY", "Hello."], "there is no voice in it"),
        (["EMPTY/gone", "Hello."], "there is no such file or folder"),
        (["EMPTY/gone.onnx", "Hello."], "gone.onnx: there is no such file"),
        (["RUN", "Hello.", "-o", "EMPTY/gone/a.wav"], "does not exist: create it"),
        (["RUN", "Hello.", "-o", "EMPTY/a.aiff"], ".aiff is no kind of audio that can be written"),
        (["RUN", "Hello.", "-o", "EMPTY/a.wav", "--rate", "7"], "rate = 7 is out of range"),
        (["RUN", "Hello.", "-o", "-", "--rate", "-5"], "rate = -5 is out of range"),
        (["RUN", "Hello.", "-o", "-", "--rate", "0"], "rate = 0 is out of range"),
        (["RUN", "Hello.", "-o", "-", "--rate", "5000000000", "--wav-header"], "rate = 5e+09 is out of range"),
        (["RUN", "Hello.", "--stream", "--rate", "1"], "rate = 1 is out of range"),
        (["RUN", "Hello.", "-o", "-", "--timestamps", "json"], "give --timestamps-file"),
        (
            ["RUN", "Hello.", "-o", "EMPTY/a.wav", "--timestamps-file", "EMPTY/a.txt"],
            "end the name in .json, .srt, .tsv",
        ),
        (["RUN", "Hello.", "--timestamps-file", "EMPTY/gone/a.json"], "a.json: the folder"),
        (["RUN", "<speak>Hello.", "-o", "EMPTY/a.wav"], "SSML"),
        (["RUN", "--batch", "lines.txt"], "--out-dir a folder"),
        (["RUN", "--batch", __file__, "--out-dir", __file__], "test_infer_command.py: cannot be made (File exists)"),
        (["RUN", "--batch", __file__, "--out-dir", "EMPTY", "--rate", "7"], "rate = 7 is out of range"),
        (["RUN", "--batch", __file__, "--out-dir", "EMPTY", "-o", "a.wav"], "--output is not for --batch"),
        (["RUN", "--batch", __file__, "--out-dir", "EMPTY", "--phonemes"], "--phonemes is not for --batch"),
        (
            ["RUN", "--batch", __file__, "--out-dir", "EMPTY", "--timestamps-file", "EMPTY/a.json"],
            "--timestamps-file is not for --batch",
        ),
        (["RUN", "Hello.", "--out-dir", "EMPTY"], "--out-dir is for --batch"),
        (["RUN", "Hello.", "--jobs", "0"], "--jobs is for --batch"),
        (["RUN", "Hello.", "--format", "flac"], "--format is for --batch"),
        (["RUN", "Hello.", "--source-speaker", "ann"], "--source-speaker is for --source"),
        (["RUN", "--batch", __file__, "--out-dir", "EMPTY", "--jobs", "0"], "jobs = 0 is out of range"),
        (["RUN", "Hello.", "--phonemes", "-o", "EMPTY/a.wav"], "--output is not for --phonemes"),
        (["RUN", "Hello.", "--phonemes", "--timestamps", "json"], "--timestamps is not for --phonemes"),
        (["RUN", "Hello.", "--source", "a.wav"], "a text is not for --source"),
        (["RUN", "--source", "a.wav", "--timestamps", "json"], "--timestamps is not for --source"),
        (["RUN", "--source", "a.wav", "--phonemes"], "--phonemes is not for --source"),
        (["RUN", "--source", "a.wav", "--stream"], "--stream is not for --source"),
        (["RUN", "--source", "a.wav", "--seed", "0"], "--seed is not for --source"),
        (["RUN", "Hello.", "--wav-header", "-o", "EMPTY/a.wav"], "--wav-header is for -o -"),
        (["RUN", "--batch", "EMPTY/gone.txt", "--out-dir", "EMPTY"], "gone.txt: cannot be read as UTF-8 text"),
        (["RUN", "--batch", "lines.txt", "--out-dir", "EMPTY", "--speaker", "ann"], "no speaker 'ann'"),
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
    assert told in one_sentence(main(), capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["RUN", "Hello there.", "--phonemes", "--seed", "1"],
        ["RUN", "--phonemes", "--seed", "1", "Hello there."],
        ["--seed", "1", "RUN", "--phonemes", "Hello there."],
    ],
)
def test_the_text_stands_before_or_behind_the_options(
    run: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["infer.py", *(str(run) if word == "RUN" else word for word in arguments)])
    assert main() == 0
    assert capsys.readouterr().out == "həlˈoʊ ðˈɛɹ.\n"


@pytest.mark.parametrize("beginning", ["<speak>", '\n <speak version="1.1">', '<?xml version="1.0"?>\n<speak>'])
def test_ssml_is_known_by_its_beginning(
    run: Path, beginning: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["infer.py", str(run), f"{beginning}Hello there.</speak>", "--phonemes"])
    assert main() == 0
    assert capsys.readouterr().out == "həlˈoʊ ðˈɛɹ.\n"
