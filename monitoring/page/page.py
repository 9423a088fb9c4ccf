"""The page of one or more runs as one HTML file: diagnosis, charts, pictures, audio and settings."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from data.report.table import KeyFigure
from data.report.web_page import json_for_script, render_page
from monitoring.page.charts import Chart, Group, groups
from monitoring.page.drawing_data import chart_data, picture_data, run_data
from monitoring.page.figures import corpus_figures, grouped, key_figures
from monitoring.page.glossary import terms_of
from monitoring.page.runs import NamedRun
from monitoring.page.samples import Samples, read_samples

_HERE = Path(__file__).parent
_ALWAYS_DIFFER = ("run.dir",)  # settings


class _Drawing(NamedTuple):
    """One chart on the page."""

    number: int  # among those that the script draws
    chart: Chart
    run: int | None  # the index of its run; None where it has all runs


class _Player(NamedTuple):
    """The audio of one sentence by one run at one step."""

    run: str
    step: int
    sound: str  # a data URI


class _SentencePlayers(NamedTuple):
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
        styles=[_HERE / "page.css"],
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
        sentences=_by_sentence(runs, samples),
        differing=_differing(every),
        facts=json_for_script(facts),
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


def _by_sentence(runs: Sequence[NamedRun], samples: Sequence[Samples]) -> list[_SentencePlayers]:
    """The audio of all runs by sentence: the same id and text."""
    together: dict[tuple[str, str], _SentencePlayers] = {}
    for run, shown in zip(runs, samples, strict=True):
        for sentence in shown.sentences:
            if not sentence.recorded and not sentence.spoken:
                continue
            key = (sentence.id, sentence.text)
            shared = together.setdefault(key, _SentencePlayers(*key, sentence.recorded, [], []))
            players = [_Player(run.name, step, sound) for step, sound in sentence.spoken.items()]
            shared.newest.extend(players[:1])
            shared.earlier.extend(players[1:])
    return list(together.values())


def _corpora(runs: Sequence[NamedRun]) -> list[tuple[str, list[KeyFigure]]]:
    """The figures of the recordings, with the names of the runs that share them."""
    figures = [corpus_figures(run) for run in runs]
    distinct = [one for place, one in enumerate(figures) if one not in figures[:place]]
    names = [[run.name for run, own in zip(runs, figures, strict=True) if own == one] for one in distinct]
    return [(", ".join(those), one) for those, one in zip(names, distinct, strict=True)]


def _differing(runs: Sequence[NamedRun]) -> dict[str, list[str]]:
    """The settings that differ between runs, with each run's value; "" where it has none."""
    known = [run.settings for run in runs if run.settings]
    keys = dict.fromkeys(key for settings in known for key in settings if key not in _ALWAYS_DIFFER)
    differing = (key for key in keys if len({settings.get(key) for settings in known}) > 1)
    return {key: [run.settings.get(key, "") for run in runs] for key in differing}
