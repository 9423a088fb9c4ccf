"""The settings of the corpus and of its audio."""

from typing import Annotated, Literal

from pydantic import Field, WrapValidator

from configs.section import (
    ColumnName,
    Integers,
    PathText,
    Positive,
    Section,
    Weight,
    number_or_auto,
)

# Below it, a tenth of a second has too few samples to measure loudness.
SampleRate = Annotated[int, Field(ge=1000, lt=2**31)]


class ColumnSettings(Section):
    """Columns of a metadata file, each by its name in the header or by its number, counted from 1."""

    file: ColumnName | None = None
    """Column of the audio file; detected if unset."""
    text: ColumnName | None = None
    """Column of the transcript; detected if unset."""
    speaker: ColumnName | None = None
    """Column of the speaker; detected if unset, none to ignore it."""


class DataSettings(Section):
    """The corpus: where it is, which recordings are used, and how they are prepared and batched."""

    root: PathText
    """Folder of the corpus: recordings and their transcripts."""
    format: Literal["auto", "ljspeech", "piper", "vctk", "libritts", "kaldi", "audiofolder", "table", "pairs"] = "auto"
    """Layout of the corpus; auto detects it."""
    metadata: str | None = None
    """Metadata file inside `root`; detected if unset."""
    validation_metadata: str | None = None
    """Metadata file of the validation set; if unset, `validation_clips` recordings are held out of the corpus."""
    columns: ColumnSettings | None = None
    """Columns of the metadata, as {file = "path", text = "sentence", speaker = "client_id"}; detected if unset."""
    cache: PathText = "cache"
    """Folder of the cache (prepared audio and reports); safe to delete at any time."""
    language: str = "en-us"
    """Language of the transcripts, as an espeak-ng voice, such as en-us, nl or de; en, nl and de expand numbers."""
    front_end: Literal["espeak", "graphemes"] = "espeak"
    """Text front end. espeak: IPA phonemes, identical to Piper's runtime; graphemes: letters, without GPL code."""
    lexicon: PathText | None = None
    """Pronunciation lexicon; it is stored in the voice."""
    shortest_seconds: Weight = 0.5
    """Minimum duration of a recording, in seconds; shorter ones are dropped."""
    longest_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    """Maximum duration of a recording, in seconds; longer ones are dropped."""
    characters_per_second: Annotated[tuple[float, float], Field(strict=False)] = (4.0, 28.0)
    """Minimum and maximum speaking rate; a recording outside it does not match its transcript and is dropped."""
    level: Literal["as recorded", "lufs", "rms"] = "as recorded"
    """Level normalisation: none, to an integrated loudness (ITU-R BS.1770-4), or to an RMS level."""
    level_db: Annotated[float, Field(le=0, ge=-70)] = -23.0
    """Target of the level normalisation, in LUFS or in dBFS."""
    trim_silence: bool = False
    """Whether leading and trailing silence is trimmed."""
    trim_margin_seconds: Weight = 0.15
    """Silence that trimming keeps at each end, in seconds."""
    augment_level_db: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Augmentation: most that a training clip's level is raised or lowered by, in dB, drawn anew in each epoch."""
    augment_speed: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Augmentation: most that a training clip is slower and lower, or faster and higher by, such as 0.03 for 3 %."""
    strict: bool = False
    """Whether training refuses a corpus with any fault, and symbolic links that lead out of `root`."""
    validation_clips: Annotated[Positive | Literal["auto"], WrapValidator(number_or_auto)] = "auto"
    """Clips held out for validation; auto: `max_validation_clips`, at most a tenth of all and at least one. Each
    speaker keeps half of its clips, and at least one, for training."""
    max_validation_clips: Positive = 100
    """Upper bound of `validation_clips` = auto."""
    bucket_frames: Integers = (300, 400, 500, 600, 700, 800, 900, 1000)
    """Upper bounds of the length buckets, in spectrogram frames; longer clips go into the last bucket."""
    hold: Literal["memory", "device"] = "memory"
    """Where the audio of the training set is held, as 16-bit samples: in host memory, or on `run.device`."""
    shards: PathText | None = None
    """Folder of tar shards written by python -m data.shards, to train on instead of `root`; for corpora larger than
    memory."""


class AudioSettings(Section):
    """The waveform, and its linear and mel spectrograms."""

    sample_rate: SampleRate = 22050
    """Sample rate of the voice, in hertz."""
    n_fft: Positive = 1024
    """FFT size, in samples."""
    window_length: Positive = 1024
    """Length of the Hann window, in samples."""
    hop_length: Positive = 256
    """Hop between frames, in samples."""
    mel_bands: Positive = 80
    """Number of mel bands."""
    fmin_hz: Weight = 0.0
    """Lower edge of the lowest mel band, in hertz."""
    fmax_hz: Annotated[float, Field(gt=0)] | None = None
    """Upper edge of the highest mel band, in hertz; half the sample rate if unset."""

    @property
    def spectrogram_bins(self) -> int:
        """Bins of the linear spectrogram."""
        return self.n_fft // 2 + 1

    @property
    def frames_per_second(self) -> float:
        """Spectrogram frames in one second of audio."""
        return self.sample_rate / self.hop_length
