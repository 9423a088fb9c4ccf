"""Whether a voice speaks at all: the audio of its ordinary sentences, beside its own recordings.

Durations and power show faults of speech, but a steady hum of the right length has none. So the audio itself is checked
first. Measured, as medians of sentences ("change" is `Impression.change_db`; the phoneme error rate is that of a
recogniser trained on the recordings, which has 13 % on these):

                                            change   voiced   pitch spread   phoneme errors
    recordings of 13 readers, 4 languages   7.2-9.9  37-75 %  270-720 cents  13 %
    - the least or most of one sentence     5.0      89 %     165 cents
    - with white noise at 10 dB, at 5 dB    4.7, 3.7
    untrained networks, and after 3 steps   0.4-0.9  54-100 %                84-91 %
    texts and recordings mixed up           0.4      100 %    0 cents
    a tiny voice after 500 steps            6.0      97 %     12 cents
    the shipped reference, step 200         1.1      98 %     1 cent         91 %
    - step 1000                             5.3      93 %     3 cents        87 %
    - step 1200                             7.4      93 %     4 cents        74 %
    - step 3000, where it speaks poorly     8.0      27 %     330 cents      67 %

W windows · K bands
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from data.inspection.signal_level import to_dbfs
from evaluation.rendition import HeldOutSentence
from evaluation.robustness.faults import QUIETER_DB, RATE_TIMES, RobustnessFault
from evaluation.robustness.generated import GeneratedSentence
from metrics.pitch import CENTS_PER_OCTAVE, track_pitch
from metrics.spectra import Audio, log_mel
from text.symbols import is_sound

NO_SPEECH = "no speech"  # the rule
ENOUGH_RECORDINGS = 5  # for a median that an odd one does not move
# Half of that of a reader in a noisy room, and twice that of any untrained network.
LEAST_CHANGE_DB = 2.5
LEAST_CHANGE_SHARE = 0.7  # of the change of the recordings: the last step of the reference without speech has 0.6
# An untrained decoder generates one steady tone, at the frame rate.
TONE_VOICED_SHARE, TONE_CENTS = 0.9, 50.0
_WINDOW_FRAMES, _BANDS = 4, 8
_USUAL_RMS = 0.07  # all audio is scaled to it, so that quiet audio is not below the floor of the log-mel


@dataclass(frozen=True)
class Impression:
    """Figures that tell speech from other audio; of several sentences, the median of each."""

    level_dbfs: float
    change_db: float  # of its spectrum over time, whatever its loudness
    voiced_share: float  # of its time
    pitch_cents: float  # standard deviation of its pitch; infinite where it has none
    sounds_per_second: float  # pauses included in the time

    @classmethod
    def of(cls, audio: Audio, sample_rate: int, symbols: Sequence[str]) -> "Impression":
        """The figures of one sentence with these symbols; its audio is finite and not empty."""
        power = float(np.square(audio, dtype=np.float64).mean())
        pitch = track_pitch(audio, sample_rate)
        octaves = np.log2(pitch.hz[pitch.voiced])
        return cls(
            level_dbfs=to_dbfs(power),
            change_db=change_db(audio * np.float32(_USUAL_RMS / np.sqrt(max(power, 1e-20))), sample_rate),
            voiced_share=float(pitch.voiced.mean()) if len(pitch.voiced) else 0.0,
            pitch_cents=CENTS_PER_OCTAVE * float(octaves.std()) if len(octaves) else np.inf,
            sounds_per_second=sum(map(is_sound, symbols)) * sample_rate / len(audio),
        )

    @property
    def is_tone(self) -> bool:
        """Whether it is one steady tone."""
        return self.voiced_share > TONE_VOICED_SHARE and self.pitch_cents < TONE_CENTS


def change_db(audio: Audio, sample_rate: int) -> float:
    """How much the spectrum changes over time: that of speech does, that of noise and hum does not.

    The levels of 8 bands of the mel scale in windows of 46 ms, less their mean over the bands, which is the loudness;
    of each the standard deviation over time, in decibels; of these the root mean square.
    """
    powers = np.exp(2 * log_mel(audio, sample_rate).astype(np.float64))  # [F, M]
    whole = len(powers) - len(powers) % _WINDOW_FRAMES
    if not whole:
        return 0.0
    windows = powers[:whole].reshape(-1, _WINDOW_FRAMES, powers.shape[1]).mean(axis=1)  # [W, M]
    bands = np.stack([band.mean(axis=1) for band in np.array_split(windows, _BANDS, axis=1)])  # [K, W]
    levels = 10 * np.log10(bands)
    return float(np.sqrt((levels - levels.mean(axis=0)).var(axis=1).mean()))


def faults_of_ordinary(
    generated: Sequence[GeneratedSentence], recorded: Sequence[HeldOutSentence], sample_rate: int
) -> Iterator[RobustnessFault]:
    """Why a voice does not speak, as one reason; nothing where it does, or where it has no finite sentence.

    Args:
        generated: its ordinary sentences, with their audio.
        recorded: recordings of its speaker; `ENOUGH_RECORDINGS` and more are compared with.
        sample_rate: of all audio, in hertz.
    """
    of_voice = [
        Impression.of(one.audio, sample_rate, [symbol.text for symbol in one.timed.phonemes])
        for one in generated
        if one.audio is not None and len(one.audio) and one.finite
    ]
    if not of_voice:
        return
    of_recordings = [
        Impression.of(one.recorded.audio, sample_rate, one.encoded.symbols)
        for one in recorded
        if len(one.recorded.audio)
    ]
    beside = _median(of_recordings) if len(of_recordings) >= ENOUGH_RECORDINGS else None
    why = list(_why_no_speech(_median(of_voice), beside))
    if why:
        yield RobustnessFault(NO_SPEECH, "; ".join(why))


def _why_no_speech(voice: Impression, recorded: Impression | None) -> Iterator[str]:
    least = LEAST_CHANGE_DB if recorded is None else LEAST_CHANGE_SHARE * recorded.change_db
    if voice.change_db < least:
        beside = "" if recorded is None else f", that of the recordings by {recorded.change_db:.1f} dB"
        yield f"its spectrum changes by {voice.change_db:.1f} dB, under {least:.1f} dB{beside}"
    if voice.is_tone and not (recorded is not None and recorded.is_tone):
        yield f"it hums one tone, {voice.voiced_share:.0%} of the time within {voice.pitch_cents:.0f} cents"
    if recorded is None:
        return
    if voice.level_dbfs < recorded.level_dbfs - QUIETER_DB:
        yield f"it is at {voice.level_dbfs:.0f} dBFS, the recordings at {recorded.level_dbfs:.0f} dBFS"
    times = voice.sounds_per_second / recorded.sounds_per_second if recorded.sounds_per_second else 1.0
    if not 1 / RATE_TIMES <= times <= RATE_TIMES:
        yield f"it has {voice.sounds_per_second:.1f} sounds per second, the recordings {recorded.sounds_per_second:.1f}"


def _median(impressions: Sequence[Impression]) -> Impression:
    return Impression(*np.median([astuple(one) for one in impressions], axis=0).tolist())
