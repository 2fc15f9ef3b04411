"""Interfacial switching: a film of independent columns, each with a Schottky contact at the top electrode.

Where the network wires single defects, this model lets every column of sites, one spacing wide, conduct by
itself; the current is their sum, so that resistance falls as 1/area. Defects near the contact change height
and width of its barrier, and a column with many defects turns metallic: a filament among its neighbours.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ...units import BOLTZMANN_EV, ELECTRON_MASS, ELEMENTARY_CHARGE, PLANCK, VACUUM_PERMITTIVITY
from ..materials.material import Material
from ..materials.sections import InterfaceNumbers
from ._columns import ColumnKernel
from ._event_rates import Candidates, EventRates
from .green import GreenTable, Lateral


class Columns:
    """Currents of all columns, and the energies of the events in them, in place of the network's.

    Parameters
    ----------
    shape : tuple of int
        Sites in x, y and z; site number ``(x * ny + y) * nz + z``, the top electrode above layer ``nz - 1``.
    spacing : float
        Distance a of neighbouring sites (m).
    numbers : InterfaceNumbers
        The section [interface] of a material (any object with these attributes).
    temperature : float
        Temperature of the contacts (K), above 0.
    lateral : {"periodic", "reflecting"}
        Sides of the box; only heat flows through them.
    thermal_conductivity : float, optional
        Of the film (W/(m K)); columns do not warm without it.

    Attributes
    ----------
    conductance : float
        At low voltage (S).
    heat_max : float
        Largest temperature rise at 1 V (K).

    Raises
    ------
    ValueError
        A number that leaves the contact without a barrier when its layers are full, or without a sign.

    Notes
    -----
    Film of thickness L = (nz + 1) a; column cross-section a^2; x is the depth below the top electrode.

    *Depletion zone.* The charge of a column is the doping plus ``donor_charge`` per defect, smeared over its
    layer. The width w is where it has bent the bands by V_bi, e/eps Int_0^w x N(x) dx = V_bi (exact within
    the depletion approximation, piecewise quadratic), or L when the whole film does not bend them so far.
    For uniform N, w = sqrt(2 eps V_bi / (e N)). Defects count with the opposite sign for holes. Beyond its
    width, the zone is taken as the uniform one of that width.

    *Height.* phi = barrier - barrier_step n, n the defects of the uppermost ``layers`` layers with weights
    that fall linearly from 1 to 1/layers.

    *Current of the contact*, y the part of its voltage on the barrier (1/ideality of it; the rest falls over
    an insulating interlayer), y > 0 forward::

        I = a^2 A* T^2 exp(-(phi - dphi)/E0) exp(y/E0) [1 - exp(-y/kT)],    E0 = E00 coth(E00/kT),
        E00 = (hbar/(2 w)) sqrt(2 e V_bi/m),    dphi = sqrt(e F/(4 pi eps_inf))

    Both exponents of thermionic-field emission [1]_ are in it: forward exp(y/E0), reverse
    exp(|y| (1/kT - 1/E0)); E00 -> 0 is thermionic emission, E00 >> kT the WKB factor of a parabolic barrier.
    Their prefactors, which vary slowly, are left out, so that current and slope are continuous at 0 V.
    The image force acts in the largest field of the zone: F = 2 V_bi/w forward, 2 sqrt(V_bi (V_bi + |y|))/w
    in reverse until the zone reaches the bottom, and from there on growing by |y|/L.

    *In series*: the ohmic film, a^2 conductivity/L. A column of ``metallic_count`` defects or more is an
    ohmic filament of ``metallic_conductance`` instead.

    *Energies.* Of the voltage, the share s that the contact takes at low bias falls over the interlayer
    (where oxygen is exchanged, as in Mott-Cabrera growth) and evenly over the zone, in the ratio ideality - 1
    to 1, and the rest evenly over the film; at any voltage, so that an event costs a number times V. In
    strong forward bias the contact takes less than that. The columns of an event are taken without the moving
    atom, which makes every energy equal and opposite from both ends. Coulomb energies between defects and
    the drift in the built-in field are left out: what the catalogue holds is the whole energy at 0 V.

    *Heat.* Each column spreads its power evenly over its layers; that of the columns with a contact is spread
    evenly over the area too, and taken at their low-bias conductance: less than the true one at high voltage.
    Filaments warm their own surroundings.

    References
    ----------
    .. [1] F. A. Padovani, R. Stratton, "Field and thermionic-field emission in Schottky barriers",
       Solid-State Electronics 9, 695 (1966), doi:10.1016/0038-1101(66)90097-9.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        spacing: float,
        numbers: InterfaceNumbers,
        temperature: float,
        *,
        lateral: Lateral = "periodic",
        thermal_conductivity: float | None = None,
    ) -> None:
        _check(numbers, shape[2])
        self._kernel = ColumnKernel(shape, _kernel_numbers(numbers, spacing, temperature, shape[2] + 1))
        self.conductance, self.heat_max = 0.0, 0.0
        self._green: GreenTable | None = None
        self._metallic = float(numbers.metallic_conductance)
        self._filaments = np.zeros(0, np.intp)
        self._hot = np.zeros(self._kernel.n_hosts)
        self._mean = np.zeros(self._kernel.n_hosts)
        self._sites = np.zeros(0, np.int32)
        self._rise = np.zeros(self._kernel.n_hosts)
        if thermal_conductivity is not None:
            self._green = GreenTable(shape, spacing, lateral=lateral)
            self._heat = 1.0 / (thermal_conductivity * spacing * shape[2])
            even = np.full(self._kernel.n_hosts, self._heat / self._kernel.n_columns)
            self._mean = self._green.respond(even)

    def solve(self, sites: NDArray[np.int32]) -> None:
        """Take the ascending host sites of all defects; work out every column that changed, and the heat."""
        self.conductance, self._sites = self._kernel.occupy(sites), np.array(sites, np.int32)
        if self._green is not None:
            filaments = self._kernel.metallic_columns()
            if not np.array_equal(filaments, self._filaments):
                self._filaments, power = filaments, np.zeros((self._kernel.n_columns, self._kernel.nz))
                power[filaments] = self._metallic * self._heat
                self._hot = self._green.respond(power.ravel())
            smooth = self.conductance - len(filaments) * self._metallic
            self._rise = self._hot + smooth * self._mean
            self.heat_max = float(self._rise.max())

    def current(self, voltage: float) -> float:
        """Return the current (A) at a device voltage (V), positive at the top electrode."""
        return self._kernel.present_current(voltage)

    def law(self) -> Callable[[float], float]:
        """Return `current` of the present arrangement, which stays when another one is solved."""
        return functools.partial(self._kernel.total_current, self.table())

    def table(self) -> NDArray[np.void]:
        """Return the numbers of every column as a structured array."""
        return self._kernel.table()

    def event_rates(
        self,
        of: Candidates,
        conducting: int,
        code_charge: Floats,
        ions: NDArray[np.int32],
        ion_codes: NDArray[Any],
    ) -> EventRates:
        """Return the energies of candidates, see `FilamentFields.event_rates`; charges have no part."""
        if len(ions):
            raise ValueError("columns hold defects on host sites only, got interstitials")
        return self._kernel.event_rates(of, conducting, self._rise)

    def nodes(self) -> tuple[NDArray[np.int32], Floats, Floats]:
        """Return the host sites of defects in metallic columns, their potential (V) and rise (K) at 1 V."""
        sites = self._sites[np.isin(self._sites // self._kernel.nz, self._kernel.metallic_columns())]
        potential, rise = self.maps()
        return sites, potential[sites], rise[sites]

    def maps(self) -> tuple[Floats, Floats]:
        """Return potential (V) and temperature rise (K) of every host site at 1 V."""
        return self._kernel.unit_potential(), self._rise.copy()


def build_columns(
    material: Material, shape: tuple[int, int, int], lateral: Lateral, temperature: float
) -> Columns:
    """Return the columns of a box of a material with a section [interface], at a temperature (K)."""
    if material.has("trap"):
        raise ValueError(
            f"material {material.name} has sections [interface] and [trap]: columns take no traps"
        )
    heat = None
    if material.has("heat"):
        heat = material.heat.conductivity * material.heat.ballistic_factor
    return Columns(
        shape,
        material.lattice.spacing,
        material.interface,
        temperature,
        lateral=lateral,
        thermal_conductivity=heat,
    )


def _check(numbers: InterfaceNumbers, nz: int) -> None:
    if numbers.carrier not in (-1, 1):
        raise ValueError(f"carrier must be -1 (electrons) or 1 (holes), got {numbers.carrier}")
    if not 1 <= numbers.layers <= nz:
        raise ValueError(f"layers must be between 1 and the {nz} layers of the film, got {numbers.layers}")
    least = numbers.barrier - numbers.barrier_step * (numbers.layers + 1) / 2
    if not least >= 0.0:
        raise ValueError(
            f"barrier must stay at least 0 eV with {numbers.layers} layers full of defects, got {least:g} eV"
        )
    if numbers.metallic_count and not numbers.metallic_conductance > 0.0:
        raise ValueError(
            f"metallic_conductance must be above 0 S where metallic_count is set, "
            f"got {numbers.metallic_conductance:g} S"
        )


def _kernel_numbers(
    numbers: InterfaceNumbers, spacing: float, temperature: float, film: int
) -> dict[str, float]:
    """Return the numbers of the kernel: lengths in spacings, energies in eV."""
    e, eps = ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
    momentum = math.sqrt(2 * e * numbers.built_in_voltage * numbers.tunnelling_mass * ELECTRON_MASS)
    return {
        "kt": BOLTZMANN_EV * temperature,
        "barrier": numbers.barrier,
        "step": numbers.barrier_step,
        "layers": numbers.layers,
        "ideality": numbers.ideality,
        "built_in": numbers.built_in_voltage,
        # Moment of the charge (e per site times spacings squared) that bends the bands by V_bi.
        "target": numbers.built_in_voltage * numbers.permittivity * eps * spacing / e,
        "doping": numbers.doping * spacing**3,
        "donor": -numbers.carrier * numbers.donor_charge,
        "tunnel": PLANCK / (2 * math.pi) * numbers.built_in_voltage / (momentum * spacing),
        "image": e / (4 * math.pi * numbers.image_permittivity * eps * spacing),
        "log_scale": math.log(spacing**2 * numbers.richardson * temperature**2),
        "bulk": numbers.conductivity * spacing / film,
        "metallic": numbers.metallic_conductance,
        "metallic_count": numbers.metallic_count,
        "forward": -numbers.carrier,
    }
