"""Checkpoints of the original repository (`G_400000.pth`), and the layout of their names, which Piper shares."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from configs import InputError
from voices.importing.alphabet import published_ids
from voices.importing.assembly import Description, Discriminators, Imported, assemble
from voices.importing.foreign import Foreign
from voices.importing.json_file import read_json, section, whole_numbers
from voices.importing.names import original_name
from voices.importing.torch_file import read_torch_file, tensors_of

PARTS = ("enc_p.", "enc_q.", "dec.", "flow.", "dp.", "emb_g.")

# What the tensors of a sub-discriminator are called here; the discriminators themselves stand in the same order.
_DISCRIMINATORS = (
    (r"^convs\.", "layers."),
    (r"^conv_post\.", "output."),
    (r"weight_g$", "parametrizations.weight.original0"),
    (r"weight_v$", "parametrizations.weight.original1"),
)
_DISCRIMINATOR_NAMES = ("scale_1", "period_2", "period_3", "period_5", "period_7", "period_11")


def original_synthesizer(tensors: Mapping[str, Tensor], source: str) -> Foreign:
    """A synthesizer by the names of the original repository."""
    return Foreign({_ordinary(name): tensor for name, tensor in tensors.items()}, original_name, source)


def original_discriminators(tensors: Mapping[str, Tensor]) -> Discriminators:
    """Its discriminators: one scale, then the five periods of HiFi-GAN."""
    discriminators: dict[str, dict[str, Tensor]] = {name: {} for name in _DISCRIMINATOR_NAMES}
    for name, tensor in tensors.items():
        if match := re.match(r"^discriminators\.([0-5])\.(.+)", name):
            rest = match[2]
            for pattern, replacement in _DISCRIMINATORS:
                rest = re.sub(pattern, replacement, rest)
            discriminators[_DISCRIMINATOR_NAMES[int(match[1])]][rest] = tensor.float()
    return {name: sub_discriminator for name, sub_discriminator in discriminators.items() if sub_discriminator}


def read_original(path: Path, state: Mapping[str, Any], *, settings: Path | None, to_train: bool) -> Imported:
    """Read a voice of the original repository.

    Args:
        path: the checkpoint.
        state: what it holds; a checkpoint that was made smaller may be the weights alone.
        settings: its config.json; None looks beside it.
        to_train: whether its discriminators are wanted, which are in another file beside it.

    Raises:
        InputError: it cannot be a voice here; the message says why.
    """
    tensors = tensors_of(state["model"] if isinstance(state.get("model"), Mapping) else state)
    beside = settings or path.parent / "config.json"
    described = settings is not None or beside.is_file()
    foreign = original_synthesizer(tensors, str(path))
    description = _describe(path, read_json(beside) if described else None, beside, foreign, state)
    discriminators, notes = _discriminators(path) if to_train else (None, ())
    imported = assemble(foreign, description, skipped={})
    return Imported(imported.voice, imported.report.with_notes(notes), discriminators)


def _describe(
    path: Path, tree: dict[str, Any] | None, beside: Path, foreign: Foreign, state: Mapping[str, Any]
) -> Description:
    data, model = section(tree or {}, "data"), section(tree or {}, "model")
    if data.get("add_blank") is False:
        raise InputError(
            f"{beside}: data.add_blank is false: {path.name} was trained without blanks between symbols, which is not "
            "done here"
        )
    notes = []
    if tree is None:
        notes.append(f"there is no {beside}: taken to be of 22050 Hz and US English, as the published LJSpeech voice")
    front_end, language = "espeak", "en-us"
    cleaners = data.get("text_cleaners") or []
    cleaners = cleaners if isinstance(cleaners, list) else [cleaners]
    if tree is not None and not any(str(cleaner).startswith("english") for cleaner in cleaners):
        front_end = "graphemes"
        notes.append(
            f"its texts were cleaned by {', '.join(map(str, cleaners)) or 'nothing that is known'}, which is not here: "
            "give its symbols in [[ ]], or a text that is written with them"
        )
    step = state.get("iteration")
    return Description(
        title="original VITS",
        source=str(path),
        ids=_ids(tree or {}, foreign, beside),
        settings={
            "audio": {
                "sample_rate": data.get("sampling_rate"),
                "n_fft": data.get("filter_length"),
                "window_length": data.get("win_length"),
                "hop_length": data.get("hop_length"),
                "mel_bands": data.get("n_mel_channels"),
                "fmin_hz": data.get("mel_fmin"),
                "fmax_hz": data.get("mel_fmax"),
            },
            "decoder": {
                "upsample_rates": model.get("upsample_rates"),
                "residual_dilations": model.get("resblock_dilation_sizes"),
            },
            "data": {"language": language, "front_end": front_end},
        },
        speakers=_speakers(tree or {}),
        step=step if isinstance(step, int) else 0,
        notes=tuple(notes),
        parts=PARTS,
    )


def _ids(tree: Mapping[str, Any], foreign: Foreign, beside: Path) -> dict[str, int]:
    rows = foreign.architecture().num_symbols
    symbols = tree.get("symbols")
    if isinstance(symbols, list):
        return {str(symbol): index for index, symbol in enumerate(symbols)}
    published = published_ids()
    if rows == 1 + max(published.values()):
        return published
    raise InputError(
        f"{foreign.source}: has {rows} symbols, and the published alphabet 178: name its own, in their order, in a "
        f'list "symbols" of {beside}'
    )


def _speakers(tree: Mapping[str, Any]) -> list[str] | dict[str, int]:
    speakers = tree.get("speakers")
    if isinstance(speakers, list):
        return [str(name) for name in speakers]
    return whole_numbers(tree, "speakers")


def _discriminators(path: Path) -> tuple[Discriminators | None, tuple[str, ...]]:
    """Those of the same step, in the file whose name begins with a D."""
    beside = path.with_name(f"D{path.name[1:]}")
    if not path.name.startswith("G") or not beside.is_file():
        return None, (f"there is no {beside.name} beside it: its discriminators are not there to be trained on",)
    state = read_torch_file(beside)
    tensors = state.get("model", state) if isinstance(state, Mapping) else {}
    return original_discriminators(tensors_of(tensors)), ()


def _ordinary(name: str) -> str:
    """A name as it would be, had layer norms weights and biases, and residual blocks of both kinds the same lists."""
    name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))
    return re.sub(r"^(dec\.resblocks\.\d+)\.convs\.", r"\1.convs1.", name)
