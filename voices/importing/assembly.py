"""A voice of ours from the tensors of another program's model; their shapes tell its architecture."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Any

import torch
from torch import Tensor

from configs import Config, InputError, parse_config
from models.synthesizer import Synthesizer
from voices.importing.alphabet import settle_alphabet
from voices.importing.report import Fate, Report, TensorLine
from voices.voice_file import VoiceFile, empty_synthesizer
from voices.weight_norm import folded, weight_norms

# Tensors of each sub-discriminator by its name, such as scale_1 or period_3.
Discriminators = Mapping[str, Mapping[str, Tensor]]

_EMBEDDING = "text_encoder.embedding.weight"
_DILATIONS = {(1, 3): [1, 3, 5], (2, 2): [1, 3]}  # by decoder.residual_block and number of convolutions
_LIGHT_KERNELS, _LIGHT_DILATIONS = [3, 5, 7], [[1, 2], [2, 6], [3, 12]]  # HiFi-GAN V3, and Piper's medium quality
_SEGMENT_FRAMES = 32  # as in the paper


@dataclass(frozen=True)
class Imported:
    """An imported voice."""

    voice: VoiceFile
    report: Report
    discriminators: Discriminators | None = None  # where they were asked for and found


@dataclass(frozen=True)
class Description:
    """Everything about another program's voice except its weights."""

    title: str  # of the report
    source: str  # the file, for messages
    ids: Mapping[str, int]  # by symbol
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # ours, by section; None where unknown
    speakers: Sequence[str] | Mapping[str, int] = ()  # names in order, or with their ids
    step: int = 0
    lexicon: str | None = None
    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # prefixes of the tensors of a synthesizer there


@dataclass(frozen=True)
class Architecture:
    """What the shapes of the tensors tell: all but strides and dilations."""

    model: dict[str, Any]  # settings of the section [model]
    decoder: dict[str, Any]  # of [decoder], a HiFi-GAN
    num_symbols: int
    num_speakers: int
    spectrogram_bins: int | None  # None without a posterior encoder


