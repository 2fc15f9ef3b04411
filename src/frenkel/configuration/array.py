"""Configuration of an array: TOML with an [array] table, checked and converted to SI.

A file with a table ``[array]`` describes an array of cells, what stands around it and what is done with it::

    seed = 1

    [array]
    word_lines = 128
    bit_lines = 128
    crossing = "1T1R"
    node = "65 nm"

    [cells]
    kind = "card"
    card = "hfo2"

    [[phase]]
    kind = "program"
    ...
"""

import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ..array.heat.geometry import CrossbarGeometry, HeatMaterial
from ..array.lines.bias import UNSELECTED
from ..array.lines.wires import NODES
from ..checks import one_of
from .base import (
    Current,
    Document,
    ReadVoltage,
    Resistance,
    Section,
    Seed,
    Temperature,
    Time,
    Title,
    Voltage,
    before_the_end,
    checked,
    rising,
)
from .device import DeviceSection
from .phases import Sweep, check_turns
from .quantity import reads, writes
from .thermal import HeatCapacity

Conductance = Annotated[float, reads("S", 1e-15, 1.0), writes("S")]
Positive = Annotated[float, reads("ohm", 1e-3, 1e15), writes("ohm")]
Gain = Annotated[float, reads("A/V^2", 1e-12, 1.0), writes("A/V^2")]
PositiveVoltage = Annotated[float, reads("V", 1e-6, 10.0), writes("V")]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Cell = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]
Unselected = Literal["grounded", "floating", "half", "third"]
assert set(typing.get_args(Unselected)) == set(UNSELECTED)


class CardCellsSection(Section):
    """Cells of a statistical card, one draw of it per cell: of its jump-process model where it has one."""

    kind: Literal["card"]
    card: str = Field(min_length=1)


