"""The report of a prepared corpus as a table for the terminal."""

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.wording import shortened
from data.faults import FaultKind, RowFault
from data.preparation import Preparation
from data.report.observations import observations
from data.report.statistics import CorpusStatistics, Distribution
from data.report.web_page import printable

_LOG_WIDTH = 160  # without a terminal


@dataclass(frozen=True)
class KeyFigure:
    """A figure with its name and a remark."""

    name: str
    value: str
    remark: str = ""


def summary(preparation: Preparation, statistics: CorpusStatistics, folder: Path, *, width: int | None = None) -> str:
    """The faults, one line per kind; then statistics, observations, and the path of the report.

    Args:
        preparation: of the corpus.
        statistics: of the corpus.
        folder: of the report.
        width: in columns; None takes the width of the terminal.
    """
    width = width or shutil.get_terminal_size(fallback=(_LOG_WIDTH, 0)).columns
    lines = [shortened(line, width) for line in (*_faults(preparation.faults), *_figures(preparation, statistics))]
    for observation in (*preparation.notices, *observations(preparation, statistics)):
        lines += textwrap.wrap(printable(observation), max(width, 20), initial_indent="- ", subsequent_indent="  ")
    return "\n".join([*lines, f"report: {printable(str(folder / 'report.html'))}"])


def _faults(faults: Sequence[RowFault]) -> list[str]:
    rows = [("class", "rows", "action", "for example")]
    for kind in FaultKind:
        if own := [fault for fault in faults if fault.kind is kind]:
            rows.append((kind, str(len(own)), actions(own), example(own[0])))
    if len(rows) == 1:
        return ["no faults"]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{name:{widths[0]}}  {count:>{widths[1]}}  {action:{widths[2]}}  {case}" for name, count, action, case in rows
    ]


def actions(faults: Sequence[RowFault]) -> str:
    """The actions on these faults: `dropped`, or `3 dropped, 1 kept`."""
    counts = Counter(str(fault.action) for fault in faults).most_common()
    return counts[0][0] if len(counts) == 1 else ", ".join(f"{count} {action}" for action, count in counts)


def example(fault: RowFault) -> str:
    """One fault in one line."""
    return printable(f"{fault.file or fault.id} (line {fault.line}): {fault.detail}", 300)


def _figures(preparation: Preparation, statistics: CorpusStatistics) -> list[str]:
    figures = key_figures(preparation, statistics)
    longest = max(len(figure.name) for figure in figures)
    return [
        f"{figure.name:{longest}}  {figure.value}{f' ({figure.remark})' if figure.remark else ''}" for figure in figures
    ]


def key_figures(preparation: Preparation, statistics: CorpusStatistics) -> list[KeyFigure]:
    """The key statistics of a corpus."""
    minutes = statistics.hours * 60
    named = [share for share in statistics.speakers if share.name is not None]
    rates = ", ".join(str(rate) for rate in statistics.sample_rates)
    coverage = statistics.phonemes
    done = Counter(fault.action for fault in preparation.faults)
    return [
        KeyFigure("clips", str(statistics.clips), f"of {statistics.rows} rows"),
        KeyFigure("faults", str(done.total()), ", ".join(f"{count} {action}" for action, count in done.most_common())),
        KeyFigure("speech", f"{statistics.hours:.2f} h" if minutes >= 60 else f"{minutes:.1f} min"),
        *([KeyFigure("speakers", str(len(named)))] if named else []),
        *_spread("clip length", statistics.seconds, "s"),
        *_spread("characters per second", statistics.characters_per_second),
        *_spread("loudness", statistics.loudness_lufs, "LUFS"),
        *_spread("SNR", statistics.snr_db, "dB"),
        *(
            [KeyFigure("sample rate", f"{rates} Hz", f"the voice has {preparation.audio.sample_rate} Hz")]
            if rates
            else []
        ),
        KeyFigure("symbols", str(len(statistics.symbol_counts))),
        *(
            [KeyFigure("phonemes", f"{coverage.share:.0%}", f"of those of {preparation.data.language}")]
            if coverage
            else []
        ),
    ]


def _spread(name: str, distribution: Distribution | None, unit: str = "") -> list[KeyFigure]:
    if distribution is None:
        return []
    low, middle, high = distribution.p05, distribution.median, distribution.p95
    return [KeyFigure(name, f"{middle:.1f} {unit}".strip(), f"{low:.1f} to {high:.1f} in nine of ten")]
