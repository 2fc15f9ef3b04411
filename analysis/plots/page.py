"""Pages: where they are written or shown, their sheets with a headline, and the words on a panel.

matplotlib is imported when the first picture is made. Figures are made without pyplot, so that they need no
display; the format of a file follows from its ending.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..results import store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 160
Place = Literal["best", "upper left", "upper right", "lower left", "lower right"]
PERCENT = (0.01, 0.1, 1, 5, 20, 50, 80, 95, 99, 99.9, 99.99)
"""Shares (%) that the axis of a distribution is marked at."""

TITLE = 10
"""Size of the letters of a panel's title (points)."""


def save(figure: "Figure", path: str | Path, *, force: bool = True) -> Path:
    """Write a figure as the picture its name asks for (.png, .pdf, .svg).

    Parameters
    ----------
    figure : matplotlib Figure
    path : str or Path
    force : bool
        Replace an existing file.

    Raises
    ------
    ValueError
        The ending is none that matplotlib knows.
    StoreError
        The file exists or cannot be written.
    """
    check_name(path)
    target = store.writable(path, force=force)
    content = io.BytesIO()
    figure.savefig(content, dpi=DPI, format=target.suffix.lstrip(".").lower())
    return store.write_bytes(content.getvalue(), target)


def check_name(path: str | Path) -> None:
    """Raise ValueError unless a picture can be written under this name's ending."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    ending = Path(path).suffix.lstrip(".").lower()
    if ending not in known:
        raise ValueError(f"a picture must end in one of .{', .'.join(sorted(known))}, got {str(path)!r}")


def show(draw: Callable[["Figure"], object]) -> "Figure":
    """Draw on the screen or in a notebook; return the figure.

    Parameters
    ----------
    draw : callable
        Draws into the figure that it is given.

    Raises
    ------
    RuntimeError
        There is no screen.
    """
    import matplotlib
    from matplotlib import pyplot

    backend = matplotlib.get_backend().lower()
    if backend in ("agg", "pdf", "ps", "svg", "cairo", "template"):
        raise RuntimeError(
            "there is no screen to show a picture on; give the name of a file, "
            "such as device.show('device.png')"
        )
    figure = pyplot.figure()
    draw(figure)
    pyplot.show()
    return figure


def sheet(
    title: str,
    size: tuple[float, float],
    columns: int,
    *,
    left: float = 0.075,
    top: float = 0.83,
    bottom: float = 0.13,
    space: float = 0.22,
) -> tuple["Figure", list["Axes"]]:
    """Return a figure with a headline and a row of panels.

    Parameters
    ----------
    title : str
    size : (float, float)
        Width and height (inch).
    columns : int
        Number of panels.
    left, top, bottom : float
        Where the panels begin and end, shares of the figure; the headline begins at ``left``, too.
    space : float
        Between two panels, in widths of a panel.
    """
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=size)
    grid = figure.add_gridspec(1, columns, left=left, right=0.985, top=top, bottom=bottom, wspace=space)
    figure.suptitle(title, x=left, y=0.97, ha="left", fontsize=13, fontweight="bold")
    return figure, [figure.add_subplot(grid[k]) for k in range(columns)]


def label(
    axes: "Axes", title: str, x: str = "", y: str = "", *, legend: float = 0.0, place: Place = "best"
) -> None:
    """Write title, axis labels and legend of a panel.

    Parameters
    ----------
    axes : matplotlib Axes
    title, x, y : str
        Where x or y is empty the axis keeps what it has.
    legend : float
        Size of the letters of the legend (points); 0: no legend.
    place : Place
        Of the legend.
    """
    if x:
        axes.set_xlabel(x)
    if y:
        axes.set_ylabel(y)
    if legend:
        axes.legend(fontsize=legend, framealpha=0.9, loc=place)
    axes.set_title(title, loc="left", fontsize=TITLE)
