"""Where a curve of current against voltage switches: one definition, for measured and for simulated curves.

SET and forming are read at half of the rise of the current, RESET at its largest current. A simulated curve
is that of its samples, at the terminals, so that it is read as an instrument's curve would be.
"""

import numpy as np

from ...checks import equally_many, one_of
from ...typing import Floats

HALF_RISE, LIMIT, LARGEST_STEP = "half rise", "limit", "largest step"
RULES = {
    HALF_RISE: "half of the rise of the current, to its limit or in the largest jump by a decade",
    LIMIT: "where the current reaches its limit",
    LARGEST_STEP: "the largest step of the conductance that at least doubles it, else the limit",
}
"""Rules for V_SET and V_form by name, and what they say; the first is the one that is used by default."""

LARGEST_CURRENT = "largest current"
"""Name of the one rule for V_RESET: where the current is largest before the source turns back."""

SWITCHED_ON = ("form", "set")
REACHED = 0.95  # of the current limit: the device has switched
JUMP = 2.0  # least growth of the conductance that is a jump where no limit is reached
DECADE = 10.0  # the same where a limit is reached
WINDOW = 0.02  # of the largest voltage: within so much a jump must be over
FAINT = 0.01  # of the limit: below it, one atom may multiply the current before a filament joins
FLAT, SHORTEST = 0.1, 4  # a limit held the current where so many samples lie so near to its largest value
BEFORE, ABOVE = 3, 3.0  # least samples before a jump, and its least size over all changes before it
NEARLY = 0.9  # fraction of the growth of the largest jump that a shorter one must have to stand for it
WIDE = 0.85  # of the largest voltage: the lowest of these samples lies below, as that of no resistor does


def switching_voltage(
    source: Floats, current: Floats, kind: str, compliance: float = np.nan, rule: str = HALF_RISE
) -> float:
    """Return the source voltage (V) at which a phase switches the device; NaN if it does not.

    SET and forming, by the rule "half rise": where the current is half way between that of the state before
    and its limit, I = (I_limit + G V)/2 with G the median conductance until half of the limit, in currents
    smoothed by a median of three samples. If the conductance jumps by a decade or more before, within 2 % of
    the largest voltage, to a current above 1 % of the limit, and never falls back: half way between the
    currents before and after the largest of these jumps. Voltages between two samples are interpolated. A
    current that never reaches 95 % of its limit has not switched the device. Without a limit: the largest
    jump that at least doubles the conductance before the source turns back.

    RESET: where the magnitude of the current is largest, if it falls before the source turns back.

    Parameters
    ----------
    source, current : (n,) float64
        Source voltage (V) and current (A) of the phase, in time order.
    kind : str
        "form", "set", "reset"; NaN is returned for others.
    compliance : float
        Current limit (A); NaN: none, or one that is seen where the current is flat.
    rule : str
        One of :data:`RULES`, for SET and forming.

    Raises
    ------
    ValueError
        There is no such rule, or voltages and currents are not equally many.
    """
    one_of("rule", rule, tuple(RULES))
    equally_many(source=source, current=current)
    if kind not in (*SWITCHED_ON, "reset") or not len(source):
        return np.nan
    volts, size = np.abs(source), np.abs(current)
    turn = int(np.flatnonzero(volts == volts.max())[-1])
    if kind == "reset":
        peak = int(np.argmax(size[: turn + 1]))
        return float(source[peak]) if peak < turn else np.nan
    limit = compliance if np.isfinite(compliance) else current_limit(volts, size)
    at_limit = np.flatnonzero(size >= REACHED * limit)
    if np.isfinite(limit) and not len(at_limit):
        return np.nan
    end = int(at_limit[0]) if len(at_limit) else turn
    rows = np.flatnonzero((volts[: end + 1] > 0) & (size[: end + 1] > 0))
    if rule == HALF_RISE:
        found = _half_rise(volts[rows], size[rows], limit)
        return float(np.sign(source[end])) * found
    jump = largest_jump(volts[: end + 1], size[: end + 1]) if rule == LARGEST_STEP else None
    if jump is not None:
        return float(source[jump])
    return float(source[end]) if np.isfinite(limit) else np.nan


def current_at(
    source: Floats, current: Floats, volts: float, kind: str, *, logarithmic: bool = False
) -> float:
    """Return the current (A) of a curve where it switches, on the line between its samples.

    Parameters
    ----------
    source, current : (n,) float64
        Source voltage (V) and current (A) of the phase, in time order.
    volts : float
        From :func:`switching_voltage` (V).
    kind : str
        Of the phase; a RESET is at its largest current.
    logarithmic : bool
        Whether the line is straight for the logarithm of the current.
    """
    size = np.abs(source)
    turn = int(np.flatnonzero(size == size.max())[-1])
    if kind == "reset":
        return float(current[np.argmax(np.abs(current[: turn + 1]))])
    after = max(int(np.argmax(size >= abs(volts) * (1 - 1e-12))), 1)
    (low, high), (first, last) = size[after - 1 : after + 1], current[after - 1 : after + 1]
    share = 1.0 if high == low else (abs(volts) - low) / (high - low)
    if logarithmic and first * last > 0:
        return float(first * (last / first) ** share)
    return float(first + share * (last - first))


