"""From the atoms that stand in a device to its solved fields and the energies of all its events.

`Solver` is the seam between a run and a network: a run, a superbasin or an average over traps knows nothing
of bonds or contacts, only what `Solver.solved` returns.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..threads import one_blas_thread
from ..typing import Floats
from .circuit import Circuit, NonlinearDevice, OperatingPoint, Straight, VoltageRamp
from .fields._event_energies import FilamentFields
from .fields._event_rates import Candidates, EventRates, MechanismTables
from .fields._network_solver import LinearSolution, NodePotentials
from .fields._operating_point import CurrentLaw
from .fields.build import build_fields
from .fields.columns import Columns, build_columns
from .lattice.species import CATION, VACANCIES, VACANCY
from .mechanisms.traps import BondModulation, corners, nearest_nodes
from .mechanisms.two_level import ActiveSites
from .state import DeviceState

if TYPE_CHECKING:
    from .fields.heat_in_time import HeatNetwork, HeatReaders

CELL = 0.05
"""Width (V) of the cells of voltage within which lines stand for the work and heat of a nonlinear network."""

CHORD_STEP = 2e-3
"""Change of the source voltage (V) over which a device with a contact's law is taken as a resistor."""

RATE_STEP = 5e-3
"""Relative change of the voltage over which the slope of the rates of atoms is taken."""

NO_SITES: NDArray[np.int32] = np.zeros(0, np.int32)

NO_POWER: Floats = np.zeros(0)

KEPT_SIZE, WEIGHED = 6e6, 16
"""Bytes of the arrangements that a solver keeps, and after how many more it sees how many they are."""


@dataclass(slots=True)
class VoltageNode:
    """A nonlinear network at an end of a cell of voltage; temperature rises are over the voltage.

    Attributes
    ----------
    events : (3, n) float64
        By candidate: work of the bias (eV), temperature rise over the voltage (K/V), and the part of the
        work that is done beyond the bond whose dipole sees the field (eV).
    nodes : (m,) float64
        What heats the nodes (K/V).
    error : float
        Bound on the error of any potential without the moving atom (V at 1 V).
    power : ndarray
        Power of nodes and electrodes over kappa a (K/V), where heat takes time.
    """

    events: Floats
    nodes: Floats
    error: float
    power: Floats = field(default_factory=lambda: NO_POWER)


def at_rest(n_events: int, n_nodes: int, power: Floats = NO_POWER) -> VoltageNode:
    """Return the end at 0 V: there is no work, and heat grows with the voltage squared."""
    return VoltageNode(np.zeros((3, n_events)), np.zeros(n_nodes), 0.0, power)


@dataclass(slots=True)
class VoltageInterval:
    """What holds in one cell of voltage: rates; lines of the nodes' rises and of the power, over V."""

    events: EventRates
    heat: Floats
    power: Floats

    def rise(self, voltage: float) -> float:
        """Return the largest temperature rise (K) of a node."""
        rises = (self.heat[0] + self.heat[1] * voltage) * voltage
        return float(rises.max()) if rises.size else 0.0


def line(low: float, high: float, at_low: Floats, at_high: Floats) -> Floats:
    """Return the straight line through values at two voltages (V): its value at 0 V, and per volt."""
    slope = (at_high - at_low) / (high - low)
    return np.array([at_low - slope * low, slope])


@dataclass(slots=True, eq=False)
class PowerLine:
    """Power of one arrangement between two voltages, and the steady field of it.

    Attributes
    ----------
    network : HeatNetwork
    power : ndarray of shape (2, m + e)
        p0 and p1 of the power (p0 + p1 V) V over kappa a (K) of nodes and of electrodes that are reservoirs.
    rises : ndarray of shape (2, m)
        The same of the steady rises of the nodes.
    """

    network: HeatNetwork
    power: Floats
    rises: Floats
    _units: tuple[Floats, Floats] | None = None

    def at(self, voltage: float) -> Floats:
        """Return the power over kappa a (K) of nodes and electrodes at a voltage (V)."""
        return np.asarray((self.power[0] + self.power[1] * voltage) * voltage)

    def steady(self, voltage: float) -> Floats:
        """Return the steady field at a voltage (V)."""
        first, second = self.units()
        return np.asarray((first + second * voltage) * voltage)

    def steepness(self, voltage: float) -> Floats:
        """Return the derivative of the steady field by the voltage (K/V)."""
        first, second = self.units()
        return np.asarray(first + 2.0 * second * voltage)

    def units(self) -> tuple[Floats, Floats]:
        """Return the steady fields of p0 and p1, solved once."""
        if self._units is None:
            network, lattice = self.network, self.network.lattice
            if lattice.reservoirs:
                solve, source, zero = network.solve, network.source, lattice.zero()
                first, second = (solve(0.0, source(one)) if one.any() else zero for one in self.power)
            else:
                # Heat that bonds take away from the nodes is known from their rises.
                left = [p - network.conductance @ h for p, h in zip(self.power, self.rises, strict=True)]
                pole = lattice.pole(0.0)
                first, second = (lattice.respond(pole, network.source(one)) for one in left)
            self._units = first, second
        return self._units

    def size(self) -> int:
        """Return about how many bytes this is."""
        return 2 * (int(self.power[0].nbytes) + 8 * self.network.lattice.n)


