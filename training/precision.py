"""Which precision a run really uses."""

import torch


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type of convolutions and matrix products for `train.precision`."""
    if precision == "auto":
        precision = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
