"""Which adversarial objective matters: `python -m evaluation.objectives configs/tiny.toml --steps 1500 -o study`.

Trains each objective with several seeds under one budget, evaluates all on the same held-out sentences, and writes
study.json, index.html and study.png.
"""

from configs.command_line import check_arguments
from evaluation.objectives.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import signal
import sys

from configs import command
from data.transcriber import load_transcriber
from evaluation.objectives.conclusion import conclude
from evaluation.objectives.measurement import Measurement
from evaluation.objectives.page import write_page
from evaluation.objectives.picture import write_picture
from evaluation.objectives.results import summarise, write_study
from evaluation.objectives.training_runs import train_runs
from evaluation.output import check_writable
from models.device import choose_device


@command
def main() -> int:
    """Make a study, or go on with one."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the runs are stopped and saved
    asked = read_arguments()
    for name in ("study.json", "index.html", "study.png"):
        check_writable(asked.output / name)
    language = asked.runs[0].config.data.language
    transcriber = None if asked.asr is None else load_transcriber(asked.asr, language)
    device = choose_device(asked.runs[0].config.run.device)
    outcomes = train_runs(asked.runs, asked.budget, output=asked.output, jobs=asked.jobs, on_gpu=device.type == "cuda")
    finished = [run for run in asked.runs if outcomes[run].ended == "finished"]
    evaluations = {}
    if finished:
        measurement = Measurement(
            finished,
            asked.sentences,
            recogniser=asked.recogniser,
            transcriber=transcriber,
            asr=asked.asr,
            device=str(device),
        )
        evaluations = measurement.measure(finished)
    study = summarise(asked, outcomes, evaluations, device=str(device))
    conclusion = conclude(study)
    write_study(study, conclusion, asked.output / "study.json")
    write_picture(study, asked.output / "study.png")
    write_page(study, conclusion, asked.runs, asked.output / "index.html")
    print("\n".join(conclusion))
    print(f"{asked.output / 'index.html'}: {len(study.runs)} runs of {len(study.arms)} objectives")
    return 0


if __name__ == "__main__":
    sys.exit(main())
