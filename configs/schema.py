"""The settings of one experiment: frozen, typed, unknown keys forbidden, defaults from the VITS paper.

Defaults are those of the LJSpeech experiment of Kim, Kong & Son, "Conditional Variational Autoencoder with Adversarial
Learning for End-to-End Text-to-Speech" (2021), sections 3.2 and 3.3, unless a field says otherwise. Derived values are
properties, never keys. Constraints that span sections are checked once, when `Config` is built.
"""

from collections.abc import Iterator
from typing import Any, Self, cast

from pydantic import model_validator

from configs.data import AudioSettings, DataSettings
from configs.decoders import DECODER_FAMILIES, DecoderSettings, HifiganSettings, kind_of
from configs.networks import DiscriminatorSettings, ModelSettings
from configs.section import Rules, Section
from configs.speaking import SpeakingSettings
from configs.training import PARTS, LossSettings, RunSettings, TrainSettings

_LOSSES_OF_DECODERS = {"mb-istft": {"subband_stft": 1.0}, "harmonic_noise": {"pitch": 100.0}}
_DISCRIMINATOR = "discriminator"  # has a learning rate too
_SSIM_WINDOW = 11  # cells of a mel spectrogram, as in `losses.structural_similarity`


class Config(Section):
    """All settings of an experiment."""

    run: RunSettings
    data: DataSettings
    audio: AudioSettings = AudioSettings()
    model: ModelSettings = ModelSettings()
    decoder: DecoderSettings = HifiganSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    loss: LossSettings = LossSettings()
    train: TrainSettings = TrainSettings()
    speaking: SpeakingSettings = SpeakingSettings()

    @classmethod
    def sections(cls) -> Iterator[tuple[str, type[Section]]]:
        """The name and the class of each section; the decoder once per family."""
        for name, field in cls.model_fields.items():
            for section in DECODER_FAMILIES if name == "decoder" else (cast(type[Section], field.annotation),):
                yield name, section

    @property
    def segment_frames(self) -> int:
        """Frames of a training segment."""
        return self.train.segment_samples // self.audio.hop_length

    def with_batch_size(self, size: int) -> "Config":
        """The same experiment with so many clips per step."""
        return self.model_copy(update={"train": self.train.model_copy(update={"asked_batch_size": size})})

    @model_validator(mode="before")
    @classmethod
    def _default_losses_of_decoders(cls, tree: Any) -> Any:
        """Losses that a decoder is trained with by default.

        MB-iSTFT-VITS has the sub-band loss; MS-iSTFT-VITS, whose streams need not be bands, does not.
        """
        if not isinstance(tree, dict) or not isinstance(loss := tree.get("loss", {}), dict):
            return tree
        kind = kind_of(tree.get("decoder", {}))
        return tree | {"loss": (_LOSSES_OF_DECODERS.get(kind, {}) if isinstance(kind, str) else {}) | loss}

    @model_validator(mode="before")
    @classmethod
    def _default_discriminator_updates(cls, tree: Any) -> Any:
        """A Wasserstein critic is to be near its optimum: five updates for each of the generator."""
        if not isinstance(tree, dict):
            return tree
        loss, train = tree.get("loss", {}), tree.get("train", {})
        asked = loss.get("adversarial_objective") if isinstance(loss, dict) else None
        if asked not in ("wasserstein", "wasserstein_gp") or not isinstance(train, dict):
            return tree
        return tree | {"train": {"discriminator_updates": 5, **train}}

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
            *self._similarity_rules(),
            *self._loss_rules(),
            *self._stage_rules(),
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
                self.data.hold == "device" and (self.data.augment_level_db > 0 or self.data.augment_speed > 0),
                "data.hold = 'device' holds recordings as they are, and data.augment_speed and data.augment_level_db "
                "change them in each epoch: leave one of the two out",
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

    def _loss_rules(self) -> Rules:
        loss, train = self.loss, self.train
        unknown = sorted(loss.schedule.keys() - loss.weights.keys())
        falling = [f"{name} = {list(steps)}" for name, steps in loss.schedule.items() if steps[0] >= steps[1]]
        return [
            (
                loss.pitch > 0 and not self.decoder.predicts_pitch,
                f"loss.pitch = {loss.pitch:g} compares the pitch that the decoder predicts, and decoder.kind = "
                f"{self.decoder.kind!r} predicts none: set loss.pitch = 0, or decoder.kind = 'harmonic_noise'",
            ),
            (bool(unknown), f"loss.schedule: no weight in [loss] is named {', '.join(unknown)}"),
            (bool(falling), f"loss.schedule: {', '.join(falling)} must be [from, to] in steps, the first the smaller"),
            (
                train.learning_rate_decay_steps is not None and train.learning_rate_decay_clips is not None,
                "train.learning_rate_decay_steps and train.learning_rate_decay_clips both say when the learning rate "
                "decays: leave one of the two out",
            ),
        ]

    def _stage_rules(self) -> Rules:
        train = self.train
        frozen, rates = (
            sorted(train.freeze.keys() - {*PARTS}),
            sorted(train.learning_rates.keys() - {*PARTS, _DISCRIMINATOR}),
        )
        highest = max(train.learning_rates.values(), default=1.0)
        return [
            (
                bool(frozen),
                f"train.freeze: no part of a voice is named {', '.join(frozen)}: the parts are {', '.join(PARTS)}",
            ),
            (
                bool(rates),
                f"train.learning_rates: no part is named {', '.join(rates)}: the parts are "
                f"{', '.join((*PARTS, _DISCRIMINATOR))}",
            ),
            (
                highest * train.learning_rate * train.weight_decay >= 1,
                f"train.learning_rates: the factor {highest:g} of train.learning_rate = {train.learning_rate:g} times "
                f"train.weight_decay = {train.weight_decay:g} must be below 1",
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

    def _similarity_rules(self) -> Rules:
        """Windows of 11 by 11 cells must fit into the mel spectrogram of a segment, at the coarsest scale too."""
        loss, bands, frames = self.loss, self.audio.mel_bands, self.segment_frames
        side, scales = min(bands, frames), loss.ms_ssim_scales
        most = sum(side >= _SSIM_WINDOW << scale for scale in range(5))
        given = f"audio.mel_bands = {bands} and train.segment_samples = {self.train.segment_samples}, {frames} frames"
        fewer = f"set loss.ms_ssim_scales = {most}, or " if most else ""

        def needs(least: int) -> str:
            return f"needs {least} mel bands and segments of {least} frames at least, not {given}"

        return [
            (
                loss.ssim > 0 and most == 0,
                f"loss.ssim = {loss.ssim:g} {needs(_SSIM_WINDOW)}: raise what is too small",
            ),
            (
                loss.ms_ssim > 0 and scales > most,
                f"loss.ms_ssim = {loss.ms_ssim:g} with loss.ms_ssim_scales = {scales} "
                f"{needs(_SSIM_WINDOW << (scales - 1))}: {fewer}raise what is too small",
            ),
        ]
