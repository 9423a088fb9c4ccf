"""Whether a voice has learned from the sentences it is judged on: told where it has, and where nobody can know."""

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from configs import DataSettings, InputError
from configs.content import UNFIT
from data.corpus import split, validation_count
from data.preparation import Preparation
from data.preparation.examination import PreparedClip
from evaluation.counted import counted


def warn_of_learned(
    own: DataSettings,
    run: Path,
    preparation: Preparation,
    chosen: Sequence[PreparedClip],
    *,
    prepare_own: Callable[[], Preparation],
) -> None:
    """Tell of sentences among these that a voice has learned from, by their sound, or by their ids and texts.

    Args:
        own: where the voice's settings say that its recordings are, and how it divides them.
        run: its folder, whose corpus.json, where there is one, says how many there were.
        preparation: of the recordings that it is judged on.
        chosen: the sentences among them.
        prepare_own: the same for the voice's own recordings; asked where they are still there.
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
        judged = counted(len(chosen), "sentence")
        warnings.warn(f"the voice of {run} has learned from {known} of {judged} that it is judged on", stacklevel=3)


def warn_of_shards(own: DataSettings, data: DataSettings, run: Path) -> None:
    """Tell where shards leave it open what was learned: they do not say which recordings they were made of."""
    if own.shards is None or data.shards is None or Path(own.shards).resolve() != Path(data.shards).resolve():
        _warn_of_doubt(run, f"shards ({own.shards or data.shards}) do not say which recordings they have")


def _warn_of_doubt(run: Path, why: str) -> None:
    warnings.warn(
        f"whether the voice of {run} has learned from what it is judged on cannot be known: {why}", stacklevel=4
    )


def _learned(
    own: DataSettings, run: Path, preparation: Preparation, prepare_own: Callable[[], Preparation]
) -> list[PreparedClip]:
    """The recordings that the voice has learned from.

    Raises:
        InputError: they are not there, or no longer what they were.
    """
    counts, per_speaker = _counts(run)
    if Path(own.root).is_dir():
        where, mine = own.root, prepare_own()
    elif counts is not None and sum(counts) == len(preparation.clips):
        where, mine = preparation.data.root, preparation  # the same ones, in another place
    else:
        raise InputError(f"its own recordings are not at {own.root}")
    if own.validation_metadata is None and validation_count(own, len(mine.clips)) >= len(mine.clips):
        raise InputError(f"{where} has {len(mine.clips)} recordings left, fewer than it learned from")
    train, validation = split(mine.clips, own, per_speaker=per_speaker)
    if counts is not None and counts != (len(train), len(validation)):
        raise InputError(
            f"it learned from {counts[0]} recordings and was validated with {counts[1]}, and {where} now divides into "
            f"{len(train)} and {len(validation)}"
        )
    return train


def _counts(run: Path) -> tuple[tuple[int, int] | None, bool]:
    """The clips that a voice learned from and was validated with, where its folder says so.

    Also whether these were drawn per speaker, which versions did not that wrote no fingerprint.
    """
    try:
        summary = json.loads((run / "corpus.json").read_bytes())
        return (int(summary["clips"]), int(summary["validation_clips"])), "fingerprint" in summary
    except (OSError, *UNFIT):
        return None, True
