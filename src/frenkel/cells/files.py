"""Files of cards: what marks one, how it is read by path or by name, and what is said where it is none."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import errors, plugins
from ..errors import of_earlier
from ..validation import suggest

KIND = "frenkel card"
SCHEMA_VERSION = "1.5.0"
ENDING = ".card.json"
PACKAGED = Path(__file__).with_name("hfo2.card.json")
"""Card of the default HfO2 (examples/ensemble_jumps.toml); others stand beside it (docs/compact.md)."""

LARGEST = 2**24
"""Bytes of a file; 1,000 states of a jump-process model take some 450,000."""


class CardError(ValueError):
    """A card is damaged, was changed by hand, is of another schema, or is used outside its box."""


class CardWarning(UserWarning):
    """A card is used outside of the box of its ensemble, failed its gate, or was not judged."""


def warn(text: str) -> None:
    """Warn of a use of a card, at the line outside of this package that asked for it."""
    errors.warn(text, CardWarning)


def packaged() -> list[str]:
    """Return the names of the packaged cards, sorted."""
    return sorted(path.name.removesuffix(ENDING) for path in PACKAGED.parent.glob(f"*{ENDING}"))


def file(source: str | Path) -> Path:
    """Return the file of a card: its path, or that of the packaged card of this name.

    Raises
    ------
    CardError
        It is a name, without ending and folder, that no packaged card and no file has.
    """
    path = Path(source)
    if path.suffix or path.name != str(source) or path.exists():
        return path
    names = packaged()
    if path.name not in names:
        if (other := plugins.find("cells", path.name)) is not None:
            return Path(other)
        raise CardError(f"no card {path.name!r}{suggest(path.name, names)}; files of cards end in .json")
    return PACKAGED.with_name(path.name + ENDING)


def read(source: str | Path) -> Any:
    """Return the JSON data in the file of a card, or of the packaged card of this name.

    Raises
    ------
    CardError
        There is no card of this name; the file is no JSON, such as a truncated one, or too large.
    OSError
        The file cannot be read.
    """
    with file(source).open("rb") as stream:
        text = stream.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise CardError(f"{source} is no card: it has more than {LARGEST} bytes")
    try:
        return json.loads(text.decode())
    except UnicodeDecodeError:
        raise CardError(f"{source} is no card: it is not text") from None
    except ValueError as error:
        raise CardError(f"{source} is truncated or not JSON: {error}") from None
    except RecursionError:
        raise CardError(f"{source} is no card: its lists are nested too deeply") from None


def checksum(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of JSON data, whatever the order of its keys.

    Raises
    ------
    CardError
        The data hold NaN or something that JSON cannot.
    """
    try:
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CardError(f"a card must be plain JSON data with finite numbers: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()


def check_version(data: Mapping[str, Any], origin: str) -> None:
    """Refuse a card whose schema is not that of this version; a patch of it changes no key.

    Raises
    ------
    CardError
        It is newer or older, or none.
    """
    version = data.get("schema")
    try:
        major, minor, _ = (int(part) for part in str(version).split("."))
    except ValueError:
        raise CardError(f"{origin} has no readable schema version: {version!r}") from None
    ours = tuple(int(part) for part in SCHEMA_VERSION.split("."))
    # A newer minor version may hold what this version would silently leave out.
    if major != ours[0] or minor > ours[1]:
        raise CardError(f"{origin} has schema {version}, this frenkel reads up to {SCHEMA_VERSION}")
    if minor < ours[1]:
        raise CardError(of_earlier(origin, f"it has schema {version}"))
