"""A voice speaks ordinary sentences, to show that it speaks at all, and then the hard texts; each is judged."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tqdm import tqdm

from configs import InputError
from evaluation.held_out import Sentence
from evaluation.robustness.faults import Reason, faults_of_repetition, faults_of_sentence
from evaluation.robustness.hearing import HeardSentence, hear, is_pause
from evaluation.robustness.ordinary import NO_SPEECH, faults_of_ordinary
from evaluation.robustness.texts import HardText, hard_texts, ordinary_sentences
from evaluation.robustness.usual import Usual
from infer import Voice

Outcome = Literal["fine", "refused", "wrong"]
_OUTCOMES: tuple[Outcome, ...] = ("fine", "refused", "wrong")
_SHOWN_CHARACTERS = 50
_ORDINARY = 12  # sentences that show what is usual


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
    voice: Voice,
    *,
    seed: int,
    speaker: str | None = None,
    texts: Sequence[HardText] | None = None,
    recorded: Sequence[Sentence] = (),
) -> list[JudgedText]:
    """Let a voice speak hard texts and judge each from its durations and its energy.

    Of a voice that does not speak ordinary sentences either, everything it says is wrong.

    Args:
        voice: of any language and front end; what is usual for it is measured first, on ordinary sentences.
        seed: of the noise of each text.
        speaker: one of the voice's; None takes the first.
        texts: others than all hundred of ours.
        recorded: recordings of that speaker, which the ordinary sentences are held against.

    Raises:
        InputError: there is no such speaker.
    """
    voice.say("", speaker=speaker)  # a mistake in the arguments is no fault of the voice
    # A voice of another alphabet cannot read our sentences, but it can read those of its recordings.
    known = [*ordinary_sentences(voice.config.data.language), *(sentence.text for sentence in recorded)]
    ordinary = _heard_of(voice, known, seed, speaker)
    usual = Usual.of(ordinary)
    no_speech = list(faults_of_ordinary(ordinary, recorded, voice.sample_rate))
    chosen = hard_texts() if texts is None else texts
    bar = tqdm(chosen, desc="speaking hard texts", unit="text", delay=2, disable=None, leave=False)
    return [_judge(voice, text, usual, no_speech, seed, speaker) for text in bar]


def _heard_of(voice: Voice, texts: Iterable[str], seed: int, speaker: str | None) -> list[HeardSentence]:
    """How a voice speaks the first of these that it can speak."""
    heard: list[HeardSentence] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in texts:
            if len(heard) >= _ORDINARY:
                break
            try:
                heard += hear(voice, text, seed=seed, speaker=speaker, keep_sound=True)
            except InputError:
                continue
    return heard


def robustness_table(judged: Sequence[JudgedText]) -> str:
    """A line for each class, and below it one for each text that is wrong; above all, whether the voice speaks."""
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
        reasons = [f"{reason.rule}: {reason.sentence}" for reason in one.reasons if reason.rule != NO_SPEECH]
        if one.outcome == "wrong" and reasons:
            lines.append(f"{one.kind}: {_shortened(one.text)!r}: {'; '.join(reasons)}")
    return "\n".join([*_no_speech(judged), *lines])


def _no_speech(judged: Sequence[JudgedText]) -> Iterator[str]:
    """What is to be said once, and not of every text."""
    why = next((reason.sentence for one in judged for reason in one.reasons if reason.rule == NO_SPEECH), None)
    if why is not None:
        yield f"the voice does not speak ordinary sentences either: these judgements mean nothing ({why})"


def _judge(
    voice: Voice, text: HardText, usual: Usual, no_speech: Sequence[Reason], seed: int, speaker: str | None
) -> JudgedText:
    found: list[Reason] = []
    words: list[list[tuple[str, float]]] = []
    seconds = 0.0
    refused_rightly = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for heard in hear(voice, text.text, seed=seed, speaker=speaker):
                if not words:
                    found += no_speech
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
