"""Runs drawn with a pencil: a good one, and changes to it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from configs import Config, load_config
from monitoring.curves import Curve
from monitoring.run import Run

STEPS = 4000
SUB_DISCRIMINATORS = ("scale_1", "period_2", "period_3")
CORPUS = {
    "clips": 319,
    "validation_clips": 16,
    "hours": 0.57,
    "speakers": [],
    "symbols": 161,
    "sample_rate": 22050,
    "phonemes_per_second": 13.2,
    "bandwidth_hz": 10874.3,
    "loudness_lufs": -22.3,
}

Height = float | Callable[[Any], Any]  # of a curve: the same at every step, or a function of the steps


def settings(*overrides: str) -> Config:
    """The settings of a small experiment."""
    return load_config(None, ["run.dir=runs/x", "data.root=x", *overrides])


def mel(steps: Any) -> Any:
    """The mel distance of a good run, from 2 nats downwards."""
    return 0.4 + 1.6 / np.sqrt(1 + steps / 50)


def good_heights() -> dict[str, Height]:
    """Every scalar of a good run."""
    reports: dict[str, Height] = {
        "schedule/epoch": lambda steps: steps // 80,
        "schedule/learning_rate": lambda steps: 2e-4 * 0.999875 ** (steps // 80),
        "time/training": 0.95,
        "time/data": 0.01,
        "time/validation": 0.03,
        "time/saving": 0.01,
        "loss/generator/mel": mel,
        "loss/generator/kl": lambda steps: 1.5 + 60 * np.exp(-steps / 50),
        "loss/generator/duration": lambda steps: 1.4 + 0.3 * np.exp(-steps / 800),
        "gradient_norm/generator": 200.0,
        "gradient_norm/discriminator": 10.0,
        "gradient_norm_max/generator": 400.0,
        "gradient_norm_max/discriminator": 30.0,
        "skipped_updates/generator": 0.0,
        "skipped_updates/discriminator": 0.0,
    }
    for sub_discriminator in SUB_DISCRIMINATORS:
        reports |= {
            f"loss/discriminator/real/{sub_discriminator}": 0.21,
            f"loss/discriminator/generated/{sub_discriminator}": 0.18,
        }
        reports |= {
            f"discriminator_accuracy/real/{sub_discriminator}": 0.68,
            f"discriminator_accuracy/generated/{sub_discriminator}": 0.74,
        }
    return reports | {
        "validation/mel": lambda steps: mel(steps) + 0.01,
        "validation/kl": lambda steps: 1.6 + 60 * np.exp(-steps / 50),
        "validation/duration": lambda steps: 1.45 + 0.3 * np.exp(-steps / 800),
        "validation/longest_phoneme_share": lambda steps: 0.06 + 0.2 * np.exp(-steps / 100),
        "validation/text_gain": lambda steps: 0.8 * (1 - np.exp(-steps / 300)),
        "validation/spoken_mel": lambda steps: mel(steps) + 0.3,
        "validation/score": lambda steps: mel(steps) + 0.15,
        "validation/length_ratio": 1.02,
        "validation/loudness_db": -0.5,
        "validation_newest/mel": lambda steps: mel(steps) + 0.015,
        "validation_newest/score": lambda steps: mel(steps) + 0.155,
    }


def drawn(heights: Mapping[str, Height], steps: int = STEPS) -> dict[str, Curve]:
    """Curves of these heights: reports at every 50 steps, validations at every 200 and at step 0."""
    curves = {}
    for name, height in heights.items():
        validation = name.startswith("validation")
        at = np.arange(0 if validation else 50, steps + 1, 200 if validation else 50)
        curves[name] = Curve(at, np.zeros(len(at)) + (height(at) if callable(height) else height))
    at = np.arange(0, steps + 1, 50)
    return curves | {"seconds": Curve(at, np.array(at / 2, np.float64))}


def run_of(
    heights: Mapping[str, Height] | None = None,
    *,
    corpus: Mapping[str, Any] | None = None,
    config: Config | None = None,
    steps: int = STEPS,
) -> Run:
    """A good run, but for the curves and figures that are given."""
    return Run(drawn(good_heights() | dict(heights or {}), steps), config, CORPUS | dict(corpus or {}))


def balance(**parts: float) -> dict[str, Height]:
    """Every sub-discriminator alike: `balance(real=0.1, accuracy_real=0.9)`."""
    tags = {
        "real": "loss/discriminator/real",
        "generated": "loss/discriminator/generated",
        "accuracy_real": "discriminator_accuracy/real",
        "accuracy_generated": "discriminator_accuracy/generated",
    }
    return {f"{tags[part]}/{name}": value for part, value in parts.items() for name in SUB_DISCRIMINATORS}
