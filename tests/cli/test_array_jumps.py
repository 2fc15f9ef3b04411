"""An array of cells of a card with a jump-process model, from a configuration to its result."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_cells import varied_card
from made_up_jumps import ensemble

from frenkel.analysis.fitting import card_schema, jump_fit
from frenkel.cli import main as cli
from frenkel.experiment import array_file

SMALL = """
seed = 3

[array]
word_lines = 2
bit_lines = 6
crossing = "1T1R"

[array.transistor]
threshold = "0.4 V"
gain = "300 uA/V^2"
gate = "2.5 V"

[cells]
kind = "card"
card = "jumps.card.json"

[[phase]]
kind = "program"
parallel = "word line"
targets = {least = "10 uS", most = "200 uS", levels = 2}

    [phase.scheme]
    kind = "write-verify"
    set_amplitude = "1 V"
    reset_amplitude = "-1 V"
    width = "100 us"
    tolerance = 0.9

[[phase]]
kind = "rest"
duration = "1 day"
looks = 3

[[phase]]
kind = "multiply"
vectors = 4
"""


@pytest.fixture(scope="module")
def card():
    data = ensemble(4, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jump_fit, "MOST", 60)
        law = jump_fit.fit(data, jump_fit.finished(data))[0]
    return replace(varied_card(), jump_law=law, validity={})


@pytest.fixture
def folder(card, tmp_path, monkeypatch):
    card_schema.save(card, tmp_path / "jumps.card.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, text, name):
    (folder / "array.toml").write_text(text, encoding="utf-8")
    return cli.main(["run", "array.toml", "-o", name, "-q"])


def test_cells_take_the_states_of_the_card_and_rest_by_its_rates(folder, card):
    """States are those of the law, programming reaches the upper ones, and a day at 0 V moves cells."""
    assert run(folder, SMALL, "a.nc") == 0
    result = array_file.load("a.nc")
    made, programmed, rested = result["conductance"].values
    on = 1.0 / 500.0  # of the transistor (S), more or less
    levels = np.exp(card.jump_law.level)
    alike = levels[None] / (1.0 + levels[None] / on)
    for found in (made, programmed, rested):
        assert np.all(np.abs(np.log(found.ravel()[:, None] / alike)).min(axis=1) < 0.1)
    assert np.all(made < 1e-5) and np.count_nonzero(programmed > 2e-5) > 4
    # Rates at 0 V are exp(-2 +- 1)/s and exp(0 +- 1)/s: a day leaves no cell where it was.
    assert np.any(rested != programmed)
    assert run(folder, SMALL, "b.nc") == 0
    np.testing.assert_array_equal(array_file.load("b.nc")["product"], result["product"])


def test_a_passive_array_takes_them_too(folder):
    text = SMALL[: SMALL.index("[[phase]]")].replace("1T1R", "0T1R").split("[array.transistor]")[0]
    text += '[cells]\nkind = "card"\ncard = "jumps.card.json"\n\n'
    text += '[[phase]]\nkind = "staircase"\ncell = [1, 2]\n'
    text += 'start = "0.2 V"\nstop = "1.2 V"\nsteps = 6\nwidth = "1 us"\n\n[[phase]]\nkind = "read-disturb"\n'
    assert run(folder, text + "cell = [0, 1]\ncount = 5\n", "p.nc") == 0
    readings = array_file.load("p.nc")["reading_conductance"].values
    assert np.all(readings > 0.0) and readings.size >= 11


def test_complementary_crossings_need_a_gap(folder, capsys):
    text = SMALL[: SMALL.index("[[phase]]")].replace("1T1R", "CRS").split("[array.transistor]")[0]
    text += '[cells]\nkind = "card"\ncard = "jumps.card.json"\n\n[[phase]]\nkind = "map"\nvoltage = "0.2 V"\n'
    assert run(folder, text, "c.nc") == 1
    assert "cells of a crossing of CRS need a gap that moves" in capsys.readouterr().err


def test_another_temperature_than_was_read(folder, card, capsys):
    one = replace(card.jump_law, temperatures=card.jump_law.temperatures[:1], rate=card.jump_law.rate[:, :1])
    card_schema.save(replace(card, jump_law=one), folder / "jumps.card.json", force=True)
    assert run(folder, SMALL.replace('"1T1R"', '"1T1R"\ntemperature = "350 K"'), "t.nc") == 1
    assert "the card cannot tell those at 350 K" in capsys.readouterr().err
