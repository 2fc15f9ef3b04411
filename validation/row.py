"""One row of the table."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A published quantity and ours.

    Parameters
    ----------
    id : str
        Number of the quantity.
    quantity, unit : str
        What is compared, and the unit of ours.
    published, source, confidence : str
        Value or shape, where it is from, and whether that was seen, recalled or derived.
    ours, error : float
        Value and standard error; NaN where there is none.
    verdict : bool or None
        In band; None: there is no band.
    n : str
        What it was measured on.
    note : str
        What else was measured; what is missing.
    """

    id: str
    quantity: str
    published: str
    source: str
    confidence: str
    ours: float
    error: float = math.nan
    unit: str = ""
    verdict: bool | None
    n: str = ""
    note: str = ""

    @property
    def ours_text(self):
        """Value, error and unit."""
        if not math.isfinite(self.ours):
            return "not measured"
        error = f" ± {self.error:.1g}" if math.isfinite(self.error) else ""
        return f"{self.ours:.3g}{error} {self.unit}".strip()

    @property
    def verdict_text(self):
        """In band, out, or no band."""
        return {True: "in band", False: "OUT", None: "info"}[self.verdict]


def lost(results):
    """Return a note on the tasks that ran out of time or events."""
    stopped = [result["stopped"] for result in results if result.get("stopped")]
    return f"{len(stopped)} of {len(results)} cut short ({stopped[0].split(';')[0]})" if stopped else ""


def notes(*parts):
    """Join what is not empty."""
    return "; ".join(part for part in parts if part)


def within(value, low, high):
    """Whether a value is in a band; NaN is not."""
    return bool(low <= value <= high)
