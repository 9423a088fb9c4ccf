"""`python -m data.ljspeech`: whatever the disk or a kill does, the next run ends with the right folder."""

import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from configs import InputError
from data.ljspeech import LOCK, NAME, fetch_ljspeech
from tests.data.small_ljspeech import (
    DONE,
    HALF,
    Fetch,
    Tree,
    contents,
    file,
    folders,
    names,
    packed,
    sha256,
)
from tests.data.web_server import Answer, Server

ROOT = Path(__file__).resolve().parents[2]


def test_an_archive_fetched_by_other_means_is_used(
    fetch: Fetch, server: Server, archive: bytes, tree: Tree, tmp_path: Path
) -> None:
    (tmp_path / f"{NAME}.tar.bz2").write_bytes(archive)
    assert contents(fetch(Answer(archive))) == tree
    assert server.requests == []


def test_an_archive_that_is_not_the_one_is_left_alone(fetch: Fetch, archive: bytes, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.tar.bz2").write_bytes(b"mine")
    with pytest.raises(InputError, match=rf"{sha256(b'mine')}, not .*: remove it"):
        fetch(Answer(archive))
    assert contents(tmp_path)[f"{NAME}.tar.bz2"] == b"mine"


@pytest.mark.parametrize("fault", ["missing", "empty", "no metadata", "no wavs", "fewer", "a dangling link"])
def test_a_folder_that_is_not_complete_is_named_and_left_alone(
    fetch: Fetch, archive: bytes, tmp_path: Path, fault: str
) -> None:
    corpus = tmp_path / NAME
    if fault == "a dangling link":
        corpus.symlink_to(tmp_path / "nowhere")
    else:
        fetch(Answer(archive))
    rows = (corpus / "metadata.csv").read_text().splitlines() if corpus.exists() else []
    spoil: dict[str, Callable[[], object]] = {
        "missing": (corpus / "wavs" / "LJ001-0003.wav").unlink,
        "empty": lambda: (corpus / "wavs" / "LJ001-0003.wav").write_bytes(b""),
        "no metadata": (corpus / "metadata.csv").unlink,
        "no wavs": lambda: (corpus / "wavs").rename(corpus / "sounds"),
        "fewer": lambda: (corpus / "metadata.csv").write_text("\n".join(rows[1:])),
        "a dangling link": lambda: None,
    }
    spoil[fault]()
    before = contents(tmp_path)
    with pytest.raises(InputError, match=rf"{NAME}: .*: move or remove the folder"):
        fetch(Answer(archive))
    assert contents(tmp_path) == before


def test_a_complete_archive_that_lacks_a_recording_makes_no_folder(fetch: Fetch, tree: Tree, tmp_path: Path) -> None:
    lacking = packed([file(f"{NAME}/{name}", content) for name, content in tree.items() if "0007" not in name])
    with pytest.raises(InputError, match=r"1 of 20 recordings are missing or empty, the first of them wavs/LJ001-0007"):
        fetch(Answer(lacking), wanted=lacking)
    assert names(tmp_path) == {f"{NAME}.tar.bz2"}


def test_what_a_killed_process_left_is_removed_and_nothing_else(
    fetch: Fetch, archive: bytes, tree: Tree, tmp_path: Path
) -> None:
    (tmp_path / f".{NAME}.abc" / "wavs").mkdir(parents=True)
    (tmp_path / f".{NAME}.tar.bz2.part.json.def").touch()
    (tmp_path / f".{NAME}.link").symlink_to(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "too").touch()
    assert contents(fetch(Answer(archive))) == tree
    assert names(tmp_path) == DONE | {"mine"}
    assert (tmp_path / "mine" / "too").exists()


def test_while_one_process_fetches_another_is_refused(fetch: Fetch, archive: bytes, tree: Tree, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK), pytest.raises(InputError, match="another process"):
        fetch(Answer(archive))
    assert contents(fetch(Answer(archive))) == tree


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="give another folder"):
        fetch_ljspeech(tmp_path / "file" / "deeper")


