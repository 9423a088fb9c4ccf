"""A memory check before the first step: the longest batch is run once, without an update.

A run that would exceed the memory then says so at once, and not after hours.

On Linux a CPU's batch is run in a child process that may take no more than what is free: an allocation fails where the
kernel would kill the run.
"""

import contextlib
import errno
import gc
import math
import os
import sys
import warnings
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import torch

from configs import Config, InputError
from data.batch import Batch
from data.clips import Clip
from data.corpus import Corpus
from training.loop import TrainingLoop
from training.random_state import restored

LARGEST_BATCH = 64  # of the paper; a larger one needs another learning rate
_USED = 0.9  # of the free memory, at most, by a batch size that the memory decides
_GIB = 2**30
# What RuntimeErrors of other allocators than CUDA's say.
_NO_MEMORY = ("out of memory", "allocate", "bad_alloc", "could not create a primitive")

_GROUPS = Path("/sys/fs/cgroup")
# What a group may have, what it has, and the lines of memory.stat that say how much of that gives way: pages of files.
_VERSION_2 = ("memory.max", "memory.current", ("active_file", "inactive_file"))
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_active_file", "total_inactive_file"))


@dataclass(frozen=True)
class LongestBatch:
    """A batch that takes as much memory as any of the corpus."""

    clips: int
    clip: Clip  # the longest one, which stands for all
    phonemes: int  # the most there are in a clip, with blanks


def check_memory(trainer: TrainingLoop) -> None:
    """Find the batch size where `train.batch_size` is auto; else refuse a run whose longest batch exceeds the memory.

    Raises:
        InputError: names the batch, the free memory and what to lower.
    """
    if trainer.ranks.is_first:
        print("memory check: the longest batch is run once before the first step", flush=True)
    asked = trainer.config.train.asked_batch_size
    if asked != "auto":
        for longest in longest_batches(trainer.config, trainer.corpus, asked):
            if not fits_memory(trainer, longest):
                raise _refusal(trainer, longest)
        return
    size = min(trainer.ranks.gather(_largest_batch_size(trainer)))
    if not size:
        raise _refusal(trainer, longest_batches(trainer.config, trainer.corpus, 1)[0])
    trainer.set_batch_size(size)
    if trainer.ranks.is_first:
        print(f"train.batch_size = {size}: the largest power of two whose longest batch fits the memory", flush=True)


def fits_memory(trainer: TrainingLoop, longest: LongestBatch, *, used: float = 1.0) -> bool:
    """Run a batch forward and backward; return whether a share of the free memory was enough for it.

    Nothing else comes of it: gradients are dropped, random states and buffers are restored.
    """
    if trainer.device.type == "cpu" and sys.platform == "linux":
        return _fits_in_child(trainer, longest, int(used * free_memory(trainer.device).free))
    try:
        with restored(trainer.discriminator, trainer.objective), _limited_gpu(trainer.device, used):
            _run(trainer, longest)
        return True
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        for network in (trainer.synthesizer, trainer.discriminator):
            network.zero_grad(set_to_none=True)
        gc.collect()
        if trainer.device.type == "cuda":
            torch.cuda.empty_cache()


