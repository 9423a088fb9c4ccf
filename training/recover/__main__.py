"""Recover parts of a voice: `python -m training.recover voice.onnx --texts metadata.csv -o voice.safetensors`."""

from configs.command_line import check_arguments
from training.recover.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import sys
from pathlib import Path

from configs import InputError, command, load_config
from text.file_encoding import decoded_text
from training.recover.of_voice import with_recovered_parts
from voices.importing.sources import load_voice_from
from voices.parts import front_end_of


@command
def main() -> int:
    """Recover from the command line."""
    arguments = read_arguments()
    lines = [line.rpartition("|")[2].strip() for line in _read(arguments.texts).splitlines()]
    imported = load_voice_from(arguments.voice, to_train=True)
    decoder = None if arguments.decoder is None else load_config(arguments.decoder).decoder
    if decoder is None and imported.voice.has_posterior_encoder:
        raise InputError(f"{arguments.voice}: has a posterior encoder: begin a run with it as it is")
    front_end = front_end_of(imported.voice)
    texts = [encoded.ids for encoded in map(front_end.utterance, filter(None, lines)) if encoded.sounds]
    if not texts:
        raise InputError(f"{arguments.texts}: has no text that the voice can say: give a text per line")
    imported = with_recovered_parts(
        imported, texts, decoder=decoder, minutes=arguments.minutes, most_steps=arguments.steps
    )
    print(imported.report.text())
    imported.voice.save(arguments.output)
    print(f"voice        {arguments.output}")
    print(f"train on     python train.py configs/finetune.toml data.root=RECORDINGS --warm-start {arguments.output}")
    return 0


def _read(path: Path) -> str:
    try:
        return decoded_text(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
