"""Conductances over time, pulses and cycles, out of results, ensembles, sweeps and tables of measurements."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import provenance
from ..analysis.measured import files
from ..analysis.measured.dataset import READOUT
from ..analysis.measured.loops import Readout
from ..analysis.noise import trace
from ..analysis.reliability import pulses, relaxation
from ..analysis.results import metrics
from ..analysis.statistics.censoring import Sample
from ..configuration import device as config
from ..configuration.phases import Pulse
from ..data import kinds, store
from ..data.layout import TERMINAL
from ..data.measured import series
from ..data.measured.schema import LAYOUT, rules_of, with_rules, with_terminals
from ..mpi_runs import shards
from ..typing import Floats
from . import ensemble_file

if TYPE_CHECKING:
    import xarray as xr

NUMBERS = ("hrs", "lrs", "set_voltage", "reset_voltage")
"""Numbers of cycles that an ensemble and a file of measurements share."""

TERMINALS = ("hrs" + TERMINAL, "lrs" + TERMINAL)
"""Resistances with all that is in series."""

Group = dict[str, list[tuple[Floats, Floats]]]
"""Of each point of a sweep, or of "" alone: one pair of arrays for each device."""


def devices(path: Path) -> Iterator[tuple[str, dict[str, Any], "xr.Dataset"]]:
    """Yield label and values of its point of a sweep, and every finished device in a file."""
    if kinds.kind_of(path) != "ensemble":
        yield "", {}, store.load(path)
        return
    data = ensemble_file.open_ensemble(path).load()
    dims = [str(dim) for dim in data["status"].dims]
    for place in np.ndindex(*data["status"].shape):
        if int(data["status"].values[place]) != shards.OK:
            continue
        where = {dim: data[dim].values[i] for dim, i in zip(dims, place, strict=True)}
        number, point = int(where.pop("member")), where
        label = ", ".join(f"{value:g} {data[dim].attrs['units']}" if isinstance(value, float) else str(value)
                          for dim, value in point.items())  # fmt: skip
        yield label, point, ensemble_file.member(data, number, **point)


def resting(path: Path, phase: str | None = None) -> Group:
    """Return times (s) from the start of a phase and conductances (S) of every device.

    Parameters
    ----------
    path : Path
        Result, ensemble or sweep (.nc), or table (.csv) with ``time`` and a column with a unit of S for each
        device.
    phase : str, optional
        Name of the phase; by default the last one at constant voltage.
    """
    if (table := _table(path, "time (s)", unit="S")) is not None:
        return _columns(table, path, "time")
    if (table := files.load_or_read(path)) is not None:
        return series.resting(table, path.name)
    curves: Group = {}
    for label, _, result in devices(path):
        rows = np.flatnonzero(result["phase"].values == _constant_phase(result, phase))
        time = result["time"].values[rows]
        curves.setdefault(label, []).append((time - time[0], result["conductance"].values[rows]))
    return _some(curves, path)


def lifetimes(path: Path, share: float, phase: str | None = None) -> dict[float, tuple[Floats, Floats]]:
    """Return times to failure (s) and who has failed, of each bake temperature (K).

    Parameters
    ----------
    path : Path
        Result, ensemble or sweep (.nc), or table (.csv) with ``temperature``, ``time`` and ``failed``
        (0 or 1), one device a line.
    share : float
        A device fails when its conductance has reached this fraction of that at the start of the phase; above
        1 it fails by rising. No part in a table.
    phase : str, optional
        As for :func:`resting`. In a file whose bakes were read at the temperature of the device, all of these
        by default, or those whose names begin with it; a device fails in the middle, on the scale of the
        logarithm, between the read that finds it and the one before.
    """
    rows: dict[float, list[tuple[float, float]]] = {}
    if (table := _table(path, "temperature (K)", "time (s)", "failed (1)")) is not None:
        columns = [table[name].values for name in ("temperature", "time", "failed")]
        for kelvin, time, failed in zip(*columns, strict=True):
            if failed not in (0.0, 1.0):
                raise ValueError(f"failed of {path} must be 0 or 1, got {failed:g}")
            rows.setdefault(float(kelvin), []).append((float(time), float(failed)))
    else:
        if not (share > 0 and share != 1):
            raise ValueError(f"--failed-at must be above 0 and not 1, got {share:g}")
        for _, _, result in devices(path):
            for kelvin, time, g in _read_bakes(result, phase) or [_bake(result, phase)]:
                failed_reads = np.flatnonzero(g <= share * g[0] if share < 1 else g >= share * g[0])
                when = time[failed_reads[0]] if len(failed_reads) else time[-1]
                rows.setdefault(kelvin, []).append((float(when), bool(len(failed_reads))))
    if not rows:
        raise ValueError(f"{path} holds no finished device")
    table_of = {kelvin: np.array(pairs, float).T for kelvin, pairs in sorted(rows.items())}
    return {kelvin: (pair[0], pair[1]) for kelvin, pair in table_of.items()}


def intervals(paths: Sequence[Path], share: float) -> tuple[Floats, Floats, Floats] | None:
    """Return temperatures (K) and bounds of times to failure (s) of measured bakes; None: they are none.

    Parameters
    ----------
    paths : sequence of Path
    share : float
        As for :func:`lifetimes`.

    Raises
    ------
    ValueError
        Some of the files are of ``frenkel read`` and others are not.
    """
    headers = ("temperature (K)", "time (s)", "failed (1)")
    tables = [files.load_or_read(path) if _table(path, *headers) is None else None for path in paths]
    if all(table is None for table in tables):
        return None
    bounds = []
    for table, path in zip(tables, paths, strict=True):
        if table is None:
            raise ValueError("bakes of frenkel read, with times between reads, must not be mixed with others")
        bounds.append(series.intervals(table, path.name, share))
    kelvin, low, high = (np.concatenate(column) for column in zip(*bounds, strict=True))
    return kelvin, low, high


def disturbed(path: Path) -> Group:
    """Return the number of pulses so far, from 0, and the conductance (S) after them, of every device.

    Parameters
    ----------
    path : Path
        Result, ensemble or sweep (.nc) whose pulses stress the device, read after each phase; or table
        (.csv) with ``reads`` (1) and a column with a unit of S for each device.
    """
    if (table := _table(path, "reads (1)", alone=True)) is not None:
        return _columns(table, path, "reads")
    curves: Group = {}
    for label, _, result in devices(path):
        kinds = np.asarray(result["phase_kind"].values, str)
        pulses = np.flatnonzero(kinds == "pulse")
        if not len(pulses):
            raise ValueError(f"{path} has no phase of kind pulse, but {', '.join(dict.fromkeys(kinds))}")
        counts = [phase.count for _, _, phase in _steps(result) if isinstance(phase, Pulse)]
        g = result["read_current"].values / float(result["read_voltage"])
        number = np.cumsum(counts, dtype=float)
        if pulses[0] > 0:  # the read before the first pulse
            number, pulses = np.append(0.0, number), np.append(pulses[0] - 1, pulses)
        curves.setdefault(label, []).append((number, g[pulses]))
    return _some(curves, path)


def windows(path: Path) -> tuple[Floats, Floats, Floats]:
    """Return cycles (n,), and resistances (ohm) after RESET and after SET of every device, (devices, n).

    Parameters
    ----------
    path : Path
        Result or ensemble (.nc) with cycles, or table (.csv) with ``cycle`` (1), ``hrs`` and ``lrs`` (ohm).
    """
    if (table := _table(path, "cycle (1)", "hrs (ohm)", "lrs (ohm)")) is not None:
        return table["cycle"].values, table["hrs"].values[None], table["lrs"].values[None]
    if (table := files.load_or_read(path)) is not None:
        return series.windows(table, path.name)
    if kinds.kind_of(path) == "ensemble":
        ensemble = ensemble_file.open_ensemble(path).load()
        if ensemble["status"].ndim > 1:
            raise ValueError(f"{path} is a sweep; its points are not one population: use an ensemble")
        is_finished = ensemble["status"].values == shards.OK
        cycle, hrs, lrs = (
            ensemble["cycle"].values,
            ensemble["hrs"].values[is_finished],
            ensemble["lrs"].values[is_finished],
        )
    else:
        summary = metrics.cycle_summary(store.load(path))
        cycle, hrs, lrs = summary["cycle"].values, summary["hrs"].values[None], summary["lrs"].values[None]
    if not hrs.size:
        raise ValueError(f"{path} holds no cycle with a RESET and a SET")
    return cycle.astype(float), hrs, lrs


def trains(path: Path) -> list[tuple[int, Floats]]:
    """Return trains of equal pulses: their sign, and the conductance (S) before the first and after each.

    Parameters
    ----------
    path : Path
        Result or ensemble (.nc), or table (.csv) with ``voltage`` of each pulse and ``conductance`` after it,
        in order; the first line is the state before, its voltage 0.
    """
    if (table := _table(path, "voltage (V)", "conductance (S)")) is not None:
        sign, g = np.sign(table["voltage"].values), table["conductance"].values
        ends = [*(np.flatnonzero(np.diff(sign)) + 1).tolist(), len(sign)]
        pieces = list(zip([0, *ends[:-1]], ends, strict=True))
        curves = [(int(sign[a]), g[max(a - 1, 0) : b]) for a, b in pieces if sign[a] != 0 and b - a >= 3]
    elif (table := files.load_or_read(path)) is not None:
        curves = series.trains(table, path.name)
    else:
        curves = [train for _, _, result in devices(path) for train in pulses.trains(result)]
    if not curves:
        raise ValueError(f"{path} holds no train of equal pulses, each read")
    return curves


def joined(devices: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return times that all devices share, without 0, and their conductances (devices, times)."""
    time = devices[0][0]
    for other, _ in devices:
        if len(other) != len(time) or not np.allclose(other, time, rtol=1e-6, atol=0.0):
            raise ValueError(
                "the devices must be read at the same times; a bake that ends where a device is lost is for "
                "plot retention"
            )
    after = time > 0
    return time[after], np.array([g[after] for _, g in devices])


