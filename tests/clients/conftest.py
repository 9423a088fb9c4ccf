"""Voices of every kind, each made and exported once, when a test first asks for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from configs import dump_config
from tests.clients.exported_voice import CHOIR, HOUSE, ExportedVoice, Exports, tiny_config, write_random_voice
from tests.embedded import make_embedded_corpus
from voices.export.__main__ import write_onnx
from voices.voice_file import load_voice


@pytest.fixture(scope="session")
def offline() -> dict[str, str]:
    """An environment in which a client that asks the network for anything is refused at once."""
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere)
    return {**os.environ, **proxies, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def exports(
    tmp_path_factory: pytest.TempPathFactory, offline: dict[str, str], request: pytest.FixtureRequest
) -> Exports:
    """The export of a voice by its name: a family of decoders, `choir`, `letters` or `trained`."""
    for library in ("onnx", "onnxruntime", "piper"):
        pytest.importorskip(library, reason=f"{library} is not installed, and no voice is exported without it")
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # by the processes of one run
    exported: dict[str, ExportedVoice] = {}

    def export(name: str) -> ExportedVoice:
        if name not in exported:
            made = shared / f"{name}.made"
            with FileLock(f"{made}.lock"):
                if not made.exists():
                    folder = tmp_path_factory.mktemp(name)
                    if name == "trained":
                        _train_and_export(folder, offline | {"PATH": request.getfixturevalue("forked")["PATH"]})
                    else:
                        _draw_and_export(folder, name)
                    made.write_text(str(folder))
            folder = Path(made.read_text())
            file = folder / name / "voice.safetensors"
            exported[name] = ExportedVoice(file, load_voice(file), folder / "export" / f"{name}.onnx")
        return exported[name]

    return export


def _draw_and_export(folder: Path, name: str) -> None:
    decoder = "hifigan" if name in ("choir", "letters") else name
    speakers = CHOIR if name == "choir" else ()
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
