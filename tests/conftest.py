"""What every test shares."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings

from tests.embedded import make_embedded_corpus
from tests.forked_python import end_shared_python, forked_python
from tests.shared_folder import make_shared_folder, remove_shared_folder, shared_folder
from tests.skips import grouped

if TYPE_CHECKING:
    from tests.clients.exported_voice import Exports

# The tensors here are small: on a busy machine a second thread costs far more in waiting than it saves in work.
THREADS = os.environ.get("PARLANCE_TEST_THREADS", "1")
torch.set_num_threads(int(THREADS))
os.environ.setdefault("OMP_NUM_THREADS", THREADS)  # of ONNX Runtime, and of the processes that tests start

# A change is tested with the same examples every time; `HYPOTHESIS_PROFILE=search make test` looks for new ones, twice
# as many.
settings.register_profile("same", derandomize=True, max_examples=50, deadline=None)  # a busy machine fails no test
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure(config: pytest.Config) -> None:
    """Make a folder that all processes of the session share."""
    if not hasattr(config, "workerinput"):
        make_shared_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process that all share, and remove the folder."""
    shared = shared_folder()
    if shared is not None and not hasattr(config, "workerinput"):
        end_shared_python(shared)
        remove_shared_folder()


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """22 clips of the embedded corpus, which no test changes: 20 to train on, in batches of 4."""
    return make_embedded_corpus(tmp_path_factory.mktemp("corpora") / "embedded", clips=22)


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment whose `python` starts at once."""
    with forked_python(tmp_path_factory.mktemp("forked") / "bin") as environment:
        yield environment


@pytest.fixture(scope="session")
def exports(request: pytest.FixtureRequest) -> "Exports":
    """Exported voices by their names, which no test changes; see `tests.clients.exports`."""
    for library in ("onnx", "onnxruntime", "piper"):
        pytest.importorskip(library, reason=f"{library} is not installed, and no voice is exported without it")
    from tests.clients.exports import exports_in  # only where it is asked for: a test of imports counts modules

    shared = shared_folder()
    assert shared is not None
    return exports_in(shared, lambda: request.getfixturevalue("forked"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Let no collection of garbage look through what has been imported, nor copy it in a fork."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the skipped tests need and how to get it."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple | list)]
    if reasons:
        terminalreporter.section("skipped: what they need, and how to get it")
        for line in grouped(reasons):
            terminalreporter.write_line(line)
