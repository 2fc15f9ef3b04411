"""Formats of files, by their first bytes and their ending, and the folder of a run beside its output.

Nothing here loads a library: a process that only serves the others reads this module too.
"""

from pathlib import Path
from typing import Literal

from . import netcdf

Form = Literal["netcdf", "shard", "checkpoint", "csv", "table", "card", "configuration", "other"]
"""Format of a file. A "csv" may be a table of ours; "table" is text or Excel of a laboratory."""

SHARD = b"frenkel shard "
"""First bytes of a log of finished members."""

ENDINGS: dict[str, Form] = {
    ".checkpoint": "checkpoint",
    ".csv": "csv",
    ".json": "card",
    ".toml": "configuration",
    **dict.fromkeys((".tsv", ".txt", ".gz", ".xlsx", ".xls"), "table"),
}
"""Formats of files that have no first bytes of their own."""

REMEDIES: dict[Form, str] = {
    "card": "; frenkel.open reads a card",
    "configuration": "; frenkel run makes a result of a configuration",
    "csv": "; frenkel read makes a file of a table",
    "table": "; frenkel read makes a file of a table",
}
"""What makes a result of other files."""


def form_of(path: str | Path) -> Form:
    """Return the format of a file, by its first bytes, else by its ending.

    Raises
    ------
    OSError
        It cannot be read.
    """
    source = Path(path)
    with source.open("rb") as stream:
        first_bytes = stream.read(len(SHARD))
    if first_bytes.startswith(netcdf.MAGIC):
        return "netcdf"
    return "shard" if first_bytes == SHARD else ENDINGS.get(source.suffix.lower(), "other")


def configures_array(path: Path) -> bool:
    """Tell whether a file is the configuration of an array: it has a table [array]."""
    from .. import toml  # here alone, since the ranks of a run import this module and read no TOML

    try:
        return "array" in toml.read(path)
    except (OSError, ValueError):
        return False  # reported in full where the file is read


def names_card(path: Path) -> bool:
    """Tell whether a card is meant: a JSON file, or a name without an ending, as packaged cards have."""
    return path.suffix == ".json" or (path.suffix == "" and not path.exists())


def not_netcdf(path: str | Path) -> str:
    """Return the sentence about a file that is no netCDF file, and what makes one of it."""
    return f"{path} is not a netCDF file{REMEDIES.get(ENDINGS.get(Path(path).suffix.lower(), 'other'), '')}"


def run_folder(output: Path) -> Path:
    """Return the folder that holds the shards of an output."""
    return output.with_name(output.name + ".run")
