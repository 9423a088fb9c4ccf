"""The results as a table and as JSON: means with their 95 % intervals."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from configs.atomic_file import replacing
from evaluation.alignment import ALIGNMENT, has_aligned
from evaluation.metric import Better, MetricRow
from evaluation.output import counted
from evaluation.rendition import HeldOutSentence
from evaluation.robustness import robustness_table
from evaluation.scoring import Compared, Evaluation
from metrics.intervals import Interval

_ARROWS: Mapping[Better, str] = {"lower": "↓", "higher": "↑", "recorded": "≈"}
_LEGEND = (
    "means [95 % intervals]; better is ↓ lower, ↑ higher, ≈ nearer to the recording\n"
    "error rates are those of all sentences together: every word, character or phoneme has the same weight"
)
_LEGEND_OF_TWO = (
    f"{_LEGEND}\nthe difference is second minus first, for ≈ of the distances from the recording\n"
    "of twenty metrics of two equal voices, one differs by chance"
)
_FEW, _LEAST_COMPARED = 10, 6  # Wilcoxon's test needs 6 equal signs: p = 2 / 2^6

Cells = tuple[str, ...]


def table(evaluation: Evaluation) -> str:
    """The table of one voice, with the recordings where they have the same metric."""

    def cells(row: MetricRow) -> Cells:
        return _label(row), _mean(row.interval), _mean(row.recorded_interval) if row.recorded else ""

    head = ("", "voice", "recordings")
    lines = [*_laid_out(head, evaluation.rows, cells), "", _LEGEND]
    return "\n".join([*lines, *_too_few(evaluation.rows), *_remarks(evaluation)])


def table_of_two(first: Evaluation, second: Evaluation, compared: Sequence[Compared]) -> str:
    """The table of two voices, and which of them is better by which metric."""
    names = {"first": first.voice, "second": second.voice, None: "no difference found"}
    rows = {row.key: row for row in second.rows}
    tests = {one.key: one for one in compared}

    def cells(row: MetricRow) -> Cells:
        test = tests[row.key]
        both = (_mean(each.interval) for each in (row, rows[row.key]))
        better = "neither: see coverage" if test.withheld else names[test.winner]
        return _label(row), *both, _mean(test.difference), better

    head = ("", first.voice, second.voice, "difference", "better")
    lines = _laid_out(head, [row for row in first.rows if row.key in tests], cells)
    few = _too_few([*first.rows, *second.rows], compared)
    return "\n".join([*lines, "", _LEGEND_OF_TWO, *few, *_remarks(first), *_remarks(second)])


def write_json(
    path: Path,
    sentences: Sequence[HeldOutSentence],
    evaluations: Sequence[Evaluation],
    compared: Sequence[Compared] = (),
) -> None:
    """Write all results with the values of every sentence; NaN becomes null.

    Raises:
        InputError: the file cannot be written.
    """

    def of_row(row: MetricRow) -> dict[str, Any]:
        return {**asdict(row), "interval": row.interval, "recorded_interval": row.recorded_interval}

    found = {
        "sentences": [{"id": sentence.id, "text": sentence.text} for sentence in sentences],
        "voices": [asdict(each) | {"rows": [of_row(row) for row in each.rows]} for each in evaluations],
        "comparison": compared,
    }
    with replacing(path) as file:
        file.write(to_json(found, indent=1, inf_nan_mode="null") + b"\n")


def _laid_out(head: Cells, rows: Sequence[MetricRow], cells: Callable[[MetricRow], Cells]) -> Iterator[str]:
    """A line for each row, below the title of its part; rows without values are left to the remarks."""
    lines = {row.key: cells(row) for row in rows if not row.note}
    widths = [max(map(len, column)) for column in zip(head, *lines.values(), strict=True)]

    def line(line: Cells) -> str:
        first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        return "  ".join([first.strip().ljust(widths[0]), *rest]).rstrip()

    yield line(head)
    for title, keys in groupby(lines, key=lambda key: key[0]):
        yield from ("", title, *(line(lines[key]) for key in keys))


def _label(row: MetricRow) -> str:
    return f"{_ARROWS[row.better]} {row.name}" + (f", {row.unit}" if row.unit else "")


def _mean(interval: Interval) -> str:
    if not interval.count:
        return "no value"
    if interval.count == 1:
        return _number(interval.mean)
    return f"{_number(interval.mean)} [{_number(interval.low)}, {_number(interval.high)}]"


def _number(value: float) -> str:
    """Three digits, or all of a large number."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value + 0.0:#.3g}".rstrip(".")  # no -0


def _too_few(rows: Sequence[MetricRow], compared: Sequence[Compared] = ()) -> Iterator[str]:
    """What so few sentences cannot show."""
    most = max((row.interval.count for row in rows), default=0)
    if most == 1:
        yield "one sentence: there are no intervals, and another sentence may have very different values"
    elif most < _FEW:
        yield f"fewer than {_FEW} sentences: the intervals are too narrow"
    if compared and max(one.difference.count for one in compared) < _LEAST_COMPARED:
        yield f"fewer than {_LEAST_COMPARED} sentences: no difference can be found, however large it is"


def _remarks(evaluation: Evaluation) -> Iterator[str]:
    """Missing metrics and values, failures, and the hard texts."""
    for note in dict.fromkeys(row.note for row in evaluation.rows if row.note):
        yield f"{evaluation.voice}: without {', '.join(_noted(evaluation.rows, note))}: {note}"
    for row in evaluation.rows:
        if not row.note and row.interval.count < len(row.values):
            of = counted(len(row.values), "sentence")
            yield f"{evaluation.voice}: {row.name} of {row.interval.count} of {of}"
    aligned = [row for row in evaluation.rows if row.part == ALIGNMENT.title and row.interval.count > 1]
    if aligned and not has_aligned(aligned):
        yield f"{evaluation.voice}: its {ALIGNMENT.title} is no better than chance, so that its metrics mean nothing"
    if evaluation.failures:
        yield f"{evaluation.voice}: {counted(len({one.sentence for one in evaluation.failures}), 'sentence')} failed"
    for failure in evaluation.failures:
        yield f"  {failure.sentence}: {failure.reason}"
    if evaluation.hard_texts:
        yield f"\n{evaluation.voice}: hard texts\n{robustness_table(evaluation.hard_texts)}"


def _noted(rows: Sequence[MetricRow], note: str) -> Iterator[str]:
    """Parts of which all rows have this note, and single rows of others."""
    for part, grouped in groupby(rows, key=lambda row: row.part):
        own = list(grouped)
        noted = [row.name for row in own if row.note == note]
        yield from [part] if len(noted) == len(own) else noted
