"""Heat in time: temperatures of the oxide after a change of the power, exact while the power is constant.

On the lattice of the fields, with s = t / tau0, tau0 = c a^2 / kappa the time of one site,

    M dtheta/ds = -(L + E W E') theta + q,

theta the temperature rise (K), L the Laplacian of links of 1 with both electrodes, W the heat conductance of
the bonds between nodes (Wiedemann and Franz, over that of a background link), q = P / (kappa a) the power of
the nodes. M is 1 for a site and the relative heat capacity of an electrode whose temperature changes; others
keep it. L is diagonal in plane waves (or cosines) and sines, W a change of low rank.

With v = q - (L + E W E') theta(0) the solution theta(0) + s phi1(-s A) v is projected on the Krylov space of
v under (1 + A / sigma)^-1, A = M^-1 (L + E W E'), with one pole sigma for a stretch of time [1]_. Each
projected mode decays with a rate of its own,

    theta_i(s) = theta_i(0) + sum_k Z_ik (1 - exp(-lambda_k s)) / lambda_k,

whatever the stiffness of the bonds; a power that grows with s or s^2 has a space and responses of its own. A
space grows until its last vector changes no temperature that is read by more than a tolerance.

.. [1] J. van den Eshof, M. Hochbruck, "Preconditioning Lanczos approximations to the matrix exponential",
   SIAM J. Sci. Comput. 27, 1438 (2006), doi:10.1137/040605461.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ..lattice.lattice import Lateral
from ..thermal import Thermal
from ._event_rates import Candidates
from ._heat_space import Bonds, ShiftedHeat, SiteWindow, krylov, responses
from ._lattice_green import LatticeGreen
from .green import GreenTable

LARGEST_SPACE = 40
"""Krylov vectors after which a stretch of time is given up."""

POLE = 20.0
"""Pole of a stretch of time, over its inverse."""

FIRST_LOOK, EXHAUSTED = 6, 1e-13
"""Number of the vector after which a space is looked at, and norm of a further vector that adds nothing."""

WATCHED = (0.01, 0.1, 1.0)
"""Times at which a space has to be settled, over the length of its stretch."""

KEPT_POLES = 12
"""Poles whose Green's tables are kept."""


def lateral_modes(n: int, lateral: Lateral) -> tuple[Floats, Floats]:
    """Return orthonormal modes across ``n`` sites, (modes, sites), and the eigenvalue of each."""
    place, number = np.arange(n), np.arange(n)
    if lateral == "reflecting":
        modes = np.cos(np.pi * np.outer(number, place + 0.5) / n)
        angle = np.pi * number / n
    else:
        wave = (number + 1) // 2
        phase = 2 * np.pi * (np.outer(wave, place) % n) / n
        modes = np.where(number[:, None] % 2, np.cos(phase), np.sin(phase))
        modes[0] = 1.0
        angle = 2 * np.pi * wave / n
    return modes / np.linalg.norm(modes, axis=1)[:, None], 4 * np.sin(angle / 2) ** 2


def height_modes(n: int) -> tuple[Floats, Floats]:
    """Return orthonormal modes of ``n`` layers between electrodes at 0, (modes, layers), and eigenvalues."""
    number = np.arange(1, n + 1)
    modes = np.sin(np.pi * np.outer(number, number) / (n + 1)) * np.sqrt(2 / (n + 1))
    return modes, 4 * np.sin(np.pi * number / (2 * (n + 1))) ** 2


