"""SI values of units, and constants of nature (CODATA 2022); texts of units.

Multiply by a unit to convert to SI: ``5 * nm`` is 5e-9 m. Energies are the exception: the package keeps them
in eV, so ``eV`` is 1 and ``k_B T`` is ``BOLTZMANN_EV * T``.

>>> from frenkel.units import MV, s
>>> 1 * MV / s
1000000.0
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# Length (m).
m = 1.0
mm = 1e-3
um = 1e-6
nm = 1e-9
pm = 1e-12
angstrom = 1e-10

# Time (s); a year is 365.25 days.
s = 1.0
ms = 1e-3
us = 1e-6
ns = 1e-9
ps = 1e-12
minute = 60.0
hour = 3600.0
day = 86400.0
year = 31557600.0

# Frequency (1/s).
Hz = 1.0
kHz = 1e3
MHz = 1e6
GHz = 1e9
THz = 1e12

# Voltage (V).
V = 1.0
mV = 1e-3
uV = 1e-6
kV = 1e3
MV = 1e6

# Current (A).
A = 1.0
mA = 1e-3
uA = 1e-6
nA = 1e-9
pA = 1e-12

# Resistance (ohm) and conductance (S).
ohm = 1.0
kohm = 1e3
Mohm = 1e6
Gohm = 1e9
S = 1.0
mS = 1e-3
uS = 1e-6
nS = 1e-9

# Power (W), energy (eV), temperature (K).
W = 1.0
mW = 1e-3
uW = 1e-6
eV = 1.0
meV = 1e-3
K = 1.0

BOLTZMANN = 1.380649e-23
"""Boltzmann constant (J/K), exact."""

ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge (C), exact."""

PLANCK = 6.62607015e-34
"""Planck constant (J s), exact."""

BOLTZMANN_EV = BOLTZMANN / ELEMENTARY_CHARGE
"""Boltzmann constant (eV/K), 8.617333262145179e-5, as exact as the two that it is made of."""

VACUUM_PERMITTIVITY = 8.8541878188e-12
"""Electric constant (F/m)."""

ELECTRON_MASS = 9.1093837139e-31
"""Mass of the electron (kg)."""

CONDUCTANCE_QUANTUM = 2.0 * ELEMENTARY_CHARGE**2 / PLANCK
"""2 e^2 / h = 7.748e-5 S, exact by definition."""

LORENZ_NUMBER = 2.44e-8
"""Sommerfeld value of the Lorenz number (W ohm / K^2), to three digits."""

LONGEST = 40
"""Most characters of the text of a unit."""

_FACTOR = r"(?:1|[A-Za-zµμΩΩ°%]+)(?: ?(?:\^|\*\*) ?-?\d|[⁻-]?[¹²³⁴-⁹])?"
_FACTORS = f"{_FACTOR}(?:(?: ?[*/] ?| ){_FACTOR})*"
_UNIT = re.compile(rf"{_FACTORS}(?: ?/ ?\({_FACTORS}\))?", re.ASCII)


def convert(number: float, given: str, wanted: str) -> float:
    """Return a number of one unit in another; units are texts such as "nm", "MV/s", "W/(m*K)", "m^-2".

    Raises
    ------
    ValueError
        ``given`` is no unit, or none of that kind.
    """
    # pint works out whatever it is given, and m**9**9**9 for ever.
    if len(given) > LONGEST or not _UNIT.fullmatch(given):
        raise ValueError(f"{given[:LONGEST]!r} is no unit")
    try:
        result = float(_registry().Quantity(number, _parsed(given)).to(_parsed(wanted)).magnitude)
    except Exception:
        # pint raises half a dozen unrelated types for texts that are no unit.
        raise ValueError(f"{given!r} is no unit of the kind {wanted!r}") from None
    # Decimal prefixes are exact: 5 nm must not become 5.000000000000001e-09 m.
    return float(f"{result:.15g}")


@cache
def _registry() -> Any:
    import pint  # 0.3 s, and only files need it

    return pint.UnitRegistry()


@cache
def _parsed(unit: str) -> Any:
    return _registry().parse_units(unit)
