"""Writes the metrics of a run: metrics.jsonl, TensorBoard events, and the synthesized validation sentences."""

import hashlib
import io
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import Tensor
from torch.utils.tensorboard import summary

from configs import InputError
from configs.atomic_file import replacing
from configs.content import UNFIT, json_object
from data.audio_writer import write_audio
from monitoring.tags import present_tag
from training.pictures import Picture

_NORM = "gradient_norm/"
_LONGEST_NAME = 200  # bytes; file systems have 255, and endings follow
# Of TensorBoard's histograms: from 1e-12 to 1e20 in steps of a tenth, on both sides of zero.
_MAGNITUDES = 1e-12 * 1.1 ** np.arange(774)
_BIN_EDGES = [*(-_MAGNITUDES[::-1]).tolist(), 0.0, *_MAGNITUDES.tolist()]


class RunningMeans:
    """Means of named scalars since they were last read, kept on the device so that nothing waits for it.

    A value that is NaN or infinite does not count; where there was no other, neither is the mean a number. Of
    gradient norms there are the greatest ones, too, for a mean hides a spike.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._sums = self._counts = self._greatest = torch.zeros(0)  # [names] each

    @torch.no_grad()
    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take one step's 0-d tensors. A name that not all steps have is the mean over those that do."""
        if new := [name for name in values if name not in self._names]:
            room = torch.zeros(len(new), device=values[new[0]].device)
            kept = len(self._names)
            self._names = [*self._names, *new]
            self._sums, self._counts, self._greatest = (
                torch.cat((each[:kept].to(room.device), room + nothing))
                for each, nothing in ((self._sums, 0.0), (self._counts, 0.0), (self._greatest, -math.inf))
            )
        absent = torch.full((), math.nan, device=self._sums.device)
        fresh = torch.stack([values.get(name, absent).float() for name in self._names])
        finite = fresh.isfinite()
        self._sums.add_(fresh.where(finite, 0.0))
        self._counts.add_(finite)
        torch.maximum(self._greatest, fresh.where(finite, -math.inf), out=self._greatest)

    def read(self) -> dict[str, float]:
        """The means, after which counting starts again; waits for the device once."""
        means, greatest = torch.stack((self._sums / self._counts, self._greatest)).tolist()
        read = dict(zip(self._names, means, strict=True))
        read |= {
            name.replace(_NORM, "gradient_norm_max/"): value
            for name, value in zip(self._names, greatest, strict=True)
            if name.startswith(_NORM)
        }
        self._names = []
        return read

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint keeps of it."""
        sums, counts, greatest = (each.cpu() for each in (self._sums, self._counts, self._greatest))
        return {"names": self._names, "sums": sums, "counts": counts, "greatest": greatest}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from what a checkpoint kept."""
        self._names = [present_tag(name) for name in state["names"]]
        self._sums, self._counts, self._greatest = (state[name].to(device) for name in ("sums", "counts", "greatest"))


class EventFile:
    """The file that TensorBoard reads: one record after the other, each on disk before the next.

    torch's SummaryWriter writes in a thread of its own, where an error reaches nobody until much later; here whoever
    writes learns of it.

    Args:
        folder: the run folder.
        purge_step: what earlier files of the folder say of this step and later ones is not shown.

    Raises:
        OSError: the file cannot be written. So do the methods.
    """

    def __init__(self, folder: Path, *, purge_step: int) -> None:
        _await_free_second(folder)
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.0"
        self._file = self.path.open("wb")
        self._records = RecordWriter(self._file)
        self._write(Event(file_version="brain.Event:2"))
        self._write(Event(step=purge_step, session_log=SessionLog(status=SessionLog.START)))

    def add(self, summary: Summary, step: int = 0) -> None:
        """Write one summary of a step."""
        self._write(Event(summary=summary, step=step))

    def close(self) -> None:
        """Nothing is left to write."""
        self._file.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
        self._file.flush()


class MetricsLoggerError(InputError):
    """The metrics of a run cannot be written any more."""


