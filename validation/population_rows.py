"""Rows of the table of a population: what each group of measurements says."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import unimodal
from device_cell import Setting
from device_cycles import CYCLE, cycles, listed, middle
from device_retention import BOLTZMANN
from device_rows import size_of
from device_states import levels, prepare
from estimates import clean
from population_cell import equal_pairs, line_of_purpose, members, waits, warmed, widths
from population_targets import Measured
from population_waits import median_wait
from scipy import stats

from frenkel.analysis.statistics.statistics import bootstrap
from frenkel.analysis.statistics.variance import lag_correlation, variance_components, variance_fraction

DECADE_THIRDS = 10 ** (np.log10(20e3) + np.arange(6) / 3.0)
"""Edges of thirds of a decade from 20 kohm to 0.93 Mohm (ohm)."""
LAG = 20
WIDE = 1e-4  # A, the limit at which radii are asked


LEAST = {"devices": 6, "states": 3, "programmed": 4, "forming": 8, "boxes": 20, "thick_states": 3}
"""Devices, at least, of each kind of measurement."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """What is measured, on how many devices, with which seeds and budgets.

    Parameters
    ----------
    material : str or dict
        Name or path of a set, or a table ``[material]``.
    population : dict
        As the table ``[population]``.
    setting : dict
        Fields of `Setting`.
    first_seed : int
        No fit may use seeds from it on.
    devices, number : int
        Devices and cycles of each.
    long : int
        Cycles of each device for the correlation after `LAG` cycles; 0: not measured.
    states : int
        Devices of which two states after RESET and SET each are kept.
    stops, currents, levels, voltages, warm, bakes : tuple of float
        RESET stops (V), limits (A), limits that program levels (A), voltages of waits over the median V_SET,
        temperatures of HRS and of bakes (K).
    programmed, forming, boxes, thick_states : int
        Devices of each level, devices that form, boxes with weak columns, thick devices with states.
    endurance : (int, int)
        Devices and cycles of the yield.
    thick, wide : float
        Thickness and width (m) of devices that form, and of thick ones with states.
    budget, long_budget, state_budget : float
        CPU time (s) of the cycles of a device, of those of the yield, and of one measurement of a state.
    workers : int, optional
    """

    material: str | dict = "HfO2"
    population: dict = field(default_factory=dict)
    setting: dict = field(default_factory=dict)
    first_seed: int = 7001
    devices: int = 64
    number: int = 20
    long: int = 0
    states: int = 24
    stops: tuple = tuple(np.linspace(0.7, 1.5, 17).round(3).tolist())
    currents: tuple = (1e-5, 3e-5, 1e-4, 2e-4)
    levels: tuple = (1e-6, 3e-6, 1e-5, 3e-5)
    voltages: tuple = tuple(np.linspace(0.55, 1.0, 10).round(2).tolist())
    warm: tuple = (300.0, 350.0, 400.0)
    bakes: tuple = (650.0, 700.0, 750.0, 800.0)
    programmed: int = 24
    forming: int = 64
    boxes: int = 200
    thick_states: int = 4
    endurance: tuple = (12, 200)
    thick: float = 5.2e-9
    wide: float = 5.2e-9
    budget: float = 60.0
    long_budget: float = 60.0
    state_budget: float = 5.0
    workers: int | None = None

    def members(self, number, population):
        """Return the materials and seeds of members of a population."""
        return members(self.material, population, number, self.first_seed)

    def _cycled(self, devices, number, population):
        materials, seeds = self.members(devices, population)
        return cycles(materials, seeds, number, budget=self.budget, workers=self.workers, **self.setting)

    def scaled(self, share):
        """Return the same with a share of the devices, of each kind at least as many as rows can do with."""
        number = {name: max(least, round(share * getattr(self, name))) for name, least in LEAST.items()}
        devices, each = self.endurance
        return replace(self, **number, endurance=(max(3, round(share * devices)), each))

    @property
    def rate(self):
        """Rate of the ramps of cycles (V/s)."""
        return Setting(**self.setting).rate

    @cached_property
    def cycled(self):
        """Cycles of the population."""
        return self._cycled(self.devices, max(self.number, self.long), self.population)

    @cached_property
    def brief(self):
        """The first of these cycles that the definition of a variance fraction has."""
        if "cycled" not in vars(self) and self.long > self.number:
            return self._cycled(self.devices, self.number, self.population)
        first = {name: getattr(self.cycled, name)[:, : self.number] for name in CYCLE}
        return replace(self.cycled, **first)

    @cached_property
    def alike(self):
        """Cycles of as many devices without the population."""
        return self._cycled(self.devices, self.number, {}) if self.population else self.brief

    def _prepared(self, number, population, cycles, keep, **changes):
        options = {"budget": self.budget, "workers": self.workers} | self.setting | changes
        return prepare(*self.members(number, population), cycles, keep=keep, **options)

    @cached_property
    def prepared(self):
        """States after four cycles."""
        return self._prepared(self.states, self.population, 4, 2)

    @cached_property
    def plain(self):
        """The same without population and without disorder of the bonds."""
        materials, seeds = self.members(self.states, {})
        if materials[0].has("disorder"):
            materials = [one.with_values({"disorder.bond": 0.0}) for one in materials]
        return prepare(materials, seeds, 4, keep=2, budget=self.budget, workers=self.workers, **self.setting)

    @cached_property
    def start(self):
        """States of devices that are to be programmed."""
        return self._prepared(self.programmed, self.population, 2, 1)

    @cached_property
    def thickened(self):
        """States of thick devices."""
        size = {"size": self.thick, "width": self.wide}
        return self._prepared(self.thick_states, self.population, 2, 1, **size)

    @cached_property
    def last(self):
        """The last state of either kind of each device."""
        return [replace(one, high=one.high[-1:], low=one.low[-1:]) for one in self.prepared]


def of(population, prepared=None):
    """Return what rows from states are measured on."""
    states = population.prepared if prepared is None else prepared
    return f"{sum(len(one.high) for one in states)} states of {population.states} devices"


def logs(found, name):
    """Return ln of a resistance (devices, cycles), NaN where a cycle failed."""
    return np.log(np.where(np.isfinite(found.v_set), getattr(found, name), np.nan))


def estimated(id, estimate, **more):
    """Return the row of an estimate that is made here, or of the reason why it cannot be."""
    try:
        found = estimate()
    except ValueError as error:
        return Measured(id=id, value=math.nan, note=str(error))
    return Measured(id=id, value=found.value, low=found.low, high=found.high, **more)


def resampled(id, values, statistic, **more):
    """Return the row of a statistic of one value per device or state, with its bootstrap interval."""
    values = clean(np.ravel(values))
    if len(values) < 3:
        return Measured(id=id, value=math.nan, note=f"{len(values)} values")
    if np.ptp(values) == 0.0:
        return Measured(id=id, value=float(statistic(values)), low=values[0], high=values[0], **more)
    value = float(statistic(values))
    try:
        _, low, high = bootstrap(values, lambda drawn: float(statistic(drawn)))
    except ValueError:  # the same without any one of them, so that there is nothing to correct the draws by
        draws = np.random.default_rng(1).choice(values, (400, len(values)))
        low, high = np.quantile([float(statistic(drawn)) for drawn in draws], (0.025, 0.975))
    return Measured(id=id, value=value, low=low, high=high, **more)


def variance_rows(population):
    """Fractions of the variance, with and without the population's widths."""
    found, n = population.brief, size_of(population.brief)
    rows = [
        estimated(id, lambda name=name: variance_fraction(logs(found, name)), n=n)
        for id, name in (("V-1", "hrs"), ("V-2", "lrs"))
    ]
    if not population.population:
        note = "no population: the same devices"
        return [*rows, Measured(id="V-3", value=math.nan, note=note)]
    alone = estimated("V-3", lambda: variance_fraction(logs(population.alike, "hrs")))
    ratio = alone.value / rows[0].value if rows[0].value > 0.0 else math.nan
    note = f"{alone.value:.2f} ({alone.low:.2f} to {alone.high:.2f}) against {rows[0].value:.2f}"
    return [*rows, Measured(id="V-3", value=ratio, n=n, note=note)]


