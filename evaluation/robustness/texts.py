"""The hard texts and the ordinary ones, from texts.toml."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("texts.toml")
_MARKS = str.maketrans("", "", '.,;:!?"')


@dataclass(frozen=True)
class HardText:
    """A text that voices tend to get wrong."""

    kind: str  # the class
    text: str
    speakable: bool  # whether there is something to say in it


def hard_texts() -> list[HardText]:
    """All hundred, class by class."""
    content = _content()
    return [
        HardText(kind["name"], text, kind["speakable"])
        for kind in content["class"]
        for text in _texts_of(kind, content["prose"])
    ]


def ordinary_sentences(language: str) -> tuple[str, ...]:
    """Easy sentences for a voice of this language (an espeak-ng name).

    English ones where there are none: the voice reads them by the rules of its own language, and only the durations of
    its sounds are used.
    """
    ordinary = _content()["ordinary"]
    return tuple(ordinary.get(language.partition("-")[0], ordinary["en"]))


def _texts_of(kind: dict[str, Any], prose: str) -> Iterator[str]:
    if "prose_words" in kind:
        text = " ".join(islice(cycle(prose.split()), kind["prose_words"]))
        yield text.translate(_MARKS).lower() if kind["name"] == "no punctuation" else text
    yield from kind.get("texts", ())


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
