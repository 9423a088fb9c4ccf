"""How much memory there is, and how much of it something takes."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
import torch

from training import memory
from training.memory import Room, group_rooms, peak_bytes, room

CPU = torch.device("cpu")


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
    assert set(group_rooms(tmp_path / "groups", own)) == {Room(450, 1000), Room(407, 5000)}


def test_groups_of_the_first_version_and_those_seen_from_inside_a_container(tmp_path: Path) -> None:
    files = {"limit_in_bytes": 2000, "usage_in_bytes": 800, "stat": "active_file 999\ntotal_active_file 30"}
    written(tmp_path, {f"groups/memory/memory.{name}": value for name, value in files.items()})
    own = written(tmp_path, {"own": "7:pids:/x\n4:memory:/docker/0123"}) / "own"
    assert list(group_rooms(tmp_path / "groups", own)) == [Room(1230, 2000)]


def test_a_system_without_groups_has_no_such_limit(tmp_path: Path) -> None:
    assert list(group_rooms(tmp_path, tmp_path / "none")) == []


def test_the_least_of_machine_and_groups_is_shared_by_the_processes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = psutil.virtual_memory()
    monkeypatch.setattr(memory, "group_rooms", lambda: iter([Room(300, 2 * machine.total)]))
    assert room(CPU) == Room(300, machine.total)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert room(CPU) == Room(150, machine.total // 2)


def test_the_peak_is_what_is_there_at_one_time() -> None:
    there_before = torch.ones(1000)

    def work() -> None:
        first = torch.ones(3000)
        del first
        second = there_before * 2  # 4000 bytes
        third = torch.cat([second, second])  # 8000 bytes
        del second, third

    assert peak_bytes(CPU, work) == 12000
    assert peak_bytes(CPU, lambda: None) == 0
