"""Timestamps: start and end of each sentence, word and phoneme, to the sample, from the predicted durations.

A symbol lasts from its own first frame to the last frame of the blank behind it. `^` with its blank is the silence
before a sentence, `$` the silence after it, a space or a punctuation mark the pause that it makes; so the phonemes of a
sentence are contiguous. A word lasts as long as its phonemes, without the marks around it. The text of a word is the
normalised one (`£30` is two words, *thirty* and *pounds*); words that espeak-ng joins (*of the*) share one interval.

Which word a group of phonemes belongs to is found by alignment: espeak-ng writes a space between words, but joins some
(`of the` is ʌvðə) and splits others. So every word is also phonemised alone, and the phonemes of both are aligned
(longest common subsequence).
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from rapidfuzz.distance import LCSseq

from configs.errors import refusing_os_errors
from speaking.engine import Audio, SpeechSegment, SpokenSentence
from text.front_end import Portion
from text.symbols import BOS, EOS, PAD, Encoded, is_sound

_CUE_CHARACTERS = 80  # of a subtitle, two lines of forty
_CUE_SECONDS = 6.0
_MOST_CELLS = 25_000_000  # of the alignment's table, for a text without sentence ends

Phonemise = Callable[[str], Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Timed:
    """A text with its start and end, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class TimedWord(Timed):
    """A word, or several that share one interval."""

    phonemes: str
    from_text: bool  # False where no word was found for these phonemes, which then are the text


@dataclass(frozen=True)
class TimedSentence(Timed):
    """A sentence."""

    words: tuple[TimedWord, ...]
    phonemes: tuple[Timed, ...]  # contiguous; with spaces, marks, ^ and $


@dataclass(frozen=True)
class Timestamps:
    """The timestamps of a text."""

    seconds: float  # of the whole audio
    sentences: tuple[TimedSentence, ...]


@dataclass(frozen=True)
class TimedSpeech:
    """Audio with its timestamps."""

    audio: Audio  # [S]
    timestamps: Timestamps


class Timeline:
    """Collects timestamps while a text is synthesized.

    Args:
        sample_rate: samples per second, in hertz.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._samples = 0
        self._sentences: list[TimedSentence] = []

    def record(self, segments: Iterable[SpeechSegment]) -> Iterator[SpeechSegment]:
        """Pass the segments on, and record the timestamps of each."""
        for segment in segments:
            if isinstance(segment, SpokenSentence):
                self._sentences.append(self._timed(segment))
            self._samples += segment.samples
            yield segment

    @property
    def timestamps(self) -> Timestamps:
        """The timestamps recorded so far."""
        return Timestamps(self._seconds(self._samples), tuple(self._sentences))

    def _seconds(self, samples: int) -> float:
        return samples / self.sample_rate

    def _timed(self, sentence: SpokenSentence) -> TimedSentence:
        encoded = sentence.encoded
        # Ids are `^ _ p _ p _ $`, or `_ p _ p _` where a voice has no ends.
        has_ends = len(encoded.ids) > 2 * len(encoded.symbols) + 1
        symbols = (BOS, *encoded.symbols, EOS) if has_ends else (PAD, *encoded.symbols)
        edges = self._edges(sentence, len(symbols), first_blank=int(has_ends))

        def timed(word: SpokenWord) -> TimedWord:
            phonemes = "".join(encoded.symbols[word.first : word.end])
            return TimedWord(word.text, edges[word.first + 1], edges[word.end + 1], phonemes, word.from_text)

        words = tuple(map(timed, sentence.words()))
        phonemes = tuple(map(Timed, symbols, edges[:-1], edges[1:]))
        return TimedSentence(" ".join(word.text for word in words), edges[0], edges[-1], words, phonemes)

    def _edges(self, sentence: SpokenSentence, symbols: int, first_blank: int) -> list[float]:
        """The start of each symbol, and the end of the last one, in seconds."""
        ends = sentence.frames.cumsum()
        per_frame = sentence.samples // max(1, int(ends[-1]))
        starts = [0, *(int(end) * per_frame for end in ends[first_blank::2])][:symbols]
        return [self._seconds(self._samples + place) for place in (*starts, sentence.samples)]


def write_timestamps(path: Path, timestamps: Timestamps) -> None:
    """Write timestamps in the format of the suffix.

    json holds everything, srt subtitles, tsv one line per sentence, word and phoneme.

    Raises:
        InputError: the file cannot be written.
    """
    written = {"json": _json, "srt": _srt, "tsv": _tsv}[path.suffix[1:]](timestamps)
    with refusing_os_errors(f"{path}: cannot be written", "choose another place"):
        path.write_text(written, encoding="utf-8")


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
    """A sentence as subtitles: one is full at its size, or at a clause mark once it is half full."""
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


@dataclass(frozen=True)
class SpokenWord:
    """A range of a sentence's symbols, and the text that they belong to."""

    text: str  # mostly one word; the phonemes themselves where no word was found
    first: int  # symbol
    end: int  # symbol behind the last
    from_text: bool  # whether a word was found


