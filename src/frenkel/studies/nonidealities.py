"""Table 1 of the review measured: what each non-ideality does, and what its mitigation is worth.

What is measured is in `nonidealities_measured`; here is what it says.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from ..networks.mapping import MAPPINGS
from ..typing import Floats
from .common.claims import Claim, claim
from .common.data import Interval, interval, markdown
from .common.draw import Panel, panel_lines
from .nonidealities_measured import (
    CYCLE_NOISE,
    DRIFT_MITIGATION,
    EXPONENTS,
    FACTORS,
    OWN_LAW,
    TELEGRAPH,
    TITLE,
    UPDATES,
    VARIABILITY,
    run,
)

__all__ = ["TITLE", "claims", "crossing", "draw", "run", "summary", "table"]

CHANCE = 0.3
"""Rise of a mean accuracy (pp) from one time to the next that other draws of devices may make."""

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
    above = np.flatnonzero(values > ALLOWED_LOSS)
    if not above.size:
        return float("inf")
    k = int(above[0])
    part = (ALLOWED_LOSS - values[k - 1]) / (values[k] - values[k - 1])
    return float(10.0 ** (times[k - 1] + part * (times[k] - times[k - 1])))


def summary(data: xr.Dataset) -> str:
    """Return Table 1 (Markdown): drops of the device and of four times its value, and gains (pp)."""
    base = np.asarray(data["float"])
    head = ["non-ideality", "drop, device (pp)", "mitigated (pp)", "drop, x 4 (pp)", "mitigated (pp)"]
    rows = []

    def row(title: str, *parts: tuple[Floats, dict[str, Floats]]) -> None:
        cells = [title]
        for got, better in parts:
            gains = "; ".join(f"{what} {interval(other - got):+.1f}" for what, other in better.items())
            cells += [f"{interval(base - got):.1f}", gains]
        rows.append(cells)

    for title, name, first in (("RTN", "telegraph", "offset"), ("variability", "variability", "none")):
        table = data[f"{name}_device_accuracy"]
        at = {str(m): table.sel({f"{name}_mitigation": m}) for m in data[f"{name}_mitigation"].values}

        def part(
            f: float, at: dict[str, xr.DataArray] = at, first: str = first
        ) -> tuple[Floats, dict[str, Floats]]:
            gains = {m: np.asarray(v.sel(factor=f)) for m, v in at.items() if m != first}
            return np.asarray(at[first].sel(factor=f)), gains

        row(title, part(1.0), part(4.0))
    last = OWN_LAW + FACTORS.index(4.0) - FACTORS.index(1.0)
    drifts = [
        (_drifted(data, "none", law, 1e8), {m: _drifted(data, m, law, 1e8) for m in DRIFT_MITIGATION[1:]})
        for law in (OWN_LAW, last)
    ]
    row("drift, t/t0 1e8", *drifts)
    pulses = [np.asarray(data.device_update_accuracy.sel(factor=f)) for f in (1.0, 4.0)]
    row("nonlinearity, asymmetry and noise of pulses", *((got, {}) for got in pulses))
    return "\n".join(markdown(head, rows))


def table(data: xr.Dataset) -> str:
    """Return Table 1 as measured (Markdown), in short and in full."""
    base = np.asarray(data["float"])
    rows = []

    def row(name: str, severity: str, got: Floats, mitigations: dict[str, Floats]) -> None:
        gains = "; ".join(f"{what} {interval(other - got):+.2f}" for what, other in mitigations.items())
        rows.append([name, severity, f"{interval(base - got):.2f}", gains])

    for title, name, first in (("RTN", "telegraph", "offset"), ("variability", "variability", "none")):
        others = [str(m) for m in data[f"{name}_mitigation"].values if m != first]
        for s in data[f"{name}_severity"].values:
            pairs = {m: _variable(data, name, m, s) for m in others}
            row(title, f"{s:g}", _variable(data, name, first, s), pairs)
        for k, f in enumerate(FACTORS):
            at = data[f"{name}_device_accuracy"].sel({"factor": f})
            pairs = {m: np.asarray(at.sel({f"{name}_mitigation": m})) for m in others}
            severity = f"device x {f:g} = {float(data[f'{name}_of_device'][k]):.3g}"
            row(title, severity, np.asarray(at.sel({f"{name}_mitigation": first})), pairs)
    for law, (mean, spread) in enumerate(zip(data.exponent.values, data.exponent_spread.values, strict=True)):
        for t in (1e4, 1e8):
            pairs = {m: _drifted(data, m, law, t) for m in DRIFT_MITIGATION[1:]}
            of_device = f", device x {FACTORS[law - len(EXPONENTS)]:g}" if law >= len(EXPONENTS) else ""
            severity = f"nu {mean:.3g} ± {spread:.3g}, t/t0 {t:g}{of_device}"
            row("drift", severity, _drifted(data, "none", law, t), pairs)
    for up, down in UPDATES:
        single, pair = (_update(data, up, down, c) for c in ("single", "pair"))
        name = "nonlinearity" if up == down else "asymmetry"
        row(name, f"labels {up:g} / {down:g}", single, {"pair, opposite pulses": pair})
    for share in CYCLE_NOISE[1:]:
        found = np.asarray(data.cycle_accuracy.sel(cycle_noise=share))
        row("noise of pulses", f"{share:g} of the window", found, {})
    for f in FACTORS:
        found = np.asarray(data.device_update_accuracy.sel(factor=f))
        row("pulses of the device", f"curvatures and noise x {f:g}", found, {})
    for d in data.device.values:
        row("learning sample by sample", str(d), np.asarray(data.online_accuracy.sel(device=d)), {})
    notes = f"Accuracy in software: {interval(base):.2f} %. RTN: the first column is one cell per weight."
    lines = markdown(["non-ideality", "severity", "drop (pp)", "mitigation: gain (pp)"], rows)
    return f"{summary(data)}\n\n{notes}\n\n" + "\n".join(lines)


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of Table 1 of the review."""
    every = (
        _of_telegraph, _of_drift, _of_gain, _of_refresh, _of_linearity, _of_asymmetry, _of_devices,
        _of_variability,
    )  # fmt: skip
    return [one(data) for one in every]