def memory_rows(population):
    """Correlations of cycles of one device."""
    found, rows = population.cycled, []
    for first, second, name in (("M-1", "M-3", "hrs"), ("M-2", "M-4", "lrs")):
        one = estimated(first, lambda name=name: lag_correlation(logs(found, name), 1), n=size_of(found))
        far = estimated(second, lambda name=name: lag_correlation(logs(found, name), LAG))
        note = far.note or f"{far.value:.2f} ({far.low:.2f} to {far.high:.2f})"
        rows += [one, Measured(id=second, value=far.value / one.value, n=size_of(found), note=note)]
    return rows


def density_rows(population):
    """Values that come again, and modes."""
    found, rows, single = population.cycled, [], []
    for id, name in (("D-1", "hrs"), ("D-2", "lrs")):
        table = logs(found, name)
        p, pairs, expected = equal_pairs(table)
        note = f"{pairs} pairs, {expected:.1f} expected of smooth densities"
        rows.append(Measured(id=id, value=p, n=size_of(found), note=note))
        single.append([unimodal.p_value(row[np.isfinite(row)]) > 0.05 for row in table])
    share = np.mean(np.all(single, axis=0))
    return [*rows, Measured(id="D-3", value=float(share), n=size_of(found))]


def spread_rows(population):
    """Spreads, medians and the window."""
    found, n = population.cycled, size_of(population.cycled)
    set_rows = [
        resampled_devices(id, found.v_set, statistic, n)
        for id, statistic in (
            ("C-3", lambda table: math.sqrt(max(variance_components(table)[0], 0.0))),
            ("C-4", lambda table: math.sqrt(variance_components(table)[1])),
        )
    ]
    good = (found.window >= 10).mean(axis=1)
    rest = ", ".join(f"{share:.0%}" for share in np.sort(good[good < 0.9]))
    return [
        resampled("C-1", found.spread("lrs"), np.median, n=n),
        resampled("C-2", found.spread("hrs"), np.median, n=n),
        *set_rows,
        *(
            resampled(id, np.nanmedian(table, axis=1), np.median, n=n, note=listed(table, form))
            for id, table, form in (
                ("C-5", found.v_set, "{:.2f}"),
                ("C-6", found.v_reset, "{:.2f}"),
                ("C-7", found.hrs, "{:.3g}"),
            )
        ),
        Measured(
            id="C-8", value=float(np.mean(good >= 0.9)), n=n, note=f"the others: {rest}" if rest else ""
        ),
    ]


