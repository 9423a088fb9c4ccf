"""Every row of a corpus looked at, decided upon, and its sound cached; the second time, nothing is done.

What became of a corpus is kept under a key of its rows, of every setting and line of code that matters, and of the
size and times of each recording. Where these fit, no recording is opened. A recording that changed so shortly before it
was read that its times may not show it is not trusted: then, as after an interruption, every file is read again, and
what the cache has of its content is not made again.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from configs import AudioSettings, DataSettings, InputError
from data.findings import Action, Fault, Finding
from data.inspection.measures import Measures
from data.layouts import Listing, read_corpus
from data.preparation.cache import Cache, Entry, digest_of_code, key_of
from data.preparation.examination import Examined, Examiner, PreparedClip
from data.preparation.prepared_audio import PreparedAudio
from data.recording import Recording
from data.text import Lexicon, SymbolTable, grapheme_symbols, piper_symbols

_DATA = Path(__file__).parents[1]
_ROWS_PER_TASK = 16
_ROWS_WORTH_A_PROCESS = 48
# What does not matter to a row by itself: the rows have what the first line decides, `_key` adds what the second means.
_IN_NO_KEY = {
    *("format", "columns", "metadata", "validation_metadata", "validation_clips", "max_validation_clips"),
    *("root", "lexicon"),
    *("cache", "strict", "bucket_frames", "hold", "shards"),
}
_CLOCK_SECONDS = 2  # the coarsest clock of a file system, FAT's


@dataclass(frozen=True)
class Preparation:
    """What became of a corpus."""

    data: DataSettings
    audio: AudioSettings
    layout: str  # such as "ljspeech"
    symbols: SymbolTable
    lexicon: Lexicon | None
    rows: int  # in the corpus, with those that were dropped
    clips: tuple[PreparedClip, ...]  # that can be trained on, in the order of the corpus
    findings: tuple[Finding, ...]  # in the order of the corpus
    key: str  # of the rows, those that were dropped among them, of the recordings and of the settings
    notices: tuple[str, ...] = ()  # how the corpus departs from the usual layouts and was read all the same

    @property
    def prepared_audio(self) -> PreparedAudio:
        """Where the sound of the clips is."""
        return PreparedAudio(self.data, self.audio)


def prepare(
    data: DataSettings, audio: AudioSettings, *, symbols: SymbolTable | None = None, progress: bool | None = None
) -> Preparation:
    """Look at every row of `data.metadata` and of `data.validation_metadata`, on all cores, and fill the cache.

    It may be killed at any moment and goes on from there; of two at once, the second waits for the first.

    Args:
        data: where the recordings are, how they are read aloud, and what is believed of them.
        audio: sample rate and frame length.
        symbols: the alphabet of a voice that exists already; None makes the one of `data.front_end`.
        progress: whether to show a bar; None shows one on a terminal when the work takes more than two seconds.

    Raises:
        InputError: no layout fits the folder, it has no rows, the language or the lexicon cannot be used, the cache
            cannot be written, or a process was killed.
    """
    names = dict.fromkeys((data.metadata, data.validation_metadata)) if data.validation_metadata else [data.metadata]
    listings = [
        read_corpus(data.root, layout=data.format, metadata=name, columns=data.columns, strict=data.strict)
        for name in names
    ]
    recordings = [recording for listing in listings for recording in listing.recordings]
    lexicon = None if data.lexicon is None else Lexicon.from_file(Path(data.lexicon))
    symbols = symbols or _alphabet(data, recordings, lexicon)
    examiner = Examiner(data, audio, symbols, lexicon)  # what the settings have wrong shows here, before the work
    entries = Cache(data.cache)
    stamps = [_stamp(recording.audio_path) for recording in recordings]
    key = _key(examiner, recordings, stamps)
    with entries.alone(key):
        examined = _known(entries.load(key), recordings, stamps)
        if examined is None:
            entries.remove_unfinished()
            started = time.time()
            bar = tqdm(
                _examine_all(recordings, examiner),
                desc="looking at recordings",
                total=len(recordings),
                unit="clip",
                delay=2 if progress is None else 0,
                disable=None if progress is None else not progress,
            )
            examined = list(bar)
            # A recording that is there and cannot be read may be read the next time, so that is not remembered.
            if not any(finding.fault is Fault.MISSING_FILE for one in examined for finding in one.findings):
                entries.store(key, Entry({"started": started, "examined": [_to_json(one) for one in examined]}))
    of_rows = [[listing.layout, listing.rows, [_fields(one) for one in listing.findings]] for listing in listings]
    return Preparation(
        data=data,
        audio=audio,
        layout=listings[0].layout,
        symbols=symbols,
        lexicon=lexicon,
        rows=sum(listing.rows for listing in listings),
        clips=tuple(one.clip for one in examined if one.clip is not None),
        findings=tuple(_in_order(listings, examined)),
        key=key_of(key, of_rows),
        notices=tuple(dict.fromkeys(notice for listing in listings for notice in listing.notices)),
    )


def _alphabet(data: DataSettings, recordings: Sequence[Recording], lexicon: Lexicon | None) -> SymbolTable:
    """That of a voice that begins with this corpus."""
    if data.front_end == "espeak":
        return piper_symbols()
    return grapheme_symbols([recording.text for recording in recordings], data.language, lexicon)


def _in_order(listings: Sequence[Listing], examined: Sequence[Examined]) -> Iterator[Finding]:
    """What the layout found and what the examination found, by file and line."""
    rest = iter(examined)
    for listing in listings:
        own = [finding for _ in listing.recordings for finding in next(rest).findings]
        yield from sorted([*listing.findings, *own], key=lambda finding: finding.line)


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
    """What changes when a file does: its size, and the times of its content and of its record, in nanoseconds."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _known(
    entry: Entry | None, recordings: Sequence[Recording], stamps: Sequence[tuple[int, int, int] | None]
) -> list[Examined] | None:
    """What an earlier preparation found out, unless a recording may have changed while it was read."""
    if entry is None:
        return None
    newest = max((max(stamp[1:]) for stamp in stamps if stamp is not None), default=0)
    if newest / 1e9 > entry.facts["started"] - _CLOCK_SECONDS:
        return None
    return [_from_json(row, recording) for row, recording in zip(entry.facts["examined"], recordings, strict=True)]


