"""What a trace tells, in plain text."""

import numpy as np
import xarray as xr

from ..analysis.noise.answer import Answer
from ..analysis.plots.caption import quantity
from .device import table, trap_table


def answer_text(found: Answer) -> str:
    """Return the traps of a trace with how well they fit, or why there are none, and its spectrum."""
    lines = []
    if found.slow:
        lines.append(
            f"traps in what is left of the trace without variations slower than {quantity(found.slow, 's')}, "
            f"{found.slow_share:.0%} of its variance"
        )
    if found.traps is None:
        lines.append(f"no traps: {found.refused}")
    else:
        lines.append(trap_table(found.traps) if found.holds else _without_intervals(found.traps))
        lines += _goodness(found)
    if found.slope is not None:
        low, high = found.slope.low, found.slope.high
        lines.append(
            f"spectrum as f^{found.slope.value:.2f} (95 %: {low:.2f} to {high:.2f}) over the whole trace"
        )
    lines.append(f"drift over the trace {found.drift:+.2%}")
    return "\n".join(lines)


def _without_intervals(traps: xr.Dataset) -> str:
    rows = [
        [str(k + 1), str(int(traps["transitions"][k])), quantity(float(traps["amplitude"][k]), "A")]
        + [quantity(float(traps[name][k]), "s") for name in ("tau_capture", "tau_emission")]
        for k in range(traps.sizes["trap"])
    ]
    return table(["trap", "transitions", "step", "time to capture", "time to emission"], rows)


def _goodness(found: Answer) -> list[str]:
    quality = found.goodness
    assert quality is not None
    low, high = (quantity(value, "Hz") for value in quality.band)
    dwell = "too few" if np.isnan(quality.exponential) else f"p = {quality.exponential:.2g}"
    lines = [
        f"fit: spectrum within a factor {quality.factor:.2g} ({low} to {high} worst), neighbouring residuals "
        f"correlated by {quality.residual:.2f}, exponential dwell times {dwell}"
    ]
    if not found.holds:
        lines.append(
            "traps and white noise do not describe this trace: the numbers are partial, no interval holds"
        )
    return lines