def resampled_devices(id, table, statistic, n):
    """Return the row of a statistic of a table, by drawing whole devices again."""
    try:
        value, low, high = of_rows(table, statistic)
    except ValueError as error:
        return Measured(id=id, value=math.nan, note=str(error))
    return Measured(id=id, value=value, low=low, high=high, n=n)


def of_rows(table, statistic):
    """Return a statistic of a table with its 95 % interval, by drawing whole rows again; NaN are allowed."""
    rows = np.arange(len(table))
    return bootstrap(rows, lambda drawn: statistic(table[drawn.astype(int)]), resamples=400)


def means(population):
    """Return the correlation matrix of device means as lines of a table: an outcome, no target."""
    found = population.cycled
    names = ("V_form", "V_SET", "V_RESET", "ln HRS", "ln LRS")
    columns = [
        found.forming,
        np.nanmean(found.v_set, axis=1),
        np.nanmean(found.v_reset, axis=1),
        np.nanmean(logs(found, "hrs"), axis=1),
        np.nanmean(logs(found, "lrs"), axis=1),
    ]
    kept = np.all(np.isfinite(columns), axis=0)
    matrix = np.corrcoef(np.array(columns)[:, kept]) if kept.sum() > 2 else np.full((5, 5), np.nan)
    head = ["| |" + "|".join(names) + "|", "|---|" + "---:|" * 5]
    return head + [
        f"|{name}|" + "|".join(f"{value:.2f}" for value in row) + "|"
        for name, row in zip(names, matrix, strict=True)
    ]


