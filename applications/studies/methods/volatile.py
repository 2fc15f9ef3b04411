"""How long a volatile device remembers a pulse: kinetic Monte Carlo of a filament that dissolves at 0 V."""

from dataclasses import dataclass

import numpy as np

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform
from frenkel.typing import Floats

from ..common.settings import Settings

HOLD = 20e-6
"""Time for which a pulse goes on after the limit was reached (s)."""

LONGEST = 5e-3
"""Longest pulse, and longest wait for the end of a memory (s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatile:
    """A small cell that forgets, and the pulse that it is given.

    Attributes
    ----------
    material : str
    layers, width : int
        Of the lattice.
    voltage : float
        Of the pulse (V).
    compliance : float
        (A).
    """

    material: str = "Ag-HfO2"
    layers: int = 6
    width: int = 7
    voltage: float = 1.0
    compliance: float = 1e-6

    def device(self, seed: int, member: int) -> Device:
        """Return a cell as made."""
        material = Material.load(self.material)
        a = material.lattice.spacing
        circuit = Circuit(compliance=self.compliance)
        return Device(
            material, self.layers * a, self.width * a, circuit=circuit, seed=seed, member=member
        )  # fmt: skip


def remembered(device: Device, cell: Volatile) -> float:
    """Return for how long the conductance stays above 1/e of its value after a pulse (s).

    NaN: the pulse did not reach the limit. Infinite: still above after :data:`LONGEST`.
    """
    reached = []

    def at_limit(_: Device, current: float) -> bool:
        if abs(current) >= 0.999 * cell.compliance:
            reached.append(current)
        return bool(reached)

    device.advance(Waveform.constant(cell.voltage, LONGEST), samples=50, stop=at_limit)
    if not reached:
        return float("nan")
    course = device.advance(Waveform.constant(cell.voltage, HOLD), samples=20)
    least = np.median(course.sample["conductance"][-10:]) / np.e
    begin, chunk = device.time, HOLD / 4
    while device.time - begin < LONGEST:
        sample = device.advance(Waveform.constant(0.0, chunk), samples=50).sample
        below = np.flatnonzero(sample["conductance"] < least)
        if below.size:
            return float(sample["time"][below[0]] - begin)
        chunk *= 2.0
    return float("inf")


def lifetimes(cell: Volatile, devices: int, pulses: int, settings: Settings) -> Floats:
    """Return how long each of some devices remembers each of some pulses (devices, pulses), in s."""
    times = np.full((devices, pulses), np.nan)
    for member in range(devices):
        settings.progress(0.4 * member / devices, f"{cell.material}, device {member + 1} of {devices}")
        device = cell.device(settings.seed, member)
        for pulse in range(pulses):
            times[member, pulse] = remembered(device, cell)
    return times
