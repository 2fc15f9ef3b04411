"""The engine ``frenkel`` of xarray: ``xr.open_dataset(path, engine="frenkel")``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import BackendEntrypoint

from ..data.layout import SchemaError


class FrenkelBackend(BackendEntrypoint):
    """Opens a result of a device with names along its dimensions, an ensemble, one of its members, an array.

    Samples of the members of an ensemble lie one after another. Opened so, ``sel(member=3)`` of the whole
    raises a ValueError rather than keep the samples of all; ``member=3`` opens one device.
    """

    description = "results of frenkel (.nc)"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "member", "point")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        member: int | None = None,
        point: dict[str, Any] | None = None,
    ) -> xr.Dataset:
        """Return a dataset.

        Parameters
        ----------
        filename_or_obj : str or Path
        drop_variables : str or iterable of str, optional
            Variables that are left out.
        member : int, optional
            Of an ensemble whose traces were kept: this device alone, in the layout of a single result.
        point : dict, optional
            Of a sweep the values along its dimensions, with ``member``.

        Raises
        ------
        SchemaError
            It is no result of frenkel, or has no such member.
        """
        from .files import open_file  # xarray loads this module to ask who reads a file

        opened = open_file(Path(filename_or_obj))
        if not isinstance(opened, xr.Dataset):
            raise SchemaError(f"{filename_or_obj} is not a dataset; frenkel.open reads it")
        found: xr.Dataset = opened
        if member is not None:
            with opened:  # the device is in memory; nothing else keeps the file open
                found = opened.frenkel.member(member, **(point or {})).frenkel.indexed()
        elif point:
            raise SchemaError("point needs member, the device that is opened")
        left_out = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        return found.drop_vars(left_out, errors="ignore") if left_out else found
