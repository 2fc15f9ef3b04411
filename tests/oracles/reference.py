"""A lattice gas again in plain Python: slow, short, and written straight from the definitions.

Tests hold the compiled events and loop equal to it, event by event on the same random numbers.
"""

from collections.abc import Iterator, Sequence
from math import exp, inf, log1p

import numpy as np
from barrier_laws import activation, multiphonon

from frenkel.kinetic.lattice.species import Species
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.barrier import LINEAR, soret_lever
from frenkel.kinetic.mechanisms.lineshape import tabulate
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy
from frenkel.units import BOLTZMANN_EV

Move = tuple[int, int, int, int]  # mechanism, direction, site a, site b (-1: none)


class ReferenceEngine:
    """Same trajectory as a `LatticeGas` that was just made with the same arguments.

    Parameters
    ----------
    gas : LatticeGas
        Gives lattice, mechanisms, start, fields, seed and member.
    interactions : sequence of PairInteraction or SiteEnergy
        The interactions that the gas was made with.
    """

    def __init__(self, gas: LatticeGas, interactions: Sequence[PairInteraction | SiteEnergy] = ()) -> None:
        self.lattice, self.mechanisms, self.interactions = gas.lattice, gas.engine.mechanisms, interactions
        self.species = [int(code) for code in gas.engine.species]
        self.potential, self.electrode_potential = gas.fields.potential, gas.fields.electrodes[1:].tolist()
        self.temperature = gas.fields.temperature
        self.reservoir = dict(zip(("bottom", "top"), gas.engine.reservoir, strict=True))
        stream = np.random.SeedSequence(gas.seed, spawn_key=(gas.member,))
        self.random = np.random.Generator(np.random.PCG64DXSM(stream))
        self.time = 0.0
        self._background = self._lowest_codes()

    def moves(self, site: int) -> Iterator[Move | None]:
        """Yield the slots of a site in order: a move, or None where it is not possible now."""
        for m, mechanism in enumerate(self.mechanisms):
            for direction, side in enumerate((mechanism.before, mechanism.after)):
                role = self._role(side)
                if self.species[site] != side[role].code or (direction and mechanism.is_own_reverse):
                    continue
                if mechanism.motif is None:
                    ready = self._electrode_ready(mechanism, direction, site)
                    yield (m, direction, site, -1) if ready else None
                    continue
                alike = side[0] == side[1] and mechanism.after[0] == mechanism.after[1]
                alike = alike and mechanism.before[0] == mechanism.before[1]
                for other in (int(j) for j in self.lattice.motifs[mechanism.motif][site]):
                    if other < 0 or self.species[other] != side[1 - role].code or (alike and other < site):
                        yield None
                    else:
                        yield (m, direction, *((site, other) if role == 0 else (other, site)))

    def energy_around(self, sites: tuple[int, ...]) -> float:
        """Return the sum (eV) of all site energies of, and pairs that touch, the given sites."""
        total = 0.0
        for part in self.interactions:
            if isinstance(part, SiteEnergy):
                total += sum(float(part.values[i]) for i in sites if self.species[i] == part.species.code)
                continue
            for i in sites:
                for j in (int(j) for j in self.lattice.motifs[part.motif][i]):
                    if j < 0 or (part.exempt is not None and part.exempt[i] and part.exempt[j]):
                        continue
                    if sorted((self.species[i], self.species[j])) == sorted((part.a.code, part.b.code)):
                        total += 0.5 * part.energy if j in sites else part.energy
        return total

    def rate(self, move: Move) -> tuple[float, float]:
        """Return rate (1/s) and total energy difference (eV) of a move."""
        m, direction, a, b = move
        mechanism, sign = self.mechanisms[m], 1 - 2 * direction
        sites = (a,) if b < 0 else (a, b)
        old = self.energy_around(sites)
        self._place(mechanism, direction, sites)
        chemical = self.energy_around(sites) - old
        self._place(mechanism, 1 - direction, sites)
        charge = mechanism.charge_change
        forward = sum(q * float(self.potential[i]) for q, i in zip(charge, sites, strict=True))
        if mechanism.electrode is not None:
            forward -= charge[0] * self.electrode_potential[("bottom", "top").index(mechanism.electrode)]
        difference = chemical + sign * (mechanism.energy + forward)
        barrier = self._barrier(mechanism, sites)
        beta = soret_lever(barrier, mechanism.heat_of_transport)
        barrier = self._lowered(mechanism, barrier, forward)
        alpha = 0.5 if mechanism.law != LINEAR else mechanism.alpha
        first, last = (sites[0], sites[-1]) if direction == 0 else (sites[-1], sites[0])
        kelvin = self.temperature[first] + beta * (self.temperature[last] - self.temperature[first])
        if mechanism.transition is not None:
            height = barrier + float(multiphonon(tabulate(mechanism.transition), difference, kelvin))
        else:
            height = float(activation(barrier, difference, mechanism.law, alpha, bool(direction)))
        factor = 1.0
        if mechanism.frequency_factor is not None:
            factor = float(np.prod(mechanism.frequency_factor[list(sites)]) ** (1 / len(sites)))
        return factor * mechanism.attempt_frequency * exp(-height / (BOLTZMANN_EV * kelvin)), difference

    def step(self, until: float = inf) -> Move | None:
        """Carry out the next move and return it; None when none is possible (or before ``until``)."""
        owners = [site for site in range(self.lattice.n_sites) if self._owns(site)]
        listed = [move for site in owners for move in self.moves(site) if move is not None]
        rates = [self.rate(move)[0] for move in listed]
        total = sum(rates)
        if total <= 0.0:
            return None
        later = self.time - log1p(-self.random.random()) / total
        if later > until:
            return None
        self.time, mark = later, self.random.random() * total
        chosen = 0
        while mark >= rates[chosen] and chosen < len(rates) - 1:
            mark -= rates[chosen]
            chosen += 1
        self._carry_out(listed[chosen])
        return listed[chosen]

    def _carry_out(self, move: Move) -> None:
        m, direction, a, b = move
        mechanism = self.mechanisms[m]
        sites = (a,) if b < 0 else (a, b)
        self._place(mechanism, direction, sites)
        if mechanism.electrode is not None and not mechanism.remote:
            self.reservoir[mechanism.electrode] += 1 - 2 * direction

    def _place(self, mechanism: Mechanism, direction: int, sites: tuple[int, ...]) -> None:
        for site, species in zip(sites, (mechanism.after, mechanism.before)[direction], strict=True):
            self.species[site] = species.code

    def _barrier(self, mechanism: Mechanism, sites: tuple[int, ...]) -> float:
        barrier = mechanism.barrier
        if mechanism.barrier_shift is not None:
            barrier += sum(float(mechanism.barrier_shift[i]) for i in sites) / len(sites)
        if mechanism.barriers_below is not None:
            low, high = sorted(float(mechanism.barriers_below[i]) for i in sites)
            barrier += high - low
        if mechanism.crowding is not None:
            extra, limit = mechanism.crowding
            table, code = self.lattice.motifs[mechanism.crowding_motif], mechanism.crowding_species.code
            near = [
                sum(j >= 0 and j not in sites and self.species[j] == code for j in map(int, table[i]))
                + mechanism.crowding_electrode * (self.lattice.electrode[i] != 0)
                for i in (sites[:1] if mechanism.crowding_first else sites)
            ]
            start, edge = mechanism.crowding_start, mechanism.crowding_edge
            near = [max(0, min(n, limit) - start) for n in near]
            barrier += extra * ((1 - edge) * min(near) + edge * max(near)) / (limit - start)
        return barrier

    def _lowered(self, mechanism: Mechanism, barrier: float, forward: float) -> float:
        length, charge = self.lattice.length(mechanism.motif), abs(mechanism.charge_change[0])
        if charge > 0.0 and mechanism.dipole > 0.0:
            work, power = mechanism.dipole / length * max(0.0, -forward / charge), mechanism.dipole_power
            if power == 1.0:
                barrier -= work
            else:
                # Dudko, Hummer and Szabo's, without a floor.
                return barrier * max(0.0, 1.0 - work / (power * barrier)) ** power
        return max(mechanism.floor, barrier)

    def _electrode_ready(self, mechanism: Mechanism, direction: int, site: int) -> bool:
        if mechanism.electrode is None or mechanism.remote:
            return True
        touched = int(self.lattice.electrode[site]) & (1, 2)[("bottom", "top").index(mechanism.electrode)]
        return bool(touched) and (direction == 0 or self.reservoir[mechanism.electrode] > 0)

    def _lowest_codes(self) -> set[int]:
        lowest: dict[int, int] = {}
        listed = [s for m in self.mechanisms for s in (*m.before, *m.after)]
        for species in listed:
            lowest[species.sublattice] = min(species.code, lowest.get(species.sublattice, species.code))
        return set(lowest.values())

    def _role(self, side: tuple[Species, ...]) -> int:
        """Return which of two species keeps the event: the one that is not the background."""
        if len(side) == 1:
            return 0
        return int(side[0].code in self._background and side[1].code not in self._background)

    def _owns(self, site: int) -> bool:
        """Return whether a site can ever do something as its species stands."""
        for mechanism in self.mechanisms:
            for direction, side in enumerate((mechanism.before, mechanism.after)):
                keeper = side[self._role(side)].code
                if self.species[site] != keeper or (direction and mechanism.is_own_reverse):
                    continue
                number = ("bottom", "top").index(mechanism.electrode) + 1 if mechanism.electrode else 0
                if not number or mechanism.remote or int(self.lattice.electrode[site]) & number:
                    return True
        return False
