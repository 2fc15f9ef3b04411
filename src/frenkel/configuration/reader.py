"""Read the file of a configuration, of a device or of an array, with changes from the command line."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from .. import toml
from ..validation import shown
from . import material
from .base import ConfigurationError
from .device import Configuration, parse

if TYPE_CHECKING:
    from .array import ArrayConfiguration


def read(path: str | Path, changes: Sequence[str] = ()) -> Union[Configuration, "ArrayConfiguration"]:
    """Read a configuration file: of a device, or with a table [array] of an array.

    Parameters
    ----------
    path : str or Path
    changes : sequence of str
        "key=value" each, with dots between levels and numbers for the places in a list, from 0:
        ``device.width=8 nm``, ``phase.0.amplitude=5 V``; numbers of the material by their section:
        ``vacancy.migration_barrier=0.8 eV``.

    Raises
    ------
    ConfigurationError
        The first fault, naming file, key and value.
    """
    source = Path(path)
    try:
        document = toml.read(source)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {source}") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{source} is a folder, not a file") from None
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{source} is not a TOML file: {error}") from None
    for one in changes:
        change(document, one)
    if "array" in document:
        from . import array  # brings networks of lines; only arrays need them

        return array.parse(document, str(source))
    return parse(document, str(source))


def change(document: dict[str, Any], text: str) -> None:
    """Set one value of a document from "key=value"."""
    key, equals, written = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"--set must be key=value, got {text!r}")
    try:
        value = toml.loads(f"value = {written}")["value"]
    except ValueError:
        value = written.strip()  # "8 nm" needs no quotes on the command line
    *path, last = _place(key.strip().split("."), document)
    if len(path) >= toml.DEEPEST:
        raise ConfigurationError(f"--set: a key must have at most {toml.DEEPEST} parts, got {shown(key)}")
    place: Any = document
    for part in path:
        place = _inside(place, part, text)
    _inside(place, last, text)
    place[int(last) if isinstance(place, list) else last] = value


def _place(path: list[str], document: dict[str, Any]) -> list[str]:
    return path if "array" in document else material.place(path, document)


def _inside(place: Any, part: str, text: str) -> Any:
    if isinstance(place, list):
        if not re.fullmatch("[0-9]{1,9}", part) or int(part) >= len(place):
            raise ConfigurationError(f"--set {text}: {part!r} must be a number from 0 to {len(place) - 1}")
        return place[int(part)]
    if not isinstance(place, dict):
        raise ConfigurationError(f"--set {text}: there is nothing inside a value to set ({part!r})")
    return place.setdefault(part, {})
