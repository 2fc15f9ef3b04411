"""States of cycled devices, and what they do from there: levels, limits, SET times, temperature, traps."""

import copy
from dataclasses import dataclass, field

import numpy as np
from device_cell import FAILED, READ, Cell, Setting, Watch, devices, for_each

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import FILLED_TRAP, TRAP
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.mechanisms.traps import nearest_nodes
from frenkel.kinetic.waveform import Waveform

DENSE = 5e27  # traps per m3: one in ten sites between the atoms
CLOSE = 0.6e-9  # m: traps this near to a conducting vacancy act on the current


@dataclass(kw_only=True)
class Prepared:
    """A device after some cycles, with its states.

    Parameters
    ----------
    material, seed, setting : Material, int, Setting
    high, low : list of bytes
        States after RESET and after the SET that followed it, one per cycle kept.
    cut : str
        Why it was cut short, "" if it was not.
    """

    material: Material
    seed: int
    setting: Setting
    high: list = field(default_factory=list)
    low: list = field(default_factory=list)
    cut: str = ""

    def cell(self, budget=None, temperature=None):
        """Return a cell to put the states into, perhaps at another temperature (K)."""
        cell = Cell(self.material, self.seed, self.setting, budget, temperature)
        cell.circuit()
        return cell


def prepare(material, seeds, cycles=3, *, keep=1, numbers=None, budget=None, workers=None, **setting):
    """Cycle one device per seed and keep the states of its last cycles.

    Parameters
    ----------
    material, seeds, cycles, numbers, budget, workers, **setting
        As of `device_cycles.cycles`.
    keep : int
        Cycles at the end whose states are kept.

    Returns
    -------
    list of Prepared
        One per seed; a device that did not SET in a cycle lacks both states of it.
    """
    return for_each(
        _prepared, devices(material, seeds, numbers), workers, Setting(**setting), cycles, keep, budget
    )


def _prepared(setting, cycles, keep, budget, one):
    material, seed = one
    cell = Cell(material, seed, setting, budget)
    found = Prepared(material=material, seed=seed, setting=setting)
    try:
        if setting.form_limit is not None:
            cell.form()
        for left in range(cycles, 0, -1):
            cell.reset()
            high = cell.keep()
            done = cell.set()
            if left <= keep and not np.isnan(done.switched):
                found.high.append(high)
                found.low.append(cell.keep())
    except FAILED as error:
        found.cut = str(error)
    return found


def levels(prepared, stops=(1.0, 1.2, 1.4, 1.6, 1.8, 2.0), *, budget=None, workers=None):
    """Return R at 0.1 V (ohm) after RESETs of the same LRS to several stops (V), shape (states, stops).

    A RESET that ran out of CPU time gives NaN.
    """
    found = for_each(_levels, prepared, workers, tuple(stops), budget)
    return np.array([row for rows in found for row in rows]).reshape(-1, len(stops))


def _levels(stops, budget, one):
    def stopped(cell, stop):
        cell.reset(stop)
        return cell.read()

    return _each(one.cell(), one.low, stops, budget, stopped)


def _each(cell, states, values, budget, measure):
    """Return what is measured from each state at each value, NaN where the CPU time ran out."""
    rows = np.full((len(states), len(values)), np.nan)
    for row, state in zip(rows, states, strict=True):
        for k, value in enumerate(values):
            cell.allow(budget)
            cell.again(state, k)
            try:
                row[k] = measure(cell, value)
            except FAILED:
                pass
    return rows


def limits(prepared, currents=(1e-5, 3e-5, 1e-4, 2e-4), *, budget=None, workers=None):
    """Return R I_c (V) after SETs of the same HRS held at several limits (A), shape (states, limits).

    A SET that failed gives infinity, one that ran out of CPU time NaN.
    """
    found = for_each(_limits, prepared, workers, tuple(currents), budget)
    return np.array([row for rows in found for row in rows]).reshape(-1, len(currents))


def _limits(currents, budget, one):
    def held(cell, limit):
        done = cell.set(limit)
        return np.inf if np.isnan(done.switched) else cell.read() * limit

    return _each(one.cell(), one.high, currents, budget, held)


# ---------------------------------------------------------------- SET at constant voltage


