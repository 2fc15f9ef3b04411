"""Members of a population as cells: equal values, width of the filament, waits for SET."""

import math
import time
from dataclasses import dataclass

import numpy as np
from device_cell import FAILED, HALF, Cell, Watch, for_each, gaps, vacancies
from device_retention import BOLTZMANN
from scipy import stats

from frenkel.calibration.cell import filament
from frenkel.configuration import device as configuration
from frenkel.configuration.material import is_number
from frenkel.configuration.points import Members
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform

SAME = 0.01  # of the standard deviation within a device: closer than this are equal values


def members(material, population, number, first_seed):
    """Return the materials and seeds of members of a population of material numbers.

    Parameters
    ----------
    material : str or dict
        As the key or the table ``material`` of a configuration.
    population : mapping
        As the table ``[population]``; empty: all members are alike.
    number, first_seed : int
        Of members; seed of the first, the others follow.
    """
    size = {"thickness": "2.6 nm", "width": "2.6 nm"}  # a configuration has one; none of it is used
    document = {"seed": first_seed, "material": material, "device": size}
    document["phase"] = [{"kind": "reset", "amplitude": "-1 V", "rate": "1 MV/s"}]
    if population:
        document["population"] = population
    drawn = Members(configuration.parse(document, "the population"))
    if drawn.sampler and (other := [key for key in drawn.sampler.numbers if not is_number(key)]):
        raise ValueError(f"the population must draw numbers of the material, got {', '.join(other)}")
    return [drawn.member(k)[1] for k in range(number)], range(first_seed, first_seed + number)


def equal_pairs(table):
    """Return the probability of at least as many pairs of equal values as devices show, were they smooth.

    Two values of one device are equal where they differ by at most d = `SAME` standard deviations of that
    device. The density of differences is flat near 0 where that of the values is smooth, so that of the pairs
    closer than d or between 2 d and 6 d each is one of the former with probability 1/5 (binomial test).

    Parameters
    ----------
    table : (n, k) array
        Such as ln(R), NaN where there is none.

    Returns
    -------
    p : float
    found : int
        Pairs of equal values.
    expected : float
    """
    found, near = 0, 0
    for values in table:
        x = values[np.isfinite(values)]
        apart = np.abs(x[:, None] - x[None, :])[np.triu_indices(len(x), 1)]
        unit = SAME * x.std(ddof=1) if len(x) > 1 else 0.0
        found += int(np.count_nonzero(apart <= unit))
        near += int(np.count_nonzero((apart > 2.0 * unit) & (apart <= 6.0 * unit)))
    if not found:
        return 1.0, 0, near / 4.0
    return float(stats.binomtest(found, found + near, 0.2, "greater").pvalue), found, near / 4.0


# ---------------------------------------------------------------- width of a filament


WIDTHS = ("radius", "product", "conductivity", "densest", "atoms", "events", "solutions", "cpu")


def widths(prepared, currents, *, budget=None, workers=None):
    """Return what SETs of the same HRS at limits (A), each with a RESET after it, leave and cost.

    Returns
    -------
    dict of (states, limits) array
        Radius (m), R I_c (V), median and largest conductivity of a layer (S/m) of the LRS, its vacancies,
        events, solutions of the fields and CPU time (s) of SET and RESET; NaN where a SET failed or ran out
        of CPU time.
    """
    found = for_each(_widths, prepared, workers, tuple(currents), budget)
    table = np.array([row for rows in found for row in rows]).reshape(-1, len(currents), len(WIDTHS))
    return dict(zip(WIDTHS, np.moveaxis(table, 2, 0), strict=True))


def _widths(currents, budget, one):
    cell, rows = one.cell(), []
    for high in one.high:
        row = []
        for k, limit in enumerate(currents):
            cell.allow(budget)
            cell.again(high, k)
            row.append(_width(cell, limit))
        rows.append(row)
    return rows


def _width(cell, limit):
    device, row = cell.device, [math.nan] * len(WIDTHS)
    begun, events, solved = time.process_time(), device.events, device.field_solves
    try:
        if math.isnan(cell.set(limit).switched):
            return row
        layers = filament(device)
        each = layers.conductivity
        if len(each):
            row[:4] = layers.radius, cell.read() * limit, np.median(each), each.max()
        row[4] = vacancies(device)
        cell.reset()
        row[5:] = device.events - events, device.field_solves - solved, time.process_time() - begun
    except FAILED:
        pass
    return row


# ---------------------------------------------------------------- waits for SET


