"""What version 0.1 wrote is resumed, spoken, imported, drawn and read.

`version_0_1/` is a run of 4 steps on 6 synthetic recordings of two speakers, with the model as small as it goes. Beside
it lies what version 0.1 made of it: the ONNX export; the metrics of three more steps (`resumed.jsonl`) and of a run
warm-started from it with `run.seed=5` (`warm_started.jsonl`); and the sentence `TEXT`, of each speaker, seed 1
(`audio.npz`).
"""

import json
import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest

from configs import load_config
from infer import Voice
from monitoring.__main__ import main as draw
from monitoring.run import read_run
from train import resume, start
from training.interruption import StopRequest
from voices.importing.__main__ import main as import_voice
from voices.importing.warm_start import WarmStart

FIXTURES = Path(__file__).with_name("version_0_1")
TEXT = "Seven boats sailed."
CLOCK = ("seconds", "time/", "throughput/")  # curves that depend on the machine

Points = dict[int, float]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the checkpoint unpacked: `run`, `corpus`, `exported`."""
    folder = tmp_path_factory.mktemp("version_0_1") / "copy"
    shutil.copytree(FIXTURES, folder)
    packed = folder / "run" / "checkpoints" / "00000004.pt.xz"
    packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
    packed.unlink()
    return folder


def curves_of(folder: Path, lines: str | None = None) -> dict[str, Points]:
    """The curves of a run as monitoring reads them, or those of other lines of metrics; without the clock's."""
    if lines is not None:
        folder.mkdir()
        (folder / "metrics.jsonl").write_text(lines)
    return {
        name: dict(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
        for name, curve in read_run(folder).curves.items()
        if not name.startswith(CLOCK)
    }


def same_points(actual: dict[str, Points], expected: dict[str, Points]) -> None:
    """Every expected curve is there, under the name that it has now, with the same values."""
    assert expected.keys() <= actual.keys()
    for name, points in expected.items():
        # Small values are differences of larger ones, such as the text gain of two KL divergences.
        assert {step: actual[name].get(step) for step in points} == pytest.approx(points, rel=1e-6, abs=2e-7), name


def test_a_run_is_resumed_and_has_the_losses_that_version_0_1_had(folder: Path, tmp_path: Path) -> None:
    expected = curves_of(tmp_path / "expected", (FIXTURES / "resumed.jsonl").read_text())
    assert len(expected) > 30
    shutil.copytree(folder / "run", tmp_path / "run")
    places = [f"data.root={folder / 'corpus'}", f"data.cache={tmp_path / 'cache'}"]
    trainer = resume(tmp_path / "run", [*places, "train.steps=7"])
    assert trainer.step == 4
    trainer.train(StopRequest())
    same_points(curves_of(tmp_path / "run"), expected)


def test_its_checkpoint_warm_starts_a_run_with_the_losses_that_version_0_1_had(folder: Path, tmp_path: Path) -> None:
    places = [f"data.root={folder / 'corpus'}", f"data.cache={tmp_path / 'cache'}", f"run.dir={tmp_path / 'run'}"]
    config = load_config(folder / "run" / "config.toml", [*places, "train.steps=1", "run.seed=5"])
    warm = WarmStart.asked(folder / "run" / "checkpoints" / "00000004.pt", None)
    start(config, None, warm).train(StopRequest())
    same_points(
        curves_of(tmp_path / "run"), curves_of(tmp_path / "expected", (FIXTURES / "warm_started.jsonl").read_text())
    )


@pytest.mark.parametrize(
    "voice", ["run", "run/voice.safetensors", "run/checkpoints/00000004.pt", "exported/voice.onnx"]
)
def test_its_voices_speak_as_they_did(folder: Path, voice: str) -> None:
    loaded = Voice.load(folder / voice)
    assert loaded.speakers == ("anna", "ben")
    with np.load(FIXTURES / "audio.npz") as expected:
        for speaker in loaded.speakers:
            audio = loaded.speak(TEXT, speaker=speaker, seed=1)
            assert np.abs(expected[speaker]).max() > 0.05
            np.testing.assert_allclose(audio, expected[speaker], rtol=0, atol=1e-5)


def test_its_checkpoint_is_imported(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, made = folder / "run" / "checkpoints" / "00000004.pt", tmp_path / "voice.safetensors"
    monkeypatch.setattr("sys.argv", ["voices.importing", "--from", str(source), "-o", str(made)])
    assert import_voice() == 0
    with np.load(FIXTURES / "audio.npz") as expected:
        audio = Voice.load(made).speak(TEXT, speaker="ben", seed=1)
        np.testing.assert_allclose(audio, expected["ben"], rtol=0, atol=1e-5)


def test_its_settings_are_read(folder: Path) -> None:
    path = folder / "run" / "config.toml"
    written = path.read_text()
    assert "\nreuse_real_features = false\n" in written
    assert "\nchannels_last = false\n" in written
    config = load_config(path)
    assert (config.run.seed, config.audio.sample_rate, config.train.steps) == (20261127, 8000, 4)


def test_its_metrics_are_drawn_and_diagnosed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {
        name for line in (FIXTURES / "run" / "metrics.jsonl").read_text().splitlines() for name in json.loads(line)
    }
    curves = read_run(folder / "run").curves
    assert len(curves) == len(names - {"step"})  # none is lost, and no two become one
    page = tmp_path / "curves.html"
    monkeypatch.setattr("sys.argv", ["monitoring", str(folder / "run"), "-o", str(page)])
    assert draw() == 0
    assert "problem too_little_data: There are 4 recordings to train on" in capsys.readouterr().out
    drawn = page.read_text()
    assert [name for name in curves if name.startswith(("loss/", "validation/")) and name not in drawn] == []
    assert page.with_suffix(".png").stat().st_size > 10_000
