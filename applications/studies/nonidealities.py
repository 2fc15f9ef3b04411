"""Table 1 of the review measured: what each non-ideality does, and what its mitigation is worth.

What is measured is in `nonidealities_measured`; here is what it says.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from frenkel import provenance
from frenkel.networks.mapping import MAPPINGS
from frenkel.typing import Floats

from .common.claims import Claim, claim, effect
from .common.data import interval, markdown
from .common.draw import Panel, panel_lines
from .nonidealities_measured import (
    CYCLE_NOISE,
    DRIFT_MITIGATION,
    EXPONENTS,
    TELEGRAPH,
    TITLE,
    UPDATES,
    VARIABILITY,
    run,
)

__all__ = ["TITLE", "claims", "crossing", "draw", "run", "summary", "table"]

WORTH = 0.5
"""Effect (pp) that must be exceeded to matter. Chosen."""

ALLOWED_LOSS = 1.0
"""Drop (pp) at which cells are refreshed."""


def _update(data: xr.Dataset, up: float, down: float, cells: str = "single") -> Floats:
    place = int(np.flatnonzero((data.label_up == up) & (data.label_down == down))[0])
    return np.asarray(data.update_accuracy.sel(cells=cells).isel(update=place))


def _variable(data: xr.Dataset, name: str, mitigation: str, severity: float) -> Floats:
    return np.asarray(
        data[f"{name}_accuracy"].sel({f"{name}_mitigation": mitigation, f"{name}_severity": severity})
    )


def _drifted(data: xr.Dataset, mitigation: str, law: int, time: float) -> Floats:
    return np.asarray(data.drift_accuracy.sel(drift_mitigation=mitigation, time_ratio=time).isel(law=law))


def crossing(data: xr.Dataset, law: int) -> float:
    """Return the ratio of times at which drift has cost 1 pp: when to refresh; inf if it never does.

    Interpolated in log t between the mean accuracies; 1 where the first time is beyond already.
    """
    drop = float(data["float"].mean()) - data.drift_accuracy.sel(drift_mitigation="none").isel(law=law).mean(
        "seed"
    )
    times, values = np.log10(np.concatenate([[1.0], data.time_ratio])), np.concatenate([[0.0], drop])
    too_large = np.flatnonzero(values > ALLOWED_LOSS)
    if not too_large.size:
        return float("inf")
    k = int(too_large[0])
    part = (ALLOWED_LOSS - values[k - 1]) / (values[k] - values[k - 1])
    return float(10.0 ** (times[k - 1] + part * (times[k] - times[k - 1])))


def summary(data: xr.Dataset) -> str:
    """Return Table 1 (Markdown): drops of the cell itself, and gains (pp), as far as the cell is told."""
    base = np.asarray(data["float"])
    rows = []

    def row(title: str, got: xr.DataArray, better: dict[str, xr.DataArray]) -> None:
        gains = "; ".join(
            f"{mitigation} {interval(other - got):+.1f}" for mitigation, other in better.items()
        )
        rows.append([title, f"{interval(base - np.asarray(got)):.1f}", gains])

    for words, name, first in (
        ("variability of one blind pulse", "variability", "none"),
        ("RTN, one cell a weight", "telegraph", "offset"),
    ):  # fmt: skip
        if f"{name}_of_cell" in data:
            accuracies = data[f"{name}_cell_accuracy"].rename({f"{name}_mitigation": "way"})
            others = {str(m): accuracies.sel(way=m) for m in accuracies.way.values if m != first}
            row(f"{words}, {float(data[f'{name}_of_cell']):.3g}", accuracies.sel(way=first), others)
    if "wait" in data:
        for wait in data.wait.values:
            accuracies = data.wait_accuracy.sel(wait=wait).rename(wait_mitigation="way")
            others = {str(m): accuracies.sel(way=m) for m in accuracies.way.values[1:]}
            row(f"relaxation, {wait:g} s after programming", accuracies.sel(way="none"), others)
    if "cell_update_accuracy" in data:
        row("pulse trains, learning in cells", data.cell_update_accuracy, {})
    lines = markdown(["non-ideality of the cell", "drop (pp)", "mitigation: gain (pp)"], rows) if rows else []
    return "\n".join([*lines, *([""] if rows else []), told(data)])


def told(data: xr.Dataset) -> str:
    """Return which source the cell has, and what it does not tell, in a sentence or two."""
    settings = provenance.read(data.attrs.get("provenance"), "study nonidealities")["configuration"]
    missing = ", ".join(settings.get("device_missing", []))
    return f"Cell: {settings.get('device_source')}." + (
        f" It tells nothing of {missing}: these have no row above, and stand below over chosen ranges alone."
        if missing
        else ""
    )


def table(data: xr.Dataset) -> str:
    """Return Table 1 as measured (Markdown): of the cell, and over the chosen ranges."""
    base = np.asarray(data["float"])
    rows = []

    def row(name: str, severity: str, got: Floats, mitigations: dict[str, Floats]) -> None:
        gains = "; ".join(
            f"{mitigation} {interval(other - got):+.2f}" for mitigation, other in mitigations.items()
        )
        rows.append([name, severity, f"{interval(base - got):.2f}", gains])

    for title, name, first in (("RTN", "telegraph", "offset"), ("variability", "variability", "none")):
        others = [str(m) for m in data[f"{name}_mitigation"].values if m != first]
        for s in data[f"{name}_severity"].values:
            pairs = {m: _variable(data, name, m, s) for m in others}
            row(title, f"{s:g}", _variable(data, name, first, s), pairs)
    for law, (mean, spread) in enumerate(zip(data.exponent.values, data.exponent_spread.values, strict=True)):
        for t in (1e4, 1e8):
            pairs = {m: _drifted(data, m, law, t) for m in DRIFT_MITIGATION[1:]}
            row("drift", f"nu {mean:.3g} ± {spread:.3g}, t/t0 {t:g}", _drifted(data, "none", law, t), pairs)
    for potentiation, depression in UPDATES:
        single, pair = (_update(data, potentiation, depression, c) for c in ("single", "pair"))
        name = "nonlinearity" if potentiation == depression else "asymmetry"
        row(name, f"labels {potentiation:g} / {depression:g}", single, {"pair, opposite pulses": pair})
    for share in CYCLE_NOISE[1:]:
        accuracies = np.asarray(data.cycle_accuracy.sel(cycle_noise=share))
        row("noise of pulses", f"{share:g} of the window", accuracies, {})
    for d in data.device.values:
        row("learning sample by sample", str(d), np.asarray(data.online_accuracy.sel(device=d)), {})
    notes = (
        f"Accuracy in software: {interval(base):.2f} %. Below, severities are ranges that somebody chose. "
        "RTN: the drop is that of one cell per weight. Learning in cells: each at the rate, of three, that "
        "is best on validation images."
    )
    lines = markdown(["non-ideality", "severity (chosen range)", "drop (pp)", "mitigation: gain (pp)"], rows)
    return f"{summary(data)}\n\n{notes}\n\n" + "\n".join(lines)


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of Table 1 of the review."""
    judged_parts = (
        _of_telegraph, _of_drift, _of_gain, _of_refresh, _of_linearity, _of_asymmetry, _of_devices,
        _of_variability,
    )  # fmt: skip
    return [function(data) for function in judged_parts]


