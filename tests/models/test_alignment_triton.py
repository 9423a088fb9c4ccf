"""The GPU's alignment search: interpreted on a CPU bit for bit, compiled for a GPU that is not here, and run on one."""

# mypy: disable-error-code="import-untyped"

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.alignment import search_durations
from tests.models.test_alignment import search_plainly
from tests.voices.random_voice import noise

pytest.importorskip("triton")  # not part of PyTorch for Windows and macOS

HOUSE = Path(__file__).resolve().parents[2]

# Triton decides between compiling and interpreting when it is imported: a process of its own.
_INTERPRET = """
import sys, numpy, torch
from models.alignment_triton import search_durations_on_gpu
given = numpy.load(sys.argv[1])
for name in given["names"]:
    arguments = (torch.from_numpy(given[f"{name}/{part}"]) for part in ("scores", "phonemes", "frames"))
    numpy.save(f"{sys.argv[2]}/{name}.npy", search_durations_on_gpu(*arguments).numpy())
"""

# Phonemes and frames of each utterance: alone, as many as frames, around 16 and 32 (rows, blocks), long, empty.
LENGTHS = np.array([(1, 1), (2, 17), (17, 17), (16, 33), (33, 34), (31, 70), (0, 0)])
Case = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def ragged_cases() -> dict[str, Case]:
    """Scores [B, F, P] with NaN and infinity wherever nothing may be read, and the lengths."""
    generator = np.random.default_rng(0)
    phonemes, frames = np.ascontiguousarray(LENGTHS.T)
    shape = len(LENGTHS), int(frames.max()) + 2, int(phonemes.max()) + 1
    cases = {
        "spread": (generator.normal(0, 30, shape).astype(np.float32), phonemes, frames),
        "ties": (generator.integers(-1, 2, shape).astype(np.float32), phonemes, frames),
    }
    for scores, _, _ in cases.values():
        for b, (p, f) in enumerate(LENGTHS):
            scores[b, f:], scores[b, :, p:] = np.nan, np.inf
    # One phoneme lasts two frames: one of the first sixteen gains by frame 16, the 33rd or a later one by frame 32. On
    # both paths what was gained crosses the third row from its first lanes at frames 16 and 17 to its right half at
    # frame 32. Either path is the best once; what it brought along is lost if one lane is not renewed.
    crossing = np.zeros((2, 41, 40), np.float32)
    crossing[:, 16, 15], crossing[:, 32, 32] = (2, 1), (1, 2)
    cases["crossing"] = crossing, np.array([40, 40]), np.array([41, 41])
    too_short = np.array([5, 20, 3]), np.array([3, 1, 3])
    cases["fewer frames than phonemes"] = (generator.normal(0, 1, (3, 4, 20)).astype(np.float32), *too_short)
    cases["not a number"] = (np.full((2, 25, 20), np.nan, np.float32), np.array([20, 7]), np.array([25, 20]))
    return cases


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NDArray[np.int64]]:
    """What the kernels find in the cases, interpreted."""
    folder, cases = tmp_path_factory.mktemp("interpreted"), ragged_cases()
    arrays = {
        f"{name}/{part}": array
        for name, case in cases.items()
        for part, array in zip(("scores", "phonemes", "frames"), case, strict=True)
    }
    np.savez(folder / "cases.npz", names=np.array(list(cases)), **arrays)  # type: ignore[arg-type]
    command = [sys.executable, "-c", _INTERPRET, str(folder / "cases.npz"), str(folder)]
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=HOUSE, env=environment, check=True)
    return {name: np.load(folder / f"{name}.npy") for name in cases}


@pytest.mark.parametrize("name", ["spread", "ties", "crossing"])
def test_the_kernels_equal_the_plain_reference_on_ragged_batches(
    interpreted: dict[str, NDArray[np.int64]], name: str
) -> None:
    scores, phoneme_lengths, frame_lengths = ragged_cases()[name]
    for b, (phonemes, frames) in enumerate(zip(phoneme_lengths, frame_lengths, strict=True)):
        expected = search_plainly(scores[b, :frames, :phonemes]) if frames else []
        assert interpreted[name][b, :phonemes].tolist() == expected
        assert not interpreted[name][b, phonemes:].any()


