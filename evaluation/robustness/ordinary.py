"""Whether a voice speaks at all: what is heard of its ordinary sentences, beside its own recordings.

Durations and energy tell a voice that stumbles from one that does not, but a steady hum of the right length stumbles
nowhere. So the sound itself is looked at first. Measured, as medians of sentences ("change" is `Impression.change_db`;
the phoneme error rate is of a recogniser that learned from the recordings, which makes 13 % on these):

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

from data.inspection.metrics import to_dbfs
from evaluation.held_out import Sentence
from evaluation.robustness.faults import PACE_TIMES, QUIETER_DB, Reason
from evaluation.robustness.hearing import HeardSentence
from metrics.pitch import CENTS_PER_OCTAVE, track_pitch
from metrics.spectra import Audio, log_mel
from text.front_end import is_sound

NO_SPEECH = "no speech"  # the rule
ENOUGH_RECORDINGS = 5  # for a median that an odd one does not move
# Half of what a reader in a loud room has, and twice what any network has that has learned nothing.
LEAST_CHANGE_DB = 2.5
LEAST_CHANGE_SHARE = 0.7  # of the change of the recordings: the last step of the reference without speech has 0.6
# One tone throughout, at the rate of the frames, is what a decoder makes before it knows any sounds.
TONE_VOICED_SHARE, TONE_CENTS = 0.9, 50.0
_WINDOW_FRAMES, _BANDS = 4, 8
_USUAL_RMS = 0.07  # to which all is brought, so that a quiet voice does not vanish below the least of a log-mel


@dataclass(frozen=True)
class Impression:
    """What tells a spoken sentence from other sound; of several, the median of each."""

    level_dbfs: float
    change_db: float  # of its spectrum over time, whatever its loudness
    voiced_share: float  # of its time
    pitch_cents: float  # standard deviation of its pitch; infinite where it has none
    sounds_per_second: float  # pauses included in the time

    @classmethod
    def of(cls, audio: Audio, sample_rate: int, symbols: Sequence[str]) -> "Impression":
        """What is heard of a sentence of these symbols, finite and not empty."""
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
        """Whether it hums the same tone all the time."""
        return self.voiced_share > TONE_VOICED_SHARE and self.pitch_cents < TONE_CENTS


def change_db(audio: Audio, sample_rate: int) -> float:
    """How much the shape of the spectrum changes: vowels, hisses and closures differ, noise and hum go on.

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
    heard: Sequence[HeardSentence], recorded: Sequence[Sentence], sample_rate: int
) -> Iterator[Reason]:
    """Why a voice does not speak, as one reason; nothing where it does, or where none of its sentences can be judged.

    Args:
        heard: its ordinary sentences, with their sound.
        recorded: recordings of its speaker; from `ENOUGH_RECORDINGS` on, it is held against them.
        sample_rate: of all sound, in hertz.
    """
    of_voice = [
        Impression.of(one.sound, sample_rate, [symbol.text for symbol in one.timed.phonemes])
        for one in heard
        if one.sound is not None and len(one.sound) and one.finite
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
        yield Reason(NO_SPEECH, "; ".join(why))


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
    if not 1 / PACE_TIMES <= times <= PACE_TIMES:
        yield (f"it has {voice.sounds_per_second:.1f} sounds a second, the recordings {recorded.sounds_per_second:.1f}")


def _median(impressions: Sequence[Impression]) -> Impression:
    return Impression(*np.median([astuple(one) for one in impressions], axis=0).tolist())
