"""Real speech, where it is present."""

from tests.data.conftest import ljspeech as ljspeech
from tests.data.conftest import multispeaker as multispeaker
