"""`python -m tests.benchmarks.fidelity [CONFIG] [section.key=value ...]`: does the fast step train as the plain one?

On a corpus (`--corpus FOLDER`, else that of the experiment), in float32, the fast step and the frozen plain step make
the same steps from the same seed. Printed is how far each loss ever is from the plain one's. Rounding grows from step
to step, suddenly where one alignment tips over. So beside it stand how far the plain step is from itself when
the recordings are louder by a ten-millionth, which is what rounding alone does; and how far each fast step is from the
plain one when both start from where the plain one is. The exit code is 0 where the two steps are the same.

`--change section.key=value` (`train.precision=bf16`, `train.reuse_real_features=true`; several in one pair of quotes;
more than once) shows instead what a setting does to the losses: the fast step with the setting against the plain step
without it, each seed for itself, beside how far the plain step's seeds are apart. A change of nothing, such as
`train.precision=fp32`, shows how far apart rounding takes two runs.

The noise of each step has a seed of its own, so a step that draws more does not change what later ones draw.
"""

import argparse
import copy
import dataclasses
import gc
import itertools
import json
import math
import shlex
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector
from tqdm import tqdm

from configs import Config, InputError, command, load_config
from data.batch import Batch
from data.corpus import load_corpus
from data.preparation import prepare
from models.device import choose_device
from tests.benchmarks.measuring import commit, device_name
from tests.benchmarks.plain_step import plain_step
from tests.benchmarks.table import markdown
from train import Trainer

Way = Callable[[Trainer, Batch], dict[str, Tensor]]  # makes a step and says its losses
Curve = Sequence[float]  # a loss, step by step

SAME = 1e-4  # relative
WINDOW = 30  # steps whose mean is a point of a smooth curve
LOSSES = ("mel", "kl", "duration", "adversarial", "feature_matching", "discriminator")


@dataclass(frozen=True)
class Run:
    """What one trainer said, and where it ended."""

    curves: dict[str, list[float]]  # by loss
    noise: list[float]  # the number that would have been drawn after each step
    weights: dict[str, Tensor]  # of each network, in one row


@dataclass(frozen=True)
class Agreement:
    """How near the fast step is to the plain one in one of the losses; differences are relative, step by step."""

    loss: str
    differences: list[float]
    of_running_means: list[float]  # since the first step
    by_rounding: list[float]
    from_same_weights: list[float]

    @property
    def together(self) -> bool:
        """Whether all steps, one after the other, are the same."""
        return max(*self.differences, *self.of_running_means) <= SAME

    @property
    def same(self) -> bool:
        """Whether every step is the same, and all of them together are unless rounding alone keeps them from it."""
        return max(self.from_same_weights) <= SAME and (self.together or max(self.by_rounding) > SAME)


@dataclass(frozen=True)
class Effect:
    """What a change does to one loss; differences and distances are means over the points of smooth curves."""

    loss: str
    unchanged: list[float]  # smooth curve, the mean over seeds
    changed: list[float]
    differences: list[float]  # changed - unchanged, for each seed
    distance: float  # between changed and unchanged of one seed, the mean over seeds
    seeds_apart: float  # distance between unchanged runs of different seeds, the mean over pairs

    @property
    def within(self) -> bool:
        """Whether the change is no more than another seed would be."""
        return self.distance <= self.seeds_apart

    @property
    def steady(self) -> bool:
        """Whether each seed has at least half of the mean difference, so that it is the change's, however small."""
        mean = statistics.fmean(self.differences)
        return mean != 0 and all(difference / mean >= 0.5 for difference in self.differences)


@dataclass(frozen=True)
class Circumstances:
    """What, where and how long."""

    command: str
    commit: str  # with a plus where files differ from it
    torch: str
    device: str
    corpus: str
    batch_size: int
    steps: int

    def sentence(self) -> str:
        """All of it."""
        return (
            f"- `{self.command}`, commit {self.commit or 'unknown'}, torch {self.torch}, {self.device}, "
            f"{self.steps} steps on {self.corpus}, batch {self.batch_size}"
        )


