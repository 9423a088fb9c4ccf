"""The runs of a page: each read and diagnosed, with a name that differs from those of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from monitoring.diagnosis import Finding, diagnose
from monitoring.run import Run, read_run

SHIPPED_REFERENCE = Path(__file__).parent / "reference"


@dataclass(frozen=True, eq=False, kw_only=True)
class NamedRun(Run):
    """A run of the page, or the reference that runs are compared with."""

    name: str  # differs from those of the others
    folder: Path
    findings: Sequence[Finding] = ()  # none of the reference
    reference: bool = False
    about: str = ""  # what one must know to compare others with it

    @property
    def legend(self) -> str:
        """The name, and what one must know about the run."""
        return f"{self.name} ({self.about})" if self.about else self.name


def open_runs(folders: Sequence[Path]) -> list[NamedRun]:
    """Read and diagnose runs.

    Raises:
        InputError: a folder is given twice, or holds neither a readable metrics.jsonl nor TensorBoard's files.
    """
    runs = zip(_names(folders), map(read_run, folders), strict=True)
    return [NamedRun(**vars(run), name=name, findings=diagnose(run)) for name, run in runs]


def open_reference(given: str | None) -> NamedRun | None:
    """Read the run to compare with.

    Args:
        given: "none", a run folder, or the metrics.jsonl in one; None takes the run that is shipped with the program,
            where there is one.

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
    about = "a small voice after a few steps" if given is None else ""
    return NamedRun(**vars(read_run(folder)), name=name, reference=True, about=about)


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as many parent folders as it takes to make them differ."""
    paths = [folder.resolve() for folder in folders]
    repeated = next((folder for folder, path in zip(folders, paths, strict=True) if paths.count(path) > 1), None)
    if repeated is not None:
        raise InputError(f"{repeated}: is given twice; give each run once")
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names
