"""Current-voltage curves of a material's oxide between two equal electrodes, law by law.

The section ``[transport]`` of a material names the numbers; a law whose numbers are absent is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...checks import between, positive
from ...typing import Floats
from ...units import BOLTZMANN, ELECTRON_MASS, ELEMENTARY_CHARGE, PLANCK
from ..materials.material import Material
from .bonds import BOTTOM, Bonds, ConductionLaw
from .emission import PooleFrenkel, SchottkyThermionic, ThermionicField
from .transport import Hopping, SpaceCharge
from .tunnelling import DirectTunnelling

REVERSED = (SchottkyThermionic, ThermionicField)
"""Laws of one contact: of the two in series the one in reverse limits the current at either polarity."""


def state_density(mass: float, temperature: float) -> float:
    """Return the effective density of states of a parabolic band, 2 (2 pi m kT / h^2)^(3/2) (1/m^3)."""
    return float(2 * (2 * np.pi * mass * ELECTRON_MASS * BOLTZMANN * temperature / PLANCK**2) ** 1.5)


def laws(material: Material, temperature: float, area: float) -> dict[str, ConductionLaw]:
    """Return the bond laws that a material's section ``[transport]`` has numbers for.

    Parameters
    ----------
    material : Material
        With the section ``transport``: ``barrier`` (eV), ``mass`` and ``optical_permittivity`` always;
        ``donor_density`` (1/m^3) and ``fermi_depth`` (eV) for thermionic field emission; ``trap_depth`` (eV)
        and ``mobility`` (m^2/(V s)) for Poole-Frenkel emission and space charge; ``trap_spacing`` (m) for the
        traps that space charge fills, and with ``hop_barrier`` (eV) and ``hop_frequency`` (Hz) for hopping. 0
        means absent. Space charge needs ``electrostatics.permittivity`` besides.
    temperature : float
        Temperature (K), 1 to 5000.
    area : float
        Area of the device (m^2), positive.

    Returns
    -------
    dict
        Names of ``conduction.LAWS`` and the laws. Tunnelling is in it once: "direct tunnelling" goes over to
        Fowler-Nordheim by itself.

    Raises
    ------
    MaterialError
        The material has no such section.
    ValueError
        A number is out of a law's range.
    """
    between("temperature", temperature, 1, 5000, "K")
    positive("area", area, "m^2")
    numbers, at = material.transport, {"temperature": temperature, "area": area}
    static = getattr(getattr(material, "electrostatics", None), "permittivity", None)
    by_name = _of_contacts(numbers, static, at)
    if numbers.trap_depth > 0 and numbers.mobility > 0:
        by_name |= _of_carriers(numbers, static, at)
    if numbers.trap_spacing > 0 and numbers.hop_frequency > 0:
        by_name["hopping"] = Hopping(
            hop_distance=numbers.trap_spacing,
            barrier=numbers.hop_barrier,
            site_density=numbers.trap_spacing**-3,
            attempt_frequency=numbers.hop_frequency,
            **at,
        )
    return by_name


def _of_contacts(numbers: Any, static: float | None, at: dict[str, float]) -> dict[str, ConductionLaw]:
    """Return tunnelling through the oxide and emission from a contact."""
    by_name: dict[str, ConductionLaw] = {
        "direct tunnelling": DirectTunnelling(barrier=numbers.barrier, mass=numbers.mass, area=at["area"]),
        "Schottky": SchottkyThermionic(
            barrier=numbers.barrier,
            mass=numbers.mass,
            permittivity=numbers.optical_permittivity,
            **at,
            polarity=-1,
        ),
    }
    if numbers.donor_density > 0 and static is not None:
        by_name["thermionic field"] = ThermionicField(
            barrier=numbers.barrier,
            fermi_depth=numbers.fermi_depth,
            donor_density=numbers.donor_density,
            mass=numbers.mass,
            permittivity=static,
            image_permittivity=numbers.optical_permittivity,
            **at,
            polarity=-1,
        )
    return by_name


def _of_carriers(numbers: Any, static: float | None, at: dict[str, float]) -> dict[str, ConductionLaw]:
    """Return what carriers in the band do that traps hold: Poole-Frenkel emission and space charge."""
    states = state_density(numbers.mass, at["temperature"])
    by_name: dict[str, ConductionLaw] = {
        "Poole-Frenkel": PooleFrenkel(
            prefactor=ELEMENTARY_CHARGE * numbers.mobility * states,
            trap_depth=numbers.trap_depth,
            permittivity=numbers.optical_permittivity,
            **at,
        )
    }
    if static is not None:
        # The Fermi level lies at the traps: as many free carriers as would fill half of them.
        shallow_law = SpaceCharge.shallow(states, numbers.trap_depth, at["temperature"])
        by_name["space charge"] = SpaceCharge(
            carrier_density=shallow_law,
            mobility=numbers.mobility,
            permittivity=static,
            area=at["area"],
            trap_density=numbers.trap_spacing**-3 if numbers.trap_spacing > 0 else 0.0,
            trap_occupancy_density=shallow_law,
        )
    return by_name


def currents(
    material: Material, temperature: float, voltage: ArrayLike, thickness: float, area: float
) -> dict[str, Floats]:
    """Return the current of each law of a material as if it alone carried it.

    Parameters
    ----------
    material : Material
        With the section ``transport``; see :func:`laws`.
    temperature : float
        Temperature (K), 1 to 5000.
    voltage : array_like of shape (n,)
        Voltage (V).
    thickness : float
        Thickness of the oxide (m), positive.
    area : float
        Area (m^2), positive.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        Currents (A), odd in the voltage. Laws of a contact and of the bulk stand in series in a device, bulk
        and tunnelling side by side; the table does not add them up.

    Raises
    ------
    MaterialError
        The material has no section ``[transport]``.
    ValueError
        A number is out of range.
    """
    positive("thickness", thickness, "m")
    applied = np.atleast_1d(np.asarray(voltage, dtype=np.float64))
    if applied.ndim != 1 or not np.all(np.isfinite(applied)):
        raise ValueError(f"voltage must be a row of finite numbers (V), got shape {applied.shape}")
    n = len(applied)
    table = {}
    for name, law in laws(material, temperature, area).items():
        bond = Bonds(
            first=np.arange(n), second=np.full(n, BOTTOM), law=law, length=np.full(n, float(thickness))
        )
        if isinstance(law, REVERSED):
            table[name] = np.sign(applied) * law.current(np.abs(applied), bond)[0]
        else:
            table[name] = law.current(applied, bond)[0]
    return table


def largest_voltages(material: Material, thickness: float) -> dict[str, float]:
    """Return the voltage (V) up to which each law of :func:`currents` is valid, where it has such a limit.

    Parameters
    ----------
    material : Material
        With the section ``transport``.
    thickness : float
        Thickness of the oxide (m), positive.
    """
    positive("thickness", thickness, "m")
    limited = (PooleFrenkel, SchottkyThermionic, Hopping)
    return {
        name: float(law.largest_voltage(thickness))
        for name, law in laws(material, 300.0, 1.0).items()  # neither number is in a limit
        if isinstance(law, limited)
    }


CONTACT = ("Schottky", "thermionic field")
BULK = ("Poole-Frenkel", "hopping", "space charge")
"""Laws in series: carriers that a contact supplies cross the bulk. Tunnelling does both at once."""


def contributions(current: dict[str, Floats]) -> dict[str, Floats]:
    """Return what each law contributes to the current of a film with its contacts.

    Contact and bulk stand in series: ``1/I = 1/I_contact + 1/I_bulk`` with the laws of either summed, each
    taken at the whole voltage, an upper estimate; each group is credited with its fraction of the sum, so
    that the one that limits carries most.

    Parameters
    ----------
    current : dict of str to ndarray
        As `currents` gives it (A).

    Returns
    -------
    dict of str to ndarray
        Contributions (A); their sum is the current.
    """
    groups = [[name for name in group if name in current] for group in (CONTACT, BULK)]
    if not all(groups):
        return dict(current)
    sums = [sum(np.abs(current[name]) for name in group) for group in groups]
    by_law = {name: value for name, value in current.items() if name not in (*groups[0], *groups[1])}
    for own_sum, other_sum, group in ((sums[0], sums[1], groups[0]), (sums[1], sums[0], groups[1])):
        both = np.asarray(own_sum + other_sum)
        share = np.divide(other_sum, both, out=np.zeros_like(both), where=both > 0)
        for name in group:
            # I_series (1/I_own) / (1/I_own + 1/I_other) of the group, shared out among its laws.
            by_law[name] = current[name] * share**2
    return {name: by_law[name] for name in current}
