"""Every command answers --help, --version and a mistake in its arguments before anything slow is imported."""

import ast
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from configs import Config, dump_config, load_config
from tests.test_floors import HOUSE, own_files

if TYPE_CHECKING:
    from tests.clients.exported_voice import Exports

# What the settings need. Whatever else is imported must be worth its time to someone who asks for --help.
LIGHT = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "tomli_w"}
# What speech from a graph needs: the graph, its phonemes, and a file to write.
SPEAKING = {"numpy", "onnx", "onnxruntime", "google", "ml_dtypes", "flatbuffers", "piper", "soundfile", "soxr"}
SPEAKING |= {"_soundfile", "_soundfile_data", "_cffi_backend", "rapidfuzz"}
MOST_MODULES = 320  # of which pydantic and the standard library are nearly all
MOST_MODULES_SPEAKING = 600  # to speak from a graph

# Runs a command as `python -m` does, once for each list of arguments; what it prints ends with what it has imported.
RUN = """
import contextlib, io, json, runpy, sys
name, before, answers = sys.argv[1], set(sys.modules), []
for arguments in json.loads(sys.argv[2]):
    sys.argv = [name, *arguments]
    said, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        try:
            runpy.run_module(name, run_name="__main__", alter_sys=True)
            code = None
        except SystemExit as end:
            code = end.code
    answers.append([code, said.getvalue(), told.getvalue()])
files = {key: getattr(module, "__file__", None) or "" for key, module in sys.modules.items() if key not in before}
others = sorted({key.partition(".")[0] for key, file in files.items() if "site-packages" in file})
print(json.dumps([answers, others, len(sys.modules)]))
"""


@dataclass(frozen=True)
class Answers:
    """What a command said to each list of arguments, and what it imported for that."""

    codes: list[int | None]
    outputs: list[str]
    errors: list[str]
    libraries: set[str]
    modules: int


def commands() -> list[str]:
    """The modules with a `main` that is a command."""
    found = []
    for file in own_files():
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == "main":
                assert [ast.unparse(decorator) for decorator in node.decorator_list] == ["command"], file
                found.append(".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__main__"))
    return found


def run(name: str, *arguments: list[str]) -> Answers:
    """Run a command in one fresh process, once for each list of arguments."""
    command = [sys.executable, "-c", RUN, name, json.dumps(arguments)]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answers, libraries, modules = json.loads(done.stdout)
    codes, outputs, errors = (list(column) for column in zip(*answers, strict=True))
    return Answers(codes, outputs, errors, set(libraries), modules)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run folder with settings and nothing else."""
    config: Config = load_config(HOUSE / "configs" / "tiny.toml", [f"run.dir={tmp_path}"])
    (tmp_path / "config.toml").write_text(dump_config(config), encoding="utf-8")
    return tmp_path


def test_all_commands_are_found() -> None:
    assert {"train", "infer", "data.prepare", "text", "voices.export", "evaluation"} < set(commands())


@pytest.mark.parametrize("name", commands())
def test_help_version_and_a_wrong_option_are_answered_by_few_modules(name: str) -> None:
    answers = run(name, ["--help"], ["--version"], ["--no-such-option"])
    assert answers.codes == [0, 0, 2]
    assert answers.outputs[0].startswith("usage: ")
    stated = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]["version"]
    assert answers.outputs[1] == f"Parlance {stated}\n"
    assert "--no-such-option" in answers.errors[2] or "required" in answers.errors[2]
    assert answers.libraries <= LIGHT
    assert answers.modules < MOST_MODULES


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("train", ["configs/tiny.toml", "data.languag=de"]),
        ("train", ["--resume", "RUN", "data.languag=de"]),
        ("data.prepare", ["RUN", "data.languag=de"]),
        ("data.shards", ["configs/tiny.toml", "data.languag=de", "-o", "RUN"]),
    ],
)
def test_a_mistake_in_a_setting_is_told_by_few_modules(name: str, arguments: list[str], stopped: Path) -> None:
    answers = run(name, [word.replace("RUN", str(stopped)) for word in arguments])
    assert answers.codes == [2]
    assert answers.errors[0].endswith("data.languag is not a setting; the nearest one is data.language\n")
    assert answers.errors[0].startswith("error: ")
    assert answers.libraries <= LIGHT
    assert answers.modules < MOST_MODULES


def test_an_onnx_voice_is_spoken_without_torch(tmp_path: Path, exports: "Exports") -> None:
    graph = exports("vocos").onnx
    wav = tmp_path / "hello.wav"
    answers = run("infer", [str(graph), "Hello.", "-o", str(wav), "--seed", "1"])
    assert answers.codes == [0], answers.errors
    assert wav.stat().st_size > 44
    assert not answers.libraries & {"torch", "torchaudio", "numba", "llvmlite", "librosa", "scipy", "matplotlib"}
    assert answers.libraries <= LIGHT | SPEAKING
    assert answers.modules < MOST_MODULES_SPEAKING


def test_the_help_of_training_names_every_section_and_where_its_settings_are_described() -> None:
    (said,) = run("train", ["--help"]).outputs
    for section in Config.model_fields:
        assert f"  {section}.KEY=VALUE " in said
    assert "configs/schema.py" in said
    assert (HOUSE / "configs" / "schema.py").is_file()
