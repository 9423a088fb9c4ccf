"""The floors of the house: a file imports only from floors below its own, and never sideways on floor 1."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]

# What each room may import of ours, beside itself.
MAY_IMPORT: dict[str, set[str]] = {
    "configs": set(),
    "text": {"configs"},
    "data": {"configs", "text"},
    "models": {"configs"},
    "losses": {"configs"},
    "metrics": {"configs", "data"},
    "voices": {"configs", "text", "models"},
    "monitoring": {"configs", "data"},
    "training": {"configs", "text", "data", "models", "losses", "metrics", "voices", "monitoring"},
    "train": {"configs", "data", "models", "losses", "voices", "training", "monitoring"},
    "speaking": {"configs", "text", "data", "models", "voices"},
    "infer": {"configs", "text", "data", "models", "voices", "speaking"},
    "evaluation": {
        *{"configs", "text", "data", "models", "losses", "metrics", "voices", "monitoring", "training", "speaking"},
        "infer",
    },
    "serving": {"configs", "text", "data", "voices", "speaking", "infer"},
}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "helpers", "misc", "modules", "core", "base"}


def own_files() -> list[Path]:
    """Every Python file of the project, tests aside."""
    rooms = [HOUSE / room for room in MAY_IMPORT]
    files = [file for room in rooms if room.is_dir() for file in room.rglob("*.py")]
    return [*files, *HOUSE.glob("*.py")]


def imported_rooms(source: str) -> set[str]:
    """The top-level names of ours that a source imports, wherever in it the import stands."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            names.append(node.module or "")
    return {name.partition(".")[0] for name in names} & MAY_IMPORT.keys()


@pytest.mark.parametrize("file", own_files(), ids=lambda file: str(file.relative_to(HOUSE)))
def test_a_file_imports_only_from_floors_below_its_own(file: Path) -> None:
    room = file.relative_to(HOUSE).parts[0].removesuffix(".py")
    assert imported_rooms(file.read_text()) - {room} <= MAY_IMPORT[room]


def test_every_room_is_on_a_floor() -> None:
    rooms = {path.name for path in HOUSE.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    files = {path.stem for path in HOUSE.glob("*.py")}
    assert (rooms | files) - {"tests"} == MAY_IMPORT.keys()


def test_an_import_inside_a_function_is_seen_too() -> None:
    assert imported_rooms("def f():\n    from train import Trainer\n    import data.corpus") == {"train", "data"}


def test_no_name_says_nothing() -> None:
    parts = {part.removesuffix(".py") for file in own_files() for part in file.relative_to(HOUSE).parts}
    assert not parts & NAMES_THAT_SAY_NOTHING


def test_speaking_waits_for_no_compiler_and_for_nothing_that_only_training_needs() -> None:
    """Torch's compiler takes longer to load than all else that a sentence needs."""
    heavy = {"torch._dynamo", "torch._inductor", "tensorboard", "matplotlib", "librosa", "onnxruntime", "training"}
    code = f"import sys, infer; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True).stdout == "[]\n"
