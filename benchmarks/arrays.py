"""Cost of solving and programming arrays, side by side with badcrossbar and SciPy on the same resistors.

The task: n x n cells, half at 10 kohm and half at 1 Mohm, word lines driven from the left by random voltages,
bit lines held at 0 V at the bottom, r ohm per segment of both; find the voltage of every node and every
current.

- badcrossbar (MIT), if installed: `badcrossbar.compute` with its log off.
- SciPy: `spsolve` on the matrix of our checking solver, assembled beforehand; the factorisation and the solve
count.
- SuperLU: our checking solver in the order of our own nested dissection, assembly included.
- ngspice, if installed: one nonlinear write, the whole process.

Then what only we have beside it: nonlinear cells, the effective matrix, pulses on the clock with and without
a load line, transistor columns, fitted cells. CPU time of one thread, least of the repeats, taking turns in
one process.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import machine, write, write_table
from scipy.sparse.linalg import spsolve

from frenkel.array.columns import TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import ExponentialSelector, OneTransistorOneResistor, Transistor
from frenkel.array.crosstalk import ArrayHeat, Crosstalk
from frenkel.array.heat.geometry import CrossbarGeometry, HeatMaterial
from frenkel.array.lines import bias
from frenkel.array.lines.effective import effective_matrix
from frenkel.array.lines.network import Lines, Network, Solution
from frenkel.array.lines.newton import solve
from frenkel.array.lines.solvers import DirectSolver, LinearSolver, SchurSolver
from frenkel.cells.core import GapCore
from frenkel.cells.gap_cells import CardCells, Heat
from frenkel.cells.jumping_cells import JumpingCardCells
from frenkel.cells.jumps import JumpLaw
from frenkel.cells.resistors import LinearCells
from frenkel.events.clock import Clock
from frenkel.events.controller import Controller, Timing
from frenkel.events.programming import Blind, IncrementalPulses, program_all
from frenkel.threads import one_blas_thread

Floats = NDArray[np.float64]
HEADER = ["quantity", "ours", "peer", "ratio", "target", "note"]
# Of performance.md: least ratio to badcrossbar and to SciPy by size.
TARGET = {64: (80, 50), 128: (120, 90), 256: (120, 90)}
CELL = {"hrs": 1e6, "lrs": 1e4, "set_voltage": 0.9, "reset_voltage": -1.1}
"""Chosen, as of a card whose devices and cycles are all alike."""


def take_turns(
    actions: dict[str, Callable[[], Any]], repeats: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the least CPU seconds of each action and its last result; short actions run for 10 ms a turn."""
    least, last = dict.fromkeys(actions, np.inf), {}
    with one_blas_thread():
        for _ in range(repeats):
            for name, action in actions.items():
                inner = min(max(int(0.01 / least[name]), 1), 50)
                start = time.process_time()
                for _ in range(inner):
                    last[name] = action()
                least[name] = min(least[name], (time.process_time() - start) / inner)
    return least, last


def task(n: int, r: float) -> tuple[Floats, Floats, Lines, bias.Bias]:
    rng = np.random.default_rng(n)
    g = np.where(rng.random((n, n)) < 0.5, 1e-4, 1e-6)
    v = rng.random(n)
    return g, v, Lines(shape=(n, n), word_resistance=r, bit_resistance=r), bias.multiply(v, n)


def linear(network: Network, solver: LinearSolver, g: Floats) -> Solution:
    """Return what the line solver alone finds for linear cells, all lines with resistance."""
    zero = np.zeros_like(g)
    solver.factor(g)
    word, bit = solver.solve(*network.residual(zero, zero, zero))
    current = g * (word - bit)
    ends = network.terminals(word, bit, current)
    return Solution(word, bit, current, *ends, network, solver.iterations, 1, 0.0)


def linear_rows(sizes: list[int], resistances: list[float], repeats: int) -> Iterator[list[str]]:
    try:
        peer: Any = importlib.import_module("badcrossbar")
        logging.getLogger("badcrossbar").setLevel(logging.ERROR)
        logging.disable(logging.INFO)
    except ImportError:
        peer = None
        write("badcrossbar is not installed: its rows are left out.\n")
    for n in sizes:
        for r in resistances:
            yield from _one_size(n, r, repeats, peer)


