"""What is in a card, and how a fit went, in plain text."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..cells.card import Card
from ..typing import Floats

if TYPE_CHECKING:
    from ..analysis.fitting.power import Power
    from ..experiment.fit_card import FittedCard


def fit_text(fitted: "FittedCard") -> str:
    """Return how a fit went: what was chosen, the core of the traces, the gate."""
    from ..analysis.statistics import comparison  # scipy.stats, and only a card that was just fitted needs it

    chosen = fitted.card.provenance["ranks"]
    lines = [_choice(chosen)] if "statistics" in chosen else []
    if fitted.cores is not None:
        number = int(np.isfinite(fitted.cores["drive"]).sum())
        core, residual = fitted.card.core, float(fitted.cores["residual"].median())
        lines.append(
            f"core of {number} devices: drive {core['drive']:.3g} 1/V, scale {core['voltage_scale']:.3g} V; "
            f"ln(current) is missed by {residual:.2g}"
        )
    table = [comparison.table(fitted.rows)] if fitted.rows else []
    described = [*_pulse_lines(fitted.card), *_core_lines(fitted.card), *_judged_lines(fitted.card)]
    return "\n".join([*lines, *described, *table, *next_lines(fitted.card)])


SPARE = 67
"""Devices of which 20 can be held out, so that the test is on devices of their own."""

MOST_SUGGESTED = 4


def next_lines(card: Card) -> list[str]:
    """Return what was left out, and what would have to be measured next."""
    lines = suggestions(card)
    title = ["next measurements, and what they would tell"] if lines else []
    return [*left_out_lines(card), *title, *(f"  {line}" for line in lines)]


def left_out_lines(card: Card) -> list[str]:
    """Return which layers data were too few for, and what about them is doubtful."""
    left_out = [f"left out, {name}: {reason}" for name, reason in card.provenance.get("left_out", {}).items()]
    return left_out + [f"doubtful: {reason}" for reason in card.provenance.get("doubts", [])]


def suggestions(card: Card) -> list[str]:
    """Return what would have to be measured next, each with what it would tell, the largest gain first."""
    made = card.provenance.get("ensemble")
    if isinstance(made, Mapping) and "configuration" in made:
        return []  # a simulation has its own ways to more
    judged, lacks = card.provenance.get("judged", {}), card.provenance.get("core", {}).get("lacks", [])
    devices, cycles = int(judged.get("devices", SPARE)), int(judged.get("cycles", 10))
    lines = []
    if judged.get("by") != "devices held out" and devices < SPARE:
        present = f"{_spread_error(devices):.0%}" if devices > 1 else "unknown"
        lines.append(
            f"{SPARE} devices instead of {devices}: the error of the spread between devices would be "
            f"{_spread_error(SPARE):.0%}, now {present}; 20 of them would be held out"
        )
    if judged.get("by") != "devices held out" and cycles < 10:
        lines.append("10 cycles or more of each device: the memory from cycle to cycle, now none")
    if lacks and not card.core and card.jump_law is None:
        lines.append(
            "10 loops or more with times, at voltages of both signs: "
            f"{', '.join(map(str, lacks))} of the core, so that the card runs in arrays and circuits"
        )
    if card.pulse_law is None and card.jump_law is None:
        lines.append(
            "200 pulses or more of several voltages and widths, read before and after: number of pulses and "
            "success rate under write-verify"
        )
    if card.relaxation_law is None and card.jump_law is None:
        lines.append(f"reads of {SPARE} programmed devices at 3 times or more: relaxation after programming")
    if card.rtn_law is None:
        lines.append(f"traces of {SPARE} devices at one constant voltage: random telegraph noise")
    return lines[:MOST_SUGGESTED]


def power_text(power: "Power") -> str:
    """Return what a validation could have seen: p of the whole, and each row's power against a shift."""
    names = list(power.seen)
    rows = [name for name in power.false if any(power.seen[one].get(name, 0.0) > 0 for one in names)]
    width = max(30, *map(len, rows)) if rows else 30
    lines = [
        f"p of the whole {power.p:.2g}: the worst row, among {power.trials} sets drawn from the card itself",
        "planted shift: "
        + ", ".join(f"{name} {power.shifts[name]:.3g}" for name in names)
        + " (ln of resistances, V), one spread between devices",
        f"{'fails in / %':<{width}} {'no shift':>9} " + " ".join(f"{name:>13}" for name in names),
    ]
    for row in rows:
        cells = " ".join(f"{100 * power.seen[name].get(row, 0.0):13.0f}" for name in names)
        lines.append(f"{row:<{width}} {100 * power.false[row]:9.0f} {cells}")
    unseen = len(power.false) - len(rows)
    return "\n".join([*lines, *([f"{unseen} rows see no such shift"] if unseen else [])])


