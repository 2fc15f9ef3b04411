"""Energies of the reports beside published ones: writes published.md, and a table into each report."""

import csv
from math import log
from pathlib import Path

from frenkel.barriers import spread
from frenkel.barriers.calculators import LEARNED
from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV

HERE = Path(__file__).parent
REPORTS = ("TiO2-rutile", "HfO2-monoclinic", "Al2O3-corundum")
MARK = "<!-- What follows is by published.py. -->"
HEADS = [
    "| published path | energy | DFT / eV | CHGNet / eV | interval / eV | covers | source |",
    "|---" * 7 + "|",
]
KELVIN = 300, 1500
"""Temperatures (K) at which barriers with different attempt frequencies are compared."""
OTHERS = (
    ("DFT, same hops: VacHopPy", "not stated", "0.98", "doi:10.1016/j.cpc.2025.110010"),
    ("ab initio, amorphous: DeviceKMC", "+2", "1.09", "github.com/manasakani/DeviceKMC (no DOI in it)"),
    (
        "molecular dynamics of ions, monoclinic and amorphous",
        "of ions",
        "0.29, 0.46, 0.66",
        "doi:10.1063/1.4977453 (abstract)",
    ),
    ("DFT, monoclinic", "+2", "0.7", "doi:10.1063/1.2807282 (recalled)"),
    ("DFT, monoclinic", "0", "2.4", "doi:10.1063/1.2807282 (recalled)"),
)
"""Published barriers of HfO2: what, charge state, eV, source."""


def energies(report):
    """Return {(hop or vacancy, column): eV} of a report."""
    rows = [line.strip("| \n").split(" | ") for line in (HERE / f"{report}.md").open(encoding="utf-8")]
    found = {}
    for row in rows:
        if len(row) == 6 and row[0].startswith("O"):
            found[row[0], "forward"], found[row[0], "backward"] = float(row[3]), float(row[4])
        elif len(row) == 3 and row[0].startswith("vacancy"):
            found[row[0], "formation"] = float(row[1])
    return found


def table(*reports):
    """Return the lines of the table of some reports, and how many published energies the intervals cover."""
    with (HERE / "published.csv").open(encoding="utf-8") as lines:
        published = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    rows, covered = [], 0
    for row in published:
        if row["report"] not in reports:
            continue
        ours = energies(row["report"])[row["what"], row["column"]]
        formation = row["column"] == "formation"
        low, high = (
            spread.around(ours, spread.FORMATION, LEARNED) if formation else spread.barrier(ours, LEARNED)
        )
        inside = low <= float(row["dft_eV"]) <= high
        covered += inside
        rows.append(
            f"| {row['report']} {row['path']} | {row['what']}, {row['column']} | {row['dft_eV']} "
            f"| {ours:.3f} | {low:.2f} to {high:.2f} | {'yes' if inside else 'no'} | {row['source']} |"
        )
    return [
        *HEADS,
        *rows,
        "",
        f"The intervals cover {covered} of {len(rows)}; nine of ten are expected.",
    ]


def states():
    """Return the table of barriers of HfO2 by charge state."""
    default, learned = Material.load("HfO2-fast"), Material.load("HfO2-CHGNet")
    (barrier,) = (
        row for row in learned.table() if row.key == "migration_barrier" and row.section == "vacancy"
    )
    lone, frequency = default.vacancy.migration_barrier, default.vacancy.attempt_frequency
    fitted = {
        "set HfO2, lone vacancy in the preferred path": lone,
        "set HfO2, lone vacancy outside": lone + default.column.migration_shift,
    }
    range_of = f"{barrier.value:.2f} ({barrier.range[0]:.2f} to {barrier.range[1]:.2f})"
    rows = [(what, "+2", f"{energy:.2f}", frequency, "fitted") for what, energy in fitted.items()]
    rows.append(("set HfO2-CHGNet, monoclinic", "0", range_of, learned.vacancy.attempt_frequency, "computed"))
    scale = [BOLTZMANN_EV * kelvin for kelvin in KELVIN]
    lines = [
        f"| barrier of HfO2 | charge | eV | with 100 THz, at {KELVIN[0]} / {KELVIN[1]} K | source |",
        "|---" * 5 + "|",
    ]
    for what, charge, energy, rate, source in rows:
        alike = [float(energy.split()[0]) + kt * log(frequency / rate) for kt in scale]
        lines.append(f"| {what} | {charge} | {energy} | {alike[0]:.2f} / {alike[1]:.2f} | {source} |")
    return [*lines, *(f"| {what} | {q} | {energy} | - | {source} |" for what, q, energy, source in OTHERS)]


def page():
    """Return published.md."""
    return ["# Computed and published energies", "", *table(*REPORTS), "", *states()]


def with_table(report):
    """Return a report with its table at the end."""
    own = (HERE / f"{report}.md").read_text(encoding="utf-8").partition(f"\n{MARK}\n")[0]
    return "\n".join([own.rstrip(), "", MARK, "", *table(report)[:-2], ""])


if __name__ == "__main__":
    (HERE / "published.md").write_text("\n".join([*page(), ""]), encoding="utf-8")
    for name in REPORTS:
        (HERE / f"{name}.md").write_text(with_table(name), encoding="utf-8")
