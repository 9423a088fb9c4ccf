"""A voice of ours from a foreign model and what is known of it beside its weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from configs import Config, InputError, parse_config
from models.synthesizer import Synthesizer
from voices.importing.alphabet import settled
from voices.importing.foreign import Architecture, Foreign
from voices.importing.report import Fate, Line, Report
from voices.voice_file import VoiceFile, empty_synthesizer

# One sub-discriminator's tensors by the name of the sub-discriminator, such as scale_1 or period_3.
Discriminators = Mapping[str, Mapping[str, Tensor]]

_EMBEDDING = "text_encoder.embedding.weight"
_DILATIONS = {(1, 3): [1, 3, 5], (2, 2): [1, 3]}  # by kind of the residual block and number of convolutions
_LIGHT_KERNELS, _LIGHT_DILATIONS = [3, 5, 7], [[1, 2], [2, 6], [3, 12]]  # HiFi-GAN V3, and Piper's medium quality
_SEGMENT_FRAMES = 32  # of the paper


@dataclass(frozen=True)
class Imported:
    """A voice from elsewhere."""

    voice: VoiceFile
    report: Report
    discriminators: Discriminators | None = None  # where they were asked for, and there are some


@dataclass(frozen=True)
class Description:
    """What is known of a foreign voice beside its weights."""

    title: str  # what it is, for the report
    source: str  # names the file in what is said about it
    ids: Mapping[str, int]  # by symbol
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of ours, by section; None is not known
    speakers: Sequence[str] | Mapping[str, int] = ()  # their names, in order or by id
    step: int = 0
    lexicon: str | None = None
    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # how the names of a synthesizer's tensors begin there


def assemble(foreign: Foreign, description: Description, *, skipped: Mapping[str, Tensor]) -> Imported:
    """Make a voice.

    Args:
        foreign: the weights.
        description: the rest.
        skipped: tensors of the same file that are no part of a synthesizer.

    Raises:
        InputError: a tensor is missing, or there is one that a VITS with a HiFi-GAN decoder does not have.
    """
    architecture = foreign.architecture()
    config, assumed = _config(architecture, description)
    alphabet = settled(description.ids, rows=architecture.num_symbols, source=description.source)
    speakers = _names(description.speakers, architecture.num_speakers)
    num_symbols = len(alphabet.rows)
    if num_symbols > architecture.num_symbols:
        foreign.tensors[foreign.name(_EMBEDDING)] = foreign.tensors[foreign.name(_EMBEDDING)][list(alphabet.rows)]
    synthesizer = empty_synthesizer(
        config,
        num_symbols=num_symbols,
        num_speakers=architecture.num_speakers,
        posterior_encoder=architecture.spectrogram_bins is not None,
    )
    lines = _fill(synthesizer, foreign, description.parts, copied_rows=num_symbols - architecture.num_symbols)
    shapes = {name: weight.shape for name, weight in synthesizer.state_dict().items()}
    norms = {
        name: foreign.norms[theirs].shaped(shapes[name])
        for name in shapes
        if (theirs := foreign.name(name)) in foreign.norms
    }
    lines += [Line(name, Fate.SKIPPED, tuple(tensor.shape), "not used to speak") for name, tensor in skipped.items()]
    voice = VoiceFile(
        config=config,
        synthesizer=synthesizer,
        symbols=alphabet.symbols,
        speakers=speakers,
        step=description.step,
        lexicon=description.lexicon,
        norms=norms,
    )
    notes = (*description.notes, *assumed, *alphabet.notes)
    return Imported(voice, Report(f"{description.source}: {description.title}", tuple(lines), notes))


def _config(architecture: Architecture, description: Description) -> tuple[Config, list[str]]:
    given = {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in description.settings.items()
    }
    decoder = architecture.decoder | given.get("decoder", {})
    assumed = []
    if "upsample_rates" not in decoder:
        decoder["upsample_rates"] = [size // 2 for size in decoder["upsample_kernel_sizes"]]
        assumed.append(f"the upsampling rates are taken to be half of the kernels: {decoder['upsample_rates']}")
    if "residual_dilations" not in given.get("decoder", {}):
        decoder["residual_dilations"] = _dilations(decoder, description.source)
        assumed.append(f"the dilations are taken to be the published ones: {decoder['residual_dilations']}")
    audio = given.get("audio", {})
    if architecture.spectrogram_bins is not None:
        audio.setdefault("n_fft", 2 * (architecture.spectrogram_bins - 1))
        audio.setdefault("window_length", audio["n_fft"])
    try:
        hop = audio.setdefault("hop_length", math.prod(decoder["upsample_rates"]))
        frames = max(_SEGMENT_FRAMES, -(-audio.get("n_fft", 1024) // hop))
    except (TypeError, ZeroDivisionError) as error:
        raise InputError(
            f"{description.source}: its settings of the hop, the Fourier transform or the upsampling are no numbers"
        ) from error
    tree = {
        "run": {"dir": "runs/imported"},
        "data": {"root": "unknown", **given.get("data", {})},
        "audio": audio,
        "model": architecture.model,
        "decoder": decoder,
        "train": {"segment_samples": frames * hop},
        "speaking": given.get("speaking", {}),
    }
    return parse_config(tree, source=description.source), assumed


def _dilations(decoder: Mapping[str, Any], source: str) -> list[list[int]]:
    numbers = [len(row) for row in decoder["residual_dilations"]]
    block, kernels = decoder["residual_block"], decoder["residual_kernel_sizes"]
    if (block, kernels, numbers) == (2, _LIGHT_KERNELS, [2, 2, 2]):
        return _LIGHT_DILATIONS
    if any((block, number) not in _DILATIONS for number in numbers):
        raise InputError(
            f"{source}: the dilations of its decoder are not the published ones: put its config.json beside it"
        )
    return [_DILATIONS[block, number] for number in numbers]


def _names(speakers: Sequence[str] | Mapping[str, int], count: int) -> tuple[str, ...]:
    """As many names as there are speakers; who has none is called by the number."""
    if count == 1:
        return ()
    ids = speakers if isinstance(speakers, Mapping) else {name: index for index, name in enumerate(speakers)}
    names = {index: name for name, index in ids.items()}
    return tuple(names.get(index, str(index)) for index in range(count))


def _fill(synthesizer: Synthesizer, foreign: Foreign, parts: tuple[str, ...], *, copied_rows: int) -> list[Line]:
    """Give an empty synthesizer all the weights it needs, and account for every tensor."""
    weights: dict[str, Tensor] = {}
    lines: list[Line] = []
    left = dict(foreign.tensors)
    for name, wanted in synthesizer.state_dict().items():
        found = left.pop(foreign.name(name), None)
        if found is None or _without_ones(found) != _without_ones(wanted) or found.dtype != wanted.dtype:
            there = "is missing" if found is None else f"has the shape {list(found.shape)} ({found.dtype})"
            raise InputError(
                f"{foreign.source}: {foreign.name(name)} {there}, and the shape {list(wanted.shape)} is needed: it is "
                "damaged, or of another architecture than VITS"
            )
        weights[name] = found.reshape(wanted.shape).clone()  # the file itself may change or go
        fate, why = Fate.COPIED, ""
        if copied_rows and name == _EMBEDDING:
            fate, why = Fate.RESIZED, f"{copied_rows} symbols share a row with another and get a copy of it"
        lines.append(Line(name, fate, tuple(wanted.shape), why))
    unknown = [name for name in left if name.startswith(parts)]
    if unknown:
        raise InputError(
            f"{foreign.source}: has {len(unknown)} tensors that VITS has not, such as {unknown[0][:80]!r}: it is of "
            "another architecture, and would not sound as it does at home"
        )
    synthesizer.load_state_dict(weights, assign=True)
    synthesizer.eval().requires_grad_(False)
    return lines + [Line(name, Fate.SKIPPED, tuple(tensor.shape), "not used to speak") for name, tensor in left.items()]


def _without_ones(tensor: Tensor) -> list[int]:
    return [size for size in tensor.shape if size != 1]
