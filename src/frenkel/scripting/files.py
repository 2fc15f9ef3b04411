"""Open whatever frenkel writes, by one name."""

from pathlib import Path
from typing import Any

from ..analysis.measured import dataset
from ..analysis.measured import files as measured
from ..analysis.results import index, schema, store
from ..experiment import array_file, ensemble_file
from ..mpi_runs import content

OTHERS = {
    ".toml": "frenkel.read_configuration reads a configuration, frenkel.Material.read a material",
    ".csv": "frenkel.analysis.noise.trace.read_csv reads a measured trace",
    ".xyz": "ase.io.read reads it, and OVITO opens it",
    ".run": "it is the folder of a run; open the file beside it, or frenkel merge it first",
}
"""Files that are no results, by their ending, and what reads them."""


def open_file(path: str | Path) -> Any:
    """Open a file that frenkel has written: a result, an ensemble, a sweep, an array, measurements; a card.

    Parameters
    ----------
    path : str or Path

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
    source = store.readable(source)
    if source.suffix == ".json":
        from ..cards.card import Card

        return Card.load(source)
    if not content.is_netcdf(source):
        raise store.StoreError(f"{source} is not a netCDF file")
    if ensemble_file.is_ensemble(source):
        return ensemble_file.open_ensemble(source)
    if array_file.is_array(source):
        return array_file.load(source)
    if dataset.is_measured(source):
        return measured.load(source)
    return index.indexed(store.load(source))
