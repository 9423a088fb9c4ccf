"""The robustness of a voice: its ordinary sentences, then the faults of each hard text."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tqdm import tqdm

from configs import InputError
from configs.wording import shortened
from evaluation.rendition import HeldOutSentence
from evaluation.robustness.faults import RobustnessFault, faults_of_repetition, faults_of_sentence
from evaluation.robustness.generated import GeneratedSentence, Usual, generate, is_pause
from evaluation.robustness.ordinary import NO_SPEECH, faults_of_ordinary
from evaluation.robustness.texts import HardText, hard_texts, ordinary_sentences
from infer import Voice

Outcome = Literal["fine", "refused", "wrong"]
_OUTCOMES: tuple[Outcome, ...] = ("fine", "refused", "wrong")
_SHOWN_CHARACTERS = 50
_ORDINARY = 12  # sentences for `Usual`


@dataclass(frozen=True)
class TextResult:
    """The result of one hard text; `dataclasses.asdict` makes it JSON."""

    kind: str  # the class
    text: str
    outcome: Outcome  # refused: rightly, because the text has nothing that this voice can say
    reasons: tuple[RobustnessFault, ...]  # why it is wrong, one for each rule; the message where it was refused
    seconds: float  # of speech
    warnings: tuple[str, ...]  # such as what the voice does not know and left out


def evaluate_robustness(
    voice: Voice,
    *,
    seed: int,
    texts: Sequence[HardText] | None = None,
    recorded: Sequence[HeldOutSentence] = (),
) -> list[TextResult]:
    """Generate hard texts and find the faults of each in its durations and its power.

    Where a voice fails at ordinary sentences, every text is wrong.

    Args:
        voice: of any language and front end; its usual durations are measured first, on ordinary sentences.
        seed: of the noise of each text.
        texts: to use in place of our hundred.
        recorded: recordings of the voice's first speaker, to compare the ordinary sentences with.
    """
    # A voice of another alphabet cannot read our sentences, but those of its recordings.
    known = [*ordinary_sentences(voice.config.data.language), *(sentence.text for sentence in recorded)]
    ordinary = _generate_ordinary(voice, known, seed)
    usual = Usual.of(ordinary)
    no_speech = list(faults_of_ordinary(ordinary, recorded, voice.sample_rate))
    chosen = hard_texts() if texts is None else texts
    bar = tqdm(chosen, desc="hard texts", unit="text", delay=2, disable=None, leave=False)
    return [_evaluate(voice, text, usual, no_speech, seed) for text in bar]


def _generate_ordinary(voice: Voice, texts: Iterable[str], seed: int) -> list[GeneratedSentence]:
    """The first of these texts that the voice can speak."""
    generated: list[GeneratedSentence] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in texts:
            if len(generated) >= _ORDINARY:
                break
            try:
                generated += generate(voice, text, seed=seed, keep_audio=True)
            except InputError:
                continue
    return generated


def robustness_table(results: Sequence[TextResult]) -> str:
    """A table of the classes, then a line for each text that is wrong; first of all, whether the voice speaks."""
    counts = Counter((one.kind, one.outcome) for one in results)
    kinds = list(dict.fromkeys(one.kind for one in results))
    width = max(map(len, ("all", "class", *kinds)))
    rows = [(kind, [counts[kind, outcome] for outcome in _OUTCOMES]) for kind in kinds]
    rows.append(("all", [sum(column) for column in zip(*(row for _, row in rows), strict=True)]))
    lines = [f"{'class':{width}}  texts  {'  '.join(_OUTCOMES)}"]
    for kind, row in rows:
        cells = "  ".join(f"{count:{len(outcome)}}" for count, outcome in zip(row, _OUTCOMES, strict=True))
        lines.append(f"{kind:{width}}  {sum(row):5}  {cells}")
    for one in results:
        reasons = [f"{reason.rule}: {reason.sentence}" for reason in one.reasons if reason.rule != NO_SPEECH]
        if one.outcome == "wrong" and reasons:
            lines.append(f"{one.kind}: {shortened(one.text, _SHOWN_CHARACTERS)!r}: {'; '.join(reasons)}")
    return "\n".join([*_no_speech(results), *lines])


def _no_speech(results: Sequence[TextResult]) -> Iterator[str]:
    """A line where the voice does not speak, in place of one for every text."""
    why = next((reason.sentence for one in results for reason in one.reasons if reason.rule == NO_SPEECH), None)
    if why is not None:
        yield f"the voice does not speak ordinary sentences either: these results mean nothing ({why})"


def _evaluate(
    voice: Voice, text: HardText, usual: Usual, no_speech: Sequence[RobustnessFault], seed: int
) -> TextResult:
    found: list[RobustnessFault] = []
    words: list[list[tuple[str, float]]] = []
    seconds = 0.0
    refused_rightly = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for sentence in generate(voice, text.text, seed=seed):
                if not words:
                    found += no_speech
                seconds += sentence.seconds
                found += faults_of_sentence(sentence, usual)
                words.append(_word_lengths(sentence))
            found += faults_of_repetition(words)
        except InputError as error:
            nothing_to_say = not any(voice.front_end.portions(text.text))
            refused_rightly = nothing_to_say and not _should_be_spoken(text, voice)
            found.append(RobustnessFault("refused", str(error)))
        except Exception as error:  # a traceback is a fault like any other
            found.append(RobustnessFault("exception", f"{type(error).__name__}: {error}"))
    return TextResult(
        kind=text.kind,
        text=text.text,
        outcome="refused" if refused_rightly else "wrong" if found else "fine",
        reasons=tuple({reason.rule: reason for reason in reversed(found)}.values())[::-1],  # the first of each rule
        seconds=seconds,
        warnings=tuple(dict.fromkeys(str(one.message) for one in caught)),
    )


def _should_be_spoken(text: HardText, voice: Voice) -> bool:
    """Whether a text has something to say, in letters that the voice knows."""
    known = voice.config.data.front_end == "espeak" or any(
        letter in voice.front_end.symbols.ids for letter in text.text.lower() if letter.isalpha()
    )
    return text.speakable and known


def _word_lengths(sentence: GeneratedSentence) -> list[tuple[str, float]]:
    """The sounds and the seconds of each word; without stress, which differs between repetitions."""
    return [
        (
            "".join(symbol for symbol in word.phonemes if symbol not in "ˈˌ" and not is_pause(symbol)),
            word.end - word.start,
        )
        for word in sentence.timed.words
    ]
