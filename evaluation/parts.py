"""The metrics of reconstruction, speech from text, and intelligibility; alignment.py has those of the alignment."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np

from data.transcriber import Transcriber
from evaluation.metric import Better, Metric, MetricSection
from evaluation.rendition import HeldOutSentence, Rendition, Sound
from metrics.cepstra import mel_cepstral_distortion
from metrics.perception import pesq_wideband, stoi
from metrics.pitch import log_f0_rmse
from metrics.speaker import similarity
from metrics.spectra import Audio, mel_distance, mel_psnr, multi_resolution_stft_distance
from text import TextFrontEnd
from training.recogniser import phoneme_error_rate, phonemes_said
from training.word_errors import words_of

INTELLIGIBILITY = "intelligibility"
_MILLISECONDS, _PERCENT = 1000, 100


def _reconstruction(name: str, unit: str, better: Better, of: Callable[[Rendition], float], needs: str = "") -> Metric:
    return Metric(name, unit, better, of, needs=("posterior encoder", *([needs] if needs else [])))


def _both(of: Callable[[Audio, Audio, int], float]) -> Callable[[Rendition], float]:
    """A distance of recording and reconstruction."""
    return lambda it: of(it.recorded.audio, it.reconstructed.audio, it.sample_rate)


# Copy synthesis: recordings through posterior encoder and decoder, the upper bound of the voice's audio quality.
RECONSTRUCTION = MetricSection(
    "reconstruction",
    (
        _reconstruction(
            "multi-resolution STFT distance",
            "",
            "lower",
            lambda it: multi_resolution_stft_distance(it.recorded.audio, it.reconstructed.audio),
        ),
        _reconstruction("mel distance", "nats", "lower", _both(mel_distance)),
        _reconstruction("mel PSNR", "dB", "higher", _both(mel_psnr)),
        _reconstruction("PESQ", "MOS", "higher", _both(pesq_wideband), needs="pesq"),
        _reconstruction("STOI", "", "higher", _both(stoi), needs="stoi"),
        _reconstruction("periodicity error", "", "lower", lambda it: it.reconstructed_pitch.periodicity_rmse),
        _reconstruction("voiced/unvoiced F1", "", "higher", lambda it: it.reconstructed_pitch.voiced_f1),
        _reconstruction("F0 RMSE", "cents", "lower", lambda it: it.reconstructed_pitch.rmse_cents),
    ),
)


def duration_error(it: Rendition) -> float:
    """Mean absolute difference of a phoneme's generated and recorded duration, in milliseconds; pauses do not count.

    The recorded durations are those of the alignment.
    """
    starts, is_sound = it.phonemes.starts, it.phonemes.is_sound
    generated, recorded = (np.add.reduceat(of.frames, starts)[is_sound] for of in (it.utterance, it.aligned))
    return float(np.abs(generated - recorded).mean()) * it.frame_seconds * _MILLISECONDS


def length_error(it: Rendition) -> float:
    """How much longer or shorter the sentence is than its recording, in percent."""
    return abs(it.generated.seconds / it.recorded.seconds - 1) * _PERCENT


def _of_sound(
    name: str,
    unit: str,
    better: Better,
    of: Callable[[Rendition, Sound], float],
    needs: tuple[str, ...] = (),
    weight: Callable[[HeldOutSentence], float] | None = None,
) -> Metric:
    """A metric of the generated audio, and of the recording."""
    return Metric(name, unit, better, lambda it: of(it, it.generated), lambda it: of(it, it.recorded), needs, weight)


SPEECH = MetricSection(
    "text to speech",
    (
        Metric(
            "mel-cepstral distortion",
            "dB",
            "lower",
            lambda it: mel_cepstral_distortion(it.recorded.audio, it.generated.audio, it.sample_rate),
        ),
        Metric("log-F0 RMSE", "", "lower", lambda it: log_f0_rmse(it.recorded.pitch, it.generated.pitch, it.path)),
        Metric("duration error per phoneme", "ms", "lower", duration_error, needs=("posterior encoder",)),
        Metric("duration error per sentence", "%", "lower", length_error),
        # Phonemes per second, pauses included in the time.
        _of_sound(
            "speaking rate",
            "phonemes/s",
            "recorded",
            lambda it, sound: float(it.phonemes.is_sound.sum()) / sound.seconds,
        ),
        _of_sound("DNSMOS overall", "MOS", "higher", lambda _, sound: sound.opinion.overall, ("dnsmos",)),
        _of_sound("DNSMOS signal", "MOS", "higher", lambda _, sound: sound.opinion.signal, ("dnsmos",)),
        _of_sound("DNSMOS background", "MOS", "higher", lambda _, sound: sound.opinion.background, ("dnsmos",)),
        _of_sound("DNSMOS P.808", "MOS", "higher", lambda _, sound: sound.opinion.p808, ("dnsmos",)),
        _of_sound("loudness", "LUFS", "recorded", lambda _, sound: sound.level.loudness_lufs),
        _of_sound("clipped samples", "%", "lower", lambda _, sound: sound.level.clipped_share * _PERCENT),
        _of_sound("silence", "%", "recorded", lambda _, sound: sound.level.silence_share * _PERCENT),
    ),
)


def by_speaker(sentences: Sequence[HeldOutSentence]) -> MetricSection:
    """Similarity of each sentence's speaker to the mean of the same speaker's recordings of other sentences.

    That of the recordings is how similar they are among themselves. NaN where a speaker has a single recording.
    """
    speakers = {one.id: one.speaker for one in sentences}

    def nearness(it: Rendition, sound: Sound) -> float:
        own = speakers[it.sentence.id]  # another voice that is evaluated may have other ids of speakers
        others = [one for one in sentences if one.speaker == own and one.id != it.sentence.id]
        known = [one.recorded.speaker_embedding for one in others if np.isfinite(one.recorded.speaker_embedding).all()]
        return similarity(sound.speaker_embedding, np.mean(known, axis=0)) if known else math.nan

    return MetricSection("speaker", (_of_sound("speaker similarity", "", "higher", nearness, ("speaker encoder",)),))


class PhonemeRecogniser(Protocol):
    """Recognises phonemes, such as `training.recogniser.Recogniser`."""

    def recognise(self, audio: Audio, sample_rate: int) -> Sequence[str]:
        """The phonemes in a recording [S]."""
        ...


def by_recogniser(recogniser: PhonemeRecogniser, sentences: Sequence[HeldOutSentence]) -> MetricSection:
    """Phoneme error rate: the recogniser's phonemes against those of the text."""
    said = {sentence.id: phonemes_said(sentence.encoded.symbols) for sentence in sentences}
    rate = _error_rate("phoneme error rate", lambda one: recogniser.recognise(one.audio, one.sample_rate), said)
    return MetricSection(INTELLIGIBILITY, (rate,))


