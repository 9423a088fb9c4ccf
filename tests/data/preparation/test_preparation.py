"""Preparing twice does nothing, killing it breaks nothing, and two at once make one cache."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

import data.preparation.preparation
import data.preparation.prepared_audio
from configs import AudioSettings, DataSettings, InputError
from data.faults import Action, FaultKind
from data.preparation import Preparation, prepare
from data.preparation.cache import Cache

REPOSITORY = Path(__file__).resolve().parents[3]
GIVEN_UP_SECONDS = 600  # only a test that fails waits so long
SENTENCE = "The quick brown fox jumps over the lazy dog."


def make_noise_corpus(root: Path, clips: int, seconds: float = 3.0) -> Path:
    (root / "wavs").mkdir(parents=True)
    noise = np.random.default_rng(0).normal(scale=0.1, size=int(seconds * 22050) + clips)
    for number in range(clips):  # each begins a sample later
        soundfile.write(root / "wavs" / f"clip-{number:03d}.flac", noise[number : number - clips], 22050)
    rows = (f"clip-{number:03d}|{SENTENCE}|{SENTENCE}" for number in range(clips))
    (root / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def look(root: Path, cache: Path, **settings: Any) -> Preparation:
    data = DataSettings(root=str(root), cache=str(cache), front_end="graphemes", **settings)
    return prepare(data, AudioSettings())


def grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the corpus grow old enough for its times to be trusted: preparations see a clock that is an hour ahead."""
    monkeypatch.setattr(data.preparation.preparation, "time", SimpleNamespace(time=lambda: time.time() + 3600))


def entries(cache: Path) -> dict[str, bytes]:
    return {
        path.parent.name + path.name: path.read_bytes() for path in (cache / "entries").rglob("*") if path.is_file()
    }


def count(cache: Path) -> int:
    return sum(path.is_file() for path in (cache / "entries").rglob("*"))


def of_audio(files: dict[str, bytes]) -> dict[str, bytes]:
    return {key: content for key, content in files.items() if b"started" not in content}


def test_a_second_preparation_opens_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_noise_corpus(tmp_path / "corpus", 5)
    (root / "wavs" / "clip-003.flac").write_bytes(b"")
    grow_old(monkeypatch)
    first = look(root, tmp_path / "cache")
    assert [fault.kind for fault in first.faults] == [FaultKind.EMPTY_FILE]
    read_bytes = Path.read_bytes

    def refuse_recordings(path: Path) -> bytes:
        assert path.suffix != ".flac", "a recording was opened"
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse_recordings)
    assert look(root, tmp_path / "cache") == first


def test_a_recording_that_changes_is_noticed_although_its_size_and_time_are_put_back(tmp_path: Path) -> None:
    root = make_noise_corpus(tmp_path / "corpus", 3)
    path = root / "wavs" / "clip-001.flac"
    before, status = look(root, tmp_path / "cache"), path.stat()
    content = bytearray(path.read_bytes())
    content[-1000:] = content[-1000:][::-1]
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = look(root, tmp_path / "cache")
    assert [fault.id for fault in after.faults] == ["clip-001"]  # its frames do not fit their checksums any more
    assert after.clips == before.clips[::2]


@pytest.mark.parametrize(
    "settings",
    [
        {"level": "rms"},
        {"level": "lufs"},
        {"level": "rms", "level_db": -30.0},
        {"trim_silence": True},
        {"shortest_seconds": 1.0},
        {"longest_seconds": 10.0},
    ],
)
def test_every_setting_of_the_sound_has_entries_of_its_own(tmp_path: Path, settings: dict[str, Any]) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 2), tmp_path / "cache"
    plain = look(root, cache)
    other = look(root, cache, **settings)
    assert {clip.audio_key for clip in plain.clips}.isdisjoint(clip.audio_key for clip in other.clips)


def test_a_change_of_the_text_or_of_how_it_is_read_hears_no_recording_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_noise_corpus(tmp_path / "corpus", 3)
    look(root, tmp_path / "cache")
    monkeypatch.setattr(data.preparation.prepared_audio, "inspect", None)  # would fail if it were called
    metadata = root / "metadata.csv"
    metadata.write_text(metadata.read_text(encoding="utf-8").replace("fox", "wolf"), encoding="utf-8")
    clips = look(root, tmp_path / "cache", language="en-gb").clips
    assert len(clips) == 3
    assert all("wolf" in clip.speech for clip in clips)


def test_a_lost_or_damaged_entry_is_made_again_when_it_is_read(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 2), tmp_path / "cache"
    preparation = look(root, cache)
    whole = entries(cache)
    lost, damaged = (clip.audio_key for clip in preparation.clips)
    (cache / "entries" / lost[:2] / lost[2:]).unlink()
    (cache / "entries" / damaged[:2] / damaged[2:]).write_bytes(whole[damaged][:-1] + b"\x00")
    for clip in preparation.clips:
        samples = preparation.prepared_audio.samples(clip.recording.audio_path, clip.audio_key)
        assert len(samples) == clip.samples
    assert entries(cache) == whole


def test_a_recording_that_changed_after_its_preparation_is_refused_by_name(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 2), tmp_path / "cache"
    preparation = look(root, cache)
    for path in (cache / "entries").rglob("*"):
        if path.is_file():
            path.unlink()
    first, second = (clip.recording.audio_path for clip in preparation.clips)
    second.rename(first)
    with pytest.raises(InputError, match=r"clip-001\.flac: cannot be read"):
        preparation.prepared_audio.samples(second, preparation.clips[1].audio_key)
    with pytest.raises(InputError, match=r"clip-000\.flac: has changed"):
        preparation.prepared_audio.samples(first, preparation.clips[0].audio_key)


