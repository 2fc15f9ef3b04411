"""What cells make of weights while a network trains, in PyTorch, on whatever device the weights are.

The laws are those of `DeviceStatistics` and `mapping`; numbers of a stream differ from numpy's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .device_statistics import DeviceStatistics
from .mapping import Mapping


class Buffers:
    """Arrays of one layer that are used again in each pass: fresh ones took more time than their numbers."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}

    def take(self, name: str, shape: tuple[int, ...], like: Any, dtype: Any = None) -> Any:
        """Return the array of a name, with any values, where ``like`` is and by default of its type."""
        held = self.arrays.get(name)
        dtype = like.dtype if dtype is None else dtype
        if held is None or (held.shape, held.dtype, held.device) != (shape, dtype, like.device):
            held = self.arrays[name] = torch.empty(shape, dtype=dtype, device=like.device)
        return held


def shown(
    weights: Any, statistics: DeviceStatistics, mapping: Mapping, tolerance: float | None, random: Any,
    buffers: Buffers,
) -> Any:  # fmt: skip
    """Return weights (outputs, inputs) as cells show them in one pass, in an array of the buffers.

    Parameters
    ----------
    weights : torch.Tensor of shape (outputs, inputs)
        From -1 to 1.
    statistics : DeviceStatistics
    mapping : {"pair", "reference", "offset"}
    tolerance : float or None
        Verified cells end evenly within this fraction of g_max; None: by one blind pulse.
    random : torch.Generator
        On the device of the weights.
    buffers : Buffers
        Of these weights; what was returned before is overwritten.
    """
    low, high = statistics.window
    half, (outputs, inputs) = 0.5 * (high - low), weights.shape
    if mapping == "pair":
        cells = buffers.take("cells", (2, outputs, inputs), weights)
        torch.clamp(weights, min=0.0, out=cells[0])
        torch.sub(cells[0], weights, out=cells[1])
        _program(cells.mul_(high - low).add_(low), statistics, tolerance, random, buffers)
        # Read noise of two cells is that of one of twice the variance; the second array is free for it.
        difference = cells[0].sub_(cells[1])
        _read(difference, statistics, random, cells[1], math.sqrt(2.0))
        return difference.mul_(1.0 / (high - low))
    # With a column of cells at mid-window that all outputs share.
    cells = buffers.take("cells", (outputs + (mapping == "reference"), inputs), weights)
    cells[:outputs] = weights
    cells[outputs:] = 0.0
    _program(cells.add_(1.0).mul_(half).add_(low), statistics, tolerance, random, buffers)
    _read(cells, statistics, random, buffers.take("noise", cells.shape, cells), 1.0)
    return cells[:outputs].sub_(cells[outputs:] if mapping == "reference" else half + low).mul_(1.0 / half)


def _program(
    g: Any, statistics: DeviceStatistics, tolerance: float | None, random: Any, buffers: Buffers
) -> None:
    """Change conductances (S) to those that are programmed, at one moment of their telegraph noise."""
    s, noise = statistics, buffers.take("noise", g.shape, g)
    if tolerance is not None:
        # A cell cannot be programmed below no conductance at all.
        g.add_(noise.uniform_(-1.0, 1.0, generator=random), alpha=tolerance * s.g_max).clamp_(min=0.0)
    elif s.variability:
        g.mul_(noise.normal_(0.0, s.variability, generator=random).exp_())
    if s.rtn_amplitude:
        torch.minimum(torch.mul(g, s.g_max, out=noise).sqrt_().mul_(s.rtn_amplitude), g, out=noise)
        # Four numbers of 16 bits in each of 64, so that an occupancy is one of 65,537.
        numbers = buffers.take("numbers", (-(-g.numel() // 4),), g, torch.int64)
        drawn = numbers.random_(-(2**63), None, generator=random).view(torch.int16)[: g.numel()]
        filled = round(s.rtn_occupancy * 2**16)
        empty = buffers.take("empty", g.shape, g, torch.bool)
        torch.ge(drawn.view(g.shape), filled - 2**15, out=empty)
        # A step of (occupancy - 1) where the trap is filled, of the occupancy where it is empty.
        g.add_(noise, alpha=filled / 2**16 - 1.0).addcmul_(noise, empty)


def _read(g: Any, statistics: DeviceStatistics, random: Any, noise: Any, factor: float) -> None:
    """Add read noise to conductances (S), a ``factor`` times that of a cell; ``noise`` is overwritten."""
    if statistics.read_noise:
        g.add_(noise.normal_(generator=random), alpha=factor * statistics.read_noise * statistics.g_max)


def generator(seed: int, count: int, device: Any) -> Any:
    """Return the stream of one pass: the same for the same seed and number of the pass."""
    state = np.random.SeedSequence(seed, spawn_key=(count,)).generate_state(1, np.uint64)[0]
    return torch.Generator(device=device).manual_seed(int(state >> np.uint64(1)))
