"""Formation energies by charge state: a FormationEnergyDiagram of pymatgen-analysis-defects, read as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BarrierError


def read(path: Path, species: str) -> tuple[dict[int, float], str] | None:
    """Return the formation energy (eV) of a vacancy by charge state, and the reference; None for other files.

    With the energy E of a cell, its corrections, the valence band maximum and elements in their most stable
    phase of the file: ``E(defect) + corrections - E(bulk) + mu + q E_VBM``, the Fermi level at the valence
    band maximum. Nothing of the file is executed, and no library is needed.

    Raises
    ------
    BarrierError
        The file lacks an energy, or its defect is no vacancy of the species.
    """
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("@class") != "FormationEnergyDiagram":
        return None
    try:
        change, energies = formation(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BarrierError(f"{path.name} is a FormationEnergyDiagram without {error}") from None
    if change != {species: -1.0}:
        words = ", ".join(f"{element} {number:+g}" for element, number in sorted(change.items()))
        raise BarrierError(f"{path.name} holds no vacancy of {species}: its cells differ by {words}")
    return energies, f"{species} in its most stable phase of {path.name}, as stated there"


def formation(data: Mapping[str, Any]) -> tuple[dict[str, float], dict[int, float]]:
    """Return what a defect adds to the bulk, by element, and its formation energy (eV) by charge state.

    Of several entries of one charge the lowest counts.
    """
    bulk = data["bulk_entry"]
    phases: dict[str, float] = {}
    for entry in data["pd_entries"]:
        if len(entry["composition"]) == 1:
            ((element, number),) = entry["composition"].items()
            phases[element] = min(phases.get(element, float("inf")), _energy(entry) / number)
    energies: dict[int, float] = {}
    for entry in data["defect_entries"]:
        cell, charge = entry["sc_entry"], int(entry["charge_state"])
        change = _change(cell["composition"], bulk["composition"])
        energy = _energy(cell) + sum((entry.get("corrections") or {}).values()) - _energy(bulk)
        energy += charge * float(data["vbm"])
        energy -= sum(number * phases[element] for element, number in change.items())
        energies[charge] = min(energies.get(charge, float("inf")), energy)
    return change, energies


def _energy(entry: Mapping[str, Any]) -> float:
    return float(entry["energy"]) + float(entry.get("correction") or 0.0)


def _change(cell: Mapping[str, float], bulk: Mapping[str, float]) -> dict[str, float]:
    change = {element: cell.get(element, 0.0) - bulk.get(element, 0.0) for element in {**cell, **bulk}}
    return {element: number for element, number in change.items() if number}
