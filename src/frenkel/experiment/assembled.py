"""From the configuration of an array to cells, lines, periphery and controller."""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..array import periphery
from ..array.columns import TransistorArray
from ..array.complementary import ComplementaryCells
from ..array.crossbar import Crossbar
from ..array.crosspoint import (
    Crosspoint,
    Direct,
    ExponentialSelector,
    OneTransistorOneResistor,
    SelfRectifying,
    ThresholdSelector,
    Transistor,
)
from ..array.crosstalk import ArrayHeat, Crosstalk, unmoved
from ..array.lines import wires
from ..array.lines.network import Lines
from ..array.live_cells import LiveCells
from ..array.live_processes import LiveWorkers, processes
from ..cells.card import Card
from ..cells.core import GapCore
from ..cells.files import packaged
from ..cells.gap_cells import CardCells
from ..cells.interface import Cells
from ..cells.jumping_cells import JumpingCardCells
from ..cells.resistors import FaultyCells, LinearCells
from ..configuration import device as configuration
from ..configuration.array import (
    ArrayConfiguration,
    CardCellsSection,
    GapCellsSection,
    HeatGeometrySection,
    LinearCellsSection,
    LiveCellsSection,
    ProgramPhase,
    TargetsSection,
    ThresholdSelectorSection,
)
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..events.clock import Clock, Log
from ..events.controller import Controller, Timing
from ..events.word_lines import TransistorWordLines
from ..kinetic.circuit import Circuit
from ..kinetic.device import Device
from ..typing import Floats
from .array_memory import check_memory, devices_of
from .device import build as build_device
from .protocol import Protocol

CELLS, TARGETS, VECTORS, STUCK, LOWER = 0, 1, 2, 3, 4
"""Streams of random numbers of one seed."""


