"""Speak with sherpa-onnx in a process of its own: two versions do not fit into one, and a bad model ends it.

`python sherpa_speaker.py JOB.json OUT.npz`. The job holds `model` and `tokens`, for a version with a phonemiser of its
own `data_dir`, for plain text without one `lexicon`, the keyword arguments of the model as `scales`, and a list of
`utterances`, each with `sid`, `speed` and `text`, `tokens` or `phoneme_codepoints`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import sherpa_onnx


def generate(voice: Any, utterance: dict[str, Any]) -> Any:
    """Speak one utterance, with its silences as long as the voice makes them."""
    config = sherpa_onnx.GenerationConfig()
    config.silence_scale = 1.0
    for name in ("sid", "speed", "tokens", "phoneme_codepoints"):
        if name in utterance:
            setattr(config, name, utterance[name])
    return voice.generate(utterance.get("text", ""), config)


def main() -> None:
    """Do the job of the first argument and write the second."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    place = {name: job[name] for name in ("model", "tokens", "data_dir", "lexicon") if name in job}
    vits = sherpa_onnx.OfflineTtsVitsModelConfig(**place, **job["scales"])
    model = sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=1, provider="cpu")
    voice = sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=model))
    said: dict[str, Any] = {
        str(index): np.asarray(generate(voice, utterance).samples, dtype=np.float32)
        for index, utterance in enumerate(job["utterances"])
    }
    facts = {"version": sherpa_onnx.__version__, "sample_rate": voice.sample_rate, "speakers": voice.num_speakers}
    np.savez(sys.argv[2], facts=json.dumps(facts), **said)


if __name__ == "__main__":
    main()
