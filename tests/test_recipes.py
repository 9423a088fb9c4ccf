"""The recipes of CONTRIBUTING.md, each followed to the letter in a copy of the project."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.forked_python import PREPARED
from tests.test_floors import HOUSE, MAY_IMPORT

PAGE = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
FIXTURES = HOUSE / "tests" / "golden" / "version_0_1"
# So that a command imports our modules from its own folder.
WITHOUT_OURS = f"""
import sys
for name in [name for name in sys.modules if name.partition(".")[0] in {sorted(MAY_IMPORT)}]:
    del sys.modules[name]
"""
_BLOCK = re.compile(r"^`([\w/.]+)`:\n\n```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def quick_python(forked: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `python` start at once, with libraries imported and nothing of ours."""
    monkeypatch.setenv("PATH", forked["PATH"])
    monkeypatch.setenv(PREPARED, WITHOUT_OURS)


def blocks(title: str) -> list[tuple[str, str, str]]:
    """File, kind and text of each block of a recipe."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    return _BLOCK.findall(section)


def patched(source: str, diff: str) -> str:
    """A source with every part of a diff applied where its lines stand, which must be one place."""
    for part in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = [(line[:1], line[1:]) for line in part.splitlines(keepends=True)]
        assert {mark for mark, _ in lines} <= {" ", "+", "-"}
        old, new = ("".join(line for mark, line in lines if mark in (" ", own)) for own in "-+")
        assert source.count(old) == 1, f"this stands in {source.count(old)} places:\n{old}"
        source = source.replace(old, new)
    return source


def followed(title: str, folder: Path, *, most_files: int) -> Path:
    """A copy of the project in which a recipe was followed, and which is still well formatted."""
    copy = folder / "copy"
    for room in MAY_IMPORT:
        if (HOUSE / room).is_dir():
            shutil.copytree(HOUSE / room, copy / room)
    for single in (*HOUSE.glob("*.py"), HOUSE / "pyproject.toml"):
        shutil.copy(single, copy)
    steps = blocks(title)
    assert 0 < len({file for file, _, _ in steps}) <= most_files
    for file, kind, text in steps:
        path = copy / file
        assert path.exists() == (kind == "diff"), file
        path.write_text(patched(path.read_text(), text) if kind == "diff" else text)
    ruff = Path(sys.executable).with_name("ruff")
    files = [file for file, _, _ in steps]
    run(copy, str(ruff), "check", "--quiet", "--no-cache", *files)
    run(copy, str(ruff), "format", "--check", "--quiet", "--no-cache", *files)
    return copy


def run(copy: Path, *command: str, text: str | None = None) -> str:
    """What a command prints in the copy."""
    done = subprocess.run(command, cwd=copy, input=text, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def one_step(copy: Path, *overrides: str) -> dict[str, Any]:
    """The metrics of one step of training in the copy, which must be finite."""
    settings = [f"data.root={FIXTURES / 'corpus'}", "run.dir=run", "train.steps=1", "train.spoken_sentences=0"]
    run(copy, "python", "train.py", str(FIXTURES / "run" / "config.toml"), *settings, *overrides)
    lines = [json.loads(line) for line in (copy / "run" / "metrics.jsonl").read_text().splitlines()]
    (line,) = [line for line in lines if line["step"] == 1 and not any(name.startswith("validation") for name in line)]
    assert np.isfinite(list(line.values())).all()
    return line


@pytest.mark.slow
def test_a_loss_takes_three_files_has_a_weight_and_is_reported(tmp_path: Path) -> None:
    copy = followed("A loss", tmp_path, most_files=3)
    line = one_step(copy, "loss.spectral_convergence=2")
    weights = {"mel": 45, "spectral_convergence": 2}
    names = ("mel", "kl", "duration", "adversarial", "feature_matching", "spectral_convergence")
    total = sum(weights.get(name, 1) * line[f"loss/generator/{name}"] for name in names)
    assert line["loss/generator/spectral_convergence"] > 0
    assert line["loss/generator/total"] == pytest.approx(total, rel=1e-5)


@pytest.mark.slow
def test_an_adversarial_objective_takes_one_file_and_one_line(tmp_path: Path) -> None:
    copy = followed("An adversarial objective", tmp_path, most_files=2)
    line = one_step(copy, "loss.adversarial_objective=smoothed")
    assert any(name.startswith("discriminator_accuracy/real/") for name in line)
    code = (
        "import torch; from configs import LossSettings; from losses import build_objective; "
        "game = build_objective(LossSettings(adversarial_objective='smoothed')); "
        "print(game.discriminator_loss([torch.tensor([0.4])], [torch.tensor([0.5])])[0].item())"
    )
    assert float(run(copy, "python", "-c", code)) == pytest.approx(0.25 + 0.25)


@pytest.mark.slow
def test_a_decoder_takes_two_files_and_trains_a_step_and_speaks(tmp_path: Path) -> None:
    copy = followed("A decoder", tmp_path, most_files=2)
    one_step(copy, "decoder.kind=framewise", "decoder.channels=16")
    run(copy, "python", "infer.py", "run", "Seven boats sailed.", "-o", "boats.wav", "--seed", "1")
    assert len(soundfile.read(copy / "boats.wav")[0]) > 1000
    assert "## decoder, framewise" in run(copy, "python", "-m", "configs")


@pytest.mark.slow
def test_a_discriminator_takes_two_files_and_is_in_the_step(tmp_path: Path) -> None:
    copy = followed("A discriminator", tmp_path, most_files=2)
    line = one_step(copy, "discriminator.pre_emphasis=0.97")
    others = {name.removesuffix("period_2") for name in line if name.endswith("/period_2")}
    assert len(others) >= 3
    assert {name.removesuffix("pre_emphasis") for name in line if name.endswith("/pre_emphasis")} == others


def test_a_language_takes_two_files_and_is_read(tmp_path: Path) -> None:
    copy = followed("A language", tmp_path, most_files=2)
    read = run(
        copy,
        *("python", "-m", "text", "--language", "id"),
        text="Harganya Rp 5.000 pada 3 Mei 1998, dsb.\nYang ke-3 kali 12,5 km.\n",
    )
    assert read.splitlines() == [
        "Harganya lima ribu rupiah pada tiga Mei seribu sembilan ratus sembilan puluh delapan, dan sebagainya.",
        "Yang ke tiga kali dua belas koma lima kilometer.",
    ]


def test_a_layout_takes_two_files_and_is_recognised(tmp_path: Path) -> None:
    copy = followed("A corpus layout", tmp_path, most_files=2)
    corpus = tmp_path / "arctic"
    (corpus / "etc").mkdir(parents=True)
    (corpus / "wav").mkdir()
    for name in ("arctic_a0001", "arctic_a0002"):
        soundfile.write(corpus / "wav" / f"{name}.wav", np.zeros(1600), 16000)
    (corpus / "etc" / "txt.done.data").write_text(
        '( arctic_a0001 "Author of the danger trail, Philip Steels, etc." )\n'
        '( arctic_a0002 "Not at this particular case." )\n'
        '( arctic_a0003 "There is no recording of it." )\n'
        "arctic_a0004 without brackets\n"
    )
    code = (
        "import sys; from data.layouts import read_corpus; listing = read_corpus(sys.argv[1]); "
        "print(listing.layout, [(one.id, one.text) for one in listing.recordings], listing.rows)"
    )
    assert run(copy, "python", "-c", code, str(corpus)) == (
        "arctic [('arctic_a0001', 'Author of the danger trail, Philip Steels, etc.'), "
        "('arctic_a0002', 'Not at this particular case.')] 4\n"
    )
    settings = ["run.dir=run", f"data.root={corpus}", "data.format=arctic"]
    code = "import sys; from configs import load_config; print(load_config(None, sys.argv[1:]).data.format)"
    assert run(copy, "python", "-c", code, *settings) == "arctic\n"
