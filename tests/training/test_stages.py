"""Frozen parts hold still to the bit until their step, and each part has its share of the learning rate."""

from pathlib import Path
from typing import Any

import pytest
import torch

from configs import Config, InputError, load_config
from configs.training import PARTS
from tests.faults.tiny_runs import differing, lasting, tiny_corpus
from train import Trainer, resume, start
from training.interruption import StopRequest
from training.memory_check import check_memory
from training.stages import load_optimizer_state, optimizer_state
from voices.checkpoint import checkpoint_path, load_checkpoint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return tiny_corpus(tmp_path_factory.mktemp("corpora"))


def settings(tiny: list[str], run: Path, *overrides: str) -> Config:
    file, *own = tiny
    return load_config(file, [*own, f"run.dir={run}", *overrides])


def weights_by_part(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """All weights of each part, one after the other."""
    return {
        name: torch.cat([weight.detach().flatten() for weight in part.parameters()])
        for name, part in network.named_children()
    }


def moved_by_step(trainer: Trainer, steps: int) -> list[set[str]]:
    """The parts whose weights are not those of before to the bit, for each step."""
    moved = []
    for batch, _ in zip(trainer.batches(), range(steps), strict=False):
        before = weights_by_part(trainer.synthesizer)
        trainer.run_step(batch)
        trainer.step += 1
        after = weights_by_part(trainer.synthesizer)
        moved.append({name for name in before if not torch.equal(before[name], after[name])})
    return moved


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_frozen_part_is_bit_equal_and_moves_from_its_step_on(
    tiny: list[str], tmp_path: Path, accumulate: int
) -> None:
    freeze = 'train.freeze={text_encoder = "always", duration_predictor = 2, decoder = 3}'
    trainer = start(settings(tiny, tmp_path / "run", freeze, f"train.accumulate={accumulate}"))
    first = weights_by_part(trainer.synthesizer)
    parts = set(PARTS) - {"speakers"}  # the corpus has one
    free = {"posterior_encoder", "flow"}
    assert moved_by_step(trainer, 4) == [
        free,
        free,
        free | {"duration_predictor"},
        parts - {"text_encoder"},
    ]
    averaged = weights_by_part(trainer.ema)
    assert torch.equal(averaged["text_encoder"], first["text_encoder"])
    assert not torch.equal(averaged["decoder"], first["decoder"])
    # AdamW counts a part's updates, by which it corrects its moments, from the step at which the part is freed.
    updates = {name: set[float]() for name in parts}
    for name, part in trainer.synthesizer.named_children():
        for weight in part.parameters():
            if weight in trainer.synthesizer_optimizer.state:
                updates[name].add(float(trainer.synthesizer_optimizer.state[weight]["step"]))
    assert updates == {
        "text_encoder": set(),
        "posterior_encoder": {4.0},
        "flow": {4.0},
        "duration_predictor": {2.0},
        "decoder": {1.0},
    }


def test_what_leads_to_no_gradient_at_the_audio_is_not_measured_there(tiny: list[str], tmp_path: Path) -> None:
    freeze = 'train.freeze={posterior_encoder = 1, decoder = 1, duration_predictor = "always"}'
    trainer = start(settings(tiny, tmp_path / "run", freeze, "loss.balance=gradient"))
    batch = next(trainer.batches())
    trainer.measure_output_gradients(batch)
    assert trainer.output_gradients == {}
    trainer.run_step(batch)
    trainer.step = 20
    trainer.measure_output_gradients(batch)
    assert trainer.output_gradients.keys() == {"mel", "adversarial", "feature_matching"}


STAGES = (
    'train.freeze={text_encoder = "always", decoder = 2}',
    "train.learning_rates={flow = 0.25, posterior_encoder = 2.0, discriminator = 0.5}",
)


@pytest.fixture(scope="module")
def whole_run(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps that was not stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    start(settings(tiny, run, *STAGES, "train.steps=4")).train(StopRequest())
    return run


@pytest.mark.parametrize("stopped_at", [1, 2])
def test_a_run_that_is_resumed_in_the_midst_of_a_stage_is_the_same_to_the_bit(
    tiny: list[str], tmp_path: Path, whole_run: Path, stopped_at: int
) -> None:
    start(settings(tiny, tmp_path / "parts", *STAGES, f"train.steps={stopped_at}")).train(StopRequest())
    rest = resume(tmp_path / "parts", ["train.steps=4"])
    check_memory(rest)
    rest.train(StopRequest())
    ends = [load_checkpoint(checkpoint_path(run / "checkpoints", 4)) for run in (whole_run, tmp_path / "parts")]
    # The parts were validated where they were stopped, and know of that.
    whole, parts = (lasting(each) | {"best": 0} for each in ends)
    assert differing(whole, parts) == []


def test_the_first_update_of_each_part_is_its_share_of_the_learning_rate(tiny: list[str], tmp_path: Path) -> None:
    """AdamW's first update without decay is g / (|g| + epsilon): the learning rate, whatever the gradient."""
    factors = {"text_encoder": 0.1, "decoder": 3.0, "discriminator": 0.5}
    table = ", ".join(f"{name} = {factor}" for name, factor in factors.items())
    trainer = start(
        settings(
            tiny,
            tmp_path / "run",
            f"train.learning_rates={{{table}}}",
            "train.learning_rate=1e-3",
            "train.weight_decay=0.0",
            "train.adam_epsilon=1e-20",
        )
    )
    networks = {"": trainer.synthesizer, "discriminator": trainer.discriminator}
    before = {name: weights_by_part(network) for name, network in networks.items()}
    trainer.run_step(next(trainer.batches()))
    for network in networks:
        for part, weights in weights_by_part(networks[network]).items():
            change = (weights.double() - before[network][part].double()).abs()
            expected = 1e-3 * factors.get(network or part, 1.0)
            assert change[change > 0].median().item() == pytest.approx(expected, rel=1e-3), (network, part)


def test_factors_of_one_are_no_factors_to_the_bit(tiny: list[str], tmp_path: Path) -> None:
    states = []
    for name, rates in (("without", "{}"), ("with", "{decoder = 1.0, discriminator = 1.0}")):
        trainer = start(settings(tiny, tmp_path / name, f"train.learning_rates={rates}"))
        moved_by_step(trainer, 2)
        states.append({name: value for name, value in trainer.state_dict().items() if name != "config"})
    assert differing(states[0], states[1]) == []


def test_factors_may_change_when_a_run_goes_on_and_moments_stay(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    start(settings(tiny, run, "train.steps=2")).train(StopRequest())
    before = load_checkpoint(checkpoint_path(run / "checkpoints", 2))
    asked = ['train.freeze={flow = "always"}', "train.learning_rates={text_encoder = 0.5}"]
    rest = resume(run, asked)
    assert "train.learning_rates: {} -> {'text_encoder': 0.5}" in capsys.readouterr().out
    names = ("synthesizer_optimizer", "discriminator_optimizer")
    assert [len(getattr(rest, name).param_groups) for name in names] == [5, 1]
    assert differing({name: before[name] for name in names}, {name: rest.state_dict()[name] for name in names}) == []
    assert moved_by_step(rest, 1) == [set(PARTS) - {"speakers", "flow"}]


def test_the_state_of_groups_is_that_of_one_group(tiny: list[str], tmp_path: Path) -> None:
    """An optimizer without groups, as older versions had, loads what one with groups has saved."""
    trainer = start(settings(tiny, tmp_path / "run", "train.learning_rates={decoder = 0.5}"))
    moved_by_step(trainer, 1)
    state = optimizer_state(trainer.synthesizer_optimizer)
    plain = torch.optim.AdamW(trainer.synthesizer.parameters())
    plain.load_state_dict(state)
    for weight in trainer.synthesizer.parameters():
        assert differing(plain.state[weight], trainer.synthesizer_optimizer.state[weight]) == []
    assert (
        plain.state_dict()["param_groups"][0].keys()
        == torch.optim.AdamW([weight]).state_dict()["param_groups"][0].keys()
    )
    (group,) = state["param_groups"]
    fewer: dict[str, Any] = state | {"param_groups": [group | {"params": group["params"][:-1]}]}
    with pytest.raises(ValueError, match="that of other weights"):
        load_optimizer_state(trainer.synthesizer_optimizer, fewer, trainer.config.train, trainer.optimizer_flags)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.freeze={decodr = 3}", "train.freeze: no part of a voice is named decodr: the parts are text_encoder, "),
        ("train.freeze={discriminator = 3}", "train.freeze: no part of a voice is named discriminator"),
        ("train.freeze.decoder=0", r'train.freeze.decoder = 0: input should be a number of steps above 0, or "always"'),
        ("train.freeze.decoder=forever", "train.freeze.decoder = 'forever': input should be a number of steps above 0"),
        ("train.learning_rates={dec = 0.5}", "train.learning_rates: no part is named dec: .* speakers, discriminator"),
        ("train.learning_rates.decoder=0.0", r"train.learning_rates.decoder = 0.0: input should be greater than 0"),
        ("train.learning_rates.decoder=1e6", "train.learning_rates.decoder = 1000000.0: input should be less than"),
        ("train.learning_rate=2.0 train.learning_rates.decoder=60.0", "the factor 60 of train.learning_rate = 2 "),
    ],
)
def test_what_cannot_be_frozen_or_trained_so_is_one_sentence(
    tiny: list[str], tmp_path: Path, override: str, told: str
) -> None:
    overrides = override.split(" train", 1)
    with pytest.raises(InputError, match=told):
        settings(tiny, tmp_path / "run", overrides[0], *(f"train{rest}" for rest in overrides[1:]))


def test_something_must_be_left_to_train_and_a_part_must_be_there(tiny: list[str], tmp_path: Path) -> None:
    everything = ", ".join(f"{part} = 5" for part in PARTS if part != "speakers")
    with pytest.raises(InputError, match="every part of the voice is frozen at step 0: leave one of them out"):
        start(settings(tiny, tmp_path / "run", f"train.freeze={{{everything}}}"))
    for key, value in (("freeze", 5), ("learning_rates", 0.5)):
        with pytest.raises(InputError, match=rf"train\.{key}: a voice of one speaker has no speakers: leave it out"):
            start(settings(tiny, tmp_path / "run", f"train.{key}={{speakers = {value}}}"))
