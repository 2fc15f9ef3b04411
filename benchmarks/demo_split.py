"""Where the time of the demo goes: events, fields, energies, rates and clock, output, rest.

The demo (``examples/switching.toml``) runs once as it does under ``frenkel run``, with methods of the device
that also take the time. Conduction and heat are one compiled call and therefore one line. Times are CPU
seconds of this process, one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from report import machine, write, write_table

import frenkel as fk
from frenkel.data import store
from frenkel.experiment import device as experiment
from frenkel.experiment import protocol
from frenkel.kinetic.engine.engine import Engine
from frenkel.kinetic.run import Run
from frenkel.kinetic.solver import FilamentSolver

HEADER = ["quantity", "ours", "share", "calls", "per call"]
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "switching.toml"
EVENTS, FIELDS, ENERGIES, ENDS, LOOP, OUTPUT = (
    "events (candidates, carrying out)", "fields (conduction and heat)", "energies of events in the fields",
    "energies and rises at ends of cells of voltage", "loop (rates, clock, circuit, looking up)",
    "output (snapshots, dataset, file)")
# Class: its methods and the part that their time belongs to.
PARTS: dict[type, dict[str, str]] = {
    Engine: {"catalogue": EVENTS, "carry_out": EVENTS, "draw": EVENTS},
    FilamentSolver: {"solve_network": FIELDS, "event_rates": ENERGIES, "_make_ends": ENDS},
    Run: {"go": LOOP},
}
FUNCTIONS: dict[tuple[Any, str], str] = {(protocol, "observe"): OUTPUT, (experiment, "columns"): OUTPUT}


class Split:
    """CPU time and calls by part; what is called within a part counts for its own part alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._within = 0.0  # time of parts within the present one

    def timed(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """Return the function with its CPU time added to a part."""

        def measured(*arguments: Any, **options: Any) -> Any:
            before, self._within = self._within, 0.0
            start = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                spent = time.process_time() - start
                self.seconds[part] += spent - self._within
                self.calls[part] += 1
                self._within = before + spent

        return measured

    def install(self) -> None:
        """Let what `PARTS` and `FUNCTIONS` name take the time."""
        for original, methods in PARTS.items():
            for method, part in methods.items():
                setattr(original, method, self.timed(getattr(original, method), part))
        for (module, name), part in FUNCTIONS.items():
            setattr(module, name, self.timed(getattr(module, name), part))


def measure(path: Path) -> tuple[Split, float, Any]:
    """Run a configuration and write its dataset to a temporary file; return split, CPU seconds, dataset."""
    split = Split()
    split.install()
    start = time.process_time()
    result = experiment.run(fk.read_configuration(path), folder=path.parent)
    with tempfile.TemporaryDirectory() as folder:
        split.timed(store.save, OUTPUT)(result, Path(folder) / "demo.nc")
    return split, time.process_time() - start, result


def rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows, by the columns of `HEADER`."""
    split, total, result = measure(path)
    events, solves = int(result["events"][-1]), int(result["field_solves"][-1])

    def row(name: str, seconds: float, calls: int = 0) -> list[str]:
        share = f"{100 * seconds / total:.0f} %"
        numbers = [f"{calls:,}", f"{1e6 * seconds / calls:.1f} us"] if calls else ["-", "-"]
        return [f"demo: {name}", f"{seconds:.2f} s", share, *numbers]

    for part in (EVENTS, FIELDS, ENERGIES, ENDS, LOOP, OUTPUT):
        yield row(part, split.seconds[part], split.calls[part])
    yield row("rest (device, protocol)", total - sum(split.seconds.values()))
    yield row(f"all, {events:,} events, {solves:,} field solves", total)


def main() -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("configuration", nargs="?", type=Path, default=EXAMPLE, help="instead of the demo")
    path = command.parse_args().configuration
    write(machine())
    write()
    write_table(HEADER, rows(path))


if __name__ == "__main__":
    main()
