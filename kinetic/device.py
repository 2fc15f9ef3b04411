"""One device: atoms on a lattice, fields at every change of the network, a circuit around it, one clock."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..units import ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from ._pricing import Pricing
from ._prices import Prices
from .circuit import Circuit
from .engine import Engine
from .green import GreenTable, Lateral
from .lattice import Lattice
from .material import Material
from .reactions import build_chemistry, first_vacancies
from .species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY
from .waveform import Waveform

Floats = NDArray[np.float64]
READ_VOLTAGE = 0.1
LEAST_SITES, MOST_SITES = 3, 4096


class EventBudgetError(RuntimeError):
    """A run spent more events than it was allowed; the state is that after the last of them."""


@dataclass(slots=True)
class Record:
    """What a waveform did to a device.

    Attributes
    ----------
    label : str
        Name of the phase.
    sample : dict of str to ndarray
        ``time`` (s), ``source_voltage``, ``device_voltage`` (V), ``current`` (A), ``conductance`` (S),
        ``temperature_max`` (K), ``events``, ``field_solves``, ``reservoir`` and one count per species.
    snapshots : list of dict
        ``time``, ``label``, ``sites``, ``species``, ``voltage``, ``current``; first and last moment at least.
    log : list of tuple
        ``(time, mechanism, direction, site_a, site_b)`` of every event, when asked for.
    """

    label: str
    sample: dict[str, NDArray[Any]]
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[float, int, int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Configuration:
    """Solved fields and priced events of one arrangement of atoms, valid at any voltage."""

    prices: Any
    conductance: float
    heat_max: float
    solver_error: float  # V at 1 V: last correction of the potential
    pricing_error: float  # V at 1 V: bound on the error of any potential without a mover


class Device:
    """A memory cell: a box of oxide between an inert bottom and a reactive top electrode.

    Parameters
    ----------
    material : Material
        Named set of parameters; its mechanisms are what can happen.
    thickness, width : float
        Oxide thickness and lateral size (m); rounded to whole lattice spacings (see `thickness`, `width`).
    circuit : Circuit, optional
        Series resistance and current limit; a bare source by default. May be replaced between waveforms.
    temperature : float
        Temperature of both electrodes (K), 1 to 3000.
    seed : int, optional
        Seed of this device; drawn when missing and kept in `seed`.
    member : int
        Number of this device in an ensemble; together with the seed it fixes every random draw.
    lateral : {"periodic", "reflecting"}
        Sides of the box.
    cache : int
        Solved configurations kept, so that a flickering pair costs no solves.
    precise : bool
        Refine the price of every mover until it settles (about 1e-12 eV, several times slower) rather than
        only where the bound on its error exceeds 3e-8 V at 1 V.

    Attributes
    ----------
    time : float
        Time since the device was made (s).
    source_voltage, device_voltage : float
        Present voltages (V); positive is positive at the top electrode.
    field_solves : int
        Field solves so far.

    Raises
    ------
    ValueError
        A size, temperature or seed outside its range.
    """

    def __init__(
        self,
        material: Material,
        thickness: float,
        width: float,
        *,
        circuit: Circuit | None = None,
        temperature: float = 300.0,
        seed: int | None = None,
        member: int = 0,
        lateral: Lateral = "periodic",
        cache: int = 64,
        precise: bool = False,
    ) -> None:
        spacing = material.lattice.spacing
        self.shape = _box(thickness, width, spacing)
        if not 1.0 <= temperature <= 3000.0:
            raise ValueError(f"temperature must be between 1 and 3000 K, got {temperature}")
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 1)
        self.material, self.temperature = material, float(temperature)
        self.circuit = circuit if circuit is not None else Circuit()
        self.seed, self.member, self.lateral = seed, member, lateral
        needs_interstitials = any(name != "vacancy hop" and name != "oxygen exchange" for name in material.mechanisms)
        self.lattice = Lattice.cubic(self.shape, spacing, interstitial=needs_interstitials, lateral=lateral)
        self.n_hosts = math.prod(self.shape)
        self._build(cache)
        self.fields.refine = precise

    def _build(self, cache: int) -> None:
        material = self.material
        made = np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(self.seed, spawn_key=(self.member, 1))))
        self.chemistry = build_chemistry(material, self.lattice, self.shape, made)
        species = np.full(len(self.lattice.sublattice), EMPTY.code, np.int8)
        species[: self.n_hosts] = OXYGEN.code
        species[first_vacancies(material, self.chemistry.column, self.shape, made)] = VACANCY.code
        inventory = int(material.exchange.inventory) if material.has("exchange") else 0
        self.engine = Engine(
            self.lattice,
            self.chemistry.mechanisms,
            species,
            interactions=self.chemistry.interactions,
            reservoir=(0, inventory),
            temperature=self.temperature,
            seed=self.seed,
            member=self.member,
        )
        self.fields = build_fields(material, self.shape, self.lateral, self.chemistry.vacancy.charge)
        self._tables = dict(self.engine.tables())
        self._tables["dipole"] = self._tables["dipole"] / self._tables["length"]
        self._charges = np.zeros(16)
        for mechanism in self.chemistry.mechanisms:
            for kind in (*mechanism.before, *mechanism.after):
                self._charges[kind.code] = kind.charge
        self._cache: OrderedDict[bytes, Configuration] = OrderedDict()
        self._cache_size = cache
        self.time, self.source_voltage, self.device_voltage = 0.0, 0.0, 0.0
        self.field_solves = 0
        self._hazard = self._draw_hazard()

    # ------------------------------------------------------------------ state

    @property
    def thickness(self) -> float:
        """Oxide thickness (m), a whole number of layers."""
        return self.shape[2] * self.material.lattice.spacing

    @property
    def width(self) -> float:
        """Lateral size (m), a whole number of spacings."""
        return self.shape[0] * self.material.lattice.spacing

    @property
    def events(self) -> int:
        """Events of the atoms so far."""
        return int(self.engine.events)

    @property
    def conductance(self) -> float:
        """Conductance of the device (S)."""
        return self.configuration().conductance

    def current(self, voltage: float) -> float:
        """Return the current (A) at a device voltage (V) without letting time pass."""
        return voltage * self.conductance

    @property
    def defects(self) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
        """Sites and species of everything that is not the perfect lattice."""
        species = self.engine.species
        sites = np.flatnonzero((species != OXYGEN.code) & (species != EMPTY.code)).astype(np.int32)
        return sites, species[sites]

    def count(self, code: int) -> int:
        """Return how many sites hold the species with this code."""
        return int(np.count_nonzero(self.engine.species == code))

    @property
    def potential(self) -> Floats:
        """Potential at every host site (V), from the network; space charge is priced apart."""
        self.configuration(refresh=True)
        unit, _ = self.fields.maps()
        return np.asarray(unit * self.device_voltage)

    @property
    def temperature_map(self) -> Floats:
        """Temperature at every host site (K)."""
        self.configuration(refresh=True)
        _, rise = self.fields.maps()
        return np.asarray(self.temperature + rise * self.device_voltage**2)

    def transitions(self) -> NDArray[np.void]:
        """Return every possible event now: mechanism, direction, sites, rate (1/s), energy and barrier (eV)."""
        prices = self.configuration().prices
        prices.total(self.device_voltage)
        columns = prices.arrays()
        kinds = [("mechanism", "i4"), ("direction", "i1"), ("site_a", "i4"), ("site_b", "i4"), ("rate", "f8"),
                 ("energy", "f8"), ("barrier", "f8")]
        table = np.zeros(prices.n, kinds)
        for name in ("mechanism", "direction", "site_a", "site_b", "rate"):
            table[name] = columns[name]
        table["energy"] = columns["energy0"] + columns["energy1"] * self.device_voltage
        table["barrier"] = prices.activation(self.device_voltage)
        return table

    def fire(self, k: int) -> None:
        """Let event ``k`` of `transitions` happen now."""
        self.configuration()
        self.engine.catalogue()
        self.engine.fire(k)

    # ------------------------------------------------------------------ fields

    def configuration(self, *, refresh: bool = False) -> Configuration:
        """Return fields and prices of the present arrangement, solved unless kept from before."""
        species = self.engine.species
        key = species.tobytes()
        found = self._cache.get(key)
        if found is not None and not refresh:
            self._cache.move_to_end(key)
            return found
        solved = self._solve(species)
        self._cache[key] = solved
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return solved

    def _solve(self, species: NDArray[np.int8]) -> Configuration:
        hosts = species[: self.n_hosts]
        ions = np.flatnonzero(species[self.n_hosts :] == INTERSTITIAL.code).astype(np.int32) + self.n_hosts
        prices = Prices(self._tables, self.temperature)
        catalogue = self.engine.catalogue()
        prices.load(catalogue.mechanism, catalogue.direction, catalogue.site_a, catalogue.site_b,
                    catalogue.barrier, catalogue.energy, catalogue.attempt_frequency)
        self.fields.solve(np.flatnonzero(hosts == VACANCY.code).astype(np.int32))
        self.fields.price(prices, VACANCY.code, self._charges, ions.astype(np.int32), species[ions])
        self.field_solves += 1
        return Configuration(prices, self.fields.conductance, self.fields.heat_max, self.fields.solver_error,
                             self.fields.pricing_error)

    # ------------------------------------------------------------------ time

    def advance(
        self,
        waveform: Waveform,
        *,
        samples: int = 200,
        label: str | None = None,
        stop: Callable[[Device, float], bool] | None = None,
        budget: int | None = None,
        log: bool = False,
        progress: Callable[[float, Device], None] | None = None,
    ) -> Record:
        """Apply a source voltage and let the atoms move.

        Parameters
        ----------
        waveform : Waveform
            Source voltage against time; starts now.
        samples : int
            Samples spread evenly over the path of the voltage (over time where it is constant), at least 2.
        label : str, optional
            Name of the phase; the waveform's by default.
        stop : callable, optional
            ``stop(device, current)`` after each event and sample ends the waveform early when true.
        budget : int, optional
            Largest number of events.
        log : bool
            Keep every event.
        progress : callable, optional
            ``progress(share, device)`` at each sample.

        Returns
        -------
        Record

        Raises
        ------
        EventBudgetError
            More than ``budget`` events; names the pair of sites that moved most.
        """
        run = _Run(self, waveform, samples, label if label is not None else waveform.label, stop, budget, log, progress)
        with threadpool_limits(1, "blas"):
            return run.go()

    def _draw_hazard(self) -> float:
        return -math.log1p(-self.engine.draw())

    def _set_voltage(self, source: float, conductance: float) -> float:
        self.source_voltage = source
        self.device_voltage = self.circuit.device_voltage(source, conductance)
        return self.device_voltage

    # ------------------------------------------------------------------ checkpoint

    def state(self) -> dict[str, Any]:
        """Return everything that changes in a run; `restore` continues from it bit by bit."""
        return {
            "engine": self.engine.state(), "time": self.time, "source_voltage": self.source_voltage,
            "device_voltage": self.device_voltage, "hazard": self._hazard, "field_solves": self.field_solves,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of a device made with the same arguments."""
        self.engine.restore(state["engine"])
        self.time, self._hazard = float(state["time"]), float(state["hazard"])
        self.source_voltage = float(state["source_voltage"])
        self.device_voltage = float(state["device_voltage"])
        self.field_solves = int(state["field_solves"])
        self._cache.clear()


