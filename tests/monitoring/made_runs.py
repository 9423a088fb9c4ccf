"""Run folders as training leaves them, made in a moment: every scalar by its name, with shapes as runs have them."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image

from configs import dump_config, parse_config
from training.pictures import alignment_picture, mel_picture

SUB_DISCRIMINATORS = ("scale_1", "period_2", "period_3", "period_5", "period_7", "period_11")
RATE = 22050
SENTENCES = {
    "LJ001-0001": "Printing, in the only sense with which we are at present concerned.",
    "LJ001-0002": "In being comparatively modern.",
}


def make_run(
    folder: Path,
    *,
    steps: int = 4000,
    report_every: int = 20,
    validate_every: int = 500,
    seed: int = 0,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    sentences: Mapping[str, str] | None = SENTENCES,
    seconds_per_step: float = 0.4,
    final_mel: float = 0.42,
    spikes: Sequence[int] = (),
    not_finite: Sequence[int] = (),
) -> Path:
    """A run that went well, but for what is asked for.

    Args:
        folder: made if it is not there.
        steps: of training.
        report_every: steps.
        validate_every: steps.
        seed: of all that is random.
        settings: sections of config.toml.
        sentences: that were spoken at each validation, by id; None leaves no samples.
        seconds_per_step: of training.
        final_mel: what the mel loss falls to.
        spikes: reports, counted from 1, at which the generator's gradient norm is 50 times what it was.
        not_finite: reports at which it is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    lines = [_validation(0, 0.0, random, final_mel, steps)]
    for number, step in enumerate(range(report_every, steps + 1, report_every), start=1):
        seconds = round(step * seconds_per_step, 3)
        report = {"step": step, "seconds": seconds, **_report(step, random, final_mel, seconds_per_step)}
        if number in spikes:
            report["gradient_norm/generator"] *= 50.0
        if number in not_finite:
            report |= {"gradient_norm/generator": math.nan, "skipped_updates/generator": 0.05}
        lines.append(report)
        if step % validate_every == 0:
            lines.append(_validation(step, seconds, random, final_mel, steps))
    known = ({name: None if value != value else value for name, value in line.items()} for line in lines)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in known), encoding="utf-8")
    tree: dict[str, dict[str, object]] = {
        "run": {"dir": str(folder)},
        "data": {"root": "LJSpeech-1.1"},
        "train": {"steps": 2 * steps},
    }
    for section, values in (settings or {}).items():
        tree.setdefault(section, {}).update(values)
    (folder / "config.toml").write_text(dump_config(parse_config(tree, source="a made run")), encoding="utf-8")
    corpus = {"clips": 319, "validation_clips": 16, "hours": 0.57, "speakers": ["LJ"], "symbols": 60}
    corpus |= {"phonemes_per_second": 14.2, "bandwidth_hz": 10900.0, "loudness_lufs": -20.1, "sample_rate": RATE}
    (folder / "corpus.json").write_text(json.dumps(corpus), encoding="utf-8")
    if sentences is not None:
        _write_samples(folder / "samples", sentences, range(0, steps + 1, validate_every), random)
    return folder


def _fall(step: int, start: float, end: float, steps: float) -> float:
    """From start to end, half the way in so many steps, ever more slowly."""
    return end + (start - end) / (1 + step / steps)