@dataclass(frozen=True)
class Comparison:
    """The fast step beside the plain one."""

    circumstances: Circumstances
    agreements: list[Agreement]
    weights: dict[str, list[float]]  # of each network in the end: how far apart, by rounding, from same weights
    same_noise: bool  # both drew as many random numbers in every step

    @property
    def same(self) -> bool:
        """Whether one can stand for the other; norms of gradients are shown, but rounding moves them furthest."""
        return self.same_noise and all(one.same for one in self.agreements if one.loss.startswith("loss/"))

    def table(self) -> str:
        """To read."""
        head = (
            "largest difference in",
            f"{self.circumstances.steps} steps",
            "at step",
            "running means",
            "rounding alone",
            "from same weights",
        )
        rows: list[tuple[str, ...]] = []
        for one in self.agreements:
            largest = max(one.differences)
            others = (max(one.of_running_means), max(one.by_rounding), max(one.from_same_weights))
            place = str(one.differences.index(largest) + 1)
            rows.append((one.loss, f"{largest:.1e}", place, *(f"{other:.1e}" for other in others)))
        rows += [
            (f"weights of {name}", f"{ours:.1e}", "last", "", f"{rounding:.1e}", f"{follower:.1e}")
            for name, (ours, rounding, follower) in self.weights.items()
        ]
        losses = [one for one in self.agreements if one.loss.startswith("loss/")]
        drifted = ", ".join(one.loss.removeprefix("loss/") for one in losses if not one.together)
        sentences = [
            self.circumstances.sentence(),
            f"- both drew {'the same' if self.same_noise else 'NOT the same'} noise",
            f"- to {SAME:g}, the losses of {self.circumstances.steps} steps are "
            + (f"apart in {drifted}" if drifted else "the same"),
            f"- the fast step {'is' if self.same else 'is NOT'} the plain step"
            + (": apart is also, by rounding alone, the plain step from itself" if self.same and drifted else ""),
        ]
        return "\n".join([*markdown(head, rows), "", *sentences])


@dataclass(frozen=True)
class Change:
    """What a change of settings does to the losses."""

    circumstances: Circumstances
    settings: str
    seeds: list[int]
    effects: list[Effect]

    def table(self) -> str:
        """Two tables to read: what it does to each loss, and both curves, smooth, the mean over seeds."""
        head = ("loss", "plain", "changed", "difference", "%", "of each seed", "apart", "seeds apart", "the change is")
        losses, steps = [one.loss for one in self.effects], self.circumstances.steps
        cells = [
            [f"{plain:.3f} / {changed:.3f}" for plain, changed in zip(one.unchanged, one.changed, strict=True)]
            for one in self.effects
        ]
        curves = [
            (f"{start + 1} to {min(start + WINDOW, steps)}", *row)
            for start, row in zip(range(0, steps, WINDOW), zip(*cells, strict=True), strict=True)
        ]
        outside = ", ".join(one.loss for one in self.effects if not one.within)
        steady = ", ".join(one.loss for one in self.effects if one.steady)
        sentences = [
            f"{self.circumstances.sentence()}, seeds {', '.join(map(str, self.seeds))}",
            f"- `{self.settings}`: {'OUTSIDE' if outside else 'within'} the spread of seeds"
            + (f" in {outside}" if outside else "")
            + (f"; alike in every seed: {steady}" if steady else ""),
        ]
        effects = markdown(head, [_row(one) for one in self.effects])
        return "\n".join([*effects, "", *sentences, "", *markdown(("steps", *losses), curves)])