class Levels:
    """Times and ln(G) at `READ` after each event of a wait: the ``stop`` of `Device.advance`."""

    def __init__(self, watch):
        self.watch, self.time, self.level = watch, [0.0], []

    def begin(self, device, deadline):
        """Note the state in which the wait finds the device."""
        self.watch.begin(device, deadline)
        self.level.append(self.watch.path[-1])

    def __call__(self, device, current):
        """Note an event; tell whether the wait shall end."""
        ended = self.watch(device, current)
        if len(self.watch.path) > len(self.level):
            self.level.append(self.watch.path[-1])
            self.time.append(device.time - self.watch.started)
        return ended

    @property
    def hottest(self):
        """Highest temperature (K) of the watch."""
        return self.watch.hottest

    def above(self, level):
        """Return the time (s) from which ln(G) stays above a level; NaN where it ends below."""
        below = np.flatnonzero(np.array(self.level) < level)
        if not len(below):
            return 0.0
        return self.time[below[-1] + 1] if below[-1] + 1 < len(self.time) else math.nan


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Waits for SET of HRS states at constant source voltage without a series resistance.

    Parameters
    ----------
    voltages : (v,) array
        V.
    set, doubled : (m, v) array
        Times (s) from which G stays above sqrt(G_HRS G_LRS), and above 2 G_HRS; NaN where it does not.
    waited : (m, v) array
        How long each state was followed (s): less than the longest wait where it SET or the CPU time ran out.
    """

    voltages: np.ndarray
    set: np.ndarray
    doubled: np.ndarray
    waited: np.ndarray


WAITED = ("set", "doubled", "waited")


def waits(prepared, voltages, *, longest=1e4, budget=None, workers=None):
    """Let HRS states wait at constant voltages until they SET; return `Waits`.

    G_LRS is the median LRS of a device's own states, which `prepared` holds.
    """
    found = for_each(_waits, prepared, workers, tuple(voltages), longest, budget)
    table = np.array([row for rows in found for row in rows]).reshape(-1, len(voltages), 3)
    return Waits(voltages=np.array(voltages), **dict(zip(WAITED, np.moveaxis(table, 2, 0), strict=True)))


def _waits(voltages, longest, budget, one):
    cell, rows = one.cell(), []
    lows = []
    for low in one.low:
        cell.again(low)
        lows.append(cell.read())
    for high in one.high:
        row = []
        for k, voltage in enumerate(voltages):
            cell.allow(budget)
            cell.again(high, k)
            cell.device.circuit = Circuit(series_resistance=0.0, compliance=one.setting.limit)
            start = cell.read()
            seen = Levels(Watch(one.setting.limit, high=start, end=True))
            try:
                cell.apply(Waveform.constant(voltage, longest), seen)
            except FAILED:
                pass
            first = -math.log(start)
            middle = -0.5 * math.log(start * float(np.median(lows)))
            row.append((seen.above(middle), seen.above(first + math.log(2.0)), cell.device.time))
        rows.append(row)
    return rows


def line_of_purpose(barrier, frequency, voltage, wait, temperature=300.0):
    """Return decades of SET time per volt of a linear barrier: (E0 - kT ln(nu t)) / (kT ln(10) V).

    Parameters
    ----------
    barrier, frequency : float
        E0 (eV) and nu (Hz) of the exchange.
    voltage, wait, temperature : float
        SET at this voltage takes this time (V, s, K).
    """
    thermal = BOLTZMANN * temperature
    return (barrier - thermal * math.log(frequency * wait)) / (thermal * math.log(10.0) * voltage)


def warmed(prepared, temperatures):
    """Return what HRS read: R at 0.1 V at temperatures (K), R at 0.5 V (ohm), and the length of the gap (m).

    Returns
    -------
    table : (states, temperatures) array
    half, gap : (states,) array
        The gap is the longest jump of the easiest path between the electrodes.
    """
    rows, halves, lengths = [], [], []
    for one in prepared:
        cells = [Cell(one.material, one.seed, one.setting, None, kelvin) for kelvin in temperatures]
        for kept in one.high:
            row = []
            for cell in cells:
                cell.again(kept)
                row.append(cell.read())
            rows.append(row)
            cells[0].again(kept)
            halves.append(cells[0].read(HALF))
            lengths.append((gaps(cells[0].device)[1] + 1.0) * one.material.lattice.spacing)
    return np.array(rows).reshape(-1, len(temperatures)), np.array(halves), np.array(lengths)