def _one_size(n: int, r: float, repeats: int, peer: Any) -> Iterator[list[str]]:
    g, v, lines, the_bias = task(n, r)
    checking = DirectSolver(Network(lines, the_bias))
    checking.factor(g)
    network = checking.network
    word, bit = network.start()
    drive = np.concatenate([x.ravel() for x in network.residual(word, bit, np.zeros_like(g))])
    kept = Network(lines, the_bias)
    solver = SchurSolver(kept)
    actions: dict[str, Callable[[], Any]] = {
        "ours": lambda: linear(kept, solver, g),
        "ours, all new": lambda: linear(net := Network(lines, the_bias), SchurSolver(net), g),
        "SuperLU": lambda: linear(network, checking, g),
        "spsolve": lambda: spsolve(checking._matrix, drive),
    }
    if peer is not None:
        actions["badcrossbar"] = lambda: peer.compute(v[:, None], 1.0 / g, r)
    least, last = take_turns(actions, repeats)
    exact, found = last["SuperLU"], last["ours"]
    error = max(np.abs(exact.word - found.word).max(), np.abs(exact.bit - found.bit).max())
    ours = least["ours"]
    yield [
        f"n = {n}, r = {r:g}: ours",
        f"{1e3 * ours:.2f} ms",
        "all new: " + f"{1e3 * least['ours, all new']:.2f} ms",
        "",
        "error <= 1e-11 V",
        f"{found.iterations} iterations, error {error:.0e} V",
    ]
    for name in ("badcrossbar", "spsolve", "SuperLU"):
        if name in least:
            target = {"badcrossbar": TARGET[n][0], "spsolve": TARGET[n][1]}.get(name) if n in TARGET else None
            note = ""
            if name == "badcrossbar":
                output = np.ravel(last[name].currents.output)
                note = f"currents differ by {np.abs(output / found.sensed - 1).max():.0e}"
            yield [
                f"n = {n}, r = {r:g}: {name}",
                f"{1e3 * ours:.2f} ms",
                f"{1e3 * least[name]:.1f} ms",
                f"{least[name] / ours:.0f}",
                "" if target is None else f">= {target}",
                note,
            ]


def large_row(repeats: int) -> list[str]:
    g, _, lines, the_bias = task(1024, 5.0)
    network = Network(lines, the_bias)
    solver = SchurSolver(network)
    least, last = take_turns({"ours": lambda: linear(network, solver, g)}, repeats)
    tracemalloc.start()
    linear(network, SchurSolver(network), g)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return [
        "n = 1024, r = 5",
        f"{least['ours']:.2f} s",
        "CHOLMOD: arrays.md",
        "",
        "<= 250 MB",
        f"{last['ours'].iterations} iterations, {peak / 2**20:.0f} MB",
    ]


