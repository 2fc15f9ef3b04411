"""Errors that more than one floor raises or catches."""

from __future__ import annotations

import errno
import inspect
import shutil
import warnings
from pathlib import Path


def explain(error: BaseException, folder: Path) -> str:
    """Say why a file could not be written into a folder; netCDF reports a full disk as 'HDF error' only."""
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC or shutil.disk_usage(folder).free < 1 << 20:
        return f"the disk of {folder} is full"
    if number == errno.EFBIG:
        return "the file would be larger than the limit for this process"
    return reason(error)


def reason(error: BaseException) -> str:
    """Return what an error says, on one line and without the number that the system gives to it."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def of_earlier(origin: str, sign: str) -> str:
    """Return the sentence about a file that an earlier frenkel wrote, which ``frenkel migrate`` alone reads.

    Parameters
    ----------
    origin : str
        Name of the file.
    sign : str
        By what it is known, such as "it has no variable peak_current".
    """
    return f"{origin} is of an earlier frenkel ({sign}): frenkel migrate FILE makes a file of today of it"


class Doubt(UserWarning):
    """What was given is taken, and is probably not what was meant; the message is one sentence."""


def warn(text: str, category: type[UserWarning] = Doubt) -> None:
    """Warn at the line outside of this package that asked for what is doubted."""
    frame, level = inspect.currentframe(), 1
    while frame and frame.f_globals.get("__name__", "").startswith("frenkel."):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


class ConvergenceError(RuntimeError):
    """Equations of a network, a circuit or an array were not solved."""
