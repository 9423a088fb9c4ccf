"""The loss curves of a run as a picture: `python -m evaluation.curves runs/ljspeech`."""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from configs import InputError, command

Curve = tuple[list[int], list[float]]  # steps and values

# What is drawn together: the title, and each curve's name in metrics.jsonl with its label.
PANELS: dict[str, dict[str, str]] = {
    "mel L1": {"loss/mel": "training", "validation/mel": "validation"},
    "KL, nats per frame": {"loss/kl": "training", "validation/kl": "validation"},
    "duration, per phoneme": {"loss/duration": "training", "validation/duration": "validation"},
    "adversarial": {"loss/discriminator": "discriminator", "loss/adversarial": "synthesizer"},
    "feature matching": {"loss/feature_matching": "training"},
    "gradient norm": {"gradient_norm/synthesizer": "synthesizer", "gradient_norm/discriminator": "discriminator"},
    "longest phoneme, share of the clip": {"validation/longest_phoneme_share": "validation"},
    "seconds per step": {"seconds_per_step": "training"},
}


def read_curves(metrics: Path) -> dict[str, Curve]:
    """Every scalar of a metrics.jsonl, by its name; values that were NaN or infinite are NaN.

    Raises:
        InputError: the file is not there, holds nothing, or is not a metrics file.
    """
    curves: dict[str, Curve] = {}
    try:
        for line in metrics.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # a run was killed in the middle of this line, or is writing it
            values = json.loads(line)
            step = int(values.pop("step"))
            for name, value in values.items():
                steps, points = curves.setdefault(name, ([], []))
                steps.append(step)
                points.append(math.nan if value is None else float(value))
    except OSError as error:
        raise InputError(f"{metrics}: cannot be read ({error.strerror}); give the folder of a run") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{metrics}: is not a metrics file of a run: {error}") from error
    if not curves:
        raise InputError(f"{metrics}: holds nothing yet; the first line comes after train.report_every steps")
    return curves


def draw_curves(curves: dict[str, Curve], title: str) -> Figure:
    """One panel for each group of curves that belong together."""
    panels = {name: known for name, group in PANELS.items() if (known := [key for key in group if key in curves])}
    figure = Figure(figsize=(12, 2.6 * math.ceil(len(panels) / 2)), layout="constrained")
    axes: Sequence[Axes] = np.atleast_1d(figure.subplots(math.ceil(len(panels) / 2), 2)).ravel().tolist()
    for axis, (name, keys) in zip(axes, panels.items(), strict=False):
        for key in keys:
            axis.plot(*curves[key], label=PANELS[name][key], linewidth=1.3)
        axis.set_title(name, loc="left", fontsize=10)
        axis.grid(alpha=0.3)
        axis.set_yscale("log" if all(value > 0 for key in keys for value in curves[key][1]) else "linear")
        if len(keys) > 1:
            axis.legend(fontsize=8)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("step", fontsize=10)
    figure.suptitle(title)
    return figure


@command
def main() -> int:
    """Draw the curves from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.curves", description="Draw the loss curves of a run.")
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("-o", "--output", type=Path, help="picture to write (RUN/curves.png)")
    arguments = parser.parse_args()
    curves = read_curves(arguments.run / "metrics.jsonl")
    output = arguments.output or arguments.run / "curves.png"
    try:
        draw_curves(curves, title=str(arguments.run)).savefig(output, dpi=110)
    except (OSError, ValueError) as error:
        raise InputError(f"{output}: cannot be written as a picture: {error}") from error
    print(f"{output}: curves of {max(max(steps) for steps, _ in curves.values())} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
