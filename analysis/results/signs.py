"""RESETs that opened nothing and SETs that closed nothing, at what seems to be the wrong sign.

No material says at which sign it opens, and unipolar ones open at either: what sweeps did tells.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...data.columns import ResultTable
from .metrics import resistance
from .switching import JUMP


class Swept(NamedTuple):
    """A phase: its name and kind, the voltage farthest from 0 V, and the resistance read after it (ohm)."""

    name: str
    kind: str
    voltage: float
    resistance: float


class Missed(NamedTuple):
    """A sweep that left the state as it was, what its sign is judged by, and the resistance before."""

    sweep: Swept
    judge: Swept
    before: float


def swept(result: ResultTable) -> list[Swept]:
    """Return the phases of a result in order."""
    phase, source = result["phase"].values, result["source_voltage"].values
    names, kinds = result["phase_name"].values, result["phase_kind"].values
    ohms = resistance(result)
    return [
        Swept(str(names[k]), str(kinds[k]), farthest(source[phase == k]), float(ohms[k]))
        for k in range(len(names))
    ]


def farthest(voltage: Sequence[float]) -> float:
    """Return the voltage (V) that is farthest from 0 V, with its sign; 0 of none."""
    return float(max(voltage, key=abs, default=0.0))


def judge(kind: str, known: Collection[str]) -> str | None:
    """Return the kind of phase that tells the sign of a RESET or SET: forming, or else what it undoes.

    Parameters
    ----------
    kind : str
        Of the phase in question; None is returned for others than "reset" and "set".
    known : collection of str
        Kinds of the phases before it; None is returned where none of them tells.
    """
    opposite = {"reset": "set", "set": "reset"}.get(kind)
    usable = ("form", opposite) if opposite is not None else ()
    return next((kind for kind in usable if kind in known), None)


def missed(sweep: Swept, by: Swept, before: float) -> Missed | None:
    """Return a RESET or SET if it did nothing, at another sign than is usual; None otherwise.

    Usual for a RESET is the other sign than that of forming or SET, for a SET that of forming, or the other
    one than that of RESET. Opened means at least twice the resistance that was read before, closed at most
    half of it.
    """
    sets_after_forming = (sweep.kind, by.kind) == ("set", "form")
    if (np.sign(sweep.voltage) == np.sign(by.voltage)) == sets_after_forming:
        return None
    low, high = (before, sweep.resistance) if sweep.kind == "reset" else (sweep.resistance, before)
    # Without current before and after, both are infinite.
    return None if high >= JUMP * low and high > low else Missed(sweep, by, before)


def all_missed(phases: Sequence[Swept]) -> list[Missed]:
    """Return every RESET and SET that :func:`missed` finds."""
    latest: dict[str, Swept] = {}
    misses = []
    for before, phase in pairwise(phases):
        latest[before.kind] = before
        reference = judge(phase.kind, latest)
        if reference is not None:
            misses.append(missed(phase, latest[reference], before.resistance))
    return [miss for miss in misses if miss is not None]
