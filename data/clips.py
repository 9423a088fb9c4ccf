"""Recordings in memory: every one decoded once, every text turned into ids once.

There is no cache on disk that could be stale: 24 hours of speech are 3.8 GB as 16-bit samples, and decode in minutes.
"""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from configs import InputError
from data.audio_file import read_audio
from data.metadata import Recording, first_of
from data.text import Encoded, TextFrontEnd
from data.text.front_end import is_speakable


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording and what is said in it. P phonemes with blanks, S samples."""

    id: str
    text: str
    phoneme_ids: npt.NDArray[np.int64]  # [P]
    audio: npt.NDArray[np.int16]  # [S]
    speaker_id: int  # place in the corpus's speakers; 0 where it has none


def load_clips(
    recordings: Sequence[Recording],
    *,
    front_end: TextFrontEnd,
    speakers: Sequence[str],
    sample_rate: int,
    hop_length: int,
    resample: bool,
    progress: bool | None = None,
) -> list[Clip]:
    """Decode every recording and encode every text. Symbols the voice does not know are left out, with one warning.

    Args:
        recordings: what to load.
        front_end: text to ids.
        speakers: names whose places are the speaker ids; empty where the corpus names none.
        sample_rate: samples per second of the voice, in hertz.
        hop_length: samples per frame.
        resample: whether recordings at another rate are resampled or refused.
        progress: whether to show a bar; None shows one on a terminal when the work takes more than two seconds.

    Returns:
        One clip per recording, in their order.

    Raises:
        InputError: a recording cannot be read, has fewer frames than ids, has a text without a known symbol, or a
            speaker the voice does not have; the first is described by file and line, the rest are counted.
    """
    place = {name: index for index, name in enumerate(speakers)}
    unknown: Counter[str] = Counter()
    faults: list[str] = []
    clips: list[Clip] = []
    pool = ThreadPoolExecutor(max_workers=min(16, os.cpu_count() or 1))  # soundfile decodes without the GIL
    try:
        decoding: list[Future[npt.NDArray[np.int16]]] = [
            pool.submit(read_audio, recording.audio_path, sample_rate=sample_rate, resample=resample)
            for recording in recordings
        ]
        bar = tqdm(
            zip(recordings, decoding, strict=True),
            desc="reading recordings",
            total=len(recordings),
            unit="clip",
            delay=2 if progress is None else 0,
            disable=None if progress is None else not progress,
        )
        for recording, decoded in bar:
            try:
                encoded = front_end.utterance(recording.text)
                unknown.update(encoded.unknown)
                clips.append(_clip(recording, encoded, decoded.result(), place, hop_length))
            except InputError as error:
                faults.append(f"{recording.where}: {error}")
    finally:
        pool.shutdown(cancel_futures=True)
    if faults:
        raise InputError(first_of(faults))
    if unknown:
        counts = ", ".join(f"{symbol!r} ({count})" for symbol, count in unknown.most_common())
        warnings.warn(
            f"the texts have symbols that the voice does not know and leaves out (how often): {counts}", stacklevel=2
        )
    return clips


def _clip(
    recording: Recording, encoded: Encoded, audio: npt.NDArray[np.int16], place: dict[str, int], hop_length: int
) -> Clip:
    if not is_speakable(encoded):
        raise InputError(
            f"the text {recording.text!r} has nothing that the voice can speak: correct or remove the line"
        )
    frames, ids = len(audio) // hop_length, len(encoded.ids)
    if frames < ids:
        raise InputError(
            f"{recording.audio_path} is too short for its text: it has {frames} frames of {hop_length} samples, and "
            f"the text {ids} ids, each of which needs a frame: correct the text, or remove the line"
        )
    if place and recording.speaker is None:
        raise InputError(f"the line names no speaker, and the voice has {len(place)}: add a speaker to data.columns")
    if place and recording.speaker not in place:
        raise InputError(
            f"the voice has no speaker {recording.speaker!r}, only {', '.join(place)}: correct or remove the line"
        )
    speaker_id = place[recording.speaker] if place and recording.speaker is not None else 0
    return Clip(recording.id, recording.text, np.array(encoded.ids, dtype=np.int64), audio, speaker_id)
