"""Settings and metadata of an ONNX voice: Piper's, sherpa-onnx's and our own.

Piper reads `VOICE.onnx.json`, sherpa-onnx the graph's metadata and `tokens.txt`; `infer.py` reads our own metadata,
which hold the whole front end.
"""

import dataclasses
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from configs import dump_config
from voices.export import DECODER_FIELD, FLOW_FIELD, OWN_METADATA
from voices.export.languages import describe_language
from voices.voice_file import VoiceFile

_PIPER_VERSION = "1.0.0"  # of the format, as in published voices
_HIGH_PARAMETERS = 25_000_000  # published high voices have 28 to 32 million, medium ones 15 to 20


def piper_settings(voice: VoiceFile, *, dataset: str) -> dict[str, Any]:
    """The content of VOICE.onnx.json."""
    config = voice.config
    origin = {} if voice.origin is None else {"origin": voice.origin}
    speakers = {name: index for index, name in enumerate(voice.speakers)} if len(voice.speakers) > 1 else {}
    return {
        "audio": {"sample_rate": config.audio.sample_rate, "quality": _quality(voice)},
        "espeak": {"voice": config.data.language},
        "language": dataclasses.asdict(describe_language(config.data.language)),
        "inference": {
            "noise_scale": config.speaking.noise_scale,
            "length_scale": 1 / config.speaking.speed,
            "noise_w": config.speaking.duration_noise_scale,
        },
        "phoneme_type": "text" if _reads_letters(voice) else "espeak",
        "phoneme_map": {},
        "phoneme_id_map": phoneme_ids(voice),
        "num_symbols": voice.synthesizer.text_encoder.embedding.num_embeddings,
        "num_speakers": max(1, len(voice.speakers)),
        "speaker_id_map": speakers,
        "hop_length": config.audio.hop_length,
        "piper_version": _PIPER_VERSION,
        "dataset": dataset,
        **origin,
    }


def speaker_table(speakers: Sequence[str]) -> str:
    """Ids and names of the speakers, one per line, for clients that take ids.

    Empty for a single voice, or if every name is the id.
    """
    if len(speakers) < 2 or all(name == str(index) for index, name in enumerate(speakers)):
        return ""
    width = len(str(len(speakers) - 1))
    rows = (f"  {index:>{width}}  {name}" for index, name in enumerate(speakers))
    return "\n".join(("speakers, by the id that Piper and sherpa-onnx take:", *rows))


def piper_name(voice: VoiceFile, name: str, form: str = "") -> str:
    """The file name of a voice in Piper's scheme: locale-name-quality, with no other hyphens."""
    locale = describe_language(voice.config.data.language).code
    middle = "_".join(part for part in (name, form) if part).replace("-", "_")
    return f"{locale}-{middle}-{_quality(voice)}"


def phoneme_ids(voice: VoiceFile) -> dict[str, list[int]]:
    """Piper's map from symbols to ids.

    Piper puts `^` and `$` around every sentence: a voice without them maps them to no ids. Piper does not lower-case: a
    voice of graphemes maps capital letters to the same ids.
    """
    symbols = _symbols(voice)
    ids: dict[str, list[int]] = {"^": [], "$": []} | {symbol: [index] for symbol, index in symbols.items()}
    if _reads_letters(voice):
        capitals = {symbol.upper(): [index] for symbol, index in symbols.items()}
        ids |= {symbol: index for symbol, index in capitals.items() if len(symbol) == 1 and symbol not in ids}
    return ids


def tokens(voice: VoiceFile) -> str:
    """The content of tokens.txt: one symbol and its id per line, in the order of the ids."""
    return "".join(f"{symbol} {index}\n" for symbol, index in _symbols(voice).items())


def metadata(voice: VoiceFile, *, streams: bool = True) -> dict[str, str]:
    """The graph's metadata: what sherpa-onnx requires, and our own.

    Args:
        voice: that was exported.
        streams: whether a sentence that is decoded in chunks is the same as at once.
    """
    language = voice.config.data.language
    theirs = {
        "model_type": "vits",
        "comment": "piper",  # determines the inputs of the graph and the order of ids
        "language": describe_language(language).name_english,
        "voice": language,
        "has_espeak": "1",
        "n_speakers": str(max(1, len(voice.speakers))),
        "sample_rate": str(voice.config.audio.sample_rate),
        "version": "1",
    }
    if _reads_letters(voice):
        theirs |= {"has_espeak": "0", "frontend": "characters", "use_eos_bos": "1", "add_blank": "1"}
        theirs |= {"blank_id": "0", "bos_id": "1", "eos_id": "2", "punctuation": "; : , . ! ?"}
    ours = {
        "config": dump_config(voice.config),
        "symbols": voice.symbols,
        "speakers": json.dumps(list(voice.speakers), ensure_ascii=False),
        "step": str(voice.step),
    }
    if voice.lexicon is not None:
        ours["lexicon"] = voice.lexicon
    if voice.origin is not None:
        ours["origin"] = voice.origin
    decoder_field = voice.synthesizer.decoder.receptive_field
    fields = {}
    if streams and decoder_field is not None:
        fields = {FLOW_FIELD: str(voice.synthesizer.flow.receptive_field), DECODER_FIELD: str(decoder_field)}
    return theirs | {f"{OWN_METADATA}{name}": value for name, value in ours.items()} | fields


def what_clients_lack(voice: VoiceFile) -> list[str]:
    """Features of our front end that those of Piper and sherpa-onnx lack, one sentence each."""
    symbols, letters, speed = _symbols(voice), _reads_letters(voice), voice.config.speaking.speed
    composed = " ".join(symbol for symbol in symbols if len(unicodedata.normalize("NFD", symbol)) > 1)
    sentences = (
        (letters, "This voice reads letters, and clients skip numbers, abbreviations and signs: write them as words."),
        (letters and composed, f"Piper decomposes {composed} into letters and marks, and speaks the bare letters."),
        (
            not letters,
            "Clients read the text with espeak-ng alone: numbers, dates, units and abbreviations sound as espeak-ng "
            "reads them, without our normalisation.",
        ),
        (
            not letters,
            "sherpa-onnx 1.x contains its own espeak-ng, which gives half of all English sentences slightly different "
            "phonemes (never ʲ).",
        ),
        (
            not letters,
            "sherpa-onnx 2.x takes phonemes, or plain text with lexicon.txt; then it skips words that are not in it "
            "and omits the start and end symbols of sentences.",
        ),
        (
            voice.lexicon is not None,
            "The lexicon of this voice is not read by clients: give them its words as [[phonemes]].",
        ),
        (
            speed != 1.0,
            f"sherpa-onnx does not read this voice's own speed: give it a length scale of {1 / speed:.3g}.",
        ),
        (
            "^" not in symbols,
            "This voice has no start and end symbols: sherpa-onnx, which needs both, cannot load it.",
        ),
    )
    return [sentence for applies, sentence in sentences if applies]


def _symbols(voice: VoiceFile) -> dict[str, int]:
    """Symbols and their ids, in the order of the ids."""
    return dict(sorted(json.loads(voice.symbols).items(), key=lambda item: item[1]))


def _reads_letters(voice: VoiceFile) -> bool:
    return voice.config.data.front_end == "graphemes"


def _quality(voice: VoiceFile) -> str:
    if voice.config.audio.sample_rate <= 16000:
        return "low"
    parameters = (
        weight.numel()
        for name, weight in voice.synthesizer.state_dict().items()
        if not name.startswith("posterior_encoder.")
    )
    return "high" if sum(parameters) > _HIGH_PARAMETERS else "medium"
