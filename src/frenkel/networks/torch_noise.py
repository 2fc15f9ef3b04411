"""What cells make of weights while a network trains, in PyTorch, on whatever device the weights are.

The laws are those of `DeviceStatistics` and `mapping`; numbers of a stream differ from numpy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .device_statistics import DeviceStatistics
from .mapping import Mapping


def shown(
    weights: Any, statistics: DeviceStatistics, mapping: Mapping, tolerance: float | None, random: Any
) -> Any:
    """Return weights (outputs, inputs) as cells show them in one pass.

    Parameters
    ----------
    weights : torch.Tensor of shape (outputs, inputs)
        From -1 to 1.
    statistics : DeviceStatistics
    mapping : {"pair", "reference", "offset"}
    tolerance : float or None
        Verified cells end evenly within this share of g_max; None: by one blind pulse.
    random : torch.Generator
        On the device of the weights.
    """
    low, high = statistics.window
    if mapping == "pair":
        cells = torch.stack([weights, -weights]).clamp(min=0.0) * (high - low) + low
    else:
        cells = (weights[None] + 1.0) * (0.5 * (high - low)) + low
    if mapping == "reference":
        # The column of cells at mid-window that all outputs share.
        middle = torch.full_like(cells[:, :1], 0.5 * (high + low))
        conductance = _read(torch.cat([cells, middle], dim=1), statistics, tolerance, random)
        return (conductance[0, :-1] - conductance[0, -1:]) * (2.0 / (high - low))
    conductance = _read(cells, statistics, tolerance, random)
    if mapping == "pair":
        return (conductance[0] - conductance[1]) / (high - low)
    return (conductance[0] - 0.5 * (high + low)) * (2.0 / (high - low))


def _read(g: Any, statistics: DeviceStatistics, tolerance: float | None, random: Any) -> Any:
    """Return conductances (S) as they are programmed and once read."""

    def normal() -> Any:
        return torch.empty_like(g).normal_(generator=random)

    def even() -> Any:
        return torch.empty_like(g).uniform_(generator=random)

    s = statistics
    if tolerance is not None:
        # A cell cannot be programmed below no conductance at all.
        g = (g + tolerance * s.g_max * (2.0 * even() - 1.0)).clamp(min=0.0)
    elif s.variability:
        g = g * torch.exp(s.variability * normal())
    if s.rtn_amplitude:
        step = torch.minimum(s.rtn_amplitude * torch.sqrt(g * s.g_max), g)
        g = g + step * (s.rtn_occupancy - (even() < s.rtn_occupancy).to(g.dtype))
    if s.read_noise:
        g = g + s.read_noise * s.g_max * normal()
    return g


def generator(seed: int, count: int, device: Any) -> Any:
    """Return the stream of one pass: the same for the same seed and number of the pass."""
    state = np.random.SeedSequence(seed, spawn_key=(count,)).generate_state(1, np.uint64)[0]
    return torch.Generator(device=device).manual_seed(int(state >> np.uint64(1)))
