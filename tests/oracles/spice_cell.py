"""A cell that is cycled on ramps, in ngspice or by scipy, and the features that it shows."""

import itertools
import subprocess

import numpy as np
from compact_models import integrate
from gap_equation import GapEquation

AMPLITUDE = 2.5
"""Of both ramps [V]."""

LEG = AMPLITUDE / 1e5
"""Time of a ramp at 0.1 MV/s [s]; a cycle is RESET up and down, SET up and down."""

CYCLE = 4.2 * LEG


def corners(cycles):
    """Return times [s] and voltages [V] of the corners, RESET first, with a rest before each cycle."""
    times, volts = [0.0], [0.0]
    for c in range(cycles):
        start = c * CYCLE + 0.2 * LEG
        times += [start, start + LEG, start + 2 * LEG, start + 3 * LEG, start + 4 * LEG]
        volts += [0.0, -AMPLITUDE, 0.0, AMPLITUDE, 0.0]
    return np.array(times), np.array(volts)


def features(times, volts, currents):
    """Return the features of one cycle, from samples on its ramps."""
    turn = [np.searchsorted(times, times[0] + n * LEG) for n in range(5)]
    legs = [slice(a, b) for a, b in itertools.pairwise(turn)]
    found = {
        "hrs": 0.1 / read(volts[legs[2]], currents[legs[2]]),
        "lrs": 0.1 / read(volts[legs[3]][::-1], currents[legs[3]][::-1]),
        "reset_voltage": -first_peak(-volts[legs[0]], -currents[legs[0]]),
    }
    rise = volts[legs[2]]
    # What the current would be in HRS and in LRS at each voltage of the SET ramp.
    high = np.sinh(rise / 0.25) / np.sinh(0.4) * 0.1 / found["hrs"]
    low = high * found["hrs"] / found["lrs"]
    crossed = int(np.argmax((currents[legs[2]] > np.sqrt(high * low)) & (rise > 0.2)))
    pair = slice(crossed - 1, crossed + 1)
    over = np.log(currents[legs[2]][pair]) - 0.5 * np.log(high[pair] * low[pair])
    found["set_voltage"] = float(np.interp(0.0, over, rise[pair]))
    return found


def first_peak(volts, values):
    """Return where the first maximum is after which values fall by 1 %, by a parabola of three samples."""
    highest = np.maximum.accumulate(values)
    top = int(np.argmax(values[: np.argmax(values < 0.99 * highest)]))
    curve = np.polyfit(volts[top - 1 : top + 2] - volts[top], values[top - 1 : top + 2], 2)
    return float(volts[top] - 0.5 * curve[1] / curve[0])


def read(volts, currents):
    """Return the current at 0.1 V on a rising ramp."""
    near = slice(*np.searchsorted(volts, [0.02, 0.3]))
    return float(np.exp(np.interp(0.1, volts[near], np.log(currents[near]))))


def by_scipy(core, drawn, cycle):
    """Return the features that the rate equation shows in one cycle."""
    cell = GapEquation(core=core, **{name: float(v[cycle]) for name, v in core.cells(drawn).items()})
    times, volts = corners(1)
    grid = np.linspace(times[1], times[-1], 1601)
    _, currents = integrate(cell, lambda t: np.interp(t, times, volts), grid, cell.gap_min, corners=times)
    return features(grid, np.interp(grid, times, volts), currents)


def by_ngspice(program, folder, model, sources, cycles, load=""):
    """Return the features that ngspice shows in each cycle.

    `model` is the text of the subcircuit, or of the device and its model where `load` names a compiled one.
    """
    times, volts = corners(cycles)
    wave = " ".join(f"{t:.9g} {v:g}" for t, v in zip(times, volts, strict=True))
    circuit = f"""cell
{model}
{sources}
vp p 0 pwl({wave})
.options reltol=1e-4
.control
{load}
tran {LEG / 400:g} {times[-1]:g} 0 {LEG / 400:g}
set wr_singlescale
wrdata out.txt v(p) i(vp)
quit
.endc
.end
"""
    (folder / "cell.cir").write_text(circuit)
    run = subprocess.run([program, "-b", "cell.cir"], cwd=folder, capture_output=True, text=True, timeout=50)
    assert (folder / "out.txt").exists(), run.stdout[-2000:] + run.stderr[-2000:]
    table = np.loadtxt(folder / "out.txt")
    found = []
    for c in range(cycles):
        begin = c * CYCLE + 0.2 * LEG
        part = table[(table[:, 0] >= begin - 1e-12) & (table[:, 0] <= begin + 4 * LEG + 1e-12)]
        found.append(features(part[:, 0], part[:, 1], -part[:, 2]))
    return found
