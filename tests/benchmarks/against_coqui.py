"""`python -m tests.benchmarks.against_coqui [section.key=value ...]`: the paper's model beside coqui-tts 0.28.

Both make training steps on a CPU: on the same random batch of four, in float32, on two threads, and in turn, one of
ours and one of coqui's. coqui lives in a virtual environment of its own, which is made where it is missing, with the
same torch; there it answers to `coqui_server`. Printed are the medians, their ratio (in processor time too,
which a busy machine disturbs less), and the most memory each process used in a step.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import IO

import numpy as np
import torch

from configs import command, load_config
from data.batch import Batch
from tests.benchmarks.measuring import Contestant, commit, device_name, peak_memory

# torchcodec and six are what coqui-tts 0.28.0 needs and does not ask for.
_PINS = ("torch==2.11.*", "torchaudio==2.11.*", "coqui-tts[codec]==0.28.*", "six")
_SERVER = Path(__file__).with_name("coqui_server.py")


class Coqui:
    """coqui's model in a process of its own, which steps when it is asked to."""

    def __init__(self, python: Path, batch_file: Path, threads: int) -> None:
        self.process = subprocess.Popen(
            [str(python), str(_SERVER), str(batch_file), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._answer() == "ready"

    def step(self) -> dict[str, float]:
        """Milliseconds and peak memory in bytes of one step."""
        self._stdin.write("step\n")
        self._stdin.flush()
        answer: dict[str, float] = json.loads(self._answer())
        return answer

    def close(self) -> None:
        """End the process."""
        self._stdin.close()
        self.process.wait()

    @property
    def _stdin(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def make_environment(folder: Path) -> Path:
    """The Python of an environment that has coqui-tts, made if there is none yet."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing coqui-tts into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *_PINS], check=True)
    return python


def save_batch(batch: Batch, path: Path) -> None:
    """The batch in numpy's format."""
    np.savez(
        path,
        phoneme_ids=batch.phoneme_ids.numpy(),
        phoneme_lengths=batch.phoneme_lengths.numpy(),
        audio=batch.audio.numpy(),
        audio_lengths=batch.audio_lengths.numpy(),
    )


def our_step(ours: Contestant) -> dict[str, float]:
    """What `Coqui.step` tells, of one of our steps."""
    started, processor = time.perf_counter(), time.process_time()
    peak = peak_memory(ours.device, ours.step)
    milliseconds, processor = time.perf_counter() - started, time.process_time() - processor
    return {"milliseconds": milliseconds * 1000, "processor": processor * 1000, "peak": peak}


@command
def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.against_coqui", description=__doc__)
    parser.add_argument("settings", nargs="*", help="section.key=value ... on top of configs/ljspeech.toml")
    parser.add_argument("--venv", type=Path, default=Path(tempfile.gettempdir()) / "coqui-tts-0.28", help="its place")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    own = [f"train.batch_size={arguments.batch}", f"run.threads={arguments.threads}", "run.device=cpu"]
    config = load_config("configs/ljspeech.toml", [*own, "train.precision=fp32", *arguments.settings])
    ours = Contestant(config, batches=1)
    with tempfile.TemporaryDirectory() as scratch:
        save_batch(ours.batches[0], Path(scratch) / "batch.npz")
        coqui = Coqui(make_environment(arguments.venv), Path(scratch) / "batch.npz", arguments.threads)
    ours.step()

    steps: dict[str, list[dict[str, float]]] = {"ours": [], "coqui-tts": []}
    for _ in range(arguments.steps):
        steps["ours"].append(our_step(ours))
        steps["coqui-tts"].append(coqui.step())
    coqui.close()

    print(f"commit {commit()}, torch {torch.__version__}, {device_name(ours.device)}, batch {arguments.batch}, float32")
    medians = {
        name: {key: statistics.median(one[key] for one in each) for key in each[0]} for name, each in steps.items()
    }
    for name, median in medians.items():
        print(
            f"{name:10} {median['milliseconds']:8.0f} ms  {1000 / median['milliseconds']:.3f} steps/s  "
            f"{median['processor']:8.0f} ms of processor time  peak {median['peak'] / 2**30:.2f} GiB  "
            f"({' '.join(str(round(one['milliseconds'])) for one in steps[name])})"
        )
    for key, words in (("milliseconds", "by the clock"), ("processor", "in processor time")):
        print(f"coqui-tts takes {medians['coqui-tts'][key] / medians['ours'][key]:.2f} times as long {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
