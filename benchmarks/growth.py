"""How the cost of one arrangement grows: with the conducting defects, and with isolated, charged ones.

    python benchmarks/growth.py [--nodes 100 200 400 800] [--isolated 300 1000 2000] [--events 10]

Columns of defects across 8 nm of HfO2, and defects at random in 20 x 20 x 10 nm. First the default set, whose
gaps obey a law: solution with energies, and the two ends of a voltage cell, for the first arrangement and as
the median over events. Then the linear set `HfO2-volatile`. Each event is drawn
at 0.3 V and carried out. The last rows are events between arrangements that are kept, without their
solutions: engine, rates, clock and Python.
"""

import argparse
import os
import resource
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from report import machine, write, write_table

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.solver import Solved
from frenkel.kinetic.waveform import Waveform
from frenkel.threads import one_blas_thread
from frenkel.typing import Floats

DEFAULT, LINEAR = "HfO2-fast", "HfO2-volatile"
DEFAULT_HEADER = ["quantity", "first", "solution and energies", "two ends", "peak memory"]
HEADER = ["quantity", "ours", "solution", "energies", "target", "candidates"]
NODE_TARGETS = {200: "<= 0.8 ms", 400: "<= 3 ms", 800: "<= 12 ms", 1200: "<= 25 ms", 2000: "<= 60 ms"}
ISOLATED_TARGETS = {300: "energies <= 0.5 ms", 1000: "energies <= 1.5 ms", 2000: "energies <= 4 ms"}
VOLTAGE = 0.3
IN_CELL = 0.32  # V, between two ends of a voltage cell


def filled(device: Device, sites: np.ndarray) -> Device:
    """Return the device with defects at these host sites and nowhere else."""
    state = device.engine.state()
    state["species"][: device.n_hosts] = OXYGEN.code
    state["species"][sites] = VACANCY.code
    device.engine.restore(state)
    return device


