"""Open whatever frenkel writes, by one name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..analysis.measured import files as measured
from ..cells.card import Card
from ..cells.files import packaged
from ..data import forms, index, kinds, schema, stopping, store
from ..experiment import array_file, ensemble_file

TABLE = (
    "the command frenkel read makes a file of a table that frenkel.open reads, "
    "frenkel.analysis.noise.trace.read_csv reads a trace"
)
OTHERS = {
    ".toml": "frenkel.read_configuration reads a configuration, frenkel.Material.read a material",
    **dict.fromkeys((".csv", ".tsv", ".txt", ".gz", ".xlsx", ".xls"), TABLE),
    ".xyz": "ase.io.read reads it, and OVITO opens it",
    ".run": "it is the folder of a run; open the file beside it, or frenkel merge it first",
}
"""Files that are no results, by their ending, and what reads them."""


def open_file(path: str | Path) -> Any:
    """Open a file that frenkel has written: of a device, an ensemble, a sweep, an array, a study; a card ...

    Parameters
    ----------
    path : str or Path
        A file, or the name of a packaged card.

    Returns
    -------
    xarray.Dataset or Card
        Of a device with names along its dimensions, see :func:`.indexed`; of an ensemble read when it is
        used. All datasets have the methods of ``data.frenkel``, see :class:`.accessor.Frenkel`.

    Raises
    ------
    StoreError
        There is no such file, or it is damaged.
    SchemaError
        It is none of frenkel's; the message says what reads it where that is known.
    """
    source = Path(path)
    if source.suffix in OTHERS:
        raise schema.SchemaError(f"{source} is not a result: {OTHERS[source.suffix]}")
    if source.suffix == ".json" or (str(path) in packaged() and not source.exists()):
        return Card.load(path)
    if not source.exists() and forms.run_folder(source).is_dir():
        raise store.StoreError(
            f"there is no file {source} yet: its run is in {forms.run_folder(source)}, frenkel status tells "
            "how far it is, and the command that began it goes on"
        )
    source = store.readable(source)
    if forms.form_of(source) != "netcdf":
        raise store.StoreError(forms.not_netcdf(source))
    return OPENERS.get(kinds.kind_of(source), _device)(source)


def _device(source: Path) -> Any:
    return index.indexed(store.load(source))


def _plain(source: Path) -> Any:
    """Return the dataset of a file that has no layout of its own."""
    with stopping.held_back():
        return kinds.load(source)


OPENERS: dict[kinds.Kind, Callable[[Path], Any]] = {
    "ensemble": ensemble_file.open_ensemble,
    "array": array_file.load,
    "measured": measured.load,
    "calibration": _plain,
    "sensitivity": _plain,
    "tails": _plain,
    "study": _plain,
}
"""What opens each kind; any other is opened as the result of a device, which says what is wrong with it."""
