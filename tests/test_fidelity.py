"""Twenty fast steps are twenty plain ones, on speech, and the arithmetic that says so is that of a pencil."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from configs import Config, load_config
from data.batch import Batch
from data.embedded import make_embedded_corpus
from tests.benchmarks import fidelity
from tests.benchmarks.fidelity import Agreement, agreements, compare_steps, effect, fast_step, relative, run
from tests.benchmarks.plain_step import plain_step
from tests.rounding import float64
from train import Trainer

Experiment = Callable[..., Config]  # given more settings

HOUSE = Path(__file__).resolve().parents[1]
TINY = HOUSE / "configs" / "tiny.toml"
LJSPEECH = HOUSE.parent / "shared" / "data" / "ljspeech_dev"
TINIEST = (
    *("model.hidden_channels=16", "model.latent_channels=16", "model.filter_channels=32", "model.text_layers=1"),
    *("model.posterior_layers=1", "model.coupling_layers=2", "model.coupling_wavenet_layers=1"),
    *("model.duration_channels=16", "model.duration_flows=1", "discriminator.periods=[2, 3]"),
    *("decoder.initial_channels=16", "decoder.upsample_rates=[16, 16]", "decoder.upsample_kernel_sizes=[32, 32]"),
    *("decoder.residual_kernel_sizes=[3]", "decoder.residual_dilations=[[1, 2]]"),
    *("train.batch_size=2", "data.validation_clips=2"),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The tiniest experiment, on the 16 shortest recordings of a reader where they are present, else of espeak-ng."""
    folder = tmp_path_factory.mktemp("speech")
    source = LJSPEECH if LJSPEECH.exists() else make_embedded_corpus(folder / "embedded")
    root = folder / "corpus"
    root.mkdir()
    (root / "wavs").symlink_to(source / "wavs")
    shortest = {path.stem for path in sorted((source / "wavs").iterdir(), key=lambda path: path.stat().st_size)[:16]}
    rows = (source / "metadata.csv").read_text(encoding="utf-8").splitlines()
    spoken = [row for row in rows if row.partition("|")[0] in shortest]
    (root / "metadata.csv").write_text("\n".join(spoken), encoding="utf-8")
    places = (f"data.root={root}", f"data.cache={folder / 'cache'}", f"run.dir={folder / 'run'}")
    return [*TINIEST, *places, "run.device=cpu", "train.precision=fp32"]


@pytest.fixture(scope="module")
def experiment(settings: list[str]) -> Experiment:
    """It, read."""
    return lambda *more: load_config(TINY, [*settings, *more])


@pytest.fixture(autouse=True)
def _no_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """These trainers are small, and to look for them among all that a test session holds takes longer than a step."""
    monkeypatch.setattr("tests.benchmarks.fidelity.gc.collect", lambda: None)


def test_twenty_fast_steps_are_twenty_plain_steps(experiment: Experiment) -> None:
    with float64():  # in float32 rounding may tip an alignment over, on one processor or the other
        comparison = compare_steps(experiment(), steps=20)
    assert comparison.same_noise
    assert comparison.same, comparison.table()
    losses = {one.loss: one for one in comparison.agreements}
    assert {"loss/discriminator", "loss/synthesizer", *(f"loss/{loss}" for loss in fidelity.LOSSES)} <= losses.keys()
    assert all(max(one.differences) <= 1e-4 for name, one in losses.items() if name.startswith("loss/"))
    # Adam sends weights whose gradient is next to nothing where rounding sends them, a little further in every step.
    for together, _, from_same_weights in comparison.weights.values():
        assert together < 1e-3
        assert from_same_weights < 1e-6


