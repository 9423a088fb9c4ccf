"""The graph says what the synthesizer says: every decoder and duration predictor, at any length, scale and speaker."""

import collections

import numpy as np
import onnx
import pytest
import torch

from configs import DECODER_KINDS, Config, parse_config
from tests.models.decoders.test_decoders import config_of
from tests.voices.export.exported import SHALLOW, rounding, small_voice
from tests.voices.random_voice import small_config
from voices.export.comparison import Case, cases_for, compare_with_torch
from voices.export.graph import trace_graph
from voices.export.noise import open_session
from voices.voice_file import VoiceFile

KINDS = [*((kind, "stochastic", ("ann", "bob", "eve")) for kind in DECODER_KINDS), ("hifigan", "deterministic", ())]


def config_with(kind: str, predictor: str) -> Config:
    """Before HiFi-GAN, networks of several layers; before the other decoders, what makes a smaller graph."""
    settings = config_of(kind).model_dump(exclude_none=True)
    settings["model"] |= {"duration_predictor": predictor} | ({} if kind == "hifigan" else SHALLOW)
    return parse_config(settings, source="config_with")


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(kind[:2]))
def exported(request: pytest.FixtureRequest) -> tuple[VoiceFile, onnx.ModelProto]:
    kind, predictor, speakers = request.param
    voice = small_voice(config_with(kind, predictor), speakers=speakers)
    return voice, trace_graph(voice.synthesizer)


@pytest.fixture(scope="module")
def plain() -> tuple[VoiceFile, onnx.ModelProto]:
    voice = small_voice()
    return voice, trace_graph(voice.synthesizer)


def test_every_case_of_the_contract_holds(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    voice, model = exported
    cases = cases_for(max(1, len(voice.speakers)))
    found = list(compare_with_torch(voice, model, cases))
    assert [comparison for comparison in found if comparison.broken or comparison.not_compared] == []
    assert max(comparison.difference for comparison in found) <= rounding(voice)


def test_inputs_and_outputs_are_those_of_piper_in_its_order(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    voice, model = exported
    session = open_session(model)
    expected = [
        ("input", "tensor(int64)", ["batch", "ids"]),
        ("input_lengths", "tensor(int64)", ["batch"]),
        ("scales", "tensor(float)", [3]),
        ("sid", "tensor(int64)", ["batch"]),
    ]
    count = 4 if voice.speakers else 3
    assert [(value.name, value.type, value.shape) for value in session.get_inputs()] == expected[:count]
    assert [value.name for value in session.get_outputs()] == ["output", "durations"]
    assert model.ir_version <= 13
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 15)]


def test_nothing_of_training_is_in_the_graph(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    voice, model = exported
    speaking = [
        weight.numel()
        for name, weight in voice.synthesizer.state_dict().items()
        if not name.startswith(("posterior_encoder.", "duration_predictor.posterior_"))
    ]
    # What the decoder's transforms are made of comes on top.
    kernels = sum(buffer.numel() for buffer in voice.synthesizer.buffers())
    stored = sum(int(np.prod(weight.dims)) for weight in model.graph.initializer)
    assert stored <= sum(speaking) + kernels
    assert not [node.op_type for node in model.graph.node if node.op_type in ("If", "Loop", "Identity", "STFT", "DFT")]


def test_a_signal_is_convolved_as_an_image_because_onnxruntime_is_faster_so(
    plain: tuple[VoiceFile, onnx.ModelProto],
) -> None:
    _, model = plain
    ranks = {weight.name: len(weight.dims) for weight in model.graph.initializer}
    shapes = collections.Counter(ranks[node.input[1]] for node in model.graph.node if node.op_type == "Conv")
    assert set(shapes) == {4}


def test_exporting_leaves_the_voice_and_the_random_numbers_as_they_were() -> None:
    voice = small_voice()
    before, state = (
        {name: weight.clone() for name, weight in voice.synthesizer.state_dict().items()},
        torch.get_rng_state(),
    )
    trace_graph(voice.synthesizer)
    after = voice.synthesizer.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    assert torch.equal(state, torch.get_rng_state())


def test_noise_is_new_each_time_and_silent_at_scale_zero(plain: tuple[VoiceFile, onnx.ModelProto]) -> None:
    session = open_session(plain[1])

    def say(*scales: float) -> np.ndarray:
        ids = np.array([[1, 0, 5, 0, 9, 0, 2]])
        feeds = {"input": ids, "input_lengths": np.array([7]), "scales": np.array(scales, np.float32)}
        audio: np.ndarray = session.run(None, feeds)[0]
        return audio

    assert np.array_equal(say(0, 4, 0), say(0, 4, 0))
    assert not np.array_equal(say(1, 4, 0), say(1, 4, 0))
    assert say(0, 4, 0).shape[2] > say(0, 1, 0).shape[2]


@pytest.mark.parametrize(("ids", "lengths", "length_scale"), [([[0]], [1], 1e-6), ([[1, 2]], [0], 1.0)])
def test_next_to_nothing_is_one_frame_and_no_fault(
    plain: tuple[VoiceFile, onnx.ModelProto], ids: list[list[int]], lengths: list[int], length_scale: float
) -> None:
    scales = np.array([0.667, length_scale, 0.8], np.float32)
    feeds = {"input": np.array(ids), "input_lengths": np.array(lengths), "scales": scales}
    audio, durations = open_session(plain[1]).run(None, feeds)
    assert audio.shape == (1, 1, plain[0].config.audio.hop_length)
    assert np.isfinite(audio).all()
    assert durations.sum() <= 1


def test_absurd_durations_are_bounded_in_the_graph_as_in_torch() -> None:
    voice = small_voice(small_config(model={"duration_predictor": "deterministic"}))
    bias = voice.synthesizer.get_parameter("duration_predictor.projection.bias")
    feeds = {"input": np.array([[1, 0, 2]]), "input_lengths": np.array([3]), "scales": np.ones(3, np.float32)}
    for absurd, frames in ((50.0, 500), (float("nan"), 1)):
        bias.fill_(absurd)
        durations = open_session(trace_graph(voice.synthesizer)).run(["durations"], feeds)[0]
        assert durations.tolist() == [[frames] * 3]


@pytest.mark.parametrize(
    ("reader", "durations_change"),
    [("/decoder/output/Conv", False), ("/text_encoder/embedding/Gather", True)],
)
def test_a_weight_that_was_tampered_with_is_found(
    plain: tuple[VoiceFile, onnx.ModelProto], reader: str, durations_change: bool
) -> None:
    voice, model = plain
    tampered = onnx.ModelProto()
    tampered.CopyFrom(model)
    (node,) = (node for node in tampered.graph.node if node.name == reader)
    (stored,) = (stored for stored in tampered.graph.initializer if stored.name in node.input)
    values = onnx.numpy_helper.to_array(stored)
    stored.CopyFrom(onnx.numpy_helper.from_array(-values if durations_change else 1.01 * values, stored.name))
    honest, found = (next(iter(compare_with_torch(voice, graph, [Case(ids=31)]))) for graph in (model, tampered))
    assert not honest.broken
    assert found.broken
    assert (found.unequal_durations > 0) == durations_change


def test_a_voice_that_would_speak_for_minutes_is_not_waited_for(plain: tuple[VoiceFile, onnx.ModelProto]) -> None:
    voice, model = plain
    (found,) = compare_with_torch(voice, model, [Case(ids=301, length_scale=1e4)])
    assert found.not_compared.startswith("not compared: this voice predicts ")
