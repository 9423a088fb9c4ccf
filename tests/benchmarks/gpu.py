"""`python -m tests.benchmarks.gpu -o FOLDER`: everything worth knowing of a step on a GPU, in less than eight minutes.

Each measurement is a process with a time limit of its own, and writes into the folder as it goes: what fails or takes
too long loses nothing but itself. Printed at the end, and kept as report.md, is a section for RESULTS.md. No network
and no recordings are needed.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from configs import command
from tests.benchmarks.growth import Growth, growth_table
from tests.benchmarks.measuring import HOUSE, commit
from tests.benchmarks.table import Comparison, Measurement, Part, step_table

_STEP = ("tests.benchmarks.train_step", "configs/ljspeech.toml", "run.device=cuda", "train.batch_size=64")


@dataclass(frozen=True)
class Task:
    """One measurement: a module to run, for how long at most, and how its output is shown."""

    name: str
    arguments: tuple[str, ...]
    seconds: float
    show: Callable[[str], str]


def step_section(output: str) -> str:
    """The table of a measurement that was written as JSON."""
    tree = json.loads(output)
    parts = {name: Part(**part) for name, part in tree.pop("parts").items()}
    comparison = tree.pop("comparison")
    return step_table(
        Measurement(**tree, parts=parts, comparison=Comparison(**comparison) if comparison is not None else None)
    )


def growth_section(output: str) -> str:
    """The table of the points that were reached; a line may have been cut off."""
    lines = output.splitlines(keepends=True)
    return growth_table([Growth(**json.loads(line)) for line in lines if line.endswith("}\n")])


def verbatim(output: str) -> str:
    """The output as it is."""
    return f"```\n{output.strip()}\n```"


def last_lines(output: str) -> str:
    """How it ended."""
    return verbatim("\n".join(output.strip().splitlines()[-15:]))


def _rivals(name: str, seconds: float, *settings: str) -> Task:
    """The step in bf16, and in turn the same with one more setting, the last one."""
    own, rival = settings[:-1], settings[-1]
    return Task(name, (*_STEP, "train.precision=bf16", *own, "--compare", rival, "--json"), seconds, step_section)


TASKS = (
    _rivals("bf16, and captured as CUDA graphs", 75, "train.execution=graphs"),
    Task("alignment search", ("tests.benchmarks.alignment",), 35, verbatim),
    Task(
        "tests that need a GPU", ("pytest", "-o", "addopts=", "-q", "-m", "gpu and not slow", "tests"), 60, last_lines
    ),
    Task(
        "how cost grows, bf16",
        (*_STEP, "train.precision=bf16", "--grow", "--steps", "2", "--json"),
        65,
        growth_section,
    ),
    Task("fp16", (*_STEP, "train.precision=fp16", "--json"), 25, step_section),
    Task("fp32", (*_STEP, "train.precision=fp32", "--json"), 25, step_section),
    # Last, as the compiler may take whatever time it is given.
    _rivals("bf16, and compiled", 80, "train.execution=graphs", "train.execution=compiled-graphs"),
)


def run_task(task: Task, folder: Path) -> str:
    """Run one measurement; return its section of the report."""
    title = f"### {task.name}\n\n"
    if importlib.util.find_spec(task.arguments[0]) is None:
        return f"{title}Skipped: there is no {task.arguments[0]} here."
    stem = folder / task.name.replace(",", "").replace(" ", "-")
    output, errors = stem.with_suffix(".out"), stem.with_suffix(".err")
    started = time.monotonic()
    with output.open("w") as out, errors.open("w") as err:
        try:
            words = [sys.executable, "-m", *task.arguments]
            code = subprocess.run(
                words, cwd=HOUSE, stdout=out, stderr=err, timeout=task.seconds, check=False
            ).returncode
            ending = f"exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            ending = f"stopped after {task.seconds:.0f} seconds"
    print(f"{task.name}: {time.monotonic() - started:.0f} s {ending}", file=sys.stderr, flush=True)
    try:
        section = task.show(output.read_text())
    except (ValueError, TypeError):  # cut off, or never written
        section = verbatim("\n".join(errors.read_text().strip().splitlines()[-5:]) or "no output")
    return f"{title}{section}" + (f"\n\n({ending})" if ending else "")


@command
def main() -> int:
    """Measure everything and print a section for RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="receives every result")
    parser.add_argument("--only", metavar="WORD", default="", help="only measurements whose name has this word in it")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    report = arguments.output / "report.md"
    report.write_text(f"## GPU, commit {commit() or 'unknown'}\n")
    for task in TASKS:
        if arguments.only in task.name:
            with report.open("a") as file:
                file.write(f"\n{run_task(task, arguments.output)}\n")
    print(report.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
