"""A run folder with a voice of random weights that is heard."""

from pathlib import Path

import torch

from configs import load_config
from models.synthesizer import Synthesizer
from text import piper_symbols
from voices.voice_file import save_voice

HOUSE = Path(__file__).resolve().parents[1]


def make_voice(folder: Path, speakers: tuple[str, ...] = (), *overrides: str) -> Path:
    """A run folder with a voice of random weights."""
    config = load_config(HOUSE / "configs" / "tiny.toml", overrides)
    torch.manual_seed(5)
    symbols = piper_symbols()
    synthesizer = Synthesizer(config, num_symbols=symbols.size, num_speakers=max(1, len(speakers)))
    loud = synthesizer.get_parameter("decoder.output.weight")
    torch.nn.init.normal_(loud, std=0.3)  # so that a difference is heard
    save_voice(folder / "voice.safetensors", synthesizer, config, symbols=symbols.to_json(), speakers=speakers, step=1)
    return folder
