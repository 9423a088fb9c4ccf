"""The curves of runs as a page, a picture and a diagnosis: what the command reads, writes and says."""

import html
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread
from numpy.typing import NDArray
from PIL import Image

from configs import InputError
from monitoring.__main__ import main
from monitoring.curves import Curve
from monitoring.finding import Finding
from monitoring.page import picture
from monitoring.page.charts import groups
from monitoring.page.drawing_data import thin
from monitoring.page.figures import key_figures
from monitoring.page.glossary import terms_of
from monitoring.page.page import make_page
from monitoring.page.picture import draw
from monitoring.page.runs import open_reference, open_runs
from monitoring.page.samples import PICTURE_BYTES, SOUND_BYTES, read_samples, spread
from tests.monitoring.made_runs import RATE, make_run

LINES = (
    '{"step": 0, "seconds": 1, "validation/mel": 2.0}\n'
    '{"step": 10, "seconds": 2, "loss/generator/mel": 1.5, "gradient_norm/generator": null}\n'
    '{"step": 20, "seconds": 3, "loss/generator/mel": 1.0, "gradient_norm/generator": 4.0}\n'
)
STYLE = Path(picture.__file__).with_name("page.css").read_text()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "voice", steps=1000, validate_every=250)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["curves", *map(str, arguments)])
    return main()


def facts(page: str) -> dict[str, Any]:
    """What the page's script is given."""
    (found,) = re.findall(r'<script type="application/json" id="facts">(.*?)</script>', page, re.DOTALL)
    content: dict[str, Any] = json.loads(found)
    return content


# Thinning


@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=400),
    strides=st.lists(st.integers(1, 30), min_size=400, max_size=400),
    buckets=st.integers(2, 50),
)
def test_each_bucket_has_the_extremes_and_the_mean_of_its_steps(
    values: list[float], strides: list[int], buckets: int
) -> None:
    steps = np.cumsum(strides[: len(values)])
    curve = Curve(steps, np.array(values))
    thinned = thin(curve, buckets)
    if len(values) <= buckets:
        np.testing.assert_array_equal(thinned.mean, curve.values)
        assert thinned.low is None
        return
    assert thinned.low is not None
    assert thinned.high is not None
    assert len(thinned.steps) <= buckets
    of_bucket = (steps - steps[0]) * buckets // (steps[-1] - steps[0] + 1)
    for place, bucket in enumerate(sorted(set(of_bucket.tolist()))):
        inside = curve.values[of_bucket == bucket]
        known = inside[~np.isnan(inside)]
        assert thinned.gaps[place] == (len(known) < len(inside))
        assert steps[of_bucket == bucket][0] <= thinned.steps[place] <= steps[of_bucket == bucket][-1]
        if len(known):
            assert (thinned.low[place], thinned.high[place]) == (known.min(), known.max())
            assert thinned.mean[place] == pytest.approx(known.mean(), rel=1e-6, abs=1e-6)
        else:
            assert np.isnan(thinned.mean[place])


def test_validations_are_spread_over_the_run_the_newest_first() -> None:
    assert spread(range(0, 101, 10), 5) == [100, 0, 50, 80, 30]
    assert spread([0, 1000, 2000], 5) == [2000, 0, 1000]
    assert spread([], 5) == []


# What is drawn


def test_every_scalar_has_its_place_and_what_is_not_known_comes_last(run: Path) -> None:
    names = [*open_runs([run])[0].curves, "somebody/else"]
    found = groups(names)
    drawn = [series.curve for group in found for chart in group.charts for series in chart.series]
    assert set(drawn) == set(names) - {"seconds", "schedule/epoch"}
    assert [chart.title for chart in found[-1].charts] == ["somebody/else"]


