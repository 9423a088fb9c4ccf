"""The fault table: `python -m tests.faults` injects each fault as often as the table says and prints what was seen.

python -m tests.faults --list                     the rows, and how often each fault is injected
python -m tests.faults killed-saves --count 50    one row, with another count
python -m tests.faults --ci                       the counts that the tests use, each row in less than a minute

The exit code is 1 if a goal was missed. How a row is added says `tests/faults/fault.py`.
"""

import argparse
import io
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch

from tests.faults.fault import Fault, all_faults

_HEADER = "| fault | times | goal | seen | seconds |\n|---|---:|---|---|---:|"


def main() -> int:
    """Print the table."""
    faults = {fault.name: fault for fault in all_faults()}
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Inject faults and print what held.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows of the table (all)")
    parser.add_argument("--count", type=int, help="how often each fault is injected (as the table says)")
    parser.add_argument("--ci", action="store_true", help="as often as the tests do")
    parser.add_argument("--list", action="store_true", help="name the rows, and inject nothing")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in faults]
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; the rows are {', '.join(faults)}")
    if arguments.list:
        for fault in faults.values():
            print(f"{fault.name:32} {fault.times:6} times, in CI {fault.times_in_ci}: {fault.title}")
        return 0
    torch.set_num_threads(1)
    print(_HEADER, flush=True)
    failures = []
    for fault in (faults[name] for name in arguments.names or faults):
        failures += _row(fault, arguments.count or (fault.times_in_ci if arguments.ci else fault.times))
    for failure in failures:
        print(f"missed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _row(fault: Fault, times: int) -> list[str]:
    started = time.monotonic()
    quiet = io.StringIO()  # what a run says belongs into no table
    with tempfile.TemporaryDirectory(prefix="fault-") as folder, redirect_stdout(quiet), redirect_stderr(quiet):
        outcome = fault.inject(times, Path(folder))
    seconds = time.monotonic() - started
    print(f"| {fault.title} | {times} | {fault.goal} | {outcome.figures} | {seconds:.0f} |", flush=True)
    return [f"{fault.name}: {failure}" for failure in outcome.failures]


if __name__ == "__main__":
    sys.exit(main())
