"""The embedded corpus: always the same, whole or not there at all."""

import sys
from pathlib import Path

import numpy as np
import pytest

from configs import AudioSettings, DataSettings, InputError
from data import embedded
from data.audio_file import read_audio
from data.corpus import load_corpus
from data.embedded import make_embedded_corpus, synthesize
from data.preparation import prepare
from text import EspeakPhonemiser

pytest.importorskip("espeakng_loader")


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_embedded_corpus(tmp_path_factory.mktemp("parent") / "deeper" / "embedded")


def test_it_is_the_same_in_every_bit_wherever_it_is_made(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    again = make_embedded_corpus(tmp_path / "empty")
    assert contents(again) == contents(corpus)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_second_time_nothing_is_done(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ProcessPoolExecutor", None)
    assert make_embedded_corpus(corpus) == corpus


def test_it_can_be_trained_on_as_it_is(corpus: Path, tmp_path: Path) -> None:
    data = DataSettings(root=str(corpus), cache=str(tmp_path), front_end="graphemes", validation_clips=12)
    preparation = prepare(data, AudioSettings())
    assert preparation.faults == ()
    loaded = load_corpus(preparation)
    assert len(loaded.train) + len(loaded.validation) == 120
    for clip in loaded.train:
        loudness = np.sqrt(np.mean(np.square(clip.audio.astype(np.float64))))
        assert 500 < loudness < 10000
        assert 0.5 < len(clip.audio) / 22050 < 5


def test_the_sentences_are_short_all_different_and_hold_every_sound_of_english() -> None:
    pytest.importorskip("piper")
    sentences = embedded.SENTENCES.read_text(encoding="utf-8").splitlines()
    assert len(set(sentences)) == len(sentences)
    assert all(3 <= len(sentence.split()) <= 9 and "|" not in sentence for sentence in sentences)
    phonemise = EspeakPhonemiser("en-us")
    spoken = " ".join("".join(symbols) for sentence in sentences for symbols in phonemise(sentence))
    sounds = "p b t d k ɡ f v θ ð s z ʃ ʒ tʃ dʒ h m n ŋ l ɹ j w iː ɪ ɛ æ ɑː ɔː ʊ uː ʌ ɜː ə eɪ aɪ ɔɪ aʊ oʊ ɚ"
    assert {sound: spoken.count(sound) for sound in sounds.split() if spoken.count(sound) < 2} == {}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not the embedded corpus"):
        make_embedded_corpus(tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def disk_full(path: Path, audio: np.ndarray, *, sample_rate: int) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        path.write_bytes(audio.tobytes())

    monkeypatch.setattr(embedded, "write_audio", disk_full)
    with pytest.raises(InputError, match=r"cannot be written .*No space left"):
        make_embedded_corpus(tmp_path / "corpus")
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_speaking_does_not_disturb_the_phonemes() -> None:
    pytest.importorskip("piper")
    phonemise = EspeakPhonemiser("nl")
    text = "De voorbije tijd, zei hij."
    before = phonemise(text)
    assert len(synthesize([text])[0]) > 22050
    assert phonemise(text) == before


def test_a_missing_loader_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(InputError, match="pip install espeakng-loader"):
        synthesize(["Hello."])


def test_the_command_says_what_it_made(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["embedded", str(corpus)])
    assert embedded.main() == 0
    samples = sum(len(read_audio(wav, sample_rate=22050)) for wav in (corpus / "wavs").iterdir())
    assert capsys.readouterr().out == f"120 clips, {samples / 22050 / 60:.1f} minutes, in {corpus}\n"
