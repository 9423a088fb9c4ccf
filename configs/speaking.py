"""The settings of synthesis."""

from typing import Annotated

from pydantic import Field

from configs.section import Section, Weight

# Bounds of what a user may ask of a voice.
SPEEDS = (0.05, 20.0)
LARGEST_NOISE_SCALE = 10.0
LONGEST_PAUSE_SECONDS = 60.0
LOWEST_RATE, HIGHEST_RATE = 1000, 384000  # of an audio file, in hertz; not every format has all of them

NoiseScale = Annotated[float, Field(ge=0.0, le=LARGEST_NOISE_SCALE)]


class SpeakingSettings(Section):
    """Defaults of synthesis, stored in the voice."""

    noise_scale: NoiseScale = 0.667
    """Noise scale: standard deviation of the prior noise."""
    duration_noise_scale: NoiseScale = 0.8
    """Duration noise scale: standard deviation of the duration predictor's noise."""
    speed: Annotated[float, Field(ge=SPEEDS[0], le=SPEEDS[1])] = 1.0
    """Speaking rate; 2 is twice as fast."""
    pause_seconds: Annotated[float, Field(ge=0, le=LONGEST_PAUSE_SECONDS)] = 0.2
    """Silence between sentences, in seconds."""
    longest_silence_seconds: Weight = 3600.0
    """Maximum total duration of the breaks in an SSML document, in seconds."""
