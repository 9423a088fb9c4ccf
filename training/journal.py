"""What a run leaves to be read: metrics.jsonl, TensorBoard events, and the validation sentences as spoken."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from configs.atomic_file import replacing


class RunningMeans:
    """Means of named scalars since they were last read, kept on the device so that nothing waits for it.

    A value that is NaN or infinite does not count; where there was no other, neither is the mean a number.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._sums = self._counts = torch.zeros(0)  # [names] both

    @torch.no_grad()
    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take one step's 0-d tensors, which have the same names at every step."""
        fresh = torch.stack([value.float() for value in values.values()])
        finite = fresh.isfinite()
        if not self._names:
            self._names = list(values)
            self._sums, self._counts = torch.zeros_like(fresh), torch.zeros_like(fresh)
        self._sums.add_(fresh.where(finite, 0.0))
        self._counts.add_(finite)

    def read(self) -> dict[str, float]:
        """The means, after which counting starts again; waits for the device once."""
        means = dict(zip(self._names, (self._sums / self._counts).tolist(), strict=True))
        self._names = []
        return means

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint keeps of it."""
        return {"names": self._names, "sums": self._sums.cpu(), "counts": self._counts.cpu()}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from what a checkpoint kept."""
        self._names = list(state["names"])
        self._sums, self._counts = state["sums"].to(device), state["counts"].to(device)


class Journal:
    """The written record of one run.

    Args:
        folder: the run folder.
        step: where training starts; whatever an interrupted run wrote about later steps is taken back.
        seconds: training time before this start.
    """

    def __init__(self, folder: Path, *, step: int = 0, seconds: float = 0.0) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic() - seconds
        _forget_after(folder / "metrics.jsonl", step)
        self._metrics = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder), purge_step=step + 1)

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier starts included."""
        return time.monotonic() - self._started

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One line in metrics.jsonl and a point in each TensorBoard curve."""
        # JSON has no infinity; a gradient norm may be one while fp16 looks for its scale.
        known = {name: value if math.isfinite(value) else None for name, value in values.items()}
        line = {"step": step, "seconds": round(self.seconds, 3), **known}
        self._metrics.write(json.dumps(line) + "\n")
        self._metrics.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def sound(self, step: int, name: str, audio: NDArray[np.float32], sample_rate: int) -> None:
        """Audio [S] in TensorBoard."""
        self._board.add_audio(name, audio[None], step, sample_rate)

    def picture(self, step: int, name: str, figure: Figure) -> None:
        """A figure in TensorBoard."""
        self._board.add_figure(name, figure, step)

    def close(self) -> None:
        """Write out whatever is still in memory."""
        self._metrics.close()
        self._board.close()


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of later steps, and a line that was cut off: they are about to be written again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            if line.endswith("\n") and step > 0 and json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    with replacing(path) as file:
        file.write("".join(kept).encode())
