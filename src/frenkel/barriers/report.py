"""The report of a study, and a picture of each path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import spread
from .calculators import LEARNED
from .numbers import spread_of
from .study import Disorder, Findings, HopEnergy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def text(found: Findings) -> str:
    """Return the report as Markdown."""
    lines = [f"# {found.formula}: vacancies of {found.species}", ""]
    lines += [f"Calculator: {found.origin} ({found.confidence}). {found.cell}".rstrip() + ".", ""]
    if found.confidence == LEARNED:
        lines += [
            "Cells are neutral: a universal potential has no charge states. Charged vacancies have other "
            f"barriers. Intervals of barriers hold {spread.PART:.0%} of {len(spread.ratios())} paths of "
            f"{spread.SOURCE}. No path of that benchmark is one of oxygen. "
            "Intervals of other numbers are chosen.",
            "",
        ]
    lines += ["| hop | length / nm | number | forward / eV | backward / eV | interval, forward / eV |"]
    lines += ["|---|---|---|---|---|---|"]
    for hop in found.hops:
        interval = spread.barrier(hop.forward, found.confidence)
        between = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-"
        length = "-" if np.isnan(hop.length) else f"{hop.length / 10:.4f}"
        both = f"{hop.forward:.3f} | {hop.backward:.3f}"
        name = hop.name if hop.charge is None else f"{hop.name}, charge {hop.charge:+d}"
        lines.append(f"| {name} | {length} | {hop.multiplicity} | {both} | {between} |")
    lines += ["", f"Barrier of long-range motion: {found.barrier:.3f} eV; {found.decided_by}."]
    if len(found.hops) > 1 and found.disorder is None:
        lines.append(f"Standard deviation of the barriers: {spread_of(found.hops):.3f} eV.")
    if found.frequency is not None:
        lines.append(f"Attempt frequency: {found.frequency / 1e12:.2f} THz; {found.frequency_from}.")
    if found.vacancies or found.interstitials:
        lines += ["", f"Reference of formation energies: {found.reference}.", ""]
        lines += ["| defect | formation energy / eV | sites in the unit cell |", "|---|---|---|"]
        lines += [f"| vacancy {name} | {energy:.3f} | {n} |" for name, (energy, n) in found.vacancies.items()]
        lines += [f"| interstitial {k} | {e:.3f} | |" for k, e in enumerate(found.interstitials, 1)]
    if found.charged:
        lines += ["", "Formation energies, Fermi level at the valence band maximum, reference as above:"]
        lines += ["", "| charge | formation energy / eV |", "|---|---|"]
        lines += [f"| {charge:+d} | {energy:.3f} |" for charge, energy in sorted(found.charged.items())]
    for name, gained in found.pairs.items():
        lines += ["", f"Vacancies {name} apart gain {gained:.3f} eV (negative: they repel)."]
    for number, added in enumerate(found.crowding, 1):
        words = f"Beside {number} more vacancies the barrier changes by {added:+.3f} eV"
        lines += ["", f"{words} (mean of both directions)."]
    if found.disorder is not None:
        lines += ["", *_disordered(found.disorder)]
    if found.failures:
        lines += ["", "Not finished:", "", *(f"- {failure}" for failure in found.failures)]
    if found.cpu_seconds:
        lines += ["", f"CPU time of all calculations: {found.cpu_seconds / 60:.1f} min."]
    return "\n".join([*lines, ""])


def _disordered(spreads: Disorder) -> list[str]:
    """Return what a disordered cell has of spread."""
    longest = f"ln(likelihood) {spreads.gain:+.1f} against independent sites"
    alike = f"{spreads.length / 10:.3f} nm" if spreads.length else "not distinguishable from 0"
    return [
        f"Standard deviation of {spreads.sites} vacancies: {spreads.site_energy:.3f} eV.",
        f"Standard deviation of {spreads.hops} hops, mean of both directions: {spreads.barrier:.3f} eV, "
        f"of their logarithm {spreads.barrier_log:.2f}.",
        "Laws of barriers (the set takes the log-normal one, above 0): "
        + "; ".join(
            f"{law}, ln(likelihood) {gain:.1f}, larger Kolmogorov distance by chance {chance:.1%}"
            for law, (gain, chance) in spreads.laws.items()
        )
        + ".",
        f"Length over which vacancies are alike: {alike} ({longest}).",
    ]


def picture(hop: HopEnergy) -> Figure:
    """Return the energy of a path against its reaction coordinate."""
    from matplotlib.figure import Figure  # matplotlib, for those alone who draw

    figure = Figure(figsize=(3.4, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(hop.coordinates, hop.energies, "o-")
    axes.axhline(0.0, color="0.7", linewidth=0.8)
    axes.set_xlabel("path length (Å)" if hop.coordinates[-1] != 1.0 else "part of the path")
    axes.set_ylabel("energy (eV)")
    axes.set_title(f"{hop.name}: {hop.forward:.3f} eV", fontsize="medium")
    return figure


def file_name(hop: HopEnergy) -> str:
    """Return the name of the picture of a hop."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", hop.name).strip("-") + ".png"


def write(found: Findings, folder: Path) -> Path:
    """Write report and pictures into a folder; return the file of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    for hop in found.hops:
        if hop.coordinates:
            picture(hop).savefig(folder / file_name(hop), dpi=150)
    report = folder / "report.md"
    report.write_text(text(found), encoding="utf-8")
    return report
