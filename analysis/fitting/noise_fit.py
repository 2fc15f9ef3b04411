"""Noise layers of a card from data: telegraph noise from traces, relaxation from conductances in time.

Devices are grouped by the state that they were programmed to. Intervals come from devices drawn with
replacement, like those of the other layers.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import rankdata

from ... import checks
from ...cells.noise import RelaxationLaw, RelaxationState, RtnLaw, RtnState, on_line
from ...data import kinds
from ...typing import Floats, Index
from ..noise import rtn, trace
from ..reliability import relaxation
from ..statistics import regression
from . import measured_noise, relaxation_fit
from .observations import ObservationError

FEWEST = 8
"""Devices of a state, below which no spread is fitted."""

FEWEST_TRAPS = 5
"""Traps of a state, below which no law of their times and amplitudes is fitted."""

GROUP, RARE, SEEN = 50, 3.0, 0.3
"""Devices of about one start whose ranks are compared; standard errors that 0.13 % of mixed-up reads exceed;
the correlation that must be two more of them, so that reads of too few devices are not refused (in 2.3 %)."""

LEVEL = 0.95

WIDE = 3.0
"""Ratio of the 90 % to the 10 % quantile of conductances from which on they are no single state."""


def trap_table(data: xr.Dataset, *, maximum: int = 3) -> xr.Dataset:
    """Find the traps of many traces.

    Parameters
    ----------
    data : xarray.Dataset
        ``current`` (A) over (device, sample), ``time`` (s) over sample, uniform; optional: ``state`` over
        device, a name each.
    maximum : int
        Most traps to look for in a trace.

    Returns
    -------
    xarray.Dataset
        Over ``device``: ``state``, ``number`` of traps (0: one level; NaN: a trap that changed too rarely, or
        too fast, for its times, or whose low current is below 0), ``current`` (A, of the high state),
        ``noise`` (A); over ``trap``: ``trap_device``, ``amplitude`` (ln of high over low current), ``high``
        and ``low`` (s, mean times); scalars ``step`` and ``length`` (s).
    """
    time = _needed(data, "time", "s", ("sample",)).values
    current = _needed(data, "current", "A", ("device", "sample")).transpose("device", "sample").values
    states = _states(data, len(current))
    number, high, noise = (np.full(len(current), np.nan) for _ in range(3))
    rows: list[tuple[float, ...]] = []
    for i, row in enumerate(current):
        traps = _one_trace(trace.from_arrays(time, row), maximum)
        if isinstance(traps, float):
            number[i], high[i] = traps, float(np.abs(np.mean(row)))
            noise[i] = float(np.std(row))
            continue
        high[i] = float(np.abs(traps["current"].values).max())
        # Traps that couple have no amplitude of their own: the mean over the states of the others stands.
        relative = np.abs(traps["amplitude"].values) / high[i]
        if np.any(relative >= 1):
            continue
        number[i], noise[i] = traps.sizes["trap"], float(traps["noise"])
        rows += [
            (float(i), -float(np.log1p(-a)), float(c), float(e))
            for a, c, e in zip(relative, traps["tau_capture"], traps["tau_emission"], strict=True)
        ]
    columns = np.array(rows).reshape(-1, 4).T
    return xr.Dataset(
        {
            "state": ("device", states),
            "number": ("device", number, {"units": "1"}),
            "current": ("device", high, {"units": "A"}),
            "noise": ("device", noise, {"units": "A"}),
            "trap_device": ("trap", columns[0].astype(int)),
            "amplitude": ("trap", columns[1], {"units": "1"}),
            "high": ("trap", columns[2], {"units": "s"}),
            "low": ("trap", columns[3], {"units": "s"}),
            "step": ((), float(np.median(np.diff(time))), {"units": "s"}),
            "length": ((), float(time[-1] - time[0]), {"units": "s"}),
        }
    )


def of_members(data: xr.Dataset, kind: str) -> xr.Dataset:
    """Return traces or relaxation of the members of an ensemble, or of measurements; other data as they are.

    The constant phases count, each with its name as the state: "hrs" or "lrs".

    Parameters
    ----------
    data : xarray.Dataset
        An ensemble that kept its traces, as from ``frenkel run``, a file of ``frenkel read``, or what is
        returned.
    kind : {"rtn", "relaxation"}

    Returns
    -------
    xarray.Dataset
        "rtn": ``current`` over (device, sample) and ``time``; "relaxation": ``conductance`` over (device,
        time) after the begin of the phase, where it is ``start``. Attributes: ``material``, name of the set,
        and ``temperature`` (K).

    Raises
    ------
    ObservationError
        No traces were kept, there is no constant phase, or its members were read at different times.
    """
    if kinds.of(data) == "measured":
        return measured_noise.traces(data) if kind == "rtn" else measured_noise.relaxation(data)
    if kinds.of(data) != "ensemble":
        return data
    if "sample_count" not in data or set(data["sample_count"].dims) != {"member"}:
        raise ObservationError('noise needs the traces of one ensemble: ensemble.keep = "traces", no sweep')
    if "constant" not in data["step_kind"].values:
        raise ObservationError("noise needs constant phases, the ensemble has none")
    rows, states, times = _constant(data, "current" if kind == "rtn" else "conductance")
    if any(t.shape != times[0].shape or not np.allclose(t, times[0], rtol=1e-6) for t in times):
        raise ObservationError("the constant phases must be read at the same times in every member")
    attrs = {
        "material": str(data.attrs.get("material", "")),
        "temperature": float(np.mean(data["ambient_temperature"].values)),
    }
    state, table = ("device", states), np.array(rows)
    if kind == "rtn":
        current = (("device", "sample"), table, {"units": "A"})
        time = ("sample", times[0], {"units": "s"})
        return xr.Dataset({"current": current, "state": state}, {"time": time}, attrs)
    conductance = (("device", "time"), table[:, 1:], {"units": "S"})
    start = ("device", table[:, 0], {"units": "S"})
    return xr.Dataset(
        {"conductance": conductance, "start": start, "state": state},
        {"time": ("time", times[0][1:], {"units": "s"})},
        attrs,
    )


def _constant(data: xr.Dataset, name: str) -> tuple[list[Floats], list[str], list[Floats]]:
    """Return values, names and times of every constant phase of every member, one after another."""
    sample, phase = data["sample_count"].values, data["phases_count"].values
    first, at = np.cumsum(sample) - sample, np.cumsum(phase) - phase
    values, clock = data[name].values, data["time"].values
    of, step = data["phase"].values, data["phase_step"].values
    kinds, names = (data[key].values.astype(str) for key in ("step_kind", "step_name"))
    rows, states, times = [], [], []
    for m in np.flatnonzero(data["status"].values == 0):
        samples = slice(first[m], first[m] + sample[m])
        for i, s in enumerate(step[at[m] : at[m] + phase[m]]):
            if kinds[s] == "constant":
                place = first[m] + np.flatnonzero(of[samples] == i)
                rows.append(values[place])
                times.append(clock[place] - clock[place[0]])
                states.append(str(names[s]))
    return rows, states, times


def _one_trace(single: xr.Dataset, maximum: int) -> "xr.Dataset | float":
    """Return the traps of a trace, 0 if it has one level, NaN if its traps have no times."""
    try:
        return rtn.traps(single, maximum=maximum, intervals=False)
    except ValueError as error:
        if "two levels at least" in str(error):
            return 0.0
        if "a trap must" in str(error):
            return np.nan
        raise


def split(data: xr.Dataset, fraction: float, seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return two parts of devices, the first with ``fraction`` of those of each state.

    Parameters
    ----------
    data : xarray.Dataset
        Over ``device``; a table of traps takes its traps along.
    fraction : float
        Between 0 and 1.
    seed : int
    """
    states = _states(data, data.sizes["device"])
    random = np.random.default_rng([seed, 5])
    first = np.zeros(len(states), bool)
    for name in dict.fromkeys(states.tolist()):
        rows = random.permutation(np.flatnonzero(states == name))
        first[rows[: round(fraction * rows.size)]] = True
    return _take(data, np.flatnonzero(first)), _take(data, np.flatnonzero(~first))


