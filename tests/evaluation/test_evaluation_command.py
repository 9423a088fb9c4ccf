"""The evaluation command on small voices of random weights: what it evaluates, and what it prints."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from configs import Config, DataSettings, InputError
from data.corpus import Corpus
from data.spectrogram import LinearSpectrogram
from evaluation import scoring
from evaluation.__main__ import main
from evaluation.held_out import hold_out
from evaluation.metric import MetricSection
from evaluation.parts import RECONSTRUCTION, SPEECH, by_recogniser, by_transcriber
from evaluation.rendition import HeldOutSentence
from evaluation.robustness import RobustnessFault, TextResult
from evaluation.subject import Subject, load_subject
from evaluation.table import write_json
from infer import Voice
from metrics.spectra import Audio, mel_distance
from speaking.torch_engine import TorchEngine
from tests.evaluation.conftest import SENTENCES, VALIDATION, write_run
from training.recogniser import phonemes_said
from voices.importing.sources import load_voice_from

ASR_MODULES = {
    "asr_no_disk": "raise OSError('libfoo.so is missing')",
    "asr_no_python": "def f(:",
    "asr_exits": "raise SystemExit(1)",
    "asr_fails": "def raises(audio, rate): raise RuntimeError('no GPU here')\ndef silent(audio, rate): pass",
    "asr_stumbles": "heard = []\ndef at_first(audio, rate): heard.append(rate); assert len(heard) > 1; return 'so'",
}

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Runs `python -m evaluation` and reads what it wrote."""
    # Its network listens for a second to every sentence; test_evaluation_scoring.py has it.
    monkeypatch.setattr("evaluation.subject.missing", lambda: {"dnsmos": "not wanted here"})

    def run_command(*arguments: str | Path, name: str = "found.json", recogniser: object = None) -> dict[str, Any]:
        options = ["--device", "cpu", "-o", str(tmp_path / name)]
        options += ["--no-recogniser"] * (recogniser is None)
        monkeypatch.setattr("evaluation.held_out.train_or_load", recogniser)
        monkeypatch.setattr("sys.argv", ["evaluation", *map(str, arguments), *options])
        assert main() == 0
        found: dict[str, Any] = json.loads((tmp_path / name).read_text())
        return found

    return run_command


def values(found: dict[str, Any], name: str, voice: int = 0) -> dict[str, float]:
    (row,) = [row for row in found["voices"][voice]["rows"] if row["name"] == name]
    kept: dict[str, float] = row["values"]
    return kept


