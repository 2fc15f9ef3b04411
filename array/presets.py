"""Arrays with numbers: all chosen to be of a plausible order, none measured or fitted."""

from __future__ import annotations

from ..cards.core import GapCore
from .cells.card import CardCells
from .columns import DifferentialArray
from .crosspoint import OneTransistorOneResistor, Transistor

MOS2_FET = Transistor(threshold=1.0, gain=2e-4, slope_factor=1.5)
"""Monolayer MoS2 under an Al2O3 gate: 30 cm^2/Vs, 0.7 uF/cm^2 (10 nm of permittivity 8), W/L = 10, 90 mV per
decade.
Each of these numbers is chosen."""

ALUMINA = {"hrs": 1e6, "lrs": 2e4, "set_voltage": 1.2, "reset_voltage": -1.2}
"""Features (ohm, V) of a filament in Al2O3; chosen."""


def mos2_alumina_2t2r(shape: tuple[int, int] = (16, 16), *, segment: float = 2.0) -> DifferentialArray:
    """Return pairs of Al2O3 cells with MoS2 transistors and a common source line.

    The arrangement of He et al., Nat. Commun. 2025, 10.1038/s41467-025-59815-x (16 x 16, 4-bit weights); its
    numbers are not public to us, so those here are chosen.

    Parameters
    ----------
    shape : tuple of int
        Rows and pairs of columns.
    segment : float
        Resistance of a segment of every line (ohm), positive.
    """
    plus, minus = (CardCells(GapCore(), ALUMINA, shape) for _ in range(2))
    return DifferentialArray(
        plus, minus, OneTransistorOneResistor(transistor=MOS2_FET), bit_resistance=segment,
        source_line_resistance=segment,
    )  # fmt: skip
