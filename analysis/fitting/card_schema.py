"""The only way to write a card: what goes to a file follows the schema of :mod:`frenkel.cells.schema`."""

import json
from pathlib import Path
from typing import Any

from ...cells import schema
from ...cells.card import Card, CardError
from ...cells.files import LARGEST
from ...data import store


def save(card: Card, path: str | Path, *, force: bool = False) -> Path:
    """Write a card.

    Parameters
    ----------
    card : Card
    path : path
        Must end in ``.json``.
    force : bool
        Whether to replace a file.

    Raises
    ------
    CardError
        The card does not follow the schema, such as a version that is not semantic, or is too large.
    StoreError
        The file exists, or its folder does not.
    """
    if Path(path).suffix != ".json":
        raise ValueError(f"a card must end in .json, got {Path(path).name!r}")
    target = store.writable(path, force=force)
    data = card.to_dict()
    try:
        schema.check(data)
    except ValueError as error:
        raise CardError(f"the card does not follow its schema: {error}") from None
    written = (_text(data) + "\n").encode()
    if len(written) > LARGEST:
        raise CardError(f"a card must be at most {LARGEST} bytes, got {len(written)}")
    return store.write_bytes(written, target)


def _text(data: Any, depth: int = 1) -> str:
    """Return JSON with a key a line, and each list, however long, on the line of its key."""
    if not isinstance(data, dict) or not data:
        return json.dumps(data, allow_nan=False, separators=(",", ":"))
    lines = (f"{' ' * depth}{json.dumps(key)}: {_text(value, depth + 1)}" for key, value in data.items())
    return "{\n" + ",\n".join(lines) + "\n" + " " * (depth - 1) + "}"
