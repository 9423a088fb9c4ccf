"""Load our own voices: voice files, run folders and checkpoints."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from configs import Config, InputError, parse_config
from configs.content import json_object
from models.discriminator import Discriminator
from models.shapes_only import shapes_only
from models.synthesizer import Synthesizer
from voices.checkpoint import content_of_checkpoint, list_checkpoints, load_checkpoint
from voices.importing.assembly import Discriminators, Imported
from voices.importing.discriminators import discriminators_path, load_discriminators
from voices.importing.report import Fate, Report, TensorLine
from voices.voice_file import VoiceFile, load_voice, synthesizer_of
from voices.weight_norm import weight_norms


def read_voice(path: Path, *, to_train: bool) -> Imported:
    """Read a voice file; for further training the discriminators beside it, too, if there are any."""
    beside = discriminators_path(path)
    discriminators = load_discriminators(beside) if to_train and beside.is_file() else None
    return _copied(load_voice(path), f"{path}: voice", discriminators)


def import_run(folder: Path, *, to_train: bool) -> Imported:
    """Read a run: its voice; for further training its newest checkpoint, with posterior encoder and discriminators.

    Raises:
        InputError: it has neither.
    """
    voice, checkpoints = folder / "voice.safetensors", list_checkpoints(folder / "checkpoints")
    if checkpoints and (to_train or not voice.exists()):
        lexicon = load_voice(voice).lexicon if voice.exists() else None
        return read_checkpoint(checkpoints[-1], lexicon=lexicon, to_train=to_train)
    if voice.exists():
        return read_voice(voice, to_train=to_train)
    raise InputError(f"{folder} holds no voice yet: train.py writes {voice} when it first saves")


def read_checkpoint(path: Path, *, lexicon: str | None = None, to_train: bool) -> Imported:
    """Read the EMA weights of a checkpoint, and its discriminators for further training."""
    state = load_checkpoint(path)
    with content_of_checkpoint(path):
        config = parse_config(state["config"], source=str(path))
        speakers = tuple(state["speakers"])
        json_object(state["symbols"])
        voice = VoiceFile(
            config=config,
            synthesizer=folded_synthesizer(state["average"], config, num_speakers=max(1, len(speakers))),
            symbols=state["symbols"],
            speakers=speakers,
            step=state["step"],
            lexicon=lexicon,
            norms=weight_norms(state["average"]),
            origin=state.get("origin") or None,
        )
        discriminators = _discriminators(state["discriminator"], config) if to_train else None
    return _copied(voice, f"{path}: checkpoint of a run", discriminators)


def folded_synthesizer(trained: Mapping[str, Tensor], config: Config, *, num_speakers: int) -> Synthesizer:
    """The synthesizer of a checkpoint, with weight norms folded.

    Raises:
        KeyError, RuntimeError: the weights do not fit these settings.
    """
    num_symbols = trained["text_encoder.embedding.weight"].shape[0]
    with shapes_only():
        synthesizer = Synthesizer(config, num_symbols=num_symbols, num_speakers=num_speakers)
    synthesizer.load_state_dict(trained, assign=True)
    weights = {name: weight.detach() for name, weight in synthesizer.folded_state_dict().items()}
    return synthesizer_of(config, weights, num_speakers=num_speakers)


def _discriminators(tensors: Mapping[str, Tensor], config: Config) -> Discriminators:
    with shapes_only():
        names = Discriminator.from_config(config, nn.Identity()).names
    discriminators: dict[str, dict[str, Tensor]] = {name: {} for name in names}
    for name, tensor in tensors.items():
        _, index, rest = name.split(".", 2)
        discriminators[names[int(index)]][rest] = tensor
    return discriminators


def _copied(voice: VoiceFile, title: str, discriminators: Discriminators | None = None) -> Imported:
    weights = voice.synthesizer.state_dict()
    lines = [TensorLine(name, Fate.COPIED, tuple(weight.shape)) for name, weight in weights.items()]
    return Imported(voice, Report(title, tuple(lines)), discriminators)
