"""Every adversarial objective trains what it should, over micro-batches too, and a run with it is resumed exactly."""

import json
import math
from pathlib import Path
from typing import get_args

import pytest
import torch

from configs import InputError
from configs.training import AdversarialObjectiveName
from tests.short_runs import SMALL, tiny
from tests.training.test_together import gradients, noise, quiet, silence_chance, trainer_of
from train import Trainer, resume, start
from training.accumulation import WHOLE_BATCH
from training.interruption import StopRequest
from training.memory_check import check_memory
from training.schedule import learning_rate
from training.updates import over_ranks

NAMES = [*get_args(AdversarialObjectiveName), "r1"]


def asked(name: str) -> list[str]:
    return ["loss.r1=0.5"] if name == "r1" else [f"loss.adversarial_objective={name}"]


def small(run: Path, name: str, *overrides: str) -> Trainer:
    return trainer_of(quiet(run, *asked(name), "train.spoken_sentences=0", *overrides), noise(4))


@pytest.mark.parametrize("name", NAMES)
def test_each_step_reaches_only_its_own_network(tmp_path: Path, name: str) -> None:
    trainer = small(tmp_path, name, "train.precision=fp32")
    output = trainer.generator_forward(trainer.batch(noise(4)))
    trainer.discriminator_step(output)
    assert all(parameter.grad is None for parameter in trainer.synthesizer.parameters())
    assert any(parameter.grad is not None for parameter in trainer.discriminator.parameters())
    trainer.discriminator_optimizer.zero_grad(set_to_none=True)
    losses = trainer.generator_step(output)
    assert all(parameter.grad is None for parameter in trainer.discriminator.parameters())
    assert all(parameter.requires_grad for parameter in trainer.discriminator.parameters())
    weighted = [value for tag, value in losses.items() if tag.startswith("weighted_loss/")]
    assert float(sum(weighted)) == pytest.approx(float(losses["loss/generator/total"]), rel=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_finite_and_gradient_accumulation_has_the_gradients_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, precision: str
) -> None:
    silence_chance(monkeypatch)
    monkeypatch.setattr(torch, "rand_like", lambda like: torch.full_like(like, 0.4))
    clips = noise(4)
    almost_none = ("train.learning_rate=1e-30", f"train.precision={precision}", "train.discriminator_updates=1")
    whole = gradients(trainer_of(quiet(tmp_path, *asked(name), *almost_none), clips), clips)
    assert all(gradient.isfinite().all() for gradient in whole.values())
    parts = gradients(trainer_of(quiet(tmp_path, *asked(name), "train.accumulate=2", *almost_none), clips), clips)
    for network in ("synthesizer", "discriminator"):
        own = [key for key in whole if key.startswith(network)]
        largest = max(float(whole[key].abs().max()) for key in own)
        apart = max(float((parts[key] - whole[key]).abs().max()) / largest for key in own)
        assert apart < (5e-5 if precision == "fp32" else 2e-2), network


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wasserstein", "began"])
def test_a_run_that_stops_and_goes_on_is_the_run_that_never_stopped(
    tmp_path: Path, name: str, corpus_folder: Path
) -> None:
    late = "loss.schedule={kl=[0,4],adversarial=[1,3],feature_matching=[1,3]}"  # the discriminator, between two reports
    own = [*SMALL, *asked(name), "train.report_every=2", "train.discriminator_updates=2"]
    if name == "began":  # which has a state of its own, and so have these
        own += ["loss.balance=gradient", late, "loss.r1=0.5"]

    def trained(run: Path, steps: int) -> Trainer:
        if run.exists():
            trainer = resume(run, [f"train.steps={steps}"])
        else:
            trainer = start(tiny(corpus_folder, run, *own, f"train.steps={steps}"))
        trainer.train(StopRequest())
        return trainer

    whole = trained(tmp_path / "whole", 4)
    trained(tmp_path / "cut", 2)
    cut = trained(tmp_path / "cut", 4)
    for network in ("synthesizer", "discriminator", "ema", "objective"):
        for key, value in getattr(whole, network).state_dict().items():
            assert torch.equal(getattr(cut, network).state_dict()[key], value), (network, key)
    lines = [
        {key: value for key, value in json.loads(text).items() if not key.startswith(("seconds", "time", "throughput"))}
        for run in ("whole", "cut")
        for text in (tmp_path / run / "metrics.jsonl").read_text().splitlines()[-2:-1]
    ]
    assert lines[0] == lines[1]


