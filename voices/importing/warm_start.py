"""Warm start: a new run begins with the weights of a voice as far as they fit; every tensor is reported."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from configs import Config, DecoderSettings, InputError, differences, with_architecture
from configs.training import PARTS
from models.discriminator import Discriminator
from models.shapes_only import shapes_only
from models.synthesizer import Synthesizer
from voices.importing.articulation import nearest_phoneme
from voices.importing.assembly import Discriminators, Imported
from voices.importing.origin import derived_origin
from voices.importing.report import Fate, Report, TensorLine
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile
from voices.weight_norm import WeightNorm, put_weight_norm, unfolded

_PHONEMES = "text_encoder.embedding.weight"
_EMBEDDINGS = (_PHONEMES, "speakers.weight")
_MISSING = {  # parts that not every voice has
    "posterior_encoder": "only training needs it, so a run keeps it in its checkpoints: give the run folder",
    "speakers": "it is the voice of one speaker: give one of several",
}
_SHAPED_BY = {  # prefixes of the settings that determine a part's shapes
    "text_encoder": ("model.hidden", "model.latent", "model.filter", "model.attention", "model.text"),
    "posterior_encoder": ("audio.n_fft", "model.hidden", "model.latent", "model.posterior"),
    "flow": ("model.hidden", "model.latent", "model.coupling"),
    "duration_predictor": ("model.hidden", "model.duration"),
    "decoder": ("model.latent", "decoder."),
    "speakers": ("model.speaker",),
}
_MOST_NAMES = 24  # of new rows in a report
_LEAST_UNUSED = 16  # rows that no symbol has, for an estimate of how long untrained ones are
_DEVIATIONS = 5  # standard deviations from their mean length, that no untrained row is beyond
_CLEARLY = 1.5  # how much longer the trained ones must be
_MOST_SETTINGS = 3  # of those that differ in a message

# A part of which fewer weights fit counts as not fitting. Some biases fit any stochastic duration predictor (0.2 % of
# one with 48 channels, 0.02 % of the paper's); between voices of the same width, 10 % of a part and more fit.
_LEAST_PERCENT = 1


@dataclass(frozen=True)
class WarmStart:
    """A voice whose weights a new run begins with.

    Raises:
        InputError: there is no such part, or this voice lacks it.
    """

    imported: Imported
    parts: tuple[str, ...] = ()  # a selection of `PARTS`; empty means all

    def __post_init__(self) -> None:
        there = {name.partition(".")[0] for name in self.imported.voice.synthesizer.state_dict()}
        for part in self.parts:
            if part not in PARTS:
                raise InputError(
                    f"--parts {part or repr(part)}: there is no such part of a voice; the parts are {', '.join(PARTS)}"
                )
            if part not in there:
                raise InputError(
                    f"--parts {part}: {self.imported.report.title}, which has none: {_MISSING[part]}, or leave {part} "
                    "out"
                )

    @classmethod
    def asked(cls, voice: Path, parts: str | None) -> "WarmStart":
        """The warm start of a command line: a path, and comma-separated parts, where None means all.

        Raises:
            InputError: the voice cannot be loaded, or there is no such part.
        """
        names = () if parts is None else tuple(part.strip() for part in parts.split(","))
        return cls(load_voice_from(voice, to_train=True), names)

    def with_architecture(self, config: Config) -> Config:
        """The settings, with the architecture of the voice where they ask for it and do not give their own.

        Raises:
            InputError: the two do not fit each other.
        """
        if config.run.architecture == "settings":
            return config
        return with_architecture(config, self.imported.voice.config, source=self._file)

    def refuse_misfit(self, config: Config) -> None:
        """Refuse settings that fit too little of the voice, before the recordings are read.

        Raises:
            InputError: too little fits of a selected part, or of every part.
        """
        with shapes_only():  # with two speakers, so that all names are there
            new = Synthesizer(config, num_symbols=1, num_speakers=2).folded_state_dict()
        there = self.imported.voice.synthesizer.state_dict()
        fitting = _parts_that_fit(
            (name, here.shape, name in there and _settled_shape(name, there[name]) == _settled_shape(name, here))
            for name, here in new.items()
        )
        for part in self.parts:
            if part not in fitting:
                raise InputError(
                    f"--parts {part}: less than {_LEAST_PERCENT} % of that part of {self._file} fits the settings of "
                    f"this run ({self._misfit(config, [part])}): change them, or leave {part} out"
                )
        if not fitting:
            raise InputError(
                f"{self._file}: less than {_LEAST_PERCENT} % of any part fits the settings of this run "
                f"({self._misfit(config, PARTS)}): change them, or begin without this voice"
            )

    @property
    def lacks_posterior_encoder(self) -> bool:
        """Whether the whole voice is to be taken, and it was written without what only training needs."""
        return not self.imported.voice.has_posterior_encoder and not self.parts

    def other_decoder(self, config: Config) -> DecoderSettings | None:
        """The decoder of these settings, if the whole voice is to be taken and has another for frames of this length.

        Its weights do not fit, but it can learn from the voice's own speech: `training.recover`.
        """
        there = self.imported.voice.config
        alike = config.decoder == there.decoder or config.audio.hop_length != there.audio.hop_length
        return None if alike or self.parts else config.decoder

    @property
    def origin(self) -> str:
        """What the new voice says of this one, with its SHA-256 and its licence."""
        return derived_origin(Path(self._file), self.imported.voice.origin, self.parts)

    @property
    def _file(self) -> str:
        """The path of the voice."""
        return self.imported.report.title.rpartition(": ")[0] or self.imported.report.title

    def _misfit(self, config: Config, parts: Iterable[str]) -> str:
        """The first settings that give these parts other shapes."""
        beginnings = tuple(beginning for part in parts for beginning in _SHAPED_BY[part])
        changes = differences(self.imported.voice.config, config)
        changed = [change for change in changes if change.startswith(beginnings) and "_dropout:" not in change]
        more = f" and {len(changed) - _MOST_SETTINGS} more" if len(changed) > _MOST_SETTINGS else ""
        return f"there -> here: {'; '.join(changed[:_MOST_SETTINGS])}{more}"

    @torch.no_grad()
    def give(
        self,
        synthesizer: Synthesizer,
        discriminator: Discriminator,
        config: Config,
        symbols: str,
        speakers: Sequence[str],
    ) -> Report:
        """Copy the weights of the voice into new networks.

        Rows of the embeddings are matched by symbol and by speaker name, and a phoneme that the voice does not know
        begins as the nearest one that it knows; other tensors are copied where the shapes are equal. Sub-discriminators
        are copied only if the whole decoder that they were trained against is. Where a second has more frames or fewer
        than in the voice, a predicted duration has, too.

        Args:
            synthesizer: new; changed in place.
            discriminator: new; changed in place.
            config: the settings of the new run.
            symbols: its symbol table, as JSON.
            speakers: its speakers' names.

        Raises:
            InputError: too little fits of a selected part, or of every part.
        """
        voice = self.imported.voice
        found = voice.synthesizer.folded_state_dict()
        alphabets = json.loads(voice.symbols), json.loads(symbols)
        lines: list[TensorLine] = []
        for name, here in synthesizer.folded_state_dict().items():
            there = found.pop(name, None)
            if self.parts and name.partition(".")[0] not in self.parts:
                lines.append(TensorLine(name, Fate.NEW, tuple(here.shape), "not selected"))
            elif there is None:
                lines.append(TensorLine(name, Fate.NEW, tuple(here.shape), "not in the voice"))
            elif name == _PHONEMES:
                letters = "graphemes" in (voice.config.data.front_end, config.data.front_end)
                lines.append(_take_rows(synthesizer, name, there, *alphabets, phonemes=not letters))
            elif name == "speakers.weight":
                lines.append(_take_rows(synthesizer, name, there, _indices(voice.speakers), _indices(speakers)))
            elif there.shape != here.shape:
                why = f"of another shape there: {list(there.shape)}"
                lines.append(TensorLine(name, Fate.NEW, tuple(here.shape), why))
            else:
                _put(synthesizer, name, there, voice.norms.get(name))
                lines.append(TensorLine(name, Fate.COPIED, tuple(here.shape)))
        self._refuse_too_little(lines)
        stretched = config.audio.frames_per_second / voice.config.audio.frames_per_second
        if stretched != 1.0 and any(line.part == "duration_predictor" and line.fate is Fate.COPIED for line in lines):
            synthesizer.duration_predictor.stretch(stretched)
        lines += [
            TensorLine(name, Fate.SKIPPED, tuple(tensor.shape), "not in this run") for name, tensor in found.items()
        ]
        # Layers for the speaker may be new: the rest of the decoder still is the one trained against.
        of_decoder = [line for line in lines if line.part == "decoder" and not _is_of_speaker(line.name)]
        whole = all(line.fate is Fate.COPIED for line in of_decoder)
        discriminators, note = _take_discriminators(discriminator, self.imported.discriminators, decoder_is_whole=whole)
        own = note, "the optimizers begin anew", self.origin
        notes = (*self.imported.report.notes, *_differences(voice, config), *own)
        return Report(f"warm start from {self.imported.report.title}", (*lines, *discriminators), notes)

    def _refuse_too_little(self, lines: Sequence[TensorLine]) -> None:
        taken = _parts_that_fit((line.name, line.shape, line.fate is not Fate.NEW) for line in lines)
        new = [line for line in lines if line.fate is Fate.NEW]
        for part in self.parts:
            if part not in taken:
                line = next((line for line in new if line.part == part), None)
                why = "this run has one speaker" if line is None else f"{line.name}: {line.why}"
                raise InputError(
                    f"--parts {part}: less than {_LEAST_PERCENT} % of that part could be taken ({why}): leave it out"
                )
        if not taken:
            raise InputError(f"{self._file}: less than {_LEAST_PERCENT} % of any part fits this run ({new[0]})")


def _is_of_speaker(name: str) -> bool:
    """Whether a tensor is of a layer that a single voice has not, such as decoder.speaker or decoder.pitch_speaker."""
    return name.rpartition(".")[0].endswith("speaker")


def _parts_that_fit(tensors: Iterable[tuple[str, Sequence[int], bool]]) -> set[str]:
    """The parts of which enough fits, given name, shape and whether it fits of every tensor of a new run.

    One row of an embedding is enough. Layers for the speaker are not counted: they depend on the number of speakers,
    which the settings do not tell.
    """
    fitting: set[str] = set()
    weights: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for name, shape, fits in tensors:
        part = name.partition(".")[0]
        if name in _EMBEDDINGS:
            fitting |= {part} if fits else set()
        elif not _is_of_speaker(name):
            weights[part] += prod(shape)
            taken[part] += prod(shape) if fits else 0
    return fitting | {part for part, count in weights.items() if 100 * taken[part] >= _LEAST_PERCENT * count}


def _settled_shape(name: str, tensor: Tensor) -> tuple[int, ...]:
    """The shape without an embedding's number of rows, which the recordings determine."""
    return tuple(tensor.shape[1:] if name in _EMBEDDINGS else tensor.shape)


