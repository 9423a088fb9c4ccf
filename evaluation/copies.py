"""Copy-synthesis: recordings through posterior encoder and decoder, against themselves.

What is lost here the text cannot bring back: it is the best that the voice could sound.
"""

from evaluation.metric import Metric, Part
from metrics.perception import pesq_wideband, stoi
from metrics.spectra import mel_distance, multi_resolution_stft_distance

_LISTENING = ("posterior encoder",)

COPIES = Part(
    "copies of the recordings",
    (
        Metric(
            "multi-resolution STFT distance",
            "",
            "lower",
            lambda it: multi_resolution_stft_distance(it.recorded.audio, it.copied.audio),
            needs=_LISTENING,
        ),
        Metric(
            "mel distance",
            "nats",
            "lower",
            lambda it: mel_distance(it.recorded.audio, it.copied.audio, it.sample_rate),
            needs=_LISTENING,
        ),
        Metric(
            "PESQ",
            "MOS",
            "higher",
            lambda it: pesq_wideband(it.recorded.audio, it.copied.audio, it.sample_rate),
            needs=(*_LISTENING, "pesq"),
        ),
        Metric(
            "STOI",
            "",
            "higher",
            lambda it: stoi(it.recorded.audio, it.copied.audio, it.sample_rate),
            needs=(*_LISTENING, "stoi"),
        ),
        Metric("periodicity error", "", "lower", lambda it: it.copied_pitch.periodicity_rmse, needs=_LISTENING),
        Metric("voiced/unvoiced F1", "", "higher", lambda it: it.copied_pitch.voiced_f1, needs=_LISTENING),
        Metric("F0 RMSE", "cents", "lower", lambda it: it.copied_pitch.rmse_cents, needs=_LISTENING),
    ),
)
