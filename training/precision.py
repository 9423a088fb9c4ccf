"""Which device and which precision a run really uses."""

import torch

from configs import InputError


def choose_device(name: str) -> torch.device:
    """The device that `run.device` names; auto takes a GPU when there is one.

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
        raise InputError(f"run.device = {name!r} cannot be used on this machine: {reason}") from error
    return device


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type of convolutions and matrix products for `train.precision`."""
    if precision == "auto":
        precision = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
