"""When each word and each phoneme is heard, to the sample.

A symbol lasts from its own first frame to the last frame of the blank behind it, in which it fades. `^` and its blank
are the silence before a sentence, `$` is that after it, and a space or a mark is heard as the pause that it makes. So
the phonemes of a sentence lie side by side from its beginning to its end. A word lasts as long as its phonemes,
without the marks around it. The text of a word is as it is read (`£30` is two words, *thirty* and *pounds*), and where
several words are spoken in one breath (*of the*), they have one time together.

What the durations say is when the synthesizer meant each symbol to begin; it was taught so by alignments of its own.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from configs import InputError
from speaking.engine import Audio
from speaking.utterance import Said, Utterance
from speaking.words import SpokenWord
from text.symbols import BOS, EOS, PAD

_CUE_CHARACTERS = 80  # of a subtitle, two lines of forty
_CUE_SECONDS = 6.0


@dataclass(frozen=True)
class Timed:
    """Something that is heard from a second to another."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class TimedWord(Timed):
    """A word, or several that are spoken in one breath."""

    phonemes: str
    from_text: bool  # False where no word of the text was found for these phonemes, which then are its text


@dataclass(frozen=True)
class TimedSentence(Timed):
    """A sentence."""

    words: tuple[TimedWord, ...]
    phonemes: tuple[Timed, ...]  # side by side; with spaces, marks, ^ and $


@dataclass(frozen=True)
class Timestamps:
    """When what is heard."""

    seconds: float  # of the whole audio
    sentences: tuple[TimedSentence, ...]


@dataclass(frozen=True)
class TimedSpeech:
    """Audio, and when each of its words and phonemes is heard."""

    audio: Audio  # [S]
    timestamps: Timestamps


class Timeline:
    """Keeps the time while a text is spoken.

    Args:
        sample_rate: samples per second, in hertz.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._samples = 0
        self._sentences: list[TimedSentence] = []

    def noting(self, said: Iterable[Said]) -> Iterator[Said]:
        """The same, with the time of each noted as it passes."""
        for one in said:
            if isinstance(one, Utterance):
                self._sentences.append(self._sentence(one))
            self._samples += one.samples
            yield one

    @property
    def timestamps(self) -> Timestamps:
        """What was noted so far."""
        return Timestamps(self._seconds(self._samples), tuple(self._sentences))

    def _seconds(self, samples: int) -> float:
        return samples / self.sample_rate

    def _sentence(self, said: Utterance) -> TimedSentence:
        encoded = said.encoded
        # Ids are `^ _ p _ p _ $`, or `_ p _ p _` where a voice has no ends.
        has_ends = len(encoded.ids) > 2 * len(encoded.symbols) + 1
        symbols = (BOS, *encoded.symbols, EOS) if has_ends else (PAD, *encoded.symbols)
        edges = self._edges(said, len(symbols), first_blank=int(has_ends))

        def timed(word: SpokenWord) -> TimedWord:
            phonemes = "".join(encoded.symbols[word.first : word.end])
            return TimedWord(word.text, edges[word.first + 1], edges[word.end + 1], phonemes, word.from_text)

        words = tuple(map(timed, said.words()))
        phonemes = tuple(map(Timed, symbols, edges[:-1], edges[1:]))
        return TimedSentence(" ".join(word.text for word in words), edges[0], edges[-1], words, phonemes)

    def _edges(self, said: Utterance, symbols: int, first_blank: int) -> list[float]:
        """Where each of so many symbols begins, and where the last one ends."""
        ends = said.frames.cumsum()
        per_frame = said.samples // max(1, int(ends[-1]))
        starts = [0, *(int(end) * per_frame for end in ends[first_blank::2])][:symbols]
        return [self._seconds(self._samples + place) for place in (*starts, said.samples)]


def write_timestamps(path: Path, timestamps: Timestamps) -> None:
    """Write timestamps as its suffix says.

    A json has everything, an srt subtitles, a tsv a line for each sentence, word and phoneme.

    Raises:
        InputError: the file cannot be written.
    """
    written = {"json": _json, "srt": _srt, "tsv": _tsv}[path.suffix[1:]](timestamps)
    try:
        path.write_text(written, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}): choose another place") from error


def _json(timestamps: Timestamps) -> str:
    return json.dumps(asdict(timestamps), ensure_ascii=False, indent=1) + "\n"


def _tsv(timestamps: Timestamps) -> str:
    rows = ["start\tend\tkind\ttext"]
    for sentence in timestamps.sentences:
        kinds: list[tuple[str, Sequence[Timed]]] = [
            ("sentence", (sentence,)),
            ("word", sentence.words),
            ("phoneme", sentence.phonemes),
        ]
        rows += [f"{it.start:.6f}\t{it.end:.6f}\t{kind}\t{it.text}" for kind, several in kinds for it in several]
    return "\n".join(rows) + "\n"


def _srt(timestamps: Timestamps) -> str:
    cues = [cue for sentence in timestamps.sentences for cue in _cues(sentence)]
    return "\n".join(
        f"{number}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}\n" for number, cue in enumerate(cues, start=1)
    )


def _cues(sentence: TimedSentence) -> Iterator[Timed]:
    """A sentence in pieces that can be read: one is full at its size, or at a clause mark once it is half full."""
    held: list[TimedWord] = []
    for word in sentence.words:
        text = " ".join(one.text for one in (*held, word))
        if held and (len(text) > _CUE_CHARACTERS or word.end - held[0].start > _CUE_SECONDS):
            yield _cue(held)
            held = []
        held.append(word)
        if len(text) > _CUE_CHARACTERS / 2 and word.text[-1] in ",;:–—":
            yield _cue(held)
            held = []
    if held:
        yield _cue(held, sentence.end)


def _cue(words: Sequence[TimedWord], end: float | None = None) -> Timed:
    return Timed(" ".join(word.text for word in words), words[0].start, words[-1].end if end is None else end)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02},{milliseconds % 1000:03}"
