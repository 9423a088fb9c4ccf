"""Phonemisation: IPA phonemes as Piper's runtime makes them, or graphemes.

A Phonemiser is any callable from text to sentences of one-character symbols. GPL code (piper-tts, espeak-ng) is used in
EspeakPhonemiser only.
"""

import difflib
import re
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from configs import InputError
from text.characters import split_blocks
from text.clauses import holdable
from text.symbols import PIPER_MISSING

Sentences = list[list[str]]
Clause = tuple[str, str, bool]  # phonemes, the mark behind them, and whether it ends a sentence

# espeak-ng keeps its voice in global state, so two threads at once would get each other's phonemes.
_ESPEAK_LOCK = threading.Lock()

_LANGUAGE_SWITCH = re.compile(r"\([^)]+\)")  # around words of another language, such as (en)
_INNER_MARKS = frozenset(",:;")

_ENDS = re.compile(r"[.!?][\"')]*\s+$")
_SENTENCE_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["')]))\s+""")


class Phonemiser(Protocol):
    """Turns normalised text into sentences of symbols."""

    def __call__(self, text: str) -> Sentences:
        """The symbols of each sentence, one character each."""
        ...


class EspeakPhonemiser:
    """IPA phonemes from espeak-ng, equal to those of Piper's runtime.

    Args:
        language: an espeak-ng voice, such as en-us, nl or de.

    Raises:
        InputError: piper-tts is not installed, or espeak-ng does not know the language.
    """

    def __init__(self, language: str) -> None:
        try:
            from piper import espeakbridge
            from piper.phonemize_espeak import ESPEAK_DATA_DIR, EspeakPhonemizer
        except ImportError as error:
            raise InputError(PIPER_MISSING) from error
        self.language = language
        with _ESPEAK_LOCK:
            EspeakPhonemizer()  # initializes espeak-ng
            self._espeak = espeakbridge
            self._voice = language
            if not self._speaks(language):
                # A second name of a voice, such as en-gb: espeak-ng has it, and finds it only by the name of its file.
                voices = _voice_files(Path(ESPEAK_DATA_DIR) / "lang")
                self._voice = voices.get(language.lower(), language)
                if not self._speaks(self._voice):
                    raise InputError(_unknown_language(language, sorted(voices)))

    def _speaks(self, voice: str) -> bool:
        try:
            self._espeak.set_voice(voice)
        except (RuntimeError, ValueError):
            return False
        return True

    def __call__(self, text: str) -> Sentences:
        """Sentences of IPA symbols and punctuation in NFD; `[[phonemes]]` are copied."""
        return _with_inline_phonemes(text, self._phonemise, "NFD", unspoken="\"'()")

    def _phonemise(self, text: str) -> Sentences:
        """Sentences from espeak-ng's clauses as in piper-tts, with a space also after a clause without a mark."""
        *cut, last = holdable(text)
        clauses = [clause for piece in cut for clause in _going_on(self._clauses(piece))] + self._clauses(last)
        sentences: Sentences = []
        ended = True
        for phonemes, mark, ends in clauses:
            said = _LANGUAGE_SWITCH.sub("", phonemes) + mark + (" " if mark in _INNER_MARKS else "")
            if ended:
                sentences.append([])
            elif phonemes and sentences[-1] and sentences[-1][-1] != " ":
                sentences[-1].append(" ")
            sentences[-1] += unicodedata.normalize("NFD", said)
            ended = ends
        return sentences

    def _clauses(self, text: str) -> list[Clause]:
        """The phonemes of each clause, its mark, and whether it ends a sentence."""
        with _ESPEAK_LOCK:
            self._espeak.set_voice(self._voice)
            return self._espeak.get_phonemes(text.replace("\0", " ").encode(errors="ignore").decode())


def _going_on(clauses: list[Clause]) -> list[Clause]:
    """The clauses of a text that continues: the last one ends a sentence only if it has a mark."""
    return [*clauses[:-1], *((phonemes, mark, ends and bool(mark)) for phonemes, mark, ends in clauses[-1:])]


class GraphemePhonemiser:
    """Lower-case letters; sentences end at . ! or ? before a space."""

    def __call__(self, text: str) -> Sentences:
        """Sentences of letters and punctuation in NFC; `[[symbols]]` are copied."""
        return _with_inline_phonemes(text, self._spell, "NFC", unspoken="")

    def _spell(self, text: str) -> Sentences:
        letters = unicodedata.normalize("NFC", text.lower())
        return [list(sentence) for sentence in _SENTENCE_END.split(letters.strip())]


def _with_inline_phonemes(
    text: str, phonemise: Callable[[str], Sentences], form: Literal["NFC", "NFD"], *, unspoken: str
) -> Sentences:
    """Phonemise the text outside [[ ]], and insert each block as a word of its sentence.

    `phonemise` strips spaces. One that drops some marks (`unspoken`: quotes, brackets) also loses the clause mark
    behind a block; that is restored here.
    """
    marks = f"[{unspoken}]*" if unspoken else ""
    parts = split_blocks(text)
    sentences: Sentences = []
    ended = True  # whether the next symbols begin a sentence
    for index, part in enumerate(parts):
        if index % 2:
            if ended or not sentences:
                sentences.append([])
            elif re.search(rf"\s{marks}$", parts[index - 1]):
                sentences[-1].append(" ")
            sentences[-1] += unicodedata.normalize(form, part[2:-2].strip())
            ended = False
            continue
        rest = part
        if index and unspoken and (mark := re.match(rf"{marks}([,;:.!?])[,;:.!?{unspoken}]*(?=\s|$)", part)):
            sentences[-1].append(mark[1])
            ended = mark[1] in ".!?"
            rest = part[mark.end() :]
        spoken = [sentence for sentence in phonemise(rest) if sentence] if rest.strip() else []
        if spoken and sentences and not ended:
            if re.match(rf"{marks}\s", rest):
                sentences[-1].append(" ")
            sentences[-1] += spoken.pop(0)
        sentences += spoken
        if rest.strip():
            ended = _ENDS.search(rest) is not None
    return [sentence for sentence in sentences if sentence]


def _unknown_language(language: str, known: list[str]) -> str:
    near = difflib.get_close_matches(language.lower(), known, n=3, cutoff=0.5)
    hint = f": did you mean {' or '.join(near)}?" if near else ", such as en-us, nl or de: set data.language to one"
    return f"data.language = {language!r} is not a voice of espeak-ng{hint}"


def _voice_files(folder: Path) -> dict[str, str]:
    """Language codes and the file of their voice in this folder."""
    files: dict[str, str] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        for row in map(str.split, file.read_text(encoding="utf-8", errors="replace").splitlines()):
            if len(row) > 1 and row[0] == "language":
                files.setdefault(row[1].lower(), file.relative_to(folder).as_posix())
    return files
