"""What a population of devices should do: bands, and the verdict on a value with its 95 % interval.

A value passes if it lies in its band and its interval is no wider than the band; with a wider one it cannot
be judged. The interval of a value whose band has one end, or of a small fraction, is printed and not judged.
A value without a band is reported.
"""

import math
from dataclasses import dataclass

from device_targets import asked_text

INF = math.inf
ASKED = {  # quantity, least, most, unit
    "V-1": ("fraction of the variance of ln HRS that belongs to the device", 0.4, 0.7, ""),
    "V-2": ("fraction of the variance of ln LRS that belongs to the device", 0.5, 0.9, ""),
    "V-3": ("V-1 with all widths of the population at 0, over V-1", 0.5, INF, ""),
    "M-1": ("correlation of ln HRS with that of the next cycle", 0.1, 0.5, ""),
    "M-2": ("correlation of ln LRS with that of the next cycle", 0.2, 0.5, ""),
    "M-3": ("correlation of ln HRS 20 cycles later, over M-1", -INF, 0.5, ""),
    "M-4": ("correlation of ln LRS 20 cycles later, over M-2", -INF, 0.5, ""),
    "D-1": ("p of the pairs of cycles with equal HRS", 0.01, INF, ""),
    "D-2": ("p of the pairs of cycles with equal LRS", 0.01, INF, ""),
    "D-3": ("devices with one mode of HRS and LRS (dip test, p > 0.05)", 0.9, INF, ""),
    "C-1": ("sd of log10 LRS from cycle to cycle, median device", 0.02, 0.10, ""),
    "C-2": ("sd of log10 HRS from cycle to cycle, median device", 0.1, 0.5, ""),
    "C-3": ("sd of V_SET between devices", 0.05, 0.2, "V"),
    "C-4": ("sd of V_SET within a device", 0.05, 0.2, "V"),
    "C-5": ("median V_SET", 0.8, 1.5, "V"),
    "C-6": ("median V_RESET", -1.5, -0.7, "V"),
    "C-7": ("median HRS", 0.5e6, 2e6, "ohm"),
    "C-8": ("devices with a window of 10 in 90 % of their cycles", 0.9, INF, ""),
    "R-1": ("radius of the LRS at 100 uA, 2.6 nm", 1.0e-9, 2.0e-9, "m"),
    "R-2": ("d ln(radius) / d ln(limit)", 0.3, 0.6, ""),
    "R-3": ("SETs with R I_c of 0.3 to 0.6 V", 0.9, INF, ""),
    "R-4": ("radius of the LRS at 100 uA, 5.2 nm", 1.0e-9, 2.0e-9, "m"),
    "R-5": ("conductivity of a layer of the LRS, median", -INF, 4.2e5, "S/m"),
    "L-1": ("fraction of RESET stops in the emptiest third of a decade, 20 kohm to 1 Mohm", 0.05, INF, ""),
    "S-1": ("decades of SET time per volt, 1e2 to 1e-6 s", 14, 20, "1/V"),
    "S-2": ("steepest decades of SET time per volt", -INF, 24, "1/V"),
    "S-3": ("decades from the first doubling of G to SET, median", -INF, 2, ""),
    "S-4": ("decades of SET time per volt of a linear barrier at V_SET", -INF, INF, "1/V"),
    "I-1": ("HRS: R(0.1 V) over R(0.5 V), median", 2, 8, ""),
    "I-2": ("the same: standard deviation over median", 0.1, INF, ""),
    "I-3": ("activation of HRS, 300 to 400 K, median", 0.02, 0.15, "eV"),
    "I-4": ("the same: standard deviation over median", 0.1, INF, ""),
    "I-5": ("rank correlation of R(0.1 V) over R(0.5 V) with the length of the gap", -INF, INF, ""),
    "T-1": ("arrangements over 1 ns up to 100 uA below 1,500 K", 0.99, INF, ""),
    "F-1": ("events of a SET with a barrier below 3 kT at their place", -INF, 0.05, ""),
    "F-2": ("events of a SET at a floor of the barrier or beyond the critical field", -INF, 0.01, ""),
    "T-2": ("events up to 100 uA above 3,073 K", -INF, 1e-3, ""),
    "T-3": ("hottest event", -INF, 5000, "K"),
    "P-1": ("closed path of two events at 0 V, worst", -INF, 1e-9, "eV"),
    "P-2": ("closed path of two events, largest median at +-0.5, +-1.0, -1.4 V", -INF, 1, "kT"),
    "W-1": ("LRS kept for ten years at 85 C", 0.9, INF, ""),
    "W-2": ("HRS kept for ten years at 85 C", 0.9, INF, ""),
    "W-3": ("states that flip at 0.1 V, 85 C, in ten years", -INF, 0.05, ""),
    "W-4": ("activation energy of LRS by four bakes", 1.4, 1.7, "eV"),
    "X-1": ("sd of ln(G/G0) 10 ms after programming to 2 to 70 uS, 25 C", 0.04, 0.15, ""),
    "X-2": ("its growth a decade, 10 ms to 1e4 s", 0.02, 0.06, ""),
    "N-1": ("sd of ln G of a read of 10 s, median", -INF, INF, ""),
    "N-2": ("rank correlation of it with R", -INF, INF, ""),
    "N-3": ("power of 1/f by which the spectrum falls over three decades", 0.8, 1.2, ""),
    "A-1": ("forming voltage of 5.2 nm at 100 V/s", 2, 4, "V"),
    "A-2": ("robust spread of it, over the median", 0.03, 0.10, ""),
    "A-3": ("devices that form above 1.3 medians", 0.005, 0.05, ""),
    "A-4": ("p of the law of the minimum, 16 times the area", 0.01, INF, ""),
    "A-5": ("p of the law of the minimum, two columns in a box", 0.01, INF, ""),
    "A-6": ("largest fall of the leakage before forming, median device", -INF, 0.2, ""),
    "Y-1": ("devices that form", -INF, INF, ""),
    "Y-2": ("devices stuck in LRS", -INF, INF, ""),
    "Y-3": ("devices stuck in HRS", -INF, INF, ""),
    "Q-1": ("published rows in band", 24 / 29, INF, ""),
    "Q-2": ("signatures in band", 79 / 83, INF, ""),
    "K-1": ("CPU time of a cycle of up to 150 atoms, mean", -INF, 1.0, "s"),
    "K-2": ("the same of 150 to 300 atoms", -INF, 4.0, "s"),
    "K-3": ("CPU time of SET to 100 uA and RESET, 2.6 nm, mean", -INF, 10.0, "s"),
    "K-4": ("the same of 5.2 nm", -INF, 30.0, "s"),
}