def levels(path: Path, phase: str | None, number: int) -> dict[str, "xr.DataArray"]:
    """Return conductances at rest by groups of equal size, by the conductance at the start.

    Parameters
    ----------
    path, phase
        As for :func:`resting`.
    number : int
        Groups of each point, at most as many as devices.

    Returns
    -------
    dict
        Of each group, named by its point and median, what :func:`.relaxation.conductances` returns.
    """
    groups = {}
    for label, rows in resting(path, phase).items():
        time, g = joined(rows)
        if not 1 <= number <= len(g):
            raise ValueError(f"--levels must be from 1 to the {len(g)} devices, got {number}")
        for part in np.array_split(np.argsort(g[:, 0]), number):
            name = f"{label} {np.median(g[part, 0]) * 1e6:.3g} µS".strip()
            groups[name] = relaxation.conductances(time, g[part])
    return groups


def bakes(
    paths: Sequence[Path], share: float, phase: str | None = None
) -> dict[float, tuple[Floats, Floats]]:
    """Return the lifetimes of several files together; see :func:`lifetimes`."""
    by_heat: dict[float, tuple[Floats, Floats]] = {}
    for path in paths:
        for kelvin, (times, failed) in lifetimes(path, share, phase).items():
            before = by_heat.get(kelvin, (np.empty(0), np.empty(0)))
            by_heat[kelvin] = (np.append(before[0], times), np.append(before[1], failed))
    return by_heat


