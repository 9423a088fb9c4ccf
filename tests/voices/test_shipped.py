"""A voice that comes with the program is found by its name, in half precision and with its card."""

import re
from pathlib import Path

import pytest
import torch
from rapidfuzz.distance import Levenshtein

from configs import InputError, load_config
from data.transcriber import load_transcriber
from infer import Voice
from models.synthesizer import Synthesizer
from speaking.options import SpeakOptions
from text import piper_symbols
from voices import shipped
from voices.importing.__main__ import main
from voices.shipped import shipped_voices, voice_path
from voices.voice_file import load_voice, save_voice

HOUSE = Path(__file__).resolve().parents[2]
TEXTS = """The garden is behind the house, and the gate is never locked.
She told him that the letter had come in the morning.
All the people in the village knew the old man by his name."""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped voices that has one, `ann`, and the same in full precision."""
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path / "shipped")
    (tmp_path / "shipped").mkdir()
    config = load_config(HOUSE / "configs" / "tiny.toml")
    torch.manual_seed(3)
    model = Synthesizer(config, num_symbols=piper_symbols().size).eval()
    whole = tmp_path / "whole.safetensors"
    save_voice(whole, model, config, symbols=piper_symbols().to_json(), speakers=(), step=12, whole=True)
    half = tmp_path / "shipped" / "ann.safetensors"
    monkeypatch.setattr("sys.argv", ["importing", "--from", str(whole), "--half", "-o", str(half)])
    assert main() == 0
    return whole


def test_a_bare_name_speaks_as_the_voice_in_full_precision(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named, whole = Voice.load("ann", "cpu"), Voice.load(own, "cpu")
    options: SpeakOptions = {"noise_scale": 0.0, "duration_noise_scale": 0.0}
    audio, expected = named.speak("[[haɪ]]", **options), whole.speak("[[haɪ]]", **options)
    assert len(audio) == len(expected)
    assert abs(audio - expected).max() < 0.02 * abs(expected).max()
    (tmp_path / "ann").write_text("a file of this name comes first")
    assert voice_path("ann") == Path("ann")


def test_half_precision_halves_the_file_and_rounds_every_weight_once(own: Path) -> None:
    half = own.parent / "shipped" / "ann.safetensors"
    weights, rounded = (load_voice(path).synthesizer.state_dict() for path in (own, half))
    assert half.stat().st_size < 0.55 * own.stat().st_size
    assert all(torch.equal(rounded[name], weight.half().float()) for name, weight in weights.items())
    assert any(name.startswith("posterior_encoder.") for name in rounded)  # which fine-tuning needs


def test_what_is_neither_a_path_nor_shipped_is_refused_and_the_shipped_are_named(own: Path) -> None:
    with pytest.raises(InputError, match=r"^bob: there is no such file or folder, nor a voice shipped as ann$"):
        voice_path("bob")
    with pytest.raises(InputError, match="there is no such file or folder"):
        voice_path(own.parent / "ann")


@pytest.mark.parametrize("name", shipped_voices())
def test_every_shipped_voice_is_understood(name: str) -> None:
    try:
        ears = load_transcriber("whisper", "en-us")
    except InputError as error:
        pytest.skip(f"faster_whisper or a model is not there: {error}")
    voice, texts = Voice.load(name, "cpu"), TEXTS.splitlines()
    heard = [ears(voice.speak(text, seed=1), voice.sample_rate) for text in texts]
    errors = sum(Levenshtein.distance(words(text), words(said)) for text, said in zip(texts, heard, strict=True))
    assert errors <= 0.3 * len(words(TEXTS)), heard


def words(text: str) -> list[str]:
    """Its words, in small letters and without marks."""
    return re.findall(r"[a-z']+", text.lower())


@pytest.mark.parametrize("name", shipped_voices())
def test_every_shipped_voice_has_a_card_and_fits_the_repository(name: str) -> None:
    file = voice_path(name)
    assert file.stat().st_size < 30e6
    card = file.with_suffix(".md").read_text()
    assert all(heading in card for heading in ("## Data", "## Licence", "## Training", "## Quality"))