def _put(synthesizer: nn.Module, name: str, weight: Tensor, norm: WeightNorm | None) -> None:
    path, _, own = name.rpartition(".")
    module = synthesizer.get_submodule(path)
    if parametrize.is_parametrized(module, own):
        put_weight_norm(module, norm or unfolded(weight))
    else:
        getattr(module, own).copy_(weight)


def _take_rows(
    synthesizer: nn.Module,
    name: str,
    there: Tensor,
    theirs: Mapping[str, int],
    ours: Mapping[str, int],
    *,
    phonemes: bool = False,
) -> TensorLine:
    """Copy the rows of an embedding whose symbol or speaker both know.

    A phoneme that the voice lacks, or has a row of that was never trained, begins as the nearest one that it knows;
    other rows stay new.
    """
    here: Tensor = synthesizer.get_parameter(name)
    if here.shape[1] != there.shape[1]:
        return TensorLine(name, Fate.NEW, tuple(here.shape), f"of another width there: {there.shape[1]}")
    shared = [key for key in ours if key in theirs]
    if not shared:
        return TensorLine(name, Fate.NEW, tuple(here.shape), "none of its rows is known there")
    trained = trained_symbols(there, theirs) if phonemes else theirs
    sources = {key: key if key in trained else nearest_phoneme(key, trained) for key in ours} if phonemes else {}
    source = {key: sources.get(key) or (key if key in theirs else None) for key in ours}
    taken = {key: other for key, other in source.items() if other is not None}
    if all(key == source[key] for key in ours) and dict(ours) == dict(theirs) and here.shape == there.shape:
        here.copy_(there)  # unused rows too
        return TensorLine(name, Fate.COPIED, tuple(here.shape))
    here[[ours[key] for key in taken]] = there[[theirs[other] for other in taken.values()]].to(here)
    by_name = sum(key == other for key, other in taken.items())
    new = [key if other is None else f"{key} as {other}" for key, other in source.items() if key != other]
    names = ", ".join(new[:_MOST_NAMES]) + (", ..." if len(new) > _MOST_NAMES else "")
    summary = f"{by_name} of {len(ours)} rows taken by name" + (f"; new: {names}" if new else "")
    return TensorLine(name, Fate.RESIZED, tuple(here.shape), summary)


