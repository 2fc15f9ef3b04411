"""Resistive memory from single atoms to arrays: the public names, and nothing else.

Names are imported when first used, so that ``import frenkel`` and the command line start at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.filament import longest_jump as longest_jump
    from .analysis.filament import snapshot as snapshot
    from .analysis.metrics import cycle_summary as cycle_summary
    from .analysis.metrics import phase_summary as phase_summary
    from .analysis.store import load as load
    from .analysis.store import save as save
    from .card import Card as Card
    from .configuration import read as read_configuration  # noqa: F401
    from .experiment import Device as Device
    from .experiment import again as again
    from .experiment import run as run
    from .kinetic.circuit import Circuit as Circuit
    from .kinetic.engine import Engine as Engine
    from .kinetic.lattice import Lattice as Lattice
    from .kinetic.material import Material as Material
    from .kinetic.mechanism import Mechanism as Mechanism
    from .kinetic.species import Species as Species
    from .kinetic.waveform import Waveform as Waveform
    from .networks.chip import Chip as Chip
    from .networks.device_statistics import DeviceStatistics as DeviceStatistics

_PLACES = {
    "Card": "card",
    "Chip": "networks.chip",
    "Circuit": "kinetic.circuit",
    "Device": "experiment",
    "DeviceStatistics": "networks.device_statistics",
    "Engine": "kinetic.engine",
    "Lattice": "kinetic.lattice",
    "Material": "kinetic.material",
    "Mechanism": "kinetic.mechanism",
    "Species": "kinetic.species",
    "Waveform": "kinetic.waveform",
    "again": "experiment",
    "cycle_summary": "analysis.metrics",
    "load": "analysis.store",
    "longest_jump": "analysis.filament",
    "phase_summary": "analysis.metrics",
    "read_configuration": "configuration",
    "run": "experiment",
    "save": "analysis.store",
    "snapshot": "analysis.filament",
}
_RENAMED = {"read_configuration": "read"}

__all__ = [*_PLACES, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from .provenance import version

        return version()
    if name not in _PLACES:
        raise AttributeError(f"module 'frenkel' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), _RENAMED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
