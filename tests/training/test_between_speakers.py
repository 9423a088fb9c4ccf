"""The losses between speakers in a step: who is converted to whom, what they teach and whom, and what refuses them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scipy
import torch
from torch import Tensor, nn

from configs import InputError
from data.clips import Clip
from data.corpus import Corpus
from losses import contrastive_loss
from models.speaker_encoder import SpeakerEncoder
from models.synthesizer import Synthesizer
from tests.rounding import assert_same, float64, in_float64
from tests.training.test_together import SYMBOLS, noise, quiet, silence_chance
from tests.waits import Waits
from train import Trainer
from training.conversion import draw_others
from training.features import GeneratorOutput
from training.frozen import speaker_embeddings

NAMES = ("cycle", "identity", "speaker_contrastive", "speaker_info_nce")
ALL = (*(f"loss.{name}={weight}" for name, weight in zip(NAMES, (2, 3, 4, 0.5), strict=True)), "train.precision=fp32")
SPEAKERS = ("anna", "ben", "cleo")
NETWORK = """
import torch

class Ears(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ears = torch.nn.Conv1d(1, 6, 64, 32)

    def forward(self, audio):
        return self.ears(audio).tanh().square().mean(2)

def build(sample_rate):
    return Ears()
"""


def clips(count: int) -> list[Clip]:
    return [replace(clip, speaker_id=place % len(SPEAKERS)) for place, clip in enumerate(noise(count))]


def trainer(run: Path, *overrides: str, speakers: tuple[str, ...] = SPEAKERS, count: int = 4) -> Trainer:
    corpus = Corpus(clips(count), clips(2), SYMBOLS, speakers=speakers, lexicon=None, fingerprint="made up")
    return Trainer(quiet(run, *overrides), corpus)


@pytest.fixture
def ears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A speaker encoder of the user's, with random weights."""
    (tmp_path / "ears_of_mine.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    return "loss.speaker_encoder=ears_of_mine:build"


def generated(learner: Trainer) -> GeneratorOutput:
    torch.manual_seed(7)
    return learner.generator_forward(learner.batch(learner.corpus.train))


# -------------------------------------------------------------------------------------------------------- conversion


def test_a_conversion_to_the_own_speaker_is_the_reconstruction_and_to_another_is_not(tmp_path: Path) -> None:
    """Which is why the identity loss encodes once more."""
    learner = trainer(tmp_path)
    batch = learner.batch(learner.corpus.train)
    with float64(), torch.no_grad():
        synthesizer: Synthesizer = in_float64(learner.synthesizer)
        for coupling in synthesizer.flow.couplings:
            nn.init.normal_(coupling.shift.weight)  # type: ignore[union-attr, arg-type]
        spectrogram = learner.features.spectrogram(batch).double()
        mask = torch.ones_like(spectrogram[:, :1])
        own = batch.speaker_ids
        assert own is not None
        plain = synthesizer.convert(spectrogram, mask, own, noise_scale=0.0)
        assert_same(synthesizer.convert(spectrogram, mask, own, own, noise_scale=0.0), plain)
        other = synthesizer.convert(spectrogram, mask, own, (own + 1) % 3, noise_scale=0.0)
    assert float((other - plain).abs().mean()) > 1e-3


def test_every_other_speaker_is_drawn_alike_and_the_own_one_never() -> None:
    torch.manual_seed(0)
    own = torch.arange(4).repeat(3000)
    drawn = draw_others(own, 4)
    counts = torch.zeros(4, 4).index_put((own, drawn), torch.ones(()), accumulate=True)
    assert counts.diag().tolist() == [0, 0, 0, 0]
    assert scipy.stats.chisquare(counts[~torch.eye(4, dtype=torch.bool)]).pvalue > 0.01
    assert draw_others(torch.tensor([0, 1]), 2).tolist() == [1, 0]


def test_a_conversion_has_the_voice_of_the_other_speaker_and_the_latents_of_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = trainer(tmp_path, "train.segments=2")
    silence_chance(monkeypatch)
    output = generated(learner)
    there, synthesizer = output.conversion, learner.synthesizer
    assert there is output.conversion, "all terms have the same"
    assert there.audio.shape == output.segments.generated.shape
    assert there.speaker_ids.tolist() == [1, 1, 2, 2, 0, 0, 1, 1]
    mask = output.synthesis.frame_mask
    z = synthesizer.flow.inverse(output.synthesis.z_p, mask, synthesizer.embed_speaker(there.speaker_ids[::2]))
    start = int(output.synthesis.segment_starts[1, 1])
    piece = z[1:2, :, start : start + synthesizer.segment_frames]
    audio = synthesizer.decoder(piece, synthesizer.embed_speaker(torch.tensor([2])))
    assert torch.allclose(there.audio[3:4], audio * output.segments.sample_mask[3:4], atol=1e-5)


# ------------------------------------------------------------------------------------------------------------- terms


@torch.no_grad()
def expected(learner: Trainer, output: GeneratorOutput) -> dict[str, float]:
    """The terms, with torch's losses and clip by clip."""
    segments, synthesizer, linear = output.segments, learner.synthesizer, learner.features.linear
    frozen, own, there = learner.auxiliary_losses.frozen, output.segment_speakers, output.conversion
    assert own is not None
    assert frozen.speaker is not None
    assert frozen.speaker_references is not None
    references = frozen.speaker_references

    def l1(audio: Tensor, source: Tensor, target: Tensor | None) -> float:
        made = synthesizer.convert(linear(audio.squeeze(1)), torch.ones(len(audio), 1, 16), source, target)
        return float(nn.L1Loss()(learner.features.mel(made.squeeze(1)), segments.mel_real))

    cycle = l1(there.audio, there.speaker_ids, own)
    identity = l1(segments.generated, own, None)
    apart, entropy = [], []
    for place in range(len(own)):
        for audio, speaker, other in (
            (segments.generated[place], own[place], there.speaker_ids[place]),
            (there.audio[place], there.speaker_ids[place], own[place]),
        ):
            embedding = nn.functional.normalize(frozen.speaker.network(audio[None]), dim=1)  # type: ignore[operator]
            for reference, same in ((references[speaker], 1), (references[other], 0)):
                apart.append(float(contrastive_loss(embedding, reference[None], torch.tensor([same]), margin=0.7)))
            entropy.append(float(nn.CrossEntropyLoss()(embedding @ references.T / 0.3, speaker[None])))
    means = (sum(apart) / len(apart), sum(entropy) / len(entropy))
    return dict(zip(NAMES, (cycle, identity, *means), strict=True))


def test_a_step_has_each_loss_by_its_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ears: str) -> None:
    silence_chance(monkeypatch)
    learner = trainer(tmp_path, *ALL, ears, "loss.speaker_margin=0.7", "loss.speaker_temperature=0.3")
    output = generated(learner)
    by_hand = expected(learner, output)
    losses = {name: float(value) for name, value in learner.generator_step(output).items()}
    assert {name: losses[f"loss/generator/{name}"] for name in NAMES} == pytest.approx(by_hand, rel=1e-4)
    total = sum(
        weight * losses[f"loss/generator/{name}"] for name, weight in learner.config.loss.weights.items() if weight
    )
    assert losses["loss/generator/total"] == pytest.approx(total, rel=1e-5)


def test_gradients_reach_what_converts_and_nothing_else(tmp_path: Path, ears: str) -> None:
    learner = trainer(tmp_path, *ALL, ears)
    for name in NAMES:
        output = generated(learner)
        real = output.segments.real.requires_grad_()
        weights = dict(learner.synthesizer.named_parameters())
        of_all = [*weights.values(), real, *learner.discriminator.parameters()]
        term = learner.auxiliary_losses.terms[name](output)
        found = torch.autograd.grad(term, of_all, allow_unused=True)
        reached = {key.partition(".")[0] for key, value in zip(weights, found, strict=False) if value is not None}
        assert {"posterior_encoder", "decoder", "speakers"} <= reached
        assert ("flow" in reached) == (name != "identity"), "it stays among the latents of one speaker"
        assert not {"text_encoder", "duration_predictor"} & reached
        assert all(value is None for value in found[len(weights) :])
    assert all(weight.grad is None for weight in learner.auxiliary_losses.parameters())
    assert not any(weight.requires_grad for weight in learner.auxiliary_losses.parameters())


def test_micro_batches_add_up_to_the_losses_and_gradients_of_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ears: str
) -> None:
    silence_chance(monkeypatch)
    scalars, gradients = [], []
    for count in (1, 4):
        learner = trainer(tmp_path, *ALL, ears, "train.learning_rate=1e-30", f"train.accumulate={count}")
        learner.corpus.train[1].audio[2000:] = 0
        report = learner.run_step(learner.batch(learner.corpus.train)).scalars()
        scalars.append({name: float(report[f"loss/generator/{name}"]) for name in NAMES})
        weights = [weight for weight in learner.synthesizer.parameters() if weight.grad is not None]
        gradients.append(torch.cat([weight.grad.flatten() for weight in weights if weight.grad is not None]))
    assert scalars[1] == pytest.approx(scalars[0], rel=1e-4)
    assert float((gradients[1] - gradients[0]).norm() / gradients[0].norm()) < 1e-3


