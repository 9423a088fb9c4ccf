"""Compare an exported graph with the synthesizer on the same ids and the same noise.

The graph is the exported one, with its noise made an input. Durations are integers, and one that is close to a rounding
edge may differ between two programs that agree to seven digits. Therefore each case is settled first, with torch alone:
ids and noise are drawn again until no duration changes when the speed changes by a factor of 1e-5. Then durations must
be equal and the audio within the bound.

B batch · T ids · S samples
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
import torch
from torch import Tensor

from models.gaussian import standard_normal
from models.speech import Plan
from models.stochastic_duration_predictor import StochasticDurationPredictor
from voices.export.noise import Array, open_session, run_graph, up_to, with_noise_inputs
from voices.voice_file import VoiceFile

_BOUND = 1e-4
# A decoder that adds up its pitch adds up the rounding errors of all frames before: 9e-5 after 8 s of a trained voice.
_BOUND_WHERE_ERRORS_ADD_UP = 1e-3
NUDGE = 1e-5  # relative, of the speed; the programs differ by about 1e-6
_DRAWS = 20  # before a case counts as unsettled
_MOST_FRAMES = 8000  # of a batch: an untrained voice may predict minutes


@dataclass(frozen=True)
class Case:
    """One set of inference settings."""

    ids: int = 61  # of the longest sentence; one word is 11, a long sentence 301
    noise_scale: float = 0.667
    length_scale: float = 1.0
    duration_noise_scale: float = 0.8
    speakers: tuple[int, ...] = (0,)  # of each sentence of a batch; each sentence is shorter than the one before

    def __str__(self) -> str:
        scales = f"noise {self.noise_scale:g}, length {self.length_scale:g}"
        return f"{self.ids} ids, {scales}, duration noise {self.duration_noise_scale:g}{self._who()}"

    def _who(self) -> str:
        if len(self.speakers) == 1:
            return f", speaker {self.speakers[0]}" if self.speakers[0] else ""
        if not any(self.speakers):
            return ", two sentences at once"
        return f", speakers {' and '.join(map(str, self.speakers))}"


@dataclass(frozen=True)
class TorchComparison:
    """The result of a case."""

    case: Case
    seconds: float = 0.0  # of audio
    difference: float = 0.0  # largest between samples, where the durations are equal
    unequal_durations: int = 0
    not_compared: str = ""  # the reason, if it was not
    bound: float = _BOUND  # of the difference

    @property
    def broken(self) -> bool:
        """Whether the graph differs from the synthesizer."""
        return self.unequal_durations > 0 or not self.difference <= self.bound


@dataclass(frozen=True)
class SettledCase:
    """The inputs of a case and torch's outputs."""

    feeds: dict[str, Array]  # without the noise
    noises: list[Tensor]
    durations: Tensor  # [B, T]
    audio: Tensor  # [B, 1, S]


def cases_for(num_speakers: int) -> list[Case]:
    """Variations of length, scales, batch and speaker, one at a time."""
    usual = Case()
    last = num_speakers - 1
    return [
        usual,
        replace(usual, ids=11),
        replace(usual, ids=301),
        replace(usual, noise_scale=0.0),
        replace(usual, noise_scale=1.0),
        replace(usual, length_scale=0.5),
        replace(usual, length_scale=2.0),
        replace(usual, duration_noise_scale=0.0),
        replace(usual, noise_scale=0.0, duration_noise_scale=0.0),
        replace(usual, speakers=(0, last)),
        *([replace(usual, speakers=(last,))] if last else []),
    ]


def compare_with_torch(voice: VoiceFile, model: onnx.ModelProto, cases: Sequence[Case]) -> Iterator[TorchComparison]:
    """Compare the cases one by one."""
    injected, names = with_noise_inputs(model)
    # The durations first: the prior's noise fits only if they are equal to torch's.
    durations_alone, audio_alone = open_session(up_to(injected, "durations")), open_session(up_to(injected, "output"))
    for case in cases:
        settled = settle(voice, case)
        if isinstance(settled, str):
            yield TorchComparison(case, not_compared=settled)
            continue
        feeds = settled.feeds | {name: noise.numpy() for name, noise in zip(names, settled.noises, strict=True)}
        seconds = settled.audio.numel() / voice.config.audio.sample_rate
        (durations,) = run_graph(durations_alone, feeds)
        unequal = int((durations != settled.durations.numpy()).sum())
        if unequal:
            yield TorchComparison(case, seconds, unequal_durations=unequal)
            continue
        (audio,) = run_graph(audio_alone, feeds)
        difference = float(np.abs(audio - settled.audio.numpy()).max())
        yield TorchComparison(case, seconds, difference, bound=parity_bound(voice))


def parity_bound(voice: VoiceFile) -> float:
    """The largest difference of samples of a voice that two programs may have, by rounding alone."""
    return _BOUND if voice.synthesizer.decoder.receptive_field is not None else _BOUND_WHERE_ERRORS_ADD_UP


