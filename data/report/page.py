"""The report of a prepared corpus on disk: report.json, and report.html, which needs nothing but itself."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from configs.atomic_file import replacing
from data.findings import Fault
from data.preparation import Preparation
from data.report.histogram import FRAME, Histogram, histogram
from data.report.observations import observations
from data.report.statistics import CorpusStatistics, characters_per_second
from data.report.suspects import MOST_ROWS, AudioOf, add_sound, fairly, suspects
from data.report.table import actions, example, key_figures
from data.report.web_page import render_page

_HERE = Path(__file__).parent


def write_report(
    preparation: Preparation, statistics: CorpusStatistics, folder: Path, *, audio_of: AudioOf | None = None
) -> Path:
    """Write report.json and report.html, each in one step.

    Args:
        preparation: what became of the corpus.
        statistics: of the same.
        folder: receives the files; made if it is not there.
        audio_of: the sound of a clip, int16 [S]; None takes it from the cache.

    Returns:
        The page.

    Raises:
        InputError: a file cannot be written.
    """
    if audio_of is None:
        prepared = preparation.prepared_audio
        audio_of = lambda clip: prepared.samples(clip.recording.audio_path, clip.audio_key)  # noqa: E731
    content = json.dumps(_facts(preparation, statistics), ensure_ascii=False, allow_nan=False, indent=1)
    page = _page(preparation, statistics, audio_of)
    for name, text in (("report.json", content), ("report.html", page)):
        with replacing(folder / name) as file:
            file.write(text.encode("utf-8", "backslashreplace"))  # a lone surrogate becomes \\udcxx, as JSON has it
    return folder / "report.html"


def _facts(preparation: Preparation, statistics: CorpusStatistics) -> dict[str, Any]:
    """All that the report knows, for programs; `counts` has every class that was looked for."""
    found = Counter(finding.fault for finding in preparation.findings)
    return {
        "layout": preparation.layout,
        "root": str(preparation.data.root),
        "language": preparation.data.language,
        "sample_rate": preparation.audio.sample_rate,
        "rows_total": preparation.rows,
        "clips": len(preparation.clips),
        "counts": {fault: found[fault] for fault in Fault},
        "rows": [
            {
                "id": finding.id,
                "file": finding.file,
                "line": finding.line,
                "class": finding.fault,
                "detail": finding.detail,
                "action": finding.action,
            }
            for finding in preparation.findings
        ],
        "corpus": asdict(statistics),
        "observations": [*preparation.notices, *observations(preparation, statistics)],
    }


def _page(preparation: Preparation, statistics: CorpusStatistics, audio_of: AudioOf) -> str:
    every = suspects(preparation, statistics)
    in_turns = fairly(every)[:MOST_ROWS]
    silent = add_sound(in_turns, preparation, audio_of)
    shown = {id(row) for row in in_turns}
    rows = [row for row in every if id(row) in shown]
    return render_page(
        _HERE / "page.html.jinja",
        scripts=[_HERE / "page.js"],
        title=Path(preparation.data.root).resolve().name or str(preparation.data.root),
        preparation=preparation,
        statistics=statistics,
        figures=key_figures(preparation, statistics),
        observations=(*preparation.notices, *observations(preparation, statistics)),
        classes=_classes(preparation),
        not_found=[fault for fault in Fault if fault not in {finding.fault for finding in preparation.findings}],
        histograms=_histograms(preparation),
        frame=FRAME,
        symbols=_symbols(statistics),
        rows=rows,
        labels=Counter(label for row in rows for label in row.labels).most_common(),
        rows_left_out=len(every) - len(rows),
        players_left_out=silent,
    )


def _classes(preparation: Preparation) -> list[tuple[Fault, int, str, str]]:
    """Each class that occurred: its name, how often, what was done, and an example."""
    found = [(fault, [one for one in preparation.findings if one.fault == fault]) for fault in Fault]
    return [(fault, len(own), actions(own), example(own[0])) for fault, own in found if own]


def _histograms(preparation: Preparation) -> list[Histogram]:
    clips, rate = preparation.clips, preparation.audio.sample_rate
    measures = [clip.measures for clip in clips]
    return [
        histogram("Length", "s", [clip.samples / rate for clip in clips]),
        histogram("Pace", "characters per second", [characters_per_second(clip, rate) for clip in clips]),
        histogram("Loudness", "LUFS", [measure.loudness_lufs for measure in measures]),
        histogram("Signal to noise", "dB", [measure.snr_db for measure in measures]),
        histogram("Silence before", "s", [measure.leading_silence_seconds for measure in measures], narrowest=0.02),
        histogram("Silence after", "s", [measure.trailing_silence_seconds for measure in measures], narrowest=0.02),
    ]


def _symbols(statistics: CorpusStatistics) -> list[tuple[str, int, float]]:
    """Each symbol, how often it occurs, and the length of its bar in percent; what is missing comes last."""
    missing = statistics.phonemes.missing if statistics.phonemes else ()
    counts = [*statistics.symbol_counts.items(), *((symbol, 0) for symbol in missing)]
    most = max((count for symbol, count in counts if symbol != " "), default=1)
    return [(symbol, count, round(min(100 * count / max(most, 1), 100), 2)) for symbol, count in counts]