def distinct(
    values: NDArray[np.integer[Any]], number: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the distinct ones of whole numbers below ``number``, ascending, and the place of each."""
    there = np.zeros(number, bool)
    there[values] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[values]


@dataclass(frozen=True, slots=True, eq=False)
class Pole:
    """The bare lattice with a sink sigma M at every site: its inverse in modes, and between sites.

    Attributes
    ----------
    sigma : float
    inverse : ndarray of shape (n_sites,)
        Of each mode; of the lateral mean see ``mean``.
    mean : ndarray of shape (nz + n, nz + n)
        Of the lateral mean: modes in height, then the n reservoirs.
    green : LatticeGreen
        Between host sites, electrodes at 0.
    change : ndarray of shape (nz + n, nz + n)
        What reservoirs add between layers, and between these and the reservoirs.
    """

    sigma: float
    inverse: Floats
    mean: Floats
    green: LatticeGreen
    change: Floats


class HeatLattice:
    """The bare oxide between its electrodes, in time.

    A field is one vector: amplitudes of all modes, and the rises of the reservoirs times the square root of
    the number of columns, so that one column stands for the lateral mean.

    Parameters
    ----------
    shape : tuple of int
        Sites in x, y and z.
    lateral : {"periodic", "reflecting"}
        Sides of the box.
    conductivity, capacity : float
        Of the oxide, W/(m K) and J/(m^3 K), positive.
    spacing : float
        Of the lattice (m).
    thermal : Thermal
        Electrodes and surroundings.

    Attributes
    ----------
    time : float
        tau0 (s), in which the lattice's own times are counted.
    link : float
        Heat conductance of a background link, kappa a (W/K).
    slowest : float
        Smallest rate of the bare lattice (1/tau0), reservoirs included.
    root_mass : float
        Square root of all heat capacities: the norm of a field over it is a mean of its rises (K).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        lateral: Lateral,
        *,
        conductivity: float,
        capacity: float,
        spacing: float,
        thermal: Thermal,
    ) -> None:
        self.shape, self.lateral, self.spacing = shape, lateral, spacing
        self.columns, self.n_sites = shape[0] * shape[1], int(np.prod(shape))
        self.time, self.link = capacity * spacing**2 / conductivity, conductivity * spacing
        self.reservoirs = tuple(thermal.reservoirs)
        self._x, rate_x = lateral_modes(shape[0], lateral)
        self._y, rate_y = lateral_modes(shape[1], lateral)
        self._z, rate_z = height_modes(shape[2])
        self.rate = (rate_x[:, None, None] + rate_y[:, None] + rate_z).ravel()
        self._mean = self._mean_laplacian(thermal, rate_z)
        heavy = [one.capacity / (capacity * spacing**3 * self.columns) for one in thermal.reservoirs.values()]
        self._mean_mass = np.concatenate([np.ones(shape[2]), heavy])
        self.mass = np.concatenate([np.ones(self.n_sites), heavy])
        root = np.sqrt(self._mean_mass)
        self.slowest = float(np.linalg.eigvalsh(self._mean / np.outer(root, root))[0])
        self.root_mass = float(np.sqrt(self.n_sites + self.columns * sum(heavy)))
        self._poles: OrderedDict[float, Pole] = OrderedDict()
        self._whole = self.window(np.arange(self.n_sites))

    @property
    def n(self) -> int:
        """Numbers of a field."""
        return self.n_sites + len(self.reservoirs)

    def zero(self) -> Floats:
        """Return the field without any rise."""
        return np.zeros(self.n)

    def _mean_laplacian(self, thermal: Thermal, rate_z: Floats) -> Floats:
        """Return L of the lateral mean: modes in height, then the reservoirs."""
        nz, names = self.shape[2], self.reservoirs
        matrix = np.zeros((nz + len(names),) * 2)
        matrix[np.arange(nz), np.arange(nz)] = rate_z
        place = {name: nz + number for number, name in enumerate(names)}
        around = place.get("surroundings")
        for name, one in thermal.reservoirs.items():
            at, leak = place[name], 1 / (one.resistance * self.link * self.columns)
            matrix[at, at] += leak
            if name != "surroundings":
                layer = self._z[:, 0 if name == "bottom" else -1]
                matrix[:nz, at] = matrix[at, :nz] = -layer
                matrix[at, at] += 1.0
                if around is not None:
                    matrix[around, around] += leak
                    matrix[at, around] = matrix[around, at] = -leak
        return matrix

    # ---------------------------------------------------------------- modes and sites

    def modes(self, window: SiteWindow, values: Floats, reservoirs: Floats) -> Floats:
        """Return the field of sources at the sites of a window, added up, and at the reservoirs."""
        result = np.empty(self.n)
        window.modes(values, result)
        result[self.n_sites :] = reservoirs / np.sqrt(self.columns)
        return result

    def at(self, window: SiteWindow, vector: Floats) -> Floats:
        """Return a field at the sites of a window (K)."""
        return window.at(vector)

    def of_reservoirs(self, vector: Floats) -> Floats:
        """Return the rises of the reservoirs (K)."""
        return np.asarray(vector[self.n_sites :] / np.sqrt(self.columns))

    def everywhere(self, vector: Floats) -> Floats:
        """Return the rise at every site (K)."""
        return self.at(self._whole, vector)

    def window(self, sites: NDArray[np.integer[Any]]) -> SiteWindow:
        """Return the part of the box that holds these sites."""
        return SiteWindow(self._x, self._y, self._z, sites)

    # ---------------------------------------------------------------- operators

    def laplacian(self, vector: Floats) -> Floats:
        """Return L times a field."""
        return self._applied(vector, self.rate, self._mean)

    def respond(self, pole: Pole, vector: Floats) -> Floats:
        """Return (sigma M + L)^-1 times a field."""
        return self._applied(vector, pole.inverse, pole.mean)

    def _applied(self, vector: Floats, diagonal: Floats, mean: Floats) -> Floats:
        nz, result = self.shape[2], np.empty_like(vector)
        np.multiply(diagonal, vector[: self.n_sites], out=result[: self.n_sites])
        if self.reservoirs:
            joined = mean @ np.concatenate([vector[:nz], vector[self.n_sites :]])
            result[:nz], result[self.n_sites :] = joined[:nz], joined[nz:]
        return result

    def pole(self, sigma: float) -> Pole:
        """Return the bare lattice with a sink, made once; 0 for the steady state."""
        if sigma in self._poles:
            self._poles.move_to_end(sigma)
            return self._poles[sigma]
        nz, table = self.shape[2], GreenTable(self.shape, self.spacing, lateral=self.lateral, sink=sigma)
        mean = np.linalg.inv(self._mean + sigma * np.diag(self._mean_mass))
        change = mean.copy()
        change[np.arange(nz), np.arange(nz)] -= 1 / (sigma + self.rate[:nz])
        turn = np.eye(len(mean))
        turn[:nz, :nz] = self._z
        pole = Pole(
            sigma,
            np.asarray(1 / (sigma + self.rate)),
            np.asarray(mean, dtype=np.float64),
            LatticeGreen(self.shape, table),
            turn.T @ change @ turn / self.columns,
        )
        self._poles[sigma] = pole
        if len(self._poles) > KEPT_POLES:
            self._poles.popitem(last=False)
        return pole