def column(device: Device, count: int, share: float = 0.4) -> np.ndarray:
    """Return sites about the axis of the box, of which defects take a share."""
    nx, ny, _ = device.shape
    x, y, _ = np.unravel_index(np.arange(device.n_hosts), device.shape)
    rng = np.random.default_rng(7)
    near = np.argsort((x - nx // 2) ** 2 + (y - ny // 2) ** 2 + rng.random(device.n_hosts))
    return np.sort(rng.choice(near[: int(count / share)], count, replace=False))


def measure_default(device: Device, events: int) -> Floats:
    """Return the CPU times (s) of solution with energies and of two ends of a cell, (events + 1, 2)."""
    times, engine = np.zeros((events + 1, 2)), device.engine
    with one_blas_thread():
        for row in times:
            start = time.process_time()
            now = device.solved()
            solved = time.process_time()
            rates = now.at(IN_CELL)
            row[:] = solved - start, time.process_time() - solved
            engine.catalogue()
            engine.fire(rates.pick(IN_CELL, engine.draw()))
    return times


def default_rows(nodes: list[int], isolated: list[int], events: int) -> Iterator[list[str]]:
    """Yield the rows of the default set, by the columns of `DEFAULT_HEADER`."""
    for name, device in devices(DEFAULT, nodes, isolated):
        times = 1e3 * measure_default(device, events)
        # The first one makes room and fills tables, too.
        first, later = times[0].sum(), np.median(times[1:], axis=0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        name = f"{name}, {device.fields.network.m} conduct: default"
        yield [name, f"{first:.1f} ms", *(f"{part:.2f} ms" for part in later), f"{peak:.0f} MB"]


def devices(name: str, nodes: list[int], isolated: list[int]) -> Iterator[tuple[str, Device]]:
    """Yield columns of defects and boxes with defects at random, with their names."""
    material = Material.load(name)
    spacing = material.lattice.spacing
    for count in nodes:
        width = max(20, int(np.sqrt(count / 30 / 0.4)) + 8)
        device = Device(material, 30 * spacing, width * spacing, seed=1, cache=0)
        yield f"{count} defects in a column", filled(device, column(device, count))
    for count in isolated:
        device = Device(material, 38 * spacing, 77 * spacing, seed=1, cache=0)
        sites = np.random.default_rng(count).choice(device.n_hosts, count, replace=False)
        yield f"{count} defects at random", filled(device, np.sort(sites))


def measure(device: Device, events: int) -> tuple[Floats, float]:
    """Return the CPU times (s) of solutions and energies, (events, 2), and the mean number of candidates."""
    times, candidates = np.zeros((events + 2, 2)), 0
    solver, engine = device.solver, device.engine
    with one_blas_thread():
        for row in times:
            listed, species = solver.candidates(), engine.species
            start = time.process_time()
            solver.solve_network(species, keep=True)
            solved = time.process_time()
            rates = solver.event_rates(listed, species)
            row[:] = solved - start, time.process_time() - solved
            candidates += listed.n
            engine.catalogue()
            engine.fire(rates.pick(VOLTAGE, engine.draw()))
    # The first two make room and fill tables.
    return times[2:], candidates / len(times)


def rows(nodes: list[int], isolated: list[int], events: int) -> Iterator[list[str]]:
    """Yield the rows of the linear set, by the columns of `HEADER`."""
    targets = {f"{count} defects in a column": target for count, target in NODE_TARGETS.items()}
    targets |= {f"{count} defects at random": target for count, target in ISOLATED_TARGETS.items()}
    for name, device in devices(LINEAR, nodes, isolated):
        yield row(name, targets.get(name, "-"), *measure(device, events), device)


def flicker(end: float) -> tuple[float, int]:
    """Return the CPU time (s) of an event outside solutions, 1 V to ``end``, and the number of events."""
    material = Material.load(LINEAR)
    side = 20 * material.lattice.spacing
    device = Device(material, side, side, seed=5, circuit=Circuit(series_resistance=2e3, compliance=50e-6))
    device.advance(Waveform((0.0, 2000.0), (1.0, 1.0)), samples=3)
    solve, spent, before = device.solver.solve, [0.0], device.events

    def timed(species: Any) -> Solved:
        start = time.process_time()
        found = solve(species)
        spent[0] += time.process_time() - start
        return found

    device.solver.solve = timed  # type: ignore[method-assign]
    start = time.process_time()
    device.advance(Waveform((0.0, 3000.0), (1.0, end)), samples=3)
    events = device.events - before
    return (time.process_time() - start - spent[0]) / events, events


def row(name: str, target: str, times: Floats, candidates: float, device: Device) -> list[str]:
    """Return one row; the network's size is that of the last arrangement."""
    solution, energies = 1e3 * np.median(times, axis=0)
    both = 1e3 * np.median(times.sum(axis=1))
    name = f"{name}, {device.fields.network.m} conduct: one event"
    return [name, f"{both:.2f} ms", f"{solution:.2f} ms", f"{energies:.2f} ms", target, f"{candidates:.0f}"]


def flickers() -> Iterator[list[str]]:
    """Yield a row for a constant voltage and one for a ramp."""
    for name, end in (("constant voltage", 1.0), ("ramp", 1.02)):
        cost, events = min(flicker(end) for _ in range(3))
        name = f"an event outside solutions, {name}, mean of {events:,}"
        yield [name, f"{1e6 * cost:.1f} us", "Python <= 3 us"]


def main() -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--nodes", nargs="*", type=int, default=[100, 200, 400, 800], metavar="N")
    command.add_argument("--isolated", nargs="*", type=int, default=[300, 1000, 2000], metavar="N")
    command.add_argument("--events", type=int, default=10, help="events of each row")
    options = command.parse_args()
    write(machine())
    write()
    write_table(DEFAULT_HEADER, default_rows(options.nodes, options.isolated, options.events))
    write()
    write_table(HEADER, rows(options.nodes, options.isolated, options.events))
    write()
    write_table(["quantity", "ours", "target"], flickers())


if __name__ == "__main__":
    main()
