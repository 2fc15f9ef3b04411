"""Cost of one event of the engine, side by side with SPPARKS on the same task.

The task: a simple cubic lattice of N^3 sites, 5 % of them mobile, hops to the six neighbours, without energy
and with a pair energy of -2 kT between neighbouring mobile particles. SPPARKS (``app_style diffusion``) is a
program that you supply: ``--spparks PATH`` or ``FRENKEL_SPPARKS=PATH``.
Without it only our own numbers are printed.

Every number is the CPU time of one thread per event, taken from the stretch between a short run and one ten
times longer, best of three, the two programs taking turns. The table is markdown on the standard output.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from report import best, machine, write, write_table

from frenkel.kinetic.engine.engine import Engine
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction
from frenkel.units import BOLTZMANN_EV

TEMPERATURE = 300.0  # K
MOBILE_FRACTION = 0.05
PAIR_ENERGY_KT = -2.0  # SPPARKS counts one energy unit per bond from both of its ends
BARRIER_KT = 0.5
REPEATS = 3
SOLVERS = {"group": "group 8.0 1.0e-10", "tree": "tree", "linear": "linear"}
# Simulated time of the long run in SPPARKS' unit: about 0.7 to 1 million hops each.
LONG_RUN = {("off", 20): 600, ("off", 40): 60, ("off", 100): 6,
            ("linear", 20): 1500, ("linear", 40): 200, ("linear", 100): 20}
DEFAULT_EVENTS = (100_000, 1_000_000)
TARGET = {("off", 20): 4, ("off", 40): 6, ("off", 100): 14,
          ("linear", 20): 4, ("linear", 40): 5, ("linear", 100): 12}
GROWTH_TARGET = 2.2
# V across the box. A flat field lets a specialised loop run; the least field needs the loop that serves every
# device, at rates that are the same to 1e-7.
FIELDS = {"flat field": 0.0, "in a field": 1e-9}
INPUT = """\
seed 56789
app_style diffusion {style} hop
dimension 3
lattice sc/6n 1.0
region box block 0 {edge} 0 {edge} 0 {edge}
create_box box
create_sites box value site 1
set site value 2 fraction {fraction}
barrier hop {barrier}
temperature 1.0
solve_style {solver}
diag_style energy
stats {duration}
run {duration}
"""


@dataclass
class Run:
    """One finished run.

    Attributes
    ----------
    particles, events : int
        Mobile particles and accepted hops.
    duration : float
        Simulated time.
    cpu : float
        CPU seconds.
    memory : int
        Peak memory in bytes, 0 if unknown.
    """

    particles: int
    events: int
    duration: float
    cpu: float
    memory: int


@dataclass
class Cost:
    """Marginal cost of repeated runs.

    The best time of each length is taken before the difference: a difference of two noisy numbers can be
    too small by chance, and its minimum would then flatter.
    """

    short: list[Run] = field(default_factory=list)
    long: list[Run] = field(default_factory=list)

    @property
    def ns(self) -> float:
        """CPU time per event in ns."""
        seconds = min(run.cpu for run in self.long) - min(run.cpu for run in self.short)
        return 1e9 * seconds / (self.long[0].events - self.short[0].events)

    @property
    def worst_ns(self) -> float:
        """The same from the slowest runs: how noisy the machine was."""
        seconds = max(run.cpu for run in self.long) - max(run.cpu for run in self.short)
        return 1e9 * seconds / (self.long[0].events - self.short[0].events)

    @property
    def memory(self) -> int:
        """Largest peak memory in bytes."""
        return max(run.memory for run in self.long)

    @property
    def frequency(self) -> float:
        """Events per simulated time of the long run."""
        return self.long[0].events / self.long[0].duration


def peak_memory(process: str = "self") -> int:
    """Return the peak resident memory of a process in bytes, 0 where the system does not tell.

    ``getrusage`` will not do: after fork and exec it still holds the parent's peak.
    """
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return 1024 * int(found[1]) if found else 0


# ------------------------------------------------------------------------------------------------ SPPARKS


def run_spparks(binary: Path, style: str, edge: int, solver: str, duration: float) -> Run:
    """Run SPPARKS once and read what its last line of statistics says.

    Raises
    ------
    RuntimeError
        When the program fails or prints no statistics.
    """
    text = INPUT.format(style=style, edge=edge, solver=SOLVERS[solver], duration=f"{duration:g}",
                        fraction=MOBILE_FRACTION, barrier=BARRIER_KT)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "out", "w+") as output:
        source = Path(folder) / "in"
        source.write_text(text)
        with source.open() as stdin:
            process = subprocess.Popen([binary, "-log", "none", "-echo", "none"], stdin=stdin, stdout=output,
                                       stderr=subprocess.STDOUT, cwd=folder)
        memory, finished = 0, 0
        while not finished:
            memory = max(memory, peak_memory(str(process.pid)))
            finished, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0.0 if finished else 0.01)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    # Columns: Time Naccept Nreject Nsweeps CPU Energy.
    rows = re.findall(r"^\s*([\d.e+]+)\s+(\d+)\s+\d+\s+\d+\s+\S+\s+\S+\s*$", printed, re.MULTILINE)
    if process.returncode or not rows:
        raise RuntimeError(f"SPPARKS at {binary} ended with {process.returncode} and said: {printed[-500:]}")
    particles = re.search(r"(\d+) settings made for site", printed)
    return Run(int(particles[1]) if particles else 0, int(rows[-1][1]), float(rows[-1][0]),
               usage.ru_utime + usage.ru_stime, memory)


# -------------------------------------------------------------------------------------------- our engine


def build_engine(style: str, edge: int, barrier: float = 0.0,
                 attempt_frequency: float = math.exp(-BARRIER_KT), voltage: float = 0.0,
                 particles: int = 0) -> Engine:
    """Set up the same task for our engine.

    With no barrier and the attempt frequency exp(-1/2) the default law gives SPPARKS' rates exactly: downhill
    exp(-1/2), uphill exp(-1/2 - dE/kT), so that both programs walk through the same states. Our box is closed
    in z, where electrodes would be; SPPARKS' is periodic.

    Parameters
    ----------
    style : "off" or "linear"
        Without and with the pair energy of -2 kT.
    edge : int
        Sites along each edge.
    barrier : float
        Hop barrier in eV.
    attempt_frequency : float
        In 1/s.
    voltage : float
        Drop over the box in V, linear in z.
    particles : int
        Vacancies; 5 % of the sites when 0.
    """
    lattice = Lattice.cubic(shape=(edge, edge, edge), spacing=0.26e-9, lateral="periodic")
    sites = edge**3
    species = np.full(sites, OXYGEN.code, dtype=np.int8)
    chosen = np.random.default_rng(56789).choice(sites, size=particles or round(MOBILE_FRACTION * sites),
                                                  replace=False)
    species[chosen] = VACANCY.code
    hop = Mechanism("hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), motif="nearest",
                    barrier=barrier, attempt_frequency=attempt_frequency)
    pair = PairInteraction(VACANCY, VACANCY, PAIR_ENERGY_KT * BOLTZMANN_EV * TEMPERATURE)
    potential = voltage * (lattice.layer + 1.0) / (edge + 1.0)
    return Engine(lattice, [hop], species, interactions=[pair] if style == "linear" else [],
                  potential=potential, electrode_potential=(0.0, voltage), temperature=TEMPERATURE, seed=1)


def run_engine(style: str, edge: int, voltage: float, short: int, long: int,
               particles: int) -> tuple[Run, Run]:
    """Run our engine for `short` events and on to `long` events in this process."""
    engine = build_engine(style, edge, voltage=voltage, particles=particles)
    start = time.process_time()
    engine.run(events=short)
    middle = time.process_time()
    first = Run(particles, engine.events, engine.time, middle - start, peak_memory())
    again = time.process_time()
    engine.run(events=long - short)
    cpu = middle - start + time.process_time() - again
    return first, Run(particles, engine.events, engine.time, cpu, peak_memory())


def micro(edge: int, style: str) -> dict[str, float]:
    """Measure what one engine costs besides a hop.

    Returns
    -------
    dict
        ``refresh``: CPU seconds to set a new potential, recompute every rate and take the next event.
        ``drift``: relative difference of the selector's total from a recomputation after 10^6 events.
        ``single``: CPU seconds to carry out one event and list all candidates again, with 150 vacancies, as a
        device does that solves its fields at each event. ``activated``: CPU ns per hop over a 0.7 eV barrier
        with 1 V across the box.
    """
    engine = build_engine(style, edge)
    engine.run(events=1_000_000)
    found = {"drift": engine.check()[0]}
    potential = engine.potential

    def refresh() -> None:
        engine.potential = potential
        engine.run(events=1)

    found["refresh"] = best(refresh)
    few = build_engine(style, edge, particles=150)

    def single() -> None:
        few.fire(int(few.draw() * len(few.catalogue())))
        few.catalogue()

    found["single"] = best(single)
    activated = build_engine(style, edge, barrier=0.7, attempt_frequency=1e13, voltage=1.0)
    activated.run(events=100_000)
    found["activated"] = 1e9 * best(lambda: activated.run(events=300_000), 1, 3) / 300_000
    return found


def child(*arguments: object) -> list[dict[str, Any]]:
    """Run one measurement of our engine in a fresh process, so that memory and caches are its own."""
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if output.returncode:
        raise RuntimeError(f"our engine failed on {arguments}: {output.stderr[-1000:]}")
    found: list[dict[str, Any]] = json.loads(output.stdout)
    return found


def answer_child(arguments: list[str]) -> None:
    """Measure in the fresh process and print JSON."""
    kind, style, edge, *rest = arguments
    if kind == "micro":
        found = [micro(int(edge), style)]
    else:
        found = [vars(run) for run in run_engine(style, int(edge), float(rest[0]), *map(int, rest[1:]))]
    sys.stdout.write(json.dumps(found))


# ------------------------------------------------------------------------------------------- comparison


def compare(style: str, edge: int, binary: Path, solvers: list[str],
            repeats: int) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """Measure the marginal costs of our engine by field and those of SPPARKS by solver, taking turns."""
    ours, peers = {name: Cost() for name in FIELDS}, {name: Cost() for name in solvers}
    long = LONG_RUN[style, edge]
    for _ in range(repeats):
        task = (*DEFAULT_EVENTS, 0)
        for solver, peer in peers.items():
            peer.short.append(run_spparks(binary, style, edge, solver, long / 10))
            peer.long.append(run_spparks(binary, style, edge, solver, long))
            # The same number of particles and stretch of events for ours: with a pair energy the cost
            # depends on how far they clustered.
            task = (peer.short[-1].events, peer.long[-1].events, peer.long[-1].particles)
        for field_name, voltage in FIELDS.items():
            short_run, long_run = (Run(**run) for run in child("hop", style, edge, voltage, *task))
            ours[field_name].short.append(short_run)
            ours[field_name].long.append(long_run)
    return ours, peers


def base_memory(binary: Path, solvers: list[str]) -> dict[str, int]:
    """Measure the peak memory of each program with a box of 4^3 sites: what it takes without a device."""
    found = {"ours": int(child("hop", "off", 4, 0.0, 10, 20, 0)[1]["memory"])}
    for solver in solvers:
        found[solver] = run_spparks(binary, "off", 4, solver, 20_000).memory
    return found


def hop_rows(edges: list[int], binary: Path, solvers: list[str], repeats: int) -> Iterator[list[str]]:
    """Yield the rows of the hops, by the columns of `HEADER`."""
    base = base_memory(binary, solvers)
    for style, name in (("off", "hop"), ("linear", "hop with pair energy")):
        cost: dict[tuple[str, int], float] = {}
        for edge in edges:
            ours, peers = compare(style, edge, binary, solvers, repeats)
            for field_name, own in ours.items():
                cost[field_name, edge] = own.ns
                label = f"{name}, {field_name}, {edge**3:,} sites"
                yield from case_rows(label, TARGET[style, edge], own, peers, base)
        for field_name in FIELDS:
            if 20 in edges and 100 in edges:
                growth = cost[field_name, 100] / cost[field_name, 20]
                yield [f"{name}, {field_name}, growth 8,000 to 10^6 sites", f"{growth:.1f}x", "-", "-",
                       f"<= {GROWTH_TARGET}x", "-", "-"]


def case_rows(name: str, target: int, own: Cost, peers: dict[str, Cost],
              base: dict[str, int]) -> Iterator[list[str]]:
    """Yield the rows of one case, one for each solver of SPPARKS."""
    cell = f"{own.ns:.0f} ns (worst {own.worst_ns:.0f})"
    for solver, peer in peers.items():
        yield [name, cell, f"SPPARKS {solver} {peer.ns:.0f} ns (worst {peer.worst_ns:.0f})",
               f"{peer.ns / own.ns:.1f}x", f">= {target}x" if solver == "group" else "-",
               f"{megabytes(own, base['ours'])} / {megabytes(peer, base[solver])}",
               f"{own.frequency / peer.frequency:.3f}"]
    if not peers:
        yield [name, cell, "-", "-", "-", megabytes(own, base["ours"]), "-"]


def megabytes(cost: Cost, base: int) -> str:
    """Format the peak memory above that of a tiny box, in MB."""
    return f"{max(0, cost.memory - base) / 1e6:.1f} MB" if cost.memory else "-"


def micro_rows(edges: list[int]) -> Iterator[list[str]]:
    """Yield the rows of the figures that have no peer."""
    refresh_target = {20: "<= 10 us", 40: "<= 60 us"}
    for edge in edges:
        found = child("micro", "linear", edge)[0]
        for name, ours, target in (
            ("refresh of all rates", f"{1e6 * found['refresh']:.1f} us", refresh_target.get(edge, "-")),
            ("one event and all candidates, 150 vacancies", f"{1e6 * found['single']:.1f} us", "<= 30 us"),
            ("selector's total against recomputation after 10^6 events", f"{found['drift']:.1e}", "<= 1e-13"),
            ("hop over 0.7 eV with pair energy and 1 V", f"{found['activated']:.0f} ns", "-"),
        ):
            yield [f"{name}, {edge**3:,} sites", ours, "-", "-", target, "-", "-"]


HEADER = ["quantity", "ours", "peer", "ratio", "target", "memory per device (ours / peer)",
          "events per simulated time (ours / peer)"]


def find_spparks(given: str | None) -> tuple[Path, str]:
    """Return the binary and an empty sentence, or a sentence that says why there is none to run."""
    path = given or os.environ.get("FRENKEL_SPPARKS")
    if not path:
        return Path(), "SPPARKS is skipped: give its binary by --spparks PATH or FRENKEL_SPPARKS=PATH."
    binary = Path(path).expanduser().resolve()
    if not (binary.is_file() and os.access(binary, os.X_OK)):
        return binary, f"SPPARKS is skipped: {path} is not an executable file."
    return binary, ""


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--spparks", metavar="PATH", help="SPPARKS binary (or FRENKEL_SPPARKS)")
    command.add_argument("--solvers", nargs="+", choices=SOLVERS, default=["group"], help="of SPPARKS")
    command.add_argument("--edges", nargs="+", type=int, choices=(20, 40, 100), default=[20, 40, 100])
    command.add_argument("--repeats", type=int, default=REPEATS)
    command.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    return command


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    options = parser().parse_args(arguments)
    if options.child:
        answer_child(options.child)
        return
    binary, skipped = find_spparks(options.spparks)
    write(machine())
    if skipped:
        write(skipped)
    write()
    hops = hop_rows(options.edges, binary, [] if skipped else options.solvers, options.repeats)
    small = [edge for edge in options.edges if edge < 100]
    write_table(HEADER, (row for rows in (hops, micro_rows(small)) for row in rows))


if __name__ == "__main__":
    main()
