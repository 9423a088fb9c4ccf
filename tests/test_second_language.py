"""A second language from its recordings to its speech: two Dutch speakers, real recordings."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from configs import load_config
from data.preparation import prepare
from infer import Voice
from train import run, start

HOUSE = Path(__file__).resolve().parents[1]
MULTISPEAKER = HOUSE.parent / "shared" / "data" / "multispeaker"


@pytest.fixture(scope="module")
def dutch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Dutch rows of a corpus of several languages, as id|speaker|text."""
    if not MULTISPEAKER.exists():
        pytest.skip(f"real speech is not present: {MULTISPEAKER}")
    root = tmp_path_factory.mktemp("dutch")
    rows = (MULTISPEAKER / "metadata_nl_de.csv").read_text(encoding="utf-8").splitlines()
    own = [row for row in rows if "_nl_" in row or row.split("|")[1] in ("flemishguy", "nathalie")]
    (root / "metadata.csv").write_text("\n".join(own), encoding="utf-8")
    (root / "wavs").mkdir()
    for row in own:
        shutil.copy(MULTISPEAKER / "wavs" / f"{row.split('|')[0]}.flac", root / "wavs")
    return root


@pytest.mark.slow
def test_a_dutch_voice_of_two_speakers_is_trained_and_reads_dutch_numbers(dutch: Path, tmp_path: Path) -> None:
    pytest.importorskip("piper")
    own = [f"data.root={dutch}", f"data.cache={tmp_path / 'cache'}", f"run.dir={tmp_path / 'run'}", "data.language=nl"]
    config = load_config(
        HOUSE / "configs" / "tiny.toml", [*own, "data.validation_clips=4", "train.steps=2", "train.report_every=1"]
    )
    assert run(start(config)) == 0
    preparation = prepare(config.data, config.audio)
    assert (preparation.layout, len(preparation.clips), preparation.faults) == ("piper", 40, ())

    voice = Voice.load(tmp_path / "run")
    assert voice.speakers == ("flemishguy", "nathalie")
    written, spoken = "Op 3 mei kostte het €12,50.", "Op drie mei kostte het twaalf euro vijftig."
    ids = [[encoded.ids for encoded in voice.front_end.sentences(text)] for text in (written, spoken)]
    assert ids[0] == ids[1]
    audio = voice.speak(written, speaker="nathalie", seed=1)
    assert np.isfinite(audio).all()
    assert len(audio) > voice.sample_rate / 4
