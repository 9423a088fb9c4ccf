"""A checkpoint is whole or not there, and a damaged one is found before it is used."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from configs import InputError
from configs.atomic_file import replacing
from voices.checkpoint import checkpoint_path, list_checkpoints, load_checkpoint, prune_checkpoints, save_checkpoint


def some_state() -> dict[str, object]:
    return {"step": 7, "weights": {"a": torch.arange(600.0), "b": torch.tensor(3, dtype=torch.int64)}, "names": ["x"]}


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "00000007.pt"
    save_checkpoint(path, some_state())
    state = load_checkpoint(path)
    assert torch.equal(state["weights"]["a"], torch.arange(600.0))
    assert (state["step"], state["names"]) == (7, ["x"])


def test_torch_and_zip_read_it_as_any_other_archive(tmp_path: Path) -> None:
    path = tmp_path / "00000007.pt"
    save_checkpoint(path, some_state())
    assert torch.equal(torch.load(path, weights_only=True)["weights"]["a"], torch.arange(600.0))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.comment) == 64


def test_every_flipped_bit_and_every_cut_is_found(tmp_path: Path) -> None:
    path = tmp_path / "00000007.pt"
    save_checkpoint(path, some_state())
    content = path.read_bytes()
    random = np.random.default_rng(1)
    for place in random.integers(len(content) * 8, size=1000).tolist():
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"is damaged or not a checkpoint"):
            load_checkpoint(path)
    for length in random.integers(len(content), size=200).tolist():
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"is damaged or not a checkpoint"):
            load_checkpoint(path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    path = tmp_path / "00000001.pt"
    save_checkpoint(path, {"step": Hostile()})
    with pytest.raises(InputError, match=r"holds more than training state, and is not loaded"):
        load_checkpoint(path)
    assert not (tmp_path / "executed").exists()


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "00000007.pt"
    save_checkpoint(path, some_state())
    before = path.read_bytes()

    def write_until_the_disk_is_full() -> None:
        with replacing(path) as file:
            file.write(b"half of it")
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"00000007.pt: cannot be written \(No space left on device\)"):
        write_until_the_disk_is_full()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in (100, 200, 300, 400, 1000):
        save_checkpoint(checkpoint_path(tmp_path, step), {"step": step})
    (tmp_path / "mine.pt").write_bytes(b"a file that is not ours to delete")
    prune_checkpoints(tmp_path, keep=2, best_step=200)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["00000200.pt", "00000400.pt", "00001000.pt"]
    assert (tmp_path / "mine.pt").exists()


def test_the_last_checkpoint_before_a_step_to_be_replayed_is_kept(tmp_path: Path) -> None:
    for step in range(1, 8):
        save_checkpoint(checkpoint_path(tmp_path, step), {})
    prune_checkpoints(tmp_path, keep=2, best_step=2, replayed_step=5)
    assert [int(path.stem) for path in list_checkpoints(tmp_path)] == [2, 4, 6, 7]
