"""Picture of the benchmark: figures of all models over the noise floor, a row for each task."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...escape import mathtext
from .colours import DATA, MODEL, SERIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = "this card"
LOWEST, HIGHEST = 0.1, 100.0
"""Ends of the axis, in floors; what lies beyond is drawn at the end."""

MARKERS, COLOURS = "osD^v<>Php", [colour for colour in SERIES if colour != MODEL]


def page(results: Mapping[str, Any]) -> "Figure":
    """Draw the figure of each model over the floor of its task, those of this package with their intervals.

    Parameters
    ----------
    results : mapping
        As from :meth:`frenkel.bench.suite.Results.to_dict`.
    """
    import matplotlib.pyplot as plt  # half a second, and only a picture needs it

    rows = [(name, task) for name, table in results.items() for task in table["floor"]]
    models = list(dict.fromkeys(
        model for table in results.values() for model, s in table["models"].items() if not isinstance(s, str)
    ))  # fmt: skip
    figure, axes = plt.subplots(figsize=(9.0, 1.2 + 0.3 * len(rows)), layout="constrained")
    others = [model for model in models if model != OURS]
    for place, model in enumerate([*others, OURS]):
        x, y, wide = [], [], []
        for height, (name, task) in enumerate(rows):
            scores, floor = results[name]["models"].get(model, ""), results[name]["floor"][task]
            if isinstance(scores, str) or not floor or scores[task][0] is None:
                continue
            value, error = scores[task]
            x.append(np.clip(value / floor, LOWEST, HIGHEST))
            y.append(height)
            wide.append((error or 0.0) / floor)
        if model == OURS:
            low = np.minimum(wide, np.array(x) - LOWEST).clip(0.0)
            axes.errorbar(x, y, xerr=np.stack([low, wide]), fmt="o", ms=8, color=MODEL, label=model, zorder=3)
        else:
            # Ten markers and nine colours: each pair comes once.
            marker, colour = MARKERS[place % len(MARKERS)], COLOURS[place % len(COLOURS)]
            axes.plot(x, y, marker, color=colour, ms=5, label=model, alpha=0.85)
    axes.axvline(1.0, color=DATA, lw=1, ls="--")
    axes.set_yticks(range(len(rows)), [mathtext(f"{name.split(':')[0]}: {task}") for name, task in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xlim(0.9 * LOWEST, 1.1 * HIGHEST)
    axes.set_xlabel("figure over noise floor (less is better; dashed: floor)")
    axes.grid(axis="y", color="0.9")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    return figure