@dataclass(slots=True, eq=False)
class ArrangementHeat:
    """Heat of one arrangement in time: its bonds, its power, and where its events read a temperature.

    Attributes
    ----------
    network : HeatNetwork
    readers : HeatReaders
    linear : PowerLine or None
        At any voltage, where power grows with the voltage squared.
    """

    network: HeatNetwork
    readers: HeatReaders
    linear: PowerLine | None = None
    _lines: list[tuple[VoltageInterval, PowerLine]] = field(default_factory=list)

    def line(self, now: Solved, voltage: float, slope: float) -> PowerLine:
        """Return the power at a voltage (V) and on along its slope."""
        if self.linear is not None:
            return self.linear
        cell = now.cell(voltage, slope)
        assert cell is not None
        for known, line in self._lines:
            if known is cell:
                return line
        line = PowerLine(self.network, cell.power, cell.heat)
        self._lines.append((cell, line))
        return line

    def size(self) -> int:
        """Return about how many bytes this is."""
        lines = [line for _, line in self._lines] if self.linear is None else [self.linear]
        return self.network.size() + sum(line.size() for line in lines)


@dataclass(slots=True)
class Solved:
    """Solved fields and event energies of one arrangement of atoms, valid at any voltage.

    Attributes
    ----------
    events : EventRates
        Candidates, their energies, and their rates at a voltage; of a nonlinear network what the voltage adds
        is NaN there, see `at`.
    conductance : float
        Current over voltage (S), at low voltage where the device is not ohmic.
    heat_max : float
        Largest temperature rise at 1 V (K).
    solver_error : float
        Last correction of the potential (V at 1 V).
    removal_error : float
        Bound on the error of any potential without the moving atom (V at 1 V).
    law : callable, optional
        Current (A) at a voltage (V), where it is not ohmic.
    make_ends : callable, optional
        Solves a nonlinear network at voltages (V), ends of cells.
    ends, cells : dict
        Those that were asked for, by number: an end serves the cells on both of its sides.
    point : tuple, optional
        The last operating point that was asked for, after its circuit and source voltage (V).
    heat : ArrangementHeat, optional
        Where heat takes time.
    active : ActiveSites, optional
        Two-level sites that act on this network.
    node_rise : ndarray
        Temperature rises of the nodes at 1 V (K) of a linear network, where there are such sites.
    """

    events: EventRates
    conductance: float
    heat_max: float
    solver_error: float
    removal_error: float
    law: Callable[[float], float] | None = None
    make_ends: Callable[[list[float]], list[VoltageNode]] | None = None
    ends: dict[int, VoltageNode] = field(default_factory=dict)
    cells: dict[int, VoltageInterval] = field(default_factory=dict)
    point: tuple[Circuit, float, OperatingPoint] | None = None
    heat: ArrangementHeat | None = None
    active: ActiveSites | None = None
    node_rise: Floats = field(default_factory=lambda: NO_POWER)

    def size(self) -> int:
        """Return about how many bytes this is: a reader at many voltages has it grow by a cell at each."""
        law = self.law.size if isinstance(self.law, CurrentLaw) else 0
        ends = sum(end.events.nbytes + end.nodes.nbytes for end in self.ends.values())
        cells = sum(cell.events.nbytes + cell.heat.nbytes for cell in self.cells.values())
        heat = 0 if self.heat is None else self.heat.size()
        heat += 0 if self.active is None else self.active.nbytes + self.node_rise.nbytes
        return self.events.candidates.nbytes + self.events.nbytes + ends + cells + law + heat

    def cell(self, voltage: float, slope: float = 0.0) -> VoltageInterval | None:
        """Return the cell of a voltage (V), at an end the one that its slope leads into; None if linear."""
        if self.make_ends is None:
            return None
        at = voltage / CELL
        number = math.floor(at + 1e-9) if slope >= 0.0 else math.ceil(at - 1e-9) - 1
        if number not in self.cells:
            missing = [k for k in (number, number + 1) if k not in self.ends]
            if missing:
                solved = self.make_ends([CELL * k for k in missing])
                self.ends.update(zip(missing, solved, strict=True))
            self.cells[number] = self._join(number)
        return self.cells[number]

    def _join(self, number: int) -> VoltageInterval:
        """Return the cell between two ends that are there."""
        low, high = CELL * number, CELL * (number + 1)
        first, second = self.ends[number], self.ends[number + 1]
        self.removal_error = max(self.removal_error, first.error, second.error)
        events = self.events.between(low, high, first.events, second.events)
        power = line(low, high, first.power, second.power) if second.power.size else NO_POWER
        return VoltageInterval(events, line(low, high, first.nodes, second.nodes), power)

    def at(self, voltage: float, slope: float = 0.0) -> EventRates:
        """Return candidates and rates that hold at a voltage (V) and a little on along its slope."""
        cell = self.cell(voltage, slope)
        return self.events if cell is None else cell.events

    def rise(self, voltage: float) -> float:
        """Return the largest temperature rise (K) at a voltage (V)."""
        cell = self.cell(voltage)
        return self.heat_max * voltage * voltage if cell is None else cell.rise(voltage)

    def site_rise(self, voltage: float, slope: float = 0.0) -> Floats:
        """Return the temperature rise (K) at each active two-level site at a voltage (V)."""
        assert self.active is not None
        cell = self.cell(voltage, slope)
        if cell is None:
            nodes = self.node_rise * voltage**2
        else:
            nodes = (cell.heat[0] + cell.heat[1] * voltage) * voltage
        return np.asarray(self.active.mix @ nodes)

    def sharpness(self, voltage: float, slope: float = 0.0) -> float:
        """Return d ln(total rate) by ln(voltage) at a voltage (V), 0 where there is no rate."""
        events = self.at(voltage, slope)
        low, high = (events.total(voltage * (1.0 + sign * RATE_STEP)) for sign in (-1, 1))
        return abs(math.log(high / low)) / (2.0 * RATE_STEP) if low > 0.0 and high > 0.0 else 0.0

    def ramp(
        self, circuit: Circuit, source: float, slope: float, duration: float, resolution: float
    ) -> VoltageRamp:
        """Return the voltage of the device while the source (V) moves straight: how far one line holds."""
        if self.make_ends is None:
            # One resistor; with the law of a contact, over a small step, its chord.
            if self.law is not None and slope != 0.0:
                duration = min(duration, CHORD_STEP / abs(slope))
            return circuit.ramp(source, slope, duration, self.chord(circuit, source), resolution)
        law = self._nonlinear()
        point = self.settle(circuit, source)
        if slope == 0.0:
            return VoltageRamp(point.device_voltage, 0.0, duration)
        events = self.at(point.device_voltage, slope)
        voltage_end = events.high if slope > 0.0 else events.low
        return circuit.nonlinear_ramp(point, source, slope, duration, law, voltage_end, resolution)

    def settle(self, circuit: Circuit, source: float) -> OperatingPoint:
        """Return the operating point at a source voltage (V), where the law is one of bonds."""
        # Each is asked for twice: after the event that led here, and by the wait for the next one.
        if self.point is None or self.point[0] is not circuit or self.point[1] != source:
            self.point = circuit, source, circuit.settle(source, self._nonlinear())
        return self.point[2]

    def _nonlinear(self) -> NonlinearDevice:
        """Return the law, or the straight line of a network that has none before some atom leaves it."""
        return self.law if isinstance(self.law, CurrentLaw) else Straight(self.conductance)

    def current(self, voltage: float) -> float:
        """Return the current (A) at a device voltage (V)."""
        return voltage * self.conductance if self.law is None else self.law(voltage)

    def chord(self, circuit: Circuit, source_voltage: float) -> float:
        """Return current over voltage (S) at the operating point of a circuit."""
        if self.law is None or source_voltage == 0.0:
            return self.conductance
        if isinstance(self.law, CurrentLaw):
            point = self.settle(circuit, source_voltage)
        else:
            point = circuit.solve(source_voltage, self.law)
        return point.current / point.device_voltage if point.device_voltage else self.conductance

    def device_voltage(self, circuit: Circuit, source_voltage: float) -> float:
        """Return the voltage (V) that the device gets in a circuit."""
        return circuit.device_voltage(source_voltage, self.chord(circuit, source_voltage))


