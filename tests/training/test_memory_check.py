"""The memory check before the first step: what it runs, what it refuses, and that it leaves nothing behind."""

import errno
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from configs import Config, InputError, load_config
from data.bucket_batch_sampler import BucketBatchSampler
from data.clips import Clip, Shard
from data.corpus import Corpus
from tests.benchmarks.synthetic import synthetic_corpus
from tests.short_runs import SMALLER
from train import Trainer, run
from training import memory_check
from training.memory_check import (
    FreeMemory,
    LongestBatch,
    check_memory,
    fits_memory,
    free_memory,
    group_limits,
    longest_batches,
)
from training.random_state import random_state
from training.ranks import Ranks

HOUSE = Path(__file__).resolve().parents[2]
GIB = 2**30


def tiny(*overrides: str) -> Config:
    """The tiny experiment on a CPU, of smaller networks."""
    own = [*SMALLER, "data.root=unused", "run.dir=unused", "run.device=cpu", "train.batch_size=4"]
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


def test_the_longest_recording_is_run_with_the_most_phonemes_and_a_full_batch() -> None:
    clips = [clip("short", 110, 90), clip("long", 250, 60), clip("other", 130, 20), clip("more", 240, 60)]
    (step,) = longest_batches(tiny(), corpus_of(clips), 3)
    assert (step.clips, step.clip.id, step.phonemes) == (3, "long", 90)
    (step,) = longest_batches(tiny(), corpus_of(clips), 64)
    assert step.clips == 4


def test_recordings_on_disk_are_as_long_as_they_are_and_spoken_as_fast_as_the_others() -> None:
    shards = tuple(
        Shard(Path(f"{name}.tar"), (100 * 256, frames * 256), ()) for name, frames in (("a", 180), ("b", 90))
    )
    (step,) = longest_batches(tiny(), corpus_of([], shards), 3)
    assert (step.clips, step.clip.id, len(step.clip.audio), step.phonemes) == (3, "a.tar", 180 * 256, 45)
    assert longest_batches(tiny(), corpus_of([], shards), 64)[0].clips == 4


