"""One comparison of an installation with theory."""

from dataclasses import dataclass
from typing import Literal

SIGMAS = 4.5
"""Standard errors within which a statistical test passes: a false alarm in 7e-6, with a fixed seed."""
SPACING = 0.26e-9
"""Lattice spacing (m) of the boxes that are made for tests."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison.

    Parameters
    ----------
    quantity : str
        What is compared, with its unit.
    theory, ours : float
        Exact value and the value found.
    allowed : float
        Largest deviation that passes, in the measure below.
    measure : {"absolute", "relative", "sigma"}
        Deviation as it is, over the theory, or in standard errors.
    error : float
        Standard error of ``ours``, for "sigma".
    """

    quantity: str
    theory: float
    ours: float
    allowed: float
    measure: Literal["absolute", "relative", "sigma"] = "absolute"
    error: float = 0.0

    @property
    def deviation(self) -> float:
        """Deviation in the measure of the row."""
        scale = {"absolute": 1.0, "relative": abs(self.theory), "sigma": self.error}[self.measure]
        return abs(self.ours - self.theory) / scale

    @property
    def passed(self) -> bool:
        """Whether the deviation is allowed; NaN never is."""
        return self.deviation <= self.allowed

    @property
    def deviation_text(self) -> str:
        """Deviation for a table."""
        return f"{self.deviation:.2g}" + (" sigma" if self.measure == "sigma" else "")

    @property
    def allowed_text(self) -> str:
        """Largest allowed deviation for a table."""
        return f"{self.allowed:.2g}" + {"sigma": " sigma", "relative": " rel.", "absolute": ""}[self.measure]
