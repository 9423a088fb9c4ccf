"""Real speech to metric, where it is present, and glides of a known pitch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from metrics.spectra import Audio
from tests.data.conftest import SHARED_DATA

RATE = 22050
HARMONICS = 40


@pytest.fixture(scope="session")
def sentences() -> Sequence[Audio]:
    """Three sentences of LJSpeech, of 2 to 4 seconds."""
    folder = SHARED_DATA / "ljspeech_dev" / "wavs"
    if not folder.exists():
        pytest.skip(f"real speech is not present: {folder}")
    recordings = (soundfile.read(file, dtype="float32")[0] for file in sorted(folder.iterdir())[::10])
    return [audio for audio in recordings if 2 < len(audio) / RATE < 4][:3]


def harmonic_tone(hz: npt.NDArray[np.float64], sample_rate: int, noise: float = 0.0) -> Audio:
    """A voice-like sound of this pitch at every sample, [S]: harmonics that fall by 6 dB an octave, and noise."""
    phase = 2 * np.pi * np.cumsum(hz) / sample_rate
    tone = np.zeros(len(hz))
    for harmonic in range(1, HARMONICS):
        tone += (harmonic * hz < 0.45 * sample_rate) * np.cos(harmonic * phase + harmonic) / harmonic
    tone *= 0.3 / np.abs(tone).max()
    return (tone + noise * np.random.default_rng(0).normal(size=len(hz))).astype(np.float32)
