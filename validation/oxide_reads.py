"""What reads, small pulses and SETs do to the states of small oxide cells; traps put beside them."""

import copy
import math

import numpy as np
from oxide_cell import READ, again, cells

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.occupation import occupation, set_electrons
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

READS, SETS = (0.2, 0.25, 0.3, 0.35, 0.4), (0.5, 0.6, 0.7, 0.8)  # V
TRAIN = 0.7  # V, of reads in pulses
LONGEST = 3e10  # s
STOPS = (-1.0, -1.2, -1.4, -1.6, -1.8)  # V, of RESET


# ---------------------------------------------------------------- traps


def with_traps(name, volume, number):
    """Return a set with so many electron traps (of HfO2-traps) in a volume (m3) on average."""
    document = copy.deepcopy(Material.load(name).document())
    document["trap"] = copy.deepcopy(Material.load("HfO2-traps").document()["trap"])
    document["mechanisms"] = [*document["mechanisms"], "electron capture"]
    return Material(document, f"{name} with traps").with_values({"trap.density": number / volume})


def transplant(atoms, device):
    """Give a device with traps the atoms of one without, and its bonds where these are disordered."""
    species = device.engine.species.copy()
    species[: device.n_hosts] = atoms.engine.species[: device.n_hosts]
    device.arrange(species=species, **atoms.oxide())


def occupied(device, voltage=READ):
    """Return conductance (uS) and fraction of the time of each state of the traps, None beyond 64 states."""
    found = occupation(device, device.solver, voltage)
    if found is None:
        return None
    values = []
    for state in found.states:
        set_electrons(device, state)
        values.append(1e6 * device.current(READ) / READ)
    return np.array(values), found.share


def power(atoms, device):
    """Return the noise power, variance over squared mean of the conductance, of atoms among given traps."""
    transplant(atoms, device)
    found = occupied(device)
    if found is None:
        return 0.0
    g, share = found
    mean = g @ share
    return float(share @ (g - mean) ** 2 / mean**2)


def quieted(name, seeds, twins=6):
    """Return noise powers of cells before and after 30 small pulses against a partial RESET, shape (n, 2).

    Each cell stands at 40 and at 20 uS, among ``twins`` draws of three traps; a power below 1e-8, one part in
    1e4 of the current, is called quiet and left out.
    """
    known = []
    for cell in cells(name, seeds):
        device = cell.device
        noisy = with_traps(name, device.thickness * device.width**2, 3.0)
        made = [Device(noisy, device.thickness, device.width, seed=100 + k, cache=64) for k in range(twins)]
        state = device.state()
        for run, target in enumerate((40.0, 20.0)):
            again(device, state, run)
            if not partial(cell, target):
                continue
            before = [power(device, twin) for twin in made]
            cell.circuit()
            for volts in (0.3, 0.4, 0.5) * 10:
                try:
                    device.advance(Waveform.pulse(volts, 1e-4, 1e-6), samples=2, budget=2000)
                except EventBudgetError:
                    break
            after = [power(device, twin) for twin in made]
            known += [pair for pair in zip(before, after, strict=True) if pair[0] > 1e-8]
    return np.array(known).reshape(-1, 2)


def partial(cell, target):
    """RESET by growing pulses until the conductance (uS) is below a target; return whether it is near."""
    cell.circuit()
    for amplitude in np.arange(-0.4, -2.0, -0.05):
        try:
            cell.device.advance(
                Waveform.pulse(amplitude, 1e-6, 1e-8),
                samples=3,
                budget=5000,
                stop=lambda _, __: 1e6 / cell.resistance < target,
            )
            if cell.device.source_voltage:
                down = Waveform.ramp(0.0, 1e9, start=cell.device.source_voltage)
                cell.device.advance(down, samples=2, budget=5000)
        except EventBudgetError:
            return False
        if 1e6 / cell.resistance < target:
            return 1e6 / cell.resistance > target / 4
    return False


# ---------------------------------------------------------------- disturbs and SETs


def disturbs(name, seeds, budget):
    """Return log10 of the times (s) to twice the conductance of HRS, a median of three runs a voltage.

    Returns
    -------
    dict of float to ndarray of shape (devices,)
        By voltage (V); a wait ends at `LONGEST` or after so many events as the budget, and is as long then.
    ndarray of shape (devices,)
        log10 of the read time in pulses of `TRAIN` with as long rests, less that of the hold there.
    """
    logs, trains = {v: [] for v in (*READS, *SETS)}, []
    for cell in cells(name, seeds):
        on, high = cell.resistance, cell.off()
        if high < 4 * on:
            continue
        state = cell.device.state()
        for voltage, values in logs.items():
            waits = []
            for run in range(3):
                again(cell.device, state, run)
                waits.append(_doubled(cell, voltage, high, budget))
            values.append(float(np.median(np.log10(waits))))
        held = logs[TRAIN][-1]
        trains.append(_by_pulses(cell, state, high, held, budget) - held)
    return {v: np.array(one) for v, one in logs.items()}, np.array(trains)


def _doubled(cell, voltage, high, budget):
    """Return the time (s) at a voltage until the conductance is twice that of the state."""
    start = cell.device.time
    try:
        wait = cell.time_to(voltage, lambda g: g * high > 2, budget=budget)
    except EventBudgetError:
        wait = cell.device.time - start
    return min(wait, LONGEST)


def _by_pulses(cell, state, high, log, budget):
    """Return log10 of the read time (s) at `TRAIN` until the conductance has doubled, in 1 % reads."""
    width, waits = 10**log / 100, []
    for run in range(3, 6):
        again(cell.device, state, run)
        cell.circuit(cell.protocol.compliance)
        train = Waveform.train(TRAIN, width, 2 * width, 3000, width / 1000)
        start = cell.device.time
        cell.device.advance(train, samples=2, budget=budget, stop=lambda *_: cell.resistance < high / 2)
        waits.append((cell.device.time - start) / 2)
    return float(np.median(np.log10(waits)))


def set_voltages(name, seeds, cycles):
    """Return log10 of HRS (ohm) and the voltage (V) of the SET that follows, of cycles at each stop of RESET.

    Each SET starts from a RESET of its own of the first LRS, with other random numbers; one that does not
    reach the limit by 3.5 V is left out.
    """
    pairs = []
    for cell in cells(name, seeds):
        on = cell.device.state()
        for k in range(cycles):
            for n, stop in enumerate(STOPS):
                again(cell.device, on, k * len(STOPS) + n)
                high, top = cell.off(stop), cell.set_voltage(3.5)
                if top < 3.49:
                    pairs.append((math.log10(high), top))
    return np.array(pairs).T
