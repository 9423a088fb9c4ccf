"""The benchmarks count what a pencil counts, time what there is, and hold the fast step against the plain one."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from configs import Config, load_config
from tests.benchmarks import gpu, growth, losses, train_step
from tests.benchmarks.counting import Count, counting
from tests.benchmarks.growth import Growth
from tests.benchmarks.measuring import Contestant
from tests.benchmarks.parts import OTHER, PARTS, Parts
from tests.benchmarks.synthetic import synthetic_corpus
from tests.benchmarks.table import Measurement, Part

TINY = Path(__file__).resolve().parents[1] / "configs" / "tiny.toml"


def tiny(*overrides: str) -> Config:
    return load_config(TINY, ["train.batch_size=2", "run.device=cpu", "train.precision=fp32", *overrides])


@pytest.fixture(scope="module")
def contestant() -> Contestant:
    """A tiny trainer that has stepped once, on short recordings."""
    contestant = Contestant(tiny(), mean_frames=120, batches=1)
    contestant.step()
    return contestant


class Ticks:
    """A clock that moves on by one millisecond whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0

    def mark(self) -> int:
        self.now += 1
        return self.now

    def resume(self, *, backward: bool = False) -> int:
        return self.now  # no time for what is not part of the step

    def milliseconds(self, start: int, end: int) -> float:
        return end - start


def counted(work: Any) -> Count:
    with counting() as counts:
        work()
    return counts[""]


def test_flops_of_convolutions_and_products_are_those_of_a_pencil() -> None:
    x, weight, grouped = torch.randn(3, 8, 50), torch.randn(6, 8, 5), torch.randn(12, 2, 5)
    for tensor in (x, weight, grouped):
        tensor.requires_grad_()
    # 46 places in 3 clips, each of 6 outputs the sum of 8 x 5 products; a product and its sum are two.
    forward = 2 * 3 * 46 * 6 * 8 * 5
    assert counted(lambda: F.conv1d(x, weight)).flops == forward
    assert counted(lambda: F.conv1d(x, weight).sum().backward()).flops == 3 * forward
    assert counted(lambda: F.conv1d(x.detach(), weight).sum().backward()).flops == 2 * forward
    # In 4 groups each of 12 outputs sees 2 of the 8 channels, and each gradient is as much work as the output.
    assert counted(lambda: F.conv1d(x, grouped, groups=4).sum().backward()).flops == 3 * 2 * 3 * 46 * 12 * 2 * 5
    # Transposed: each of 50 places meets all 8 x 3 x 4 weights.
    transposed = torch.randn(8, 3, 4)
    assert counted(lambda: F.conv_transpose1d(x, transposed, stride=2)).flops == 2 * 3 * 50 * 8 * 3 * 4
    left, right = torch.randn(5, 7, requires_grad=True), torch.randn(7, 11, requires_grad=True)
    assert counted(lambda: (left @ right).sum().backward()).flops == 3 * 2 * 5 * 7 * 11


def test_without_groups_torch_counts_the_same_flops() -> None:
    network = nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), nn.ConvTranspose1d(6, 5, 4, 2), nn.Linear(36, 9))
    x = torch.randn(2, 4, 19)
    with FlopCounterMode(display=False) as theirs:
        network(x).sum().backward()
    assert counted(lambda: network(x).sum().backward()).flops == theirs.get_total_flops() > 0


def test_bytes_are_what_is_read_and_written_and_views_are_free() -> None:
    x = torch.randn(10, 10)
    assert counted(lambda: x + x.t()).bytes == 3 * 400
    assert counted(lambda: x.view(100).unflatten(0, (50, 2))).dispatches == 0
    assert counted(lambda: x.add_(1)).bytes == 2 * 400
    assert counted(lambda: x + torch.ones(10, 1).expand(10, 10)).bytes == 400 + 400 + 40 + 40  # and ones that are made
    weights = [torch.randn(25) for _ in range(3)]
    assert counted(lambda: torch._foreach_mul_(weights, 2.0)).bytes == 2 * 300


