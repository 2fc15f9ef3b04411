"""From energies of a crystal to numbers of a material, each with its interval, source and confidence."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ..kinetic.lattice.structure import hop_width
from . import spread
from .errors import BarrierError
from .study import Disorder, Findings, HopEnergy

NEUTRAL = "cells are neutral: barriers of charged vacancies differ"
"""What a universal potential leaves open, said at each barrier."""


def changes(
    found: Findings,
    sections: Collection[str],
    reservoir: float | None = None,
    correction: float | None = None,
    charge: int = 2,
) -> dict[str, Any]:
    """Return what differs from a base set, as a material file states it.

    Parameters
    ----------
    found : Findings
    sections : collection of str
        Sections of the base set; a pair, an exchange or charge states are written where the base has them.
    reservoir : float, optional
        Energy (eV) by which the electrode binds an atom more than the reference does. With it the energy of
        making a vacancy at the electrode is written, ``exchange.energy``.
    correction : float, optional
        Energy (eV) to add to the barrier, such as charged less neutral, by whoever knows it.
    charge : int, optional
        Charge number of an isolated vacancy in the base set.

    Returns
    -------
    dict
        ``formula``, ``description`` and sections with numbers in full.
    """
    origin = f"{found.origin}, {found.cell}" if found.cell else found.origin
    vacancy: dict[str, Any] = {"migration_barrier": _barrier(found, origin, correction or 0.0)}
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
    states = {
        f"migration_barrier_{word}": charge - electrons
        for word, electrons in (("one", 1), ("two", 2))
        if charge - electrons in found.charges
    }
    if states and "charge_states" in sections:
        document["charge_states"] = {
            key: _number(
                found.charges[state], "eV", found, None, f"{origin}; lowest of charge state {state:+d}"
            )
            for key, state in states.items()
        }
    if found.disorder is not None:
        document["disorder"] = _disorder(found, found.disorder, origin)
    formation = found.formation
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


def _barrier(found: Findings, origin: str, correction: float) -> dict[str, Any]:
    """Return the barrier of the hop, with the correction that was given."""
    interval = spread.barrier(found.barrier, found.confidence)
    value, source, note = found.barrier + correction, f"{origin}; {found.decided_by}", _neutral(found)
    if value < 0:
        raise BarrierError(f"the barrier of {found.barrier:.3f} eV less {-correction:g} eV is below 0")
    if correction:
        source += f"; {found.barrier:.3f} eV computed and {correction:+g} eV given by the user"
        interval = interval and (max(interval[0] + correction, 0.0), interval[1] + correction)
        note = note.replace(NEUTRAL, "cells are neutral, corrected as given")
    return _number(value, "eV", found, interval, source, note)


def _disorder(found: Findings, spreads: Disorder, origin: str) -> dict[str, Any]:
    """Return the section of a disordered cell, with 95 % intervals of the number of draws.

    The saddle of a hop is the mean of the log-normal barriers of its ends: the width at a site is the one
    from which hops have that of the sample, see `lattice.structure.hop_width`.
    """
    from scipy.optimize import brentq  # scipy, for those alone who have a disordered cell

    length = np.mean([hop.length for hop in found.hops])
    alike = float(np.exp(-((length / spreads.length) ** 2) / 2)) if spreads.length else 0.0
    low, hops, high = (
        float(brentq(lambda site, hop=hop: hop_width(site, alike) - hop, 0.0, 2.0 * hop + 1.0))
        for hop in np.insert(_interval(spreads.barrier_log, spreads.hops), 1, spreads.barrier_log)
    )
    section = {
        "site_energy": _number(
            spreads.site_energy,
            "eV",
            found,
            _interval(spreads.site_energy, spreads.sites),
            f"{origin}; standard deviation of {spreads.sites} vacancies",
            "interval of the number of draws",
        ),
        "barrier": {"value": 0.0, "unit": "eV", "confidence": "chosen", "source": "barrier_factor holds it"},
        "barrier_factor": _number(
            hops,
            "1",
            found,
            (low, high),
            f"{origin}; {spreads.barrier_log:.3f} of {spreads.hops} hops, each the mean of two sites",
            "interval of the number of draws; log-normal, ln(likelihood) "
            f"{spreads.laws['log-normal'][0] - spreads.laws['normal'][0]:+.1f} against normal barriers",
        ),
    }
    if spreads.length:
        section["correlation_length"] = _number(
            spreads.length / 10,
            "nm",
            found,
            None,
            f"{origin}; most likely length of the energies of {spreads.sites} vacancies",
            f"ln(likelihood) {spreads.gain:.1f} above that of independent sites",
        )
    return section


def _interval(deviation: float, number: int) -> tuple[float, float]:
    """Return the 95 % interval of a standard deviation of so many normal numbers."""
    from scipy.stats import chi2  # scipy, for those alone who have a disordered cell

    low, high = chi2.ppf([0.975, 0.025], number - 1)
    return float(deviation * np.sqrt((number - 1) / low)), float(deviation * np.sqrt((number - 1) / high))


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
    if found.charges:
        return "charge states: " + ", ".join(f"{q:+d} {e:.3f} eV" for q, e in sorted(found.charges.items()))
    if spread.barrier(found.barrier, found.confidence) is None:
        return ""
    return f"{NEUTRAL}; interval of {len(spread.ratios())} paths of {spread.SOURCE}"


def _description(found: Findings) -> str:
    return f"{found.formula}: vacancies of {found.species} by {found.origin}"
