"""Measure how long the low-resistance state of each packaged set lasts at 0 V; write docs/retention.json.

    python docs/retention.py [--sets TaOx,Ag-SiO2] [--devices 3] [--budget 20]

A set is measured again only when its numbers or these protocols change, or when it is named. docs/tables.py
puts what was found into docs/materials.md.
"""

import argparse
import json
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from frenkel.analysis.reliability.retention import failure_times
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform

FOUND = Path(__file__).resolve().with_name("retention.json")
TEMPERATURES = (300.0, 358.0)  # K
READ = 0.1  # V
TIMES = np.geomspace(1e-9, 1e9, 73)  # s: four reads a decade
ATTEMPTS = 6


class OutOfTime(RuntimeError):
    """A device used up its CPU time."""


@contextmanager
def within(budget: float) -> Iterator[None]:
    """End what is in it after so much CPU time (s), within a step of compiled code at the latest."""

    def end(*_: object) -> None:
        raise OutOfTime

    signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, budget)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


@dataclass(frozen=True, kw_only=True)
class Ramp:
    """A ramp to a current limit, held there; a cell of so many layers and sites across."""

    layers: int
    width: int
    rate: float  # V/s
    top: float  # V
    limit: float  # A
    hold: float  # s
    series: float = 0.0  # ohm

    def text(self) -> str:
        """Say what was done."""
        return f"{self.rate:g} V/s to {1e6 * self.limit:g} uA, held {self.hold:g} s"

    def apply(self, device: Device) -> float:
        """Switch a device on; return its conductance (S) at the limit, 0 if it did not reach it."""
        device.circuit = Circuit(series_resistance=self.series, compliance=self.limit)
        for _ in range(ATTEMPTS):
            device.advance(Waveform.ramp(self.top, self.rate), samples=40, stop=self.reached)
            top = device.source_voltage
            held = device.advance(Waveform.constant(top, self.hold), samples=40).sample
            on = float(np.median(held["conductance"][20:]))
            if on * top >= self.limit / 2:
                return on
            device.advance(Waveform.ramp(0.0, 1e3 * self.rate, start=top), samples=4)
        return 0.0

    def reached(self, _: Device, current: float) -> bool:
        """Tell whether the current (A) is at the limit."""
        return abs(current) >= 0.999 * self.limit


@dataclass(frozen=True, kw_only=True)
class Pulses:
    """Equal pulses into the state of low resistance, without a limit."""

    layers: int
    width: int
    voltage: float  # V
    each: float  # s
    count: int = 1

    def text(self) -> str:
        """Say what was done."""
        if not self.count:
            return "as drawn"
        return f"{self.count} x {self.voltage:g} V, {self.each:g} s"

    def apply(self, device: Device) -> float:
        """Apply them; return the conductance (S)."""
        for _ in range(self.count):
            device.advance(Waveform.constant(self.voltage, self.each), samples=2)
        return device.current(READ) / READ


def ramps(name: str, family: str) -> list[Ramp | Pulses]:
    """Return how the low-resistance states of a set are made: its own protocol, or that of its family."""
    ecm = {"layers": 6, "width": 8, "rate": 1e3, "top": 2.0, "series": 1e3, "hold": 1e-3}
    fast = ecm | {"rate": 1e5, "hold": 1e-5}  # sets whose ions flicker too often for slow ramps
    thin = {"layers": 6, "width": 7}
    vcm = {"layers": 10, "width": 8, "rate": 1e5, "top": 5.0, "limit": 5e-5, "series": 2e3, "hold": 1e-5}
    families: dict[str, list[Ramp | Pulses]] = {
        "vcm": [Ramp(**vcm)],
        "ecm": [Ramp(**ecm, limit=1e-5), Ramp(**ecm, limit=1e-4)],
        "fcm": [Pulses(layers=10, width=10, voltage=1.5, each=3e-3, count=15)],
        "interfacial": [Pulses(layers=16, width=8, voltage=-2.0, each=5e-2)],
        "2d": [Ramp(layers=1, width=28, rate=1.0, top=4.0, limit=1e-5, hold=1e-6)],
        "organic": [Ramp(**thin, rate=100.0, top=8.0, limit=1e-5, hold=1e-4)],
        "perovskite": [Ramp(**thin, rate=300.0, top=1.5, limit=c, hold=2e-5) for c in (1e-6, 1e-5)],
    }
    own: dict[str, list[Ramp | Pulses]] = {
        "Nb2O5": [Pulses(layers=8, width=8, voltage=3.0, each=6.0)],
        "SiOx-Au": [Ramp(layers=12, width=8, rate=1e3, top=7.0, limit=5e-7, hold=1e-5)],
        "hBN-Ag": [Ramp(layers=3, width=7, rate=10.0, top=2.0, limit=c, hold=2e-4) for c in (1e-7, 1e-5)],
        "MoS2-1T": [Ramp(layers=1, width=28, rate=1.0, top=6.0, limit=1e-7, hold=1e-6)],
        "hBN-GB": [Ramp(layers=1, width=28, rate=1.0, top=6.0, limit=1e-7, hold=1e-6)],
    }
    own |= {one: [Ramp(**fast, limit=c) for c in (1e-5, 1e-4)] for one in ("Ag-Ag2S", "Ag-GeS2", "Ag-HfO2")}
    graphene = ecm | {"top": 5.0, "hold": 2e-6}  # forms at 3.7 V, and flickers at its limit
    own["Ag-graphene-HfO2"] = [Ramp(**graphene, limit=c) for c in (1e-5, 1e-4)]
    drawn = Pulses(layers=10, width=8, voltage=0.0, each=0.0, count=0)  # no exchange: their filament is there
    own["HfO2-retention"] = [drawn]
    # Without binding vacancies to and fro at the limit take long to follow.
    free = {"layers": 8, "width": 8, "top": 6.0, "hold": 1e-7}
    own["HfO2-CHGNet"] = [Ramp(**free, rate=1e4, limit=1e-5, series=7.5e3)]
    own["TiO2-CHGNet"] = [Ramp(**free, rate=1e5, limit=2e-5, series=2e3)]
    for one, width in (("HfO2-fast", 10), ("HfO2", 20)):
        own[one] = [Ramp(layers=10, width=width, rate=100.0, top=6.0, limit=3e-5, series=7.5e3, hold=1e-3)]
    return own.get(name, families[family])


