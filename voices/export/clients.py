"""Try the programs that voices are exported for: each that is installed loads the export and synthesizes a sentence."""

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.speech import Plan
from voices.export.comparison import NUDGE, parity_bound
from voices.voice_file import VoiceFile

_SENTENCE = "The quick brown fox jumps over the lazy dog."
_SECONDS = 300

# In a process of its own, because sherpa-onnx exits on a voice that it does not accept. 1.x contains espeak-ng and
# takes text; 2.x takes phonemes, or plain text with a lexicon.
_SHERPA = """
import json, sys
import sherpa_onnx
asked = json.loads(sys.argv[1])
vits = sherpa_onnx.OfflineTtsVitsModelConfig(
    model=asked["model"], tokens=asked["tokens"], data_dir=asked["data_dir"], lexicon=asked["lexicon"]
)
model = sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=1)
speaker = sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=model))
if asked["codepoints"] and hasattr(sherpa_onnx.GenerationConfig, "phoneme_codepoints"):
    generation = sherpa_onnx.GenerationConfig()
    generation.phoneme_codepoints = asked["codepoints"]
    audio, given = speaker.generate("", generation), "phonemes"
else:
    given = "plain text and lexicon.txt" if asked["lexicon"] else "plain text"
    audio = speaker.generate(asked["text"], sid=0, speed=1.0)
print(json.dumps([len(audio.samples) / audio.sample_rate, max(map(abs, audio.samples), default=0.0), given]))
"""


@dataclass(frozen=True)
class Trial:
    """The result of trying a program."""

    client: str  # with its version, where it is installed
    outcome: str
    failed: bool = False


def try_clients(voice: VoiceFile, graph: Path) -> list[Trial]:
    """Try every installed client with a graph that has its settings and tokens beside it."""
    trials = [_try_piper(voice, graph), _try_sherpa(voice, graph)]
    lexicon = graph.with_name("lexicon.txt")
    if lexicon.is_file():
        trials.append(_try_sherpa(voice, graph, lexicon))
    return trials


@torch.no_grad()
def _try_piper(voice: VoiceFile, graph: Path) -> Trial:
    if importlib.util.find_spec("piper") is None:
        return Trial("piper-tts", "not tried: it is not installed")
    from piper import PiperVoice, SynthesisConfig

    client = f"piper-tts {importlib.metadata.version('piper-tts')}"
    try:
        speaker = PiperVoice.load(graph)
        quiet = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
        chunks = list(speaker.synthesize(_SENTENCE, quiet))
    except Exception as error:  # any error is the result
        return Trial(client, f"fails: {error}", failed=True)
    if not chunks:
        return Trial(client, "fails: it gives no audio", failed=True)
    seconds = sum(len(chunk.audio_float_array) for chunk in chunks) / voice.config.audio.sample_rate
    apart: list[float] = []
    for chunk in chunks:
        plan, theirs = _plan(voice, chunk.phoneme_ids), chunk.audio_float_array
        own = voice.synthesizer.decode(plan).audio[0, 0].numpy()
        if theirs.shape == own.shape:
            apart.append(float(np.abs(theirs - own).max()))
            continue
        beside = (_plan(voice, chunk.phoneme_ids, nudge) for nudge in (1 + NUDGE, 1 - NUDGE))
        shortest, longest = (other.z_p.shape[2] * voice.synthesizer.hop_length for other in beside)
        if not shortest <= len(theirs) <= longest:
            difference = f"{len(theirs)} samples where torch makes {len(own)}"
            return Trial(client, f"speaks {seconds:.1f} s; without noise durations differ: {difference}", failed=True)
    if not apart:
        return Trial(client, f"speaks {seconds:.1f} s; not compared: a duration is close to a rounding edge")
    outcome = f"speaks {seconds:.1f} s; without noise at most {max(apart):.1e} from torch"
    return Trial(client, outcome, failed=not max(apart) <= parity_bound(voice))


def _plan(voice: VoiceFile, ids: Sequence[int], nudge: float = 1.0) -> Plan:
    """Plan ids in torch without noise, at the voice's own speed times `nudge`."""
    return voice.synthesizer.plan(
        torch.tensor([list(ids)]),
        torch.tensor([len(ids)]),
        torch.tensor([0]) if len(voice.speakers) > 1 else None,
        noise_scale=0.0,
        duration_noise_scale=0.0,
        speed=voice.config.speaking.speed * nudge,
    )


def _try_sherpa(voice: VoiceFile, graph: Path, lexicon: Path | None = None) -> Trial:
    if importlib.util.find_spec("sherpa_onnx") is None:
        return Trial("sherpa-onnx", "not tried: it is not installed")
    version = importlib.metadata.version("sherpa-onnx")
    client = f"sherpa-onnx {version}"
    if "^" not in json.loads(voice.symbols):
        return Trial(client, "not tried: it needs a start and an end symbol, and this voice has none")
    letters = voice.config.data.front_end == "graphemes"
    data = _espeak_data()
    if not letters and data is None and lexicon is None:
        return Trial(client, "not tried: it needs the data of espeak-ng, which comes with piper-tts")
    asked = {
        "model": str(graph),
        "tokens": str(graph.with_name("tokens.txt")),
        "lexicon": "" if lexicon is None else str(lexicon),
        "data_dir": "" if letters or lexicon is not None else str(data),
        "text": _SENTENCE if lexicon is None else _first_words(lexicon),
        "codepoints": []
        if letters or lexicon is not None
        else [[ord(phoneme) for phoneme in "ðə kwˈɪk bɹˈaʊn fˈɑːks."]],
    }
    command = [sys.executable, "-c", _SHERPA, json.dumps(asked)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Trial(client, f"fails: no audio after {_SECONDS} s", failed=True)
    if done.returncode != 0 or not done.stdout.strip():
        message = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        return Trial(client, f"fails with exit code {done.returncode}: {message}", failed=True)
    seconds, loudest, given = json.loads(done.stdout.strip().splitlines()[-1])
    outcome = f"given {given}, speaks {seconds:.1f} s, peak {loudest:.2f}"
    return Trial(client, outcome, failed=seconds == 0)


def _first_words(lexicon: Path, most: int = 8) -> str:
    lines = lexicon.read_text(encoding="utf-8").splitlines()[:most]
    return " ".join(line.partition(" ")[0] for line in lines) + "."


def _espeak_data() -> Path | None:
    piper = importlib.util.find_spec("piper")
    if piper is None or piper.origin is None:
        return None
    folder = Path(piper.origin).parent / "espeak-ng-data"
    return folder if folder.is_dir() else None
