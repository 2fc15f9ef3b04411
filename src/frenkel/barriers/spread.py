"""How far a computed number may be from that of density functional theory: what a public benchmark says."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import numpy as np

from .calculators import LEARNED

SOURCE = "doi:10.1039/d5dd00534e (CC BY 3.0), CHGNet against DFT barriers of doi:10.48550/arXiv.2508.06459"
PART = 0.9
"""Part of the paths of the benchmark that an interval holds."""
FORMATION = 1.0
"""Half of the interval (eV) of a formation energy, for which no benchmark was found; chosen."""
PAIR = 0.3
"""Half of the interval (eV) of a difference of two energies of defects, such as a binding; chosen."""
FREQUENCY = 3.0
"""Factor on either side of an attempt frequency; chosen."""


@cache
def ratios() -> tuple[float, ...]:
    """Return barrier of DFT over barrier of CHGNet of the paths of the benchmark that were drawn, in order.

    `benchmark.csv` says how they were drawn: at random among paths in oxides with a DFT barrier of 0.5 to
    2.5 eV. One interval holds for all: classes of paths do not differ significantly (Mann-Whitney: one
    against two charges of the ion p = 0.15, simple oxides against those with polyanions 0.24, DFT barriers
    below against above their median 0.16), and none of the ions is oxygen.
    """
    with (resources.files(__package__) / "benchmark.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return tuple(sorted(float(row["dft_eV"]) / float(row["chgnet_eV"]) for row in rows))


def barrier(value: float, confidence: str) -> tuple[float, float] | None:
    """Return the interval (eV) of a barrier: that of `PART` of the benchmark's paths, as a multiple.

    Parameters
    ----------
    value : float
        Computed barrier (eV).
    confidence : str
        Of its number; for other than a machine-learned potential no error is known, and None is returned.
    """
    if confidence != LEARNED:
        return None
    low, high = np.quantile(ratios(), [(1 - PART) / 2, (1 + PART) / 2])
    return float(value * low), float(value * high)


def around(value: float, half: float, confidence: str) -> tuple[float, float] | None:
    """Return the interval of an energy (eV) of chosen half-width; None as :func:`barrier`."""
    return (value - half, value + half) if confidence == LEARNED else None


def factor(value: float, confidence: str) -> tuple[float, float] | None:
    """Return the interval of an attempt frequency (Hz), a chosen factor; None as :func:`barrier`."""
    return (value / FREQUENCY, value * FREQUENCY) if confidence == LEARNED else None
