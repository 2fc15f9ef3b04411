"""RESET and SET cycles, and filaments against the compliance: one function per row of the table."""

import math

import estimates
import numpy as np
from row import Row, lost, notes, within


def cycling(lab, n, **changes):
    """Return the cycles of n devices, and each device's own list; ``changes`` are of the protocol."""
    number = lab.protocol.cycles
    results = lab.many("cycles", [{"seed": seed, "number": number} for seed in lab.seeds(n)], **changes)
    devices = [result.get("cycles", []) for result in results]
    return results, devices, [cycle for device in devices for cycle in device]


def size(devices):
    """Return what a row was measured on."""
    return f"{sum(map(len, devices))} cycles of {sum(1 for device in devices if device)} devices"


def v25_set(lab, n=10):
    """SET voltage."""
    results, devices, cycles = cycling(lab, n)
    values = estimates.clean(cycle["set"]["voltage"] for cycle in cycles)
    value, error = estimates.median(values)
    inside = np.mean((values >= 0.5) & (values <= 1.5)) if len(values) else math.nan
    form, _ = estimates.median(result.get("form", {}).get("voltage") for result in results)
    return Row(
        id="V-25s",
        quantity="SET voltage, positive",
        published="0.5 to 1.5, below forming",
        source="usual for VCM cells",
        confidence="recalled",
        ours=value,
        error=error,
        unit="V",
        verdict=within(value, 0.5, 1.5) and bool(value < form),
        n=size(devices),
        note=notes(f"{100 * inside:.0f} % of cycles in band; forming {form:.2f} V", lost(results)),
    )


def v25_reset(lab, n=10):
    """RESET voltage: where the negative current is largest."""
    results, devices, cycles = cycling(lab, n)
    values = estimates.clean(-cycle["reset"]["voltage"] for cycle in cycles)
    value, error = estimates.median(values)
    inside = np.mean((values >= 0.5) & (values <= 1.5)) if len(values) else math.nan
    peak, _ = estimates.median(cycle["reset"]["current"] / lab.protocol.compliance for cycle in cycles)
    turned = np.mean([cycle["reset"]["turned"] for cycle in cycles]) if cycles else math.nan
    return Row(
        id="V-25r",
        quantity="RESET voltage, negative",
        published="0.5 to 1.5",
        source="usual for VCM cells",
        confidence="recalled",
        ours=value,
        error=error,
        unit="V",
        verdict=within(value, 0.5, 1.5),
        n=size(devices),
        note=notes(
            f"{100 * inside:.0f} % of cycles in band; largest current {peak:.2f} of the compliance; "
            f"{100 * turned:.0f} % fall before the sweep turns",
            lost(results),
        ),
    )


def v25_window(lab, n=10):
    """Fraction of cycles with a window of ten."""
    results, devices, cycles = cycling(lab, n)
    ratios = np.array([cycle["reset"]["resistance"] / cycle["set"]["resistance"] for cycle in cycles])
    value, error = estimates.fraction(ratios >= 10)
    failed = sum(not cycle["set"]["ok"] for cycle in cycles)
    tenth = (
        f"median {np.median(ratios):.0f}, 10 % below {np.quantile(ratios, 0.1):.0f}" if len(ratios) else ""
    )
    return Row(
        id="V-25w",
        quantity="cycles with on/off >= 10",
        published=">= 0.9",
        source="aim; JART VCM v1b has 66",
        confidence="chosen",
        ours=value,
        error=error,
        verdict=bool(value >= 0.9),
        n=size(devices),
        note=notes(tenth, f"{failed} SETs did not verify", lost(results)),
    )


def v25_abrupt(lab, n=10):
    """Width of SET in the source voltage, of a source that limits the current itself.

    A resistor in series takes a part of the source voltage that grows with the current, 0.8 I_c R from 10 to
    90 % of the limit: it spreads any SET, however abrupt the cell is.
    """
    results, devices, cycles = cycling(lab, n, series_resistance=0.0)
    widths = estimates.clean(cycle["set"]["width"] for cycle in cycles)
    value, error = estimates.median(widths)
    share = np.mean(widths <= 0.1) if len(widths) else math.nan
    _, _, loaded = cycling(lab, n)
    spread, _ = estimates.median(cycle["set"]["width"] for cycle in loaded)
    return Row(
        id="V-25a",
        quantity="SET without a resistor in series: source voltage from 10 to 90 % of the compliance",
        published="abrupt: <= 0.1",
        source="usual for VCM cells; the number is ours",
        confidence="recalled",
        ours=value,
        error=error,
        unit="V",
        verdict=bool(value <= 0.1),
        n=size(devices),
        note=notes(
            f"{100 * share:.0f} % of cycles in band",
            f"{spread:.2f} V with {lab.protocol.series_resistance:g} ohm in series",
            lost(results),
        ),
    )