def width_rows(population):
    """Radius and conductivity of the filament against the limit, R I_c, and what such cycles cost."""
    options = {"budget": 10 * population.state_budget, "workers": population.workers}
    found = widths(population.prepared, population.currents, **options)
    at = population.currents.index(WIDE)
    thick = widths(population.thickened, (WIDE,), **options)
    radius, product = found["radius"], found["product"]
    slopes = [
        np.polyfit(np.log(population.currents), np.log(row), 1)[0] for row in radius if np.isfinite(row).all()
    ]
    limits = ", ".join(f"{1e6 * one:g}" for one in population.currents)
    note = f"{', '.join(f'{1e9 * middle(column):.2f}' for column in radius.T)} nm at {limits} uA"
    good = np.isfinite(product)
    share = np.mean((product[good] >= 0.3) & (product[good] <= 0.6)) if good.any() else math.nan
    lost = f"{np.mean(~good):.0%} not set or out of CPU time; medians " + ", ".join(
        f"{middle(column):.2f}" for column in product.T
    )
    each = ", ".join(f"{middle(column):.2g}" for column in found["conductivity"].T)
    dense = f"at 100 uA; {each} at {limits} uA; largest of a filament {middle(found['densest'][:, at]):.2g}"
    thin_n, thick_n = of(population), of_thick(population)
    return [
        resampled("R-1", radius[:, at], np.median, n=thin_n, note=note),
        resampled("R-2", slopes, np.median, n=thin_n),
        Measured(id="R-3", value=float(share), n=thin_n, note=lost),
        resampled("R-4", thick["radius"], np.median, n=thick_n),
        resampled("R-5", found["conductivity"][:, at], np.median, n=thin_n, note=dense),
        *(
            resampled(id, table["cpu"][:, k], np.mean, n=number, note=sizes(table, k))
            for id, table, k, number in (("K-3", found, at, thin_n), ("K-4", thick, 0, thick_n))
        ),
    ]


def of_thick(population):
    """Return what rows from states of thick devices are measured on."""
    return f"{sum(len(one.high) for one in population.thickened)} states of {population.thick_states} devices"


def sizes(table, k):
    """Return atoms, events and solutions of cycles, and how many did not end."""
    column = {key: values[:, k] for key, values in table.items()}
    told = ", ".join(f"{middle(column[key]):.0f} {key}" for key in ("atoms", "events", "solutions"))
    lost = np.count_nonzero(np.isnan(column["cpu"]))
    return f"medians {told}; {lost} not set or out of CPU time"


def stop_rows(population):
    """States that RESETs to many stops leave, within single devices."""
    table = levels(
        population.prepared, population.stops, budget=population.state_budget, workers=population.workers
    )
    log, places = np.log10(table), []
    done = 0
    for one in population.prepared:
        rows = log[done : done + len(one.low)]
        done += len(one.low)
        if np.isfinite(rows).any():
            places.append(rows - np.nanmean(rows))
    centred = np.concatenate(places) + np.nanmean(log)
    share = np.histogram(10 ** centred[np.isfinite(centred)], DECADE_THIRDS)[0] / np.isfinite(centred).sum()
    middles = np.nanmedian(table, axis=0)
    note = f"thirds {', '.join(f'{one:.0%}' for one in share)}; medians {listed_kilo(middles)} kohm"
    return [
        Measured(
            id="L-1",
            value=float(share.min()),
            n=of(population),
            note=note,
            also=bool(np.all(np.diff(middles) > 0)),
        )
    ]


def listed_kilo(values):
    """Return resistances in kohm as text."""
    return ", ".join(f"{value / 1e3:.3g}" for value in values)


def time_rows(population):
    """SET times at constant voltage: slopes between medians, and the first doubling."""
    volts = (np.array(population.voltages) * middle(population.brief.v_set)).round(2)
    found = waits(population.prepared, volts, budget=population.state_budget, workers=population.workers)
    median, inside = _medians(found.set, found.waited)
    volts, log = found.voltages[inside], np.log10(median[inside])
    slope = _slope(found.voltages, found.set, found.waited)
    steps = -np.diff(log) / np.diff(volts) if inside.sum() > 1 else np.array([math.nan])
    with np.errstate(divide="ignore", invalid="ignore"):
        early = np.log10(found.set / found.doubled)
    note = "log10 t " + ", ".join(
        f"{v:g} V: {value:.1f}" for v, value in zip(found.voltages, np.log10(median), strict=True)
    )
    try:
        both = np.stack([found.set, found.waited], axis=2)
        _, low, high = of_rows(both, lambda rows: _slope(found.voltages, rows[..., 0], rows[..., 1]))
    except ValueError:
        low = high = math.nan
    return [
        Measured(id="S-1", value=slope, low=low, high=high, n=of(population), note=note),
        Measured(
            id="S-2",
            value=float(steps.max()),
            n=of(population),
            also=bool(np.all(np.diff(steps) < 0)),
            note="steps " + ", ".join(f"{step:.0f}" for step in steps),
        ),
        resampled("S-3", early[np.isfinite(early)], np.median, n=of(population)),
        purpose_row(population, slope),
    ]


