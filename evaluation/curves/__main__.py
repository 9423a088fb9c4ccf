"""The curves of runs as a page, a picture and a verdict: `python -m evaluation.curves runs/ljspeech`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from configs import InputError, command
from configs.atomic_file import replacing
from evaluation.curves.figures import grouped
from evaluation.curves.opened import OpenedRun, open_reference, open_runs
from evaluation.curves.page import make_page
from evaluation.curves.picture import write_picture
from evaluation.curves.watching import HOST, WatchedPage, serve


@command
def main() -> int:
    """Look at runs from the command line."""
    arguments = _arguments()
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
        _print_verdict(run)
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB, open it in a browser; the same as a picture: {picture}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.curves",
        description="What the curves of a training run say: a verdict in words, a page and a picture.",
    )
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="a run folder; several are laid over each other"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="page to write (curves.html in the first RUN); the picture is beside it"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the verdict for programs: rule, severity and sentence"
    )
    parser.add_argument(
        "--reference",
        metavar="none|FILE",
        help="metrics.jsonl to compare with (the run that is shipped with the program)",
    )
    parser.add_argument(
        "--watch", action="store_true", help="serve the page to this machine and refresh it while training"
    )
    parser.add_argument("--port", type=int, default=8770, help="port of --watch (8770); 0 takes a free one")
    arguments = parser.parse_args()
    if arguments.watch and (arguments.json or arguments.output):
        parser.error("--watch serves the page and writes nothing: leave --json and --output out")
    if not 0 <= arguments.port <= 65535:
        parser.error(f"--port {arguments.port}: give a number from 0 to 65535")
    return arguments


def _page_path(given: Path) -> Path:
    """The page's place; who names the picture gets the page beside it.

    Raises:
        InputError: the name ends in neither of the two.
    """
    if given.is_dir():
        return given / "curves.html"
    if given.suffix.lower() not in (".html", ".png"):
        raise InputError(f"{given}: is neither a page nor a picture: end the name in .html or .png, or give a folder")
    return given.with_suffix(".html")


def _print_verdict(run: OpenedRun) -> None:
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
