"""What tests ask of JART VCM v1b (:mod:`frenkel.bench.jart`): times to SET, and parameters between cycles."""

from compact_models import half_current_state, switching_time

from frenkel.bench.jart import SPREADS, TRUNCATION, JartVcm, draw_device

__all__ = ["SPREADS", "TRUNCATION", "JartVcm", "between_cycles", "draw_device", "set_time"]


def set_time(model: JartVcm, voltage: float, start: float | None = None) -> float:
    """Return the SET time [s] at a constant voltage: until I = sqrt(I_start I_end).

    Parameters
    ----------
    model : JartVcm
    voltage : float
        Below 0 V.
    start : float, optional
        Concentration of the disc at the start [m^-3]; default ``model.n_min``.
    """
    if not voltage < 0:
        raise ValueError(f"voltage must be below 0 V for a SET, got {voltage:g}")
    first = model.n_min if start is None else start
    return switching_time(model, voltage, first, half_current_state(model, voltage, first, model.n_max))


def between_cycles(old: float, new: float, state: float, start: float, end: float) -> float:
    """Return radius or disc length [m] on the way from the old draw to that of the new cycle.

    ``old + (new - old) (N - N_start) / (N_end - N_start)``, with N_end = N_max in SET and N_min in RESET: the
    parameter follows the state, so that the current does not jump when a new value is drawn.
    """
    if start == end:
        return old
    return old + (new - old) * (state - start) / (end - start)