def v25_gradual(lab, n=10):
    """Width of RESET after its first drop."""
    results, devices, cycles = cycling(lab, n)
    value, error = estimates.median(cycle["reset"]["spread"] for cycle in cycles)
    first, _ = estimates.median(cycle["reset"]["first"] for cycle in cycles)
    levels, _ = estimates.median(cycle["reset"]["levels"] for cycle in cycles)
    return Row(
        id="V-25g",
        quantity="RESET: source voltage from 10 to 90 % of the change of ln R",
        published="gradual: >= 0.2",
        source="usual for VCM cells; the number is ours",
        confidence="recalled",
        ours=value,
        error=error,
        unit="V",
        verdict=bool(value >= 0.2),
        n=size(devices),
        note=notes(f"first drop takes {100 * first:.0f} % of it, then {levels:.0f} levels", lost(results)),
    )


def v25_pinched(lab, n=10):
    """Current at zero volts."""
    results, devices, cycles = cycling(lab, n)
    values = [cycle["reset"]["zero"] for cycle in cycles]
    value = max(values, default=math.nan)
    return Row(
        id="V-25p",
        quantity="current at 0 V over the largest",
        published="< 1e-3",
        source="no electromotive force",
        confidence="exact argument",
        ours=value,
        verdict=bool(value < 1e-3),
        n=size(devices),
        note=notes("a network of conductances has none by construction", lost(results)),
    )


def v25_gap(lab, n=10):
    """Missing layers after RESET, and how much of SET one event makes."""
    results, devices, cycles = cycling(lab, n)
    value, error = estimates.median(cycle["reset"]["gap"] for cycle in cycles)
    share, _ = estimates.median(cycle["set"]["share"] for cycle in cycles)
    steps, _ = estimates.median(cycle["set"]["steps"] for cycle in cycles)
    return Row(
        id="V-25h",
        quantity="gap after RESET; SET is no one-hop process",
        published=">= 3",
        source="aim",
        confidence="chosen",
        ours=value,
        error=error,
        unit="layers",
        verdict=bool(value >= 3 and share < 0.5),
        n=size(devices),
        note=notes(
            f"largest event makes {100 * share:.0f} % of the change of ln G (below 50 asked), "
            f"{steps:.0f} events change it from 10 to 90 %",
            lost(results),
        ),
    )


def drift(devices, read, skip=4):
    """Return the mean change over all cycles after the first ``skip``, per device, and its error."""
    changes = []
    for device in devices:
        values = np.array([np.nan if read(cycle) is None else read(cycle) for cycle in device[skip:]], float)
        kept = np.flatnonzero(np.isfinite(values))
        if len(kept) > 3:
            changes.append(np.polyfit(kept, values[kept], 1)[0] * len(values))
    if not changes:
        return math.nan, math.nan
    return float(np.mean(changes)), float(np.std(changes) / math.sqrt(len(changes)))


def steady(lab, n, name, quantity, unit, allowed, read):
    """Return a row about one quantity that cycles must not change."""
    results, devices, _ = cycling(lab, n)
    value, error = drift(devices, read)
    whole = sum(len(device) >= lab.protocol.cycles for device in devices)
    return Row(
        id=name,
        quantity=f"{quantity}, drift over {lab.protocol.cycles - 4} cycles after the fourth",
        unit=unit,
        published=f"0 +- {allowed:g}",
        source="aim; the number is ours",
        confidence="chosen",
        ours=value,
        error=error,
        verdict=bool(abs(value) <= allowed),
        n=size(devices),
        note=notes(f"{whole} of {n} devices did all cycles", lost(results)),
    )


def steady_vacancies(lab, n=10):
    """Drift of the number of vacancies."""

    def read(cycle):
        return math.log(cycle["vacancies"])

    return steady(lab, n, "C-01", "ln of the vacancy count", "", 0.2, read)


def steady_window(lab, n=10):
    """Drift of the window."""

    def read(cycle):
        return math.log10(cycle["reset"]["resistance"] / cycle["set"]["resistance"])

    return steady(lab, n, "C-02", "log10 on/off", "decades", 0.3, read)


def steady_set(lab, n=10):
    """Drift of the SET voltage."""

    def read(cycle):
        return cycle["set"]["voltage"]

    return steady(lab, n, "C-03", "SET voltage", "V", 0.15, read)


