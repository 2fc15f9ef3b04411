"""The packaged card of a second family, MoS2-Au: of its ensemble, through its gate, and taken by its name."""

import json
from pathlib import Path

import numpy as np
import pytest

import frenkel as fk
from frenkel.analysis.fitting import jump_fit
from frenkel.analysis.fitting.observations import from_dataset, parts
from frenkel.cells.card import Card
from frenkel.cells.files import packaged
from frenkel.cells.jumps import ARRAYS
from frenkel.cli.main import main
from frenkel.configuration.device import parse
from frenkel.experiment.ensemble_file import open_ensemble
from frenkel.experiment.fit_card import judge_card
from frenkel.kinetic.materials.material import Material

MEASURED, SITE = Path(__file__).resolve().parents[2] / "examples/ensemble_mos2.nc", 1e-5
"""Its ensemble, and the conductance (S) of an occupied vacancy: two contacts of 20 uS in series."""


@pytest.fixture(scope="module")
def card():
    return fk.Card.load("mos2-au")


def test_it_belongs_to_its_ensemble(card):
    """It is what `frenkel fit` makes of examples/ensemble_mos2.nc, number by number, without options."""
    assert "mos2-au" in packaged() and fk.open("mos2-au").name == "mos2-au"
    assert MEASURED.stat().st_size < 5.1e5
    assert card.provenance["observations"] == "examples/ensemble_mos2.nc"
    assert len(card.gate) > 30 and all(row["passed"] for row in card.gate)
    assert card.provenance["levels"] == {"hrs": 1, "lrs": 4}  # an empty sheet; five to eight atoms
    assert card.provenance["ranks"]["chosen_by"] == "levels that devices share"
    with open_ensemble(MEASURED) as ensemble:
        made = json.loads(ensemble.attrs["provenance"])["configuration"]
        cycles, data = from_dataset(ensemble), ensemble.load()
    configuration = fk.read_configuration(MEASURED.with_suffix(".toml"))
    numbers = Material(made["materials"][made["material_of"][0]], "made")
    assert numbers.hash == configuration.made_of(MEASURED.parent).hash
    asked, made = configuration.document(), parse(made["points"][0]).document()
    for name in ("device", "circuit", "phase", "seed", "measure"):
        assert made[name] == asked[name], name
    assert cycles.values.shape == (40, 12, 4)
    done = jump_fit.finished(data)
    training = done[parts(len(done), 0.7, 0)[0]]
    law = jump_fit.gathered(data, training, np.random.default_rng([0, 6]))[0]
    for name in ARRAYS:
        assert np.array_equal(getattr(law, name), getattr(card.jump_law, name)), name


def test_its_cells_are_atoms_that_come_and_go(card):
    """LRS is whole atoms; 3 V fill an empty sheet within 10 us under a limit, -2.2 V empty it, 1.2 V not.

    An empty cell takes its first atom at 1.2 V after 1 s or more (40 s in the mean): of 400 cells none moves
    in 1 us but once in 1e4 tests.
    """
    cells = card.jump_cells(400, seed=1, state="lrs")
    atoms = cells.conductance / SITE
    assert np.all(np.abs(atoms - np.round(atoms)) < 2e-3) and atoms.min() > 3.0
    empty = card.jump_cells(400, seed=2, state="hrs")
    assert not empty.hold(1.2, 1e-6).any()
    empty.hold(3.0, 1e-5, series=1e3, limit=1e-4)
    assert np.all(empty.conductance > 3.9 * SITE)
    empty.hold(-2.2, 1e-3, series=1e3)
    assert np.mean(empty.conductance < 1e-9) > 0.99


def test_it_works_by_its_name(tmp_path, capsys, monkeypatch):
    """What takes hfo2 takes it: card, export, and cells of an array whose levels are those of the atoms."""
    monkeypatch.chdir(tmp_path)
    assert main(["show", "mos2-au"]) == 0
    printed = capsys.readouterr().out
    assert "error of reading: hrs 1, lrs 4" in printed and "jump-process model" in printed
    assert main(["export", "mos2-au", "--to", "npz"]) == 0 and (tmp_path / "mos2-au.npz").exists()
    (tmp_path / "a.toml").write_text(
        '[array]\nword_lines = 2\nbit_lines = 2\ncrossing = "0T1R"\n'
        '[cells]\nkind = "card"\ncard = "mos2-au"\n[[phase]]\nkind = "map"\nvoltage = "0.2 V"\n'
    )
    assert main(["run", "a.toml", "-o", "a.nc", "--quiet"]) == 0


def test_it_is_not_judged_by_devices_of_another_compound(capsys):
    """Cells of HfO2 at the voltages of MoS2 jumped on for minutes, and no word was said."""
    assert main(["validate", "mos2-au", str(MEASURED.with_name("ensemble_jumps.nc"))]) == 1
    error = capsys.readouterr().err
    assert "card mos2-au is of MoS2, " in error and "of HfO2: a gate takes devices of one kind" in error
    with pytest.raises(ValueError, match="a gate takes devices of one kind"):
        judge_card(Card.load("mos2-au"), MEASURED.with_name("ensemble_jumps.nc"))
    for name, what in (("card.json", "a card"), ("ensemble.toml", "a configuration, which frenkel run runs")):
        for output in ([], ["-o", "new.card.json"]):
            assert main(["fit", name, *output]) == 2
            error = capsys.readouterr().err
            assert f"{name} seems to be {what}: a fit takes an ensemble (.nc)" in error
            assert error.count("\n") == 1
    assert main(["fit", "ensemble.nc"]) == 2
    assert capsys.readouterr().err == "frenkel: a fit needs a name for its card: -o CARD.json\n"
