"""`python -m data.prepare FOLDER`: examine every recording and its text, report the faults, and fill the cache.

`train.py` does the same before its first step.
"""

from configs.command_line import check_arguments
from data.command_line import read_prepare_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_prepare_arguments)

import argparse
import importlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from configs import AudioSettings, DataSettings, InputError, command
from data.corpus import describe_split, split
from data.preparation import Preparation, prepare
from data.report import summary, write_report
from data.report.statistics import describe
from text import SymbolTable

if TYPE_CHECKING:
    from data.splitting.aligner import Aligner

_LONGEST_NAME = 200  # bytes; file systems have 255, and the key follows


def prepare_verbosely(
    data: DataSettings,
    audio: AudioSettings,
    *,
    symbols: SymbolTable | None = None,
    report: Path | None = None,
    split_too: bool = False,
) -> Preparation:
    """Prepare a corpus, write the report, and print its table.

    Args:
        data: as in `prepare`.
        audio: as in `prepare`.
        symbols: as in `prepare`.
        report: folder of the report; None chooses one in the cache.
        split_too: whether to print the split into training and validation set.

    Raises:
        InputError: as `prepare`; or there are faults, and `data.strict` refuses them.
    """
    preparation = prepare(data, audio, symbols=symbols)
    statistics = describe(preparation)
    name = Path(data.root).resolve().name.encode()[:_LONGEST_NAME].decode(errors="ignore")
    folder = report or Path(data.cache) / "reports" / f"{name}-{preparation.key[:8]}"
    if not (folder / "report.html").is_file() or report is not None:
        write_report(preparation, statistics, folder)
    if split_too:
        print(encodable("\n".join(_split_told(preparation))))
    print(encodable(summary(preparation, statistics, folder)))
    if data.strict and preparation.faults:
        raise InputError(
            f"{data.root}: {len(preparation.faults)} faults, and data.strict refuses them all: correct the rows, "
            "or set data.strict=false"
        )
    return preparation


def _split_told(preparation: Preparation) -> tuple[str, ...]:
    try:
        return describe_split(split(preparation.clips, preparation.data), preparation.data)
    except InputError as error:  # training would refuse this corpus; preparing it is no mistake
        return (f"validation: nothing can be set aside: {error}",)


def encodable(text: str) -> str:
    """The text in the encoding of standard output, which may lack phonemes."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


@command
def main() -> int:
    """Prepare from the command line."""
    arguments, config = read_prepare_arguments()
    if arguments.split is not None:
        return _split(config.data, arguments)
    preparation = prepare_verbosely(config.data, config.audio, report=arguments.report, split_too=True)
    if not preparation.clips:
        raise InputError(f"{arguments.folder}: none of its {preparation.rows} rows can be trained on")
    return 0


def _split(data: DataSettings, arguments: argparse.Namespace) -> int:
    """Cut long recordings, and print each cut."""
    from data.splitting.splitting import CUTS, UNUSUAL_RATE, Uncut, check_output, split_corpus

    folder = arguments.split
    check_output(folder)  # before a voice is loaded, which takes seconds
    aligner = _aligner(arguments.voice, arguments.asr, data.language)
    cut, left, whole = Counter[str](), 0, 0
    by_rate: set[str] = set()
    for found in split_corpus(data, folder, aligner):
        if isinstance(found, Uncut):
            left += 1
            print(encodable(f"left out: {found.recording.id} ({found.recording.where}): {found.why}"))
        elif found.cut is None:
            whole += 1
        else:
            cut[found.recording.id] += 1
            by_rate |= {found.recording.id} if found.by_rate else set()
            relative = found.cut.relative_duration
            doubt = (
                ""
                if 1 / UNUSUAL_RATE < relative < UNUSUAL_RATE
                else f"  listen to it: {relative:.2f} of the usual time"
            )
            times = f"{found.cut.start:8.2f} to {found.cut.end:8.2f} s"
            print(encodable(f"{found.name}  {times}  {found.text[:60]}{doubt}"))
    if by_rate:
        what = "voice" if arguments.asr is None else "recogniser"
        print(
            f"in {len(by_rate)} of {len(cut)} recordings the {what} finds other places than the speaking rate "
            "does, and was not used: listen to some pieces, or give a better one"
        )
    print(
        f"{len(cut)} recordings cut into {cut.total()} pieces, {whole} copied, {left} left out; where each is from "
        f"is in {folder / CUTS}; look at them: python -m data.prepare {folder}"
    )
    return 0 if cut or whole else 2


def _aligner(voice: Path | None, asr: str | None, language: str) -> "Aligner":
    """The aligner that the user chose."""
    if asr is not None:
        from data.splitting.aligner import TranscriptAligner
        from data.transcriber import load_transcriber

        return TranscriptAligner(load_transcriber(asr, language))
    # Imported by name, because the networks are on a higher floor.
    aligner: Aligner = importlib.import_module("speaking.sentence_times").VoiceAligner(voice)
    return aligner


if __name__ == "__main__":
    sys.exit(main())