@dataclass(slots=True, eq=False)
class HeatNetwork:
    """Bonds of one arrangement that conduct heat, on the bare lattice.

    Parameters
    ----------
    lattice : HeatLattice
    nodes : ndarray of shape (m,)
        Host sites, each once.
    conductance : ndarray of shape (m + e, m + e)
        W: Laplacian of the bonds in background links; its last rows are the e electrodes that are reservoirs.
    """

    lattice: HeatLattice
    nodes: NDArray[np.int32]
    conductance: Floats
    window: SiteWindow = field(init=False)
    _bonds: Bonds = field(init=False)
    _factors: dict[float, ShiftedHeat] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.window = self.lattice.window(self.nodes)
        self._bonds = Bonds(self.conductance)

    def size(self) -> int:
        """Return about how many bytes this is."""
        return (1 + len(self._factors)) * self.conductance.nbytes

    @property
    def _electrodes(self) -> int:
        return len(self.conductance) - len(self.nodes)

    def source(self, values: Floats) -> Floats:
        """Return the field of a power over kappa a (K) at each node and electrode."""
        m, beyond = len(self.nodes), np.zeros(len(self.lattice.reservoirs))
        beyond[: self._electrodes] = values[m:]
        return self.lattice.modes(self.window, values[:m], beyond)

    def at_nodes(self, vector: Floats) -> Floats:
        """Return a field at nodes and electrodes (K)."""
        beyond = self.lattice.of_reservoirs(vector)[: self._electrodes]
        return np.concatenate([self.lattice.at(self.window, vector), beyond])

    def flow(self, vector: Floats) -> Floats:
        """Return (L + E W E') times a field."""
        return self.lattice.laplacian(vector) + self.source(self._bonds.times(self.at_nodes(vector)))

    def solve(self, sigma: float, vector: Floats) -> Floats:
        """Return (sigma M + L + E W E')^-1 times a field; sigma 0: the steady state of a source."""
        return self.shifted(sigma).solve(vector)

    def shifted(self, sigma: float) -> ShiftedHeat:
        """Return (sigma M + L + E W E')^-1, factored once."""
        if sigma not in self._factors:
            pole = self.lattice.pole(sigma)
            self._factors[sigma] = ShiftedHeat(
                self.window,
                self.nodes,
                self._bonds,
                pole.inverse,
                pole.mean,
                pole.green,
                pole.change,
                self.lattice.columns,
            )
        return self._factors[sigma]


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Modes of the Krylov space of one source.

    Attributes
    ----------
    power : int
        Power of time with which the source grows.
    rate : ndarray of shape (k,)
        With which each mode decays (1/tau0), not negative.
    turn : ndarray of shape (k, k)
        Source of each (K per tau0, over the power of time) in the vectors of the space.
    space : ndarray of shape (k, n)
    read : ndarray of shape (k, r)
        The sources at the sites that are read.
    error : float
        Largest change of a temperature that was read by the last vector of the space (K).
    """

    power: int
    rate: Floats
    turn: Floats
    space: Floats
    read: Floats
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A field over a stretch of time under a power that is a polynomial in time: its start and its modes.

    Attributes
    ----------
    start : ndarray of shape (n,)
        Field at its beginning.
    length : float
        How long it holds (tau0).
    parts : list of Modes
    """

    start: Floats
    length: float
    parts: list[Modes]

    @property
    def error(self) -> float:
        """Largest error estimate of a temperature that was read (K)."""
        return max(part.error for part in self.parts)

    def after(self, time: float) -> Floats:
        """Return the field after a time (tau0)."""
        if time <= 0.0:
            return self.start.copy()
        field = self.start.copy()
        for part in self.parts:
            field += (responses(part.rate, part.power, time) @ part.turn) @ part.space
        return field