def test_several_updates_of_the_discriminator_see_new_segments_and_the_generator_is_updated_once(
    tmp_path: Path,
) -> None:
    for count, accumulate in ((1, 1), (3, 1), (3, 2)):
        own = (f"train.discriminator_updates={count}", f"train.accumulate={accumulate}", "train.precision=fp32")
        trainer = small(tmp_path, "least_squares", *own)
        starts: list[list[float]] = []
        forward = trainer.generator_forward

        def watched(batch: object, forward: object = forward, starts: list[list[float]] = starts) -> object:
            output = forward(batch)  # type: ignore[operator]
            starts.append(output.segments.real.flatten()[:50].tolist())
            return output

        trainer.generator_forward = watched  # type: ignore[assignment, method-assign]
        trainer.run_step(trainer.batch(noise(4)))
        steps = {int(state["step"]) for state in trainer.discriminator_optimizer.state.values()}
        assert steps == {count}
        assert {int(state["step"]) for state in trainer.synthesizer_optimizer.state.values()} == {1}
        assert (
            len({tuple(each) for each in starts}) == count * accumulate
        )  # the recomputed ones are the last ones again


def test_a_wasserstein_critic_is_updated_five_times_unless_it_is_asked_otherwise(tmp_path: Path) -> None:
    def updates(*overrides: str) -> int:
        return quiet(tmp_path, *overrides).train.discriminator_updates

    assert updates() == 1
    assert (
        updates("loss.adversarial_objective=wasserstein") == updates("loss.adversarial_objective=wasserstein_gp") == 5
    )
    assert updates("loss.adversarial_objective=wasserstein", "train.discriminator_updates=2") == 2


def test_began_has_an_autoencoder_whose_error_is_its_logit(tmp_path: Path) -> None:
    trainer = small(tmp_path, "began", "train.precision=fp32")
    assert trainer.discriminator.names == ["autoencoder"]
    output = trainer.generator_forward(trainer.batch(noise(4)))
    classified = trainer.discriminator(output.segments.real)
    mel = trainer.features.mel(output.segments.real.squeeze(1))
    error = (classified.feature_maps[0][-1] - mel).abs().mean(dim=(1, 2))
    torch.testing.assert_close(classified.logits[0][:, 0], error)
    scalars = trainer.run_step(trainer.batch(noise(4))).scalars()
    assert not any(tag.startswith("discriminator_accuracy") for tag in scalars)
    assert 0.0 <= float(trainer.objective.scalars()["objective/k"]) <= 1.0


def test_the_state_of_an_objective_is_the_same_on_every_rank_and_not_summed(tmp_path: Path) -> None:
    scalars = {name: float(value) for name, value in small(tmp_path, "began").objective.scalars().items()}
    assert scalars.keys() == {"objective/k", "objective/convergence"}
    of_ranks = [{"loss/generator/mel": 1.0, **scalars, "objective/k": 0.25} for _ in range(2)]
    assert over_ranks(of_ranks) == {"loss/generator/mel": 2.0, **scalars, "objective/k": 0.25}


def test_the_memory_check_leaves_no_error_in_an_objective(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.memory_check.sys.platform", "darwin")  # where the batch is run in this process
    trainer = small(tmp_path, "began")
    check_memory(trainer)
    assert not trainer.objective.get_buffer("_errors").any()


def test_a_norm_that_is_not_finite_is_not_taken_into_the_balance(tmp_path: Path) -> None:
    weights = small(tmp_path, "least_squares", "loss.balance=gradient").term_weights
    for norm in (2.0, math.inf, math.nan):
        weights.observe({"mel": norm})
    assert weights.norms == {"mel": 2.0}


def test_clipped_weights_stay_in_the_box_while_training(tmp_path: Path) -> None:
    trainer = small(tmp_path, "wasserstein", "loss.clip_weights=0.05", "train.learning_rate=0.01")
    for step in range(2):
        trainer.step = step
        trainer.run_step(trainer.batch(noise(4)))
    for module in trainer.discriminator.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d):
            assert module.weight.abs().max() <= 0.05 * (1 + 1e-5)


# ----------------------------------------------------------------------------------------------------- weights of terms