class LinearCellsSection(Section):
    """Resistors, each at random in one of two states."""

    kind: Literal["linear"]
    lrs: Positive
    hrs: Positive
    share: float = Field(default=0.5, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _check(self) -> "LinearCellsSection":
        rising("lrs", self.lrs, "hrs", self.hrs, "ohm")
        return self


class GapCellsSection(Section):
    """Cells with a tunnelling gap whose four features are given here, for study and tests."""

    kind: Literal["gap"]
    hrs: Positive
    lrs: Positive
    set_voltage: Voltage
    reset_voltage: Voltage
    spread: float = Field(default=0.0, ge=0.0, le=2.0)  # of ln(hrs) and ln(lrs), from cell to cell
    voltage_spread: float = Field(default=0.0, ge=0.0, le=0.5)  # of both voltages, relative

    @model_validator(mode="after")
    def _check(self) -> "GapCellsSection":
        rising("lrs", self.lrs, "hrs", self.hrs, "ohm")
        if not self.reset_voltage < 0.0 < self.set_voltage:
            raise ValueError(
                "set_voltage must be above and reset_voltage below 0 V, "
                f"got {self.set_voltage:g} and {self.reset_voltage:g} V"
            )
        return self


class LiveCellsSection(Section):
    """Kinetic Monte Carlo devices, formed one by one before they stand in the array.

    With ``workers`` above 1 as many processes form and advance them; the result is the same bit by bit.
    """

    kind: Literal["live"]
    material: str = Field(min_length=1)
    device: DeviceSection
    compliance: Current
    edge: Time = 1e-10
    forming: list[Sweep] = Field(min_length=1)
    workers: int | None = Field(default=None, ge=1, le=1024)

    @model_validator(mode="after")
    def _check(self) -> "LiveCellsSection":
        check_turns(self.forming, key="forming")
        return self


AnyCells = Annotated[
    CardCellsSection | LinearCellsSection | GapCellsSection | LiveCellsSection, Field(discriminator="kind")
]


class TransistorSection(Section):
    """Access transistor of every cell; the numbers are yours."""

    threshold: Voltage
    gain: Gain
    slope_factor: float = Field(default=1.3, ge=1.0, le=5.0)
    gate: Voltage


class SelectorSection(Section):
    """Selector of every cell, current ``saturation`` sinh(V/``slope_voltage``)."""

    kind: Literal["exponential"] = "exponential"
    saturation: Annotated[float, reads("A", 1e-300, 1.0), writes("A")]
    slope_voltage: PositiveVoltage


class ThresholdSelectorSection(Section):
    """Selector of every cell that turns on above ``threshold`` over the crossing and off below ``hold``."""

    kind: Literal["threshold"]
    threshold: PositiveVoltage
    hold: PositiveVoltage
    on_resistance: Positive
    off_resistance: Positive

    @model_validator(mode="after")
    def _check(self) -> "ThresholdSelectorSection":
        rising("hold", self.hold, "threshold", self.threshold, "V")
        rising("on_resistance", self.on_resistance, "off_resistance", self.off_resistance, "ohm")
        return self


def _exponential(given: Any) -> Any:
    """Return a selector with its kind, which files need not name."""
    return {"kind": "exponential", **given} if isinstance(given, Mapping) else given


AnySelector = Annotated[
    SelectorSection | ThresholdSelectorSection, Field(discriminator="kind"), BeforeValidator(_exponential)
]


Length = Annotated[float, reads("m", 1e-10, 1e-4), writes("m")]
Conductivity = Annotated[float, reads("W/(m K)", 1e-3, 1e4), writes("W/(m K)")]
VolumeCapacity = Annotated[float, reads("J/(m^3 K)", 1e3, 1e8), writes("J/(m^3 K)")]


class HeatMaterialSection(Section):
    """What conducts and stores heat."""

    conductivity: Conductivity
    capacity: VolumeCapacity


class HeatGeometrySection(Section):
    """Heat between cells, from the sizes of a stack of crossbars on a heat sink.

    Of the layers of cells one is simulated, ``layer``; 1 is that next to the heat sink.
    """

    kind: Literal["geometry"]
    layers: int = Field(default=1, ge=1, le=32)
    layer: int = Field(default=1, ge=1, le=32)
    pitch: Length
    line_width: Length
    line_height: Length
    cell_height: Length
    filament: Length
    spacer: Length
    base: Length
    cover: Length
    line: HeatMaterialSection
    oxide: HeatMaterialSection
    insulator: HeatMaterialSection

    @model_validator(mode="after")
    def _check(self) -> "HeatGeometrySection":
        if self.layer > self.layers:
            raise ValueError(f"layer must be one of {self.layers} layers, got {self.layer}")
        self.geometry((1, 1))
        return self

    def geometry(self, shape: tuple[int, int]) -> CrossbarGeometry:
        """Return the geometry of an array of some shape."""
        materials: dict[str, Any] = {
            name: HeatMaterial(**getattr(self, name).model_dump()) for name in ("line", "oxide", "insulator")
        }
        sizes = self.model_dump(exclude={"kind", "layer", *materials})
        return CrossbarGeometry(shape=shape, **sizes, **materials)


class HeatMatrixSection(Section):
    """Heat between cells, from a matrix of thermal resistances (K/W) in a text file, cells in C order."""

    kind: Literal["matrix"]
    file: str = Field(min_length=1)
    capacity: HeatCapacity  # of each cell


AnyHeat = Annotated[HeatGeometrySection | HeatMatrixSection, Field(discriminator="kind")]


class ArraySection(Section):
    """Size, crossings and lines.

    ``node`` gives the resistance of a segment of every line; ``word_resistance`` and ``bit_resistance`` say
    it directly (with transistors: of bit and source lines). A crossing of CRS is two cells back to back.
    """

    word_lines: int = Field(ge=1, le=4096)
    bit_lines: int = Field(ge=1, le=4096)
    crossing: Literal["0T1R", "1S1R", "1T1R", "CRS"] = "0T1R"
    temperature: Temperature = 300.0
    node: str = "65 nm"
    word_resistance: Resistance | None = None
    bit_resistance: Resistance | None = None
    source_line_resistance: Resistance | None = None
    driver_resistance: Resistance = 0.0
    scheme: Unselected = "half"
    steps: int = Field(default=1, ge=1, le=10_000)  # parts of a pulse, passive arrays
    stuck: float = Field(default=0.0, ge=0.0, le=1.0)  # fraction of cells that no pulse moves
    stuck_resistance: Positive = 1e12  # of each of them, high for open ones
    transistor: TransistorSection | None = None
    selector: AnySelector | None = None
    rectification: float = Field(default=1.0, ge=1.0, le=1e12)  # forward over reverse current, 0T1R
    thermal: AnyHeat | None = None

    @model_validator(mode="after")
    def _check(self) -> "ArraySection":
        one_of("node", self.node, NODES)
        if self.crossing == "1T1R" and self.transistor is None:
            raise ValueError("a crossing of 1T1R needs a section array.transistor")
        if self.crossing == "1S1R" and self.selector is None:
            raise ValueError("a crossing of 1S1R needs a section array.selector")
        if self.crossing != "0T1R" and self.rectification != 1.0:
            raise ValueError(f"rectification is for a crossing of 0T1R, got one of {self.crossing}")
        if self.thermal is not None and self.crossing not in ("0T1R", "1S1R"):
            raise ValueError(f"array.thermal is for crossings of 0T1R and 1S1R, got {self.crossing}")
        return self


class PeripherySection(Section):
    """Drivers and converters; all figures that follow are modelled."""

    adc_bits: int = Field(default=8, ge=1, le=14)
    adc_quantile: float = Field(default=0.5, ge=0.001, le=0.999)
    bit_lines_per_adc: int = Field(default=8, ge=1, le=4096)
    full_scale: Current | None = None
    read_voltage: ReadVoltage = 0.2
    read_width: Time = 10e-9
    driver_latency: Time = 1e-9
    settling: Time | None = None


class BlindSection(Section):
    """Equal pulses without a read."""

    kind: Literal["blind"]
    amplitude: Voltage
    width: Time
    count: int = Field(default=1, ge=1, le=1_000_000)


class _VerifiedSection(Section):
    width: Time
    tolerance: Share = 0.05
    limit: int = Field(default=100, ge=1, le=1_000_000)


class WriteVerifySection(_VerifiedSection):
    """Equal pulses up or down, with a read after each."""

    kind: Literal["write-verify"]
    set_amplitude: Voltage
    reset_amplitude: Voltage


class IncrementalSection(_VerifiedSection):
    """Pulses that grow until the target is passed."""

    kind: Literal["incremental"]
    set_start: Voltage
    reset_start: Voltage
    step: Voltage
    most: Voltage


class GateIncrementalSection(_VerifiedSection):
    """SET pulses under a growing gate voltage."""

    kind: Literal["gate-incremental"]
    set_amplitude: Voltage
    reset_amplitude: Voltage
    gate_start: Voltage
    gate_step: Voltage
    gate_most: Voltage
    reset_gate: Voltage
    back: Voltage = 20.0
    beyond: bool = False


class CurrentLimitedSection(_VerifiedSection):
    """SET pulses under the current that makes the target."""

    kind: Literal["current-limited"]
    set_amplitude: Voltage
    reset_amplitude: Voltage
    voltage: ReadVoltage
    reset_gate: Voltage


AnyScheme = Annotated[
    BlindSection | WriteVerifySection | IncrementalSection | GateIncrementalSection | CurrentLimitedSection,
    Field(discriminator="kind"),
]


class TargetsSection(Section):
    """Conductances that cells are brought to: levels at random, or weights of a file."""

    least: Conductance
    most: Conductance
    levels: int = Field(default=16, ge=2, le=65536)
    weights: str | None = None  # text file with a row per word line; 0 is least, 1 is most

    @model_validator(mode="after")
    def _check(self) -> "TargetsSection":
        rising("least", self.least, "most", self.most, "S")
        return self


class _Phase(Section):
    name: Title = ""


class ProgramPhase(_Phase):
    """Bring cells to their targets."""

    kind: Literal["program"]
    scheme: AnyScheme
    targets: TargetsSection
    parallel: Literal["cell", "word line"] = "cell"
    cadence: Time | None = None


class _WaitPhase(Section):
    """Let time pass, with looks at the array evenly spaced in its logarithm."""

    name: Title = ""
    duration: Time
    first: Time = 1e-3
    looks: int = Field(default=20, ge=2, le=10_000)

    @model_validator(mode="after")
    def _check(self) -> "_WaitPhase":
        before_the_end(self.first, self.duration)
        return self


class RestPhase(_WaitPhase):
    """Let time pass, with rows of the monitor."""

    kind: Literal["rest"]


class RetentionPhase(_WaitPhase):
    """Let time pass, and read cells at its start and at every look; all cells by default."""

    kind: Literal["retention"]
    cells: list[Cell] | None = Field(default=None, min_length=1)


class StaircasePhase(_Phase):
    """Pulses on one cell whose amplitude goes in equal steps, with a read after each."""

    kind: Literal["staircase"]
    cell: Cell
    start: Voltage
    stop: Voltage
    steps: int = Field(ge=2, le=1_000_000)
    width: Time
    gate: Voltage | None = None


class ReadDisturbPhase(_Phase):
    """Read one cell many times."""

    kind: Literal["read-disturb"]
    cell: Cell
    count: int = Field(ge=1, le=1_000_000)


class RefreshPhase(_Phase):
    """Read all programmed cells in rounds, and program those again that have moved too far.

    With a tolerance of 0 all are programmed again, without a read before.
    """

    kind: Literal["refresh"]
    period: Time
    rounds: int = Field(default=1, ge=1, le=10_000)
    tolerance: float = Field(default=0.1, ge=0.0, le=1.0)


class MultiplyPhase(_Phase):
    """Multiply random vectors with the array."""

    kind: Literal["multiply"]
    vectors: int = Field(ge=1, le=1_000_000)
    bits: int = Field(default=1, ge=1, le=16)


class MapPhase(_Phase):
    """Voltages and currents of all cells: one is selected, or all are read at once."""

    kind: Literal["map"]
    voltage: Voltage
    cell: Cell | None = None
    scheme: Unselected = "half"


class MarginPhase(_Phase):
    """Read margin against size, for some schemes, with and without the selector."""

    kind: Literal["margin"]
    sizes: list[Annotated[int, Field(ge=2, le=2048)]] = Field(min_length=1)
    schemes: list[Unselected] = Field(min_length=1)
    voltage: ReadVoltage
    selector_voltage: ReadVoltage | None = None


AnyArrayPhase = Annotated[
    ProgramPhase
    | RestPhase
    | RetentionPhase
    | RefreshPhase
    | StaircasePhase
    | ReadDisturbPhase
    | MultiplyPhase
    | MapPhase
    | MarginPhase,
    Field(discriminator="kind"),
]


class ArrayConfiguration(Document):
    """Everything that a run of an array is a function of.

    Attributes
    ----------
    title : str
    seed : int or None
        0 to 2**63 - 1; drawn and recorded where it is missing.
    documents : dict or None
        What files the configuration named hold; filled in when it is recorded.
    array, cells, periphery : sections
    phase : list
        What is done, in its order.
    log : bool
        Whether every operation of the controller is kept.
    """

    title: Title = ""
    seed: Seed | None = None
    documents: dict[str, Any] | None = Field(default=None, repr=False)
    array: ArraySection
    cells: AnyCells
    periphery: PeripherySection = PeripherySection()
    log: bool = True
    phase: list[AnyArrayPhase] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _give_temperature(cls, document: Any) -> Any:
        """Give live cells the temperature of the array."""
        sections = document if isinstance(document, Mapping) else {}
        array, cells = sections.get("array"), sections.get("cells")
        if not (isinstance(array, Mapping) and "temperature" in array and isinstance(cells, Mapping)):
            return document
        device = cells.get("device")
        if not isinstance(device, Mapping):
            return document
        return {**document, "cells": {**cells, "device": {"temperature": array["temperature"], **device}}}

    @model_validator(mode="after")
    def _check(self) -> "ArrayConfiguration":
        if isinstance(self.cells, LiveCellsSection):
            own, common = self.cells.device.temperature, self.array.temperature
            if own != common:
                raise ValueError(
                    "cells.device.temperature must be left out: all cells have array.temperature, "
                    f"{common:g} K, got {own:g} K"
                )
        if self.array.crossing == "CRS" and self.cells.kind not in ("card", "gap"):
            raise ValueError(f"a crossing of CRS needs cells of kind card or gap, got {self.cells.kind}")
        programmed = False
        for number, phase in enumerate(self.phase, start=1):
            if isinstance(phase, RefreshPhase) and not programmed:
                raise ValueError(f"phase {number} refreshes cells that no phase before it has programmed")
            if isinstance(phase, ProgramPhase):
                programmed = True
                gated = phase.scheme.kind in ("gate-incremental", "current-limited")
                if (gated or phase.parallel == "word line") and self.array.crossing != "1T1R":
                    refused_setting = f"scheme {phase.scheme.kind}" if gated else "parallel = 'word line'"
                    raise ValueError(f"phase {number}: {refused_setting} needs a crossing of 1T1R")
            self._check_cells(number, phase)
        return self

    def _check_cells(self, number: int, phase: "AnyArrayPhase") -> None:
        """Check what a phase does with single cells."""
        array, crossing = self.array, self.array.crossing
        if crossing == "CRS" and isinstance(phase, MarginPhase):
            raise ValueError(f"phase {number}: a margin is of single cells, not of a crossing of CRS")
        if isinstance(phase, StaircasePhase) and phase.gate is not None and crossing != "1T1R":
            raise ValueError(f"phase {number}: a gate needs a crossing of 1T1R")
        named = getattr(phase, "cells", None) or [getattr(phase, "cell", None)]
        for i, j in (cell for cell in named if cell is not None):
            if i >= array.word_lines or j >= array.bit_lines:
                raise ValueError(
                    f"phase {number}: cell must lie in an array of {array.word_lines} x {array.bit_lines} "
                    f"lines, got ({i}, {j})"
                )


def parse(document: Mapping[str, Any], origin: str = "the configuration") -> ArrayConfiguration:
    """Check a configuration of an array given as a dictionary.

    Raises
    ------
    ConfigurationError
        The first fault, naming the origin, the key and the value.
    """
    return checked(ArrayConfiguration, document, origin)
