"""A graph cut where its noise enters is the same graph, and torch's seeds are its seeds."""

import numpy as np
import onnx
import pytest
import torch

from tests.voices.export.exported import rounding, small_voice
from tests.voices.random_voice import seeded, small_config
from voices.export.graph import trace_graph
from voices.export.noise import Stages, open_session, run_graph, up_to, with_noise_inputs
from voices.seeded_noise import SeededNoise
from voices.voice_file import VoiceFile

IDS, LENGTHS = torch.tensor([[1, 0, 4, 0, 7, 0, 2], [1, 0, 9, 0, 2, 0, 0]]), torch.tensor([7, 5])
NOISE, LENGTH, DURATION_NOISE = 0.667, 1.25, 0.8


@pytest.fixture(scope="module", params=["stochastic", "deterministic"])
def exported(request: pytest.FixtureRequest) -> tuple[VoiceFile, onnx.ModelProto]:
    voice = small_voice(small_config(model={"duration_predictor": request.param}))
    return voice, trace_graph(voice.synthesizer)


def feeds(noise: float = NOISE, duration_noise: float = DURATION_NOISE) -> dict[str, np.ndarray]:
    scales = np.array([noise, LENGTH, duration_noise], np.float32)
    return {"input": IDS.numpy(), "input_lengths": LENGTHS.numpy(), "scales": scales}


@pytest.mark.parametrize(("noise", "duration_noise"), [(NOISE, DURATION_NOISE), (0.0, 0.8), (0.5, 0.0), (0.0, 0.0)])
def test_a_seed_says_the_same_in_both_programs_sentence_after_sentence(
    exported: tuple[VoiceFile, onnx.ModelProto], noise: float, duration_noise: float
) -> None:
    voice, model = exported
    stages, ours, theirs = Stages(model), seeded(7), SeededNoise(7)
    for _ in range(2):  # the second sentence goes on where the first has stopped drawing
        said = voice.synthesizer.speak(
            IDS,
            LENGTHS,
            noise_scale=noise,
            duration_noise_scale=duration_noise,
            speed=1 / LENGTH,
            generator=ours,
        )
        made = stages.start(feeds(noise, duration_noise), theirs, (duration_noise > 0, noise > 0)).outputs()
        assert np.array_equal(made["durations"], said.durations.numpy())
        assert np.abs(made["output"] - said.audio.numpy()).max() <= rounding(voice)


def test_without_noise_the_stages_say_what_the_whole_graph_says(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    quiet = feeds(0.0, 0.0)
    whole = open_session(exported[1]).run(None, quiet)
    made = Stages(exported[1]).start(quiet, SeededNoise(), (True, True)).outputs()
    assert np.array_equal(made["durations"], whole[1])
    assert np.abs(made["output"] - whole[0]).max() <= rounding(exported[0])


def test_with_its_noise_as_inputs_only_the_noise_is_gone(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    _, model = exported
    injected, names = with_noise_inputs(model)
    kept = [node for node in model.graph.node if node.op_type != "RandomNormalLike"]
    assert list(injected.graph.node) == kept
    assert list(injected.graph.initializer) == list(model.graph.initializer)
    assert [value.name for value in injected.graph.input] == ["input", "input_lengths", "scales", *names]
    assert len(names) == len(model.graph.node) - len(kept)


def test_durations_can_come_from_outside_too(exported: tuple[VoiceFile, onnx.ModelProto]) -> None:
    voice, model = exported
    whole = next(node.input[0] for node in model.graph.node if "durations" in node.output)
    pinned, names = with_noise_inputs(model, durations=whole)
    durations = np.array([[2, 1, 3, 1, 2, 1, 1], [1, 2, 1, 4, 0, 0, 0]])
    shapes = [(2, 2, 7), (2, 8, 11)][-len(names) :]
    noises = {name: torch.zeros(shape).numpy() for name, shape in zip(names, shapes, strict=True)}
    (audio,) = run_graph(open_session(up_to(pinned, "output")), feeds() | noises | {whole: durations})
    hop = voice.config.audio.hop_length
    assert audio.shape == (2, 1, 11 * hop)
    assert audio[1, 0, : 8 * hop].all()
    assert not audio[1, 0, 8 * hop :].any()
