"""The file that TensorBoard reads: one record after the other, each on disk before the next.

torch's SummaryWriter writes in a thread of its own, where an error reaches nobody until much later; here whoever writes
learns of it.
"""

import os
import socket
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class EventFile:
    """An event file of a run folder.

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


def _await_free_second(folder: Path) -> None:
    """TensorBoard reads event files in the order of their names, in which those of one second have none."""
    while any(folder.glob(f"events.out.tfevents.{int(time.time()):010d}.*")):
        time.sleep(0.02)
