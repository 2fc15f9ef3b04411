"""One device: atoms on a lattice, fields at every change of the network, a circuit around it, one clock."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..threads import one_blas_thread
from ..typing import Floats
from .circuit import Circuit
from .engine.engine import TRANSITION, Engine
from .fields._prices import Prices
from .fields._pricing import Pricing
from .fields.build import build_fields
from .fields.columns import Columns
from .fields.green import Lateral
from .lattice.lattice import Lattice
from .lattice.species import (
    EMPTY,
    FILLED_EXCITED_TRAP,
    FILLED_TRAP,
    INTERSTITIAL,
    OXYGEN,
    TRAP,
    TRAPS,
    VACANCIES,
    VACANCY,
)
from .materials.material import Material
from .materials.sections import MECHANISMS
from .mechanisms.mechanism import Mechanism
from .mechanisms.place import first_defects, first_interstitials
from .mechanisms.reactions import build_chemistry
from .mechanisms.traps import BondEase, corners, nearest_nodes
from .run import Record, Run
from .waveform import Waveform

READ_VOLTAGE = 0.1
LEAST_WIDTH, MOST_SITES = 3, 4096


@dataclass(slots=True)
class Configuration:
    """Solved fields and priced events of one arrangement of atoms, valid at any voltage."""

    prices: Any
    conductance: float
    heat_max: float
    solver_error: float  # V at 1 V: last correction of the potential
    pricing_error: float  # V at 1 V: bound on the error of any potential without a mover
    law: Callable[[float], float] | None = None  # current (A) at a voltage (V), where it is not ohmic

    def current(self, voltage: float) -> float:
        """Return the current (A) at a device voltage (V)."""
        return voltage * self.conductance if self.law is None else self.law(voltage)

    def chord(self, circuit: Circuit, source_voltage: float) -> float:
        """Return current over voltage (S) at the operating point of a circuit."""
        if self.law is None or source_voltage == 0.0:
            return self.conductance
        point = circuit.solve(source_voltage, self.law)
        return point.current / point.device_voltage if point.device_voltage else self.conductance


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
    barrier_shift : mapping of str to ndarray of shape (n_hosts,), optional
        Addition to the barrier (eV) per host site, by name of the mechanism.
    mechanisms : sequence of Mechanism
        Further mechanisms of yours, besides those of the material; their species are those of the material.
    traps : array_like of shape (n, 3) or (n, 4), optional
        Places (m) of the electron traps, and their levels above the Fermi level of the electrodes (eV), in
        place of random ones; each takes the nearest site between the host sites.
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
    floor_events : int
        Events so far whose barrier stood at the floor of its mechanism.
    field_solves : int
        Field solves that runs have taken so far; those of looking at the device do not count.

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
        barrier_shift: Mapping[str, Floats] | None = None,
        mechanisms: Sequence[Mechanism] = (),
        traps: ArrayLike | None = None,
        cache: int = 64,
        precise: bool = False,
    ) -> None:
        spacing = material.lattice.spacing
        # Interstitial sites lie between two host layers.
        needs_interstitials = any(
            {"interstitial", "trap"} & set(MECHANISMS[name]) for name in material.mechanisms
        )
        self.shape = _box(thickness, width, spacing, 2 if needs_interstitials else 1)
        if not 1.0 <= temperature <= 3000.0:
            raise ValueError(f"temperature must be between 1 and 3000 K, got {temperature}")
        for name, number in (("seed", seed), ("member", member)):
            if number is not None and number < 0:
                raise ValueError(f"{name} must be at least 0, got {number}")
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 1)
        self.material, self.temperature = material, float(temperature)
        self.circuit = circuit if circuit is not None else Circuit()
        self.seed, self.member, self.lateral = seed, member, lateral
        self.lattice = Lattice.cubic(self.shape, spacing, interstitial=needs_interstitials, lateral=lateral)
        self.n_hosts = math.prod(self.shape)
        self._build(cache, barrier_shift, tuple(mechanisms), traps)
        self.fields.refine = precise

    def _build(
        self,
        cache: int,
        barrier_shift: Mapping[str, Floats] | None,
        more: tuple[Mechanism, ...],
        traps: ArrayLike | None,
    ) -> None:
        material = self.material
        made = np.random.Generator(
            np.random.PCG64DXSM(np.random.SeedSequence(self.seed, spawn_key=(self.member, 1)))
        )
        chemistry = build_chemistry(material, self.lattice, self.shape, made, barrier_shift, traps)
        self.chemistry = replace(chemistry, mechanisms=chemistry.mechanisms + more)
        species = np.full(len(self.lattice.sublattice), EMPTY.code, np.int8)
        species[: self.n_hosts] = OXYGEN.code
        weak, blocked = self.chemistry.weak, self.chemistry.blocked
        species[first_defects(material, weak, blocked, self.shape, made)] = VACANCY.code
        species[first_interstitials(material, self.lattice, made)] = INTERSTITIAL.code
        species[self.chemistry.traps] = TRAP.code
        inventory = sum(
            int(getattr(material, name).inventory) for name in ("exchange", "redox") if material.has(name)
        )
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
        self.fields = build_fields(
            material, self.shape, self.lateral, self.chemistry.defect.charge, self.temperature
        )
        self._tables = dict(self.engine.tables())
        self._tables["dipole"] = self._tables["dipole"] / self._tables["length"]
        self._charges = np.zeros(16)
        for mechanism in self.chemistry.mechanisms:
            for kind in (*mechanism.before, *mechanism.after):
                self._charges[kind.code] = kind.charge
        self._ease: BondEase | None = None
        if len(self.chemistry.traps):
            self._ease = BondEase(material, self.lattice, self.chemistry.traps, self.temperature)
        self._corners = corners(self.lattice, self.chemistry.traps)
        self._bias_of, self._bias = b"", (np.zeros(0),) * 3
        self._cache: OrderedDict[bytes, Configuration] = OrderedDict()
        self._cache_size = cache
        self.time, self.source_voltage, self.device_voltage = 0.0, 0.0, 0.0
        self.field_solves = self.floor_events = 0
        self._running = False
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
        return self.configuration().current(voltage)

    @property
    def defects(self) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
        """Sites and species of all that is not perfect lattice; a vacancy in any charge state is one."""
        species = self.engine.species
        species[np.isin(species, [state.code for state in VACANCIES])] = VACANCY.code
        background = (OXYGEN.code, EMPTY.code, *(trap.code for trap in TRAPS))
        sites = np.flatnonzero(~np.isin(species, background)).astype(np.int32)
        return sites, species[sites]

    @property
    def filled_traps(self) -> int:
        """Number of traps that hold an electron."""
        if not len(self.chemistry.traps):
            return 0
        codes = self.engine.species[self.chemistry.traps]
        return int(np.count_nonzero(np.isin(codes, (FILLED_TRAP.code, FILLED_EXCITED_TRAP.code))))

    def count(self, code: int) -> int:
        """Return how many sites hold the species with this code; a vacancy in any charge state is one."""
        codes = [state.code for state in VACANCIES] if code == VACANCY.code else [code]
        return int(np.count_nonzero(np.isin(self.engine.species, codes)))

    @property
    def potential(self) -> Floats:
        """Potential at every host site (V), from the network; space charge is priced apart."""
        unit, _ = self._maps()
        return np.asarray(unit * self.device_voltage)

    @property
    def temperature_map(self) -> Floats:
        """Temperature at every host site (K)."""
        _, rise = self._maps()
        return np.asarray(self.temperature + rise * self.device_voltage**2)

    def transitions(self) -> NDArray[np.void]:
        """Return every possible event: mechanism, direction, sites, rate (1/s), energy, barrier (eV)."""
        prices = self.configuration().prices
        prices.total(self.device_voltage)
        columns = prices.arrays()
        table = np.zeros(prices.n, TRANSITION)
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

    def _solve_fields(self, species: NDArray[np.int8], *, disturbed: bool = True) -> None:
        """Solve the network, with or without what the charge of the traps does to its bonds."""
        if self._ease is not None:
            assert isinstance(self.fields, Pricing)  # columns refuse traps
            charge = self._charges[species[self._ease.sites]]
            self.fields.set_ease(self._ease.factor(charge if disturbed else np.zeros_like(charge)))
        self.fields.solve(np.flatnonzero(species[: self.n_hosts] == VACANCY.code).astype(np.int32))

    def _trap_bias(self, species: NDArray[np.int8]) -> tuple[Floats, Floats, Floats] | None:
        """Return the potential (V at 1 V) of each trap in the network that no trap disturbs, NaN elsewhere.

        A trap's charge changes the bonds around it and so its own potential: priced in the network as it is,
        capture and emission would not be each other's reverse. Without traps it is the same from both ends.
        Also the potential of the nearest node, and the factor of an exchange of electrons with it.
        """
        traps = self.chemistry.traps
        if not len(traps):
            return None
        assert isinstance(self.fields, Pricing)
        atoms = species[: self.n_hosts].tobytes()
        if atoms != self._bias_of:
            self._solve_fields(species, disturbed=False)
            bias = np.full(len(species), np.nan)
            bias[traps] = self.fields.potential_at(self._corners.ravel()).reshape(-1, 8).mean(axis=1)
            source, factor = np.zeros((2, len(species)))
            nodes, potential, _ = self.fields.nodes()
            if len(nodes) and any(m.electrode == "filament" for m in self.chemistry.mechanisms):
                near, distance = nearest_nodes(self.lattice, traps, nodes)
                source[traps] = potential[near]
                factor[traps] = np.exp(-2.0 * distance / self.material.trap.decay_length)
            self._bias_of, self._bias = atoms, (bias, source, factor)
        return self._bias

    def _maps(self) -> tuple[Floats, Floats]:
        """Potential (V) and temperature rise (K) at 1 V; looking needs fields, no prices."""
        with one_blas_thread():
            self._solve_fields(self.engine.species)
        return self.fields.maps()

    def _solve(self, species: NDArray[np.int8]) -> Configuration:
        charged = self._charges[species[self.n_hosts :]] != 0.0
        ions = (np.flatnonzero(charged) + self.n_hosts).astype(np.int32)
        if self.material.has("charge_states"):
            # Other vacancies are charged by the rule of company.
            held = np.flatnonzero(species[: self.n_hosts] == VACANCIES[1].code).astype(np.int32)
            ions = np.concatenate([held, ions])
        prices = Prices(self._tables, self.temperature)
        catalogue = self.engine.catalogue()
        prices.load(
            catalogue.mechanism,
            catalogue.direction,
            catalogue.site_a,
            catalogue.site_b,
            catalogue.barrier,
            catalogue.energy,
            catalogue.attempt_frequency,
        )
        with one_blas_thread():
            bias = self._trap_bias(species)
            self._solve_fields(species)
            self.fields.price(prices, VACANCY.code, self._charges, ions, species[ions])
        if bias is not None:
            prices.set_bias(*bias)
        self.field_solves += self._running
        return Configuration(
            prices,
            self.fields.conductance,
            self.fields.heat_max,
            self.fields.solver_error,
            self.fields.pricing_error,
            self.fields.law() if isinstance(self.fields, Columns) else None,
        )

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
        superbasin: bool = False,
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
        superbasin : bool
            Where the voltage stands still, leave sets of up to 16 arrangements that the device goes to and
            fro between in one step, by the exact law. Events within a set are neither counted nor logged,
            nor is ``stop`` asked.

        Returns
        -------
        Record

        Raises
        ------
        EventBudgetError
            More than ``budget`` events; names the pair of sites that moved most.
        """
        run = Run(
            self,
            waveform,
            samples,
            label if label is not None else waveform.label,
            stop,
            budget,
            log,
            progress,
            superbasin,
        )
        # Around the whole run: setting the count back after each solve would leave threads spinning.
        self._running = True
        try:
            with one_blas_thread():
                return run.go()
        finally:
            self._running = False

    def _draw_hazard(self) -> float:
        return -math.log1p(-self.engine.draw())

    def _set_voltage(self, source: float) -> float:
        """Apply a source voltage; return current over voltage (S) at the operating point."""
        conductance = self.configuration().chord(self.circuit, source)
        self.source_voltage = source
        self.device_voltage = self.circuit.device_voltage(source, conductance)
        return conductance

    # ------------------------------------------------------------------ checkpoint

    def state(self) -> dict[str, Any]:
        """Return everything that changes in a run; `restore` continues from it bit by bit."""
        return {
            "engine": self.engine.state(),
            "time": self.time,
            "source_voltage": self.source_voltage,
            "device_voltage": self.device_voltage,
            "hazard": self._hazard,
            "field_solves": self.field_solves,
            "floor_events": self.floor_events,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of a device made with the same arguments."""
        self.engine.restore(state["engine"])
        self.time, self._hazard = float(state["time"]), float(state["hazard"])
        self.source_voltage = float(state["source_voltage"])
        self.device_voltage = float(state["device_voltage"])
        self.field_solves = int(state["field_solves"])
        self.floor_events = int(state["floor_events"])
        self._cache.clear()


def _box(thickness: float, width: float, spacing: float, least_layers: int = 1) -> tuple[int, int, int]:
    sizes = []
    for name, value, least in (("thickness", thickness, least_layers), ("width", width, LEAST_WIDTH)):
        if not 1e-10 <= value <= 1e-6:
            hint = f" (did you mean {value:g} * nm?)" if 0.1 <= value <= 1000 else ""
            raise ValueError(f"{name} must be between 1e-10 and 1e-6 m, got {value}{hint}")
        sizes.append(round(value / spacing))
        if not least <= sizes[-1] <= MOST_SITES:
            raise ValueError(
                f"{name} must be {least} to {MOST_SITES} lattice spacings of {spacing:g} m, got {value:g} m"
            )
    return sizes[1], sizes[1], sizes[0]
