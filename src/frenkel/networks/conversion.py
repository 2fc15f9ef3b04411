"""From a user's own PyTorch model to one whose layers are cells: :func:`convert`."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np

from ..typing import Floats
from .array_pulses import ReachedLevels, reach
from .device_statistics import Source, card_of, statistics_of
from .layers import AnalogConv2d, AnalogLinear  # first: it says where PyTorch is missing
from .mapping import Mapping, encode
from .write_verify import WithinTolerance

from torch import nn  # isort: skip


class ConversionWarning(UserWarning):
    """A converted model leaves something out that its cells or its layers would have."""


def convert(
    model: Any, card: Source, *, mapping: Mapping = "pair", tolerance: float | None = None, seed: int = 0
) -> Any:
    """Return a copy of a model whose linear layers and convolutions are cells.

    The layers keep their weights and become :class:`~frenkel.networks.layers.AnalogLinear` and
    :class:`~frenkel.networks.layers.AnalogConv2d`: in training they show the noise of the cells, made on the
    device where the weights are; ``program`` writes them into chips. Whatever else the model has stays
    digital.

    Parameters
    ----------
    model : torch.nn.Module
        It stays as it is.
    card : Card, path, str, DeviceStatistics or None
        The cell: a card or the name of a packaged one, "measured:NAME" for measured cells, statistics, or
        None for the placeholder set.
    mapping : {"pair", "reference", "offset"}
        How signs are taken in training; ``program`` takes those of its architecture.
    tolerance : float, optional
        Cells are written with verification to this fraction of g_max (above 0 to 1). Those of a card that
        knows pulses end as its own cells do in an array (:class:`.array_pulses.ReachedLevels`), some of them
        elsewhere; other cells end within it, whatever brings them there. Without it by one blind pulse each,
        which is warned of.
    seed : int
        Of the noise, 0 or more; every layer has a stream of its own.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        The model has no layer that can be cells; a number outside its range; levels that cells of the card do
        not have.
    CardError, MeasuredError
        The cell cannot be read.

    Warns
    -----
    ConversionWarning
        Weights are written by blind pulses, or how many cells reach their level; the cell does not tell some
        kinds of noise, which then do not act; layers with weights stay digital.

    Examples
    --------
    >>> analog = convert(model, "hfo2", tolerance=0.02)
    """
    device = card_of(card)
    statistics = statistics_of(card if device is None else device)
    copied = copy.deepcopy(model)
    kinds = {nn.Linear: AnalogLinear, nn.Conv2d: AnalogConv2d}
    # By the very class: a subclass, such as a part of attention, is used in ways of its own.
    chosen = [
        module
        for module in copied.modules()
        if type(module) in kinds and (type(module) is nn.Linear or AnalogConv2d.can_be(module))
    ]
    if not chosen:
        raise ValueError(f"model {type(model).__name__} has no linear layer or convolution that can be cells")
    within = None if tolerance is None else WithinTolerance(tolerance)
    reached: ReachedLevels | None = None
    if tolerance is not None and device is not None:
        levels = np.concatenate([_levels(module, mapping, statistics.window) for module in chosen])
        reached = reach(device, levels, tolerance * statistics.g_max, seed)
    for number, module in enumerate(chosen):
        module.__class__ = kinds[type(module)]
        module.set_up(statistics, mapping, seed + number, tolerance, reached or within)
    _warn(copied, statistics, tolerance)
    if tolerance is not None and device is not None:
        _warn_of_levels(reached, device.name, tolerance)
    return copied


def _levels(module: Any, mapping: Mapping, window: tuple[float, float]) -> Floats:
    """Return the conductances (S) that the weights of a layer ask for."""
    weights = module.weight.detach().cpu().numpy().astype(float)
    flat = weights.reshape(len(weights), -1).T
    return encode(flat / (np.abs(flat).max() or 1.0), mapping, *window).ravel()


def _warn(model: Any, statistics: Any, tolerance: float | None) -> None:
    spread = statistics.variability
    if tolerance is None and statistics.knows("blind pulses"):
        _say(
            f"weights are written by one blind pulse each, {spread:.2g} in ln G (standard deviation): "
            "tolerance=0.02 stands for pulses with verification"
        )
    # With verification nobody asks for the spread of blind pulses; trains matter in learning alone.
    layers = {"read noise", "telegraph noise", "relaxation"}
    if tolerance is None:
        layers.add("blind pulses")
    missing = [layer for layer in statistics.missing if layer in layers]
    if statistics.placeholders:
        _say(f"numbers that somebody chose stand for {', '.join(missing)}: no device is behind them")
    elif missing:
        _say(f"{statistics.source} tells nothing of {', '.join(missing)}: none of it acts")
    digital = [f"{name} ({type(module).__name__})" for name, module in model.named_modules() if _left(module)]
    if digital:
        _say(f"layers that stay digital: {', '.join(digital)}")


def _warn_of_levels(reached: ReachedLevels | None, name: str, tolerance: float) -> None:
    if reached is None:
        _say(f"{name} does not know pulses: all cells end within {tolerance:g} of g_max, as stated")
    else:
        _say(f"{reached}; cells of the layers end as these")


def _left(module: Any) -> bool:
    """Return whether a layer has a matrix of weights of its own, and is no cells."""
    return not isinstance(module, AnalogLinear | AnalogConv2d) and any(
        parameter.ndim > 1 for parameter in module.parameters(recurse=False)
    )


def _say(text: str) -> None:
    warnings.warn(text, ConversionWarning, stacklevel=4)
