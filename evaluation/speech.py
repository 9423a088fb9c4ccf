"""Text to speech: held-out texts as the voice says them, beside the recordings of the same texts."""

from collections.abc import Callable

import numpy as np

from evaluation.metric import Metric, Part
from evaluation.rendition import Rendition
from metrics.cepstra import mel_cepstral_distortion
from metrics.perception import Dnsmos
from metrics.pitch import log_f0_rmse

_MILLISECONDS, _PERCENT = 1000, 100


def duration_error(it: Rendition) -> float:
    """Mean absolute difference of a phoneme's duration, as it is spoken and as it was recorded, in milliseconds.

    The recorded durations are those that the alignment search finds. Pauses do not count.
    """
    starts, is_sound = it.phonemes.starts, it.phonemes.is_sound
    spoken, recorded = (np.add.reduceat(of.frames, starts)[is_sound] for of in (it.rendered, it.aligned))
    return float(np.abs(spoken - recorded).mean()) * it.frame_seconds * _MILLISECONDS


def length_error(it: Rendition) -> float:
    """How much longer or shorter the whole sentence is than its recording, in percent."""
    return abs(it.spoken.seconds / it.recorded.seconds - 1) * _PERCENT


def speaking_rate(it: Rendition, seconds: float) -> float:
    """Phonemes per second, pauses included in the time."""
    return float(it.phonemes.is_sound.sum()) / seconds


def _opinion(name: str, of: Callable[[Dnsmos], float]) -> Metric:
    return Metric(
        f"DNSMOS {name}",
        "MOS",
        "higher",
        lambda it: of(it.spoken.opinion),
        lambda it: of(it.recorded.opinion),
        needs=("dnsmos",),
    )


SPEECH = Part(
    "text to speech",
    (
        Metric(
            "mel-cepstral distortion",
            "dB",
            "lower",
            lambda it: mel_cepstral_distortion(it.recorded.audio, it.spoken.audio, it.sample_rate),
        ),
        Metric("log-F0 RMSE", "", "lower", lambda it: log_f0_rmse(it.recorded.pitch, it.spoken.pitch, it.path)),
        Metric("duration error per phoneme", "ms", "lower", duration_error, needs=("posterior encoder",)),
        Metric("duration error per sentence", "%", "lower", length_error),
        Metric(
            "speaking rate",
            "phonemes/s",
            "recorded",
            lambda it: speaking_rate(it, it.spoken.seconds),
            lambda it: speaking_rate(it, it.recorded.seconds),
        ),
        _opinion("overall", lambda of: of.overall),
        _opinion("signal", lambda of: of.signal),
        _opinion("background", lambda of: of.background),
        _opinion("P.808", lambda of: of.p808),
        Metric(
            "loudness",
            "LUFS",
            "recorded",
            lambda it: it.spoken.level.loudness_lufs,
            lambda it: it.recorded.level.loudness_lufs,
        ),
        Metric(
            "clipped samples",
            "%",
            "lower",
            lambda it: it.spoken.level.clipped_share * _PERCENT,
            lambda it: it.recorded.level.clipped_share * _PERCENT,
        ),
        Metric(
            "silence",
            "%",
            "recorded",
            lambda it: it.spoken.level.silence_share * _PERCENT,
            lambda it: it.recorded.level.silence_share * _PERCENT,
        ),
    ),
)
