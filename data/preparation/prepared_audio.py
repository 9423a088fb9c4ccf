"""The audio of recordings as it is trained on: prepared once, then read from the cache."""

import hashlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from configs import AudioSettings, DataSettings, InputError
from configs.content import UNFIT
from configs.errors import refusing_os_errors
from data.faults import Action, Fault, FaultKind
from data.inspection.decoding import NotDecodedError, refuse_by_header
from data.inspection.inspection import LevelTarget, inspect
from data.inspection.signal_level import SignalMetrics
from data.preparation.cache import Cache, Entry, digest_of_code, key_of

_DATA = Path(__file__).parents[1]
_CODE = [_DATA / "audio_file.py", *sorted((_DATA / "inspection").glob("*.py"))]  # determines the prepared audio


@dataclass(frozen=True)
class AudioFacts:
    """What is known of a recording after its inspection."""

    faults: tuple[Fault, ...]
    note: str = ""  # why the target level was not reached
    metrics: SignalMetrics | None = None
    samples: int = 0  # of the prepared audio; 0 if the recording is dropped
    digest: str = ""  # SHA-256 of the prepared audio

    @classmethod
    def of_entry(cls, entry: Entry) -> "AudioFacts":
        """Raises one of UNFIT if the entry is not one of a recording, or does not fit its audio."""
        facts = entry.facts
        faults = tuple(Fault(FaultKind(kind), str(detail), Action(action)) for kind, detail, action in facts["faults"])
        metrics = facts["metrics"] and SignalMetrics(**facts["metrics"])
        found = cls(faults, facts["note"], metrics, facts["samples"], facts["digest"])
        fits = (found.samples, found.digest) == _length_and_digest(entry.audio) and isinstance(found.note, str)
        if not fits or any(fault.action is Action.DROPPED for fault in faults) != (entry.audio is None):
            raise ValueError("the entry is not one of this recording")
        return found


class PreparedAudio:
    """The prepared audio of a corpus; a recording is inspected when it is first asked for.

    Args:
        data: the cache, the limits, and the processing of level and silence.
        audio: sample rate of the voice.
    """

    def __init__(self, data: DataSettings, audio: AudioSettings) -> None:
        self._cache = Cache(data.cache)
        self._arguments: dict[str, Any] = {
            "sample_rate": audio.sample_rate,
            "level": None if data.level == "as recorded" else LevelTarget(data.level, data.level_db),
            "trim_margin_seconds": data.trim_margin_seconds if data.trim_silence else None,
            "shortest_seconds": data.shortest_seconds,
            "longest_seconds": data.longest_seconds,
        }
        # Everything but the bytes of the recording that determines the result.
        self.identity = key_of(
            repr(sorted(self._arguments.items())),
            digest_of_code(*_CODE),
            [version(library) for library in ("numpy", "soundfile", "soxr")],
        )

    def facts(self, path: Path) -> tuple[str, AudioFacts]:
        """The key of a recording's cache entry, and its facts; a file refused by its header has no entry (key "").

        Raises:
            OSError: the file cannot be read.
            InputError: the cache cannot be written.
        """
        try:
            refuse_by_header(path, longest_seconds=self._arguments["longest_seconds"])
        except NotDecodedError as refused:
            return "", AudioFacts((refused.fault,))
        content = path.read_bytes()
        key = key_of(hashlib.sha256(content).hexdigest(), self.identity)
        if (entry := self._cache.load(key)) is not None:
            try:
                return key, AudioFacts.of_entry(entry)
            except UNFIT:  # of another version, or spoiled: computed again
                pass
        inspected = inspect(content, **self._arguments)
        facts = AudioFacts(inspected.faults, inspected.note, inspected.metrics, *_length_and_digest(inspected.audio))
        faults = [(fault.kind, fault.detail, fault.action) for fault in facts.faults]
        self._cache.store(key, Entry(asdict(facts) | {"faults": faults}, inspected.audio))
        return key, facts

    def samples(self, path: Path, key: str) -> npt.NDArray[np.int16]:
        """The prepared audio of the entry with this key, int16 [S]; prepared again if the cache has lost it.

        Raises:
            InputError: the recording is gone or has changed since it was prepared, or the cache cannot be written.
        """
        entry = self._cache.load(key)
        if entry is None:
            with refusing_os_errors(f"{path}: cannot be read", "put it back, or start again"):
                found, _ = self.facts(path)
            entry = self._cache.load(key) if found == key else None
        if entry is None or entry.audio is None:
            raise InputError(f"{path}: has changed since it was prepared: start again")
        return entry.audio


def _length_and_digest(audio: npt.NDArray[np.int16] | None) -> tuple[int, str]:
    return (0, "") if audio is None else (len(audio), hashlib.sha256(audio.tobytes()).hexdigest())
