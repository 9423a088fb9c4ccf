"""`python -m data.prepare`, as it is used."""

import io
import json
import sys
from pathlib import Path

import pytest

from data.prepare import main
from tests.data.conftest import CorpusMaker

SENTENCE = "The quick brown fox jumps over the lazy dog."
ROWS = [f"clip-{number}|{SENTENCE}" for number in range(3)]


def prepare(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> int:
    settings = [f"data.cache={root / 'cache'}", "data.front_end=graphemes", *arguments]
    monkeypatch.setattr(sys, "argv", ["data.prepare", str(root), *settings])
    return main()


def test_the_report_is_of_the_corpus_as_it_is_now(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_corpus(ROWS)
    found = []
    for rows in (ROWS, [*ROWS, "gone|A text."], ROWS):
        (root / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
        assert prepare(monkeypatch, root) == 0
        report = Path(capsys.readouterr().out.rpartition("report: ")[2].strip())
        found.append([row["id"] for row in json.loads(report.with_suffix(".json").read_text("utf-8"))["rows"]])
    assert found == [[], ["gone"], []]


def test_strict_fails_where_anything_was_found_and_only_there(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_corpus(ROWS)
    assert prepare(monkeypatch, root, "--strict") == 0
    (root / "metadata.csv").write_text("\n".join([*ROWS, "gone|A text."]), encoding="utf-8")
    assert prepare(monkeypatch, root) == 0
    assert prepare(monkeypatch, root, "--strict") == 2


def test_a_terminal_that_cannot_show_a_symbol_still_gets_the_table(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_corpus([*ROWS, f"caf\u00e9|{SENTENCE} \u2603"])
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert prepare(monkeypatch, root) == 0
    terminal.flush()
    assert b"unknown symbols" in terminal.buffer.getvalue()
