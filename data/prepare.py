"""`python -m data.prepare FOLDER`: look at every recording and every text, tell what was found, and fill the cache.

`train.py` does the same before its first step.
"""

import argparse
import sys
from pathlib import Path

from configs import AudioSettings, DataSettings, InputError, command, load_config
from data.preparation import Preparation, prepare
from data.report import summary, write_report
from data.report.statistics import describe
from data.text import SymbolTable


def prepare_and_tell(
    data: DataSettings,
    audio: AudioSettings,
    *,
    symbols: SymbolTable | None = None,
    report: Path | None = None,
) -> Preparation:
    """Prepare a corpus, leave the report, and print its table.

    Args:
        data: as in `prepare`.
        audio: as in `prepare`.
        symbols: as in `prepare`.
        report: folder of the report; None chooses one beside the cache.

    Raises:
        InputError: as `prepare`; or anything was found, and `data.strict` refuses that.
    """
    preparation = prepare(data, audio, symbols=symbols)
    statistics = describe(preparation)
    folder = report or Path(data.cache) / "reports" / f"{Path(data.root).resolve().name}-{preparation.key[:8]}"
    if not (folder / "report.html").is_file() or report is not None:
        write_report(preparation, statistics, folder)
    said, encoding = summary(preparation, statistics, folder), sys.stdout.encoding or "utf-8"
    print(said.encode(encoding, "replace").decode(encoding))  # phonemes are in few encodings
    if data.strict and preparation.findings:
        raise InputError(
            f"{data.root}: {len(preparation.findings)} findings, and data.strict refuses them all: correct the rows, "
            "or set data.strict=false"
        )
    return preparation


@command
def main() -> int:
    """Prepare from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m data.prepare",
        description="Look at every recording and every text of a corpus, tell what was found, and fill the cache.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the corpus")
    parser.add_argument("settings", nargs="*", help="section.key=value ..., such as data.language=nl")
    parser.add_argument("--experiment", metavar="FILE", type=Path, help="settings file, such as configs/small.toml")
    parser.add_argument("--format", help="layout of the folder (default: found by looking)")
    parser.add_argument("--report", metavar="DIR", type=Path, help="folder of the report (default: beside the cache)")
    parser.add_argument("--strict", action="store_true", help="exit with 2 if anything was found")
    arguments = parser.parse_intermixed_args()
    overrides = [f"data.root={arguments.folder}", "run.dir=runs/unused", *arguments.settings]
    overrides += [f"data.format={arguments.format}"] * (arguments.format is not None)
    overrides += ["data.strict=true"] * arguments.strict
    config = load_config(arguments.experiment, overrides)
    preparation = prepare_and_tell(config.data, config.audio, report=arguments.report)
    if not preparation.clips:
        raise InputError(f"{arguments.folder}: none of its {preparation.rows} rows can be trained on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
