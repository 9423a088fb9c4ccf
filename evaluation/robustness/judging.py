"""A voice speaks the hard texts, and each is judged."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tqdm import tqdm

from configs import InputError
from evaluation.robustness.faults import Reason, faults_of_repetition, faults_of_sentence
from evaluation.robustness.hearing import HeardSentence, hear, is_pause
from evaluation.robustness.texts import HardText, hard_texts, ordinary_sentences
from evaluation.robustness.usual import Usual
from infer import Voice

Outcome = Literal["fine", "refused", "wrong"]
_OUTCOMES: tuple[Outcome, ...] = ("fine", "refused", "wrong")
_SHOWN_CHARACTERS = 50


@dataclass(frozen=True)
class JudgedText:
    """A hard text, and what became of it; `dataclasses.asdict` makes it ready for JSON."""

    kind: str  # the class
    text: str
    outcome: Outcome  # refused: rightly, in a clear sentence, because the voice knows nothing in it that can be spoken
    reasons: tuple[Reason, ...]  # why it is wrong, one for each rule; what was said, where it was refused
    seconds: float  # of speech
    warnings: tuple[str, ...]  # such as what the voice does not know and left out


def judge_robustness(
    voice: Voice, *, seed: int, speaker: str | None = None, texts: Sequence[HardText] | None = None
) -> list[JudgedText]:
    """Let a voice speak hard texts and judge each from its durations and its energy.

    Args:
        voice: of any language and front end; what is usual for it is measured first, on ordinary sentences.
        seed: of the noise of each text.
        speaker: one of the voice's; None takes the first.
        texts: others than all hundred of ours.

    Raises:
        InputError: there is no such speaker.
    """
    voice.say("", speaker=speaker)  # a mistake in the arguments is no fault of the voice
    usual = usual_speech(voice, seed=seed, speaker=speaker)
    chosen = hard_texts() if texts is None else texts
    bar = tqdm(chosen, desc="speaking hard texts", unit="text", delay=2, disable=None, leave=False)
    return [_judge(voice, text, usual, seed, speaker) for text in bar]


def usual_speech(voice: Voice, *, seed: int, speaker: str | None = None) -> Usual:
    """How a voice speaks what is not hard, as far as it can speak it."""
    heard: list[HeardSentence] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sentence in ordinary_sentences(voice.config.data.language):
            try:
                heard += hear(voice, sentence, seed=seed, speaker=speaker)
            except InputError:
                continue
    return Usual.of(heard)


def robustness_table(judged: Sequence[JudgedText]) -> str:
    """A line for each class, and below it one for each text that is wrong."""
    counts = Counter((one.kind, one.outcome) for one in judged)
    kinds = list(dict.fromkeys(one.kind for one in judged))
    width = max(map(len, ("all", "class", *kinds)))
    rows = [(kind, [counts[kind, outcome] for outcome in _OUTCOMES]) for kind in kinds]
    rows.append(("all", [sum(column) for column in zip(*(row for _, row in rows), strict=True)]))
    lines = [f"{'class':{width}}  texts  {'  '.join(_OUTCOMES)}"]
    for kind, row in rows:
        cells = "  ".join(f"{count:{len(outcome)}}" for count, outcome in zip(row, _OUTCOMES, strict=True))
        lines.append(f"{kind:{width}}  {sum(row):5}  {cells}")
    for one in judged:
        if one.outcome == "wrong":
            reasons = "; ".join(f"{reason.rule}: {reason.sentence}" for reason in one.reasons)
            lines.append(f"{one.kind}: {_shortened(one.text)!r}: {reasons}")
    return "\n".join(lines)


def _judge(voice: Voice, text: HardText, usual: Usual, seed: int, speaker: str | None) -> JudgedText:
    found: list[Reason] = []
    words: list[list[tuple[str, float]]] = []
    seconds = 0.0
    refused_rightly = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for heard in hear(voice, text.text, seed=seed, speaker=speaker):
                seconds += heard.seconds
                found += faults_of_sentence(heard, usual)
                words.append(_word_lengths(heard))
            found += faults_of_repetition(words)
        except InputError as error:
            nothing_to_say = not any(voice.front_end.portions(text.text))
            refused_rightly = nothing_to_say and not _should_be_spoken(text, voice)
            found.append(Reason("refused", str(error)))
        except Exception as error:  # whatever a user would meet as a traceback is what is looked for here
            found.append(Reason("exception", f"{type(error).__name__}: {error}"))
    return JudgedText(
        kind=text.kind,
        text=text.text,
        outcome="refused" if refused_rightly else "wrong" if found else "fine",
        reasons=tuple({reason.rule: reason for reason in reversed(found)}.values())[::-1],  # the first of each rule
        seconds=seconds,
        warnings=tuple(dict.fromkeys(str(one.message) for one in caught)),
    )


def _should_be_spoken(text: HardText, voice: Voice) -> bool:
    """Whether there is something to say in a text, in letters that the voice knows."""
    known = voice.config.data.front_end == "espeak" or any(
        letter in voice.front_end.symbols.ids for letter in text.text.lower() if letter.isalpha()
    )
    return text.speakable and known


def _word_lengths(heard: HeardSentence) -> list[tuple[str, float]]:
    """Each word's sounds and seconds; stress moves between repetitions, so it is no part of the name."""
    return [
        (
            "".join(symbol for symbol in word.phonemes if symbol not in "ˈˌ" and not is_pause(symbol)),
            word.end - word.start,
        )
        for word in heard.timed.words
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
