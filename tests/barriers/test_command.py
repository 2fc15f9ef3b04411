"""`frenkel barriers`: from a crystal or from files to a material that runs, and what it refuses."""

import importlib.util
import json
import sys

import pytest

from frenkel.barriers import spread, study
from frenkel.barriers.numbers import changes, spread_of
from frenkel.cli.main import main
from frenkel.kinetic.materials.material import Material

HAS = {name: importlib.util.find_spec(name) is not None for name in ("ase", "spglib", "chgnet")}
needs_symmetry = pytest.mark.skipif(
    not (HAS["ase"] and HAS["spglib"]), reason="ASE and spglib, of the extra barriers, are not installed"
)
SOLID = """1
Lattice="0 0.8 0.8 0.8 0 0.8 0.8 0.8 0" Properties=species:S:1:pos:R:3
O 0 0 0
"""
"""One atom of a face-centred cubic crystal, in units of the pair potential of `barrier_models`."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solid.xyz").write_text(SOLID)
    (tmp_path / "neb.csv").write_text("A1,0.87\nA2,1.06\n")
    return tmp_path


def run(capsys, *arguments):
    status = main(["barriers", *arguments])
    return status, capsys.readouterr()


def findings(**other):
    hop = study.HopEnergy("O1-O1 0.2500 nm", 2.5, 12, 0.8, 0.6, (0.0, 0.8, 0.2), (0.0, 1.0, 2.0), "here")
    given = {
        "formula": "HfO2",
        "species": "O",
        "origin": "CHGNet 0",
        "cell": "48 atoms",
        "confidence": "machine-learned potential",
        "hops": (hop,),
        "barrier": 0.8,
        "decided_by": "the hop",
    }
    return study.Findings(**(given | other))


def test_finished_calculations_become_a_material(here, capsys):
    status, shown = run(capsys, "neb.csv", "--finished", "--attempt-frequency", "6 THz", "-o", "mine.toml")
    assert status == 0 and "| A1 |" in shown.out
    material = Material.read(here / "mine.toml")
    rows = {f"{row.section}.{row.key}": row for row in material.table()}
    barrier = rows["vacancy.migration_barrier"]
    assert (barrier.value, barrier.confidence, barrier.range) == (0.87, "ab initio", None)
    assert "neb.csv" in barrier.source and rows["vacancy.attempt_frequency"].value == 6e12
    assert material.exchange.barrier == Material.load("HfO2").exchange.barrier
    assert (here / "neb-barriers" / "report.md").exists()
    assert run(capsys, "neb.csv", "--finished", "-o", "mine.toml")[0] == 1  # it is there already


@needs_symmetry
def test_a_crystal_of_a_pair_potential_from_end_to_end(here, capsys):
    """All hops are alike by symmetry, so both directions agree; what is finished is not computed again."""
    given = [
        "solid.xyz",
        "--calculator",
        "barrier_models:lennard_jones",
        "--supercell",
        "2x2x2",
        "--images",
        "1",
        "--interstitials",
        "0",
        "--crowding",
        "0",
        "--attempt-frequency",
        "10 THz",
        "--cutoff",
        "0.12 nm",
        "--largest-force",
        "0.01",
        "--reference",
        "-3",
        "-o",
        "solid.toml",
    ]
    status, shown = run(capsys, *given)
    assert status == 0, shown.err
    (band,) = (
        json.loads(path.read_text())["result"]
        for path in here.glob("solid-barriers/band-*.json")
        if "beside" not in json.loads(path.read_text())["what"]
    )
    assert max(band["energies"]) == pytest.approx(max(band["energies"]) - band["energies"][-1], abs=1e-3)
    assert len(list(here.glob("solid-barriers/*.png"))) == 1
    number = Material.read(here / "solid.toml").table()
    (barrier,) = [row for row in number if (row.section, row.key) == ("vacancy", "migration_barrier")]
    assert barrier.confidence == "chosen" and barrier.value == pytest.approx(max(band["energies"]), rel=1e-3)
    again, shown = run(capsys, *given, "--force")
    assert again == 0 and all(line.endswith(": kept") for line in shown.err.splitlines())


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nothing.cif", "-o", "a.toml"], 1, "there is no file nothing.cif"),
        (["solid.xyz", "--species", "N", "-o", "a.toml"], 1, "solid.xyz has no atom of 'N', only of O"),
        (["solid.xyz", "--calculator", "chgnot", "-o", "a.toml"], 1, "no calculator 'chgnot'"),
        (["solid.xyz", "--calculator", "no.such:one", "-o", "a.toml"], 1, "no calculator 'no.such:one'"),
        (["solid.xyz", "-o", "a.csv"], 2, "--output must end in .toml"),
        (["solid.xyz", "--cutoff", "3", "-o", "a.toml"], 2, "--cutoff needs a unit of m"),
        (["solid.xyz", "--supercell", "2x2", "-o", "a.toml"], 2, "--supercell must be like 2x2x1"),
        (["solid.xyz", "--largest-force", "0", "-o", "a.toml"], 2, "--largest-force must be between"),
        (["solid.xyz", "--base", "HfO3", "-o", "a.toml"], 2, "--base: no material 'HfO3'"),
        (["solid.xyz", "solid.xyz", "-o", "a.toml"], 2, "one structure is needed, got 2"),
        (["neb.csv", "--finished", "--confidence", "sure", "-o", "a.toml"], 2, "must be one of"),
        (["neb.csv", "--finished", "--base", "Ag-HfO2", "-o", "a.toml"], 2, "a set with vacancies"),
        (["solid.xyz", "--finished", "-o", "a.toml"], 1, "solid.xyz is no finished calculation"),
    ],
)
def test_what_is_refused_takes_one_sentence(here, capsys, arguments, status, message):
    pytest.importorskip("ase", reason="structures are read by ASE")
    found, shown = run(capsys, *arguments)
    assert found == status and message in shown.err and shown.err.count("\n") == 1
    assert not (here / arguments[-1]).exists()


@needs_symmetry
def test_no_neighbour_within_the_cutoff(here, capsys):
    status, shown = run(capsys, "solid.xyz", "--calculator", "lj", "--cutoff", "0.1 nm", "-o", "a.toml")
    assert status == 1 and "no two O atoms are within the cut-off of 1 angstrom" in shown.err


@pytest.mark.parametrize("missing", ["ase", "spglib", "chgnet"])
def test_without_the_extra_a_sentence_says_how_to_install_it(here, capsys, monkeypatch, missing):
    """Whichever of its libraries is not there; a module that is None cannot be imported."""
    if missing != "ase":
        pytest.importorskip("ase", reason="structures are read by ASE")
    if missing == "spglib" and not HAS["spglib"]:
        pytest.skip("spglib is not there anyway")
    for name in [missing, *(one for one in sys.modules if one.startswith(f"{missing}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    calculator = "chgnet" if missing == "chgnet" else "barrier_models:lennard_jones"
    status, shown = run(capsys, "solid.xyz", "--calculator", calculator, "-o", "a.toml")
    sentence = f"barriers need {missing}, which is not installed: pip install '.[barriers]' in the clone"
    assert status == 1 and sentence in shown.err and shown.err.count("\n") == 1
    assert not (here / "a.toml").exists()


def test_intervals_are_those_of_the_benchmark():
    """9 of 10 of its paths are within, as a multiple; other calculations have none."""
    low, high = spread.barrier(1.0, "machine-learned potential")
    inside = [low <= ratio <= high for ratio in spread.ratios()]
    assert len(inside) == 30 and 26 <= sum(inside) <= 28 and low < 1.0 < high
    assert spread.barrier(2.0, "machine-learned potential") == pytest.approx((2 * low, 2 * high))
    assert spread.barrier(1.0, "ab initio") is None and spread.around(1.0, 0.3, "chosen") is None


def test_numbers_are_those_of_the_energies():
    found = findings(
        vacancies={"O1": (6.0, 4), "O2": (6.4, 4)},
        interstitials=(1.5,),
        pairs={"a": 0.2, "b": 0.4},
        crowding=(-0.1,),
        frequency=5e12,
        reference="half a molecule",
    )
    written = changes(found, ["vacancy", "exchange", "frenkel_pair"], reservoir=5.6)
    assert written["vacancy"]["binding_energy"]["value"] == pytest.approx(0.3)
    assert written["vacancy"]["crowding_barrier"]["value"] == 0.0
    assert "computed -0.100 eV" in written["vacancy"]["crowding_barrier"]["note"]
    assert written["frenkel_pair"]["energy"]["value"] == pytest.approx(7.5)
    assert written["exchange"]["energy"]["value"] == pytest.approx(0.4)
    assert "exchange" not in changes(found, ["vacancy", "exchange"])
    assert "neutral" in written["vacancy"]["migration_barrier"]["note"]
    del written["frenkel_pair"]  # a whole section, which the set does not have
    changed = Material.load("HfO2-fast").with_changes(written)
    assert changed.vacancy.migration_barrier == 0.8 and changed.vacancy.attempt_frequency == 5e12


def test_the_spread_counts_each_direction_and_multiple():
    hops = findings().hops
    assert spread_of(hops) == pytest.approx(0.1)
