"""A chip that runs a network: weights in arrays of cells, converters around them, noise and time within.

Everything about cost is in :mod:`frenkel.networks.cost`. A chip is drawn at random like a made one: its
cells are programmed once, age from then on, and show telegraph noise and read noise whenever they are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import notebook
from ..checks import between, one_of, whole
from ..typing import Floats
from .device_statistics import DeviceStatistics, Source, statistics_of
from .mapping import ARCHITECTURES, MAPPINGS, Mapping, decode, encode, slices_of, tiles_of
from .windows import Windows
from .write_verify import ProgrammedCells, StatisticalProgramming, Unverified


@dataclass(slots=True)
class Tile:
    """A part of a layer in one array.

    Attributes
    ----------
    layer, rows, outputs, scale
        Which inputs and outputs of which layer it holds, and what its results count.
    target : ndarray of shape (m, columns)
        Conductances wanted (S).
    conductance, exponents : ndarray of shape (copies, m, columns)
        As programmed (S), and drift exponents.
    full_scale : float
        Largest weighted sum that the converter takes, inputs and weights up to 1.
    of_rows : ndarray of shape (copies, m)
        Conductances as programmed, added up along each row (S).
    """

    layer: int
    rows: slice
    outputs: slice
    scale: float
    target: Floats
    conductance: Floats
    exponents: Floats
    full_scale: float = math.inf
    of_rows: Floats = field(default_factory=lambda: np.empty(0))
    _aged: tuple[float, Floats, Floats] | None = None

    def program(
        self,
        scheme: StatisticalProgramming,
        copies: int,
        statistics: DeviceStatistics,
        random: np.random.Generator,
    ) -> ProgrammedCells:
        """Bring the cells of all copies to their targets; return what became of them."""
        target = np.broadcast_to(self.target, (copies, *self.target.shape))
        write_outcome = scheme.write(target, statistics, random)
        self.conductance = write_outcome.conductance
        self.of_rows = write_outcome.conductance.sum(axis=2)
        self.exponents = statistics.exponents(target.shape, random)
        self._aged = None
        return write_outcome

    def aged(self, statistics: DeviceStatistics, time: float) -> tuple[Floats, Floats]:
        """Return conductances and telegraph steps (S) at a time (s); those of the last time are kept."""
        if self._aged is None or self._aged[0] != time:
            conductance = statistics.drifted(self.conductance, self.exponents, time)
            self._aged = time, conductance, statistics.telegraph_step(conductance)
        return self._aged[1:]

    def calibrate(self, inputs: Floats, signs: Mapping, window: tuple[float, float]) -> Floats:
        """Set the range of the converter to the largest sum of ideal cells; return the sums."""
        sums: Floats = inputs @ decode(self.target, signs, *window)
        self.full_scale = float(np.abs(sums).max()) or 1.0
        return sums


@dataclass(slots=True)
class Written:
    """What programming took so far, over all cells of all copies.

    Attributes
    ----------
    cells, pulses, reads, failed : int
        Cells programmed, pulses and reads that it took, cells that did not reach their target.
    times : int
        How often all were programmed.
    pulse_sum, read_sum : float
        Conductances during all pulses and reads, added up (S).
    """

    cells: int = 0
    pulses: int = 0
    reads: int = 0
    failed: int = 0
    times: int = 0
    pulse_sum: float = 0.0
    read_sum: float = 0.0

    def add(self, every: Iterable[ProgrammedCells]) -> None:
        """Take note of one more programming of all cells, in parts."""
        for write_outcome in every:
            self.cells += write_outcome.conductance.size
            self.pulses += int(write_outcome.pulses.sum())
            self.reads += int(write_outcome.reads.sum())
            self.failed += int((~write_outcome.reached).sum())
            self.pulse_sum += write_outcome.pulse_sum
            self.read_sum += write_outcome.read_sum
        self.times += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipDesign:
    """How a chip is built.

    Parameters
    ----------
    architecture : {"0T1R", "1S1R", "1T1R", "2T2R"}
        See `frenkel.networks.mapping.ARCHITECTURES`.
    mapping : {"pair", "reference", "offset"}, optional
        Instead of that of the architecture.
    rows, columns : int
        Of one array.
    adc_bits, dac_bits : int, optional
        Of converters of column currents and of inputs; ideal ones by default. The inputs of a layer are
        scaled to the largest of each vector.
    slices, weight_bits : int
        Cells (pairs) that share a weight, and its bits; one cell of any value by default.
    wire_resistance : float
        Of a segment between two cells, word and bit lines alike (ohm). Above 0 every read solves Kirchhoff's
        laws in all arrays.
    read_voltage : float
        Of the largest input (V).
    arrays : int, optional
        That the chip has; a network that needs more is refused.

    Raises
    ------
    ValueError
        A parameter outside its range, an unknown architecture or mapping.
    """

    architecture: str = "2T2R"
    mapping: Mapping | None = None
    rows: int = 128
    columns: int = 128
    adc_bits: int | None = None
    dac_bits: int | None = None
    slices: int = 1
    weight_bits: int | None = None
    wire_resistance: float = 0.0
    read_voltage: float = 0.2
    arrays: int | None = None

    def __post_init__(self) -> None:
        one_of("architecture", self.architecture, ARCHITECTURES)
        one_of("mapping", self.signs, MAPPINGS)
        for name, most in (
            ("rows", 65536), ("columns", 65536), ("adc_bits", 24), ("dac_bits", 24), ("slices", 16),
            ("weight_bits", 24), ("arrays", 10**9),
        ):  # fmt: skip
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1, most)
        between("wire_resistance", self.wire_resistance, 0.0, 1e6, "ohm")
        between("read_voltage", self.read_voltage, 1e-6, 10.0, "V")

    @property
    def signs(self) -> Mapping:
        """How weights get their signs."""
        return ARCHITECTURES[self.architecture].mapping if self.mapping is None else self.mapping


class Chip:
    """Arrays of cells that hold the layers of a network.

    Parameters
    ----------
    source : Card, path, DeviceStatistics or None
        Statistics of the devices; None: the placeholder set.
    design : ChipDesign or str
        How it is built, or the name of an architecture; ``architecture="2T2R"`` does as well.
    copies : int, optional
        Chips drawn and run at once: results get a first axis.
    temperature : float, optional
        (K); checked against the box of a card.
    seed : int
        Of everything drawn.
    **options
        Parameters of :class:`ChipDesign` instead of those of the design.

    Attributes
    ----------
    saturated : float
        Fraction of conversions of the last run beyond the range of the converter; 0 for ideal ones.
    cell_power : list of float
        Of each array, mean over the inputs of the last run while a pulse is on (W).
    written : Written
        What programming took.

    Raises
    ------
    ValueError
        A parameter outside its range, an unknown architecture or mapping.
    CardError
        The card gives no window of conductance, or is used outside its box.
    """

    def __init__(
        self, source: Source = None, design: ChipDesign | str = "2T2R", *, copies: int | None = None,
        temperature: float | None = None, seed: int = 0, **options: Any,
    ) -> None:  # fmt: skip
        if isinstance(design, str):
            design, options = ChipDesign(), {"architecture": design} | options
        self.design: ChipDesign = replace(design, **options)
        self.copies = 1 if copies is None else copies
        whole("copies", self.copies, 1, 10**6)
        self.statistics: DeviceStatistics = statistics_of(source, temperature=temperature)
        self._single = copies is None
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        self.tiles: list[Tile] = []
        self.biases: list[Floats] = []
        self.shapes: list[tuple[int, int]] = []
        self.windows: tuple[Windows | None, ...] = ()
        self.scales: list[float] = []
        self.scheme: StatisticalProgramming = Unverified()
        self.written = Written()
        self.saturated = 0.0
        self.cell_power: list[float] = []

    def __repr__(self) -> str:
        layers = " - ".join(
            str(neurons) for neurons in (*(shape[0] for shape in self.shapes), *self._outputs())
        )
        contents = f"holds {layers} in {len(self.tiles)} arrays" if self.tiles else "holds no network"
        return f"<Chip {self.design.architecture}, {self.copies} copies: {contents}>"

    def _repr_html_(self) -> str:
        """Return its words and how it is built, for notebooks."""
        rows = [(name, str(value)) for name, value in asdict(self.design).items() if value is not None]
        return notebook.page("Chip", repr(self)[len("<Chip") : -1], notebook.table(("design", "value"), rows))

    def _outputs(self) -> list[int]:
        return [self.shapes[-1][1]] if self.shapes else []

    # ------------------------------------------------------------------ programming

    def program(
        self,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike] | None = None,
        scheme: StatisticalProgramming | None = None,
        *,
        calibration: ArrayLike | None = None,
        windows: Sequence[Windows | None] = (),
    ) -> Written:
        """Write a network of rectified layers, some of which may be convolutions.

        Parameters
        ----------
        weights : sequence of array_like, each of shape (inputs, outputs)
            One per layer; that of `torch.nn.Linear` is the transpose.
        biases : sequence of array_like, each of shape (outputs,)
            Added digitally; none by default.
        scheme : StatisticalProgramming, optional
            How cells are programmed, see `frenkel.networks.write_verify`; by default one pulse without a
            read.
        calibration : array_like of shape (samples, inputs), optional
            Inputs whose largest sums are the range of the converters; otherwise it is the largest sum that
            inputs of 1 could give, which wastes bits.
        windows : sequence of Windows or None, optional
            Of each layer: one that has windows multiplies each of them with its weights, one after another.

        Returns
        -------
        Written

        Raises
        ------
        ValueError
            Weights that are not finite, layers that do not follow each other, more arrays than there are.
        """
        matrices = _checked_layers(weights, windows)
        self.windows = tuple(windows) or (None,) * len(matrices)
        self.shapes = [(w.shape[0], w.shape[1]) for w in matrices]
        self.scales = [float(np.abs(w).max()) or 1.0 for w in matrices]
        self.biases = _checked_biases(biases, self.shapes)
        parts = [self._parts(w / scale) for w, scale in zip(matrices, self.scales, strict=True)]
        needed, available = sum(len(p) for p in parts), self.design.arrays
        if available is not None and needed > available:
            raise ValueError(
                f"the network needs {needed} arrays of {self.design.rows} x {self.design.columns} cells, "
                f"the chip has {available}"
            )
        self.scheme = Unverified() if scheme is None else scheme
        self.written = Written()
        self.tiles = [self._tile(layer, *part) for layer, of_layer in enumerate(parts) for part in of_layer]
        self.written.add(self._write())
        if calibration is not None:
            self._calibrate(np.asarray(calibration, float))
        return self.written

    def _parts(self, weights: Floats) -> list[tuple[slice, slice, float, Floats]]:
        """Return inputs, outputs, scale and part of the weights of each array of a layer."""
        s = self.design
        slices = slices_of(weights, self.design.signs, s.slices, s.weight_bits)
        tiles = list(tiles_of(weights.shape[0], weights.shape[1], self.design.signs, s.rows, s.columns))
        return [(i, j, scale, part[i, j]) for scale, part in slices for i, j in tiles]

    def _tile(self, layer: int, rows: slice, outputs: slice, scale: float, part: Floats) -> Tile:
        target = encode(part, self.design.signs, *self.statistics.window)
        nothing: Floats = np.empty(0)
        worst = float(np.abs(part).sum(axis=0).max()) or 1.0
        return Tile(layer, rows, outputs, scale, target, nothing, nothing, worst)

    def _write(self) -> Iterator[ProgrammedCells]:
        """Program the arrays one after the other; yield what became of the cells of each."""
        for tile in self.tiles:
            yield tile.program(self.scheme, self.copies, self.statistics, self._random)

    def refresh(self) -> Written:
        """Program all cells to their targets again and reset their time. Return what all of it took."""
        self._need_network()
        self.written.add(self._write())
        return self.written

    def _calibrate(self, x: Floats) -> None:
        """Set the range of converters to the largest sums of ideal cells."""
        for layer in range(len(self.shapes)):
            samples, parts = len(x), self.windows[layer]
            x = x if parts is None else parts.columns(x)
            x_max = _largest(x)
            total = np.zeros((len(x), self.shapes[layer][1]))
            for tile in self.tiles:
                if tile.layer == layer:
                    inputs = x[:, tile.rows] / x_max
                    sums = tile.calibrate(inputs, self.design.signs, self.statistics.window)
                    total[:, tile.outputs] += tile.scale * sums
            x = np.maximum(total * x_max * self.scales[layer] + self.biases[layer], 0.0).reshape(samples, -1)

    # ------------------------------------------------------------------ running

    def run(self, x: ArrayLike, time: float = 0.0, *, compensate: bool = False) -> Floats:
        """Return the outputs of the last layer.

        Parameters
        ----------
        x : array_like of shape (samples, inputs)
            Inputs of the network.
        time : float
            Since programming (s), 0 or more.
        compensate : bool
            Multiply the results of each array by sum(G) at programming over sum(G) now, as a read of all its
            rows at once would tell (global drift compensation).

        Returns
        -------
        ndarray of shape (samples, outputs) or (copies, samples, outputs)

        Raises
        ------
        ValueError
            Nothing programmed, inputs of another width or not finite, time below 0.
        """
        self._need_network()
        given = np.asarray(x, float)
        first = self.windows[0]
        inputs = self.shapes[0][0] if first is None else first.inputs
        if given.ndim != 2 or given.shape[1] != inputs or not np.all(np.isfinite(given)):
            raise ValueError(f"x must be finite and of shape (samples, {inputs}), got shape {given.shape}")
        activations: Floats = np.broadcast_to(given, (self.copies, *given.shape))
        clipped = conversions = 0
        self.cell_power = [0.0] * len(self.tiles)
        for layer in range(len(self.shapes)):
            window = self.windows[layer]
            activations = activations if window is None else window.columns(activations)
            total = np.zeros((*activations.shape[:2], self.shapes[layer][1]))
            largest = _largest(activations)
            signed = layer == 0 and bool((given < 0.0).any())
            volts = _quantised(activations / largest, self.design.dac_bits, signed)
            loads = self._loads(volts)
            by_rows: dict[int, _Inputs] = {}
            for k, tile in enumerate(self.tiles):
                if tile.layer != layer:
                    continue
                self.cell_power[k] = self._power(tile, loads)
                inputs_of_rows = by_rows.setdefault(tile.rows.start, _Inputs(volts[..., tile.rows]))
                sums = self._multiply(tile, inputs_of_rows, time, compensate)
                conversions += sums.size
                if self.design.adc_bits is not None:
                    largest_sum = tile.full_scale * (1.0 + 1e-9)
                    if sums.max() > largest_sum or sums.min() < -largest_sum:
                        clipped += int((np.abs(sums) > largest_sum).sum())
                    sums /= tile.full_scale
                    sums = _quantised(sums, self.design.adc_bits, True, out=sums)
                    sums *= tile.full_scale
                sums *= tile.scale
                total[..., tile.outputs] += sums
            total *= largest
            total *= self.scales[layer]
            total += self.biases[layer]
            activations = total.reshape(self.copies, len(given), -1)
            if layer < len(self.shapes) - 1:
                np.maximum(activations, 0.0, out=activations)
        self.saturated = clipped / conversions
        return activations[0] if self._single else activations

    def products(self, layer: int) -> int:
        """Return how often an inference multiplies with a layer: once, or once for each window."""
        window = self.windows[layer]
        return 1 if window is None else window.places

    def _loads(self, volts: Floats) -> Floats:
        """Return the mean square of the inputs over the read voltage while a pulse is on, (copies, inputs).

        Converted inputs go bit by bit, each at the read voltage or at none: the fraction of ones counts.
        """
        bits = self.design.dac_bits
        if bits is None:
            return np.asarray((volts * volts).mean(axis=1))
        codes = np.rint(np.abs(volts) * (2.0**bits - 1.0)).astype(np.uint32)
        return np.asarray(np.bitwise_count(codes).mean(axis=1) / bits)

    def _power(self, tile: Tile, loads: Floats) -> float:
        """Return V^2 G of the cells of an array for these loads (W), mean over copies; lines drop nothing."""
        return float(self.design.read_voltage**2 * (loads[:, tile.rows] * tile.of_rows).sum(axis=1).mean())

    def _multiply(self, tile: Tile, inputs: _Inputs, time: float, compensate: bool) -> Floats:
        """Return weighted sums of one array, before conversion, for inputs from -1 to 1."""
        s = self.statistics
        aged, step = tile.aged(s, time)
        # G of an array, so that the sum of inputs v G is a current at 1 V full scale.
        currents = inputs.values @ self.matrix(s.telegraph(aged, self._random, step))
        if s.read_noise:
            # Independent noise of every cell adds up in squares along a column.
            noise = self._random.standard_normal(currents.shape)
            noise *= s.read_noise * s.g_max * inputs.length
            currents += noise
        signs = self.design.signs
        sums = decode(currents, signs, *s.window, inputs.total if signs == "offset" else 1.0)
        if compensate:
            sums = sums * (tile.conductance.sum(axis=(1, 2)) / aged.sum(axis=(1, 2)))[:, None, None]
        return sums

    def matrix(self, conductance: Floats) -> Floats:
        """Return currents per volt (S) of arrays, lines included, (copies, m, columns)."""
        if self.design.wire_resistance == 0.0:
            return conductance
        return wired(conductance, self.design.wire_resistance)

    def _need_network(self) -> None:
        if not self.tiles:
            raise ValueError("nothing is programmed: call program(weights, biases) first")


class _Inputs:
    """Inputs (copies, samples, rows) of arrays that share their rows, and what those need to know of them."""

    def __init__(self, values: Floats) -> None:
        self.values = values

    @cached_property
    def length(self) -> Floats:
        """Root of the sum of squares of each vector, (copies, samples, 1)."""
        return np.asarray(np.sqrt((self.values * self.values).sum(axis=-1, keepdims=True)))

    @cached_property
    def total(self) -> Floats:
        """Sum of each vector, (copies, samples, 1)."""
        return np.asarray(self.values.sum(axis=-1, keepdims=True))


def wired(conductance: Floats, wire_resistance: float) -> Floats:
    """Return the effective matrices (S) of crossbars with resistive lines, exact for linear cells.

    Parameters
    ----------
    conductance : ndarray of shape (..., m, n)
        Of cells (S).
    wire_resistance : float
        Of every segment of both lines (ohm), above 0; drivers and amplifiers have none.
    """
    # Late, since cells of an array bring the whole engine, which chips with ideal lines do not need.
    from ..array.crossbar import Crossbar
    from ..array.lines.network import Lines
    from ..cells.resistors import LinearCells

    m, n = conductance.shape[-2:]
    lines = Lines(shape=(m, n), word_resistance=wire_resistance, bit_resistance=wire_resistance)
    flat = np.asarray(conductance, float).reshape(-1, m, n)
    matrices = [Crossbar(LinearCells(g), lines).effective_matrix() for g in flat]
    return np.stack(matrices).reshape(conductance.shape)


def _largest(x: Floats) -> Floats:
    """Return the largest magnitude of each vector, 1 for a vector of zeros."""
    size = np.abs(x).max(axis=-1, keepdims=True)
    return np.where(size == 0.0, 1.0, size)


def _quantised(values: Floats, bits: int | None, signed: bool, out: Floats | None = None) -> Floats:
    """Return values on a converter's grid: 2^bits levels from 0 to 1, or one fewer from -1 to 1."""
    if bits is None:
        return values
    steps = max(2.0 ** (bits - 1) - 1.0, 1.0) if signed else 2.0**bits - 1.0
    # A converter does saturate; how often is counted by the chip.
    levels = np.maximum(values, -1.0, out=out)
    np.minimum(levels, 1.0, out=levels)
    levels *= steps
    np.rint(levels, out=levels)
    levels /= steps
    return levels


