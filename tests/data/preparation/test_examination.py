"""One row never ends a corpus: whatever happens at it is its own fault, and the others are prepared."""

import ctypes
import faulthandler
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import data.preparation.prepared_audio
from configs import AudioSettings, DataSettings, InputError
from data.faults import Action, FaultKind
from data.inspection.inspection import inspect
from data.preparation import Preparation, prepare
from data.preparation.processes import STARTS_QUICKLY
from text.front_end import TextFrontEnd
from text.normalise import Reader

CorpusMaker = Callable[..., Path]
EVIL = "The evil row."


def look(root: Path, **own: Any) -> Preparation:
    own = {"front_end": "graphemes", "characters_per_second": (0.1, 99.0), **own}
    return prepare(DataSettings(root=str(root), cache=str(root / "cache"), **own), AudioSettings())


def corpus(make_corpus: CorpusMaker, rows: int = 5) -> Path:
    return make_corpus([f"clip-{number}|{EVIL if number == 2 else 'A good row.'}" for number in range(rows)])


def the_only_loss(preparation: Preparation) -> str:
    (fault,) = preparation.faults
    assert (fault.id, fault.line, fault.kind) == ("clip-2", 3, FaultKind.UNEXAMINED)
    assert fault.action is Action.DROPPED
    assert len(preparation.clips) == preparation.rows - 1
    return fault.detail


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (IndexError("string index out of range"), "IndexError: string index out of range: correct its text"),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum"),
        (MemoryError(), "there is not enough memory for it"),
        (InputError("the text is longer than can be read"), "the text is longer than can be read: correct"),
        (OSError(5, "Input/output error"), "OSError: [Errno 5] Input/output error"),
        (UnicodeEncodeError("utf-8", "\udc80", 0, 1, "surrogates not allowed"), "UnicodeEncodeError"),
        (ValueError("two\nlines " + "x" * 9999), "ValueError: two lines xxx"),
        (AssertionError(), "AssertionError: correct"),
    ],
)
def test_any_exception_of_a_text_is_the_fault_of_its_row(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    utterance = TextFrontEnd.utterance

    def fail(self: TextFrontEnd, text: str) -> object:
        if text == EVIL:
            raise error
        return utterance(self, text)

    monkeypatch.setattr(TextFrontEnd, "utterance", fail)
    detail = the_only_loss(look(corpus(make_corpus)))
    assert told in detail
    assert len(detail) < 300
    assert "\n" not in detail


def test_a_text_that_cannot_be_read_does_not_end_the_search_for_letters(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Reader.read

    def fail(self: Reader, text: str) -> object:
        if text == EVIL:
            raise IndexError("string index out of range")
        return read(self, text)

    monkeypatch.setattr(Reader, "read", fail)
    assert "IndexError" in the_only_loss(look(corpus(make_corpus)))


def evil_audio(root: Path, act: Callable[[], object]) -> Callable[..., object]:
    content = (root / "wavs" / "clip-2.wav").read_bytes()

    def look_at(found: bytes, **arguments: Any) -> object:
        if found == content:
            faulthandler.disable()  # which pytest has enabled, and which would print where it crashed
            act()
        return inspect(found, **arguments)

    return look_at


def test_any_exception_of_a_recording_is_the_fault_of_its_row_and_tried_again(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = corpus(make_corpus)

    def fail() -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(data.preparation.prepared_audio, "inspect", evil_audio(root, fail))
        assert "there is not enough memory" in the_only_loss(look(root))
    assert look(root).faults == ()


@pytest.mark.skipif(not STARTS_QUICKLY, reason="needs processes that start quickly, as forks on Linux")
@pytest.mark.parametrize("rows", [5, 60])
@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: ctypes.string_at(0), "a library crashed on it (SIGSEGV)"),
        (os.abort, "a library crashed on it (SIGABRT)"),
        (lambda: os._exit(3), "a library crashed on it (exit code 3)"),
    ],
)
def test_a_library_that_kills_its_process_costs_one_row(
    make_corpus: CorpusMaker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    rows: int,
    act: Callable[[], object],
    told: str,
) -> None:
    root = corpus(make_corpus, rows)
    monkeypatch.setattr(data.preparation.prepared_audio, "inspect", evil_audio(root, act))
    assert told in the_only_loss(look(root))
    capfd.readouterr()  # what Python says of a crash


@pytest.mark.skipif(not STARTS_QUICKLY, reason="needs processes that start quickly, as forks on Linux")
def test_a_process_that_is_killed_from_outside_ends_it_and_the_row_is_told(
    make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = corpus(make_corpus)
    killing = evil_audio(root, lambda: os.kill(os.getpid(), 9))
    with monkeypatch.context() as patch:
        patch.setattr(data.preparation.prepared_audio, "inspect", killing)
        with pytest.raises(
            InputError, match=r"killed, perhaps for want of memory \(SIGKILL, at .*metadata\.csv line 3, 'clip-2'\)"
        ):
            look(root)
    assert len(look(root).clips) == 5
