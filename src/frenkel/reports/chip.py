"""Report of a measured chip: one page from what was measured to the measurement that would tell most next."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from ..analysis.fitting import compare, small_samples
from ..analysis.fitting.observations import ObservationError, Observations
from ..analysis.measured import files
from ..analysis.plots.datasheet import image
from ..analysis.statistics.comparison import Comparison, passed
from ..cells.card import Card
from ..escape import html
from ..experiment import fit_card as fitting
from ..experiment import measurements
from ..notebook import table
from ..progress import quiet
from .card import layer_lines, left_out_lines, suggestions
from .datasheet import Progress, document, features, items, validation
from .measured import comparison_rows, counts, quantity_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORST = 8
"""Rows of a comparison that are listed, those furthest beyond their limits first."""


def page(
    path: Path, *, card: Card | None = None, simulated: Path | None = None, progress: Progress = quiet
) -> str:
    """Return the report of a file of measurements as one page of HTML that needs no network.

    Parameters
    ----------
    path : Path
        File of ``frenkel read``, or a table.
    card : Card, optional
        Card of these devices, or one to validate on them; default: fitted here.
    simulated : Path, optional
        Ensemble or result to compare them with.
    progress : callable, optional
        ``progress(fraction, what)`` as it goes on.

    Raises
    ------
    ValueError
        The file holds no measurements, or nothing that the card or the simulation could be compared with.
    ModuleNotFoundError
        matplotlib is not installed.
    """
    data = files.load_or_read(path)
    if data is None:
        raise ValueError(f"{path} holds no measurements: frenkel read makes a file of them")
    parts = [f"<h1>{html(path.stem)}</h1>", *_measured(data)]
    progress(0.1, "card")
    parts += _card(path, card)
    progress(0.8, "simulation")
    parts += _simulation(data, path, simulated)
    return document(f"{path.stem}: report of a chip", parts)


def _measured(data: xr.Dataset) -> list[str]:
    """Return what was measured: counts, ranges, and the first curves or values."""
    from ..analysis.plots.comparison import measured_page  # matplotlib

    heads = ("", "median", "smallest", "largest", "missing")
    return [
        "<h2>Measurement</h2>",
        f"<p>{html(', '.join(counts(data)))}</p>",
        table(heads, quantity_rows(data)),
        image(measured_page(data), "first curves or values"),
    ]


def _card(path: Path, card: Card | None) -> list[str]:
    """Return the parts on the card, its validation, and what to measure next; or why there is none."""
    parts = ["<h2>Card</h2>"]
    try:
        if card is None:
            fitted = fitting.fit_card(path)
            card, devices = fitted.card, fitted.held_out
            judged = validation(card)
        elif card.provenance.get("file") == path.name:
            devices, judged = fitting.read_cycles(path, card.names)[0], validation(card)
        else:
            rows, devices = fitting.judge_card(card, path)
            judged = f"<p>{html(_verdict(rows))}</p>" + _comparisons(rows)
    except (ObservationError, ModuleNotFoundError) as error:
        return [*parts, f"<p>No card: {html(str(error))}.</p>"]
    left_out = left_out_lines(card)
    return [
        *parts,
        f"<p>{html(card.name)} {html(card.version)}</p>",
        features(card),
        items([*layer_lines(card), *left_out]),
        image(_picture(card, devices, path), "card and devices"),
        "<h2>Validation</h2>",
        judged,
        "<h2>Next measurement</h2>",
        items(suggestions(card) or ["no kind of measurement is missing"]),
    ]


def _picture(card: Card, devices: Observations, path: Path) -> "Figure":
    from ..analysis.plots.card import page as card_page  # matplotlib

    curves = [(c["device_voltage"].values, c["current"].values) for c in fitting.first_cycles(path)]
    if "stuck" in card.provenance:
        card, devices = small_samples.working(card), small_samples.with_window(devices)
    return card_page(card, devices, curves)


def _simulation(data: xr.Dataset, path: Path, simulated: Path | None) -> list[str]:
    """Return the comparison with simulated devices, or the command that makes one."""
    parts = ["<h2>Simulation</h2>"]
    if simulated is None:
        command = f"frenkel show {path.name} ensemble.nc --datasheet {path.stem}.html"
        return [*parts, f"<p>None was named: <code>{html(command)}</code> compares.</p>"]
    from ..analysis.plots.comparison import page as comparison_page  # matplotlib

    other = measurements.of_file(simulated)
    pair = compare.pair(data, other, path.name, simulated.name)
    rows = compare.distances(*pair)
    heads = ("median (10 to 90 %)", path.name, simulated.name)
    sizes = " and ".join(f"{len(one.values)} devices of {one.origin}" for one in pair)
    return [
        *parts,
        f"<p>{html(sizes)}. {html(_verdict(rows))}</p>",
        table(heads, comparison_rows(*pair)),
        _comparisons(rows),
        image(comparison_page(data, other, *pair), "measured and simulated devices"),
    ]


def _verdict(rows: Sequence[Comparison]) -> str:
    number = sum(row.verdict == "FAILED" for row in rows)
    if number:
        return f"{number} of {len(rows)} rows fail: the devices are not those of the model."
    return f"No row of {len(rows)} fails." if passed(rows) else "The rows cannot be judged."


def _comparisons(rows: Sequence[Comparison]) -> str:
    """Return a table of comparisons, the worst first."""
    ordered = sorted(rows, key=lambda row: -row.value / row.limit if row.limit > 0 else 0.0)
    cells = [
        (row.statistic, f"{row.value:.3g}", f"{row.floor:.3g}", f"{row.limit:.3g}", row.verdict)
        for row in ordered[:WORST]
    ]
    more = f"<p>{len(rows) - WORST} more rows are nearer.</p>" if len(rows) > WORST else ""
    return table(("statistic", "distance", "noise floor", "limit", ""), cells) + more
