"""Errors that more than one floor raises or catches."""

from __future__ import annotations


class ConvergenceError(RuntimeError):
    """Equations of a network, a circuit or an array were not solved.

    Attributes
    ----------
    residual : float
        Largest remaining error of Kirchhoff's current law (A), or of a temperature (K); NaN if not known.
    iterations : int
        Steps done.
    bias : float
        Voltage at which it happened (V); NaN if not known.
    """

    def __init__(
        self, message: str, *, residual: float = float("nan"), iterations: int = 0, bias: float = float("nan")
    ) -> None:
        super().__init__(message)
        self.residual = residual
        self.iterations = iterations
        self.bias = bias
