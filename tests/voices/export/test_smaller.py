"""A smaller graph is smaller, and says nearly the same."""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from tests.voices.export.exported import rounding, small_voice
from tests.voices.random_voice import small_config
from voices.export.comparison import Case, compare_with_torch, likeness
from voices.export.graph import trace_graph
from voices.export.smaller import in_eight_bits, in_sixteen_bits
from voices.voice_file import VoiceFile

CASE = Case(ids=61)


@pytest.fixture(scope="module")
def exported() -> tuple[VoiceFile, onnx.ModelProto]:
    voice = small_voice(small_config(model={"filter_channels": 256}))
    return voice, trace_graph(voice.synthesizer)


def bytes_of_weights(model: onnx.ModelProto) -> int:
    return sum(numpy_helper.to_array(weight).nbytes for weight in model.graph.initializer)


def test_half_weights_are_the_same_graph_of_weights_rounded_to_half_precision(
    exported: tuple[VoiceFile, onnx.ModelProto],
) -> None:
    _, model = exported
    smaller = in_sixteen_bits(model)
    onnx.checker.check_model(smaller, full_check=True)
    assert bytes_of_weights(smaller) < 0.75 * bytes_of_weights(model)
    rounded = small_voice(small_config(model={"filter_channels": 256}))
    with torch.no_grad():
        for weight in rounded.synthesizer.parameters():
            if weight.numel() >= 1024:
                weight.copy_(weight.half().float())
    (found,) = compare_with_torch(rounded, smaller, [CASE])
    assert not found.broken
    assert found.difference <= rounding(rounded)


def test_eight_bits_sound_alike_and_leave_the_decoders_convolutions_alone(
    exported: tuple[VoiceFile, onnx.ModelProto],
) -> None:
    voice, model = exported
    smaller = in_eight_bits(model)
    assert smaller.ir_version <= 13
    kept = [node.name for node in smaller.graph.node if node.op_type == "Conv"]
    assert kept
    assert all(name.startswith("/decoder/") for name in kept)
    stored = {weight.name: numpy_helper.to_array(weight).dtype for weight in smaller.graph.initializer}
    products = [node for node in smaller.graph.node if node.op_type in ("MatMulInteger", "ConvInteger")]
    assert len(products) > 20
    assert all(stored[node.input[1]] == np.uint8 for node in products if node.input[1] in stored)
    alike = likeness(voice, smaller, CASE)
    assert alike is not None
    assert alike.changed_durations < 0.3
    assert 10 < alike.signal_to_noise_db < 80
    assert 0 < alike.spectral_distance_db < 6


def test_the_same_graph_is_as_alike_as_floats_can_be(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    voice, model = exported
    alike = likeness(voice, model, CASE)
    assert alike is not None
    assert alike.changed_durations == 0
    assert alike.signal_to_noise_db > 100
    assert alike.spectral_distance_db < 0.01
