"""Pictures of studies: lines with intervals over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from frenkel.escape import mathtext

from .data import interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that colour-blind readers distinguish (Okabe and Ito)."""

Panel = tuple[str, str, Any, Mapping[str, Any], Any]
"""Labels of x and y, x, curves by name of shape (x,) or (x, seeds), logarithmic: x (True), "both" or no."""


def save(figure: "Figure", path: Path) -> Path:
    """Write a picture of a study; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return path


def panel_lines(path: Path, panels: Sequence[Panel]) -> Path:
    """Draw panels of curves with 95 % intervals over the last axis; return the path."""
    from matplotlib.figure import Figure  # matplotlib, which only drawing needs

    rows, columns = -(-len(panels) // 2), min(2, len(panels))
    figure = Figure(figsize=(5.2 * columns, 3.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, panel in zip(grid.ravel(), panels, strict=False):
        _lines(axes, panel)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_visible(False)
    return save(figure, path)


def _lines(axes: Any, panel: Panel) -> None:
    x_label, y_label, x, curves, logarithmic = panel
    for (name, values), colour in zip(curves.items(), COLOURS * 3, strict=False):
        intervals = [interval(v) for v in np.asarray(values, float).reshape(len(x), -1)]
        widths = [f.half if np.isfinite(f.half) else 0.0 for f in intervals]
        axes.errorbar(
            x, [f.mean for f in intervals], widths, label=mathtext(name), color=colour, marker="o", ms=3.5,
            lw=1.3,
            capsize=2,
        )  # fmt: skip
    if logarithmic:
        axes.set_xscale("log")
    if logarithmic == "both":
        axes.set_yscale("log")
    axes.set_xlabel(mathtext(x_label))
    axes.set_ylabel(mathtext(y_label))
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False)


def panel_matrix(path: Path, title: str, rows: Sequence[str], columns: Sequence[str], values: Any) -> Path:
    """Draw a matrix of numbers with its values; return the path."""
    from matplotlib.figure import Figure  # matplotlib

    matrix = np.asarray(values, float)
    figure = Figure(figsize=(1.5 + 1.1 * len(columns), 1.2 + 0.55 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(matrix, cmap="viridis", aspect="auto")
    middle = 0.5 * (matrix.min() + matrix.max())
    for (i, j), value in np.ndenumerate(matrix):
        axes.text(
            j, i, f"{value:.1f}", ha="center", va="center", color="w" if value < middle else "k", fontsize=8
        )
    axes.set_xticks(range(len(columns)), list(map(mathtext, columns)), fontsize=8)
    axes.set_yticks(range(len(rows)), list(map(mathtext, rows)), fontsize=8)
    axes.set_title(mathtext(title), fontsize=9)
    return save(figure, path)
