"""Atoms on a lattice: what stands on each site, which events are possible, and the random numbers."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...provenance import draw_seed
from ..lattice.lattice import Lattice
from ..mechanisms.mechanism import Mechanism
from ..seeds import BRANCH, random_numbers, set_words, words
from ._catalogue import Catalogue
from ._engine import Kernel
from .tables import Interaction, checked_codes, compile_tables, neighbour_counts, rate_tables


class Engine:
    """Species on a lattice and every event that is possible there; time and fields belong to a device.

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
    reservoir : tuple of int
        Atoms that the bottom and the top electrode hold, >= 0; then those of a second kind, where a mechanism
        takes from a second stock.
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
        reservoir: tuple[int, ...] = (0, 0),
        seed: int | None = None,
        member: int = 0,
    ) -> None:
        self.lattice, self.mechanisms = lattice, tuple(mechanisms)
        self._compiled = compile_tables(lattice, self.mechanisms, interactions)
        self.seed, self.member = draw_seed() if seed is None else int(seed), int(member)
        self._place(checked_codes(species, lattice, self._compiled.species))
        self._stocks = 4 if any(m.second_stock for m in self.mechanisms) else 2
        if len(reservoir) not in (2, self._stocks) or any(int(n) != n or n < 0 for n in reservoir):
            allowed = "two" if self._stocks == 2 else "two or four"
            raise ValueError(f"reservoir must be {allowed} whole numbers of at least 0, got {reservoir}")
        self._kernel.set_reservoir(*map(int, reservoir))

    # ---- state

    @property
    def species(self) -> NDArray[np.int8]:
        """Codes of the species on each site, shape (n_sites,); a copy."""
        return self._codes.copy()

    @property
    def codes(self) -> NDArray[np.int8]:
        """Codes of the species on each site; a read-only view, to be asked for again after a run."""
        view = self._codes.view()
        view.flags.writeable = False
        return np.asarray(view)

    @property
    def mark(self) -> int:
        """Number that tells the present species from others almost always; `holds` is certain."""
        return self._kernel.mark

    def holds(self, species: NDArray[np.int8]) -> bool:
        """Return whether these species stand on the sites, after `mark`."""
        return self._kernel.holds(species)

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
    def reservoir(self) -> tuple[int, ...]:
        """Atoms held by the bottom and the top electrode, then those of a second kind where there is one."""
        return tuple(map(int, self._kernel.reservoir(self._stocks)))

    # ---- events one by one

    def catalogue(self) -> Catalogue:
        """List every event that is possible now without energies in fields; see `Catalogue`.

        The order is a function of the state alone: ascending by the site that keeps the event, then by
        its slots. The columns are views, valid until the next catalogue.
        """
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

    def tables(self) -> dict[str, Any]:
        """Return what does not change about the mechanisms, one array per field, shape (n_mechanisms,).

        Returns
        -------
        dict of str to ndarray
            ``law`` (0 sinusoidal, 1 linear, 2 Marcus, 3 many phonons), ``lineshapes`` (list of the tables of
            law 3, or None), ``alpha``, ``dipole`` (e m), ``dipole_power``, ``length`` (m), ``floor`` (eV),
            ``heat_of_transport`` (eV), ``electrode`` (0 none, 1 bottom, 2 top), ``charge_a`` and
            ``charge_b`` (e gained in the forward direction), ``code_before_a``, ``code_before_b``,
            ``code_after_a``, ``code_after_b`` (-1: no second site).
        """
        return rate_tables(self.lattice, self.mechanisms)

    # ---- checkpoint

    def state(self) -> dict[str, Any]:
        """Return everything that changes, as plain arrays; see `restore`."""
        return {
            "species": self._codes.copy(),
            "fired": self._kernel.counts().copy(),
            "reservoir": np.array(self.reservoir, dtype=np.int64),
            "numbers": np.array([self._kernel.events, self._kernel.version], dtype=np.int64),
            "random": words(self._generator),
        }

    def restore(self, state: dict[str, Any], *, stream: Sequence[int] | None = None) -> None:
        """Take over a state that `state` returned, of this engine or of one made alike.

        Parameters
        ----------
        state : dict
        stream : sequence of int, optional
            Go on with random numbers of their own, of the stream with these numbers (>= 0). Each stream is
            another independent future; without it the state goes on bit by bit.

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
        self._codes[:] = codes
        self._count[:] = neighbour_counts(self._compiled, codes)
        kernel.restore(state["fired"], *(int(n) for n in state["numbers"][:2]))
        kernel.set_reservoir(*(int(n) for n in state["reservoir"]))
        if stream is None:
            set_words(self._generator, state["random"])
        else:
            set_words(self._generator, words(random_numbers(self.seed, self.member, BRANCH, *stream)))
        self._catalogue.forget()

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

    def _place(self, codes: NDArray[np.int8]) -> None:
        """Make all that events change, for species on sites."""
        self._codes, self._count = codes, neighbour_counts(self._compiled, codes)
        self._kernel = Kernel(self._compiled, codes, self._count)
        self._generator: np.random.Generator = random_numbers(self.seed, self.member)
        self._catalogue = Catalogue()