@torch.no_grad()
def settle(voice: VoiceFile, case: Case) -> SettledCase | str:
    """Settle a case and run it with torch; the reason where that is impossible."""
    for seed in range(_DRAWS):
        ids, lengths = _sentences(voice, case, seed)
        plan = _plan(voice, case, ids, lengths, seed)
        if plan.z_p.shape[2] > _MOST_FRAMES:
            seconds = plan.z_p.shape[2] * voice.config.audio.hop_length / voice.config.audio.sample_rate
            return f"not compared: this voice predicts {seconds:.0f} s of speech"
        nudged = (_plan(voice, case, ids, lengths, seed, 1 + nudge) for nudge in (-NUDGE, NUDGE))
        if all(torch.equal(other.durations, plan.durations) for other in nudged):
            break
    else:
        return f"not compared: in {_DRAWS} draws some duration was always close to a rounding edge"
    feeds = {
        "input": ids.numpy(),
        "input_lengths": lengths.numpy(),
        "scales": np.array([case.noise_scale, case.length_scale, case.duration_noise_scale], np.float32),
    }
    if len(voice.speakers) > 1:
        feeds["sid"] = np.array(case.speakers, np.int64)
    return SettledCase(feeds, _noises(voice, ids, plan, seed), plan.durations, voice.synthesizer.decode(plan).audio)


def _sentences(voice: VoiceFile, case: Case, seed: int) -> tuple[Tensor, Tensor]:
    """Sentences of random symbols, `^ _ p _ ... $`: ids [B, T] and lengths [B]."""
    symbols: dict[str, int] = json.loads(voice.symbols)
    known = torch.tensor([index for symbol, index in symbols.items() if symbol not in "_^$"])
    ids = torch.zeros(len(case.speakers), case.ids, dtype=torch.long)
    drawn = torch.randint(len(known), ids[:, 2::2].shape, generator=torch.Generator().manual_seed(seed))
    ids[:, 2::2] = known[drawn]
    ids[:, 0] = symbols.get("^", 0)
    lengths = torch.tensor([case.ids - case.ids // 3 * row for row in range(len(case.speakers))])
    ids[torch.arange(len(ids)), lengths - 1] = symbols.get("$", 0)
    return ids, lengths


def _plan(voice: VoiceFile, case: Case, ids: Tensor, lengths: Tensor, seed: int, nudge: float = 1.0) -> Plan:
    # As tensors, so that noise is drawn for a scale of zero too, as in the graph.
    return voice.synthesizer.plan(
        ids,
        lengths,
        torch.tensor(case.speakers) if len(voice.speakers) > 1 else None,
        noise_scale=torch.tensor(case.noise_scale),
        duration_noise_scale=torch.tensor(case.duration_noise_scale),
        speed=nudge / torch.tensor(case.length_scale),
        generator=torch.Generator().manual_seed(seed),
    )


def _noises(voice: VoiceFile, ids: Tensor, plan: Plan, seed: int) -> list[Tensor]:
    """Draw the noise of `_plan` again."""
    generator = torch.Generator().manual_seed(seed)
    likes = [plan.z_p]
    if isinstance(voice.synthesizer.duration_predictor, StochasticDurationPredictor):
        likes.insert(0, torch.empty(ids.shape[0], 2, ids.shape[1]))
    return [standard_normal(like, generator) for like in likes]


@dataclass(frozen=True)
class Likeness:
    """How far a quantised graph is from the synthesizer with the same noise."""

    changed_durations: float  # fraction of ids whose durations differ
    signal_to_noise_db: float  # of the audio with the same durations
    spectral_distance_db: float  # mean absolute difference of magnitudes in decibels, with the same durations


def likeness(voice: VoiceFile, model: onnx.ModelProto, case: Case) -> Likeness | None:
    """Compare a quantised graph; None where the case cannot be settled."""
    settled = settle(voice, case)
    if isinstance(settled, str):
        return None
    injected, names = with_noise_inputs(model)
    whole = next(node.input[0] for node in model.graph.node if "durations" in node.output)
    feeds = settled.feeds | {name: noise.numpy() for name, noise in zip(names, settled.noises, strict=True)}
    (durations,) = run_graph(open_session(up_to(injected, "durations")), feeds)
    changed = float((durations != settled.durations.numpy()).mean())

    pinned, _ = with_noise_inputs(model, durations=whole)
    session = open_session(up_to(pinned, "output"))
    (audio,) = run_graph(session, feeds | {whole: settled.durations.numpy()})
    ours, theirs = settled.audio[:, 0], torch.from_numpy(audio)[:, 0]
    power, error = ours.square().mean(), (ours - theirs).square().mean()
    window = torch.hann_window(1024)
    levels = [
        20 * torch.stft(x, 1024, window=window, return_complex=True, pad_mode="constant").abs().clamp(min=1e-4).log10()
        for x in (ours, theirs)
    ]
    return Likeness(changed, float(10 * (power / error).log10()), float((levels[0] - levels[1]).abs().mean()))