def _of_variability(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    plain_accuracy = _variable(data, "variability", "none", 0.3)
    drops = [interval(base - _variable(data, "variability", "none", s)) for s in VARIABILITY]
    aware = effect(_variable(data, "variability", "noise-aware training", 0.3) - plain_accuracy, WORTH)
    scaled = effect(_variable(data, "variability", "neurons rescaled", 0.3) - plain_accuracy, WORTH)
    return claim(
        "nonidealities-variability", [aware, scaled], drops=drops, aware=aware.found, scaled=scaled.found
    )


def _of_telegraph(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    text = []
    for a in TELEGRAPH:
        drop = {m: interval(base - _variable(data, "telegraph", m, a)) for m in MAPPINGS}
        text.append(f"a = {a:g}: pair {drop['pair']:.2f}, one cell {drop['offset']:.2f} pp")
    pair, offset = (_variable(data, "telegraph", m, TELEGRAPH[-1]) for m in ("pair", "offset"))
    paired = effect(pair - offset, WORTH)
    return claim("nonidealities-rtn", [paired], drops="; ".join(text), paired=paired.found)


def _of_drift(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    drops = [interval(base - _drifted(data, "none", law, 1e8)) for law in range(len(EXPONENTS))]
    # At the middle law: over time it costs more, and training with drift gives some of it back.
    later = effect(_drifted(data, "none", 2, 1e3) - _drifted(data, "none", 2, 1e8), WORTH)
    plain_accuracy = _drifted(data, "none", 2, 1e8)
    aware = effect(_drifted(data, "drift-aware training", 2, 1e8) - plain_accuracy, WORTH)
    gain = interval(_drifted(data, "gain", 3, 1e8) - _drifted(data, "none", 3, 1e8))
    return claim("nonidealities-drift", [later, aware], drops=drops, gain=gain, aware=aware.found)


def _of_gain(data: xr.Dataset) -> Claim:
    base, day = np.asarray(data["float"]), 86400.0
    losses = [interval(base - _drifted(data, "gain", law, day)) for law in range(len(EXPONENTS))]
    within = [
        effect(ALLOWED_LOSS - (base - _drifted(data, "gain", law, day))) for law in range(len(EXPONENTS))
    ]
    plain_losses = [interval(base - _drifted(data, "none", law, day)) for law in range(len(EXPONENTS))]
    return claim("nonidealities-gain", within, plain=plain_losses, gained=losses)


def _of_refresh(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    laws = list(zip(data.exponent.values, data.exponent_spread.values, strict=True))
    times = [crossing(data, law) for law in range(len(laws))]
    texts = ["never up to 1e8" if np.isinf(t) else f"{t:.1g}" for t in times]
    needed = [effect(base - _drifted(data, "none", law, 1e8), ALLOWED_LOSS) for law in range(len(laws))]
    return claim(
        "nonidealities-refresh", needed, loss=ALLOWED_LOSS,
        times=", ".join(f"nu {m:.3g} ± {s:.3g}: {t}" for (m, s), t in zip(laws, texts, strict=True)),
    )  # fmt: skip


def _of_linearity(data: xr.Dataset) -> Claim:
    intervals = [interval(_update(data, n, n)) for n in (0.0, 1.0, 3.0, 5.0)]
    loss = effect(_update(data, 0.0, 0.0) - _update(data, 5.0, 5.0), WORTH)
    pair = interval(_update(data, 5, 5, "pair") - _update(data, 5, 5))
    return claim("nonidealities-nonlinearity", [loss], found=intervals, lost=loss.found, pair=pair)


def _of_asymmetry(data: xr.Dataset) -> Claim:
    gains = {
        f"{u:g}/{d:g}": effect(_update(data, u, d, "pair") - _update(data, u, d), WORTH)
        for u, d in UPDATES[3:]
    }
    loss = effect(_update(data, 5, 5) - _update(data, 5, 1), WORTH)
    return claim(
        "nonidealities-asymmetry", [loss, *(gains[k] for k in ("5/1", "1/5"))], loss=loss.found,
        spread=float(_update(data, 5, 1).std(ddof=1)),
        gains=", ".join(f"{g.found:+.1f} pp at {k}" for k, g in gains.items()),
    )  # fmt: skip


def _of_devices(data: xr.Dataset) -> Claim:
    accuracies = {str(d): interval(data.online_accuracy.sel(device=d)) for d in data.device.values}
    published = {str(d): float(data.online_published.sel(device=d)) for d in data.device.values}
    pcmo = np.asarray(data.online_accuracy.sel(device="PCMO"))
    too_far = [
        effect(pcmo - np.asarray(data.online_accuracy.sel(device=d)), WORTH)
        for d in ("AlOx/HfO2", "Ag:a-Si", "TaOx/TiO2")
    ]
    outliers = [d for d in accuracies if abs(accuracies[d].mean - published[d]) > 10.0]
    return claim(
        "nonidealities-devices", too_far,
        found=", ".join(f"{d} {f:.1f} ({published[d]:g})" for d, f in accuracies.items()),
        far=", ".join(outliers) or "none",
    )  # fmt: skip


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy against every severity; return the files."""
    panels: list[Panel] = []
    for name, label in (("variability", "sd of ln G"), ("telegraph", "step at g_max")):
        names = [str(m) for m in data[f"{name}_mitigation"].values]
        curves = {m: data[f"{name}_accuracy"].sel({f"{name}_mitigation": m}).values for m in names}
        panels.append((label, "accuracy / %", data[f"{name}_severity"].values, curves, False))
    drifts = {
        f"nu {m:.3g} ± {s:.2g}": data.drift_accuracy.sel(drift_mitigation="none").isel(law=k).values
        for k, (m, s) in enumerate(zip(data.exponent.values, data.exponent_spread.values, strict=True))
    }
    panels.append(("time after programming / t0", "accuracy / %", data.time_ratio.values, drifts, True))
    equal = [k for k, (u, d) in enumerate(UPDATES) if u == d]
    updates = {str(c): data.update_accuracy.sel(cells=c).isel(update=equal).values for c in data.cells.values}
    panels.append(
        ("nonlinearity label, both ways", "accuracy / %", data.label_up.values[equal], updates, False)
    )
    return [panel_lines(folder / "nonidealities.png", panels)]
