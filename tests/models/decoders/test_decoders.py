"""What every decoder promises: its range, clips that do not hear their padding, a field that is exact, a speaker."""

import copy
import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from configs import Config, parse_config
from configs.decoders import DECODER_KINDS
from models.decoders import Decoder
from models.masks import length_mask
from models.piecewise import piecewise
from models.synthesizer import Synthesizer
from tests.models.test_piecewise import JOIN
from tests.rounding import assert_same, exactly, in_float64
from tests.voices.random_voice import NUM_SYMBOLS, noise, randomised, small_config

_STAGES = {
    "initial_channels": 16,
    "residual_block": 2,
    "residual_kernel_sizes": [3, 5],
    "residual_dilations": [[1, 2], [1, 3]],
}
_UPSAMPLING = _STAGES | {"upsample_rates": [4, 4], "upsample_kernel_sizes": [8, 8]}
_TRANSFORM = _STAGES | {"istft_n_fft": 8, "istft_hop": 2}
_BANDS = _TRANSFORM | {"upsample_rates": [2], "upsample_kernel_sizes": [4]}
_CONVNEXT = {"channels": 16, "expansion_channels": 32, "layers": 2, "istft_n_fft": 64}
SMALL: dict[str, dict[str, Any]] = {  # 16 samples a frame
    "hifigan": _UPSAMPLING,
    "bigvgan": _UPSAMPLING,
    "istftnet": _TRANSFORM | {"upsample_rates": [2, 4], "upsample_kernel_sizes": [4, 8]},
    "mb-istft": _BANDS,
    "ms-istft": _BANDS,
    "vocos": _CONVNEXT,
    "harmonic_noise": _CONVNEXT,
}
LENGTHS = torch.tensor([19, 1, 7, 12])
FRAMES = 19


def config_of(kind: str) -> Config:
    """The small experiment with this decoder."""
    audio = {"n_fft": 64, "window_length": 64, "hop_length": 16}
    settings = small_config(audio=audio, decoder=_UPSAMPLING).model_dump(exclude_none=True)
    return parse_config(settings | {"decoder": {"kind": kind, **SMALL[kind]}}, source="config_of")


@pytest.fixture(scope="module", params=DECODER_KINDS)
def voice(request: pytest.FixtureRequest) -> Synthesizer:
    """A voice of three speakers, every weight of which is random."""
    return randomised(lambda: Synthesizer(config_of(request.param), num_symbols=NUM_SYMBOLS, num_speakers=3))


@pytest.fixture(scope="module", params=[kind for kind in DECODER_KINDS if kind != "harmonic_noise"])
def bounded(request: pytest.FixtureRequest) -> tuple[Decoder, int]:
    """Each decoder whose receptive field has a bound, and that."""
    decoder = randomised(lambda: Synthesizer(config_of(request.param), num_symbols=NUM_SYMBOLS, num_speakers=3)).decoder
    assert decoder.receptive_field is not None
    return decoder, decoder.receptive_field


@pytest.fixture
def decoder(voice: Synthesizer) -> Decoder:
    return voice.decoder


def speaker_of(batch: int = 1, *, seed: int = 5) -> Tensor:
    return noise(batch, 6, 1, seed=seed)


@torch.no_grad()
def test_audio_is_within_its_range_however_large_the_latents(decoder: Decoder) -> None:
    for scale in (1.0, 1e4):
        audio = decoder(scale * noise(2, 8, FRAMES), speaker_of(2))
        assert audio.shape == (2, 1, 16 * FRAMES)
        assert bool((audio.abs() <= 1).all())
        assert float(audio.std()) > 1e-3


@torch.no_grad()
def test_with_a_mask_each_clip_of_a_batch_sounds_as_it_does_alone_and_is_silent_after_its_end(decoder: Decoder) -> None:
    decoder = in_float64(decoder)
    mask, speaker = length_mask(LENGTHS, FRAMES).double(), speaker_of(4).double()
    z = torch.where(mask > 0, noise(4, 8, FRAMES).double(), 1e30)
    batched = decoder(z, speaker, mask)
    for clip, length in enumerate(LENGTHS.tolist()):
        alone = decoder(z[clip : clip + 1, :, :length], speaker[clip : clip + 1])
        assert_same(batched[clip : clip + 1, :, : 16 * length], alone)
        assert not batched[clip, :, 16 * length :].any()
    assert torch.equal(decoder(z[:1], speaker[:1], mask[:1]), decoder(z[:1], speaker[:1])), "a mask of ones is none"


