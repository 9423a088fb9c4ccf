"""The settings of one experiment: frozen, typed, unknown keys forbidden, defaults from the VITS paper.

Defaults are those of the LJSpeech run of Kim, Kong & Son, "Conditional Variational Autoencoder with Adversarial
Learning for End-to-End Text-to-Speech" (2021), sections 3.2 and 3.3, unless a field says otherwise. Values that follow
from others are properties, never keys. Rules that span sections are checked once, when `Config` is built.
"""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from configs.decoders import DecoderSettings, HifiganSettings, kind_of
from configs.section import (
    ColumnName,
    Integers,
    NonNegative,
    PathText,
    Positive,
    Probability,
    Rules,
    Section,
    Weight,
)

# Bounds beyond which weights or gradients overflow float32 after a few steps, whatever else is set.
LossWeight = Annotated[float, Field(ge=0.0, le=1e9)]
LearningRate = Annotated[float, Field(gt=0.0, le=100.0)]
# Where the square of a gradient is too small for float32, AdamW divides by this alone.
Epsilon = Annotated[float, Field(ge=1e-20, le=1.0)]

# How a voice can be told to speak.
SPEEDS = (0.05, 20.0)
LARGEST_NOISE_SCALE = 10.0
LONGEST_PAUSE_SECONDS = 60.0
# Below it, a tenth of a second has too few samples for a loudness.
SampleRate = Annotated[int, Field(ge=1000, lt=2**31)]
NoiseScale = Annotated[float, Field(ge=0.0, le=LARGEST_NOISE_SCALE)]

Resolution = Annotated[tuple[Positive, Positive, Positive], Field(strict=False)]