def stream(seed: int, which: int) -> np.random.Generator:
    """Return one of the streams of random numbers of a run."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(which,)))


@contextmanager
def executors(configuration: ArrayConfiguration) -> Iterator[Sequence[Executor]]:
    """Give what live devices are advanced by: as many processes as the configuration asks for."""
    section = configuration.cells
    if not isinstance(section, LiveCellsSection) or section.workers is None or section.workers == 1:
        yield ()
        return
    with processes(section.workers) as workers:
        yield workers


@dataclass(frozen=True, slots=True)
class DeviceFactory:
    """Makes and forms device k of an array, in any process.

    Attributes
    ----------
    document : str
        Configuration of the device and its forming, with its material, as JSON.
    compliance : float
        While the array works (A).
    """

    document: str
    compliance: float

    def __call__(self, number: int) -> Device:
        """Return a device that is not formed yet."""
        device = build_device(self._settings().model_copy(update={"member": number}))
        device.connect(Circuit(compliance=self.compliance))
        return device

    def form(self, device: Device) -> None:
        """Form a device."""
        settings, circuit = self._settings(), device.circuit
        Protocol.of(settings, device).go()
        device.connect(circuit)

    def _settings(self) -> Configuration:
        return configuration.parse(json.loads(self.document))


@dataclass
class AssembledArray:
    """An array with what stands around it, ready to work.

    Attributes
    ----------
    configuration : ArrayConfiguration
        With its seed.
    folder : Path
        Where files with a relative name are looked for.
    documents : dict
        What they hold.
    executors : sequence of Executor
        Where live devices are advanced; without any, in this process.
    """

    configuration: ArrayConfiguration
    folder: Path
    seed: int
    documents: dict[str, Any] = field(default_factory=dict)
    executors: Sequence[Executor] = ()

    def __post_init__(self) -> None:
        settings = self.configuration
        check_memory(settings, self.folder)
        self.documents = dict(settings.documents or {})
        self.shape = settings.array.word_lines, settings.array.bit_lines
        self.node = wires.NODES[settings.array.node]
        self.periphery = self._periphery()
        self.cells = self._cells()
        self.array = self._array()
        self.log = Log() if settings.log else None
        section = settings.periphery
        timing = Timing.of(
            self.periphery, self.shape[1], full_scale=section.full_scale, settling=section.settling or 0.0
        )
        self.controller = Controller(Clock(), self.array, timing, self.log)

    # ------------------------------------------------------------------ what stands around

    def _periphery(self) -> periphery.Periphery:
        section, array = self.configuration.periphery, self.configuration.array
        around = periphery.around(
            self.node,
            array.bit_lines,
            cell=array.crossing,
            converter=periphery.Converter(bits=section.adc_bits, quantile=section.adc_quantile),
            columns_per_converter=section.bit_lines_per_adc,
            read_voltage=section.read_voltage,
            read_width=section.read_width,
            gate_voltage=array.transistor.gate if array.transistor else 0.0,
        )
        return replace(around, driver_latency=section.driver_latency)

    def transistor(self) -> Transistor:
        """Return the transistor of every cell."""
        section = self.configuration.array.transistor
        assert section is not None
        options = section.model_dump(exclude={"gate"})
        return Transistor(**options, temperature=self.configuration.array.temperature)

    def selector(self, shape: tuple[int, int]) -> Crosspoint:
        """Return the selectors of an array of some shape, off where they have a state."""
        section = self.configuration.array.selector
        if section is None:
            raise ConfigurationError("a margin with a selector needs a section array.selector")
        options = section.model_dump(exclude={"kind"})
        if isinstance(section, ThresholdSelectorSection):
            return ThresholdSelector(**options, shape=shape)
        return ExponentialSelector(**options)

    def direct(self, shape: tuple[int, int]) -> Crosspoint:
        """Return cells alone, of an array of some shape."""
        ratio = self.configuration.array.rectification
        return Direct() if ratio == 1.0 else SelfRectifying(ratio)

    def segments(self, pitch: float) -> tuple[float, float, float]:
        """Return the resistance of a segment of word, bit and source lines (ohm)."""
        array = self.configuration.array
        wire = self.node.segment(pitch)[0]
        resistances = array.word_resistance, array.bit_resistance, array.source_line_resistance
        word, bit, source = (wire if ohms is None else ohms for ohms in resistances)
        return word, bit, source

    def lines(self, shape: tuple[int, int]) -> Lines:
        """Return the lines of a passive array of some shape."""
        word, bit, _ = self.segments(2.0)
        driver = self.configuration.array.driver_resistance
        return Lines(
            shape=shape,
            word_resistance=word,
            bit_resistance=bit,
            word_source_resistance=driver,
            bit_source_resistance=driver,
        )

    def _array(self) -> TransistorWordLines | Crossbar:
        array = self.configuration.array
        if array.crossing != "1T1R":
            beside = self.selector if array.crossing == "1S1R" else self.direct
            return Crossbar(
                self.cells,
                self.lines(self.shape),
                beside(self.shape),
                scheme=array.scheme,
                steps=array.steps,
                heat=self._heat(),
            )
        assert array.transistor is not None
        _, bit, source = self.segments(4.0)
        transistors = TransistorArray(
            self.cells,
            OneTransistorOneResistor(transistor=self.transistor()),
            bit_resistance=bit,
            source_line_resistance=source,
            driver_resistance=array.driver_resistance,
            gate_on=array.transistor.gate,
        )
        return TransistorWordLines(transistors)

    def _heat(self) -> ArrayHeat | None:
        """Return the heat that cells give each other."""
        section = self.configuration.array.thermal
        if section is None:
            return None
        if reason := unmoved(self.cells):
            raise ConfigurationError(f"array.thermal changes nothing in these cells: {reason}")
        if isinstance(section, HeatGeometrySection):
            crosstalk = Crosstalk.of(section.geometry(self.shape), section.layer - 1)
        else:
            try:
                crosstalk = Crosstalk.of_matrix(
                    self.shape, self._matrix("thermal", section.file, "array.thermal.file"), section.capacity
                )
            except ValueError as error:
                raise ConfigurationError(f"array.thermal.file {section.file}: {error}") from None
        return ArrayHeat(crosstalk, self.cells)

    # ------------------------------------------------------------------ cells

    def _cells(self) -> Cells:
        array = self.configuration.array
        rng = stream(self.seed, CELLS)
        cells = self._of_kind(rng, self.seed)
        if array.crossing == "CRS":
            lower = self._of_kind(rng, int(stream(self.seed, LOWER).integers(2**63)))
            if not (isinstance(cells, CardCells) and isinstance(lower, CardCells)):
                raise ConfigurationError(
                    "cells of a crossing of CRS need a gap that moves, not those of a jump-process model: "
                    "name a card without one, or another crossing"
                )
            # All crossings hold a "0": upper cells as made in HRS, lower ones in LRS.
            lower.program(lower.window()[1])
            cells = ComplementaryCells(cells, lower)
        if array.stuck == 0.0:
            return cells
        stuck = stream(self.seed, STUCK).random(self.shape) < array.stuck
        return FaultyCells(cells, np.where(stuck, 1.0 / array.stuck_resistance, np.nan))

    def _of_kind(self, rng: np.random.Generator, seed: int) -> Cells:
        """Return cells of the kind that is configured; ``seed`` is that of cells of a card."""
        section, kelvin = self.configuration.cells, self.configuration.array.temperature
        if isinstance(section, LinearCellsSection):
            low = rng.random(self.shape) < section.share
            return LinearCells(np.where(low, 1.0 / section.lrs, 1.0 / section.hrs), kelvin)
        if isinstance(section, GapCellsSection):
            return gap_cells(section, self.shape, rng, kelvin)
        if isinstance(section, LiveCellsSection):
            return self._live(section)
        card = self.card(section)
        if card.jump_law is not None:
            # What devices did in jumps; the gap core repeats ramps alone.
            return JumpingCardCells.from_card(card, self.shape, seed, temperature=kelvin)
        return CardCells.from_card(card, self.shape, seed, temperature=kelvin)

    def card(self, section: CardCellsSection) -> Card:
        """Return the card of the cells: a file beside the configuration, or a packaged one by its name."""
        if "card" not in self.documents:
            path: str | Path = self.folder / section.card
            if not Path(path).is_file():
                if section.card not in packaged():
                    raise ConfigurationError(
                        f"cells.card must name a card, there is no file {path}; "
                        f"packaged ones: {', '.join(packaged())}"
                    )
                path = section.card
            self.documents["card"] = Card.load(path).to_dict()
        return Card.from_dict(self.documents["card"], section.card)

    def _live(self, section: LiveCellsSection) -> LiveCells:
        """Return formed devices, one member each, in this process or advanced by others."""
        m, n = self.shape
        settings = devices_of(section, self.seed, self.documents)
        settings = settings.recorded(settings.made_of(self.folder))
        self.documents["material"] = settings.material_document
        if settings.layer_documents:
            self.documents["layers"] = settings.layer_documents
        make = DeviceFactory(json.dumps(settings.document()), section.compliance)
        if self.executors:
            workers = LiveWorkers(make, self.shape, self.executors)
            workers.prepare(make.form)
            return LiveCells(workers.devices, edge=section.edge, advance=workers)
        devices = [[make(i * n + j) for j in range(n)] for i in range(m)]
        for device in itertools.chain(*devices):
            make.form(device)
        return LiveCells(devices, edge=section.edge)

    # ------------------------------------------------------------------ targets

    def check_program(self, number: int, phase: ProgramPhase, targets: Floats) -> None:
        """Refuse levels that the cells do not have, and pulses of the other polarity.

        Parameters
        ----------
        number : int
            Of the phase, from 1.
        targets : ndarray
            (S)

        Raises
        ------
        ConfigurationError
            Names the phase, what was given and what the cells have.
        """
        cells, scheme = self.cells, phase.scheme
        if not isinstance(cells, CardCells | JumpingCardCells):
            return
        nearest_levels = cells.nearest_level(targets)
        reach = getattr(scheme, "tolerance", 1.0) * targets
        too_far = np.abs(nearest_levels - targets) > reach
        if too_far.any():
            worst = np.unravel_index(
                int(np.argmax(np.abs(nearest_levels - targets) / targets)), targets.shape
            )
            raise ConfigurationError(
                f"phase {number}: targets must be levels that the cells have, got {targets[worst]:.3g} S, "
                f"and {nearest_levels[worst]:.3g} S is the nearest of them"
            )
        sign = self._sets_by()
        sides = ("above", "below") if sign > 0 else ("below", "above")
        for key in ("amplitude", "start"):
            set_value, reset_value = (
                getattr(scheme, f"{direction}_{key}", None) for direction in ("set", "reset")
            )
            if (
                set_value is not None
                and reset_value is not None
                and not sign * set_value > 0.0 > sign * reset_value
            ):
                raise ConfigurationError(
                    f"phase {number}: set_{key} must be {sides[0]} and reset_{key} {sides[1]} 0 V for "
                    f"these cells, got {set_value:g} and {reset_value:g} V"
                )

    def _sets_by(self) -> int:
        """Return the sign of the voltage that sets a cell."""
        section = self.configuration.cells
        features = self.card(section).features if isinstance(section, CardCellsSection) else ()
        return next((feature.sign for feature in features if feature.name == "set_voltage"), 1)

    def targets(self, section: TargetsSection) -> Floats:
        """Return the conductance that every cell is brought to (S)."""
        if section.weights is None:
            levels = np.linspace(section.least, section.most, section.levels)
            return np.asarray(stream(self.seed, TARGETS).choice(levels, self.shape))
        weights = self._weights(section.weights)
        if weights.shape != self.shape:
            raise ConfigurationError(
                f"weights of {section.weights} must have {self.shape[0]} rows and {self.shape[1]} columns, "
                f"got {weights.shape}"
            )
        out_of_range = ~((weights >= 0.0) & (weights <= 1.0))
        if out_of_range.any():
            i, j = np.argwhere(out_of_range)[0]
            raise ConfigurationError(
                f"weights of {section.weights} must lie between 0 and 1, got {weights[i, j]:g} "
                f"in row {i + 1}, column {j + 1}"
            )
        return np.asarray(section.least + weights * (section.most - section.least))

    def _weights(self, name: str) -> Floats:
        return self._matrix("weights", name, "weights")

    def _matrix(self, key: str, name: str, what: str) -> Floats:
        """Return the numbers of a text file, from then on a document of the configuration."""
        if key not in self.documents:
            path = self.folder / name
            try:
                values = np.loadtxt(path, delimiter="," if path.suffix == ".csv" else None, ndmin=2)
            except OSError:
                raise ConfigurationError(f"{what} must name a file, there is no file {path}") from None
            except ValueError as error:
                raise ConfigurationError(f"{key} of {path} must be numbers in rows: {error}") from None
            # JSON has no NaN; as a text it is read back as one.
            self.documents[key] = [
                [value if math.isfinite(value) else str(value) for value in row] for row in values.tolist()
            ]
        return np.asarray(self.documents[key], dtype=np.float64)


def gap_cells(
    section: GapCellsSection, shape: tuple[int, int], rng: np.random.Generator, kelvin: float
) -> CardCells:
    """Return cells whose features stand in the configuration, spread from cell to cell."""

    def spread(middle: float, width: float) -> Floats:
        return np.asarray(middle * np.exp(width * rng.standard_normal(shape)))

    features = {
        "hrs": spread(section.hrs, section.spread),
        "lrs": spread(section.lrs, section.spread),
        "set_voltage": spread(section.set_voltage, section.voltage_spread),
        "reset_voltage": spread(section.reset_voltage, section.voltage_spread),
    }
    return CardCells(GapCore(), features, shape, temperature=kelvin)
