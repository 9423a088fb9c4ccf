"""What a run leaves can be read back: by json, and by TensorBoard's own reader."""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.metrics_logger import MetricsLogger, MetricsLoggerError, RunningMeans
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


def test_a_name_that_not_all_steps_have_is_a_mean_over_those_that_do() -> None:
    means = RunningMeans()
    means.add({"b": torch.tensor(1.0)})
    means.add({"gradient_norm/a": torch.tensor(7.0), "b": torch.tensor(2.0)})
    means.add({"b": torch.tensor(6.0)})
    means.add({"gradient_norm/a": torch.tensor(9.0), "b": torch.tensor(3.0)})
    assert means.read() == {"b": 3.0, "gradient_norm/a": 8.0, "gradient_norm_max/a": 9.0}


def test_numbers_arrive_in_the_file_and_in_tensorboard(tmp_path: Path) -> None:
    journal = MetricsLogger(tmp_path)
    journal.scalars(10, {"loss/generator/mel": 1.5, "gradient_norm/generator": math.inf})
    journal.scalars(20, {"loss/generator/mel": 1.25})
    sound = np.sin(np.arange(2205, dtype=np.float32) / 20)
    journal.recording(0, "a", sound, 22050)
    journal.synthesis(20, "a", sound, 22050)
    journal.picture(20, "mel", "a", mel_picture({"spoken": np.zeros((80, 12), np.float32)}, seconds_per_frame=0.01))
    path = alignment_picture(np.array([3, 4, 5]), ["^", "a", "$"], seconds_per_frame=0.01)
    journal.picture(20, "alignment", "a", path)
    journal.sentences({"a": "Ähm."})
    journal.text(20, "diagnosis", "- **ok** (outlook): keep going")
    journal.histogram(20, "weights/x", torch.arange(10.0))
    journal.hyper_parameters({"train.batch_size": 4, "decoder.kind": "hifigan"}, ["loss/generator/mel"])
    journal.close()
    lines = read(tmp_path)
    assert [(line["step"], line["loss/generator/mel"]) for line in lines] == [(10, 1.5), (20, 1.25)]
    assert lines[0]["gradient_norm/generator"] is None
    assert "Infinity" not in (tmp_path / "metrics.jsonl").read_text()
    board = EventAccumulator(str(tmp_path), size_guidance={"images": 0, "audio": 0})
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss/generator/mel")] == [(10, 1.5), (20, 1.25)]
    assert board.Tags()["images"] == ["mel/a", "alignment/a"]
    assert [event.step for event in board.Audio("synthesis/a")] == [20]
    assert board.Audio("recorded/a")[0].sample_rate == 22050
    assert board.Histograms("weights/x")[0].histogram_value.num == 10
    tensors = board.Tensors("diagnosis/text_summary")
    assert tensors[0].tensor_proto.string_val[0].startswith(b"- **ok**")
    hyper_parameters = board.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"train.batch_size" in hyper_parameters
    assert b"hifigan" in hyper_parameters
    samples = {str(file.relative_to(tmp_path / "samples")) for file in (tmp_path / "samples").rglob("*.*")}
    step = "00000020"
    assert samples == {
        *("sentences.json", "recorded/a.wav"),
        *(f"{step}/a{ending}" for ending in (".wav", ".mel.png", ".alignment.png")),
    }
    assert imread(tmp_path / "samples" / step / "a.alignment.png").shape == path.shape
    assert json.loads((tmp_path / "samples" / "sentences.json").read_text()) == {"a": "Ähm."}