def test_a_scheduled_weight_rises_from_0_over_its_steps(tmp_path: Path) -> None:
    trainer = small(tmp_path, "least_squares", "loss.schedule.adversarial=[10,20]", "loss.adversarial=2")
    values = {}
    for step in (0, 10, 13, 20, 1000):
        trainer.term_weights.set(step)
        values[step] = trainer.term_weights.present["adversarial"]
    assert values == {0: 0.0, 10: 0.0, 13: pytest.approx(0.6), 20: 2.0, 1000: 2.0}
    assert trainer.term_weights.present["mel"] == 45.0


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_discriminator_is_neither_run_nor_trained_before_its_terms_come_in(
    tmp_path: Path, precision: str, accumulate: int
) -> None:
    later = "loss.schedule={adversarial=[2,3],feature_matching=[2,4]}"
    own = (later, f"train.precision={precision}", f"train.accumulate={accumulate}", "train.warmup_steps=0")
    trainer = small(tmp_path, "least_squares", *own)
    weights = [weight.detach().clone() for weight in trainer.discriminator.parameters()]
    changed, tags = [], []
    for step in range(3):
        trainer.step = step
        report = trainer.run_step(trainer.batch(noise(4)))
        tags.append({tag for tag in report.scalars() if "adversarial" in tag or tag.startswith("loss/discriminator")})
        pairs = zip(weights, trainer.discriminator.parameters(), strict=True)
        changed.append(not all(torch.equal(before, after) for before, after in pairs))
        assert ("discriminator" in report.gradient_norms) == (step == 2)
    assert changed == [False, False, True]
    assert [bool(names) for names in tags] == [False, False, True]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss.schedule.mle=[0,10]", "no weight in [loss] is named mle"),
        ("loss.schedule.kl=[10,10]", "kl = [10, 10] must be [from, to]"),
        ("loss.schedule.kl=5", "loss.schedule.kl = 5: input should be a valid list"),
        ("loss.schedule.kl=[1]", "list should have at least 2 items"),
        ("loss.schedule=5", "loss.schedule = 5: input should be a valid table"),
        ("loss.adversarial_objective=lsgan", "least_squares"),
    ],
)
def test_a_schedule_or_objective_that_cannot_be_is_refused(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        quiet(tmp_path, override)
    assert message in str(refused.value)


def test_measured_gradients_are_those_of_autograd_and_leave_nothing_behind(tmp_path: Path) -> None:
    found = []
    for accumulate in (1, 2):
        trainer = small(tmp_path, "least_squares", "train.precision=fp32", f"train.accumulate={accumulate}")
        batch = trainer.batch(noise(4))
        with pytest.MonkeyPatch.context() as patch:
            silence_chance(patch)
            before = torch.get_rng_state()
            trainer.measure_output_gradients(batch)
            assert torch.equal(torch.get_rng_state(), before)
            assert all(parameter.grad is None for parameter in trainer.discriminator.parameters())
            found.append(trainer.output_gradients)
            output = trainer.generator_forward(batch)
            terms, _ = trainer.generator_terms(output, WHOLE_BATCH)
        assert found[-1].keys() == {"mel", "adversarial", "feature_matching"}
        for name, norm in found[-1].items():
            (gradient,) = torch.autograd.grad(terms[name], output.segments.generated, retain_graph=True)
            assert norm == pytest.approx(gradient.norm().item(), rel=1e-3)


def test_balanced_terms_pull_in_the_proportions_of_their_weights_as_hard_as_before(tmp_path: Path) -> None:
    own = ("loss.balance=gradient", "loss.mel=3", "loss.adversarial=1", "loss.feature_matching=2")
    weights = small(tmp_path, "least_squares", *own).term_weights
    norms = {"mel": 10.0, "adversarial": 0.2, "feature_matching": 4.0}
    weights.observe(norms)
    weights.set(0)
    pulls = {name: float(weights.present[name]) * norm for name, norm in norms.items()}
    assert sum(pulls.values()) == pytest.approx(3 * 10 + 0.2 + 2 * 4)
    assert pulls["mel"] / pulls["adversarial"] == pytest.approx(3)
    assert pulls["feature_matching"] / pulls["adversarial"] == pytest.approx(2)
    assert weights.present["kl"] == 1.0


def test_the_decay_may_be_stated_by_steps_or_by_clips_and_the_papers_is_that_of_its_four_gpus(tmp_path: Path) -> None:
    def rate(step: int, clips_per_step: float, *overrides: str) -> float:
        train = quiet(tmp_path, *overrides).train
        return learning_rate(train, step=step, epoch=step // 195, clips_per_step=clips_per_step)

    # LJSpeech has 12 500 clips to train on: 195 steps an epoch on one GPU of 64 clips, 49 on four.
    assert rate(800_000, 64) == pytest.approx(1.2e-4, rel=0.01)
    assert rate(800_000, 64, "train.learning_rate_decay_steps=49") == pytest.approx(2.6e-5, rel=0.01)
    by_clips = rate(800_000, 256, "train.learning_rate_decay_clips=12500")
    assert by_clips == pytest.approx(2.58e-5, rel=0.01)
    assert rate(3_200_000, 64, "train.learning_rate_decay_clips=12500") == pytest.approx(by_clips)
    with pytest.raises(InputError, match="leave one of the two out"):
        quiet(tmp_path, "train.learning_rate_decay_clips=5", "train.learning_rate_decay_steps=5")
