"""Warnings where a voice was trained on the sentences that it is evaluated on, or where that cannot be known."""

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from configs import DataSettings, InputError
from configs.content import UNFIT
from data.corpus import split, validation_count
from data.preparation import Preparation
from data.preparation.examination import PreparedClip
from evaluation.output import counted


def warn_of_learned(
    own: DataSettings,
    run: Path,
    preparation: Preparation,
    chosen: Sequence[PreparedClip],
    *,
    prepare_own: Callable[[], Preparation],
) -> None:
    """Warn of sentences that a voice was trained on, found by their audio, or by id and text.

    Args:
        own: the data settings of the voice.
        run: its folder; a corpus.json there says how many recordings there were.
        preparation: of the recordings that it is evaluated on.
        chosen: the sentences among them that are used.
        prepare_own: prepares the voice's own recordings, where they still exist.
    """
    try:
        learned = _learned(own, run, preparation, prepare_own)
    except InputError as error:
        _warn_of_doubt(run, str(error))
        return
    sounds = {clip.audio_digest for clip in learned}
    texts = {(clip.recording.id, clip.recording.text) for clip in learned}
    known = sum(clip.audio_digest in sounds or (clip.recording.id, clip.recording.text) in texts for clip in chosen)
    if known:
        sentences = counted(len(chosen), "sentence")
        warnings.warn(f"the voice of {run} was trained on {known} of {sentences} that it is evaluated on", stacklevel=3)


def warn_of_shards(own: DataSettings, data: DataSettings, run: Path) -> None:
    """Warn where shards are involved: they do not say which recordings they were made of."""
    if own.shards is None or data.shards is None or Path(own.shards).resolve() != Path(data.shards).resolve():
        _warn_of_doubt(run, f"shards ({own.shards or data.shards}) do not say which recordings they have")


def _warn_of_doubt(run: Path, why: str) -> None:
    warnings.warn(
        f"whether the voice of {run} was trained on what it is evaluated on cannot be known: {why}", stacklevel=4
    )


def _learned(
    own: DataSettings, run: Path, preparation: Preparation, prepare_own: Callable[[], Preparation]
) -> list[PreparedClip]:
    """The recordings that the voice was trained on.

    Raises:
        InputError: they are missing, or have changed.
    """
    counts, per_speaker = _counts(run)
    if Path(own.root).is_dir():
        where, mine = own.root, prepare_own()
    elif counts is not None and sum(counts) == len(preparation.clips):
        where, mine = preparation.data.root, preparation  # the same ones, in another place
    else:
        raise InputError(f"its own recordings are not at {own.root}")
    if own.validation_metadata is None and validation_count(own, len(mine.clips)) >= len(mine.clips):
        raise InputError(f"{where} has {len(mine.clips)} recordings left, fewer than it was trained on")
    train, validation = split(mine.clips, own, per_speaker=per_speaker)
    if counts is not None and counts != (len(train), len(validation)):
        raise InputError(
            f"it was trained on {counts[0]} recordings and validated on {counts[1]}, and {where} now divides into "
            f"{len(train)} and {len(validation)}"
        )
    return train


def _counts(run: Path) -> tuple[tuple[int, int] | None, bool]:
    """The numbers of training and validation clips, where the folder of a voice says so.

    Also whether these were drawn per speaker; versions that wrote no fingerprint did not.
    """
    try:
        summary = json.loads((run / "corpus.json").read_bytes())
        return (int(summary["clips"]), int(summary["validation_clips"])), "fingerprint" in summary
    except (OSError, *UNFIT):
        return None, True
