"""The sound of recordings as it is trained on: made once, then taken from the cache."""

import hashlib
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from configs import AudioSettings, DataSettings, InputError
from data.findings import Action, Fault
from data.inspection.decoding import NotDecodedError
from data.inspection.header import refuse_by_header
from data.inspection.inspection import inspect
from data.inspection.measures import Measures
from data.inspection.processing import LevelTarget
from data.preparation.cache import Cache, Entry, digest_of_code, key_of

_DATA = Path(__file__).parents[1]
_CODE = [_DATA / "audio_file.py", *sorted((_DATA / "inspection").glob("*.py"))]  # decides what becomes of a recording


class PreparedAudio:
    """Inspects a recording when it is first asked for.

    Args:
        data: the cache, what is believed, and what is done to the level and the silence.
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
        # All that decides what is made of a recording, beside its bytes.
        self.identity = key_of(
            repr(sorted(self._arguments.items())),
            digest_of_code(*_CODE),
            [version(library) for library in ("numpy", "soundfile", "soxr")],
        )

    def facts(self, path: Path) -> tuple[str, dict[str, Any]]:
        """The key of a recording's entry, and what was found out; a file that is not worth reading has no entry.

        These are its `faults`, `note`, `measures`, `samples` and `digest`.

        Raises:
            OSError: the file cannot be read.
            InputError: the cache cannot be written.
        """
        try:
            refuse_by_header(path, longest_seconds=self._arguments["longest_seconds"])
        except NotDecodedError as refused:
            fault = refused.fault
            nothing = {"note": "", "measures": None, "samples": 0, "digest": ""}
            return "", nothing | {"faults": [(fault.fault, fault.detail, fault.action)]}
        content = path.read_bytes()
        key = key_of(hashlib.sha256(content).hexdigest(), self.identity)
        entry = self._cache.load(key)
        if entry is None or not _is_of_a_recording(entry):
            inspected = inspect(content, **self._arguments)
            samples = inspected.audio
            facts = {
                "note": inspected.note,
                "faults": [(fault.fault, fault.detail, fault.action) for fault in inspected.faults],
                "measures": None if inspected.measures is None else asdict(inspected.measures),
                "samples": 0 if samples is None else len(samples),
                "digest": "" if samples is None else hashlib.sha256(samples.tobytes()).hexdigest(),
            }
            entry = Entry(facts, samples)
            self._cache.store(key, entry)
        return key, entry.facts

    def samples(self, path: Path, key: str) -> npt.NDArray[np.int16]:
        """The sound of the recording whose entry has this key, int16 [S]; made again if the cache has lost it.

        Raises:
            InputError: the recording is gone, or not what it was when it was prepared; or the cache cannot be written.
        """
        entry = self._cache.load(key)
        if entry is None:
            try:
                found, _ = self.facts(path)
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror}): put it back, or start again") from error
            entry = self._cache.load(key) if found == key else None
        if entry is None or entry.audio is None:
            raise InputError(f"{path}: has changed since it was prepared: start again")
        return entry.audio


def _is_of_a_recording(entry: Entry) -> bool:
    """Whether an entry has what `facts` gives, and the sound that its facts tell of."""
    try:
        samples = 0 if entry.audio is None else len(entry.audio)
        digest = "" if entry.audio is None else hashlib.sha256(entry.audio.tobytes()).hexdigest()
        measures = entry.facts["measures"]
        faults = [(Fault(fault), str(detail), Action(action)) for fault, detail, action in entry.facts["faults"]]
        dropped = any(action is Action.DROPPED for _, _, action in faults)
        return (
            isinstance(entry.facts["note"], str)
            and (measures is None or isinstance(Measures(**measures), Measures))
            and (entry.facts["samples"], entry.facts["digest"]) == (samples, digest)
            and dropped == (entry.audio is None)
        )
    except (KeyError, TypeError, ValueError):
        return False
