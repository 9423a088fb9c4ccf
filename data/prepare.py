"""`python -m data.prepare FOLDER`: look at every recording and every text, tell what was found, and fill the cache.

`train.py` does the same before its first step.
"""

from configs.command_line import check_arguments
from data.command_line import read_prepare_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_prepare_arguments)

import sys
from pathlib import Path

from configs import AudioSettings, DataSettings, InputError, command
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
    arguments, config = read_prepare_arguments()
    preparation = prepare_and_tell(config.data, config.audio, report=arguments.report)
    if not preparation.clips:
        raise InputError(f"{arguments.folder}: none of its {preparation.rows} rows can be trained on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