EXPECTED = {0.05: (0.18, 0.5), 0.1: (0.52, 0.5), 0.3: (4.92, 1.0)}
"""Drop (pp) under variability of an independent prototype on digits, and the distance allowed."""


def _of_variability(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    plain = _variable(data, "variability", "none", 0.3)
    drops = {s: interval(base - _variable(data, "variability", "none", s)) for s in VARIABILITY}
    aware = interval(_variable(data, "variability", "noise-aware training", 0.3) - plain)
    scaled = interval(_variable(data, "variability", "neurons rescaled", 0.3) - plain)
    near = all(
        abs(drops[s].mean - middle) <= allowed + drops[s].half for s, (middle, allowed) in EXPECTED.items()
    )
    return claim(
        "nonidealities-variability",
        "supports" if aware.low > 0.0 and scaled.low > 0.0 else "open",
        near and aware.low > 0.0,
        drops=list(drops.values()), aware=aware, scaled=scaled,
    )  # fmt: skip


def _of_telegraph(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    text = []
    for a in TELEGRAPH:
        drop = {m: interval(base - _variable(data, "telegraph", m, a)) for m in MAPPINGS}
        text.append(f"a = {a:g}: pair {drop['pair']:.2f}, one cell {drop['offset']:.2f} pp")
    paired = interval(_variable(data, "telegraph", "pair", 0.2) - _variable(data, "telegraph", "offset", 0.2))
    means = [float(_variable(data, "telegraph", "pair", a).mean()) for a in TELEGRAPH]
    return claim(
        "nonidealities-rtn",
        "corrects" if paired.low > 0.0 else "contradicts" if paired.high < 0.0 else "open",
        means[0] >= means[1] >= means[2],
        drops="; ".join(text), paired=paired,
    )  # fmt: skip


def _drift_gain(data: xr.Dataset, mitigation: str, law: int, time: float) -> Interval:
    """Return what a mitigation gives back of the loss by drift (pp)."""
    return interval(_drifted(data, mitigation, law, time) - _drifted(data, "none", law, time))


def _of_drift(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    found = data.drift_accuracy.sel(drift_mitigation="none").mean("seed").isel(law=slice(0, len(EXPONENTS)))
    falling = bool((found.diff("time_ratio") <= CHANCE).all())
    gain = _drift_gain(data, "gain", 3, 1e8)
    drops = [interval(base - _drifted(data, "none", law, 1e8)) for law in range(len(EXPONENTS))]
    return claim(
        "nonidealities-drift",
        "corrects" if gain.mean < 0.5 * drops[3].mean else "supports",
        falling and drops[0].mean < 1.0,
        drops=drops, gain=gain, aware=_drift_gain(data, "drift-aware training", 2, 1e8),
    )  # fmt: skip


def _of_gain(data: xr.Dataset) -> Claim:
    base, day = np.asarray(data["float"]), 86400.0
    plain, gained = (interval(base - _drifted(data, m, OWN_LAW, day)) for m in ("none", "gain"))
    strong = _drift_gain(data, "gain", 3, day)
    return claim(
        "nonidealities-gain",
        "supports" if plain.mean - gained.mean > 0.1 and strong.low > 0.0 else "open",
        gained.mean <= 1.0,
        plain=plain, gained=gained, strong=strong,
    )  # fmt: skip


def _of_refresh(data: xr.Dataset) -> Claim:
    laws = zip(data.exponent.values, data.exponent_spread.values, strict=True)
    names = [f"nu {m:.3g} ± {s:.3g}" for m, s in laws]
    times = [crossing(data, law) for law in range(len(names))]
    texts = ["never up to 1e8" if np.isinf(t) else f"{t:.1g}" for t in times]
    return claim(
        "nonidealities-refresh",
        "corrects" if np.isinf(times[0]) and not np.isinf(times[3]) else "open",
        times[1] > times[2] > times[3],
        loss=ALLOWED_LOSS, times=", ".join(f"{n}: {t}" for n, t in zip(names, texts, strict=True)),
    )  # fmt: skip


def _of_linearity(data: xr.Dataset) -> Claim:
    found = {n: interval(_update(data, n, n)) for n in (0.0, 1.0, 3.0, 5.0)}
    return claim(
        "nonidealities-nonlinearity",
        "supports" if found[0.0].low > found[5.0].high else "open",
        found[0.0].mean > found[3.0].mean > found[5.0].mean,
        found=list(found.values()),
        pair=interval(_update(data, 5, 5, "pair") - _update(data, 5, 5)),
    )


def _of_asymmetry(data: xr.Dataset) -> Claim:
    gains = {
        f"{u:g}/{d:g}": interval(_update(data, u, d, "pair") - _update(data, u, d)) for u, d in UPDATES[3:]
    }
    worse = [k for k, g in gains.items() if g.high < 0.0]
    return claim(
        "nonidealities-asymmetry",
        "corrects" if worse or any(g.low <= 0.0 for g in gains.values()) else "supports",
        float(_update(data, 5, 1).mean()) < float(_update(data, 5, 5).mean()),
        loss=interval(_update(data, 5, 5) - _update(data, 5, 1)),
        spread=float(_update(data, 5, 1).std(ddof=1)),
        gains=", ".join(f"{g:+.1f} pp at {k}" for k, g in gains.items()),
        worse="; worse at " + ", ".join(worse) if worse else "",
    )


def _of_devices(data: xr.Dataset) -> Claim:
    found = {str(d): interval(data.online_accuracy.sel(device=d)) for d in data.device.values}
    published = {str(d): float(data.online_published.sel(device=d)) for d in data.device.values}
    near = all(abs(found[d].mean - published[d]) <= 5.0 + found[d].half for d in ("ideal", "target"))
    return claim(
        "nonidealities-devices",
        "contradicts" if found["PCMO"].high < 30.0 else "open",
        near and found["PCMO"].high < 30.0,
        found=", ".join(f"{d} {f:.1f} ({published[d]:g})" for d, f in found.items()),
    )


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy against every severity; return the files."""
    panels: list[Panel] = []
    for name, label in (("variability", "sd of ln G (1)"), ("telegraph", "step at g_max (1)")):
        names = [str(m) for m in data[f"{name}_mitigation"].values]
        curves = {m: data[f"{name}_accuracy"].sel({f"{name}_mitigation": m}).values for m in names}
        panels.append((label, "accuracy (%)", data[f"{name}_severity"].values, curves, False))
    laws = {
        f"nu {m:.3g} ± {s:.2g}": k
        for k, (m, s) in enumerate(zip(data.exponent.values, data.exponent_spread.values, strict=True))
    }
    drifts = {
        n: data.drift_accuracy.sel(drift_mitigation="none").isel(law=k).values
        for n, k in list(laws.items())[: len(EXPONENTS)]
    }
    panels.append(("time after programming / t0 (1)", "accuracy (%)", data.time_ratio.values, drifts, True))
    equal = [k for k, (u, d) in enumerate(UPDATES) if u == d]
    updates = {str(c): data.update_accuracy.sel(cells=c).isel(update=equal).values for c in data.cells.values}
    panels.append(
        ("nonlinearity label, both ways (1)", "accuracy (%)", data.label_up.values[equal], updates, False)
    )
    return [panel_lines(folder / "nonidealities.png", panels)]
