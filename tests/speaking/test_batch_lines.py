"""Lines of a batch: their names, and what happens to those that fail."""

import os
import signal
from pathlib import Path

import pytest

from configs import InputError
from speaking.batch import BatchText, SpeakLine, read_batch_file, speak_lines


def lines(folder: Path, text: str) -> list[BatchText]:
    (folder / "lines.txt").write_text(text)
    return read_batch_file(folder / "lines.txt")


def test_a_line_is_named_by_itself_or_by_its_number(tmp_path: Path) -> None:
    assert lines(
        tmp_path, "\ufeffOne.\n\n two_b-1.x | Two | three. \r\n\tFour | five.\n.hidden|Six.\n../up|Seven.\n"
    ) == [
        BatchText(1, "0001", "One."),
        BatchText(3, "two_b-1.x", "Two | three."),
        BatchText(4, "Four", "five."),
        BatchText(5, "0005", ".hidden|Six."),
        BatchText(6, "0006", "../up|Seven."),
    ]


@pytest.mark.parametrize("text", ["a|One.\nb|Two.\nA|Three.\n", "One.\nb|Two.\n\n0001|Three."])
def test_two_lines_for_one_file_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"lines 1 and \d would both make the file"):
        lines(tmp_path, text)


def test_a_file_without_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lines\.txt: has no lines to speak"):
        lines(tmp_path, " \n\n")


def die() -> SpeakLine:
    """A voice that the system kills."""

    def speak_line(line: BatchText) -> float:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0.0

    return speak_line


@pytest.mark.slow
def test_a_process_that_is_killed_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"a process of the batch was killed, .*: take fewer --jobs"):
        list(speak_lines([BatchText(1, "a", "One.")], die, jobs=1))
