"""Processes that train together: what happens where one of them does not come, or ends. See also tests/faults."""

import socket
from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist

from configs import InputError
from training import ranks
from training.ranks import Ranks, is_restarted


@pytest.fixture
def one_of_two(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The surroundings of a first process whose second never comes; gives the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", str(port))):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ranks, "_JOIN_SECONDS", 1)
    return port


def join() -> None:
    with Ranks.joined():
        raise AssertionError("has joined nobody")


def test_who_waits_for_a_process_that_never_comes_is_told(one_of_two: int) -> None:
    with pytest.raises(InputError, match=f"process 0 of 2 has waited 1 s for the others at 127.0.0.1:{one_of_two}"):
        join()


def test_where_nobody_listens_the_wait_ends_too(one_of_two: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(InputError, match="process 1 of 2 has waited 1 s"):
        join()


@pytest.mark.parametrize(("name", "value"), [("RANK", None), ("MASTER_PORT", "a"), ("MASTER_ADDR", None), ("RANK", "")])
def test_half_a_torchrun_is_one_sentence(
    one_of_two: int, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="start with torchrun, or unset WORLD_SIZE"):
        join()


def test_a_process_that_has_ended_is_told_of_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise RuntimeError("pair.cc:553: Connection closed by peer\nand a long trace")

    monkeypatch.setattr(dist, "all_gather_object", closed)
    monkeypatch.setattr(dist, "all_reduce", closed)
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    for meet in (
        lambda: Ranks(0, 2).any(True),
        lambda: Ranks(0, 2).sum(torch.ones(2)),
        lambda: Ranks(0, 2).sum_gradients([weight]),
    ):
        with pytest.raises(InputError, match=r"another process of this run has ended .*Connection closed by peer\)"):
            meet()


def test_torchrun_says_whether_it_has_started_a_process_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    assert not is_restarted()
    for count in ("0", "1", "7"):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", count)
        assert is_restarted() == (count != "0")