class _Run:
    """One waveform on one device: pieces between breakpoints, samples, limits and events."""

    def __init__(self, device: Device, waveform: Waveform, samples: int, label: str, stop: Any, budget: int | None,
                 log: bool, progress: Any) -> None:
        if samples < 2:
            raise ValueError(f"samples must be at least 2, got {samples}")
        self.device, self.waveform, self.stop, self.budget = device, waveform, stop, budget
        self.keep_log, self.progress = log, progress
        self.start = device.time
        self.first_event = device.events
        self.record = Record(label, {})
        self.rows: list[tuple[float, ...]] = []
        self.sample_times = sample_times(waveform, samples)
        self.moves: dict[tuple[int, int], int] = {}
        self.ended = False

    def go(self) -> Record:
        device = self.device
        self.snapshot("start", self.waveform.voltages[0])
        self.sample(0.0, self.waveform.voltages[0])
        next_sample = 1
        for begin, end, low, high in self.waveform.segments():
            slope = (high - low) / (end - begin)
            local = begin
            while local < end and not self.ended:
                until = min(end, self.sample_times[next_sample])
                local = self.piece(local, until, low + slope * (local - begin), slope)
                if local >= self.sample_times[next_sample] or local >= end:
                    voltage = high if local >= end else low + slope * (local - begin)
                    device.time = self.start + local
                    if local >= self.sample_times[next_sample]:
                        next_sample = min(next_sample + 1, len(self.sample_times) - 1)
                    self.sample(local, voltage)
            if self.ended:
                break
        self.snapshot("end", device.source_voltage)
        names = ("time", "source_voltage", "device_voltage", "current", "conductance", "temperature_max", "events",
                 "field_solves", "reservoir", "vacancy", "interstitial")
        whole = {"events", "field_solves", "reservoir", "vacancy", "interstitial"}
        columns = zip(*self.rows, strict=True)
        self.record.sample = {
            name: np.array(column, np.int64 if name in whole else np.float64)
            for name, column in zip(names, columns, strict=True)
        }
        return self.record

    def piece(self, begin: float, end: float, source: float, slope: float) -> float:
        """Advance to the next event, to a change of the circuit's regime, or to ``end``; return where."""
        device = self.device
        now = device.configuration()
        voltage, rate, duration = device.circuit.piece(
            source, slope, end - begin, now.conductance, math.ulp(self.waveform.duration)
        )
        elapsed, device._hazard = now.prices.advance(voltage, rate, duration, device._hazard)
        reached = begin + elapsed if elapsed < end - begin else end
        device.time = self.start + reached
        if device._hazard == 0.0:
            self.event(now, source + slope * elapsed, voltage + rate * elapsed)
        return reached

    def event(self, now: Configuration, source: float, voltage: float) -> None:
        device = self.device
        chosen = now.prices.pick(voltage, device.engine.draw())
        catalogue = device.engine.catalogue()
        a, b = int(catalogue.site_a[chosen]), int(catalogue.site_b[chosen])
        if self.keep_log:
            self.record.log.append(
                (device.time, int(catalogue.mechanism[chosen]), int(catalogue.direction[chosen]), a, b))
        device.engine.fire(chosen)
        device._hazard = device._draw_hazard()
        if self.budget is not None:
            pair = (min(a, b), max(a, b))
            self.moves[pair] = self.moves.get(pair, 0) + 1
            if device.events - self.first_event > self.budget:
                self.over_budget()
        if self.stop is not None:
            after = device.configuration()
            device._set_voltage(source, after.conductance)
            if self.stop(device, device.device_voltage * after.conductance):
                self.ended = True
                self.sample(device.time - self.start, source)

    def over_budget(self) -> None:
        pair, times = max(self.moves.items(), key=lambda item: item[1])
        place = self.device.lattice.position[max(pair)] * 1e9
        raise EventBudgetError(
            f"budget of {self.budget} events used up at {self.device.time - self.start:g} s and "
            f"{self.device.source_voltage:g} V; sites {pair[0]} and {pair[1]} near "
            f"({place[0]:.2f}, {place[1]:.2f}, {place[2]:.2f}) nm made {times} of them: "
            "a flickering pair; raise the budget, ramp faster, or switch the superbasin acceleration on"
        )

    def sample(self, local: float, source: float) -> None:
        device = self.device
        now = device.configuration()
        voltage = device._set_voltage(source, now.conductance)
        current = voltage * now.conductance
        self.rows.append((
            self.start + local, source, voltage, current, now.conductance,
            device.temperature + now.heat_max * voltage * voltage, device.events, device.field_solves,
            device.engine.reservoir[1], device.count(VACANCY.code), device.count(INTERSTITIAL.code),
        ))
        if self.progress is not None:
            self.progress(local / self.waveform.duration, device)
        if self.stop is not None and not self.ended and local > 0.0 and self.stop(device, current):
            self.ended = True

    def snapshot(self, name: str, source: float) -> None:
        device = self.device
        sites, species = device.defects
        voltage = device._set_voltage(source, device.conductance)
        self.record.snapshots.append({
            "time": device.time, "label": f"{self.record.label} {name}".strip(), "sites": sites, "species": species,
            "voltage": voltage, "current": voltage * device.conductance,
        })


