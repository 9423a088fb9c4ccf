"""The device that a model runs on, and the precision that it is trained in.

Autocast computes convolutions and matrix products in bfloat16 (or fp16). Everything that sums many terms, divides by
small ones or is a likelihood keeps float32, by casts where it is computed, each held by a test:

- data/spectrogram.py: Fourier transform and mel (there is no bfloat16 FFT; log of a magnitude);
- models/gaussian.py: mean and log standard deviation of posterior and prior, and the samples;
- models/alignment.py: the scores, which are sums over all latent channels;
- models/layers/istft.py, pqmf.py and what decoders make of their last layer for them: magnitudes and phases;
- models/layers/snake.py: the periodic activation, whose argument grows without bound;
- models/discriminator.py: the spectrogram that the multi-resolution discriminator classifies;
- models/layers/spline.py: knots, slopes and log-derivatives of the duration predictor's flow;
- models/masks.py: masks, and by them the residual streams of WaveNets and text encoder, which add up layer after layer;
- losses/: every difference, square and mean;
- weights, gradients, both optimizers and the EMA.

What the decoder and the discriminators make between their convolutions, the bulk of all memory traffic, is bfloat16.
"""

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


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type of convolutions and matrix products for `train.precision`."""
    if precision == "auto":
        precision = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
