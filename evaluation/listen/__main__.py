"""A blind listening test as one page: `python -m evaluation.listen runs/one runs/two -o listen.html`.

What listeners saved on it is read back with `python -m evaluation.listen --results listening-*.json`.
"""

import argparse
import sys
from pathlib import Path

from configs import InputError, command
from evaluation.counted import counted
from evaluation.listen.items import held_out_sentences, lines_of, load_voices, make_items
from evaluation.listen.page import write_page
from evaluation.listen.results import read_results, results_table
from evaluation.output import check_writable

MOST_VERSIONS = 9  # the keys 1 to 9; ITU-R BS.1534-3 advises against more than 12
_MEGABYTE = 1_000_000


@command
def main() -> int:
    """Make the page of a test, or tell what its results say."""
    arguments = _parser().parse_args()
    if arguments.results is not None:
        if arguments.voices:
            raise InputError("give voices to make a test, or --results to read one, not both")
        print(results_table(read_results(arguments.results)))
        return 0
    if not 1 <= len(arguments.voices) <= MOST_VERSIONS - 2:
        raise InputError(f"{len(arguments.voices)} voices: give from 1 to {MOST_VERSIONS - 2}, or --results FILE ...")
    if arguments.sentences < 1:
        raise InputError(f"--sentences {arguments.sentences}: a test has one or more")
    if arguments.text is not None and (arguments.data is not None or len(arguments.voices) < 2):
        raise InputError("a --text has no recordings: give it no --data, and two voices or more")
    check_writable(arguments.output)
    voices = load_voices(arguments.voices, arguments.device)
    if arguments.text is None:
        # A reference that is duller than a voice would be none.
        finest = max(voices.values(), key=lambda voice: voice.sample_rate)
        path = arguments.voices[list(voices.values()).index(finest)]
        run = path if path.is_dir() else path.parent
        sentences = held_out_sentences(finest, arguments.data, arguments.sentences, run=run)
    else:
        sentences = lines_of(arguments.text, arguments.sentences)
    items = make_items(voices, sentences, seed=arguments.seed)
    write_page(items, arguments.output, seed=arguments.seed, lossless=arguments.lossless)
    megabytes = arguments.output.stat().st_size / _MEGABYTE
    made = f"{counted(len(items), 'sentence')} by {counted(len(voices), 'voice')}"
    print(f"{arguments.output}: {made}, {megabytes:.1f} MB")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.listen", description=__doc__)
    parser.add_argument("voices", metavar="VOICE", nargs="*", type=Path, help="anything that infer.py speaks with")
    parser.add_argument("-o", "--output", type=Path, default=Path("listen.html"), help="page to write (%(default)s)")
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        type=Path,
        help="the recordings (default: where the settings of the first voice with the highest sample rate say)",
    )
    parser.add_argument("--text", metavar="FILE", type=Path, help="lines to speak in the place of held-out sentences")
    parser.add_argument("--sentences", metavar="N", type=int, default=10, help="how many, at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="of the voices' noise and the order (%(default)s)")
    parser.add_argument(
        "--lossless", action="store_true", help="FLAC in the page, which makes it more than twice as large as MP3"
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    parser.add_argument(
        "--results", metavar="FILE", nargs="+", type=Path, help="files that listeners saved on the page"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
