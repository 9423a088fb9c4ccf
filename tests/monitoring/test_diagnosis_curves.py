"""The curves of a run are what its metrics.jsonl says."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs import InputError, dump_config
from monitoring.curves import Curve, read_metrics
from monitoring.diagnosis import diagnose
from monitoring.run import Run, read_run
from tests.monitoring.pencil import settings as experiment

LINES = (
    '{"step": 0, "seconds": 1, "validation/mel": 2.0}\n'
    '{"step": 10, "seconds": 2, "loss/generator/mel": 1.5, "gradient_norm/generator": null}\n'
    '{"step": 20, "seconds": 3, "loss/generator/mel": 1.0, "gradient_norm/generator": 4.0}\n'
    '{"step": 20, "seconds": 4, "validation/mel": 1.1}\n'
)


def points(curve: Curve) -> list[tuple[int, float]]:
    return list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))


def test_each_scalar_becomes_a_curve_and_what_was_no_number_a_gap(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    curves = read_metrics(tmp_path / "metrics.jsonl").curves
    assert points(curves["loss/generator/mel"]) == [(10, 1.5), (20, 1.0)]
    assert points(curves["validation/mel"]) == [(0, 2.0), (20, 1.1)]
    assert points(curves["seconds"]) == [(0, 1.0), (10, 2.0), (20, 4.0)]
    assert np.isnan(curves["gradient_norm/generator"].values).tolist() == [True, False]
    assert points(curves["gradient_norm/generator"].known) == [(20, 4.0)]


def test_scalars_of_earlier_versions_are_read_by_their_present_names(tmp_path: Path) -> None:
    """A run that an earlier version began and this one resumed has one curve of both."""
    old, new = '{"step": 10, "loss/mel": 2, "accuracy_fake/x": 0.5}', '{"step": 20, "loss/generator/mel": 1}'
    (tmp_path / "metrics.jsonl").write_text(f"{old}\n{new}\n")
    curves = read_run(tmp_path).curves
    assert points(curves["loss/generator/mel"]) == [(10, 2.0), (20, 1.0)]
    assert points(curves["discriminator_accuracy/generated/x"]) == [(10, 0.5)]
    assert "loss/mel" not in curves


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES + '{"step": 30, "loss/generator/mel": 0.')
    assert points(read_metrics(tmp_path / "metrics.jsonl").curves["loss/generator/mel"]) == [(10, 1.5), (20, 1.0)]


def test_the_lines_after_a_resume_count(tmp_path: Path) -> None:
    steps = {10: 1.0, 20: 2.0, 30: 3.0}, {20: 4.0, 30: 5.0, 40: 6.0}
    lines = [json.dumps({"step": step, "loss/generator/mel": value}) for part in steps for step, value in part.items()]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    curve = read_metrics(tmp_path / "metrics.jsonl").curves["loss/generator/mel"]
    assert points(curve) == [(10, 1.0), (20, 4.0), (30, 5.0), (40, 6.0)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.dictionaries(st.sampled_from("abc"), st.none() | st.floats(allow_nan=True)),
        ),
        min_size=1,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_file_is_read_as_line_by_line(tmp_path: Path, lines: list[tuple[int, dict[str, float | None]]]) -> None:
    expected: dict[str, dict[int, float]] = {}
    for step, values in lines:
        for name, value in values.items():
            known = expected.setdefault(name, {})
            for later in [before for before in known if before >= step]:
                del known[later]
            known[step] = value if value is not None and math.isfinite(value) else math.nan
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps({"step": step, **values}) + "\n" for step, values in lines))
    if not expected:
        with pytest.raises(InputError, match="holds nothing yet"):
            read_metrics(path)
        return
    read = read_metrics(path).curves
    assert {name: [step for step, _ in points(curve)] for name, curve in read.items()} == {
        name: list(curve) for name, curve in expected.items()
    }
    for name, curve in read.items():
        np.testing.assert_array_equal(curve.values, list(expected[name].values()))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "holds nothing yet"),
        ("[1]\n", "is not a metrics file"),
        ('{"loss/generator/mel": 1.0}\n', "is not a metrics file"),
        ('{"step": 1, "loss/generator/mel": "low"}\n', "is not a metrics file"),
        ('{"step": 1, "loss/generator/mel": [1]}\n', "is not a metrics file"),
        ('{"step": 1e999, "loss/generator/mel": 1}\n', "is not a metrics file"),
        ('{"step": -5, "loss/generator/mel": 1}\n', "line 1: step -5 is none"),
        ('\n\n{"step": 1, "loss', "holds nothing yet"),
        ("\n[1]\n[2]\n", "line 2: has no step"),
    ],
)
def test_a_file_without_curves_is_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(InputError, match=told):
        read_metrics(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize(
    "damage",
    [
        *(
            b"",
            b"[1]",
            b'"word"',
            b"null",
            b'{"loss/generator/mel": 1.0}',
            b'{"step": 15, "loss/generator/mel": "low"}',
            b"\xff\xfe",
            b"\0\0",
        ),
        *(
            b'{"step": -5, "loss/generator/mel": 9.0}',
            b'{"step": 15, "loss/generator/mel": 0.{"step": 15, "loss/generator/mel": 9.0}',
        ),
        *(b'{"step": null, "loss/generator/mel": 1.0}', b'{"step": 15, "loss/generator/mel": %d}' % 10**400),
        *(b'{"step": 15, "loss/generator/mel": "9.0"}', b"[" * 100_000),
    ],
)
def test_a_run_outlives_a_damaged_line_and_says_which_it_was(tmp_path: Path, damage: bytes) -> None:
    """Fault: one such line refused the whole run, and was named as line 1 of another text."""
    whole, damaged = tmp_path / "whole.jsonl", tmp_path / "metrics.jsonl"
    lines = LINES.encode().splitlines(keepends=True)
    whole.write_bytes(b"".join(lines))
    damaged.write_bytes(b"".join([*lines[:2], damage + b"\n", *lines[2:]]))
    expected, read = read_metrics(whole), read_metrics(damaged)
    assert expected.damaged == ()
    assert read.damaged == ((3,) if damage else ())  # nothing was in an empty one
    for name, curve in expected.curves.items():
        np.testing.assert_array_equal(read.curves[name].values, curve.values)
    assert read.curves.keys() == expected.curves.keys()
    told = {found.rule: found.sentence for found in diagnose(read_run(tmp_path))}
    assert told.get("lines_damaged", "").startswith("Line 3 of metrics.jsonl cannot be read" if damage else "")


def test_a_folder_without_a_run_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_run(tmp_path)
    (tmp_path / "metrics.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(InputError, match="is not a metrics file"):
        read_run(tmp_path)


def test_twenty_thousand_reports_are_read_in_a_breath(tmp_path: Path) -> None:
    scalars = ", ".join(f'"loss/{index}": {index + 0.123456789012345}' for index in range(40))
    lines = (f'{{"step": {step}, "seconds": {step}.5, {scalars}}}\n' for step in range(20_000))
    (tmp_path / "metrics.jsonl").write_text("".join(lines))
    started = time.process_time()
    curves = read_metrics(tmp_path / "metrics.jsonl").curves
    assert time.process_time() - started < 3  # it takes 0.7 seconds; one list append a scalar takes 1.5
    assert len(curves["loss/39"]) == 20_000


def test_a_run_is_read_with_its_settings_and_the_summary_of_its_recordings(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    (tmp_path / "config.toml").write_text(dump_config(experiment()))
    (tmp_path / "corpus.json").write_text('{"hours": 0.5}')
    run = read_run(tmp_path)
    assert run.config == experiment()
    assert run.figure("hours") == 0.5
    assert run.last_step == 20


@pytest.mark.parametrize("content", ["[run", "[run]\nunknown = 1\n", None])
def test_settings_and_summary_that_cannot_be_read_are_done_without(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "metrics.jsonl").write_text(LINES)
    if content is not None:
        (tmp_path / "config.toml").write_text(content)
        (tmp_path / "corpus.json").write_text(content)
    run = read_run(tmp_path)
    assert run.config is None
    assert run.corpus == {}


def test_only_numbers_are_figures_of_the_recordings() -> None:
    run = Run({}, corpus={"a": 1, "b": "1", "c": True, "d": None, "e": math.inf, "f": [1]})
    assert {name: run.figure(name) for name in "abcdefg"} == {**dict.fromkeys("abcdefg"), "a": 1.0}


def test_now_is_the_last_quarter_of_the_run_but_never_less_than_a_few_points() -> None:
    steps = np.arange(10, 1001, 10)
    run = Run(
        {"loss/generator/mel": Curve(steps, steps / 1.0), "validation/mel": Curve(steps[::20], steps[::20] / 1.0)}
    )
    assert (latest := run.latest("loss/generator/mel"))
    assert latest.steps[[0, -1]].tolist() == [760, 1000]
    assert (latest := run.latest("missing", "validation/mel"))
    assert latest.steps.tolist() == [410, 610, 810]
    assert Run({"loss/generator/mel": Curve(steps[:4], steps[:4] / 1.0)}).latest("loss/generator/mel") is None


@pytest.mark.parametrize("fallback", [False, True])
def test_what_has_no_numbers_any_more_has_no_now(fallback: bool) -> None:
    """Fault: of a run that broke halfway, the values from before were told as present ones."""
    steps = np.arange(10, 1001, 10)
    values = steps / 1.0
    for last in (500, 950):
        broken = Run(
            {
                "loss/generator/mel": Curve(steps, np.where(steps > last, np.nan, values)),
                "loss/generator/kl": Curve(steps, values),
            }
        )
        latest = broken.latest("loss/generator/mel", *(["loss/generator/kl"] if fallback else []))
        assert (latest.steps[-1] if latest else None) == (1000 if fallback else None)
    ended = Run({"loss/generator/mel": Curve(steps[:70], values[:70]), "loss/generator/kl": Curve(steps, values)})
    assert ended.latest("loss/generator/mel") is None
