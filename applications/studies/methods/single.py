"""Single precision where networks are trained: their numbers, and a stream of random ones.

An accuracy is known to a tenth of a point; networks of 50,000 weights and their noise, drawn in every
step, take a third of the time in 32 bits. Laws of cells keep the precision of what they are given.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from frenkel.networks.perceptron import Perceptron

CHUNK = 2**15
"""Numbers that are made at once: so many stay in the processor's nearest memory."""

LARGEST = float(np.sqrt(48.0 * np.log(2.0)))
"""No normal number of this stream is beyond 5.77: 8e-9 of them would be."""

Shape = int | Sequence[int] | None


class Stream(np.random.Generator):
    """Random numbers of single precision, drawn from the bits of another generator.

    Normal numbers are made from pairs of even ones: sqrt(-2 ln u) cos(2 pi v) and with the sine.

    References
    ----------
    Box and Muller, 10.1214/aoms/1177706645.
    """

    def __init__(self, random: np.random.Generator) -> None:
        super().__init__(random.bit_generator)

    # The overloads of numpy are too many to be told again.
    def random(  # type: ignore[override]
        self, size: Shape = None, dtype: Any = np.float32, out: Any = None
    ) -> Any:
        """Return numbers evenly from 0 to below 1, multiples of 2^-24."""
        return super().random(size, dtype, out)

    def standard_normal(  # type: ignore[override]
        self, size: Shape = None, dtype: Any = np.float32, out: Any = None
    ) -> Any:
        """Return normal numbers of mean 0 and standard deviation 1."""
        if size is None or dtype != np.float32 or out is not None:
            return super().standard_normal(size, dtype, out)
        numbers = np.empty(size, np.float32)
        flat = numbers.reshape(-1)
        for start in range(0, flat.size, CHUNK):
            part = flat[start : start + CHUNK]
            part[:] = self._pairs((part.size + 1) // 2)[: part.size]
        return numbers

    def _pairs(self, count: int) -> Any:
        """Return twice so many normal numbers."""
        even: Any = self.random(2 * count)
        radius, angle = even[:count], even[count:]
        # 1 - u is never 0.
        np.log(np.subtract(1.0, radius, out=radius), out=radius)
        radius *= -2.0
        np.sqrt(radius, out=radius)
        angle *= 2.0 * np.pi
        numbers = np.empty_like(even)
        np.multiply(radius, np.cos(angle), out=numbers[:count])
        np.multiply(radius, np.sin(angle, out=angle), out=numbers[count:])
        return numbers


def single(network: Perceptron) -> Perceptron:
    """Return networks whose numbers are of single precision."""
    weights: list[Any] = [w.astype(np.float32) for w in network.weights]
    biases: list[Any] = [b.astype(np.float32) for b in network.biases]
    return network.having(weights, biases)
