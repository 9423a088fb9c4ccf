"""`python -m tests.benchmarks.preparation CORPUS`: how fast a corpus is prepared, the second time too, and memory.

Three figures: seconds of sound prepared per second of processor time (of all processes together, from cold cache to
cached features), the processor time of a second preparation, and the greatest resident memory of the main process and
of its largest worker, with the corpus as it is and ten times as large (copies with other levels, so that none is the
same sound twice).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

_ONE_PREPARATION = """
import json, resource, sys, time
started = time.monotonic()
from configs import AudioSettings, DataSettings
from data.preparation import prepare
preparation = prepare(DataSettings(root=sys.argv[1], cache=sys.argv[2]), AudioSettings())
uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "clips": len(preparation.clips),
    "hours": sum(clip.metrics.seconds for clip in preparation.clips) / 3600,
    "wall_seconds": time.monotonic() - started,
    "processor_seconds": sum(use.ru_utime + use.ru_stime for use in uses),
    "main_mib": uses[0].ru_maxrss / 1024,
    "largest_worker_mib": uses[1].ru_maxrss / 1024,
}))
"""


def prepare_once(root: Path, cache: Path) -> dict[str, float]:
    """Prepare in a fresh process, as a user does, start of Python and of the workers included."""
    command = [sys.executable, "-c", _ONE_PREPARATION, str(root), str(cache)]
    figures: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return figures


def copies(root: Path, target: Path, count: int) -> Path:
    """A corpus of `count` copies of an LJSpeech folder, each a little quieter than the one before."""
    (target / "wavs").mkdir(parents=True)
    rows = []
    for row in (root / "metadata.csv").read_text(encoding="utf-8").splitlines():
        name, _, texts = row.partition("|")
        audio, rate = soundfile.read(root / "wavs" / f"{name}.flac")
        for number in range(count):
            soundfile.write(target / "wavs" / f"{name}-{number}.flac", audio * 0.97**number, rate)
            rows.append(f"{name}-{number}|{texts}")
    (target / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return target


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.preparation", description=__doc__)
    parser.add_argument("corpus", type=Path, help="LJSpeech layout, flac")
    parser.add_argument("--times", type=int, default=10, help="size of the larger corpus (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        larger = copies(arguments.corpus, Path(scratch) / "larger", arguments.times)
        print(
            f"{'':20}{'clips':>8}{'hours':>8}{'wall s':>9}{'cpu s':>9}{'x real/core':>13}{'main MiB':>10}{'worker':>8}"
        )
        for name, root in (("1x", arguments.corpus), (f"{arguments.times}x", larger)):
            for time in ("first", "second", "third"):
                one = prepare_once(root, Path(scratch) / f"cache-{name}")
                pace = one["hours"] * 3600 / one["processor_seconds"]
                print(
                    f"{f'{name}, {time} time':20}{one['clips']:8.0f}{one['hours']:8.2f}{one['wall_seconds']:9.2f}"
                    f"{one['processor_seconds']:9.2f}{pace:13.0f}{one['main_mib']:10.0f}{one['largest_worker_mib']:8.0f}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
