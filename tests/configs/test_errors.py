"""A user's mistake is one sentence and exit code 2; our own mistake keeps its traceback."""

import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from configs import InputError, command
from configs.errors import in_one_line, refusing_os_errors


def test_an_input_error_becomes_one_sentence_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    @command
    def main() -> int:
        raise InputError("wavs/a.wav: has 44100 samples per second, not 22050")

    assert main() == 2
    captured = capsys.readouterr()
    assert captured.err == "error: wavs/a.wav: has 44100 samples per second, not 22050\n"
    assert captured.out == ""


def test_a_warning_becomes_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    @command
    def main() -> int:
        warnings.warn("recordings at 16000 Hz are resampled", stacklevel=1)
        return 0

    assert main() == 0
    assert capsys.readouterr().err == "warning: recordings at 16000 Hz are resampled\n"


def test_any_other_error_is_ours_and_is_not_hidden() -> None:
    @command
    def main() -> int:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        main()


def test_a_command_keeps_its_exit_code_and_its_name() -> None:
    @command
    def main() -> int:
        """Help of the command."""
        return 7

    assert main() == 7
    assert main.__name__ == "main"
    assert main.__doc__ == "Help of the command."


def test_an_input_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="wrong"):
        raise InputError("wrong")


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    code = "from configs import command; command(lambda: [print('line') for _ in range(100_000)] and 0)()"
    done = subprocess.run(
        f'{sys.executable} -c "{code}" | head -n 1',
        shell=True,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("line\n", "")


def test_what_the_system_refuses_is_told_with_its_reason_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told, refusing_os_errors("notes: cannot be read", "write some"):
        (tmp_path / "notes").read_bytes()
    assert str(told.value) == f"notes: cannot be read ({os.strerror(errno.ENOENT)}): write some"


def test_an_exception_in_one_line_has_its_type_unless_it_is_a_users_mistake() -> None:
    assert in_one_line(ValueError("two\n lines")) == "ValueError: two lines"
    assert in_one_line(KeyError()) == "KeyError"
    assert in_one_line(InputError("a\nb")) == "a b"