def _number_or_auto(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError as error:  # two of them, one for each type
        raise PydanticCustomError("number_or_auto", "Input should be a whole number above 0, or auto") from error


class RunSettings(Section):
    """Where the run lives and what makes it repeatable."""

    dir: PathText
    """Folder that receives everything the run leaves behind."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1234
    """Seed of the weights, the data order, the segments and the noise."""
    device: str = "auto"
    """Device to train on, as torch names it: cpu, cuda, cuda:1, mps; auto is cuda where there is one, else cpu."""
    threads: NonNegative = 0
    """CPU threads torch may use; 0 leaves torch's own choice."""


class ColumnSettings(Section):
    """Which columns of a metadata file are read, each by its name in the header or by its number from 1."""

    file: ColumnName | None = None
    """Column that names the recordings; found by looking where it is left out."""
    text: ColumnName | None = None
    """Column of what is said; found by looking where it is left out."""
    speaker: ColumnName | None = None
    """Column of who says it; found by looking where it is left out, and none for no such column."""


class DataSettings(Section):
    """The recordings, their transcripts, and how they are read aloud."""

    root: PathText
    """Folder of the recordings and their texts."""
    format: Literal["auto", "ljspeech", "piper", "vctk", "libritts", "kaldi", "audiofolder", "table", "pairs"] = "auto"
    """Layout of the folder; auto finds it by looking."""
    metadata: str | None = None
    """Metadata file inside `root`, where the layout has one that is not found by looking."""
    validation_metadata: str | None = None
    """Metadata file of the validation recordings; without one, `validation_clips` are set aside."""
    columns: ColumnSettings | None = None
    """Columns of the metadata, as {file = "path", text = "sentence", speaker = "client_id"}; else found by looking."""
    cache: PathText = "cache"
    """Folder that receives the prepared recordings and the reports; it may be removed at any time."""
    language: str = "en-us"
    """Language of the texts, as an espeak-ng voice, such as en-us, nl or de; en, nl and de read numbers as words."""
    front_end: Literal["espeak", "graphemes"] = "espeak"
    """espeak: IPA phonemes as Piper's runtime makes them; graphemes: the letters themselves, without GPL code."""
    lexicon: PathText | None = None
    """File of words and how they are spoken, which becomes a part of the voice."""
    shortest_seconds: Weight = 0.5
    """Recordings shorter than this are left out, in seconds."""
    longest_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    """Recordings longer than this are left out, in seconds."""
    characters_per_second: Annotated[tuple[float, float], Field(strict=False)] = (4.0, 28.0)
    """Slowest and fastest speech that is believed; beyond it text and recording do not belong together."""
    level: Literal["as recorded", "lufs", "rms"] = "as recorded"
    """Whether each recording is brought to `level_db`: its loudness (ITU-R BS.1770-4) or its root mean square."""
    level_db: Annotated[float, Field(le=0, ge=-70)] = -23.0
    """Level that recordings are brought to, in LUFS or in decibels relative to full scale."""
    trim_silence: bool = False
    """Whether silence at both ends of a recording is cut off."""
    trim_margin_seconds: Weight = 0.15
    """Silence that trimming leaves at each end, in seconds."""
    strict: bool = False
    """Whether training refuses a corpus in which anything was found, and links that lead out of `root`."""
    validation_clips: Annotated[Positive | Literal["auto"], WrapValidator(_number_or_auto)] = "auto"
    """Recordings set aside for validation; auto: `max_validation_clips`, at most a tenth of all and at least one. Each
    speaker keeps half of its own, and at least one, for training."""
    max_validation_clips: Positive = 100
    """Most recordings that are set aside where `validation_clips` is auto."""
    bucket_frames: Integers = (300, 400, 500, 600, 700, 800, 900, 1000)
    """Upper bounds of the length buckets, in spectrogram frames; longer recordings go into the last one."""
    hold: Literal["memory", "device"] = "memory"
    """Where the recordings are held, as 16-bit samples: in the computer's memory or in that of `run.device`."""
    shards: PathText | None = None
    """Folder of shards that python -m data.shards wrote, to train on in place of `root`; they need not fit memory."""


class AudioSettings(Section):
    """The waveform and its spectrograms."""

    sample_rate: SampleRate = 22050
    """Samples per second of the voice, in hertz."""
    n_fft: Positive = 1024
    """Length of the Fourier transform, in samples."""
    window_length: Positive = 1024
    """Length of the Hann window, in samples."""
    hop_length: Positive = 256
    """Samples between neighbouring frames."""
    mel_bands: Positive = 80
    """Bands of the mel spectrogram."""
    fmin_hz: Weight = 0.0
    """Lower edge of the lowest mel band, in hertz."""
    fmax_hz: Annotated[float, Field(gt=0)] | None = None
    """Upper edge of the highest mel band, in hertz; half the sample rate where it is left out."""

    @property
    def spectrogram_bins(self) -> int:
        """Bins of the linear spectrogram."""
        return self.n_fft // 2 + 1

    @property
    def frames_per_second(self) -> float:
        """Spectrogram frames in one second of audio."""
        return self.sample_rate / self.hop_length


class ModelSettings(Section):
    """The conditional VAE: text encoder, posterior encoder, flow and duration predictor."""

    hidden_channels: Positive = 192
    """H: channels inside the encoders and the flow."""
    latent_channels: Positive = 192
    """Z: channels of the latent variable z."""
    filter_channels: Positive = 768
    """Channels inside the text encoder's feed-forward blocks."""
    attention_heads: Positive = 2
    """Attention heads of the text encoder."""
    attention_window: Positive = 4
    """Largest distance, in phonemes, that has a relative position of its own."""
    text_layers: Positive = 6
    """Transformer blocks of the text encoder."""
    text_kernel_size: Positive = 3
    """Kernel of the feed-forward convolutions, in phonemes."""
    text_dropout: Probability = 0.1
    """Dropout in the text encoder."""
    posterior_layers: Positive = 16
    """WaveNet layers of the posterior encoder."""
    posterior_kernel_size: Positive = 5
    """Kernel of the posterior encoder, in frames."""
    coupling_layers: Positive = 4
    """Affine coupling layers of the flow."""
    coupling_wavenet_layers: Positive = 4
    """WaveNet layers inside each coupling layer."""
    coupling_kernel_size: Positive = 5
    """Kernel of the flow, in frames."""
    coupling_channels: Positive | None = None
    """Channels inside the flow; `hidden_channels` where it is left out."""
    duration_predictor: Literal["stochastic", "deterministic"] = "stochastic"
    """stochastic: a flow over durations (the paper); deterministic: one number a phoneme (its ablation)."""
    duration_channels: Positive = 192
    """Channels inside the duration predictor (the deterministic one of the paper has 256)."""
    duration_kernel_size: Positive = 3
    """Kernel of the duration predictor, in phonemes."""
    duration_flows: Positive = 4
    """Spline coupling layers of the stochastic duration predictor."""
    duration_dropout: Probability = 0.5
    """Dropout in the duration predictor."""
    speaker_channels: Positive = 256
    """Channels of the speaker embedding, where the corpus has more than one speaker."""


class DiscriminatorSettings(Section):
    """The discriminators of HiFi-GAN (2020), section 2.3, as VITS uses them."""

    periods: Integers = (2, 3, 5, 7, 11)
    """Periods of the multi-period discriminator, in samples."""
    scales: NonNegative = 1
    """Scale discriminators: 1 as in VITS, 3 (each on audio pooled by two more) as in HiFi-GAN."""
    resolutions: Annotated[tuple[Resolution, ...], Field(strict=False)] = ()
    """Spectrograms with a discriminator each, as [n_fft, hop, window] in samples; VITS has none."""
    channel_divisor: Literal[1, 2, 4, 8, 16] = 1
    """Every channel count of the paper's discriminators is divided by this."""


class LossSettings(Section):
    """Weight of each term the synthesizer is taught by."""

    mel: LossWeight = 45.0
    """L1 distance between mel spectrograms."""
    kl: LossWeight = 1.0
    """KL divergence between posterior and flow prior."""
    duration: LossWeight = 1.0
    """Negative log-likelihood (or squared error) of the durations."""
    adversarial: LossWeight = 1.0
    """Least-squares adversarial loss."""
    feature_matching: LossWeight = 1.0
    """Feature-matching loss, which is doubled by its definition."""
    subband_stft: LossWeight = 0.0
    """Multi-resolution spectral distance inside four sub-bands (Multi-band MelGAN, 2021); 0, but 1 for mb-istft."""


class TrainSettings(Section):
    """The optimisation, and how often it is looked at."""

    steps: Positive = 800_000
    """Updates of the synthesizer after which training ends."""
    epochs: Positive | None = None
    """Passes over the data after which training ends, if that comes first."""
    asked_batch_size: Annotated[Positive | Literal["auto"], WrapValidator(_number_or_auto)] = Field(
        64, alias="batch_size"
    )
    """Recordings per step, the most of them where `batch_frames` is given; auto: what memory allows, 64 at most."""
    batch_frames: Positive | None = None
    """Spectrogram frames per step at most, padding included; a recording that is longer makes a step alone."""
    accumulate: Positive = 1
    """Parts in which a batch is taught, one after the other: the same lesson in less memory and more time."""
    segment_samples: Positive = 8192
    """S: samples of a segment, the piece of a recording that is decoded."""
    segments: Positive = 1
    """Segments decoded per recording and step."""
    learning_rate: LearningRate = 2e-4
    """Learning rate of both AdamW optimizers at the start."""
    learning_rate_decay: Annotated[float, Field(gt=0, le=1)] = 0.999875
    """Factor on the learning rate per epoch."""
    warmup_steps: NonNegative = 0
    """Steps over which the learning rate rises linearly from zero."""
    adam_beta_1: Probability = 0.8
    """Decay of AdamW's first moment."""
    adam_beta_2: Probability = 0.99
    """Decay of AdamW's second moment."""
    adam_epsilon: Epsilon = 1e-9
    """Term that keeps AdamW's denominator from zero."""
    weight_decay: Weight = 0.01
    """AdamW's decoupled weight decay."""
    max_gradient_norm: Annotated[float, Field(gt=0)] = math.inf
    """Norm to which the gradients of each network are clipped; inf never clips, the norm is reported all the same."""
    reuse_real_features: bool = False
    """Whether feature matching takes the recordings' feature maps from before the discriminator's update."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Precision of convolutions and matrix products; auto is bf16 on a GPU that has it and fp32 elsewhere."""
    execution: Literal["eager", "compiled", "graphs", "compiled-graphs"] = "eager"
    """How a step reaches the device: operation by operation, in compiled kernels, recorded as CUDA graphs, or both."""
    channels_last: bool = False
    """Whether the convolutions of WaveNets, decoder and discriminator use the channels-last memory format."""
    ema_decay: Probability = 0.999
    """Decay per step of the averaged weights that become the voice; 0 keeps the newest weights."""
    report_every: Positive = 200
    """Steps between lines of metrics."""
    validate_every: Positive = 1000
    """Steps between validations."""
    checkpoint_every: Positive = 1000
    """Steps between checkpoints."""
    keep_checkpoints: Positive = 3
    """Newest checkpoints that are kept, beside the best one."""
    spoken_sentences: NonNegative = 4
    """Validation sentences that are spoken at each validation."""
    histograms: bool = False
    """Whether TensorBoard gets a histogram of each weight at each validation."""

    @property
    def batch_size(self) -> int:
        """Recordings per step, where that is a number: from `training.rehearsal.settle_batch_size` on."""
        if self.asked_batch_size == "auto":
            raise ValueError("train.batch_size = auto has not been replaced by a number yet")
        return self.asked_batch_size


class SpeakingSettings(Section):
    """How the voice speaks unless it is told otherwise; stored in the voice."""

    noise_scale: NoiseScale = 0.667
    """Standard deviation of the prior's noise."""
    duration_noise_scale: NoiseScale = 0.8
    """Standard deviation of the duration predictor's noise."""
    speed: Annotated[float, Field(ge=SPEEDS[0], le=SPEEDS[1])] = 1.0
    """Speaking rate: 2 is twice as fast."""
    pause_seconds: Annotated[float, Field(ge=0, le=LONGEST_PAUSE_SECONDS)] = 0.2
    """Silence between sentences, in seconds."""
    longest_silence_seconds: Weight = 3600.0
    """The breaks of an SSML document in all, in seconds: more is refused."""


class Config(Section):
    """One experiment, whole."""

    run: RunSettings
    data: DataSettings
    audio: AudioSettings = AudioSettings()
    model: ModelSettings = ModelSettings()
    decoder: DecoderSettings = HifiganSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    loss: LossSettings = LossSettings()
    train: TrainSettings = TrainSettings()
    speaking: SpeakingSettings = SpeakingSettings()

    @property
    def segment_frames(self) -> int:
        """Frames of a segment, the piece that is decoded in training."""
        return self.train.segment_samples // self.audio.hop_length

    @model_validator(mode="before")
    @classmethod
    def _sub_bands_are_taught_as_published(cls, tree: Any) -> Any:
        """MB-iSTFT-VITS is trained with the sub-band loss, MS-iSTFT-VITS, whose streams need be no bands, without."""
        if not isinstance(tree, dict) or kind_of(tree.get("decoder", {})) != "mb-istft":
            return tree
        loss = tree.get("loss", {})
        return tree | {"loss": {"subband_stft": 1.0, **loss}} if isinstance(loss, dict) else tree

    @model_validator(mode="after")
    def _sections_fit_each_other(self) -> Self:
        for broken, sentence in self._rules():
            if broken:
                raise ValueError(sentence)
        return self

    def _rules(self) -> Rules:
        return [
            *self._audio_rules(),
            *self.decoder.rules(self.audio.hop_length),
            *self._resolution_rules(),
            *self._segment_rules(),
        ]

    def _audio_rules(self) -> Rules:
        audio, nyquist = self.audio, self.audio.sample_rate / 2
        fmax = audio.fmax_hz if audio.fmax_hz is not None else nyquist
        shortest, longest = self.data.shortest_seconds, self.data.longest_seconds
        slowest, fastest = self.data.characters_per_second
        return [
            (
                audio.window_length > audio.n_fft,
                f"audio.window_length = {audio.window_length} is longer than audio.n_fft = {audio.n_fft}",
            ),
            (
                audio.hop_length > audio.n_fft or (audio.n_fft - audio.hop_length) % 2 == 1,
                f"audio.n_fft - audio.hop_length must be even and not negative, not {audio.n_fft - audio.hop_length}",
            ),
            (
                not audio.fmin_hz < fmax <= nyquist,
                f"the mel bands from {audio.fmin_hz:g} to {fmax:g} Hz do not fit below {nyquist:g} Hz, half the rate",
            ),
            (  # narrower than a bin of the spectrogram, the filters of the bands are 0 / 0
                0 < fmax - audio.fmin_hz < audio.sample_rate / audio.n_fft,
                f"the mel bands from {audio.fmin_hz:g} to {fmax:g} Hz are narrower than the "
                f"{audio.sample_rate / audio.n_fft:g} Hz of one bin of the spectrogram",
            ),
            (
                self.data.hold == "device" and self.data.shards is not None,
                "data.hold = 'device' holds all recordings, and data.shards is for those that fit no memory: leave "
                "one of the two out",
            ),
            (
                shortest >= longest,
                f"data.shortest_seconds = {shortest:g} leaves nothing below data.longest_seconds = {longest:g}",
            ),
            (
                not 0 <= slowest < fastest,
                f"data.characters_per_second = [{slowest:g}, {fastest:g}] must be the slowest and the fastest speech",
            ),
        ]

    def _resolution_rules(self) -> Rules:
        resolutions, segment = self.discriminator.resolutions, self.train.segment_samples
        given = f"discriminator.resolutions = {[list(resolution) for resolution in resolutions]}"
        return [
            (
                any(not hop <= window <= n_fft for n_fft, hop, window in resolutions),
                f"{given}: each is [n_fft, hop, window], with the hop at most the window and the window at most n_fft",
            ),
            (
                len({n_fft for n_fft, _, _ in resolutions}) < len(resolutions),
                f"{given}: give each an n_fft of its own",
            ),
            (
                any(n_fft > segment for n_fft, _, _ in resolutions),
                f"{given}: no n_fft may be longer than train.segment_samples = {segment}",
            ),
        ]

    def _segment_rules(self) -> Rules:
        train, buckets, hop = self.train, self.data.bucket_frames, self.audio.hop_length
        model = self.model
        kernels = (model.posterior_kernel_size, model.coupling_kernel_size, model.duration_kernel_size)
        return [
            (
                train.segment_samples % hop != 0,
                f"train.segment_samples = {train.segment_samples} is not a multiple of audio.hop_length = {hop}",
            ),
            (
                list(buckets) != sorted(set(buckets)),
                f"data.bucket_frames = {list(buckets)} must rise from bucket to bucket",
            ),
            (
                train.learning_rate * train.weight_decay >= 1,
                f"train.learning_rate = {train.learning_rate:g} times train.weight_decay = {train.weight_decay:g} must "
                "be below 1: a step multiplies each weight by 1 minus this product",
            ),
            (
                train.accumulate > 1 and train.reuse_real_features,
                f"train.accumulate = {train.accumulate} saves the memory that train.reuse_real_features would take: "
                "leave one of the two out",
            ),
            (
                self.segment_frames > buckets[0],
                f"train.segment_samples = {train.segment_samples} is {self.segment_frames} frames, longer than the "
                f"shortest bucket of {buckets[0]} frames: shorten the segment or raise data.bucket_frames",
            ),
            (
                train.segment_samples < self.audio.n_fft,
                f"train.segment_samples = {train.segment_samples} is shorter than audio.n_fft = {self.audio.n_fft}",
            ),
            (
                any(kernel % 2 == 0 for kernel in (*kernels, model.text_kernel_size)),
                "the kernel sizes in [model] must be odd, so that a frame stays where it is",
            ),
            (
                model.hidden_channels % model.attention_heads != 0,
                f"model.hidden_channels = {model.hidden_channels} cannot be shared by "
                f"{model.attention_heads} attention heads",
            ),
            (
                model.latent_channels % 2 != 0,
                f"model.latent_channels = {model.latent_channels} must be even: each coupling layer splits it in two",
            ),
        ]
