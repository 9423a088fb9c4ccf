"""Training of VITS as the paper and its published settings say it, in float64, on checkpoints of the original layout.

The synthesizer is that of Piper's trainer, which has the original one in it. All else is written here once more, from
the formulas: spectrograms, the alignment search, the discriminators, the losses, the updates. Nothing of ours is used
but the numbers that go in. `python -m tests.golden.plain_training` writes what comes out, `lockstep.json`.
"""

import json
import math
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from monitoring.tags import present_tag
from tests.voices.importing.foreign_files import original_network

GOLDEN = Path(__file__).with_name("lockstep.json")
SYMBOLS, SPEAKERS, STEPS = 178, 2, 3
SAMPLE_RATE, N_FFT, HOP, BANDS = 8000, 32, 8, 8
SEGMENT_FRAMES, DIVISOR = 8, 16
PHONEMES = 11  # of the longest recording
PERIODS = (2, 3, 5, 7, 11)
LEARNING_RATE, BETAS, ADAM_EPSILON, DECAY, MEL_WEIGHT = 2e-4, (0.8, 0.99), 1e-9, 0.01, 45.0


@dataclass(frozen=True)
class Recording:
    """What one clip brings to a step."""

    phonemes: NDArray[np.int64]  # [P]
    audio: NDArray[np.int16]  # [S]
    speaker: int


def recordings() -> list[list[Recording]]:
    """Those of each step: two, of which the second is shorter."""
    chance = np.random.RandomState(1)
    return [
        [
            Recording(
                phonemes=chance.randint(1, SYMBOLS, size=phonemes).astype(np.int64),
                audio=(3000 * chance.standard_normal(samples)).astype(np.int16),
                speaker=place % SPEAKERS,
            )
            for place, (phonemes, samples) in enumerate(((PHONEMES, 37 * HOP), (7, 24 * HOP + 3)))
        ]
        for _ in range(STEPS)
    ]


class Draws:
    """Random numbers that are the same for everyone who asks for the same shapes in the same order.

    Args:
        seed: of all of them.
    """

    def __init__(self, seed: int) -> None:
        self._normal, self._uniform, self._dropout = (np.random.RandomState(seed + place) for place in range(3))
        self.shapes: list[tuple[str, tuple[int, ...]]] = []

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let torch draw these, and nothing be rounded to float32."""
        with (
            patch("torch.randn", lambda *shape, **_: self._drawn("normal", _shape(shape))),
            patch("torch.randn_like", lambda like, **_: self._drawn("normal", tuple(like.shape))),
            patch("torch.rand", lambda *shape, **_: self._drawn("uniform", _shape(shape))),
            patch("torch.nn.Dropout.forward", self._dropped),
            patch("models.layers.dropout.Dropout.forward", self._dropped),
            patch("torch.Tensor.float", torch.Tensor.double),
        ):
            yield

    def _drawn(self, kind: str, shape: tuple[int, ...]) -> Tensor:
        self.shapes.append((kind, shape))
        numbers = self._normal.standard_normal(shape) if kind == "normal" else self._uniform.uniform(size=shape)
        return torch.from_numpy(np.asarray(numbers))

    @property
    def _dropped(self) -> Any:
        draws = self

        def forward(module: nn.Dropout, x: Tensor) -> Tensor:
            if not module.training or module.p == 0:
                return x
            turned = x.ndim == 3 and x.shape[2] != PHONEMES  # [B, P, H], where others have [B, H, P]
            shape = tuple(x.transpose(1, 2).shape if turned else x.shape)
            draws.shapes.append(("dropout", shape))
            kept = torch.from_numpy(draws._dropout.uniform(size=shape) >= module.p)
            return x * (kept.transpose(1, 2) if turned else kept) / (1 - module.p)

        return forward


def _shape(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(arguments[0]) if len(arguments) == 1 and not isinstance(arguments[0], int) else arguments


# ------------------------------------------------------------------------------------------------ networks


def plain_synthesizer() -> Any:
    """The original synthesizer, small, in float64, with weights that a seed tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        network = original_network(symbols=SYMBOLS, speakers=SPEAKERS)
    return _weighted(network, seed=2).double().train()


