"""The command ``frenkel barriers``: a crystal, or finished calculations, to a material."""

# Imports inside functions keep numpy, pydantic and ASE from loading for other commands.

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import values
from .common import FORCE, OUTPUT, QUIET, Option, OptionPage, RenamedOption, UsageError, add

if TYPE_CHECKING:
    from ..barriers.study import Findings

ANGSTROM = 1e-10


def add_commands(commands: Any) -> None:
    """Add "barriers" to the parser of commands."""
    add(
        commands,
        "barriers",
        _barriers,
        "make a material from barriers of a crystal",
        'frenkel barriers HfO2.cif --species O --cutoff "0.29 nm" -o my-HfO2.toml',
        Option(
            "files",
            nargs="+",
            type=Path,
            metavar="STRUCTURE",
            help="crystal (CIF, POSCAR, xyz); with --finished: finished calculations",
        ),
        Option("--species", default="O", metavar="ELEMENT", help="whose defects (default: O)"),
        OUTPUT.but(required=True, metavar="FILE.toml", help="material to write"),
        RenamedOption("--to", now="-o"),
        Option(
            "--base",
            default="HfO2",
            metavar="NAME",
            complete=values.materials,
            help="set whose other numbers are kept (default: HfO2)",
        ),
        _calculation(),
        Option(
            "--finished",
            action="store_true",
            help="instead of calculating, read neb.dat, nebef.dat or folders of VASP, .dat or .int of neb.x, "
            "parameters.json or .csv of VacHopPy, e_kra.txt of kMCpy; formation energies of "
            "pymatgen-analysis-defects",
        ),
        Option(
            "--charges",
            metavar="Q,Q,...",
            help="charge state of each finished calculation: 2,0",
        ),
        FORCE,
        QUIET,
        about="Barriers and defect energies are computed by an interatomic potential, or read from "
        "finished calculations.",
    )


def _calculation() -> OptionPage:
    """Return the options of a calculation."""
    return OptionPage(
        "--help-calculation",
        "options of the calculation",
        Option(
            "--calculator",
            default="chgnet",
            metavar="NAME",
            help="chgnet, a calculator of ASE, or module:factory (default: chgnet)",
        ),
        Option(
            "--confidence",
            metavar="WORD",
            help='what its numbers are called: "machine-learned potential", "ab initio" or "chosen"',
        ),
        Option("--supercell", metavar="NxNxN", help="unit cells (default: from 0.8 nm on)"),
        Option("--cutoff", default="0.3 nm", metavar="LENGTH", help="longest hop (default: 0.3 nm)"),
        Option("--images", type=values.positive, default=3, metavar="N", help="between ends (default: 3)"),
        Option(
            "--largest-force",
            type=float,
            default=0.05,
            metavar="F",
            help="of what is relaxed, in eV/angstrom (default: 0.05)",
        ),
        Option("--interstitials", type=values.natural, default=1, metavar="N", help="voids (default: 1)"),
        Option("--pairs", type=values.natural, default=1, metavar="N", help="of vacancies (default: 1)"),
        Option(
            "--crowding",
            type=values.natural,
            default=1,
            metavar="N",
            help="most vacancies beside the hop that decides (default: 1)",
        ),
        Option("--attempt-frequency", metavar="RATE", help="state it instead of computing it: '10 THz'"),
        Option("--reference", type=float, metavar="EV", help="energy of an atom of the reservoir, in eV"),
        Option(
            "--reservoir",
            metavar="ENERGY",
            help="by which the electrode binds an atom more than the reference, for exchange.energy: "
            "'5.6 eV'",
        ),
        Option(
            "--correction",
            metavar="ENERGY",
            help="to add to the barrier, such as charged less neutral: '-0.1 eV'",
        ),
        Option(
            "--sample",
            type=values.positive,
            metavar="N",
            help="hops drawn from a disordered cell, whose spread becomes its disorder",
        ),
        Option(
            "--melt-quench",
            metavar="TIME",
            help="melt and quench the supercell first: '20 ps'; draws 12 hops without --sample",
        ),
        Option("--work", type=Path, metavar="FOLDER", help="finished calculations, report, pictures"),
    )


def _barriers(options: argparse.Namespace) -> None:
    from ..barriers import report
    from ..data import store

    target: Path = options.output
    if target.suffix != ".toml":
        raise UsageError(f"--output must end in .toml, got {str(target)!r}")
    store.writable(target, force=options.force)
    base = _base(options.base)
    reservoir = options.reservoir
    if reservoir is not None:
        reservoir = _quantity("--reservoir", reservoir, "eV", -20, 20)
    correction = options.correction
    if correction is not None:
        correction = _quantity("--correction", correction, "eV", -10, 10)
    found = _finished(options, base) if options.finished else _computed(options)
    folder = _work(options)
    document = report.write(found, folder)
    _write(found, base, {"reservoir": reservoir, "correction": correction}, options)
    print(document.read_text(encoding="utf-8"))
    print(f'wrote {target} and {document}; in a configuration: material = "{target.name}"')


def _base(name: str) -> Any:
    """Return the set that the new one is based on."""
    from ..kinetic.materials.material import Material
    from ..kinetic.materials.rows import MaterialError

    try:
        return Material.find(name)
    except MaterialError as error:
        raise UsageError(f"--base: {error}") from None


def _work(options: argparse.Namespace) -> Path:
    first: Path = options.files[0]
    return options.work or Path(f"{first.stem}-barriers")


