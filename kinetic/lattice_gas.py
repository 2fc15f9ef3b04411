"""Mechanisms of yours on any lattice, in a given potential and temperature, run by the loop of devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import between
from ..checks import temperature as check_temperature
from ..provenance import draw_seed
from ..typing import Floats
from .circuit import Circuit
from .device import Device
from .engine.engine import Engine
from .engine.tables import Interaction, checked_sites
from .fields._given_fields import GivenFields
from .lattice.lattice import Lattice
from .lattice.species import INTERSTITIAL, VACANCY
from .mechanisms.lineshape import refuse_cold
from .mechanisms.mechanism import Mechanism, refuse_filament
from .mechanisms.reactions import Chemistry
from .run import Record
from .solver import Solved, Solver
from .waveform import Waveform

VOLTAGE = 1.0
"""Source voltage (V) at which the fields are those that were given."""


class GivenFieldSolver(Solver):
    """Event energies in given fields, which grow with the source voltage; no current flows."""

    fields: GivenFields

    def maps_at(self, species: NDArray[np.int8], voltage: float) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature above that of the electrodes (K) of every site."""
        return self.fields.potential * voltage, (self.fields.temperature - self.state.temperature) * voltage

    def solve(self, species: NDArray[np.int8]) -> Solved:
        """Give the candidates of the engine their energies."""
        return Solved(self.fields.event_rates(self.candidates()), 0.0, 0.0, 0.0, 0.0)


class LatticeGas(Device):
    """Species on any lattice that follow mechanisms in fields that no atom changes.

    It runs as a `Device` does and has its methods, but no material, no current and no average over electrons.
    `hold` lets time pass in the fields as they are given; a waveform scales the potentials, and how much
    hotter each site is than the coldest one, by its voltage over 1 V.

    Parameters
    ----------
    lattice, mechanisms, species, interactions, reservoir, seed, member
        As of `Engine`.
    potential : array_like of shape (n_sites,), optional
        Electrostatic potential (V); 0 everywhere by default.
    electrode_potential : tuple of float
        Potential (V) of the bottom and the top electrode.
    temperature : float or array_like of shape (n_sites,)
        Temperature (K), above 0 and at most 100,000.
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
        reservoir: tuple[int, ...] = (0, 0),
        seed: int | None = None,
        member: int = 0,
        cache: int = 256,
    ) -> None:
        refuse_filament(mechanisms)
        self.seed, self.member = draw_seed() if seed is None else seed, member
        self.lattice, self.shape, self.n_hosts = lattice, lattice.shape, lattice.n_hosts
        self.circuit, self.relaxation, self.two_level = Circuit(), None, None
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
        given_fields = self._given
        bottom, top = given_fields.electrodes[1:].tolist()
        self._set_fields(
            given_fields.potential if potential is None else potential,
            (bottom, top) if electrode_potential is None else electrode_potential,
            given_fields.temperature if temperature is None else temperature,
        )
        self.make_solver(*self.solving)

    def check_temperature(self, kelvin: float) -> None:
        """Raise ValueError unless all sites can have a temperature (K); there is no material that melts."""
        check_temperature(kelvin)
        refuse_cold(self.chemistry.mechanisms, kelvin)

    def check_light(self, flux: float) -> None:
        """Raise ValueError where there is light: mechanisms of yours have no section [light]."""
        between("light of a lattice gas", flux, 0.0, 0.0, "1/(m^2*s)")

    def change_temperature(self, kelvin: float) -> None:
        """Give all sites a temperature (K)."""
        self.set_fields(temperature=kelvin)

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
        self._temperature = float(kelvin.min())
        refuse_cold(self.chemistry.mechanisms, self.temperature)
        potentials = checked_sites("potential", potential, n, "V")
        self._given = GivenFields(potentials.copy(), np.array([0.0, *electrodes]), kelvin)
