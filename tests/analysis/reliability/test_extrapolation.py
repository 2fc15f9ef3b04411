"""The usual extrapolation beside what happens at use: of rates whose laws are known."""

import numpy as np
import pytest

from frenkel.analysis.plots.relaxation import extrapolation_page
from frenkel.analysis.reliability.extrapolation import Observed, extrapolate
from frenkel.reports.reads import extrapolation_table
from frenkel.units import BOLTZMANN_EV


def at(rate, temperature=300.0, voltage=0.0, duration=1.0, width=1.2):
    """Return what is observed of a constant rate (1/s), with an interval of a factor."""
    chance = -np.expm1(-rate * duration)
    return Observed(
        temperature=temperature,
        voltage=voltage,
        duration=duration,
        probability=chance,
        low=chance / width,
        high=min(chance * width, 1.0),
    )


def arrhenius(kelvin, energy=1.2, frequency=1e13):
    return frequency * np.exp(-energy / (BOLTZMANN_EV * kelvin))


def test_one_activation_energy_is_extrapolated_exactly():
    """Whatever the durations are: a rate is what is compared."""
    rows = [at(arrhenius(t), t, duration=0.1 / arrhenius(t)) for t in (500.0, 358.0, 550.0, 450.0)]
    found = extrapolate(rows, 358.0)
    assert found.by == "temperature" and found.accelerated.tolist() == [False, True, True, True]
    assert -found.line.slope == pytest.approx(1.2, rel=1e-6)
    assert float(found.at(358.0)[0]) == pytest.approx(arrhenius(358.0), rel=1e-6)
    words = extrapolation_table(found)
    assert "1 times as usual" in words and "activation energy 1.2 eV" in words


def test_where_a_second_way_parts_from_the_line():
    """A way of 0.5 eV that is nothing when hot makes use 600 times worse than what is expected."""

    def rate(kelvin):
        return arrhenius(kelvin) + arrhenius(kelvin, 0.5, 1e4)

    found = extrapolate([at(rate(t), t, duration=0.1 / rate(t)) for t in (600.0, 650.0, 700.0, 300.0)], 300.0)
    ratio = found.rate[0] / float(found.at(300.0)[0])
    assert ratio == pytest.approx(rate(300.0) / arrhenius(300.0), rel=0.3) and ratio > 10
    figure = extrapolation_page(found, 300.0)
    assert [len(axes.containers) for axes in figure.axes] == [2, 2]


def test_when_failures_come_early_and_then_no_more():
    """A tenth fails at 100 times the rate of the line, the rest never: too many at first, then too few."""
    rate = arrhenius(400.0)
    early, late = (
        at(-np.log1p(-chance) / time, 400.0, duration=time)
        for time, chance in ((0.01 / rate, 0.063), (10 / rate, 0.1))
    )
    hot = [at(arrhenius(t), t, duration=0.1 / arrhenius(t)) for t in (500.0, 550.0)]
    found = extrapolate([*hot, early, late], 400.0)
    middle, low, high = found.chance(400.0, early.duration)
    assert middle == pytest.approx(0.00995, rel=0.01) and low < middle < high
    words = extrapolation_table(found)
    assert words.count("they part") == 2 and "6.3 times" in words and "0.1 times" in words
    right = extrapolation_page(found, 400.0).axes[1]
    assert sorted(len(one.lines[0].get_xdata()) for one in right.containers) == [2, 2]
    moved = next(one for one in right.containers if "moved" in one.get_label()).lines[0].get_xdata()
    assert moved == pytest.approx([0.1 / rate, 0.1 / rate], rel=1e-3)  # each had lost a tenth


def test_voltages():
    found = extrapolate([at(1e-3 * 10 ** (8 * v), voltage=v) for v in (0.3, 0.35, 0.1)], 0.1)
    assert found.by == "voltage" and "8 decades per V" in extrapolation_table(found)
    assert float(found.at(0.1)[0]) == pytest.approx(1e-3 * 10**0.8, rel=1e-6)


@pytest.mark.parametrize(
    ("rows", "use", "words"),
    [
        (
            [at(1.0, 300.0), at(1.0, 300.0)],
            300.0,
            "conditions must differ in temperature or in voltage: neither",
        ),
        ([at(1.0, 300.0), at(1.0, 400.0, 1.0)], 300.0, "conditions must differ .*: both differ"),
        ([at(1.0, 300.0), at(1.0, 400.0)], 300.0, "the line needs two conditions above 300 K, got 1"),
        ([at(0.0, 300.0), at(1.0, 400.0), at(1.0, 500.0)], 300.0, "nothing has failed at 300 K"),
    ],
)
def test_bad_conditions_are_named(rows, use, words):
    with pytest.raises(ValueError, match=words):
        extrapolate(rows, use)