def _checked_layers(weights: Sequence[ArrayLike], windows: Sequence[Windows | None]) -> list[Floats]:
    matrices = [np.asarray(w, float) for w in weights]
    if not matrices:
        raise ValueError("weights must hold at least one matrix, got none")
    if windows and len(windows) != len(matrices):
        raise ValueError(f"windows must be one per layer, {len(matrices)}, got {len(windows)}")
    units = None
    for k, w in enumerate(matrices):
        if w.ndim != 2 or not w.size:
            raise ValueError(f"weights of layer {k} must be a matrix (inputs, outputs), got shape {w.shape}")
        if not np.all(np.isfinite(w)):
            raise ValueError(f"weights of layer {k} must be finite, got {w[~np.isfinite(w)][0]}")
        window = windows[k] if windows else None
        if window is not None and window.rows != w.shape[0]:
            raise ValueError(
                f"weights of layer {k} must have {window.rows} rows, one per number of a window, "
                f"got {w.shape[0]}"
            )
        inputs = w.shape[0] if window is None else window.inputs
        if units is not None and units != inputs:
            raise ValueError(
                f"weights of layer {k} must have {units} rows, one per output of the "
                f"layer before, got {inputs}"
            )
        units = w.shape[1] * (1 if window is None else window.places)
    return matrices


def _checked_biases(biases: Sequence[ArrayLike] | None, shapes: list[tuple[int, int]]) -> list[Floats]:
    if biases is None:
        return [np.zeros(n) for _, n in shapes]
    arrays = [np.asarray(b, float) for b in biases]
    if len(arrays) != len(shapes):
        raise ValueError(f"biases must be one per layer, {len(shapes)}, got {len(arrays)}")
    for k, (b, (_, n)) in enumerate(zip(arrays, shapes, strict=True)):
        if b.shape != (n,) or not np.all(np.isfinite(b)):
            raise ValueError(f"biases of layer {k} must be {n} finite numbers, got shape {b.shape}")
    return arrays