def purpose_row(population, slope):
    """Return the row of the line of a linear barrier, at the V_SET of ramps."""
    material, volts = population.members(1, {})[0][0], middle(population.brief.v_set)
    if not material.has("exchange") or not slope > 0.0:
        return Measured(id="S-4", value=math.nan, note="no exchange with an electrode, or no slope")
    # On a ramp a device has SET when the rate, which grows e-fold in this time, has integrated to 1.
    wait = 1.0 / (slope * math.log(10.0) * population.rate)
    e0, frequency = material.exchange.barrier, material.exchange.attempt_frequency
    note = f"E0 {e0:.2f} eV, nu {frequency:.2g} Hz, V_SET {volts:.2f} V, {wait:.1g} s; measured {slope:.1f}"
    value = line_of_purpose(e0, frequency, volts, wait)
    return Measured(id="S-4", value=value, n=size_of(population.brief), note=note)


def _medians(times, waited):
    """Return the median time at each voltage, and which lie from 1e-6 to 1e2 s."""
    median = np.array([median_wait(*pair) for pair in zip(times.T, waited.T, strict=True)])
    return median, np.isfinite(median) & (median >= 1e-6) & (median <= 1e2)


def _slope(voltages, times, waited):
    median, inside = _medians(times, waited)
    if inside.sum() < 2:
        return math.nan
    return -float(np.polyfit(voltages[inside], np.log10(median[inside]), 1)[0])


def off_rows(population):
    """Nonlinearity and activation of HRS, and how far both differ from state to state."""
    table, halves, lengths = warmed(population.plain, population.warm)
    ratio = table[:, 0] / halves
    energy = np.polyfit(1.0 / (BOLTZMANN * np.array(population.warm)), np.log(table.T), 1)[0]
    rank = stats.spearmanr(energy, table[:, 0]).statistic if len(energy) > 2 else math.nan
    rows, n = [], of(population, population.plain)
    for first, second, values, note in (
        ("I-1", "I-2", ratio, "population and disorder of bonds off"),
        ("I-3", "I-4", energy, f"rank correlation with HRS {rank:.2f}"),
    ):
        rows.append(resampled(first, values, np.median, n=n, note=note))
        rows.append(resampled(second, values, lambda v: np.std(v, ddof=1) / np.median(v), n=n))
    spread = ", ".join(f"{1e9 * middle(lengths, share):.2f}" for share in (0.0, 0.5, 1.0))
    note = f"gaps {spread} nm (least, median, largest)"
    return [*rows, ranked("I-5", ratio, lengths, n=n, note=note)]


def ranked(id, one, other, **more):
    """Return the row of a rank correlation, with its bootstrap interval."""
    pairs = np.column_stack([one, other])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) < 4 or np.ptp(pairs, axis=0).min() == 0.0:
        return Measured(id=id, value=math.nan, **more)
    value = float(stats.spearmanr(*pairs.T).statistic)

    def drawn(rows):
        # A draw of equal pairs has no order: none is what it tells.
        return float(stats.spearmanr(*rows.T).statistic) if np.ptp(rows, axis=0).min() > 0.0 else 0.0

    try:
        _, low, high = bootstrap(pairs, drawn, resamples=400)
    except ValueError:  # every draw has the same
        low = high = value
    return Measured(id=id, value=value, low=low, high=high, **more)


def cost_rows(population):
    """CPU time of cycles, by the number of atoms."""
    found = population.cycled
    rows = []
    for id, least, most in (("K-1", 0, 150), ("K-2", 150, 300)):
        kept = (found.vacancies > least) & (found.vacancies <= most) & np.isfinite(found.cpu)
        if not kept.any():
            rows.append(Measured(id=id, value=math.nan, note="no such cycle"))
            continue
        atoms, events = (middle(one[kept]) for one in (found.vacancies, found.events))
        note, n = f"medians {atoms:.0f} atoms, {events:.0f} events of SET", f"{kept.sum()} cycles"
        rows.append(Measured(id=id, value=float(found.cpu[kept].mean()), n=n, note=note))
    return rows


GROUPS = {
    "variance": variance_rows,
    "memory": memory_rows,
    "density": density_rows,
    "spread": spread_rows,
    "width": width_rows,
    "stops": stop_rows,
    "times": time_rows,
    "off": off_rows,
    "cost": cost_rows,
}
"""What measures each group of rows."""