class MetricsLogger:
    """Logs the metrics of one run.

    Args:
        folder: the run folder.
        step: where training starts; whatever an interrupted run wrote about later steps is taken back.
        seconds: training time before this start.

    Raises:
        MetricsLoggerError: the folder was deleted, moved or made read-only, or the disk is full. So do the methods.
    """

    def __init__(self, folder: Path, *, step: int = 0, seconds: float = 0.0) -> None:
        self.folder = folder
        self._started = time.monotonic() - seconds
        self._failed = False
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            _forget_after(folder / "metrics.jsonl", step)
            self._metrics = (folder / "metrics.jsonl").open("a", encoding="utf-8")
            self._events = EventFile(folder, purge_step=step + 1 if step else 0)

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier starts included."""
        return time.monotonic() - self._started

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One line in metrics.jsonl and a point in each TensorBoard curve."""
        # JSON has no infinity; a gradient norm may be one while fp16 looks for its scale.
        known = {name: value if math.isfinite(value) else None for name, value in values.items()}
        line = {"step": step, "seconds": round(self.seconds, 3), **known}
        with self._writing():
            self._refuse_moved()
            self._metrics.write(json.dumps(line) + "\n")
            self._metrics.flush()
            points = [summary.scalar(name, value).value[0] for name, value in values.items()]
            self._events.add(Summary(value=points), step)

    def text(self, step: int, name: str, text: str) -> None:
        """Markdown in TensorBoard."""
        with self._writing():
            self._events.add(summary.text(name, text), step)

    def sentences(self, texts: Mapping[str, str]) -> None:
        """The texts of the validation sentences, by the names of their files, in samples/sentences.json."""
        named = {_file_name(id): text for id, text in texts.items()}
        with self._writing(), replacing(self.folder / "samples" / "sentences.json") as file:
            file.write(json.dumps(named, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))

    def recording(self, step: int, id: str, audio: NDArray[np.float32], sample_rate: int) -> None:
        """A validation sentence as recorded, [S]: samples/recorded/ID.wav, and in TensorBoard."""
        self._audio(step, "recorded", "recorded", id, audio, sample_rate)

    def synthesis(self, step: int, id: str, audio: NDArray[np.float32], sample_rate: int) -> None:
        """The same sentence as synthesized at a step, [S]: samples/STEP/ID.wav, and in TensorBoard."""
        self._audio(step, "synthesis", f"{step:08d}", id, audio, sample_rate)

    def picture(self, step: int, kind: str, id: str, picture: Picture) -> None:
        """A picture of that sentence, [H, W, 3]: samples/STEP/ID.KIND.png, and in TensorBoard."""
        png = io.BytesIO()
        Image.fromarray(picture).save(png, "png")
        # Encoding takes longer than drawing: TensorBoard gets the same file, where add_image would make another.
        height, width, channels = picture.shape
        image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png.getvalue())
        with self._writing():
            self._sample(f"{step:08d}", id, f".{kind}.png").write_bytes(png.getvalue())
            self._events.add(Summary(value=[Summary.Value(tag=f"{kind}/{id}", image=image)]), step)

    def histogram(self, step: int, name: str, values: Tensor) -> None:
        """How weights are distributed, in TensorBoard."""
        counts = summary.histogram(name, values.detach().float().cpu().numpy(), bins=_BIN_EDGES)
        with self._writing():
            self._events.add(counts, step)

    def hyper_parameters(self, settings: Mapping[str, bool | float | str], metrics: Sequence[str]) -> None:
        """The settings in TensorBoard's table of runs, where the last value of each of these scalars stands beside."""
        experiment, start, _ = summary.hparams(dict(settings), dict.fromkeys(metrics, 0.0))
        with self._writing():
            self._events.add(experiment)
            self._events.add(start)

    def present_folder(self) -> Path | None:
        """Where the run folder is now: the system knows where a file that is open was moved to.

        None where the folder is gone, or the system does not say.
        """
        try:
            metrics = Path(f"/proc/self/fd/{self._metrics.fileno()}").readlink()
            return metrics.parent if os.path.samestat(metrics.stat(), os.fstat(self._metrics.fileno())) else None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Write out whatever is still in memory; what failed before fails in silence."""
        for file in (self._metrics, self._events):
            with suppress(MetricsLoggerError) if self._failed else nullcontext(), self._writing():
                file.close()

    def _audio(self, step: int, kind: str, of: str, id: str, audio: NDArray[np.float32], sample_rate: int) -> None:
        with self._writing():
            write_audio(self._sample(of, id, ".wav"), audio, sample_rate=sample_rate)
            self._events.add(summary.audio(f"{kind}/{id}", audio[None], sample_rate), step)

    def _sample(self, of: str, id: str, ending: str) -> Path:
        self._refuse_moved()  # or the folder would come into being again, with this in it alone
        folder = self.folder / "samples" / of
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{_file_name(id)}{ending}"

    def _refuse_moved(self) -> None:
        """Raise what opening a file would, where the run folder is not in its place any more."""
        if not os.path.samestat((self.folder / "metrics.jsonl").stat(), os.fstat(self._metrics.fileno())):
            raise FileNotFoundError(2, "another file is in the place of metrics.jsonl")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Give every way in which writing fails the same type."""
        try:
            yield
        except MetricsLoggerError:
            raise
        except (OSError, InputError) as error:
            self._failed = True
            if isinstance(error, FileNotFoundError):
                raise MetricsLoggerError(f"{self.folder}: was deleted or moved while training went on") from error
            if isinstance(error, OSError):
                raise MetricsLoggerError(f"{self.folder}: cannot be written ({error.strerror or error})") from error
            raise MetricsLoggerError(str(error)) from error


def _await_free_second(folder: Path) -> None:
    """TensorBoard reads event files in the order of their names, in which those of one second have none."""
    while any(folder.glob(f"events.out.tfevents.{int(time.time()):010d}.*")):
        time.sleep(0.02)


def _file_name(id: str) -> str:
    """A recording's name as one of a file, for its folders may be part of it, and no file has a longer one."""
    name = id.replace("/", "_").encode()
    if len(name) <= _LONGEST_NAME:
        return name.decode()
    return f"{name[:_LONGEST_NAME].decode(errors='ignore')}-{hashlib.sha256(name).hexdigest()[:8]}"


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of later steps, and a line that was cut off: they are about to be written again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            if line.endswith(b"\n") and step > 0 and json_object(line)["step"] <= step:
                kept.append(line)
        except UNFIT:
            continue
    with replacing(path) as file:
        file.write(b"".join(kept))