@pytest.mark.parametrize("name", ["spread", "ties", "crossing", "fewer frames than phonemes", "not a number"])
def test_the_kernels_equal_the_search_on_a_cpu(interpreted: dict[str, NDArray[np.int64]], name: str) -> None:
    found = search_durations(*(torch.from_numpy(array) for array in ragged_cases()[name]))
    assert np.array_equal(interpreted[name], found.numpy())


def assembly_for_hopper(kernel: Any, num_warps: int, **constants: int) -> str:
    """What a launch on an H200 would run, as PTX: compiling it needs no GPU."""
    from triton import compile as compile_kernel
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    integers = dict.fromkeys(("batch_stride", "frame_stride", "blocks", "width"), "i32")
    lengths = dict.fromkeys(("phoneme_lengths", "frame_lengths", "durations"), "*i64")
    types = {"scores": "*fp32", "moves": "*i16"} | lengths | integers
    signature = {parameter.name: types.get(parameter.name, "constexpr") for parameter in kernel.params}
    # What is known of tensors that PyTorch has allocated, where the kernel asks for it.
    aligned = [p.num for p in kernel.params if "*" in signature[p.name] and not p.do_not_specialize_on_alignment]
    attributes = {(number,): [["tt.divisibility", 16]] for number in aligned}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes)
    compiled = compile_kernel(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": num_warps})
    return str(compiled.asm["ptx"])


@pytest.mark.parametrize("rows", [1, 16, 64, 128])
def test_compiled_for_a_gpu_sixteen_frames_cost_one_exchange_between_warps(rows: int) -> None:
    from models.alignment_triton import _frames_ahead, _sweep_forward, _walk_back

    sweep = assembly_for_hopper(_sweep_forward, min(rows, 32), ROWS=rows, AHEAD=_frames_ahead(rows))
    # Before the exchange is written, and before it is read; the sixteen frames themselves stay within a warp.
    assert sweep.count("bar.sync") == (2 if rows > 1 else 0)
    assert sweep.count("shfl.sync") >= 16
    assert "bar.sync" not in assembly_for_hopper(_walk_back, 1, ROWS=rows)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestOnAGpu:
    @pytest.mark.parametrize("name", list(ragged_cases()))
    def test_the_compiled_kernels_equal_the_search_on_a_cpu(self, name: str) -> None:
        scores, *lengths = (torch.from_numpy(array) for array in ragged_cases()[name])
        found = search_durations(scores.cuda(), *(length.cuda() for length in lengths))
        assert torch.equal(found.cpu(), search_durations(scores, *lengths))

    @pytest.mark.parametrize("phonemes", [10, 30, 60, 120, 213, 256, 400, 512, 1000, 1024, 2048, 2049])
    def test_every_width_is_searched_alike(self, phonemes: int) -> None:
        frames = 2 * phonemes + 37 if phonemes != 1024 else 4096
        scores = noise(3, frames, phonemes)
        lengths = torch.tensor([phonemes, 1 + phonemes // 3, 1]), torch.tensor([frames, frames - 20, frames // 2])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = search_durations(scores.cuda(), *(length.cuda() for length in lengths))
        assert torch.equal(found.cpu(), search_durations(scores, *lengths))
        assert any("this batch is aligned on the CPU" in str(warning.message) for warning in told) == (phonemes > 2048)

    def test_the_host_never_waits(self) -> None:
        scores = noise(4, 200, 50).cuda()
        lengths = torch.full((4,), 50).cuda(), torch.full((4,), 200).cuda()
        search_durations(scores, *lengths)  # compiled now
        torch.cuda.set_sync_debug_mode("error")
        try:
            search_durations(scores, *lengths)
        finally:
            torch.cuda.set_sync_debug_mode("default")
