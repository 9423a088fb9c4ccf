"""VITS: text to audio as a conditional VAE whose prior has a normalizing flow (VITS, section 2, figure 1).

B batch · P phonemes · F frames · S samples · N spectrogram bins · Z latent channels · C speaker channels
K segments of each clip
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from configs import Config
from models.alignment import alignment_scores, expand, search_durations
from models.decoders import build_decoder
from models.duration_predictor import DurationPredictor
from models.flow import Flow
from models.gaussian import Gaussian
from models.masks import length_mask
from models.piecewise import growing, piecewise
from models.posterior_encoder import PosteriorEncoder
from models.segments import random_segment_starts, slice_segments
from models.speech import Alignment, Plan, Sampling, Speech, TimedText
from models.stochastic_duration_predictor import StochasticDurationPredictor
from models.text_encoder import EncodedText, TextEncoder

_MOST_FRAMES = 500  # of one phoneme at speed 1: more than five seconds with the settings in configs/


@dataclass(frozen=True)
class Synthesis:
    """The output of a training forward pass: what the losses need."""

    audio: Tensor  # [B * K, 1, S], segments decoded from the posterior's sample, clip by clip
    segment_starts: Tensor  # [B, K], first frame of each segment
    z_p: Tensor  # [B, Z, F], the posterior's sample after the flow
    prior: Gaussian  # [B, Z, F], every phoneme's prior repeated for its frames
    posterior: Gaussian  # [B, Z, F]
    durations: Tensor  # [B, P], frames per phoneme, from the alignment search
    log_pitch: Tensor | None  # [B * K, 1, frames of a segment], in turns per hop; of decoders that predict it
    duration_cost: Tensor  # [B], the duration predictor's loss, summed over phonemes
    phoneme_mask: Tensor  # [B, 1, P]
    frame_mask: Tensor  # [B, 1, F]


class Synthesizer(nn.Module):
    """Text encoder, posterior encoder, flow, duration predictor and decoder.

    Args:
        config: the experiment; its audio, model, decoder and train sections determine all sizes.
        num_symbols: rows of the text encoder's embedding.
        num_speakers: with one there is no speaker embedding.
    """

    def __init__(self, config: Config, *, num_symbols: int, num_speakers: int = 1) -> None:
        super().__init__()
        model = config.model
        speaker_channels = model.speaker_channels if num_speakers > 1 else 0
        self.segments, self.segment_frames = config.train.segments, config.segment_frames
        self.hop_length = config.audio.hop_length
        self.speakers = nn.Embedding(num_speakers, speaker_channels) if speaker_channels else None
        self.text_encoder = TextEncoder(
            num_symbols=num_symbols,
            latent_channels=model.latent_channels,
            hidden_channels=model.hidden_channels,
            filter_channels=model.filter_channels,
            heads=model.attention_heads,
            layers=model.text_layers,
            kernel_size=model.text_kernel_size,
            window=model.attention_window,
            dropout=model.text_dropout,
        )
        self.posterior_encoder = PosteriorEncoder(
            spectrogram_bins=config.audio.spectrogram_bins,
            latent_channels=model.latent_channels,
            hidden_channels=model.hidden_channels,
            kernel_size=model.posterior_kernel_size,
            layers=model.posterior_layers,
            speaker_channels=speaker_channels,
        )
        self.flow = Flow(
            latent_channels=model.latent_channels,
            hidden_channels=model.coupling_channels or model.hidden_channels,
            kernel_size=model.coupling_kernel_size,
            coupling_layers=model.coupling_layers,
            wavenet_layers=model.coupling_wavenet_layers,
            speaker_channels=speaker_channels,
        )
        durations: dict[str, Any] = {
            "hidden_channels": model.hidden_channels,
            "channels": model.duration_channels,
            "kernel_size": model.duration_kernel_size,
            "dropout": model.duration_dropout,
            "speaker_channels": speaker_channels,
        }
        self.duration_predictor: DurationPredictor | StochasticDurationPredictor = (
            DurationPredictor(**durations)
            if model.duration_predictor == "deterministic"
            else StochasticDurationPredictor(**durations, couplings=model.duration_flows)
        )
        self.decoder = build_decoder(
            config.decoder,
            latent_channels=model.latent_channels,
            speaker_channels=speaker_channels,
            hop_length=config.audio.hop_length,
        )

    def forward(
        self,
        phoneme_ids: Tensor,
        phoneme_lengths: Tensor,
        spectrogram: Tensor,
        frame_lengths: Tensor,
        speaker_ids: Tensor | None = None,
        *,
        durations: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Synthesis:
        """The training forward pass (figure 1a).

        Args:
            phoneme_ids: [B, P].
            phoneme_lengths: [B].
            spectrogram: [B, N, F], linear magnitudes, F at least the frames of a segment.
            frame_lengths: [B], each at least its number of phonemes.
            speaker_ids: [B], or None for a single voice.
            durations: [B, P], an alignment to take in place of the search.
            generator: makes the posterior's sample, the segments and the durations' noise repeatable; it must be on the
                device of the inputs. Dropout draws from torch's global generator.
        """
        speaker = self.embed_speaker(speaker_ids)
        text, phoneme_mask = self._encode_text(phoneme_ids, phoneme_lengths)
        frame_mask = length_mask(frame_lengths, spectrogram.shape[2])
        posterior = self.posterior_encoder(spectrogram, frame_mask, speaker)
        z = posterior.sample(generator=generator) * frame_mask  # [B, Z, F]
        z_p = self.flow(z, frame_mask, speaker)  # [B, Z, F]

        if durations is None:
            durations = search_durations(alignment_scores(z_p, text.prior), phoneme_lengths, frame_lengths)  # [B, P]
        duration_cost = self.duration_predictor(text.hidden, phoneme_mask, durations, speaker, generator)

        segment_starts = random_segment_starts(frame_lengths, self.segment_frames, self.segments, generator)
        segments = slice_segments(z, segment_starts, self.segment_frames)  # [B * K, Z, frames of a segment]
        segment_speaker = None if speaker is None else speaker.repeat_interleave(self.segments, dim=0)  # [B * K, C, 1]
        return Synthesis(
            audio=self.decoder(segments, segment_speaker),
            segment_starts=segment_starts,
            z_p=z_p,
            prior=_expand_prior(text.prior, durations, spectrogram.shape[2]),
            posterior=posterior,
            log_pitch=self.decoder.log_pitch(segments, segment_speaker),
            durations=durations,
            duration_cost=duration_cost,
            phoneme_mask=phoneme_mask,
            frame_mask=frame_mask,
        )

    @torch.no_grad()
    def align(
        self,
        phoneme_ids: Tensor,
        phoneme_lengths: Tensor,
        spectrogram: Tensor,
        frame_lengths: Tensor,
        speaker_ids: Tensor | None = None,
    ) -> Alignment:
        """Align texts with recordings as training does, but from the posterior's mean (section 2.2.1).

        Args:
            phoneme_ids: [B, P].
            phoneme_lengths: [B].
            spectrogram: [B, N, F], linear magnitudes.
            frame_lengths: [B], each at least its number of phonemes.
            speaker_ids: [B], or None for a single voice.
        """
        z_p = self.latents(spectrogram, frame_lengths, speaker_ids)
        return self.align_latents(z_p, phoneme_ids, phoneme_lengths, frame_lengths)

    @torch.no_grad()
    def align_latents(
        self, z_p: Tensor, phoneme_ids: Tensor, phoneme_lengths: Tensor, frame_lengths: Tensor
    ) -> Alignment:
        """Align texts with z_p [B, Z, F] of recordings.

        The other arguments are those of `align`. The texts need not be those of the recordings.
        """
        text, _ = self._encode_text(phoneme_ids, phoneme_lengths)
        scores = alignment_scores(z_p, text.prior)
        durations = search_durations(scores, phoneme_lengths, frame_lengths)
        return Alignment(scores, durations, _expand_prior(text.prior, durations, z_p.shape[2]))

    @torch.no_grad()
    def latents(self, spectrogram: Tensor, frame_lengths: Tensor, speaker_ids: Tensor | None = None) -> Tensor:
        """The posterior's mean after the flow: z_p [B, Z, F] of recordings, without noise.

        Args:
            spectrogram: [B, N, F], linear magnitudes.
            frame_lengths: [B].
            speaker_ids: [B], or None for a single voice.
        """
        speaker = self.embed_speaker(speaker_ids)
        frame_mask = length_mask(frame_lengths, spectrogram.shape[2])
        z = self.posterior_encoder(spectrogram, frame_mask, speaker).mean * frame_mask
        z_p: Tensor = self.flow(z, frame_mask, speaker)
        return z_p

    @torch.no_grad()
    def predict_durations(
        self,
        phoneme_ids: Tensor,
        phoneme_lengths: Tensor,
        speaker_ids: Tensor | None = None,
        *,
        duration_noise_scale: float | Tensor = 0.8,
        speed: float | Tensor = 1.0,
        generator: torch.Generator | None = None,
    ) -> TimedText:
        """Encode a text and predict its durations (figure 1b); memory does not depend on what is predicted.

        Args:
            phoneme_ids: [B, P].
            phoneme_lengths: [B].
            speaker_ids: [B], or None for a single voice.
            duration_noise_scale: standard deviation of the duration predictor's noise.
            speed: speaking rate; 2 is twice as fast.
            generator: makes the noise repeatable.
        """
        speaker = self.embed_speaker(speaker_ids)
        text, phoneme_mask = self._encode_text(phoneme_ids, phoneme_lengths)
        log_durations = self.duration_predictor.predict(
            text.hidden, phoneme_mask, speaker, noise_scale=duration_noise_scale, generator=generator
        )
        # Bounded: an untrained predictor may ask for hours.
        frames_each = log_durations.exp().nan_to_num(1.0).clamp(max=_MOST_FRAMES)
        durations = torch.ceil(frames_each * phoneme_mask / speed)[:, 0].long()  # [B, P]
        return TimedText(durations, text.prior, speaker)

    @torch.no_grad()
    def sample_prior(
        self, text: TimedText, *, noise_scale: float | Tensor = 0.667, generator: torch.Generator | None = None
    ) -> Plan:
        """Sample the prior for every frame, with this standard deviation of the noise (figure 1b, up to the flow)."""
        frame_lengths = text.durations.sum(dim=1).clamp(min=1)
        frames = frame_lengths.max()
        prior = _expand_prior(text.prior, text.durations, frames)
        z_p = prior.sample(noise_scale=noise_scale, generator=generator)
        return Plan(z_p, length_mask(frame_lengths, frames), text.durations, text.speaker)

    def plan(
        self,
        phoneme_ids: Tensor,
        phoneme_lengths: Tensor,
        speaker_ids: Tensor | None = None,
        *,
        noise_scale: float | Tensor = 0.667,
        duration_noise_scale: float | Tensor = 0.8,
        speed: float | Tensor = 1.0,
        generator: torch.Generator | None = None,
    ) -> Plan:
        """Everything before the flow: `predict_durations`, then `sample_prior`, with the arguments of both."""
        text = self.predict_durations(
            phoneme_ids,
            phoneme_lengths,
            speaker_ids,
            duration_noise_scale=duration_noise_scale,
            speed=speed,
            generator=generator,
        )
        return self.sample_prior(text, noise_scale=noise_scale, generator=generator)

    @torch.no_grad()
    def decode(self, plan: Plan) -> Speech:
        """Run the inverse flow and the decoder over whole utterances."""
        z = self.flow.inverse(plan.z_p * plan.frame_mask, plan.frame_mask, plan.speaker)
        samples = plan.frame_mask.sum(dim=(1, 2)).long() * self.hop_length
        return Speech(self.decoder(z, plan.speaker, plan.frame_mask), samples, plan.durations)

    @torch.no_grad()
    def stream(self, plan: Plan, *, chunk_frames: int = 32) -> Iterator[Tensor]:
        """Decode in chunks, each [1, 1, samples] as soon as it is ready; concatenated, they are what `decode` returns.

        Time to the first chunk and memory do not depend on the length of the utterance, unless its decoder has no bound
        on its receptive field: then there is one chunk.

        Args:
            plan: of a batch of one.
            chunk_frames: frames of the first chunk, decoded together with their receptive field. Later chunks are up to
                four times as large, so that less of the work is the receptive field.
        """
        if len(plan.z_p) != 1:
            raise ValueError(f"a batch of {len(plan.z_p)} cannot be streamed: plan one utterance")

        @torch.no_grad()
        def inverse_flow(z_p: Tensor) -> Tensor:
            return self.flow.inverse(z_p, torch.ones_like(z_p[:, :1]), plan.speaker)

        @torch.no_grad()
        def decode(z: Tensor) -> Tensor:
            return self.decoder(z, plan.speaker)

        frames, join = plan.z_p.shape[2], partial(torch.cat, dim=2)
        z_p = (plan.z_p * plan.frame_mask).split(growing(chunk_frames, frames), dim=2)
        z = piecewise(inverse_flow, z_p, self.flow.receptive_field, total=frames, join=join)
        field = self.decoder.receptive_field
        return piecewise(decode, z, frames if field is None else field, total=frames, join=join)

    def speak(
        self,
        phoneme_ids: Tensor,
        phoneme_lengths: Tensor,
        speaker_ids: Tensor | None = None,
        **sampling: Unpack[Sampling],
    ) -> Speech:
        """Text to audio (figure 1b): `plan`, with its arguments, then `decode`."""
        return self.decode(self.plan(phoneme_ids, phoneme_lengths, speaker_ids, **sampling))

    @torch.no_grad()
    def reconstruct(
        self,
        spectrogram: Tensor,
        frame_lengths: Tensor,
        speaker_ids: Tensor | None = None,
        target_speaker_ids: Tensor | None = None,
        *,
        noise_scale: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Reconstruct recordings through the posterior, or convert them to another speaker (appendix D).

        Args:
            spectrogram: [B, N, F], linear magnitudes.
            frame_lengths: [B].
            speaker_ids: [B], speakers of the recordings; None for a single voice.
            target_speaker_ids: [B], speakers to convert to; None for the same.
            noise_scale: standard deviation of the posterior's noise; 0 takes its mean.
            generator: makes the noise repeatable.

        Returns:
            [B, 1, S], zero after each recording's end.
        """
        frame_mask = length_mask(frame_lengths, spectrogram.shape[2])
        return self.convert(
            spectrogram, frame_mask, speaker_ids, target_speaker_ids, noise_scale=noise_scale, generator=generator
        )

    def convert(
        self,
        spectrogram: Tensor,
        frame_mask: Tensor,
        speaker_ids: Tensor | None = None,
        target_speaker_ids: Tensor | None = None,
        *,
        noise_scale: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """`reconstruct` with gradients, and a mask [B, 1, F] in the place of lengths."""
        speaker, target = self.embed_speaker(speaker_ids), self.embed_speaker(target_speaker_ids)
        posterior = self.posterior_encoder(spectrogram, frame_mask, speaker)
        z = posterior.sample(noise_scale=noise_scale, generator=generator) * frame_mask
        if target is not None:
            # z_p does not depend on the speaker: the flow under one, its inverse under the other.
            z = self.flow.inverse(self.flow(z, frame_mask, speaker), frame_mask, target)
        return self.decoder(z, speaker if target is None else target, frame_mask)

    def fold_weight_norm(self) -> None:
        """Replace every normalised weight by a plain one, for inference: the same audio, faster."""
        for module in self.modules():
            if parametrize.is_parametrized(module, "weight"):
                # A parametrized module and its deep copies share one class, from which torch removes the property. With
                # a class of its own, the copies are not affected.
                shared = module.__class__
                module.__class__ = type(shared.__name__, shared.__bases__, dict(vars(shared)))
                parametrize.remove_parametrizations(module, "weight")

    def folded_state_dict(self) -> dict[str, Tensor]:
        """The state dict that `fold_weight_norm` would lead to, without changing this module."""
        plain = {name: weight for name, weight in self.state_dict().items() if ".parametrizations." not in name}
        for name, module in self.named_modules():
            if parametrize.is_parametrized(module, "weight"):
                plain[f"{name}.weight"] = module.weight
        return plain

    def _encode_text(self, phoneme_ids: Tensor, phoneme_lengths: Tensor) -> tuple[EncodedText, Tensor]:
        mask = length_mask(phoneme_lengths, phoneme_ids.shape[1])
        return self.text_encoder(phoneme_ids, mask), mask

    def embed_speaker(self, speaker_ids: Tensor | None) -> Tensor | None:
        """Ids [B] to embeddings [B, C, 1]; None for a single voice."""
        if self.speakers is None or speaker_ids is None:
            return None
        return self.speakers(speaker_ids).unsqueeze(2)


def _expand_prior(prior: Gaussian, durations: Tensor, frames: int | Tensor) -> Gaussian:
    both = torch.cat((prior.mean, prior.log_std), dim=1)
    mean, log_std = expand(both, durations, frames).chunk(2, dim=1)
    return Gaussian(mean, log_std)
