"""A voice file: one safetensors file with the EMA weights and everything else that inference needs.

The settings, the symbol table, the speakers' names, the user's lexicon and the origin of what it was made from are the
file's metadata. Unless training is to continue from it, weight norms are folded, and a voice of one speaker has no
posterior encoder.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from configs import Config, InputError, dump_config, parse_config
from configs.atomic_file import replacing
from configs.content import content_of, json_object, require_like
from models.finite_weights import first_not_finite
from models.shapes_only import shapes_only
from models.synthesizer import Synthesizer
from voices.weight_norm import WeightNorm, folded, stored, weight_norms

_FORMAT = "parlance-voice-1"


@dataclass(frozen=True)
class VoiceFile:
    """The content of a voice file."""

    config: Config
    synthesizer: Synthesizer  # in evaluation mode, weight norms folded
    symbols: str  # the symbol table, as JSON
    speakers: tuple[str, ...]  # empty for a single voice
    step: int  # of training
    lexicon: str | None = None  # the user's pronunciations of words, as JSON
    norms: Mapping[str, WeightNorm] = field(default_factory=dict)  # of its normalised weights, where known
    origin: str | None = None  # of the voice that it was made from: its name, SHA-256 and licence

    @property
    def has_posterior_encoder(self) -> bool:
        """Whether it was written with what only training needs."""
        return any(name.startswith("posterior_encoder.") for name in self.synthesizer.state_dict())

    def save(self, path: Path, *, half: bool = False) -> None:
        """Write all of it, as `save_voice`."""
        save_voice(
            path,
            self.synthesizer,
            self.config,
            symbols=self.symbols,
            speakers=self.speakers,
            step=self.step,
            lexicon=self.lexicon,
            norms=self.norms,
            origin=self.origin,
            whole=True,
            half=half,
        )


def save_voice(
    path: Path,
    synthesizer: Synthesizer,
    config: Config,
    *,
    symbols: str,
    speakers: Sequence[str],
    step: int,
    lexicon: str | None = None,
    norms: Mapping[str, WeightNorm] | None = None,
    origin: str | None = None,
    whole: bool = False,
    half: bool = False,
) -> None:
    """Write a voice; the synthesizer is not changed.

    Args:
        path: the file.
        synthesizer: with the weights to save.
        config: the settings it was trained with.
        symbols: the symbol table, as JSON.
        speakers: their names; empty for a single voice.
        step: of training.
        lexicon: the user's pronunciations of words, as JSON.
        norms: magnitude and direction of normalised weights, stored instead of these weights.
        origin: of the voice that it was made from.
        whole: whether a voice of one speaker keeps its posterior encoder, which further training needs.
        half: whether the weights are rounded to 16 bits, which halves the file; computation stays in float32.

    Raises:
        InputError: the disk is full or the folder is read-only, or a weight is NaN or infinite.
    """
    weights = {
        name: weight.detach().cpu().contiguous()
        for name, weight in synthesizer.folded_state_dict().items()
        if whole or len(speakers) > 1 or not name.startswith("posterior_encoder.")
    }
    for name, norm in (norms or {}).items():
        if weights.pop(name, None) is not None:
            weights |= stored(name, norm)
    if half:
        weights = {name: weight.half() if weight.is_floating_point() else weight for name, weight in weights.items()}
    broken = first_not_finite(weights.items())
    if broken is not None:
        raise InputError(f"{path}: is not written, for {broken} is NaN or infinite; the previous file is unchanged")
    metadata = {
        "format": _FORMAT,
        "config": dump_config(config),
        "symbols": symbols,
        "speakers": json.dumps(list(speakers)),
        "step": str(step),
    }
    if lexicon is not None:
        metadata["lexicon"] = lexicon
    if origin is not None:
        metadata["origin"] = origin
    metadata["sha256"] = _digest(weights, metadata)
    with replacing(path) as file:
        file.write(save(weights, metadata))


def load_voice(path: Path) -> VoiceFile:
    """Read a voice onto the CPU.

    Raises:
        InputError: no such file, not a voice, damaged, or of another version.
    """
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as a voice: {error}") from error
    if metadata.get("format") != _FORMAT:
        raise InputError(
            f"{path}: is not a voice of this program ({_FORMAT}); give a run folder or its voice.safetensors"
        )
    if metadata.pop("sha256", None) != _digest(weights, metadata):
        raise InputError(f"{path}: is damaged (its SHA-256 does not match); make it again from the run")
    weights = {name: weight.float() if weight.dtype == torch.float16 else weight for name, weight in weights.items()}
    with content_of(path, "a voice", "make it again from the run"):
        config = parse_config(tomllib.loads(metadata["config"]), source=str(path))
        speakers = tuple(json.loads(metadata["speakers"]))
        require_like(speakers, ("",), "speakers")
        for name in ("symbols", "lexicon"):
            json_object(metadata.get(name, "{}"))
        synthesizer = synthesizer_of(config, folded(weights, str(path)), num_speakers=max(1, len(speakers)))
        return VoiceFile(
            config,
            synthesizer,
            metadata["symbols"],
            speakers,
            int(metadata["step"]),
            metadata.get("lexicon"),
            weight_norms(weights),
            metadata.get("origin"),
        )


def synthesizer_of(config: Config, weights: Mapping[str, Tensor], *, num_speakers: int) -> Synthesizer:
    """A synthesizer with these weights, weight norms folded, in evaluation mode.

    It has a posterior encoder only if the weights do.
    """
    synthesizer = empty_synthesizer(
        config,
        num_symbols=weights["text_encoder.embedding.weight"].shape[0],
        num_speakers=num_speakers,
        posterior_encoder=any(name.startswith("posterior_encoder.") for name in weights),
    )
    synthesizer.load_state_dict(weights, assign=True)
    return synthesizer.eval().requires_grad_(False)


def empty_synthesizer(
    config: Config, *, num_symbols: int, num_speakers: int, posterior_encoder: bool = True
) -> Synthesizer:
    """A synthesizer on the meta device, weight norms folded: no weights are initialised to be replaced."""
    with shapes_only():
        synthesizer = Synthesizer(config, num_symbols=num_symbols, num_speakers=num_speakers)
        if not posterior_encoder:
            del synthesizer.posterior_encoder
        synthesizer.fold_weight_norm()
    return synthesizer


def _digest(weights: dict[str, Tensor], metadata: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(weights):
        weight = weights[name]
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
