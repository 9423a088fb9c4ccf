"""`python -m voices.importing` writes a voice that speaks, and says what became of every tensor."""

import hashlib
from pathlib import Path

import pytest
import torch

from tests.rounding import assert_same, exactly
from tests.voices.importing.foreign_files import (
    original_audio,
    original_synthesizer,
    some_ids,
    write_original,
    write_piper,
)
from voices.importing.__main__ import main
from voices.voice_file import load_voice


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["importing", *map(str, arguments)])
    return main()


def test_a_checkpoint_becomes_a_voice_and_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = original_synthesizer()
    path = write_original(tmp_path, theirs.state_dict())
    voice = tmp_path / "voice.safetensors"
    assert run(monkeypatch, "--from", path, "-o", voice) == 0
    output = capsys.readouterr().out
    assert f"{path}: original VITS" in output
    assert f"note: the SHA-256 of {path} is {hashlib.sha256(path.read_bytes()).hexdigest()}\n" in output
    counted = [line.split() for line in output.splitlines() if line.startswith(("tensors", "all"))]
    weights = len(load_voice(voice).synthesizer.state_dict())
    assert counted == [["tensors", "copied", "resized", "skipped", "new"], ["all", str(weights), "0", "0", "0"]]
    said = load_voice(voice).synthesizer.speak(some_ids(), torch.tensor([11]), noise_scale=0, duration_noise_scale=0)
    expected, bound = exactly(theirs, lambda exact: original_audio(exact, some_ids()))
    assert_same(said.audio, expected, bound=bound)


def test_every_tensor_is_told_when_asked_for_and_few_examples_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    discriminators = {f"discriminators.{index}.convs.0.bias": torch.zeros(2) for index in range(6)}
    path = write_piper(tmp_path, original_synthesizer(symbols=20, block=2).state_dict(), discriminators=discriminators)
    assert run(monkeypatch, "--from", path, "-o", tmp_path / "voice.safetensors") == 0
    brief = capsys.readouterr().out
    assert brief.count("skipped  model_d") == 4
    assert "skipped  model_d: and 3 more" in brief
    assert run(monkeypatch, "--from", path, "-o", tmp_path / "voice.safetensors", "--tensors") == 0
    full = capsys.readouterr().out
    assert full.count("skipped  model_d") == 6
    assert "copied   text_encoder.embedding.weight [20x16]" in full


def test_mistakes_are_one_sentence_and_exit_code_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, told in (
        (["--from", tmp_path / "x.pth", "-o", tmp_path / "v.safetensors"], "x.pth: there is no such file or folder"),
        (["--from", tmp_path, "-o", tmp_path / "v.onnx"], "give the name of a .safetensors file"),
        (["--from", tmp_path, "-o", tmp_path / "v.safetensors"], "there is no voice in it; give a run folder"),
    ):
        assert run(monkeypatch, *arguments) == 2
        errors = capsys.readouterr().err
        assert told in errors
        assert errors.count("\n") == 1
