"""What is done to one device for the table: each task takes plain numbers and fills a dict of plain numbers.

A task that runs out of CPU time or events leaves what it has and says so under "stopped".
"""

import time
from pathlib import Path

import numpy as np
from cell import REACHED, Cell, OutOfTime, formed, gap, shape_of

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

LONGEST = 1e4  # s of device time at a constant voltage
PULSES = 80


def form(out, protocol, folder, *, seed, thickness=None, width=None, rate=None):
    """Ramp up until the compliance; verified, and kept for other tasks, at the protocol's own rate."""
    sizes = {key: value for key, value in (("thickness", thickness), ("width", width)) if value}
    if rate is None:
        cell, told = formed(seed, protocol, folder, **sizes)
        out.update(told)
        out["vacancies"] = cell.device.count(VACANCY.code)
        return
    cell = Cell(seed, protocol, **sizes)
    limit = REACHED * protocol.forming_compliance
    cell.circuit(protocol.forming_compliance)
    _, trace = cell.apply(Waveform.ramp(protocol.forming_limit, rate), limit=limit)
    reached = trace[-1, 2] >= limit
    out["voltage"] = cell.device.source_voltage if reached else None
    out["time"], out["events"] = cell.device.time, cell.device.events


def stress(out, protocol, folder, *, seed, voltage):
    """Hold a fresh device at a constant voltage until the compliance; ``time`` is None if it never comes."""
    cell = Cell(seed, protocol)
    cell.circuit(protocol.forming_compliance)
    limit = REACHED * protocol.forming_compliance
    _, trace = cell.apply(Waveform.constant(voltage, LONGEST), limit=limit, samples=50)
    out["time"] = float(trace[-1, 0]) if trace[-1, 2] >= limit else None
    out["events"] = cell.device.events


def cycles(out, protocol, folder, *, seed, number):
    """Form with verify, then RESET and SET ``number`` times."""
    cell, out["form"] = formed(seed, protocol, folder)
    out["cycles"] = []
    for _ in range(number):
        cell.deadline = time.process_time() + protocol.patience
        off = cell.reset()
        on = cell.set()
        out["cycles"].append({"reset": off, "set": on, "vacancies": cell.device.count(VACANCY.code)})


def ladder(out, protocol, folder, *, seed, compliances):
    """Form, then RESET and SET at each compliance (A), from the smallest."""
    cell, out["form"] = formed(seed, protocol, folder)
    cell.deadline = time.process_time() + 2 * protocol.patience
    out["rungs"], last = [], protocol.compliance
    for compliance in sorted(compliances):
        cell.reset(compliance=last)
        told = cell.set(compliance)
        out["rungs"].append({"compliance": compliance} | told | shape_of(cell.device))
        last = compliance


def _off(cell, amplitude=None):
    """Take a formed cell through one cycle to a high resistance; return low and high resistance (ohm)."""
    cell.reset()
    cell.set()
    low = cell.resistance
    cell.reset(amplitude=amplitude)
    return low, cell.resistance


def transient(cell, voltage, low):
    """Hold at a voltage (V) until the device is on; return the times (s) of the transient.

    On is the compliance, or 80 % of the current at this voltage in the state of resistance ``low`` (ohm).

    Returns
    -------
    dict
        ``middle``: first time at the geometric mean of first and last current; ``tenth`` and ``ninety``:
        first times at 10 and 90 % of the last current; all None if the device never switched.
    """
    protocol, device = cell.protocol, cell.device
    cell.circuit(protocol.compliance)
    target = min(protocol.compliance, 0.8 * voltage / (protocol.series_resistance + low))
    chord = device.solved().chord(device.circuit, voltage)  # a gap is not ohmic
    first = chord * device.circuit.device_voltage(voltage, chord)
    events = device.events
    told = {"voltage": voltage, "middle": None, "tenth": None, "ninety": None, "stopped": None}
    if first >= REACHED * target:
        return told | {"stopped": "on from the start", "events": 0}
    hold = Waveform.constant(voltage, LONGEST)
    try:
        _, trace = cell.apply(hold, limit=REACHED * target, samples=50, wait=True)
    except (OutOfTime, EventBudgetError) as error:
        return told | {"stopped": str(error), "events": device.events - events}
    last = trace[-1, 2]
    if last >= REACHED * target:
        for name, level in (("middle", (first * last) ** 0.5), ("tenth", 0.1 * last), ("ninety", 0.9 * last)):
            told[name] = float(trace[np.flatnonzero(trace[:, 2] >= level)[0], 0])
    return told | {"events": device.events - events}


def set_times(out, protocol, folder, *, seed, voltages, repeats):
    """SET one high-resistance state at constant voltages (V), ``repeats`` times each."""
    cell, _ = formed(seed, protocol, folder)
    low, out["high"] = _off(cell)
    out["low"], out["gap"], state, out["runs"] = low, gap(cell.device), cell.keep(), []
    for k, voltage in enumerate(v for v in voltages for _ in range(repeats)):
        cell.again(state, k)
        cell.deadline = time.process_time() + protocol.patience / 4
        out["runs"].append(transient(cell, voltage, low))


