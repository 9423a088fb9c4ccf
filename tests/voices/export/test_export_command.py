"""`python -m voices.export`: what it writes, what it proves, and every mistake as one sentence."""

import json
import sys
from pathlib import Path

import onnx
import pytest
import torch

from models.synthesizer import Synthesizer
from tests.clients.exported_voice import Exports
from tests.models.decoders.test_decoders import config_of
from tests.one_sentence import one_sentence
from tests.voices.export.exported import SHALLOW, small_voice
from tests.voices.random_voice import small_config
from voices.export import __main__ as command
from voices.export import clients, contract, graph
from voices.export.clients import Trial
from voices.export.command_line import name_of
from voices.export.comparison import Case, TorchComparison
from voices.export.contract import Contract, as_text
from voices.export.digest import digest
from voices.voice_file import VoiceFile, load_voice, save_voice

HOUSE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a small voice."""
    return write_voice(tmp_path_factory.mktemp("runs") / "reader", small_voice(small_config(model=SHALLOW)))


def write_voice(folder: Path, voice: VoiceFile) -> Path:
    save_voice(
        folder / "voice.safetensors", voice.synthesizer, voice.config, symbols=voice.symbols, speakers=(), step=1
    )
    return folder


def export(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["voices.export", *map(str, arguments)])
    return command.main()


def test_all_that_was_asked_for_is_written_and_proved(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(monkeypatch, run, "-o", tmp_path, "--int8", "--fp16", "--quick") == 0
    forms = ["reader", "reader.int8", "reader.fp16"]
    files = {f"{form}.onnx{ending}" for form in forms for ending in ("", ".json")}
    assert {path.name for path in tmp_path.iterdir()} == files | {"tokens.txt", "reader.contract.json"}
    models = [onnx.load(str(tmp_path / f"{form}.onnx")) for form in forms]
    for model in models:
        assert {prop.key: prop.value for prop in model.metadata_props}["comment"] == "piper"
    contract = json.loads((tmp_path / "reader.contract.json").read_text())
    assert contract["broken"] is None
    assert len(contract["comparisons"]) >= 10
    assert set(contract["likenesses"]) == {"int8", "float16"}
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'reader.int8.onnx'}\n" in printed
    assert "61 ids, noise 0.667, length 2, duration noise 0.8" in printed


def test_a_graph_that_says_something_else_is_exit_code_one_and_the_case_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = graph.trace_graph

    def tampered(synthesizer: Synthesizer) -> onnx.ModelProto:
        with torch.no_grad():
            weight = synthesizer.get_parameter("decoder.output.weight")
            weight.mul_(1.01)
            model = honest(synthesizer)
            weight.div_(1.01)
        return model

    monkeypatch.setattr(graph, "trace_graph", tampered)
    assert export(monkeypatch, run / "voice.safetensors", "-o", tmp_path, "--name", "other", "--quick") == 1
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "ONNX Runtime and torch differ" in errors
    assert "samples differ by" in errors
    assert (tmp_path / "other.onnx").exists()
    assert json.loads((tmp_path / "other.contract.json").read_text())["broken"] in errors


@pytest.mark.parametrize(
    ("comparison", "trial", "told"),
    [
        (TorchComparison(Case(), 1.0, 0.0), Trial("piper-tts 1", "fails: no", failed=True), "piper-tts 1 fails: no"),
        (TorchComparison(Case(), 1.0, 0.0, 3), Trial("a", "b"), "3 durations differ"),
        (TorchComparison(Case(), 1.0, float("nan")), Trial("a", "b"), "samples differ by nan"),
        (TorchComparison(Case(), not_compared="not compared: why"), Trial("a", "b"), "nothing could be compared"),
        (TorchComparison(Case(), 1.0, 9e-5), Trial("a", "not tried: why"), None),
    ],
)
def test_a_contract_is_broken_by_what_does_not_hold(
    comparison: TorchComparison, trial: Trial, told: str | None
) -> None:
    contract = Contract([comparison], {}, [], [trial], [])
    assert (contract.broken is None) == (told is None)
    assert told is None or told in str(contract.broken)
    assert f"{trial.client}: {trial.outcome}" in as_text(contract)


def test_a_client_that_never_answers_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sherpa_onnx")
    pytest.importorskip("piper")
    monkeypatch.setattr(clients, "_SHERPA", "import time; time.sleep(60)")
    monkeypatch.setattr(clients, "_SECONDS", 0.1)
    monkeypatch.setattr(clients, "_try_piper", lambda *_: Trial("piper-tts", "not tried"))
    _, trial = clients.try_clients(small_voice(), tmp_path / "voice.onnx")
    assert trial.failed
    assert trial.outcome == "fails: no audio after 0.1 s"


def test_a_client_that_says_something_else_has_failed(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("piper")
    voice, path = load_voice(exports("hifigan").file), exports("hifigan").onnx
    monkeypatch.setattr(clients, "_try_sherpa", lambda *_: Trial("sherpa-onnx", "not tried"))
    same, _ = clients.try_clients(voice, path)
    assert not same.failed
    with torch.no_grad():
        voice.synthesizer.get_parameter("decoder.output.weight").mul_(1.1)
    other, _ = clients.try_clients(voice, path)
    assert other.failed
    assert "from torch" in other.outcome


def test_a_client_whose_durations_are_others_has_failed_and_one_on_an_edge_has_not(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("piper")
    voice, path = load_voice(exports("hifigan").file), exports("hifigan").onnx
    monkeypatch.setattr(clients, "_try_sherpa", lambda *_: Trial("sherpa-onnx", "not tried"))
    shift = voice.synthesizer.get_parameter("duration_predictor.flow.affine.shift")
    with torch.no_grad():
        shift.sub_(0.5)
    other, _ = clients.try_clients(voice, path)
    assert other.failed
    assert "without noise durations differ: " in other.outcome
    monkeypatch.setattr(clients, "NUDGE", 0.9)  # as if every duration lay on an edge
    edge, _ = clients.try_clients(voice, path)
    assert not edge.failed
    assert "not compared: a duration is close to a rounding edge" in edge.outcome


def test_the_time_is_measured_of_a_voice_whose_durations_lie_on_an_edge(tmp_path: Path) -> None:
    voice = small_voice()
    with torch.no_grad():  # as a new one begins: one frame for each id, but for the last digit
        for parameter in voice.synthesizer.duration_predictor.parameters():
            parameter.zero_()
    costs = contract.measure_costs(voice, command.write_onnx(voice, tmp_path, "new"))
    assert [one.form for one in costs] == ["torch", "ONNX, as it is written", "ONNX, float32, optimised"]


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (Case(), "61 ids, noise 0.667, length 1, duration noise 0.8"),
        (Case(speakers=(0, 0)), "61 ids, noise 0.667, length 1, duration noise 0.8, two sentences at once"),
        (Case(speakers=(0, 2)), "61 ids, noise 0.667, length 1, duration noise 0.8, speakers 0 and 2"),
        (Case(speakers=(2,)), "61 ids, noise 0.667, length 1, duration noise 0.8, speaker 2"),
    ],
)
def test_a_case_says_what_is_asked(case: Case, told: str) -> None:
    assert str(case) == told


def test_the_files_are_called_as_the_run_or_the_file() -> None:
    assert name_of(Path("runs/reader/voice.safetensors")) == "reader"
    assert name_of(Path("G_1000.pth")) == "G_1000"
    assert name_of(HOUSE / "configs") == "configs"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere", "-o", "out"], "nowhere: there is no such file or folder"),
        (["RUN", "-o", "out", "--name", "a/b"], "give a name that can be a file's"),
        (["RUN", "-o", "out", "--name", ".."], "give a name that can be a file's"),
        (["RUN", "-o", "RUN/voice.safetensors"], "cannot be written"),
        (["RUN", "-o", "out", "--lexicon-words", "absent.txt"], "absent.txt: cannot be read as UTF-8 text"),
    ],
)
def test_every_mistake_of_an_export_is_one_sentence(
    run: Path,
    tmp_path: Path,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    argv = [word.replace("RUN", str(run)) for word in arguments]
    assert told in one_sentence(export(monkeypatch, *argv), capsys)
    assert not list(tmp_path.iterdir())


def test_what_transformers_cannot_hold_is_told_and_all_else_is_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vocos = write_voice(run.parent / "vocos", small_voice(config_of("vocos")))
    assert export(monkeypatch, vocos, "-o", tmp_path, "--hf", "--quick") == 1
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: {tmp_path / 'vocos'} was not written: decoder.kind = 'vocos': transformers knows")
    assert errors.count("\n") == 1
    written = {"vocos.onnx", "vocos.onnx.json", "vocos.contract.json", "tokens.txt"}
    assert {path.name for path in tmp_path.iterdir()} == written
    assert json.loads((tmp_path / "vocos.contract.json").read_text())["broken"] is None


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["reader", "reader.int8", "reader.fp16"]),
        (
            ["--piper-names", "--name", "my-reader"],
            ["en_US-my_reader-low", "en_US-my_reader_int8-low", "en_US-my_reader_fp16-low"],
        ),
    ],
)
def test_every_graph_is_a_voice_of_its_own_name_to_clients(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], names: list[str]
) -> None:
    assert export(monkeypatch, run, "-o", tmp_path, "--int8", "--fp16", "--quick", *options) == 0
    assert {path.stem for path in tmp_path.glob("*.onnx")} == set(names)
    assert [json.loads((tmp_path / f"{name}.onnx.json").read_text())["dataset"] for name in names] == names
    contract = json.loads((tmp_path / f"{names[0]}.contract.json").read_text())
    assert contract["digests"] == {f"{name}.onnx": digest((tmp_path / f"{name}.onnx").read_bytes()) for name in names}


def test_a_missing_library_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert export(monkeypatch, run, "-o", tmp_path) == 2
    assert "onnx is not installed, and ONNX needs it: pip install" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
