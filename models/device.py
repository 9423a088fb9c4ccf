"""Where a model computes."""

import torch

from configs import InputError


def choose_device(name: str) -> torch.device:
    """The device of that name; auto takes a GPU when there is one.

    Raises:
        InputError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the device {name!r} cannot be used on this machine: {reason}") from error
    return device
