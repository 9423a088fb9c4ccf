"""Another program that listens: `--asr module:function` names a Python function from sound to text.

For instance, a file whisper_here.py in the current folder, for `--asr whisper_here:transcribe`:

    import soxr
    import whisper
    model = whisper.load_model("base.en")

    def transcribe(audio, sample_rate):
        return model.transcribe(soxr.resample(audio, sample_rate, 16000))["text"]
"""

import importlib
from typing import Protocol

import numpy as np
import numpy.typing as npt

from configs import InputError


class Transcriber(Protocol):
    """Anything that turns speech into text."""

    def __call__(self, audio: npt.NDArray[np.float32], sample_rate: int) -> str:
        """The words in mono audio [S] in [-1, 1]."""
        ...


def load_transcriber(name: str) -> Transcriber:
    """Import the function that a user names as `module:function`.

    Raises:
        InputError: there is no such module or function, or it cannot be called.
    """
    module, _, function = name.partition(":")
    if not (module and function):
        raise InputError(f"--asr {name}: name a module and a function in it, such as whisper_here:transcribe")
    try:
        transcriber: Transcriber = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"--asr {name}: {error}: install it, or correct the name") from error
    if not callable(transcriber):
        raise InputError(f"--asr {name}: is no function of (audio, sample_rate), but {transcriber!r}")
    return transcriber
