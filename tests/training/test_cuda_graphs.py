"""A step that is replayed is the step; what cannot be captured or compiled says so and goes on.

No GPU is needed: here a capture notes the work down, and does it on the batch it was noted down with.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from configs import InputError, TrainSettings
from data.batch import Batch
from training.cuda_graphs import CompiledStep, GraphedStep, execution


def batch_of(value: float, *, clips: int = 2, samples: int = 8) -> Batch:
    return Batch(
        phoneme_ids=torch.full((clips, 3), int(value)),
        phoneme_lengths=torch.full((clips,), 3),
        audio=torch.full((clips, 1, samples), value),
        audio_lengths=torch.full((clips,), samples),
        speaker_ids=None,
        ids=("a",) * clips,
        texts=("",) * clips,
    )


class Notebook:
    """As a CUDA graph: what was recorded reads and writes the same tensors whenever it is replayed."""

    def __init__(self) -> None:
        self.recorded = 0
        self.aside_depth = 0

    def capture(self, work: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        assert self.aside_depth == 0, "CUDA's capture brings its own stream"
        self.recorded += 1
        result: dict[str, Tensor] = {"sum": torch.full((), torch.nan)}

        def replay() -> None:
            result["sum"].copy_(work()["sum"])

        return replay, result

    @contextmanager
    def side_stream(self) -> Iterator[None]:
        self.aside_depth += 1
        yield
        self.aside_depth -= 1


class Learner:
    """Sums up what it is taught, so that a step too many or too few shows."""

    def __init__(self) -> None:
        self.state = torch.zeros(())
        self.calls = 0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        self.calls += 1
        self.state.mul_(3).add_(batch.audio.sum() + batch.phoneme_ids.sum())
        return {"sum": self.state.clone()}


def test_replayed_steps_are_the_steps() -> None:
    learner, usual, notebook = Learner(), Learner(), Notebook()
    replayed = GraphedStep(learner.step, notebook)
    shapes = [{}, {"samples": 16}, {"clips": 3}]
    for round_ in range(4):
        for place, shape in enumerate(shapes):
            batch = batch_of(round_ + 0.5 * place, **shape)
            assert float(replayed(batch)["sum"]) == float(usual.step(batch)["sum"])
    assert notebook.recorded == len(shapes)


def test_a_batch_is_only_read_and_its_names_are_no_part_of_its_shape() -> None:
    learner, notebook = Learner(), Notebook()
    replayed = GraphedStep(learner.step, notebook)
    first, second = batch_of(1.0), replace(batch_of(2.0), ids=("x", "y"))
    for batch in (first, second, first, second):
        replayed(batch)
    assert notebook.recorded == 1
    assert float(first.audio.mean()) == 1.0
    assert float(second.audio.mean()) == 2.0


def test_a_step_that_cannot_be_recorded_ends_the_run_and_says_why() -> None:
    class Refusing(Notebook):
        def capture(self, work: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
            try:
                raise RuntimeError("operation not permitted when stream is capturing\nand more")
            except RuntimeError:
                raise RuntimeError("capture failed due to a previous error")  # noqa: B904 - as torch does

    replayed = GraphedStep(Learner().step, Refusing())
    replayed(batch_of(1.0))
    with pytest.raises(InputError, match=r"captured \(operation not permitted when stream is capturing\): .*=eager"):
        replayed(batch_of(2.0))


@pytest.mark.parametrize("where", ["captured", "a step of another shape"])
def test_without_room_for_recordings_steps_are_made_as_usual(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    class Full(Notebook):
        def capture(self, work: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
            if where == "captured":
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().capture(work)

    learner, usual, notebook = Learner(), Learner(), Full()

    def step(batch: Batch) -> dict[str, Tensor]:
        if where != "captured" and batch.audio.shape[2] == 16 and replayed._captured:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return learner.step(batch)

    replayed = GraphedStep(step, notebook)
    for value, samples in ((1.0, 8), (2.0, 8), (3.0, 16), (4.0, 16), (5.0, 8)):
        batch = batch_of(value, samples=samples)
        assert float(replayed(batch)["sum"]) == float(usual.step(batch)["sum"])
    assert capsys.readouterr().err.count("CUDA graphs do not fit the memory") == 1


def test_a_step_that_has_no_room_by_itself_says_so() -> None:
    def step(batch: Batch) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        GraphedStep(step, Notebook())(batch_of(1.0))


def test_shapes_without_end_are_not_recorded_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.cuda_graphs._MOST_GRAPHS", 2)
    learner, notebook = Learner(), Notebook()
    replayed = GraphedStep(learner.step, notebook)
    for _ in range(3):
        for samples in (8, 16, 24, 32):
            replayed(batch_of(1.0, samples=samples))
    assert notebook.recorded == 2
    assert learner.calls == 12  # also those of the capture, which makes each replayed step


@pytest.mark.parametrize(
    ("accumulate", "dtype", "device", "ranks", "reason"),
    [
        (1, torch.float32, "cpu", 1, "the device is a cpu"),
        (2, torch.float32, "cuda", 1, "train.accumulate = 2"),
        (1, torch.float16, "cuda", 1, "fp16"),
        (1, torch.float32, "cuda", 2, "2 processes"),
    ],
)
def test_graphs_where_there_can_be_none_are_told(
    accumulate: int, dtype: torch.dtype, device: str, ranks: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    learner, settings = Learner(), TrainSettings(execution="graphs", accumulate=accumulate)
    step = execution(learner.step, settings, dtype=dtype, device=torch.device(device), ranks=ranks, networks=[])
    assert step == learner.step
    assert f"the step cannot be captured ({reason}" in capsys.readouterr().err


def test_networks_are_compiled_and_compute_the_same() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.LayerNorm(8))

    def step(batch: Batch) -> Tensor:
        result: Tensor = network(batch.audio).sum()
        return result

    usual = step(batch_of(0.3))
    compiled = CompiledStep(step, [network])
    torch.testing.assert_close(compiled(batch_of(0.3)), usual)
    assert network._compiled_call_impl is not None


def test_networks_that_cannot_be_compiled_run_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = nn.Linear(8, 8)

    def compile_badly(*_: Any, **__: Any) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise OSError("no C++ compiler")

        network._compiled_call_impl = fail

    monkeypatch.setattr(network, "compile", compile_badly)
    compiled = CompiledStep(lambda batch: network(batch.audio), [network])
    assert torch.equal(compiled(batch_of(1.0)), network(batch_of(1.0).audio))
    assert "the networks cannot be compiled (no C++ compiler)" in capsys.readouterr().err


def test_a_step_that_is_wrong_in_itself_still_says_so() -> None:
    def step(batch: Batch) -> None:
        raise ZeroDivisionError("our own fault")

    with pytest.raises(ZeroDivisionError, match="our own fault"):
        CompiledStep(step, [])(batch_of(1.0))