class _Period(nn.Module):
    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *(width // DIVISOR for width in (32, 128, 512, 1024, 1024))]
        self.convs = nn.ModuleList(
            _norm(nn.Conv2d(widths[place], widths[place + 1], (5, 1), (3 if place < 4 else 1, 1), padding=(2, 0)))
            for place in range(5)
        )
        self.conv_post = _norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        missing = -audio.shape[2] % self.period
        x = F.pad(audio, (0, missing), "reflect") if missing else audio
        return _outputs(x.reshape(len(x), 1, -1, self.period), self.convs, self.conv_post)


class _Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: tuple[tuple[int, ...], ...] = (
            (1, 16, 15, 1, 1),
            (16, 64, 41, 4, 4),
            (64, 256, 41, 4, 16),
            (256, 1024, 41, 4, 64),
        )
        layers += ((1024, 1024, 41, 4, 256), (1024, 1024, 5, 1, 1))
        self.convs = nn.ModuleList(
            _norm(
                nn.Conv1d(
                    max(1, narrow // DIVISOR),
                    wide // DIVISOR,
                    kernel,
                    stride,
                    padding=kernel // 2,
                    groups=max(1, groups // DIVISOR),
                )
            )
            for narrow, wide, kernel, stride, groups in layers
        )
        self.conv_post = _norm(nn.Conv1d(1024 // DIVISOR, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        return _outputs(audio, self.convs, self.conv_post)


class PlainDiscriminator(nn.Module):
    """One scale and five periods, by the names of the original repository."""

    def __init__(self) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList([_Scale(), *map(_Period, PERIODS)])

    def forward(self, audio: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """Scores and feature maps of each discriminator."""
        return [discriminator(audio) for discriminator in self.discriminators]


def plain_discriminator() -> PlainDiscriminator:
    """In float64, with weights that a seed tells, as a file of float32 has them."""
    return _weighted(PlainDiscriminator(), seed=3).double().train()


def _outputs(x: Tensor, layers: nn.ModuleList, last: nn.Module) -> tuple[Tensor, list[Tensor]]:
    features = []
    for layer in layers:
        x = F.leaky_relu(layer(x), 0.1)
        features.append(x)
    x = last(x)
    return x.flatten(1), [*features, x]


def _norm(layer: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.nn.utils.weight_norm(layer)


@torch.no_grad()
def _weighted(network: Any, *, seed: int) -> Any:
    """Give every weight a value; the magnitude of a direction is up to a quarter off its length."""
    chance = np.random.RandomState(seed)
    parameters = dict(network.named_parameters())
    for name, parameter in parameters.items():
        values = chance.standard_normal(tuple(parameter.shape))
        if parameter.ndim > 1:
            values = values / math.sqrt(max(1, parameter[0].numel()))
            if name.startswith("dp.") and "flows" in name and ".proj." in name:
                values = values / 10  # splines that bend steeply forget half of the digits
        else:
            values = 0.1 * values + (1.0 if name.endswith("gamma") else 0.0)
        parameter.copy_(torch.from_numpy(values))  # float32, as in a file
    for name, magnitude in parameters.items():
        if name.endswith("weight_g"):
            direction = parameters[f"{name.removesuffix('g')}v"]
            length = direction.flatten(1).double().norm(dim=1).view(magnitude.shape)
            magnitude.copy_(length * torch.from_numpy(1 + chance.uniform(-0.25, 0.25, tuple(magnitude.shape))))
    return network


# ------------------------------------------------------------------------------------------------ formulas


def window() -> Tensor:
    """Hann's, [N_FFT], periodic."""
    return 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(N_FFT, dtype=torch.float64) / N_FFT)


def filterbank() -> Tensor:
    """Slaney's mel filters of unit area, [BANDS, N_FFT // 2 + 1]."""

    def mel_of(hertz: float) -> float:
        return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)

    def hertz_of(mel: float) -> float:
        return 200 * mel / 3 if mel < 15 else 1000 * math.exp(math.log(6.4) * (mel - 15) / 27)

    top = mel_of(SAMPLE_RATE / 2)
    edges = [hertz_of(top * place / (BANDS + 1)) for place in range(BANDS + 2)]
    hertz = torch.arange(N_FFT // 2 + 1, dtype=torch.float64) * SAMPLE_RATE / N_FFT
    rows = []
    for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
        rise, fall = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
        rows.append(torch.minimum(rise, fall).clamp(min=0) * 2 / (high - low))
    return torch.stack(rows)


def magnitudes(audio: Tensor) -> Tensor:
    """Of clips that are all as long, [B, S], to [B, N_FFT // 2 + 1, F]."""
    margin = (N_FFT - HOP) // 2
    padded = F.pad(audio[:, None], (margin, margin), "reflect")[:, 0]
    frames = padded.unfold(1, N_FFT, HOP) * window()  # [B, F, N_FFT]
    spectrum = torch.fft.rfft(frames, dim=2).transpose(1, 2)
    return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-6)


def log_mel(spectrum: Tensor) -> Tensor:
    """[B, N_FFT // 2 + 1, F] to [B, BANDS, F]."""
    return torch.log(torch.clamp(filterbank() @ spectrum, min=1e-5))


def maximum_path(scores: Tensor, mask: Tensor) -> Tensor:
    """The likeliest monotonic path through scores [B, F, P], as zeros and ones."""
    path = torch.zeros_like(scores)
    for b, (score, inside) in enumerate(zip(scores.tolist(), mask, strict=True)):
        frames, phonemes = int(inside[:, 0].sum()), int(inside[0].sum())
        best = [[-math.inf] * phonemes for _ in range(frames)]
        for f in range(frames):
            for p in range(min(phonemes, f + 1)):
                stayed = best[f - 1][p] if f else (0.0 if p == 0 else -math.inf)
                came = best[f - 1][p - 1] if f and p else -math.inf
                best[f][p] = score[f][p] + max(stayed, came)
        p = phonemes - 1
        for f in reversed(range(frames)):
            path[b, f, p] = 1.0
            if f and p and (p == f or best[f - 1][p] < best[f - 1][p - 1]):
                p -= 1
    return path


def cut(x: Tensor, starts: Tensor, length: int) -> Tensor:
    """The piece of each row of [B, C, T] that starts there."""
    return torch.stack([row[:, start : start + length] for row, start in zip(x, starts.tolist(), strict=True)])


# ------------------------------------------------------------------------------------------------ training


class PlainTraining:
    """The two networks and their optimizers."""

    def __init__(self) -> None:
        self.synthesizer, self.discriminator = plain_synthesizer(), plain_discriminator()
        self._optimizers = [
            torch.optim.AdamW(
                network.parameters(), LEARNING_RATE, BETAS, ADAM_EPSILON, DECAY, foreach=False, fused=False
            )
            for network in (self.synthesizer, self.discriminator)
        ]

    def step(self, clips: Sequence[Recording]) -> dict[str, float]:
        """One update of the discriminator, then one of the synthesizer; the losses by our names."""
        with _own_search():
            compared = self._compared(clips)
        of_synthesizer, of_discriminator = self._optimizers
        real, fake, mel_real, mel_generated, kl, duration = compared

        outputs_real, outputs_fake = self.discriminator(real), self.discriminator(fake.detach())
        loss_d = sum(
            ((1 - r) ** 2).mean() + (f**2).mean() for (r, _), (f, _) in zip(outputs_real, outputs_fake, strict=True)
        )
        of_discriminator.zero_grad()
        loss_d.backward()
        of_discriminator.step()

        self.discriminator.requires_grad_(False)  # its gradients stay those of its own loss
        outputs_real, outputs_fake = self.discriminator(real), self.discriminator(fake)
        losses = {
            "mel": (mel_real - mel_generated).abs().mean(),
            "kl": kl,
            "duration": duration,
            "adversarial": sum(((1 - f) ** 2).mean() for f, _ in outputs_fake),
            "feature_matching": 2
            * sum(
                (r.detach() - f).abs().mean()
                for (_, rs), (_, fs) in zip(outputs_real, outputs_fake, strict=True)
                for r, f in zip(rs, fs, strict=True)
            ),
        }
        total = sum((MEL_WEIGHT if name == "mel" else 1.0) * loss for name, loss in losses.items())
        of_synthesizer.zero_grad()
        total.backward()
        of_synthesizer.step()
        self.discriminator.requires_grad_(True)
        named = {**losses, "synthesizer": total, "discriminator": loss_d}
        return {present_tag(f"loss/{name}"): float(loss.detach()) for name, loss in named.items()}

    def _compared(self, clips: Sequence[Recording]) -> tuple[Tensor, ...]:
        """Real and decoded pieces, their mel spectrograms, the KL term and that of the durations."""
        audio = [torch.from_numpy(clip.audio).double() / 32768 for clip in clips]
        spectra = [magnitudes(each[None])[0] for each in audio]  # [K, F] each
        frames = torch.tensor([spectrum.shape[1] for spectrum in spectra])
        phonemes = torch.tensor([len(clip.phonemes) for clip in clips])
        spectrum = torch.stack([F.pad(each, (0, int(frames.max()) - each.shape[1])) for each in spectra])
        ids = torch.stack(
            [F.pad(torch.from_numpy(clip.phonemes), (0, int(phonemes.max()) - len(clip.phonemes))) for clip in clips]
        )
        speakers = torch.tensor([clip.speaker for clip in clips])
        fake, nats, _, starts, _, mask, (_, z_p, mean, log_std, _, posterior_log_std) = self.synthesizer(
            ids, phonemes, spectrum, frames, speakers
        )
        longest = max(len(each) for each in audio)
        whole = torch.stack([F.pad(each, (0, longest - len(each))) for each in audio])[:, None]
        real = cut(whole, starts * HOP, SEGMENT_FRAMES * HOP)
        mel_real, mel_generated = cut(log_mel(spectrum), starts, SEGMENT_FRAMES), log_mel(magnitudes(fake[:, 0]))
        cells = log_std - posterior_log_std - 0.5 + 0.5 * (z_p - mean) ** 2 * torch.exp(-2 * log_std)
        return real, fake, mel_real, mel_generated, (cells * mask).sum() / mask.sum(), nats.sum()

    def figures(self) -> dict[str, dict[str, float]]:
        """The norm of the gradients and of the weights of each part of both networks."""
        parts: dict[str, dict[str, float]] = {}
        for network in (self.synthesizer, self.discriminator):
            for name, parameter in network.named_parameters():
                part = ".".join(name.split(".")[: 2 if name.startswith("discriminators") else 1])
                sums = parts.setdefault(part, {"gradients": 0.0, "weights": 0.0})
                sums["gradients"] += 0.0 if parameter.grad is None else float(parameter.grad.square().sum())
                sums["weights"] += float(parameter.detach().square().sum())
        return {part: {name: math.sqrt(value) for name, value in sums.items()} for part, sums in parts.items()}


@contextmanager
def _own_search() -> Iterator[None]:
    """Let the original synthesizer align by the search of this file."""
    import piper.train.vits

    search = types.ModuleType("monotonic_align")
    search.maximum_path = maximum_path  # type: ignore[attr-defined]
    with patch.object(piper.train.vits, "monotonic_align", search, create=True):
        yield


def golden() -> dict[str, Any]:
    """What the plain training says and becomes, step by step."""
    training, steps = PlainTraining(), []
    for place, clips in enumerate(recordings()):
        with Draws(100 + place).in_use():
            losses: Mapping[str, float] = training.step(clips)
        steps.append({"losses": losses, "parts": training.figures()})
    return {"steps": steps}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n")
