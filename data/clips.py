"""Clips: audio in memory, with the phoneme ids of its text. 24 hours of speech take 3.8 GB as 16-bit samples."""

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
from data.recording import Recording
from text import SymbolTable

_AHEAD = 64  # clips being read ahead; bounded, so that a corpus larger than memory can be streamed


@dataclass(frozen=True, eq=False)
class Clip:
    """One training example. P phonemes with blanks, S samples."""

    id: str
    text: str
    phoneme_ids: npt.NDArray[np.int64]  # [P]
    audio: npt.NDArray[np.int16]  # [S]
    speaker_id: int  # index into the corpus's speakers; 0 if it has none


@dataclass(frozen=True)
class Shard:
    """One tar file of clips."""

    path: Path
    samples: tuple[int, ...]  # of each clip, in file order
    speakers: tuple[str, ...]  # by speaker id
    num_symbols: int | None = None  # upper bound of its phoneme ids; None does not check them


def read_clips(
    prepared: Sequence[PreparedClip],
    *,
    prepared_audio: PreparedAudio,
    symbols: SymbolTable,
    speakers: Sequence[str],
) -> Iterator[Clip]:
    """Read prepared clips from the cache, in order.

    Args:
        prepared: the clips.
        prepared_audio: their audio.
        symbols: symbol table of the voice.
        speakers: names by speaker id; empty if the corpus names none.

    Raises:
        InputError: a recording has changed since it was prepared, or its speaker is not one of the voice's.
    """
    speaker_ids = {name: index for index, name in enumerate(speakers)}
    bar = tqdm(
        total=len(prepared),
        desc="reading recordings",
        unit="clip",
        delay=2,
        disable=None,
    )
    reading: deque[Future[npt.NDArray[np.int16]]] = deque()
    with bar, ThreadPoolExecutor(max_workers=4) as pool:
        for index, clip in enumerate(prepared):
            for ahead in prepared[index + len(reading) : index + _AHEAD]:
                reading.append(pool.submit(prepared_audio.samples, ahead.recording.audio_path, ahead.audio_key))
            recording = clip.recording
            ids = np.array(symbols.encode(clip.speech).ids, dtype=np.int64)
            speaker_id = _speaker_id(clip.recording, speaker_ids)
            yield Clip(recording.id, recording.text, ids, reading.popleft().result(), speaker_id)
            bar.update()


def _speaker_id(recording: Recording, speaker_ids: dict[str, int]) -> int:
    if not speaker_ids:
        return 0
    if recording.speaker is None:
        raise InputError(
            f"{recording.where}: names no speaker, and the voice has {len(speaker_ids)}: name one in every row"
        )
    if recording.speaker not in speaker_ids:
        raise InputError(
            f"{recording.where}: the voice has no speaker {recording.speaker!r}, only {', '.join(speaker_ids)}: "
            "correct or remove the line"
        )
    return speaker_ids[recording.speaker]
