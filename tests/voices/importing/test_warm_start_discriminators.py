"""Discriminators at a warm start: they come along with the decoder that they were trained against, and else are new."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from configs import InputError
from models.discriminator import Discriminator
from models.synthesizer import Synthesizer
from tests.models.decoders.test_decoders import config_of
from tests.rounding import assert_same, float64
from tests.voices.importing.foreign_files import original_synthesizer, write_original, write_piper
from tests.voices.importing.test_warm_start import SYMBOLS, fates, new_networks, voice_of
from tests.voices.random_voice import NUM_SYMBOLS, randomised, small_config
from voices.importing.__main__ import main
from voices.importing.original import original_discriminators
from voices.importing.report import Fate
from voices.importing.sources import load_voice_from
from voices.importing.warm_start import WarmStart


def discriminators_of_theirs(discriminator: Discriminator) -> dict[str, torch.Tensor]:
    """Our discriminators by the names of the original repository."""
    tensors = {}
    for name, tensor in discriminator.state_dict().items():
        name = (
            name.replace("sub_discriminators.", "discriminators.")
            .replace(".layers.", ".convs.")
            .replace(".output.", ".conv_post.")
        )
        name = name.replace("parametrizations.weight.original0", "weight_g")
        tensors[name.replace("parametrizations.weight.original1", "weight_v")] = tensor
    return tensors


@pytest.mark.parametrize("program", ["original", "piper"])
def test_discriminators_come_along_with_the_decoder_they_know(tmp_path: Path, program: str) -> None:
    settings: dict[str, Any] = {"decoder": {"residual_dilations": [[1, 3, 5], [1, 3, 5]]}}
    settings["model"] = {"text_layers": 2, "attention_window": 4, "coupling_layers": 4, "coupling_wavenet_layers": 4}
    settings["model"] |= {"posterior_layers": 16, "hidden_channels": 16, "latent_channels": 8, "filter_channels": 24}
    config = small_config(**settings)
    discriminators = randomised(lambda: Discriminator(config.discriminator))
    tensors = original_synthesizer().state_dict()
    if program == "original":
        path = write_original(tmp_path, tensors)
        torch.save({"model": discriminators_of_theirs(discriminators), "iteration": 7}, tmp_path / "D_7.pth")
    else:
        path = write_piper(tmp_path, tensors, block=1, discriminators=discriminators_of_theirs(discriminators))
    imported = load_voice_from(path, to_train=True)
    rows = imported.voice.synthesizer.text_encoder.embedding.num_embeddings
    synthesizer, discriminator = new_networks(config, num_symbols=rows)
    report = WarmStart(imported).give(synthesizer, discriminator, config, imported.voice.symbols, ())
    assert fates(report, "discriminator") == {Fate.COPIED}
    assert any(
        note
        == "discriminators were found and taken: scale_1, period_2, period_3, period_5, period_7, period_11; new: none"
        for note in report.notes
    )
    audio = torch.randn(2, 1, 64, generator=torch.Generator().manual_seed(1))
    for here, there in zip(discriminator(audio).logits, discriminators(audio).logits, strict=True):
        assert torch.equal(here, there)

    # A new decoder must not be trained against the discriminators of another.
    synthesizer, discriminator = new_networks(config, num_symbols=rows)
    report = WarmStart(imported, ("flow",)).give(synthesizer, discriminator, config, imported.voice.symbols, ())
    assert fates(report, "discriminator") == {Fate.NEW}
    assert any("the decoder of those found was not taken whole" in note for note in report.notes)


@float64()
def test_the_discriminators_of_the_original_implementation_classify_the_same_here() -> None:
    models = pytest.importorskip("piper.train.vits.models")
    theirs = randomised(models.MultiPeriodDiscriminator).double()
    config = small_config(discriminator={"channel_divisor": 1})
    ours = Discriminator(config.discriminator)
    weights = original_discriminators(theirs.state_dict())
    assert weights is not None
    for name, sub_discriminator in zip(ours.names, ours.sub_discriminators, strict=True):
        sub_discriminator.load_state_dict(weights[name])
    audio = torch.randn(1, 1, 700, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, _, _, _ = theirs(audio, audio)
        outputs = ours(audio).logits
    for here, there in zip(outputs, expected, strict=True):
        assert_same(here, there)


def test_missing_discriminators_are_named_and_new(tmp_path: Path) -> None:
    imported = load_voice_from(write_original(tmp_path, original_synthesizer().state_dict()), to_train=True)
    assert imported.discriminators is None
    assert any("there is no D_7.pth beside it" in note for note in imported.report.notes)


def test_discriminators_beside_a_voice_are_read_for_training_and_for_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings: dict[str, Any] = {"decoder": {"residual_dilations": [[1, 3, 5], [1, 3, 5]]}}
    settings["model"] = {"text_layers": 2, "attention_window": 4, "coupling_layers": 4, "coupling_wavenet_layers": 4}
    settings["model"] |= {"posterior_layers": 16, "hidden_channels": 16, "latent_channels": 8, "filter_channels": 24}
    config = small_config(**settings)
    path = write_original(tmp_path, original_synthesizer().state_dict())
    voice = tmp_path / "mine.safetensors"
    command = ["importing", "--from", str(path), "-o", str(voice), "--discriminators"]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 2
    assert f"{path}: has no discriminators: leave --discriminators out" in capsys.readouterr().err
    theirs = randomised(lambda: Discriminator(config.discriminator))
    torch.save({"model": discriminators_of_theirs(theirs), "iteration": 7}, tmp_path / "D_7.pth")
    expected = load_voice_from(path, to_train=True).discriminators
    assert main() == 0
    assert load_voice_from(voice).discriminators is None
    read = load_voice_from(voice, to_train=True).discriminators
    assert expected is not None
    assert read is not None
    assert {name: weights.keys() for name, weights in read.items()} == {
        name: weights.keys() for name, weights in expected.items()
    }
    for name, weights in expected.items():
        for key, weight in weights.items():
            assert torch.equal(read[name][key], weight), (name, key)
    (tmp_path / "mine.discriminators.safetensors").write_bytes(voice.read_bytes())
    with pytest.raises(InputError, match=r"mine\.discriminators\.safetensors: holds .*, which is no discriminator's"):
        load_voice_from(voice, to_train=True)
    (tmp_path / "mine.discriminators.safetensors").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"cannot be read as discriminators: .*: delete it to train without"):
        load_voice_from(voice, to_train=True)


@pytest.mark.parametrize("decoder", ["hifigan", "vocos", "harmonic_noise"])
@pytest.mark.parametrize(("there", "here"), [(2, 1), (1, 2)])
def test_a_decoder_that_gains_or_loses_its_layers_for_speakers_keeps_its_discriminators(
    decoder: str, there: int, here: int
) -> None:
    config = config_of(decoder)
    source = randomised(lambda: Synthesizer(config, num_symbols=NUM_SYMBOLS, num_speakers=there))
    discriminators = randomised(lambda: Discriminator(config.discriminator))
    named = zip(discriminators.names, discriminators.sub_discriminators, strict=True)
    imported = replace(
        voice_of(source, config, speakers=("ann", "bob")[: there if there > 1 else 0]),
        discriminators={name: each.state_dict() for name, each in named},
    )
    synthesizer, discriminator = new_networks(config, num_symbols=NUM_SYMBOLS, speakers=here)
    speakers = ("ann", "bob")[: here if here > 1 else 0]
    report = WarmStart(imported).give(synthesizer, discriminator, config, json.dumps(SYMBOLS), speakers)
    assert fates(report, "decoder") == {Fate.COPIED, Fate.SKIPPED if there > 1 else Fate.NEW}
    assert fates(report, "discriminator") == {Fate.COPIED}
