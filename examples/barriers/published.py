"""Barriers of the reports beside published ones: published.py > published.md, in the folder of both."""

import csv
from pathlib import Path

from frenkel.barriers import spread
from frenkel.barriers.calculators import LEARNED

HERE = Path(__file__).parent


def barriers(report):
    """Return {hop: (forward, backward)} in eV of a report."""
    rows = [line.strip("| \n").split(" | ") for line in (HERE / f"{report}.md").open(encoding="utf-8")]
    hops = [row for row in rows if len(row) == 6 and row[0].startswith("O")]
    return {row[0]: (float(row[3]), float(row[4])) for row in hops}


def table():
    """Return the lines of the table, and how many published barriers the intervals cover."""
    with (HERE / "published.csv").open(encoding="utf-8") as lines:
        published = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    rows, covered = [], 0
    for row in published:
        forward, backward = barriers(row["report"])[row["hop"]]
        ours = forward if row["column"] == "forward" else backward
        low, high = spread.barrier(ours, LEARNED)
        inside = low <= float(row["dft_eV"]) <= high
        covered += inside
        rows.append(
            f"| {row['report']} {row['path']} | {row['hop']}, {row['column']} | {row['dft_eV']} "
            f"| {ours:.3f} | {low:.2f} to {high:.2f} | {'yes' if inside else 'no'} | {row['source']} |"
        )
    heads = ["| path | hop | DFT / eV | CHGNet / eV | interval / eV | covers | source |", "|---" * 7 + "|"]
    return [*heads, *rows, "", f"{covered} of {len(rows)} are covered; nine of ten would be expected."]


if __name__ == "__main__":
    print("\n".join(["# Computed and published barriers", "", *table()]))
