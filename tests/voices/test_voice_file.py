"""A voice file sounds as the synthesizer it was made from, and says everything about itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from configs import InputError, load_config
from configs.decoders import DECODER_KINDS
from models.synthesizer import Synthesizer
from voices.voice_file import load_voice, save_voice

HOUSE = Path(__file__).resolve().parents[2]
CONFIG = load_config(HOUSE / "configs" / "tiny.toml")
SYMBOLS = '{"_": 0, "^": 1, "$": 2, "a": 3}'


def synthesizer(speakers: int = 1) -> Synthesizer:
    torch.manual_seed(3)
    return Synthesizer(CONFIG, num_symbols=4, num_speakers=speakers).eval()


def saved(path: Path, model: Synthesizer, speakers: tuple[str, ...] = ()) -> Path:
    save_voice(path, model, CONFIG, symbols=SYMBOLS, speakers=speakers, step=12)
    return path


@pytest.mark.parametrize("speakers", [(), ("ann", "bob")])
def test_a_loaded_voice_sounds_as_the_saved_one(tmp_path: Path, speakers: tuple[str, ...]) -> None:
    model = synthesizer(max(1, len(speakers)))
    file = load_voice(saved(tmp_path / "voice.safetensors", model, speakers))
    ids, lengths = torch.tensor([[1, 0, 3, 0, 3, 0, 2]]), torch.tensor([7])
    who = torch.tensor([1]) if speakers else None
    spoken = [
        voice.speak(ids, lengths, who, generator=torch.Generator().manual_seed(1)).audio
        for voice in (model, file.synthesizer)
    ]
    assert float((spoken[0] - spoken[1]).abs().max()) <= 1e-6
    assert (file.config, file.symbols, file.speakers, file.step) == (CONFIG, SYMBOLS, speakers, 12)


@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_a_voice_of_every_decoder_sounds_as_before_and_loading_it_draws_nothing(tmp_path: Path, kind: str) -> None:
    config = load_config(HOUSE / "configs" / "tiny.toml", [f"decoder.kind={kind}"])
    torch.manual_seed(3)
    model = Synthesizer(config, num_symbols=4).eval()
    save_voice(tmp_path / "voice.safetensors", model, config, symbols=SYMBOLS, speakers=(), step=12)
    noise = torch.get_rng_state()
    loaded = load_voice(tmp_path / "voice.safetensors").synthesizer
    assert torch.equal(noise, torch.get_rng_state())
    assert not any(tensor.is_meta for tensor in (*loaded.parameters(), *loaded.buffers()))
    ids, lengths = torch.tensor([[1, 0, 3, 0, 3, 0, 2]]), torch.tensor([7])
    spoken = [voice.speak(ids, lengths, noise_scale=0, duration_noise_scale=0).audio for voice in (model, loaded)]
    assert float((spoken[0] - spoken[1]).abs().max()) <= 1e-6


def test_saving_changes_neither_the_model_nor_the_random_numbers(tmp_path: Path) -> None:
    model = synthesizer()
    before, noise = {name: weight.clone() for name, weight in model.state_dict().items()}, torch.get_rng_state()
    saved(tmp_path / "voice.safetensors", model)
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert torch.equal(noise, torch.get_rng_state())


def test_only_a_voice_that_can_convert_carries_the_posterior_encoder(tmp_path: Path) -> None:
    single = load_voice(saved(tmp_path / "single.safetensors", synthesizer())).synthesizer
    several = load_voice(saved(tmp_path / "several.safetensors", synthesizer(2), ("ann", "bob"))).synthesizer
    assert not hasattr(single, "posterior_encoder")
    assert hasattr(several, "posterior_encoder")


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "voice.safetensors", synthesizer())
    content = path.read_bytes()
    for place in np.random.default_rng(1).integers(len(content) * 8, size=100).tolist():
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises((InputError, UnicodeDecodeError)):
            load_voice(path)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"is not a voice of this program"):
        load_voice(tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("no safetensors at all")
    with pytest.raises(InputError, match=r"cannot be read as a voice"):
        load_voice(tmp_path / "text.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_voice_with_a_broken_weight_is_not_written_and_the_one_before_it_stays(tmp_path: Path, value: float) -> None:
    model = synthesizer()
    path = saved(tmp_path / "voice.safetensors", model)
    before = path.read_bytes()
    with torch.no_grad():
        model.get_parameter("text_encoder.embedding.weight")[0, 0] = value
    with pytest.raises(InputError, match=r"is not written, for text_encoder\.embedding\.weight is NaN or infinite"):
        saved(path, model)
    assert path.read_bytes() == before
