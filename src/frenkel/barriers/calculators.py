"""Calculators by name: CHGNet, those that ASE knows, or a function of the user's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from ..validation import suggest
from .errors import BarrierError, library

LEARNED = "machine-learned potential"
"""Confidence of numbers from a universal interatomic potential."""
AB_INITIO = "ab initio"
CONFIDENCES = (LEARNED, AB_INITIO, "chosen")
"""What a calculation may be called; "chosen" is for potentials that stand for no material."""

DENSITY_FUNCTIONAL = (
    "abinit",
    "aims",
    "castep",
    "cp2k",
    "espresso",
    "gpaw",
    "nwchem",
    "qchem",
    "siesta",
    "vasp",
)
"""Names of ASE for programs of electronic structure."""
DEFAULT = "chgnet"


@dataclass(frozen=True)
class Potential:
    """A calculator, what it is called, and what numbers made with it are called.

    Attributes
    ----------
    name : str
        As the user gives it.
    identity : str
        Name and version, part of the key of each finished calculation.
    confidence : str
        Confidence of the numbers.
    make : callable
        Returns an ASE calculator.
    """

    name: str
    identity: str
    confidence: str
    make: Callable[[], Any]


def find(name: str, confidence: str | None = None) -> Potential:
    """Return a potential.

    Parameters
    ----------
    name : str
        "chgnet"; a calculator of ASE such as "emt", "vasp", "espresso"; or ``module:factory``, a function
        without arguments that returns an ASE calculator.
    confidence : str, optional
        What to call its numbers, of :data:`CONFIDENCES`; by default machine-learned for CHGNet, ab initio
        for programs of electronic structure, else chosen.

    Raises
    ------
    BarrierError
        No such calculator, or a library that it needs is not installed.
    """
    if confidence is not None and confidence not in CONFIDENCES:
        raise BarrierError(f"confidence must be one of {', '.join(CONFIDENCES)}, got {confidence!r}")
    if name == DEFAULT:
        library("chgnet.model")
        identity = f"CHGNet {metadata.version('chgnet')}"
        return Potential(name, identity, confidence or LEARNED, _chgnet)
    if ":" in name:
        return Potential(name, name, confidence or "chosen", _factory(name))
    calculators = library("ase.calculators.calculator")
    if name not in calculators.names:
        known = [DEFAULT, *calculators.names]
        raise BarrierError(
            f"no calculator {name!r}{suggest(name, known)}; others are given as module:factory"
        )
    found = AB_INITIO if name in DENSITY_FUNCTIONAL else "chosen"
    identity = f"{name} of ASE {metadata.version('ase')}"
    return Potential(name, identity, confidence or found, lambda: calculators.get_calculator_class(name)())


def _factory(name: str) -> Callable[[], Any]:
    module, _, function = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BarrierError(f"no calculator {name!r}: {error}") from None
    if not callable(factory):
        raise BarrierError(f"no calculator {name!r}: {function} of {module} cannot be called")
    made: Callable[[], Any] = factory
    return made


def _chgnet() -> Any:
    """Return CHGNet on one thread; stress, which costs as much as forces, where it is asked for alone."""
    torch = library("torch")
    chgnet = library("chgnet.model")
    torch.set_num_threads(1)

    class ForcesAlone(chgnet.CHGNetCalculator):  # type: ignore[misc, name-defined]
        def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = None) -> None:
            task = "efs" if "stress" in (properties or ()) else "ef"
            super().calculate(atoms, properties, system_changes, task=task)

    return ForcesAlone(chgnet.CHGNet.load(verbose=False), use_device="cpu", on_isolated_atoms="ignore")