def delays(out, protocol, folder, *, seed, resets, voltage, repeats):
    """SET several high-resistance states, made by RESETs to each of ``resets`` (V), at one voltage (V)."""
    cell, _ = formed(seed, protocol, folder)
    cell.reset()
    cell.set()
    low, on, out["states"] = cell.resistance, cell.keep(), []
    for amplitude in resets:
        cell.again(on)
        cell.deadline = time.process_time() + protocol.patience
        cell.reset(amplitude=amplitude)
        high, state, runs = cell.resistance, cell.keep(), []
        out["states"].append({"reset": amplitude, "low": low, "high": high, "runs": runs})
        for k in range(repeats):
            cell.again(state, k)
            cell.deadline = time.process_time() + protocol.patience / 4
            runs.append(transient(cell, voltage, low))


def train(out, protocol, folder, *, seed, fraction):
    """Pulses at ``fraction`` of this state's own SET voltage, each a twentieth of its SET time there."""
    cell, _ = formed(seed, protocol, folder)
    low, out["high"] = _off(cell)
    state = cell.keep()
    out["low"], out["set_voltage"] = low, cell.set()["voltage"]
    if out["set_voltage"] is None:
        out["stopped"] = "no SET in the sweep"
        return
    voltage = fraction * out["set_voltage"]
    cell.again(state)
    cell.deadline = time.process_time() + protocol.patience / 2
    once = transient(cell, voltage, low)
    out["amplitude"], out["alone"] = voltage, once["ninety"]
    if once["ninety"] is None:
        out["stopped"] = once["stopped"] or "no SET at the constant voltage"
        return
    cell.again(state)
    cell.deadline = time.process_time() + protocol.patience
    width = max(once["ninety"] / 20, 1e-11)
    out["width"], out["conductance"] = width, [cell.device.conductance]
    for _ in range(PULSES):
        cell.apply(Waveform.pulse(voltage, width, width / 10), samples=5, wait=True)
        out["conductance"].append(cell.device.conductance)
        if out["conductance"][-1] * low >= 0.8:
            break


def frozen(out, protocol, folder, *, seed):
    """Take layers off a formed filament, from the cathode, until no bond is left; nothing moves."""
    cell, _ = formed(seed, protocol, folder)
    device, sites = cell.device, vacant(cell.device)
    layer, spacing = device.lattice.layer[sites], device.material.lattice.spacing
    device.solved(refresh=True)  # so that the bonds of a state from a file have their disorder
    out["spacing"], out["resistance"] = spacing, []
    # A gap of k layers is crossed by bonds of k + 1 spacings.
    out["reach"] = int(device.material.conduction.cutoff / spacing * (1 + 1e-9))
    for removed in range(out["reach"] + 1):
        out["resistance"].append(solved(device, sites[layer >= removed]))


def vacant(device):
    """Return the host sites of the vacancies."""
    return np.flatnonzero(device.engine.species[: device.n_hosts] == VACANCY.code)


def solved(device, sites):
    """Return the resistance (ohm) of a device if its vacancies were on these sites."""
    device.fields.solve(np.asarray(sites, np.int32))
    return 1.0 / device.fields.solution.conductance


def area(out, protocol, folder, *, seed, factors):
    """Put one formed filament into boxes of other areas and solve them: ``area`` (m2) and ``low`` (ohm)."""
    cell, _ = formed(seed, protocol, folder)
    device = cell.device
    x, y, z = np.unravel_index(vacant(device), device.shape)
    out["area"], out["low"] = [], []
    for factor in factors:
        box = Device(device.material, protocol.thickness, protocol.width * factor**0.5, seed=seed)
        nx, ny = box.shape[:2]
        moved = (x + nx // 2 - device.shape[0] // 2, y + ny // 2 - device.shape[1] // 2, z)
        out["area"].append(nx * ny * box.material.lattice.spacing**2)
        out["low"].append(solved(box, np.ravel_multi_index(moved, box.shape, mode="wrap")))


def tiles(out, protocol, folder, *, seed, sides):
    """Put a fresh device side by side with itself, ``sides`` times along x and y, and solve it.

    ``area`` (m2), ``fresh`` (ohm) and ``single``: the same with its vacancies only once (ohm).
    """
    device = Cell(seed, protocol).device
    x, y, z = np.unravel_index(vacant(device), device.shape)
    out["area"], out["fresh"], out["single"] = [], [], []
    for side in sides:
        box = Device(device.material, protocol.thickness, protocol.width * side, seed=seed)
        shift = np.arange(side) * device.shape[0]
        places = np.broadcast_arrays(
            x[:, None, None] + shift[:, None], y[:, None, None] + shift, z[:, None, None]
        )
        out["area"].append(box.width**2)
        out["fresh"].append(solved(box, np.ravel_multi_index(places, box.shape).ravel()))
        out["single"].append(solved(box, np.ravel_multi_index((x, y, z), box.shape)))


ALL = (form, stress, cycles, ladder, set_times, delays, train, frozen, area, tiles)
TASKS = {task.__name__: task for task in ALL}


def carry_out(name, arguments, protocol, folder):
    """Do one task in this process and return its dict, with its CPU time (s)."""
    began, out = time.process_time(), {}
    try:
        TASKS[name](out, protocol, Path(folder), **arguments)
    except (OutOfTime, EventBudgetError, ArithmeticError) as error:
        out["stopped"] = str(error)
    return out | {"cpu": time.process_time() - began}
