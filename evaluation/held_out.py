"""The sentences that a voice is evaluated on: recordings that it was not trained on, always the same ones."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from configs import Config, DataSettings, InputError, load_config
from data.audio_file import to_float
from data.clips import Clip, read_clips
from data.corpus import split
from data.faults import Action
from data.opening import open_corpus
from data.preparation import Preparation, prepare
from data.preparation.examination import PreparedClip
from data.shards import open_shards
from evaluation.learned import warn_of_learned, warn_of_shards
from evaluation.output import counted
from evaluation.rendition import HeldOutSentence, Sound
from infer import Voice
from training.recogniser import Recogniser, train_or_load

_MOST_UNKNOWN = 0.1  # of the symbols of all sentences: above it, the voice has another alphabet
# The settings that turn a text into ids and a file into samples: always the voice's own.
_OF_THE_VOICE = ("front_end", "language", "lexicon", "level", "level_db", "trim_silence", "trim_margin_seconds")


def choose_data(config: Config, given: Path | None) -> DataSettings:
    """The recordings: those of the voice's settings, of a folder, or of an experiment's settings file.

    Raises:
        InputError: there are none.
    """
    own = config.data
    if given is None:
        place = Path(own.shards or own.root)
        if not place.exists():
            raise InputError(f"the recordings of this voice are not at {place}: say where they are with --data FOLDER")
        return own
    if given.suffix == ".toml":
        return load_config(given).data
    if not given.is_dir():
        raise InputError(f"{given}: there is no such folder of recordings, and it is no settings file (.toml) either")
    update: dict[str, object] = {"root": str(given), "shards": None}
    if given.resolve() != Path(own.root).resolve():
        update["format"] = "auto"
        for name in ("metadata", "validation_metadata"):
            file = getattr(own, name)
            update[name] = file if file is not None and (given / file).is_file() else None
    return own.model_copy(update=update)


def as_read_by(voice: Voice, data: DataSettings) -> DataSettings:
    """The same recordings, with the text processing and levels of this voice."""
    own = voice.config.data
    update = {name: getattr(own, name) for name in _OF_THE_VOICE}
    if own.lexicon is not None and not Path(own.lexicon).is_file():
        update["lexicon"] = None  # the voice file has a copy
    return data.model_copy(update=update)


def hold_out(voice: Voice, data: DataSettings, count: int, *, run: Path | None = None) -> list[HeldOutSentence]:
    """The held-out sentences, as the voice reads them; fewer than `count` only where there are no more.

    They are the validation clips of the settings. A corpus with no more clips than `data.validation_clips` is held out
    whole; where that is auto, so is one with no more than `data.max_validation_clips` that is not the voice's own. Of
    these, those with the smallest SHA-256 of the id are taken, so that fewer sentences are a prefix of more.
    Recordings are cut to whole frames. Warnings name recordings that are left out, and sentences that the voice was or
    may have been trained on.

    Args:
        voice: to evaluate.
        data: where the recordings are, `as_read_by` this voice.
        count: of sentences.
        run: folder of the voice; None takes run.dir of its settings.

    Raises:
        InputError: nothing is held out, a speaker is not one of the voice's, or the texts are in another alphabet.
    """
    speakers = required_speakers(voice)
    hop = voice.config.audio.hop_length
    sentences = [
        HeldOutSentence(
            id=clip.id,
            text=clip.text,
            encoded=voice.front_end.utterance(clip.text),
            speaker=clip.speaker_id if speakers else None,
            recorded=Sound(
                to_float(clip.audio[: len(clip.audio) // hop * hop]),
                voice.sample_rate,
            ),
        )
        for clip in _clips(voice, data, speakers, count, run or Path(voice.config.run.dir))
    ]
    _refuse_another_alphabet(sentences, data)
    return sentences


def required_speakers(voice: Voice) -> tuple[str, ...]:
    """The speakers that a corpus must name; none for a single-speaker voice."""
    return voice.speakers if len(voice.speakers) > 1 else ()


def recogniser_of(voice: Voice, data: DataSettings) -> Recogniser | None:
    """A phoneme recogniser trained on the recordings that are not held out; None, with a warning, if they are too few.

    The recordings are those of `data`, `as_read_by` this voice.
    """
    config = voice.config.model_copy(update={"data": data})
    symbols, speakers = voice.front_end.symbols, required_speakers(voice)
    try:
        return train_or_load(open_corpus(data, config.audio, verbose=False, symbols=symbols, speakers=speakers), config)
    except InputError as error:
        warnings.warn(f"no phoneme error rate: {error}", stacklevel=2)
        return None


def _clips(voice: Voice, data: DataSettings, speakers: Sequence[str], count: int, run: Path) -> Iterator[Clip]:
    symbols, own, audio = voice.front_end.symbols, voice.config.data, voice.config.audio
    if data.shards is not None:
        corpus = open_shards(data.shards, data, audio, symbols=symbols, speakers=voice.speakers)
        held_out = sorted(corpus.validation, key=lambda clip: _place(clip.id))[:count]
        warn_of_shards(own, data, run)
        return iter(held_out)
    preparation = prepare(data, audio, symbols=symbols)
    _warn_of_dropped(preparation)
    chosen = sorted(_validation(preparation, own), key=lambda clip: _place(clip.recording.id))[:count]
    if own.shards is not None:
        warn_of_shards(own, data, run)
    else:
        warn_of_learned(
            own,
            run,
            preparation,
            chosen,
            prepare_own=lambda: prepare(as_read_by(voice, own), audio, symbols=symbols),
        )
    return read_clips(chosen, prepared_audio=preparation.prepared_audio, symbols=symbols, speakers=speakers)


def _warn_of_dropped(preparation: Preparation) -> None:
    dropped = preparation.rows - len(preparation.clips)
    if not dropped:
        return
    faults = Counter(str(one.kind) for one in preparation.faults if one.action is Action.DROPPED)
    why = ", ".join(f"{fault}: {count}" for fault, count in faults.most_common())
    warnings.warn(
        f"{preparation.data.root}: left out {dropped} of {counted(preparation.rows, 'recording')} ({why})",
        stacklevel=2,
    )


def _validation(preparation: Preparation, own: DataSettings) -> Sequence[PreparedClip]:
    clips, data = preparation.clips, preparation.data
    if not clips:
        raise InputError(f"{data.root}: none of its {preparation.rows} recordings can be used to evaluate a voice")
    most = data.validation_clips
    if most == "auto":
        most = 1 if Path(data.root).resolve() == Path(own.root).resolve() else data.max_validation_clips
    if data.validation_metadata is None and len(clips) <= most:
        return clips
    return split(clips, data).validation


def _place(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _refuse_another_alphabet(sentences: Sequence[HeldOutSentence], data: DataSettings) -> None:
    unknown = [symbol for sentence in sentences for symbol in sentence.encoded.unknown]
    known = sum(len(sentence.encoded.symbols) for sentence in sentences)
    if len(unknown) > _MOST_UNKNOWN * (known + len(unknown)):
        some = " ".join(sorted(set(unknown))[:8])
        raise InputError(
            f"{data.shards or data.root}: of the {known + len(unknown)} symbols of its texts the voice does not know "
            f"{len(unknown)} ({some}): give --data whose texts are in the alphabet of the voice"
        )