class SourceWeights:
    """The tensors of another program's model, looked up by our names.

    Args:
        tensors: by their names.
        naming: maps one of our names, weight norms folded, to theirs; `kernels` is the number of residual blocks after
            each upsampling.
        source: the file, for messages.
        never_held: prefixes of their names of tensors that such a file never holds, which therefore begin anew.

    Raises:
        InputError: a weight norm is damaged.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], naming: Callable[..., str], source: str, never_held: tuple[str, ...] = ()
    ) -> None:
        self.tensors, self.norms = folded(tensors, source), weight_norms(tensors)
        self.source, self.never_held, self._naming = source, never_held, naming
        self._kernels = 1  # for counting, all residual blocks are those of the first upsampling
        self.stages = self._count("decoder.upsamples.{}.weight")
        self._kernels = self._count("decoder.residuals.0.blocks.{}.dilated.0.weight") // max(1, self.stages)

    def name(self, ours: str) -> str:
        """Their name of a tensor of ours."""
        return self._naming(ours, kernels=self._kernels)

    def has(self, ours: str) -> bool:
        """Whether the model has such a tensor."""
        return self.name(ours) in self.tensors or self.never_holds(ours)

    def never_holds(self, ours: str) -> bool:
        """Whether it is one that such a file never holds."""
        return self.name(ours).startswith(self.never_held)

    def rows(self, ours: str) -> int:
        """The first dimension of a tensor.

        Raises:
            InputError: there is none, or it is no matrix.
        """
        return self._shape(ours, 2)[0]

    def architecture(self) -> Architecture:
        """Derive the model from the shapes.

        Raises:
            InputError: it is not a VITS whose decoder is HiFi-GAN.
        """
        num_symbols, hidden = self._shape("text_encoder.embedding.weight", 2)
        _, distances, head_channels = self._shape("text_encoder.blocks.0.attention.relative_keys", 3)
        filters, _, text_kernel = self._shape("text_encoder.blocks.0.feed_forward.widen.weight", 3)
        model = {
            "hidden_channels": hidden,
            "latent_channels": self._shape("text_encoder.statistics.weight", 3)[0] // 2,
            "filter_channels": filters,
            "attention_heads": hidden // head_channels,
            "attention_window": distances // 2,
            "text_layers": self._count("text_encoder.blocks.{}.attention.query.weight"),
            "text_kernel_size": text_kernel,
            "coupling_layers": self._count("flow.couplings.{}.input.weight"),
            "coupling_wavenet_layers": self._count("flow.couplings.0.wavenet.gates.{}.weight"),
            "coupling_kernel_size": self._shape("flow.couplings.0.wavenet.gates.0.weight", 3)[2],
            **self._durations(),
        }
        coupling_channels = self._shape("flow.couplings.0.input.weight", 3)[0]
        if coupling_channels != hidden:
            model["coupling_channels"] = coupling_channels
        bins = None
        if self.has("posterior_encoder.input.weight"):
            bins = self._shape("posterior_encoder.input.weight", 3)[1]
            model["posterior_layers"] = self._count("posterior_encoder.wavenet.gates.{}.weight")
            model["posterior_kernel_size"] = self._shape("posterior_encoder.wavenet.gates.0.weight", 3)[2]
        num_speakers = 1
        if self.has("speakers.weight"):
            num_speakers, model["speaker_channels"] = self._shape("speakers.weight", 2)
        return Architecture(model, self._decoder(), num_symbols, num_speakers, bins)

    def _durations(self) -> dict[str, Any]:
        if self.has("duration_predictor.flow.affine.shift"):
            return {
                "duration_predictor": "stochastic",
                "duration_channels": self._shape("duration_predictor.input.weight", 3)[0],
                "duration_kernel_size": self._shape("duration_predictor.stack.depthwise.0.weight", 3)[2],
                "duration_flows": self._count("duration_predictor.flow.couplings.{}.input.weight"),
            }
        channels, _, kernel_size = self._shape("duration_predictor.first.weight", 3)
        return {
            "duration_predictor": "deterministic",
            "duration_channels": channels,
            "duration_kernel_size": kernel_size,
        }

    def _decoder(self) -> dict[str, Any]:
        blocks = [f"decoder.residuals.0.blocks.{index}" for index in range(max(1, self._kernels))]
        return {
            "kind": "hifigan",
            "initial_channels": self._shape("decoder.input.weight", 3)[0],
            "upsample_kernel_sizes": [
                self._shape(f"decoder.upsamples.{stage}.weight", 3)[2] for stage in range(max(1, self.stages))
            ],
            "residual_block": 1 if self.has("decoder.residuals.0.blocks.0.plain.0.weight") else 2,
            "residual_kernel_sizes": [self._shape(f"{block}.dilated.0.weight", 3)[2] for block in blocks],
            # Only their number is known from the shapes.
            "residual_dilations": [[1] * self._count(f"{block}.dilated.{{}}.weight") for block in blocks],
        }

    def _count(self, template: str) -> int:
        return len(list(takewhile(lambda index: self.has(template.format(index)), count())))

    def _shape(self, ours: str, dimensions: int) -> tuple[int, ...]:
        tensor = self.tensors.get(self.name(ours))
        if tensor is None or tensor.ndim != dimensions or not tensor.numel():
            raise InputError(
                f"{self.source}: is not a VITS voice with a HiFi-GAN decoder: it has no tensor {self.name(ours)} of "
                f"{dimensions} dimensions"
            )
        return tuple(tensor.shape)


def assemble(
    source: SourceWeights,
    description: Description,
    *,
    skipped: Mapping[str, Tensor] | None = None,
    discriminators: Discriminators | None = None,
) -> Imported:
    """Make a voice.

    Args:
        source: the weights.
        description: everything else.
        skipped: tensors of the same file that do not belong to a synthesizer.
        discriminators: to be imported with it.

    Raises:
        InputError: a tensor is missing, or there is one that a VITS with a HiFi-GAN decoder does not have.
    """
    architecture = source.architecture()
    config, assumed = _config(architecture, description)
    alphabet = settle_alphabet(description.ids, rows=architecture.num_symbols, source=description.source)
    speakers = _names(description.speakers, architecture.num_speakers)
    num_symbols = len(alphabet.rows)
    if num_symbols > architecture.num_symbols:
        source.tensors[source.name(_EMBEDDING)] = source.tensors[source.name(_EMBEDDING)][list(alphabet.rows)]
    synthesizer = empty_synthesizer(
        config,
        num_symbols=num_symbols,
        num_speakers=architecture.num_speakers,
        posterior_encoder=architecture.spectrogram_bins is not None,
    )
    lines = fill(
        synthesizer, source, config, parts=description.parts, copied_rows=num_symbols - architecture.num_symbols
    )
    shapes = {name: weight.shape for name, weight in synthesizer.state_dict().items()}
    norms = {
        name: source.norms[theirs].shaped(shapes[name])
        for name in shapes
        if (theirs := source.name(name)) in source.norms
    }
    lines += _skipped(skipped or {})
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
    report = Report(f"{description.source}: {description.title}", tuple(lines), notes)
    return Imported(voice, report, discriminators)


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
    """The name of each speaker; one without a name gets the id."""
    if count == 1:
        return ()
    ids = speakers if isinstance(speakers, Mapping) else {name: index for index, name in enumerate(speakers)}
    names = {index: name for name, index in ids.items()}
    return tuple(names.get(index, str(index)) for index in range(count))


def fill(
    synthesizer: Synthesizer,
    source: SourceWeights,
    config: Config,
    *,
    parts: tuple[str, ...] = (),
    copied_rows: int = 0,
) -> list[TensorLine]:
    """Fill an empty synthesizer with the weights, and report every tensor.

    Args:
        synthesizer: on the meta device; changed in place.
        source: the weights.
        config: of the synthesizer.
        parts: prefixes of the names that a synthesizer has there; others are skipped.
        copied_rows: of the embedding, for the report.

    Raises:
        InputError: a tensor is missing or of another shape, or there is one too many.
    """
    weights: dict[str, Tensor] = {}
    lines: list[TensorLine] = []
    left = dict(source.tensors)
    initial = _initial_weights(synthesizer, config) if source.never_held else {}
    for name, wanted in synthesizer.state_dict().items():
        found = left.pop(source.name(name), None)
        fate, why = Fate.COPIED, ""
        if found is None and source.never_holds(name):
            found, fate, why = initial[name], Fate.NEW, "an exported graph does not hold it"
        if found is None or _without_ones(found) != _without_ones(wanted) or found.dtype != wanted.dtype:
            there = "is missing" if found is None else f"has the shape {list(found.shape)} ({found.dtype})"
            raise InputError(
                f"{source.source}: {source.name(name)} {there}, and the shape {list(wanted.shape)} is needed: it is "
                "damaged, or of another architecture than VITS"
            )
        weights[name] = found.reshape(wanted.shape).clone()  # a copy: the file is memory-mapped
        if copied_rows and name == _EMBEDDING:
            fate, why = Fate.RESIZED, f"{copied_rows} symbols share a row with another and get a copy of it"
        lines.append(TensorLine(name, fate, tuple(wanted.shape), why))
    unknown = [name for name in left if name.startswith(parts)]
    if unknown:
        raise InputError(
            f"{source.source}: has {len(unknown)} tensors that VITS has not, such as {unknown[0][:80]!r}: it is of "
            "another architecture and would sound different here"
        )
    synthesizer.load_state_dict(weights, assign=True)
    synthesizer.eval().requires_grad_(False)
    return lines + _skipped(left)


def _initial_weights(like: Synthesizer, config: Config) -> dict[str, Tensor]:
    """The weights that a new synthesizer begins with, the same at each call."""
    speakers = 1 if like.speakers is None else like.speakers.num_embeddings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.run.seed)
        num_symbols = like.text_encoder.embedding.num_embeddings
        return Synthesizer(config, num_symbols=num_symbols, num_speakers=speakers).folded_state_dict()


def _skipped(tensors: Mapping[str, Tensor]) -> list[TensorLine]:
    return [
        TensorLine(name, Fate.SKIPPED, tuple(tensor.shape), "not used to speak") for name, tensor in tensors.items()
    ]


def _without_ones(tensor: Tensor) -> list[int]:
    return [size for size in tensor.shape if size != 1]
