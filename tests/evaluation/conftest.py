"""A corpus of six machine-read sentences, and run folders with voices of random weights."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from configs import load_config
from data.embedded import make_embedded_corpus
from models.synthesizer import Synthesizer
from text import grapheme_symbols, piper_symbols
from voices.checkpoint import checkpoint_path, save_checkpoint
from voices.voice_file import save_voice

HOUSE = Path(__file__).resolve().parents[2]
SENTENCES = (
    "The cat sat down.",
    "Rain fell on the town.",
    "We saw two ships.",
    "He asked for bread and salt.",
    "Nobody came home.",
    "The wind was cold that day.",
)
VALIDATION = 3


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six sentences."""
    folder = tmp_path_factory.mktemp("corpora")
    (folder / "sentences.txt").write_text("\n".join(SENTENCES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.embedded.SENTENCES", folder / "sentences.txt")
        return make_embedded_corpus(folder / "six")


@pytest.fixture(scope="session")
def run(corpus: Path) -> Path:
    """A run folder whose voice file has no posterior encoder; the checkpoint has."""
    return write_run(corpus.parent / "run", corpus)


def write_run(folder: Path, corpus: Path, *overrides: str, speakers: Sequence[str] = (), letters: str = "") -> Path:
    """A voice of random weights, at a speaking rate that lets it be evaluated."""
    own = [f"data.root={corpus}", f"data.cache={corpus.parent / 'cache'}", f"data.validation_clips={VALIDATION}"]
    config = load_config(HOUSE / "configs" / "tiny.toml", [*own, "speaking.speed=0.4", *overrides])
    torch.manual_seed(5)
    symbols = grapheme_symbols([letters]) if letters else piper_symbols()
    synthesizer = Synthesizer(config, num_symbols=symbols.size, num_speakers=max(1, len(speakers)))
    torch.nn.init.normal_(synthesizer.get_parameter("decoder.output.weight"), std=0.3)
    alphabet = symbols.to_json()
    save_voice(folder / "voice.safetensors", synthesizer, config, symbols=alphabet, speakers=speakers, step=7)
    state = {
        "config": config.model_dump(exclude_none=True),
        "symbols": alphabet,
        "speakers": list(speakers),
        "average": synthesizer.state_dict(),
        "synthesizer": {name: weight + 1 for name, weight in synthesizer.state_dict().items()},
        "step": 7,
    }
    (folder / "checkpoints").mkdir(exist_ok=True)
    save_checkpoint(checkpoint_path(folder / "checkpoints", 7), state)
    return folder
