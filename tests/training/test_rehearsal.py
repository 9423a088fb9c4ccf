"""The step before the first one: what it takes is what the run will take, and it leaves nothing behind."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from configs import Config, InputError, dump_config, load_config
from data.bucket_batch_sampler import BucketBatchSampler
from data.clips import Clip, Shard
from data.corpus import Corpus
from tests.benchmarks.synthetic import synthetic_corpus
from train import Trainer
from training import rehearsal
from training.memory import Room, let_go, peak_bytes
from training.random_state import random_state
from training.ranks import Ranks
from training.rehearsal import (
    Estimate,
    LongStep,
    estimate,
    longest_steps,
    refuse_too_large,
    rehearse,
    settle_batch_size,
    upper_bound,
)

HOUSE = Path(__file__).resolve().parents[2]
GIB = 2**30


def tiny(*overrides: str) -> Config:
    """The tiny experiment on a CPU."""
    own = ["data.root=unused", "run.dir=unused", "run.device=cpu", "train.batch_size=4"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, *overrides])


def trainer_of(config: Config, mean_frames: int = 120) -> Trainer:
    """A Trainer on random recordings."""
    return Trainer(config, synthetic_corpus(config, mean_frames=mean_frames))


def clip(name: str, frames: int, phonemes: int) -> Clip:
    """Silence."""
    return Clip(name, "", np.zeros(phonemes, dtype=np.int64), np.zeros(frames * 256 + 5, dtype=np.int16), 0)


def corpus_of(clips: list[Clip], shards: tuple[Shard, ...] = ()) -> Corpus:
    """A corpus of them."""
    held_out = [clip("held out", 100, 25)]
    return replace(synthetic_corpus(tiny()), train=clips, validation=held_out, shards=shards)


# ------------------------------------------------------------------------------------------------ what is rehearsed


def test_the_longest_recording_is_rehearsed_with_the_most_phonemes_and_a_full_batch() -> None:
    clips = [clip("short", 110, 90), clip("long", 250, 60), clip("other", 130, 20), clip("more", 240, 60)]
    (step,) = longest_steps(tiny(), corpus_of(clips), 3)
    assert (step.clips, step.clip.id, step.phonemes) == (3, "long", 90)
    (step,) = longest_steps(tiny(), corpus_of(clips), 64)
    assert step.clips == 4


def test_recordings_on_disk_are_as_long_as_they_are_and_spoken_as_fast_as_the_others() -> None:
    shards = tuple(
        Shard(Path(f"{name}.tar"), (100 * 256, frames * 256), ()) for name, frames in (("a", 180), ("b", 90))
    )
    (step,) = longest_steps(tiny(), corpus_of([], shards), 3)
    assert (step.clips, step.clip.id, len(step.clip.audio), step.phonemes) == (3, "a.tar", 180 * 256, 45)
    assert longest_steps(tiny(), corpus_of([], shards), 64)[0].clips == 4


def test_no_batch_that_frames_bound_has_more_recordings_or_longer_ones() -> None:
    generator = np.random.default_rng(3)
    clips = [clip(str(place), int(frames), 9) for place, frames in enumerate(generator.integers(60, 700, 2000))]
    config = tiny("train.batch_frames=4000")
    long, full = longest_steps(config, corpus_of(clips), 32)
    frames = [len(clip.audio) // 256 for clip in clips]
    buckets = BucketBatchSampler(frames, config.data.bucket_frames, 32, 1, max_frames=4000)
    batches = [batch for epoch in range(20) for batch in buckets.batches(epoch)]
    assert max(len(batch) for batch in batches) == full.clips
    longest = [max(frames[place] for place in batch) for batch in batches]
    assert max(longest) == len(long.clip.audio) // 256
    for step in (long, full):
        same = [len(batch) for batch, most in zip(batches, longest, strict=True) if most == len(step.clip.audio) // 256]
        assert step.clips == max(same)


def test_a_rehearsal_leaves_the_run_as_it_would_have_been() -> None:
    losses = []
    for rehearsed in (False, True):
        trainer = trainer_of(tiny("train.accumulate=2", "discriminator.scales=3"))
        state = str(random_state())
        if rehearsed:
            (step,) = longest_steps(trainer.config, trainer.corpus, 4)
            assert rehearse(trainer, step, accumulate=2)
            networks = (trainer.synthesizer, trainer.discriminator)
            assert all(weight.grad is None for network in networks for weight in network.parameters())
            assert not trainer.synthesizer_optimizer.state
            assert str(random_state()) == state
        batches = trainer.batches()
        losses.append([trainer.teach(next(batches)).losses for _ in range(2)])
        batches.close()
    for plain, after in zip(*losses, strict=True):
        assert all(torch.equal(plain[name], after[name]) for name in plain)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_rehearsal_takes_what_a_step_takes(accumulate: int) -> None:
    trainer = trainer_of(tiny(f"train.accumulate={accumulate}"), mean_frames=200)
    (step,) = longest_steps(trainer.config, trainer.corpus, 4)
    step = replace(step, phonemes=len(step.clip.phoneme_ids))
    before_moments = rehearse(trainer, step, accumulate=accumulate)
    clips = [step.clip] * 4
    trainer.teach(trainer.batch(clips))
    _forget_gradients(trainer)
    rehearsed = rehearse(trainer, step, accumulate=accumulate)  # with moments, which are there already
    assert before_moments is not None
    assert rehearsed is not None
    moments = sum(state.nbytes for states in _states(trainer) for state in states.values() if state.dim())
    assert before_moments - rehearsed == pytest.approx(moments, rel=0.01)

    def second_step() -> None:
        coming = [trainer.batch(clips) for _ in range(trainer.prefetcher.ahead)]
        for weight in trainer.synthesizer.parameters():
            weight.grad = torch.zeros_like(weight)
        trainer.teach(trainer.batch(clips))
        coming.clear()

    assert rehearsed == pytest.approx(peak_bytes(trainer.device, second_step), rel=0.02)


def _forget_gradients(trainer: Trainer) -> None:
    for network in (trainer.synthesizer, trainer.discriminator):
        network.zero_grad(set_to_none=True)


def _states(trainer: Trainer) -> list[Any]:
    return [*trainer.synthesizer_optimizer.state.values(), *trainer.discriminator_optimizer.state.values()]


# ------------------------------------------------------------------------------------------------ what is estimated


@pytest.mark.parametrize(("clips", "accumulate"), [(8, 1), (6, 3)])
def test_one_and_two_recordings_tell_what_more_of_them_take(clips: int, accumulate: int) -> None:
    trainer = trainer_of(tiny(f"train.batch_size={clips}", f"train.accumulate={accumulate}"))
    (step,) = longest_steps(trainer.config, trainer.corpus, clips)
    needs, takes = estimate(trainer, step), rehearse(trainer, step, accumulate=accumulate)
    assert needs is not None
    assert takes is not None
    stays = rehearsal._lasting_bytes(trainer)
    counted = (needs.of(clips) - rehearsal._PROGRAM - stays) / rehearsal._HOLES + stays
    assert counted == pytest.approx(takes, rel=0.1)


REAL = """
import sys
from pathlib import Path
import torch
from configs import load_config
from tests.benchmarks.synthetic import synthetic_corpus
from train import Trainer