def test_a_refused_archive_leaves_nothing_behind_but_itself(fetch: Fetch, tmp_path: Path) -> None:
    hostile = packed([*folders(), file(f"{NAME}/a", b"x"), file(f"{NAME}/out", type=tarfile.SYMTYPE, linkname="..")])
    with pytest.raises(InputError, match=r"neither a file nor a folder.*remove it"):
        fetch(Answer(hostile), wanted=hostile)
    assert names(tmp_path) == {f"{NAME}.tar.bz2"}


def run_command(server: Server, archive: bytes, folder: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    arguments = ["--download", str(folder), "--url", server.url, "--sha256", sha256(archive)]
    command = [sys.executable, "-m", "data.ljspeech", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize("limit", [30_000, 90_000], ids=["while it downloads", "while it unpacks"])
def test_a_full_disk_is_one_sentence_and_what_has_come_is_used_by_the_next_run(
    server: Server, tree: Tree, tmp_path: Path, limit: int
) -> None:
    files = [file(f"{NAME}/{name}", content) for name, content in tree.items()]
    large = packed([*files, file(f"{NAME}/large", bytes(100_000))])
    server.script[:] = [Answer(large)]

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    stopped = run_command(server, large, tmp_path, preexec_fn=fill_the_disk)
    assert stopped.returncode == 2
    assert stopped.stderr.count("error: ") == 1
    assert "run the same command again" in stopped.stderr.splitlines()[-1]
    assert names(tmp_path) == (HALF if limit < len(large) else {f"{NAME}.tar.bz2"})
    again = run_command(server, large, tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert contents(tmp_path / NAME) == tree | {"large": bytes(100_000)}
    assert [request.range for request in server.requests[1:]] == (["bytes=30000-"] if limit < len(large) else [])


# One process loads the command once and runs it again and again in children that kill themselves, and once more in one
# that does not: before the N-th thing they do to the disk or the network, for many N, or again and again after a while.
KILLS = """
import os, random, shutil, signal, sys
from pathlib import Path
from data.ljspeech import main

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.scandir", "socket.connect"}
how, folder = sys.argv.pop(1), Path(sys.argv[2])

def run(prepare=lambda: None):
    child = os.fork()
    if child == 0:
        prepare()
        os._exit(main())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def before_event(number):
    seen = 0
    def count(event, arguments):
        nonlocal seen
        if event in EVENTS:
            seen += 1
            if seen > number:
                os.kill(os.getpid(), signal.SIGKILL)
    return lambda: sys.addaudithook(count)

def after(seconds):
    return lambda: signal.setitimer(signal.ITIMER_REAL, seconds)  # nobody handles SIGALRM: it ends all, as SIGKILL does

def contents():
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}

kills = 0
chance = random.Random(1)
assert run() == 0
complete = contents()
for number in range(100):
    shutil.rmtree(folder)
    if how == "events":
        if run(before_event(3 * number)) == 0:
            break
        kills += 1
    else:
        while kills < 20 and run(after(chance.uniform(0.0, 0.1))) != 0:
            kills += 1
    assert run() == 0
    assert contents() == complete, (number, contents().keys() ^ complete.keys())
    if kills == 20 and how == "times":
        break
print(kills)
"""


@pytest.mark.parametrize("how", ["events", "times"])
def test_killed_at_any_moment_the_next_run_ends_with_the_right_folder(
    server: Server, archive: bytes, tree: Tree, tmp_path: Path, how: str
) -> None:
    server.script[:] = [Answer(archive, pause_seconds=0.002 if how == "times" else 0)]
    arguments = ["--download", str(tmp_path / "new"), "--url", server.url, "--sha256", sha256(archive)]
    command = [sys.executable, "-c", KILLS, how, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 20
    assert contents(tmp_path / "new" / NAME) == tree
    assert names(tmp_path / "new") == DONE
