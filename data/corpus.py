"""The corpus of a run: training and validation sets, ready to batch."""

import hashlib
import heapq
import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from configs import DataSettings, InputError
from configs.wording import listed, shortened
from data.clips import Clip, Shard, read_clips
from data.preparation import Preparation
from data.preparation.examination import PreparedClip
from data.recording import in_order
from text import Lexicon, SymbolTable

DEFAULT_SHARE = 10  # data.validation_clips = auto holds out at most one clip in this many
_MOST_NAMES = 12  # listed in a message
_LONGEST_NAME = 40  # characters of each; Common Voice names its speakers in 128


class Split(NamedTuple):
    """A split into training and validation set."""

    train: list[PreparedClip]
    validation: list[PreparedClip]


@dataclass(frozen=True, eq=False)
class Corpus:
    """All clips of an experiment, and the symbols and speakers that their ids refer to."""

    train: list[Clip]
    validation: list[Clip]
    symbols: SymbolTable
    speakers: tuple[str, ...]  # by speaker id; empty if the corpus names none
    lexicon: Lexicon | None  # pronunciations stored in the voice
    fingerprint: str  # SHA-256 of ids, texts, phonemes, speakers, audio and the split
    shards: tuple[Shard, ...] = ()  # the training set, in place of `train`, if it does not fit into memory
    split: tuple[str, ...] = ()  # a description of the split, a sentence each

    @property
    def training_clips(self) -> int:
        """The size of the training set, in memory or in shards."""
        return len(self.train) + sum(len(shard.samples) for shard in self.shards)


def load_corpus(
    preparation: Preparation,
    *,
    speakers: Sequence[str] | None = None,
    fingerprint: str | None = None,
) -> Corpus:
    """Split a prepared corpus, and load it into memory.

    Args:
        preparation: the corpus.
        speakers: the speakers of an existing voice, by id; None takes those of the corpus, `in_order`.
        fingerprint: of the corpus of a run that is resumed; if its split was drawn from all speakers together, as in
            earlier versions, so is this one.

    Raises:
        InputError: as `split` and `read_clips`, or a speaker of a new voice has no training clip.
    """
    data = preparation.data
    division = split(preparation.clips, data)
    if fingerprint is not None and _fingerprint(division) != fingerprint:
        together = split(preparation.clips, data, per_speaker=False)
        division = together if _fingerprint(together) == fingerprint else division
    names = tuple(speakers) if speakers is not None else speakers_of(division, data)
    clips = list(
        read_clips(
            [*division.train, *division.validation],
            prepared_audio=preparation.prepared_audio,
            symbols=preparation.symbols,
            speakers=names,
        )
    )
    return Corpus(
        train=clips[: len(division.train)],
        validation=clips[len(division.train) :],
        symbols=preparation.symbols,
        speakers=names,
        lexicon=preparation.lexicon,
        fingerprint=_fingerprint(division),
        split=describe_split(division, data),
    )


def speakers_of(division: Split, data: DataSettings) -> tuple[str, ...]:
    """The speakers of a new voice, by id.

    Raises:
        InputError: one of them has no training clip.
    """
    train, validation = ({clip.recording.speaker for clip in part} - {None} for part in division)
    untrained = in_order(name for name in validation - train if name is not None)
    if untrained:
        raise InputError(
            f"{data.root}: {_listed(untrained)}: has no recording to train on, only some in "
            f"{data.validation_metadata}: move one of each speaker to the others, or remove these rows"
        )
    return in_order(name for name in train if name is not None)


