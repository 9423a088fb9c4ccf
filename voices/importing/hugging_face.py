"""A folder of `transformers.VitsModel`: config.json, model.safetensors, vocab.json, tokenizer_config.json."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import safetensors
from torch import Tensor

from configs import InputError
from voices.importing.assembly import Description, Imported, SourceWeights, assemble
from voices.importing.names import hugging_face_name
from voices.importing.settings_file import read_json, section

PARTS = ("text_encoder.", "posterior_encoder.", "decoder.", "flow.", "duration_predictor.", "embed_speaker.")
OUR_SECTION = "parlance"  # of a config.json that we wrote: what transformers has no name for

# Options of other implementations that are fixed here; published voices have these values.
_MUST_BE = {
    "hidden_act": "relu",
    "use_bias": True,
    "layer_norm_eps": 1e-5,
    "leaky_relu_slope": 0.1,
    "wavenet_dilation_rate": 1,
    "depth_separable_channels": 2,
    "duration_predictor_flow_bins": 10,
    "duration_predictor_tail_bound": 5.0,
}
_LANGUAGES = {"eng": "en-us", "en": "en-us", "deu": "de", "nld": "nl"}


def read_hugging_face(folder: Path) -> Imported:
    """Read a voice of transformers, whichever its duration predictor and number of speakers.

    Raises:
        InputError: it cannot be imported; the message says why.
    """
    tree = read_json(folder / "config.json")
    for key, value in _MUST_BE.items():
        if tree.get(key, value) != value:
            raise InputError(f"{folder / 'config.json'}: {key} is {tree[key]!r}; only {value!r} is supported")
    tensors = _read_tensors(folder / "model.safetensors")
    notes = []
    # VitsModel always has a posterior encoder; our export fills it with zeros where a voice has none.
    if "posterior_encoder.conv_pre.weight" in tensors and not tensors["posterior_encoder.conv_pre.weight"].any():
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("posterior_encoder.")}
        notes.append("its posterior encoder is all zeros, and is left out")
    naming = partial(hugging_face_name, deterministic=not tree.get("use_stochastic_duration_prediction", True))
    return assemble(SourceWeights(tensors, naming, str(folder)), _describe(folder, tree, notes))


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); a model of pytorch_model.bin alone is saved anew by transformers with "
            "save_pretrained"
        ) from error


def _describe(folder: Path, tree: dict[str, Any], notes: list[str]) -> Description:
    ids: dict[str, int] = read_json(folder / "vocab.json")
    tokenizer = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    if tokenizer.get("add_blank") is False:
        raise InputError(
            f"{folder / 'tokenizer_config.json'}: add_blank is false: the voice was trained without blanks between "
            "symbols, which is not supported"
        )
    ours = section(tree, OUR_SECTION)
    speakers = ours.get("speakers")
    return Description(
        title="Hugging Face VitsModel",
        source=str(folder),
        ids=ids,
        settings={
            "audio": {"sample_rate": tree.get("sampling_rate"), **section(ours, "audio")},
            "decoder": {
                "upsample_rates": tree.get("upsample_rates"),
                "residual_dilations": tree.get("resblock_dilation_sizes"),
            },
            "data": section(ours, "data") or _reading(tokenizer, notes),
            "speaking": {
                "noise_scale": tree.get("noise_scale"),
                "duration_noise_scale": tree.get("noise_scale_duration"),
                "speed": tree.get("speaking_rate"),
            },
        },
        speakers=list(map(str, speakers)) if isinstance(speakers, list) else [],
        step=ours["step"] if isinstance(ours.get("step"), int) else 0,
        lexicon=ours["lexicon"] if isinstance(ours.get("lexicon"), str) else None,
        notes=tuple(notes),
        parts=PARTS,
    )


def _reading(tokenizer: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The front end that comes closest to the tokenizer."""
    language = str(tokenizer.get("language") or "en-us")
    if tokenizer.get("phonemize", True):
        return {"language": "en-us", "front_end": "espeak"}  # the tokenizer uses en-us whatever its language says
    if tokenizer.get("is_uroman"):
        notes.append("it was trained on texts in Latin letters as uroman writes them: give it such")
    return {"language": _LANGUAGES.get(language, language), "front_end": "graphemes"}
