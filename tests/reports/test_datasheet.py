"""The data sheet of a card: its numbers are those of the law, and it is one page without markup from data."""

import re

import numpy as np
import pytest
from made_up_cards import made_up_card
from scipy.stats import binom

from frenkel.__main__ import main
from frenkel.cells.jumps import JumpLaw
from frenkel.reports import datasheet

UP, DOWN = 3e-2, 2e-1  # 1/s, at any voltage, from 1 to 10 uS and back
NEVER = 1e-30
ENSEMBLE = {
    "configuration": {
        "points": [
            {
                "circuit": {"series_resistance": "1 kohm"},
                "phase": [
                    {
                        "kind": "cycle",
                        "phase": [
                            {"kind": "reset", "amplitude": "-1.0 V", "rate": "1e5 V/s"},
                            {"kind": "set", "amplitude": "1.2 V", "rate": "1e6 V/s", "compliance": "30 uA"},
                        ],
                    }
                ],
                "measure": {"limits": "20, 10 uA", "hold": {"voltages": "-0.5, 0.5, -0.7, 0.6 V"}},
            }
        ]
    }
}


def card(up=UP, down=DOWN, **changes):
    """Return a card whose cells go to and fro between two states at rates (1/s) that nothing changes."""
    voltages, conductance = np.array([-1.5, 0.0, 1.5]), np.array([1e-6, 1e-5])
    law = JumpLaw(
        voltages=voltages, temperatures=np.array([300.0]), level=np.log(conductance),
        current=conductance[:, None] * voltages, rate=np.array([[[up] * 3], [[down] * 3]]),
        kind=np.array([0, 1]), before=np.array([0, 1]), after=np.array([1, 0]), jump_voltage=np.zeros(2),
        read_voltage=0.1, neighbours=1,
    )  # fmt: skip
    return made_up_card(**({"jump_law": law, "provenance": {"ensemble": ENSEMBLE}} | changes))


def cells(*rates):
    one = card(*rates)
    return datasheet.SheetCells(one, datasheet.CyclingCircuit.of(one))


def test_the_circuit_is_that_of_the_ensemble():
    circuit = datasheet.CyclingCircuit.of(card())
    assert (circuit.series, circuit.set_rate, circuit.limit, circuit.reset_voltage) == (1e3, 1e6, 3e-5, -1.0)
    np.testing.assert_allclose(circuit.limits, [1e-5, 2e-5])
    np.testing.assert_allclose(circuit.holds, [-0.7, -0.5, 0.5, 0.6])
    np.testing.assert_allclose(cells().volts("reset"), [-0.5, -0.7])
    assert datasheet.CyclingCircuit.of(made_up_card()) is None


@pytest.mark.parametrize(("operation", "rate"), [("set", UP), ("reset", DOWN)])
def test_the_median_time_is_that_of_an_exponential_law(operation, rate):
    """ln 2 over the rate, within the interval of 99.99 % by order statistics and one step of the moments."""
    rates = (rate, NEVER) if operation == "set" else (NEVER, rate)
    times = cells(*rates).time_to_switch(operation, 0.5, 300.0)
    step = datasheet.MOMENTS[1] / datasheet.MOMENTS[0]
    low, high = binom.ppf([5e-5, 1 - 5e-5], datasheet.CELLS, 0.5).astype(int)
    ordered = np.sort(times)
    assert ordered[low] / step <= np.log(2) / rate <= ordered[high]


def test_what_is_kept_follows_two_states():
    """P(t) = p + (1 - p) exp(-(a + b) t); each of four moments by its binomial, false alarm 4e-4 in all."""
    seconds = np.array([2.0, 4.0, 6.0, 8.0])
    lasting = UP / (UP + DOWN)
    for state, end in (("lrs", lasting), ("hrs", 1 - lasting)):
        expected = end + (1 - end) * np.exp(-(UP + DOWN) * seconds)
        low, high = binom.ppf([[1e-4 / 2], [1 - 1e-4 / 2]], datasheet.CELLS, expected)
        found = cells().kept(state, 300.0, seconds) * datasheet.CELLS
        assert ((low <= found) & (found <= high)).all()


def test_cells_that_do_not_move_stay_in_their_third():
    counts = cells().moves(0.5, 1e-9)
    assert counts.sum() == 2 * datasheet.CELLS == np.trace(counts)
    assert counts[1, 1] == 0 and counts[0, 0] == counts[2, 2]


def test_medians_may_be_censored():
    many = np.concatenate([np.arange(1.0, 41.0), np.full(60, np.inf)])
    assert datasheet.median_interval(many) == (np.inf, 40.0, np.inf)


def test_a_page_holds_its_numbers_and_no_markup_of_the_card(tmp_path, capsys):
    text = datasheet.page(card(UP, NEVER, name="<b>x</b>"))
    assert "&lt;b&gt;x&lt;/b&gt;" in text and "<b>x" not in text
    assert text.count("<svg") == 3 and "http-equiv" not in text and "<script" not in text
    assert re.search(r"<td>SET</td><td>0.50</td><td>[0-9.e+]+", text)
    text = datasheet.page(made_up_card())
    assert "no jump-process model" in text and "<svg" not in text


def test_the_command_writes_it_and_refuses_what_is_no_card(tmp_path, capsys):
    out = tmp_path / "sheet.html"
    for name, sheet in (("hfo2", tmp_path / "a.pdf"), ("a.nc", out)):
        assert main(["show", name, "--datasheet", str(sheet)]) == 2
    said = capsys.readouterr().err
    assert "must end in .html" in said
    assert "--datasheet is for cards and measurements, a.nc is a result" in said
    out.write_text("kept")
    assert main(["show", "hfo2", "--datasheet", str(out)]) != 0
    assert out.read_text() == "kept"