def trained_symbols(embedding: Tensor, symbols: Mapping[str, int]) -> dict[str, int]:
    """The symbols whose rows training has changed, as far as the rows that no symbol has can tell.

    Weight decay makes rows that never get a gradient small, all alike: those of phonemes of other languages in Piper's
    table of symbols, for one, are as small as those of no symbol at all. A row counts as trained if it is longer than
    these by more than chance; where there is no such difference, or there are no such rows, all do.

    Args:
        embedding: [N, H].
        symbols: rows by symbol.

    Returns:
        Rows by symbol, those that were trained.
    """
    lengths = embedding.float().norm(dim=1)
    unused = sorted(set(range(len(lengths))) - set(symbols.values()))
    if len(unused) < _LEAST_UNUSED:
        return dict(symbols)
    # The length of H normal numbers varies by 1 / sqrt(2 H) of its mean.
    most = float(lengths[unused].mean()) * (1 + _DEVIATIONS / math.sqrt(2 * embedding.shape[1]))
    trained = {symbol: row for symbol, row in symbols.items() if float(lengths[row]) > most}
    clear = bool(trained) and float(lengths[list(trained.values())].median()) > _CLEARLY * most
    return trained if clear else dict(symbols)


def _indices(names: Sequence[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(names)}


def _take_discriminators(
    discriminator: Discriminator, discriminators: Discriminators | None, *, decoder_is_whole: bool
) -> tuple[list[TensorLine], str]:
    """Copy the sub-discriminators that fit; return the report of their tensors and a note."""
    lines: list[TensorLine] = []
    taken: list[str] = []
    for name, sub_discriminator in zip(discriminator.names, discriminator.sub_discriminators, strict=True):
        here, there = sub_discriminator.state_dict(), (discriminators or {}).get(name, {})
        fits = decoder_is_whole and _shapes(here) == _shapes(there)
        if fits:
            sub_discriminator.load_state_dict(there)
            taken.append(name)
        fate = Fate.COPIED if fits else Fate.NEW
        lines += [TensorLine(f"discriminator.{name}.{key}", fate, tuple(tensor.shape)) for key, tensor in here.items()]
    new = [name for name in discriminator.names if name not in taken]
    if taken:
        return lines, f"discriminators were found and taken: {', '.join(taken)}; new: {', '.join(new) or 'none'}"
    why = "none were found"
    if discriminators:
        why = (
            "those found are of other shapes" if decoder_is_whole else "the decoder of those found was not taken whole"
        )
    return (
        lines,
        f"the discriminators are new ({why}): the voice may get worse at first, while they learn",
    )


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _differences(voice: VoiceFile, config: Config) -> Iterator[str]:
    """Settings that differ without changing a shape."""
    pairs = (
        ("audio.sample_rate", voice.config.audio.sample_rate, config.audio.sample_rate),
        ("audio.hop_length", voice.config.audio.hop_length, config.audio.hop_length),
        ("data.front_end", voice.config.data.front_end, config.data.front_end),
        ("data.language", voice.config.data.language, config.data.language),
        ("discriminator.resolutions", voice.config.discriminator.resolutions, config.discriminator.resolutions),
    )
    decoder = voice.config.decoder.model_dump()
    decoders = ((f"decoder.{key}", decoder.get(key), value) for key, value in config.decoder.model_dump().items())
    for name, there, here in (*pairs, *decoders):
        if there != here:
            yield f"{name} is {there!r} in the voice and {here!r} in this run"
