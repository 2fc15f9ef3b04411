"""What is kept of a device at one moment, and at which moments of a phase: its defects, how hot they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kinetic.device import Device


@dataclass(slots=True)
class Moments:
    """Which events and samples of a phase are kept as snapshots: evenly spread among all of them.

    How many there will be nobody knows beforehand. So each is kept until there are more than ``most``; then
    every other one is dropped and only every second is kept from there on, and so forth.

    Parameters
    ----------
    most : int
        This many are kept, or at least half of it once there were more.
    seen : int
        Events and samples so far.
    stride : int
        Every how manieth is kept, a power of two.
    """

    most: int
    seen: int = 0
    stride: int = 1

    def due(self) -> bool:
        """Count one more moment; tell whether it is kept."""
        self.seen += 1
        return self.seen % self.stride == 0

    def thinned(self, snapshots: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the snapshots of a phase without those that are too many; what is no moment stays."""
        while sum("moment" in shot for shot in snapshots) > self.most:
            self.stride *= 2
            snapshots = [shot for shot in snapshots if shot.get("moment", 0) % self.stride == 0]
        return snapshots


def observe(device: Device) -> dict[str, Any]:
    """Return what a snapshot holds: where the defects are, which conduct, how hot it is there."""
    hot = device.temperature_map
    sites, species = device.defects
    position = device.lattice.position[sites]
    conducting = np.zeros(device.lattice.n_sites, np.int8)
    conducting[device.fields.nodes()[0]] = 1
    # An interstitial site has no temperature of its own; the host site at its lower corner stands for it.
    hosts = _host_below(device, position)
    return {
        "time": device.time,
        "sites": sites,
        "species": species,
        "voltage": float(device.device_voltage),
        "current": float(device.current(device.device_voltage)),
        "position": position,
        "conducting": conducting[sites],
        "temperature": hot[hosts],
    }


def _host_below(device: Device, position: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the host site at, or at the lower corner of, each position."""
    nx, ny, nz = device.shape
    cell = np.floor(position / device.lattice.spacing + 1e-6).astype(int)
    layer = np.clip(cell[:, 2] - 1, 0, nz - 1)
    hosts: np.ndarray[Any, Any] = (cell[:, 0] % nx * ny + cell[:, 1] % ny) * nz + layer
    return hosts
