"""Several processes that train one voice (torchrun): each on a device of its own, each with clips of its own.

The gradients of all are added before each update, so that every rank makes the same update from the same weights. A
rank's losses are weighted by its share of the clips, frames and phonemes of the step (see `training.parts`): what two
ranks learn from half a batch each is what one learns from the whole.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from configs import InputError


@dataclass(frozen=True)
class Ranks:
    """The processes of a run, and which of them this is."""

    rank: int = 0
    count: int = 1

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator["Ranks"]:
        """Meet the other processes that torchrun started, and take leave of them; alone where it did not."""
        if "WORLD_SIZE" not in os.environ:
            yield cls()
            return
        # What lies on a GPU travels by nccl, and all else, flags and objects too, by gloo.
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        try:
            ranks = cls(dist.get_rank(), dist.get_world_size())
            yield ranks
            ranks.gather(None)  # nobody leaves while another still listens
        finally:
            dist.destroy_process_group()

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes and speaks for all."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over ranks, in place; nothing waits for it but the device."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Give every rank the sum of all ranks' gradients."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])  # one message, not hundreds
        dist.all_reduce(flat)
        pieces = flat.split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [piece.view_as(own) for piece, own in zip(pieces, gradients, strict=True)])

    def any(self, flag: bool) -> bool:
        """Whether any rank says so."""
        return any(self.gather(flag))

    def gather(self, thing: Any) -> list[Any]:
        """What each rank has, by rank."""
        if self.count == 1:
            return [thing]
        things: list[Any] = [None] * self.count
        dist.all_gather_object(things, thing)
        return things


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
