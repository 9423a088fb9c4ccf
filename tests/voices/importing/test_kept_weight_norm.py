"""A layer that is trained further begins with the magnitude and direction of its file, whichever program wrote it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from models.discriminator import Discriminator
from models.synthesizer import Synthesizer
from tests.voices.importing.foreign_files import original_synthesizer, write_original, write_piper
from tests.voices.importing.test_hugging_face_voices import write_theirs
from tests.voices.random_voice import small_config, small_synthesizer
from voices.checkpoint import checkpoint_path, save_checkpoint
from voices.importing.__main__ import main
from voices.importing.own import read_checkpoint
from voices.importing.warm_start import WarmStart
from voices.voice_file import load_voice, save_voice
from voices.weight_norm import weight_norms

SYMBOLS = json.dumps({"_": 0, "^": 1, "$": 2, **{chr(97 + place): place + 3 for place in range(17)}})


def pairs(tensors: Mapping[str, Tensor]) -> list[tuple[bytes, bytes]]:
    """Every magnitude and direction there is, as bytes, in an order that names do not decide."""
    norms = weight_norms(tensors).values()
    return sorted((norm.magnitude.numpy().tobytes(), norm.direction.detach().numpy().tobytes()) for norm in norms)


def warm_started(voice: Path, *, symbols: str | None = None, speakers: tuple[str, ...] | None = None) -> Synthesizer:
    """A new synthesizer that was given a voice; with other symbols, the embedding is resized."""
    warm = WarmStart.asked(voice, None)
    known = warm.imported.voice
    config, symbols = known.config, symbols or known.symbols
    speakers = known.speakers if speakers is None else speakers
    rows = max(json.loads(symbols).values()) + 1
    synthesizer = Synthesizer(config, num_symbols=rows, num_speakers=max(1, len(speakers)))
    warm.give(synthesizer, Discriminator(small_config().discriminator), config, symbols, speakers)
    return synthesizer


def imported(path: Path, voice: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The voice that the command writes."""
    monkeypatch.setattr("sys.argv", ["importing", "--from", str(path), "-o", str(voice)])
    assert main() == 0
    return voice


@pytest.mark.parametrize("program", ["original", "original in halves", "piper", "transformers"])
def test_every_magnitude_and_direction_of_a_foreign_file_is_kept(
    tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program == "transformers":
        theirs = write_theirs(tmp_path, speakers=3).state_dict()
        path = tmp_path
    else:
        theirs = original_synthesizer(symbols=20, speakers=2, block=2).state_dict()
        if program == "original in halves":
            theirs = {name: tensor.half() for name, tensor in theirs.items()}
        letters = list(json.loads(SYMBOLS))
        path = (
            write_piper(tmp_path, theirs)
            if program == "piper"
            else write_original(tmp_path, theirs, block=2, symbols=letters)
        )
    expected = pairs(theirs)
    assert len(expected) > 20
    kept = pairs(warm_started(path).state_dict())
    if program == "transformers":  # whose decoder has plain weights
        assert set(expected) < set(kept)
    else:
        assert kept == expected
    assert pairs(warm_started(path, symbols=json.dumps({"_": 0, "a": 1, "é": 2})).state_dict()) == kept
    # By way of a voice of ours, which is folded to speak.
    voice = imported(path, tmp_path / "voice.safetensors", monkeypatch)
    assert pairs(load_file(voice)) == expected
    assert pairs(warm_started(voice).state_dict()) == kept
    assert not weight_norms(load_voice(voice).synthesizer.state_dict())


def test_a_layer_that_comes_with_the_speakers_is_new_and_the_others_are_kept(tmp_path: Path) -> None:
    theirs = original_synthesizer(symbols=20).state_dict()
    path = write_original(tmp_path, theirs, symbols=list(json.loads(SYMBOLS)))
    kept, expected = pairs(warm_started(path, speakers=("ann", "bob")).state_dict()), pairs(theirs)
    assert set(expected) < set(kept)
    assert len(kept) == len(expected) + 5  # one in the posterior encoder and in each of four coupling layers


def test_a_run_goes_on_from_the_magnitudes_and_directions_of_its_checkpoint(tmp_path: Path) -> None:
    config, source = small_config(), small_synthesizer()
    state = {
        "config": config.model_dump(exclude_none=True),
        "symbols": SYMBOLS,
        "speakers": [],
        "step": 3,
        "average": source.state_dict(),
        "discriminator": Discriminator(config.discriminator).state_dict(),
    }
    path = checkpoint_path(tmp_path / "checkpoints", 3)
    save_checkpoint(path, state)
    expected = pairs(source.state_dict())
    assert pairs(warm_started(tmp_path).state_dict()) == expected
    voice = read_checkpoint(path, to_train=True).voice
    assert (
        pairs(
            {
                f"{name}.{end}": tensor
                for name, norm in voice.norms.items()
                for end, tensor in (("weight_g", norm.magnitude), ("weight_v", norm.direction))
            }
        )
        == expected
    )


def test_a_folded_voice_of_before_is_trained_on_with_its_weights(tmp_path: Path) -> None:
    source, config = small_synthesizer(), small_config()
    path = tmp_path / "voice.safetensors"
    save_voice(path, source, config, symbols=SYMBOLS, speakers=(), step=1, whole=True)
    assert not weight_norms(load_file(path))
    new, old = warm_started(path).folded_state_dict(), source.folded_state_dict()
    assert new.keys() == old.keys()
    for name, weight in new.items():
        torch.testing.assert_close(weight, old[name], rtol=1e-6, atol=1e-7)
