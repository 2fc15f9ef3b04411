"""Targets of a device: one line per row of the table, and the verdict on what was measured."""

import math
from dataclasses import dataclass

from row import Row

INF = math.inf
ASKED = {  # quantity, least, most, unit
    "F-1": ("forming voltage at 100 V/s", 2, 4, "V"),
    "F-2": ("slope of the forming voltage per decade of the ramp", 0.05, 0.2, "V"),
    "F-3": ("largest fall of the leakage before forming, median device", -INF, 0.2, ""),
    "C-1": ("cycles with V_SET of 0.7 to 1.5 V", 0.95, INF, ""),
    "C-2": ("cycles with V_RESET of -0.7 to -1.5 V", 0.95, INF, ""),
    "C-3": ("cycles with on/off of 10 at 0.1 V", 0.95, INF, ""),
    "C-4": ("sd of log10 LRS from cycle to cycle, median device", 0.02, 0.10, ""),
    "C-5": ("sd of log10 HRS from cycle to cycle, median device", 0.2, 0.5, ""),
    "C-6": ("devices without bands in HRS and LRS (dip test, p > 0.05)", 0.9, INF, ""),
    "C-7": ("values of HRS and LRS that occur again", -INF, 0, ""),
    "C-8": ("RESETs with 3 layers missing", 0.8, INF, ""),
    "C-9": ("part of the change of ln G in SET that one event makes", -INF, 0.5, ""),
    "L-1": ("R I_c: of the medians at 10 to 200 uA the farthest from 0.45 V", 0.3, 0.6, "V"),
    "L-2": ("decades of R, monotone, at RESET stops of -1.0 to -2.0 V", 1.5, INF, ""),
    "S-1": ("decades of SET time per volt, 0.5 to 1.0 V", 8, 20, "1/V"),
    "S-2": ("steepness at low over that at high voltage", 1, INF, ""),
    "S-3": ("decades of SET time over the range of HRS", 1, INF, ""),
    "I-1": ("HRS: R(0.1 V) over R(0.5 V), median state", 2, 8, ""),
    "I-2": ("activation of HRS, 300 to 400 K", 0.02, 0.15, "eV"),
    "R-1": ("activation of LRS retention", 1.2, 1.6, "eV"),
    "R-2": ("LRS known to keep a factor 2 for 10 years at 85 C", 0.9, INF, ""),
    "R-3": ("HRS known to stay above 3 LRS for 10 years at 85 C", 1, INF, ""),
    "E-1": ("largest change of the vacancies after cycle 20 of 1,000", -INF, 0.2, ""),
    "E-2": ("of the last tenth of 1,000 cycles, those with on/off of 10", 0.95, INF, ""),
    "T-1": ("highest temperature that lasts longer than 1 ns", -INF, 1500, "K"),
    "N-1": ("rank correlation of relative trap amplitude and R, p < 0.05", 0, INF, ""),
    "N-2": ("relative amplitude of a near trap in LRS, median", -INF, 0.05, ""),
    "K-1": ("CPU time of a cycle of the small cell, mean", -INF, 0.2, "s"),
    "K-2": ("CPU time of forming and six cycles of the large cell", -INF, 60, "s"),
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was measured for one row.

    Parameters
    ----------
    id : str
        Key of `ASKED`.
    value, error : float
        Measured, and its standard error; a value of NaN is a miss.
    n, note : str
        What it was measured on; what else was.
    also : bool
        Whether the rest of what the quantity asks for holds too.
    """

    id: str
    value: float
    n: str
    note: str = ""
    error: float = math.nan
    also: bool = True


def judged(found):
    """Return the row of the table for what was measured."""
    quantity, least, most, unit = ASKED[found.id]
    return Row(
        id=found.id,
        quantity=quantity,
        published=asked_text(least, most),
        source="target",
        confidence="chosen",
        ours=float(found.value),
        error=float(found.error),
        unit=unit,
        verdict=bool(least <= found.value <= most and found.also),
        n=found.n,
        note=found.note,
    )


def asked_text(least, most):
    """Return a band as text."""
    if math.isinf(most):
        return f"at least {least:g}"
    return f"at most {most:g}" if math.isinf(least) else f"{least:g} to {most:g}"
