"""Corpora as `prepare` hands them over, made by hand."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from configs import AudioSettings, DataSettings
from data.faults import RowFault
from data.inspection.signal_level import SignalMetrics
from data.preparation import Preparation, PreparedClip
from data.recording import Recording
from text import SymbolTable

RATE = 22050

ClipMaker = Callable[..., PreparedClip]
PreparationMaker = Callable[..., Preparation]


@pytest.fixture(scope="session")
def make_clip() -> ClipMaker:
    """`make_clip(line, text=..., seconds=...)`: a clip that nothing is wrong with, but for what is given."""

    def make(
        line: int,
        text: str = "a text of twenty-four in",
        *,
        seconds: float = 2.0,
        speaker: str | None = None,
        speech: str = "əbc",
        digest: str = "",
        root: Path = Path("corpus"),
        **measured: float | None,
    ) -> PreparedClip:
        figures = {
            "seconds": seconds,
            "source_rate_hz": RATE,
            "channels": 1,
            "peak": 0.5,
            "rms_dbfs": -20.0,
            "loudness_lufs": -21.0,
            "dc_offset": 0.0,
            "clipped_samples": 0,
            "leading_silence_seconds": 0.1,
            "trailing_silence_seconds": 0.2,
            "snr_db": 40.0,
        }
        return PreparedClip(
            recording=Recording(f"c{line}", text, speaker, root / "wavs" / f"c{line}.wav", root / "metadata.csv", line),
            speech=speech,
            audio_key=str(line),
            audio_digest=digest or hashlib.sha256(str(line).encode()).hexdigest(),
            samples=round(seconds * RATE),
            metrics=SignalMetrics(**{**figures, **measured}),  # type: ignore[arg-type]
        )

    return make


@pytest.fixture(scope="session")
def make_preparation() -> PreparationMaker:
    """`make_preparation(clips, faults, language=...)`: what `prepare` would return."""

    def make(
        clips: Sequence[PreparedClip], faults: Sequence[RowFault] = (), *, root: str = "corpus", **settings: Any
    ) -> Preparation:
        return Preparation(
            data=DataSettings(root=root, **settings),
            audio=AudioSettings(sample_rate=RATE),
            layout="ljspeech",
            symbols=SymbolTable({"_": 0, "^": 1, "$": 2}),
            lexicon=None,
            rows=len(clips) + len({fault.line for fault in faults if fault.action == "dropped"}),
            clips=tuple(clips),
            faults=tuple(faults),
            key="key",
        )

    return make
