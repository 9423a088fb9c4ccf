"""`python -m data.prepare`, as it is used."""

import csv
import io
import json
import shutil
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


def german_corpus(root: Path, multispeaker: Path) -> Path:
    """The German recordings as a table with semicolons, beside verified/*.flac."""
    lines = (multispeaker / "metadata_nl_de.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if "|kerstin|" in line]
    (root / "verified").mkdir(parents=True)
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Dateiname", "Satz", "Alter"])
        for name, _, text in rows:
            shutil.copy(multispeaker / "wavs" / f"{name}.flac", root / "verified")
            writer.writerow([f"{name}.flac", text, "35"])
    return root


def test_a_german_corpus_of_another_layout_is_prepared_by_its_language_alone(
    multispeaker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = german_corpus(tmp_path / "corpus", multispeaker)
    monkeypatch.chdir(tmp_path)  # where the cache comes to lie
    monkeypatch.setattr(sys, "argv", ["data.prepare", str(root), "data.language=de"])
    assert main() == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "clips 20 (of 20 rows)" in told
    assert "no faults" in told
    assert "with a header: file = Dateiname, text = Satz; not read: Alter" in told
    assert "20 rows name a recording that was found by looking into every folder" in told


def test_the_columns_of_a_table_may_be_named_on_the_command_line(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_corpus([f"clip-{number}|{SENTENCE} One.|{SENTENCE[::-1]}" for number in range(3)])
    assert prepare(monkeypatch, root) == 2
    assert "data.columns.text=2" in capsys.readouterr().err
    assert prepare(monkeypatch, root, "data.columns.text=2", "data.columns.speaker=none") == 0
    report = Path(capsys.readouterr().out.rpartition("report: ")[2].strip())
    assert any(
        "text = column 2; not read: column 3" in line
        for line in json.loads(report.with_suffix(".json").read_text("utf-8"))["observations"]
    )


def test_a_corpus_whose_folder_has_the_longest_name_gets_a_report(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = make_corpus(ROWS).rename(tmp_path_factory.mktemp("long") / ("é" * 120 + "x" * 15))
    assert prepare(monkeypatch, root) == 0
