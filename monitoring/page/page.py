"""The page of one or more runs: what they say, their curves, pictures and voices, in one file that needs no other."""

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
from monitoring.page.opened import OpenedRun
from monitoring.page.samples import Samples, read_samples
from monitoring.page.words import words_of

_HERE = Path(__file__).parent
_SAYS_NOTHING = ("run.dir",)  # settings that always differ


@dataclass(frozen=True)
class _Drawing:
    """One chart on the page."""

    number: int  # among those that the script draws
    chart: Chart
    run: int | None  # the place of the run it belongs to; None where all are laid over each other


@dataclass(frozen=True)
class _Player:
    """One sentence by one run at one step."""

    run: str
    step: int
    sound: str  # a data URI


@dataclass(frozen=True)
class _Spoken:
    """One validation sentence, by every run that spoke it."""

    id: str
    text: str
    recorded: str | None
    newest: list[_Player]
    earlier: list[_Player]


def make_page(runs: Sequence[OpenedRun], *, reference: OpenedRun | None = None, version: str = "") -> str:
    """The whole page as HTML.

    Args:
        runs: at least one.
        reference: what they are compared with.
        version: of what the page is made of, where a server tells when that has changed; "" where the page is a file.
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
        scripts=[_HERE / "chart.js", _HERE / "page.js"],
        filters={"grouped": grouped},
        title=", ".join(run.name for run in runs),
        runs=runs,
        every=every,
        reference=reference,
        words=[words_of(run.findings) for run in runs],
        figures=[key_figures(run) for run in runs],
        corpora=_corpora(runs),
        drawings=drawings,
        samples=samples,
        spoken=_by_sentence(runs, samples),
        differing=_differing(every),
        facts=_embedded(facts),
        watched=bool(version),
    )


def _drawings(runs: Sequence[OpenedRun]) -> list[tuple[Group, list[_Drawing]]]:
    """The charts of each group; parts of a whole once for every run that has them."""
    names = dict.fromkeys(name for run in runs for name in run.run.curves)
    number = itertools.count()
    drawings = []
    for group in groups(names):
        of_group = []
        for chart in group.charts:
            owners = [place for place, run in enumerate(runs) if chart.series[0].curve in run.run.curves]
            of_group += [_Drawing(next(number), chart, run) for run in (owners if chart.stacked else [None])]
        drawings.append((group, of_group))
    return drawings


def _by_sentence(runs: Sequence[OpenedRun], samples: Sequence[Samples]) -> list[_Spoken]:
    """Sentences of the same name and text are heard side by side, whichever run spoke them."""
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


def _corpora(runs: Sequence[OpenedRun]) -> list[tuple[str, list[Figure]]]:
    """The recordings in figures, and which runs learn from them: once for all that learn from the same."""
    together: list[tuple[list[str], list[Figure]]] = []
    for run in runs:
        figures = corpus_figures(run)
        names = next((names for names, known in together if known == figures), None)
        if names is None:
            together.append(([run.name], figures))
        else:
            names.append(run.name)
    return [(", ".join(names), figures) for names, figures in together]


def _differing(runs: Sequence[OpenedRun]) -> dict[str, list[str]]:
    """The settings that are not the same in all runs, with each run's value; "" where it has none."""
    known = [run.settings for run in runs if run.settings]
    keys = dict.fromkeys(key for settings in known for key in settings if key not in _SAYS_NOTHING)
    differing = (key for key in keys if len({settings.get(key) for settings in known}) > 1)
    return {key: [run.settings.get(key, "") for run in runs] for key in differing}


def _embedded(facts: dict[str, Any]) -> str:
    """JSON that nothing in it can end early, whatever a name says."""
    text = json.dumps(facts, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
