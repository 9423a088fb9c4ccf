"""Several processes that train one voice (torchrun): each on a device of its own, each with clips of its own.

Gradients are added over ranks before each update, so that every rank makes the same update from the same weights. A
rank's losses are weighted by its share of the clips, frames and phonemes of the step (see `training.accumulation`): two
ranks with half a batch each make the update that one makes with the whole.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from configs import InputError

_JOIN_SECONDS = 300  # for all processes to be there; they start at once, and import the same


@dataclass(frozen=True)
class Ranks:
    """The processes of a run, and which of them this is."""

    rank: int = 0
    count: int = 1

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator["Ranks"]:
        """Meet the other processes that torchrun started, and take leave of them; alone where it did not.

        Raises:
            InputError: not all of them came in time, or one of them ended before the others.
        """
        if "WORLD_SIZE" not in os.environ:
            yield cls()
            return
        try:
            ranks = cls(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
            place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"WORLD_SIZE is set, so this is one of several processes, and RANK, MASTER_ADDR or MASTER_PORT is not "
                f"as torchrun sets it ({error}): start with torchrun, or unset WORLD_SIZE"
            ) from error
        store = _meet(ranks, *place)
        # What lies on a GPU travels by nccl, and all else, flags and objects too, by gloo.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        try:
            with _together():
                dist.init_process_group(backend, store=store, rank=ranks.rank, world_size=ranks.count)
            yield ranks
            ranks.gather(None)  # nobody leaves while another still listens
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that writes and prints for all."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over ranks, in place; nothing waits for it but the device."""
        if self.count > 1:
            with _together():
                dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Give every rank the sum of all ranks' gradients."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])  # one message, not hundreds
        self.sum(flat)
        pieces = flat.split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [piece.view_as(own) for piece, own in zip(pieces, gradients, strict=True)])

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        return bool(self.sum(torch.tensor(float(flag))) > 0)

    def gather(self, thing: Any) -> list[Any]:
        """What each rank has, by rank."""
        if self.count == 1:
            return [thing]
        things: list[Any] = [None] * self.count
        with _together():
            dist.all_gather_object(things, thing)
        return things


def is_restarted() -> bool:
    """Whether torchrun has started this process in the place of one that ended (torchrun --max-restarts)."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def _meet(ranks: Ranks, address: str, port: int) -> Any:
    """Wait until all processes of the run are there; return the store where they tell each other how to connect.

    Raises:
        InputError: not all of them came in time.
    """
    from torch._C._distributed_c10d import PrefixStore, Store, TCPStore  # in no build of torch that has no processes

    of_torchrun = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == str(True)
    limit, here = timedelta(seconds=_JOIN_SECONDS), "here"
    try:
        store: Store = TCPStore(
            address,
            port,
            ranks.count,
            is_master=not of_torchrun and ranks.is_first,
            timeout=limit,
            wait_for_workers=False,
            multi_tenant=not of_torchrun,
        )
        # torchrun's store outlives the processes that it starts anew, and still holds where the dead ones could be
        # reached. On several machines these counts may differ.
        if os.environ.get("GROUP_WORLD_SIZE", "1") == "1":
            store = PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        store.set(f"{here} {ranks.rank}", "")
        store.wait([f"{here} {rank}" for rank in range(ranks.count)], limit)
    except (dist.DistError, RuntimeError) as error:
        raise InputError(
            f"process {ranks.rank} of {ranks.count} has waited {_JOIN_SECONDS} s for the others at {address}:{port}: "
            "see whether one of them has ended, and why; then start all of them again"
        ) from error
    return store


@contextmanager
def _together() -> Iterator[None]:
    """Do what all processes do at once.

    Raises:
        InputError: one of them has ended.
    """
    try:
        yield
    except (dist.DistError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        first = str(error).strip().partition("\n")[0]
        raise InputError(
            f"another process of this run has ended or cannot be reached: see what it said ({first}); the run goes on "
            "from its newest checkpoint if it is started again with --resume, or by torchrun --max-restarts"
        ) from error


def leave(code: int) -> None:
    """End the program. Where torchrun started it, at once: at a usual end gloo's threads abort it now and then."""
    if "WORLD_SIZE" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def local_device(name: str) -> str:
    """The device of this process: where each has a GPU of its own, the one that torchrun means for it.

    Raises:
        InputError: torchrun has started more processes than there are GPUs.
    """
    local = os.environ.get("LOCAL_RANK")
    if local is None or name not in ("auto", "cuda") or not torch.cuda.is_available():
        return name
    if int(local) >= torch.cuda.device_count():
        raise InputError(
            f"torchrun --nproc-per-node asks for process {local}, and there are {torch.cuda.device_count()} GPUs: "
            "ask for as many processes as there are GPUs"
        )
    return f"cuda:{local}"