def by_transcriber(
    transcriber: Transcriber, front_end: TextFrontEnd, sentences: Sequence[HeldOutSentence]
) -> MetricSection:
    """Word and character error rate of an ASR; texts are normalised first, so that `7` and `seven` are one word."""
    transcripts = WeakKeyDictionary[Sound, list[str]]()

    def transcript(sound: Sound) -> list[str]:
        if sound not in transcripts:
            transcripts[sound] = words_of(transcriber(sound.audio, sound.sample_rate), front_end.reader)
        return transcripts[sound]

    said = {sentence.id: words_of(sentence.text, front_end.reader) for sentence in sentences}
    written = {id_: " ".join(spoken) for id_, spoken in said.items()}
    return MetricSection(
        INTELLIGIBILITY,
        (
            _error_rate("word error rate", transcript, said),
            _error_rate("character error rate", lambda sound: " ".join(transcript(sound)), written),
        ),
    )


def _error_rate(name: str, recognise: Callable[[Sound], Sequence[str]], said: Mapping[str, Sequence[str]]) -> Metric:
    """An error rate, of the voice beside that of the recordings: a recogniser makes errors of its own.

    A sentence has the weight of its length, so that the mean is the errors of all sentences per symbol of all.
    """

    def errors(it: Rendition, sound: Sound) -> float:
        return phoneme_error_rate(said[it.sentence.id], recognise(sound)).rate * _PERCENT

    return _of_sound(name, "%", "lower", errors, weight=lambda sentence: len(said[sentence.id]))