@dataclass(frozen=True, kw_only=True)
class SetTimes:
    """Times to SET at constant voltage from HRS states.

    Parameters
    ----------
    voltages : (v,) array
        Source voltage (V).
    hrs : (m,) array
        Resistance of each state at 0.1 V (ohm).
    time : (m, v) array
        Time (s) at which the state was at the limit and three times lower; where ``waiting``, the time at
        which it still had not been: the longest wait, or where the CPU time ended.
    waiting : (m, v) array of bool
    capped : (m, v) array of bool
        Waiting for want of CPU time.
    """

    voltages: np.ndarray
    hrs: np.ndarray
    time: np.ndarray
    waiting: np.ndarray
    capped: np.ndarray


def set_times(prepared, voltages=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0), *, longest=1e6, budget=5.0, workers=None):
    """Hold HRS states at constant voltages until they SET.

    Parameters
    ----------
    prepared : list of Prepared
    voltages : sequence of float
        Source voltages (V).
    longest : float
        Longest wait (s).
    budget : float
        CPU time (s) of each wait.
    workers : int, optional

    Returns
    -------
    SetTimes
    """
    rows = for_each(_set_times, prepared, workers, tuple(voltages), longest, budget)
    rows = [row for one in rows for row in one]
    columns = (np.array([row[k] for row in rows]) for k in range(1, 4))
    time, waiting, capped = (column.reshape(-1, len(voltages)) for column in columns)
    hrs = np.array([row[0] for row in rows])
    return SetTimes(voltages=np.array(voltages), hrs=hrs, time=time, waiting=waiting, capped=capped)


def _set_times(voltages, longest, budget, one):
    cell, limit, found = one.cell(), one.setting.limit, []
    for high in one.high:
        cell.again(high)
        resistance, rows = cell.read(), []
        for k, voltage in enumerate(voltages):
            cell.allow(budget)
            cell.again(high, k)
            cell.circuit(limit)
            watch, capped = Watch(limit, high=resistance, end=True), False
            try:
                cell.apply(Waveform.constant(voltage, longest), watch)
            except FAILED:
                capped = True
            waiting = bool(np.isnan(watch.after))
            rows.append((cell.device.time if waiting else watch.after, waiting, capped))
        found.append((resistance, *zip(*rows, strict=True)))
    return found


# ---------------------------------------------------------------- temperature and traps


def resistances(prepared, temperatures=(300.0, 350.0, 400.0), state="high"):
    """Return R at 0.1 V (ohm) of the same arrangements at temperatures (K), (states, temperatures)."""
    rows = []
    for one in prepared:
        cells = [one.cell(temperature=temperature) for temperature in temperatures]
        for kept in getattr(one, state):
            for cell in cells:
                cell.again(kept)
            rows.append([cell.read() for cell in cells])
    return np.array(rows).reshape(-1, len(temperatures))


def with_traps(material):
    """Return a set with many electron traps, its own or those of HfO2-traps, to be tried one by one."""
    if not material.has("trap"):
        document = copy.deepcopy(material.document())
        document["trap"] = copy.deepcopy(Material.load("HfO2-traps").document()["trap"])
        document["mechanisms"] = [*document["mechanisms"], "electron capture"]
        material = Material(document, f"{material.name} with traps")
    return material.with_values({"trap.density": DENSE})


def trap_steps(prepared):
    """Return what single filled traps near the filament do to LRS and HRS.

    Returns
    -------
    list of tuple
        State ("low" or "high"), its resistance (ohm) with all traps empty, and the relative changes of R, one
        for each trap within `CLOSE` of a conducting vacancy.
    """
    rows = []
    for one in prepared:
        size = one.setting.size, one.setting.width or one.setting.size
        device = Device(with_traps(one.material), *size, seed=one.seed)
        source = one.cell()
        for state in ("low", "high"):
            for kept in getattr(one, state):
                source.again(kept)
                rows.append((state, *_trap_steps(source.device, device)))
    return rows


def _trap_steps(source, device):
    # The disorder is drawn before the traps, from the same stream: host sites are alike.
    species = device.engine.species
    species[: device.n_hosts] = source.engine.species[: device.n_hosts]
    traps = device.chemistry.traps
    species[traps] = TRAP.code
    device.arrange(species=species)
    empty = READ / device.current(READ)
    nodes = device.fields.nodes()[0]
    if not len(nodes):
        return empty, np.zeros(0)
    away = nearest_nodes(device.lattice, traps, nodes)[1]
    steps = []
    for trap in traps[away < CLOSE]:
        filled = species.copy()
        filled[trap] = FILLED_TRAP.code
        device.arrange(species=filled)
        steps.append(READ / device.current(READ) / empty - 1.0)
    return empty, np.array(steps)
