"""The page of one or more runs as one HTML file: diagnosis, charts, pictures, audio and settings."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.report.web_page import render_page
from monitoring.page.charts import Chart, Group, groups
from monitoring.page.drawing_data import chart_data, picture_data, run_data
from monitoring.page.figures import Figure, corpus_figures, grouped, key_figures
from monitoring.page.glossary import terms_of
from monitoring.page.runs import NamedRun
from monitoring.page.samples import Samples, read_samples

_HERE = Path(__file__).parent
_ALWAYS_DIFFER = ("run.dir",)  # settings


@dataclass(frozen=True)
class _Drawing:
    """One chart on the page."""

    number: int  # among those that the script draws
    chart: Chart
    run: int | None  # the place of the run it belongs to; None where all are laid over each other


@dataclass(frozen=True)
class _Player:
    """The audio of one sentence by one run at one step."""

    run: str
    step: int
    sound: str  # a data URI


@dataclass(frozen=True)
class _Spoken:
    """One validation sentence by every run that has it."""

    id: str
    text: str
    recorded: str | None
    newest: list[_Player]
    earlier: list[_Player]


def make_page(runs: Sequence[NamedRun], *, reference: NamedRun | None = None, version: str = "") -> str:
    """Make the page as HTML.

    Args:
        runs: at least one.
        reference: to compare them with.
        version: of the runs' files, where a server tells when they have changed; "" where the page is a file.
    """
    every = [*runs, *([reference] if reference else [])]
    drawings = _drawings(every)
    samples = [read_samples(run.folder, until=run.last_step, runs=len(runs)) for run in runs]
    facts = {
        "version": version,
        "runs": run_data(every),
        "charts": [chart_data(one.chart, one.run) for _, group in drawings for one in group],
        "pictures": picture_data(runs, samples),
    }
    return render_page(
        _HERE / "page.html.jinja",
        style=_HERE / "page.css",
        scripts=[_HERE / "scales.js", _HERE / "chart.js", _HERE / "page.js"],
        filters={"grouped": grouped},
        title=", ".join(run.name for run in runs),
        runs=runs,
        every=every,
        reference=reference,
        terms=[terms_of(run.findings) for run in runs],
        figures=[key_figures(run) for run in runs],
        corpora=_corpora(runs),
        drawings=drawings,
        samples=samples,
        spoken=_by_sentence(runs, samples),
        differing=_differing(every),
        facts=_embedded(facts),
        watched=bool(version),
    )


def _drawings(runs: Sequence[NamedRun]) -> list[tuple[Group, list[_Drawing]]]:
    """The charts of each group; a stacked one for every run that has its curves."""
    names = dict.fromkeys(name for run in runs for name in run.curves)
    number = itertools.count()
    drawings = []
    for group in groups(names):
        of_group = []
        for chart in group.charts:
            owners = [place for place, run in enumerate(runs) if chart.series[0].curve in run.curves]
            of_group += [_Drawing(next(number), chart, run) for run in (owners if chart.stacked else [None])]
        drawings.append((group, of_group))
    return drawings


def _by_sentence(runs: Sequence[NamedRun], samples: Sequence[Samples]) -> list[_Spoken]:
    """The audio of all runs by sentence: the same id and text."""
    together: dict[tuple[str, str], _Spoken] = {}
    for run, shown in zip(runs, samples, strict=True):
        for sentence in shown.sentences:
            if not sentence.recorded and not sentence.spoken:
                continue
            spoken = together.setdefault(
                (sentence.id, sentence.text), _Spoken(sentence.id, sentence.text, sentence.recorded, [], [])
            )
            players = [_Player(run.name, step, sound) for step, sound in sentence.spoken.items()]
            spoken.newest.extend(players[:1])
            spoken.earlier.extend(players[1:])
    return list(together.values())


def _corpora(runs: Sequence[NamedRun]) -> list[tuple[str, list[Figure]]]:
    """The figures of the recordings, with the names of the runs that share them."""
    together: list[tuple[list[str], list[Figure]]] = []
    for run in runs:
        figures = corpus_figures(run)
        names = next((names for names, known in together if known == figures), None)
        if names is None:
            together.append(([run.name], figures))
        else:
            names.append(run.name)
    return [(", ".join(names), figures) for names, figures in together]


def _differing(runs: Sequence[NamedRun]) -> dict[str, list[str]]:
    """The settings that differ between runs, with each run's value; "" where it has none."""
    known = [run.settings for run in runs if run.settings]
    keys = dict.fromkeys(key for settings in known for key in settings if key not in _ALWAYS_DIFFER)
    differing = (key for key in keys if len({settings.get(key) for settings in known}) > 1)
    return {key: [run.settings.get(key, "") for run in runs] for key in differing}


def _embedded(facts: dict[str, Any]) -> str:
    """JSON for a script element, which no string in it can close."""
    text = json.dumps(facts, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
