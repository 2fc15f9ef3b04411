"""Known misses: rows of a table that are out, with the figures for which somebody wrote the reasons."""

import hashlib
import json
import math


def read(path):
    """Return what was recorded: the hash of the material, the options, and the rows that were missed."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"missed": {}}


def record(path, rows, reasons=None, **head):
    """Write the missed rows as known.

    A reason stays, with the figure that it was written for, while the row has this figure. Where the figure
    has moved the reason goes: it explained another one, and the tests ask for a new one.

    Parameters
    ----------
    path : Path
    rows : list of Row
    reasons : dict, optional
        By row, where they are not in the file: their digests are. A new text is taken for the new figure.
    head : dict
        What the figures are of: the material, the options.
    """
    old = read(path)["missed"]
    missed = {row.id: _known(row, old.get(row.id), reasons) for row in rows if row.verdict is False}
    path.write_text(json.dumps(head | {"missed": missed}, indent=1) + "\n", encoding="utf-8")


def _known(row, old, reasons):
    why = digest(reasons.get(row.id, "")) if reasons is not None else ""
    if old is not None and not moved(old, row.ours):
        return old | ({"why": why} if reasons is not None else {})
    if old is not None and why == old["why"]:
        why = ""
    return {"value": row.ours if math.isfinite(row.ours) else None, "within": allowance(row), "why": why}


def digest(text):
    """Return what stands for a reason; nothing for none."""
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else ""


def allowance(row):
    """Return by how much a missed figure may differ in another run.

    Seeds are fixed; what differs is what CPU time ends, and CPU time itself.
    """
    if not math.isfinite(row.ours):
        return None
    share = 1.0 if row.id.startswith("K") else 0.25
    return max(share * abs(row.ours), 3 * row.error if math.isfinite(row.error) else 0.0)


def moved(known, value):
    """Tell whether a figure differs by more than is allowed from the known one; None: there was none."""
    if known["value"] is None or not math.isfinite(value):
        return (known["value"] is None) == math.isfinite(value)
    return abs(value - known["value"]) > known["within"]