def _spread_error(devices: int) -> float:
    """Return the relative standard error of a standard deviation of so many normal numbers."""
    return 1.0 / math.sqrt(2.0 * (devices - 1))


def layer_lines(card: Card) -> list[str]:
    """Return what is in the layers of a card besides its cycles, and how it was validated."""
    layers = [*_jump_lines(card), *_pulse_lines(card), *noise_lines(card)]
    return [*layers, *_core_lines(card), *_judged_lines(card)]


def _pulse_lines(card: Card) -> list[str]:
    """Return what is in the layer of pulses, if there is one."""
    law = card.pulse_law
    if law is None:
        return []
    ends = np.exp([law.width.min(), law.width.max()])
    widths = f", {ends[0]:.3g} to {ends[1]:.3g} s" if law.width.any() else ""
    gates = f", gate {law.gate.min():g} to {law.gate.max():g} V" if law.gate.any() else ""
    return [
        f"pulses: {len(law.voltage)} of {law.voltage.min():g} to {law.voltage.max():g} V{gates}{widths}; the "
        f"state after one is that of {law.neighbours} alike"
    ]


def _core_lines(card: Card) -> list[str]:
    """Return where the numbers of the core for circuits come from, or which of them nothing tells."""
    record = card.provenance.get("core", {})
    if missing_parts := record.get("lacks"):
        return [f"no core for circuits: the data do not tell {', '.join(map(str, missing_parts))}"]
    units = (("drive", "1/V"), ("voltage_scale", "V"))
    origins = [
        f"{name} {card.core[name]:.3g} {unit} ({record[name]})"
        for name, unit in units
        if name in record and name in card.core
    ]
    return [f"core for circuits: {', '.join(origins)}"] if origins else []


def _judged_lines(card: Card) -> list[str]:
    """Return by what a card was judged, what that cannot show, and which of its cells are stuck."""
    judged, stuck = card.provenance.get("judged", {}), card.provenance.get("stuck", {})
    lines = []
    if judged.get("cannot_show"):
        size = f"{judged['devices']} devices, {judged['cycles']} cycles"
        lines.append(f"judged by {judged['by']} ({size}); it cannot show")
        lines += [f"  {text}" for text in judged["cannot_show"]]
    if stuck:
        lines.append(
            f"stuck without a window (HRS/LRS below {stuck['ratio']:g}): {stuck['at_start']} of "
            f"{stuck['devices']} devices from the start, {stuck['at_end']} at the end; a kind of "
            f"{stuck['share']:.0%}"
        )
    return lines


def _choice(chosen: Mapping[str, Any]) -> str:
    """Return in a sentence what was chosen and why."""
    if chosen["ranks"] and not chosen["rank_ratios"]:
        return "devices differ in ranks, since their values stand on levels that all share"
    if not chosen["rank_ratios"]:
        return "devices differ in values: too few of them to choose between values and ranks"
    ranks, values = (", ".join(f"{x:.2f}" for x in chosen[name]) for name in ("rank_ratios", "value_ratios"))
    return (
        f"devices differ in {'ranks' if chosen['ranks'] else 'values'}: on splits of those that are fitted, "
        f"{' and '.join(chosen['statistics'])} are {ranks} times the floor with ranks and {values} with "
        "values"
    )