def resident(kind):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(kind)).split()[1]) * 1024

config = load_config(sys.argv[1])
trainer = Trainer(config, synthetic_corpus(config, mean_frames=200))
before, batches = resident("VmRSS"), trainer.batches()
for _ in range(2):
    trainer.teach(next(batches))
    trainer.step += 1
print(resident("VmHWM") - before)
batches.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process its peak")
def test_a_process_grows_by_what_was_estimated(tmp_path: Path) -> None:
    config = tiny("train.batch_size=32", "run.threads=1")
    (tmp_path / "config.toml").write_text(dump_config(config))
    arguments = [sys.executable, "-c", REAL, str(tmp_path / "config.toml")]
    run = subprocess.run(arguments, cwd=HOUSE, capture_output=True, text=True, check=True, timeout=600)
    trainer = trainer_of(config, mean_frames=200)
    (step,) = longest_steps(config, trainer.corpus, 32)
    needs = estimate(trainer, step)
    assert needs is not None
    assert needs.of(32) == pytest.approx(int(run.stdout), rel=0.25)


@pytest.mark.parametrize("overrides", [(), ("train.segments=2", "discriminator.scales=3"), ("model.text_layers=6",)])
def test_no_step_takes_more_than_its_bound(overrides: tuple[str, ...]) -> None:
    trainer = trainer_of(tiny(*overrides), mean_frames=300)
    (step,) = longest_steps(trainer.config, trainer.corpus, 4)
    needs = estimate(trainer, step)
    assert needs is not None
    assert upper_bound(trainer, step) > 1.5 * needs.of(4)


