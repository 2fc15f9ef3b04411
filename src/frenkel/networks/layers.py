"""Layers of PyTorch whose weights are cells: noise in training, a chip of their own in inference.

They are `torch.nn.Linear` and `torch.nn.Conv2d`, so that whatever knows those knows them. In training their
weights show the noise of a device, drawn in every pass, and gradients pass to the clean weights. In
evaluation they are ideal until :func:`program` writes them into arrays; from then on they run there.

>>> model = torch.nn.Sequential(AnalogLinear(64, 32), torch.nn.ReLU(), AnalogLinear(32, 10))
>>> ...                                              # train as any model
>>> program(model.eval(), architecture="2T2R", adc_bits=8, dac_bits=8, seed=1)
>>> outputs = model(x)                               # through the arrays, right after programming
>>> set_time(model, 3600.0)                          # an hour later
"""

from __future__ import annotations

import math
from typing import Any

try:
    import torch
except ImportError as error:
    raise ImportError("frenkel.networks.layers needs PyTorch: pip install torch") from error
from torch import nn
from torch.nn import functional

from ..checks import at_least, one_of, whole
from .chip import Chip, ChipDesign
from .device_statistics import DeviceStatistics, Source, statistics_of
from .mapping import MAPPINGS, Mapping
from .torch_noise import Buffers, generator, shown
from .write_verify import StatisticalProgramming


class _Analog:
    """What both layers have: a device, noise in training, and a chip."""

    weight: Any
    training: bool
    chip: Chip | None
    time: float

    def set_up(
        self, source: Source, mapping: Mapping, seed: int, tolerance: float | None = None,
        scheme: StatisticalProgramming | None = None,
    ) -> None:  # fmt: skip
        """Let the layer be cells of a device; see :func:`frenkel.networks.conversion.convert`."""
        one_of("mapping", mapping, MAPPINGS)
        whole("seed", seed, 0)
        self.statistics: DeviceStatistics = statistics_of(source)
        self.mapping: Mapping = mapping
        self.tolerance = tolerance
        self.scheme = scheme
        self.chip, self.time = None, 0.0
        self._seed, self._passes, self._scratch = seed, 0, Buffers()

    def matrix(self) -> Any:
        """Return weights as a numpy matrix (inputs, outputs)."""
        flat = self.weight.detach().reshape(self.weight.shape[0], -1)
        return flat.cpu().numpy().astype(float).T

    def shown_weight(self) -> Any:
        """Return the weights, in training as cells with programming, telegraph and read noise show them.

        Gradients are those of the clean weights.
        """
        if not self.training:
            return self.weight
        with torch.no_grad():
            flat = self.weight.detach().reshape(self.weight.shape[0], -1)
            least, greatest = torch.aminmax(flat)
            scale = max(float(greatest), -float(least))
            if not 0.0 < scale < math.inf:
                return self.weight
            random = generator(self._seed, self._passes, flat.device)
            self._passes += 1
            relative = torch.div(flat, scale, out=self._scratch.take("weights", flat.shape, flat))
            shown_weights = shown(
                relative, self.statistics, self.mapping, self.tolerance, random, self._scratch
            )
            change = shown_weights.mul_(scale).sub_(flat).reshape(self.weight.shape)
        return self.weight + change

    def through(self, rows: Any) -> Any:
        """Return what the chip makes of inputs (samples, inputs): (samples, outputs), no bias."""
        if self.chip is None:
            raise ValueError("the layer is in no chip: call program(model) first")
        sums = self.chip.run(rows.detach().cpu().numpy().astype(float), self.time)
        return torch.as_tensor(sums, dtype=rows.dtype, device=rows.device)


