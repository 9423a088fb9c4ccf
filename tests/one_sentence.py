"""What a command says that refuses its input."""

import pytest


def one_sentence(exit_code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on standard error of a command that has ended with exit code 2 and printed nothing else."""
    output, errors = capsys.readouterr()
    assert exit_code == 2
    assert output == ""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    return errors