class Solver(ABC):
    """Fields and event energies of the present atoms of a device, the last arrangements kept.

    A further kind of network is a subclass with two methods. `solve` gives a `Solved`:

    - the current: ``conductance`` where it is ohmic, else a ``law`` that is continuous, zero at 0 V and of
      the sign of the voltage; a run follows it in chords;
    - the heat: temperature rises at 1 V, which grow with the voltage squared;
    - in ``events``, for every candidate of `candidates`, an energy that is a number plus another times the
      voltage, so that an arrangement is solved once for all voltages of a ramp; taken without the moving
      atom, so that the way back costs exactly minus as much;
    - bounds on the errors of both, stated and not assumed.

    `maps` gives potential and temperature for the eye. Neither may depend on what was solved before; last
    digits of `solve` may, in large networks and no further back than the last `forget`.

    Parameters
    ----------
    state : DeviceState
        Whose engine holds the arrangement that is asked for.
    fields : FilamentFields or Columns
        Compiled network with ``solve(...)`` and ``event_rates(...)``.
    kept : int
        Arrangements kept, so that a flickering pair costs no solves.
    """

    def __init__(self, state: DeviceState, fields: Any, kept: int) -> None:
        self.state, self.fields, self.tables = state, fields, dict(state.engine.tables())
        self.tables["dipole"] = self.tables["dipole"] / self.tables["length"]
        codes = [kind.code for kind in state.chemistry.kinds]
        self.mechanisms = MechanismTables(self.tables, state.temperature, *codes[1:])
        self._kept = OrderedDict[tuple[int, tuple[bool, ...], bytes], tuple[NDArray[np.int8], Solved]]()
        self._most_kept, self._unweighed, self._factor = kept, 0, state.relaxed_factor
        self._light, self._chained = state.light_factor, False  # a solution goes on from one before

    @abstractmethod
    def solve(self, species: NDArray[np.int8]) -> Solved:
        """Solve the fields of an arrangement, and give the candidates of the engine their energies."""

    @abstractmethod
    def maps_at(self, species: NDArray[np.int8], voltage: float) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature rise (K) of every host site at a voltage (V)."""

    def solved(self, *, refresh: bool = False) -> Solved:
        """Return fields and event energies of the present arrangement, solved unless kept from before."""
        # An empty electrode gives nothing back: the same atoms have other candidates beside it.
        engine = self.state.engine
        factor, light = self.state.relaxed_factor, self.state.light_factor
        if self._factor is not factor or self._light is not light:
            self._factor, self._light = factor, light
            self.forget()  # the oxide has relaxed, or the light is another
        full, sites = tuple(atoms > 0 for atoms in engine.reservoir), self.state.two_level
        stored = self._kept.get(key := (engine.mark, full, b"" if sites is None else sites.key))
        # A mark may be shared, which the species themselves tell.
        if stored is not None and not refresh and engine.holds(stored[0]):
            self._kept.move_to_end(key)
            return stored[1]
        species = engine.species
        solved = self.solve(species)
        self.state.count_solution()
        self._kept[key] = species, solved
        self._kept.move_to_end(key)
        if len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        self._weigh()
        return solved

    def _weigh(self) -> None:
        """Drop the oldest arrangements that are kept where all take too much memory; the last one stays."""
        self._unweighed += 1
        if self._unweighed < WEIGHED:
            return
        self._unweighed = 0
        total = sum(len(species) + solved.size() for species, solved in self._kept.values())
        while total > KEPT_SIZE and len(self._kept) > 1:
            species, solved = self._kept.popitem(last=False)[1]
            total -= len(species) + solved.size()

    def forget(self) -> None:
        """Drop the arrangements that are kept."""
        self._kept.clear()
        self._chained = False
        self._unweighed = 0  # a run that goes on from here must drop the same ones

    def part(self) -> None:
        """Go on elsewhere: keep only what does not hang, to the last digit, on what was solved before."""
        if self._chained:
            self.forget()

    def maps(self, voltage: float) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature rise (K) of every host site at a voltage (V)."""
        with one_blas_thread():
            return self.maps_at(self.state.engine.species, voltage)

    def candidates(self) -> Candidates:
        """Return every event that is possible now; its energy in the fields is not known yet."""
        candidates = self.mechanisms.candidates(self.state.engine.catalogue())
        if self._light is not None:
            candidates.scale_mechanisms(self._light)
        return candidates

    def event_rates(self, of: Candidates, species: NDArray[np.int8]) -> EventRates:
        """Return the energies of candidates in the fields as they are solved."""
        state, ions = self.state, NO_SITES
        if len(species) > state.n_hosts:
            charged = state.charges[species[state.n_hosts :]] != 0.0
            ions = (np.flatnonzero(charged) + state.n_hosts).astype(np.int32)
        if state.material.has("charge_states"):
            # Other vacancies are charged by rule: isolated ones are, clustered ones are neutral.
            second_vacancies = np.flatnonzero(species[: state.n_hosts] == VACANCIES[1].code).astype(np.int32)
            ions = np.concatenate([second_vacancies, ions])
        rates: EventRates = self.fields.event_rates(of, VACANCY.code, state.charges, ions, species[ions])
        return rates


