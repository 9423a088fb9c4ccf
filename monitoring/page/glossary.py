"""A glossary of the terms that a diagnosis uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.finding import Finding


@dataclass(frozen=True)
class Term:
    """A term and its meaning."""

    name: str
    pattern: str  # that finds it in a sentence
    meaning: str


TERMS = (
    Term(
        "step",
        r"\bsteps?\b",
        "One update of the generator and of the discriminator from one batch. Training from scratch takes some hundred "
        "thousand steps.",
    ),
    Term(
        "discriminator",
        r"\bdiscriminators?\b",
        "Networks (sub-discriminators) that learn to tell recordings from generated audio, while the generator learns "
        "to make audio that passes for a recording. They are not part of the finished voice.",
    ),
    Term("validation", r"\b[Vv]alidations?\b", "The voice is evaluated on recordings that it is not trained on."),
    Term(
        "mel distance",
        r"\bmel\b",
        "The mean absolute difference of the log-mel spectrograms of a recording and its reconstruction: the same "
        "recording through the posterior encoder and the decoder. Lower is better.",
    ),
    Term(
        "score",
        r"\bscore\b",
        "The mean of two mel distances, of reconstructions and of speech from text. Lower is better.",
    ),
    Term(
        "KL divergence",
        r"\bKL\b",
        "The distance between the posterior, which sees the recording, and the prior, which sees the text.",
    ),
    Term(
        "alignment",
        r"\balignment\b",
        "Which frames of a recording belong to which phoneme of its text. It is learned, not given.",
    ),
    Term(
        "nats",
        r"\bnats\b",
        "The unit of a natural logarithm. In a mel distance 0.1 nats are 0.9 decibels; in a divergence 1 nat is 1.4 "
        "bits.",
    ),
    Term("LU", r"\bLU\b", "Loudness units: 1 LU is 1 decibel of perceived loudness, and 3 LU are plainly heard."),
    Term(
        "EMA weights",
        r"\b(EMA|raw) weights\b",
        "The exponential moving average of the weights over the last steps, mostly better than the raw weights, which "
        "are those of the last update.",
    ),
)


def terms_of(findings: Iterable[Finding]) -> list[Term]:
    """The terms that the findings use."""
    told = " ".join(finding.sentence for finding in findings)
    return [term for term in TERMS if re.search(term.pattern, told)]
