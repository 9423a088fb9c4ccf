"""Phonemises the lines that it is given, one by one, and answers each: a death shows as a missing answer."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from text import TextFrontEnd, piper_symbols

front_ends: dict[str, TextFrontEnd] = {}
for line in sys.stdin:
    language, text = json.loads(line)
    if language not in front_ends:
        front_ends[language] = TextFrontEnd(kind="espeak", language=language, symbols=piper_symbols())
    front_end = front_ends[language]
    front_end.phonemise(text)  # what a caller may give it, unread
    if "read" in sys.argv:
        front_end.utterance(text)
        front_end.sentences(text)
    print("alive", flush=True)
