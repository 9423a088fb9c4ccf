"""The picture of the loss curves shows what metrics.jsonl says."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from configs import InputError
from evaluation.curves import draw_curves, main, read_curves

LINES = (
    '{"step": 0, "seconds": 1, "validation/mel": 2.0}\n'
    '{"step": 10, "seconds": 2, "loss/mel": 1.5, "gradient_norm/synthesizer": null}\n'
    '{"step": 20, "seconds": 3, "loss/mel": 1.0, "gradient_norm/synthesizer": 4.0}\n'
)


def test_each_scalar_becomes_a_curve_and_what_was_no_number_a_gap(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    curves = read_curves(tmp_path / "metrics.jsonl")
    assert curves["loss/mel"] == ([10, 20], [1.5, 1.0])
    assert curves["validation/mel"] == ([0], [2.0])
    steps, values = curves["gradient_norm/synthesizer"]
    assert steps == [10, 20]
    assert np.isnan(values[0])


def test_training_and_validation_share_a_panel_with_their_points(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    figure = draw_curves(read_curves(tmp_path / "metrics.jsonl"), "run")
    mel = next(axis for axis in figure.axes if axis.get_title(loc="left") == "mel L1")
    drawn = {line.get_label(): np.asarray(line.get_xydata()).tolist() for line in mel.get_lines()}
    assert drawn == {"training": [[10.0, 1.5], [20.0, 1.0]], "validation": [[0.0, 2.0]]}


def test_the_command_leaves_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    monkeypatch.setattr("sys.argv", ["curves", str(tmp_path)])
    assert main() == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'curves.png'}: curves of 20 steps")
    picture = imread(tmp_path / "curves.png")
    assert picture[..., :3].std() > 0.05, "the picture is blank"


@pytest.mark.parametrize(("content", "told"), [("", "holds nothing yet"), ("[1]\n", "is not a metrics file")])
def test_a_file_without_curves_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(InputError, match=told):
        read_curves(tmp_path / "metrics.jsonl")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_curves(tmp_path / "metrics.jsonl")