class ColumnSolver(Solver):
    """Independent columns with a contact: every potential is a closed form, and traps are refused."""

    fields: Columns

    def solve(self, species: NDArray[np.int8]) -> Solved:
        """Solve an arrangement; the current follows the law of the contacts."""
        candidates = self.candidates()
        with one_blas_thread():
            self.fields.solve(self.state.conducting(species))
            events = self.event_rates(candidates, species)
        return Solved(events, self.fields.conductance, self.fields.heat_max, 0.0, 0.0, self.fields.law())

    def maps_at(self, species: NDArray[np.int8], voltage: float) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature rise (K) of every host site at a voltage (V)."""
        self.fields.solve(self.state.conducting(species))
        potential, rise = self.fields.maps()
        return potential * voltage, rise * voltage**2


class FilamentSolver(Solver):
    """A network of defects whose bonds obey laws by class, and electron traps that modulate them."""

    fields: FilamentFields

    def __init__(self, state: DeviceState, fields: FilamentFields, kept: int) -> None:
        super().__init__(state, fields, kept)
        traps = state.chemistry.traps
        self._passed: Floats | None = None  # factors that the fields have
        self._share = state.material.disorder.metallic_share if state.material.has("disorder") else 1.0
        self._modulation: BondModulation | None = None
        if len(traps):
            self._modulation = BondModulation(state.material, state.lattice, traps, state.temperature)
        self._corners = corners(state.lattice, traps)
        self._bias_of, self._bias = b"", (np.zeros(0),) * 3
        self._present: tuple[EventRates | None, LinearSolution | None] = None, None  # network held, solved
        self._last: EventRates | None = None  # of whose network K is kept

    def forget(self) -> None:
        """Drop the arrangements that are kept."""
        super().forget()
        self.fields.solver.drop_kept()
        self._bias_of, self._last = b"", None

    def part(self) -> None:
        """Drop K that is kept, and all arrangements where one of them was solved with it."""
        super().part()
        self.fields.solver.drop_kept()
        self._last = None

    def solve_network(
        self, species: NDArray[np.int8], *, modulated: bool = True, keep: bool = False
    ) -> LinearSolution:
        """Solve the network, with or without what the charge of the traps does to its bonds.

        ``keep``: from what was kept of the last such solution (see `NetworkSolver.solve`), until `forget`.
        """
        if self._modulation is not None:
            charge = self.state.charges[species[self._modulation.sites]]
            gap, metallic = self._modulation.factors(charge if modulated else np.zeros_like(charge))
            static = self.state.bond_factor
            self.fields.network.set_modulation(gap * static, metallic * static**self._share)
        elif self._passed is not self.state.bond_factor:
            self._passed = self.state.bond_factor
            if np.any(self._passed != 1.0):
                self.fields.network.set_modulation(self._passed, self._passed**self._share)
        if self.state.chemistry.second is not None:
            self.fields.network.set_kinds((species[: self.state.n_hosts] == CATION.code).astype(np.int8))
        return self.fields.solve(self.state.conducting(species), keep)

    def solve(self, species: NDArray[np.int8]) -> Solved:
        """Solve an arrangement; its traps exchange electrons in the network that none of them modulates."""
        candidates, fields = self.candidates(), self.fields
        with one_blas_thread():
            bias = self._trap_bias(species)
            network = self.solve_network(species, keep=True)
            self._chained |= bool(fields.solver.kept_m and fields.solver.kept_times)
            if bias is not None:
                candidates.scale_filament_exchange(bias[2])
            events = self._last = self.event_rates(candidates, species)
            law = fields.law()
        if bias is not None:
            events.set_bias(*bias[:2])
        errors = network.solver_error, fields.leave_one_out.error
        conductance = network.conductance + self.state.empty_conductance(species)
        solved = Solved(events, conductance, network.heat_max, *errors, law)
        if self.state.oxide_heat is not None:
            solved.heat = self._arrangement_heat(network, candidates)
            if solved.heat.linear is not None and solved.heat.network.lattice.reservoirs:
                rise, nodes = self._read_rises(solved.heat, solved.heat.linear.units()[1])
                events.set_rise(rise)
                solved.heat_max = float(nodes.max(initial=0.0))
        if self.state.two_level is not None:
            hosts, _, solved.node_rise = network.potentials.nodes()
            solved.active = self.state.two_level.active(hosts, network.potentials.powers())
        if fields.has_laws():
            solved.make_ends = partial(self._make_ends, events, species, solved.heat)
            power = NO_POWER if solved.heat is None else np.zeros(len(solved.heat.network.conductance))
            solved.ends[0] = at_rest(events.n, fields.network.m, power)
            self._present = events, network
        return solved

    def _arrangement_heat(self, network: LinearSolution, candidates: Candidates) -> ArrangementHeat:
        """Return bonds, power and readers of the present network for heat in time."""
        from .fields.heat_in_time import (
            HeatNetwork,
            HeatReaders,
        )  # a device whose heat is steady does without

        oxide, solver = self.state.oxide_heat, self.fields.solver
        assert oxide is not None
        lattice, (nodes, _, rises) = oxide.lattice, network.potentials.nodes()
        bonds, contact = solver.heat_links()
        moved = [k for k, name in enumerate(("bottom", "top")) if name in lattice.reservoirs]
        m = len(nodes)
        conductance = np.zeros((m + len(moved),) * 2)
        conductance[:m, :m] = bonds
        for row, side in enumerate(moved):
            conductance[m + row, m + row] = contact[side].sum()
            conductance[:m, m + row] = conductance[m + row, :m] = -contact[side]
        heat = ArrangementHeat(
            HeatNetwork(lattice, nodes, conductance), HeatReaders.of(lattice, candidates, oxide.corners)
        )
        if not self.fields.has_laws():
            power = self._power(network.potentials.powers(), network.contact_powers())
            lines = np.array([np.zeros_like(power), power]), np.array([np.zeros_like(rises), rises])
            heat.linear = PowerLine(heat.network, *lines)
        return heat

    def _power(self, nodes: Floats, contacts: Floats) -> Floats:
        """Return power over kappa a (K) of nodes and of electrodes that are reservoirs, from powers (W).

        An electrode gets half of the power of its contacts, and half of what carriers take out of the oxide.
        """
        oxide, scale = self.state.oxide_heat, self.fields.solver.heat
        assert oxide is not None
        beyond = (contacts + oxide.beside * nodes.sum()) / oxide.lattice.link
        own = [k for k, name in enumerate(("bottom", "top")) if name in oxide.lattice.reservoirs]
        return np.concatenate([nodes * scale, beyond[own]])

    def _read_rises(self, heat: ArrangementHeat, field: Floats) -> tuple[Floats, Floats]:
        """Return rises (K) that events and nodes read of a field."""
        at = heat.network.lattice.at(heat.readers.window, field)
        return heat.readers.events(at), heat.network.at_nodes(field)[: len(heat.network.nodes)]

    def _make_ends(
        self,
        of: EventRates,
        species: NDArray[np.int8],
        heat: ArrangementHeat | None,
        voltages: list[float],
    ) -> list[VoltageNode]:
        """Solve an arrangement at ends of cells; it is solved again where the fields have gone on."""
        ends = []
        with one_blas_thread():
            traps = self._trap_ends(species, voltages)
            if self._present != (of, self.fields.solution) or traps:
                # With the K that it was solved with, where that is still kept: nobody's look changes a bit.
                self._present = of, self.solve_network(species, keep=of is self._last)
            for voltage in voltages:
                events, nodes = self.fields.solve_at(of.candidates, VACANCY.code, voltage)
                if traps:
                    of.set_bias(*traps[voltage], voltage, events[0])
                power = NO_POWER
                if heat is not None:
                    point = self.fields.point
                    power = self._power(point.potentials.powers(), point.contact_powers())
                    if heat.network.lattice.reservoirs:
                        network = heat.network
                        events[1], nodes = self._read_rises(heat, network.solve(0.0, network.source(power)))
                    power /= voltage
                events[1] /= voltage
                error = self.fields.leave_one_out.error
                ends.append(VoltageNode(events, nodes / voltage, error, power))
        return ends

    def maps_at(self, species: NDArray[np.int8], voltage: float) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature rise (K) of every host site at a voltage (V)."""
        network = self.solve_network(species)
        if self.fields.has_laws():
            return self.fields.operate(voltage).potentials.maps()
        potential, rise = network.potentials.maps()
        return potential * voltage, rise * voltage**2

    def trap_potential(self, potentials: NodePotentials) -> Floats:
        """Return the potential (V) of each trap."""
        corner = potentials.potential_at(self._corners.ravel())
        return np.asarray(corner.reshape(-1, 8).mean(axis=1))

    def _trap_bias(self, species: NDArray[np.int8]) -> tuple[Floats, Floats, Floats] | None:
        """Return the potential (V at 1 V) of each trap in the network that no trap modulates, NaN elsewhere.

        A trap's charge changes the bonds around it and so its own potential: taken in the network as it is,
        capture and emission would not be each other's reverse. Without traps it is the same from both ends.
        Also the potential of the nearest node, and the factor of an exchange of electrons with it.
        """
        state, traps = self.state, self.state.chemistry.traps
        if not len(traps):
            return None
        atoms = species[: state.n_hosts].tobytes()
        if atoms != self._bias_of:
            network = self.solve_network(species, modulated=False, keep=True)
            self._bias_of, self._bias = atoms, self._read_traps(len(species), network.potentials)
        return self._bias

    def _trap_ends(
        self, species: NDArray[np.int8], voltages: list[float]
    ) -> dict[float, tuple[Floats, Floats]]:
        """Return the potentials of traps and of their nodes at each voltage; nothing without traps."""
        if not len(self.state.chemistry.traps):
            return {}
        self.solve_network(species, modulated=False)
        return {
            voltage: self._read_traps(len(species), self.fields.operate(voltage).potentials)[:2]
            for voltage in voltages
        }

    def _read_traps(self, n_sites: int, potentials: NodePotentials) -> tuple[Floats, Floats, Floats]:
        """Return potentials (V) of traps and of their nearest nodes, and factors of exchanges with these."""
        state, traps = self.state, self.state.chemistry.traps
        bias = np.full(n_sites, np.nan)
        bias[traps] = self.trap_potential(potentials)
        source, factor = np.zeros((2, n_sites))
        nodes, potential, _ = potentials.nodes()
        if len(nodes) and any(m.electrode == "filament" for m in state.chemistry.mechanisms):
            nearest, distance = nearest_nodes(state.lattice, traps, nodes)
            source[traps] = potential[nearest]
            factor[traps] = np.exp(-2.0 * distance / state.material.trap.decay_length)
        return bias, source, factor


def make_solver(state: DeviceState, *, kept: int = 64, precise: bool = False) -> Solver:
    """Return the solver of a device: columns where its material has a section [interface], else filaments."""
    material, lateral, temperature = state.stack.material, state.lateral, state.temperature
    if material.has("interface"):
        return ColumnSolver(state, build_columns(material, state.shape, lateral, temperature), kept)
    charges = tuple(kind.charge for kind in state.chemistry.kinds)
    fields = build_fields(state.stack, state.shape, lateral, charges, temperature, precise=precise)
    return FilamentSolver(state, fields, kept)
