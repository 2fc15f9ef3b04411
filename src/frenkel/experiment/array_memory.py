"""How much memory an array takes, said before it is taken."""

from pathlib import Path
from typing import Any

from ..configuration.array import ArrayConfiguration, LiveCellsSection
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.material import chosen
from ..configuration.phases import CircuitSection
from ..memory import available

CROSSING_BYTES = 250.0
"""Memory of a crossing and its cell, of lines, solvers and results: measured up to 512 x 512."""

LIVE_BYTES = 2e6
"""Memory that a formed live device takes beside its sites, for fields that it keeps: measured, TaOx."""


def check_memory(settings: ArrayConfiguration, folder: Path) -> None:
    """Raise an error if an array would not fit into the memory that there is; see :func:`.memory.available`.

    Parameters
    ----------
    settings : ArrayConfiguration
    folder : Path
        Where a material file with a relative name is looked for.

    Raises
    ------
    ConfigurationError
        Names the number of cells, the memory they take and what there is.
    """
    array, section = settings.array, settings.cells
    each, which = CROSSING_BYTES * (2 if array.crossing == "CRS" else 1), "cells"
    if isinstance(section, LiveCellsSection):
        from ..kinetic.state import box  # compiled kernels and scipy.linalg, for live devices alone
        from .device import memory

        devices = devices_of(section, settings.seed, settings.documents or {})
        material = devices.made_of(folder)
        shape = box(section.device.height, section.device.width, material.lattice.spacing)
        each += LIVE_BYTES + memory(devices, material)
        which = f"live devices of {' x '.join(map(str, shape))} sites"
    needed, present = each * array.word_lines * array.bit_lines, available()
    if needed > 0.8 * present:
        raise ConfigurationError(
            f"array.word_lines and array.bit_lines must be smaller: {array.word_lines} x {array.bit_lines} "
            f"{which} take about {needed / 1e9:.3g} GB of memory, there is {present / 1e9:.3g} GB"
        )


def devices_of(section: LiveCellsSection, seed: int | None, documents: dict[str, Any]) -> Configuration:
    """Return the configuration of the live devices of an array."""
    return Configuration(
        material=chosen(section.material),
        material_document=documents.get("material"),
        layer_documents=documents.get("layers"),
        seed=seed,
        device=section.device,
        circuit=CircuitSection(),
        phase=list(section.forming),
    )
