"""A small LJSpeech to fetch: what it holds, and the archive of it."""

import bz2
import functools
import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from data.download import Patience
from data.ljspeech import LOCK, NAME, fetch_ljspeech
from tests.data.web_server import Answer, Server

RECORDINGS = 20
HASTE = Patience(timeout_seconds=60, attempts=3, pause_seconds=0)
DONE = {NAME, f"{NAME}.tar.bz2"}
HALF = {f"{NAME}.tar.bz2.part", f"{NAME}.tar.bz2.part.json"}

Tree = dict[str, bytes]
Fetch = Callable[..., Path]


@functools.cache
def small_tree() -> Tree:
    """A small LJSpeech: what the folder must hold in the end."""
    files = {"README": b"a small one\n"}
    rows = [f"LJ001-{number:04d}|Text, {number}|Text, {number}\n" for number in range(RECORDINGS)]
    files["metadata.csv"] = "".join(rows).encode()
    for number in range(RECORDINGS):
        wav = io.BytesIO()
        noise = np.random.default_rng(number).normal(scale=0.1, size=2000)
        soundfile.write(wav, noise, 22050, format="WAV", subtype="PCM_16")
        files[f"wavs/LJ001-{number:04d}.wav"] = wav.getvalue()
    return files


@functools.cache
def small_archive() -> bytes:
    """It as tar.bz2, about 70 kB: more than is read at a time."""
    return packed([*folders(), *(file(f"{NAME}/{name}", content) for name, content in small_tree().items())])


def fetcher(server: Server, folder: Path) -> Fetch:
    """Fetch what the server has into `folder`, after setting the server's script."""

    def run(*script: Answer, wanted: bytes = small_archive(), patience: Patience = HASTE) -> Path:
        server.script[:] = script
        return fetch_ljspeech(folder, url=server.url, sha256=sha256(wanted), recordings=RECORDINGS, patience=patience)

    return run


Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"", **fields: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def folders() -> list[Member]:
    return [file(f"{NAME}/", type=tarfile.DIRTYPE, mode=0o755), file(f"{NAME}/wavs", type=tarfile.DIRTYPE, mode=0)]


def packed(members: Sequence[Member], **options: object) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", **options) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content) if content else None)
    return bz2.compress(plain.getvalue())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents(folder: Path) -> Tree:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOCK}
