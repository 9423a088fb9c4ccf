"""The curves page, a picture of it and the diagnosis of runs: `python -m monitoring runs/ljspeech`."""

from configs.command_line import check_arguments
from monitoring.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from configs import InputError, command
from configs.atomic_file import replacing
from monitoring.page.figures import grouped
from monitoring.page.page import make_page
from monitoring.page.picture import write_picture
from monitoring.page.runs import NamedRun, open_reference, open_runs
from monitoring.page.watching import HOST, WatchedPage, serve


@command
def main() -> int:
    """Make the page and print the diagnosis."""
    arguments = read_arguments()
    if arguments.watch:
        return _watch(arguments)
    runs, reference = open_runs(arguments.runs), open_reference(arguments.reference)
    page = _page_path(arguments.output or arguments.runs[0] / "curves.html")
    with replacing(page) as file:
        file.write(make_page(runs, reference=reference).encode("utf-8", "backslashreplace"))
    picture = page.with_suffix(".png")
    write_picture(picture, runs, reference)
    if arguments.json:
        findings = [
            {"run": str(run.folder), "rule": one.rule, "severity": one.severity, "sentence": one.sentence}
            for run in runs
            for one in run.findings
        ]
        print(json.dumps(findings, indent=1, ensure_ascii=False))
        return 0
    for run in runs:
        _print_diagnosis(run)
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB, open it in a browser; the same as a picture: {picture}")
    return 0


def _page_path(given: Path) -> Path:
    """The path of the page for a given folder, page or picture.

    Raises:
        InputError: the name ends in neither .html nor .png.
    """
    if given.is_dir():
        return given / "curves.html"
    if given.suffix.lower() not in (".html", ".png"):
        raise InputError(f"{given}: is neither a page nor a picture: end the name in .html or .png, or give a folder")
    return given.with_suffix(".html")


def _print_diagnosis(run: NamedRun) -> None:
    print(f"{run.folder}, step {grouped(run.last_step)}:")
    for finding in run.findings:
        print(f"  {finding.severity:8}{finding.rule}: {finding.sentence}")


def _watch(arguments: argparse.Namespace) -> int:
    reference = open_reference(arguments.reference)
    folders: Sequence[Path] = arguments.runs
    watched = WatchedPage(folders, lambda version: make_page(open_runs(folders), reference=reference, version=version))
    server = serve(watched, arguments.port)
    print(f"http://{HOST}:{server.server_port}/ (Ctrl-C ends it)", flush=True)
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
