"""A passive crossbar of exported cells as a netlist: read, half-select pulse, read."""

import subprocess

import numpy as np
from spice_bench import NGSPICE, VACASK, _words, compile_module, raw

SEGMENT = 2.5
"""Resistance of a line segment [ohm]."""

READ, GAP, EDGE = 1e-7, 1e-7, 1e-9
"""Length of a read, of a pause, of an edge [s]."""


def netlist(card, route, features, gaps, voltages, pulse, folder):
    """Write a netlist; return the command that runs it.

    The word lines are driven from the left, the bit lines end at the bottom; their other ends are open.
    `voltages`: of the word lines in both reads; `pulse`: word line, bit line, amplitude, width.
    """
    compile_module(card, folder)
    m, n = gaps.shape
    wave = _waves(m, n, voltages, *pulse)
    end = 2 * READ + 3 * GAP + pulse[3]
    step = min(READ, pulse[3]) / 50
    spice = route == "osdi"
    lines = []
    for name, (times, volts) in wave.items():
        lines.append(_source(name, times, volts, spice))
    for i in range(m):
        for j in range(n):
            left = f"w{i}" if j == 0 else f"w{i}_{j - 1}"
            below = f"b{j}" if i == m - 1 else f"b{i + 1}_{j}"
            lines += [_resistor(f"rw{i}_{j}", left, f"w{i}_{j}", spice)]
            lines += [_resistor(f"rb{i}_{j}", f"b{i}_{j}", below, spice)]
            cell = {
                "lnhrs": np.log(features["hrs"][i, j]),
                "lnlrs": np.log(features["lrs"][i, j]),
                "vset": features["set_voltage"][i, j],
                "vreset": -features["reset_voltage"][i, j],
                "gini": 1e9 * gaps[i, j],
            }
            ends = f"w{i}_{j} b{i}_{j}"
            lines.append(
                f"n{i}_{j} {ends} 0 0 0 0 cellmod {_words(cell)}"
                if spice
                else f"x{i}_{j} ({ends} 0 0 0 0) cell {_words(cell)}"
            )
    text = (_NGSPICE if spice else _VACASK).format(
        circuit="\n".join(lines), step=step, end=end, saved=" ".join(f"i(vb{j})" for j in range(n))
    )
    (folder / ("array.cir" if spice else "array.sim")).write_text(text)
    if spice:
        (folder / ".spiceinit").write_text("osdi cell.osdi\n")
    return [NGSPICE, "-b", "array.cir"] if spice else [VACASK, "array.sim"]


def run(command, folder, n):
    """Run a netlist; return the currents out of the bit lines [A] in the middle of each read, (2, n)."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if command[-1] == "array.cir":
        assert (folder / "array.txt").exists(), done.stdout[-1000:] + done.stderr[-1000:]
        table = np.loadtxt(folder / "array.txt")
        times, currents = table[:, 0], table[:, 1:]
    else:
        assert (folder / "tran1.raw").exists(), done.stdout[-1000:] + done.stderr[-1000:]
        found = raw(folder / "tran1.raw")
        times, currents = (
            found["time"],
            np.stack([found[f"vb{j}:flow(br)"] for j in range(n)], axis=1),
        )
    moments = np.array([0.5 * READ, times[-1] - 0.5 * READ])
    # Positive into the bit line's end, which is at 0 V.
    return np.stack([np.interp(moments, times, column) for column in currents.T], axis=1)


def _waves(m, n, voltages, word, bit, amplitude, width):
    start = READ + GAP
    second = start + width + GAP
    found = {}
    for i in range(m):
        v = voltages[i]
        middle = [0.5 * amplitude if i == word else 0.0] * 2
        found[f"w{i}"] = _corners(start, width, second, v, middle)
    for j in range(n):
        middle = [-0.5 * amplitude if j == bit else 0.0] * 2
        found[f"b{j}"] = _corners(start, width, second, 0.0, middle)
    return found


def _corners(start, width, second, read, pulse):
    # All at 0 V at first: the operating point is where a state would rest at the voltages of time 0.
    times = [0.0, EDGE, READ, READ + EDGE, start, start + EDGE, start + width, start + width + EDGE]
    times += [second, second + EDGE, second + READ + GAP]
    return times, [0.0, read, read, 0.0, 0.0, *pulse, 0.0, 0.0, read, read]


def _source(name, times, volts, spice):
    if spice:
        return (
            f"v{name} {name} 0 pwl({' '.join(f'{t:.9g} {v:.9g}' for t, v in zip(times, volts, strict=True))})"
        )
    wave = ",".join(f"{t:.9g},{v:.9g}" for t, v in zip(times, volts, strict=True))
    return f'v{name} ({name} 0) vsource type="pwl" wave=[{wave}]'


def _resistor(name, one, two, spice):
    return f"{name} {one} {two} {SEGMENT}" if spice else f"{name} ({one} {two}) r r={SEGMENT}"


_NGSPICE = """array
{circuit}
.model cellmod frenkel_cell
.options reltol=1e-4 klu
.save {saved}
.control
tran {step:.9g} {end:.9g} 0 {step:.9g}
set wr_singlescale
wrdata array.txt {saved}
quit
.endc
.end
"""

_VACASK = """array
ground 0
load "cell.osdi"
load "spice/resistor.osdi"
model vsource vsource
model r sp_resistor
model cell frenkel_cell
{circuit}
control
  options reltol=1e-4
  analysis tran1 tran step={step:.9g} stop={end:.9g} maxstep={step:.9g}
endc
"""
