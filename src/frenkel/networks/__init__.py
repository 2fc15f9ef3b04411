"""Networks on chips: tasks, statistics of a device, mapping to cells, and what it all costs."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return :func:`frenkel.networks.conversion.convert`, which needs PyTorch, when it is first asked for."""
    if name == "convert":
        from .conversion import convert  # PyTorch, an extra

        return convert
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
