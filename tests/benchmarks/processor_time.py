"""Draw validation metrics of runs over processor time: what an hour of one core bought, whatever else it did meanwhile.

`python -m tests.benchmarks.processor_time LABEL=RUN LABEL=RUN@HOURS ... -o curves.png`
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from configs import command
from configs.command_line import CommandParser
from monitoring.run import Run, read_run

_PANELS = {
    "validation_newest/mel": "mel distance of reconstructions, nats",
    "validation_newest/spoken_mel": "mel distance of speech from text, nats",
    "validation_newest/text_gain": "text gain, nats per frame",
}

_RUNS = "a run folder, what to call it, and the processor hours of the run that it went on from"


def processor_hours(run: Run, steps: np.ndarray) -> np.ndarray:
    """The processor time of training up to each of these steps, in hours; without validation and saving."""
    each = run.curve("throughput/processor_seconds_per_step")
    spent = np.cumsum(each.values * np.diff(each.steps, prepend=0)) / 3600
    return np.interp(steps, np.concatenate(([0], each.steps)), np.concatenate(([0.0], spent)))


@command
def main() -> int:
    """Draw from the command line."""
    parser = CommandParser(prog="python -m tests.benchmarks.processor_time", description=__doc__.splitlines()[0])
    parser.add_argument("runs", metavar="LABEL=RUN[@HOURS]", nargs="+", help=_RUNS)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PNG", help="picture to write")
    arguments: argparse.Namespace = parser.parse_args()
    figure = Figure(figsize=(13, 4), layout="constrained")
    axes = figure.subplots(1, len(_PANELS))
    for labelled in arguments.runs:
        label, _, folder = labelled.partition("=")
        folder, _, before = folder.partition("@")
        run = read_run(Path(folder))
        print(f"{label}: {run.last_step} steps")
        for axis, name in zip(axes, _PANELS, strict=True):
            curve = run.curve(name).known.between(0, np.inf)  # step 0 would flatten all that follows
            hours = float(before or 0) + processor_hours(run, curve.steps)
            axis.plot(hours, curve.values, marker=".", label=label)
            print(f"  {name}: " + ", ".join(f"{h:.2f} h {v:.3f}" for h, v in zip(hours, curve.values, strict=True)))
    for axis, title in zip(axes, _PANELS.values(), strict=True):
        axis.set(title=title, xlabel="processor hours")
        axis.grid(alpha=0.3)
    axes[-1].legend(fontsize="small")
    figure.savefig(arguments.output, dpi=80)
    return 0


if __name__ == "__main__":
    sys.exit(main())
