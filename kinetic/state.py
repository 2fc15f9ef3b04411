"""What a run changes: the atoms of one device in their engine, voltages, the clock, counters.

Nothing here knows of fields: `solver` works them out for the atoms that stand here, `run` lets time pass.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import BRIGHTEST, between
from ..provenance import draw_seed
from ..quantity import si
from ..typing import Floats, Quantity
from .circuit import Circuit
from .conduction.empty_sites import empty_conductance
from .engine.engine import Engine
from .lattice.lattice import Lateral, Lattice
from .lattice.species import (
    CATION,
    CONDUCTING,
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
from .materials.stack import Layer, Stack
from .mechanisms.lineshape import refuse_cold
from .mechanisms.mechanism import Mechanism
from .mechanisms.place import first_cations, first_defects, first_interstitials
from .mechanisms.reactions import build_chemistry
from .mechanisms.relaxation import Relaxation, quenched_part
from .mechanisms.two_level import TwoLevelSites, draw_sites
from .seeds import MADE, QUENCHED, TWO_LEVEL, random_numbers
from .thermal import Thermal

if TYPE_CHECKING:
    from .fields.heat_in_time import HeatLattice

LEAST_WIDTH, MOST_SITES = 3, 4096
ILLUMINATED = "interstitial hop"
"""Mechanism that light speeds up."""

CODES = 16
"""Species that an engine can tell apart, as in `engine._site_events`."""

CONDUCTORS = {kind.code for kind in CONDUCTING}

CHARGE_STATES = [state.code for state in VACANCIES]

SHOWN = np.where(np.isin(np.arange(CODES), CHARGE_STATES), VACANCY.code, np.arange(CODES)).astype(np.int8)
"""Code that a species is shown with, by its own: a vacancy in any charge state is one."""

IS_DEFECT = ~np.isin(np.arange(CODES), [OXYGEN.code, EMPTY.code, *(trap.code for trap in TRAPS)])
"""Whether a species is more than perfect lattice and traps, by its code."""


class HeatInTime(Protocol):
    """What fields need of temperatures in time, see `oxide_heat.OxideHeat`."""

    lattice: HeatLattice
    corners: NDArray[np.int32]
    beside: float


class DeviceState(ABC):
    """Atoms on a lattice, the circuit around them and one clock; parameters and attributes as of `Device`.

    Attributes
    ----------
    stack : Stack
        The oxides between the electrodes; a single one without ``layers``.
    lattice : Lattice
    shape : tuple of int
        Host sites in x, y and z.
    n_hosts : int
        Number of host sites, which come first.
    chemistry : Chemistry
        Mechanisms, interactions and special sites.
    engine : Engine
        Species on every site, and the random numbers.
    charges : ndarray of shape (CODES,)
        Charge number by code of the species.
    hazard : float
        What is left of the unit exponential that has to pass before the next event.
    running : bool
        Whether a waveform is being applied: only then are field solutions counted.
    averages_traps : bool
        Whether atoms may see the mean over electrons that come and go much faster than they move.
    """

    averages_traps = True
    relaxation: Relaxation | None
    oxide_heat: HeatInTime | None = None
    two_level: TwoLevelSites | None
    light_factor: Floats | None = None
    """Factors on the attempt frequencies of all mechanisms under light; None in the dark."""

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
        layers: Sequence[Layer] = (),
        cache: int = 64,
        precise: bool = False,
        thermal: Thermal | None = None,
    ) -> None:
        self.thermal = Thermal() if thermal is None else thermal
        # Interstitial sites lie between two host layers.
        between_hosts = any({"interstitial", "trap"} & set(MECHANISMS[name]) for name in material.mechanisms)
        spacing = material.lattice.spacing
        self.shape = box(thickness, width, spacing, 2 if between_hosts else 1)
        self.stack = Stack.of(material, layers, self.shape[2])
        self.stack.check_temperature(temperature)
        leak = material.conduction.empty_site if material.has("conduction") else 0.0
        if leak and self.shape[2] > 1:
            raise ValueError(
                "conduction.empty_site must be 0 unless the device has one layer, where weak sites touch "
                f"both electrodes, got {leak:g} S in {self.shape[2]} layers"
            )
        self.material, self._temperature = material, float(temperature)
        self.circuit = circuit if circuit is not None else Circuit()
        self.seed, self.member = draw_seed() if seed is None else seed, member
        self.lateral: Lateral = lateral
        self.lattice = Lattice.cubic(self.shape, spacing, interstitial=between_hosts, lateral=lateral)
        self.n_hosts = math.prod(self.shape)
        # What a device is made of has a stream of its own, so that no draw of it shifts those of the run.
        random = random_numbers(self.seed, member, MADE)
        chemistry = build_chemistry(self.stack, self.lattice, self.shape, random, barrier_shift, traps)
        self.chemistry = replace(chemistry, mechanisms=chemistry.mechanisms + tuple(mechanisms))
        for mechanism in mechanisms:
            if {kind.code for kind in (*mechanism.before, *mechanism.after)} >= CONDUCTORS:
                raise ValueError(
                    f"mechanism {mechanism.name!r} turns one kind of defect into the other, or swaps two: "
                    "its work cannot be taken in the network without a single atom"
                )
        refuse_cold(self.chemistry.mechanisms, self.temperature)
        self.engine = self._first_engine(random)
        self.relaxation = self._relaxation()
        self.two_level = self._two_level()
        self._begin(cache, precise)

    def _begin(self, cache: int, precise: bool) -> None:
        """Set clock and counters of the atoms that stand in the engine, and make what solves their fields."""
        self.charges = np.zeros(CODES)
        for mechanism in self.chemistry.mechanisms:
            for kind in (*mechanism.before, *mechanism.after):
                self.charges[kind.code] = kind.charge
        self.time, self.source_voltage, self.device_voltage, self._light = 0.0, 0.0, 0.0, 0.0
        self.field_solves = self.floor_events = 0
        self.running = False
        self.draw_hazard()
        self.draw_patience()
        self.solving = cache, precise
        self.make_solver(*self.solving)

    def conducting(self, species: NDArray[np.int8]) -> NDArray[np.int32]:
        """Return the host sites of the defects that may conduct, ascending."""
        hosts, both = species[: self.n_hosts], self.chemistry.second is not None
        return np.flatnonzero((hosts == VACANCY.code) | (both & (hosts == CATION.code))).astype(np.int32)

    def empty_conductance(self, species: NDArray[np.int8]) -> float:
        """Return the conductance (S) of the weak sites that no atom fills, beside the network."""
        if not self.material.conduction.empty_site:
            return 0.0
        empty = self.chemistry.weak.copy()
        empty[self.conducting(species)] = False
        return empty_conductance(self.material, empty, self.bond_factor, self.temperature)

    def _relaxation(self) -> Relaxation | None:
        """Return what relaxes round defects that come and go; None where the oxide stays as it was made."""
        numbers = self.material.disorder if self.material.has("disorder") else None
        if numbers is None or not numbers.relaxation_rate:
            return None
        if self.material.has("interface"):
            raise ValueError(
                "disorder.relaxation_rate must be 0 in a material with a section [interface], whose columns "
                f"have no factors of bonds, got {numbers.relaxation_rate:g} Hz"
            )
        if numbers.correlation_length:
            raise ValueError(
                "disorder.correlation_length must be 0 where disorder.relaxation_rate is not, which draws "
                f"factors site by site, got {numbers.correlation_length:g} m"
            )
        # As far as bonds of a filament reach.
        neighbours = np.hstack([self.lattice.motifs[name] for name in ("nearest", "second")])[: self.n_hosts]
        factor, share = self.chemistry.bond_factor, numbers.quenched_share
        random = random_numbers(self.seed, self.member, QUENCHED)
        return Relaxation(
            numbers.relaxation_rate,
            numbers.bond,
            factor,
            neighbours,
            self._holds(),
            mean=quenched_part(factor, numbers.bond, share, random) if share else 0.0,
            quenched_share=share,
            memory=numbers.memory,
        )

    def _two_level(self) -> TwoLevelSites | None:
        """Return the two-level sites of the material, if it has any."""
        if not self.material.has("two_level"):
            return None
        if self.thermal.transient:
            raise ValueError(
                f"thermal.transient must be false: material {self.material.name} has a section [two_level], "
                "whose sites take heat as steady"
            )
        random = random_numbers(self.seed, self.member, TWO_LEVEL)
        return draw_sites(self.material.two_level, self.lattice, self.temperature, random)

    def _holds(self) -> NDArray[np.bool_]:
        """Return which host sites hold a defect."""
        return IS_DEFECT[self.engine.codes[: self.n_hosts]]

    @property
    def bond_factor(self) -> Floats:
        """Factor of each host site on its bonds, as the oxide has relaxed and two-level sites stand."""
        return self.relaxed_factor if self.two_level is None else self.two_level.on(self.relaxed_factor)

    @property
    def relaxed_factor(self) -> Floats:
        """The same without what two-level sites do."""
        return self.chemistry.bond_factor if self.relaxation is None else self.relaxation.factor

    @abstractmethod
    def make_solver(self, kept: int, precise: bool) -> None:
        """Make what solves the fields of the atoms that stand here; the last step of making a device."""

    def _first_engine(self, made: np.random.Generator) -> Engine:
        """Return the engine with the atoms of a fresh device."""
        material, chemistry = self.stack.material, self.chemistry
        species = np.full(len(self.lattice.sublattice), EMPTY.code, np.int8)
        species[: self.n_hosts] = OXYGEN.code
        periodic = self.lateral == "periodic"
        sites = first_defects(self.stack, chemistry.weak, chemistry.blocked, self.shape, made, periodic)
        species[sites] = VACANCY.code
        species[first_cations(material, sites, self.n_hosts, made)] = CATION.code
        species[first_interstitials(material, self.lattice, made)] = INTERSTITIAL.code
        species[chemistry.traps] = TRAP.code
        held = [
            int(getattr(material, name).inventory) if material.has(name) else 0
            for name in ("exchange", "redox")
        ]
        # Oxygen and metal of one electrode are no substitutes for each other.
        apart = any(mechanism.second_stock for mechanism in chemistry.mechanisms)
        return Engine(
            self.lattice,
            chemistry.mechanisms,
            species,
            interactions=chemistry.interactions,
            reservoir=(0, held[0], 0, held[1]) if apart else (0, sum(held)),
            seed=self.seed,
            member=self.member,
        )

    # ------------------------------------------------------------------ looking

    @property
    def temperature(self) -> float:
        """Temperature of both electrodes (K), 1 to 3000, below melting; all follows a new one at once.

        Atoms, clock, random numbers and the hazard that is left stay. Rates, conductances and laws of bonds
        are those of a device made at the new temperature. As the circuit it is no part of `state`.

        Raises
        ------
        ValueError
            The temperature is outside its range, or the material melts at it.
        """
        return self._temperature

    @temperature.setter
    def temperature(self, value: Quantity) -> None:
        kelvin = si("temperature", value, "K")
        self.check_temperature(kelvin)
        self.change_temperature(float(kelvin))

    def check_temperature(self, kelvin: float) -> None:
        """Raise ValueError unless the electrodes can have a temperature (K)."""
        self.stack.check_temperature(kelvin)
        refuse_cold(self.chemistry.mechanisms, kelvin)

    @property
    def melting_point(self) -> float:
        """Lowest melting point (K) of the materials, or where one decomposes; 0 where none is known."""
        return self.stack.melting_point

    def change_temperature(self, kelvin: float) -> None:
        """Make the solver for another temperature (K): laws and tables of rates are made for one."""
        if kelvin == self._temperature:
            return
        before, self._temperature = self._temperature, kelvin
        try:
            self.make_solver(*self.solving)
        except BaseException:
            self._temperature = before
            raise

    @property
    def light(self) -> float:
        """Flux of absorbed photons (1/(m^2 s)), 0 to 1e26; the hop of the mobile ion follows it at once.

        Both directions of a hop get one factor, see `LightNumbers`: its ratio of rates is that of the dark.
        As the temperature it is no part of `state`.

        Raises
        ------
        ValueError
            The flux is outside its range, or the material has no section [light].
        """
        return self._light

    @light.setter
    def light(self, value: Quantity) -> None:
        flux = si("light", value, "1/(m^2*s)")
        self.check_light(flux)
        self.change_light(float(flux))

    def change_light(self, flux: float) -> None:
        """Give the device another photon flux (1/(m^2 s)), which `check_light` has passed."""
        if flux == self._light:
            return
        self._light, self.light_factor = flux, None
        if flux > 0.0:
            names = [mechanism.name for mechanism in self.chemistry.mechanisms]
            factor = self.material.light.at(flux)
            self.light_factor = np.array([factor if name == ILLUMINATED else 1.0 for name in names])

    def check_light(self, flux: float) -> None:
        """Raise ValueError unless the device can be under a photon flux (1/(m^2 s))."""
        check_light(self.material, flux)

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
    def defects(self) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
        """Sites and species of all that is not perfect lattice; a vacancy in any charge state is one."""
        species = self.engine.species
        sites = np.flatnonzero(IS_DEFECT[species]).astype(np.int32)
        return sites, SHOWN[species[sites]]

    @property
    def filled_traps(self) -> int:
        """Number of traps that hold an electron."""
        if not len(self.chemistry.traps):
            return 0
        codes = self.engine.species[self.chemistry.traps]
        return int(np.count_nonzero(np.isin(codes, (FILLED_TRAP.code, FILLED_EXCITED_TRAP.code))))

    def count(self, code: int) -> int:
        """Return how many sites hold the species with this code; a vacancy in any charge state is one."""
        counts = np.bincount(self.engine.species, minlength=CODES)
        return int(counts[CHARGE_STATES].sum() if code == VACANCY.code else counts[code])

    # ------------------------------------------------------------------ changing

    def connect(self, circuit: Circuit) -> Circuit:
        """Put the device into another circuit, while no time passes; return the one that it was in."""
        before, self.circuit = self.circuit, circuit
        return before

    def set_voltage(self, source: float, conductance: float) -> None:
        """Apply a source voltage (V) to the device, whose current over voltage is ``conductance`` (S)."""
        self.device_voltage = self.circuit.device_voltage(source, conductance)
        self.source_voltage = source

    def pass_time(self, until: float, left: float | None = None) -> None:
        """Let time pass to ``until`` (s); the clock never goes back.

        Parameters
        ----------
        until : float
        left : float, optional
            Hazard that is left then; by default none of it is used up.
        """
        if until > self.time:
            self.time = until
        if left is not None:
            self.hazard = left

    def count_solution(self) -> None:
        """Count one more solution of the fields, while a waveform is applied."""
        self.field_solves += self.running

    def carry_out(self, mechanism: int, direction: int, site_a: int, site_b: int, at_floor: bool) -> None:
        """Let an event happen, by its row of a catalogue.

        Parameters
        ----------
        mechanism, direction, site_a, site_b : int
        at_floor : bool
            Whether the voltage would push its barrier below the floor; such events are counted.

        Raises
        ------
        ValueError
            The event is not possible now.
        """
        self.engine.carry_out(mechanism, direction, site_a, site_b)
        self.floor_events += at_floor
        if self.relaxation is not None:
            self._note(site_a)
            self._note(site_b)

    def draw_hazard(self) -> None:
        """Draw the unit exponential that has to pass before the next event."""
        self.hazard = -math.log1p(-self.engine.draw())

    def look(self) -> None:
        """Pass on to what relaxes which sites hold defects, after others than single events moved atoms."""
        if self.relaxation is not None:
            self.relaxation.look(self._holds(), self.time)

    def _note(self, site: int) -> None:
        """Pass on to what relaxes that an event took place at a site (-1: at none)."""
        if self.relaxation is not None and 0 <= site < self.n_hosts:
            self.relaxation.note(site, bool(IS_DEFECT[self.engine.codes[site]]), self.time)

    def draw_patience(self) -> None:
        """Draw the unit exponentials that have to pass before the oxide relaxes and a site switches next."""
        if self.relaxation is not None:
            self.relaxation.draw_patience(self.engine.draw)
        if self.two_level is not None:
            self.two_level.draw_patience(self.engine.draw)

    def arrange(self, **atoms: NDArray[Any]) -> None:
        """Give the engine other atoms; its counters, clock and random numbers stay.

        Parameters
        ----------
        **atoms : ndarray
            Some of ``species`` and ``reservoir``, as `arrangement` returns them, and what `oxide` returns.
        """
        factor, held, level = (atoms.pop(name, None) for name in ("factor", "held", "level"))
        self.engine.restore(self.engine.state() | atoms)
        if self.relaxation is not None and factor is not None and held is not None:
            self.relaxation.arrange(factor, held)
            self.look()
        if self.two_level is not None and level is not None:
            self.two_level.arrange(level)

    def arrangement(self) -> dict[str, NDArray[Any]]:
        """Return all that tells the present atoms from others, for `arrange`."""
        state = self.engine.state()
        return {name: state[name] for name in ("species", "reservoir")}

    def oxide(self) -> dict[str, NDArray[Any]]:
        """Return how the oxide has relaxed, for `arrange`; nothing where it stays as it was made."""
        found: dict[str, NDArray[Any]] = {}
        if self.relaxation is not None:
            found |= {"factor": self.relaxation.factor, "held": self.relaxation.held.copy()}
        if self.two_level is not None:
            found |= {"level": self.two_level.level.copy()}
        return found

    @property
    def relaxing(self) -> float:
        """Rate (1/s) at which the oxide relaxes next, round one of the sites that wait."""
        return 0.0 if self.relaxation is None else self.relaxation.rate * len(self.relaxation.waiting)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Try other arrangements, by `arrange` or by events: in the end everything is as before.

        The candidates of an arrangement come from the engine, which therefore has to hold it.
        """
        before, oxide = self.engine.state(), self.relaxation and self.relaxation.copy()
        sites = self.two_level and self.two_level.copy()
        try:
            yield
        finally:
            self.engine.restore(before)
            if self.relaxation is not None and oxide is not None:
                self.relaxation.revert(oxide)
            if self.two_level is not None and sites is not None:
                self.two_level.revert(sites)

    # ------------------------------------------------------------------ checkpoint

    def state(self) -> dict[str, Any]:
        """Return everything that changes in a run; `restore` continues from it bit by bit.

        The device itself goes on with the same bits after `Device.forget`: above 150 conducting defects last
        digits depend on what was solved before.
        """
        return {
            "engine": self.engine.state(),
            "time": self.time,
            "source_voltage": self.source_voltage,
            "device_voltage": self.device_voltage,
            "hazard": self.hazard,
            "field_solves": self.field_solves,
            "floor_events": self.floor_events,
            "relaxation": None if self.relaxation is None else self.relaxation.state(),
        } | ({} if self.two_level is None else {"two_level": self.two_level.state()})

    def restore(self, state: dict[str, Any], *, stream: Sequence[int] | None = None) -> None:
        """Continue from a `state` of a device made with the same arguments; ``stream`` as of the engine."""
        self.engine.restore(state["engine"], stream=stream)
        self.time, self.hazard = float(state["time"]), float(state["hazard"])
        if self.relaxation is not None:
            self.relaxation.restore(state["relaxation"])
        if self.two_level is not None:
            self.two_level.restore(state["two_level"])
        if stream is not None:
            self.draw_hazard()
            self.draw_patience()
        self.source_voltage = float(state["source_voltage"])
        self.device_voltage = float(state["device_voltage"])
        self.field_solves = int(state["field_solves"])
        self.floor_events = int(state["floor_events"])


def box(thickness: float, width: float, spacing: float, least_layers: int = 1) -> tuple[int, int, int]:
    """Return the host sites in x, y and z of a box of this size (m).

    Raises
    ------
    ValueError
        A size outside its range.
    """
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


def check_light(material: Material, flux: float) -> None:
    """Raise ValueError unless a device of a material can be under a photon flux (1/(m^2 s))."""
    between("light", flux, 0.0, BRIGHTEST, "1/(m^2*s)")
    if flux > 0.0 and not material.has("light"):
        raise ValueError(
            f"light must be 0 for material {material.name}, which has no section [light], "
            f"got {flux:g} 1/(m^2*s)"
        )
