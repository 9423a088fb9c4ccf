"""Import another program's voice: `python -m voices.importing --from G_400.pth -o voice.safetensors`."""

from configs.command_line import check_arguments
from voices.importing.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import sys
import textwrap

from configs import InputError, command
from voices.importing.discriminators import discriminators_path, save_discriminators
from voices.importing.report import file_digest
from voices.importing.sources import load_voice_from


@command
def main() -> int:
    """Import from the command line."""
    arguments = read_arguments()
    imported = load_voice_from(arguments.source, settings=arguments.config, to_train=arguments.discriminators)
    sha256 = file_digest(arguments.source)
    notes = () if sha256 is None else (f"the SHA-256 of {arguments.source} is {sha256}",)
    print(imported.report.with_notes(notes).text(every_tensor=arguments.tensors))
    voice, discriminators = imported.voice, imported.discriminators
    if arguments.discriminators and discriminators is None:
        raise InputError(f"{arguments.source}: has no discriminators: leave --discriminators out")
    voice.save(arguments.output, half=arguments.half)
    if discriminators is not None:
        save_discriminators(discriminators, discriminators_path(arguments.output), half=arguments.half)
    if voice.origin is None:
        print("origin       nothing about its origin or licence is beside it: ask who published it")
    else:
        print("origin       as published with it, and kept in the voice:")
        print(textwrap.indent(voice.origin, " " * 13))
    print(f"voice        {arguments.output}")
    print(f'speak        python infer.py {arguments.output} "Hello."')
    print(f"train on     python train.py SETTINGS --warm-start {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
