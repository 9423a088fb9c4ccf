"""What a killed write leaves is removed by the next one, and nothing else is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs import InputError
from configs.atomic_file import remove_abandoned, replacing

HOUSE = Path(__file__).resolve().parents[2]
_WRITES_AND_WAITS = """
import sys; from pathlib import Path; from configs.atomic_file import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half of it")
    file.flush()
    print("writing", flush=True)
    sys.stdin.readline()
    file.write(b", and the rest")
"""


def writer(path: Path) -> "subprocess.Popen[str]":
    """A process that is in the midst of writing a file."""
    command = [sys.executable, "-c", _WRITES_AND_WAITS, str(path)]
    process = subprocess.Popen(command, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_the_next_write_removes_what_killed_ones_left_under_whatever_name(tmp_path: Path) -> None:
    for name in ("00000001.pt", "00000002.pt", "config.toml", "x" * 200):
        process = writer(tmp_path / name)
        process.kill()
        process.communicate()
    assert list(tmp_path.iterdir()) != []
    with replacing(tmp_path / "new") as file:
        file.write(b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_what_another_process_still_writes_is_left_alone(tmp_path: Path) -> None:
    process = writer(tmp_path / "slow")
    with replacing(tmp_path / "quick") as file:
        file.write(b"quick")
        remove_abandoned(tmp_path)
    assert process.communicate("go on\n")[0] == ""
    assert process.returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "quick": b"quick",
        "slow": b"half of it, and the rest",
    }


def test_two_files_of_one_process_are_written_at_once(tmp_path: Path) -> None:
    with replacing(tmp_path / "outer") as outer:
        with replacing(tmp_path / "inner") as inner:
            inner.write(b"inner")
        outer.write(b"outer")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"outer": b"outer", "inner": b"inner"}


@pytest.mark.parametrize(
    "name",
    [
        ".bashrc",
        ".notes.unfinished",
        "thesis.unfinished",
        ".thesis.abcdefgh.txt",
        ".thesis.abcdefgh.unfinished.bak",
        ".lock",
    ],
)
def test_files_of_the_user_are_not_taken_for_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with replacing(tmp_path / "new") as file:
        file.write(b"new")
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_with_an_unfinished_name_and_a_link_are_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / ".a.abcdefgh.unfinished").mkdir()
    (tmp_path / ".b.abcdefgh.unfinished").symlink_to("nowhere")
    with replacing(tmp_path / "new") as file:
        file.write(b"new")
    assert (tmp_path / "new").read_bytes() == b"new"


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod", "flush"])
def test_whichever_call_fails_the_old_file_stays_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    def write() -> None:
        with replacing(path) as file:
            file.write(b"new")
            if call == "flush":
                fail()

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif call != "flush":
        monkeypatch.setattr(Path, call, fail)
    with pytest.raises(InputError, match=r"file: cannot be written \(No space left on device\)"):
        write()
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"file": b"old"}
