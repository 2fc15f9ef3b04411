"""The event engine: which atomic events can happen, when and which one happens next."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import finite, whole
from ...provenance import draw_seed
from ...units import BOLTZMANN_EV
from ..lattice.lattice import Lattice
from ..mechanisms.lineshape import refuse_cold
from ..mechanisms.mechanism import Mechanism, refuse_filament
from ..seeds import BRANCH, random_numbers, set_words, words
from ._basin import Basin
from ._catalogue import Catalogue
from ._engine import REASONS, Kernel
from .plain_hop import plain_hop
from .tables import (
    Interaction,
    checked_codes,
    checked_sites,
    compile_tables,
    neighbour_counts,
    thermal_energy,
)

TRANSITION = np.dtype(
    [
        ("mechanism", np.int32),
        ("direction", np.int8),
        ("site_a", np.int32),
        ("site_b", np.int32),
        ("rate", np.float64),
        ("energy", np.float64),
        ("barrier", np.float64),
    ]
)

HOPS_LIMIT = 2**26 - 2  # particles of the loop for one kind of hop; none was tried with more
BASIN_GAIN = 40.0  # events that a superbasin must save per state of it: about what its law costs


class Engine:
    """Rejection-free kinetic Monte Carlo on a lattice in given fields.

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
    potential : array_like, shape (n_sites,), optional
        Electrostatic potential (V); 0 everywhere by default.
    electrode_potential : tuple of float
        Potential (V) of the bottom and the top electrode.
    temperature : float or array_like, shape (n_sites,)
        Temperature (K), above 0.
    reservoir : tuple of int
        Atoms that the bottom and the top electrode hold, >= 0.
    seed : int, optional
        Seed of the random numbers, >= 0; drawn and kept in ``seed`` when not given.
    member : int
        Number of this run within an ensemble; each has its own stream.

    Raises
    ------
    ValueError
        If shapes disagree, a value is outside its range or a species is unknown.
    """

    def __init__(
        self,
        lattice: Lattice,
        mechanisms: Sequence[Mechanism],
        species: ArrayLike,
        *,
        interactions: Iterable[Interaction] = (),
        potential: ArrayLike | None = None,
        electrode_potential: tuple[float, float] = (0.0, 0.0),
        temperature: float | ArrayLike = 300.0,
        reservoir: tuple[int, int] = (0, 0),
        seed: int | None = None,
        member: int = 0,
    ) -> None:
        self.lattice, self.mechanisms = lattice, tuple(mechanisms)
        self._compiled = compile_tables(lattice, self.mechanisms, interactions)
        self.seed, self.member = draw_seed() if seed is None else int(seed), int(member)
        self._place(checked_codes(species, lattice, self._compiled.species))
        self._set_reservoir(reservoir)
        self._potential = np.zeros(lattice.n_sites)
        self._set_temperature(thermal_energy(temperature, lattice.n_sites))
        self._electrode_potential = (0.0, 0.0)
        self.electrode_potential = electrode_potential
        if potential is not None:
            self.potential = np.asarray(potential)

    # ---- state

    @property
    def species(self) -> NDArray[np.int8]:
        """Codes of the species on each site, shape (n_sites,); a copy."""
        self._catch_up()
        return self._codes.copy()

    @property
    def codes(self) -> NDArray[np.int8]:
        """Codes of the species on each site; a read-only view, to be asked for again after a run."""
        self._catch_up()
        view = self._codes.view()
        view.flags.writeable = False
        return np.asarray(view)

    @property
    def mark(self) -> int:
        """Number that tells the present species from others almost always; `holds` is certain."""
        self._catch_up()
        return self._kernel.mark

    def holds(self, species: NDArray[np.int8]) -> bool:
        """Return whether these species stand on the sites, after `mark`."""
        return self._kernel.holds(species)

    @property
    def time(self) -> float:
        """Time (s) since the engine was made; can be set."""
        return float(self._kernel.time)

    @time.setter
    def time(self, value: float) -> None:
        finite("time", value, "s")
        self._release()
        self._kernel.time, self._kernel.time_rest, self._kernel.fresh = float(value), 0.0, False

    @property
    def events(self) -> int:
        """Number of events carried out."""
        return int(self._kernel.events)

    @property
    def version(self) -> int:
        """Number that grows with every change of the state."""
        return int(self._kernel.version)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Events carried out, shape (n_mechanisms, 2): forward, reverse; a copy."""
        return self._kernel.counts().copy()

    @property
    def reservoir(self) -> tuple[int, int]:
        """Atoms held by the bottom and the top electrode."""
        bottom, top = self._kernel.reservoir()
        return int(bottom), int(top)

    @property
    def floor_hits(self) -> int:
        """Events carried out whose barrier was at the mechanism's floor."""
        return int(self._kernel.floor_hits)

    @property
    def last_event(self) -> tuple[int, int, int, int]:
        """Mechanism, direction and both sites (-1: none) of the latest event; of fire() or a general run."""
        return self._kernel.last_event()

    @property
    def basin_exits(self) -> tuple[int, float]:
        """Exits out of superbasins, and the mean number of events that they stood for."""
        return int(self._basin.exits), float(self._basin.skipped)

    @property
    def potential(self) -> NDArray[np.float64]:
        """Potential (V), shape (n_sites,); can be set, a copy when read."""
        return self._potential.copy()

    @potential.setter
    def potential(self, value: ArrayLike) -> None:
        self._potential = checked_sites("potential", value, self.lattice.n_sites, "V").copy()
        self._set_fields()

    @property
    def electrode_potential(self) -> tuple[float, float]:
        """Potential (V) of the bottom and the top electrode; can be set."""
        return self._electrode_potential

    @electrode_potential.setter
    def electrode_potential(self, value: tuple[float, float]) -> None:
        if len(value) != 2 or not all(np.isfinite(v) for v in value):
            raise ValueError(f"electrode_potential must be two finite values (V), got {value}")
        self._electrode_potential = (float(value[0]), float(value[1]))
        self._set_fields()

    @property
    def temperature(self) -> NDArray[np.float64]:
        """Temperature (K), shape (n_sites,); can be set (also to one number), a copy when read."""
        return np.asarray(self._kt / BOLTZMANN_EV)

    @temperature.setter
    def temperature(self, value: float | ArrayLike) -> None:
        self._set_temperature(thermal_energy(value, self.lattice.n_sites))
        self._set_fields()

    # ---- running

    def run(self, *, events: int | None = None, time: float | None = None, superbasin: bool = False) -> str:
        """Carry out events in the fields as they are.

        Parameters
        ----------
        events : int, optional
            Number of events after which to stop, >= 0.
        time : float, optional
            Time (s since the engine was made) at which to stop, not before the time now.
        superbasin : bool
            Whether sets of up to 16 states that the system goes to and fro between are left in one step.
            Exit time, exit state and exit event follow the exact law (to 1e-9 relative), and count as one
            event; events within a set are not counted. Pieces of a run are then the same in law only.

        Returns
        -------
        str
            ``"events"`` or ``"time"``, whichever came first, or ``"stuck"``: no event is possible (the
            time is then set to ``time`` if that was given).

        Raises
        ------
        ValueError
            If neither limit is given, one is out of range, or a heat of transport reads a temperature
            of 0 K or below.

        Notes
        -----
        A run that is cut into pieces gives the same trajectory, bit for bit: an event that was drawn but
        lies beyond ``time`` is kept. When fields change in between, the part of its unit exponential
        that has not passed is kept, so piecewise constant fields are exact.
        """
        if events is None and time is None:
            raise ValueError("run needs a number of events or a time, got neither")
        if events is not None:
            whole("events", events, 0)
        if time is not None and not time >= self.time:
            raise ValueError(f"time must be at least the time now, {self.time} s, got {time}")
        refuse_filament(self.mechanisms)
        most, until = 2**62 if events is None else events, np.inf if time is None else time
        bits = self._generator.bit_generator
        if superbasin:
            self._catch_up()
            status = self._basin.run(self._kernel, most, until, bits)
        elif self._hops_ready(most):
            assert self._hops is not None
            self._hops_ahead = True
            status = self._hops.run(self._kernel, most, until, bits)
        else:
            self._catch_up()
            status = self._kernel.run(most, until, bits)
        if REASONS[status] == "cold":
            raise ValueError(
                "heat_of_transport must keep the temperature that a hop reads above 0 K; "
                "the temperature difference between two neighbouring sites is too large for it"
            )
        return REASONS[status]

    def check(self) -> tuple[float, float]:
        """Return the relative errors of the selector's total and of the worst rate.

        Both compare what local updates have left with a full recomputation; the second must be 0.
        """
        self._catch_up()
        total, rate = self._kernel.check()
        return total, rate

    # ---- events one by one

    def transitions(self) -> NDArray[np.void]:
        """List every event that is possible now.

        Returns
        -------
        ndarray, structured
            Fields mechanism, direction (0 forward, 1 reverse), site_a, site_b (-1: none), rate (1/s),
            energy (total difference, eV) and barrier (activation energy, eV), by ascending site.
        """
        refuse_filament(self.mechanisms)
        listed = self.catalogue()
        out = np.zeros(len(listed), dtype=TRANSITION)
        rate, energy, barrier = (np.zeros(len(listed)) for _ in range(3))
        self._kernel.rate_each(listed, rate, energy, barrier)
        out["rate"], out["energy"], out["barrier"] = rate, energy, barrier
        for name in ("mechanism", "direction", "site_a", "site_b"):
            out[name] = getattr(listed, name)
        return out

    def catalogue(self) -> Catalogue:
        """List every event that is possible now without energies in fields; see `Catalogue`.

        The order is a function of the state alone: ascending by the site that keeps the event, then by
        its slots. The columns are views, valid until the next catalogue.
        """
        self._catch_up()
        if self._catalogue.version != self._kernel.version:
            self._kernel.enumerate(self._catalogue)
        return self._catalogue

    def fire(self, k: int) -> None:
        """Carry out event ``k`` of the last catalogue.

        Raises
        ------
        ValueError
            If the state changed since, or there is no such event.
        """
        if self._catalogue.version != self._kernel.version:
            raise ValueError("the catalogue is older than the state; call catalogue() before fire()")
        if not 0 <= k < len(self._catalogue):
            raise ValueError(f"event must be between 0 and {len(self._catalogue) - 1}, got {k}")
        self._kernel.fire(self._catalogue, k)

    def carry_out(self, mechanism: int, direction: int, site_a: int, site_b: int) -> None:
        """Carry out an event that is possible now, by its row of a catalogue; ValueError where it is not."""
        if not self._kernel.carry_out(mechanism, direction, site_a, site_b):
            raise ValueError(f"{self.mechanisms[mechanism].name} is not possible at sites {site_a}, {site_b}")

    @property
    def bit_generator(self) -> np.random.BitGenerator:
        """Source of the engine's random numbers, for compiled code that draws from the same stream."""
        return self._generator.bit_generator

    def draw(self) -> float:
        """Return the next uniform random number in [0, 1) of the engine's stream."""
        return float(self._generator.random())

    def tables(self) -> dict[str, NDArray[Any]]:
        """Return what does not change about the mechanisms, one array per field, shape (n_mechanisms,).

        Returns
        -------
        dict of str to ndarray
            ``law`` (0 sinusoidal, 1 linear, 2 Marcus, 3 many phonons), ``lineshapes`` (list of the tables of
            law 3, or None), ``alpha``, ``dipole`` (e m), ``length`` (m), ``floor`` (eV),
            ``heat_of_transport`` (eV), ``electrode`` (0 none, 1 bottom, 2 top), ``charge_a`` and
            ``charge_b`` (e gained in the forward direction), ``code_before_a``, ``code_before_b``,
            ``code_after_a``, ``code_after_b`` (-1: no second site).
        """
        rows, shapes = self._compiled.mechanism, self._compiled.lineshapes
        out: dict[str, Any] = {name: rows[name].copy() for name in ("law", "floor")}
        out["alpha"], out["electrode"] = rows["share"][:, 0].copy(), rows["source"].copy()
        out["length"] = np.array([self.lattice.length(m.motif) for m in self.mechanisms])
        out["dipole"] = np.array([m.dipole for m in self.mechanisms])
        out["heat_of_transport"] = np.array([m.heat_of_transport for m in self.mechanisms])
        out["charge_a"], out["charge_b"] = rows["charge"].T.copy()
        out["lineshapes"] = shapes if any(shapes) else []
        for side, when in enumerate(("before", "after")):
            for end, name in enumerate("ab"):
                out[f"code_{when}_{name}"] = rows["code"][:, side, end].copy()
        return out

    # ---- checkpoint

    def state(self) -> dict[str, Any]:
        """Return everything that changes, as plain arrays and numbers; see `restore`."""
        self._catch_up()
        kernel = self._kernel
        return {
            "species": self._codes.copy(),
            "order": np.array(kernel.order_now()),
            "fired": self._kernel.counts().copy(),
            "reservoir": np.array(kernel.reservoir(), dtype=np.int64),
            "clock": np.array(
                [kernel.time, kernel.time_rest, kernel.pending, kernel.pending_rest, kernel.owed]
            ),
            "numbers": np.array([kernel.events, kernel.version, kernel.floor_hits], dtype=np.int64),
            "random": words(self._generator),
            "potential": self._potential.copy(),
            "kt": self._kt.copy(),
            "electrode_potential": np.array(self._electrode_potential),
        }

    def restore(self, state: dict[str, Any], *, stream: Sequence[int] | None = None) -> None:
        """Take over a state that `state` returned, of this engine or of one made alike.

        Parameters
        ----------
        state : dict
        stream : sequence of int, optional
            Go on with random numbers of their own, of the stream with these numbers (>= 0), and draw the
            wait for the next event anew: it has no memory, so the law is the same. Each stream is another
            independent future; without it the state goes on bit by bit.

        Raises
        ------
        ValueError
            If the state is of a lattice of another size or of other mechanisms.
        """
        kernel = self._kernel
        if np.shape(state["fired"]) != kernel.counts().shape:
            raise ValueError(
                f"state must be of {len(self.mechanisms)} mechanisms, got {np.shape(state['fired'])[0]}"
            )
        codes = checked_codes(state["species"], self.lattice, self._compiled.species)
        kernel.forget()
        self._hops_ahead = False
        if self._hops is not None:
            self._hops.version = -1
        self._codes[:] = codes
        self._count[:] = neighbour_counts(self._compiled, codes)
        kernel.order(np.asarray(state["order"], dtype=np.int32))
        kernel.counts()[:] = state["fired"]
        kernel.set_reservoir(*(int(n) for n in state["reservoir"]))
        self._potential = checked_sites("potential", state["potential"], len(codes), "V").copy()
        self._set_temperature(checked_sites("kt", state["kt"], len(codes), "eV").copy())
        bottom, top = state["electrode_potential"]
        self._electrode_potential = (float(bottom), float(top))
        self._set_fields()
        clock = [float(x) for x in state["clock"]]
        kernel.time, kernel.time_rest, kernel.pending, kernel.pending_rest, kernel.owed = clock
        kernel.events, kernel.version, kernel.floor_hits = (int(x) for x in state["numbers"])
        if stream is None:
            set_words(self._generator, state["random"])
        else:
            kernel.forget()
            set_words(self._generator, words(random_numbers(self.seed, self.member, BRANCH, *stream)))
        self._catalogue.version = -1

    def branch(self, *stream: int) -> Self:
        """Return an engine in the same state whose future is independent of this one's.

        Parameters
        ----------
        *stream : int
            Numbers (>= 0) that tell this branch from others of the same seed and member; equal ones give
            the same future. `restore` with a stream does the same in place, which is quicker.
        """
        state, twin = self.state(), copy(self)
        twin._place(self._codes.copy())
        twin.restore(state, stream=stream)
        return twin

    # ---- helpers

    def _place(self, codes: NDArray[np.int8]) -> None:
        """Make all that a run changes, for species on sites."""
        self._codes, self._count = codes, neighbour_counts(self._compiled, codes)
        self._kernel = Kernel(self._compiled, codes, self._count)
        self._hops, self._hops_ahead = plain_hop(self.lattice, self.mechanisms, self._compiled), False
        self._generator: np.random.Generator = random_numbers(self.seed, self.member)
        self._catalogue = Catalogue()
        self._basin: Basin = Basin(BASIN_GAIN)

    def _hops_ready(self, events: int) -> bool:
        """Return whether the specialised loop can carry out a run, brought up to date if need be."""
        hops, kernel = self._hops, self._kernel
        if hops is None or kernel.n_particles > HOPS_LIMIT:
            return False
        if hops.version != kernel.version:
            if events < self.lattice.n_sites // 64:  # not worth a pass over all sites
                return False
            hops.load(kernel, len(self._compiled.count) > 0)
        if not hops.fit:
            shifted = self._compiled.mechanism["shift"][0] >= 0
            rough = bool(shifted or self._even_kt < 0.0 or (self._potential != self._potential[0]).any())
            hops.fill(kernel.rates.hop_by_counts(0, hops.neighbour), rough, self._even_kt)
        return True

    def _catch_up(self) -> None:
        """Bring sites and particles up to date after a run of the specialised loop."""
        if self._hops_ahead:
            assert self._hops is not None
            self._hops.unload(self._kernel)
            self._hops_ahead = False

    def _set_temperature(self, kt: NDArray[np.float64]) -> None:
        refuse_cold(self.mechanisms, kt)
        self._kt, self._even_kt = kt, float(kt[0]) if (kt == kt[0]).all() else -1.0

    def _set_fields(self) -> None:
        self._release()
        if self._hops is not None:
            self._hops.fit = False
        self._kernel.set_fields(self._potential, self._kt, *self._electrode_potential)

    def _release(self) -> None:
        """Keep what is left of the wait for the event that was drawn, at the rates so far."""
        self._kernel.release(self._hops.tree.total if self._hops is not None and self._hops_ahead else None)

    def _set_reservoir(self, reservoir: tuple[int, int]) -> None:
        if len(reservoir) != 2 or any(int(n) != n or n < 0 for n in reservoir):
            raise ValueError(f"reservoir must be two whole numbers of at least 0, got {reservoir}")
        self._kernel.set_reservoir(int(reservoir[0]), int(reservoir[1]))