def _report(step: int, random: np.random.Generator, final_mel: float, seconds_per_step: float) -> dict[str, float]:
    def around(value: float, spread: float = 0.05) -> float:
        return float(value * math.exp(spread * random.standard_normal()))

    mel, kl = around(_fall(step, 2.4, final_mel, 400)), around(_fall(step, 70.0, 1.2, 60))
    adversarial, matching = around(2.4, 0.04), around(0.4 + 3 * (1 - math.exp(-step / 3000)))
    duration = around(_fall(step, 1.8, 1.3, 2000), 0.02)
    shares = random.dirichlet([900, 30, 40, 8])
    values = {
        "schedule/epoch": 1 + step // 200,
        "schedule/learning_rate": 2e-4 * 0.999875 ** (step // 200),
        "throughput/seconds_per_step": around(seconds_per_step, 0.03),
        **{
            f"time/{name}": float(share)
            for name, share in zip(("training", "data", "validation", "saving"), shares, strict=True)
        },
        "loss/generator/mel": mel,
        "loss/generator/kl": kl,
        "loss/generator/duration": duration,
        "loss/generator/adversarial": adversarial,
        "loss/generator/feature_matching": matching,
        "loss/generator/total": 45 * mel + kl + duration + adversarial + matching,
        "loss/discriminator/total": around(2.3, 0.06),
    }
    for place, sub_discriminator in enumerate(SUB_DISCRIMINATORS):
        right = 0.68 + 0.03 * place - 0.1 * math.exp(-step / 1000)
        values[f"discriminator_accuracy/real/{sub_discriminator}"] = min(1.0, around(right, 0.04))
        values[f"discriminator_accuracy/generated/{sub_discriminator}"] = min(1.0, around(right + 0.06, 0.04))
        values[f"loss/discriminator/real/{sub_discriminator}"] = around(0.2 - 0.01 * place)
        values[f"loss/discriminator/generated/{sub_discriminator}"] = around(0.16 - 0.01 * place)
        values[f"loss/generator/adversarial/{sub_discriminator}"] = around(0.4 + 0.02 * place)
    for side, norm in (("generator", 60 + 200 * math.exp(-step / 500)), ("discriminator", 6.0)):
        values[f"gradient_norm/{side}"] = around(norm, 0.15)
        values[f"gradient_norm_max/{side}"] = values[f"gradient_norm/{side}"] * around(2.0, 0.2)
        values[f"skipped_updates/{side}"] = 0.0
    return values


def _validation(
    step: int, seconds: float, random: np.random.Generator, final_mel: float, steps: int
) -> dict[str, float]:
    def around(value: float, spread: float = 0.01) -> float:
        return float(value * math.exp(spread * random.standard_normal()))

    # The best is before the end: from three quarters on it gets worse again.
    late = 0.04 * max(0.0, step / steps - 0.75)
    values: dict[str, float] = {"step": step, "seconds": seconds}
    for prefix, worse in (("validation", 0.0), ("validation_newest", 0.03)):
        mel = around(_fall(step, 2.4, final_mel * 1.05, 420) + late + worse)
        spoken = around(_fall(step, 2.9, 1.0, 350) + late + worse)
        values |= {f"{prefix}/mel": mel, f"{prefix}/spoken_mel": spoken, f"{prefix}/score": (mel + spoken) / 2}
    return values | {
        "validation/kl": around(_fall(step, 75.0, 1.5, 60), 0.03),
        "validation/duration": around(_fall(step, 1.9, 1.45, 1500)),
        "validation/longest_phoneme_share": around(_fall(step, 0.8, 0.05, 200), 0.05),
        "validation/text_gain": 2.2 * (1 - math.exp(-step / 800)) + 0.03 * float(random.standard_normal()),
        "validation/length_ratio": around(1 + 0.5 * math.exp(-step / 600), 0.02),
        "validation/loudness_db": -8 * math.exp(-step / 500) + 0.3 * float(random.standard_normal()),
    }


def _write_samples(
    folder: Path, sentences: Mapping[str, str], steps: Sequence[int], random: np.random.Generator
) -> None:
    """Tones instead of voices: 100 Hz times the sentence's number as recorded, and a tenth higher as spoken."""
    folder.mkdir()
    (folder / "recorded").mkdir()
    (folder / "sentences.json").write_text(json.dumps(dict(sentences)), encoding="utf-8")
    for number, name in enumerate(sentences, start=1):
        soundfile.write(folder / "recorded" / f"{name}.wav", tone(100 * number, 1.5), RATE)
    for order, step in enumerate(steps):
        place = folder / f"{step:08d}"
        place.mkdir()
        for number, name in enumerate(sentences, start=1):
            soundfile.write(place / f"{name}.wav", tone(110 * number, 1.5), RATE)
            mels = {"recorded": _mel(random, 130, 0.0), "spoken": _mel(random, 120, math.exp(-order / 2))}
            durations = random.integers(1, 6, 40).astype(np.int64)
            durations[0] += round(100 * math.exp(-order))
            symbols = list("həˈləʊwɜːldɪtɪzmˈɔːnɪŋɐɡˈɛnænˈdʌnðəʃɔːɹ_")[:40]
            for kind, picture in (
                ("mel", mel_picture(mels, seconds_per_frame=256 / RATE)),
                ("alignment", alignment_picture(durations, symbols, seconds_per_frame=256 / RATE)),
            ):
                Image.fromarray(picture).save(place / f"{name}.{kind}.png")


def tone(hertz: float, seconds: float) -> npt.NDArray[np.float32]:
    """[S], at 22 050 samples per second."""
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def _mel(random: np.random.Generator, frames: int, noise: float) -> npt.NDArray[np.float32]:
    """[80, F], bands that rise and fall as voices do."""
    time, band = np.arange(frames), np.arange(80)[:, None]
    voice = -6 + 3 * np.cos(band / (4 + np.sin(time / 20))) * np.abs(np.sin(time / 15))
    return (voice + 2 * noise * random.standard_normal((80, frames))).astype(np.float32)
