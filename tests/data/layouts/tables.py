"""Tables of a dozen recordings in any layout of columns."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from data.layouts import Listing

RecordingsWriter = Callable[..., None]

TEXTS = [
    "Hello there, my friend.",
    "The quick brown fox jumps over the lazy dog.",
    "It was a dark and stormy night; nobody slept.",
    "In 1839 he went away.",
    "Where are you going, Anna?",
    "Nobody knows the trouble I have seen.",
    "She sells sea shells by the sea shore.",
    "Yes.",
    "A stitch in time saves nine.",
    "Well, well: who would have thought it?",
    "All that glitters is not gold.",
    "Twelve birds sat on the wire.",
]
IPA = [
    *(
        "həlˈoʊ ðˈɛɹ maɪ fɹˈɛnd",
        "ðə kwˈɪk bɹˈaʊn fˈɑːks",
        "ɪt wʌz ɐ dˈɑːɹk",
        "ɪn ˌeɪtiːn",
        "wˌɛɹ ɑːɹ juː",
        "nˈoʊbɑːdi nˈoʊz",
    ),
    *("ʃiː sˈɛlz sˈiː", "jˈɛs", "ɐ stˈɪtʃ ɪn tˈaɪm", "wˈɛl wˈɛl", "ˈɔːl ðæt ɡlˈɪɾɚz", "twˈɛlv bˈɜːdz"),
]
SPEAKERS = ["ann", "bob", "ann", "cy", "bob", "ann", "ann", "cy", "bob", "ann", "cy", "bob"]
SPOKEN = [text.replace("1839", "eighteen thirty-nine") for text in TEXTS]
NAMES = [f"clip{index}" for index in range(len(TEXTS))]
FILES = [f"wavs/{name}.wav" for name in NAMES]
TRANSLATIONS = [text.upper() for text in (*TEXTS[5:], *TEXTS[:5])]
HASHES = [hashlib.sha512(speaker.encode()).hexdigest() for speaker in SPEAKERS]


def write(
    root: Path, record: RecordingsWriter, content: str, name: str = "metadata.csv", encoding: str = "utf-8"
) -> Path:
    record(*FILES)
    (root / name).write_bytes(content.encode(encoding))
    return root


def bars(*columns: Sequence[str]) -> str:
    return "".join("|".join(row) + "\n" for row in zip(*columns, strict=True))


def heard(listing: Listing) -> list[tuple[str, str | None]]:
    assert listing.faults == ()
    assert [row.audio_path.stem for row in listing.recordings] == NAMES
    return [(row.text, row.speaker) for row in listing.recordings]


def alone(texts: Sequence[str]) -> list[tuple[str, str | None]]:
    return [(text, None) for text in texts]


def spoken_by(texts: Sequence[str], speakers: Sequence[str] = SPEAKERS) -> list[tuple[str, str | None]]:
    return list(zip(texts, speakers, strict=True))


CONSTANT = ["EN"] * len(TEXTS)
LENGTHS = [f"{index}.25" for index in range(len(TEXTS))]
FRAMES = [str(20480 + 17 * index) for index in range(len(TEXTS))]
NUMBERED = [str(SPEAKERS.index(speaker)) for speaker in SPEAKERS]
