"""Mechanisms of yours on any lattice, in a given potential and temperature, run by the loop of devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..provenance import draw_seed
from ..typing import Floats
from .circuit import Circuit
from .device import Device
from .engine.engine import Engine
from .engine.tables import Interaction, checked_sites
from .fields._event_rates import Candidates, EventRates
from .lattice.lattice import Lattice
from .lattice.species import INTERSTITIAL, VACANCY
from .mechanisms.lineshape import refuse_cold
from .mechanisms.mechanism import Mechanism, refuse_filament
from .mechanisms.reactions import Chemistry
from .run import Record
from .solver import Solved, Solver
from .state import DeviceState
from .waveform import Waveform

VOLTAGE = 1.0
"""Source voltage (V) at which the fields are those that were given."""


@dataclass(frozen=True, slots=True)
class GivenFields:
    """Potential and temperature that no atom changes.

    Attributes
    ----------
    potential : ndarray of shape (n_sites,)
        Electrostatic potential (V).
    electrodes : ndarray of shape (3,)
        Potential (V) by electrode as `Engine.tables` numbers them: none, bottom, top.
    temperature : ndarray of shape (n_sites,)
        Temperature (K).
    """

    potential: Floats
    electrodes: Floats
    temperature: Floats

    @property
    def uneven(self) -> bool:
        """Whether some sites are hotter than others."""
        return bool(self.temperature.min() < self.temperature.max())


class GivenFieldSolver(Solver):
    """Event energies in given fields: the work of the fields grows with the source voltage.

    With charge q_s gained and potential phi_s at site s, potential phi_e of the electrode, and V the source
    voltage over 1 V, an event costs ``dE = dE_chemical + V (sum_s q_s phi_s - q_a phi_e)``. It reads the
    temperature ``T_i + (1 - Q*/E_m)/2 (T_j - T_i)`` between start i and end j. That temperature and what a
    dipole takes off a barrier are those at 1 V, except that a uniform temperature holds at any voltage.
    """

    fields: GivenFields

    def __init__(self, state: DeviceState, fields: GivenFields, kept: int) -> None:
        super().__init__(state, fields, kept)
        self._dipoles, self._uneven = bool(self.tables["dipole"].any()), fields.uneven

    def maps_at(self, species: NDArray[np.int8], voltage: float) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature above that of the electrodes (K) of every site."""
        return self.fields.potential * voltage, self.fields.temperature - self.state.temperature

    def solve(self, species: NDArray[np.int8]) -> Solved:
        """Give the candidates of the engine their energies; no current flows."""
        listed, tables, fields = self.state.engine.catalogue(), self.tables, self.fields
        kind, a, b = listed.mechanism, listed.site_a, listed.site_b
        sign, pair, charge = 1.0 - 2.0 * listed.direction, b >= 0, tables["charge_a"][kind]
        other = np.where(pair, fields.potential[b], fields.electrodes[tables["electrode"][kind]])
        forward = charge * fields.potential[a] + np.where(pair, tables["charge_b"][kind], -charge) * other
        # Rows: energy (eV), temperature above the electrodes over the voltage (K/V), and one that stays 0.
        at_rest, at_one = np.zeros((2, 3, len(listed)))
        at_rest[0], at_one[0] = listed.energy, listed.energy + sign * forward
        if self._uneven:
            read = self._read(a, np.where(pair, b, a), listed)
            at_rest[1] = at_one[1] = read - self.state.temperature
        barrier = listed.barrier
        if self._dipoles:
            unit = np.where(charge != 0.0, np.abs(charge), 1.0)
            barrier = barrier - tables["dipole"][kind] * np.maximum(0.0, -forward / unit)
        candidates = Candidates(
            self.mechanisms, kind, listed.direction, a, b, barrier, listed.energy, listed.attempt_frequency
        )
        none = np.zeros(candidates.n)
        events = EventRates(candidates, none, none).between(0.0, VOLTAGE, at_rest, at_one)
        return Solved(events, 0.0, 0.0, 0.0, 0.0)

    def _read(self, a: NDArray[np.int32], b: NDArray[np.int32], listed: Any) -> Floats:
        """Return the temperature (K) that each event reads."""
        kelvin, transport = self.fields.temperature, self.tables["heat_of_transport"][listed.mechanism]
        back, barrier = listed.direction == 1, listed.barrier
        start, end = kelvin[np.where(back, b, a)], kelvin[np.where(back, a, b)]
        lever = 0.5 * (1.0 - transport / np.where(barrier > 0.0, barrier, np.inf))
        return np.asarray(start + lever * (end - start))