def stacked(groups: Group, path: Path) -> dict[str, tuple[Floats, Floats]]:
    """Return the numbers of reads of each group, and its conductances (devices, reads)."""
    for rows in groups.values():
        if len({len(g) for _, g in rows}) > 1:
            raise ValueError(f"the devices of {path} must have been read equally often")
    return {label: (rows[0][0], np.array([g for _, g in rows])) for label, rows in groups.items()}


def voltages(labels: Iterable[str]) -> list[float] | None:
    """Return the voltages (V) that a sweep over them has named its points with; None: it is no such sweep."""
    parts = [label.split() for label in labels]
    volts = [float(part[0]) for part in parts if len(part) == 2 and part[1] == "V"]
    return volts if len(volts) == len(parts) > 1 else None


def trace_of(path: Path, phase: str, number: int = 1) -> "xr.Dataset":
    """Return the trace in a file: of a result a phase, of measurements the one of this number, from 1.

    Parameters
    ----------
    path : Path
        Result (.nc), file of measurements (.nc), or a table with time and current.
    phase : str
        Of a result.
    number : int
        Of several measured traces.

    Raises
    ------
    ValueError
        There is no such trace.
    """
    text = store.form_of(path) != "netcdf"
    table = files.read([path], kind="trace") if text else files.load_or_read(path)
    if table is None:
        return trace.from_result(store.load(path), phase)
    traces = series.traces(table, path.name)
    if not 1 <= number <= len(traces):
        raise ValueError(f"--trace must be from 1 to {len(traces)}, the traces of {path.name}, got {number}")
    return trace.from_arrays(*traces[number - 1][1:])


