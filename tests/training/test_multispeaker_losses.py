"""The losses between speakers and the perceptual loss on recordings of six English speakers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch

from configs import Config, load_config
from train import start
from training.frozen import speaker_embeddings
from training.frozen.speaker_embeddings import SpeakerEmbeddings, SpeakerRecordings, references, train_encoder

HOUSE = Path(__file__).resolve().parents[2]
MULTISPEAKER = HOUSE.parent / "shared" / "data" / "multispeaker"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MULTISPEAKER.exists(), reason=f"real speech is not present: {MULTISPEAKER}"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def settings(run: Path, cache: Path, *overrides: str) -> Config:
    own = [f"data.root={MULTISPEAKER}", f"data.cache={cache}", f"run.dir={run}", "run.device=cpu"]
    own += ["data.validation_clips=6", "loss.recogniser_hours=0.3"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, *overrides])


@pytest.mark.parametrize(
    ("name", "weight"),
    [("cycle", 45), ("identity", 45), ("perceptual", 45), ("speaker_contrastive", 20), ("speaker_info_nce", 5)],
)
def test_a_batch_of_readers_is_learned_by_each_term_alone(
    name: str, weight: float, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same clips, segments, noise and other speakers in each step: other ones differ by more than is learned."""
    pytest.importorskip("piper")
    monkeypatch.setattr(speaker_embeddings, "_UPDATES", 60)
    others = ("loss.mel=0", "loss.adversarial=0", "loss.feature_matching=0", "train.learning_rate=1e-3")
    learner = start(settings(tmp_path, cache, *others, f"loss.{name}={weight}"))
    batch, values = next(learner.batches()), []
    for step in range(24):
        learner.step = step
        torch.manual_seed(0)
        scalars = learner.run_step(batch).scalars()
        assert all(bool(value.isfinite()) for value in scalars.values())
        values.append(scalars[f"loss/generator/{name}"].item())
    assert np.mean(values[-4:]) < 0.9 * np.mean(values[:4])


def equal_error_rate(scores: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]) -> float:
    """Where as large a share of pairs of one speaker is refused as is accepted of pairs of two."""
    rates = [((scores[same] < bound).mean(), (scores[~same] >= bound).mean()) for bound in np.sort(scores)]
    return float(min(rates, key=lambda pair: abs(pair[0] - pair[1]))[1])


def test_the_speaker_encoder_tells_segments_of_new_recordings_apart() -> None:
    """Of six readers with a third of the clips held out, in pieces of 0.37 s; chance has an equal error rate of 1/2."""
    rows = [line.split("|")[:2] for line in (MULTISPEAKER / "metadata.csv").read_text().splitlines()]
    speakers = sorted({speaker for _, speaker in rows})
    known: list[list[torch.Tensor]] = []
    new: list[tuple[int, torch.Tensor]] = []
    for place, speaker in enumerate(speakers):
        own = [
            torch.from_numpy(soundfile.read(MULTISPEAKER / "wavs" / f"{name}.flac", dtype="float32")[0])[None, None]
            for name, whose in rows
            if whose == speaker
        ]
        held_out = max(1, len(own) // 3)
        known.append(own[held_out:])
        new += [(place, audio) for audio in own[:held_out]]
    speech = SpeakerRecordings(known)
    embeddings = SpeakerEmbeddings(train_encoder(speech, sample_rate=22050, shortest=8192, seed=1), 22050)
    everyone, scores, same = references(embeddings, speech), [], []
    with torch.no_grad():
        for place, audio in new:
            by = embeddings.statistics(audio, torch.tensor([audio.shape[2]]))
            for begin in range(8192, audio.shape[2] - 16384, 16384):
                piece = audio[:, :, begin : begin + 8192]
                if float(piece.square().mean().sqrt()) > 0.01:  # there is speech
                    scores.append((embeddings(piece, by, torch.tensor([8192])) @ everyone.T)[0].double().numpy())
                    same.append(np.arange(len(speakers)) == place)
    assert len(scores) > 80
    assert equal_error_rate(np.concatenate(scores), np.concatenate(same)) < 0.06
