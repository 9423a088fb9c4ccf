"""Clips: recordings in memory and their texts as ids.

24 hours of speech are 3.8 GB as 16-bit samples.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from configs import InputError
from data.preparation.examination import PreparedClip
from data.preparation.prepared_audio import PreparedAudio
from text import SymbolTable

_AHEAD = 64  # clips that are being read; so a corpus that fits no memory can pass through


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording and what is said in it. P phonemes with blanks, S samples."""

    id: str
    text: str
    phoneme_ids: npt.NDArray[np.int64]  # [P]
    audio: npt.NDArray[np.int16]  # [S]
    speaker_id: int  # place in the corpus's speakers; 0 where it has none


@dataclass(frozen=True)
class Shard:
    """Clips that are on disk: one tar file of them."""

    path: Path
    samples: tuple[int, ...]  # of each clip, in the order of the file
    speakers: tuple[str, ...]  # by speaker id
    num_symbols: int | None = None  # that its phoneme ids are below; None does not bound them


def read_clips(
    prepared: Sequence[PreparedClip],
    *,
    prepared_audio: PreparedAudio,
    symbols: SymbolTable,
    speakers: Sequence[str],
    progress: bool | None = None,
) -> Iterator[Clip]:
    """Read prepared clips from the cache, one after the other.

    Args:
        prepared: what to read.
        prepared_audio: where their sound is.
        symbols: alphabet of the voice.
        speakers: names whose places are the speaker ids; empty where the corpus names none.
        progress: whether to show a bar; None shows one on a terminal when the work takes more than two seconds.

    Yields:
        One clip per prepared clip, in their order.

    Raises:
        InputError: a recording has changed since it was prepared, or has a speaker the voice does not have.
    """
    place = {name: index for index, name in enumerate(speakers)}
    bar = tqdm(
        total=len(prepared),
        desc="reading recordings",
        unit="clip",
        delay=2 if progress is None else 0,
        disable=None if progress is None else not progress,
    )
    reading: deque[Future[npt.NDArray[np.int16]]] = deque()
    with bar, ThreadPoolExecutor(max_workers=4) as pool:
        for index, clip in enumerate(prepared):
            for ahead in prepared[index + len(reading) : index + _AHEAD]:
                reading.append(pool.submit(prepared_audio.samples, ahead.recording.audio_path, ahead.audio_key))
            recording = clip.recording
            ids = np.array(symbols.encode(clip.speech).ids, dtype=np.int64)
            speaker_id = _speaker_id(clip, place)
            yield Clip(recording.id, recording.text, ids, reading.popleft().result(), speaker_id)
            bar.update()


def _speaker_id(clip: PreparedClip, place: dict[str, int]) -> int:
    recording = clip.recording
    if not place:
        return 0
    if recording.speaker is None:
        raise InputError(f"{recording.where}: names no speaker, and the voice has {len(place)}: name one in every row")
    if recording.speaker not in place:
        raise InputError(
            f"{recording.where}: the voice has no speaker {recording.speaker!r}, only {', '.join(place)}: correct or "
            "remove the line"
        )
    return place[recording.speaker]
