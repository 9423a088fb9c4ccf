"""Corpora to test with: made on the spot, or real speech where it is present."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.ljspeech import NAME
from tests.data.small_ljspeech import Fetch, Tree, fetcher, small_archive, small_tree
from tests.data.web_server import Server, serving

SHARED_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

CorpusMaker = Callable[..., Path]


@pytest.fixture
def make_corpus(tmp_path: Path) -> CorpusMaker:
    """A corpus of noise: `make_corpus(rows, seconds=..., rate=...)` writes metadata.csv and one wav for each id."""

    def make(rows: Sequence[str], seconds: float = 3.0, rate: int = 22050, encoding: str = "utf-8") -> Path:
        (tmp_path / "wavs").mkdir(exist_ok=True)
        (tmp_path / "metadata.csv").write_bytes("\n".join(rows).encode(encoding))
        for index, row in enumerate(rows):
            noise = np.random.default_rng(index).normal(scale=0.1, size=int(seconds * rate))
            soundfile.write(tmp_path / "wavs" / f"{row.split('|')[0]}.wav", noise, rate)
        return tmp_path

    return make


def _shared(path: str) -> Path:
    if not (SHARED_DATA / path).exists():
        pytest.skip(f"real speech is not present: {SHARED_DATA / path}")
    return SHARED_DATA / path


@pytest.fixture
def shared_corpus() -> Callable[[str], Path]:
    """A corpus of real speech by the name of its folder."""
    return _shared


@pytest.fixture
def ljspeech() -> Path:
    """335 clips of LJSpeech."""
    return _shared("ljspeech_dev")


@pytest.fixture
def multispeaker() -> Path:
    """92 clips of six English speakers, as id|speaker|text."""
    return _shared("multispeaker")


@pytest.fixture
def tree() -> Tree:
    """What a small LJSpeech holds."""
    return small_tree()


@pytest.fixture
def archive() -> bytes:
    """It, packed."""
    return small_archive()


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server that misbehaves as it is told."""
    with serving(f"{NAME}.tar.bz2") as listening:
        yield listening


@pytest.fixture
def fetch(server: Server, tmp_path: Path) -> Fetch:
    """Fetches the archive from that server."""
    return fetcher(server, tmp_path)
