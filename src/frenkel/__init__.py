"""Resistive memory from single atoms to arrays: the public names, and nothing else.

Names are imported when first used, so that ``import frenkel`` and the command line start at once.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.plots import paper as plot  # noqa: F401
    from .analysis.results.filament import longest_jump as longest_jump
    from .analysis.results.filament import snapshot as snapshot
    from .analysis.results.metrics import cycle_summary as cycle_summary
    from .analysis.results.metrics import phase_summary as phase_summary
    from .analysis.results.store import load as load
    from .analysis.results.store import save as save
    from .cards.card import Card as Card
    from .configuration.reader import read as read_configuration  # noqa: F401
    from .experiment.device import Device as Device
    from .experiment.device import again as again
    from .experiment.device import run as run
    from .experiment.electrochemistry import open_circuit_voltage as open_circuit_voltage
    from .experiment.fit_card import fit_card as fit_card
    from .kinetic.circuit import Circuit as Circuit
    from .kinetic.engine.engine import Engine as Engine
    from .kinetic.lattice.lattice import Lattice as Lattice
    from .kinetic.lattice.species import Species as Species
    from .kinetic.materials.material import Material as Material
    from .kinetic.mechanisms.mechanism import Mechanism as Mechanism
    from .kinetic.waveform import Waveform as Waveform
    from .networks.chip import Chip as Chip
    from .networks.device_statistics import DeviceStatistics as DeviceStatistics
    from .rare.sensitivity import sensitivity as sensitivity
    from .rare.tails import tails as tails
    from .scripting.files import open_file as open  # noqa: F401
    from .scripting.many import ensemble as ensemble
    from .scripting.many import sweep as sweep

_PLACES = {
    "Card": "cards.card",
    "Chip": "networks.chip",
    "Circuit": "kinetic.circuit",
    "Device": "experiment.device",
    "DeviceStatistics": "networks.device_statistics",
    "Engine": "kinetic.engine.engine",
    "Lattice": "kinetic.lattice.lattice",
    "Material": "kinetic.materials.material",
    "Mechanism": "kinetic.mechanisms.mechanism",
    "Species": "kinetic.lattice.species",
    "Waveform": "kinetic.waveform",
    "again": "experiment.device",
    "cycle_summary": "analysis.results.metrics",
    "ensemble": "scripting.many",
    "fit_card": "experiment.fit_card",
    "load": "analysis.results.store",
    "longest_jump": "analysis.results.filament",
    "open": "scripting.files",
    "open_circuit_voltage": "experiment.electrochemistry",
    "phase_summary": "analysis.results.metrics",
    "read_configuration": "configuration.reader",
    "run": "experiment.device",
    "save": "analysis.results.store",
    "sensitivity": "rare.sensitivity",
    "snapshot": "analysis.results.filament",
    "sweep": "scripting.many",
    "tails": "rare.tails",
}
_RENAMED = {"read_configuration": "read", "open": "open_file"}

_ROOMS = (
    "analysis", "cards", "configuration", "events", "experiment", "kinetic", "networks", "studies", "units",
)  # fmt: skip
"""Parts of the package that are found by ``frenkel.units`` without an import of their own."""

_DOORS = {"plot": "analysis.plots.paper"}
"""Parts that are found under a shorter name."""

# "open" is left out: a star must not replace Python's own.
__all__ = [*(name for name in _PLACES if name != "open"), "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from .provenance import version

        return version()
    if name in _DOORS:
        return importlib.import_module(f".{_DOORS[name]}", __name__)
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name not in _PLACES:
        raise AttributeError(f"module 'frenkel' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), _RENAMED.get(name, name))
    globals()[name] = value
    _know_datasets()
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS, *_DOORS, "open"])


def _know_datasets() -> None:
    """Give datasets their methods, ``data.frenkel``, once there is xarray; nothing here imports it."""
    if hasattr(sys.modules.get("xarray"), "register_dataset_accessor"):
        importlib.import_module(".scripting.accessor", __name__)


_know_datasets()