def _computed(options: argparse.Namespace) -> Findings:
    from ..barriers import calculators, crystal
    from ..barriers.disorder import DisorderedStudy
    from ..barriers.study import BarrierSettings, CrystalStudy

    if options.charges is not None:
        raise UsageError("--charges are those of finished calculations: --finished is needed")
    if len(options.files) > 1:
        raise UsageError(f"one structure is needed, got {len(options.files)}; --finished takes several files")
    settings = BarrierSettings(
        species=options.species,
        cutoff=_quantity("--cutoff", options.cutoff, "m", 1e-10, 1e-9) / ANGSTROM,
        supercell=_supercell(options.supercell),
        images=options.images,
        force=_force(options.largest_force),
        interstitials=options.interstitials,
        pairs=options.pairs,
        crowding=options.crowding,
        frequency=_frequency(options),
        reference=options.reference,
        sample=options.sample or 12,
    )
    time = options.melt_quench
    if time is not None:
        time = _quantity("--melt-quench", time, "s", 1e-14, 1e-9) * 1e12
    atoms = crystal.read(options.files[0], options.species)
    potential = calculators.find(options.calculator, options.confidence)

    def note(line: str) -> None:
        if not options.quiet:
            print(line, file=sys.stderr, flush=True)

    given = atoms, settings, potential, _work(options), note
    if options.sample is None and time is None:
        return CrystalStudy(*given).run()
    return DisorderedStudy(*given, picoseconds=time).run()


def _charges(options: argparse.Namespace, number: int) -> list[int | None]:
    """Return the charge state of each file of barriers."""
    if options.charges is None:
        return [None] * number
    words = options.charges.split(",")
    if not all(re.fullmatch(r"[+-]?\d", word) for word in words) or len(words) != number:
        raise UsageError(
            f"--charges must be {number} whole numbers, one a file, got {options.charges!r}"
        )
    return [int(word) for word in words]


def _finished(options: argparse.Namespace, base: Any) -> Findings:
    from ..barriers import diagrams, finished
    from ..barriers.calculators import AB_INITIO, CONFIDENCES
    from ..barriers.study import Findings

    if options.confidence is not None and options.confidence not in CONFIDENCES:
        raise UsageError(f"--confidence must be one of {', '.join(CONFIDENCES)}, got {options.confidence!r}")
    found_diagrams = {path: diagrams.read(path, options.species) for path in options.files}
    barriers = [path for path, diagram in found_diagrams.items() if diagram is None]
    charged: dict[int, float] = {}
    reference = ""
    for diagram in found_diagrams.values():
        if diagram is not None:
            charged, reference = charged | diagram[0], diagram[1]
    if not barriers:
        raise UsageError("--finished needs a file of barriers beside formation energies")
    charges = _charges(options, len(barriers))
    readings = [finished.read(path) for path in barriers]
    hops = tuple(
        replace(hop, charge=charge)
        for (found, _), charge in zip(readings, charges, strict=True)
        for hop in found
    )
    rates = [rate for _, rate in readings if rate is not None]
    # An isolated vacancy of the set has a charge: its own barrier is that of this charge where it is there.
    own = base.vacancy.charge if base.has("vacancy") else None
    lowest = min(hops, key=lambda hop: (hop.charge is None or hop.charge != own, hop.forward))
    given = _frequency(options)
    return Findings(
        formula=base.formula,
        species=options.species,
        origin=", ".join(path.name for path in options.files),
        confidence=options.confidence or AB_INITIO,
        cell="",
        hops=hops,
        barrier=lowest.forward,
        decided_by=f"the lowest of {len(hops)}{_state(lowest.charge)}: {lowest.name}",
        frequency=given if given is not None else rates[0] if rates else None,
        frequency_from="as given" if given is not None else "as the file states, mean over temperatures",
        vacancies={"of charge 0": (charged[0], 1)} if 0 in charged else {},
        reference=reference,
        charged=charged,
    )


def _state(charge: int | None) -> str:
    return "" if charge is None else f" of charge {charge:+d}"


def _write(found: Findings, base: Any, given: dict[str, float | None], options: argparse.Namespace) -> None:
    """Write the set, and read it as every command will."""
    import os

    from ..barriers.numbers import changes
    from ..configuration.material import as_file
    from ..data import store
    from ..kinetic.materials.material import Material
    from ..kinetic.materials.sections import SECTIONS

    target: Path = options.output
    sections = [name for name in SECTIONS if base.has(name)]
    if "vacancy" not in sections:
        raise UsageError(f"--base must be a set with vacancies, {options.base} has none")
    written = changes(found, sections, **given, charge=base.vacancy.charge)
    if base.has("disorder") and base.disorder.relaxation_rate:  # its bonds are drawn site by site
        written.get("disorder", {}).pop("correlation_length", None)
    if written["formula"] == base.formula:
        del written["formula"]
    source = Material.file(options.base)
    based_on = os.path.relpath(source, target.parent) if options.base.endswith(".toml") else options.base
    head = f"Written by frenkel barriers; what is not given here is as in {options.base}."
    store.write_bytes(as_file(based_on, written, head).encode(), target)
    Material.read(target)


def _quantity(name: str, text: str, unit: str, low: float, high: float) -> float:
    from ..quantity import to_si

    try:
        return to_si(text, unit, low, high)
    except ValueError as error:
        raise UsageError(f"{name} {error}") from None


def _frequency(options: argparse.Namespace) -> float | None:
    text = options.attempt_frequency
    return None if text is None else _quantity("--attempt-frequency", text, "Hz", 1e9, 1e16)


def _force(value: float) -> float:
    if not 1e-4 <= value <= 1.0:
        raise UsageError(f"--largest-force must be between 0.0001 and 1 eV/angstrom, got {value:g}")
    return value


def _supercell(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    parts = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)x([1-9]\d?)", text)
    if parts is None:
        raise UsageError(f"--supercell must be like 2x2x1, got {text!r}")
    first, second, third = map(int, parts.groups())
    return first, second, third
