"""The three oxides of examples/barriers and their packaged sets, and the table beside published barriers."""

import re
import runpy
from pathlib import Path

import pytest

from frenkel.cli.main import main
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


def test_published_energies_are_beside_those_of_the_reports():
    """Ten or more over three oxides, each with our interval; pages are what the script writes."""
    script = runpy.run_path(str(FOLDER / "published.py"))
    page = (FOLDER / "published.md").read_text(encoding="utf-8")
    assert page.splitlines() == script["page"]()
    assert "The intervals cover 11 of 14" in page
    rows = [line.split(" | ") for line in page.splitlines() if " | doi:" in line and " to " in line]
    assert len(rows) == 14 and sum("formation" in row[1] for row in rows) == 3
    for report in script["REPORTS"]:
        assert any(report in row[0] for row in rows)
        assert (FOLDER / f"{report}.md").read_text(encoding="utf-8") == script["with_table"](report)


def test_an_energy_outside_is_called_so(tmp_path):
    """With a published barrier of 1.53 eV the interval of 0.682 eV, up to 1.52 eV, misses one more."""
    for path in (*FOLDER.glob("*.md"), FOLDER / "published.py"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    numbers = (FOLDER / "published.csv").read_text(encoding="utf-8").replace(",1.058,", ",1.53,")
    (tmp_path / "published.csv").write_text(numbers, encoding="utf-8")
    lines = runpy.run_path(str(tmp_path / "published.py"))["table"]("TiO2-rutile")
    assert lines[-1].startswith("The intervals cover 1 of 3")


def test_published_hops_of_hafnia_connect_the_crystal_at_the_energy_of_the_table():
    """The same network as that of the set, with the published barriers of its seven hops."""
    pytest.importorskip("ase", reason="structures are read by ASE")
    pytest.importorskip("spglib", reason="spglib, of the extra barriers, is not installed")
    from frenkel.barriers import crystal

    script = runpy.run_path(str(FOLDER / "published.py"))
    lines = [line.split(",") for line in (FOLDER / "published.csv").read_text(encoding="utf-8").splitlines()]
    dft = {(row[1], row[2]): float(row[3]) for row in lines if row[0] == "HfO2-monoclinic"}
    ours = script["energies"]("HfO2-monoclinic")
    names = [name for name, column in ours if column == "forward"]
    hops = crystal.hops(crystal.read(FOLDER / "HfO2-monoclinic.vasp", "O"), "O", 3.0)[: len(names)]
    uphill = dft["O1-O2 0.2545 nm", "backward"] - dft["O1-O2 0.2545 nm", "forward"]

    def threshold(energies, uphill):
        saddles = []
        for hop, name in zip(hops, names, strict=True):
            assert abs(hop.length / 10 - float(name.split()[1])) < 0.004  # before the cell was relaxed
            top = energies[name, "forward"] + (uphill if name[:2] == "O2" or name[:5] == "O1-O2" else 0.0)
            saddles += [(*member, top) for member in hop.members]
        return crystal.percolation(saddles)

    assert threshold(dft, uphill) == pytest.approx(0.98)
    assert ("DFT, same hops: VacHopPy", "0.98") in [(row[0], row[2]) for row in script["OTHERS"]]
    own = ours["O1-O2 0.2545 nm", "backward"] - ours["O1-O2 0.2545 nm", "forward"]
    assert threshold(ours, own) == pytest.approx(0.788)


def test_barriers_of_hafnia_by_charge_state():
    """The table takes its numbers from the sets; what was only remembered says so."""
    lines = "\n".join(runpy.run_path(str(FOLDER / "published.py"))["states"]())
    default = Material.load("HfO2-fast")
    outside = default.vacancy.migration_barrier + default.column.migration_shift
    for energy in (default.vacancy.migration_barrier, outside):
        assert f"| +2 | {energy:.2f} |" in lines
    assert "| 0 | 0.79 (0.69 to 1.76) | 0.87 / 1.17 |" in lines and lines.count("recalled") == 2


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


def test_at_least_half_of_the_energies_of_the_three_sets_are_computed_or_measured(capsys):
    """Of each set, as `frenkel materials --origins` counts, and 8 of 14 in all; what is not stated is 0."""
    counted = []
    for name in PACKAGED:
        assert main(["materials", name, "--origins"]) == 0
        heads, row = (
            re.split(r"  +", line.strip()) for line in capsys.readouterr().out.splitlines()[::2][:2]
        )
        energies = {
            head: int(re.search(r"\((\d+)\)", cell)[1]) for head, cell in zip(heads[1:], row[1:], strict=True)
        }
        counted.append((sum(energies[word] for word in CITED), sum(energies.values())))
        assert 2 * counted[-1][0] >= counted[-1][1] and energies["fitted"] == 0
        material = Material.load(name)
        stated = {f"{one.section}.{one.key}" for one in material.table()}
        silent = [
            value
            for key, value in material.values().items()
            if key not in stated and declared(*key.split(".")).metadata["unit"] == "eV"
        ]
        assert silent and not any(silent)
    assert [sum(column) for column in zip(*counted, strict=True)] == [8, 14]


def test_a_device_of_the_glass_forms_resets_and_sets(tmp_path, capsys):
    """Barriers of sites from 0.02 eV on keep it hopping; seed 2 needs the fewest hops of three."""
    output = tmp_path / "glass.nc"
    assert main(["run", str(FOLDER.parent / "glass.toml"), "--seed", "2", "-q", "-o", str(output)]) == 0
    assert main(["show", str(output)]) == 0
    words = r"^(form|reset|set) +(-?[\d.]+) V .* ([\d.]+ [kMG]?)ohm"
    found = re.findall(words, capsys.readouterr().out, re.MULTILINE)
    assert [phase for phase, _, _ in found] == ["form", "reset", "set"]
    volts = [float(text) for _, text, _ in found]
    factors = {"k": 1e3, "M": 1e6, "G": 1e9}
    formed, high, low = (float(text.split()[0]) * factors[text.split()[1]] for _, _, text in found)
    assert 1 < volts[0] < 6 and volts[1] < 0 < volts[2] < volts[0]
    assert high > 10 * max(formed, low)
