"""Speaker similarity of real readers, and of sounds that nobody speaks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from metrics.perception import missing
from metrics.speaker import similarity, speaker_embedding
from metrics.spectra import Audio
from tests.data.conftest import multispeaker as multispeaker
from tests.metrics.conftest import RATE

pytestmark = pytest.mark.skipif("speaker encoder" in missing(), reason="resemblyzer or webrtcvad is not installed")
READERS = ("ljspeech", "kathleen", "p239")


def sentences_of(reader: str, corpus: Path) -> list[tuple[Audio, int]]:
    """Four recordings of a reader, of 2 s or more."""
    rows = [line.split("|") for line in (corpus / "metadata.csv").read_text(encoding="utf-8").splitlines()]
    files = [next((corpus / "wavs").glob(f"{row[0]}.*")) for row in rows if row[1] == reader]
    read = (soundfile.read(file, dtype="float32") for file in files)
    return [(audio, rate) for audio, rate in read if len(audio) > 2 * rate][:4]


def test_a_reader_is_more_like_herself_than_like_any_other(multispeaker: Path) -> None:
    embeddings = {
        reader: [speaker_embedding(audio, rate) for audio, rate in sentences_of(reader, multispeaker)]
        for reader in READERS
    }
    for reader, own in embeddings.items():
        same = [similarity(one, other) for n, one in enumerate(own) for other in own[:n]]
        others = [
            similarity(one, other)
            for another, theirs in embeddings.items()
            if another != reader
            for one in own
            for other in theirs
        ]
        assert len(same) == 6
        assert np.mean(same) > np.mean(others) + 0.1
        assert min(same) > np.mean(others)


def test_noise_makes_a_reader_less_like_herself_and_is_nobody_alone(multispeaker: Path) -> None:
    (reference, rate), (audio, _) = sentences_of("ljspeech", multispeaker)[:2]
    noise = np.random.default_rng(0).normal(scale=audio.std(), size=len(audio)).astype(np.float32)
    own = speaker_embedding(reference, rate)
    clean, noisy, alone = (similarity(own, speaker_embedding(each, rate)) for each in (audio, audio + noise, noise))
    assert clean > noisy + 0.05
    assert not alone > noisy  # nothing is left of noise where it is trimmed as no speech


@pytest.mark.parametrize("samples", [0, 1, RATE // 20, RATE])
def test_where_nobody_speaks_there_is_no_embedding(samples: int) -> None:
    assert np.isnan(speaker_embedding(np.zeros(samples, np.float32), RATE)).all()


def test_a_level_changes_nothing(multispeaker: Path) -> None:
    (audio, rate) = sentences_of("kathleen", multispeaker)[0]
    one, other = speaker_embedding(audio, rate), speaker_embedding(audio * np.float32(0.1), rate)
    assert similarity(one, other) > 0.98