def test_a_step_that_is_not_the_plain_one_is_told_apart(experiment: Experiment) -> None:
    def greedy(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
        return fast_step(trainer, batch) | {"extra": torch.rand(())}

    def forgetful(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
        losses = fast_step(trainer, batch)
        with torch.no_grad():
            next(trainer.average.parameters()).mul_(1.01)
        return losses

    plain, greedy_run, forgetful_run = run(experiment(), plain_step, greedy, forgetful, steps=2)
    assert greedy_run.noise != plain.noise
    assert forgetful_run.noise == plain.noise
    assert fidelity.apart(greedy_run.weights["average"], plain.weights["average"]) < 1e-4
    assert fidelity.apart(forgetful_run.weights["average"], plain.weights["average"]) > 1e-4
    (heavy,) = run(experiment("loss.kl=1.01"), fast_step, steps=2)
    same = {one.loss: one.same for one in agreements(plain, heavy, plain, heavy)}
    assert not same["loss/synthesizer"]


def test_rounding_excuses_twenty_steps_and_never_one() -> None:
    near, far = [1e-6, 1e-6], [1e-6, 1e-2]
    assert Agreement("mel", near, near, near, near).same
    assert Agreement("mel", far, far, far, near).same
    assert not Agreement("mel", far, far, near, near).same
    assert not Agreement("mel", near, far, near, near).same
    assert not Agreement("mel", far, far, far, far).same


def test_differences_are_relative_and_running_means_forget_nothing() -> None:
    assert relative([2.0, 3.0, -4.0], [2.0, 4.0, -5.0]) == pytest.approx([0, 0.25, 0.2])
    assert relative([1.0, 0.0], [0.0, 0.0]) == [float("inf"), 0.0]
    assert relative([float("nan")], [1.0]) == relative([1.0], [float("nan")]) == [float("inf")]
    assert fidelity.running_means([1.0, 3.0, 8.0]) == [1.0, 2.0, 4.0]


def test_curves_and_their_distances_are_those_of_a_pencil() -> None:
    # Windows of two steps: 1 3 | 5 is 2, 5; the other seed is 4, 6; with the change they are 3, 5 and 2, 6.
    found = effect("mel", [[1.0, 3.0, 5.0], [4.0, 4.0, 6.0]], [[2.0, 4.0, 5.0], [2.0, 2.0, 6.0]], window=2)
    assert found.unchanged == [3.0, 5.5]
    assert found.changed == [2.5, 5.5]
    assert found.differences == [0.5, -1.0]
    assert found.distance == 0.75  # (1 + 0) / 2 and (2 + 0) / 2
    assert found.seeds_apart == 1.5  # (2 + 1) / 2
    assert found.within
    # A third seed at 2, 5 again: two of the three pairs are 1.5 apart and one is not at all.
    assert effect("mel", [[2.0, 5.0], [4.0, 6.0], [2.0, 5.0]], [[2.0, 5.0]] * 3, window=1).seeds_apart == 1.0


def test_a_change_is_judged_by_how_far_seeds_are_apart() -> None:
    seeds = [[1.0, 1.0], [2.0, 2.0]]
    assert effect("kl", seeds, seeds).within
    assert effect("kl", seeds, [[1.5, 1.5], [1.5, 1.5]]).within
    assert not effect("kl", seeds, [[2.1, 2.1], [3.1, 3.1]]).within
    # 0.25 is half of the mean of 0.25 and 0.75, and less than half of that of 0.25 and 1.
    assert effect("kl", seeds, [[1.25, 1.25], [2.75, 2.75]]).steady
    assert not effect("kl", seeds, [[1.25, 1.25], [3.0, 3.0]]).steady
    assert not effect("kl", seeds, seeds).steady
    # Up in one seed and down in the other is no difference on the whole, and far all the same.
    torn = effect("kl", seeds, [[-1.0, -1.0], [4.0, 4.0]])
    assert sum(torn.differences) == 0
    assert not torn.within
    assert not torn.steady


def test_a_change_that_matters_is_shown_and_one_of_nothing_is_not(experiment: Experiment) -> None:
    changes = ["train.learning_rate=2e-4", "train.learning_rate=2e-2 train.warmup_steps=0"]
    nothing, hurried = fidelity.compare_changes(experiment, changes, steps=4, seeds=2)
    assert nothing.seeds == [1234, 1235]
    assert all(one.within and one.distance < 1e-4 * abs(one.unchanged[0]) for one in nothing.effects)
    assert any(not one.within for one in hurried.effects)
    assert "OUTSIDE" not in nothing.table()
    assert "OUTSIDE" in hurried.table()


def test_the_exit_code_says_whether_the_steps_are_the_same(
    settings: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fidelity", str(TINY), *settings, "--steps", "1", "--json"])
    assert fidelity.main() == 0
    told = json.loads(capsys.readouterr().out)
    assert told["same_noise"]
    assert told["circumstances"]["corpus"] == "corpus"
    monkeypatch.setattr(
        fidelity, "fast_step", lambda *step: {name: 1.001 * loss for name, loss in plain_step(*step).items()}
    )
    monkeypatch.setattr(sys, "argv", sys.argv[:-1])
    assert fidelity.main() == 1
    assert "is NOT the plain step" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--seeds", "1"])
    assert fidelity.main() == 2