def _examine_all(recordings: Sequence[Recording], examiner: Examiner) -> Iterator[Examined]:
    """Look at every row, in order, in as many processes as there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores == 1 or len(recordings) < _ROWS_WORTH_A_PROCESS:
        yield from map(examiner.examine, recordings)
        return
    alphabet = examiner.front_end.symbols.to_json()
    settings = examiner.data, examiner.audio, alphabet, _lexicon_json(examiner), os.getpid()
    starts = range(0, len(recordings), _ROWS_PER_TASK)
    tasks = (delayed(_examine)(settings, recordings[start : start + _ROWS_PER_TASK]) for start in starts)
    try:
        for examined in Parallel(n_jobs=cores, batch_size=1, return_as="generator")(tasks):
            yield from examined
    except TerminatedWorkerError as error:
        raise InputError(
            f"{examiner.data.root}: a process that looked at its recordings was killed, perhaps for want of memory: "
            "free some, and run the same command again, which goes on from there"
        ) from error
    finally:
        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _examine(
    settings: tuple[DataSettings, AudioSettings, str, str, int], recordings: list[Recording]
) -> list[Examined]:
    """The work of one process."""
    examiner = _examiner(*settings)
    return [examiner.examine(recording) for recording in recordings]


@cache
def _examiner(data: DataSettings, audio: AudioSettings, symbols: str, lexicon: str, parent: int) -> Examiner:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    return Examiner(data, audio, SymbolTable.from_json(symbols), Lexicon.from_json(lexicon))


def _lexicon_json(examiner: Examiner) -> str:
    return "{}" if examiner.lexicon is None else examiner.lexicon.to_json()


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, as after kill -9."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _to_json(examined: Examined) -> list[Any]:
    """Without the recording, which the corpus has."""
    clip = examined.clip and {**_fields(examined.clip), "recording": None, "measures": _fields(examined.clip.measures)}
    return [clip, [_fields(finding) for finding in examined.findings]]


def _fields(thing: PreparedClip | Measures | Finding) -> dict[str, Any]:
    # dataclasses.asdict would copy every text.
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def _from_json(row: list[Any], recording: Recording) -> Examined:
    clip, findings = row
    if clip is not None:
        clip = PreparedClip(**(clip | {"recording": recording, "measures": Measures(**clip["measures"])}))
    return Examined(
        clip,
        tuple(Finding(**(one | {"fault": Fault(one["fault"]), "action": Action(one["action"])})) for one in findings),
    )
