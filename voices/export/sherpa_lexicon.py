"""`lexicon.txt` of sherpa-onnx: words with their phonemes, for plain text.

sherpa-onnx 2.x has no espeak-ng. With this file it looks up each word in lower case, skips unknown ones and appends a
space to each word, but adds neither `^` and `$` nor blanks between phonemes. (With `add_blank` in the graph's metadata
it would, but to phonemes given by the user too, which have them already.) Therefore an entry contains its blanks, from
before the first phoneme to after the last.
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
_LONGEST = 40  # letters; longer strings are no words
_PHONEMES = re.compile(r"\[\[(.+)\]\]")


def lexicon_words(voice: VoiceFile, file: Path | None) -> list[str]:
    """The words of the file, of the corpus' metadata and of the voice's lexicon, sorted, in lower case.

    Args:
        voice: its corpus is read if it is still there.
        file: a text in UTF-8, or None.

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
    """The content of lexicon.txt: one word and those of its phonemes that the voice knows per line.

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
            phonemes = _phonemes_of(espeak, voice.config.data.language, reading)
        # Without spaces, which would end the entry.
        kept = [symbol for symbol in phonemes if symbol in known and not symbol.isspace()]
        if kept:
            lines.append(f"{word} _ {' _ '.join(kept)} _\n")
    return "".join(lines)


def _phonemes_of(espeak: Any, language: str, word: str) -> list[str]:
    try:
        return [symbol for part in espeak.phonemize(language, word) for symbol in part]
    except (RuntimeError, ValueError) as error:
        raise InputError(f"espeak-ng cannot read {word!r} as {language}: {error}") from error


def _entries(voice: VoiceFile) -> dict[str, str]:
    entries: dict[str, str] = {} if voice.lexicon is None else json.loads(voice.lexicon)
    return entries
