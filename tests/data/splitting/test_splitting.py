"""`data.prepare --split`: a chapter of real speech is cut, and every piece has the text that is spoken in it."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs import AudioSettings, DataSettings, InputError
from data.faults import FaultKind
from data.preparation import prepare
from data.prepare import main
from data.splitting.splitting import Piece, Uncut, split_corpus

RATE = 22050


def blind(audio: np.ndarray, sample_rate: int, texts: Sequence[str], speaker: str | None) -> np.ndarray:
    """An aligner that knows nothing: every text takes as long as the others."""
    return np.linspace(0, len(audio) / sample_rate, len(texts) + 1)[1:]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_chapter(
    ljspeech: Path, root: Path, first: int = 40, clips: int = 25
) -> tuple[list[tuple[float, float, str]], np.ndarray]:
    """Clips one after the other, with pauses between: when each is spoken and what it says; and the audio."""
    rows = [line.split("|") for line in (ljspeech / "metadata.csv").read_text(encoding="utf-8").splitlines()]
    rng, parts, spoken, samples = np.random.default_rng(1), [], [], 0
    for name, _, text in rows[first : first + clips]:
        clip, _ = soundfile.read(ljspeech / "wavs" / f"{name}.flac", dtype="int16")
        pause = np.rint(rng.normal(scale=3, size=int(rng.uniform(0.05, 0.5) * RATE))).astype(np.int16)
        spoken.append((samples / RATE, (samples + len(clip)) / RATE, text))
        parts += [clip, pause]
        samples += len(clip) + len(pause)
    (root / "wavs").mkdir(parents=True)
    audio = np.concatenate(parts)
    soundfile.write(root / "wavs" / "chapter.wav", audio, RATE)
    soundfile.write(root / "wavs" / "short.wav", parts[0], RATE)
    text = " ".join(text for *_, text in spoken)
    (root / "metadata.csv").write_text(f"chapter|{text}|{text}\nshort|{spoken[0][2]}|{spoken[0][2]}", encoding="utf-8")
    return spoken, audio


def letters(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("front_end", "most_misplaced"), [("espeak", 0), ("graphemes", 1)]
)  # letters tell less of pace
def test_a_chapter_of_two_minutes_is_cut_and_every_piece_has_its_own_text(
    ljspeech: Path, tmp_path: Path, front_end: str, most_misplaced: int
) -> None:
    if front_end == "espeak":
        pytest.importorskip("piper")
    spoken, audio = write_chapter(ljspeech, tmp_path / "long")
    assert len(audio) / RATE > 120
    settings: dict[str, Any] = {
        "root": str(tmp_path / "long"),
        "cache": str(tmp_path / "cache"),
        "front_end": front_end,
    }
    found = list(split_corpus(DataSettings(**settings), tmp_path / "cut", blind))
    pieces = [piece for piece in found if isinstance(piece, Piece) and piece.cut is not None]
    assert len(found) == len(pieces) + 1
    assert len(pieces) >= 10
    # Nothing is lost: neither a sample nor a word.
    files = [tmp_path / "cut" / "wavs" / f"{piece.name}.flac" for piece in pieces]
    assert np.array_equal(np.concatenate([soundfile.read(file, dtype="int16")[0] for file in files]), audio)
    assert letters("".join(piece.text for piece in pieces)) == letters("".join(text for *_, text in spoken))
    # Where a piece ends with a clip, it ends in the pause behind it; elsewhere about where its share of letters is.
    ends = np.cumsum([len(letters(text)) for *_, text in spoken])
    place, at_ends, misplaced = 0, 0, 0
    for piece in pieces[:-1]:
        assert piece.cut is not None
        assert 0.5 <= piece.cut.end - piece.cut.start <= 20
        place += len(letters(piece.text))
        clip = int(np.searchsorted(ends, place))
        start, end, text = spoken[clip]
        if place == ends[clip]:
            at_ends += 1
            misplaced += not end - 0.5 <= piece.cut.end <= spoken[clip + 1][0] + 0.4
        else:
            share = 1 - (ends[clip] - place) / len(letters(text))
            misplaced += abs(piece.cut.end - start - share * (end - start)) > 1.2
    assert misplaced <= most_misplaced
    assert at_ends >= 6
    # What was written is a corpus, in which nothing is found fault with.
    prepared = prepare(DataSettings(**settings | {"root": str(tmp_path / "cut")}), AudioSettings())
    assert prepared.faults == ()
    assert {clip.recording.text for clip in prepared.clips} == {
        piece.text for piece in found if isinstance(piece, Piece)
    }
    table = rows_of(tmp_path / "cut" / "cuts.csv")
    assert [row["file"] for row in table] == [file.name for file in files]
    assert float(table[-1]["end_seconds"]) == pytest.approx(len(audio) / RATE, abs=1e-3)


def make_noises(root: Path, rows: Sequence[tuple[str, str, np.ndarray]], subtype: str = "PCM_16") -> Path:
    (root / "wavs").mkdir(parents=True)
    for name, _, audio in rows:
        soundfile.write(root / "wavs" / f"{name}.wav", audio, RATE, subtype=subtype)
    (root / "metadata.csv").write_text("\n".join(f"{name}|{text}" for name, text, _ in rows), encoding="utf-8")
    return root


def noise(seconds: float, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(3).normal(scale=0.05, size=(int(seconds * RATE), channels))


def sentences(count: int, channels: int = 1) -> tuple[str, np.ndarray]:
    """Sentences of noise of four seconds each, with half a second after each."""
    text = " ".join("The quick brown fox jumps over the lazy dog, again and again." for _ in range(count))
    return text, np.concatenate([noise(4, channels), np.zeros((RATE // 2, channels))] * count)


def cut(root: Path, output: Path, **own: object) -> list[Piece | Uncut]:
    data = DataSettings(root=str(root), front_end="graphemes", **own)  # type: ignore[arg-type]
    return list(split_corpus(data, output, blind))


@pytest.mark.parametrize(
    ("subtype", "channels", "written"),
    [("PCM_16", 1, "PCM_16"), ("PCM_24", 2, "PCM_24"), ("FLOAT", 1, "FLOAT"), ("PCM_16", 2, "PCM_16")],
)
def test_no_bit_is_lost_in_any_format(tmp_path: Path, subtype: str, channels: int, written: str) -> None:
    text, audio = sentences(8, channels)
    root = make_noises(tmp_path / "long", [("one", text, audio * (30 if subtype == "FLOAT" else 1))], subtype)
    assert len(cut(root, tmp_path / "cut")) == 8
    files = sorted((tmp_path / "cut" / "wavs").iterdir())
    assert {soundfile.info(file).subtype for file in files} == {written}
    joined = np.concatenate([soundfile.read(file, always_2d=True)[0] for file in files])
    assert np.array_equal(joined, soundfile.read(root / "wavs" / "one.wav", always_2d=True)[0])


def test_what_cannot_be_cut_is_told_and_the_others_are_cut_and_speakers_are_kept(tmp_path: Path) -> None:
    text, audio = sentences(8)
    rows = [
        ("good", text, audio),
        ("endless", text, noise(40)),
        ("wrong", "Too short.", audio),
        ("short", "Hi.", noise(1)),
    ]
    root = make_noises(tmp_path / "long", rows)
    (root / "metadata.csv").write_text("\n".join(f"{name}|ann|{text}" for name, text, _ in rows), encoding="utf-8")
    found = cut(root, tmp_path / "cut", format="piper")
    left = {one.recording.id: one.why for one in found if isinstance(one, Uncut)}
    assert left.keys() == {"endless", "wrong"}
    assert "its text may not be what is spoken" in left["wrong"]
    written = rows_of(tmp_path / "cut" / "metadata.csv")
    assert [row["file_name"] for row in written][-1] == "wavs/short.wav"
    assert len(written) == 9
    assert {row["speaker"] for row in written} == {"ann"}


def command(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> int:
    settings = [f"data.cache={root / 'cache'}", "data.front_end=graphemes"]
    monkeypatch.setattr(sys, "argv", ["data.prepare", str(root), *settings, *arguments])
    return main()


RECOGNISER = """
def hear(audio, sample_rate):
    return "the quick brown fox jumps over the lazy dog again and again" if abs(audio).max() > 0.01 else ""