def _take(data: xr.Dataset, devices: Index) -> xr.Dataset:
    chosen = data.isel(device=devices)
    if "trap_device" not in data:
        return chosen
    owner = data["trap_device"].values
    rows_kept = np.flatnonzero(np.isin(owner, devices))
    # The devices are counted again.
    return chosen.isel(trap=rows_kept).assign(
        trap_device=("trap", np.searchsorted(devices, owner[rows_kept]))
    )


def fit_rtn(
    table: xr.Dataset,
    *,
    voltage: float,
    temperature: float = 300.0,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[RtnLaw, dict[str, tuple[float, float]]]:
    """Fit the layer of random telegraph noise.

    Parameters
    ----------
    table : xarray.Dataset
        From :func:`trap_table`.
    voltage, temperature : float
        Of the traces (V), (K).
    resamples, seed : int
        Of the bootstrap over devices; 0 resamples: no intervals.

    Returns
    -------
    law : RtnLaw
    intervals : dict of str to tuple of float
        95 %, of each number of each state.

    Raises
    ------
    ObservationError
        A state has fewer than :data:`FEWEST` usable devices or :data:`FEWEST_TRAPS` traps.
    """
    if voltage == 0:
        raise ObservationError("the voltage of the traces must not be 0 V")
    names = list(dict.fromkeys(str(name) for name in table["state"].values))
    rows_by_state = {
        n: np.flatnonzero((table["state"].values == n) & np.isfinite(table["number"])) for n in names
    }
    _check_enough(rows_by_state, "telegraph noise")

    def state(name: str, devices: Index) -> RtnState:
        return _rtn_state(table, name, devices, voltage)

    states = [state(name, devices) for name, devices in rows_by_state.items()]
    states.sort(key=lambda state: state.conductance)
    window = (float(table["step"]), float(table["length"]))
    law = RtnLaw(states=tuple(states), voltage=voltage, temperature=temperature, window=window)
    return law, _intervals(state, rows_by_state, "rtn", resamples, seed)


def _check_enough(kept: Mapping[str, Index], what: str) -> None:
    """Refuse states of fewer than :data:`FEWEST` devices."""
    for name, devices in kept.items():
        if len(devices) < FEWEST:
            raise ObservationError(
                f"{what} of state {name} needs at least {FEWEST} devices, got {len(devices)}"
            )


def _rtn_state(table: xr.Dataset, name: str, devices: Index, voltage: float) -> RtnState:
    """Return the law of the devices of a state; a device may be named more than once."""
    number = table["number"].values[devices]
    current, noise = table["current"].values[devices], table["noise"].values[devices]
    owner = table["trap_device"].values
    rows = np.concatenate([np.flatnonzero(owner == d) for d in devices]) if len(owner) else np.zeros(0, int)
    quiet = RtnState(
        name=name,
        conductance=float(np.median(current)) / abs(voltage),
        traps=float(number.mean()),
        noise=float(np.median(noise / current)),
        dispersion=1.0,
        amplitude=(0.0, 0.0),
        high=(0.0, 0.0),
        low=(0.0, 0.0),
    )
    if number.sum() == 0:
        return quiet
    if len(rows) < FEWEST_TRAPS:
        raise ObservationError(
            f"the law of the traps of state {name} needs at least {FEWEST_TRAPS} traps, got {len(rows)}"
        )
    logs = [np.log(table[key].values[rows]) for key in ("amplitude", "high", "low")]
    pairs = [(float(x.mean()), float(x.std(ddof=1))) for x in logs]
    joint = float(np.corrcoef(logs[1], logs[2])[0, 1]) if min(pairs[1][1], pairs[2][1]) > 0 else 0.0
    # Fewer than Poisson by chance counts as Poisson.
    dispersion = max(1.0, float(number.var(ddof=1) / number.mean()))
    amplitude, high, low = pairs
    return replace(quiet, dispersion=dispersion, amplitude=amplitude, high=high, low=low, correlation=joint)


def fit_relaxation(
    data: xr.Dataset,
    *,
    scale: str = "log",
    temperature: float = 300.0,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[RelaxationLaw, dict[str, tuple[float, float]]]:
    """Fit the layer of relaxation.

    Parameters
    ----------
    data : xarray.Dataset
        ``conductance`` (S) over (device, time), ``time`` (s) after programming, at least 3; ``start`` (S)
        over device, the conductance just after programming; optional: ``state`` over device, a name each.
        Without states, :data:`.relaxation_fit.PER_KNOT` devices for each of two knots and starts over a
        factor of :data:`WIDE`, the law is continuous in the conductance, its states knots.
    scale : str
        "log": shifts of ln(G); "linear": of G.
    temperature : float
        Of the reads (K).
    resamples, seed : int
        Of the bootstrap over devices; 0 resamples: no intervals.

    Returns
    -------
    law : RelaxationLaw
    intervals : dict of str to tuple of float
        95 %, of location and spread of each state.

    Raises
    ------
    ObservationError
        A state has too few devices, a value is missing, or is not above 0 with the scale "log".
    """
    time = _needed(data, "time", "s", ("time",)).values
    g = _needed(data, "conductance", "S", ("device", "time")).transpose("device", "time").values
    start = _needed(data, "start", "S", ("device",)).values
    shift = _shifts(g, start, time, scale)
    states = _states(data, len(g))
    u = np.log(time / time[0])
    check_memory(shift, start, states)
    if "state" not in data and _wide(start):
        return relaxation_fit.fit(start, time, shift, scale=scale, temperature=temperature).law, {}
    rows_by_state = {str(name): np.flatnonzero(states == name) for name in dict.fromkeys(states)}
    _check_enough(rows_by_state, "relaxation")

    def state(name: str, devices: Index) -> RelaxationState:
        return _relaxation_state(shift, start, u, name, devices)

    fitted = {name: state(name, devices) for name, devices in rows_by_state.items()}
    inner = np.concatenate([_standard(shift[rows], u, fitted[name]) for name, rows in rows_by_state.items()])
    scores, quantiles = relaxation_fit.shape(inner)
    law = RelaxationLaw(
        states=tuple(sorted(fitted.values(), key=lambda state: state.conductance)),
        scale=scale,
        reference=float(time[0]),
        times=(float(time[0]), float(time[-1])),
        forgetting=relaxation_fit.forgetting(inner, u),
        scores=scores,
        quantiles=quantiles,
        temperature=temperature,
    )
    return law, _intervals(state, rows_by_state, "relaxation", resamples, seed)


def check_memory(shift: Floats, start: Floats, states: NDArray[np.str_]) -> None:
    """Refuse reads whose shifts do not go with those of the same devices at the time before.

    The mean over pairs of times of the correlations of ranks, at equal starts (partial correlations), in
    groups of equal state or of :data:`GROUP` devices of nearest start, must exceed :data:`RARE` standard
    errors of reads that were mixed up.
    """
    order = np.lexsort((start, states))
    parts = np.split(order, np.flatnonzero(states[order][1:] != states[order][:-1]) + 1)
    groups = [group for part in parts for group in np.array_split(part, max(1, len(part) // GROUP))]
    total = weight = variance = 0.0
    for group in groups:
        if len(group) < FEWEST:
            continue
        # Reads of other devices leave the start in the shift, and by it a correlation.
        middle = 0.5 * (len(group) + 1)
        ranks, known = (rankdata(one[group], axis=0) - middle for one in (shift, start))
        ranks -= np.outer(known, known @ ranks / max(known @ known, 1.0))
        size = np.sqrt((ranks**2).sum(axis=0))
        both = size[1:] * size[:-1]
        products = (ranks[:, 1:] * ranks[:, :-1]).sum(axis=0)
        total += len(group) * float((products[both > 0] / both[both > 0]).sum())
        weight += len(group) * np.count_nonzero(both)
        variance += len(group) ** 2 / (len(group) - 2) * np.count_nonzero(both)
    error = float(np.sqrt(variance))
    if total <= RARE * error and SEEN * weight >= (RARE + 2.0) * error > 0.0:
        raise ObservationError(
            f"the shifts of the {len(start)} devices have no correlation from one time to the next "
            f"({total / weight:.2f}, standard error {error / weight:.2f}): reads may belong to other devices"
        )


def _wide(start: Floats) -> bool:
    """Return whether devices are enough, and different enough, for a law continuous in the conductance."""
    low, high = np.quantile(start, (0.1, 0.9))
    return len(start) >= 2 * relaxation_fit.PER_KNOT and bool(high > WIDE * low)


def _shifts(g: Floats, start: Floats, time: Floats, scale: str) -> Floats:
    if len(time) < 3 or not time.min() > 0 or np.any(np.diff(time) <= 0):
        raise ObservationError("relaxation needs at least 3 ascending times above 0 s")
    missing = int(np.count_nonzero(~np.isfinite(g)) + np.count_nonzero(~np.isfinite(start)))
    if missing:
        raise ObservationError(f"conductance and start must be finite, S: {missing} values are missing")
    if scale == "linear":
        return g - start[:, None]
    if g.min() <= 0 or start.min() <= 0:
        raise ObservationError(
            f'conductance must be above 0 S for the scale "log", got {min(g.min(), start.min()):g} S'
        )
    shifts: Floats = np.log(g / start[:, None])
    return shifts


def _relaxation_state(shift: Floats, start: Floats, u: Floats, name: str, devices: Index) -> RelaxationState:
    location, spread = relaxation.lines(u, shift[devices])
    return RelaxationState(
        name=name,
        conductance=float(np.median(start[devices])),
        location=(location.intercept, location.slope),
        spread=(spread.intercept, spread.slope),
    )


def _standard(rows: Floats, u: Floats, state: RelaxationState) -> Floats:
    width = on_line(state.spread, u)
    if np.any(width <= 0):
        raise ObservationError(f"the spread of state {state.name} is not above 0 at every time")
    standardised: Floats = (rows - on_line(state.location, u)) / width
    return standardised


def _numbers(state: RtnState | RelaxationState, name: str) -> dict[str, float]:
    """Return the numbers of a state by name."""
    numbers: dict[str, float] = {}
    for key in state.__dataclass_fields__:
        value = getattr(state, key)
        if isinstance(value, tuple):
            numbers[f"{name} {key} 1"], numbers[f"{name} {key} 2"] = value
        elif key != "name":
            numbers[f"{name} {key}"] = float(value)
    return numbers


def _intervals(
    state: Callable[[str, Index], RtnState | RelaxationState],
    kept: Mapping[str, Index],
    kind: str,
    resamples: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of the numbers of each state over devices drawn with replacement."""
    intervals: dict[str, tuple[float, float]] = {}
    for name, devices in kept.items() if resamples else ():
        intervals |= _bootstrap(partial(state, name), devices, f"{kind} {name}", resamples, seed)
    return intervals


def _bootstrap(
    state: Callable[[Index], RtnState | RelaxationState],
    devices: Index,
    name: str,
    resamples: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    random = np.random.default_rng([seed, 4])
    value, rows = _numbers(state(devices), name), []
    for _ in range(resamples):
        try:
            rows.append(_numbers(state(random.choice(devices, len(devices))), name))
        except ObservationError:
            continue  # too few traps for a law among those drawn
    if len(rows) < resamples / 2:
        raise ObservationError("too few traps for intervals: half of the drawn sets of devices have no law")
    draws = np.array([[row[name] for name in value] for row in rows])
    bounds = regression.bootstrap_interval(np.array(list(value.values())), draws, len(devices))
    return {name: (float(low), float(high)) for name, (low, high) in zip(value, bounds, strict=True)}


def _states(data: xr.Dataset, devices: int) -> NDArray[np.str_]:
    if "state" not in data:
        return np.full(devices, "all")
    states: NDArray[np.str_] = data["state"].values.astype(str)
    if states.shape != (devices,):
        raise ObservationError("state must be over device, a name each")
    for name in dict.fromkeys(states.tolist()):
        checks.line("the name of a state", name, longest=40, error=ObservationError)
    return states


def _needed(data: xr.Dataset, name: str, unit: str, dims: tuple[str, ...]) -> xr.DataArray:
    if name not in data.variables or set(data[name].dims) != set(dims):
        raise ObservationError(f"the data need {name} over {' and '.join(dims)}")
    actual = data[name].attrs.get("units", "")
    if actual != unit:
        raise ObservationError(f"{name} must have the units {unit}, got {actual or 'none'}")
    return data[name]
