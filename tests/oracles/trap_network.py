"""Trap-assisted tunnelling: electrons hop between defects and two contacts, occupations self-consistent.

Every transition is written by what its two directions share, so that their ratio is exp(-dE / kT) to the last
digit, and every net flow by the difference of quasi-Fermi levels, so that nothing flows at 0 V.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg
from barriers_and_chains import wkb_exponent
from nonlinear_network.newton import UnsolvedError
from numpy.typing import ArrayLike
from scipy.special import expit

from frenkel.checks import between, positive
from frenkel.kinetic.mechanisms import multiphonon
from frenkel.kinetic.mechanisms.multiphonon import STEP, contact_energies, log_half_sech
from frenkel.threads import one_blas_thread
from frenkel.typing import Floats
from frenkel.units import BOLTZMANN_EV, ELEMENTARY_CHARGE

NEWTON_LIMIT = 200
"""Newton steps after which a solve has failed."""
SHRINK = 20.0
"""What divides an occupation that a step would make negative."""
REFINEMENTS = 3
"""Newton steps after the levels are counted from the nearer contact's."""


class Transition(Protocol):
    """How an electron pays for a difference of energy; all factors are relative to an attempt frequency."""

    def log_shared(self, difference: Floats, temperature: float) -> Floats:
        """Return the logarithm of what both directions share: the rate is ``exp(it - dE / 2 kT)``.

        Parameters
        ----------
        difference : ndarray
            Energy dE of the end minus that of the start (eV); the result is even in it.
        temperature : float
            Temperature (K).
        """

    def log_exchanged(self, level: Floats, temperature: float) -> Floats:
        """Return the same for a contact: capture is ``exp(it - e / 2 kT)``, emission ``exp(it + e / 2 kT)``.

        Parameters
        ----------
        level : ndarray
            Energy e of the trap above the contact's Fermi level (eV).
        temperature : float
            Temperature (K).
        """


def rates(transition: Transition, difference: ArrayLike, temperature: float) -> tuple[Floats, Floats]:
    """Return forward and reverse factor of a transition; their ratio is exp(-dE / kT) exactly.

    Parameters
    ----------
    transition : Transition
        How the energy is paid.
    difference : array_like
        Energy of the end minus that of the start (eV).
    temperature : float
        Temperature (K).
    """
    step = np.asarray(difference, dtype=np.float64)
    shared, half = transition.log_shared(step, temperature), 0.5 * step / (BOLTZMANN_EV * temperature)
    return np.exp(shared - half), np.exp(shared + half)


@dataclass(frozen=True)
class Elastic:
    """Tunnelling at one energy into a contact; between traps a phonon more is paid as in [1]_.

    Notes
    -----
    Between traps ``min(1, exp(-dE / kT))``; with a contact the Fermi function at the level.

    References
    ----------
    .. [1] A. Miller and E. Abrahams, "Impurity conduction at low concentrations", Phys. Rev. 120, 745
       (1960), doi:10.1103/PhysRev.120.745.
    """

    def log_shared(self, difference: Floats, temperature: float) -> Floats:
        """Return the logarithm of what both directions share."""
        return -0.5 * np.abs(difference) / (BOLTZMANN_EV * temperature)

    def log_exchanged(self, level: Floats, temperature: float) -> Floats:
        """Return the logarithm of what capture and emission share."""
        return log_half_sech(level / (BOLTZMANN_EV * temperature))


@dataclass(frozen=True, kw_only=True)
class Marcus:
    """Transition with lattice relaxation, the lattice classical: exp(-(E_rel + dE)^2 / (4 E_rel kT)) [1]_.

    Parameters
    ----------
    relaxation_energy : float
        Relaxation energy E_rel (eV), 0.01 to 5.

    Notes
    -----
    The high-temperature limit of ``Multiphonon``, but for the factor sqrt(4 pi E_rel kT), which is part of
    the attempt frequency here. Of a contact's energies all take part, weighed by the same function.

    References
    ----------
    .. [1] R. A. Marcus, "On the theory of oxidation-reduction reactions involving electron transfer. I", J.
       Chem. Phys. 24, 966 (1956), doi:10.1063/1.1742723.
    """

    relaxation_energy: float

    def __post_init__(self) -> None:
        between("relaxation_energy", self.relaxation_energy, 0.01, 5, "eV")

    def log_shared(self, difference: Floats, temperature: float) -> Floats:
        """Return the logarithm of what both directions share."""
        relaxation = self.relaxation_energy
        shared: Floats = -(relaxation**2 + difference**2) / (4 * relaxation * BOLTZMANN_EV * temperature)
        return shared

    def log_exchanged(self, level: Floats, temperature: float) -> Floats:
        """Return the logarithm of what capture and emission share."""
        width = np.sqrt(4 * np.pi * self.relaxation_energy * BOLTZMANN_EV * temperature)
        return _log_over_contact(self, level, temperature, float(width))


