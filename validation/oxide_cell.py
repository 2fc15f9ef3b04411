"""A small oxide cell: on with verify, off with a sweep, held until it switches."""

import math
from dataclasses import dataclass

from device_bench import PROTOCOL

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform

COMPLIANCE = 50e-6
RATE, FALL = 1e5, 1e7
BUDGET = 20_000
SECONDS = 3.2e10  # a thousand years
REACHED = 0.999  # of the current limit
READ = 0.1  # V, where resistances are read


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a set is switched on and off, in SI units.

    ``verified`` is the resistance below which a device is on, ``reset`` the stop of RESET. With ``set_to``
    the first ramp rises at 100 V/s and is held for a millisecond, as the default set is formed, and each
    later SET goes on to this voltage while the source is limited; else a ramp ends at the limit.
    """

    layers: int = 10
    width: int = 8
    series: float = 2e3
    compliance: float = COMPLIANCE
    verified: float = 28e3
    reset: float = -1.8
    set_to: float | None = None
    budget: int = BUDGET  # events of one waveform


USUAL = Protocol()
DEFAULT = Protocol(
    width=10,
    series=PROTOCOL["series"],
    compliance=PROTOCOL["limit"],
    verified=0.8 / PROTOCOL["limit"],
    reset=-PROTOCOL["reset"],
    set_to=PROTOCOL["set_to"],
    budget=500_000,
)
PROTOCOLS = {"HfO2-fast": DEFAULT}


class Cell:
    """A small device that is switched on with verify and off with a sweep."""

    def __init__(self, material, seed, protocol=USUAL, *, layers=None, width=None):
        a, self.protocol, self.formed = material.lattice.spacing, protocol, False
        size = (layers or protocol.layers) * a, (width or protocol.width) * a
        self.device = Device(material, *size, seed=seed)

    @property
    def resistance(self):
        """Resistance (ohm) at `READ`."""
        return READ / self.device.current(READ)

    def circuit(self, compliance=None):
        """Put the series resistance, and a current limit (A) if given, around the device."""
        self.device.circuit = Circuit(series_resistance=self.protocol.series, compliance=compliance)

    def on(self, limit=3.0, *, rate=RATE, sign=1, attempts=4):
        """Ramp to the compliance, fall, read, again while it is off; return the first voltage (V) or None."""
        p, first = self.protocol, None
        if p.set_to is not None and self.formed:
            return self._held(attempts)
        # Forming of the default set is slow, and is held longer.
        slow, hold = (rate, 1e-6) if p.set_to is None else (100.0, 1e-3)
        for _ in range(attempts):
            top = self.set_voltage(sign * limit, slow)
            first = top if first is None else first
            if abs(top) < 0.999 * limit:
                self.device.advance(Waveform.constant(top, hold), samples=3, budget=p.budget)
            self.device.advance(Waveform.ramp(0.0, FALL, start=top), samples=4, budget=p.budget)
            if self.resistance < p.verified:
                self.formed = True
                return first
        return None

    def _held(self, attempts):
        for _ in range(attempts):
            self.circuit(self.protocol.compliance)
            sweep = Waveform.triangle(self.protocol.set_to, RATE)
            self.device.advance(sweep, samples=4, budget=self.protocol.budget)
            if self.resistance < self.protocol.verified:
                return self.protocol.set_to
        return None

    def set_voltage(self, limit=3.0, rate=RATE):
        """Ramp until the current is at its limit; return the source voltage (V) there."""
        limited = self.protocol.compliance
        self.circuit(limited)
        self.device.advance(
            Waveform.ramp(limit, rate),
            samples=40,
            budget=self.protocol.budget,
            stop=lambda _, current: abs(current) >= REACHED * limited,
        )
        return self.device.source_voltage

    def off(self, amplitude=None):
        """Sweep to an amplitude (V) and back; return the resistance (ohm)."""
        self.circuit()
        sweep = Waveform.triangle(amplitude or self.protocol.reset, RATE, fall_rate=10 * RATE)
        self.device.advance(sweep, samples=60, budget=self.protocol.budget)
        return self.resistance

    def time_to(self, voltage, reached, *, longest=SECONDS, limited=True, budget=None):
        """Hold a voltage (V) until ``reached(conductance)``; return the time (s), inf if it never was."""
        self.circuit(self.protocol.compliance if limited else None)
        start, hit = self.device.time, []

        def stop(device, _):
            if reached(device.current(READ) / READ):
                hit.append(device.time)
            return bool(hit)

        self.device.advance(
            Waveform.constant(voltage, longest), samples=5, stop=stop, budget=budget or self.protocol.budget
        )
        return hit[0] - start if hit else math.inf


def again(device, state, run):
    """Put a device back to a state, with other random numbers for each run."""
    device.restore(state)
    for _ in range(7 * run):
        device.engine.draw()
    device.draw_hazard()


def cells(name, seeds, *, rate=RATE, **size):
    """Return a cell of a packaged set for each seed, switched on with ramps of ``rate`` (V/s)."""
    found = []
    for seed in seeds:
        cell = Cell(Material.load(name), seed, PROTOCOLS.get(name, USUAL), **size)
        if cell.on(5.0, rate=rate, attempts=8) is not None:
            found.append(cell)
    return found
