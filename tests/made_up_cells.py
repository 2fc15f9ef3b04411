"""A cell of round numbers for tests of arrays; none of them is anybody's device."""

from frenkel.array.cells import CardParameters

CARD = CardParameters(
    prefactor=1e-4,
    decay=0.25e-9,
    voltage_scale=0.3,
    gap_least=0.1e-9,
    gap_most=1.7e-9,
    set_rate=1e11,
    reset_rate=1e10,
    set_scale=0.12,
    reset_scale=0.15,
    activation=0.6,
)