PRINTED = ("A-3",)
"""Rows of small fractions, whose intervals are printed and not judged."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured for one row.

    Parameters
    ----------
    id : str
        Key of `ASKED`.
    value, low, high : float
        Value and ends of its 95 % interval; NaN where there is none.
    n, note : str
        What it was measured on; what else was.
    also : bool
        Whether the rest of what the quantity asks for holds too.
    enough : bool
        Whether as much was followed as the quantity asks for.
    """

    id: str
    value: float
    low: float = math.nan
    high: float = math.nan
    n: str = ""
    note: str = ""
    also: bool = True
    enough: bool = True

    @property
    def verdict(self):
        """Return 'met', 'MISSED', 'cannot be judged', 'not measured' or 'reported'."""
        _, least, most, _ = ASKED[self.id]
        if not math.isfinite(self.value):
            return "not measured"
        if math.isinf(least) and math.isinf(most):
            return "reported"
        if not self.enough:
            return "cannot be judged"
        two_sided = math.isfinite(least) and math.isfinite(most)
        # An interval that is not known is wider than any band.
        if two_sided and self.id not in PRINTED and not self.high - self.low <= most - least:
            return "cannot be judged"
        return "met" if least <= self.value <= most and self.also else "MISSED"

    def cells(self):
        """Return the cells of the row of the table."""
        quantity, least, most, unit = ASKED[self.id]
        interval = f"{self.low:.3g} to {self.high:.3g}" if math.isfinite(self.low + self.high) else ""
        return (
            self.id,
            quantity,
            "reported" if math.isinf(least) and math.isinf(most) else asked_text(least, most),
            f"{self.value:.3g}" if math.isfinite(self.value) else "",
            interval,
            unit,
            self.n,
            self.verdict,
        )
