"""The runs that are looked at: their curves, settings and diagnoses, under names that differ."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs import InputError
from monitoring.curves import Curve, Curves
from monitoring.diagnosis import diagnose
from monitoring.finding import Finding
from monitoring.page.events import has_events, read_events
from monitoring.run import Run, read_run

SHIPPED_REFERENCE = Path(__file__).parent / "reference"
_NO_CURVE = Curve(np.zeros(0, np.int64), np.zeros(0, np.float64))


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """One run, or the reference that runs are compared with."""

    name: str  # differs from those of the others
    folder: Path
    run: Run
    settings: Mapping[str, str]  # "section.key" and the value as TOML has it
    findings: Sequence[Finding] = ()  # none of the reference
    reference: bool = False
    about: str = ""  # what one must know to compare others with it

    @property
    def legend(self) -> str:
        """The name, and what it stands for."""
        return f"{self.name} ({self.about})" if self.about else self.name

    def curve(self, name: str) -> Curve:
        """A scalar's curve; one without points where the run does not have it."""
        return self.run.curves.get(name, _NO_CURVE)

    @property
    def last_step(self) -> int:
        """The step of the newest line."""
        return last_step(self.run.curves)


def open_runs(folders: Sequence[Path]) -> list[OpenedRun]:
    """Read and diagnose runs.

    Raises:
        InputError: a folder holds neither a readable metrics.jsonl nor TensorBoard's files.
    """
    opened = []
    for name, folder in zip(_names(folders), folders, strict=True):
        run = _read(folder)
        opened.append(OpenedRun(name, folder, run, _settings(folder / "config.toml"), diagnose(run)))
    return opened


def open_reference(given: str | None) -> OpenedRun | None:
    """The run to compare with.

    Args:
        given: "none", a metrics.jsonl whose config.toml is beside it, or its folder; None takes the run that is shipped
            with the program, where there is one.

    Raises:
        InputError: what was given cannot be read.
    """
    if given == "none" or (given is None and not (SHIPPED_REFERENCE / "metrics.jsonl").is_file()):
        return None
    folder = SHIPPED_REFERENCE if given is None else Path(given)
    if folder.is_file():
        if folder.name != "metrics.jsonl":
            raise InputError(f"{folder}: is no reference: give a run folder, or the metrics.jsonl of one")
        folder = folder.parent
    name = "reference" if given is None else f"reference {folder.resolve().name}"
    about = "a small voice that has just begun" if given is None else ""
    return OpenedRun(name, folder, _read(folder), _settings(folder / "config.toml"), reference=True, about=about)


def last_step(curves: Curves) -> int:
    """The step of the newest line of all."""
    return max(int(curve.steps[-1]) for curve in curves.values() if len(curve.steps))


def _read(folder: Path) -> Run:
    if (folder / "metrics.jsonl").exists() or not has_events(folder):
        return read_run(folder)
    return Run(read_events(folder))


def _settings(path: Path) -> dict[str, str]:
    """The settings as they stand in a config.toml, of whatever version; none where there is no readable one."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    sections = {section: values for section, values in tree.items() if isinstance(values, dict)}
    return {
        f"{section}.{key}": _as_toml(value) for section, values in sections.items() for key, value in values.items()
    }


def _as_toml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names, with as many of those above them as it takes to tell one from another."""
    paths = [folder.resolve() for folder in folders]
    repeated = next((folder for folder, path in zip(folders, paths, strict=True) if paths.count(path) > 1), None)
    if repeated is not None:
        raise InputError(f"{repeated}: is given twice; give each run once")
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names
