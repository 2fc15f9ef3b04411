"""A small oxide cell: on with verify, off with a sweep, held until it switches."""

import math

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform

COMPLIANCE = 50e-6
SERIES = 2e3
RATE, FALL = 1e5, 1e7
VERIFIED = 28e3  # ohm: below it a device is on
BUDGET = 20_000
SECONDS = 3.2e10  # a thousand years


class Cell:
    """A small device that is switched on with verify and off with a sweep."""

    def __init__(self, material, seed, *, layers=10, width=8):
        a = material.lattice.spacing
        self.device = Device(material, layers * a, width * a, seed=seed)

    @property
    def resistance(self):
        """Resistance (ohm)."""
        return 1.0 / self.device.conductance

    def circuit(self, compliance=None):
        """Put the series resistance, and a current limit (A) if given, around the device."""
        self.device.circuit = Circuit(series_resistance=SERIES, compliance=compliance)

    def on(self, limit=3.0, *, rate=RATE, sign=1, attempts=4):
        """Ramp to the compliance, fall, read, again while it is off; return the first voltage (V) or None."""
        first = None
        for _ in range(attempts):
            self.circuit(COMPLIANCE)
            self.device.advance(
                Waveform.ramp(sign * limit, rate),
                samples=40,
                budget=BUDGET,
                stop=lambda _, current: abs(current) >= 0.999 * COMPLIANCE,
            )
            top = self.device.source_voltage
            first = top if first is None else first
            if abs(top) < 0.999 * limit:
                self.device.advance(Waveform.constant(top, 1e-6), samples=3, budget=BUDGET)
            self.device.advance(Waveform.ramp(0.0, FALL, start=top), samples=4, budget=BUDGET)
            if self.resistance < VERIFIED:
                return first
        return None

    def off(self, amplitude=-1.8):
        """Sweep to an amplitude (V) and back; return the resistance (ohm)."""
        self.circuit()
        sweep = Waveform.triangle(amplitude, RATE, fall_rate=10 * RATE)
        self.device.advance(sweep, samples=60, budget=BUDGET)
        return self.resistance

    def time_to(self, voltage, reached, *, longest=SECONDS, compliance=COMPLIANCE, budget=BUDGET):
        """Hold a voltage (V) until ``reached(conductance)``; return the time (s), inf if it never was."""
        self.circuit(compliance)
        start, hit = self.device.time, []

        def stop(device, _):
            if reached(device.conductance):
                hit.append(device.time)
            return bool(hit)

        self.device.advance(Waveform.constant(voltage, longest), samples=5, stop=stop, budget=budget)
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
        cell = Cell(Material.load(name), seed, **size)
        if cell.on(5.0, rate=rate, attempts=8) is not None:
            found.append(cell)
    return found