# -------------------------------------------------------------------------------------------------- what is refused


class Stub:
    """A Trainer, so far as there is need of one, whose steps take a GiB and so much for each recording."""

    def __init__(self, config: Config, device: str = "cpu", each: float = GIB, recordings: int = 100) -> None:
        clips = [clip(str(place), 100 + place, 50) for place in range(recordings)]
        self.config, self.corpus, self.ranks, self.each = config, corpus_of(clips), Ranks(), each
        self.device = torch.device(device)
        self.rehearsed: list[int] = []


def memory(monkeypatch: pytest.MonkeyPatch, free: float, total: float | None = None) -> None:
    """Let there be so much of it for stubs, some of which take twice as much beyond 20 recordings."""

    def rehearse(trainer: Stub, step: LongStep, *, accumulate: int) -> int | None:
        trainer.rehearsed.append(step.clips)
        takes = GIB + step.clips * trainer.each * (2 if step.clips > 20 else 1)
        return int(takes) if takes <= free else None

    monkeypatch.setattr(rehearsal, "room", lambda device: Room(int(free), int(total or free)))
    monkeypatch.setattr(rehearsal, "upper_bound", lambda trainer, step: 1000 * GIB)
    monkeypatch.setattr(rehearsal, "estimate", lambda trainer, step: Estimate(GIB, 0, trainer.each, 1))
    monkeypatch.setattr(rehearsal, "rehearse", rehearse)


def test_where_there_is_plenty_of_room_nothing_is_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "room", lambda device: Room(4 * GIB, 4 * GIB))
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_, **__: pytest.fail("a rehearsal costs seconds"))
    refuse_too_large(trainer_of(tiny()))


