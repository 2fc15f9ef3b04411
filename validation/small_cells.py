"""Short measurements on small cells: a sweep to the current limit, a hold, what is left at 0 V."""

import numpy as np

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

BUDGET = 60_000
REACHED = 0.999


def without(name, section):
    """Return a packaged material less one of its sections."""
    document = Material.load(name).document()
    document.pop(section)
    return Material(document, name)


def cell(material, layers, width, seed, compliance=None):
    """Return a device of so many layers and so many sites width behind a current limit (A)."""
    a = material.lattice.spacing
    return Device(material, layers * a, width * a, seed=seed, circuit=Circuit(compliance=compliance))


def sweep(device, stop, rate, compliance, budget=BUDGET):
    """Raise the voltage (V) at a rate (V/s) until the current (A) is reached; return where, NaN if never."""
    reached = []

    def limit(_, current):
        if abs(current) >= REACHED * compliance:
            reached.append(device.source_voltage)
        return bool(reached)

    advance(device, Waveform.ramp(stop, rate), 50, budget, limit)
    return reached[0] if reached else np.nan


def wait(device, voltage, longest, compliance, budget=BUDGET):
    """Hold a voltage (V) until the current (A) is reached; return the time (s), NaN if never."""
    begin, reached = device.time, []

    def limit(_, current):
        if abs(current) >= REACHED * compliance:
            reached.append(device.time - begin)
        return bool(reached)

    advance(device, Waveform.constant(voltage, longest), 50, budget, limit)
    return reached[0] if reached else np.nan


def hold(device, voltage, duration, samples=60, budget=BUDGET):
    """Hold a voltage (V) for a time (s); return time since then (s) and conductance (S)."""
    begin = device.time
    sample = advance(device, Waveform.constant(voltage, duration), samples, budget).sample
    return sample["time"] - begin, sample["conductance"]


def fall(device, rate, budget=BUDGET):
    """Lower the voltage to 0 V at a rate (V/s)."""
    if device.source_voltage != 0.0:
        advance(device, Waveform.ramp(0.0, rate, start=device.source_voltage), 20, budget)


def advance(device, waveform, samples, budget, stop=None):
    """Apply a waveform with a budget of events; running out of it says where."""
    try:
        return device.advance(waveform, samples=samples, stop=stop, budget=budget)
    except EventBudgetError as error:
        raise EventBudgetError(f"{device.material.name}, seed {device.seed}: {error}") from error


def median(values):
    """Return median and its standard error (1.25 s / sqrt(n)) of the finite values."""
    found = np.asarray(values, float)
    found = found[np.isfinite(found)]
    if not len(found):
        return np.nan, np.nan
    error = 1.25 * found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.nan
    return float(np.median(found)), float(error)
