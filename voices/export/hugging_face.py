"""Export a voice for `transformers.VitsModel`; transformers need not be installed.

VitsModel has a HiFi-GAN decoder with residual blocks of the first kind, takes symbols instead of text, and always has a
posterior encoder, which it does not use for inference: a voice without one gets zeros.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from configs import Config, HifiganSettings, InputError, dump_config
from configs.atomic_file import replacing
from models.synthesizer import Synthesizer
from voices.importing.hugging_face import OUR_SECTION
from voices.importing.names import hugging_face_name
from voices.voice_file import VoiceFile, empty_synthesizer
from voices.weight_norm import WeightNorm, stored, unfolded

_PAD, _START, _END = "_", "^", "$"
_UNKNOWN: Mapping[str, WeightNorm] = {}


def export_hugging_face(voice: VoiceFile, folder: Path) -> list[Path]:
    """Write config.json, model.safetensors, vocab.json, tokenizer_config.json, and a README.md with instructions.

    Args:
        voice: to export.
        folder: created if missing.

    Returns:
        The files.

    Raises:
        InputError: VitsModel does not support this voice, or the folder cannot be written.
    """
    ids: dict[str, int] = json.loads(voice.symbols)
    ours = {
        "speakers": list(voice.speakers),
        "step": voice.step,
        "lexicon": voice.lexicon,
        "origin": voice.origin,
        "audio": tomllib.loads(dump_config(voice.config))["audio"],
        "data": {"language": voice.config.data.language, "front_end": voice.config.data.front_end},
    }
    settings = {
        "architectures": ["VitsModel"],
        "model_type": "vits",
        "dtype": "float32",
        **hugging_face_settings(voice.synthesizer, voice.config),
        OUR_SECTION: ours,
    }
    tokenizer = {
        "tokenizer_class": "VitsTokenizer",
        "add_blank": True,
        "normalize": True,  # lower-cases characters that are not in the vocabulary, then skips those that still are not
        "phonemize": False,
        "is_uroman": False,
        "language": voice.config.data.language,
        "pad_token": _PAD,
        "unk_token": _PAD,
    }
    weights = hugging_face_weights(voice.synthesizer, voice.config, voice.norms)
    contents = {
        "config.json": _json(settings),
        "model.safetensors": save(weights, {"format": "pt"}),
        "vocab.json": _json(ids),
        "tokenizer_config.json": _json(tokenizer),
        "README.md": _readme(voice).encode(),
    }
    for name, content in contents.items():
        with replacing(folder / name) as file:
            file.write(content)
    return [folder / name for name in contents]


def hugging_face_settings(synthesizer: Synthesizer, config: Config) -> dict[str, Any]:
    """The settings of a `VitsConfig` for this model.

    Raises:
        InputError: VitsModel does not support this model.
    """
    model, decoder = config.model, config.decoder
    if not isinstance(decoder, HifiganSettings) or decoder.residual_block != 1:
        kind = f"{decoder.kind!r}" if not isinstance(decoder, HifiganSettings) else "'hifigan' with residual_block = 2"
        raise InputError(
            f"decoder.kind = {kind}: transformers knows HiFi-GAN with residual_block = 1 alone: export this voice to "
            "ONNX, or train one with that decoder"
        )
    if model.coupling_channels not in (None, model.hidden_channels):
        raise InputError(
            f"model.coupling_channels = {model.coupling_channels}: in transformers the flow is as wide as the text "
            f"encoder, {model.hidden_channels} channels"
        )
    if model.duration_predictor == "stochastic" and model.duration_channels != model.hidden_channels:
        raise InputError(
            f"model.duration_channels = {model.duration_channels}: in transformers the stochastic duration predictor "
            f"is as wide as the text encoder, {model.hidden_channels} channels"
        )
    num_speakers = 1 if synthesizer.speakers is None else synthesizer.speakers.num_embeddings
    return {
        "vocab_size": synthesizer.text_encoder.embedding.num_embeddings,
        "hidden_size": model.hidden_channels,
        "num_hidden_layers": model.text_layers,
        "num_attention_heads": model.attention_heads,
        "window_size": model.attention_window,
        "ffn_dim": model.filter_channels,
        "ffn_kernel_size": model.text_kernel_size,
        "flow_size": model.latent_channels,
        "spectrogram_bins": config.audio.spectrogram_bins,
        "use_stochastic_duration_prediction": model.duration_predictor == "stochastic",
        "num_speakers": num_speakers,
        "speaker_embedding_size": model.speaker_channels if num_speakers > 1 else 0,
        "upsample_initial_channel": decoder.initial_channels,
        "upsample_rates": list(decoder.upsample_rates),
        "upsample_kernel_sizes": list(decoder.upsample_kernel_sizes),
        "resblock_kernel_sizes": list(decoder.residual_kernel_sizes),
        "resblock_dilation_sizes": [list(dilations) for dilations in decoder.residual_dilations],
        "duration_predictor_kernel_size": model.duration_kernel_size,
        "duration_predictor_num_flows": model.duration_flows,
        "duration_predictor_filter_channels": model.duration_channels,
        "duration_predictor_dropout": model.duration_dropout,
        "hidden_dropout": model.text_dropout,
        "attention_dropout": model.text_dropout,
        "activation_dropout": model.text_dropout,
        "prior_encoder_num_flows": model.coupling_layers,
        "prior_encoder_num_wavenet_layers": model.coupling_wavenet_layers,
        "posterior_encoder_num_wavenet_layers": model.posterior_layers,
        "wavenet_kernel_size": model.coupling_kernel_size,
        "speaking_rate": config.speaking.speed,
        "noise_scale": config.speaking.noise_scale,
        "noise_scale_duration": config.speaking.duration_noise_scale,
        "sampling_rate": config.audio.sample_rate,
    }


def hugging_face_weights(
    synthesizer: Synthesizer, config: Config, norms: Mapping[str, WeightNorm] = _UNKNOWN
) -> dict[str, Tensor]:
    """Every tensor of a `VitsModel`, by its names and in its shapes; `hugging_face_settings` has accepted the model.

    Args:
        synthesizer: of the voice.
        config: its settings.
        norms: magnitude and direction of its normalised weights, where known.
    """
    weights = {name: weight.detach().cpu() for name, weight in synthesizer.folded_state_dict().items()}
    if "posterior_encoder.input.weight" not in weights or _posterior_is_of_another_kernel(config):
        weights = {name: weight for name, weight in weights.items() if not name.startswith("posterior_encoder.")}
        weights |= _posterior_of_zeros(synthesizer, config)
        norms = {name: norm for name, norm in norms.items() if not name.startswith("posterior_encoder.")}
    kernels = len(config.decoder.residual_kernel_sizes) if isinstance(config.decoder, HifiganSettings) else 1
    deterministic = config.model.duration_predictor == "deterministic"
    theirs: dict[str, Tensor] = {}
    for name, weight in weights.items():
        target = hugging_face_name(name, kernels=kernels, deterministic=deterministic)
        if ".wavenet." in target and target.endswith(".weight"):
            theirs |= stored(target, norms[name] if name in norms else unfolded(weight))
        elif name.endswith((".relative_keys", ".relative_values")):
            theirs[target] = weight.unsqueeze(0)
        elif ".pointwise." in name and name.endswith(".weight"):  # convolutions in VitsModel
            theirs[target] = weight.unsqueeze(2)
        else:
            theirs[target] = weight
    return {name: weight.contiguous() for name, weight in theirs.items()}


def hugging_face_differences(voice: VoiceFile) -> list[str]:
    """Differences to inference here, one sentence each."""
    data, ids = voice.config.data, json.loads(voice.symbols)
    espeak = data.front_end == "espeak"
    numbered = ", ".join(f"{index} {name}" for index, name in enumerate(voice.speakers))
    sentences = (
        (
            espeak,
            f"The text must be phonemes of espeak-ng's {data.language!r}, as `infer.py VOICE TEXT --phonemes` prints. "
            "The tokenizer has no phonemiser, and skips characters that are not symbols of the voice.",
        ),
        (
            not espeak,
            "Numbers, abbreviations and signs must be written as words: the tokenizer reads letters alone.",
        ),
        (
            _START in ids,
            "The tokenizer adds no start and end symbols: write ^ before each sentence and $ after it. It then puts "
            "one blank more at both ends than in training; for exactly the same ids set "
            "`tokenizer.add_blank = False` and write the blanks, `^_h_ə_..._$`.",
        ),
        (True, "Texts are not split into sentences: give one sentence at a time."),
        (voice.lexicon is not None, "The lexicon is not used."),
        (
            len(voice.speakers) > 1,
            f'The speaker is a number, `forward_params={{"speaker_id": 0}}`; without one the audio has no speaker: '
            f"{numbered}.",
        ),
        (
            not hasattr(voice.synthesizer, "posterior_encoder") or _posterior_is_of_another_kernel(voice.config),
            "The posterior encoder, which only training uses, is all zeros: the model cannot be trained further.",
        ),
    )
    return [sentence for applies, sentence in sentences if applies]


def _posterior_is_of_another_kernel(config: Config) -> bool:
    """Whether its kernel size differs from the flow's; VitsModel has one for all WaveNets."""
    return config.model.posterior_kernel_size != config.model.coupling_kernel_size