def verify(lab, n=20):
    """Devices formed within the attempts allowed."""
    results = lab.many("form", [{"seed": seed} for seed in lab.seeds(n)])
    value, error = estimates.fraction([bool(result.get("ok")) for result in results])
    attempts = [result["attempts"] for result in results if result.get("ok")]
    first = f"{100 * np.mean(np.array(attempts) == 1):.0f} % of these at the first" if attempts else ""
    low, _ = estimates.median(result["resistance"] for result in results if result.get("ok"))
    return Row(
        id="C-04",
        quantity=f"formed with verify in {lab.protocol.forming_attempts} attempts",
        published=">= 0.9",
        source="aim",
        confidence="chosen",
        ours=value,
        error=error,
        verdict=bool(value >= 0.9),
        n=f"{n} devices",
        note=notes(first, f"R {low / 1e3:.1f} kohm after forming", lost(results)),
    )


def rungs(lab, n):
    """Return the results of the compliance ladder, and per compliance the rungs that were reached."""
    compliances = list(lab.protocol.compliances)
    results = lab.many("ladder", [{"seed": s, "compliances": compliances} for s in lab.seeds(n)])
    found = {c: [] for c in sorted(compliances)}
    for result in results:
        for rung in result.get("rungs", []):
            if rung["ok"]:
                found[rung["compliance"]].append(rung)
    return results, {c: listed for c, listed in found.items() if listed}


def span(found):
    """Return the compliances that were reached, as text."""
    return f"{min(found) * 1e6:g} to {max(found) * 1e6:g} uA" if found else "none"


def v14(lab, n=3):
    """Low resistance against compliance."""
    results, found = rungs(lab, n)
    middle = np.array(
        [estimates.median(rung["resistance"] for rung in listed)[0] for listed in found.values()]
    )
    table = estimates.grid(
        [
            [
                next((rung["resistance"] for rung in listed if rung in result.get("rungs", [])), None)
                for listed in found.values()
            ]
            for result in results
        ]
    )
    slope, error, _, _ = estimates.line(np.log(list(found)), np.log(table), np.nanmedian)
    falls = len(middle) > 2 and bool((np.diff(middle) < 0).all())
    waists = ", ".join(f"{estimates.median(r['waist'] for r in listed)[0]:.2f}" for listed in found.values())
    return Row(
        id="V-14",
        quantity="d log R_LRS / d log compliance",
        published="R falls (near -1 recalled)",
        source="Xu, Rajendran, Anantram 2020",
        confidence="seen (abstract)",
        ours=slope,
        error=error,
        verdict=falls and bool(slope < 0),
        n=f"{len(results)} devices, {span(found)}",
        note=notes(
            "R " + ", ".join(f"{r / 1e3:.1f}" for r in middle) + " kohm",
            f"waist over end {waists}",
            lost(results),
        ),
    )


def compliance_held(lab, n=3):
    """Largest current over its limit, from 5 uA to 1 mA."""
    results, found = rungs(lab, n)
    over = [rung["over"] for listed in found.values() for rung in listed]
    value = max(over, default=math.nan)
    whole = len(found) == len(lab.protocol.compliances)
    return Row(
        id="C-05",
        quantity="current over the compliance, 5 uA to 1 mA",
        published="<= 0.01",
        source="aim",
        confidence="chosen",
        ours=value,
        verdict=bool(value <= 0.01) and whole,
        n=f"{len(over)} SETs of {len(results)} devices, {span(found)}",
        note=notes(
            "" if whole else f"{len(found)} of {len(lab.protocol.compliances)} limits reached", lost(results)
        ),
    )


def v21(lab, n=3):
    """Radius of the filament at 100 uA."""
    results, found = rungs(lab, n)
    listed = found.get(1e-4, [])
    value, error = estimates.median(rung["radius"] * 1e9 for rung in listed)
    return Row(
        id="V-21",
        quantity="equivalent filament radius at 100 uA",
        published="1 to 5",
        source="Ta/HfO2/Pt, PMC4917839",
        confidence="seen (abstract)",
        ours=value,
        error=error,
        unit="nm",
        verdict=within(value, 1, 5),
        n=f"{len(listed)} devices",
        note=lost(results),
    )


CYCLE_ROWS = {
    "V-14": v14,
    "V-21": v21,
    "V-25s": v25_set,
    "V-25r": v25_reset,
    "V-25w": v25_window,
    "V-25a": v25_abrupt,
    "V-25g": v25_gradual,
    "V-25p": v25_pinched,
    "V-25h": v25_gap,
    "C-01": steady_vacancies,
    "C-02": steady_window,
    "C-03": steady_set,
    "C-04": verify,
    "C-05": compliance_held,
}
