"""Studies by name: run one, keep its dataset, read it again."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import xarray as xr

from .. import provenance
from ..analysis.results import store
from . import STUDIES, check
from .base import Claim, Settings


class Study(Protocol):
    """A module of :mod:`frenkel.studies`."""

    TITLE: str

    def run(self, settings: Settings) -> xr.Dataset:
        """Measure."""

    def table(self, data: xr.Dataset) -> str:
        """Return the table, as Markdown."""

    def claims(self, data: xr.Dataset) -> list[Claim]:
        """Return what the numbers say."""

    def draw(self, data: xr.Dataset, folder: Path) -> list[Path]:
        """Draw pictures."""


def study(name: str) -> Study:
    """Return a study by its name.

    Raises
    ------
    ValueError
        There is none of this name.
    """
    check(name)
    return cast(Study, importlib.import_module(f".{STUDIES[name][0]}", __package__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A study that has run.

    Attributes
    ----------
    name, title : str
    data : xarray.Dataset
    table : str
        Markdown.
    claims : list of Claim
    pictures : list of Path
    """

    name: str
    title: str
    data: xr.Dataset
    table: str
    claims: list[Claim]
    pictures: list[Path]

    @property
    def hash(self) -> str:
        """Hash of the configuration that the dataset records."""
        return str(self.recorded["configuration_hash"])

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Numbers of the device that somebody chose, since its card lacks them."""
        origins = self.recorded["configuration"].get("device_origins", {})
        return tuple(name for name, origin in origins.items() if origin == "placeholder")

    @property
    def recorded(self) -> dict[str, Any]:
        """Provenance of the dataset."""
        return provenance.read(self.data.attrs.get("provenance"), f"study {self.name}")


def carry_out(name: str, settings: Settings, folder: Path, *, force: bool = False) -> Outcome:
    """Run a study and write its dataset and pictures to a folder; every number told is read from the dataset.

    Parameters
    ----------
    name : str
        Of :data:`STUDIES`.
    settings : Settings
    folder : Path
        That exists.
    force : bool
        Replace an existing dataset.
    """
    one = study(name)
    target = store.writable(folder / f"{name}.nc", force=force)
    store.save_table(one.run(settings), target, force=force)
    return read(name, folder)


def read(name: str, folder: Path) -> Outcome:
    """Return a study from the dataset in a folder, its pictures drawn anew.

    Raises
    ------
    StoreError
        The dataset is not there or damaged.
    ValueError
        It is of another study.
    """
    one = study(name)
    source = store.readable(folder / f"{name}.nc")
    try:
        with xr.open_dataset(source, engine="netcdf4") as found:
            data = found.load()
    except (OSError, ValueError) as error:
        raise store.StoreError(f"{source} cannot be read: {error}") from None
    if data.attrs.get("study") != name:
        raise ValueError(f"{source} holds {data.attrs.get('study', 'no study')}, not {name}")
    return Outcome(
        name=name, title=one.TITLE, data=data, table=one.table(data), claims=one.claims(data),
        pictures=one.draw(data, folder),
    )  # fmt: skip
