"""Every experiment of the repository loads, and the LJSpeech one is the published run."""

from pathlib import Path
from typing import Any

import pytest

from configs import Config, dump_config, load_config
from text import piper_symbols
from voices.voice_file import empty_synthesizer

FOLDER = Path(__file__).parents[2] / "configs"
EXPERIMENTS = sorted(FOLDER.glob("*.toml"))


def load(path: Path) -> Config:
    return load_config(path, ["data.root=corpus", "run.dir=runs/test"])


def test_the_experiments_are_there() -> None:
    assert {"ljspeech", "small", "tiny", "demo", "voice_fast", "voice_high"} <= {path.stem for path in EXPERIMENTS}


def test_the_fast_voice_speaks_with_at_most_sixteen_million_numbers() -> None:
    symbols = piper_symbols().size
    speaking = empty_synthesizer(
        load(FOLDER / "voice_fast.toml"), num_symbols=symbols, num_speakers=1, posterior_encoder=False
    )
    assert sum(x.numel() for x in (*speaking.parameters(), *speaking.buffers())) < 16e6


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_loads_and_its_resolved_settings_load_as_the_same(path: Path, tmp_path: Path) -> None:
    config = load(path)
    resolved = tmp_path / "config.toml"
    resolved.write_text(dump_config(config), encoding="utf-8")
    assert load_config(resolved) == config


def test_ljspeech_is_the_run_of_the_paper() -> None:
    config = load(FOLDER / "ljspeech.toml")
    published: dict[str, dict[str, Any]] = {
        "audio": {
            "sample_rate": 22050,
            "n_fft": 1024,
            "window_length": 1024,
            "hop_length": 256,
            "mel_bands": 80,
            "fmin_hz": 0.0,
            "fmax_hz": None,
        },
        "model": {
            "hidden_channels": 192,
            "latent_channels": 192,
            "filter_channels": 768,
            "attention_heads": 2,
            "attention_window": 4,
            "text_layers": 6,
            "text_kernel_size": 3,
            "text_dropout": 0.1,
            "posterior_layers": 16,
            "posterior_kernel_size": 5,
            "coupling_layers": 4,
            "coupling_wavenet_layers": 4,
            "coupling_kernel_size": 5,
            "duration_predictor": "stochastic",
            "duration_channels": 192,
            "duration_kernel_size": 3,
            "duration_flows": 4,
            "duration_dropout": 0.5,
        },
        "decoder": {
            "kind": "hifigan",
            "initial_channels": 512,
            "upsample_rates": (8, 8, 2, 2),
            "upsample_kernel_sizes": (16, 16, 4, 4),
            "residual_block": 1,
            "residual_kernel_sizes": (3, 7, 11),
            "residual_dilations": ((1, 3, 5), (1, 3, 5), (1, 3, 5)),
        },
        "discriminator": {"periods": (2, 3, 5, 7, 11), "scales": 1, "channel_divisor": 1},
        "loss": {"mel": 45.0, "kl": 1.0, "duration": 1.0, "adversarial": 1.0, "feature_matching": 1.0},
        "train": {
            "steps": 800_000,
            "epochs": None,
            "batch_size": 64,
            "segment_samples": 8192,
            "learning_rate": 2e-4,
            "learning_rate_decay": 0.999875,
            "warmup_steps": 0,
            "adam_beta_1": 0.8,
            "adam_beta_2": 0.99,
            "adam_epsilon": 1e-9,
            "max_gradient_norm": float("inf"),
            "precision": "fp16",
        },
    }
    for section, values in published.items():
        settings = getattr(config, section).model_dump()
        assert {name: settings[name] for name in values} == values
    assert config.segment_frames == 32
