"""A column of vacancies with a gap of one layer, and the time of its events in turns with other devices."""

import time
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.run import EventBudgetError
from frenkel.kinetic.waveform import Waveform

VOLTAGE = 1.3  # V
RADIUS, BELOW = 1.5, 3  # spacings; layers from the top to the gap

Name = TypeVar("Name")


def fill(device: Device) -> Device:
    """Put the column into a device, in place of all its defects, and return it."""
    nx, ny, nz = device.shape
    x, y, z = np.indices(device.shape)
    species = np.array(device.engine.species, np.int8)
    species[: device.n_hosts] = OXYGEN.code
    column = np.hypot(x - nx // 2, y - ny // 2) <= RADIUS
    species[np.flatnonzero(column & (z != nz - BELOW))] = VACANCY.code
    device.arrange(species=species)
    return device


def event(device: Device, number: int) -> float:
    """Let a device have some events; return the CPU time (ms) of one."""
    began, before = time.process_time(), device.events
    try:
        device.advance(Waveform.constant(VOLTAGE, 1.0), samples=2, budget=number)
    except EventBudgetError:
        pass
    return 1e3 * (time.process_time() - began) / (device.events - before)


def least_times(devices: Mapping[Name, Device], warm_up: int, events: int, turns: int) -> dict[Name, float]:
    """Return the least CPU time (ms) of an event of each device over some turns, all of the same events."""
    for device in devices.values():
        event(device, warm_up)
    states = {name: device.state() for name, device in devices.items()}
    cost: dict[Name, list[float]] = {name: [] for name in devices}
    for _ in range(turns):
        for name, device in devices.items():
            device.restore(states[name])
            cost[name].append(event(device, events))
    return {name: min(values) for name, values in cost.items()}
