"""Which precision a run really uses, and what stays in float32 whatever it is.

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


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type of convolutions and matrix products for `train.precision`."""
    if precision == "auto":
        precision = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
