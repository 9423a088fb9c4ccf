"""The discriminators of a voice, in a file beside it: only further training needs them."""

from pathlib import Path

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from configs import InputError
from configs.atomic_file import replacing
from voices.importing.assembly import Discriminators

_BETWEEN = "/"  # the name of a sub-discriminator and that of a tensor of it


def discriminators_path(voice: Path) -> Path:
    """Where the discriminators of a voice file are: `voice.discriminators.safetensors`."""
    return voice.with_suffix(".discriminators.safetensors")


def save_discriminators(discriminators: Discriminators, path: Path, *, half: bool) -> None:
    """Write them; `half` rounds weights to 16 bits."""
    tensors = {
        f"{name}{_BETWEEN}{key}": (tensor.half() if half and tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, weights in discriminators.items()
        for key, tensor in weights.items()
    }
    with replacing(path) as file:
        file.write(save(tensors))


def load_discriminators(path: Path) -> Discriminators:
    """Read them onto the CPU, in float32.

    Raises:
        InputError: the file is damaged, or holds something else.
    """
    discriminators: dict[str, dict[str, Tensor]] = {}
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            for full_name in file.keys():  # noqa: SIM118, for it is no dict
                name, between, key = full_name.partition(_BETWEEN)
                if not between:
                    raise InputError(
                        f"{path}: holds {full_name}, which is no discriminator's: put the right file there"
                    )
                tensor = file.get_tensor(full_name)
                discriminators.setdefault(name, {})[key] = tensor.to(torch.float32)
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as discriminators: {error}: delete it to train without") from error
    return discriminators