def test_a_step_with_all_of_them_waits_for_nothing(tmp_path: Path, ears: str) -> None:
    learner = trainer(tmp_path, *ALL, ears)
    batch = learner.batch(learner.corpus.train)
    with Waits() as counted:
        learner.run_step(batch)
    assert counted.seen == []


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_with_all_of_them_is_finite(tmp_path: Path, precision: str, ears: str) -> None:
    learner = trainer(tmp_path, *ALL, ears, f"train.precision={precision}", "train.accumulate=2")
    batch = learner.batch(learner.corpus.train)
    scalars = learner.run_step(batch).scalars()
    assert {f"loss/generator/{name}" for name in NAMES} <= scalars.keys()
    assert all(bool(value.isfinite()) for value in scalars.values())


def test_one_speaker_is_refused_by_what_needs_two_and_has_the_identity_loss(tmp_path: Path) -> None:
    for name in ("cycle", "speaker_contrastive", "speaker_info_nce"):
        with pytest.raises(InputError) as told:
            trainer(tmp_path, f"loss.{name}=2", speakers=())
        assert str(told.value) == (
            f"loss.{name} = 2 is a loss between speakers, and unused has one: set loss.{name} = 0, or give recordings "
            "of several with their names"
        )
    learner = trainer(tmp_path, "loss.identity=1", speakers=())
    report = learner.run_step(learner.batch(learner.corpus.train)).scalars()
    assert bool(report["loss/generator/identity"].isfinite())


