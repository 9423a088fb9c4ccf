"""The rows of a corpus that should be checked by eye and by ear."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configs import InputError
from data.audio_file import to_float
from data.preparation import Preparation, PreparedClip
from data.report.player import LONGEST_SECONDS, data_uri, file_data_uri
from data.report.statistics import CorpusStatistics

AudioOf = Callable[[PreparedClip], npt.NDArray[np.int16]]

MOST_ROWS = 1000
MOST_PLAYERS = 200
MOST_PLAYER_BYTES = 20_000_000

NOTED = "noted"  # the action if only the statistics point at a row


@dataclass(frozen=True)
class Reason:
    """Why a row is suspicious."""

    label: str  # the kind of fault, or the name of the statistic
    detail: str
    action: str


@dataclass
class Suspect:
    """A row to check, the reasons, and its audio."""

    id: str
    file: str
    line: int
    clip: PreparedClip | None  # None if the row is dropped
    reasons: list[Reason] = field(default_factory=list)
    sound: str | None = None  # a data: URI

    @property
    def labels(self) -> list[str]:
        """The distinct labels of its reasons."""
        return list(dict.fromkeys(reason.label for reason in self.reasons))


def suspects(preparation: Preparation, statistics: CorpusStatistics) -> list[Suspect]:
    """Every row with a fault, or that the statistics point at, by line."""
    clips = {(clip.recording.id, clip.recording.line): clip for clip in preparation.clips}
    found: dict[tuple[str, int], Suspect] = {}

    def suspect(key: tuple[str, int], file: str) -> Suspect:
        return found.setdefault(key, Suspect(key[0], file, key[1], clips.get(key)))

    root = Path(preparation.data.root)
    for fault in preparation.faults:
        row = suspect((fault.id, fault.line), fault.file)
        row.reasons.append(Reason(fault.kind, fault.detail, fault.action))
    keys = {clip.recording.id: key for key, clip in clips.items()}
    for identity, label, detail in _noted(statistics):
        path = clips[keys[identity]].recording.audio_path
        file = path.relative_to(root) if path.is_relative_to(root) else path
        suspect(keys[identity], str(file)).reasons.append(Reason(label, detail, NOTED))
    return sorted(found.values(), key=lambda row: row.line)


def _noted(statistics: CorpusStatistics) -> Iterator[tuple[str, str, str]]:
    """Id, label and detail of the rows that the statistics point at."""
    for clip in statistics.character_rate_outliers:
        yield clip.id, "unusual speaking rate", f"{clip.value:.1f} characters per second"
    for clip in statistics.noisy:
        yield clip.id, "noisy", f"SNR {clip.value:.1f} dB"
    for clip in statistics.much_silence:
        yield clip.id, "much silence", f"{clip.value:.1f} s before or after the speech"
    for label, groups in (
        ("same audio", statistics.same_audio),
        ("same text", [same.ids for same in statistics.same_text]),
    ):
        for ids in groups:
            for identity in ids:
                others = [other for other in ids[:6] if other != identity][:5]
                more = len(ids) - 1 - len(others)
                yield identity, label, f"as {', '.join(others)}{f' and {more} more' if more else ''}"


def fairly(rows: list[Suspect]) -> list[Suspect]:
    """The rows in turns, one per label, so that a label with thousands does not crowd out the others."""
    queues: defaultdict[str, list[Suspect]] = defaultdict(list)
    for row in rows:
        for label in row.labels:
            queues[label].append(row)
    turns = (row for turn in zip_longest(*queues.values()) for row in turn if row is not None)
    return list({id(row): row for row in turns}.values())


def add_sound(rows: list[Suspect], preparation: Preparation, audio_of: AudioOf) -> int:
    """Give the rows their audio, up to the limits; returns how many were left out although they have audio."""
    room, players, left_out = MOST_PLAYER_BYTES, MOST_PLAYERS, 0
    for row in rows:
        if players == 0:
            left_out += 1
            continue
        sound = _sound(row, preparation, audio_of)
        if sound is None:
            continue
        if len(sound) > room:
            left_out += 1
            continue
        row.sound = sound
        room, players = room - len(sound), players - 1
    return left_out


def _sound(row: Suspect, preparation: Preparation, audio_of: AudioOf) -> str | None:
    if row.clip is None:
        root = Path(preparation.data.root)
        return file_data_uri(root / row.file, root)
    try:
        rate = preparation.audio.sample_rate
        audio = audio_of(row.clip)[: int(LONGEST_SECONDS * rate)]
        return data_uri(to_float(audio), rate, "mp3")
    except (InputError, OSError):  # the recording is gone; the rest of the report is still useful
        return None