def test_the_picture_shows_training_and_validation_in_one_panel_with_their_points(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    figure = draw(open_runs([tmp_path]))
    mel = next(axis for axis in figure.axes if axis.get_title(loc="left").startswith("Mel"))
    drawn = [np.asarray(line.get_xydata()).tolist() for line in mel.get_lines()]
    assert drawn == [[[10.0, 1.5], [20.0, 1.0]], [[0.0, 2.0]]]


def test_the_page_gives_its_script_the_points_and_the_gaps(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    (told,) = facts(make_page(open_runs([tmp_path])))["runs"]
    grid, mean, *extremes, gaps = told["curves"]["gradient_norm/generator"]
    assert (told["grids"][grid], mean, extremes, gaps) == ([10, 20], [None, 4.0], [None, None], [0])
    assert told["clock"] == [[0, 10, 20], [pytest.approx(n / 3600, rel=1e-4) for n in (1, 2, 3)]]


def test_the_best_step_is_that_of_the_weights_that_were_kept(tmp_path: Path) -> None:
    scores = {0: (2.0, 2.1), 10: (0.9, 0.8), 20: (None, 1.0)}
    lines = [
        {"step": step, "seconds": step, "validation/score": averaged, "validation_newest/score": newest}
        for step, (averaged, newest) in scores.items()
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (opened,) = open_runs([tmp_path])
    figures = {figure.name: (figure.value, figure.remark) for figure in key_figures(opened)}
    assert figures["Best step"] == ("10", "validation score 0.8, raw weights")
    assert figures["Validation score"] == ("not finite", "")
    assert facts(make_page([opened]))["runs"][0]["best"] == 10


def test_what_was_spoken_beyond_the_last_step_is_of_another_run(run: Path) -> None:
    assert read_samples(run).sounding[-1] == 1000
    assert read_samples(run, until=999).sounding[-1] == 750


def test_runs_of_one_name_are_told_apart_by_the_folders_above(tmp_path: Path) -> None:
    for place in ("a/voice", "b/voice"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "metrics.jsonl").write_text(LINES)
    assert [one.name for one in open_runs([tmp_path / "a/voice", tmp_path / "b/voice"])] == ["a/voice", "b/voice"]
    with pytest.raises(InputError, match="given twice"):
        open_runs([tmp_path / "a/voice", tmp_path / "a" / "voice"])


def test_of_several_runs_the_settings_that_differ_come_first(tmp_path: Path, run: Path) -> None:
    other = make_run(tmp_path / "other", steps=1000, sentences=None, settings={"train": {"batch_size": 16}})
    page = make_page(open_runs([run, other]))
    table = page[page.index('class="differing"') : page.index("</table>")]
    assert re.findall(r'<th scope="row"><bdi>(.*?)</bdi>', table) == ["train.batch_size"]
    assert re.findall(r"</small><bdi>(.*?)</bdi>", table) == ["64", "16"]


def _linear(colour: str) -> NDArray[np.float64]:
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ np.clip(linear, 0, 1) / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(("theme", "card"), [(0, "#ffffff"), (1, "#1c2024")])
def test_the_colours_of_runs_are_told_apart_by_the_colour_blind_too(theme: int, card: str) -> None:
    # Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
    # severity 1: protanopia, deuteranopia, tritanopia.
    seen = [
        np.eye(3),
        np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
        np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
        np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
    ]
    colours = re.findall(r"--(?:colour-\d|reference): (#\w{6})", STYLE)[7 * theme : 7 * theme + 7]
    if theme == 0:
        assert tuple(colours[:6]) == picture._COLOURS
    for eye in seen:
        labs = [_lab(eye @ _linear(colour)) for colour in colours]
        nearest = min(np.linalg.norm(a - b) for place, a in enumerate(labs) for b in labs[:place])
        assert nearest > 20  # 2.3 is just noticeable
    luminance = [float(np.array([0.2126, 0.7152, 0.0722]) @ _linear(colour)) + 0.05 for colour in (*colours, card)]
    assert all(max(one, luminance[-1]) / min(one, luminance[-1]) > 3 for one in luminance[:-1])  # WCAG 2.2, 1.4.11


# The command


def test_the_command_leaves_a_page_and_a_picture_and_says_the_diagnosis(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(run, tmp_path / "copied")
    assert call(monkeypatch, copied) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{copied}, step 1\u202f000:"
    assert "outlook: " in told[-2]
    assert told[-1].startswith(f"{copied / 'curves.html'}: ")
    assert imread(copied / "curves.png")[..., :3].std() > 0.05, "the picture is blank"
    page = (copied / "curves.html").read_text()
    assert page.index("outlook") < page.index("data-chart"), "the diagnosis comes first"


def test_programs_are_told_each_finding(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, run, "--json", "-o", tmp_path / "other.png") == 0
    findings = json.loads(capsys.readouterr().out)
    assert findings[-1]["rule"] == "outlook"
    assert {frozenset(finding) for finding in findings} == {frozenset(("run", "rule", "severity", "sentence"))}
    assert {finding["severity"] for finding in findings} <= {"ok", "notice", "problem"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.html", "other.png"]


@pytest.mark.parametrize(("content", "told"), [("", "holds nothing yet"), ("[1]\n", "is not a metrics file")])
def test_a_file_without_curves_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(InputError, match=told):
        open_runs([tmp_path])


def test_a_folder_without_a_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, tmp_path) == 2
    assert "cannot be read (No such file" in capsys.readouterr().err


def test_a_name_that_is_neither_page_nor_picture_is_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, run, "-o", tmp_path / "curves.pdf") == 2
    assert "end the name in .html or .png" in capsys.readouterr().err


def test_a_run_at_its_very_beginning_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 20, "seconds": 9.5, "loss/generator/mel": 2.0}\n')
    page = make_page(open_runs([tmp_path]))
    for told in ("No validation yet", "No pictures yet", "No audio yet", "no readable config.toml", "No summary"):
        assert told in page


def test_the_page_explains_the_terms_of_its_diagnosis_and_no_others(run: Path) -> None:
    (opened,) = open_runs([run])
    assert [word.name for word in terms_of([Finding("x", "ok", "The discriminators are at 3 nats.")])] == [
        "discriminator",
        "nats",
    ]
    page = make_page([opened])
    explained = re.findall(
        r"<dt>([^<]*)</dt><dd>[^<]*</dd></div>", page[page.index('class="glossary"') : page.index("</dl>")]
    )
    assert explained == [word.name for word in terms_of(opened.findings)]
    assert {"discriminator", "nats"} <= {*explained}


def test_the_name_of_a_rule_comes_small_and_last(run: Path) -> None:
    (opened,) = open_runs([run])
    page = make_page([opened])
    for finding in opened.findings[:-1]:
        item = page[: page.index(f'<small class="rule">{finding.rule}</small>')].rpartition("<li")[2]
        assert html.unescape(re.sub("<[^>]*>", "", item)).endswith(f"{finding.severity} {finding.sentence} ")


def test_the_shipped_reference_is_called_what_it_is(run: Path) -> None:
    runs, reference, given = open_runs([run]), open_reference(None), open_reference(str(run))
    assert reference is not None
    assert "reference (a small voice after a few steps)" in make_page(runs, reference=reference)
    assert "and no target" in make_page(runs, reference=reference)
    assert "and no target" not in make_page(runs, reference=given), "of another run nothing of the kind is known"
    legend = draw(runs, reference).legends[0].get_texts()
    assert [text.get_text() for text in legend] == ["voice", "reference (a small voice after a few steps)"]


@pytest.mark.parametrize(("every", "left_out"), [(250, False), (100, True)])
def test_what_the_page_leaves_out_is_told_only_where_it_does(tmp_path: Path, every: int, left_out: bool) -> None:
    page = make_page(open_runs([make_run(tmp_path / "voice", steps=1000, validate_every=every)]))
    assert f"{1000 // every + 1} validations have samples." in page
    assert ("so that it stays below 5 MB" in page) == left_out


def test_a_damaged_line_is_told_and_the_rest_is_drawn(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (tmp_path / "metrics.jsonl").write_text("\n".join([*lines[:40], '{"step": 80', *lines[40:]]) + "\n")
    assert call(monkeypatch, tmp_path) == 0
    assert "lines_damaged: Line 41 of metrics.jsonl cannot be read" in capsys.readouterr().out
    assert len(open_runs([tmp_path])[0].curve("loss/generator/mel")) == len(
        open_runs([run])[0].curve("loss/generator/mel")
    )


def test_a_reference_is_a_run_folder_or_its_metrics(run: Path, tmp_path: Path) -> None:
    folder, file = open_reference(str(run)), open_reference(str(run / "metrics.jsonl"))
    assert folder is not None
    assert file is not None
    assert folder.last_step == file.last_step == 1000
    assert file.settings["train.steps"] == "2000"
    assert open_reference("none") is None
    with pytest.raises(InputError, match="is no reference"):
        open_reference(str(run / "config.toml"))


def test_tensorboard_files_will_do_where_there_is_no_metrics_file(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path))
    for step in (10, 20, 30):
        writer.add_scalar("loss/generator/mel", 1 / step, step, walltime=1000 + 2 * step)
    writer.add_scalar("gradient_norm/generator", float("inf"), 30, walltime=1060)
    writer.close()
    (opened,) = open_runs([tmp_path])
    np.testing.assert_array_equal(opened.curve("loss/generator/mel").steps, [10, 20, 30])
    np.testing.assert_allclose(opened.curve("loss/generator/mel").values, [0.1, 0.05, 1 / 30], rtol=1e-6)
    np.testing.assert_array_equal(opened.curve("seconds").values, [0, 20, 40])
    assert np.isnan(opened.curve("gradient_norm/generator").values).all()
    assert "Mel" in make_page([opened])


# The size


def test_the_newest_and_a_few_earlier_voices_are_kept_within_a_budget(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 255, (400, 900, 3), dtype=np.uint8))
    sound = (0.3 * random.standard_normal(20 * RATE)).astype(np.float32)
    source = tmp_path / "source"
    source.mkdir()
    noise.save(source / "picture.png", compress_level=0)
    soundfile.write(source / "sound.wav", sound, RATE)
    for step in range(0, 8000, 1000):
        folder = tmp_path / "samples" / f"{step:08d}"
        folder.mkdir(parents=True)
        for name in ("a", "b"):
            (folder / f"{name}.wav").hardlink_to(source / "sound.wav")
            (folder / f"{name}.mel.png").hardlink_to(source / "picture.png")
            (folder / f"{name}.alignment.png").write_bytes(b"no picture")
    samples = read_samples(tmp_path)
    sounds = sum(len(sound) for one in samples.sentences for sound in one.spoken.values())
    pictures = sum(len(uri) for one in samples.sentences for kinds in one.pictures.values() for uri in kinds.values())
    assert SOUND_BYTES / 2 < sounds <= SOUND_BYTES
    assert PICTURE_BYTES / 2 < pictures <= PICTURE_BYTES
    assert samples.left_out > 0
    assert all(7000 in one.spoken and 7000 in one.pictures for one in samples.sentences), "the newest comes first"


def test_twenty_thousand_reports_are_a_page_below_five_megabytes_made_in_seconds(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "long", steps=8000, validate_every=400)  # 400 reports, 20 validations
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    with (folder / "metrics.jsonl").open("w") as file:
        for number in range(1, 20_000 + len(lines) // 20):
            rest = lines[number % len(lines)].split(", ", 2)[2]
            file.write(f'{{"step": {number * 40}, "seconds": {number * 16.5}, {rest}\n')
    started = time.process_time()
    (opened,) = open_runs([folder])
    page = make_page([opened])
    draw([opened])
    assert time.process_time() - started < 10.0  # about 3 on an idle machine
    assert len(opened.curve("loss/generator/mel").steps) >= 19_000
    assert 500_000 < len(page.encode()) < 5_000_000
