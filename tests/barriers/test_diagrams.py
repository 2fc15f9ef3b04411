"""Formation energies by charge state, in the format of pymatgen-analysis-defects."""

import json

import pytest

from frenkel.barriers import diagrams
from frenkel.cli.main import main
from frenkel.kinetic.materials.material import Material


def entry(composition, energy):
    energies = {"energy": energy, "correction": 0.0}
    return {"@class": "ComputedStructureEntry", "composition": composition} | energies


def defect(charge, energy, electrostatic, alignment, composition):
    corrections = {"freysoldt_electrostatic": electrostatic, "freysoldt_potential_alignment": alignment}
    cell = entry(composition, energy)
    return {"@class": "DefectEntry", "charge_state": charge, "sc_entry": cell, "corrections": corrections}


MANGANESE = {"Mn": 1.0, "Ga": 63.0, "O": 96.0}
DIAGRAM = {
    "@module": "pymatgen.analysis.defects2.thermo",
    "@class": "FormationEnergyDiagram",
    "bulk_entry": entry({"Ga": 64.0, "O": 96.0}, -954.75229092),
    "defect_entries": [
        defect(-1, -951.44033503, 0.151768, -0.05311957949432435, MANGANESE),
        defect(0, -957.50876464, 0.0, 0.0, MANGANESE),
        defect(1, -962.7538451, 0.151768, -0.008590235147024707, MANGANESE),
    ],
    "vbm": 3.4218,
    "pd_entries": [
        entry({"Ga": 4.0}, -11.65726552),
        entry({"Ga": 4.0}, -11.65788855),
        entry({"O": 8.0}, -39.64123382),
        entry({"Mn": 29.0}, -260.76004272),
        entry({"Mn": 4.0, "O": 8.0}, -85.21669317),
    ],
}
"""dash_app/formation_en_Mn_Ga.json of materialsproject/pymatgen-analysis-defects (commit 8cb02b66, BSD).

Manganese in gallium oxide, less structures, parameters and other phases."""

PER_OXYGEN = -39.64123382 / 8


def test_energies_of_the_public_file_by_charge():
    """By hand: E + corrections - E(bulk) - mu(Mn) + mu(Ga) + q E_VBM."""
    change, energies = diagrams.formation(DIAGRAM)
    assert change == {"Mn": 1.0, "Ga": -1.0}
    phases = -260.76004272 / 29 + 11.65788855 / 4
    assert energies[0] == pytest.approx(-957.50876464 + 954.75229092 - phases)
    assert energies[1] == pytest.approx(-962.7538451 + 0.143177764853 + 954.75229092 - phases + 3.4218)
    assert energies[-1] == pytest.approx(-951.44033503 + 0.098648420506 + 954.75229092 - phases - 3.4218)


def test_a_vacancy_beside_barriers_gives_the_energy_of_exchange(tmp_path, monkeypatch, capsys):
    """The file with cells that lack an oxygen: neutral for the set, both charges in the report."""
    monkeypatch.chdir(tmp_path)
    rows = [
        defect(0, -945.0, 0.0, 0.0, {"Ga": 64.0, "O": 95.0}),
        defect(2, -955.0, 0.5, 0.1, {"Ga": 64.0, "O": 95.0}),
    ]
    (tmp_path / "vacancy.json").write_text(json.dumps(DIAGRAM | {"defect_entries": rows}))
    (tmp_path / "neb.dat").write_text("0 0 0 0 0\n1 1 0.9 0 1\n2 2 0 0 2\n")
    command = "barriers neb.dat vacancy.json --finished --charges 2 -o mine.toml".split()
    assert main([*command, "--reservoir", "2 eV"]) == 0
    neutral = -945.0 + 954.75229092 + PER_OXYGEN
    report = capsys.readouterr().out
    assert f"| +0 | {neutral:.3f} |" in report
    assert f"| +2 | {neutral - 10 + 0.6 + 2 * 3.4218:.3f} |" in report
    assert Material.read(tmp_path / "mine.toml").exchange.energy == pytest.approx(neutral - 2, abs=1e-3)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (DIAGRAM, "d.json holds no vacancy of O: its cells differ by Ga -1, Mn +1"),
        ({"@class": "FormationEnergyDiagram"}, "a FormationEnergyDiagram without 'bulk_entry'"),
    ],
)
def test_what_is_no_vacancy_is_said(tmp_path, monkeypatch, capsys, document, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.json").write_text(json.dumps(document))
    (tmp_path / "neb.dat").write_text("0 0 0 0 0\n1 1 0.9 0 1\n2 2 0 0 2\n")
    assert main(["barriers", "neb.dat", "d.json", "--finished", "-o", "m.toml"]) == 1
    assert message in capsys.readouterr().err


def test_formation_energies_alone_are_not_enough(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [defect(0, -945.0, 0.0, 0.0, {"Ga": 64.0, "O": 95.0})]
    (tmp_path / "d.json").write_text(json.dumps(DIAGRAM | {"defect_entries": rows}))
    assert main(["barriers", "d.json", "--finished", "-o", "m.toml"]) == 2
    assert "--finished needs a file of barriers beside formation energies" in capsys.readouterr().err
