"""Members of the benchmark of ensembles: numbers of a given size, after a nap if the settings say so."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

TRACES = 5


def prepare(settings: dict[str, Any]) -> Any:
    """Return what runs one member; imports nothing else, so that its process starts at once."""
    naps = settings.get("naps")
    values = np.random.default_rng(1).random((TRACES, settings["length"]))

    def run(member: int, context: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if naps:
            time.sleep(naps[member])
        return {f"trace{i}": values[i] for i in range(TRACES)} | {"number": np.asarray(float(member))}, {}

    return run