def sample(path: Path, name: str, censored: bool = False) -> tuple[Sample, str]:
    """Return one number of every device by its size, without sign, and its unit.

    Parameters
    ----------
    path : Path
        Ensemble (.nc), of whose cycles the first counts, or table (.csv) with a column for each number.
    name : str
        Of the variable or column.
    censored : bool
        Devices without a value lie above the largest one; otherwise they are left out.

    Returns
    -------
    Sample
        Members of a population that failed while being formed lie above the voltage that they had reached.
    str
        Unit.
    """
    reached = np.zeros(0)
    if (table := _csv(path)) is not None:
        if name not in table.variables:
            column_names = ", ".join(str(column) for column in table.variables)
            raise ValueError(f"{path.name} has no column {name}; it has {column_names}")
        values, unit = table[name].values, str(table[name].attrs["units"])
    elif (data := files.load_or_read(path)) is not None:
        have = [str(key) for key, column in data.data_vars.items() if column.dims[:1] == ("device",)]
        if name not in have:
            raise ValueError(f"{path.name} has no number {name} of its devices; it has {', '.join(have)}")
        values, unit = (
            data[name].values.reshape(data.sizes["device"], -1)[:, 0],
            str(data[name].attrs["units"]),
        )
    else:
        # Failed members are none among those that reached no value.
        values = np.array([value for value in ensemble_file.values(path, name) if value is not None])
        with ensemble_file.open_ensemble(path) as ensemble:
            unit = str(ensemble[name].attrs["units"])
            reached = _reached(ensemble) if name == "forming_voltage" else reached
    finite = values[np.isfinite(values)]
    if not (len(finite) and np.all(finite * finite[0] > 0)):
        raise ValueError(f"{name} of {path.name} must have values of one sign, to be drawn by their size")
    sizes = np.abs(finite)
    censored_count = len(values) - len(finite) if censored else 0
    sizes_of_all = np.concatenate([sizes, np.full(censored_count, sizes.max()), reached])
    return Sample.of(sizes_of_all, right=np.arange(len(sizes_of_all)) >= len(sizes)), unit


def _reached(ensemble: "xr.Dataset") -> Floats:
    """Return the voltages (V) that members of a population had reached that failed before they had formed."""
    if "failure_voltage" not in ensemble:
        return np.zeros(0)
    forming = {
        name
        for name, kind in zip(
            ensemble["step_name"].values.ravel(), ensemble["step_kind"].values.ravel(), strict=True
        )
        if kind == "form"
    }
    phases = [str(name).partition(" (attempt")[0] for name in ensemble["failure_phase"].values.ravel()]
    while_formed = [name in forming for name in phases]
    voltages: Floats = np.abs(ensemble["failure_voltage"].values.ravel()[while_formed])
    return voltages[voltages > 0.0]


def of_file(path: Path, how: Readout = READOUT) -> "xr.Dataset":
    """Return what is in a file in the layout of measurements, whether it was measured or simulated.

    Parameters
    ----------
    path : Path
        A file of ``frenkel read``, an ensemble or a result of ``frenkel run`` (.nc), or a table.
    how : Readout
        How numbers are read off the loops of a table.

    Raises
    ------
    ValueError
        It is none of these, or holds nothing that could be compared.
    """
    if store.form_of(path) != "netcdf":
        return files.read([path], how=how)
    kind = kinds.kind_of(path)
    if kind == "measured":
        return with_terminals(files.load(path))
    return _of_ensemble(path) if kind == "ensemble" else _simulated(path)