def split(clips: Sequence[PreparedClip], data: DataSettings, *, per_speaker: bool = True) -> Split:
    """Split a corpus into training and validation set, each in the order given.

    Without `data.validation_metadata`, `validation_count` clips are held out: in proportion to each speaker's clips,
    but one of every speaker before two of any; each speaker keeps half of its clips, and at least one, for training.
    The clips held out are those whose ids have the smallest SHA-256, so the split does not depend on the order of the
    rows, and changes little when rows are added or removed.

    Args:
        clips: of the whole corpus.
        data: its settings.
        per_speaker: False draws from all clips together, as earlier versions did.

    Raises:
        InputError: the training or the validation set would be empty, or a recording is in both.
    """
    if data.validation_metadata is not None:
        return _split_by_file(clips, data, data.validation_metadata)
    if len(clips) < 2:
        raise InputError(
            f"{data.root}: {len(clips)} of the recordings can be used: a corpus needs two, one to train on and one to "
            "validate with"
        )
    wanted = validation_count(data, len(clips))
    if wanted >= len(clips):
        raise InputError(
            f"data.validation_clips = {wanted} leaves nothing to train on: there are {len(clips)} recordings; lower "
            "data.validation_clips"
        )
    ids: defaultdict[str | None, list[str]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: hashlib.sha256(clip.recording.id.encode()).digest()):
        ids[clip.recording.speaker if per_speaker else None].append(clip.recording.id)
    sizes = {speaker: len(own) for speaker, own in ids.items()}
    most = {speaker: size - 1 if len(sizes) == 1 else size // 2 for speaker, size in sizes.items()}
    if not any(most.values()):
        raise InputError(
            f"{data.root}: each of its {len(sizes)} speakers has one recording, which is for training: add recordings, "
            "or name those to validate with in data.validation_metadata"
        )
    counts = _shares(wanted, most, sizes)
    chosen = {name for speaker, own in ids.items() for name in own[: counts[speaker]]}
    return Split(
        [clip for clip in clips if clip.recording.id not in chosen],
        [clip for clip in clips if clip.recording.id in chosen],
    )


def validation_count(data: DataSettings, clips: int) -> int:
    """How many of a number of clips to hold out: as set by the user, else at most a tenth and at least one."""
    if data.validation_clips != "auto":
        return data.validation_clips
    return min(data.max_validation_clips, max(1, clips // DEFAULT_SHARE))


def describe_split(division: Split, data: DataSettings) -> tuple[str, ...]:
    """The size of the split, why it is not the one set, and the speakers without validation clips, a sentence each."""
    train, validation = division
    total = len(train) + len(validation)
    sentences = [f"validation: {len(validation)} of {total} recordings are set aside, {len(train)} are trained on"]
    if data.validation_metadata is not None:
        sentences[0] += f" (data.validation_metadata={data.validation_metadata})"
    elif data.validation_clips == "auto":
        sentences[0] += " (at most a tenth; data.validation_clips=N sets another number aside)"
    elif len(validation) < data.validation_clips:
        sentences.append(
            f"data.validation_clips = {data.validation_clips} is more than can be set aside: each speaker keeps half "
            "of its recordings, and at least one, for training"
        )
    validated = {clip.recording.speaker for clip in validation}
    others = in_order(clip.recording.speaker or "" for clip in train if clip.recording.speaker not in validated)
    if others and validated != {None}:
        sentences.append(f"not validated, but trained on: {_listed(others)}")
    return tuple(sentences)


def _listed(names: Sequence[str]) -> str:
    return listed((shortened(name, _LONGEST_NAME) for name in names), _MOST_NAMES)


def _split_by_file(clips: Sequence[PreparedClip], data: DataSettings, name: str) -> Split:
    aside = Path(data.root) / name
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
    return Split(train, validation)


def _shares(wanted: int, most: Mapping[str | None, int], sizes: Mapping[str | None, int]) -> Counter[str | None]:
    """How many clips each speaker gives, together `wanted` or all that may be given.

    Adams' method of apportionment, which gives everybody one before anybody two; ties go to the first.
    """
    # Of each clip that a speaker may give: the speaker's clips for every one given before, the largest first.
    claims = (
        (-size / given if given else -math.inf, -size, turn, speaker)
        for turn, (speaker, size) in enumerate(sizes.items())
        for given in range(most[speaker])
    )
    return Counter(speaker for *_, speaker in heapq.nsmallest(wanted, claims, key=lambda claim: claim[:3]))


def _fingerprint(division: Split) -> str:
    digest = hashlib.sha256()
    for purpose, clips in zip(("train", "validation"), division, strict=True):
        for clip in clips:
            recording = clip.recording
            row = [purpose, recording.id, recording.text, recording.speaker, clip.speech, clip.audio_digest]
            digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()
