"""Voices of every kind, each made and exported once in a test session, when a test first asks for it."""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from configs import dump_config
from tests.clients.exported_voice import CHOIR, HOUSE, ExportedVoice, Exports, tiny_config, write_random_voice
from tests.embedded import make_embedded_corpus
from voices.export.__main__ import write_onnx
from voices.voice_file import load_voice

_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
OFFLINE = {**dict.fromkeys(_PROXIES, "http://127.0.0.1:9"), "HF_HUB_OFFLINE": "1"}  # variables of an environment


def exports_in(shared: Path, environment: Callable[[], dict[str, str]]) -> Exports:
    """The export of a voice by its name: a family of decoders, `vocos-choir`, `choir`, `letters` or `trained`.

    Args:
        shared: the folder of all processes of the session.
        environment: of the commands that train a voice.
    """

    @functools.cache
    def export(name: str) -> ExportedVoice:
        made = shared / f"{name}.made"
        with FileLock(f"{made}.lock"):
            if not made.exists():
                folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared))
                if name == "trained":
                    _train_and_export(folder, environment() | OFFLINE)
                else:
                    _draw_and_export(folder, name)
                made.write_text(str(folder))
        folder = Path(made.read_text())
        file = folder / name / "voice.safetensors"
        return ExportedVoice(file, load_voice(file), folder / "export" / f"{name}.onnx")

    return export


def _draw_and_export(folder: Path, name: str) -> None:
    decoder = "hifigan" if name in ("choir", "letters") else name.removesuffix("-choir")
    speakers = CHOIR if name.endswith("choir") else ()
    file = write_random_voice(folder / name, decoder, speakers=speakers, graphemes=name == "letters")
    smaller = name == "vocos"
    write_onnx(load_voice(file), folder / "export", name, int8=smaller, fp16=smaller)


def _train_and_export(folder: Path, environment: dict[str, str]) -> None:
    """A few steps of the tiny experiment on the first clips of the embedded corpus, exported as a user does it."""
    pytest.importorskip("espeakng_loader", reason="the embedded corpus is spoken by espeakng-loader")
    root = make_embedded_corpus(folder / "embedded", clips=22)
    config = tiny_config(
        "hifigan",
        run={"dir": str(folder / "trained")},
        data={"root": str(root), "cache": str(folder / "cache"), "validation_clips": 2},
        train={"steps": 6, "batch_size": 2, "spoken_sentences": 0},
    )
    (folder / "trained.toml").write_text(dump_config(config), encoding="utf-8")
    _command(environment, "train.py", str(folder / "trained.toml"))
    _command(
        environment, "-m", "voices.export", str(folder / "trained"), "-o", str(folder / "export"), "--hf", "--quick"
    )


def _command(environment: dict[str, str], *arguments: str) -> None:
    command = [str(shutil.which("python", path=environment["PATH"])), *arguments]
    run = subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
