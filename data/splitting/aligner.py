"""Alignment of texts with recordings of any length: the protocol of an aligner, and its application in windows."""

import itertools
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from data.splitting.cuts import Cut
from data.splitting.silences import find_silences
from data.transcriber import Transcriber

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

WINDOW_SECONDS = 40.0  # of a recording, aligned at once


class Aligner(Protocol):
    """Aligns texts with a recording in which they are spoken from beginning to end."""

    def __call__(self, audio: Samples, sample_rate: int, texts: Sequence[str], speaker: str | None) -> Floats:
        """The end of each text.

        Args:
            audio: [S] in [-1, 1], mono.
            sample_rate: samples per second.
            texts: [U], consecutive; each can be spoken.
            speaker: None if the corpus names none.

        Returns:
            [U], in seconds, ascending.
        """
        ...


def align(
    aligner: Aligner,
    audio: Samples,
    sample_rate: int,
    texts: Sequence[str],
    guess: Sequence[Cut],
    speaker: str | None,
) -> Floats:
    """Apply an aligner to a recording of any length, in windows that overlap by half.

    Args:
        aligner: of texts with a short recording.
        audio: [S] in [-1, 1], mono.
        sample_rate: samples per second.
        texts: [U].
        guess: cuts by the speaking rate, from which the windows are made.
        speaker: as in `Aligner`.

    Returns:
        The end of each text [U], in seconds, from the window in which it is furthest from both edges.
    """
    times = np.full(len(texts), np.nan)
    inside = np.full(len(texts), -1.0)  # seconds to the nearer end of the window
    for window in _windows(guess):
        start, end, first, last = window[0].start, window[-1].end, window[0].first, window[-1].last
        transcript = audio[round(start * sample_rate) : round(end * sample_rate)]
        found = start + aligner(transcript, sample_rate, texts[first:last], speaker)
        margin = np.full(len(found), np.inf)
        if start > guess[0].start:
            margin = np.minimum(margin, found - start)
        if end < guess[-1].end:
            margin = np.minimum(margin, end - found)
        better = margin > inside[first:last]
        times[first:last][better], inside[first:last][better] = found[better], margin[better]
    return np.maximum.accumulate(times)


def _windows(guess: Sequence[Cut]) -> list[list[Cut]]:
    """Windows of consecutive cuts, about `WINDOW_SECONDS` long, overlapping by half."""
    halves: list[list[Cut]] = [[]]
    for cut in guess:
        if halves[-1] and cut.end - halves[-1][0].start > WINDOW_SECONDS / 2:
            halves.append([])
        halves[-1].append(cut)
    if len(halves) == 1:
        return halves
    return [one + other for one, other in itertools.pairwise(halves)]


class TranscriptAligner:
    """Aligns texts by what a speech recogniser transcribes between the silences."""

    def __init__(self, transcriber: Transcriber) -> None:
        self.transcriber = transcriber

    def __call__(self, audio: Samples, sample_rate: int, texts: Sequence[str], speaker: str | None) -> Floats:
        """As `Aligner`."""
        places = find_silences(audio, sample_rate).middles
        transcript, lengths = "", [0]
        for start, end in itertools.pairwise(places):
            transcript += _letters(
                self.transcriber(audio[round(start * sample_rate) : round(end * sample_rate)], sample_rate)
            )
            lengths.append(len(transcript))
        written = [_letters(text) for text in texts]
        aligned = Levenshtein.opcodes("".join(written), transcript)
        in_text, in_transcript = np.array(
            [(0, 0), *((code.src_end, code.dest_end) for code in aligned)], np.float64
        ).T  # [codes + 1] each
        ends = np.interp(np.cumsum([len(one) for one in written]), in_text, in_transcript)
        times: Floats = np.interp(ends, lengths, places)
        times[-1] = places[-1]
        return times


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