def test_a_wait_is_counted_once_and_nothing_else_is_a_wait() -> None:
    x = torch.randn(10)
    fine = counted(lambda: torch.where(x > 0, x, 0.0).gather(0, torch.arange(3)).sum().float())
    assert fine.waits.total() == 0
    assert fine.dispatches > 3
    assert counted(lambda: x.sum().item()).waits == {"item": 1}
    assert counted(lambda: x.cpu().numpy()).waits == {"cpu": 1}
    assert counted(lambda: float(x.sum()) if x[0] == x[0] else 0.0).waits == {"__bool__": 1, "__float__": 1}
    assert counted(lambda: x.tolist()).waits == {"tolist": 1}
    assert counted(lambda: x[x > 0]).waits.total() == 1
    assert counted(lambda: x.nonzero()).waits == {"nonzero": 1}
    assert counted(lambda: x[torch.arange(3)]).waits.total() == 0


def test_the_parts_of_a_step_add_up_to_the_step(contestant: Contestant) -> None:
    clock = Ticks()
    parts = Parts(clock)
    with parts.watching(contestant.trainer):
        contestant.step()
    times = parts.milliseconds()
    assert sum(times.values()) == clock.now
    assert set(times) == set(PARTS)
    assert parts.current == OTHER
    # Afterwards nobody watches any more.
    spans = len(parts.spans)
    contestant.step()
    assert len(parts.spans) == spans


def test_every_part_gets_its_own_backward_pass(contestant: Contestant) -> None:
    counts = train_step.counted(contestant)
    synthesizer, discriminator = contestant.trainer.synthesizer, contestant.trainer.discriminator
    inputs: dict[str, tuple[Any, Any]] = {}
    networks = {"flow": synthesizer.flow, "decoder": synthesizer.decoder, "text encoder": synthesizer.text_encoder}
    hooks = [
        network.register_forward_pre_hook(
            lambda _, args, kwargs, name=name: inputs.update({name: (args, kwargs)}), with_kwargs=True
        )
        for name, network in networks.items()
    ]
    contestant.step()
    for hook in hooks:
        hook.remove()
    for name, network in networks.items():
        args, kwargs = inputs[name]
        # As in the step: what comes in needs a gradient, unless it is ids or masks.
        fresh = [
            one.detach().requires_grad_(one.is_floating_point() and one.shape[1] > 1)
            if isinstance(one, Tensor)
            else one
            for one in args
        ]

        def alone(network: nn.Module = network, fresh: list[Any] = fresh, kwargs: Any = kwargs) -> None:
            out = network(*fresh, **kwargs)
            out = out if isinstance(out, Tensor) else out.hidden.sum() + out.prior.mean.sum() + out.prior.log_std.sum()
            out.sum().backward()

        assert counts[name].flops == counted(alone).flops > 0
    synthesizer.zero_grad()
    discriminator.zero_grad()


def test_a_second_segment_of_each_recording_costs_the_decoder_and_its_discriminators_as_much_and_nobody_else() -> None:
    one, two = (
        train_step.counted(Contestant(tiny(f"train.segments={count}"), mean_frames=120, batches=1)) for count in (1, 2)
    )
    for name in PARTS:
        twice = name in ("decoder", "D step", "D in G step")
        if name not in ("mel", OTHER):
            assert two[name].flops == (2 if twice else 1) * one[name].flops, name


