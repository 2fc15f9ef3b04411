"""Kinetic Monte Carlo simulation of resistive memory: the public names, and nothing else.

Names are imported when first used, so that ``import frenkel`` and the command line start at once.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import units as units
    from .analysis.plots import paper as plot  # noqa: F401
    from .cells.card import Card as Card
    from .configuration.reader import read as read_configuration  # noqa: F401
    from .data.store import save as save
    from .experiment.device import Device as Device
    from .experiment.device import again as again
    from .experiment.device import run as run
    from .experiment.fit_card import fit_card as fit_card
    from .kinetic.circuit import Circuit as Circuit
    from .kinetic.materials.material import Material as Material
    from .kinetic.mechanisms.mechanism import Mechanism as Mechanism
    from .kinetic.waveform import Waveform as Waveform
    from .networks.chip import Chip as Chip
    from .rare.tails import tails as tails
    from .scripting.files import open_file as open  # noqa: F401
    from .scripting.many import ensemble as ensemble
    from .scripting.many import sweep as sweep

_PLACES = {
    "Card": "cells.card",
    "Chip": "networks.chip",
    "Circuit": "kinetic.circuit",
    "Device": "experiment.device",
    "Material": "kinetic.materials.material",
    "Mechanism": "kinetic.mechanisms.mechanism",
    "Waveform": "kinetic.waveform",
    "again": "experiment.device",
    "ensemble": "scripting.many",
    "fit_card": "experiment.fit_card",
    "open": "scripting.files:open_file",
    "plot": "analysis.plots.paper:",
    "read_configuration": "configuration.reader:read",
    "run": "experiment.device",
    "save": "data.store",
    "sweep": "scripting.many",
    "tails": "rare.tails",
    "units": "units:",
}
"""Public names and their modules; after a colon the name there, nothing where it is the module itself."""

_OF_DATASETS = ("Chip", "Device", "again", "ensemble", "run", "sweep")
"""Names of which a script gets datasets, while their modules wait with xarray until there is one."""

_ROOMS = (
    "analysis", "array", "calibration", "cells", "configuration", "events", "experiment", "kinetic",
    "mpi_runs", "networks", "rare", "verify",
)  # fmt: skip
"""Parts of the package that are found by their names, without an import of their own."""

# "open" is left out: a star must not replace Python's own.
__all__ = [*(name for name in _PLACES if name != "open"), "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from .provenance import version  # importlib.metadata, and only the version needs it

        return version()
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name not in _PLACES:
        # With both given, Python adds the nearest name to what it prints.
        raise AttributeError(f"there is no frenkel.{name}", name=name, obj=sys.modules[__name__])
    place, colon, other = _PLACES[name].partition(":")
    module = importlib.import_module(f".{place}", __name__)
    if name in _OF_DATASETS:
        importlib.import_module("xarray")
    value = module if colon and not other else getattr(module, other or name)
    globals()[name] = value
    _know_datasets()
    return value


def __dir__() -> list[str]:
    return sorted([*_PLACES, *_ROOMS, "__version__"])


def _know_datasets() -> None:
    """Give datasets their methods, ``data.frenkel``, once there is xarray; nothing here imports it."""
    if hasattr(sys.modules.get("xarray"), "register_dataset_accessor"):
        importlib.import_module(".scripting.accessor", __name__)


_know_datasets()