def describe(card: Card) -> str:
    """Return a card as text: features, devices, memory, box, gate."""
    from ..analysis.statistics.comparison import verdict_of  # scipy.stats

    mean = card.weights @ card.means
    k = len(card.features)
    lines = [
        f"{card.name} {card.version}: {len(card.weights)} kinds of device, "
        f"{len(card.coefficients)} cycles of memory"
    ]
    for i, feature in enumerate(card.features):
        middle = float(feature.backward(mean[i : i + 1])[0])
        lines.append(
            f"  {feature.name:<16} {middle:10.4g} {feature.unit:<4} spread within a device "
            f"{spread(card, i, mean[[i, k + i]])}, missing {feature.missing:.1%}"
        )
    lines += [f"  {text}" for text in (*_jump_lines(card), *_pulse_lines(card), *noise_lines(card))]
    for layer, record in card.provenance.get("noise", {}).items():
        lines.append(
            f"  {layer} from {record['file']}"
            + (f", set {record['material']}" if record.get("material") else "")
        )
    lines += [f"  {text}" for text in (*_core_lines(card), *_judged_lines(card))]
    lines += [f"  {text}" for text in next_lines(card)]
    for name, (low, high) in card.validity.items():
        lines.append(f"  made for {name} {low:g} to {high:g}")
    lines += [
        f"  {verdict_of(row['passed'])}  {row['statistic']}: {row['value']:.3g}, limit {row['limit']:.3g}"
        for row in card.gate
    ]
    return "\n".join(lines)


def _jump_lines(card: Card) -> list[str]:
    """Return what is in the jump-process model, if there is one, and what the card cannot tell."""
    lines = []
    if (law := card.jump_law) is not None:
        low, high = law.voltages[[0, -1]]
        lines.append(
            f"jump-process model: {len(law.before)} between {len(law.level)} states, rates read from "
            f"{low:g} to {high:g} V; the next of the nearest {law.neighbours}"
        )
    given_up = card.provenance.get("jumps", {}).get("given_up", {})
    if given_up:
        text = ", ".join(f"{part} of {total} of {kind}" for kind, (part, total) in given_up.items())
        lines.append(f"probes in no row, since they took too many events: {text}")
    repeats = card.provenance.get("devices_that_repeat", {})
    if repeats:
        text = ", ".join(f"{name} of {number}" for name, number in repeats.items())
        lines.append(f"devices that repeat one value in all cycles, fitted with an error of reading: {text}")
    levels = card.provenance.get("levels", {})
    if levels:
        text = ", ".join(f"{name} {number}" for name, number in levels.items())
        lines.append(f"levels that all devices share, fitted with an error of reading: {text}")
    steps = card.provenance.get("steps", {})
    if steps:
        text = ", ".join(f"{name} {step:.3g} V apart" for name, step in steps.items())
        lines.append(f"voltages read at samples of a ramp, fitted as anywhere within half a step: {text}")
    unknown_effects = card.cannot_tell()
    return [*lines, *([f"cannot tell {'; '.join(unknown_effects)}"] if unknown_effects else [])]


def noise_lines(card: Card) -> list[str]:
    lines = []
    for trap in card.rtn_law.states if card.rtn_law else ():
        lines.append(
            f"telegraph noise of {trap.name} ({trap.conductance:.3g} S): {trap.traps:.2g} traps of "
            f"{-math.expm1(-math.exp(trap.amplitude[0])):.1%}, {math.exp(trap.high[0]):.2g} s high and "
            f"{math.exp(trap.low[0]):.2g} s low"
        )
    for state in card.relaxation_law.states if card.relaxation_law else ():
        lines.append(
            f"relaxation of {state.name} ({state.conductance:.3g} S): {state.location[1]:+.2g} and spread "
            f"{state.spread[0]:.2g} {state.spread[1]:+.2g}, per unit of ln t"
        )
    return lines


def spread(card: Card, i: int, device: Floats) -> str:
    """Return half the way between one spread above and one below the location of a device."""
    feature, size = card.features[i], math.exp(device[1])
    low, high = np.abs(feature.backward(device[0] + np.array([-size, size])))
    if feature.transform == "log":
        return f"{math.log10(high / low) / 2:.3g} decades"
    return f"{abs(high - low) / 2:.3g} {feature.unit}"