def current_limit(volts: Floats, size: Floats) -> float:
    """Return the limit (A) that held the magnitude of a current where it is flat; NaN where none did.

    Parameters
    ----------
    volts, size : (n,) float64
        Magnitudes of voltage (V) and current (A).
    """
    flat = np.flatnonzero(size >= (1 - FLAT) * size.max(initial=0.0))
    is_plateau = len(flat) >= SHORTEST and volts[flat].min() <= WIDE * volts.max()
    return float(np.median(size[flat])) if is_plateau else np.nan


def largest_jump(voltage: Floats, magnitude: Floats) -> int | None:
    """Return the sample after the largest step of the conductance that at least doubles it, None for none.

    Parameters
    ----------
    voltage, magnitude : (n,) float64
        Voltage (V) and magnitude of the current (A).
    """
    nonzero = np.flatnonzero((voltage != 0) & (magnitude > 0))
    if len(nonzero) < 2:
        return None
    conductance = magnitude[nonzero] / np.abs(voltage[nonzero])
    jumps = conductance[1:] >= JUMP * conductance[:-1]
    # The largest in siemens: before a filament joins, a single atom may multiply a tiny current.
    largest = int(np.argmax(np.where(jumps, np.diff(conductance), -np.inf)))
    return int(nonzero[largest + 1]) if jumps[largest] else None


def _half_rise(volts: Floats, size: Floats, limit: float) -> float:
    """Return the voltage (V) at half of the rise of a current on the way to its limit; NaN for none."""
    if not len(volts):
        return np.nan
    jump = _lasting_jump(volts, size, DECADE if np.isfinite(limit) else JUMP, limit)
    if jump is not None:
        first, last = jump
        rows = slice(first, last + 1)
        return _crossing(volts[rows], size[rows] - (size[first] + size[last]) / 2)
    if not np.isfinite(limit):
        return np.nan
    before = slice(0, max(int(np.argmax(size >= limit / 2)), 1))
    conductance = float(np.median(size[before] / volts[before]))
    smooth = size.copy()
    if len(size) > 2:
        smooth[1:-1] = np.median([size[:-2], size[1:-1], size[2:]], axis=0)
    return _crossing(volts, smooth - (limit + conductance * volts) / 2)


def _lasting_jump(volts: Floats, size: Floats, least: float, limit: float) -> tuple[int, int] | None:
    """Return the samples around the largest jump of the conductance that is not undone, None for none.

    It is the ratio of the least conductance after it to the largest before it, of three samples at least; the
    change of the current is :data:`ABOVE` times as large as any before.
    """
    if len(volts) <= BEFORE:
        return None
    conductance = size / volts
    highest = np.maximum.accumulate(conductance)
    lowest = np.minimum.accumulate(conductance[::-1])[::-1]
    out = np.maximum.accumulate(volts)
    first = np.arange(len(volts) - 1)
    last = np.maximum(np.searchsorted(out, out[:-1] + WINDOW * out[-1], side="right") - 1, first + 1)
    bright = size[last] > FAINT * (limit if np.isfinite(limit) else size.max())
    noise = np.maximum.accumulate(np.abs(np.diff(size, prepend=size[0])))[:-1]
    clear = bright & (first + 1 >= BEFORE) & (size[last] - size[:-1] > ABOVE * noise)
    growth = np.where(clear, lowest[last] / highest[:-1], 0.0)
    largest = float(growth.max())
    if largest < least * (1 - 1e-9):
        return None
    # The shortest that has nearly all of it: beside the samples of an abrupt jump the window holds others.
    begin = int(np.flatnonzero(growth >= NEARLY * largest)[-1])
    end = begin + 1 + int(np.argmax(lowest[begin + 1 :] >= NEARLY * largest * highest[begin]))
    return begin, end


def _crossing(volts: Floats, excess: Floats) -> float:
    """Return the voltage (V) at which a value comes to 0, between samples by a straight line.

    Half way between the first and the last time it does, so that noise moves it neither way.
    """
    below = np.flatnonzero(excess < 0)
    first, last = int(np.argmax(excess >= 0)), int(below[-1]) + 1 if len(below) else 0
    if excess[first] < 0:  # the limit is reached before half of a small rise
        return float(volts[-1])
    found = []
    for at in (first, min(last, len(volts) - 1)):
        low, high = (excess[at - 1], excess[at]) if at else (0.0, 1.0)
        share = 1.0 if high <= 0 or at == 0 else -low / (high - low)
        found.append(volts[at - 1] + share * (volts[at] - volts[at - 1]) if at else volts[0])
    return float(np.mean(found))
