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

_PLAIN = (
    {"m": m, "mm": mm, "um": um, "nm": nm, "pm": pm, "angstrom": angstrom},
    {"s": s, "ms": ms, "us": us, "ns": ns, "ps": ps, "min": 60.0, "h": 3600.0, "day": 86400.0},
    {"Hz": Hz, "kHz": kHz, "MHz": MHz, "GHz": GHz, "THz": THz},
    {"V": V, "mV": mV, "uV": uV, "kV": kV, "MV": MV},
    {"A": A, "mA": mA, "uA": uA, "nA": nA, "pA": pA},
    {"ohm": ohm, "kohm": kohm, "Mohm": Mohm, "Gohm": Gohm},
    {"S": S, "mS": mS, "uS": uS, "nS": nS},
    {"W": W, "mW": mW, "uW": uW},
    {"eV": eV, "meV": meV},
)
"""Units by kind that are told without pint, as it tells them: most of those that files give."""

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
    factor = _plain_factor(given, wanted)
    if factor is not None:
        return _rounded(number * factor)
    try:
        converted = float(_registry().Quantity(number, _parsed(given)).to(_parsed(wanted)).magnitude)
    except Exception:
        # pint raises half a dozen unrelated types for texts that are no unit.
        raise ValueError(f"{given!r} is no unit of the kind {wanted!r}") from None
    return _rounded(converted)


def _rounded(number: float) -> float:
    """Return a number to 15 digits: prefixes are exact, 5 nm must not become 5.000000000000001e-09 m."""
    return float(f"{number:.15g}")


@cache
def _plain_factor(given: str, wanted: str) -> float | None:
    """Return one unit over another, None where this takes pint."""
    if given == wanted:
        return 1.0
    # In "MV/s" and "V/s", or "e*nm" and "e*m", factors stand for each other in turn.
    names, others = (re.split(r"([*/])", text) for text in (given, wanted))
    if len(names) != len(others) or "(" in given:
        return None
    factor, below = 1.0, False
    for name, other in zip(names, others, strict=True):
        if name in "*/" or other in "*/":
            if name != other:
                return None
            below = name == "/"
        elif name != other:
            kind = next((kind for kind in _PLAIN if name in kind and other in kind), None)
            if kind is None:
                return None
            ratio = kind[name] / kind[other]
            factor = factor / ratio if below else factor * ratio
    return factor


@cache
def _registry() -> Any:
    import pint  # 0.3 s and 30 MB, and only files with units of other kinds need it

    return pint.UnitRegistry()


@cache
def _parsed(unit: str) -> Any:
    return _registry().parse_units(unit)