def test_batches_have_the_lengths_of_ljspeech() -> None:
    config = tiny("train.batch_size=32")
    corpus, again = synthetic_corpus(config), synthetic_corpus(config)
    frames = [len(clip.audio) // config.audio.hop_length for clip in corpus.train]
    phonemes = [len(clip.phoneme_ids) for clip in corpus.train]
    assert sum(frames) / len(frames) == pytest.approx(570, rel=0.002)
    assert sum(phonemes) / len(phonemes) == pytest.approx(213, rel=0.03)
    assert len(set(frames[:32])) > 20
    assert all(400 < count <= 600 for count in frames)
    assert all(ids < length for ids, length in zip(phonemes, frames, strict=True))
    assert all((one.audio == other.audio).all() for one, other in zip(corpus.train, again.train, strict=True))


def test_json_has_every_documented_key(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_step, "Contestant", _short)
    monkeypatch.setattr(train_step, "matrix_peak", lambda *_: 1e11)
    settings = ["--steps", "1", "--batch", "1", "run.device=cpu", "--compare", "train.segments=2"]
    monkeypatch.setattr(sys, "argv", ["train_step", str(TINY), *settings, "--json"])
    assert train_step.main() == 0
    output = capsys.readouterr().out
    tree = json.loads(output)
    assert tree.keys() == {field.name for field in dataclasses.fields(Measurement)}
    assert all(part.keys() == {field.name for field in dataclasses.fields(Part)} for part in tree["parts"].values())
    assert set(tree["parts"]) == set(PARTS)
    assert tree["batch_size"] == 1
    assert tree["flops"] == sum(part["flops"] for part in tree["parts"].values()) > 0
    assert tree["comparison"]["name"] == "train.segments=2"
    table = gpu.step_section(output)
    assert "D in G step" in table
    assert "times as long" in table


def _short(config: Config, *arguments: Any, **options: Any) -> Contestant:
    return Contestant(config, *arguments, **options, mean_frames=64, batches=1)


def test_growth_is_shown_as_far_as_it_was_measured() -> None:
    whole = [Growth("batch", "16", 2.0, 32.0, 2**30), Growth("batch", "256", problem="CUDA out of memory")]
    lines = "".join(json.dumps(dataclasses.asdict(line)) + "\n" for line in whole)
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in gpu.growth_section(lines + '{"axis": "fra').splitlines()
    ]
    assert rows[2:] == [["batch", "16", "2.00", "32.0", "1.00"], ["batch", "256", "CUDA out of memory", "", ""]]


def test_growth_changes_one_thing_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, int, int, int]] = []

    def note(config: Config, *, mean_frames: int, speakers: int) -> Contestant:
        train = config.train
        seen.append((train.batch_size, mean_frames, train.segment_samples, train.segments, speakers))
        raise torch.OutOfMemoryError("no room\nat all")

    monkeypatch.setattr(growth, "Contestant", note)
    monkeypatch.setattr("tests.benchmarks.growth.gc.collect", lambda: None)
    points = list(growth.grow(lambda settings: tiny(*settings), batches=[1, 3], steps=1))
    assert {point.problem for point in points} == {"no room"}
    assert [point.axis for point in points if point.axis != "decoder"] == (
        ["batch"] * 2 + ["frames"] * 4 + ["segment"] * 3 + ["segments"] * 3 + ["speakers"] * 3
    )
    usual = (2, 570, 4096, 1, 1)
    differing = [[place for place in range(5) if one[place] != usual[place]] for one in seen]
    assert all(len(places) <= 1 for places in differing)
    assert {place for places in differing for place in places} == {0, 1, 2, 3, 4}


def test_a_measurement_that_fails_costs_the_others_nothing(tmp_path: Path) -> None:
    gone = gpu.Task("gone", ("tests.benchmarks.nothing_of_that_name",), 5, gpu.verbatim)
    broken = gpu.Task("broken", ("json.tool", "no such file"), 5, gpu.step_section)
    endless = gpu.Task("endless", ("http.server", "0", "-b", "127.0.0.1"), 1, gpu.verbatim)
    assert "Skipped" in gpu.run_task(gone, tmp_path)
    assert "exit code" in gpu.run_task(broken, tmp_path)
    assert "stopped after 1 seconds" in gpu.run_task(endless, tmp_path)
    assert sum(task.seconds for task in gpu.TASKS) < 8 * 60


@pytest.mark.slow
def test_the_cost_of_each_loss_is_measured_by_itself_or_in_a_step() -> None:
    found = losses.ratios({"hinge": ["loss.adversarial_objective=hinge"]}, rounds=1, repeats=1)
    kinds = {f"mel, {kind}" for kind in ("l1", "l2", "log_cosh")}
    kinds |= {f"feature_matching, {kind}" for kind in ("sum", "mean", "relative")}
    assert found.keys() == {*losses.TERMS, *kinds, "hinge"}
    assert all(ratio > 0 for (ratio,) in found.values())