def recording(corpus: Path, name: str) -> Audio:
    audio, _ = soundfile.read(corpus / "wavs" / f"{name}.wav", dtype="float32")
    whole: Audio = audio[: len(audio) // 256 * 256]
    return whole


def test_the_figures_are_those_of_the_measures_taken_by_hand(
    run: Path, corpus: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluate(run, "--sentences", "2")
    whole = load_voice_from(run / "checkpoints" / "00000007.pt").voice.synthesizer
    linear = LinearSpectrogram(n_fft=1024, window_length=1024, hop_length=256)
    by_hand = {}
    for sentence in found["sentences"]:
        recorded = recording(corpus, sentence["id"])
        spectrogram = linear(torch.from_numpy(recorded)[None])
        copied = whole.reconstruct(spectrogram, torch.tensor([spectrogram.shape[2]]))[0, 0].numpy()
        by_hand[sentence["id"]] = mel_distance(recorded, copied, 22050)
    assert values(found, "mel distance") == pytest.approx(by_hand, abs=1e-12)
    row = next(row for row in found["voices"][0]["rows"] if row["name"] == "mel distance")
    assert row["interval"]["mean"] == pytest.approx(np.mean(list(by_hand.values())))
    assert found["voices"][0]["step"] == 7
    assert {row["note"] for row in found["voices"][0]["rows"]} == {"", "not wanted here"}
    printed = capsys.readouterr().out
    assert f"↓ mel distance, nats {row['interval']['mean']:.2f} [" in " ".join(printed.split())
    assert f"2 sentences of {corpus}" in printed


def test_the_sha_256_of_the_file_that_was_evaluated_is_written(run: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from tests.voices.export.exported import SHALLOW, small_voice
    from tests.voices.random_voice import small_config
    from voices.export.__main__ import write_onnx

    graph = write_onnx(small_voice(small_config(model=SHALLOW)), tmp_path, "reader")["float32"]
    model = onnx.load(str(graph))
    own = {entry.key: entry.value for entry in model.metadata_props}
    stated = own.pop("parlance_sha256")
    assert scoring.evaluate(load_subject(graph, device="cpu", seed=1), [], []).sha256 == stated
    del own["parlance_sealed"]  # as a graph that another program wrote
    onnx.helper.set_model_props(model, own)
    graph.write_bytes(model.SerializeToString())
    voice = run / "voice.safetensors"
    for path in (graph, voice):
        result = scoring.evaluate(load_subject(path, device="cpu", seed=1), [], [])
        write_json(tmp_path / "found.json", [], [result])
        found = json.loads((tmp_path / "found.json").read_text())
        assert found["voices"][0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert scoring.evaluate(load_subject(run, device="cpu", seed=1), [], []).sha256 is None


def test_a_seed_gives_the_same_table_to_the_bit_and_another_other_speech_and_the_same_copies(
    run: Path, tmp_path: Path, evaluate: Evaluate
) -> None:
    evaluate(run, "--sentences", "1", "--seed", "3", name="first.json")
    first = evaluate(run, "--sentences", "1", "--seed", "3", name="second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()
    other = evaluate(run, "--sentences", "1", "--seed", "4")
    assert values(first, "mel distance") == values(other, "mel distance")
    assert values(first, "mel-cepstral distortion") != values(other, "mel-cepstral distortion")


def test_what_is_no_sound_is_told_of_each_sentence_and_measured_of_none(run: Path) -> None:
    subject = load_subject(run, device="cpu", seed=1)
    assert isinstance(subject.voice.engine, TorchEngine)
    next(subject.voice.engine.synthesizer.decoder.parameters()).fill_(math.nan)
    metrics = (RECONSTRUCTION.metrics[1], SPEECH.metrics[0])
    sentences = hold_out(subject.voice, subject.voice.config.data, 2)
    found = scoring.evaluate(subject, sentences, (MetricSection("both", metrics),))
    assert {failure.reason for failure in found.failures} == {
        "the generated audio has samples that are NaN or infinite"
    }
    assert len({failure.sentence for failure in found.failures}) == 2
    assert [(row.name, row.interval.count) for row in found.rows] == [
        ("mel distance", 0),
        ("mel-cepstral distortion", 0),
    ]


def test_a_sentence_that_one_voice_cannot_be_given_is_left_out_for_both(
    run: Path, tmp_path: Path, corpus: Path, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_run(tmp_path / "other", corpus)

    def without_last(voice: Voice, data: DataSettings, count: int, *, run: Path) -> list[HeldOutSentence]:
        sentences = hold_out(voice, data, count, run=run)
        return sentences[:-1] if voice is others[-1] else sentences

    others: list[Voice] = []

    def load(path: Path, *, device: str, seed: int) -> Subject:
        subject = load_subject(path, device=device, seed=seed)
        others.append(subject.voice)
        return subject

    monkeypatch.setattr("evaluation.__main__.load_subject", load)
    monkeypatch.setattr("evaluation.__main__.hold_out", without_last)
    found = evaluate(run, other, "--sentences", "2")
    assert len(found["sentences"]) == 1
    assert values(found, "mel distance", 0).keys() == values(found, "mel distance", 1).keys()


def test_voices_of_different_sample_rates_are_told_apart_with_a_warning(
    run: Path, tmp_path: Path, corpus: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_run(tmp_path / "other", corpus, "audio.sample_rate=16000")
    found = evaluate(run, other, "--sentences", "1")
    assert "warning: the voices have different sample rates" in capsys.readouterr().err
    assert list(values(found, "STOI", 1)) == list(values(found, "STOI", 0))


def test_two_voices_are_evaluated_on_the_same_sentences_and_compared(
    run: Path, tmp_path: Path, corpus: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_run(tmp_path / "other", corpus, "speaking.speed=0.8")
    found = evaluate(run, other, "--sentences", "2")
    ids = [sentence["id"] for sentence in found["sentences"]]
    assert all(list(values(found, "mel distance", voice)) == ids for voice in (0, 1))
    compared = {one["name"]: one for one in found["comparison"]}
    assert compared["mel distance"]["difference"]["mean"] == 0  # of the same weights
    rates = [np.mean(list(values(found, "speaking rate", voice).values())) for voice in (0, 1)]
    assert rates[1] > 1.5 * rates[0]
    assert "no difference found" in capsys.readouterr().out


def test_phonemes_and_words_that_are_not_heard_are_errors_of_the_voice_or_the_recording(run: Path) -> None:
    subject = load_subject(run, device="cpu", seed=1)
    sentences = hold_out(subject.voice, subject.voice.config.data, 2)
    of_recording = {sentence.recorded.audio.tobytes(): sentence for sentence in sentences}

    def transcribe(audio: Audio, sample_rate: int) -> str:
        sentence = of_recording.get(audio.tobytes())
        return "nothing at all" if sentence is None else sentence.text.upper()

    class Ears:
        def recognise(self, audio: Audio, sample_rate: int) -> list[str]:
            sentence = of_recording.get(audio.tobytes())
            return [] if sentence is None else phonemes_said(sentence.encoded.symbols)

    parts = (by_recogniser(Ears(), sentences), by_transcriber(transcribe, subject.voice.front_end, sentences))
    phonemes, words, characters = scoring.evaluate(subject, sentences, parts).rows
    assert (phonemes.interval.mean, phonemes.recorded_interval.mean) == (100, 0)
    assert (words.interval.mean, words.recorded_interval.mean) == (100, 0)
    assert characters.recorded_interval.mean == 0 < characters.interval.mean


def test_the_recogniser_learns_from_the_other_recordings_and_hears_both_voices(
    run: Path, tmp_path: Path, corpus: Path, evaluate: Evaluate
) -> None:
    learned: list[str] = []

    class Deaf:
        def recognise(self, audio: Audio, sample_rate: int) -> list[str]:
            return []

    def train_or_load(corpus: Corpus, config: Config) -> Deaf:
        learned.extend(clip.id for clip in corpus.train)
        return Deaf()

    other = write_run(tmp_path / "other", corpus)
    found = evaluate(run, other, "--sentences", "1", recogniser=train_or_load)
    assert len(learned) == len(SENTENCES) - VALIDATION
    assert found["sentences"][0]["id"] not in learned
    assert [list(values(found, "phoneme error rate", voice).values()) for voice in (0, 1)] == [[100], [100]]


def test_where_no_recogniser_can_learn_the_rest_is_evaluated_and_it_is_told(
    run: Path, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    def train_or_load(corpus: Corpus, config: Config) -> None:
        raise InputError("too few recordings")

    found = evaluate(run, "--sentences", "1", recogniser=train_or_load)
    assert values(found, "mel distance")
    assert "warning: no phoneme error rate: too few recordings" in capsys.readouterr().err


def test_hard_texts_are_evaluated_where_they_are_asked_for(
    run: Path, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = TextResult("only marks", "...", "refused", (RobustnessFault("refused", "nothing to speak"),), 0.0, ())
    monkeypatch.setattr("evaluation.__main__.evaluate_robustness", lambda voice, **how: [result])
    found = evaluate(run, "--sentences", "1", "--robustness")
    assert [one["text"] for one in found["voices"][0]["hard_texts"]] == ["..."]
    assert "only marks      1" in capsys.readouterr().out


@pytest.fixture(scope="module")
def unfit_runs(corpus: Path) -> dict[str, Path]:
    """A voice whose recordings are gone, and one of another alphabet."""
    return {
        "moved": write_run(corpus.parent / "moved", corpus, "data.root=/gone/away"),
        "letters": write_run(corpus.parent / "letters", corpus, "data.front_end=graphemes", letters="abcdefg"),
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["{run}", "--data", "nowhere"], "nowhere: there is no such folder of recordings"),
        (["{run}", "--data", "{empty}"], "{empty}: "),
        (["{run}", "--sentences", "0"], "--sentences 0: a voice is evaluated on one or more"),
        (["{run}", "--asr", "nothing"], "--asr nothing: name a module"),
        (["{run}", "--asr", "whisper:/nowhere/here"], "--asr whisper:/nowhere/here: "),
        (["{run}", "--asr", ".:x"], "--asr .:x: name a module"),
        (["{run}", "--asr", "no_such_module:x"], "--asr no_such_module:x: ModuleNotFoundError"),
        (["{run}", "--asr", "asr_no_disk:x"], "--asr asr_no_disk:x: OSError: libfoo.so is missing"),
        (["{run}", "--asr", "asr_no_python:x"], "--asr asr_no_python:x: SyntaxError"),
        (["{run}", "--asr", "asr_exits:x"], "--asr asr_exits:x: SystemExit: 1"),
        (["{run}", "--asr", "asr_fails:raises"], "--asr asr_fails:raises: RuntimeError: no GPU here"),
        (["{run}", "--asr", "asr_fails:silent"], "--asr asr_fails:silent: returned None, which is no text"),
        (["{run}", "{run}"], "{run} is the same voice as {run}"),
        (["{run}/voice.safetensors", "{run}"], "{run} is the same voice as {run}/voice.safetensors"),
        (["{run}", "-o", "{empty}"], "{empty}: is a folder: name a file in it"),
        (["{run}", "-o", "/proc/found.json"], "/proc/found.json: cannot be written"),
        (["{moved}"], "the recordings of this voice are not at /gone/away: say where they are with --data FOLDER"),
        (["{letters}"], "the voice does not know"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    run: Path,
    unfit_runs: dict[str, Path],
    tmp_path: Path,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"run": run, "empty": tmp_path / "empty", **unfit_runs}
    places["empty"].mkdir()
    for name, content in ASR_MODULES.items():
        (tmp_path / f"{name}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("evaluation.held_out.train_or_load", None)  # whatever is wrong is told before the long work
    monkeypatch.setattr("sys.argv", ["evaluation", *(argument.format(**places) for argument in arguments)])
    assert main() == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ")
    assert told.format(**places) in error
    assert len(error.splitlines()) == 1


def test_an_asr_that_fails_at_its_first_recording_is_asked_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: a single recording that was too long for it ended the evaluation before it began."""
    monkeypatch.setattr("evaluation.subject.missing", lambda: {"dnsmos": "not wanted here"})
    (tmp_path / "asr_stumbles.py").write_text(ASR_MODULES["asr_stumbles"])
    monkeypatch.syspath_prepend(tmp_path)
    asked = ["--sentences", "2", "--no-recogniser", "--asr", "asr_stumbles:at_first", "-o", str(tmp_path / "out.json")]
    monkeypatch.setattr("sys.argv", ["evaluation", str(run), *asked])
    assert main() == 0
    assert (tmp_path / "out.json").exists()
