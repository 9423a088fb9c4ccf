"""The page of a listening test: one self-contained file that does not show which system a clip is of.

Clips are stored in a random order, drawn from the seed, and the key to them in base64, which is no protection against a
listener who looks for it. The page draws a new order of presentation for each listener.
"""

import base64
import hashlib
import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.atomic_file import replacing
from data.report.web_page import render_page
from evaluation.listen.items import Item, System
from evaluation.listen.sound import LOUDNESS_LUFS

_HERE = Path(__file__).parent


def write_page(items: Sequence[Item], path: Path, *, seed: int = 0, lossless: bool = False) -> None:
    """Write the page of a test.

    Args:
        items: at least one, all with the same systems.
        path: of the HTML file.
        seed: of the order in which clips are stored.
        lossless: FLAC in place of MP3, which makes the page more than twice as large.

    Raises:
        InputError: the file cannot be written.
    """
    test = _test(items, seed, lossless)
    page = render_page(
        _HERE / "page.html.jinja",
        styles=[_HERE / "page.css"],
        scripts=[_HERE / "page.js"],
        pairs=len(test["pairs"]),
        ratings=len(test["ratings"]),
        versions=max(len(trial["clips"]) for trial in test["ratings"]),
        recorded=any(trial["reference"] is not None for trial in test["ratings"]),
        loudness=f"{-LOUDNESS_LUFS:g}",
        # Within a script element only "</script" and "<!--" mean anything.
        test=json.dumps(test, ensure_ascii=False).replace("<", "\\u003c"),
    )
    with replacing(path) as file:
        file.write(page.encode("utf-8", "backslashreplace"))


def _test(items: Sequence[Item], seed: int, lossless: bool) -> dict[str, Any]:
    """The data of the page: trials as indices of clips, the shuffled clips, and the encoded key."""
    systems = list(dict.fromkeys(version.system for item in items for version in item.versions))
    versions = [(place, version) for place, item in enumerate(items) for version in item.versions]
    random.Random(seed).shuffle(versions)
    clips = [version.data_uri(lossless=lossless) for _, version in versions]
    clip_of = {(place, version.system): clip for clip, (place, version) in enumerate(versions)}
    ratings, pairs = [], []
    for place, item in enumerate(items):
        text = {"text": item.text, "language": item.language}
        own = {version.system: clip_of[place, version.system] for version in item.versions}
        reference = next((clip for system, clip in own.items() if system.kind == "recording"), None)
        ratings.append({**text, "reference": reference, "clips": sorted(own.values())})
        pairs += [{**text, "reference": None, "clips": sorted((own[one], own[two]))} for one, two in _pairs(list(own))]
    key = {
        "systems": [{"name": system.name, "kind": system.kind} for system in systems],
        "items": [item.id for item in items],
        "clips": [[place, systems.index(version.system)] for place, version in versions],
    }
    encoded = base64.b64encode(json.dumps(key).encode()).decode()
    name = hashlib.sha256("".join([encoded, *clips]).encode()).hexdigest()[:12]
    return {"test": name, "pairs": pairs, "ratings": ratings, "clips": clips, "key": encoded}


def _pairs(systems: Sequence[System]) -> list[tuple[System, System]]:
    """The pairs of the preference test: all voices, or a single voice and the recording."""
    voices = [system for system in systems if system.kind == "voice"]
    chosen = voices if len(voices) > 1 else [system for system in systems if system.kind != "anchor"]
    return list(itertools.combinations(chosen, 2))
