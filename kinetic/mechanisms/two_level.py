"""Two-level sites of the oxide: thermally activated switching that changes the bonds around each site.

A site has two states. Its energy differs by the asymmetry D between them, and both directions cross one
barrier B, so that the rates are

    k_up = nu exp(-(B + D/2) / kT),    k_down = nu exp(-(B - D/2) / kT),    k_up / k_down = exp(-D / kT),

T being the temperature at the site. Neither the field nor the current does work on a site, and no site acts
on another one. In the upper state the logarithm of the factor of every host site within its reach is larger
by the effect than in the lower one. Barriers are uniform in a range, hence rates uniform in their logarithm:
relaxation is logarithmic in time and the noise 1/f [1]_ [2]_.

.. [1] P. Dutta, P. M. Horn, Rev. Mod. Phys. 53, 497 (1981), doi:10.1103/RevModPhys.53.497 (recalled).
.. [2] E. Bertin et al., "Random barrier double-well model for resistive switching in tunnel barriers",
   arXiv:1006.5329.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..lattice.lattice import Lattice
from ..materials.sections import TwoLevelNumbers

Draw = Callable[[], float]
"""Gives random numbers of [0, 1)."""

CURRENT_ERROR, RATE_ERROR = 1e-3, 1e-2
"""Relative errors of the current and of the rates of atoms that means over fast sites may bring."""

FASTER, PER_SPAN = 10.0, 2.0
"""A site is fast where it switches so many times as often as atoms move, and as often in the time to the next
sample."""


@dataclass(frozen=True, slots=True)
class ActiveSites:
    """Two-level sites with conducting defects in their reach, in one solved network.

    Attributes
    ----------
    sites : ndarray of int, shape (a,)
        Their numbers, ascending.
    hosts : ndarray of int32, shape (m,)
        Host sites of the nodes.
    mix : ndarray of shape (a, m)
        Weights of the nodes in the reach of each, their sum 1: it has the mean of their temperatures.
    elasticity : ndarray of shape (a,)
        Bound on d ln(conductance) by the logarithm of its factor: four times the fraction of the power at its
        nodes, each of which has half the power of its bonds; a contact takes the factor twice.
    """

    sites: NDArray[np.intp]
    hosts: NDArray[np.int32]
    mix: Floats
    elasticity: Floats

    @property
    def nbytes(self) -> int:
        """Size of the arrays (bytes)."""
        return int(self.sites.nbytes + self.hosts.nbytes + self.mix.nbytes + self.elasticity.nbytes)


class TwoLevelSites:
    """Two-level sites of one device, what they do to bonds, and their clock.

    While time passes a site is followed in one of three ways:

    - one with conducting defects in its reach that is not fast is *resolved*: it is in one of its states and
      switches on the clock of events;
    - a fast one is *averaged*: bonds have the logarithm of its factor in the mean over its states, as long as
      that of all of them is estimated to change current and rates by less than `CURRENT_ERROR` and
      `RATE_ERROR`; those that would change them more are resolved with both rates lowered by one factor;
    - one without conducting defects in its reach acts on nothing and is *unseen*. So is every one at 0 V.

    Of a site that is not resolved the probability of its upper state is kept, which follows the exact law
    dp/dt = k_up (1 - p) - k_down p; a state is drawn from it where the site becomes resolved.

    Parameters
    ----------
    barrier, asymmetry : array_like of shape (n,)
        B and D (eV), B at least abs(D)/2.
    near : ndarray of shape (n, n_hosts)
        1 for host sites within reach, else 0.
    attempt_frequency : float
        nu (Hz).
    effect : float
        ln of the factor in the upper state less that in the lower one.
    temperature : float
        Of the fresh device (K), whose sites are in equilibrium.

    Attributes
    ----------
    chance : ndarray of shape (n,)
        Probability of the upper state; 0 or 1 where it is resolved.
    resolved : ndarray of bool, shape (n,)
    level : ndarray of shape (n,)
        Mean occupation of the upper state that the bonds have.
    rate : float
        Of the next switching (1/s).
    patience : float
        What is left of the unit exponential that has to pass before it.
    """

    def __init__(
        self,
        barrier: ArrayLike,
        asymmetry: ArrayLike,
        near: Floats,
        *,
        attempt_frequency: float,
        effect: float,
        temperature: float,
    ) -> None:
        self.barrier, self.asymmetry = np.asarray(barrier, np.float64), np.asarray(asymmetry, np.float64)
        self.near, self.attempt_frequency, self.effect = near, attempt_frequency, effect
        self.resolved = np.zeros(len(self.barrier), bool)
        self.leaving = np.zeros(len(self.barrier))
        self.rate = self.patience = 0.0
        self._set_temperature(np.full(len(self.barrier), temperature))
        self.chance = self.equilibrium.copy()
        self.level = self.chance.copy()
        self._factor = self._factor_of(self.level)
        self._product: tuple[Floats, Floats, Floats] | None = None

    # ------------------------------------------------------------------ law

    def rates(self, kelvin: ArrayLike) -> tuple[Floats, Floats]:
        """Return the rates (1/s) up and down at the temperature of each site (K)."""
        thermal = BOLTZMANN_EV * np.asarray(kelvin, np.float64)
        half = 0.5 * self.asymmetry
        up = self.attempt_frequency * np.exp(-(self.barrier + half) / thermal)
        down = self.attempt_frequency * np.exp(-(self.barrier - half) / thermal)
        return up, down

    def _set_temperature(self, kelvin: Floats) -> None:
        self.up, self.down = self.rates(kelvin)
        self.total = self.up + self.down
        self.equilibrium = self.up / self.total

    # ------------------------------------------------------------------ bonds

    def on(self, base: Floats) -> Floats:
        """Return the factors of host sites with what the sites do to them; the same array while both stay."""
        if self._product is None or self._product[0] is not base or self._product[1] is not self._factor:
            self._product = base, self._factor, base * self._factor
        return self._product[2]

    @property
    def key(self) -> bytes:
        """What tells the present bonds from those of other levels."""
        return self.level.tobytes()

    def _factor_of(self, level: Floats) -> Floats:
        return np.exp(self.effect * ((level - 0.5) @ self.near))

    def active(self, hosts: NDArray[np.int32], power: Floats) -> ActiveSites:
        """Return which sites act on a solved network, from its nodes and their Joule power (any unit)."""
        within = self.near[:, hosts]
        count = within.sum(axis=1)
        sites = np.flatnonzero(count)
        within = within[sites]
        total = float(power.sum())
        elasticity = 4.0 * (within @ power) / total if total > 0.0 else np.zeros(len(sites))
        return ActiveSites(sites, hosts, within / count[sites, None], elasticity)

    # ------------------------------------------------------------------ clock

    def rest(self, kelvin: float) -> None:
        """Begin to wait at 0 V and a temperature (K): no rate follows the bonds, and all are unseen."""
        self._set_temperature(np.full(len(self.barrier), kelvin))
        self.resolved = np.zeros(len(self.barrier), bool)
        self.leaving, self.rate = np.zeros(len(self.barrier)), 0.0

    def begin(
        self,
        active: ActiveSites,
        rise: Floats,
        kelvin: float,
        *,
        clock: float,
        sharpness: float,
        draw: Draw,
    ) -> bool:
        """Take the temperatures of a network and sort the sites; return whether bonds are others then.

        Parameters
        ----------
        active : ActiveSites
        rise : ndarray of shape (a,)
            Of their temperatures above that of the electrodes (K).
        kelvin : float
            Temperature of the electrodes (K), which unseen sites have.
        clock : float
            Rate (1/s) above which a site is fast, see `clock`.
        sharpness : float
            d ln(rate of all atoms) by ln(voltage of the device).
        draw : callable
        """
        every = np.full(len(self.barrier), kelvin)
        every[active.sites] += rise
        self._set_temperature(every)
        averaged = active.sites[self._averaged(active, clock, sharpness)]
        resolved = np.zeros(len(self.barrier), bool)
        resolved[active.sites], resolved[averaged] = True, False
        for site in np.flatnonzero(resolved & ~self.resolved & (self.chance > 0.0) & (self.chance < 1.0)):
            self.chance[site] = float(draw() < self.chance[site])
        self.resolved = resolved
        slowed = np.minimum(1.0, clock / self.total)
        self.leaving = np.where(resolved, np.where(self.chance > 0.5, self.down, self.up) * slowed, 0.0)
        self.rate = float(self.leaving.sum())
        level = np.where(resolved, self.chance, self.level)
        level[averaged] = self.equilibrium[averaged]
        # A quarter of each error for means that are a little old: a bond has the factors of both ends.
        tolerance = 0.25 * min(CURRENT_ERROR, RATE_ERROR / max(sharpness, 1.0))
        factor = self._factor_of(level)
        now = self._factor[active.hosts]
        if np.abs(factor[active.hosts] - now).max(initial=0.0) <= tolerance * now.min(initial=1.0):
            return False
        self.level, self._factor = level, factor
        return True

    def _averaged(self, active: ActiveSites, clock: float, sharpness: float) -> NDArray[np.bool_]:
        """Return which active sites are fast and averaged: those with the least errors first.

        To second order the mean of a site with the probability p of its upper state and the effect d is off
        by p (1 - p) a d in the current and by p (1 - p) (s a)^2 / 2 in rates: a is the change of ln(current)
        between its states, s the sharpness. A bond takes the effect at both ends.
        """
        share = self.equilibrium[active.sites]
        spread = share * (1.0 - share)
        change = self.effect * active.elasticity
        error = np.maximum(
            spread * change * self.effect / (0.5 * CURRENT_ERROR),
            0.5 * spread * (sharpness * change) ** 2 / (0.5 * RATE_ERROR),
        )
        fast = np.flatnonzero(self.total[active.sites] > clock)
        order = fast[np.argsort(error[fast], kind="stable")]
        chosen = np.zeros(len(error), bool)
        chosen[order[np.cumsum(error[order]) <= 1.0]] = True
        return chosen

    def ahead(self) -> float:
        """Return the time (s) to the next switching while temperatures stay and no atom moves."""
        return self.patience / self.rate if self.rate > 0.0 else math.inf

    def pass_time(self, elapsed: float) -> None:
        """Let time (s) pass in which no resolved site switched."""
        self.patience -= self.rate * elapsed
        kept = np.exp(-self.total * elapsed)
        self.chance = np.where(
            self.resolved, self.chance, self.equilibrium + (self.chance - self.equilibrium) * kept
        )

    def switch(self, draw: Draw) -> None:
        """Let one of the resolved sites switch, drawn by their rates; draw when the next one does."""
        mark = np.cumsum(self.leaving)
        site = min(int(np.searchsorted(mark, draw() * mark[-1], side="right")), len(mark) - 1)
        self.chance = self.chance.copy()
        self.chance[site] = self.level[site] = 1.0 - self.chance[site]
        self._factor = self._factor_of(self.level)
        self.draw_patience(draw)

    def draw_patience(self, draw: Draw) -> None:
        """Draw the unit exponential that has to pass before the next switching."""
        self.patience = -math.log1p(-draw())

    # ------------------------------------------------------------------ copies

    def arrange(self, level: Floats) -> None:
        """Take the bonds of another moment; equal ones stay the same array."""
        if not np.array_equal(self.level, level):
            self.level = np.array(level)
            self._factor = self._factor_of(self.level)

    def revert(self, before: TwoLevelSites) -> None:
        """Be again as a :meth:`copy` was, in place: a run holds this one meanwhile."""
        self.__dict__.update(before.copy().__dict__)

    def copy(self) -> Self:
        """Return one that goes on by itself."""
        twin = copy(self)
        twin.chance, twin.level = self.chance.copy(), self.level.copy()
        return twin

    def state(self) -> dict[str, Any]:
        """Return all that changes in a run, for `restore`."""
        return {
            "chance": self.chance.copy(),
            "resolved": self.resolved.copy(),
            "level": self.level.copy(),
            "patience": self.patience,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.arrange(state["level"])
        self.chance, self.resolved = np.array(state["chance"]), np.array(state["resolved"], bool)
        self.patience = float(state["patience"])


def clock(atoms: float, span: float) -> float:
    """Return the rate (1/s) above which a site is fast: rate of atoms (1/s), time between samples (s)."""
    return max(FASTER * atoms, PER_SPAN / span)


def draw_sites(
    numbers: TwoLevelNumbers, lattice: Lattice, temperature: float, rng: np.random.Generator
) -> TwoLevelSites:
    """Draw two-level sites on host sites: a Poisson number of them, barriers and asymmetries uniform.

    Parameters
    ----------
    numbers : TwoLevelNumbers
    lattice : Lattice
        Cubic, host sites first.
    temperature : float
        Of the fresh device (K).
    rng : numpy.random.Generator
    """
    n_hosts, spacing = lattice.n_hosts, lattice.spacing
    count = int(rng.poisson(numbers.density * n_hosts * spacing**3))
    place = np.sort(rng.integers(n_hosts, size=count))
    barrier = rng.uniform(numbers.barrier_low, numbers.barrier_high, count)
    asymmetry = numbers.asymmetry * rng.uniform(-1.0, 1.0, count)
    hosts = lattice.position[:n_hosts]
    period = np.array([lattice.shape[0], lattice.shape[1]]) * spacing
    near = np.zeros((count, n_hosts))
    for row, site in enumerate(place):
        displacement = hosts - hosts[site]
        if lattice.lateral == "periodic":
            displacement[:, :2] -= np.round(displacement[:, :2] / period) * period
        # Half a part in 1e9: a reach of exactly one spacing includes the neighbours.
        near[row] = (displacement**2).sum(axis=1) <= numbers.reach**2 * (1 + 1e-9)
    return TwoLevelSites(
        barrier,
        asymmetry,
        near,
        attempt_frequency=numbers.attempt_frequency,
        effect=numbers.effect,
        temperature=temperature,
    )