@dataclass(frozen=True, kw_only=True)
class Multiphonon(multiphonon.Multiphonon):
    """The transition of the package, and its exchange with a contact by the plain sum."""

    def log_exchanged(self, level: Floats, temperature: float) -> Floats:
        """Return the logarithm of what capture and emission share."""
        return _log_over_contact(self, level, temperature, self.phonon_energy)


def _log_over_contact(transition: Transition, level: Floats, temperature: float, width: float) -> Floats:
    """Sum a transition over the energies of a contact, weighed by their occupation."""
    thermal = BOLTZMANN_EV * temperature
    grid = contact_energies(level, thermal)
    step = level[..., None] - thermal * grid
    term = transition.log_shared(step, temperature) + log_half_sech(grid)
    peak = term.max(axis=-1, keepdims=True)
    summed = peak[..., 0] + np.log(np.exp(term - peak).sum(axis=-1))
    logarithm: Floats = summed + np.log(STEP * thermal / width)
    return logarithm


@dataclass(frozen=True, kw_only=True, eq=False)
class TrapNetwork:
    """Traps between a bottom contact at z = 0 and a top contact at z = thickness.

    Parameters
    ----------
    position : ndarray of shape (n_traps, 3)
        Places of the traps (m), z strictly between 0 and ``thickness``.
    level : ndarray of shape (n_traps,)
        Energy of an electron in the trap above the contacts' Fermi level at 0 V (eV), below ``barrier``.
    thickness : float
        Thickness of the oxide (m), positive.
    barrier : float
        Conduction band above the contacts' Fermi level at 0 V (eV), 0.05 to 10.
    mass : float
        Effective mass under the barrier over that of a free electron, 0.01 to 10.
    transition : Transition
        How differences of energy are paid: ``Elastic()``, ``Marcus(...)`` or ``Multiphonon(...)``.
    attempt_frequency, contact_frequency : float
        Attempts per second at a trap, towards another trap and towards a contact (Hz), positive.
    temperature : float
        Temperature (K), 50 to 5000.
    reach : float, optional
        Longest hop between traps (m). Default infinite.

    Notes
    -----
    Rate from trap j to i: ``nu exp(-w_ij) g(e_i - e_j)`` with the WKB exponent w of the straight way at the
    mean of both energies, g the transition's factor, e = level - phi with phi the potential. The occupations
    f solve ``sum_j [f_j (1 - f_i) R_ji - f_i (1 - f_j) R_ij] + contacts = 0`` [1]_. Mean-field: no
    correlation of occupations, no charge of the traps in phi unless given.

    References
    ----------
    .. [1] S. Yu, X. Guan, H.-S. P. Wong, "Conduction mechanism of TiN/HfOx/Pt resistive switching memory: A
       trap-assisted-tunneling model", Appl. Phys. Lett. 99, 063507 (2011), doi:10.1063/1.3624472.
    """

    position: Floats
    level: Floats
    thickness: float
    barrier: float
    mass: float
    transition: Transition
    attempt_frequency: float
    contact_frequency: float
    temperature: float
    reach: float = np.inf

    def __post_init__(self) -> None:
        position = np.atleast_2d(np.asarray(self.position, dtype=np.float64))
        level = np.atleast_1d(np.asarray(self.level, dtype=np.float64))
        object.__setattr__(self, "position", position)
        object.__setattr__(self, "level", level)
        if position.shape != (len(level), 3):
            raise ValueError(f"position must have shape ({len(level)}, 3), got {position.shape}")
        positive("thickness", self.thickness, "m")
        if not np.all((position[:, 2] > 0) & (position[:, 2] < self.thickness)):
            raise ValueError(f"position must lie between the contacts at 0 and {self.thickness:.3g} m")
        between("barrier", self.barrier, 0.05, 10, "eV")
        if not np.all(level < self.barrier):
            raise ValueError(f"level must be below barrier {self.barrier:g} eV, got {level.max():g}")
        between("mass", self.mass, 0.01, 10, "electron masses")
        for name in ("attempt_frequency", "contact_frequency"):
            positive(name, getattr(self, name), "Hz")
        between("temperature", self.temperature, 50, 5000, "K")

    def solve(self, voltage: float, *, potential: ArrayLike | None = None) -> TrapSolution:
        """Solve for the occupation of every trap.

        Parameters
        ----------
        voltage : float
            Top contact minus bottom contact (V).
        potential : array_like of shape (n_traps,), optional
            Potential at each trap over the bottom contact (V). Default: a uniform field.

        Returns
        -------
        TrapSolution

        Raises
        ------
        ConvergenceError
            If the occupations are not found.
        ValueError
            If the voltage is not finite or the potentials are not one per trap.
        """
        if not np.isfinite(voltage):
            raise ValueError(f"voltage must be finite (V), got {voltage!r}")
        depth = self.position[:, 2] / self.thickness
        phi = voltage * depth if potential is None else np.asarray(potential, dtype=np.float64)
        if phi.shape != self.level.shape:
            raise ValueError(f"potential must have shape {self.level.shape}, got {phi.shape}")
        thermal = BOLTZMANN_EV * self.temperature
        energy = self.level - phi
        ends = np.array([0.0, -voltage])  # the contacts' Fermi levels (eV)
        flow = _Flow(
            self._log_hops(energy), self._log_contacts(energy, ends), energy / thermal, ends / thermal
        )
        # In a steady state every level lies between those of the contacts.
        start = np.clip(-phi, ends.min(), ends.max()) / thermal
        with one_blas_thread():
            base, shift, steps = _newton(flow, start, voltage)
        into, _, contact, _ = flow.at(base, shift)
        bottom, top = ELEMENTARY_CHARGE * contact.sum(axis=0)
        return TrapSolution(
            occupation=expit(base + shift - flow.energy),
            quasi_fermi=(base + shift) * thermal,
            current=float(bottom),
            top_current=float(0.0 - top),
            iterations=steps,
            residual=float(ELEMENTARY_CHARGE * np.max(np.abs(into), initial=0.0)),
        )

    def _log_hops(self, energy: Floats) -> Floats:
        """Return the logarithm of what both directions of each hop share (1/s)."""
        place = self.position
        distance = np.sqrt(((place[:, None] - place[None, :]) ** 2).sum(axis=2))
        difference = energy[:, None] - energy[None, :]
        depth = self.barrier - self.level
        start, end = depth[:, None] + 0.5 * difference, depth[None, :] - 0.5 * difference
        logarithm = np.log(self.attempt_frequency) - wkb_exponent(start, end, distance, self.mass)
        logarithm += self.transition.log_shared(difference, self.temperature)
        barred = (distance > self.reach * (1 + 1e-9)) | np.eye(len(energy), dtype=bool)
        allowed: Floats = np.where(barred, -np.inf, logarithm)
        return allowed

    def _log_contacts(self, energy: Floats, ends: Floats) -> Floats:
        """Return the logarithm of what exchange with both contacts shares (1/s), shape (n_traps, 2)."""
        height = self.position[:, 2:]
        distance = np.concatenate([height, self.thickness - height], axis=1)
        depth = (self.barrier - self.level)[:, None]
        band = self.barrier + ends - energy[:, None]  # at the contact, above the electron
        logarithm = np.log(self.contact_frequency) - wkb_exponent(depth, band, distance, self.mass)
        exchanged: Floats = logarithm + self.transition.log_exchanged(
            energy[:, None] - ends, self.temperature
        )
        return exchanged


