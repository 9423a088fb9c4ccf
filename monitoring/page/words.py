"""The words of the field that a diagnosis uses, for who meets them for the first time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.finding import Finding


@dataclass(frozen=True)
class Word:
    """A word and what it means."""

    name: str
    pattern: str  # that finds it in a sentence
    meaning: str


WORDS = (
    Word(
        "step",
        r"\bsteps?\b",
        "One update of the generator and of the discriminator from one batch. A voice trained from scratch takes some "
        "hundred thousand steps.",
    ),
    Word(
        "discriminators",
        r"\bdiscriminators?\b",
        "The parts of the discriminator: networks that learn to tell recordings from the voice, while the voice learns "
        "to pass for a recording. They are thrown away in the end.",
    ),
    Word(
        "validation",
        r"\bvalidations?\b",
        "The voice is tried on recordings that it does not learn from.",
    ),
    Word(
        "mel distance",
        r"\bmel\b",
        "How far a copy of a recording is from it: the mean difference of their spectrograms, loudness by loudness and "
        "pitch by pitch as the ear divides them. Lower is better.",
    ),
    Word(
        "score",
        r"\bscore\b",
        "The mean of two such distances, of copies and of sentences that are spoken from text. Lower is better.",
    ),
    Word(
        "KL divergence",
        r"\bKL\b",
        "How far what the voice reads in a text is from what it hears in the recording.",
    ),
    Word(
        "alignment",
        r"\balignment\b",
        "Which sound of the text is spoken when in a recording. The voice finds it out by itself.",
    ),
    Word(
        "nats",
        r"\bnats\b",
        "Natural units of a logarithm, as metres are of a length. In a mel distance 0.1 nats are 0.9 decibels; in a "
        "divergence 1 nat is 1.4 bits.",
    ),
    Word("LU", r"\bLU\b", "Loudness units: 1 LU is 1 decibel louder to the ear, and 3 LU are plainly heard."),
    Word(
        "averaged weights",
        r"\b(averaged weights|newest weights)\b",
        "A running mean over the last steps of what the voice has learnt, mostly better than its newest state.",
    ),
)


def words_of(findings: Iterable[Finding]) -> list[Word]:
    """Those that the findings use."""
    told = " ".join(finding.sentence for finding in findings)
    return [word for word in WORDS if re.search(word.pattern, told)]
