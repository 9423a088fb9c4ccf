"""A voice finds texts in recordings: by its alignment search, in the order in which they are spoken."""

from pathlib import Path

import numpy as np
import pytest
import torch

from configs import InputError, load_config
from models.synthesizer import Synthesizer
from speaking.sentence_times import VoiceAligner
from text import piper_symbols
from voices.checkpoint import checkpoint_path, save_checkpoint
from voices.voice_file import save_voice

pytest.importorskip("piper")
REPOSITORY = Path(__file__).resolve().parents[2]
TEXTS = ["The first of them.", "And then,", "a longer one that comes after it!"]


@pytest.fixture(scope="module", params=[(), ("ann", "bob")])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of random weights, of one speaker or of two."""
    folder, speakers = tmp_path_factory.mktemp("run"), request.param
    config = load_config(REPOSITORY / "configs" / "tiny.toml", ["data.root=corpus"])
    torch.manual_seed(3)
    symbols = piper_symbols()
    synthesizer = Synthesizer(config, num_symbols=symbols.size, num_speakers=max(1, len(speakers)))
    save_voice(folder / "voice.safetensors", synthesizer, config, symbols=symbols.to_json(), speakers=speakers, step=1)
    state = {
        "config": config.model_dump(exclude_none=True),
        "symbols": symbols.to_json(),
        "speakers": list(speakers),
        "average": synthesizer.state_dict(),
        "synthesizer": synthesizer.state_dict(),
        "discriminator": {},
        "step": 1,
    }
    (folder / "checkpoints").mkdir()
    save_checkpoint(checkpoint_path(folder / "checkpoints", 1), state)
    return folder


@pytest.mark.parametrize("rate", [22050, 16000])
@pytest.mark.parametrize("speaker", [None, "bob", "nobody"])
def test_texts_end_in_their_order_and_the_last_one_with_the_recording(
    run: Path, rate: int, speaker: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voices.importing.own._discriminators", lambda *_: None)
    aligner = VoiceAligner(run)
    audio = np.random.default_rng(0).normal(scale=0.1, size=8 * rate).astype(np.float32)
    times = aligner(audio, rate, TEXTS, speaker)
    assert times.shape == (3,)
    assert (np.diff(times) > 0).all()
    assert times[0] > 0
    assert times[-1] <= 8
    # The boundaries are those of the durations that the search gives to each symbol.
    counts = [len(aligner.front_end.utterance(text).symbols) for text in TEXTS]
    assert times[0] >= (2 * counts[0] - 1) * 256 / 22050  # each id has a frame at least


def test_a_recording_with_fewer_frames_than_ids_is_divided_evenly(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voices.importing.own._discriminators", lambda *_: None)
    times = VoiceAligner(run)(np.zeros(11025, np.float32), 22050, TEXTS, None)
    assert times == pytest.approx([1 / 6, 2 / 6, 3 / 6])


def test_the_texts_are_found_where_the_prior_says_that_they_are(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voices.importing.own._discriminators", lambda *_: None)
    aligner = VoiceAligner(run)
    durations = torch.tensor([3, 1, 5, 2])
    symbols = [list(aligner.front_end.utterance(text).symbols) for text in TEXTS]
    ids = aligner.front_end.symbols.encode([*symbols[0], " ", *symbols[1], " ", *symbols[2]]).ids
    frames_each = torch.tensor([int(durations[index % 4]) for index in range(len(ids))])

    def latents(spectrogram: torch.Tensor, lengths: torch.Tensor, speakers: object) -> torch.Tensor:
        text, _ = aligner.engine.synthesizer._encode_text(torch.tensor([ids]), torch.tensor([len(ids)]))
        return text.prior.mean.repeat_interleave(frames_each, dim=2)

    monkeypatch.setattr(aligner.engine.synthesizer, "latents", latents)
    audio = np.zeros(int(frames_each.sum()) * 256, np.float32)
    times = aligner(audio, 22050, TEXTS, None)
    ends = frames_each.cumsum(0)
    last = [len(symbols[0]), len(symbols[0]) + 1 + len(symbols[1])]
    expected = [float(ends[2 * count]) * 256 / 22050 for count in last]
    assert times[:2] == pytest.approx(expected, abs=12 * 256 / 22050)


def test_a_voice_without_a_posterior_encoder_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "voice.safetensors").write_bytes((run / "voice.safetensors").read_bytes())
    if b"posterior_encoder" in (run / "voice.safetensors").read_bytes():
        assert VoiceAligner(tmp_path / "voice.safetensors").speakers == ("ann", "bob")
        return
    with pytest.raises(InputError, match=r"has no posterior encoder, which finds texts in recordings: give its run"):
        VoiceAligner(tmp_path / "voice.safetensors")
