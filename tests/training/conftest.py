"""The corpus of the runs that are stopped, changed and broken here."""

from pathlib import Path

import pytest

from tests.embedded import make_embedded_corpus


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 clips of the embedded corpus, which no test changes: 10 to train on, in batches of 2; more.csv lists 14."""
    root = make_embedded_corpus(tmp_path_factory.mktemp("corpora") / "embedded", clips=14)
    rows = (root / "metadata.csv").read_text().splitlines(keepends=True)
    (root / "metadata.csv").rename(root / "more.csv")
    (root / "metadata.csv").write_text("".join(rows[:12]))
    return root
