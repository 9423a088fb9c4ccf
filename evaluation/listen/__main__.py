"""A blind listening test as one page: `python -m evaluation.listen runs/one runs/two -o listen.html`.

`python -m evaluation.listen --results listening-*.json` reads the files that listeners saved on it.
"""

from configs.command_line import check_arguments
from evaluation.listen.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import sys

from configs import command
from evaluation.listen.items import held_out_sentences, lines_of, load_voices, make_items
from evaluation.listen.page import write_page
from evaluation.listen.results import read_results, results_table
from evaluation.output import check_writable, counted

_MEGABYTE = 1_000_000


@command
def main() -> int:
    """Make the page of a test, or print its results."""
    arguments = read_arguments()
    if arguments.results is not None:
        print(results_table(read_results(arguments.results)))
        return 0
    check_writable(arguments.output)
    voices = load_voices(arguments.voices, arguments.device)
    if arguments.text is None:
        # The reference must have at least the bandwidth of every voice.
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


if __name__ == "__main__":
    sys.exit(main())
