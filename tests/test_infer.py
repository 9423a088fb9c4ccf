"""A voice speaks: the same for programs and on the command line, and every mistake is one sentence."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from configs import InputError, load_config
from infer import Voice, main
from models.synthesizer import Synthesizer
from speaking.command_line import read_arguments
from speaking.engine import FIRST_FRAMES, Silence, SpokenSentence
from speaking.options import SpeakOptions
from tests.clients.exported_voice import DECODERS, write_random_voice
from text import piper_symbols
from voices.export.__main__ import write_onnx
from voices.voice_file import load_voice, save_voice

HOUSE = Path(__file__).resolve().parents[1]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}  # as here: another number of threads rounds differently


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
    return subprocess.run(
        command, cwd=HOUSE, input=text, capture_output=True, text=True, timeout=600, check=False, env=ONE_THREAD
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


def words_of(said: SpokenSentence) -> str:
    return " ".join(word.text for word in said.words())


@pytest.mark.parametrize("decoder", DECODERS)
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text("abcdefgho ,.", min_size=1, max_size=60).filter(lambda text: any(map(str.isalpha, text))))
@example(text="Nobody said that it would be easy, but here we are. Good.")
def test_what_is_streamed_is_what_is_spoken(streamed: Callable[[str], Voice], decoder: str, text: str) -> None:
    voice = streamed(decoder)
    chunks = list(voice.stream(text, seed=1, speed=0.5))
    np.testing.assert_allclose(np.concatenate(chunks), voice.speak(text, seed=1, speed=0.5), rtol=0, atol=1e-5)


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


def test_a_voice_in_onnx_is_the_same_voice(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    file = write_random_voice(tmp_path / "voice", "hifigan", speakers=("ann", "bob"))
    ours = Voice.load(file)
    theirs = Voice.load(write_onnx(load_voice(file), tmp_path, "choir")["float32"])
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
    in_torch = Voice.load(tmp_path / "choir.onnx", engine="torch")
    np.testing.assert_allclose(in_torch.speak(text, seed=2, speaker="bob"), timed[0].audio, rtol=0, atol=1e-6)
    assert len(list(in_torch.stream(text, seed=2, speaker="bob"))) > 3  # chunks of sentences
    with pytest.raises(InputError, match=r"has no posterior encoder, which hears the recording \(an \.onnx holds none"):
        in_torch.convert(np.zeros(22050, np.float32), speaker="ann", target="bob")


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
    with pytest.raises(InputError, match="engine 'tpu': there is no such engine; they are auto, torch, onnx"):
        Voice.load(Path(__file__), engine="tpu")


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


@given(st.integers(0, 400_000))
def test_the_chunks_of_a_silence_are_the_silence_and_are_short(samples: int) -> None:
    chunks = list(Silence(samples).chunks())
    assert sum(map(len, chunks)) == samples
    assert all(0 < len(chunk) <= 65_536 and not chunk.any() for chunk in chunks)


def test_markup_that_is_not_spoken_is_told(run: Path) -> None:
    with pytest.warns(UserWarning, match="the text has markup that is not spoken: &amp; <b> </b>"):
        Voice.load(run).speak("<b>Tom</b> &amp; he.", seed=1)


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
        (["RUN", "--batch", __file__, "--out-dir", __file__], "test_infer.py: cannot be made (File exists)"),
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
    assert main() == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert told in errors
    assert errors.count("\n") == 1
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
