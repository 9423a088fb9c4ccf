"""`python -m text < lines.txt` prints each line normalised, or with --phonemes as phonemes."""

import io
import sys
import unicodedata
from collections import Counter
from pathlib import Path

from configs import command
from configs.command_line import CommandParser
from text.front_end import phonemiser
from text.lexicon import Lexicon
from text.normalise import Reader


@command
def main() -> int:
    """Normalise standard input, line by line."""
    parser = CommandParser(prog="python -m text", description="Normalise lines from standard input.")
    parser.add_argument("--language", default="en-us", help="espeak-ng voice (default: %(default)s)")
    parser.add_argument("--lexicon", type=Path, metavar="FILE", help="a lexicon: word, tab, respelling or [[phonemes]]")
    parser.add_argument("--front-end", choices=("espeak", "graphemes"), default="espeak", help="default: %(default)s")
    parser.add_argument("--phonemes", action="store_true", help="print the phonemes of each line")
    arguments = parser.parse_args()
    reader = Reader(arguments.language, Lexicon.from_file(arguments.lexicon) if arguments.lexicon else None)
    phonemise = phonemiser(arguments.front_end, arguments.language) if arguments.phonemes else None
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # whatever the locale, corpora are UTF-8
            # One line in, one line out: only \n ends a line.
            stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    dropped: Counter[str] = Counter()
    for line in sys.stdin:
        reading = reader.read(line)
        dropped.update(reading.dropped)
        print(reading.text if phonemise is None else " ".join(map("".join, phonemise(reading.spoken))))
    sys.stdout.flush()
    if dropped:
        counts = ", ".join(f"{character} ({_name(character)}: {count})" for character, count in dropped.most_common())
        print(f"left out, because they cannot be read aloud (how often): {counts}", file=sys.stderr)
    return 0


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}").lower()


if __name__ == "__main__":
    sys.exit(main())
