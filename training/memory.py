"""How much memory there is for a step, and how much of it something takes."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_GROUPS = Path("/sys/fs/cgroup")
# What a group may have, what it has, and the lines of memory.stat that say how much of that gives way: pages of files.
_VERSION_2 = ("memory.max", "memory.current", ("active_file", "inactive_file"))
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_active_file", "total_inactive_file"))


@dataclass(frozen=True)
class Room:
    """The memory of a device."""

    free: int  # bytes this process may still take
    total: int  # bytes


def room(device: torch.device) -> Room:
    """The memory of a GPU, or this process's share of the computer's."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return Room(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device), total)
    machine = psutil.virtual_memory()
    rooms = [Room(machine.available, machine.total), *group_rooms()]
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # of one run, which torchrun started here
    return Room(min(each.free for each in rooms) // processes, min(each.total for each in rooms) // processes)


def group_rooms(groups: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[Room]:
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
                yield from _group_room(folder, *names)


def peak_bytes(device: torch.device, work: Callable[[], object]) -> int:
    """Most bytes in tensors at one time while something is done, beside those that were there before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # or the profiler complains where there is no GPU
    with torch.autograd.profiler.profile(use_kineto=True, profile_memory=True) as profiler:
        work()
    now = peak = 0
    events = profiler.kineto_results.events() if profiler.kineto_results else []
    for event in sorted((event for event in events if event.name() == "[memory]"), key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def let_go(device: torch.device) -> None:
    """Give back what nobody holds any more, and forget how much it was."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        if torch.cuda.is_initialized():
            torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc keeps it otherwise
        if trim is not None:
            trim(0)


def _group_room(folder: Path, limit: str, usage: str, files: tuple[str, ...]) -> Iterator[Room]:
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        lines = [line.split() for line in (folder / "memory.stat").read_text().splitlines()]
    except OSError:
        return
    if most.isdecimal():  # "max" is no limit
        gives_way = sum(int(value) for name, value in lines if name in files)
        yield Room(max(0, int(most) - used + gives_way), int(most))