class AnalogLinear(_Analog, nn.Linear):  # type: ignore[misc, unused-ignore]
    """A linear layer in cells.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
        Digital.
    source : Card, path, DeviceStatistics or None
        Device; None: the placeholder set.
    mapping : {"pair", "reference", "offset"}
        How signs are taken in training.
    seed : int
        Of the noise.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, source: Source = None,
        mapping: Mapping = "pair", seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(in_features, out_features, bias)
        self.set_up(source, mapping, seed)

    def forward(self, x: Any) -> Any:
        """Return the outputs for inputs of shape (..., in_features)."""
        if self.training or self.chip is None:
            return functional.linear(x, self.shown_weight(), self.bias)
        sums = self.through(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], self.out_features)
        return sums if self.bias is None else sums + self.bias.detach()


class AnalogConv2d(_Analog, nn.Conv2d):  # type: ignore[misc, unused-ignore]
    """A convolution in cells: one column (pair) per output channel, all places of the kernel as rows.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, **options
        As for `torch.nn.Conv2d`; one group and padding with zeros only.
    source, mapping, seed
        As for `AnalogLinear`.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, *, source: Source = None,
        mapping: Mapping = "pair", seed: int = 0, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, **options)
        if not self.can_be(self):
            raise ValueError("a convolution in cells must have one group and a number of zeros as padding")
        self.set_up(source, mapping, seed)

    @staticmethod
    def can_be(layer: Any) -> bool:
        """Return whether a convolution can be cells: one group, and a number of zeros as padding."""
        return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)

    def forward(self, x: Any) -> Any:
        """Return the outputs (samples, out_channels, height, width) for inputs (samples, channels, ...)."""
        if self.training or self.chip is None:
            return self._conv_forward(x, self.shown_weight(), self.bias)
        if x.ndim == 3:
            return self.forward(x[None])[0]
        patches = functional.unfold(x, self.kernel_size, self.dilation, self._padding, self.stride)
        samples, length, places = patches.shape
        sums = self.through(patches.transpose(1, 2).reshape(-1, length))
        sums = sums.reshape(samples, places, self.out_channels).transpose(1, 2)
        height = self._size(x.shape[2], 0)
        sums = sums.reshape(samples, self.out_channels, height, self._size(x.shape[3], 1))
        return sums if self.bias is None else sums + self.bias.detach()[:, None, None]

    @property
    def _padding(self) -> tuple[int, ...]:
        return tuple(int(n) for n in self.padding)

    def _size(self, length: int, axis: int) -> int:
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
        return int((length + 2 * self._padding[axis] - reach - 1) // self.stride[axis] + 1)


def analog_layers(model: Any) -> list[Any]:
    """Return the layers of a model that are cells, in order."""
    return [module for module in model.modules() if isinstance(module, AnalogLinear | AnalogConv2d)]


def program(
    model: Any, design: ChipDesign | str = "2T2R", *, scheme: StatisticalProgramming | None = None,
    seed: int = 0, **options: Any,
) -> int:  # fmt: skip
    """Write every layer of a model that is cells into a chip of its own; return the arrays in use.

    Parameters
    ----------
    model : torch.nn.Module
    design : ChipDesign or str
        Of each chip, or the name of its architecture.
    scheme : StatisticalProgramming, optional
        How cells are programmed, see `frenkel.networks.write_verify`; by default as
        `frenkel.networks.convert` said, or by one blind pulse.
    seed : int
        Of the first layer; the others follow.
    **options
        Further parameters of `Chip`, such as ``adc_bits``.

    Raises
    ------
    ValueError
        The model has no such layer, or weights are not finite.
    """
    layers = analog_layers(model)
    if not layers:
        raise ValueError("the model has no layer of frenkel.networks.layers to program")
    for number, layer in enumerate(layers):
        chip = Chip(layer.statistics, design, seed=seed + number, **options)
        chip.program([layer.matrix()], scheme=layer.scheme if scheme is None else scheme)
        layer.chip, layer.time = chip, 0.0
    return sum(len(layer.chip.tiles) for layer in layers)


def set_time(model: Any, time: float) -> None:
    """Let all layers of a model have been programmed a time (s) ago."""
    at_least("time", time, 0.0, "s")
    for layer in analog_layers(model):
        layer.time = time


def release(model: Any) -> None:
    """Take all layers of a model out of their chips: they are ideal again."""
    for layer in analog_layers(model):
        layer.chip = None
