"""The report of a prepared corpus: report.json, and report.html, a self-contained page."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from configs.atomic_file import replacing
from data.faults import FaultKind
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
    """Write report.json and report.html, each atomically.

    Args:
        preparation: of the corpus.
        statistics: of the corpus.
        folder: of the files; created if missing.
        audio_of: the audio of a clip, int16 [S]; None reads it from the cache.

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
    """The content of report.json; `counts` has every kind of fault."""
    found = Counter(fault.kind for fault in preparation.faults)
    return {
        "layout": preparation.layout,
        "root": str(preparation.data.root),
        "language": preparation.data.language,
        "sample_rate": preparation.audio.sample_rate,
        "rows_total": preparation.rows,
        "clips": len(preparation.clips),
        "counts": {kind: found[kind] for kind in FaultKind},
        "rows": [
            {"class" if name == "kind" else name: value for name, value in asdict(fault).items()}
            for fault in preparation.faults
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
        not_found=[kind for kind in FaultKind if kind not in {fault.kind for fault in preparation.faults}],
        histograms=_histograms(preparation),
        frame=FRAME,
        symbols=_symbols(statistics),
        rows=rows,
        labels=Counter(label for row in rows for label in row.labels).most_common(),
        rows_left_out=len(every) - len(rows),
        players_left_out=silent,
    )


def _classes(preparation: Preparation) -> list[tuple[FaultKind, int, str, str]]:
    """Each kind of fault that occurred, its count, the actions, and an example."""
    found = [(kind, [fault for fault in preparation.faults if fault.kind is kind]) for kind in FaultKind]
    return [(kind, len(own), actions(own), example(own[0])) for kind, own in found if own]


def _histograms(preparation: Preparation) -> list[Histogram]:
    clips, rate = preparation.clips, preparation.audio.sample_rate
    metrics = [clip.metrics for clip in clips]
    return [
        histogram("Length", "s", [clip.samples / rate for clip in clips]),
        histogram("Speaking rate", "characters per second", [characters_per_second(clip, rate) for clip in clips]),
        histogram("Loudness", "LUFS", [measure.loudness_lufs for measure in metrics]),
        histogram("Signal to noise", "dB", [measure.snr_db for measure in metrics]),
        histogram("Silence before", "s", [measure.leading_silence_seconds for measure in metrics], narrowest=0.02),
        histogram("Silence after", "s", [measure.trailing_silence_seconds for measure in metrics], narrowest=0.02),
    ]


def _symbols(statistics: CorpusStatistics) -> list[tuple[str, int, float]]:
    """Each symbol, its count, and the length of its bar in percent; missing ones come last."""
    missing = statistics.phonemes.missing if statistics.phonemes else ()
    counts = [*statistics.symbol_counts.items(), *((symbol, 0) for symbol in missing)]
    most = max((count for symbol, count in counts if symbol != " "), default=1)
    return [(symbol, count, round(min(100 * count / max(most, 1), 100), 2)) for symbol, count in counts]
