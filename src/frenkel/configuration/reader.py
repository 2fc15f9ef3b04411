"""Read the file of a configuration, of a device or of an array, with changes from the command line."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from .. import toml
from ..errors import warn
from ..kinetic.materials.changes import doubts
from ..kinetic.materials.material import Material
from ..kinetic.materials.rows import MaterialError
from ..validation import shown
from . import material
from .base import ConfigurationError
from .device import Configuration, parse
from .phases import Sweep
from .population import Sampler, with_tables

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

    Warns
    -----
    Doubt
        A number of the material outside the range that the set states for it, a changed formula, a RESET of
        the sign of the SET, a drawn number of which more than 1 % of the draws are not allowed.
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
    for text in changes:
        change(document, text)
    if "array" in document:
        from . import array  # brings networks of lines; only arrays need them

        return array.parse(document, str(source))
    found = parse(with_tables(document, source.parent), str(source))
    for doubt in (
        *_about_material(found, source.parent), *_about_signs(found), *about_population(found, source.parent),
    ):  # fmt: skip
        warn(f"{source}: {doubt}")
    return found


def _about_material(configuration: Configuration, folder: Path) -> list[str]:
    section = configuration.material
    if not section.changes or configuration.material_document is not None:
        return []
    try:
        return doubts(Material.find(section.base, folder).document(), section.changes, section.name)
    except MaterialError:
        return []  # making the material says what is wrong


def about_population(configuration: Configuration, folder: Path) -> Iterator[str]:
    """Yield a sentence for each drawn number of which many draws are not allowed.

    Raises
    ------
    ConfigurationError
        A number has no value to lie around.
    """
    if configuration.population is None:
        return
    try:
        material_of_all = configuration.made_of(folder)
    except MaterialError:
        return  # making the material says what is wrong
    section = configuration.population.of(material_of_all)
    yield from Sampler(section, configuration, material_of_all).doubts()


def _about_signs(configuration: Configuration) -> list[str]:
    """Return a sentence for the first RESET that has the sign of what closes the device before it."""
    closing: tuple[str, float] | None = None
    for name, _, phase in configuration.phases():
        if not isinstance(phase, Sweep):
            continue
        if phase.kind in ("form", "set"):
            closing = name, phase.amplitude
        elif phase.kind == "reset" and closing is not None and closing[1] * phase.amplitude > 0.0:
            sign_text = f"the sign of {closing[0]} ({closing[1]:g} V)"
            return [
                f"{name} has an amplitude of {phase.amplitude:g} V, {sign_text}; most materials want "
                f"{-phase.amplitude:g} V here"
            ]
    return []


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
    section: Any = document
    for part in path:
        section = _inside(section, part, text)
    _inside(section, last, text)
    section[int(last) if isinstance(section, list) else last] = value


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