class WordFinder:
    """Aligns the words of a portion of text with its phonemes, when they are first needed.

    Args:
        portion: normalised and encoded.
        phonemise: the phonemiser that encoded it.
    """

    def __init__(self, portion: Portion, phonemise: Phonemise) -> None:
        self._portion, self._phonemise = portion, phonemise

    def of_sentence(self, place: int) -> list[SpokenWord]:
        """The words of one sentence."""
        return self._sentences[place]

    @cached_property
    def _sentences(self) -> list[list[SpokenWord]]:
        return _spoken_words(self._portion, self._phonemise)


def _spoken_words(portion: Portion, phonemise: Phonemise) -> list[list[SpokenWord]]:
    spans = [(place, *span) for place, encoded in enumerate(portion.sentences) for span in _spans(encoded)]
    groups = [_sounds(portion.sentences[place].symbols[first:end]) for place, first, end in spans]
    alone = [_sounds([symbol for part in phonemise(word) for symbol in part]) for word in portion.words]
    said_by, owners = _pair(alone, groups)
    texts: list[list[str]] = [[] for _ in groups]
    for text, group in zip(portion.words, said_by, strict=True):
        if group is not None:
            texts[group].append(text)
    sentences: list[list[SpokenWord]] = [[] for _ in portion.sentences]
    for (place, owner), run in groupby(range(len(groups)), key=lambda group: (spans[group][0], owners[group])):
        several = list(run)
        first, end = spans[several[0]][1], spans[several[-1]][2]
        text = " ".join(texts[owner]) if owner in several else ""
        phonemes = "".join(portion.sentences[place].symbols[first:end])
        sentences[place].append(SpokenWord(text or phonemes, first, end, bool(text)))
    return sentences


def _spans(encoded: Encoded) -> Iterator[tuple[int, int]]:
    """Start and end of each group of phonemes between spaces, without the marks around it."""
    for is_space, places in groupby(range(len(encoded.symbols)), key=lambda place: encoded.symbols[place] == " "):
        said = [place for place in places if unicodedata.category(encoded.symbols[place])[0] != "P"]
        if not is_space and any(is_sound(encoded.symbols[place]) for place in said):
            yield said[0], said[-1] + 1


def _sounds(symbols: Sequence[str]) -> str:
    return "".join(filter(is_sound, symbols))


def _pair(words: Sequence[str], groups: Sequence[str]) -> tuple[list[int | None], list[int]]:
    """The group of each word, and the owner of each group: itself, or the group that it continues.

    A word belongs to the group with which it shares most phonemes; a word that shares none, to the next group if that
    is free, else to the group of the word before. A group without words continues the word with which it shares any.
    """
    votes = Counter[tuple[int, int]]()
    word_of = [index for index, sounds in enumerate(words) for _ in sounds]
    group_of = [index for index, sounds in enumerate(groups) for _ in sounds]
    for place, other in _common("".join(words), "".join(groups)):
        votes[word_of[place], group_of[other]] += 1
    said_by: list[int | None] = [None] * len(words)
    says = list(range(len(words), len(words) + len(groups)))  # a word for each group; these are none
    for (word, group), _ in sorted(votes.items(), key=lambda item: item[1]):  # the most votes come last
        said_by[word], says[group] = group, word
    free = set(range(len(groups))) - {group for _, group in votes}
    before = -1
    for word, voted in enumerate(said_by):
        if voted is None and (before + 1 in free or before >= 0):
            said_by[word] = before + 1 if before + 1 in free else before
            free.discard(before + 1)
        group_now = said_by[word]
        before = before if group_now is None else group_now
    taken = set(said_by)
    owners = []
    for group, word in enumerate(says):
        continued = said_by[word] if group not in taken and word < len(words) else None
        owners.append(group if continued is None else continued)
    return said_by, owners


def _common(words: str, groups: str) -> Iterator[tuple[int, int]]:
    """Index pairs of a longest common subsequence."""
    if len(words) * len(groups) > _MOST_CELLS:
        return
    for block in LCSseq.opcodes(words, groups):
        if block.tag == "equal":
            yield from zip(range(block.src_start, block.src_end), range(block.dest_start, block.dest_end), strict=True)
