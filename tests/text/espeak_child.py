"""espeak-ng in a child process, which a text may end: texts are phonemised one by one, and each is answered."""

import json
import random
import subprocess
import sys
from pathlib import Path
from types import TracebackType

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from text import TextFrontEnd, piper_symbols

LANGUAGES = ("en-us", "de", "nl", "fr", "es", "ru", "ar", "cmn", "hi", "el", "ja", "ko", "fa", "sv", "th")
LETTERS = "a A b I x aeiou xzq Mr. U.S. hello the 's IV th n't e.g. www. .com http:// 1 12 1,000 0 0x1F 3rd é ß İ ñ ﬁ"
MARKS = ". , ; : ! ? … - – — ' \" ( ) & % @ # $ € / \\ _ * + = < > | ~ ^ ` [ ] { } [[ ]] 。 ， ？ 、 ¿ · ª ² ½"
OTHER_SCRIPTS = "你 ن अ я ก 😀 한 あ ع ு ် ա ა"
BLANKS = (" ", "  ", "\n", "\t", "\u2028", "\u0301", "\u200d", "\u200b", "\ufeff", "\ue000", "\x00", "\x1b")
PIECES = [*LETTERS.split(), *MARKS.split(), *OTHER_SCRIPTS.split(), *BLANKS]


class EspeakChild:
    """Phonemises texts in a process of its own; a new one is started after a text that ends it.

    Args:
        how: "read" normalises and encodes each text too; "unread" gives it to the phonemiser as it is.
    """

    def __init__(self, how: str) -> None:
        self._how = how
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "EspeakChild":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def survives(self, language: str, text: str) -> bool:
        """Whether the process is alive after this text, and no exception was raised."""
        if self._process is None:
            command = [sys.executable, __file__, self._how]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([language, text]) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            answered = False
        else:
            answered = bool(process.stdout.readline())
        if not answered:
            self.__exit__(None, None, None)
        return answered


def fuzzed(seed: int) -> tuple[str, str]:
    """A text that is often the same few pieces many times, which is what fills a buffer."""
    rng = random.Random(seed)
    unit = "".join(rng.choices(PIECES, k=rng.randint(1, 3)))
    length = rng.choice((20, 60, 120, 200, 300, 500))
    text = unit * (length // len(unit) + 1) if rng.random() < 0.6 else "".join(rng.choices(PIECES, k=length // 2))
    return rng.choice(LANGUAGES), text + rng.choice(("", "", "com", " end.", "A"))


def main() -> None:
    """Answer each line of standard input, until a text ends the process."""
    front_ends: dict[str, TextFrontEnd] = {}
    for line in sys.stdin:
        language, text = json.loads(line)
        if language not in front_ends:
            front_ends[language] = TextFrontEnd(kind="espeak", language=language, symbols=piper_symbols())
        front_end = front_ends[language]
        front_end.phonemise(text)  # what a caller may give it, not normalised
        if "read" in sys.argv:
            front_end.utterance(text)
            front_end.sentences(text)
        print("alive", flush=True)


if __name__ == "__main__":
    main()
