"""Cycles of small devices: RESET to a stop, SET held at the limit, both read at 0.1 V and 0.5 V."""

import time
from dataclasses import dataclass

import numpy as np
from device_cell import FAILED, HALF, Cell, Setting, devices, for_each, gaps, vacancies
from estimates import clean

CYCLE = (
    "hrs", "hrs_half", "lrs", "lrs_half", "v_set", "v_reset", "i_reset", "hottest", "vacancies", "gap",
    "jump", "events", "share", "steps", "cpu",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """What cycles did, one row per device and one column per cycle; NaN where a device was cut short.

    Parameters
    ----------
    hrs, lrs, hrs_half, lrs_half : (n, k) array
        Resistance (ohm) after RESET and after SET at 0.1 V, and the same at 0.5 V.
    v_set, v_reset : (n, k) array
        Source voltage (V) at the event that first left the device at the limit and three times lower than
        before (NaN: a SET that failed), and at the largest current of RESET (negative).
    i_reset : (n, k) array
        That current (A).
    hottest : (n, k) array
        Highest temperature (K) of the cycle that lasted longer than a nanosecond.
    vacancies : (n, k) array
        Number after SET.
    gap, jump : (n, k) array
        Missing layers after RESET, see `gaps`.
    events, share, steps : (n, k) array
        Events of SET; the largest fraction of the change of ln G made by one; those from 10 to 90 %.
    cpu : (n, k) array
        CPU time (s).
    limit, forming, form_cpu, cut : float, (n,) array, (n,) array, tuple of str
        Current limit (A); forming voltage (V; NaN: not formed); CPU time (s) of forming; why devices were cut
        short, "" where they were not.
    """

    hrs: np.ndarray
    hrs_half: np.ndarray
    lrs: np.ndarray
    lrs_half: np.ndarray
    v_set: np.ndarray
    v_reset: np.ndarray
    i_reset: np.ndarray
    hottest: np.ndarray
    vacancies: np.ndarray
    gap: np.ndarray
    jump: np.ndarray
    events: np.ndarray
    share: np.ndarray
    steps: np.ndarray
    cpu: np.ndarray
    limit: float
    forming: np.ndarray
    form_cpu: np.ndarray
    cut: tuple

    @property
    def window(self):
        """HRS over LRS of each cycle at 0.1 V, 0 where a device failed or was cut short: a failure counts."""
        ratio = self.hrs / self.lrs
        return np.where(np.isnan(ratio) | np.isnan(self.v_set), 0.0, ratio)

    def within(self, name, low, high):
        """Fraction of all cycles asked for in which a quantity lies in a band; failed ones do not."""
        values = getattr(self, name)
        return float(np.mean((values >= low) & (values <= high)))

    def spread(self, name):
        """Standard deviation of log10 of each device (n,), over the cycles that switched; NaN below 3."""
        found = []
        for values, switched in zip(getattr(self, name), np.isfinite(self.v_set), strict=True):
            logs = np.log10(values[switched & np.isfinite(values)])
            found.append(logs.std(ddof=1) if len(logs) > 2 else np.nan)
        return np.array(found)


def cycles(material, seeds, cycles=20, *, numbers=None, budget=None, workers=None, first=0, **setting):
    """Cycle one device per seed.

    Parameters
    ----------
    material : str, Material or list of Material
        One for all devices, or one for each.
    seeds : iterable of int
    cycles : int
        RESETs and SETs of each.
    numbers : dict, optional
        Numbers of the material to replace, as of `Material.with_values`.
    budget : float, optional
        CPU time (s) of each device, forming included; what is left of it then counts as failed.
    workers : int, optional
        Processes; none by default.
    first : int
        Cycles before those that are recorded.
    **setting
        Fields of `Setting`: ``limit``, ``reset``, ``set_to``, ``rate``, ``size``, ``form_limit`` ...

    Returns
    -------
    Cycles
    """
    chosen, number = Setting(**setting), first + cycles
    found = for_each(_device, devices(material, seeds, numbers), workers, chosen, number, budget)
    table = {name: np.array([rows[name][first:] for rows, *_ in found]) for name in CYCLE}
    _, forming, form_cpu, cut = zip(*found, strict=True)
    return Cycles(
        **table, limit=chosen.limit, forming=np.array(forming), form_cpu=np.array(form_cpu), cut=tuple(cut)
    )


def _device(setting, number, budget, one):
    material, seed = one
    rows = {name: np.full(number, np.nan) for name in CYCLE}
    forming, cut, begun = np.nan, "", time.process_time()
    cell = Cell(material, seed, setting, budget)
    form_cpu = 0.0
    try:
        if setting.form_limit is not None:
            forming = cell.form().switched
            form_cpu = time.process_time() - begun
        for k in range(number):
            for name, value in cycle(cell).items():
                rows[name][k] = value
    except FAILED as error:
        cut = str(error)
    return rows, forming, form_cpu, cut


def cycle(cell):
    """Carry out one cycle of a cell; return its figures, those of `Cycles` by name."""
    begun, device = time.process_time(), cell.device
    down = cell.reset()
    high, high_half = cell.read(), cell.read(HALF)
    gap, jump = gaps(device)
    up = cell.set()
    return {
        "hrs": high,
        "hrs_half": high_half,
        "lrs": cell.read(),
        "lrs_half": cell.read(HALF),
        "v_set": up.switched,
        "v_reset": down.peak_voltage,
        "i_reset": down.peak,
        "hottest": max(up.hottest, down.hottest),
        "vacancies": vacancies(device),
        "gap": gap,
        "jump": jump,
        "events": up.events,
        "share": up.share,
        "steps": up.steps,
        "cpu": time.process_time() - begun,
    }


def summary(found):
    """Return a line about cycles, for a search of numbers."""
    high, low = (listed(x / 1e3, "{:.3g}") for x in (found.hrs, found.lrs))
    volts, drop = (listed(x, "{:.2f}") for x in (found.v_set, found.v_reset))
    spreads = (middle(found.spread(name)) for name in ("hrs", "lrs"))
    return (
        f"HRS {high} LRS {low} kohm (5, 50, 95 %), sd {' '.join(f'{value:.2f}' for value in spreads)}, "
        f"R(.1)/R(.5) {middle(found.hrs / found.hrs_half):.1f}, V_SET {volts} V_RESET {drop} V, "
        f"not set {np.isnan(found.v_set).mean():.0%}, window {np.mean(found.window >= 10):.0%}, "
        f"gap {middle(found.gap):.0f} ({middle(found.jump):.1f}), T {middle(found.hottest, 1.0):.0f} K, "
        f"n {middle(found.vacancies[:, 0]):.0f} to {middle(found.vacancies[:, -1]):.0f}, "
        f"{middle(found.cpu):.2f} s a cycle"
    )


def middle(values, share=0.5):
    """Return a quantile of the finite values, NaN where there is none."""
    found = clean(np.ravel(values))
    return float(np.quantile(found, share)) if len(found) else np.nan


def listed(values, form):
    """Return the 5, 50 and 95 % quantiles as text."""
    return ", ".join(form.format(middle(values, share)) for share in (0.05, 0.5, 0.95))
