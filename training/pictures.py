"""Pictures of a validation: mel spectrograms, and which phoneme each frame belongs to."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

matplotlib.use("Agg")


def mel_picture(panels: dict[str, NDArray[np.float32]], *, seconds_per_frame: float) -> Figure:
    """Log-mel spectrograms [M, F] under each other, on one scale of time and of loudness."""
    figure = Figure(figsize=(9, 2.4 * len(panels)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(panels), 1, sharex=True))
    loudest = max(float(mel.max()) for mel in panels.values())
    longest = max(mel.shape[1] for mel in panels.values()) * seconds_per_frame
    for axis, (title, mel) in zip(axes, panels.items(), strict=True):
        extent = (0.0, mel.shape[1] * seconds_per_frame, 0.0, float(mel.shape[0]))
        image = axis.imshow(mel, origin="lower", aspect="auto", extent=extent, vmin=np.log(1e-5), vmax=loudest)
        axis.set(title=title, ylabel="mel band", xlim=(0.0, longest))
    axes[-1].set_xlabel("seconds")
    figure.colorbar(image, ax=list(axes), label="log magnitude")
    return figure


def alignment_picture(durations: NDArray[np.int64], symbols: list[str], *, seconds_per_frame: float) -> Figure:
    """The alignment as a path: time to the right, phonemes upwards.

    Args:
        durations: [P], frames per phoneme.
        symbols: the P phonemes.
        seconds_per_frame: length of a frame.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axis = figure.subplots()
    ends = durations.cumsum() * seconds_per_frame
    axis.barh(
        np.arange(len(durations)), durations * seconds_per_frame, left=ends - durations * seconds_per_frame, height=1
    )
    named = [place for place, symbol in enumerate(symbols) if symbol.strip("_ ")]
    axis.set_yticks(named, [symbols[place] for place in named], fontsize=5)
    axis.set(xlabel="seconds", ylabel="phoneme", xlim=(0, ends[-1]), ylim=(-0.5, len(durations) - 0.5))
    return figure
