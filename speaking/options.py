"""Options of synthesis: what the caller asks for, completed by the defaults of the voice; the choice of a speaker."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, TypedDict, Unpack

from configs import InputError
from configs.speaking import LARGEST_NOISE_SCALE, LONGEST_PAUSE_SECONDS, SPEEDS, SpeakingSettings

# A VITS voice learns from whole sentences and mumbles a lone `Yes.`, so below ten phonemes both noise scales shrink
# towards a third, unless the caller sets them. A rule of thumb: its effect has not been measured by listeners.
_LONG_ENOUGH = 10  # phonemes from which the noise scales are the full ones
_SMALLEST_SHARE = 1 / 3  # of the noise scales

_LIMITS = {
    "speed": SPEEDS,
    "noise_scale": (0, LARGEST_NOISE_SCALE),
    "duration_noise_scale": (0, LARGEST_NOISE_SCALE),
    "pause_seconds": (0, LONGEST_PAUSE_SECONDS),
    "longest_silence_seconds": (0, inf),
}
_ID = re.compile(r"[0-9]{1,9}")
_MOST_NAMES = 12  # that a message lists

ENGINES = ("auto", "torch", "onnx")


def choose_engine(engine: str, voice: Path, device: str) -> str:
    """The engine that speaks a voice, torch or onnx: for auto, onnx if the voice is an .onnx and the CPU speaks.

    Raises:
        InputError: there is no such engine, or it cannot run this voice or on this device.
    """
    is_graph = voice.suffix == ".onnx"
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r}: there is no such engine; they are {', '.join(ENGINES)}")
    if engine == "onnx" and not is_graph:
        raise InputError(
            f"--engine onnx: {voice} is no .onnx: make one of it with python -m voices.export, or leave the option out"
        )
    if engine == "onnx" and device not in ("auto", "cpu"):
        raise InputError(f"--engine onnx runs on the CPU: leave --device {device} out, or take --engine torch")
    return engine if engine != "auto" else "onnx" if is_graph and device in ("auto", "cpu") else "torch"


class SpeakOptions(TypedDict, total=False):
    """Options of synthesis; None takes the default of the voice."""

    speaker: str | int | None  # name or id (from 0) in a voice of several speakers; None is the first
    speed: float | None  # speaking rate: 2 is twice as fast
    noise_scale: float | None  # standard deviation of the prior's noise
    duration_noise_scale: float | None  # standard deviation of the duration predictor's noise
    pause_seconds: float | None  # silence between sentences
    longest_silence_seconds: float | None  # total of the breaks of an SSML document
    seed: int | None  # of the noise; None is random
    ssml: bool  # whether the text is an SSML document


@dataclass(frozen=True)
class ResolvedOptions:
    """Options that have been validated and completed."""

    speaker: str | int | None
    speed: float
    noise_scale: float
    duration_noise_scale: float
    pause_seconds: float
    longest_silence_seconds: float
    seed: int | None
    ssml: bool
    given: frozenset[str]  # the names of the options that the caller has set

    @classmethod
    def resolve(cls, defaults: SpeakingSettings, **options: Unpack[SpeakOptions]) -> "ResolvedOptions":
        """Complete the options of a caller with the defaults of a voice.

        Raises:
            InputError: a number is out of its range.
            TypeError: an option is not in `SpeakOptions`.
        """
        _check_names(options)
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        numbers = {
            name: within(
                name.removesuffix("_seconds").replace("_", " "), given.get(name, getattr(defaults, name)), *limits
            )
            for name, limits in _LIMITS.items()
        }
        seed = int(within("seed", given["seed"], 0, 2**63 - 1)) if "seed" in given else None
        return cls(
            speaker=given.get("speaker"), seed=seed, ssml=given.get("ssml", False), given=frozenset(given), **numbers
        )

    def noise_scales(self, phonemes: int) -> tuple[float, float]:
        """noise_scale and duration_noise_scale for a sentence of so many phonemes."""
        share = noise_share(phonemes)
        return (
            self.noise_scale * (1 if "noise_scale" in self.given else share),
            self.duration_noise_scale * (1 if "duration_noise_scale" in self.given else share),
        )

    def check_silence(self, seconds: float) -> None:
        """Check the total of the breaks of an SSML document.

        Raises:
            InputError: it exceeds longest_silence_seconds.
        """
        if seconds > self.longest_silence_seconds:
            raise InputError(
                f"the breaks of the SSML are {seconds:g} s of silence in all, more than"
                f" {self.longest_silence_seconds:g} s: shorten them, or allow more with --longest-silence or"
                " speaking.longest_silence_seconds"
            )

    def with_rate(self, factor: float) -> "ResolvedOptions":
        """The same options with the speed multiplied by a factor.

        Raises:
            InputError: the product is out of range.
        """
        return replace(self, speed=within("speed", self.speed * factor, *SPEEDS))


def noise_share(phonemes: int) -> float:
    """The factor on both noise scales of a sentence of so many phonemes: rises linearly to 1 at ten."""
    return min(1.0, _SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * phonemes / _LONG_ENOUGH)


def _check_names(options: Iterable[str]) -> None:
    for name in options:
        if name not in SpeakOptions.__annotations__:
            near = difflib.get_close_matches(name, SpeakOptions.__annotations__, n=1)
            hint = f", did you mean {near[0]}?" if near else ";"
            known = ", ".join(SpeakOptions.__annotations__)
            raise TypeError(f"a voice cannot be asked for {name!r}{hint} it takes {known}")


def within(name: str, value: float, least: float, most: float) -> float:
    """The value, if it lies in [least, most].

    Raises:
        InputError: it does not; NaN never does.
    """
    if not least <= value <= most:
        raise InputError(f"{name} = {value:g} is out of range: give a number from {least:g} to {most:g}")
    return value


def find_speaker(asked: str | int, speakers: Sequence[str]) -> tuple[int, str]:
    """Find a speaker of a voice by its exact name, by a unique name that differs only in case or blanks, or by id.

    Args:
        asked: a name or an id from 0; names take precedence.
        speakers: names by id; empty for a voice of one speaker, whose only id is 0.

    Returns:
        The id, and a note for the user where `asked` is not an exact name, else "".

    Raises:
        InputError: the voice has no such speaker, or several whose names differ only in case.
    """
    name = str(asked)
    if name in speakers:
        return speakers.index(name), ""
    alike = [index for index, known in enumerate(speakers) if _folded(known) == _folded(name)]
    if len(alike) == 1:
        return alike[0], f"this voice has no speaker {name!r}: {speakers[alike[0]]!r} is taken"
    if alike:
        several = ", ".join(repr(speakers[index]) for index in alike)
        raise InputError(f"this voice has no speaker {name!r}, but {several}: give one of these names exactly")
    number = name.strip()
    if _ID.fullmatch(number) and int(number) < max(1, len(speakers)):
        index = int(number)
        who = repr(speakers[index]) if speakers else "its only one"
        return index, f"no speaker is called {name!r}: {number} is taken as an id, that of {who}"
    raise InputError(f"this voice has no speaker {name!r}; it has {_known(name, speakers)}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _known(name: str, speakers: Sequence[str]) -> str:
    if not speakers:
        return "nobody by name, it has one speaker"
    if len(speakers) <= _MOST_NAMES:
        return ", ".join(speakers)
    near = difflib.get_close_matches(name, speakers, n=3, cutoff=0.0)
    return f"{len(speakers)} speakers, with the ids 0 to {len(speakers) - 1}; the nearest names are {', '.join(near)}"
