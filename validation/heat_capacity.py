"""Print what the heat capacity of HfO2 is at other temperatures than 298 K, by two Debye solids.

    .venv/bin/python validation/heat_capacity.py

Measured are the entropy and the enthalpy at 298.15 K of monoclinic HfO2, from 2 to 300 K: W. Zhou, Q. Shi,
B. F. Woodfield, A. Navrotsky, J. Chem. Thermodyn. 43, 970 (2011), abstract read. One temperature for all
three atoms follows from the entropy alone; one for Hf and one for both O follow from both numbers. Truth may
lie between or beyond. At constant volume; the difference at constant pressure is left out.
"""

import numpy as np
from scipy import constants, integrate, optimize

ROOM, ENTROPY, ENTHALPY = 298.15, 56.15, 9340.0  # K, J/(mol K) +- 0.57, J/mol +- 90
SET = 60.3  # J/(mol K), of heat.capacity of the sets of HfO2 (recalled)
TEMPERATURES = (77.0, 150.0, 300.0, 1000.0)


def debye(x):
    """Return the Debye function 3/x^3 times the integral of t^3/(exp t - 1) from 0 to x."""
    return 3.0 / x**3 * integrate.quad(lambda t: t**3 / np.expm1(t) if t else 0.0, 0.0, x)[0]


def enthalpy(kelvin, solid):
    """Return the thermal energy (J/mol) of atoms by their Debye temperatures (K)."""
    return 3.0 * constants.R * kelvin * sum(count * debye(theta / kelvin) for theta, count in solid)


def entropy(kelvin, solid):
    """Return the entropy (J/(mol K))."""
    terms = (n * (4.0 / 3.0 * debye(th / kelvin) - np.log(-np.expm1(-th / kelvin))) for th, n in solid)
    return 3.0 * constants.R * sum(terms)


def capacity(kelvin, solid):
    """Return the heat capacity (J/(mol K)): the derivative of the thermal energy."""
    terms = (n * (4.0 * debye(th / kelvin) - 3.0 * th / kelvin / np.expm1(th / kelvin)) for th, n in solid)
    return 3.0 * constants.R * sum(terms)


def main():
    """Fit both solids and print them."""
    one = optimize.brentq(lambda theta: entropy(ROOM, [(theta, 3)]) - ENTROPY, 100.0, 2000.0)

    def misses(thetas):
        solid = list(zip(np.abs(thetas), (1, 2), strict=True))
        return entropy(ROOM, solid) / ENTROPY - 1.0, enthalpy(ROOM, solid) / ENTHALPY - 1.0

    two = np.abs(optimize.fsolve(misses, (290.0, 890.0)))
    for solid in ([(one, 3)], list(zip(two, (1, 2), strict=True))):
        thetas = ", ".join(f"{theta:.0f} K" for theta, _ in solid)
        heats = ", ".join(
            f"{kelvin:g} K: {capacity(kelvin, solid):.1f} ({capacity(kelvin, solid) / SET:.2f})"
            for kelvin in TEMPERATURES
        )
        print(f"{thetas}; H {enthalpy(ROOM, solid) / 1e3:.2f} kJ/mol; J/(mol K), over {SET}: {heats}")


if __name__ == "__main__":
    main()
