"""Write docs/materials.md: every set, what it can do, and what `make verify` found.

    python docs/tables.py

Reads build/verify/signatures.json, which validation/signatures.py writes, and docs/retention.json of
docs/retention.py (`make retention`). Without the former, what the page says of signatures stays.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from frenkel.analysis.reliability.retention import kaplan_meier, survival_time
from frenkel.kinetic.fields.build import settling_time
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.sections import FAMILIES, MECHANISMS, WEAK

DOCS = Path(__file__).resolve().parent
MEASURED = DOCS.parent / "build" / "verify" / "signatures.json"
RETENTION = DOCS / "retention.json"
HIGH = DOCS / "high_states.json"
VERDICT = {True: "in band", False: "**out**", None: "info"}


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


def confidence() -> list[str]:
    """Return how many numbers of each set are cited, fitted, recalled or chosen."""
    words = ("measured", "ab initio", "fitted", "recalled", "chosen")
    lines = ["| set | " + " | ".join(words) + " |", "|---" * (len(words) + 1) + "|"]
    for name in Material.names():
        found = [row.confidence for row in Material.load(name).table()]
        lines.append(f"| {name} | " + " | ".join(str(found.count(word)) for word in words) + " |")
    return lines


def heat() -> list[str]:
    """Return where each set melts or decomposes, and how fast heat settles in 20 layers."""
    lines = [
        "The lower point of filament and matrix, in bulk; a run says where it is above it for over 1 ns.",
        "Heat is steady by default: last the time constant of its slowest mode, for `ballistic_factor` 1.",
        "TaOx goes above its point in each cycle, to 2,200 to 2,900 K for 1 to 2 us of a RESET to -1.8 V,",
        "and to 3,400 to 4,200 K for some 10 ns of the SET jump at 50 uA (7,000 K while its gaps were",
        "ohmic). Gaps of 0.2 to 0.85 eV and one to three hops, `ballistic_factor` 1.2 to 10 and bindings",
        "of 0.15 to 0.35 eV were tried: an atom in company needs some E/(k ln(nu t)) to leave within a",
        "microsecond. With a factor of 10 and 0.15 eV of binding it stays below 2,100 K, but then SET",
        "times at 0.15 and 1 V are 6 decades apart (12.8 in the set), and short pulses no longer heat",
        "(rows V-11, Q-01 and I-02 are lost).",
        "",
        "| set | melts or decomposes (K) | heat capacity (MJ/(m³ K)) | settles in 20 layers (ps) |",
        "|---" * 4 + "|",
    ]
    for name in Material.names():
        material = Material.load(name)
        if material.has("heat"):
            settles = settling_time(material, 20) * 1e12  # ps
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
        "Time until half of the conductance in the state of low resistance is lost at 0 V: the median of the",
        "devices that were switched on, first of four reads a decade below half of what they had while held.",
        "Each wait has a cap of CPU time, 3 to 20 s here: `>` is how long half of the devices were followed,",
        "at most 1e9 s; nothing is extrapolated. Volatile is what forgets within a second at 300 K. A median",
        "of three is known to a decade at best. `make retention` measures what has changed.",
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
            remark += ", of earlier numbers" if stale else ""
            made = f"{state['text']} | {on} of {state['devices']}"
            lines.append(f"| {name} | {made} | {held} | {cold} | {warm} | {remark} |")
    return lines


def high_states() -> list[str]:
    """Return how far from ohmic the states of each set are, and how hot a cycle gets."""
    known: dict[str, Any] = json.loads(HIGH.read_text(encoding="utf-8"))
    lines = [
        "One device of each set is switched on as above, off by as large a voltage of the other sign (2 V at",
        "most beyond one layer), and on again; `python docs/high_states.py` measures what has changed.",
        "Published high states of oxides and metal cells are nonlinear. A set whose bonds are ohmic over",
        "gaps as well has a ratio of 1, and its high state compares at one voltage only. Of the oxides",
        "`HfO2`, `TiOx`, `TaOx`, `Ta2O5-Pt`, `SiOx` and `SiOx-electrons` have hops over gaps;",
        "interfacial sets have a law at their contact. A published Pt/TaOx/Ta cell has a ratio of 6.3 at",
        "its highest state, and of 4.0 with a thousandth of its filament (numbers of the model of Strachan",
        "et al. 2013, seen in code). Filaments that never break are ohmic, as published (`SiOx-FCM`,",
        "`TaOx-FCM`), and `SiOx-C` as `HfO2-volatile`, with which it is compared.",
        "",
        "Electrons of a metal cell tunnel over a gap: in `Ag-SiO2`, `Cu-SiO2`, `Ag-Al2O3` and `Cu-Al2O3`",
        "(`gap_barrier`, 2.8 to 3.6 eV). WKB gives a ratio of 1.02 to 1.05 over two spacings, 1.2 to 1.5",
        "over six: nearly ohmic. Most cells dissolve whole, and off is the leak of the bare film, one ohmic",
        "number: 0.1 pA at 0.1 V. Ag/HfO2 is published with 1e-14 A (Anatomy of Ag/hafnia-based selectors,",
        "abstract seen), which tells no shape. `Ag-Ag2S` is ohmic off as on, as measured (arXiv:1310.4964,",
        "abstract seen). Ohmic gaps stay where tunnelling did harm or has no number: `Ag-HfO2`, whose own",
        "voltage fell from 84 to 32 mV where single ions in the gap carry electrons; `Ru-Ta2O5`, which kept",
        "a state of 10 uA for 6 ms (1.1 s) with 1.5 eV; `hBN-Ag`, of which 0.75 stayed on instead of all",
        "with 3.07 eV; `Ag-TiO2`, where electrons go over a barrier of some tenths of an eV; GeS2, for which",
        "no barrier was found. Graphene, MoS2, perovskites and PPMAz are off as their bare film is.",
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
    """Return the table of what was measured, and the remarks to it."""
    if not MEASURED.exists():
        page = (DOCS / "materials.md").read_text(encoding="utf-8")
        return page.partition("verify`, which measures each row again.\n\n")[2].rstrip("\n").split("\n")
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))
    lines = ["| family | row | quantity | published | ours | verdict |", "|---" * 6 + "|"]
    for row in rows:
        ours = f"{row['ours']:.3g} {row['unit']}".strip()
        if row["error"] == row["error"]:
            ours += f" ± {row['error']:.1g}"
        cells = [row["family"], row["id"], row["quantity"], row["published"], ours, VERDICT[row["verdict"]]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    banded = [row for row in rows if row["verdict"] is not None]
    good = sum(row["verdict"] for row in banded)
    lines += ["", f"{good} of {len(banded)} rows in band. Sources and remarks:", ""]
    for row in rows:
        note = f" {row['note'].rstrip('.')}." if row["note"] else ""
        lines.append(f"- {row['id']}: {row['source']} ({row['confidence']}).{note}")
    return lines


def main() -> None:
    """Write the page."""
    text = [
        "# Materials and mechanisms",
        "",
        "`frenkel materials NAME` prints every number of a set with unit, source, confidence and range.",
        "",
        *sets(),
        "",
        "## How sure the numbers are",
        "",
        "Measured and ab initio ones are cited; fitted ones say to what; recalled ones were not read again;",
        "chosen ones are decisions, often within a published range that the file states.",
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
        "## High states and heat of a cycle",
        "",
        *high_states(),
        "",
        "## What sets them apart: published and ours",
        "",
        "A row names the set that it stands on. What is published of hafnia, or of valence change as such,",
        "stands on the default `HfO2`, whatever comes out, unless the default has not what the row is about:",
        "at 300 K it does not move at rest, and bakes lose no state, so that relaxation, false verify and",
        "bakes (D-02 to D-12) stand on `HfO2-retention`. Remarks tell what the set judged before gave.",
        "",
        "Printed by `make verify`, which measures each row again.",
        "",
        *signatures(),
        "",
    ]
    (DOCS / "materials.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
