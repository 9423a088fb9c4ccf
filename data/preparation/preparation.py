"""Preparation of a corpus: every row is examined and its audio cached; the second time, nothing is left to do.

The results for a whole corpus are cached under a key of its rows, of all relevant settings and code, and of the size
and times of each recording. If these match, no recording is opened. If a recording changed so shortly before it was
read that its times may not show it, every file is read again, as after an interruption; audio that is in the cache is
not prepared again.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from configs import AudioSettings, DataSettings, InputError
from configs.content import UNFIT, fields_like, require_like
from data.faults import Action, FaultKind, RowFault
from data.inspection.signal_level import SignalMetrics
from data.layouts import Listing, read_corpus
from data.preparation.cache import Cache, Entry, digest_of_code, key_of
from data.preparation.examination import Examined, Examiner, PreparedClip
from data.preparation.prepared_audio import PreparedAudio
from data.preparation.processes import ITEMS_PER_TASK, STARTS_QUICKLY, in_processes
from data.recording import Recording, in_order
from text import Lexicon, SymbolTable, grapheme_symbols, piper_symbols

_DATA = Path(__file__).parents[1]
_ROWS_WORTH_A_PROCESS = 48  # if a process takes a second to start
_KILLED_FROM_OUTSIDE = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
# Settings that do not change the result of a row: the rows contain what the first line determines, and `_key` adds the
# values of the second.
_IN_NO_KEY = {
    *("format", "columns", "metadata", "validation_metadata", "validation_clips", "max_validation_clips"),
    *("root", "lexicon"),
    *("cache", "strict", "bucket_frames", "hold", "shards"),
}
_CLOCK_SECONDS = 2  # the coarsest clock of a file system, FAT's


@dataclass(frozen=True)
class Preparation:
    """The result of preparing a corpus."""

    data: DataSettings
    audio: AudioSettings
    layout: str  # such as "ljspeech"
    symbols: SymbolTable
    lexicon: Lexicon | None
    rows: int  # in the corpus, dropped ones included
    clips: tuple[PreparedClip, ...]  # in the order of the corpus
    faults: tuple[RowFault, ...]  # in the order of the corpus
    key: str  # of all rows, of the recordings and of the settings
    lost_speakers: tuple[str, ...] = ()  # whose rows were all dropped
    notices: tuple[str, ...] = ()  # deviations from the layout that were accepted, a sentence each

    @property
    def prepared_audio(self) -> PreparedAudio:
        """The audio of the clips."""
        return PreparedAudio(self.data, self.audio)


def prepare(data: DataSettings, audio: AudioSettings, *, symbols: SymbolTable | None = None) -> Preparation:
    """Examine every row of `data.metadata` and of `data.validation_metadata`, on all cores, and fill the cache.

    It may be killed at any moment and continues from there; of two at once, the second waits for the first. A row at
    which anything fails, or a library crashes, is dropped with a fault that says so.

    Args:
        data: the corpus, the text front end, and the limits of what is accepted.
        audio: sample rate and hop length.
        symbols: symbol table of an existing voice; None builds the one of `data.front_end`.

    Raises:
        InputError: no layout fits the folder, it has no rows, the language or the lexicon cannot be used, the cache
            cannot be written, or a process was killed.
    """
    listings = read_listings(data)
    recordings = [recording for listing in listings for recording in listing.recordings]
    lexicon = None if data.lexicon is None else Lexicon.from_file(Path(data.lexicon))
    symbols = symbols or _symbol_table(data, recordings, lexicon)
    examiner = Examiner(data, audio, symbols, lexicon)  # reports wrong settings before the work
    entries = Cache(data.cache)
    stamps = [_stamp(recording.audio_path) for recording in recordings]
    key = _key(examiner, recordings, stamps)
    with entries.locked(key):
        examined = _known(entries.load(key), recordings, stamps)
        if examined is None:
            entries.remove_unfinished()
            started = time.time()
            bar = tqdm(
                _examine_all(recordings, examiner),
                desc="examining recordings",
                total=len(recordings),
                unit="clip",
                delay=2,
                disable=None,
            )
            examined = list(bar)
            # A failure to read or to examine may be temporary, so it is not cached.
            passing = (FaultKind.MISSING_FILE, FaultKind.UNEXAMINED)
            if not any(fault.kind in passing for one in examined for fault in one.faults):
                entries.store(key, Entry({"started": started, "examined": [_to_json(one) for one in examined]}))
    named = {recording.speaker for recording in recordings if recording.speaker is not None}
    of_rows = [[listing.layout, listing.rows, [asdict(one) for one in listing.faults]] for listing in listings]
    return Preparation(
        data=data,
        audio=audio,
        layout=listings[0].layout,
        symbols=symbols,
        lexicon=lexicon,
        rows=sum(listing.rows for listing in listings),
        clips=tuple(one.clip for one in examined if one.clip is not None),
        faults=tuple(_in_order(listings, examined)),
        key=key_of(key, of_rows),
        lost_speakers=in_order(named - {one.clip.recording.speaker for one in examined if one.clip is not None}),
        notices=tuple(dict.fromkeys(notice for listing in listings for notice in listing.notices)),
    )


def read_listings(data: DataSettings) -> list[Listing]:
    """The recordings of `data.metadata` and of `data.validation_metadata`.

    Raises:
        InputError: as `read_corpus`.
    """
    names = dict.fromkeys((data.metadata, data.validation_metadata)) if data.validation_metadata else [data.metadata]
    listings: list[Listing] = []
    for name in names:
        like = listings[0] if listings else None
        listings.append(
            read_corpus(
                data.root, layout=data.format, metadata=name, columns=data.columns, strict=data.strict, like=like
            )
        )
    return listings


def _symbol_table(data: DataSettings, recordings: Sequence[Recording], lexicon: Lexicon | None) -> SymbolTable:
    """The symbol table of a new voice."""
    if data.front_end == "espeak":
        return piper_symbols()
    return grapheme_symbols(
        [recording.text for recording in recordings if _has_letters(recording.text, data.language, lexicon)],
        data.language,
        lexicon,
    )


def _has_letters(text: str, language: str, lexicon: Lexicon | None) -> bool:
    """Whether the front end accepts a text; why not is reported when its row is examined."""
    try:
        grapheme_symbols([text], language, lexicon)
    except Exception:
        return False
    return True


def _in_order(listings: Sequence[Listing], examined: Sequence[Examined]) -> Iterator[RowFault]:
    """The faults of the layout and of the examination, by file and line."""
    rest = iter(examined)
    for listing in listings:
        own = [fault for _ in listing.recordings for fault in next(rest).faults]
        yield from sorted([*listing.faults, *own], key=lambda fault: fault.line)


def _key(examiner: Examiner, recordings: Sequence[Recording], stamps: Sequence[tuple[int, int, int] | None]) -> str:
    data, audio = examiner.data, examiner.audio
    return key_of(
        data.model_dump(exclude=_IN_NO_KEY),
        str(Path(data.root)),
        _lexicon_json(examiner),
        audio.model_dump(include={"sample_rate", "hop_length"}),
        examiner.front_end.symbols.to_json(),
        [[row.id, row.text, row.speaker, str(row.audio_path), str(row.file), row.line] for row in recordings],
        stamps,
        digest_of_code(*sorted(_DATA.rglob("*.py"))),
        examiner.prepared_audio.identity,
        version("piper-tts") if data.front_end == "espeak" else "",
    )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Size, modification time and change time of a file, in nanoseconds."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _known(
    entry: Entry | None, recordings: Sequence[Recording], stamps: Sequence[tuple[int, int, int] | None]
) -> list[Examined] | None:
    """The results of an earlier preparation, unless a recording may have changed while it was read."""
    if entry is None:
        return None
    newest = max((max(stamp[1:]) for stamp in stamps if stamp is not None), default=0)
    try:
        if newest / 1e9 > entry.facts["started"] - _CLOCK_SECONDS:
            return None
        return [_from_json(row, recording) for row, recording in zip(entry.facts["examined"], recordings, strict=True)]
    except UNFIT:  # the entry is of another version, or spoiled
        return None


def _examine_all(recordings: Sequence[Recording], examiner: Examiner) -> Iterator[Examined]:
    """Examine every row, in order, in as many processes as there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not STARTS_QUICKLY and (cores == 1 or len(recordings) < _ROWS_WORTH_A_PROCESS):
        yield from map(examiner.examine, recordings)
        return
    begin: Callable[[], Callable[[Recording], Examined]] = lambda: examiner.examine  # noqa: E731
    if not STARTS_QUICKLY:
        symbols = examiner.front_end.symbols.to_json()
        begin = partial(_examine, examiner.data, examiner.audio, symbols, _lexicon_json(examiner))
    yield from in_processes(
        begin,
        recordings,
        processes=min(cores, -(-len(recordings) // ITEMS_PER_TASK)),
        died=partial(_died, examiner),
    )


def _examine(data: DataSettings, audio: AudioSettings, symbols: str, lexicon: str) -> Callable[[Recording], Examined]:
    """The examiner of a process that was not forked."""
    return Examiner(data, audio, SymbolTable.from_json(symbols), Lexicon.from_json(lexicon)).examine


def _died(examiner: Examiner, recording: Recording, code: int) -> Examined:
    """The result of a row whose process died: a crash is its fault, a kill from outside is not.

    Raises:
        InputError: the process was killed.
    """
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    if name in _KILLED_FROM_OUTSIDE:
        raise InputError(
            f"{examiner.data.root}: a process that examined its recordings was killed, perhaps for want of memory "
            f"({name}, at {recording.where}, {recording.id!r}): free some, and run the same command again, which goes "
            "on from there; remove this row if it ends there again"
        )
    return examiner.unexamined(recording, f"a library crashed on it ({name})")


def _lexicon_json(examiner: Examiner) -> str:
    return "{}" if examiner.lexicon is None else examiner.lexicon.to_json()


def _to_json(examined: Examined) -> list[Any]:
    """Without the recording, which the listing has."""
    clip = examined.clip and asdict(examined.clip) | {"recording": None}
    return [clip, [asdict(fault) for fault in examined.faults]]


_CLIP = fields_like(PreparedClip) | {"metrics": fields_like(SignalMetrics)}


def _from_json(row: list[Any], recording: Recording) -> Examined:
    clip, faults = row
    if clip is not None:
        require_like(clip, _CLIP)
        clip = PreparedClip(**(clip | {"recording": recording, "metrics": SignalMetrics(**clip["metrics"])}))
    return Examined(
        clip,
        tuple(RowFault(**one | {"kind": FaultKind(one["kind"]), "action": Action(one["action"])}) for one in faults),
    )