def test_no_batch_that_frames_bound_has_more_recordings_or_longer_ones() -> None:
    generator = np.random.default_rng(3)
    clips = [clip(str(place), int(frames), 9) for place, frames in enumerate(generator.integers(60, 700, 2000))]
    config = tiny("train.batch_frames=4000")
    long, full = longest_batches(config, corpus_of(clips), 32)
    frames = [len(clip.audio) // 256 for clip in clips]
    buckets = BucketBatchSampler(frames, config.data.bucket_frames, 32, 1, max_frames=4000)
    batches = [batch for epoch in range(20) for batch in buckets.batches(epoch)]
    assert max(len(batch) for batch in batches) == full.clips
    longest = [max(frames[place] for place in batch) for batch in batches]
    assert max(longest) == len(long.clip.audio) // 256
    for step in (long, full):
        same = [len(batch) for batch, most in zip(batches, longest, strict=True) if most == len(step.clip.audio) // 256]
        assert step.clips == max(same)


def test_a_check_leaves_the_run_as_it_would_have_been() -> None:
    losses = []
    for checked in (False, True):
        trainer = trainer_of(tiny("train.accumulate=2", "discriminator.scales=3"))
        state = str(random_state())
        if checked:
            (step,) = longest_batches(trainer.config, trainer.corpus, 4)
            assert fits_memory(trainer, step)
            networks = (trainer.synthesizer, trainer.discriminator)
            assert all(weight.grad is None for network in networks for weight in network.parameters())
            assert not trainer.synthesizer_optimizer.state
            assert str(random_state()) == state
        batches = trainer.batches()
        losses.append([trainer.run_step(next(batches)).losses for _ in range(2)])
        batches.close()
    for plain, after in zip(*losses, strict=True):
        assert all(torch.equal(plain[name], after[name]) for name in plain)


def free(monkeypatch: pytest.MonkeyPatch, megabytes: float) -> None:
    """Let there be so much free memory."""
    monkeypatch.setattr(
        memory_check, "free_memory", lambda device: FreeMemory(int(megabytes * 2**20), int(megabytes * 2**20))
    )


def test_a_batch_that_fits_passes(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = trainer_of(tiny())
    check_memory(trainer)
    assert capsys.readouterr().out == "memory check: the longest batch is run once before the first step\n"
    assert trainer.config.train.batch_size == 4


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux limits what a process takes")
def test_a_batch_that_exceeds_the_memory_is_refused_and_nothing_is_left_of_it(forked: dict[str, str]) -> None:
    """In a new process: one that has run thousands of tests holds gigabytes that are freed, and may use them."""
    work = "from tests.training.test_memory_check import refuse_a_batch; refuse_a_batch()"
    command = [forked["PYTHON_EXEC"], "-c", work]
    done = subprocess.run(command, cwd=HOUSE, env=forked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def refuse_a_batch() -> None:
    torch.set_num_threads(1)
    wide = ("model.hidden_channels=64", "model.latent_channels=64", "model.filter_channels=128")
    trainer = trainer_of(tiny("train.batch_size=32", *wide), mean_frames=400)
    (longest,) = longest_batches(trainer.config, trainer.corpus, 32)
    state = str(random_state())
    with pytest.MonkeyPatch.context() as monkeypatch:
        free(monkeypatch, 100)
        with pytest.raises(InputError) as refused:
            check_memory(trainer)
    seconds = len(longest.clip.audio) / 22050
    assert str(refused.value) == (
        f"cpu has no room for train.batch_size = 32: a step on 32 recordings as long as {longest.clip.id!r} "
        f"({seconds:.1f} s) does not fit the 0.1 GiB that are free: lower train.batch_size, raise train.accumulate, or "
        "lower data.longest_seconds or train.segment_samples"
    )
    assert all(weight.grad is None for weight in trainer.synthesizer.parameters())
    assert str(random_state()) == state
    assert fits_memory(trainer, longest)  # the limit is gone


def test_another_error_of_a_step_is_not_taken_for_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes again in the first step, with its traceback."""
    trainer = trainer_of(tiny())

    def fail(output: Any) -> Any:
        raise RuntimeError("the sizes of tensors must match")

    monkeypatch.setattr(trainer, "generator_step", fail)
    check_memory(trainer)
    with pytest.raises(RuntimeError, match="sizes of tensors"):
        trainer.run_step(trainer.batch(trainer.corpus.train[:2]))


def test_a_batch_for_which_the_kernel_has_no_memory_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(tiny())

    def fail(output: Any) -> Any:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(trainer, "generator_step", fail)
    with pytest.raises(InputError, match=r"no room for train.batch_size = 4"):
        check_memory(trainer)


def test_a_batch_that_the_kernel_kills_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(tiny())
    monkeypatch.setattr(trainer, "generator_step", lambda output: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(InputError, match=r"no room for train.batch_size = 4"):
        check_memory(trainer)


@pytest.mark.parametrize(("fitting", "size"), [(16, 16), (31, 16), (1000, 64), (1, 1)])
def test_a_batch_size_of_auto_is_the_largest_power_of_two_that_fits(
    fitting: int, size: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny("train.batch_size=auto")
    trainer = Trainer(config, corpus_of([clip(str(place), 100 + place, 50) for place in range(100)]))
    ran: list[LongestBatch] = []

    def stub(_: Any, longest: LongestBatch, *, used: float) -> bool:
        ran.append(longest)
        assert used == 0.9
        return longest.clips <= fitting

    monkeypatch.setattr(memory_check, "fits_memory", stub)
    check_memory(trainer)
    assert trainer.config == tiny(f"train.batch_size={size}")
    assert trainer.epochs.length == len(trainer.source)
    assert len(trainer.batch(next(iter(trainer.source.batches(0)))).ids) <= size
    told = capsys.readouterr().out
    assert told.startswith("memory check: the longest batch is run once before the first step\n")
    assert f"train.batch_size = {size}: " in told
    assert [longest.clips for longest in ran] == [2**power for power in range(len(ran))]


def test_where_not_one_recording_fits_there_is_no_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_check, "fits_memory", lambda *_, **__: False)
    with pytest.raises(InputError, match=r"train.batch_size = auto: a step on 1 recording as long as"):
        check_memory(Trainer(tiny("train.batch_size=auto"), corpus_of([clip("only", 120, 50)])))


@pytest.mark.parametrize(("processes", "others", "size"), [(1, [], 8), (2, [], 4), (2, [2], 2)])
def test_the_batch_size_is_for_the_recordings_of_each_process_and_for_the_poorest(
    processes: int, others: list[int], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(
        tiny("train.batch_size=auto"),
        corpus_of([clip(str(place), 100 + place, 50) for place in range(11)]),
        Ranks(processes - 1, processes),
    )
    monkeypatch.setattr(memory_check, "fits_memory", lambda *_, **__: True)
    monkeypatch.setattr(Ranks, "gather", lambda self, thing: [thing, *others])
    check_memory(trainer)
    assert trainer.config.train.batch_size == size


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_refuses_at_once_and_trains_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(tiny("run.device=cuda", "train.batch_size=64"), mean_frames=400)
    before = torch.cuda.memory_allocated()
    with monkeypatch.context() as little:
        little.setattr(
            memory_check, "free_memory", lambda device: FreeMemory(2**27, torch.cuda.mem_get_info(device)[1])
        )
        with pytest.raises(InputError, match=r"no room for train.batch_size = 64"):
            check_memory(trainer)
    assert torch.cuda.memory_allocated() <= before + 2**20
    trainer.run_step(trainer.batch(trainer.corpus.train[:2]))


def written(root: Path, files: Mapping[str, object]) -> Path:
    """A tree of files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")
    return root


def test_every_limit_above_a_process_counts_and_pages_of_files_give_way(tmp_path: Path) -> None:
    job = {"memory.max": 1000, "memory.current": 700, "memory.stat": "anon 500\nactive_file 50\ninactive_file 100"}
    slice_ = {"memory.max": 5000, "memory.current": 4600, "memory.stat": "active_file 7"}
    unlimited = {"memory.max": "max", "memory.current": 900, "memory.stat": "active_file 1"}
    beside = {"memory.max": 10, "memory.current": 9, "memory.stat": ""}
    groups = {"a/job": job, "a": slice_, ".": unlimited, "b": beside}
    written(tmp_path, {f"groups/{group}/{name}": value for group, own in groups.items() for name, value in own.items()})
    own = written(tmp_path, {"own": "0::/a/job"}) / "own"
    assert set(group_limits(tmp_path / "groups", own)) == {FreeMemory(450, 1000), FreeMemory(407, 5000)}


def test_groups_of_the_first_version_and_those_seen_from_inside_a_container(tmp_path: Path) -> None:
    files = {"limit_in_bytes": 2000, "usage_in_bytes": 800, "stat": "active_file 999\ntotal_active_file 30"}
    written(tmp_path, {f"groups/memory/memory.{name}": value for name, value in files.items()})
    own = written(tmp_path, {"own": "7:pids:/x\n4:memory:/docker/0123"}) / "own"
    assert list(group_limits(tmp_path / "groups", own)) == [FreeMemory(1230, 2000)]


def test_a_system_without_groups_has_no_such_limit(tmp_path: Path) -> None:
    assert list(group_limits(tmp_path, tmp_path / "none")) == []


def test_the_least_of_machine_and_groups_is_shared_by_the_processes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = psutil.virtual_memory()
    monkeypatch.setattr(memory_check, "group_limits", lambda: iter([FreeMemory(300, 2 * machine.total)]))
    assert free_memory(torch.device("cpu")) == FreeMemory(300, machine.total)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert free_memory(torch.device("cpu")) == FreeMemory(150, machine.total // 2)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("could not create a primitive"),
        torch.OutOfMemoryError("CUDA out of memory"),
        OSError(errno.ENOMEM, "no"),
    ],
)
def test_memory_that_runs_out_in_the_midst_of_training_is_told_in_a_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raised = [RuntimeError("shapes cannot be multiplied"), error]

    def trained(_: Trainer, stop: object) -> None:
        raise raised.pop()

    monkeypatch.setattr(Trainer, "train", trained)
    monkeypatch.setattr("train.check_memory", lambda _: None)
    trainer = trainer_of(tiny(f"run.dir={tmp_path}"))
    with pytest.raises(InputError, match=r"cpu has no room for train\.batch_size = 4: lower it"):
        run(trainer)
    with pytest.raises(RuntimeError, match="shapes cannot"):  # a bug is told as one
        run(trainer)
