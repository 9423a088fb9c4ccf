"""What a run leaves can be read back: by json, and by TensorBoard's own reader."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.journal import Journal, RunningMeans
from training.pictures import alignment_picture, mel_picture


def read(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_means_are_means_and_start_again_after_each_reading() -> None:
    means = RunningMeans()
    for value in (1.0, 2.0, 6.0):
        means.add({"a": torch.tensor(value), "b": torch.tensor(-value, requires_grad=True) * 2})
    assert means.read() == {"a": 3.0, "b": -6.0}
    means.add({"a": torch.tensor(5.0), "b": torch.tensor(1.0)})
    assert means.read() == {"a": 5.0, "b": 1.0}


def test_means_go_on_from_what_a_checkpoint_kept() -> None:
    whole, first, second = RunningMeans(), RunningMeans(), RunningMeans()
    values = [torch.tensor(value) for value in (0.1, 0.7, 1.3)]
    for value in values:
        whole.add({"a": value})
    first.add({"a": values[0]})
    second.load_state_dict(first.state_dict(), torch.device("cpu"))
    for value in values[1:]:
        second.add({"a": value})
    assert whole.read() == second.read()


def test_what_is_no_number_does_not_spoil_a_mean() -> None:
    means = RunningMeans()
    for some, none in ((2.0, math.nan), (math.inf, -math.inf), (4.0, math.nan)):
        means.add({"some": torch.tensor(some), "none": torch.tensor(none)})
    read = means.read()
    assert read["some"] == 3.0
    assert math.isnan(read["none"])


def test_numbers_arrive_in_the_file_and_in_tensorboard(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.scalars(10, {"loss/mel": 1.5, "gradient_norm/synthesizer": math.inf})
    journal.scalars(20, {"loss/mel": 1.25})
    journal.sound(20, "spoken/a", np.sin(np.arange(2205, dtype=np.float32) / 20), 22050)
    journal.picture(20, "mel/a", mel_picture({"spoken": np.zeros((80, 12), np.float32)}, seconds_per_frame=0.01))
    durations = np.array([3, 4, 5])
    journal.picture(20, "alignment/a", alignment_picture(durations, ["^", "a", "$"], seconds_per_frame=0.01))
    journal.close()
    lines = read(tmp_path)
    assert [(line["step"], line["loss/mel"]) for line in lines] == [(10, 1.5), (20, 1.25)]
    assert lines[0]["gradient_norm/synthesizer"] is None
    assert "Infinity" not in (tmp_path / "metrics.jsonl").read_text()
    board = EventAccumulator(str(tmp_path), size_guidance={"images": 0, "audio": 0})
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss/mel")] == [(10, 1.5), (20, 1.25)]
    assert board.Tags()["images"] == ["mel/a", "alignment/a"]
    assert board.Audio("spoken/a")[0].sample_rate == 22050


def test_a_new_run_starts_with_an_empty_page(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        journal = Journal(tmp_path)
        journal.scalars(0, {"validation/mel": value})
        journal.close()
    assert [line["validation/mel"] for line in read(tmp_path)] == [2.0]


def test_time_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = Journal(tmp_path, step=5, seconds=3600.0)
    journal.scalars(6, {"a": 1.0})
    journal.close()
    assert read(tmp_path)[0]["seconds"] == pytest.approx(3600, abs=60)


def test_the_alignment_is_drawn_as_a_staircase() -> None:
    figure = alignment_picture(np.array([2, 0, 3]), ["^", "_", "a"], seconds_per_frame=0.5)
    bars = [(bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches if isinstance(bar, Rectangle)]
    assert bars == [(0.0, 1.0), (1.0, 0.0), (1.0, 1.5)]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["^", "a"]
