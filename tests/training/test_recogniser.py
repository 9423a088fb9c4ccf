"""A recogniser of tones in the place of phonemes: it learns to hear them, and is kept on disk, but not blindly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from configs import Config, InputError, load_config
from data.clips import Clip
from data.corpus import Corpus
from data.shards import open_shards, write_shards
from data.transcriber import load_transcriber
from models.recogniser import RecogniserNetwork
from text import SymbolTable
from training.recogniser import (
    Recogniser,
    of_corpus,
    phoneme_error_rate,
    phonemes_said,
    recogniser,
    total,
    train_or_load,
    training,
)
from training.recogniser.examples import MEL_BANDS, Example, phonemes_of_ids
from training.recogniser.of_corpus import set_aside

RATE = 16000
TONES_HZ = {"a": 300, "b": 600, "c": 1200, "d": 2400, "e": 4800}
SYMBOLS = SymbolTable({"_": 0, "^": 1, "$": 2, " ": 3, "ˈ": 4} | {tone: 5 + n for n, tone in enumerate(TONES_HZ)})
HARDLY = 0.001  # hours: one epoch


def clip(seed: int, count: int = 5) -> Clip:
    """Tones of an eighth of a second in a little noise, with a stress and a word gap that cannot be heard."""
    chance = np.random.default_rng(seed)
    tones = chance.choice(list(TONES_HZ), count)
    seconds = np.arange(RATE // 8) / RATE
    sounds = [np.sin(2 * np.pi * TONES_HZ[tone] * seconds) * np.hanning(len(seconds)) for tone in tones]
    audio = np.concatenate([np.pad(sound, (0, RATE // 20)) for sound in sounds])
    noise = chance.normal(scale=0.003, size=len(audio))
    ids = SYMBOLS.encode(["ˈ", *tones[:2], " ", *tones[2:]]).ids
    return Clip(f"clip{seed}", "".join(tones), np.array(ids), ((audio * 0.3 + noise) * 32767).astype(np.int16), 0)


def corpus(train: int = 38, fingerprint: str = "one") -> Corpus:
    return Corpus(
        train=[clip(seed) for seed in range(train)],
        validation=[clip(seed) for seed in range(1000, 1008)],
        symbols=SYMBOLS,
        speakers=(),
        lexicon=None,
        fingerprint=fingerprint,
    )


def settings(cache: Path, *more: str) -> Config:
    return load_config(
        None,
        ["run.dir=runs/unused", "data.root=nowhere", f"data.cache={cache}", f"audio.sample_rate={RATE}", *more],
    )


def weights(recogniser: Recogniser) -> npt.NDArray[np.float32]:
    return np.concatenate([weight.flatten().numpy() for weight in recogniser.network.parameters()])


def sound(one: Clip) -> npt.NDArray[np.float32]:
    return one.audio.astype(np.float32) / np.float32(32768)


@dataclass(frozen=True)
class Taught:
    recogniser: Recogniser
    corpus: Corpus


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    """One that has learned the tones; it is smaller and learns faster than what speech needs."""
    config, whole = settings(tmp_path_factory.mktemp("cache")), corpus()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "RecogniserNetwork", partial(RecogniserNetwork, channels=128, hidden=96))
        patch.setattr(training, "_LEARNING_RATE", 4e-3)
        patch.setattr(training, "_BATCH", 4)
        return Taught(train_or_load(whole, config, trained_hours=0.15), whole)


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried here does not depend on the size of the network."""
    for module in (training, recogniser):
        monkeypatch.setattr(module, "RecogniserNetwork", partial(RecogniserNetwork, channels=32, hidden=16))


@pytest.fixture
def never_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Recogniser:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(of_corpus, "train", refuse)


@pytest.mark.slow
def test_tones_that_it_never_heard_are_heard_right(taught: Taught) -> None:
    held_out = [Example.of(one, SYMBOLS, RATE) for one in taught.corpus.validation]
    assert all(len(one.said) == 5 for one in held_out), "stress and word gap are not to be heard"
    counts = total(phoneme_error_rate(one.said, taught.recogniser.recognise_frames(one.frames)) for one in held_out)
    assert counts.length == 40
    assert counts.rate <= 0.05
    assert taught.recogniser.calibration.rate <= 0.05


