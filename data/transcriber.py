"""Speech recognition by Whisper, `--asr whisper`, or by the user's own function, `--asr module:function`.

Such a function takes audio and returns text. For example, a file whisper_here.py in the current folder, for
`--asr whisper_here:transcribe`:

    import soxr
    import whisper
    model = whisper.load_model("base.en")

    def transcribe(audio, sample_rate):
        return model.transcribe(soxr.resample(audio, sample_rate, 16000))["text"]
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs import InputError
from configs.errors import in_one_line
from data.plug_in import load_function
from data.whisper import Whisper

# A speech recogniser: mono audio [S] in [-1, 1] and its sample rate to text; raises InputError if it fails.
Transcriber = Callable[[npt.NDArray[np.float32], int], str]


@dataclass(frozen=True)
class PlugIn:
    """A user's function; an exception in it becomes an InputError, as it is not a bug of ours."""

    given: str  # the option or setting, and its value
    function: Callable[[npt.NDArray[np.float32], int], object]

    def __call__(self, audio: npt.NDArray[np.float32], sample_rate: int) -> str:
        """Transcribe mono audio [S] in [-1, 1].

        Raises:
            InputError: the function raises an exception, or does not return text.
        """
        try:
            text = self.function(audio.copy(), sample_rate)  # it may modify it
        except (Exception, SystemExit) as error:
            raise InputError(f"{self.given}: {in_one_line(error)}") from error
        if not isinstance(text, str):
            raise InputError(f"{self.given}: returned {text!r}, which is no text")
        return text


def load_transcriber(name: str, language: str, *, option: str = "--asr") -> Transcriber:
    """Load Whisper, or import the function that a user names.

    Args:
        name: `whisper`, `whisper:FOLDER` or `whisper:NAME` of a model, or `module:function`.
        language: that is spoken, as an espeak-ng voice; a function of the user's is not told.
        option: or setting that it is the value of, for messages.

    Raises:
        InputError: there is no such module or function, the module fails, or the function cannot be called; or as
            `data.whisper.Whisper`.
    """
    given = f"{option} {name}"
    module, _, model = name.partition(":")
    if module == "whisper":
        return Whisper(given, model, language)
    function = load_function(
        name, given=given, example="whisper, or whisper_here:transcribe", signature="(audio, sample_rate)"
    )
    return PlugIn(given, function)
