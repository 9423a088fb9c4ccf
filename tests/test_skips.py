"""A skip says how to get what it needs, and the table at the end of the tests counts them."""

import ast
import os
from pathlib import Path

import pytest

from tests.shared_folder import SHARED
from tests.skips import NEEDS, grouped, need_of

TESTS = Path(__file__).resolve().parent


def text_of(node: ast.expr | None) -> str:
    """The words of a string, or of the fixed parts of one with values in it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(text_of(part) for part in node.values) if isinstance(node, ast.JoinedStr) else ""


def reasons_in(source: str) -> list[str]:
    """The reason of every skip in a program."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "reason"), None)
        if name == "pytest.importorskip":
            first = text_of(call.args[0]) if call.args else ""
            found.append(text_of(given) or f"could not import {first}")
        elif name in ("pytest.skip", "pytest.mark.skip", "pytest.mark.skipif"):
            found.append(text_of(given) or text_of(call.args[0] if call.args else None))
    return found


def test_every_skip_of_the_tests_says_how_to_get_what_it_needs() -> None:
    reasons = [(path.name, reason) for path in TESTS.rglob("*.py") for reason in reasons_in(path.read_text())]
    assert len(reasons) > 40
    assert [each for each in reasons if need_of(each[1]) is None] == [], "say it in tests/skips.py"


def test_reasons_are_found_however_they_are_written() -> None:
    source = """
@pytest.mark.skipif(True, reason="needs fork")
def test(): pytest.skip(f"real speech is not present: {folder}"); pytest.importorskip("pesq"); other.skip("x")
"""
    assert sorted(reasons_in(source)) == ["could not import pesq", "needs fork", "real speech is not present: "]


def test_skips_are_counted_by_what_they_need_and_one_that_says_nothing_is_told_as_it_is() -> None:
    lines = grouped(["needs pyworld", "pesq is not installed", "needs a CUDA device", "because"])
    assert lines == [
        f"    2 {NEEDS[0].what}: {NEEDS[0].how}",
        f"    1 {NEEDS[2].what}: {NEEDS[2].how}",
        "    1 because",
    ]


def test_the_table_ends_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SHARED, os.environ[SHARED])  # which the inner session sets and removes
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_one(): pytest.skip('needs pyworld')\ndef test_two(): pass"
    )
    assert (
        pytest.main(["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]) == 0
    )
    printed = capsys.readouterr().out
    assert "skipped: what they need, and how to get it" in printed
    assert f"    1 {NEEDS[0].what}: {NEEDS[0].how}\n" in printed
    assert "1 passed, 1 skipped" in printed
