"""A listening test of tones: every system has a pitch and a length of its own, so that its clips can be told apart."""

import numpy as np

from evaluation.listen.items import Item, Kind, System, Version

RATE = 22050
LANGUAGE = "en-us"
HOSTILE = "</script><script>window.hostile = 1</script> \"'<!-- <img src=x onerror=alert(1)> {{ 7 * 7 }}"
# Name, kind, hertz, seconds.
SYSTEMS: tuple[tuple[str, Kind, int, float], ...] = (
    ("mockingbird", "voice", 300, 2.0),
    ("zebrafinch", "voice", 500, 4.0),
    ("recording", "recording", 700, 2.5),
    ("anchor", "anchor", 900, 2.5),
)


def tone(hertz: float, seconds: float, level: float = 0.1) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def tone_items(sentences: int = 3, systems: tuple[tuple[str, Kind, int, float], ...] = SYSTEMS) -> list[Item]:
    texts = [HOSTILE, *(f"This is sentence {number}." for number in range(1, sentences))]
    return [
        Item(
            f"id{place}",
            text,
            LANGUAGE,
            tuple(Version(System(name, kind), tone(hertz, seconds), RATE) for name, kind, hertz, seconds in systems),
        )
        for place, text in enumerate(texts)
    ]