def sample_times(waveform: Waveform, samples: int) -> Floats:
    """Return times (s) spread evenly over the path of the voltage, over time where that is constant."""
    times, voltages = np.asarray(waveform.times), np.asarray(waveform.voltages)
    path = np.abs(np.diff(voltages))
    weight = path / path.sum() if path.sum() > 0 else np.zeros_like(path)
    still = path == 0
    if still.any():
        span = np.diff(times) * still
        share = 0.5 if path.sum() > 0 else 1.0
        weight = weight * (1.0 - share) + share * span / span.sum()
    mark = np.concatenate([[0.0], np.cumsum(weight)])
    # Equal marks cannot be inverted; a segment always has some weight, so they rise strictly.
    return np.asarray(np.interp(np.linspace(0.0, mark[-1], samples), mark, times))


def build_fields(material: Material, shape: tuple[int, int, int], lateral: Lateral, charge: float) -> Pricing:
    """Return the field solver of a box: one Green's table for conduction, charge and heat.

    Bonds follow g = prefactor exp(-2 (r - a) / xi), times the tunnel factor beyond sqrt(2) a; the bottom
    contact follows the same law, the top one (reactive metal) is ohmic without that factor.
    """
    numbers, spacing = material.conduction, material.lattice.spacing
    longest = numbers.cutoff / spacing * (1 + 1e-9)
    squared = np.arange(1, int(longest**2) + 1)
    pair = np.zeros(len(squared) + 1)
    distance = np.sqrt(squared) * spacing
    near = np.where(squared <= 2, 1.0, numbers.tunnel_factor)
    pair[1:] = numbers.prefactor * np.exp(-2 * (distance - spacing) / numbers.decay_length) * near
    steps = np.arange(1, shape[2] + 1)
    reach = np.where(steps <= longest, np.exp(-2 * (steps - 1) * spacing / numbers.decay_length), 0.0)
    bottom = numbers.contact_bottom * reach * np.where(steps == 1, 1.0, numbers.tunnel_factor)
    top = numbers.contact_top * reach
    heat = 1.0 / (material.heat.conductivity * material.heat.ballistic_factor * spacing)
    permittivity = material.electrostatics.permittivity * VACUUM_PERMITTIVITY
    return Pricing(
        shape,
        GreenTable(shape, spacing, lateral=lateral),
        pair / numbers.background,
        np.array([bottom, top[::-1]]) / numbers.background,
        numbers.background,
        charge,
        ELEMENTARY_CHARGE / (permittivity * spacing),
        material.electrostatics.charge_transition,
        heat,
        material.heat.lorenz * material.heat.lorenz_temperature * numbers.background * heat,
    )


def _box(thickness: float, width: float, spacing: float) -> tuple[int, int, int]:
    sizes = []
    for name, value in (("thickness", thickness), ("width", width)):
        if not 1e-10 <= value <= 1e-6:
            hint = f" (did you mean {value:g} * nm?)" if 0.1 <= value <= 1000 else ""
            raise ValueError(f"{name} must be between 1e-10 and 1e-6 m, got {value}{hint}")
        sizes.append(round(value / spacing))
        if not LEAST_SITES <= sizes[-1] <= MOST_SITES:
            raise ValueError(f"{name} must be {LEAST_SITES} to {MOST_SITES} lattice spacings of {spacing:g} m, got {value:g} m")
    return sizes[1], sizes[1], sizes[0]
