"""The items of a listening test: one sentence each, by every voice and, where there is one, the recording."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from configs import InputError
from data.report.player import data_uri
from evaluation.held_out import as_read_by, choose_data, hold_out
from evaluation.listen.sound import ANCHOR_STOPS_HZ, loudness_matched, low_anchor
from infer import Voice
from speaking.engine import Audio

Kind = Literal["voice", "recording", "anchor"]
RECORDING, ANCHOR = "recording", "anchor"  # names of systems beside the voices


@dataclass(frozen=True, eq=False)
class Prompt:
    """A sentence of the test."""

    id: str
    text: str
    speaker: str | None = None
    recorded: Audio | None = None  # [S]
    rate_hz: int = 0  # of the recording


@dataclass(frozen=True)
class System:
    """A voice, the recording or the anchor; its name is hidden during the test."""

    name: str
    kind: Kind


@dataclass(frozen=True, eq=False)
class Version:
    """A sentence by one system."""

    system: System
    audio: Audio  # [S]
    rate_hz: int

    def data_uri(self, *, lossless: bool) -> str:
        """Its audio as a data URI: FLAC of 16 bits, or MP3."""
        return data_uri(self.audio, self.rate_hz, "flac" if lossless else "best mp3")


@dataclass(frozen=True, eq=False)
class Item:
    """One sentence, by every system at the same loudness."""

    id: str
    text: str
    language: str
    versions: tuple[Version, ...]


def load_voices(paths: Sequence[Path], device: str) -> dict[str, Voice]:
    """Load voices by names that differ: those of their files or run folders, else the whole paths.

    Raises:
        InputError: there is no such voice, or it is given twice.
    """
    places = [(path.parent if path.name == "voice.safetensors" else path).resolve() for path in paths]
    names = [place.name if place.is_dir() else place.stem for place in places]
    if len(set(names)) < len(names) or {RECORDING, ANCHOR} & set(names):
        names = [str(path) for path in paths]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is given twice: give different voices")
    return {name: Voice.load(path, device) for name, path in zip(names, paths, strict=True)}


def held_out_sentences(voice: Voice, folder: Path | None, count: int, *, run: Path | None = None) -> list[Prompt]:
    """Held-out sentences of a voice, with their recordings.

    Args:
        voice: whose settings say where the recordings are.
        folder: where they are instead.
        count: how many, at most.
        run: folder of the voice, as in `hold_out`.

    Raises:
        InputError: there are none.
    """
    return [
        Prompt(
            id=held.id,
            text=held.text,
            speaker=None if held.speaker is None else voice.speakers[held.speaker],
            recorded=held.recorded.audio,
            rate_hz=voice.sample_rate,
        )
        for held in hold_out(voice, as_read_by(voice, choose_data(voice.config, folder)), count, run=run)
    ]


def lines_of(path: Path, count: int) -> list[Prompt]:
    """The first lines of a text file that are not empty; there are no recordings of them.

    Raises:
        InputError: it cannot be read, or holds nothing.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as lines of text: {error}") from error
    if not lines:
        raise InputError(f"{path}: holds no line of text")
    return [Prompt(f"line {number}", line) for number, line in enumerate(lines[:count], start=1)]


def make_items(voices: Mapping[str, Voice], sentences: Sequence[Prompt], *, seed: int) -> list[Item]:
    """Generate every sentence with every voice, by its own settings; a warning names one that a voice cannot speak.

    A voice that has the speaker of a sentence speaks as that speaker, else as its first.

    Raises:
        InputError: no sentence is left.
    """
    items, why = [], ""
    for sentence in tqdm(sentences, desc="generating", unit="sentence", delay=2, disable=None, leave=False):
        try:
            items.append(_item(voices, sentence, seed))
        except InputError as error:
            why = f"{sentence.id}: {error}"
            warnings.warn(f"left out: {why}", stacklevel=2)
    if not items:
        raise InputError(f"no sentence can be spoken by every voice; the last is {why}")
    return items


def _item(voices: Mapping[str, Voice], sentence: Prompt, seed: int) -> Item:
    versions = [
        Version(System(name, "voice"), _generated(voice, sentence, seed, name), voice.sample_rate)
        for name, voice in voices.items()
    ]
    if sentence.recorded is not None:
        versions.append(Version(System(RECORDING, "recording"), sentence.recorded, sentence.rate_hz))
        if sentence.rate_hz > 2 * ANCHOR_STOPS_HZ:
            anchor = low_anchor(sentence.recorded, sentence.rate_hz)
            versions.append(Version(System(ANCHOR, "anchor"), anchor, sentence.rate_hz))
    matched = loudness_matched([one.audio for one in versions], [one.rate_hz for one in versions])
    language = next(iter(voices.values())).config.data.language
    heard = tuple(Version(one.system, audio, one.rate_hz) for one, audio in zip(versions, matched, strict=True))
    return Item(sentence.id, sentence.text, language, heard)


def _generated(voice: Voice, sentence: Prompt, seed: int, name: str) -> Audio:
    speaker = sentence.speaker if sentence.speaker in voice.speakers else None
    audio = voice.speak(sentence.text, seed=seed, speaker=speaker)
    if not np.isfinite(audio).all():
        raise InputError(f"the audio of {name} has samples that are NaN or infinite")
    return audio
