"""The words that sherpa-onnx reads in plain text, with their phonemes: its `lexicon.txt`.

sherpa-onnx 2.x has no espeak-ng. Given this file it looks up each word in small letters, leaves out those that are not
there, and puts a space behind each word, but neither `^` before a sentence nor `$` behind it. Nor does it put pads
between the phonemes, unless the graph says `add_blank`; but then it puts them between the phonemes it is given, too,
which have theirs already. So an entry holds its pads, from before the first phoneme to behind the last.
"""

import contextlib
import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from configs import InputError
from voices.voice_file import VoiceFile

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LONGEST = 40  # letters; what is longer is no word, and espeak-ng is not to be given it
_PHONEMES = re.compile(r"\[\[(.+)\]\]")


def lexicon_words(voice: VoiceFile, file: Path | None) -> list[str]:
    """The words, in small letters and in order: of the file, of the metadata of the corpus and of the voice's lexicon.

    Args:
        voice: whose corpus is read where it is still in its place.
        file: a text in UTF-8; None for none.

    Raises:
        InputError: the file cannot be read.
    """
    texts: list[str] = []
    if file is not None:
        try:
            texts.append(file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--lexicon-words {file}: cannot be read as UTF-8 text: {error}") from error
    data = voice.config.data
    metadata = Path(data.root).expanduser() / (data.metadata or "metadata.csv")
    with contextlib.suppress(OSError, UnicodeDecodeError):  # the corpus need not be on this machine
        texts.append(metadata.read_text(encoding="utf-8-sig"))
    texts += _entries(voice)
    found = {word.lower() for text in texts for word in _WORD.findall(text)}
    return sorted(word for word in found if len(word) <= _LONGEST)


def sherpa_lexicon(voice: VoiceFile, words: Iterable[str]) -> str:
    """The content of lexicon.txt: a word and its phonemes a line, unless the voice knows none of them.

    Raises:
        InputError: piper-tts is not installed, or espeak-ng does not know the language.
    """
    try:
        from piper.phonemize_espeak import EspeakPhonemizer
    except ImportError as error:
        raise InputError("lexicon.txt needs the phonemes of piper-tts: pip install piper-tts") from error
    espeak, known = EspeakPhonemizer(), set(json.loads(voice.symbols)) - set("_^$")
    entries = {word.lower(): reading for word, reading in _entries(voice).items()}
    lines = []
    for word in words:
        reading = entries.get(word, word)
        given = _PHONEMES.fullmatch(reading)
        if given:
            phonemes = list(unicodedata.normalize("NFD", given[1].strip()))
        else:
            phonemes = _spoken(espeak, voice.config.data.language, reading)
        # A space would end the entry; a word of several parts is said in one breath.
        kept = [symbol for symbol in phonemes if symbol in known and not symbol.isspace()]
        if kept:
            lines.append(f"{word} _ {' _ '.join(kept)} _\n")
    return "".join(lines)


def _spoken(espeak: Any, language: str, word: str) -> list[str]:
    try:
        return [symbol for part in espeak.phonemize(language, word) for symbol in part]
    except (RuntimeError, ValueError) as error:
        raise InputError(f"espeak-ng cannot read {word!r} as {language}: {error}") from error


def _entries(voice: VoiceFile) -> dict[str, str]:
    entries: dict[str, str] = {} if voice.lexicon is None else json.loads(voice.lexicon)
    return entries