"""


def test_the_command_tells_each_cut_and_what_else_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, audio = sentences(8)
    root = make_noises(tmp_path / "long", [("one", text, audio), ("two", text[:61], audio[: 4 * RATE])])
    (tmp_path / "hearing_here.py").write_text(RECOGNISER)
    monkeypatch.syspath_prepend(tmp_path)
    asr = ["--asr", "hearing_here:hear"]
    output = tmp_path / "cut"
    assert command(monkeypatch, root, "--split", str(output), *asr) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["one_0001", "0.00", "to", "4.25", "s", *text[:60].split()]
    assert told[-1].startswith("1 recordings cut into 8 pieces, 1 copied, 0 left out; where each is from")
    assert command(monkeypatch, root, "--split", str(output), *asr) == 2
    assert "metadata.csv: is there already" in capsys.readouterr().err
    assert command(monkeypatch, root, "--split", str(output), "--voice", str(tmp_path / "gone")) == 2
    assert "metadata.csv: is there already" in capsys.readouterr().err  # told before a voice is loaded
    output = tmp_path / "another"
    for arguments, message in (
        (["--split", str(output)], "--split has to find each sentence in the recordings: give --voice RUN"),
        (["--split", str(output), *asr, "--voice", "run"], "one of the two"),
        (asr, "--voice and --asr are for --split DIR"),
        (["--split", str(output), "--voice", str(tmp_path / "gone")], "gone: there is no such file or folder"),
        (["--split", str(output), "--asr", "gone_here:hear"], "--asr gone_here:hear: ModuleNotFoundError"),
    ):
        assert command(monkeypatch, root, *arguments) == 2
        errors = capsys.readouterr().err
        assert message in errors
        assert errors.count("\n") == 1


def test_without_split_a_long_recording_says_what_to_do(tmp_path: Path) -> None:
    text, audio = sentences(8)
    root = make_noises(tmp_path / "long", [("one", text, audio), ("two", text[:61], audio[: 4 * RATE])])
    data = DataSettings(root=str(root), cache=str(tmp_path / "cache"), front_end="graphemes")
    (fault,) = prepare(data, AudioSettings()).faults
    assert fault.kind is FaultKind.TOO_LONG
    assert fault.detail.startswith("36.0 s, more than 20 s: data.prepare --split cuts it at silences")


def test_an_existing_corpus_is_never_written_over(tmp_path: Path) -> None:
    text, audio = sentences(8)
    root = make_noises(tmp_path / "long", [("one", text, audio)])
    before = (root / "metadata.csv").read_bytes()
    with pytest.raises(InputError, match="is there already: give --split another folder"):
        cut(root, root)
    assert (root / "metadata.csv").read_bytes() == before