def _fits_in_child(trainer: TrainingLoop, longest: LongestBatch, free: int) -> bool:
    """Run a batch in a child process that may take so many bytes; an allocation that fails breaks oneDNN for good."""
    import resource  # only where there is one

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child lacks
        child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return status == 0  # negative where the kernel, or an allocator, ended it
    code = 0
    try:
        torch.set_num_threads(1)  # the parent's other threads are not in the child
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what an allocator says before it aborts
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = _data_bytes() + free
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        _run(trainer, longest)
    except Exception as error:
        code = int(is_out_of_memory(error))  # any other error comes again in the first step, and is told there
    finally:
        os._exit(code)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed, of a GPU or of a CPU."""
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    known = known or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    return known or (isinstance(error, RuntimeError) and any(word in str(error) for word in _NO_MEMORY))


@contextmanager
def _limited_gpu(device: torch.device, used: float) -> Iterator[None]:
    """Let this process take no more than a share of the free memory of a GPU; of other devices, whatever there is.

    Raises:
        torch.OutOfMemoryError: the block needed more.
    """
    if device.type != "cuda":
        yield
        return
    has = free_memory(device)
    most = torch.cuda.memory_allocated(device) + used * has.free
    torch.cuda.set_per_process_memory_fraction(min(1.0, most / has.total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


@dataclass(frozen=True)
class FreeMemory:
    """The memory of a device."""

    free: int  # bytes this process may still take
    total: int  # bytes


def free_memory(device: torch.device) -> FreeMemory:
    """The memory of a GPU, or this process's share of the computer's."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return FreeMemory(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device), total)
    machine = psutil.virtual_memory()
    limits = [FreeMemory(machine.available, machine.total), *group_limits()]
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # of one run, which torchrun started here
    return FreeMemory(min(each.free for each in limits) // processes, min(each.total for each in limits) // processes)


def group_limits(groups: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[FreeMemory]:
    """What is left to this process by each limit of the groups it is in: containers, jobs and the like.

    Args:
        groups: where the kernel tells of all groups.
        own: the file that names those of this process.
    """
    for line in own.read_text().splitlines() if own.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top, names = groups / controllers, _VERSION_1 if controllers else _VERSION_2
        # A container often sees its own group as the topmost one, whatever that is called outside.
        for folder in {top, top / path[1:], *(top / path[1:]).parents}:
            if folder.is_relative_to(top):
                yield from _group_limit(folder, *names)


def longest_batches(config: Config, corpus: Corpus, batch_size: int) -> list[LongestBatch]:
    """The batch of the longest clips; and where `train.batch_frames` limits those, the one of most clips."""
    hop, max_frames, bounds = config.audio.hop_length, config.train.batch_frames, config.data.bucket_frames
    longest: dict[int, Clip] = {}  # by bucket
    for clip in _stand_ins(corpus, hop):
        bucket = bisect_left(bounds, len(clip.audio) // hop)
        longest[bucket] = max(longest.get(bucket, clip), clip, key=lambda clip: len(clip.audio))
    count = corpus.training_clips
    most_phonemes = max(len(clip.phoneme_ids) for clip in corpus.train or longest.values())
    batches = []
    for clip in longest.values():
        frames = len(clip.audio) // hop
        clips = min(batch_size, count, batch_size if max_frames is None else max(1, max_frames // frames))
        batches.append(LongestBatch(clips, clip, min(frames, most_phonemes)))
    by_length = max(batches, key=lambda batch: len(batch.clip.audio))
    by_clips = max(batches, key=lambda batch: (batch.clips, len(batch.clip.audio)))
    return [by_length] if by_clips is by_length else [by_length, by_clips]


def _largest_batch_size(trainer: TrainingLoop) -> int:
    """The largest power of two up to `LARGEST_BATCH`, and the corpus, whose longest batch fits; 0 if there is none."""
    corpus = trainer.corpus
    # Beside what CUDA graphs keep, a step of a new shape needs as much again.
    graphs = "graphs" in trainer.config.train.execution and trainer.device.type == "cuda"
    count = corpus.training_clips // trainer.ranks.count
    size = 0
    while (larger := size * 2 or 1) <= min(LARGEST_BATCH, count):
        batches = longest_batches(trainer.config, corpus, larger)
        if not all(fits_memory(trainer, longest, used=_USED / (2 if graphs else 1)) for longest in batches):
            break
        size = larger
    return size


def _run(trainer: TrainingLoop, longest: LongestBatch) -> None:
    """The parts of a training step, with as much memory as in the midst of a run."""
    networks = (trainer.synthesizer, trainer.discriminator)
    parameters = [parameter for network in networks for parameter in network.parameters()]
    parameters = [parameter for parameter in parameters if parameter.requires_grad]
    moments = 0 if trainer.synthesizer_optimizer.state else 2
    _moments = [torch.empty_like(parameter) for parameter in parameters for _ in range(moments)]
    micro_batch = math.ceil(longest.clips / trainer.config.train.accumulate)
    output = trainer.generator_forward(_batch(trainer, replace(longest, clips=micro_batch)))
    trainer.discriminator_step(output)
    trainer.generator_step(output)


def _batch(trainer: TrainingLoop, longest: LongestBatch) -> Batch:
    clip = longest.clip if trainer.augmentation is None else trainer.augmentation.longest(longest.clip)
    batch = trainer.batch([clip] * longest.clips)
    lengths = torch.full_like(batch.phoneme_lengths, longest.phonemes)
    ids = batch.phoneme_ids.new_zeros(longest.clips, longest.phonemes)
    return replace(batch, phoneme_ids=ids, phoneme_lengths=lengths)


def _stand_ins(corpus: Corpus, hop_length: int) -> Iterator[Clip]:
    """The clips; or silent ones of the same lengths, where they are in shards."""
    yield from corpus.train
    # The texts of shards are on disk: those for validation tell how many phonemes a second there are.
    fastest = max(len(clip.phoneme_ids) / len(clip.audio) for clip in corpus.validation)
    for shard in corpus.shards:
        for samples in shard.samples:
            ids = np.zeros(min(samples // hop_length, math.ceil(fastest * samples)), dtype=np.int64)
            yield Clip(shard.path.name, "", ids, np.zeros(samples, dtype=np.int16), 0)


def _group_limit(folder: Path, limit: str, usage: str, files: tuple[str, ...]) -> Iterator[FreeMemory]:
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        lines = [line.split() for line in (folder / "memory.stat").read_text().splitlines()]
    except OSError:
        return
    if most.isdecimal():  # "max" is no limit
        gives_way = sum(int(value) for name, value in lines if name in files)
        yield FreeMemory(max(0, int(most) - used + gives_way), int(most))


def _data_bytes() -> int:
    """What counts towards RLIMIT_DATA: private writable memory, in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:  # noqa: PTH123 - not a file of ours
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _refusal(trainer: TrainingLoop, longest: LongestBatch) -> InputError:
    train, seconds = trainer.config.train, len(longest.clip.audio) / trainer.config.audio.sample_rate
    clips = f"{longest.clips} recording{'s' * (longest.clips > 1)} as long as {longest.clip.id!r} ({seconds:.1f} s)"
    frames = "" if train.batch_frames is None else " or train.batch_frames"
    return InputError(
        f"{trainer.device} has no room for train.batch_size = {train.asked_batch_size}: a step on {clips} does not fit "
        f"the {free_memory(trainer.device).free / _GIB:.1f} GiB that are free: lower train.batch_size{frames}, raise "
        "train.accumulate, or lower data.longest_seconds or train.segment_samples"
    )
