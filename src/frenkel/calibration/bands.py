"""Targets of a search: quantities of devices, each with the band in which it should lie."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import toml
from ..configuration.base import ConfigurationError
from ..kinetic.circuit import Circuit
from ..kinetic.materials.material import Material
from ..kinetic.waveform import Waveform
from ..quantity import to_si
from ..typing import Floats
from .cell import FAILED, HALF, Cell, Setting, Watch, filament

HOT = 1500.0
"""Temperature (K) above which an arrangement counts as hot."""

LONGEST = 1e4
"""Longest wait for SET at a constant voltage (s)."""

FAILURE = 4.0
"""Distance, in scales of its target, of a quantity that no device has."""

Record = Mapping[str, Any]
"""Readings of one device: numbers, lists with one entry for each cycle, ``waits`` with one for each voltage."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured of each device.

    Parameters
    ----------
    setting : Setting
    cycles : int
        RESETs and SETs.
    waits : tuple of float
        Voltages (V) at which the state of the first RESET waits for SET, without a series resistance.
    budget : float
        CPU time (s) of the device.
    """

    setting: Setting
    cycles: int
    waits: tuple[float, ...]
    budget: float


def measure(material: Material, seed: int, member: int, plan: Plan) -> dict[str, Any]:
    """Return the readings of one device; a reading that a failed device lacks is missing or shorter.

    Parameters
    ----------
    material : Material
    seed, member : int
        They fix every random draw of the device.
    plan : Plan
    """
    names = ("hrs", "lrs", "bend", "set_voltage", "reset_voltage", "largest_step")
    found: dict[str, Any] = {name: [] for name in names} | {"lasting": [], "waits": [], "asked": plan.cycles}
    cell = Cell(material, seed, plan.setting, plan.budget, member=member)
    high = None
    try:
        if plan.setting.form_limit is not None:
            found["forming_voltage"] = cell.form().switched
        for _ in range(plan.cycles):
            down = cell.reset()
            hrs, half = cell.read(), cell.read(HALF)
            high = high or cell.keep()
            up = cell.set()
            values = (hrs, cell.read(), hrs / half, up.switched, down.peak_voltage, up.share)
            for name, value in zip(names, values, strict=True):
                found[name].append(value)
            found["lasting"] += down.lasting + up.lasting
        found["radius"] = filament(cell.device).radius
        for k, voltage in enumerate(plan.waits):
            assert high is not None
            cell.again(high, k)
            cell.device.circuit = Circuit(series_resistance=0.0, compliance=plan.setting.limit)
            seen = Watch(plan.setting.limit, high=cell.read(), end=True)
            cell.apply(Waveform.constant(voltage, LONGEST), seen)
            found["waits"].append(seen.after)
    except FAILED as error:
        found["failed"] = str(error)
    return found


# ------------------------------------------------------------------ quantities


class Asked(NamedTuple):
    """A quantity of a set of devices.

    Attributes
    ----------
    unit : str
        "1" for a pure number.
    logarithmic : bool
        Whether distances from a band are decades.
    value : callable
        Of the records and the plan; NaN where no device has it.
    meaning : str
    """

    unit: str
    logarithmic: bool
    value: Callable[[Sequence[Record], Plan], float]
    meaning: str


def _all(records: Sequence[Record], name: str) -> Floats:
    """Return the finite readings of all devices and cycles."""
    values = np.concatenate([np.ravel(record.get(name, ())) for record in records]).astype(float)
    finite: Floats = values[np.isfinite(values)]
    return finite


def _median(name: str) -> Callable[[Sequence[Record], Plan], float]:
    def value(records: Sequence[Record], plan: Plan) -> float:
        values = _all(records, name)
        return float(np.median(values)) if len(values) else math.nan

    return value


def _spread(name: str) -> Callable[[Sequence[Record], Plan], float]:
    """Root mean square over devices of the standard deviation of log10 from cycle to cycle."""

    def value(records: Sequence[Record], plan: Plan) -> float:
        each = [np.var(np.log10(r[name]), ddof=1) for r in records if len(r[name]) > 1]
        return float(np.sqrt(np.mean(each))) if each else math.nan

    return value


def _product(records: Sequence[Record], plan: Plan, part: float) -> float:
    values = _all(records, "lrs") * plan.setting.limit
    return float(np.quantile(values, part)) if len(values) else math.nan


def _window(records: Sequence[Record], plan: Plan) -> float:
    ratios = [np.array(r["hrs"]) / np.array(r["lrs"]) for r in records]
    good = sum(
        np.count_nonzero((a >= 10) & np.isfinite(r["set_voltage"]))
        for a, r in zip(ratios, records, strict=True)
    )
    return float(good / sum(r["asked"] for r in records))


def _hot(records: Sequence[Record], plan: Plan) -> float:
    lasting = _all(records, "lasting")
    return float(np.mean(lasting > HOT)) if len(lasting) else math.nan


def _decades(records: Sequence[Record], plan: Plan) -> tuple[Floats, Floats]:
    """Return the voltages at which most devices SET, and the median of log10 of their times (s)."""
    volts, medians = [], []
    for k, voltage in enumerate(plan.waits):
        # A wait that did not end is longer than all others.
        times = [
            r["waits"][k] if math.isfinite(r["waits"][k]) else math.inf
            for r in records
            if len(r["waits"]) > k
        ]
        middle = float(np.median(times)) if times else math.inf
        if 0.0 < middle < math.inf:
            volts.append(voltage)
            medians.append(math.log10(middle))
    return np.array(volts), np.array(medians)


def _slope(records: Sequence[Record], plan: Plan) -> float:
    volts, decades = _decades(records, plan)
    return float(-np.polyfit(volts, decades, 1)[0]) if len(volts) > 2 else math.nan


def _steepest(records: Sequence[Record], plan: Plan) -> float:
    volts, decades = _decades(records, plan)
    return float((-np.diff(decades) / np.diff(volts)).max()) if len(volts) > 2 else math.nan


QUANTITIES: dict[str, Asked] = {
    "forming_voltage": Asked("V", False, _median("forming_voltage"), "median"),
    "hrs": Asked("ohm", True, _median("hrs"), "median, at 0.1 V"),
    "lrs": Asked("ohm", True, _median("lrs"), "median, at 0.1 V"),
    "set_voltage": Asked("V", False, _median("set_voltage"), "median"),
    "reset_voltage": Asked(
        "V", False, _median("reset_voltage"), "median of the source voltage of the peak current"
    ),
    "limit_voltage": Asked(
        "V", False, lambda r, p: _product(r, p, 0.5), "median LRS times the current limit"
    ),
    "limit_voltage_low": Asked("V", False, lambda r, p: _product(r, p, 0.1), "10 % quantile of the same"),
    "limit_voltage_high": Asked("V", False, lambda r, p: _product(r, p, 0.9), "90 % quantile of the same"),
    "window": Asked("1", False, _window, "fraction of cycles with HRS/LRS of at least 10"),
    "hrs_spread": Asked("1", False, _spread("hrs"), "standard deviation of log10 HRS from cycle to cycle"),
    "lrs_spread": Asked("1", False, _spread("lrs"), "standard deviation of log10 LRS from cycle to cycle"),
    "nonlinearity": Asked("1", False, _median("bend"), "median R(0.1 V)/R(0.5 V) of HRS"),
    "largest_step": Asked(
        "1", False, _median("largest_step"), "largest part of ln G that one event of a SET makes"
    ),
    "hot": Asked("1", False, _hot, "fraction of arrangements of over 1 ns above 1,500 K"),
    "radius": Asked("m", False, _median("radius"), "median radius of the LRS by its currents"),
    "set_slope": Asked("1/V", False, _slope, "decades of SET time per volt at constant voltage"),
    "set_steepest": Asked("1/V", False, _steepest, "steepest step of the same"),
}
"""Quantities that a target may name."""


# ------------------------------------------------------------------ targets


@dataclass(frozen=True, kw_only=True)
class Target:
    """A quantity and its band.

    Parameters
    ----------
    quantity : str
        Key of `QUANTITIES`.
    low, high : float
        Ends of the band, in the unit of the quantity; infinite where it has one end only.
    scale : float
        Distance from the band that counts as 1: decades for resistances, else in the unit of the quantity.
    """

    quantity: str
    low: float
    high: float
    scale: float

    def distance(self, value: float) -> float:
        """Return the distance of a value from the band, in scales; `FAILURE` for a missing one."""
        if not math.isfinite(value):
            return FAILURE
        low, high = self.low, self.high
        if QUANTITIES[self.quantity].logarithmic:
            low, value, high = (math.log10(one) if one > 0 else -math.inf for one in (low, value, high))
        return max(low - value, value - high, 0.0) / self.scale


@dataclass(frozen=True, kw_only=True)
class Targets:
    """A table of targets.

    Parameters
    ----------
    targets : tuple of Target
    devices : mapping
        Number of devices of each point of the ``search``, of the ``choice`` and of the ``report``.
    cycles, waits, budget
        As of `Plan`.
    free : str
        Numbers to look for, as of `free.free`; empty where the table has none.
    """

    targets: tuple[Target, ...]
    devices: Mapping[str, int]
    cycles: int
    waits: tuple[float, ...]
    budget: float
    free: str

    def values(self, records: Sequence[Record], plan: Plan) -> dict[str, float]:
        """Return the quantity of each target."""
        return {one.quantity: QUANTITIES[one.quantity].value(records, plan) for one in self.targets}

    def loss(self, values: Mapping[str, float]) -> float:
        """Return the sum of the squared distances from the bands; 0 where all are met."""
        return sum(one.distance(values[one.quantity]) ** 2 for one in self.targets)


DEVICES = {"search": 4, "choice": 12, "report": 12}
KEYS = {"target", "devices", "cycles", "waits", "budget", "free"}


def has_targets(path: Path) -> bool:
    """Return whether a file has targets, and no population."""
    return path.suffix == ".toml" and "target" in toml.read(path)


def read(path: Path) -> Targets:
    """Read a table of targets.

    The file has a table ``[[target]]`` for each quantity with ``quantity``, ``scale`` and ``low``, ``high`` or both,
    and may have ``cycles`` (3), ``waits`` (voltages), ``budget`` (CPU time of a device, "60 s"), a table ``devices``
    (``search``, ``choice``, ``report``) and a table ``free`` of numbers with their ranges.

    Raises
    ------
    ConfigurationError
        A key is missing or unknown, or a value is not possible.
    """
    document = toml.read(path)
    if unknown := sorted(document.keys() - KEYS):
        raise ConfigurationError(f"{path.name} must have {', '.join(sorted(KEYS))}, got {unknown[0]}")
    rows = document["target"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigurationError(f"target of {path.name} must be tables [[target]]")
    targets = tuple(_target(path, row) for row in rows)
    names = [one.quantity for one in targets]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{path.name} must name each quantity once, got {', '.join(names)}")
    devices = _table(path, document, "devices")
    if unknown := sorted(devices.keys() - DEVICES.keys()):
        raise ConfigurationError(f"devices of {path.name} must be of {', '.join(DEVICES)}, got {unknown[0]}")
    waits = document.get("waits", [])
    if not isinstance(waits, list):
        raise ConfigurationError(f"waits of {path.name} must be a list of voltages, got {waits!r}")
    budget = _number(path, "budget", document.get("budget", "60 s"), "s", (1e-3, 1e6))
    free = _table(path, document, "free")
    return Targets(
        targets=targets,
        devices={
            name: _whole(path, name, devices.get(name, most), 1, 10_000) for name, most in DEVICES.items()
        },
        cycles=_whole(path, "cycles", document.get("cycles", 3), 1, 1000),
        waits=tuple(_number(path, "waits", one, "V", (1e-3, 100.0)) for one in waits),
        budget=budget,
        free=", ".join(f"{key}={span}" for key, span in free.items()),
    )


def _target(path: Path, row: Mapping[str, Any]) -> Target:
    name = row.get("quantity")
    if name not in QUANTITIES:
        raise ConfigurationError(
            f"quantity of {path.name} must be one of {', '.join(QUANTITIES)}, got {name!r}"
        )
    if not {"quantity", "scale"} < row.keys() <= {"quantity", "scale", "low", "high"}:
        raise ConfigurationError(f"target {name} of {path.name} must have scale, and low, high or both")
    asked = QUANTITIES[name]
    low, high = (
        _number(path, f"{end} of {name}", row[end], asked.unit, (-1e15, 1e15)) if end in row else default
        for end, default in (("low", -math.inf), ("high", math.inf))
    )
    if not low < high:
        raise ConfigurationError(f"low of {name} in {path.name} must be below high, got {low:g} and {high:g}")
    unit = "1" if asked.logarithmic else asked.unit
    scale = _number(path, f"scale of {name}", row["scale"], unit, (1e-15, 1e15))
    return Target(quantity=name, low=low, high=high, scale=scale)


def _table(path: Path, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{name} of {path.name} must be a table, got {table!r}")
    return table


def _whole(path: Path, name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(
            f"{name} of {path.name} must be a whole number from {low} to {high}, got {value!r}"
        )
    return value


def _number(path: Path, name: str, value: Any, unit: str, ends: tuple[float, float]) -> float:
    if unit == "1":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ConfigurationError(f"{name} of {path.name} must be a number, got {value!r}")
        return float(value)
    try:
        return to_si(value, unit, *ends)
    except ValueError as error:
        raise ConfigurationError(f"{name} of {path.name} {error}") from None