# ----------------------------------------------------------------------------------------------- the speaker encoder


def test_readers_of_tones_are_told_apart_in_pieces_that_were_never_heard() -> None:
    """Three speakers, of which each has a register of his own."""
    chance = torch.Generator().manual_seed(0)

    def recording(speaker: int) -> Tensor:
        pitch = 120 * 1.6**speaker * (1 + 0.1 * torch.rand((), generator=chance))
        time = torch.arange(22050) / 22050
        tones = sum((torch.sin(2 * torch.pi * pitch * k * time) / k for k in range(1, 12)), start=torch.zeros(22050))
        return (0.05 * tones + 0.002 * torch.randn(22050, generator=chance))[None, None]

    def recordings(count: int) -> speaker_embeddings.SpeakerRecordings:
        return speaker_embeddings.SpeakerRecordings(
            [[recording(speaker) for _ in range(count)] for speaker in range(3)]
        )

    known, new = recordings(3), recordings(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speaker_embeddings, "_UPDATES", 40)
        patch.setattr(speaker_embeddings, "_BATCH", 12)
        encoder = speaker_embeddings.train_encoder(known, sample_rate=22050, shortest=4096, seed=0)
    embeddings = speaker_embeddings.SpeakerEmbeddings(encoder, 22050)
    references = speaker_embeddings.references(embeddings, known)
    assert torch.allclose(references.norm(dim=1), torch.ones(3))
    for speaker, own in enumerate(new.of_speaker):
        for audio in own:
            samples = torch.tensor([audio.shape[2]])
            piece = embeddings(audio[:, :, 3000:8000], embeddings.statistics(audio, samples), torch.tensor([5000]))
            assert int((piece @ references.T).argmax()) == speaker


def test_an_embedding_does_not_depend_on_level_padding_or_the_batch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    embeddings = speaker_embeddings.SpeakerEmbeddings(SpeakerEncoder(bands=80), 22050)
    audio, samples = torch.randn(2, 1, 30000) * 0.1, torch.tensor([30000, 12000])
    audio[1, :, 12000:] = 0
    together = embeddings(audio, embeddings.statistics(audio, samples), samples)
    for place in range(2):
        own, count = audio[place : place + 1] * 0.25, samples[place : place + 1]
        alone = embeddings(own, embeddings.statistics(own, count), count)
        assert torch.allclose(alone[0], together[place], atol=1e-4)


def test_a_network_of_the_users_that_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ears_at_fault.py").write_text(
        "import torch\n"
        "def no_module(rate):\n    return 3\n"
        "def fails(rate):\n    raise OSError('no weights here')\n"
        "def maps(rate):\n    return torch.nn.Conv1d(1, 2, 3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name, told in (
        ("nothing_here:build", "ModuleNotFoundError"),
        ("ears_at_fault:no_module", "it built 3, which is no torch.nn.Module"),
        ("ears_at_fault:fails", "OSError: no weights here"),
        ("ears_at_fault:maps", r"the network is to return an embedding \[1, size\]"),
    ):
        with pytest.raises(InputError, match=f"loss.speaker_encoder = {name}: .*{told}"):
            trainer(tmp_path, "loss.speaker_info_nce=1", f"loss.speaker_encoder={name}")


def state(learner: Trainer) -> dict[str, Any]:
    return learner.auxiliary_losses.frozen.checkpoint_state()


def test_the_users_network_has_the_same_random_weights_again_and_others_are_refused(tmp_path: Path, ears: str) -> None:
    first = trainer(tmp_path, "loss.speaker_info_nce=1", ears)
    torch.manual_seed(99)
    again = trainer(tmp_path, "loss.speaker_info_nce=1", ears)
    assert state(first)["speaker"] == state(again)["speaker"]
    assert torch.equal(state(first)["speaker_references"], state(again)["speaker_references"])
    networks = type(first.auxiliary_losses.frozen)
    found = networks.of_checkpoint(state(first), first.config)
    assert found.checkpoint_state()["speaker"] == state(first)["speaker"]
    with pytest.raises(InputError, match=r"its weights .* are not those that the run was trained with"):
        networks.of_checkpoint(state(first) | {"speaker": "0" * 64}, first.config)
