"""A corpus: what a voice learns from and what it is tested on, ready to batch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import DataSettings, InputError
from data.clips import Clip, Shard, read_clips
from data.preparation import Preparation
from data.preparation.examination import PreparedClip
from data.text import Lexicon, SymbolTable


@dataclass(frozen=True, eq=False)
class Corpus:
    """All clips of an experiment, and the alphabet and speakers their ids refer to."""

    train: list[Clip]
    validation: list[Clip]
    symbols: SymbolTable
    speakers: tuple[str, ...]  # by speaker id; empty where the metadata has no speaker column
    lexicon: Lexicon | None  # words the voice speaks in a way of its own
    fingerprint: str  # SHA-256 of all of it: ids, texts, phonemes, speakers, sound and the split
    shards: tuple[Shard, ...] = ()  # in the place of `train`, where that does not fit into memory


def load_corpus(
    preparation: Preparation, *, speakers: Sequence[str] | None = None, progress: bool | None = None
) -> Corpus:
    """Set the validation clips aside, and load everything.

    Args:
        preparation: the corpus.
        speakers: the speakers of a voice that exists already, by id; None takes those of the corpus, sorted.
        progress: as in `read_clips`.

    Raises:
        InputError: as `split` and `read_clips`.
    """
    train, validation = split(preparation.clips, preparation.data)
    named = {clip.recording.speaker for clip in preparation.clips if clip.recording.speaker is not None}
    names = tuple(sorted(named) if speakers is None else speakers)
    clips = list(
        read_clips(
            [*train, *validation],
            prepared_audio=preparation.prepared_audio,
            symbols=preparation.symbols,
            speakers=names,
            progress=progress,
        )
    )
    return Corpus(
        train=clips[: len(train)],
        validation=clips[len(train) :],
        symbols=preparation.symbols,
        speakers=names,
        lexicon=preparation.lexicon,
        fingerprint=_fingerprint(train, validation),
    )


def split(clips: Sequence[PreparedClip], data: DataSettings) -> tuple[list[PreparedClip], list[PreparedClip]]:
    """The clips to train on and those to validate with, each in the order given.

    Where `data.validation_metadata` does not say which these are, `data.validation_clips` are chosen: those whose ids
    have the smallest SHA-256. The choice does not depend on the order of the rows, and rows that are added or removed
    move few others.

    Raises:
        InputError: nothing is left to train on or to validate with, or a recording is for both.
    """
    if data.validation_metadata is not None:
        aside = Path(data.root) / data.validation_metadata
        train = [clip for clip in clips if clip.recording.file != aside]
        validation = [clip for clip in clips if clip.recording.file == aside]
        lines = {clip.recording.audio_path: clip.recording.where for clip in train}
        for recording in (clip.recording for clip in validation):
            if recording.audio_path in lines:
                raise InputError(
                    f"{recording.where}: {recording.id!r} is also in {lines[recording.audio_path]}: a recording is for "
                    "training or for validation, so remove it from one of the two"
                )
        if not train or not validation:
            raise InputError(
                f"{data.root}: {len(train)} recordings to train on and {len(validation)} to validate with can be used: "
                "at least one of each is needed"
            )
        return train, validation
    if len(clips) < 2:
        raise InputError(
            f"{data.root}: {len(clips)} of the recordings can be used: a corpus needs two, one to train on and one to "
            "validate with"
        )
    if data.validation_clips >= len(clips):
        raise InputError(
            f"data.validation_clips = {data.validation_clips} leaves nothing to train on: there are {len(clips)} "
            "recordings; lower data.validation_clips"
        )
    by_hash = sorted(clips, key=lambda clip: hashlib.sha256(clip.recording.id.encode()).digest())
    chosen = {clip.recording.id for clip in by_hash[: data.validation_clips]}
    train = [clip for clip in clips if clip.recording.id not in chosen]
    return train, [clip for clip in clips if clip.recording.id in chosen]


def _fingerprint(train: Sequence[PreparedClip], validation: Sequence[PreparedClip]) -> str:
    digest = hashlib.sha256()
    for purpose, clips in (("train", train), ("validation", validation)):
        for clip in clips:
            recording = clip.recording
            row = [purpose, recording.id, recording.text, recording.speaker, clip.speech, clip.audio_digest]
            digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()
