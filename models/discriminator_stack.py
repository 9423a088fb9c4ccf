"""The layers that every sub-discriminator ends with: convolutions with leaky ReLU, then one that gives the logits.

B batch
"""

from torch import Tensor, nn
from torch.nn import functional as F

_SLOPE = 0.1


def logits_and_feature_maps(x: Tensor, layers: nn.ModuleList, output: nn.Module) -> tuple[Tensor, list[Tensor]]:
    """Send x [B, channels, ...] through the layers; return the logits [B, places] and every layer's feature map."""
    feature_maps = []
    for layer in layers:
        x = F.leaky_relu_(layer(x), _SLOPE)
        feature_maps.append(x)
    x = output(x)
    feature_maps.append(x)
    return x.flatten(1), feature_maps
