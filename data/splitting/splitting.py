"""Splitting of a corpus: a new corpus in which long recordings are cut into pieces."""

import csv
import io
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from configs import DataSettings, InputError
from configs.atomic_file import replacing
from data.inspection.decoding import Decoded, NotDecodedError, decode_file
from data.preparation.preparation import read_listings
from data.recording import Recording
from data.splitting.aligner import Aligner, align
from data.splitting.cuts import Cut, ends_of, find_cuts, match
from data.splitting.silences import find_silences
from data.splitting.units import Unit, units_of
from text import Lexicon, TextFrontEnd, grapheme_symbols, piper_symbols

METADATA, CUTS = "metadata.csv", "cuts.csv"
MOST_AWAY_SECONDS = 1.0  # median difference to the speaking rate's ends, above which an aligner is not used
UNUSUAL_RATE = 1.5  # ratio to the usual duration, either way, beyond which text and audio may not match
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Piece:
    """A recording of the new corpus: a piece of a long one, or a copy."""

    name: str  # of its file, without suffix
    recording: Recording
    text: str
    cut: Cut | None = None  # None if it is a copy
    by_rate: bool = False  # whether the aligner was not used


@dataclass(frozen=True)
class Uncut:
    """A long recording that could not be cut."""

    recording: Recording
    why: str


def split_corpus(data: DataSettings, output: Path, aligner: Aligner) -> Iterator[Piece | Uncut]:
    """Cut the recordings that are too long and copy the others; each is yielded when it is written.

    `output` gets `wavs/`, a `metadata.csv` with file_name, text and perhaps speaker, and a `cuts.csv` with the origin
    of each piece. The metadata is written last.

    Args:
        data: the corpus, and the maximum duration of a recording.
        output: folder of the new corpus; created if missing.
        aligner: finds texts in recordings.

    Raises:
        InputError: the folder has a corpus already, or cannot be written; as `read_corpus`.
    """
    check_output(output)
    recordings = [recording for listing in read_listings(data) for recording in listing.recordings]
    lexicon = None if data.lexicon is None else Lexicon.from_file(Path(data.lexicon))
    letters = data.front_end == "graphemes"
    front_end = TextFrontEnd(
        kind=data.front_end,
        language=data.language,
        symbols=grapheme_symbols([one.text for one in recordings], data.language) if letters else piper_symbols(),
        lexicon=lexicon,
    )
    pieces: list[tuple[Piece, str]] = []
    taken: set[str] = set()
    (output / "wavs").mkdir(parents=True, exist_ok=True)
    for recording in recordings:
        found = _pieces_of(recording, data, front_end, aligner, output / "wavs", taken)
        if isinstance(found, Uncut):
            yield found
            continue
        for piece, file_name in found:
            pieces.append((piece, file_name))
            yield piece
    _write_tables(output, pieces)


def check_output(output: Path) -> None:
    """Refuse a folder that has a corpus already.

    Raises:
        InputError: it has.
    """
    if (output / METADATA).exists():
        raise InputError(f"{output / METADATA}: is there already: give --split another folder, or remove this one")


def _pieces_of(
    recording: Recording, data: DataSettings, front_end: TextFrontEnd, aligner: Aligner, folder: Path, taken: set[str]
) -> list[tuple[Piece, str]] | Uncut:
    """Write the pieces of a recording; returns them with their file names."""
    path = recording.audio_path
    if _seconds(path) <= data.longest_seconds:
        name = _free(recording.id, taken)
        shutil.copyfile(path, folder / f"{name}{path.suffix.lower()}")
        return [(Piece(name, recording, recording.text), f"{name}{path.suffix.lower()}")]
    try:
        decoded = decode_file(path)
    except NotDecodedError as refused:
        return Uncut(recording, str(refused))
    except OSError as error:
        return Uncut(recording, f"cannot be read ({error.strerror})")
    if not np.isfinite(decoded.audio).all():
        return Uncut(recording, "it has samples that are NaN or infinite")
    units = units_of(recording.text, front_end)
    cuts, by_rate = _cuts(recording, decoded, units, data, aligner) if units else (None, False)
    if cuts is None:
        return Uncut(
            recording,
            f"no silences divide it and its {len(units)} clauses into pieces of {data.shortest_seconds:g} to "
            f"{data.longest_seconds:g} s at a possible speaking rate: its text may not be what is spoken",
        )
    found = []
    for number, cut in enumerate(cuts, start=1):
        name = _free(f"{recording.id}_{number:04d}", taken)
        samples = decoded.audio[round(cut.start * decoded.rate_hz) : round(cut.end * decoded.rate_hz)]
        text = " ".join(unit.text for unit in units[cut.first : cut.last])
        found.append((Piece(name, recording, text, cut, by_rate), _write(folder / name, samples, decoded.rate_hz)))
    return found