@dataclass(frozen=True, slots=True, eq=False)
class HeatReaders:
    """Where the events of one arrangement read their temperature.

    Attributes
    ----------
    window : SiteWindow
        Host sites that are read, corners of interstitial ones last.
    hosts : int
        How many are read themselves.
    first, second : ndarray of shape (n,)
        Point that each event reads, and the other one.
    share : ndarray of shape (n,)
        Of the other one in the temperature.
    """

    window: SiteWindow
    hosts: int
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: Floats

    @classmethod
    def of(cls, lattice: HeatLattice, candidates: Candidates, corners: NDArray[np.int32]) -> HeatReaders:
        """Return the readers of candidates; ``corners`` are the host sites round each interstitial site."""
        site_a, site_b, share = candidates.heat_read()
        points, place = distinct(
            np.concatenate([site_a, np.where(site_b < 0, site_a, site_b)]), lattice.n_sites + len(corners)
        )
        hosts = int(np.searchsorted(points, lattice.n_sites))
        around = corners[points[hosts:] - lattice.n_sites].ravel()
        window = lattice.window(np.concatenate([points[:hosts], around]))
        return cls(window, hosts, place[: len(site_a)], place[len(site_a) :], share)

    def events(self, read: Floats) -> Floats:
        """Return what each event reads of fields at the sites of the window, along the last axis."""
        inside = read[..., self.hosts :]
        mean = inside.reshape(*inside.shape[:-1], inside.shape[-1] // 8, 8).mean(-1)
        points = np.concatenate([read[..., : self.hosts], mean], axis=-1)
        return np.asarray(
            points[..., self.first] + self.share * (points[..., self.second] - points[..., self.first])
        )


GROWTH = 4.0
"""Length of a stretch over that of the one before."""


def stretches(
    network: HeatNetwork, start: Floats, source: Floats, first: float, read: SiteWindow, tolerance: float
) -> Iterator[Stretch]:
    """Yield stretches of time under a constant source, each longer than the one before; see `stretch`."""
    length = first
    while True:
        one = stretch(network, start, [source], length, read, tolerance)
        yield one
        start, length = one.after(length), length * GROWTH


def stretch(
    network: HeatNetwork,
    start: Floats,
    sources: list[Floats],
    length: float,
    read: SiteWindow,
    tolerance: float,
) -> Stretch:
    """Return the field from ``start`` on for a stretch of time.

    Parameters
    ----------
    network : HeatNetwork
    start : ndarray of shape (n,)
        Field of the rise now (K).
    sources : list of ndarray of shape (n,)
        Coefficients of the power over kappa a by powers of time (`HeatNetwork.source`); at most three.
    length : float
        Of the stretch (tau0).
    read : SiteWindow
        Sites whose temperature has to be right.
    tolerance : float
        Bound on the error at these sites (K), from a hundredth of the stretch on.

    Raises
    ------
    ArithmeticError
        A space does not settle.
    """
    parts = [_modes(network, sources[0] - network.flow(start), 0, length, read, tolerance)]
    parts += [_modes(network, one, p, length, read, tolerance) for p, one in enumerate(sources) if p > 0]
    return Stretch(start, length, parts)


def _modes(
    network: HeatNetwork, source: Floats, power: int, length: float, read: SiteWindow, tolerance: float
) -> Modes:
    """Return the modes of the Krylov space of one source."""
    lattice, sigma = network.lattice, POLE / length
    if not source.any():
        none = np.zeros((0, 0)), np.zeros((0, lattice.n)), np.zeros((0, len(read.place)))
        return Modes(power, np.zeros(0), *none, 0.0)
    rate, turn, space, seen, error = krylov(
        network.shifted(sigma),
        read,
        source,
        lattice.mass,
        sigma,
        power=power,
        watched=length * np.array(WATCHED),
        tolerance=tolerance,
        most=LARGEST_SPACE,
        first=FIRST_LOOK,
        exhausted=EXHAUSTED,
    )
    if len(rate) == LARGEST_SPACE and not error <= tolerance:
        raise ArithmeticError(
            f"heat over {length * lattice.time:g} s changes by {error:g} K with the last of {LARGEST_SPACE} "
            "vectors"
        )
    return Modes(power, rate, turn, space, seen, error)
