"""What a stack of convolutions says of audio, and what each of its layers saw: the end of every judge.

B batch
"""

from torch import Tensor, nn
from torch.nn import functional as F

_SLOPE = 0.1


def verdict(x: Tensor, layers: nn.ModuleList, output: nn.Module) -> tuple[Tensor, list[Tensor]]:
    """Send x [B, channels, ...] through the layers; return the scores [B, places] and every layer's output."""
    features = []
    for layer in layers:
        x = F.leaky_relu_(layer(x), _SLOPE)
        features.append(x)
    x = output(x)
    features.append(x)
    return x.flatten(1), features
