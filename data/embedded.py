"""`python -m data.embedded DIR`: synthesizes a small corpus, to try training without a download.

espeak-ng synthesizes about 120 public-domain sentences into DIR, in LJSpeech's layout and bit-identical every time. It
serves to test the whole pipeline, not to train a good voice.
"""

from configs.command_line import check_arguments
from data.command_line import read_embedded_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_embedded_arguments)

import ctypes
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configs import InputError, command
from data.audio_file import read_audio, to_float
from data.audio_writer import write_audio

SAMPLE_RATE = 22050  # espeak-ng's own
VOICE = "en-us"
WORDS_PER_MINUTE = 160

SENTENCES = Path(__file__).with_name("embedded_sentences.txt")

# Of espeak-ng's speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_PARAMETER_RATE = 1
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def make_embedded_corpus(root: str | Path) -> Path:
    """Write the embedded corpus into `root`, unless it is there already; it appears complete or not at all.

    Returns:
        `root`, with metadata.csv (id|text|text) and wavs/, 22 050 Hz 16-bit mono.

    Raises:
        InputError: espeakng-loader is not installed, or `root` has other content or cannot be written.
    """
    root = Path(root)
    sentences = SENTENCES.read_text(encoding="utf-8").splitlines()
    metadata = "".join(f"{_name(index)}|{text}|{text}\n" for index, text in enumerate(sentences))
    if _is_complete(root, metadata, len(sentences)):
        return root
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise InputError(f"{root}: exists and is not the embedded corpus: choose another folder, or remove it")
    # The output of espeak-ng depends on what it synthesized before, so only a new process is deterministic. It also
    # separates this espeak-ng from the phonemiser's.
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        spoken = fresh.submit(synthesize, sentences).result()
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    except OSError as error:
        raise InputError(f"{root}: cannot be written ({error}): choose another folder") from error
    try:
        (partial / "wavs").mkdir()
        for index, audio in enumerate(spoken):
            path = partial / "wavs" / f"{_name(index)}.wav"
            write_audio(path, to_float(audio), sample_rate=SAMPLE_RATE)
        (partial / "metadata.csv").write_text(metadata, encoding="utf-8", newline="\n")
        partial.chmod(0o755)
        if root.exists():  # empty; Windows does not rename onto it
            root.rmdir()
        partial.rename(root)
    except OSError as error:
        if not _is_complete(root, metadata, len(sentences)):  # else another process was faster
            raise InputError(f"{root}: cannot be written ({error}): choose another folder") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return root


def synthesize(sentences: Sequence[str]) -> list[npt.NDArray[np.int16]]:
    """Synthesize sentences with espeak-ng: int16 [S] at 22 050 Hz each.

    Raises:
        InputError: espeakng-loader is not installed.
    """
    try:
        import espeakng_loader
    except ImportError as error:
        raise InputError("the embedded corpus needs espeakng-loader: pip install espeakng-loader") from error
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = os.fsencode(espeakng_loader.get_data_path())
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, _INITIALIZE_DONT_EXIT)
    if rate != SAMPLE_RATE:
        raise InputError(f"espeak-ng cannot be started from {espeakng_loader.get_library_path()}: reinstall it")
    heard: list[npt.NDArray[np.int16]] = []

    def hear(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            heard.append(np.ctypeslib.as_array(samples, (count,)).copy())  # espeak-ng reuses its buffer
        return 0

    callback = _SYNTH_CALLBACK(hear)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(VOICE.encode())
    library.espeak_SetParameter(_PARAMETER_RATE, WORDS_PER_MINUTE, 0)
    spoken: list[npt.NDArray[np.int16]] = []
    for sentence in sentences:
        heard.clear()
        text = ctypes.create_string_buffer(sentence.encode())
        library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
        spoken.append(np.concatenate(heard))
    library.espeak_Terminate()
    return spoken


def _name(index: int) -> str:
    return f"embedded-{index + 1:03d}"


def _is_complete(root: Path, metadata: str, count: int) -> bool:
    path = root / "metadata.csv"
    return (
        path.is_file()
        and path.read_bytes() == metadata.encode()
        and all((root / "wavs" / f"{_name(index)}.wav").is_file() for index in range(count))
    )


@command
def main() -> int:
    """Write the corpus and print its size."""
    root = make_embedded_corpus(read_embedded_arguments().folder)
    wavs = sorted((root / "wavs").glob("*.wav"))
    samples = sum(len(read_audio(wav, sample_rate=SAMPLE_RATE)) for wav in wavs)
    print(f"{len(wavs)} clips, {samples / SAMPLE_RATE / 60:.1f} minutes, in {root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