def test_samples_of_a_frame_depend_on_frames_as_far_as_the_field_and_no_further(bounded: tuple[Decoder, int]) -> None:
    decoder, field = bounded
    z = noise(1, 8, 2 * field + 5).requires_grad_()
    here = field + 2
    samples = decoder(z, speaker_of())[0, 0, 16 * here : 16 * (here + 1)]
    (gradient,) = torch.autograd.grad((samples * noise(16, seed=3)).sum(), z)
    heard = gradient.abs().sum(dim=(0, 1)).nonzero().flatten()
    assert max(here - int(heard.min()), int(heard.max()) - here) == field


@pytest.mark.parametrize("piece", [1, 4, 30])
def test_pieces_are_the_whole(bounded: tuple[Decoder, int], piece: int) -> None:
    decoder, field = in_float64(bounded[0]), bounded[1]
    speaker, z = speaker_of().double(), noise(1, 8, 3 * field).double()
    chunks = z.split(piece, dim=2)
    pieces = list(piecewise(lambda part: decoder(part, speaker), chunks, field, total=3 * field, join=JOIN))
    assert_same(torch.cat(pieces, dim=2), decoder(z, speaker))


@torch.no_grad()
def test_speakers_are_heard_and_none_is_refused(decoder: Decoder) -> None:
    z = noise(1, 8, FRAMES)
    one, other = (decoder(z, speaker_of(seed=seed)) for seed in (1, 2))
    assert float((one - other).std()) > 0.01 * float(one.std())
    with pytest.raises(AssertionError, match="speaker"):
        decoder(z)


def test_every_weight_is_taught(decoder: Decoder) -> None:
    learner = copy.deepcopy(decoder).train()
    z = noise(2, 8, FRAMES)
    loss = (learner(z, speaker_of(2)) - noise(2, 1, 16 * FRAMES, seed=1)).square().mean()
    if (log_pitch := learner.log_pitch(z, speaker_of(2))) is not None:
        loss = loss + log_pitch.square().mean()
    loss.backward()
    for name, weight in learner.named_parameters():
        assert weight.grad is not None, name
        assert bool(weight.grad.isfinite().all()), name
        assert bool(weight.grad.any()), name


@torch.no_grad()
def test_under_autocast_it_sounds_nearly_the_same(decoder: Decoder) -> None:
    z, speaker = noise(2, 8, FRAMES), speaker_of(2)
    full = decoder(z, speaker)
    with torch.autocast("cpu", torch.bfloat16):
        half = decoder(z, speaker).float()
    assert float((half - full).norm() / full.norm()) < 0.05


@torch.no_grad()
def test_folding_the_weight_norm_changes_nothing_that_is_heard(voice: Synthesizer) -> None:
    folded = copy.deepcopy(voice)
    folded.fold_weight_norm()
    assert not [name for name in folded.state_dict() if "parametrizations" in name]
    expected, state = voice.folded_state_dict(), folded.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(weight, expected[name]) for name, weight in state.items())
    double = in_float64(voice)
    double.fold_weight_norm()
    z, speaker = noise(1, 8, FRAMES).double(), speaker_of().double()
    assert_same(double.decoder(z, speaker), in_float64(voice).decoder(z, speaker))


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::torch.jit.TracerWarning")
def test_a_graph_of_it_is_the_same_at_any_length(voice: Synthesizer, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    folded, speaker, path = copy.deepcopy(voice), speaker_of(), tmp_path / "decoder.onnx"
    folded.fold_weight_norm()
    axes = {"z": {2: "frames"}, "audio": {2: "samples"}}
    with redirect_stdout(io.StringIO()):
        torch.onnx.export(
            folded.decoder,
            (noise(1, 8, 9), speaker),
            path,
            opset_version=15,
            dynamo=False,
            input_names=["z", "speaker"],
            output_names=["audio"],
            dynamic_axes=axes,
        )
    graph = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for frames in (1, 40):
        z = noise(1, 8, frames)
        (audio,) = graph.run(None, {"z": z.numpy(), "speaker": speaker.numpy()})
        expected, bound = exactly(folded.decoder, lambda exact, z=z: exact(z.double(), speaker.double()))  # type: ignore[misc]
        assert_same(torch.from_numpy(audio), expected, bound=bound)
