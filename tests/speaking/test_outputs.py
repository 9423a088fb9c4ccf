"""Audio reaches a pipe or a player as it was, and a player that is missing or fails is told of."""

import io
import os
import stat
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from configs import InputError
from speaking.engine import Audio
from speaking.outputs import PcmOutput, Player

RATE = 22050
NOISE = np.random.default_rng(0).uniform(-1, 1, 30_000).astype(np.float32)
CHUNKS = np.split(NOISE, [1, 700, 701, 20_000])
AS_INTEGERS = np.rint(NOISE * 32768).clip(-32768, 32767).astype("<i2")


def sent(*, rate_hz: int | None = None, header: bool = False) -> bytes:
    stream = io.BytesIO()
    with PcmOutput(stream, sample_rate=RATE, rate_hz=rate_hz, header=header) as output:
        for chunk in CHUNKS:
            output.write(chunk)
    return stream.getvalue()


def test_chunks_arrive_as_one_signal_of_sixteen_bits() -> None:
    assert sent() == AS_INTEGERS.tobytes()


def test_chunks_are_resampled_as_one_signal() -> None:
    received = np.frombuffer(sent(rate_hz=16000), "<i2") / 32768
    expected = soxr.resample(NOISE, RATE, 16000, quality="VHQ").clip(-1, 1)
    assert abs(len(received) - len(expected)) <= 1
    shared = min(len(received), len(expected))
    np.testing.assert_allclose(received[:shared], expected[:shared], atol=1e-3)


def test_a_header_makes_a_wav_that_programs_can_read_while_it_grows() -> None:
    stream = sent(header=True)
    with wave.open(io.BytesIO(stream)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.readframes(1 << 30) == AS_INTEGERS.tobytes()
    audio, rate = soundfile.read(io.BytesIO(stream), dtype="int16")
    assert rate == RATE
    assert np.array_equal(audio, AS_INTEGERS)


def test_audio_that_is_not_a_number_is_not_sent() -> None:
    output = PcmOutput(io.BytesIO(), sample_rate=RATE)
    with pytest.raises(InputError, match="NaN"), output:
        output.write(np.array([np.nan], np.float32))


def install(folder: Path, program: str, script: str) -> None:
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(stat.S_IRWXU)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for players, the only ones that are installed; their scripts still find cat."""
    monkeypatch.setenv("PATH", str(tmp_path))
    cat = next(path for folder in os.defpath.split(os.pathsep) if (path := Path(folder) / "cat").exists())
    (tmp_path / "cat").symlink_to(cat)
    return tmp_path


def play(chunks: Iterable[Audio]) -> None:
    with Player(sample_rate=RATE) as player:
        for chunk in chunks:
            player.write(chunk)


@pytest.mark.parametrize(("program", "rate_as"), [("aplay", "-r 22050"), ("play", "-r 22050"), ("ffplay", "-ar 22050")])
def test_a_player_hears_everything_and_is_told_the_rate(programs: Path, program: str, rate_as: str) -> None:
    install(programs, program, f'echo "$@" > {programs}/options; exec cat > {programs}/heard')
    play(CHUNKS)
    assert (programs / "heard").read_bytes() == AS_INTEGERS.tobytes()
    assert rate_as in (programs / "options").read_text()


@pytest.mark.parametrize("chunks", [0, 1, 100])
def test_a_player_that_fails_is_named(programs: Path, chunks: int) -> None:
    install(programs, "aplay", "exit 3")
    with pytest.raises(InputError, match="aplay could not play the audio"):
        play([NOISE] * chunks)


def test_without_a_player_there_is_a_sentence_that_says_what_to_do(programs: Path) -> None:
    with pytest.raises(InputError, match=r"no program to play with was found \(aplay, play, ffplay\): install ffmpeg"):
        Player(sample_rate=RATE)


def test_a_player_stops_when_the_speaker_does(programs: Path) -> None:
    install(programs, "aplay", "exec cat > /dev/null; sleep 60")

    def interrupted() -> Iterator[Audio]:
        yield NOISE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(interrupted())
