"""The word error rate of validation: by hand, when it is due, and that it changes nothing of what is learned."""

import json
import math
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import torch

from configs import InputError, load_config
from data.clips import Clip
from data.corpus import Corpus
from tests.short_runs import SMALLER
from text.normalise import Reader
from text.symbols import SymbolTable
from train import Trainer
from training.interruption import StopRequest
from training.validation import SynthesizedClip
from training.word_errors import WordErrors, word_error_rate, words_of
from voices.checkpoint import load_checkpoint

HOUSE = Path(__file__).resolve().parents[2]
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, **{chr(97 + place): 3 + place for place in range(20)}})
ENGLISH = Reader("en-us")

# Hears two of the three words of a recording, whose first sample is marked, and one of any other; and draws numbers.
ASR = """
import random, numpy, torch
heard = []
def hear(audio, sample_rate):
    heard.append((len(audio), sample_rate))
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    return "One two." if abs(audio[0] - 0.5) < 1e-3 else "two"
def deaf(audio, sample_rate):
    raise RuntimeError("no more memory")
"""


@pytest.fixture
def asr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The module of an ASR that is not Whisper."""
    name = f"asr_{uuid4().hex}"  # not of `random`, which the ASR seeds
    (tmp_path / f"{name}.py").write_text(ASR)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def clip(number: int) -> Clip:
    samples = np.random.default_rng(number).normal(scale=3000, size=256 * (60 + number)).astype(np.int16)
    samples[0] = 2**14
    ids = np.random.default_rng(number).integers(0, 22, 12 + number)
    return Clip(f"c{number}", "1 two three.", ids, samples, 0)


def train(folder: Path, *settings: str) -> list[dict[str, float]]:
    """Five steps with a validation at each second one, and the lines of its metrics that are of a validation."""
    clips = [clip(number) for number in range(2)]
    own = ("train.spoken_sentences=1", "train.batch_size=2", "train.steps=5", "train.validate_every=2")
    config = load_config(HOUSE / "configs" / "tiny.toml", [f"run.dir={folder}", *SMALLER, *own, *settings])
    Trainer(config, Corpus(clips, clips, SYMBOLS, (), None, "made up")).train(StopRequest())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "validation/score" in line]


def test_words_are_compared_as_they_are_read() -> None:
    assert words_of("Mr. Smith's 21 dogs—all well-fed!", ENGLISH) == words_of(
        "mister Smith’s twenty one dogs, all well fed", ENGLISH
    )
    assert words_of("... ' _", ENGLISH) == []
    assert words_of("नमस्ते, दुनिया।", Reader("hi")) == ["नमस्ते", "दुनिया"]
    assert words_of("Cafe\u0301", ENGLISH) == words_of("caf\u00e9", ENGLISH)


def test_all_words_of_all_sentences_have_the_same_weight() -> None:
    """By hand: one of two words, none of six, and one that was not said: two of eight."""
    pairs = [("Come home.", "come hone"), ("It is one mile to the", "it is 1 mile to the"), ("", "you")]
    assert word_error_rate(pairs, ENGLISH) == pytest.approx(2 / 8)
    assert math.isnan(word_error_rate([("", "")], ENGLISH))


def test_it_is_measured_at_its_turn_and_at_the_end_and_changes_nothing_of_what_is_learned(
    tmp_path: Path, asr: str
) -> None:
    """By hand: of three words one is heard of synthesized sentences, and two of recordings."""
    without = train(tmp_path / "without")
    lines = train(tmp_path / "with", f"train.asr={asr}:hear", "train.asr_every=2")
    assert [line["step"] for line in lines] == [0, 2, 4, 5]
    assert ["validation/word_error_rate" in line for line in lines] == [True, False, True, True]
    for line in lines[::2]:
        assert line["validation/word_error_rate"] == pytest.approx(200 / 3)
        assert line["validation/recorded_word_error_rate"] == pytest.approx(100 / 3)
    assert [line["validation/score"] for line in lines] == [line["validation/score"] for line in without]
    states = [load_checkpoint(tmp_path / name / "checkpoints" / "00000005.pt") for name in ("with", "without")]
    for name, weight in states[0]["synthesizer"].items():
        assert torch.equal(weight, states[1]["synthesizer"][name])


def test_an_asr_that_fails_does_not_end_the_training(tmp_path: Path, asr: str) -> None:
    with pytest.warns(UserWarning, match=f"no word error rate: train.asr {asr}:deaf: RuntimeError: no more memory"):
        lines = train(tmp_path / "run", f"train.asr={asr}:deaf", "train.steps=1")
    assert [line["step"] for line in lines] == [0, 1]
    assert not any("word_error_rate" in name for line in lines for name in line)


def test_an_asr_that_is_not_there_is_told_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.asr no_such_asr:hear: ModuleNotFoundError"):
        train(tmp_path / "run", "train.asr=no_such_asr:hear")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_an_asr_without_sentences_is_refused(tmp_path: Path, asr: str) -> None:
    with pytest.raises(InputError, match=r"train\.asr = .* has nothing to transcribe with train\.spoken_sentences = 0"):
        train(tmp_path / "run", f"train.asr={asr}:hear", "train.spoken_sentences=0")


def test_recordings_are_heard_once(tmp_path: Path, asr: str) -> None:
    config = load_config(HOUSE / "configs" / "tiny.toml", [f"train.asr={asr}:hear", "train.validate_every=10"])
    words = WordErrors(config)
    mel = np.zeros((80, 5), np.float32)
    synthesized = SynthesizedClip(clip(1), np.zeros(77, np.float32), mel, mel, np.array([1]), 1.0)
    assert words.measure([synthesized]) == words.measure([synthesized])
    heard = __import__(asr).heard
    assert [length for length, _ in heard] == [256 * 61, 77, 77]
    assert words.measure([]) == {}