class LatticeGas(Device):
    """Species on any lattice that follow mechanisms in fields that no atom changes.

    It runs as a `Device` does and has its methods, but no material, no current and no average over electrons.
    `hold` lets time pass in the fields as they are given; a waveform scales the potentials by its voltage
    over 1 V.

    Parameters
    ----------
    lattice : Lattice
        Sites, neighbours, electrodes.
    mechanisms : sequence of Mechanism
        What can happen, at least one.
    species : array_like of int, shape (n_sites,)
        Code of the species on each site at the start.
    interactions : iterable of PairInteraction or SiteEnergy
        Parts of the energy.
    potential : array_like of shape (n_sites,), optional
        Electrostatic potential (V); 0 everywhere by default.
    electrode_potential : tuple of float
        Potential (V) of the bottom and the top electrode.
    temperature : float or array_like of shape (n_sites,)
        Temperature (K), above 0 and at most 100,000.
    reservoir : tuple of int
        Atoms that the bottom and the top electrode hold, >= 0.
    seed : int, optional
        Seed of the random numbers, >= 0; drawn and kept in ``seed`` when not given.
    member : int
        Number of this run within an ensemble; each has its own stream.
    cache : int
        Arrangements of atoms kept with the energies of their events.

    Raises
    ------
    ValueError
        If shapes disagree, a value is outside its range, a species is unknown or a mechanism needs a
        filament.
    """

    averages_traps = False

    def __init__(
        self,
        lattice: Lattice,
        mechanisms: Sequence[Mechanism],
        species: ArrayLike,
        *,
        interactions: Sequence[Interaction] = (),
        potential: ArrayLike | None = None,
        electrode_potential: tuple[float, float] = (0.0, 0.0),
        temperature: float | ArrayLike = 300.0,
        reservoir: tuple[int, int] = (0, 0),
        seed: int | None = None,
        member: int = 0,
        cache: int = 256,
    ) -> None:
        refuse_filament(mechanisms)
        self.seed, self.member = draw_seed() if seed is None else seed, member
        self.lattice, self.shape, self.n_hosts = lattice, lattice.shape, lattice.n_hosts
        self.circuit, self.relaxation = Circuit(), None
        none = np.zeros(lattice.n_hosts, bool)
        self.chemistry = Chemistry(
            mechanisms=tuple(mechanisms), interactions=tuple(interactions), traps=np.zeros(0, np.int32),
            weak=none, blocked=none, defect=VACANCY, interstitial=INTERSTITIAL,
            bond_factor=np.ones(lattice.n_hosts),
        )  # fmt: skip
        self.engine = Engine(
            lattice, mechanisms, species, interactions=interactions, reservoir=reservoir, seed=self.seed,
            member=member,
        )  # fmt: skip
        self._set_fields(
            np.zeros(lattice.n_sites) if potential is None else potential, electrode_potential, temperature
        )
        self._begin(cache, False)
        self.source_voltage = self.device_voltage = VOLTAGE

    def make_solver(self, kept: int, precise: bool) -> None:
        """Make what gives events their energies in the given fields."""
        self.solver = GivenFieldSolver(self, self._given, kept)

    def set_fields(
        self,
        *,
        potential: ArrayLike | None = None,
        electrode_potential: tuple[float, float] | None = None,
        temperature: float | ArrayLike | None = None,
    ) -> None:
        """Give other fields; what is not named stays, and so does the hazard left before the next event.

        Parameters and errors are those of the class.
        """
        given = self._given
        bottom, top = given.electrodes[1:].tolist()
        self._set_fields(
            given.potential if potential is None else potential,
            (bottom, top) if electrode_potential is None else electrode_potential,
            given.temperature if temperature is None else temperature,
        )
        self.make_solver(*self.solving)

    def hold(
        self,
        duration: float,
        *,
        samples: int = 2,
        stop: Callable[[Device, float], bool] | None = None,
        log: bool = False,
        progress: Callable[[float, Device], None] | None = None,
        superbasin: bool = False,
    ) -> Record:
        """Let time pass in the given fields.

        Parameters
        ----------
        duration : float
            Time (s), above 0 and at most 1e12.
        samples, stop, log, progress, superbasin
            As of `Device.advance`.
        """
        return self.advance(
            Waveform.constant(VOLTAGE, duration),
            samples=samples,
            stop=stop,
            log=log,
            progress=progress,
            superbasin=superbasin,
        )

    def _set_fields(self, potential: ArrayLike, electrodes: tuple[float, float], temperature: Any) -> None:
        n, kelvin = self.lattice.n_sites, np.asarray(temperature, np.float64)
        if len(electrodes) != 2 or not all(np.isfinite(v) for v in electrodes):
            raise ValueError(f"electrode_potential must be two finite values (V), got {electrodes}")
        kelvin = checked_sites("temperature", np.full(n, kelvin) if kelvin.ndim == 0 else kelvin, n, "K")
        bad = np.flatnonzero((kelvin <= 0.0) | (kelvin > 1e5))
        if len(bad):
            raise ValueError(
                f"temperature must be above 0 and at most 100000 K, got {kelvin[bad[0]]} at site {bad[0]}"
            )
        self.temperature = float(kelvin.min())
        refuse_cold(self.chemistry.mechanisms, self.temperature)
        at = checked_sites("potential", potential, n, "V")
        self._given = GivenFields(at.copy(), np.array([0.0, *electrodes]), kelvin)