@pytest.mark.slow
def test_level_rate_and_silence_change_nothing(taught: Taught) -> None:
    one = clip(1000)
    said, audio = phonemes_of_ids(one.phoneme_ids, SYMBOLS), sound(one)
    assert phoneme_error_rate(said, taught.recogniser.recognise(audio, RATE)).errors <= 1
    assert taught.recogniser.recognise(audio * np.float32(0.05), RATE) == taught.recogniser.recognise(audio, RATE)
    twice = np.interp(np.arange(2 * len(audio)) / 2, np.arange(len(audio)), audio).astype(np.float32)
    assert phoneme_error_rate(said, taught.recogniser.recognise(twice, 2 * RATE)).errors <= 1
    assert taught.recogniser.recognise(np.zeros(RATE, np.float32), RATE) == []
    assert taught.recogniser.recognise(np.zeros(0, np.float32), RATE) == []
    assert taught.recogniser.recognise(audio[:100], RATE) == []


@pytest.mark.slow
def test_other_sounds_are_other_errors(taught: Taught) -> None:
    one = clip(1001)
    said, audio = phonemes_of_ids(one.phoneme_ids, SYMBOLS), sound(one)
    assert phoneme_error_rate(said[::-1], taught.recogniser.recognise(audio, RATE)).errors > 0
    backwards = taught.recogniser.recognise(audio[::-1].copy(), RATE)
    assert phoneme_error_rate(said[::-1], backwards).errors <= 1


@pytest.mark.usefixtures("small_network")
def test_a_seed_gives_the_same_one_and_leaves_the_chance_of_others_alone(tmp_path: Path) -> None:
    small = corpus(12)
    state = torch.get_rng_state()
    first, again, other = (
        train_or_load(small, settings(tmp_path / name, f"run.seed={seed}"), trained_hours=HARDLY)
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(weights(first), weights(again))
    assert first.calibration == again.calibration
    assert not np.array_equal(weights(first), weights(other))


@pytest.mark.usefixtures("small_network")
def test_held_out_recordings_have_no_part_in_it(tmp_path: Path) -> None:
    small = corpus(12)
    others = replace(small, validation=[clip(seed, 3) for seed in range(2000, 2003)], fingerprint="two")
    pair = [train_or_load(one, settings(tmp_path), trained_hours=HARDLY) for one in (small, others)]
    assert len(list((tmp_path / "recognisers").iterdir())) == 2
    assert np.array_equal(weights(pair[0]), weights(pair[1]))


@pytest.mark.usefixtures("small_network")
def test_the_second_time_it_is_found(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    small, config = corpus(12), settings(tmp_path)
    trained = train_or_load(small, config, trained_hours=HARDLY)
    request.getfixturevalue("never_trained")
    found = train_or_load(small, config, trained_hours=HARDLY)
    assert np.array_equal(weights(found), weights(trained))
    assert (found.alphabet, found.calibration) == (trained.alphabet, trained.calibration)
    assert found.recognise(sound(clip(0)), RATE) == trained.recognise(sound(clip(0)), RATE)
    for changed in (replace(small, fingerprint="two"), small):
        longer = HARDLY * (1 if changed is not small else 3)
        with pytest.raises(AssertionError, match="trained again"):
            train_or_load(changed, config, trained_hours=longer)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content, other: content[: len(content) // 2],
        lambda content, other: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content, other: b"",
        lambda content, other: b"not a recogniser\n" * 100,
        lambda content, other: other,
    ],
    ids=["cut", "one bit", "empty", "something else", "another one's"],
)
def test_a_damaged_file_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes, bytes], bytes]
) -> None:
    made: list[float] = []

    def untrained(*_: Any, **__: Any) -> Recogniser:
        torch.manual_seed(len(made))
        made.append(0.0)
        network = RecogniserNetwork(bands=MEL_BANDS, classes=6, channels=256).eval()
        return Recogniser(network.requires_grad_(False), tuple(TONES_HZ), total([]))

    monkeypatch.setattr(of_corpus, "train", untrained)
    config, folder = settings(tmp_path), tmp_path / "recognisers"
    train_or_load(corpus(4, "another"), config)
    (other,) = folder.iterdir()
    train_or_load(corpus(4), config)
    (path,) = set(folder.iterdir()) - {other}
    path.write_bytes(damage(path.read_bytes(), other.read_bytes()))
    again = train_or_load(corpus(4), config)
    assert len(made) == 3
    assert np.array_equal(weights(train_or_load(corpus(4), config)), weights(again))
    assert len(made) == 3


