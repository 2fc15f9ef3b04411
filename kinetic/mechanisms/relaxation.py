"""How an amorphous oxide relaxes round a site where a defect came or went: bonds there are drawn again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats

Draw = Callable[[], float]
"""Gives random numbers of [0, 1)."""


def quenched_part(factor: Floats, deviation: float, share: float, rng: np.random.Generator) -> Floats:
    """Return the quenched part of the logarithm of factors, drawn given those of the fresh device.

    Parameters
    ----------
    factor : ndarray of shape (n_hosts,)
        Of the fresh device, the same for any share.
    deviation : float
        Standard deviation of their logarithm.
    share : float
        Fraction phi of the variance that is quenched, 0 to 1.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_hosts,)
        Variance phi deviation^2, covariance with the logarithm of the factor the same.
    """
    other = deviation * rng.standard_normal(len(factor))
    return np.asarray(share * np.log(factor) + math.sqrt(share * (1.0 - share)) * other)


class Relaxation:
    """Sites where a defect came or went since the oxide round them relaxed, and the factors of all bonds.

    A host site that holds a defect and held none when the oxide there relaxed last, or the other way round,
    waits at one rate; a pair that goes to and fro meanwhile is back where it was and waits no more. When the
    oxide relaxes, the factors of the site and of its neighbours are redrawn, log-normal as in the fresh
    device: where a defect lies, and how deep its level, is another after its surroundings have moved.

    The logarithm of a factor is deviation (sqrt(phi) z + sqrt(1 - phi) w). The quenched part z is kept for
    life, the walking part takes the step w <- rho w + sqrt(1 - rho^2) xi at each relaxation, z, w and xi
    being standard normal. The step is reversible for the normal law, so that factors keep the law of the
    fresh device, and n steps leave rho^n of a deviation from the quenched part. With phi = rho = 0 each
    relaxation draws them again.

    An event changes no factor, so that its way back is priced in the same network without the moving atom, at
    exactly minus its energy. A relaxation has no way back: the oxide remembers which atom came or went last.
    Its step does not depend on atoms, so that at 0 V, where no rate follows the factors, these never tell of
    atoms and atoms stand as without it; under current this memory is one more way out of equilibrium. Site
    energies and barriers have a quenched part only: rates at 0 V follow them, and what changes them where an
    atom has passed would change them more often where atoms move easily, against detailed balance.

    Parameters
    ----------
    rate : float
        Of one site (1/s), above 0.
    deviation : float
        Standard deviation of the logarithm of a factor.
    factor : ndarray of shape (n_hosts,)
        Factor of each host site on its bonds in the fresh device.
    neighbours : ndarray of shape (n_hosts, width)
        Sites beside each host site, -1 where there is none.
    held : ndarray of bool, shape (n_hosts,)
        Which host sites hold a defect in the fresh device.
    mean : ndarray of shape (n_hosts,) or float
        Quenched part of the logarithm of each factor, see `quenched_part`; 0 by default.
    quenched_share : float
        Fraction phi of the variance that is quenched, 0 to 1.
    memory : float
        Fraction rho of the walking part that a relaxation leaves, from 0 to below 1.

    Attributes
    ----------
    factor : ndarray of shape (n_hosts,)
        As the oxide is now; another array after each relaxation, by which a solver knows that bonds changed.
    patience : float
        What is left of the unit exponential that has to pass before the next one.
    waiting : dict of int to float
        Sites that wait, and since when (s).
    """

    def __init__(
        self,
        rate: float,
        deviation: float,
        factor: Floats,
        neighbours: NDArray[np.int32],
        held: NDArray[np.bool_],
        *,
        mean: Floats | float = 0.0,
        quenched_share: float = 0.0,
        memory: float = 0.0,
    ) -> None:
        self.rate, self.deviation, self.neighbours = rate, deviation, neighbours
        self.mean, self.memory = np.broadcast_to(np.asarray(mean, np.float64), factor.shape), memory
        self.step = math.sqrt((1.0 - quenched_share) * (1.0 - memory**2))
        self.factor, self.patience = factor, 0.0
        self.held, self.waiting = held.copy(), dict[int, float]()
        self._followed: Floats | None = None

    def look(self, holds: NDArray[np.bool_], now: float) -> None:
        """Take note of which host sites hold a defect at a time (s), whatever moved the atoms."""
        before = self.waiting
        self.waiting = {site: before.get(site, now) for site in np.flatnonzero(holds != self.held).tolist()}

    def arrange(self, factor: Floats, held: NDArray[np.bool_]) -> None:
        """Take the factors and the sites of another arrangement; equal factors stay the same array."""
        if not np.array_equal(self.factor, factor):
            self.factor = np.array(factor)
        self.held = np.array(held, bool)

    def revert(self, before: Relaxation) -> None:
        """Be again as a :meth:`copy` was, in place: a run holds this one meanwhile."""
        self.factor, self.patience = before.factor, before.patience
        self.held, self.waiting = before.held, before.waiting

    def note(self, site: int, holds: bool, now: float) -> None:
        """Take note of whether a host site holds a defect after an event."""
        if holds == self.held[site]:
            self.waiting.pop(site, None)
        else:
            self.waiting.setdefault(site, now)

    def ahead(self) -> float:
        """Return the time (s) to the next relaxation while no atom moves."""
        total = self.rate * len(self.waiting)
        return self.patience / total if total else math.inf

    def wait(self, waiting: int, elapsed: float) -> None:
        """Let time (s) pass in which so many sites waited and none relaxed."""
        self.patience -= self.rate * waiting * elapsed

    def relax(self, draw: Draw) -> None:
        """Let the oxide relax round one of the sites that wait, each as likely; draw when it does next."""
        self._relax(list(self.waiting)[int(draw() * len(self.waiting))], draw)
        self.draw_patience(draw)

    def draw_patience(self, draw: Draw) -> None:
        """Draw the unit exponential that has to pass before the next relaxation."""
        self.patience = -math.log1p(-draw())

    def rest(self, now: float) -> None:
        """Begin to wait at 0 V: each site has a clock of its own there, see `catch_up`."""
        self.waiting = dict.fromkeys(self.waiting, now)

    def catch_up(self, now: float, draw: Draw, sites: Iterable[int] | None = None) -> None:
        """Let relax what did so unseen while the device waited at 0 V, where no rate follows the factors.

        Parameters
        ----------
        now : float
            Time (s) of the device.
        draw : callable
        sites : iterable of int, optional
            Those that are about to change; all by default.
        """
        for site in list(self.waiting) if sites is None else [site for site in sites if site in self.waiting]:
            if draw() < -math.expm1(-self.rate * (now - self.waiting[site])):
                self._relax(site, draw)
            else:
                self.waiting[site] = now

    def _relax(self, site: int, draw: Draw) -> None:
        """Let the walking part of the factors of a site that waits and of its neighbours take a step."""
        del self.waiting[site]
        self.held[site] = not self.held[site]
        neighbours = self.neighbours[site]
        sites = np.append(neighbours[neighbours >= 0], site)
        # Two uniform numbers make a normal one (Box and Muller).
        radius = np.sqrt(-2.0 * np.log1p(-np.array([draw() for _ in sites])))
        angle = 2.0 * np.pi * np.array([draw() for _ in sites])
        mean, walked = self.mean[sites], np.log(self.factor[sites])
        step = self.step * (self.deviation * radius * np.cos(angle))
        self.factor = self.factor.copy()
        self.factor[sites] = np.exp(mean + self.memory * (walked - mean) + step)

    def follow(self, other: Self) -> None:
        """Take the bonds of an oxide with another deviation: the same normal numbers, with this one's."""
        if self.deviation == other.deviation or other.deviation == 0.0:
            self.factor = other.factor
        elif self._followed is not other.factor:
            self._followed = other.factor
            self.factor = other.factor ** (self.deviation / other.deviation)

    def copy(self) -> Self:
        """Return one that goes on by itself."""
        twin = copy(self)
        twin.held, twin.waiting = self.held.copy(), self.waiting.copy()
        return twin

    def state(self) -> dict[str, Any]:
        """Return all that changes in a run, for `restore`."""
        return {
            "factor": self.factor.copy(),
            "held": self.held.copy(),
            "waiting": np.array(list(self.waiting), np.int64),
            "since": np.array(list(self.waiting.values()), np.float64),
            "patience": self.patience,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        if not np.array_equal(self.factor, state["factor"]):  # who keeps solutions knows them by the array
            self.factor = np.array(state["factor"])
        self.held = np.array(state["held"], bool)
        self.waiting = dict(zip(state["waiting"].tolist(), state["since"].tolist(), strict=True))
        self.patience = float(state["patience"])
