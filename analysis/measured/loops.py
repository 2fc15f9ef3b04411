"""Loops of current against voltage to the numbers of a cycle: SET, RESET, both resistances, nonlinearity."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...typing import Floats, Index
from ..results.readout import resistance_at
from ..results.switching import FLAT, HALF_RISE, current_limit, switching_voltage

NEAR_ZERO = 0.02
"""Fraction of the largest voltage below which a voltage belongs to neither polarity."""

LEAST = 0.3
"""Fraction of the largest voltage of its polarity that half a loop must reach; smaller ones are reads."""

HIGH = 5.0
"""The nonlinearity compares the resistance at the read voltage with that at so many times of it."""

FORMED = 10.0
"""The first SET was a forming if the state before had this many times the median resistance after a RESET, or
no current that could be told from none."""

HIGHER, OTHERS = 1.3, 2
"""It was one, too, if its voltage was so many times the largest of so many others or more."""


@dataclass(frozen=True, slots=True)
class Readout:
    """How numbers are read off loops.

    Parameters
    ----------
    voltage : float
        At which resistances are taken (V), above 0, by magnitude in both polarities; below it no switching is
        looked for.
    rule : str
        For V_SET and V_form, one of :data:`.switching.RULES`.
    series : float
        Resistance in series with the devices (ohm), 0 or more; NaN: not known.
    """

    voltage: float
    rule: str = HALF_RISE
    series: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """The half of a loop in one polarity: places of its samples, out to the largest voltage and back."""

    rows: Index
    polarity: int
    turn: int

    @property
    def out(self) -> Index:
        """Samples up to the largest voltage."""
        return self.rows[: self.turn + 1]

    @property
    def back(self) -> Index:
        """Samples from the largest voltage on."""
        return self.rows[self.turn :]


def halves(voltage: Floats, read_voltage: float = np.inf) -> list[Half]:
    """Return the halves of loops in a voltage that goes up and down.

    Parameters
    ----------
    voltage : (n,) array_like
        V, in the order of time, finite.
    read_voltage : float
        V; samples above half of it belong to a polarity.

    Raises
    ------
    ValueError
        The voltage is 0 throughout.
    """
    largest = float(np.abs(voltage).max(initial=0.0))
    if not largest > 0:
        raise ValueError("voltage of a loop must differ from 0 V, it is 0 V in every sample")
    least_voltage = min(NEAR_ZERO * largest, read_voltage / 2)
    sign = np.where(np.abs(voltage) < least_voltage, 0, np.sign(voltage)).astype(int)
    parts = []
    for rows in _runs(sign):
        polarity = int(sign[rows[0]])
        reach = float(np.abs(voltage[sign == polarity]).max())
        if np.abs(voltage[rows]).max() >= LEAST * reach and len(rows) >= 3:
            parts.append(Half(rows=rows, polarity=polarity, turn=int(np.argmax(np.abs(voltage[rows])))))
    return parts


def _runs(sign: Index) -> Iterator[Index]:
    """Yield the places of each run of one sign; places of 0 between two of the same sign belong to it."""
    nonzero = np.flatnonzero(sign)
    for part in np.split(nonzero, np.flatnonzero(np.diff(sign[nonzero])) + 1):
        # A return to 0 V inside one polarity begins another sweep of it.
        yield from np.split(part, np.flatnonzero(np.diff(part) > 1) + 1)


def features(voltage: Floats, current: Floats, how: Readout) -> dict[str, Floats]:
    """Return the numbers of every cycle in the loops of one device.

    Where there is one polarity, a half in which the device conducts better on the way back is a SET, one in
    which it conducts worse a RESET; where all are of one kind, each is a cycle, and the state before is read
    on the way out.

    The polarity of SET is the one in which the device conducts better on the way back than on the way out, by
    the median of all halves. A cycle is a RESET and the SET next to it in time, whichever comes first. A
    forming is no SET; where nothing but a RESET is with it, both are a cycle without a voltage of SET.

    Parameters
    ----------
    voltage, current : (n,) array_like
        V and A, in the order of time; samples where one is missing are left out.
    how : Readout

    Returns
    -------
    dict of str to (cycles,) float64
        ``hrs``, ``lrs`` (ohm; on the way back from RESET and SET, without what is known to be in series),
        ``hrs_terminal``, ``lrs_terminal`` (with it), ``set_voltage``, ``reset_voltage`` (V, as
        :func:`.switching_voltage`; a limit of the current is seen where the current is flat),
        ``on_off`` (1), ``hrs_nonlinearity``, ``lrs_nonlinearity`` (R at the read voltage over R at 5 times of
        it, on the way back; NaN where the loop does not reach that far), ``first``, ``last`` (places of the
        first and last sample); and of the device ``forming_voltage`` (V, one value, NaN: none was seen).

    Raises
    ------
    ValueError
        No pair of a RESET and a SET is found; of one polarity, no half that switches.
    """
    finite = np.flatnonzero(np.isfinite(voltage) & np.isfinite(current))
    v, i = np.asarray(voltage, float)[finite], np.asarray(current, float)[finite]
    parts = halves(v, how.voltage)
    if len({half.polarity for half in parts}) < 2:
        return _one_polarity(v, i, parts, finite, how)
    set_sign = _set_polarity(v, i, parts, how.voltage)
    forming = _forming(v, i, parts, set_sign, how)
    formed = next(k for k, half in enumerate(parts) if half.polarity == set_sign)
    alone = np.isfinite(forming) and not any(_pairs(parts[formed + 1 :]))
    if np.isfinite(forming) and not alone:
        parts = parts[formed + 1 :]
    rows = []
    for first, second in _pairs(parts):
        reset, switch_on = (first, second) if second.polarity == set_sign else (second, first)
        rows.append(_cycle(v, i, reset, switch_on, how))
        rows[-1] |= {"first": finite[first.rows[0]], "last": finite[second.rows[-1]]}
    if not rows:
        raise ValueError("no RESET and SET follow each other in the loops")
    if alone:  # of the forming and the RESET next to it, both resistances are those of a cycle
        rows[0]["set_voltage"] = np.nan
    columns = {name: np.array([row[name] for row in rows], float) for name in rows[0]}
    columns["forming_voltage"] = np.array([forming])
    return columns


SWITCHED = 1.5
"""Ratio of the resistances on the way out and back from which a half of one polarity has switched."""


def _one_polarity(v: Floats, i: Floats, parts: list[Half], known: Index, how: Readout) -> dict[str, Floats]:
    """Return the numbers of cycles in loops of one polarity, as :func:`features`."""
    read_voltage = how.voltage
    kinds = []
    for half in parts:
        before, after = (resistance_at(v[rows], i[rows], read_voltage) for rows in (half.out, half.back))
        before = np.inf if np.isnan(before) and np.isfinite(after) else before
        if after * SWITCHED <= before:
            kinds.append((half, "set"))
        elif before * SWITCHED <= after:
            kinds.append((half, "reset"))
    present = {kind for _, kind in kinds}
    if not present:
        raise ValueError(
            f"no half of these loops of one polarity switches: its resistance at {read_voltage:g} V is the "
            "same on the way out and back; read at another voltage"
        )
    rows, k = [], 0
    while k < len(kinds):
        (half, kind), (other, next_kind) = kinds[k], kinds[k + 1] if k + 1 < len(kinds) else (None, "")
        if len(present) == 1:
            rows.append(
                _half_cycle(v, i, half, kind, how)
                | {"first": known[half.rows[0]], "last": known[half.rows[-1]]}
            )
            k += 1
        elif other is not None and kind != next_kind:
            reset, switch_on = (half, other) if kind == "reset" else (other, half)
            rows.append(_cycle(v, i, reset, switch_on, how))
            rows[-1] |= {"first": known[half.rows[0]], "last": known[other.rows[-1]]}
            k += 2
        else:
            k += 1
    return {name: np.array([row[name] for row in rows], float) for name in rows[0]} | {
        "forming_voltage": np.array([np.nan])
    }


def _half_cycle(v: Floats, i: Floats, half: Half, kind: str, how: Readout) -> dict[str, float]:
    """Return the numbers of a cycle of which a SET or a RESET alone was recorded."""
    found = _cycle(v, i, half, half, how)  # of a half both states are on it: one on the way out
    before = resistance_at(v[half.out], i[half.out], how.voltage)
    state, lost = (
        ("hrs", ("hrs_nonlinearity", "reset_voltage"))
        if kind == "set"
        else ("lrs", ("lrs_nonlinearity", "set_voltage"))
    )
    found |= dict.fromkeys(lost, np.nan) | {f"{state}_terminal": _finite(before)}
    device = v[half.out] - i[half.out] * (how.series if np.isfinite(how.series) else 0.0)
    found[state] = _finite(resistance_at(device, i[half.out], how.voltage))
    return found | {"on_off": found["hrs"] / found["lrs"]}


def _set_polarity(v: Floats, i: Floats, parts: list[Half], read: float) -> int:
    """Return the polarity in which the conductance rises."""
    change: dict[int, list[float]] = {1: [], -1: []}
    for half in parts:
        before, after = (resistance_at(v[rows], i[rows], read) for rows in (half.out, half.back))
        if np.isfinite(before) and np.isfinite(after):
            change[half.polarity].append(float(np.log(before / after)))
    if not any(change.values()):
        nearest = max(float(np.abs(v[half.rows]).min()) for half in parts)
        farthest = min(float(np.abs(v[half.rows]).max()) for half in parts)
        raise ValueError(
            f"the resistance at {read:g} V cannot be told: samples on the way out and back reach from "
            f"{nearest:.3g} to {farthest:.3g} V; read at another voltage"
        )
    rise = {sign: float(np.median(values)) if values else 0.0 for sign, values in change.items()}
    if rise[1] == rise[-1]:
        raise ValueError(
            f"no SET is seen: the resistance at {read:g} V is the same before and after each half"
        )
    return 1 if rise[1] > rise[-1] else -1


def _pairs(parts: list[Half]) -> Iterator[tuple[Half, Half]]:
    """Yield neighbours of opposite polarity, each half once."""
    k = 0
    while k + 1 < len(parts):
        if parts[k].polarity != parts[k + 1].polarity:
            yield parts[k], parts[k + 1]
            k += 2
        else:
            k += 1


def _cycle(v: Floats, i: Floats, reset: Half, switch_on: Half, how: Readout) -> dict[str, float]:
    read_voltage = how.voltage
    # A current below the last digit of the instrument is no resistance: missing, like one of the wrong sign.
    device = v - i * (how.series if np.isfinite(how.series) else 0.0)
    (hrs, lrs), terminal = (
        [_finite(resistance_at(volts[half.back], i[half.back], read_voltage)) for half in (reset, switch_on)]
        for volts in (device, v)
    )
    numbers = {"hrs": hrs, "lrs": lrs, "on_off": hrs / lrs}
    numbers |= {"hrs_terminal": terminal[0], "lrs_terminal": terminal[1]}
    for name, half, ohms in (("hrs", reset, hrs), ("lrs", switch_on, lrs)):
        # Where a limit holds the current, the source has not the device's voltage.
        compliance = current_limit(np.abs(v[half.rows]), np.abs(i[half.rows]))
        limited = half.back[np.abs(i[half.back]) >= (1 - FLAT) * compliance]
        top = np.abs(v[limited]).min(initial=np.inf)
        rows = half.back[np.abs(v[half.back]) < top]
        numbers[f"{name}_nonlinearity"] = ohms / resistance_at(device[rows], i[rows], HIGH * read_voltage)
    numbers["set_voltage"] = _switching(v, i, switch_on, "set", how)
    numbers["reset_voltage"] = _switching(v, i, reset, "reset", how)
    return numbers


def _finite(ohms: float) -> float:
    return ohms if np.isfinite(ohms) else np.nan


def _switching(v: Floats, i: Floats, half: Half, kind: str, how: Readout) -> float:
    # Near 0 V a noise of the current makes jumps of the conductance without bound.
    rows = half.rows[np.abs(v[half.rows]) >= how.voltage]
    return switching_voltage(v[rows], i[rows], kind, rule=how.rule)


def _forming(v: Floats, i: Floats, parts: list[Half], on: int, how: Readout) -> float:
    """Return the voltage (V) of a forming in the first half of SET, NaN where it was an ordinary SET."""
    read_voltage = how.voltage
    sets = [half for half in parts if half.polarity == on]
    before = resistance_at(v[sets[0].out], i[sets[0].out], read_voltage)
    after = [resistance_at(v[half.back], i[half.back], read_voltage) for half in parts if half.polarity != on]
    usual = np.nanmedian(after) if np.isfinite(after).any() else np.nan
    voltage = _switching(v, i, sets[0], "set", how)
    if np.isnan(voltage):  # a current that rises from below the last digit has no jump
        size = np.abs(i[sets[0].out])
        voltage = float(v[sets[0].out][np.argmax(size >= size.max() / 2)])
    is_read = np.abs(v[sets[0].out]).min() <= read_voltage
    if before > FORMED * usual or (is_read and not np.isfinite(before) and np.isfinite(usual)):
        return voltage
    others = np.abs([_switching(v, i, half, "set", how) for half in sets[1:]])
    others = others[np.isfinite(others)]
    return voltage if len(others) >= OTHERS and abs(voltage) > HIGHER * others.max() else np.nan
