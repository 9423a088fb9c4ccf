"""The curves of a run that has TensorBoard's event files and no metrics.jsonl."""

from pathlib import Path

import numpy as np

from configs import InputError
from monitoring.curves import Curve


def has_events(folder: Path) -> bool:
    """Whether a folder holds TensorBoard's files."""
    return any(folder.glob("*tfevents*"))


def read_events(folder: Path) -> dict[str, Curve]:
    """Every scalar of a folder's event files, and `seconds` since the first of them.

    Raises:
        InputError: the files hold no scalars.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # lazily: a second to import

    # 0 keeps all of a kind; of the others one each, because they are not looked at.
    accumulator = EventAccumulator(
        str(folder), size_guidance={"scalars": 0, "tensors": 1, "images": 1, "audio": 1, "histograms": 1}
    )
    accumulator.Reload()
    clock: dict[int, float] = {}
    curves: dict[str, Curve] = {}
    for name in accumulator.Tags()["scalars"]:
        points = {event.step: event for event in accumulator.Scalars(name)}  # the last of a step counts
        steps = sorted(points)
        values = np.array([points[step].value for step in steps], np.float64)
        curves[name] = Curve(np.array(steps, np.int64), np.where(np.isfinite(values), values, np.nan))
        clock |= {step: points[step].wall_time for step in steps}
    if not curves:
        raise InputError(f"{folder}: the TensorBoard files there hold no scalars yet; give the folder of a run")
    steps = sorted(clock)
    seconds = np.array([clock[step] for step in steps], np.float64)
    curves.setdefault("seconds", Curve(np.array(steps, np.int64), seconds - seconds[0]))
    return curves
