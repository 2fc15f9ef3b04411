"""What a notebook shows of an object: a table, and a small curve without axes."""

from collections.abc import Sequence

from .escape import html

WIDTH, HEIGHT = 180, 40  # pixels of a curve
MOST_POINTS = 400


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; what stands in its cells is text, never markup."""
    lines = ["<table>"]
    for kind, cells in [("th", heads), *(("td", row) for row in rows)]:
        lines.append("<tr>" + "".join(f"<{kind}>{html(cell)}</{kind}>" for cell in cells) + "</tr>")
    return "\n".join([*lines, "</table>"])


def page(name: str, text: str, *parts: str) -> str:
    """Return a headline, with a name in bold and a text, above other parts."""
    return "\n".join([f"<div><b>{html(name)}</b> {html(text)}", *parts, "</div>"])


def sparkline(x: Sequence[float], y: Sequence[float]) -> str:
    """Return a small curve as SVG, thinned to some hundred points; "" where there are not two.

    Parameters
    ----------
    x, y : sequence of float
        Finite.
    """
    if len(x) < 2:
        return ""
    step = max(len(x) // MOST_POINTS, 1)

    def scaled(values: Sequence[float], size: float) -> list[float]:
        low, high = min(values), max(values)
        return [2 + (size - 4) * (value - low) / ((high - low) or 1.0) for value in values]

    across, up = scaled(x[::step], WIDTH), scaled(y[::step], HEIGHT)
    points = " ".join(f"{a:.1f},{HEIGHT - b:.1f}" for a, b in zip(across, up, strict=True))
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}"><polyline points="{points}" fill="none" '
        'stroke="#1f6fb4" stroke-width="1.2"/></svg>'
    )
