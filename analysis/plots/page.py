"""Pages: where they are written or shown, their sheets with a headline, and the words on a panel.

matplotlib is imported when the first picture is made. Figures are made without pyplot, so that they need no
display; the format of a file follows from its ending.
"""

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...data import store
from ...escape import mathtext
from ...typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

DPI = 160
Place = Literal["best", "upper center", "upper left", "upper right", "lower left", "lower right"]
TITLE = 10
"""Size of the letters of a panel's title (points)."""

LEADER = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0.5, "shrinkB": 2}
"""The line from a point to its name where that stands further away."""

PIXELS = 2.0
"""Between the points by which a curve is known to what avoids it."""


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
    from matplotlib.backend_bases import FigureCanvasBase  # matplotlib, which only drawing needs

    endings = FigureCanvasBase.get_supported_filetypes()
    ending = Path(path).suffix.lstrip(".").lower()
    if ending not in endings:
        raise ValueError(f"a picture must end in one of .{', .'.join(sorted(endings))}, got {str(path)!r}")


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
    import matplotlib  # pyplot, which looks for a display
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
    rows: int = 1,
    *,
    left: float = 0.075,
    top: float = 0.83,
    bottom: float = 0.13,
    space: float = 0.22,
) -> tuple["Figure", list["Axes"]]:
    """Return a figure with a headline and rows of panels.

    Parameters
    ----------
    title : str
        Plain text.
    size : (float, float)
        Width and height (inch).
    columns, rows : int
        Number of panels beside and above each other.
    left, top, bottom : float
        Where the panels begin and end, fractions of the figure; the headline begins at ``left``, too.
    space : float
        Between two panels, in widths of a panel; between two rows 0.4 heights.
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib

    figure = NewFigure(figsize=size)
    ends = {"left": left, "right": 0.985, "top": top, "bottom": bottom}
    grid = figure.add_gridspec(rows, columns, **ends, wspace=space, hspace=0.4)
    figure.suptitle(mathtext(title), x=left, y=0.97, ha="left", fontsize=13, fontweight="bold")
    return figure, [figure.add_subplot(grid[k]) for k in range(rows * columns)]


ROOM = 0.25
"""Height of a row above what is drawn, over that of the axis before."""


def label(
    axes: "Axes",
    title: str,
    x: str = "",
    y: str = "",
    *,
    legend: float = 0.0,
    place: Place = "best",
    above: bool = False,
) -> None:
    """Write title, axis labels and legend of a panel.

    Parameters
    ----------
    axes : matplotlib Axes
    title, x, y : str
        Plain text, as the names in the legend; where x or y is empty the axis keeps what it has.
    legend : float
        Size of the letters of the legend (points); 0: no legend.
    place : Place
        Of the legend.
    above : bool
        Put the legend in one row over all that is drawn; the axis gets the room for it.
    """
    if x:
        axes.set_xlabel(mathtext(x))
    if y:
        axes.set_ylabel(mathtext(y))
    if legend:
        handles, names = axes.get_legend_handles_labels()
        row: dict[str, Any] = {}
        if above:
            transform = axes.yaxis.get_transform()
            low, high = transform.transform(np.array(axes.get_ylim()))
            axes.set_ylim(top=float(transform.inverted().transform(high + ROOM * (high - low))))
            place = "upper center"
            row = {"ncols": len(handles), "columnspacing": 0.9, "handletextpad": 0.1, "borderaxespad": 0.3}
        axes.legend(handles, list(map(mathtext, names)), fontsize=legend, framealpha=0.9, loc=place, **row)
    axes.set_title(mathtext(title), loc="left", fontsize=TITLE)


def log_ticks(axis: "Axis") -> None:
    """Label a logarithmic axis with plain numbers, or prefixes; 2 and 5 of a decade where there is room."""
    from matplotlib import ticker  # matplotlib

    low, high = sorted(axis.get_view_interval())
    decades = ticker.LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,))
    axis.set_major_locator(ticker.MaxNLocator(6) if high < 5 * low else decades)
    plain_numbers = ticker.FuncFormatter(lambda value, _: f"{value:g}")
    axis.set_major_formatter(plain_numbers if 1e-3 < low and high < 1e3 else ticker.EngFormatter())
    axis.set_minor_formatter(ticker.NullFormatter())


def legend(ax: "Axes") -> None:
    """Write the legend of a panel where it covers neither curve nor text: inside, else above."""
    handles, _ = ax.get_legend_handles_labels()
    if not handles:
        return
    _lay_out(ax)
    ink, texts = _ink(ax), [_box(ax, text) for text in ax.texts]
    for place in ("upper left", "upper right", "lower right", "lower left", "center left", "center right"):
        box = _box(ax, ax.legend(loc=place))
        if not _covered(ink, box) and not any(box.overlaps(text) for text in texts):
            return
    panel_width = ax.get_window_extent().width
    for columns in range(len(handles), 0, -1):
        outside = ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.2,
                          handlelength=1.4, columnspacing=1.0)  # fmt: skip
        if _box(ax, outside).width <= panel_width:
            return


def _lay_out(ax: "Axes") -> None:
    """Let a panel find its place and its limits, so that what stands where is known.

    A layout engine moves panels by the size of all words on the page, so the whole page is laid out.
    """
    figure = ax.figure.get_figure(root=True)
    assert figure is not None
    if not hasattr(figure.canvas, "get_renderer"):  # a figure without a window or file yet
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib and its Agg renderer

        FigureCanvasAgg(figure)
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        return
    _ = ax.viewLim  # which scales the axes to what was drawn since
    ax.apply_aspect()


def _box(ax: "Axes", artist: Any) -> "Bbox":
    """Return where on the canvas something is drawn (pixels); of a note its words, without its line."""
    from matplotlib.text import Annotation, Text  # matplotlib

    figure = ax.figure.get_figure(root=True)
    assert figure is not None
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    if isinstance(artist, Annotation):
        artist.update_positions(renderer)
        return Text.get_window_extent(artist, renderer)
    box: Bbox = artist.get_window_extent(renderer)
    return box


def _ink(ax: "Axes") -> Floats:
    """Return points along all curves of a panel, as dense as the eye sees them (pixels), (n, 2)."""
    points = [np.zeros((0, 2))]
    for line in ax.get_lines():
        path = line.get_transform().transform(np.column_stack(line.get_data()).astype(float))
        path = path[np.isfinite(path).all(axis=1)]
        if len(path) < 2:
            points.append(path)
            continue
        path_length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
        marks = np.linspace(0.0, path_length[-1], int(min(path_length[-1] / PIXELS, 1e5)) + 2)
        points.append(np.column_stack([np.interp(marks, path_length, path[:, axis]) for axis in (0, 1)]))
    return np.concatenate(points)


def _covered(ink: Floats, box: "Bbox") -> int:
    """Return how many points of curves lie in a box."""
    return int(np.count_nonzero(((ink >= box.min) & (ink <= box.max)).all(axis=1)))


def name_point(ax: "Axes", text: str, point: tuple[float, float], paint: Any) -> None:
    """Write a text beside a point, where it covers least of curves, texts and sides of the panel."""
    _lay_out(ax)
    ink, others = _ink(ax), [_box(ax, other) for other in ax.texts]
    panel_box = ax.get_window_extent()
    best, least = None, np.inf
    for reach, up, right in itertools.product((1, 2, 3, 5), (0, 6, -6, 12, -12), (5, -5)):
        note = ax.annotate(
            text, point, xytext=(reach * right, reach * up), textcoords="offset points",
            ha="left" if right > 0 else "right", va="center", color=paint,
            fontsize=float(ax.xaxis.label.get_fontsize()) - 1,
            arrowprops=LEADER | {"color": paint} if reach > 1 else None,
        )  # fmt: skip
        box = _box(ax, note)
        hidden = _covered(ink, box) + reach + 1e4 * sum(box.overlaps(other) for other in others)
        hidden += 1e4 * (not (panel_box.contains(*box.min) and panel_box.contains(*box.max)))
        if hidden < least:
            if best is not None:
                best.remove()
            best, least = note, hidden
        else:
            note.remove()
