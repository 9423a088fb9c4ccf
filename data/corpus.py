"""A corpus: what a voice learns from and what it is tested on, in memory and ready to batch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from configs import AudioSettings, DataSettings, InputError
from data.clips import Clip, load_clips
from data.metadata import Recording, read_metadata, split_validation
from data.text import SymbolTable, TextFrontEnd, grapheme_symbols, piper_symbols


@dataclass(frozen=True, eq=False)
class Corpus:
    """All clips of an experiment, and the alphabet and speakers their ids refer to."""

    train: list[Clip]
    validation: list[Clip]
    symbols: SymbolTable
    speakers: tuple[str, ...]  # by speaker id; empty where the metadata has no speaker column
    fingerprint: str  # SHA-256 of all of it: ids, texts, phonemes, speakers, sound and the split


def load_corpus(
    data: DataSettings,
    audio: AudioSettings,
    *,
    symbols: SymbolTable | None = None,
    speakers: Sequence[str] | None = None,
    progress: bool | None = None,
) -> Corpus:
    """Read the metadata, set the validation clips aside, and load everything.

    Args:
        data: where the recordings are and how they are read aloud.
        audio: sample rate and frame length.
        symbols: the alphabet of a voice that exists already; None makes the one of `data.front_end`.
        speakers: the speakers of a voice that exists already, by id; None takes those of the metadata, sorted.
        progress: as in `load_clips`.

    Raises:
        InputError: as `read_metadata`, `split_validation` and `load_clips`; or a recording is both in `data.metadata`
            and in `data.validation_metadata`.
    """
    train, validation = _split(data)
    if symbols is None:
        symbols = piper_symbols() if data.front_end == "espeak" else grapheme_symbols([row.text for row in train])
    named = {row.speaker for row in (*train, *validation) if row.speaker is not None}
    names = tuple(sorted(named) if speakers is None else speakers)
    clips = load_clips(
        [*train, *validation],
        front_end=TextFrontEnd(kind=data.front_end, language=data.language, symbols=symbols),
        speakers=names,
        sample_rate=audio.sample_rate,
        hop_length=audio.hop_length,
        resample=data.resample,
        progress=progress,
    )
    return Corpus(
        train=clips[: len(train)],
        validation=clips[len(train) :],
        symbols=symbols,
        speakers=names,
        fingerprint=_fingerprint(clips, [row.speaker for row in (*train, *validation)], len(train)),
    )


def _split(data: DataSettings) -> tuple[list[Recording], list[Recording]]:
    recordings = read_metadata(data.root, data.metadata, data.columns)
    if data.validation_metadata is None:
        return split_validation(recordings, data.validation_clips)
    validation = read_metadata(data.root, data.validation_metadata, data.columns)
    lines = {recording.audio_path: recording.where for recording in recordings}
    for recording in validation:
        if recording.audio_path in lines:
            raise InputError(
                f"{recording.where}: {recording.id!r} is also in {lines[recording.audio_path]}: a recording is for "
                "training or for validation, so remove it from one of the two"
            )
    return recordings, validation


def _fingerprint(clips: Sequence[Clip], speakers: Sequence[str | None], train_count: int) -> str:
    digest = hashlib.sha256()
    for index, (clip, speaker) in enumerate(zip(clips, speakers, strict=True)):
        row = [index < train_count, clip.id, clip.text, speaker, len(clip.audio)]
        digest.update(json.dumps(row).encode() + b"\n")
        digest.update(clip.phoneme_ids.tobytes())
        digest.update(clip.audio.tobytes())
    return digest.hexdigest()
