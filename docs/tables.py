"""Write docs/materials.md: every set, what it can do, and what `make verify` found.

    python docs/tables.py

Reads build/verify/signatures.json, which validation/signatures.py writes, and docs/retention.json of
docs/retention.py (`make results`). Without the former, the table of signatures stays as it is.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from frenkel.analysis.reliability.retention import kaplan_meier, survival_time
from frenkel.barriers.calculators import LEARNED
from frenkel.kinetic.fields.build import settling_time
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.sections import FAMILIES, MECHANISMS, SECTIONS, WEAK
from frenkel.kinetic.materials.stack import Stack

DOCS = Path(__file__).resolve().parent
MEASURED = DOCS.parent / "build" / "verify" / "signatures.json"
RETENTION = DOCS / "retention.json"
HIGH = DOCS / "high_states.json"
CYCLES = DOCS / "family_table.json"
SIGNATURES = "`make verify` measures each row again. Rows on a quantity that a set was fitted to say so."
VERDICT = {True: "in band", False: "**out**", None: "info"}
UNREAD = ("heat.capacity", "heat.melting_point")
"""Numbers that change no event of a device with steady heat."""
OF_HOPS = (
    "migration_barrier", "attempt_frequency", "heat_of_transport", "crowding_barrier", "crowding_count",
    "crowding_start", "crowding_electrode", "crowding_shells", "edge_share", "migration_shift", "barrier",
)  # fmt: skip
"""Numbers of defects, weak sites and disorder that only hops read."""
HOPPING = {"vacancy": "vacancy hop", "cation": "cation hop"}


def sets() -> list[str]:
    """Return the table of sets against mechanisms."""
    heads = ["family", "set", "formula", "moves", "weak sites, plane", *MECHANISMS]
    rows = [heads, ["---"] * len(heads)]
    materials = [Material.load(name) for name in Material.names()]
    for family in FAMILIES:
        for one in materials:
            if one.family != family:
                continue
            structure = [name for name in (*WEAK, "plane", "cap", "interface", "trap") if one.has(name)]
            marks = ["x" if name in one.mechanisms else "" for name in MECHANISMS]
            rows.append([family, one.name, one.formula, one.species["defect"], ", ".join(structure), *marks])
    return ["| " + " | ".join(row) + " |" for row in rows]


def numbers_read(material: Material) -> dict[str, float]:
    """Return the numbers that events and currents of a material read, by "section.key".

    Without labels, without sections that only mechanisms need that are off, and without the numbers of hops
    where the defect does not hop.
    """
    needed = {section for name in material.mechanisms for section in MECHANISMS[name]}
    optional = {section for sections in MECHANISMS.values() for section in sections} - needed - {*HOPPING}
    still = {name for name, hop in HOPPING.items() if hop not in material.mechanisms}
    if still == {*HOPPING}:
        still |= {*WEAK, "disorder"}
    return {
        name: value
        for name, value in material.values().items()
        if name not in UNREAD
        and (section := name.partition(".")[0]) not in optional
        and not (section in still and name.partition(".")[2] in OF_HOPS)
    }


def differences(one: Material, other: Material) -> list[str]:
    """Return what the events and currents of a set read otherwise than those of another set, in words."""
    own, its = numbers_read(one), numbers_read(other)
    found = [f"without {name}" for name in other.mechanisms if name not in one.mechanisms]
    found += [f"with {name}" for name in one.mechanisms if name not in other.mechanisms]
    kept, known = ({name.partition(".")[0] for name in numbers} for numbers in (own, its))
    found += [f"no [{name}]" for name in SECTIONS if name in known - kept]
    found += [f"[{name}]" for name in SECTIONS if name in kept - known]
    rows = [{f"{row.section}.{row.key}": row for row in material.table()} for material in (one, other)]
    for name, value in own.items():
        if name in its and value != its[name]:
            first, second = (of_set.get(name) for of_set in rows)
            pair, unit = (value, its[name]), first.unit if first else second.unit if second else ""
            if first and second and first.unit == second.unit:
                pair = (first.value, second.value)
            elif first and not second and not its[name]:
                pair = (first.value, 0.0)
            elif second and not first and not value:
                pair = (0.0, second.value)
            found.append(f"{name} {pair[0]:.4g} ({pair[1]:.4g}{'' if unit == '1' else ' ' + unit})")
    return found


def equal_sets(materials: list[Material]) -> list[tuple[str, str]]:
    """Return the names of pairs of one family between which events and currents see no difference."""
    return [
        (one.name, other.name)
        for place, one in enumerate(materials)
        for other in materials[place + 1 :]
        if one.family == other.family and not differences(one, other)
    ]


def neighbours() -> list[str]:
    """Return in what each set differs from that of its family from which it differs least."""
    heads = ("set", "nearest", "own numbers (of nearest)")
    lines = ["| " + " | ".join(heads) + " |", "|---" * 3 + "|"]
    materials = [Material.load(name) for name in Material.names()]
    for one in materials:
        others = [other for other in materials if other.family == one.family and other is not one]
        if not others:
            lines.append(f"| {one.name} | none | |")
            continue
        found, name = min(
            ((differences(one, other), other.name) for other in others),
            key=lambda pair: (len(pair[0]), pair[1]),
        )
        lines.append(f"| {one.name} | {name} | {'; '.join(found)} |")
    return lines


def confidence() -> list[str]:
    """Return how many numbers of each set are cited, fitted, recalled or chosen."""
    words = ("measured", "ab initio", LEARNED, "fitted", "recalled", "chosen")
    lines = ["| set | " + " | ".join(words) + " |", "|---" * (len(words) + 1) + "|"]
    for name in Material.names():
        found = [row.confidence for row in Material.load(name).table()]
        lines.append(f"| {name} | " + " | ".join(str(found.count(word)) for word in words) + " |")
    return lines


def heat() -> list[str]:
    """Return where each set melts or decomposes, and how fast heat settles in 20 layers."""
    lines = [
        "The lower point of filament and matrix.",
        "",
        "| set | melts or decomposes (K) | heat capacity (MJ/(m³ K)) | settles in 20 layers (ps) |",
        "|---" * 4 + "|",
    ]
    for name in Material.names():
        material = Material.load(name)
        if material.has("heat"):
            settles = settling_time(Stack((material,), (20,))) * 1e12  # ps
            point, capacity = material.heat.melting_point, material.heat.capacity / 1e6
            lines.append(f"| {name} | {point:.0f} | {capacity:.3g} | {settles:.2g} |")
    return lines


def half_life(waits: list[tuple[float, bool]]) -> str:
    """Return the median time to half of G (s) by Kaplan and Meier, or the time that half were followed."""
    if not waits:
        return "-"
    time, failed = np.array(waits).T
    median = survival_time(kaplan_meier(time, failed))[0] if failed.any() else np.nan
    return f"{median:.1e}" if np.isfinite(median) else f"> {np.median(time):.1e}"


def retention() -> list[str]:
    """Return how long the state of low resistance of each set lasts at 0 V."""
    known: dict[str, Any] = json.loads(RETENTION.read_text(encoding="utf-8"))
    lines = [
        "Median time at 0 V until LRS has lost half of its conductance; `>`: how long half of the devices",
        "were followed. Volatile: below 1 s at 300 K.",
        "",
        "| set | switched on by | devices | G (uS) | half of it at 300 K (s) | at 358 K (s) | |",
        "|---" * 7 + "|",
    ]
    for name in Material.names():
        if name not in known:
            remark = "rates as in HfO2-volatile, traps are slow to follow"
            lines.append(f"| {name} | | | | not computed | not computed | {remark} |")
            continue
        stale = known[name]["key"][0] != Material.load(name).hash
        for state in known[name]["states"]:
            on = state["devices"] - state["missed"]
            cold, warm = (half_life(state[key]) for key in ("300", "358"))
            held = f"{1e6 * np.median(state['on']):.2g}" if on else "-"
            remark = "volatile" if on and ">" not in cold and float(cold) < 1 else ""
            if not on:
                remark = f"not on within {known[name]['budget']:g} s of CPU time"
            remark = ", ".join(word for word in (remark, "of earlier numbers" if stale else "") if word)
            made = f"{state['text']} | {on} of {state['devices']}"
            lines.append(f"| {name} | {made} | {held} | {cold} | {warm} | {remark} |")
    return lines


def cycles() -> list[str]:
    """Return what cycles of a few devices of each set give: see validation/family_table.py."""
    known: dict[str, Any] = json.loads(CYCLES.read_text(encoding="utf-8"))
    heads = (
        "set", "cycles", "made/HRS", "V_form (V)", "V_SET (V)", "V_RESET (V)", "LRS (ohm)", "HRS (ohm)",
        "HRS/LRS", "repeated LRS, HRS", "between devices", "350 K", "other polarity", "double size",
        "above melting", "cited",
    )  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name in Material.names():
        material = Material.load(name)
        if name not in known:
            lines.append(f"| {name} | not measured" + " | " * (len(heads) - 1) + "|")
            continue
        row = known[name]
        stale = row["key"][0] != material.hash
        window = row["high"] / row["low"] if row["high"] and row["low"] else None
        made = "{} of {}".format(*row["cycles"]) + (", of earlier numbers" if stale else "")
        if row["cycles"][0] < row["cycles"][1]:
            made += f", cut after {row['budget']:g} s"
        cells = [name, made, figures(row["pristine_over_high"]), *map(figures, (row["forming"], row["set"]))]
        cells += map(figures, (row["reset"], row["low"], row["high"], window))
        cells += [join_figures(row["repeated"]), join_figures(row["between"])]
        cells.append(join_figures(row["warm"]) if row["warm"] else row.get("warm_why", "-"))
        cells.append(figures(row["reversed"]) if row["reversed"] else row.get("reversed_why", "-"))
        cells.append(join_figures(row["large"]) if row["large"] else row.get("large_why", "-"))
        cells += [figures(row["hot"]), f"{100 * row['cited']:.0f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def figures(value: float | None) -> str:
    """Return a number with three digits, or a dash."""
    return "-" if value is None or not np.isfinite(value) else f"{value:.3g}"


def join_figures(values: list[float | None]) -> str:
    """Return some numbers with commas between them."""
    return ", ".join(map(figures, values))


def high_states() -> list[str]:
    """Return how far from ohmic the states of each set are, and how hot a cycle gets."""
    known: dict[str, Any] = json.loads(HIGH.read_text(encoding="utf-8"))
    lines = [
        "RESET has as large a voltage as SET. R(0.1 V)/R(0.5 V) of HRS is 1 where gaps are ohmic.",
        "",
        "| set | R(0.1 V) on (ohm) | off (ohm) | R(0.1 V)/R(0.5 V) off | hottest (K) | above melting (s) | |",
        "|---" * 7 + "|",
    ]
    for name in Material.names():
        if name not in known:
            continue
        row = known[name]
        low = f"{row['low'][0]:.2g}" if "low" in row else "-"
        high, ratio = (
            (f"{row['high'][0]:.2g}", f"{row['high'][0] / row['high'][1]:.2f}") if "high" in row else "--"
        )
        above = f"{row['above']:.1g}" if row["above"] else "never" if row["hottest"] else "-"
        stale = "of earlier numbers" if row["key"][0] != Material.load(name).hash else ""
        remark = ", ".join(word for word in (row.get("failed", ""), stale) if word)
        hottest = f"{row['hottest']:.0f}" if row["hottest"] else "-"
        lines.append(f"| {name} | {low} | {high} | {ratio} | {hottest} | {above} | {remark} |")
    return lines


def signatures() -> list[str]:
    """Return the table of what was measured, with sources and remarks."""
    if not MEASURED.exists():
        former = (DOCS / "materials.md").read_text(encoding="utf-8")
        return former.partition(f"{SIGNATURES}\n\n")[2].rstrip("\n").split("\n")
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))
    heads = ("family", "row", "quantity", "published", "ours", "verdict", "source", "remarks")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        ours = f"{row['ours']:.3g} {row['unit']}".strip()
        if row["error"] == row["error"]:
            ours += f" ± {row['error']:.1g}"
        cells = [row["family"], row["id"], row["quantity"], row["published"], ours, VERDICT[row["verdict"]]]
        cells += [f"{row['source']} ({row['confidence']})", row["note"].rstrip(".")]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    banded = [row for row in rows if row["verdict"] is not None]
    good = sum(row["verdict"] for row in banded)
    return [*lines, "", f"{good} of {len(banded)} rows in band."]


def page() -> str:
    """Return the page."""
    text = [
        "# Materials and mechanisms",
        "",
        "`frenkel materials NAME` prints every number of a set with unit, source, confidence and range.",
        "",
        *sets(),
        "",
        "## Differences",
        "",
        *neighbours(),
        "",
        "## Confidence of the numbers",
        "",
        "Measured and ab initio numbers are cited, fitted ones name their target, recalled ones were not",
        "reread.",
        "",
        *confidence(),
        "",
        "## Heat",
        "",
        *heat(),
        "",
        "## Retention",
        "",
        *retention(),
        "",
        "## Cycles",
        "",
        "`validation/family_table.py`",
        "",
        *cycles(),
        "",
        "## HRS and heat of a cycle",
        "",
        *high_states(),
        "",
        "## Published and simulated signatures",
        "",
        SIGNATURES,
        "",
        *signatures(),
        "",
    ]
    return "\n".join(text)


if __name__ == "__main__":
    (DOCS / "materials.md").write_text(page(), encoding="utf-8")