@dataclass(frozen=True, kw_only=True, eq=False)
class TrapSolution:
    """Solved traps.

    Parameters
    ----------
    occupation : ndarray of shape (n_traps,)
        Probability that an electron is in the trap.
    quasi_fermi : ndarray of shape (n_traps,)
        Quasi-Fermi level of each trap above that of the bottom contact (eV).
    current : float
        Current from the device into the bottom contact (A).
    top_current : float
        Current from the top contact into the device (A); equal but for rounding.
    iterations : int
        Newton steps.
    residual : float
        Largest unbalanced current at a trap (A).
    """

    occupation: Floats
    quasi_fermi: Floats
    current: float
    top_current: float
    iterations: int
    residual: float


@dataclass(frozen=True)
class _Flow:
    """Net flows of electrons as functions of the quasi-Fermi levels, all energies in kT."""

    hops: Floats
    contacts: Floats
    energy: Floats
    ends: Floats

    def at(self, base: Floats, shift: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return net flow into each trap, its Jacobian, flow from each contact, and the gross flow (1/s).

        The levels are ``base + shift``; of a difference of two the parts are subtracted apart. The Jacobian
        is summed from terms of one sign: differences of flows would lose what is left of them where a trap
        is almost full.
        """
        fermi = base + shift
        full, empty = expit(fermi - self.energy), expit(self.energy - fermi)
        occupied = log_half_sech(fermi - self.energy)  # ln sqrt(f (1 - f))
        step = (base - base[:, None]) + (shift - shift[:, None])
        into, out = _flows(self.hops + occupied[:, None] + occupied, step)
        down = (self.ends - base[:, None]) - shift[:, None]
        taken, given = _flows(self.contacts + occupied[:, None], down)
        net, contact = _net(into, out, step), _net(taken, given, down)
        jacobian = into * empty + out * full
        lost = jacobian.sum(axis=0) + taken.sum(axis=1) * full + given.sum(axis=1) * empty
        jacobian[np.diag_indices(len(fermi))] = -lost
        gross = (into + out).sum(axis=1) + (taken + given).sum(axis=1)
        return net.sum(axis=1) + contact.sum(axis=1), jacobian, contact, gross

    def step(self, base: Floats, shift: Floats) -> Floats:
        """Return the change of the levels by one Newton step.

        The flows are bilinear in the occupations, so the step is taken there; an occupation or vacancy that
        would pass zero is divided by ``SHRINK`` instead. The levels keep both to full relative precision.
        """
        into, jacobian, _, total = self.at(base, shift)
        change = _solved(jacobian / total[:, None], -into / total)
        occupation = expit(base + shift - self.energy)
        filled = np.log1p(np.maximum((1 - occupation) * change, 1 / SHRINK - 1))
        emptied = np.log1p(np.maximum(-occupation * change, 1 / SHRINK - 1))
        moved: Floats = filled - emptied
        return moved


def _flows(logarithm: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Return both directions of a transition down a step of the Fermi level (kT)."""
    return np.exp(logarithm + 0.5 * step), np.exp(logarithm - 0.5 * step)


def _net(into: Floats, out: Floats, step: Floats) -> Floats:
    """Return the difference of both directions, the smaller one never taken from the larger."""
    net: Floats = np.where(step > 0, into * -np.expm1(-np.abs(step)), out * np.expm1(-np.abs(step)))
    return net


def _newton(flow: _Flow, start: Floats, voltage: float) -> tuple[Floats, Floats, int]:
    """Return the quasi-Fermi levels (kT) at which every trap's flows balance, in two parts, and the steps.

    In the end each level is counted from the nearer contact's: a trap may exchange 1e14 times more with its
    contact than passes through the device, which a level of 20 kT could not tell from nothing.
    """
    base, shift = np.zeros_like(start), start
    if not np.any(flow.at(base, shift)[0]):
        return base, shift, 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for step in range(1, NEWTON_LIMIT + 1):
            moved = flow.step(base, shift)
            shift = shift + moved
            if np.max(np.abs(moved)) <= 1e-9 * float(np.ptp(np.r_[shift, flow.ends])):
                near = np.argmin(np.abs(shift[:, None] - flow.ends), axis=1)
                base = flow.ends[near]
                shift = shift - base
                for _ in range(REFINEMENTS):
                    shift = shift + flow.step(base, shift)
                return base, shift, step + REFINEMENTS
        into, _, _, total = flow.at(base, shift)
    raise UnsolvedError(
        f"trap occupations not found at {voltage:g} V: flows differ by {np.max(np.abs(into / total)):.3g} of "
        "their sum",
        voltage,
    )


def _solved(matrix: Floats, right: Floats) -> Floats:
    """Solve with equal columns, which the occupations f (1 - f) would spread over any number of decades."""
    scale = np.abs(np.diagonal(matrix))
    lu, pivot, _ = scipy.linalg.lapack.dgetrf(matrix / scale)
    solution, _ = scipy.linalg.lapack.dgetrs(lu, pivot, right)
    change: Floats = solution / scale
    return change
