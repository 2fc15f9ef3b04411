"""Studies by name: run one, keep its dataset, read it again."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import xarray as xr

from frenkel import provenance
from frenkel.data import content, kinds, store
from frenkel.data.stopping import held_back

from . import named, number
from .common.claims import Claim
from .common.settings import Settings


class Study(Protocol):
    """A module of :mod:`frenkel_studies`."""

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
    """Return a study by its name or number.

    Raises
    ------
    ValueError
        There is none of this name.
    """
    return cast(Study, importlib.import_module(f".{named(name).replace('-', '_')}", __package__))


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
    source : Path
        File of the dataset.
    """

    name: str
    title: str
    data: xr.Dataset
    table: str
    claims: list[Claim]
    pictures: list[Path]
    source: Path

    @property
    def heading(self) -> str:
        """Name, number and title."""
        return f"{self.name} ({number(self.name)}): {self.title}"

    @property
    def hash(self) -> str:
        """Hash of the configuration that the dataset records."""
        return str(self.recorded["configuration_hash"])

    @property
    def missing(self) -> tuple[str, ...]:
        """What the cell does not tell, so that the study leaves it out."""
        return tuple(self.recorded["configuration"].get("device_missing", ()))

    @property
    def recorded(self) -> dict[str, Any]:
        """Provenance of the dataset."""
        return provenance.read(self.data.attrs.get("provenance"), f"study {self.name}")


def file_of(name: str, folder: Path) -> Path:
    """Return the dataset of a study in a folder."""
    return folder / f"{name}.nc"


def carry_out(name: str, settings: Settings, folder: Path, *, force: bool = False) -> Outcome:
    """Run a study and write its dataset and pictures to a folder; what is reported is read from the dataset.

    Parameters
    ----------
    name : str
        Name or number of a study.
    settings : Settings
    folder : Path
        That exists.
    force : bool
        Replace an existing dataset.
    """
    module, name = study(name), named(name)
    target = store.writable(folder / f"{name}.nc", force=force)
    store.save_table(module.run(settings), target, force=force)
    return read(name, folder)


def read(name: str, folder: Path) -> Outcome:
    """Return a study from the dataset in a folder, its pictures drawn again.

    Raises
    ------
    StoreError
        The dataset is not there or damaged.
    ValueError
        It is of another study.
    """
    module, name = study(name), named(name)
    source = store.readable(file_of(name, folder))
    try:
        content.check(source)
        with held_back():
            data = kinds.load(source)
    except (OSError, ValueError) as error:
        raise store.StoreError(f"{source} cannot be read: {error}") from None
    recorded_study = data.attrs.get("study", "no study")
    if recorded_study != name:
        raise ValueError(f"{source} holds {recorded_study}, not {name} ({number(name)})")
    return Outcome(
        name=name, title=module.TITLE, data=data, table=module.table(data), claims=module.claims(data),
        pictures=module.draw(data, folder), source=source,
    )  # fmt: skip
