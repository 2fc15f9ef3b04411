"""The three oxides of examples/barriers and their packaged sets, and the table beside published barriers."""

import re
import runpy
from pathlib import Path

import pytest

from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import declared

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "barriers"
PACKAGED = {
    "HfO2-CHGNet": "HfO2-monoclinic",
    "TiO2-CHGNet": "TiO2-rutile",
    "Al2O3-CHGNet": "Al2O3-corundum",
}
CITED = ("measured", "ab initio", "machine-learned potential")


@pytest.mark.filterwarnings("ignore:.*is a label")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_set_is_read_and_says_that_its_cells_are_neutral(path):
    rows = {f"{row.section}.{row.key}": row for row in Material.read(path).table()}
    barrier = rows["vacancy.migration_barrier"]
    assert barrier.confidence == "machine-learned potential" and "neutral" in barrier.note
    assert barrier.range[0] < barrier.value < barrier.range[1]


def test_published_barriers_stand_beside_the_reports():
    lines = runpy.run_path(str(FOLDER / "published.py"))["table"]()
    assert (FOLDER / "published.md").read_text(encoding="utf-8").splitlines()[2:] == lines
    assert lines[-1].startswith("9 of 11 are covered")


def stated(report, pattern):
    """Return the numbers of a report that a pattern finds."""
    return [
        float(text) for text in re.findall(pattern, (FOLDER / f"{report}.md").read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("name", "report"), PACKAGED.items())
def test_a_packaged_set_has_the_numbers_of_its_report(name, report):
    material = Material.load(name)
    rows = {f"{row.section}.{row.key}": row for row in material.table()}
    (barrier,) = stated(report, r"long-range motion: ([\d.]+) eV")
    assert material.vacancy.migration_barrier == pytest.approx(barrier, abs=6e-4)
    if found := stated(report, r"Attempt frequency: ([\d.]+) THz"):
        assert material.vacancy.attempt_frequency == pytest.approx(1e12 * found[0], rel=1e-3)
    else:
        assert rows["vacancy.attempt_frequency"].confidence == "ab initio"
    crowding = stated(report, r"changes by ([+-][\d.]+) eV")
    expected = max(crowding[0], 0.0) if crowding else 0.0
    assert material.vacancy.crowding_barrier == pytest.approx(expected, abs=6e-4)
    # The electrode's oxide is measured: enthalpy in kJ/mol over the oxygen atoms of its formula.
    source = rows["exchange.energy"].source
    oxide, enthalpy = re.search(r"gains in (\w+) \(measured: -([\d.]+) kJ/mol", source).groups()
    atoms = int(re.search(r"O(\d*)$", oxide)[1] or 1)
    gained = float(enthalpy) / 96.48533 / atoms  # kJ/mol in an eV
    formation = min(stated(report, r"vacancy O\d \| ([\d.]+)"))
    assert material.exchange.energy == pytest.approx(formation - gained, abs=1e-3)
    (hop,) = stated(report, r"three directions: O1-O1 ([\d.]+) nm")
    assert material.lattice.spacing == pytest.approx(1e-9 * hop)


def test_at_least_half_of_the_energies_of_the_three_sets_are_computed_or_measured():
    """Of all energies that the files state, 8 of 14; none is fitted."""
    energies = [
        row.confidence
        for name in PACKAGED
        for row in Material.load(name).table()
        if declared(row.section, row.key).metadata["unit"] == "eV"
    ]
    assert len(energies) == 14 and sum(word in CITED for word in energies) == 8
    assert "fitted" not in energies