def _of_ensemble(path: Path) -> "xr.Dataset":
    """Return numbers of cycles, and loops where traces were kept, of an ensemble."""
    ensemble = ensemble_file.open_ensemble(path).load()
    if ensemble["status"].ndim > 1:
        raise ValueError(f"{path.name} is a sweep; its points are not one population: use an ensemble")
    finished_members = np.flatnonzero(ensemble["status"].values == shards.OK)
    if not len(finished_members):
        raise ValueError(f"{path.name} holds no finished device")
    names = [str(number) for number in ensemble["member"].values[finished_members]]
    columns: dict[str, Any] = {"device": names}
    if ensemble.sizes.get("cycle", 0):
        columns["cycle"] = ensemble["cycle"].values
        columns |= {
            name: ensemble[name].values[finished_members]
            for name in (*NUMBERS, *TERMINALS)
            if name in ensemble
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = columns["hrs"] / columns["lrs"]
        columns["on_off"] = np.where(np.isfinite(ratio), ratio, np.nan)
    if "forming_voltage" in ensemble:
        columns["forming_voltage"] = ensemble["forming_voltage"].values[finished_members]
    series = np.broadcast_to(ensemble["series_resistance"].values, ensemble["status"].shape)
    columns |= _with_series(columns, series[finished_members])
    if "sample_count" in ensemble:
        columns |= _curves(
            [
                ensemble_file.member(ensemble, int(number))
                for number in ensemble["member"].values[finished_members]
            ]
        )
    return _checked(columns, ensemble.attrs, rules_of(ensemble))


def _simulated(path: Path) -> "xr.Dataset":
    """Return cycles and loops of the result of one device."""
    ((_, _, result),) = devices(path)
    numbers = metrics.cycle_summary(result)
    columns: dict[str, Any] = {"device": ["0"]}
    if numbers.sizes["cycle"]:
        columns["cycle"] = numbers["cycle"].values
        columns |= {name: numbers[name].values[None] for name in (*NUMBERS, *TERMINALS, "on_off")}
        columns |= _with_series(columns, result["series_resistance"].values[None])
    columns |= _curves([result])
    return _checked(columns, result.attrs, rules_of(numbers))


def _with_series(found: dict[str, Any], series: Floats) -> dict[str, Any]:
    """Return what is in series with devices (ohm), and resistances at the terminals where no sweep has them.

    Without a way back to the read voltage, and in ensembles that kept none, they are the device's and what is
    in series.
    """
    resistances = np.unique(series)
    attributes = {"series_resistance": float(resistances[0]) if len(resistances) == 1 else np.nan}
    for name in TERMINALS:
        device = found.get(name.removesuffix(TERMINAL))
        if device is not None and not np.isfinite(found.get(name, np.nan)).any():
            attributes[name] = device + series[:, None]
    return attributes


def _checked(found: dict[str, Any], attrs: dict[str, Any], rules: dict[str, str]) -> "xr.Dataset":
    for name in (*NUMBERS, *TERMINALS, "on_off"):
        if name in found:  # without current a resistance is infinite: no number
            found[name] = np.where(np.isfinite(found[name]), found[name], np.nan)
    variables: dict[str, Any] = {
        key: attrs[key] for key in ("title", "source", "material", "provenance") if key in attrs
    }
    return with_rules(LAYOUT.dataset(found, variables), rules)


def _curves(results: Sequence["xr.Dataset"]) -> dict[str, Any]:
    """Return the loops of every cycle of results, {} where they have none."""
    keys = ("device", "cycle", "size", "voltage", "current", "time")
    rows: dict[str, list[Any]] = {key: [] for key in keys}
    for place, result in enumerate(results):
        cycle = result["phase_cycle"].values[result["phase"].values]
        for number in np.unique(cycle[cycle > 0]):
            cycle_rows = np.flatnonzero(cycle == number)
            clock = result["time"].values[cycle_rows]
            rows["device"].append(place)
            rows["cycle"].append(int(number))
            rows["size"].append(len(cycle_rows))
            rows["voltage"].append(result["source_voltage"].values[cycle_rows])
            rows["current"].append(result["current"].values[cycle_rows])
            rows["time"].append(clock - clock[0])
    if not rows["size"]:
        return {}
    joined = ("voltage", "current", "time")
    return {f"loop_{key}": np.concatenate(value) if key in joined else value for key, value in rows.items()}


def _constant_phase(result: "xr.Dataset", phase: str | None) -> int:
    names = [str(name) for name in result["phase_name"].values]
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    if phase is not None:
        if phase not in names:
            raise ValueError(f"--phase must be one of {listed}, got {phase!r}")
        return names.index(phase)
    held = np.flatnonzero(np.asarray(result["phase_kind"].values, str) == "constant")
    if not len(held):
        raise ValueError(f"no constant-voltage phase; choose one with --phase: {listed}")
    return int(held[-1])


def _bake(result: "xr.Dataset", phase: str | None) -> tuple[float, Floats, Floats]:
    """Return temperature (K), times (s) from its start and conductances (S) of the samples of a phase."""
    rows = np.flatnonzero(result["phase"].values == _constant_phase(result, phase))
    kelvin = result["sample_temperature"].values[rows[-1]] if "sample_temperature" in result else None
    time, ambient = result["time"].values[rows], result["ambient_temperature"]
    return float(ambient if kelvin is None else kelvin), time - time[0], result["conductance"].values[rows]


def _read_bakes(result: "xr.Dataset", phase: str | None) -> list[tuple[float, Floats, Floats]]:
    """Return temperature (K), times (s) and conductances (S) of each bake that was read at another one.

    It is phases one after the other at one constant voltage and temperature, with the read before the first.
    The time of a read is the middle between it and the one before, on the scale of the logarithm.
    """
    if "sample_temperature" not in result:
        return []
    names, number = result["phase_name"].values.tolist(), result["phase"].values
    last = np.searchsorted(number, np.arange(len(names)), side="right") - 1
    first = np.searchsorted(number, np.arange(len(names)))
    kelvin, time = result["sample_temperature"].values[last], result["time"].values
    span = time[last] - time[first]
    baked = (result["phase_kind"].values == "constant") & (kelvin != result["read_temperature"].values)
    if phase is not None:
        baked &= [name == phase or name.startswith(f"{phase} ") for name in names]
    g = result["read_current"].values / float(result["read_voltage"])
    found = []
    for key, group in groupby(range(len(names)), lambda k: (bool(baked[k]), kelvin[k])):
        at = list(group)
        if key[0] and len(at) > 1 and at[0] > 0:
            end = np.cumsum(span[at])
            middle = np.sqrt(end * np.concatenate([[end[0] ** 2 / end[1]], end[:-1]]))
            # The last read comes twice: who has not failed there has lived to its end.
            time, order = np.concatenate([[0.0], middle, end[-1:]]), [at[0] - 1, *at, at[-1]]
            found.append((float(key[1]), time, g[order]))
    return found


def _steps(result: "xr.Dataset") -> Iterator[tuple[str, int, Any]]:
    record = provenance.read(result.attrs.get("provenance"))
    return config.parse(record["configuration"]).phases()


def _csv(path: Path) -> "xr.Dataset | None":
    """Return the columns of a .csv with units of ours; None where it is none and is read as other tables."""
    if path.suffix.lower() != ".csv":
        return None
    try:
        return trace.read_csv(path)
    except ValueError:
        if files.is_guessed(path):
            return None
        raise


def _table(path: Path, *columns: str, unit: str = "", alone: bool = False) -> "xr.Dataset | None":
    """Return the table in a .csv with these columns, or one of a unit; None: it is read as others are."""
    table = _csv(path)
    if table is None:
        return None
    have = {name: column.attrs["units"] for name, column in table.variables.items()}
    missing = [column for column in columns if column.split()[0] not in have]
    if (missing or (unit and unit not in have.values())) and not alone and files.is_guessed(path):
        return None
    if missing:
        raise ValueError(f"{path.name} must have the columns {', '.join(columns)}; {missing[0]} is missing")
    for name in (column.split()[0] for column in columns):
        values = table[name].values
        if not np.all(np.isfinite(values)):
            line = int(np.argmin(np.isfinite(values))) + 1
            raise ValueError(f"{name} of {path.name} must be finite: line {line} of the numbers is missing")
        if name in ("time", "reads") and values.min() < 0:
            raise ValueError(f"{name} of {path.name} must be at least 0, got {values.min():g}")
    return table


def _columns(table: "xr.Dataset", path: Path, against: str) -> Group:
    """Return each column of conductances of a table against one of the others."""
    names = [str(name) for name in table.data_vars if table[name].attrs["units"] == "S"]
    if not names:
        raise ValueError(f"{path.name} must have a column in S for each device, such as 'g1 (uS)'")
    return {"": [(table[against].values, table[name].values) for name in names]}


def _some(found: Group, path: Path) -> Group:
    if not any(found.values()):
        raise ValueError(f"{path} holds no finished device")
    return found