def test_what_vanishes_while_it_is_looked_at_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_noise_corpus(tmp_path / "corpus", 2)
    read_bytes = Path.read_bytes

    def vanish(path: Path) -> bytes:
        if path.name == "clip-001.flac":
            raise FileNotFoundError(2, "No such file or directory")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", vanish)
    (fault,) = look(root, tmp_path / "cache").faults
    assert (fault.id, fault.kind, fault.action) == ("clip-001", FaultKind.MISSING_FILE, Action.DROPPED)


def test_a_full_disk_stops_it_and_is_no_fault_of_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 3), tmp_path / "cache"

    def full(path: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(InputError, match=r"cache: cannot be written \(No space left on device\)"):
            look(root, cache)
    assert not list((cache / "unfinished").iterdir())
    assert len(look(root, cache).clips) == 3


def test_a_recording_that_could_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 2), tmp_path / "cache"
    grow_old(monkeypatch)
    read_bytes = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.suffix == ".flac":
            raise OSError(errno.EIO, "Input/output error")
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        assert len(look(root, cache).faults) == 2
    assert look(root, cache).faults == ()


def test_what_does_not_matter_to_a_row_opens_no_recording_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 3), tmp_path / "cache"
    grow_old(monkeypatch)
    before = look(root, cache)
    monkeypatch.setattr(data.preparation.preparation, "_examine_all", None)  # would fail if it were called
    after = look(Path(f"{root}/."), cache, validation_clips=1, bucket_frames=(100,), format="ljspeech", strict=True)
    assert (after.key, after.clips) == (before.key, before.clips)


def test_the_key_differs_where_only_a_row_that_is_dropped_does(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 2), tmp_path / "cache"
    before = look(root, cache)
    with (root / "metadata.csv").open("a", encoding="utf-8") as metadata:
        metadata.write("\ngone|A text.|A text.\n")
    after = look(root, cache)
    assert after.clips == before.clips
    assert after.key != before.key


# A process that is warm prepares a corpus again and again, in children that are killed in the middle of it: once a
# number of files has appeared in the cache, finished or not. Where one was quick enough to end, the next begins with an
# empty cache.
KILLED_AGAIN_AND_AGAIN = """
import os, pathlib, random, shutil, signal, sys, time
from configs import AudioSettings, DataSettings
from data.preparation import prepare
def files():
    return {path for part in ("entries", "unfinished") for path in pathlib.Path(sys.argv[2], part).rglob("*")}
data = DataSettings(root=sys.argv[1], cache=sys.argv[2], front_end="graphemes")
chance, killed = random.Random(3), 0
while killed < int(sys.argv[3]):
    before, more = files(), chance.randrange(4)
    child = os.fork()
    if child == 0:
        prepare(data, AudioSettings())
        os._exit(0)
    ended = status = 0
    while not ended and len(files() - before) < more:
        time.sleep(0.0005)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        killed += 1
    else:
        shutil.rmtree(data.cache)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_preparation_killed_40_times_goes_on_and_uses_no_damaged_entry(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 24), tmp_path / "cache"
    arguments = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(root), str(cache), "40"]
    subprocess.run(arguments, cwd=REPOSITORY, check=True)
    store = Cache(cache)
    left = entries(cache)
    assert left
    assert all(store.load(key) is not None for key in left)  # nothing that is half done lies where it is looked for
    went_on, undisturbed = look(root, cache), look(root, tmp_path / "undisturbed")
    assert went_on == replace(undisturbed, data=went_on.data)
    assert of_audio(entries(cache)) == of_audio(entries(tmp_path / "undisturbed"))


def start(root: Path, cache: Path) -> "subprocess.Popen[str]":
    code = (
        "import sys; from configs import AudioSettings, DataSettings; from data.preparation import prepare; "
        "prepare(DataSettings(root=sys.argv[1], cache=sys.argv[2], front_end='graphemes'), AudioSettings())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root), str(cache)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def processes_of(session: int) -> list[int]:
    """Who is alive in a session, but for zombies."""
    alive = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            alive.append(int(status.parent.name))
    return alive


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_processes_of_a_killed_preparation_end_soon_after_it(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 60, seconds=6), tmp_path / "cache"
    process = start(root, cache)
    while count(cache) < 10:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + GIVEN_UP_SECONDS
    while processes_of(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert 10 <= len(entries(cache)) < 60
    assert len(look(root, cache).clips) == 60


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_of_a_preparation_that_is_killed_stops_it_in_one_sentence(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 40, seconds=6), tmp_path / "cache"
    command = [sys.executable, "-m", "data.prepare", str(root), f"data.cache={cache}", "data.front_end=graphemes"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while count(cache) < 5:
        assert process.poll() is None, "it ended before one of its processes could be killed"
        time.sleep(0.005)
    workers = [one for one in processes_of(process.pid) if one != process.pid]
    os.kill(workers[0], signal.SIGKILL)
    _, said = process.communicate(timeout=GIVEN_UP_SECONDS)
    assert process.returncode == 2
    assert "was killed, perhaps for want of memory" in said
    assert "Traceback" not in said
    assert len(look(root, cache).clips) == 40


@pytest.mark.slow
def test_two_preparations_at_once_make_one_correct_cache(tmp_path: Path) -> None:
    root, cache = make_noise_corpus(tmp_path / "corpus", 40), tmp_path / "cache"
    both = [start(root, cache), start(root, cache)]
    for process in both:
        _, said = process.communicate(timeout=GIVEN_UP_SECONDS)
        assert process.returncode == 0, said
    look(root, tmp_path / "alone")
    assert of_audio(entries(cache)) == of_audio(entries(tmp_path / "alone"))
    assert not list((cache / "unfinished").iterdir())
