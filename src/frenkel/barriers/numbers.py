"""From energies of a crystal to numbers of a material, each with its interval, source and confidence."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from . import spread
from .study import Findings, HopEnergy

NEUTRAL = "cells are neutral: barriers of charged vacancies differ"
"""What a universal potential leaves open, said at each barrier."""


def changes(found: Findings, sections: Collection[str], reservoir: float | None = None) -> dict[str, Any]:
    """Return what differs from a base set, as a material file states it.

    Parameters
    ----------
    found : Findings
    sections : collection of str
        Sections of the base set; a pair or an exchange is written where the base has one.
    reservoir : float, optional
        Energy (eV) by which the electrode binds an atom more than the reference does. With it the energy of
        making a vacancy at the electrode is written, ``exchange.energy``.

    Returns
    -------
    dict
        ``formula``, ``description`` and sections with numbers in full.
    """
    origin = f"{found.origin}, {found.cell}" if found.cell else found.origin
    vacancy: dict[str, Any] = {
        "migration_barrier": _number(
            found.barrier,
            "eV",
            found,
            spread.barrier(found.barrier, found.confidence),
            f"{origin}; {found.decided_by}",
            _neutral(found),
        )
    }
    if found.frequency is not None:
        vacancy["attempt_frequency"] = _number(
            found.frequency,
            "Hz",
            found,
            spread.factor(found.frequency, found.confidence),
            f"{origin}; {found.frequency_from}",
        )
    if found.pairs:
        gained = float(np.mean(list(found.pairs.values())))
        vacancy["binding_energy"] = _above_zero(
            gained, found, f"{origin}; mean of {len(found.pairs)} pairs of neighbours"
        )
    if found.crowding:
        added = float(np.mean(found.crowding))
        vacancy["crowding_barrier"] = _above_zero(
            added, found, f"{origin}; mean of {len(found.crowding)} hops beside other vacancies"
        )
    document: dict[str, Any] = {"formula": found.formula, "description": _description(found)}
    document["vacancy"] = vacancy
    formation = min((energy for energy, _ in found.vacancies.values()), default=None)
    if formation is not None and found.interstitials and "frenkel_pair" in sections:
        pair = formation + min(found.interstitials)
        document["frenkel_pair"] = {
            "energy": _formation(
                pair, found, f"{origin}; vacancy and interstitial far apart, whatever the reference"
            )
        }
    if formation is not None and reservoir is not None and "exchange" in sections:
        energy = formation - reservoir
        document["exchange"] = {
            "energy": _formation(
                energy,
                found,
                f"{origin}; formation {formation:.2f} eV less {reservoir:g} eV of the electrode; "
                f"reference {found.reference}",
            )
        }
    return document


def spread_of(hops: tuple[HopEnergy, ...]) -> float:
    """Return the standard deviation (eV) of the barriers of hops, each direction and multiple counted."""
    both = np.array([[hop.forward, hop.backward] for hop in hops])
    weights = np.array([hop.multiplicity for hop in hops], float)
    mean = np.average(both.mean(axis=1), weights=weights)
    return float(np.sqrt(np.average(((both - mean) ** 2).mean(axis=1), weights=weights)))


def _number(
    value: float,
    unit: str,
    found: Findings,
    interval: tuple[float, float] | None,
    source: str,
    note: str = "",
) -> dict[str, Any]:
    number: dict[str, Any] = {
        "value": float(f"{value:.4g}"),
        "unit": unit,
        "confidence": found.confidence,
        "source": source,
    }
    if interval is not None:
        number["range"] = [float(f"{end:.4g}") for end in interval]
    return number | ({"note": note} if note else {})


def _formation(energy: float, found: Findings, source: str) -> dict[str, Any]:
    """Return an energy of making defects, whose interval is chosen."""
    interval = spread.around(energy, spread.FORMATION, found.confidence)
    return _number(energy, "eV", found, interval, source, "interval chosen" if interval else "")


def _above_zero(value: float, found: Findings, source: str) -> dict[str, Any]:
    """Return a number that a material has from 0 on; what is below is 0, and says so."""
    interval = spread.around(value, spread.PAIR, found.confidence)
    if interval is not None:
        interval = (max(interval[0], 0.0), max(interval[1], 0.0))
    note = "interval chosen" if interval is not None else ""
    if value < 0:
        below = f"computed {value:.3f} eV, and a set has none below 0"
        note = f"{note}; {below}" if note else below
    return _number(max(value, 0.0), "eV", found, interval, source, note)


def _neutral(found: Findings) -> str:
    if spread.barrier(found.barrier, found.confidence) is None:
        return ""
    return f"{NEUTRAL}; interval of {len(spread.ratios())} paths of {spread.SOURCE}"


def _description(found: Findings) -> str:
    return f"{found.formula}: vacancies of {found.species} by {found.origin}"