def test_a_clip_is_heard_alike_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    network = RecogniserNetwork(bands=MEL_BANDS, classes=7).eval()
    lengths = torch.tensor([1, 37, 50, 128])
    frames = torch.randn(4, 128, MEL_BANDS) * (torch.arange(128) < lengths[:, None])[..., None]
    together, counts = network(frames, lengths)
    assert counts.tolist() == [1, 10, 13, 32]
    for place, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
        alone, _ = network(frames[place : place + 1, :length], lengths[place : place + 1])
        assert torch.allclose(alone[0], together[place, :count], atol=1e-5)


@pytest.mark.usefixtures("small_network")
def test_shards_teach_as_recordings_in_memory_do(tmp_path: Path) -> None:
    whole, config = corpus(12), settings(tmp_path / "cache")
    arguments: dict[str, Any] = {"data": config.data, "audio": config.audio, "symbols": SYMBOLS, "speakers": ()}
    write_shards(whole.train, whole.validation, tmp_path / "shards", clips_per_shard=5, **arguments)
    shards = open_shards(tmp_path / "shards", config.data, config.audio)
    recogniser = train_or_load(shards, config, trained_hours=HARDLY)
    assert recogniser.alphabet == tuple(TONES_HZ)
    assert recogniser.calibration.length == 6 * 5, "half of so few are set aside"


def test_no_sentence_is_both_learned_and_set_aside() -> None:
    takes = [(f"Sentence {place // 3}.", Example.of(clip(place), SYMBOLS, RATE)) for place in range(30)]
    aside, examples = set_aside(takes, 7)
    texts = {id(example): text for text, example in takes}
    assert len(aside) == 9, "whole sentences, of three takes each"
    assert len(examples) == 21
    assert not {texts[id(one)] for one in aside} & {texts[id(one)] for one in examples}
    assert [len(one) for one in set_aside(takes[2:4], 30)] == [1, 1], "something is left to learn from"


def test_what_makes_no_sound_of_its_own_is_not_asked_for() -> None:
    assert phonemes_said("^_hə_lˈoʊ wˌɜːld!$") == list("həloʊwɜːld")
    assert phonemes_said("ʃɔ̃t — n̩") == ["ʃ", "ɔ", "\u0303", "t", "n", "\u0329"]
    assert phonemes_said("it's çà!") == list("itsçà")


def test_a_corpus_that_says_nothing_is_refused(tmp_path: Path) -> None:
    mute = [replace(clip(seed), phoneme_ids=np.array([1, 0, 3, 0, 2])) for seed in range(3)]
    with pytest.raises(InputError, match="0 different sentences are spoken"):
        train_or_load(replace(corpus(1), train=mute), settings(tmp_path))


def test_another_program_listens_by_the_name_of_its_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "listens_here.py").write_text("def transcribe(audio, sample_rate):\n    return f'{len(audio)}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_transcriber("listens_here:transcribe", "en-us")(np.zeros(5, np.float32), RATE) == "5"
    for name, told in (
        ("listens_here", "name a module and a function"),
        ("listens_here:nothing", "no attribute 'nothing'"),
        ("no_such_listener:hear", "No module named"),
        ("listens_here:__name__", "is no function"),
    ):
        with pytest.raises(InputError, match=told):
            load_transcriber(name, "en-us")
