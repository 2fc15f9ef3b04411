"""A folder with one JSON file for each finished calculation, found again by the content of its input."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..data import store
from ..provenance import digest
from .errors import BarrierError, library

DECIMALS = 6
"""Positions and cells are compared to this many decimals of an angstrom."""


def as_json(atoms: Any) -> dict[str, Any]:
    """Return atoms as plain data, lengths in angstrom."""
    return {
        "numbers": [int(number) for number in atoms.numbers],
        "positions": np.round(atoms.positions, DECIMALS).tolist(),
        "cell": np.round(atoms.cell.array, DECIMALS).tolist(),
    }


def from_json(data: Mapping[str, Any], calculator: Any) -> Any:
    """Return the atoms of :func:`as_json`, periodic."""
    atoms = library("ase").Atoms(data["numbers"], data["positions"], cell=data["cell"], pbc=True)
    atoms.calc = calculator
    return atoms


class Folder:
    """Finished calculations of one potential.

    Parameters
    ----------
    path : Path
        Folder; made where it does not exist.
    identity : str
        Name and version of the potential, part of each key.
    note : callable
        Takes a line of progress.
    """

    def __init__(self, path: Path, identity: str, note: Callable[[str], None]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path, self.identity, self.note = path, identity, note

    def take(
        self, kind: str, words: str, inputs: Mapping[str, Any], compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what a calculation gave: read where it is finished, else computed and written.

        Parameters
        ----------
        kind : str
            Begins the name of the file.
        words : str
            What is calculated, for the line of progress.
        inputs : mapping
            Plain data; with kind and potential it makes the key.
        compute : callable
            Returns plain data. A `BarrierError` is kept as ``{"error": sentence}``: the same input would
            end the same way.

        Raises
        ------
        BarrierError
            The file of this calculation is damaged.
        """
        key = digest({"kind": kind, "potential": self.identity, **inputs})
        file = self.path / f"{kind}-{key[:16]}.json"
        if file.exists():
            try:
                kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["result"]
            except (ValueError, KeyError, TypeError):
                raise BarrierError(f"{file} is damaged: delete it to calculate {words} again") from None
            self.note(f"{words}: kept")
            return kept
        begin = time.process_time()
        try:
            result = compute()
        except BarrierError as error:
            result = {"error": str(error)}
        result["cpu_seconds"] = round(time.process_time() - begin, 1)
        document = {"what": words, "potential": self.identity, "key": key, "result": result}
        store.write_bytes((json.dumps(document, indent=1) + "\n").encode(), file)
        end = result.get("error") or result["summary"]
        self.note(f"{words}: {end}, {result['cpu_seconds']:.0f} s of CPU")
        return result
