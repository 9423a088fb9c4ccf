"""The device that a model runs on."""

import torch

from configs import InputError


def choose_device(name: str) -> torch.device:
    """The device of that name; auto is cuda where there is one, else cpu.

    Raises:
        InputError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"the device {name!r} cannot be used on this machine: give cpu, cuda, cuda:1 or mps, or auto to choose"
        ) from error
    return device