def waited(device: Device, on: float, budget: float) -> tuple[float, bool]:
    """Return when a device at 0 V first reads below half of ``on`` (S), or how long it was followed (s)."""
    device.circuit, ratios = Circuit(), []
    try:
        with within(budget):
            for span in np.diff(TIMES, prepend=0.0):
                device.advance(Waveform.constant(0.0, span), samples=2, superbasin=True)
                ratios.append(device.current(READ) / READ / on)
                if ratios[-1] < 0.5:
                    break
    except OutOfTime:
        pass  # followed up to the last read
    if not ratios:
        return 0.0, False
    when, failed = failure_times(TIMES[: len(ratios)], [ratios], 0.5)
    return float(when[0]), bool(failed[0])


def measure(material: Material, way: Ramp | Pulses, devices: int, budget: float) -> dict[str, Any]:
    """Return what was found of some devices: conductance (S), and times (s) and failures per temperature."""
    spacing = material.lattice.spacing
    size = way.layers * spacing, way.width * spacing
    found: dict[str, Any] = {"text": way.text(), "devices": devices, "missed": 0, "on": []}
    found |= {f"{temperature:g}": [] for temperature in TEMPERATURES}
    for seed in range(1, devices + 1):
        device = Device(material, *size, seed=seed)
        try:
            with within(budget):
                on = way.apply(device)
        except OutOfTime:
            on = 0.0
        if not on:
            found["missed"] += 1
            continue
        found["on"].append(on)
        state = pickle.dumps(device.state())
        for temperature in TEMPERATURES:
            rest = Device(material, *size, seed=seed, temperature=temperature)
            rest.restore(pickle.loads(state))
            found[f"{temperature:g}"].append(waited(rest, on, budget))
    return found


def asked(description: str) -> argparse.ArgumentParser:
    """Return a parser of the option that a measurement of sets has."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--sets", default="", help="these sets, whether they changed or not")
    return parser


def found_before(path: Path) -> dict[str, Any]:
    """Return what a file holds of the packaged sets, in their order."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: known[name] for name in Material.names() if name in known}


def unchanged(known: dict[str, Any], name: str, key: list[Any]) -> bool:
    """Tell whether a set was measured with these numbers and this protocol."""
    return bool(json.loads(json.dumps(key)) == known.get(name, {}).get("key"))


def write_found(path: Path, known: dict[str, Any]) -> None:
    """Write what was found, a line for each set."""
    lines = [f"{json.dumps(one)}: {json.dumps(known[one])}" for one in sorted(known)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Measure what has changed and write it."""
    parser = asked(str(__doc__))
    parser.add_argument("--devices", type=int, default=3, help="devices of each state (3)")
    parser.add_argument("--budget", type=float, default=20.0, help="CPU time of each wait, s (20)")
    options = parser.parse_args()
    known = found_before(FOUND)
    for name in options.sets.split(",") if options.sets else Material.names():
        material = Material.load(name)
        ways = ramps(name, material.family)
        key = [material.hash, [astuple(way) for way in ways]]
        if not options.sets and unchanged(known, name, key):
            continue
        states = [measure(material, way, options.devices, options.budget) for way in ways]
        known[name] = {"key": key, "budget": options.budget, "states": states}
        write_found(FOUND, known)
        for state in states:
            print(name, {key: value for key, value in state.items()}, flush=True)


if __name__ == "__main__":
    main()