def nonlinear_cases(n: int) -> dict[str, Callable[[], Any]]:
    """Return one V/2 write of 2 V by kind of cell."""
    g, _, lines, _ = task(n, 5.0)
    network = Network(lines, bias.select((n, n), (n // 2, n // 2), 2.0))
    solver = SchurSolver(network)
    selector = Crossbar(LinearCells(g), lines, ExponentialSelector(saturation=1e-12, slope_voltage=0.05))

    def sinh(v0: float) -> Callable[[], Any]:
        def law(v: Floats) -> tuple[Floats, Floats]:
            s = np.sinh(v / v0)
            return g * v0 * s, g * np.sqrt(1.0 + s * s)

        return lambda: solve(network, solver, law, scale=v0)

    return {
        "sinh 0.25 V": sinh(0.25),
        "sinh 0.1 V": sinh(0.1),
        "1S1R": lambda: selector.solve(network.bias),
    }


def nonlinear_rows(repeats: int) -> Iterator[list[str]]:
    for n in (64, 128):
        least, last = take_turns(nonlinear_cases(n), repeats)
        for name, seconds in least.items():
            yield [
                f"nonlinear, n = {n}, {name}",
                f"{1e3 * seconds:.1f} ms",
                "",
                "",
                "<= 20 steps",
                f"{last[name].newton_steps} steps, {last[name].iterations} iterations",
            ]


def spice_row(n: int, repeats: int) -> Iterator[list[str]]:
    """The V/2 write of cells of sinh(V/0.25 V) by ngspice, whole process, KLU, where it is installed."""
    program = shutil.which("ngspice")
    if program is None:
        write("ngspice is not installed: its rows are left out.\n")
        return
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracles"))
    netlist = importlib.import_module("spice_lines").netlist
    g, _, lines, _ = task(n, 5.0)
    cells = SinhCells(g)
    crossbar, the_bias = Crossbar(cells, lines), bias.select((n, n), (n // 2, n // 2), 2.0)
    least, last = take_turns({"ours": lambda: crossbar.solve(the_bias)}, repeats)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "array.cir").write_text(netlist(cells, Network(lines, the_bias)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [program, "-b", "array.cir"], cwd=folder, capture_output=True, timeout=300, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        theirs = -np.loadtxt(Path(folder) / "out.txt", skiprows=1).ravel()[1 : n + 1]
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    error = np.abs(theirs - last["ours"].left).max() / np.abs(last["ours"].left).max()
    yield [
        f"nonlinear, n = {n}, sinh 0.25 V: ngspice (KLU, B sources)",
        f"{1e3 * least['ours']:.1f} ms",
        f"{spent:.2f} s",
        f"{spent / least['ours']:.0f}",
        f">= {60 if n == 64 else 100}",
        f"currents differ by {error:.0e} of the largest",
    ]


class SinhCells(LinearCells):
    """G V0 sinh(V/V0), V0 = 0.25 V."""

    scale = 0.25

    def sinh_law(self, where: Any = None) -> tuple[Floats, Floats]:
        return self.conductance * 0.25, np.full(self.shape, 0.25)

    def current(self, voltage: Floats, where: Any = None) -> tuple[Floats, Floats]:
        s = np.sinh(voltage / 0.25)
        return self.conductance * 0.25 * s, self.conductance * np.sqrt(1.0 + s * s)


def effective_rows(repeats: int) -> Iterator[list[str]]:
    n = 128
    g, _, lines, the_bias = task(n, 5.0)
    network = Network(lines, the_bias)
    solver = SchurSolver(network)
    matrix = effective_matrix(network, solver, g)
    vectors = np.random.default_rng(1).random((1000, n))
    crossbar = Crossbar(LinearCells(g), lines)
    least, _ = take_turns(
        {
            "matrix": lambda: effective_matrix(network, solver, g),
            "vectors": lambda: vectors @ matrix,
            "dense product": lambda: vectors @ g,
            "repeated": lambda: crossbar.multiply(vectors[:100]),
        },
        repeats,
    )
    yield ["effective matrix, n = 128", f"{1e3 * least['matrix']:.0f} ms", "", "", "<= 100 ms", ""]
    yield [
        "per vector, batch of 1000",
        f"{1e3 * least['vectors']:.2f} us",
        "product with G",
        f"{least['vectors'] / least['dense product']:.2f}",
        "<= 1.3",
        "",
    ]
    solved, matrix_wise = 10 * least["repeated"], least["matrix"] + least["vectors"]
    yield [
        "1000 vectors by the effective matrix; by a solve each, from the last",
        f"{1e3 * matrix_wise:.0f} ms",
        f"{1e3 * solved:.0f} ms",
        f"{solved / matrix_wise:.1f}",
        "",
        f"equal at {1e3 * least['matrix'] / solved:.0f} vectors",
    ]


def batch_rows(repeats: int) -> Iterator[list[str]]:
    """100 vectors at once: through the effective matrix, and by badcrossbar, where it is installed."""
    try:
        peer: Any = importlib.import_module("badcrossbar")
        logging.disable(logging.INFO)
    except ImportError:
        peer = None
    for n in (64, 128):
        g, _, lines, _ = task(n, 5.0)
        vectors, crossbar = np.random.default_rng(n).random((100, n)), Crossbar(LinearCells(g), lines)
        actions: dict[str, Callable[[], Any]] = {"ours": lambda c=crossbar, v=vectors: c.multiply(v)}
        if peer is not None:
            actions["badcrossbar"] = lambda v=vectors, g=g: peer.compute(v.T, 1.0 / g, 5.0)
        least, last = take_turns(actions, repeats)
        theirs = least.get("badcrossbar", np.nan)
        row = [f"100 vectors, n = {n}", f"{1e3 * least['ours']:.1f} ms", f"{1e3 * theirs:.0f} ms"]
        note = ""
        if peer is not None:
            output = np.asarray(last["badcrossbar"].currents.output)
            note = f"currents differ by {np.abs(output / last['ours'] - 1).max():.0e}"
        yield [*row, f"{theirs / least['ours']:.1f}", ">= 8", note]


def programming_rows(cells: int) -> Iterator[list[str]]:
    """Growing pulses with reads (ISPP), 1S1R: by the two lines of the cell alone, and by full solutions."""
    n, rates = 128, {}
    for name, use in (("two lines alone", True), ("full solutions", False)):
        selector = ExponentialSelector(saturation=1e-11, slope_voltage=0.06)
        array = Crossbar(cells_at(5e-6, n), task(n, 5.0)[2], selector, use_load_line=use)
        controller, count = Controller(Clock(), array, Timing(read_voltage=1.0)), cells if use else 8
        start = array.read((n // 2, n // 2), 1.0, 0.0)[0]
        rng, outcomes = np.random.default_rng(1), []
        goals = [
            (controller.cell((37 * k) % n, (53 * k) % n), float(start * rng.uniform(1.3, 5.0)))
            for k in range(count)
        ]
        scheme = IncrementalPulses(
            set_start=1.6, reset_start=-1.6, step=0.02, most=3.5, width=20e-9, tolerance=0.05
        )
        before = time.process_time()
        with one_blas_thread():
            controller.clock.run(controller.clock.process(program_all(goals, scheme, outcomes)))
        pulses = sum(one.pulses for one in outcomes)
        rates[name] = pulses / (time.process_time() - before)
        reached = sum(bool(one.reached) for one in outcomes)
        note = f"{pulses} pulses, {reached} of {count} cells reached, {array.solves} solves"
        target = ">= 1500/s" if use else ""
        yield [f"ISPP, 1S1R, n = {n}, {name}", f"{rates[name]:.0f}/s", "", "", target, note]
    ratio = rates["two lines alone"] / rates["full solutions"]
    yield ["two lines alone over full solutions", "", "", f"{ratio:.0f}", ">= 10", ""]


def heat_rows(cells: int, repeats: int) -> Iterator[list[str]]:
    """ISPP with heat between cells over the same without, in turns; a word line after the other."""
    n, width, number = 128, 20e-9, {}
    materials = {
        name: HeatMaterial(conductivity=conductivity, capacity=2.5e6)
        for name, conductivity in (("line", 50.0), ("oxide", 1.0), ("insulator", 1.4))
    }
    geometry = CrossbarGeometry(
        shape=(n, n), pitch=40e-9, line_width=20e-9, line_height=20e-9, cell_height=5e-9, filament=5e-9,
        spacer=20e-9, base=200e-9, cover=100e-9, **materials,
    )  # fmt: skip
    crosstalk = Crosstalk.of(geometry, 0)

    def rate(heated: bool) -> float:
        cells_of_core = CardCells(GapCore(), CELL, (n, n), heat=Heat(activation=1.0))
        cells_of_core.program(5e-6)
        heat = ArrayHeat(crosstalk, cells_of_core) if heated else None
        selector = ExponentialSelector(saturation=1e-11, slope_voltage=0.06)
        array = Crossbar(cells_of_core, task(n, 5.0)[2], selector, heat=heat)
        controller = Controller(Clock(), array, Timing(read_voltage=1.0))
        start, rng, outcomes = array.read((n // 2, n // 2), 1.0, 0.0)[0], np.random.default_rng(1), []
        goals = [(controller.cell(k // n, k % n), float(start * rng.uniform(1.3, 5.0))) for k in range(cells)]
        scheme = IncrementalPulses(
            set_start=1.6, reset_start=-1.6, step=0.02, most=3.5, width=width, tolerance=0.05
        )
        before = time.process_time()
        with one_blas_thread():
            controller.clock.run(controller.clock.process(program_all(goals, scheme, outcomes)))
        spent, pulses = time.process_time() - before, sum(one.pulses for one in outcomes)
        hottest = 0.0 if heat is None else heat.hottest
        number[heated] = f"{pulses} pulses, neighbours up to {hottest:.1f} K warmer"
        return pulses / spent

    rates = np.array([[rate(False), rate(True)] for _ in range(repeats)]).max(axis=0)
    yield [f"ISPP with heat, 1S1R, n = {n}", f"{rates[1]:.0f}/s", f"without heat {rates[0]:.0f}/s",
           f"{rates[1] / rates[0]:.2f}", ">= 0.6", number[True]]  # fmt: skip


def jump_law(states: int) -> JumpLaw:
    """Return a made-up law: states of many conductances, each with another rate, that lead to any other."""
    rng, volts = np.random.default_rng(1), np.linspace(-1.5, 1.5, 13)
    level = np.log(rng.uniform(1e-6, 1e-4, states))
    rate = 1e6 * np.exp(rng.normal(0.0, 0.5, states)[:, None] + 2.0 * np.abs(volts))
    before = rng.integers(0, states, 3 * states)
    return JumpLaw(
        voltages=volts, temperatures=[300.0], level=level, current=np.exp(level)[:, None] * volts,
        rate=rate[:, None], kind=np.zeros(states), before=before, after=rng.integers(0, states, 3 * states),
        jump_voltage=rng.uniform(-1.5, 1.5, 3 * states), read_voltage=0.1,
    )  # fmt: skip


def jump_rows(repeats: int) -> Iterator[list[str]]:
    """Cells of a jump-process model: short pulses, and some in which each draws; the table is full before."""
    n = 500
    cells = JumpingCardCells(jump_law(200), (n, n), seed=1)
    volts = np.random.default_rng(3).uniform(0.5, 1.2, (n, n))
    for _ in range(4):
        cells.apply(volts, 1e-6)
    for name, width in (("nothing happens", 1e-14), ("each draws", 3e-7)):
        jumped = cells.jumped
        least, _ = take_turns({"pulse": lambda width=width: cells.apply(volts, width)}, repeats)
        share = (cells.jumped - jumped) / repeats / n**2
        rate = f"{n**2 / least['pulse']:.1e}/s"
        yield [f"cells that jump, {name}", rate, "", "", ">= 1e7/s", f"{share:.2f} jumps a cell and pulse"]


def cells_at(conductance: float, n: int) -> CardCells:
    cells = CardCells(GapCore(), CELL, (n, n))
    cells.program(conductance)
    return cells


def pulse_rows(cells: int, pulses: int) -> Iterator[list[str]]:
    n, rates = 128, {}
    for name, use in (("load line", True), ("solve every pulse", False)):
        array = Crossbar(
            cells_at(5e-6, n),
            task(n, 5.0)[2],
            ExponentialSelector(saturation=1e-11, slope_voltage=0.06),
            use_load_line=use,
        )
        controller, scheme = Controller(Clock(), array), Blind(amplitude=2.0, width=2e-9, count=pulses)
        count = cells if use else max(cells // 10, 1)

        def work(
            controller: Controller = controller, scheme: Blind = scheme, count: int = count
        ) -> Iterator[Any]:
            for k in range(count):
                yield from scheme.program(controller.cell((37 * k) % n, (53 * k) % n), 1.0)

        start = time.process_time()
        with one_blas_thread():
            controller.clock.run(controller.clock.process(work()))
        spent = time.process_time() - start
        rates[name] = count * pulses / spent
        note = f"{array.solves} solves for {count * pulses} pulses"
        yield [
            f"pulses on the clock, 1S1R, n = 128, {name}",
            f"{rates[name]:.0f}/s",
            "",
            "",
            ">= 1500/s" if use else "",
            note,
        ]
    yield [
        "load line over solving every pulse",
        "",
        "",
        f"{rates['load line'] / rates['solve every pulse']:.1f}",
        ">= 5",
        "",
    ]


def cell_rows(repeats: int) -> Iterator[list[str]]:
    n = 1000
    fitted = CardCells(GapCore(), CELL, (n, n))
    volts = np.random.default_rng(3).uniform(0.5, 1.2, (n, n))
    g, _, _, _ = task(128, 5.0)
    crossing = OneTransistorOneResistor(transistor=Transistor(threshold=0.5, gain=1e-4))
    transistor, fitted_columns = (TransistorArray(c, crossing) for c in (LinearCells(g), cells_at(5e-6, 128)))
    nothing, on = np.full(128, np.nan), np.full(128, 0.3)
    ends = np.array([on, nothing]), np.array([nothing, np.zeros(128)])
    selector, resistors = ExponentialSelector(saturation=1e-12, slope_voltage=0.05), LinearCells(g)
    junctions = cells_at(5e-6, 128)
    over = np.random.default_rng(4).uniform(0.5, 2.0, g.shape)
    gates = np.full(128, 3.0)
    least, last = take_turns(
        {
            "update": lambda: fitted.apply(volts, 1e-9),
            "selector": lambda: selector.solve(over, resistors),
            "junction": lambda: selector.solve(over, junctions),
            "columns": lambda: transistor.solve(0.3, 0.0, gates),
            "ladders": lambda: transistor.ladders.solve(*ends, [(0, 1, lambda a, b: (g * (a - b), g, -g))]),
            "read": lambda: fitted_columns.read((60, 30), 0.2, 10e-9),
        },
        repeats,
    )
    yield [
        "fitted cells, one pulse each",
        f"{n * n / least['update']:.1e}/s",
        "Synaptogen 1.7e6/s (its paper's machine)",
        "",
        ">= 1e7/s",
        "",
    ]
    for name, kind in (("selector", "linear cell"), ("junction", "fitted cell")):
        yield [
            f"1S1R, {kind}",
            f"{1e9 * least[name] / g.size:.0f} ns",
            "",
            "",
            "<= 30 ns",
            "at 0.5 to 2 V",
        ]
    yield [
        "1T1R columns, 128 x 128",
        f"{1e3 * least['columns']:.1f} ms",
        "",
        "",
        "<= 6 steps",
        f"{last['columns'].steps} steps",
    ]
    yield ["the same, resistors alone", f"{1e3 * least['ladders']:.2f} ms", "", "", "<= 1 ms", "1 step"]
    yield ["read of one 1T1R cell of 128 x 128", f"{1e3 * least['read']:.2f} ms", "", "", "", ""]


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    yield from linear_rows(options.sizes, options.resistances, options.repeats)
    if options.large:
        yield large_row(options.repeats)
    yield from nonlinear_rows(options.repeats)
    for n in (64, 128):
        yield from spice_row(n, options.repeats)
    yield from effective_rows(options.repeats)
    yield from batch_rows(options.repeats)
    yield from pulse_rows(options.cells, 10)
    yield from programming_rows(options.cells)
    yield from heat_rows(options.cells, options.repeats)
    yield from jump_rows(options.repeats)
    yield from cell_rows(options.repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--resistances", type=float, nargs="+", default=[1.0, 5.0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cells", type=int, default=100, help="cells programmed on the clock")
    parser.add_argument("--large", action="store_true", help="also 1024 x 1024")
    options = parser.parse_args()
    write(machine() + "\n")
    write_table(HEADER, rows(options))


if __name__ == "__main__":
    main()
