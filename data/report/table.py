"""The report of a prepared corpus as text for a terminal."""

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.findings import Fault, Finding
from data.preparation import Preparation
from data.report.observations import observations
from data.report.printable import printable
from data.report.statistics import CorpusStatistics, Distribution

_LOG_WIDTH = 160  # where there is no terminal


@dataclass(frozen=True)
class Figure:
    """A figure that is worth a line, or a field of its own."""

    name: str
    value: str
    remark: str = ""


def summary(preparation: Preparation, statistics: CorpusStatistics, folder: Path, *, width: int | None = None) -> str:
    """What was found, a line for each class; then figures, observations, and where the report is.

    Args:
        preparation: what became of the corpus.
        statistics: of the same.
        folder: of the report.
        width: columns that the text may take; None asks the terminal.
    """
    width = width or shutil.get_terminal_size(fallback=(_LOG_WIDTH, 0)).columns
    lines = [_cut(line, width) for line in (*_findings(preparation.findings), *_figures(preparation, statistics))]
    for observation in (*preparation.notices, *observations(preparation, statistics)):
        lines += textwrap.wrap(printable(observation), max(width, 20), initial_indent="- ", subsequent_indent="  ")
    return "\n".join([*lines, f"report: {printable(str(folder / 'report.html'))}"])


def _findings(findings: Sequence[Finding]) -> list[str]:
    rows = [("class", "rows", "action", "for example")]
    for fault in Fault:
        own = [finding for finding in findings if finding.fault == fault]
        if own:
            rows.append((fault, str(len(own)), actions(own), example(own[0])))
    if len(rows) == 1:
        return ["nothing was found fault with"]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{name:{widths[0]}}  {count:>{widths[1]}}  {action:{widths[2]}}  {case}" for name, count, action, case in rows
    ]


def actions(findings: Sequence[Finding]) -> str:
    """What was done with these: `dropped`, or `3 dropped, 1 kept`."""
    counts = Counter(str(finding.action) for finding in findings).most_common()
    return counts[0][0] if len(counts) == 1 else ", ".join(f"{count} {action}" for action, count in counts)


def example(finding: Finding) -> str:
    """One finding in a line."""
    return printable(f"{finding.file or finding.id} (line {finding.line}): {finding.detail}", 300)


def _figures(preparation: Preparation, statistics: CorpusStatistics) -> list[str]:
    figures = key_figures(preparation, statistics)
    longest = max(len(figure.name) for figure in figures)
    return [
        f"{figure.name:{longest}}  {figure.value}{f' ({figure.remark})' if figure.remark else ''}" for figure in figures
    ]


def key_figures(preparation: Preparation, statistics: CorpusStatistics) -> list[Figure]:
    """What a corpus is, in a few lines."""
    minutes = statistics.hours * 60
    named = [share for share in statistics.speakers if share.name is not None]
    rates = ", ".join(str(rate) for rate in statistics.sample_rates)
    coverage = statistics.phonemes
    done = Counter(finding.action for finding in preparation.findings)
    return [
        Figure("clips", str(statistics.clips), f"of {statistics.rows} rows"),
        Figure("findings", str(done.total()), ", ".join(f"{count} {action}" for action, count in done.most_common())),
        Figure("speech", f"{statistics.hours:.2f} h" if minutes >= 60 else f"{minutes:.1f} min"),
        *([Figure("speakers", str(len(named)))] if named else []),
        *_spread("clip length", statistics.seconds, "s"),
        *_spread("characters per second", statistics.characters_per_second),
        *_spread("loudness", statistics.loudness_lufs, "LUFS"),
        *_spread("SNR", statistics.snr_db, "dB"),
        *([Figure("sample rate", f"{rates} Hz", f"the voice has {preparation.audio.sample_rate} Hz")] if rates else []),
        Figure("symbols", str(len(statistics.symbol_counts))),
        *(
            [Figure("phonemes", f"{coverage.share:.0%}", f"of those of {preparation.data.language}")]
            if coverage
            else []
        ),
    ]


def _spread(name: str, distribution: Distribution | None, unit: str = "") -> list[Figure]:
    if distribution is None:
        return []
    low, middle, high = distribution.p05, distribution.median, distribution.p95
    return [Figure(name, f"{middle:.1f} {unit}".strip(), f"{low:.1f} to {high:.1f} in nine of ten")]


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"