def test_a_new_run_starts_with_an_empty_page(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        journal = MetricsLogger(tmp_path)
        journal.scalars(0, {"validation/mel": value})
        journal.close()
    assert [line["validation/mel"] for line in read(tmp_path)] == [2.0]
    board = EventAccumulator(str(tmp_path)).Reload()
    assert [event.value for event in board.Scalars("validation/mel")] == [2.0]


def test_time_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = MetricsLogger(tmp_path, step=5, seconds=3600.0)
    journal.scalars(6, {"a": 1.0})
    journal.close()
    assert read(tmp_path)[0]["seconds"] == pytest.approx(3600, abs=60)


def test_the_greatest_gradient_norm_is_told_beside_the_mean() -> None:
    means = RunningMeans()
    for norm in (1.0, math.inf, 7.0):
        means.add({"loss/generator/mel": torch.tensor(norm), "gradient_norm/discriminator": torch.tensor(norm)})
    read = means.read()
    assert read == {
        "loss/generator/mel": 4.0,
        "gradient_norm/discriminator": 4.0,
        "gradient_norm_max/discriminator": 7.0,
    }
    means.add({"gradient_norm/discriminator": torch.tensor(2.0)})
    assert means.read()["gradient_norm_max/discriminator"] == 2.0


def test_the_alignment_is_drawn_as_a_staircase() -> None:
    picture = alignment_picture(np.array([2, 0, 3]), ["^", "_", "a"], seconds_per_frame=0.5)
    rows, columns = np.nonzero((picture == (31, 111, 120)).all(axis=2))
    left, low = columns.min(), rows.max()
    # Three pixels of height a phoneme and two of width a frame: the first lasts 2 frames, the second none, the third 3.
    drawn = {(int(low - row) // 3, int(column - left) // 2) for row, column in zip(rows, columns, strict=True)}
    assert drawn == {(0, 0), (0, 1), (2, 2), (2, 3), (2, 4)}


def test_mel_spectrograms_are_drawn_low_bands_below_on_one_scale_of_loudness() -> None:
    low, high = np.full((2, 80, 5), np.log(1e-5), np.float32)
    low[0], high[79] = 0.0, -5.0
    picture = mel_picture({"low": low, "high": high}, seconds_per_frame=0.01).astype(int).sum(axis=2)
    first, second = picture[24:184, 24:34], picture[208:368, 24:34]
    assert (first[158:] > first[:158].max()).all()
    assert (second[:2] > second[2:].max()).all()
    assert first.max() > second.max()


def everything(journal: MetricsLogger) -> dict[str, Callable[[], None]]:
    """Each way of writing."""
    sound, picture = np.zeros(2205, np.float32), np.zeros((8, 8, 3), np.uint8)
    return {
        "scalars": lambda: journal.scalars(1, {"loss/generator/mel": 1.0}),
        "recording": lambda: journal.recording(1, "a", sound, 22050),
        "spoken": lambda: journal.synthesis(1, "a", sound, 22050),
        "picture": lambda: journal.picture(1, "mel", "a", picture),
    }


@pytest.mark.parametrize("way", ["scalars", "recording", "spoken", "picture"])
@pytest.mark.parametrize("what", ["deleted", "moved", "deleted and made anew"])
def test_a_folder_that_was_deleted_or_moved_is_one_sentence_whatever_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], way: str, what: str
) -> None:
    run = tmp_path / "run"
    journal = MetricsLogger(run)
    journal.scalars(0, {"loss/generator/mel": 2.0})
    if what == "moved":
        run.rename(tmp_path / "elsewhere")
    else:
        shutil.rmtree(run)
    if what == "deleted and made anew":
        run.mkdir()
        (run / "metrics.jsonl").touch()
    before = list(tmp_path.rglob("*"))
    with pytest.raises(MetricsLoggerError, match="run: was deleted or moved while training went on"):
        everything(journal)[way]()
    assert list(tmp_path.rglob("*")) == before, "a part of the run folder came into being again"
    assert journal.present_folder() == (tmp_path / "elsewhere" if what == "moved" else None)
    journal.close()
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    journal = MetricsLogger(tmp_path)
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), journal._events._file.fileno())
    ways: list[Callable[[], None]] = [
        lambda: journal.text(1, "diagnosis", "ok"),
        lambda: journal.histogram(1, "weights/x", torch.zeros(3)),
        lambda: journal.hyper_parameters({"train.batch_size": 4}, ["loss/generator/mel"]),
    ]
    for write in ways:
        with pytest.raises(MetricsLoggerError, match=r"cannot be written \(No space left on device\)"):
            write()
    assert capfd.readouterr().err == ""


def test_a_file_in_the_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(MetricsLoggerError, match="run: cannot be written"):
        MetricsLogger(tmp_path / "run")


@pytest.mark.parametrize("id", ["x" * 400, "é" * 150, "a/" * 120 + "b", "語" * 85])
def test_a_sentence_of_a_name_too_long_for_a_file_has_a_shorter_one_of_its_own(tmp_path: Path, id: str) -> None:
    journal = MetricsLogger(tmp_path)
    journal.sentences({id: "one", f"{id}1": "two", "short": "three"})
    for name in (id, f"{id}1"):
        journal.recording(1, name, np.zeros(100, np.float32), 8000)
        journal.picture(1, "alignment", name, np.zeros((4, 4, 3), np.uint8))
    journal.close()
    named = json.loads((tmp_path / "samples" / "sentences.json").read_text())
    assert sorted(named.values()) == ["one", "three", "two"]
    recorded = {path.stem for path in (tmp_path / "samples" / "recorded").iterdir()}
    assert recorded == named.keys() - {"short"}
