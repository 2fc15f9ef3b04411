"""Errors of this package, and how it asks for libraries of the extra ``barriers``."""

from __future__ import annotations

import importlib
from typing import Any


class BarrierError(ValueError):
    """Something that was given cannot be used; the message is one sentence."""


def library(name: str) -> Any:
    """Return a module of the extra ``barriers``.

    Raises
    ------
    BarrierError
        It is not installed; the sentence says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = (error.name or name).partition(".")[0]
        raise BarrierError(
            f"barriers need {missing}, which is not installed: pip install '.[barriers]' in the clone"
        ) from None