def test_a_run_for_which_there_is_no_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "room", lambda device: Room(GIB // 10, 4 * GIB))
    with pytest.raises(
        InputError, match=r"train.batch_size = 4: .* takes about 0.2 GiB, and there is room for 0.1 GiB"
    ):
        refuse_too_large(trainer_of(tiny()))


def test_a_cpu_refuses_what_clearly_exceeds_its_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer: Any = Stub(tiny("train.batch_size=39"))
    memory(monkeypatch, 33 * GIB)  # short of 40, but within what an estimate is worth
    refuse_too_large(trainer)
    assert "expected to take 40.0 GiB, and 33.0 GiB are free" in capsys.readouterr().out
    memory(monkeypatch, 30.5 * GIB)
    with pytest.raises(InputError) as refused:
        refuse_too_large(trainer)
    assert trainer.rehearsed == []
    assert str(refused.value) == (
        "cpu has no room for train.batch_size = 39: a step on 39 recordings as long as '99' (2.3 s) takes about "
        "40.0 GiB, and there is room for 30.5 GiB, perhaps 29 of them: lower train.batch_size, raise "
        "train.accumulate, or lower data.longest_seconds or train.segment_samples"
    )


def test_a_gpu_is_asked_by_the_step_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    memory(monkeypatch, 30 * GIB)
    trainer: Any = Stub(tiny("train.batch_size=20"), "cuda")
    refuse_too_large(trainer)
    assert trainer.rehearsed == [20]
    trainer.config = tiny("train.batch_size=21")
    with pytest.raises(InputError, match=r"train.batch_size = 21: "):
        refuse_too_large(trainer)


def test_an_error_for_want_of_memory_is_an_answer_and_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(tiny())
    (step,) = longest_steps(trainer.config, trainer.corpus, 4)
    teach: Callable[[Any], object] = trainer.teach_synthesizer

    def fail(spoken: Any) -> object:
        teach(spoken)
        raise torch.OutOfMemoryError

    monkeypatch.setattr(trainer, "teach_synthesizer", fail)
    state = str(random_state())
    assert rehearse(trainer, step, accumulate=1) is None
    assert all(weight.grad is None for weight in trainer.synthesizer.parameters())
    assert str(random_state()) == state
    let_go(trainer.device)


# --------------------------------------------------------------------------------------------- the batch by itself


@pytest.mark.parametrize(("total", "size"), [(17 / 0.9 + 0.1, 16), (17 / 0.9 - 0.1, 8), (500, 64), (2.3, 1)])
def test_the_batch_becomes_the_largest_that_leaves_a_tenth_free(
    total: float, size: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    memory(monkeypatch, total * GIB)
    auto, build = tiny("train.batch_size=auto"), cast(Callable[[Config], Trainer], Stub)
    config = settle_batch_size(auto, build)
    assert config.train.batch_size == size
    assert config == tiny(f"train.batch_size={size}")
    told = f"train.batch_size = {size}: the longest step is expected to take {size + 1}.0 of {total:.1f} GiB\n"
    assert capsys.readouterr().out == told


def test_where_not_one_recording_fits_there_is_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    memory(monkeypatch, 2.1 * GIB)
    with pytest.raises(InputError, match=r"a step on 1 recording .* takes about 2.0 GiB, .* 1.9 GiB, none of them"):
        settle_batch_size(tiny("train.batch_size=auto"), cast(Callable[[Config], Trainer], Stub))


@pytest.mark.parametrize(("processes", "others", "size"), [(1, [], 8), (2, [], 4), (2, [(2, 7.0)], 2)])
def test_the_batch_is_for_the_recordings_of_each_process_and_for_the_poorest(
    processes: int, others: list[tuple[int, float]], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(monkeypatch, 64 * GIB)
    monkeypatch.setattr(Ranks, "gather", lambda self, thing: [thing, *others])

    def build(config: Config) -> Any:
        stub = Stub(config, recordings=11)
        stub.ranks = Ranks(processes - 1, processes)
        return stub

    assert settle_batch_size(tiny("train.batch_size=auto"), build).train.batch_size == size


def test_a_gpus_batch_is_rehearsed_before_it_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    memory(monkeypatch, 50 * GIB)
    stubs: list[Any] = []

    def build(config: Config) -> Any:
        stubs.append(Stub(config, "cuda"))
        return stubs[-1]

    assert settle_batch_size(tiny("train.batch_size=auto"), build).train.batch_size == 16
    assert stubs[0].rehearsed == [32, 16]  # 64 are beyond the estimate already


def test_a_device_that_does_not_tell_its_memory_needs_a_number() -> None:
    stub = cast(Callable[[Config], Trainer], lambda config: Stub(config, "mps"))
    with pytest.raises(InputError, match="not on mps: give a number"):
        settle_batch_size(tiny("train.batch_size=auto"), stub)


def test_a_number_stays_as_it_is() -> None:
    config = tiny()
    assert settle_batch_size(config, cast(Callable[[Config], Trainer], pytest.fail)) is config


def test_an_estimate_counts_parts_and_the_batch() -> None:
    assert Estimate(fixed=100, each_of_batch=1, each_of_part=10, accumulate=4).of(9) == 100 + 9 + 3 * 10


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_refuses_at_once_and_trains_afterwards() -> None:
    config = tiny("run.device=cuda", "train.batch_size=64")
    trainer = trainer_of(config, mean_frames=400)
    (step,) = longest_steps(config, trainer.corpus, 64)
    takes = rehearse(trainer, step, accumulate=1)
    assert takes is not None
    needs = estimate(trainer, step)
    assert needs is not None
    assert needs.of(64) == pytest.approx(takes, rel=0.25)
    before = torch.cuda.memory_allocated()
    total = torch.cuda.get_device_properties(trainer.device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + takes / 2) / total)
    try:
        with pytest.raises(InputError, match=r"no room for train.batch_size = 64"):
            refuse_too_large(trainer)
        assert torch.cuda.memory_allocated() <= before + 2**20
        trainer.teach(trainer.batch(trainer.corpus.train[:2]))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
