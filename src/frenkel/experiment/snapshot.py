"""What is kept of a device at one moment: where its defects are, and how hot it is there."""

from typing import Any

import numpy as np

from ..kinetic.device import Device


def observe(device: Device) -> dict[str, Any]:
    """Return what a snapshot holds: where the defects are, which conduct, how hot it is there."""
    hot = device.temperature_map
    sites, species = device.defects
    position = device.lattice.position[sites]
    nodes = device.fields.nodes()[0]
    # An interstitial site has no temperature of its own; the host site at its lower corner stands for it.
    hosts = _host_below(device, position)
    return {
        "time": device.time,
        "sites": sites,
        "species": species,
        "voltage": float(device.device_voltage),
        "current": float(device.current(device.device_voltage)),
        "position": position,
        "conducting": np.isin(sites, nodes).astype(np.int8),
        "temperature": hot[hosts],
    }


def _host_below(device: Device, position: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the host site at, or at the lower corner of, each position."""
    nx, ny, nz = device.shape
    cell = np.floor(position / device.lattice.spacing + 1e-6).astype(int)
    layer = np.clip(cell[:, 2] - 1, 0, nz - 1)
    hosts: np.ndarray[Any, Any] = (cell[:, 0] % nx * ny + cell[:, 1] % ny) * nz + layer
    return hosts