def _posterior_of_zeros(synthesizer: Synthesizer, config: Config) -> dict[str, Tensor]:
    model = config.model.model_copy(update={"posterior_kernel_size": config.model.coupling_kernel_size})
    num_speakers = 1 if synthesizer.speakers is None else synthesizer.speakers.num_embeddings
    like = empty_synthesizer(config.model_copy(update={"model": model}), num_symbols=1, num_speakers=num_speakers)
    shapes = {name: weight.shape for name, weight in like.state_dict().items()}
    return {name: torch.zeros(shape) for name, shape in shapes.items() if name.startswith("posterior_encoder.")}


def _json(tree: dict[str, Any]) -> bytes:
    return (json.dumps(tree, ensure_ascii=False, indent=2) + "\n").encode()


def _readme(voice: VoiceFile) -> str:
    ends = (_START, _END) if _START in json.loads(voice.symbols) else ("", "")
    text = "həlˈoʊ." if voice.config.data.front_end == "espeak" else "hello."
    speaker = ', forward_params={"speaker_id": 0}' if len(voice.speakers) > 1 else ""
    origin = "" if voice.origin is None else f"\n## Origin\n\n{voice.origin}\n"
    differences = "\n".join(f"- {sentence}" for sentence in hugging_face_differences(voice))
    return f"""---
library_name: transformers
pipeline_tag: text-to-speech
tags: [vits]
---

A VITS voice of {voice.config.audio.sample_rate} Hz, trained for {voice.step} steps.

```python
from transformers import pipeline

speak = pipeline("text-to-speech", model="FOLDER")
speech = speak("{ends[0]}{text}{ends[1]}"{speaker})  # speech["audio"], speech["sampling_rate"]
```

{differences}
{origin}"""
