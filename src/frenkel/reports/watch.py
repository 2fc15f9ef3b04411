"""What a run is doing now, for a terminal: how far it is, what came out, the loop of a running device."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.plots.caption import quantity
from ..data import store
from ..experiment.ensemble_file import SUMMARY
from ..mpi_runs import runs, shards
from ..mpi_runs import status as state
from ..typing import Floats
from .device import table
from .ensemble import line

WATCHED = ("forming_voltage", "set_voltage", "reset_voltage", "hrs", "lrs", "on_off")
CUTS = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_MEMBERS = 1000
"""Finished members that are read at most, the last ones: a look must not take longer than its interval."""

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille letter (from U+2800) by row and column of its dots."""


def device(checkpoint: Path, size: tuple[int, int] = (72, 16)) -> str:
    """Return how far the run of one device is and the loop of its present phase, from its last checkpoint.

    Raises
    ------
    StoreError
        There is no checkpoint, or it cannot be read.
    """
    logs = store.load_checkpoint(checkpoint)["protocol"]["logs"]
    age = time.time() - checkpoint.stat().st_mtime
    samples = [log["sample"] for log in logs if log["sample"]]
    if not samples:
        return f"running, nothing sampled yet, {age:.0f} s ago"
    latest = logs[-1]
    events = int(samples[-1]["events"][-1])
    title = f"{latest['name']}: {len(logs)} phases begun, {events} events, {age:.0f} s ago"
    return "\n".join([title, *loop(samples[-1]["source_voltage"], samples[-1]["current"], *size)])


def ensemble(folder: Path, size: tuple[int, int] = (72, 12)) -> str:
    """Return how far a run of many devices is: quantiles of those that finished, the loop of one that runs.

    Parameters
    ----------
    folder : Path
        Of the run.
    size : (int, int)
        Columns and rows of the loop.
    """
    lines = [
        f"{'' if part['part'] == 'all' else part['part'] + ': '}{_state(part)}, {line(part)}"
        for part in state.read(folder)
    ]
    lines += ["", *quantiles(_finished(folder))]
    running = sorted(folder.glob("member-*.checkpoint"), key=lambda path: path.stat().st_mtime)
    if running:
        # One that has ended since is gone, and one that is being written is read at the next look.
        try:
            shown = device(running[-1], size)
        except (store.StoreError, OSError):
            return "\n".join(lines)
        lines += ["", f"member {running[-1].stem.removeprefix('member-')}, {shown}"]
    return "\n".join(lines)


def quantiles(found: Iterable[dict[str, Any]]) -> list[str]:
    """Return a table of quantiles of what members came to, from their arrays by name."""
    members = list(found)
    if not members:
        return ["no device has finished yet"]
    rows = []
    for name in WATCHED:
        values = np.concatenate([np.ravel(np.asarray(arrays.get(name, []), float)) for arrays in members])
        values = values[np.isfinite(values)]
        if len(values):
            unit = SUMMARY[name].units
            texts = (
                f"{quantile:.3g}" if unit == "1" else quantity(float(quantile), unit)
                for quantile in np.quantile(values, CUTS)
            )
            rows.append([name, str(len(values)), *texts])
    columns = ["", "values", *(f"{100 * quantile:g} %" for quantile in CUTS)]
    return [f"{len(members)} devices have finished", table(columns, rows)] if rows else []


def loop(voltage: Floats, current: Floats, columns: int, rows: int) -> list[str]:
    """Draw the magnitude of a current (A) on a logarithmic scale against voltage (V), in braille.

    Parameters
    ----------
    voltage, current : (n,) float64
    columns, rows : int
        Letters of the picture, without its axes.
    """
    magnitude = np.abs(np.asarray(current, float))
    is_drawable = np.isfinite(magnitude) & (magnitude > 0)
    if not is_drawable.any():
        return ["no current yet"]
    volts, height = np.asarray(voltage, float)[is_drawable], np.log10(magnitude[is_drawable])
    low, high = np.floor(height.min()), np.ceil(height.max())
    left, right = float(np.min(voltage)), float(np.max(voltage))
    x = (volts - left) / max(right - left, 1e-30) * (2 * columns - 1)
    y = (high - height) / max(high - low, 1e-30) * (4 * rows - 1)
    picture = np.zeros((rows, columns), int)
    for dot_column, dot_row in _line(x, y):
        picture[dot_row // 4, dot_column // 2] |= DOTS[dot_row % 4][dot_column % 2]
    marks = {0: quantity(10.0**high, "A"), rows - 1: quantity(10.0**low, "A")}
    glyphs = [
        f"{marks.get(number, ''):>8} |{''.join(chr(0x2800 + cell) for cell in row)}"
        for number, row in enumerate(picture)
    ]
    return [*glyphs, f"{'':>8} +{'-' * columns}", f"{'':>10}{left:.3g} to {right:.3g} V of the source"]


def _line(x: Floats, y: Floats) -> set[tuple[int, int]]:
    """Return the dots along straight lines between points."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    dots = {(round(float(x[0])), round(float(y[0])))}
    for k in range(len(x) - 1):
        steps = int(max(abs(x[k + 1] - x[k]), abs(y[k + 1] - y[k]))) + 1
        share = np.arange(1, steps + 1) / steps
        column, line = x[k] + share * (x[k + 1] - x[k]), y[k] + share * (y[k + 1] - y[k])
        dots.update(
            zip(np.rint(column).astype(int).tolist(), np.rint(line).astype(int).tolist(), strict=True)
        )
    return dots


def _finished(folder: Path) -> Iterable[dict[str, Any]]:
    """Yield the arrays of members that have finished."""
    survey = runs.survey([folder])
    finished = np.flatnonzero(survey.status == shards.OK)[-MOST_MEMBERS:]
    for number in finished:
        with survey.paths[survey.shard[number]].open("rb") as file:
            file.seek(int(survey.offset[number]))
            yield shards.decode(file.read(int(survey.length[number])))[3]


def _state(one: Any) -> str:
    return "died" if one["state"] == "running" and not state.alive(one) else str(one["state"])


def over(file: Path, folder: Path) -> bool:
    """Tell whether nothing of a run goes on: no part of its folder, no checkpoint beside its file."""
    if folder.is_dir():
        return not any(state.alive(part) for part in state.read(folder))
    return not file.with_name(file.name + ".checkpoint").exists()
