"""How a text is spoken: what the caller asks for, else what the voice prefers."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import TypedDict, Unpack

from configs import InputError
from configs.speaking import LARGEST_NOISE_SCALE, LONGEST_PAUSE_SECONDS, SPEEDS, SpeakingSettings
from speaking.short_texts import calm
from text import Encoded
from text.front_end import is_sound


class How(TypedDict, total=False):
    """What may be asked of a voice; None takes what the voice itself prefers."""

    speaker: str | int | None  # of the voice's speakers a name, or an id from 0; None takes the first
    speed: float | None  # speaking rate, 2 is twice as fast
    noise_scale: float | None  # standard deviation of the prior's noise; 0 says a text the same way each time
    duration_noise_scale: float | None  # standard deviation of the rhythm's noise
    pause_seconds: float | None  # silence between sentences
    longest_silence_seconds: float | None  # of all breaks of an SSML document together
    seed: int | None  # makes the noise repeatable
    ssml: bool  # whether the text is an SSML document


@dataclass(frozen=True)
class Manner:
    """What was asked for, checked and completed."""

    speaker: str | int | None
    speed: float
    pause_seconds: float
    longest_silence_seconds: float
    noise_scale: float
    duration_noise_scale: float
    keeps_noise: bool  # whether the caller has set the noise of the sound
    keeps_duration_noise: bool  # and that of the rhythm
    seed: int | None
    ssml: bool

    @classmethod
    def chosen(cls, prefers: SpeakingSettings, **how: Unpack[How]) -> "Manner":
        """The manner that a caller asks of a voice with these preferences.

        Raises:
            InputError: a number is out of its range.
            TypeError: something is asked that is not in `How`.
        """
        _check_names(how)
        noise, rhythm, seed = how.get("noise_scale"), how.get("duration_noise_scale"), how.get("seed")
        speed, pause = how.get("speed"), how.get("pause_seconds")
        silence = how.get("longest_silence_seconds")
        return cls(
            speaker=how.get("speaker"),
            speed=within("speed", prefers.speed if speed is None else speed, *SPEEDS),
            pause_seconds=within("pause", prefers.pause_seconds if pause is None else pause, 0, LONGEST_PAUSE_SECONDS),
            longest_silence_seconds=within(
                "longest silence", prefers.longest_silence_seconds if silence is None else silence, 0, inf
            ),
            noise_scale=within("noise scale", prefers.noise_scale if noise is None else noise, 0, LARGEST_NOISE_SCALE),
            duration_noise_scale=within(
                "duration noise scale",
                prefers.duration_noise_scale if rhythm is None else rhythm,
                0,
                LARGEST_NOISE_SCALE,
            ),
            keeps_noise=noise is not None,
            keeps_duration_noise=rhythm is not None,
            seed=None if seed is None else int(within("seed", seed, 0, 2**63 - 1)),
            ssml=how.get("ssml", False),
        )

    def noise_scales(self, sentence: Encoded) -> tuple[float, float]:
        """Noise of the sound and of the rhythm for a sentence."""
        calmness = calm(sum(map(is_sound, sentence.symbols)))
        return (
            self.noise_scale if self.keeps_noise else self.noise_scale * calmness,
            self.duration_noise_scale if self.keeps_duration_noise else self.duration_noise_scale * calmness,
        )

    def check_silence(self, seconds: float) -> None:
        """Refuse a document whose breaks are longer in all than was asked for.

        Raises:
            InputError: they are; the message names the setting.
        """
        if seconds > self.longest_silence_seconds:
            raise InputError(
                f"the breaks of the SSML are {seconds:g} s of silence in all, more than"
                f" {self.longest_silence_seconds:g} s: shorten them, or allow more with --longest-silence or"
                " speaking.longest_silence_seconds"
            )

    def faster(self, factor: float) -> "Manner":
        """The same, so many times as fast.

        Raises:
            InputError: that is out of range.
        """
        return replace(self, speed=within("speed", self.speed * factor, *SPEEDS))


def _check_names(how: Iterable[str]) -> None:
    for name in how:
        if name not in How.__annotations__:
            near = difflib.get_close_matches(name, How.__annotations__, n=1)
            hint = f", did you mean {near[0]}?" if near else ";"
            raise TypeError(f"a voice cannot be asked for {name!r}{hint} it takes {', '.join(How.__annotations__)}")


def within(name: str, value: float, least: float, most: float) -> float:
    """The value, if it lies within.

    Raises:
        InputError: it does not.
    """
    if not least <= value <= most:  # NaN is not within anything
        raise InputError(f"{name} = {value:g} is out of range: give a number from {least:g} to {most:g}")
    return value