def fast_step(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
    """The step of training."""
    return trainer.teach(batch).scalars()


def louder_step(trainer: Trainer, batch: Batch) -> dict[str, Tensor]:
    """The plain step on recordings that differ in their last bit."""
    return plain_step(trainer, dataclasses.replace(batch, audio=batch.audio * (1 + 1e-7)))


def run(config: Config, *ways: Way, steps: int) -> list[Run]:
    """Train from the first step on, the way that is given.

    Other ways make every step as well, each starting from where the first way is.
    """
    gc.collect()  # the trainers before these are in circles
    corpus = load_corpus(prepare(config.data, config.audio, progress=False), progress=False)
    trainers = [Trainer(config, corpus) for _ in ways]
    runs = [Run({}, [], {}) for _ in ways]
    with closing(trainers[0].batches()) as batches:
        for batch in tqdm(itertools.islice(batches, steps), total=steps, unit="step", disable=None, leave=False):
            for follower in trainers[1:]:
                follower.load_state_dict(copy.deepcopy(trainers[0].state_dict()))
            for trainer, way, told in zip(trainers, ways, runs, strict=True):
                torch.manual_seed(config.run.seed + 1_000_003 * (trainer.step + 1))
                for name, value in way(trainer, batch).items():
                    told.curves.setdefault(name, []).append(float(value))
                told.noise.append(float(torch.rand((), device=trainer.device)))
                trainer.step += 1
    for trainer, told in zip(trainers, runs, strict=True):
        for name in ("synthesizer", "discriminator", "average"):
            told.weights[name] = parameters_to_vector(getattr(trainer, name).parameters()).detach()
    return runs


def agreements(plain: Run, fast: Run, louder: Run, follower: Run) -> list[Agreement]:
    """How near the fast runs are to the plain one in each loss of the plain one."""
    return [
        Agreement(
            name,
            differences=relative(fast.curves[name], curve),
            of_running_means=relative(running_means(fast.curves[name]), running_means(curve)),
            by_rounding=relative(louder.curves[name], curve),
            from_same_weights=relative(follower.curves[name], curve),
        )
        for name, curve in plain.curves.items()
    ]


def apart(weights: Tensor, reference: Tensor) -> float:
    """The norm of their difference, in proportion to that of the reference."""
    return float((weights - reference).norm() / reference.norm())


def relative(curve: Curve, reference: Curve) -> list[float]:
    """The distance of each point from the reference's, in proportion to the reference; NaN is far from all."""
    gaps = [0.0 if a == b else abs(a - b) / abs(b or math.ulp(0)) for a, b in zip(curve, reference, strict=True)]
    return [math.inf if math.isnan(gap) else gap for gap in gaps]


def running_means(curve: Curve) -> list[float]:
    """The mean of all points so far, at every point."""
    return [total / count for count, total in enumerate(itertools.accumulate(curve), 1)]


def smooth(curve: Curve, window: int = WINDOW) -> list[float]:
    """The means of one window after the other; the last one may be shorter."""
    return [statistics.fmean(curve[start : start + window]) for start in range(0, len(curve), window)]


def distance(one: Curve, other: Curve) -> float:
    """How far two curves are apart, the mean over their points."""
    return statistics.fmean(abs(a - b) for a, b in zip(one, other, strict=True))


def effect(loss: str, unchanged: Sequence[Curve], changed: Sequence[Curve], *, window: int = WINDOW) -> Effect:
    """What a change does to one loss.

    Args:
        loss: its name.
        unchanged: its curve for each seed, at least two.
        changed: the same with the change.
        window: steps that are one point of a smooth curve.
    """
    before, after = [smooth(curve, window) for curve in unchanged], [smooth(curve, window) for curve in changed]
    return Effect(
        loss=loss,
        unchanged=[statistics.fmean(points) for points in zip(*before, strict=True)],
        changed=[statistics.fmean(points) for points in zip(*after, strict=True)],
        differences=[statistics.fmean(new) - statistics.fmean(old) for old, new in zip(before, after, strict=True)],
        distance=statistics.fmean(distance(old, new) for old, new in zip(before, after, strict=True)),
        seeds_apart=statistics.fmean(distance(*pair) for pair in itertools.combinations(before, 2)),
    )


def compare_steps(config: Config, *, steps: int, words: str = "") -> Comparison:
    """Let the fast and the plain step train from the same seed."""
    checked_out = commit()  # now: it may be another one in the end
    (fast,), (louder,) = (run(config, way, steps=steps) for way in (fast_step, louder_step))
    plain, follower = run(config, plain_step, fast_step, steps=steps)
    return Comparison(
        circumstances=_circumstances(config, checked_out, steps=steps, words=words),
        agreements=agreements(plain, fast, louder, follower),
        weights={
            name: [apart(one.weights[name], weights) for one in (fast, louder, follower)]
            for name, weights in plain.weights.items()
        },
        same_noise=fast.noise == plain.noise,
    )


def compare_changes(
    load: Callable[..., Config], changes: Sequence[str], *, steps: int, seeds: int, words: str = ""
) -> Iterator[Change]:
    """Let the plain step train without a change, and the fast step with each of them, from several seeds.

    Args:
        load: reads the experiment with more settings.
        changes: each is one or several settings.
        steps: of each run.
        seeds: from the experiment's own on; at least two.
        words: how this was asked for.
    """
    config = load()
    checked_out = commit()
    numbers = [config.run.seed + place for place in range(seeds)]
    plain = [run(load(f"run.seed={seed}"), plain_step, steps=steps)[0].curves for seed in numbers]
    for change in changes:
        changed = [
            run(load(*shlex.split(change), f"run.seed={seed}"), fast_step, steps=steps)[0].curves for seed in numbers
        ]
        yield Change(
            circumstances=_circumstances(config, checked_out, steps=steps, words=words),
            settings=change,
            seeds=numbers,
            effects=[
                effect(loss, *([curves[f"loss/{loss}"] for curves in runs] for runs in (plain, changed)))
                for loss in LOSSES
            ],
        )


def _circumstances(config: Config, checked_out: str, *, steps: int, words: str) -> Circumstances:
    return Circumstances(
        command=words,
        commit=checked_out,
        torch=torch.__version__,
        device=device_name(choose_device(config.run.device)),
        corpus=Path(config.data.root).resolve().name,
        batch_size=config.train.batch_size,
        steps=steps,
    )


def _row(one: Effect) -> tuple[str, ...]:
    plain, changed, difference = (statistics.fmean(points) for points in (one.unchanged, one.changed, one.differences))
    return (
        one.loss,
        f"{plain:.4f}",
        f"{changed:.4f}",
        f"{difference:+.4f}",
        f"{100 * difference / abs(plain):+.2f}",
        " ".join(f"{each:+.4f}" for each in one.differences),
        f"{one.distance:.4f}",
        f"{one.seeds_apart:.4f}",
        ("within" if one.within else "OUTSIDE") + ", steady" * one.steady,
    )


@command
def main() -> int:
    """Compare and print tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fidelity", description=__doc__)
    parser.add_argument("settings", nargs="*", help="an experiment (configs/NAME.toml), then section.key=value ...")
    parser.add_argument("--corpus", metavar="FOLDER", help="recordings to train on (default: data.root)")
    parser.add_argument("--steps", type=int, metavar="N", help="of each run (default: 20; with --change 300)")
    parser.add_argument("--change", action="append", default=[], metavar="SETTINGS", help="section.key=value ...")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="with --change (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each table")
    arguments = parser.parse_intermixed_args()
    path, settings = "configs/tiny.toml", list(arguments.settings)
    if settings and "=" not in settings[0]:
        path = settings.pop(0)
    own = ["train.precision=fp32", *settings, *([f"data.root={arguments.corpus}"] if arguments.corpus else [])]
    steps = arguments.steps or (300 if arguments.change else 20)
    if steps < 1 or arguments.seeds < 2:
        raise InputError(f"--steps={steps} --seeds={arguments.seeds}: it takes a step, and two seeds to be apart")
    words = shlex.join(["python", "-m", "tests.benchmarks.fidelity", *sys.argv[1:]])
    torch.backends.cudnn.allow_tf32 = False  # a GPU's float32 has fewer digits otherwise

    def load(*more: str) -> Config:
        return load_config(path, [*own, *more])

    if not arguments.change:
        comparison = compare_steps(load(), steps=steps, words=words)
        print(json.dumps(dataclasses.asdict(comparison)) if arguments.json else comparison.table())
        return 0 if comparison.same else 1
    for change in compare_changes(load, arguments.change, steps=steps, seeds=arguments.seeds, words=words):
        print(json.dumps(dataclasses.asdict(change)) if arguments.json else change.table() + "\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
