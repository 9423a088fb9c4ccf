"""Voices as other programs leave them on disk: Piper's trainer has the original implementation of VITS in it."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.voices.random_voice import randomised, seeded

_DILATIONS = {1: [[1, 3, 5], [1, 3, 5]], 2: [[1, 2], [2, 6]]}
_KERNELS, _RATES = [8, 4], [4, 2]


def original_network(
    *, symbols: int = 178, speakers: int = 1, stochastic: bool = True, block: int = 1, kernels: tuple[int, ...] = (3, 5)
) -> Any:
    """The original implementation, small: 8000 Hz, an FFT of 32, hops of 8 samples, segments of 8 frames."""
    return pytest.importorskip("piper.train.vits.models").SynthesizerTrn(
        n_vocab=symbols,
        spec_channels=17,
        segment_size=8,
        inter_channels=8,
        hidden_channels=16,
        filter_channels=24,
        n_heads=2,
        n_layers=2,
        kernel_size=3,
        p_dropout=0.1,
        resblock=str(block),
        resblock_kernel_sizes=kernels,
        resblock_dilation_sizes=_DILATIONS[block],
        upsample_rates=_RATES,
        upsample_initial_channel=16,
        upsample_kernel_sizes=_KERNELS,
        n_speakers=speakers,
        gin_channels=6 if speakers > 1 else 0,
        use_sdp=stochastic,
    )


def original_synthesizer(**network: Any) -> Any:
    """`original_network`, with its arguments and random weights."""
    synthesizer = randomised(lambda: original_network(**network))
    synthesizer.dec.conv_post.weight.data.mul_(4)  # random weights give quiet audio
    return synthesizer


@torch.no_grad()
def original_audio(synthesizer: Any, ids: Tensor, speaker: int | None = None) -> Tensor:
    """The audio of the original implementation without noise, [1, 1, S]."""
    speakers = None if speaker is None else torch.tensor([speaker])
    audio: Tensor = synthesizer.infer(ids, torch.tensor([ids.shape[1]]), speakers, noise_scale=0.0, noise_scale_w=0.0)[
        0
    ]
    return audio


def some_ids(symbols: int = 178) -> Tensor:
    """A sentence, [1, P]."""
    return torch.randint(symbols, (1, 11), generator=seeded())


def write_original(folder: Path, tensors: dict[str, Tensor], *, block: int = 1, **changes: Any) -> Path:
    """`G_7.pth` and its config.json, `changes` made to the sections of that."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {"model": tensors, "iteration": 7, "optimizer": {"state": {}}, "learning_rate": 2e-4}
    torch.save(state, folder / "G_7.pth")
    settings: dict[str, Any] = {
        "train": {"segment_size": 64},
        "data": {"sampling_rate": 8000, "add_blank": True, "text_cleaners": ["english_cleaners2"]},
        "model": {"upsample_rates": _RATES, "resblock_dilation_sizes": _DILATIONS[block]},
    }
    for name, change in changes.items():
        settings[name] = {**settings[name], **change} if isinstance(change, dict) and name in settings else change
    (folder / "config.json").write_text(json.dumps(settings))
    return folder / "G_7.pth"


def write_piper(
    folder: Path, tensors: dict[str, Tensor], *, block: int = 2, discriminators: dict[str, Tensor] | None = None
) -> Path:
    """A checkpoint of Lightning far below its config.json, with a path among its hyperparameters."""
    below = folder / "lightning_logs" / "version_0" / "checkpoints"
    below.mkdir(parents=True)
    state = {
        "epoch": 3,
        "global_step": 99,
        "pytorch-lightning_version": "2.0.0",
        "state_dict": {f"model_g.{name}": tensor for name, tensor in tensors.items()}
        | {f"model_d.{name}": tensor for name, tensor in (discriminators or {}).items()},
        "optimizer_states": [{"state": {}}],
        "hyper_parameters": {
            "dataset": [Path("/recordings/dataset.jsonl")],
            "sample_rate": 8000,
            "filter_length": 32,
            "win_length": 32,
            "hop_length": 8,
            "mel_channels": 8,
            "upsample_rates": _RATES,
            "resblock_dilation_sizes": str(_DILATIONS[block]),  # as its command line leaves them
        },
    }
    torch.save(state, below / "epoch=3-step=99.ckpt")
    symbols = tensors["enc_p.emb.weight"].shape[0]
    ids = {"_": [0], "^": [1], "$": [2], " ": [3], **{chr(97 + index): [index + 4] for index in range(symbols - 4)}}
    settings = {
        "audio": {"sample_rate": 8000},
        "espeak": {"voice": "nl"},
        "inference": {"noise_scale": 0.5, "length_scale": 2.0, "noise_w": 0.3},
        "phoneme_id_map": ids | {"aɪ": [4]},
        "speaker_id_map": {"bob": 1, "ann": 0},
    }
    (folder / "config.json").write_text(json.dumps(settings))
    return below / "epoch=3-step=99.ckpt"


def write_piper_onnx(folder: Path, synthesizer: Any) -> Path:
    """The graph as Piper's `export_onnx` makes it, with its settings beside it; changes the synthesizer."""

    def speak(text: Tensor, text_lengths: Tensor, scales: Tensor, sid: Tensor | None = None) -> Tensor:
        noise, length, duration_noise = scales[0], scales[1], scales[2]
        audio: Tensor = synthesizer.infer(
            text, text_lengths, sid, noise_scale=noise, length_scale=length, noise_scale_w=duration_noise
        )[0]
        return audio.unsqueeze(1)

    folder.mkdir(parents=True, exist_ok=True)
    path, symbols, speakers = folder / "published.onnx", synthesizer.n_vocab, synthesizer.n_speakers
    synthesizer.eval().dec.remove_weight_norm()
    synthesizer.forward = speak
    inputs = [torch.arange(50)[None] % symbols, torch.tensor([50]), torch.tensor([0.667, 1.0, 0.8])]
    if speakers > 1:
        inputs.append(torch.tensor([0]))
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the numbers that become constants
        torch.onnx.export(
            synthesizer,
            tuple(inputs),
            str(path),
            dynamo=False,
            opset_version=15,
            input_names=["input", "input_lengths", "scales", "sid"][: len(inputs)],
            output_names=["output"],
            dynamic_axes={
                "input": {0: "batch_size", 1: "phonemes"},
                "input_lengths": {0: "batch_size"},
                "output": {0: "batch_size", 2: "time"},
            },
        )
    ids = {"_": [0], "^": [1], "$": [2], " ": [3], **{chr(97 + index): [index + 4] for index in range(symbols - 4)}}
    settings = {
        "audio": {"sample_rate": 8000, "quality": "medium"},
        "espeak": {"voice": "nl"},
        "inference": {"noise_scale": 0.5, "length_scale": 2.0, "noise_w": 0.3},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": ids,
        "num_symbols": symbols,
        "num_speakers": speakers,
        "speaker_id_map": {f"reader {index}": index for index in range(speakers)} if speakers > 1 else {},
        "hop_length": 8,
        "piper_version": "1.0.0",
    }
    Path(f"{path}.json").write_text(json.dumps(settings))
    return path
