"""Make a voice of ours from another program's: `python -m models.importing --from G_400.pth -o voice.safetensors`."""

import argparse
import sys
from pathlib import Path

from configs import InputError, command
from models.importing.sources import KINDS, load_voice_from
from models.voice_file import save_voice


@command
def main() -> int:
    """Import from the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.importing", description="Import a voice.")
    parser.add_argument("--from", dest="source", metavar="VOICE", type=Path, required=True, help=KINDS)
    parser.add_argument("--config", type=Path, metavar="JSON", help="its config.json, where it is not beside it")
    parser.add_argument("--tensors", action="store_true", help="report every tensor, not only the remarkable ones")
    parser.add_argument("-o", "--output", type=Path, required=True, help="voice.safetensors to write")
    arguments = parser.parse_args()
    if arguments.output.suffix != ".safetensors" or not arguments.output.parent.is_dir():
        raise InputError(f"{arguments.output}: give the name of a .safetensors file in a folder that exists")
    imported = load_voice_from(arguments.source, settings=arguments.config)
    print(imported.report.text(every_tensor=arguments.tensors))
    voice = imported.voice
    save_voice(
        arguments.output,
        voice.synthesizer,
        voice.config,
        symbols=voice.symbols,
        speakers=voice.speakers,
        step=voice.step,
        lexicon=voice.lexicon,
        whole=True,
    )
    print(f"voice        {arguments.output}")
    print(f'speak        python infer.py {arguments.output} "Hello."')
    print(f"train on     python train.py SETTINGS --warm-start {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