def _cuts(
    recording: Recording,
    decoded: Decoded,
    units: Sequence[Unit],
    data: DataSettings,
    aligner: Aligner,
) -> tuple[list[Cut] | None, bool]:
    """The cuts of a recording, and whether they follow from the speaking rate alone.

    The speaking rate alone finds most unit ends. An aligner that differs from it nearly everywhere, such as an
    untrained voice, is not used.
    """
    mono = decoded.audio.mean(axis=1, dtype=np.float32)
    silences = find_silences(mono, decoded.rate_hz)
    if silences.spoken[-1] <= 0:
        return None, False
    longest = data.longest_seconds
    guess = match(units, silences, longest_seconds=longest)
    if guess is None:
        return None, False
    texts = [unit.text for unit in units]
    times = align(aligner, mono, decoded.rate_hz, texts, guess, recording.speaker)
    away = np.abs(times - ends_of(guess, len(units)))
    by_rate = float(np.median(away[np.isfinite(away)])) > MOST_AWAY_SECONDS
    matched = guess if by_rate else match(units, silences, longest_seconds=longest, times=times) or guess
    cuts = find_cuts(
        units,
        silences,
        shortest_seconds=data.shortest_seconds,
        longest_seconds=longest,
        times=ends_of(matched, len(units)),
    )
    return cuts, by_rate


def _seconds(path: Path) -> float:
    """The duration of a recording; 0 if it cannot be opened, which the preparation of the new corpus reports."""
    try:
        with soundfile.SoundFile(path) as file:
            return file.frames / file.samplerate
    except (soundfile.SoundFileError, OSError, ValueError, TypeError, ZeroDivisionError):
        return 0.0


def _free(name: str, taken: set[str]) -> str:
    """A unique file name."""
    plain = _UNSAFE.sub("_", name).lstrip(".") or "recording"
    free, number = plain, 2
    while free.casefold() in taken:
        free, number = f"{plain}-{number}", number + 1
    taken.add(free.casefold())
    return free


def _write(path: Path, audio: npt.NDArray[np.float32], rate_hz: int) -> str:
    """Write [S, channels] losslessly: FLAC for up to 24 bits, else floating-point WAV; returns the file name."""
    kind, subtype = "wav", "FLOAT"
    if audio.shape[1] <= 8 and np.abs(audio).max() <= 1:
        for bits in (24, 16):
            scaled = audio.astype(np.float64) * 2 ** (bits - 1)
            if (scaled == np.rint(scaled)).all() and scaled.max() < 2 ** (bits - 1):
                kind, subtype = "flac", f"PCM_{bits}"
    samples = np.rint(audio.astype(np.float64) * 32768).astype(np.int16) if subtype == "PCM_16" else audio
    content = io.BytesIO()
    soundfile.write(content, samples, rate_hz, format=kind.upper(), subtype=subtype)
    file = path.with_name(f"{path.name}.{kind}")
    with replacing(file) as written:
        written.write(content.getvalue())
    return file.name


def _write_tables(output: Path, pieces: Sequence[tuple[Piece, str]]) -> None:
    if not pieces:
        raise InputError(f"{output}: nothing was written: none of the recordings could be cut or copied")
    has_speakers = any(piece.recording.speaker is not None for piece, _ in pieces)
    header = ["file_name", "text", *(["speaker"] if has_speakers else [])]
    rows = [
        [f"wavs/{file}", piece.text, *([piece.recording.speaker or ""] if has_speakers else [])]
        for piece, file in pieces
    ]
    cuts = [
        [
            file,
            piece.recording.id,
            f"{piece.cut.start:.3f}",
            f"{piece.cut.end:.3f}",
            f"{piece.cut.relative_duration:.2f}",
        ]
        for piece, file in pieces
        if piece.cut is not None
    ]
    _write_csv(output / CUTS, [["file", "recording", "start_seconds", "end_seconds", "pace"], *cuts])
    _write_csv(output / METADATA, [header, *rows])


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))
