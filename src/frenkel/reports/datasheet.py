"""Data sheet of a card: one page of what its cells do, with intervals, for who chooses or uses a cell."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..analysis.plots import datasheet as plots
from ..cells.card import Card
from ..cells.files import CardWarning
from ..cells.jump_cells import JumpCells
from ..escape import html
from ..notebook import table
from ..progress import quiet
from ..quantity import si
from ..typing import Floats
from .card import noise_lines

Progress = Callable[[float, str], None]
CELLS, SEED = 400, 0
LONGEST = 3.2e8
"""Ten years (s)."""
MOMENTS = np.logspace(-9, 3, 49)
"""Times (s) at which a cell under voltage is looked at."""
PULSE = 1e-6
"""Width (s) of the pulses whose map from level to level is given."""
LEVEL = 1.959964
"""Standard deviations of a normal law within which 95 % lie."""

STYLE = (
    "body{font:15px/1.45 sans-serif;max-width:64em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.6em 0}"
    "td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.6em}svg,img{max-width:100%;height:auto}.n{color:#555}"
)


@dataclass(frozen=True)
class CyclingCircuit:
    """CyclingCircuit and ramps with which the ensemble of a card was cycled.

    Attributes
    ----------
    series : float
        Resistance in series (ohm).
    set_voltage, set_rate, limit : float
        Amplitude (V), rate (V/s) and current limit (A) of SET.
    reset_voltage, reset_rate : float
        Of RESET.
    limits : ndarray
        Current limits (A) that the survey of states used, ascending.
    holds : ndarray
        Constant voltages (V) of its probes, ascending.
    """

    series: float
    set_voltage: float
    set_rate: float
    limit: float
    reset_voltage: float
    reset_rate: float
    limits: Floats
    holds: Floats

    @classmethod
    def of(cls, card: Card) -> "CyclingCircuit | None":
        """Return what the card's provenance says, or None where it does not."""
        try:
            point = card.provenance["ensemble"]["configuration"]["points"][0]
            phases = {one["kind"]: one for one in _phases(point["phase"])}
            rise, fall = phases["set"], phases["reset"]
            measure = point["measure"]
            return cls(
                si("series_resistance", point["circuit"]["series_resistance"], "ohm"),
                si("amplitude", rise["amplitude"], "V"),
                si("rate", rise["rate"], "V/s"),
                si("compliance", rise["compliance"], "A"),
                si("amplitude", fall["amplitude"], "V"),
                si("rate", fall["rate"], "V/s"),
                _list(measure["limits"], "A"),
                _list(measure["hold"]["voltages"], "V"),
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return None


def _list(text: str, unit: str) -> Floats:
    """Return the values of a list such as "1, 2 V", ascending, in SI."""
    *_, own = text.split()
    return np.sort([si("list", f"{one.split()[0]} {own}", unit) for one in text.split(",")])


def _phases(phases: Any) -> list[Mapping[str, Any]]:
    """Return phases and those within groups, in order."""
    found: list[Mapping[str, Any]] = []
    for one in phases:
        found += _phases(one["phase"]) if one["kind"] == "cycle" else [one]
    return found


def wilson(part: Floats, number: int) -> tuple[Floats, Floats]:
    """Return the 95 % interval of fractions of a number of cells (Wilson, doi:10.2307/2276774).

    Examples
    --------
    >>> [round(float(bound), 3) for bound in wilson(np.array(0.5), 100)]
    [0.404, 0.596]
    """
    z = LEVEL**2 / number
    middle = (part + z / 2) / (1 + z)
    half = np.sqrt(part * (1 - part) * z + z * z / 4) / (1 + z)
    return middle - half, middle + half


def median_interval(values: Floats) -> tuple[float, float, float]:
    """Return a median and its 95 % interval by order statistics; infinite values are censored.

    Examples
    --------
    >>> median_interval(np.arange(101.0))
    (50.0, 40.0, 60.0)
    """
    ordered, number = np.sort(values), len(values)
    half = LEVEL * math.sqrt(number) / 2
    low, high = math.floor((number - 1) / 2 - half), math.ceil((number - 1) / 2 + half)
    middle = ordered[(number - 1) // 2]  # not interpolated: the next may be infinite
    return float(middle), float(ordered[max(low, 0)]), float(ordered[min(high, number - 1)])


def _band(rows: list[Floats]) -> plots.Band:
    low, middle, high = np.quantile(np.array(rows), [0.05, 0.5, 0.95], axis=1)
    return low, middle, high


class SheetCells:
    """What cells of a card do in the circuit of its ensemble.

    Parameters
    ----------
    card : Card
        With a jump-process model.
    circuit : CyclingCircuit
    """

    def __init__(self, card: Card, circuit: CyclingCircuit) -> None:
        assert card.jump_law is not None
        self.card, self.circuit, self.law = card, circuit, card.jump_law
        start = {state: math.log(np.median(self._cells(state).conductance)) for state in ("hrs", "lrs")}
        self.border = math.exp((start["hrs"] + start["lrs"]) / 2)
        """Conductance (S) halfway between both states, on the scale of the logarithm."""

    def _cells(self, state: str, kelvin: float | None = None) -> JumpCells:
        return self.card.jump_cells(CELLS, SEED, state=state, temperature=kelvin)

    def limits(self) -> plots.Band:
        """Return resistances (ohm) after SET with each limit of the survey."""
        rows, circuit = [], self.circuit
        for limit in circuit.limits:
            cells = self._cells("hrs")
            cells.ramp(circuit.set_voltage, circuit.set_rate, series=circuit.series, limit=limit)
            rows.append(1 / cells.conductance)
        return _band(rows)

    def stops(self) -> tuple[Floats, plots.Band]:
        """Return voltages (V) at which RESET ends, and resistances (ohm) after them."""
        stops, rows = np.linspace(0.5, 1.0, 8) * self.circuit.reset_voltage, []
        for stop in stops:
            cells = self._cells("lrs")
            cells.ramp(float(stop), self.circuit.reset_rate, series=self.circuit.series)
            rows.append(1 / cells.conductance)
        return stops, _band(rows)

    def time_to_switch(self, operation: str, voltage: float, kelvin: float) -> Floats:
        """Return the time (s) until each cell has crossed the border; infinite: not by the last moment."""
        rise = operation == "set"
        cells = self._cells("hrs" if rise else "lrs", kelvin)
        limit = self.circuit.limit if rise else np.inf
        found, before = np.full(CELLS, np.inf), 0.0
        for now in MOMENTS:
            waits = np.isinf(found)
            cells.hold(voltage, np.where(waits, now - before, 0.0), series=self.circuit.series, limit=limit)
            crossed = waits & ((cells.conductance > self.border) == rise)
            found[crossed], before = now, now
            if not waits.any():
                break
        return found

    def kept(self, state: str, kelvin: float, seconds: Floats) -> Floats:
        """Return the fraction of cells on their side of the border after times (s) without voltage."""
        cells, part, before = self._cells(state, kelvin), [], 0.0
        for now in seconds:
            cells.hold(0.0, now - before)
            before = now
            part.append(np.mean((cells.conductance > self.border) == (state == "lrs")))
        return np.array(part)

    def moves(self, voltage: float, seconds: float) -> Floats:
        """Return the probability to end in each third of ln G (columns) from each third (rows), by one pulse.

        Cells start from HRS and LRS, half of them after a weak pulse of either sign.
        """
        marks = np.log([self.border * f for f in self._thirds()])
        counts = np.zeros((3, 3))
        limit = self.circuit.limit if voltage > 0 else np.inf
        for state in ("hrs", "lrs"):
            cells = self._cells(state)
            weak = self.volts("set" if state == "hrs" else "reset")
            first = np.where(np.arange(CELLS) % 2, 0.0, np.linspace(weak[0], 1.2 * weak[-1], CELLS))
            cells.hold(first, PULSE, series=self.circuit.series, limit=float(self.circuit.limits[0]))
            before = np.searchsorted(marks, np.log(cells.conductance))
            cells.hold(voltage, seconds, series=self.circuit.series, limit=limit)
            np.add.at(counts, (before, np.searchsorted(marks, np.log(cells.conductance))), 1)
        return counts

    def volts(self, operation: str) -> Floats:
        """Return the voltages (V) of the probes that SET or RESET, the weakest first."""
        holds = self.circuit.holds
        return holds[holds > 0] if operation == "set" else holds[holds < 0][::-1]

    def _thirds(self) -> tuple[float, float]:
        """Return both borders of the middle third of ln G, over the border between HRS and LRS."""
        low, high = (np.median(self._cells(state).conductance) for state in ("hrs", "lrs"))
        sixth = (high / low) ** (1 / 6)
        return 1 / sixth, sixth


def page(card: Card, progress: Progress = quiet) -> str:
    """Return the data sheet of a card as one page of HTML that needs no network.

    Parameters
    ----------
    card : Card
    progress : callable, optional
        ``progress(share, what)`` as it goes on.

    Raises
    ------
    ModuleNotFoundError
        matplotlib is not installed.
    """
    parts = [
        f"<h1>{html(card.name)} {html(card.version)}</h1>",
        '<p class="n">Values are those of cells of this card, drawn with one seed. Intervals are 95 %.</p>',
        "<h2>States and switching voltages</h2>",
        features(card),
    ]
    circuit = CyclingCircuit.of(card)
    if card.jump_law is None:
        parts.append("<h2>Pulses, ramps, retention</h2><p>The card has no jump-process model.</p>")
    elif circuit is None:
        parts.append("<h2>Pulses, ramps, retention</h2>")
        parts.append("<p>The card does not name the circuit of its ensemble.</p>")
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CardWarning)  # cells at a limit flicker, as devices do
            parts += _pulses(SheetCells(card, circuit), progress)
    parts += ["<h2>Noise and endurance</h2>", _noise(card), "<h2>Validation</h2>", validation(card)]
    return document(f"{card.name}: data sheet", parts)


def document(title: str, parts: Sequence[str]) -> str:
    """Return a page of HTML that needs no network from its title, as text, and its parts, as HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def features(card: Card) -> str:
    """Return the table of features of a card, as HTML: quantiles over cells and cycles, and which part of the
    variance is the device's.
    """
    sample = card.sample(1000, 10, SEED)
    mean = card.weights @ card.means
    k, rows = len(card.features), []
    for i, feature in enumerate(card.features):
        values = sample[feature.name]
        low, middle, high = np.nanquantile(values, [0.05, 0.5, 0.95])
        bounds = card.intervals.get(f"mean location {feature.name}")
        interval = "-"
        if bounds is not None:
            ends = sorted(float(feature.backward(np.array([one]))[0]) for one in bounds)
            interval = f"{ends[0]:.4g} to {ends[1]:.4g}"
        rows.append(
            (
                feature.name, feature.unit, f"{middle:.4g}", f"{low:.4g} to {high:.4g}", interval,
                _device_part(card, feature.name, float(mean[k + i])),
                _bounds(card.intervals.get(f"memory 1 {feature.name} {feature.name}")),
            )
        )  # fmt: skip
    heads = (
        "", "unit", "median", "5 to 95 % of cells and cycles", "mean device",
        "fraction of the variance between devices", "coefficient of the cycle before (lag 1)",
    )  # fmt: skip
    return table(heads, rows)


def _device_part(card: Card, name: str, log_spread: float) -> str:
    """Return d²/(d² + s²) with the interval of the deviation d between devices; s: mean spread within one."""
    bounds = card.intervals.get(f"deviation location {name}")
    if bounds is None:
        return "-"
    within = math.exp(2 * log_spread)
    low, high = (d * d / (d * d + within) for d in bounds)
    return f"{low:.2f} to {high:.2f}"


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "-" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f}"


def _pulses(cells: SheetCells, progress: Progress) -> list[str]:
    """Return the parts that follow from the jump-process model."""
    law, circuit = cells.law, cells.circuit
    heats = [float(kelvin) for kelvin in law.temperatures]
    stops, after = cells.stops()
    levels = plots.bands(
        [
            ("current limit of SET / A", "resistance / ohm", circuit.limits, {"lrs": cells.limits()}, True),
            ("end of RESET / V", "resistance / ohm", stops, {"hrs": after}, False),
        ]
    )
    waits, rows = _waits(cells, heats, progress)
    seconds = np.logspace(0, math.log10(LONGEST), 10)
    kept = {
        state: {kelvin: (seconds, cells.kept(state, kelvin, seconds)) for kelvin in (heats[0], heats[-1])}
        for state in ("hrs", "lrs")
    }
    return [
        f'<h2>Levels</h2><p class="n">Series resistance {circuit.series:g} ohm; ramps of '
        f"{circuit.set_rate:g} V/s (SET) and {circuit.reset_rate:g} V/s (RESET). Lines: medians; "
        "bands: 5 to 95 %.</p>",
        plots.svg(levels),
        "<h2>Time to switch</h2>",
        plots.svg(plots.times(waits)),
        '<p class="n">Median time in s until a cell has crossed the geometric mean of HRS and LRS, and its '
        "interval.</p>",
        table(("", "V", *(f"{kelvin:g} K" for kelvin in heats)), rows),
        "<h2>From level to level</h2>",
        *_maps(cells),
        '<h2>Retention</h2><p class="n">Without voltage; a state is kept while it is on its side of the '
        "geometric mean of HRS and LRS.</p>",
        plots.svg(plots.kept(kept)),
        table(
            ("state", "K", "kept after ten years", "interval"),
            [
                (state.upper(), f"{kelvin:g}", f"{part[-1]:.3f}",
                 "{:.3f} to {:.3f}".format(*map(float, wilson(part[-1], CELLS))))
                for state, by_heat in kept.items() for kelvin, (_, part) in by_heat.items()
            ],
        ),
    ]  # fmt: skip


def _waits(
    cells: SheetCells, heats: list[float], progress: Progress
) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """Return median times (s) to SET and RESET by temperature (K), and the rows of a table of them."""
    waits: dict[str, Any] = {}
    rows = []
    for operation in ("set", "reset"):
        volts = cells.volts(operation)
        found = []
        for volt in volts:
            times = [cells.time_to_switch(operation, float(volt), kelvin) for kelvin in heats]
            found.append([median_interval(time) for time in times])
            progress((operation == "reset") / 2 + len(found) / len(volts) / 2, "times to switch")
        medians = np.array(found)[:, :, 0].T
        medians[(medians == MOMENTS[0]) | np.isinf(medians)] = np.nan
        waits[operation] = {kelvin: (volts, median) for kelvin, median in zip(heats, medians, strict=True)}
        for volt, row in zip(volts, found, strict=True):
            rows.append((operation.upper(), f"{volt:.2f}", *map(_time, row)))
    return waits, rows


def _time(found: tuple[float, float, float]) -> str:
    """Return a median time (s) and its interval, on the scale of the moments that were looked at."""
    first, last = MOMENTS[[0, -1]]
    middle, low, high = (
        f"> {last:.0e}" if np.isinf(time) else f"< {first:.0e}" if time == first else f"{time:.1e}"
        for time in found
    )
    return middle if middle == low == high else f"{middle} ({low} to {high})"


def _maps(cells: SheetCells) -> list[str]:
    """Return a table for one pulse of SET and one of RESET: from each third of ln G to each."""
    parts, names = [], ("low third", "middle third", "high third")
    for operation in ("set", "reset"):
        voltage = float(cells.volts(operation)[-1])
        counts, rows = cells.moves(voltage, PULSE), []
        for name, row in zip(names, counts, strict=True):
            number = int(row.sum())
            cell = []
            for part in row / number if number else []:
                low, high = wilson(part, number)
                cell.append(f"{part:.2f} ({low:.2f} to {high:.2f})")
            rows.append((name, str(number), *(cell or ["-"] * 3)))
        parts.append(
            f'<p class="n">{operation.upper()}: one pulse of {voltage:.2f} V and {1e6 * PULSE:g} µs. Thirds '
            "of ln G from HRS to LRS.</p>"
        )
        parts.append(table(("from", "cells", *(f"to {name}" for name in names)), rows))
    return parts


def _noise(card: Card) -> str:
    """Return what the card knows of noise, relaxation and wear, and what it cannot tell."""
    lines = [*noise_lines(card), "endurance: cells of a card do not age"]
    lines += [f"the card cannot tell {what}" for what in card.cannot_tell()]
    return items(lines)


def items(lines: Sequence[str]) -> str:
    """Return lines of text as a list, as HTML."""
    return "<ul>" + "".join(f"<li>{html(line.strip())}</li>" for line in lines) + "</ul>"


def validation(card: Card) -> str:
    """Return the rows of the validation on devices that no fit used, as HTML."""
    from ..analysis.statistics.comparison import verdict_of  # scipy.stats

    judged = card.provenance.get("judged", {})
    said = f"{judged['devices']} devices of {judged['cycles']} cycles; {judged['by']}. " if judged else ""
    valid = "; ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in card.validity.items())
    rows = [
        (str(row["statistic"]), f"{row['value']:.3g}", f"{row['limit']:.3g}", verdict_of(row["passed"]))
        for row in card.gate
    ]
    made_for = f"Made for {html(valid)}." if valid else ""
    return f"<p>{html(said)}{made_for}</p>" + table(("statistic", "value", "limit", ""), rows)
