"""The normal numbers of torch's CPU generator without torch: a seed gives an ONNX voice the audio of the torch voice.

torch's generator is MT19937 (Matsumoto & Nishimura, 1998) with the transform of Box & Muller (1958): tensors of 16 and
more in float32, eight pairs from each 16 uniform numbers; smaller ones number by number in float64, where the second of
each pair is kept for the next call. The numbers differ from torch's only by the rounding of log, sin and cos.
"""

import math

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16
_WORDS = 2**32


class SeededNoise:
    """Draws standard normal numbers.

    Args:
        seed: as for `torch.Generator.manual_seed`; None is a random one.
    """

    def __init__(self, seed: int | None = None) -> None:
        # The legacy generator is seeded like torch's; the newer ones hash the seed first.
        self._twister = np.random.RandomState(None if seed is None else seed % _WORDS)
        self._kept: float | None = None

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Numbers of this shape, as `torch.randn(shape, generator=...)` gives them, within 1e-6."""
        count = math.prod(shape)
        if count < _BLOCK:
            return np.array([self._single() for _ in range(count)], np.float32).reshape(shape)
        numbers = self._uniform(count)
        whole = count - count % _BLOCK
        numbers[:whole] = _box_muller(numbers[:whole])
        if whole < count:  # torch draws the last block anew
            numbers[-_BLOCK:] = _box_muller(self._uniform(_BLOCK))
        return numbers.reshape(shape)

    def _words(self, count: int) -> NDArray[np.uint32]:
        return self._twister.randint(0, _WORDS, count, dtype=np.uint32)

    def _uniform(self, count: int) -> NDArray[np.float32]:
        """In [0, 1), of 24 bits."""
        return (self._words(count) & np.uint32(0xFFFFFF)).astype(np.float32) * np.float32(2**-24)

    def _single(self) -> float:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            return kept
        high, low, other_high, other_low = map(int, self._words(4))
        angle, size = (((one << 32 | two) % 2**53) / 2**53 for one, two in ((high, low), (other_high, other_low)))
        radius = math.sqrt(-2 * math.log1p(-size))
        self._kept = radius * math.sin(2 * math.pi * angle)
        return radius * math.cos(2 * math.pi * angle)


def _box_muller(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    pairs = uniform.reshape(-1, 2, _BLOCK // 2)
    radius = np.sqrt(np.float32(-2) * np.log(np.float32(1) - pairs[:, 0]))
    angle = np.float32(2 * math.pi) * pairs[:, 1]
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1).reshape(-1)
