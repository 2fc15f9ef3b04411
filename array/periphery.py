"""What stands around an array: wires, drivers, converters, sense amplifiers. Every figure is modelled.

None of these numbers comes from the atoms below: they are laws fitted here to published survey points, closed
forms of copper wires, and published points of single circuits, each with its source. Results made with them
carry `LABEL`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from statistics import NormalDist

import numpy as np

from .. import checks
from .lines.wires import CELL_AREA, NODES, Node

LABEL = "modelled"
"""Goes with every energy, time and area that is made here."""

SQUARE_MICROMETRE = 1e-12
"""(m2)."""

# --------------------------------------------------------------------------- converters

SURVEY = (
    (6.3, 0.25, 2.3e-12, 0.0026e-6),
    (6.3, 0.50, 4.3e-12, 0.0044e-6),
    (7.3, 0.25, 2.5e-12, 0.0030e-6),
    (7.3, 0.50, 3.6e-12, 0.0058e-6),
    (8.3, 0.25, 10.0e-12, 0.031e-6),
    (8.3, 0.50, 18.0e-12, 0.063e-6),
)
"""Effective bits, quantile, energy of a conversion (J), area (m2): B. Murmann, ADC performance survey,
revision 20250609, converters since 2012 in 65 nm or below up to 1.5 GS/s; 8, 7 and 8 of them."""

MERIT = ((0.05, 3.7e-15), (0.25, 16e-15), (0.50, 36.5e-15))
"""Quantile and energy per conversion step (J), P/(2^ENOB f), of the same survey since 2015."""


def _deviate(quantile: float) -> float:
    checks.between("quantile", quantile, 0.001, 0.999)
    return NormalDist().inv_cdf(quantile)


@cache
def energy_law() -> tuple[float, float]:
    """Return median (J) and spread of the logarithm of the energy per conversion step.

    Least squares of ln(E/2^bits) = ln(median) + spread z over the nine points of `SURVEY` and `MERIT`, z the
    normal deviate of their quantile.
    """
    points = [(q, e / 2.0**bits) for bits, q, e, _ in SURVEY] + list(MERIT)
    design = np.array([(1.0, _deviate(q)) for q, _ in points])
    (middle, spread), *_ = np.linalg.lstsq(design, np.log([e for _, e in points]), rcond=None)
    return math.exp(middle), float(spread)


@cache
def area_law() -> tuple[float, float, float]:
    """Return median area at 8 bits (m2), growth of its logarithm per bit, and its spread, from `SURVEY`."""
    design = np.array([(1.0, bits - 8.0, _deviate(q)) for bits, q, _, _ in SURVEY])
    (middle, growth, spread), *_ = np.linalg.lstsq(design, np.log([a for *_, a in SURVEY]), rcond=None)
    return math.exp(middle), float(growth), float(spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """An analogue-to-digital converter by successive approximation.

    Parameters
    ----------
    bits : int
        Resolution, 1 to 14, taken for the effective one. The survey points are of 6.3 to 8.3 bits.
    quantile : float
        Of the survey, 0.001 to 0.999: 0.1 is better than nine converters of ten, 0.5 the middle.
    period : float
        Of its clock (s); a conversion takes bits + 1 of them.
    step_energy, step_area : float or None
        In place of the survey's laws: energy of a conversion per bit (J), area per bit (m2).
    """

    bits: int = 8
    quantile: float = 0.5
    period: float = 1e-9
    step_energy: float | None = None
    step_area: float | None = None

    def __post_init__(self) -> None:
        checks.between("bits of a converter", self.bits, 1, 14)
        _deviate(self.quantile)
        checks.between("period of a converter", self.period, 1e-12, 1, "s")
        for name in ("step_energy", "step_area"):
            checks.at_least(name, getattr(self, name) or 0.0, 0)

    @property
    def energy(self) -> float:
        """Of a conversion (J)."""
        if self.step_energy is not None:
            return self.bits * self.step_energy
        median, spread = energy_law()
        return float(median * math.exp(spread * _deviate(self.quantile)) * 2.0**self.bits)

    @property
    def area(self) -> float:
        """(m2)."""
        if self.step_area is not None:
            return self.bits * self.step_area
        median, growth, spread = area_law()
        return median * math.exp(growth * (self.bits - 8) + spread * _deviate(self.quantile))

    @property
    def latency(self) -> float:
        """Of a conversion (s)."""
        return (self.bits + 1) * self.period


# --------------------------------------------------------------------------- all of it

DAC_ENERGY, DAC_AREA = 3.9e-15, 0.166 * SQUARE_MICROMETRE
"""Of a 1-bit input driver at 1 GS/s (J, m2), as used by ISAAC; each further bit doubles both, up to 4."""

SENSE_ENERGY = 1.6e-15
"""Of a 1-bit sense amplifier, 28 nm at 1 GS/s (J), MNSIM 2.0."""

DRIVER_AREA, SENSE_AREA = 1000.0, 1000.0
"""Of the driver of a line and of a sense amplifier, in F2. Confidence: chosen."""

GATE_CAPACITANCE = 1e-9
"""Of a minimum transistor, per width of its gate (F/m). Confidence: recalled."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one product of a vector with an array takes. All modelled.

    Attributes
    ----------
    energy : dict of str to float
        By component (J).
    time : float
        From the first driver to the last conversion (s).
    operations : float
        Multiplications and additions: two for every weight.
    label : str
        "modelled".
    """

    energy: Mapping[str, float]
    time: float
    operations: float
    label: str = LABEL

    @property
    def total(self) -> float:
        """Energy of all components (J)."""
        return math.fsum(self.energy.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Periphery:
    """Drivers, converters and sense amplifiers around an array. All modelled.

    Parameters
    ----------
    driver_energy : float
        To drive one line once (J).
    gate_energy : float
        To switch the gates of one row once (J); 0 without transistors.
    driver_latency : float
        To select and set up (s).
    read_voltage : float
        (V), not 0.
    read_width : float
        For which the array is held in a read or for one bit of an input (s).
    sense_energy : float
        To sample one column once (J).
    converter : Converter
        Shared by columns.
    columns_per_converter : int
        At least 1.
    accumulate : {"digital", "analogue"}
        Convert after every bit of the input and add numbers, or once after the last bit.
    signed : bool
        A pulse carries a sign, so that an input of b bits takes b - 1 pulses.
    driver_area, sense_area : float
        Each (m2).
    """

    driver_energy: float
    gate_energy: float = 0.0
    driver_latency: float = 1e-9
    read_voltage: float = 0.2
    read_width: float = 10e-9
    sense_energy: float = SENSE_ENERGY
    converter: Converter = field(default_factory=Converter)
    columns_per_converter: int = 8
    accumulate: str = "digital"
    signed: bool = False
    driver_area: float = 0.0
    sense_area: float = 0.0

    def __post_init__(self) -> None:
        for name in ("driver_energy", "gate_energy", "driver_latency", "sense_energy", "driver_area",
                     "sense_area"):  # fmt: skip
            checks.at_least(name, getattr(self, name), 0)
        if self.read_voltage == 0.0 or not math.isfinite(self.read_voltage):
            raise ValueError(f"read_voltage must be finite and not 0 V, got {self.read_voltage}")
        checks.positive("read_width", self.read_width, "s")
        checks.at_least("columns_per_converter", self.columns_per_converter, 1)
        checks.one_of("accumulate", self.accumulate, ("digital", "analogue"))

    def converters(self, columns: int) -> int:
        """Return how many converters a number of columns has."""
        return -(-columns // self.columns_per_converter)

    def pulses(self, bits: int) -> int:
        """Return how many pulses an input of some bits takes."""
        checks.at_least("bits of an input", bits, 1)
        return max(1, bits - self.signed)

    @property
    def input_energy(self) -> float:
        """Of one input driver for one pulse beside the charge of the line (J)."""
        return DAC_ENERGY

    def product(
        self,
        rows: int,
        columns: int,
        *,
        bits: int = 1,
        cell_power: float = 0.0,
        cells_per_weight: int = 1,
    ) -> Cost:
        """Return what one product of a vector with an array takes.

        Parameters
        ----------
        rows, columns : int
            Of cells, all in use.
        bits : int
            Of every input.
        cell_power : float
            That the cells and lines take while a pulse is on (W), mean over inputs: of the actual
            conductances, such as ``read_voltage**2 * conductance.sum() / 2``.
        cells_per_weight : int
            2 for differential pairs.
        """
        pulses = self.pulses(bits)
        conversions = pulses if self.accumulate == "digital" else 1
        per_converter = -(-columns // self.converters(columns))
        energy = {
            "cells": pulses * cell_power * self.read_width,
            "driver": pulses * rows * (self.driver_energy + self.input_energy),
            "gate": pulses * rows * self.gate_energy,
            "sense": pulses * columns * self.sense_energy,
            "converter": conversions * columns * self.converter.energy,
        }
        time = (
            pulses * (self.driver_latency + self.read_width)
            + conversions * per_converter * self.converter.latency
        )
        return Cost(energy, time, 2.0 * rows * columns / cells_per_weight)

    def area(self, rows: int, columns: int) -> dict[str, float]:
        """Return the area of everything around an array by component (m2), the cells not included."""
        return {
            "driver": rows * (self.driver_area + DAC_AREA),
            "sense": columns * self.sense_area,
            "converter": self.converters(columns) * self.converter.area,
        }

    def table(self) -> dict[str, tuple[float, str]]:
        """Return every figure with its unit, as reports print them beside `LABEL`."""
        return {
            "driver energy": (self.driver_energy, "J"),
            "gate energy": (self.gate_energy, "J"),
            "driver latency": (self.driver_latency, "s"),
            "read width": (self.read_width, "s"),
            "sense energy": (self.sense_energy, "J"),
            "converter energy": (self.converter.energy, "J"),
            "converter latency": (self.converter.latency, "s"),
            "converter area": (self.converter.area, "m2"),
        }


def around(
    node: Node | str,
    columns: int,
    *,
    cell: str = "1T1R",
    converter: Converter | None = None,
    columns_per_converter: int = 8,
    read_voltage: float = 0.2,
    gate_voltage: float = 1.2,
    read_width: float = 10e-9,
) -> Periphery:
    """Return a periphery whose drivers charge the wires of a node, C V^2 a time.

    Parameters
    ----------
    node : Node or str
        Or the name of one of `NODES`.
    columns : int
        Cells on a line.
    cell : {"0T1R", "1S1R", "CRS", "1T1R", "2T2R"}
        Its typical area gives the pitch, 2 or 4 widths.
    converter : Converter, optional
        8 bits, median of the survey, by default.
    gate_voltage : float
        Of a row that is read, with transistors (V).
    """
    if isinstance(node, str):
        checks.one_of("node", node, NODES)
        node = NODES[node]
    checks.one_of("cell", cell, CELL_AREA)
    transistor = cell in ("1T1R", "2T2R")
    per_cell = node.segment(4.0 if transistor else 2.0)[1]
    # A minimum transistor is twice as wide as its gate is long.
    gate = per_cell + GATE_CAPACITANCE * 2.0 * node.half_pitch if transistor else 0.0
    square = node.half_pitch**2
    return Periphery(
        driver_energy=columns * per_cell * read_voltage**2,
        gate_energy=columns * gate * gate_voltage**2,
        read_voltage=read_voltage,
        read_width=read_width,
        converter=Converter() if converter is None else converter,
        columns_per_converter=columns_per_converter,
        driver_area=DRIVER_AREA * square,
        sense_area=SENSE_AREA * square,
    )


NEURRAM = {(1, 3): (8.99, 10.62, 3.45), (4, 6): (21.76, 29.11, 11.51), (8, 10): (50.52, 75.86, 27.51)}
"""Measured energy of a 130 nm chip by bits of input and output: neurons, input pulses, gate switching (fJ per
operation). W. Wan et al., Nature 608, 504 (2022), 10.1038/s41586-022-04992-8, as held in CiMLoop's tests."""


def neurram(output_bits: int) -> Periphery:
    """Return a periphery like that chip's: signed pulses bit by bit, one neuron per column, 256 x 256 cells.

    Its energies are fitted to the measured breakdown at 1-bit inputs and 3-bit outputs alone: that of the
    neuron is shared evenly by its samples and the steps of its conversion. Other bits are a prediction.
    """
    neuron, pulse, gate = (
        value * 1e-15 * 256 * 256 for value in NEURRAM[1, 3]
    )  # of a product, pairs of cells
    step = neuron / 256 / (1 + 3)
    return Periphery(
        driver_energy=pulse / 256 - DAC_ENERGY,
        gate_energy=gate / 256,
        sense_energy=step,
        converter=Converter(bits=output_bits, step_energy=step, step_area=0.0),
        columns_per_converter=1,
        accumulate="analogue",
        signed=True,
    )
