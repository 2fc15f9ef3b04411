"""What stated intervals of numbers do to the means that `frenkel sensitivity` prints."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from frenkel.configuration.reader import read
from frenkel.kinetic.materials.material import Material
from frenkel.rare.parameters import chosen, intervals, unit
from frenkel.reports.sensitivity import WIDTH, by_intervals
from frenkel.units import BOLTZMANN_EV

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KT = BOLTZMANN_EV * 300
NAMES = ["vacancy.migration_barrier", "vacancy.attempt_frequency"]


def planted():
    """Return the derivatives of an atom that hops once after exp(E / kT) / rate, during a ramp of 10 kV/s."""
    per_unit = np.array([1 / KT, -1.0])  # of ln t by eV and by ln of the frequency
    steps = np.array([unit(name)[0] for name in NAMES])
    change = np.array([np.zeros(2), per_unit, 0.2 * per_unit]) * steps  # the voltage: dV = 0.2 V d(ln t)
    return xr.Dataset(
        {"change": (("value", "parameter"), change)},
        coords={"value": ["final", "time", "voltage"], "parameter": NAMES},
    )


def ends(line, column):
    """Return both ends that a row has in a column."""
    cell = line[34 + WIDTH * column :][:WIDTH]
    return [float(text) for text in re.findall(r"[+-][\d.]+(?:e[+-]\d+)?", cell)]


def test_intervals_act_as_the_closed_form_says():
    """A barrier of 0.8 (0.7 to 1.0) eV and 5 (2.5 to 10) THz: exact ends of ln t and of the voltage."""
    stated = {NAMES[0]: (0.8, 0.7, 1.0), NAMES[1]: (5e12, 2.5e12, 1e13)}
    head, barrier, frequency, both = by_intervals(planted(), stated)
    assert head.startswith("intervals that the material states")
    assert ends(barrier, 1) == pytest.approx([-0.1 / KT, 0.2 / KT], rel=5e-3)
    assert ends(barrier, 2) == pytest.approx([-0.02 / KT, 0.04 / KT], rel=5e-3)
    assert ends(frequency, 1) == pytest.approx([np.log(2), -np.log(2)], rel=5e-3)
    half = np.hypot(0.15 / KT, np.log(2))
    found = [float(text) for text in re.findall(r"± ([\d.]+)", both)]
    assert found == pytest.approx([0.0, half, 0.2 * half], rel=5e-3)
    assert by_intervals(planted(), {}) == []


@pytest.mark.filterwarnings("error")
def test_a_step_beyond_the_range_of_a_number_is_no_warning():
    """A tenth more of the conductivity of heat is too much."""
    configuration = read(EXAMPLES / "crystal.toml")
    value, _, high = intervals(configuration.made_of(EXAMPLES))["heat.conductivity"]
    assert 1.1 * value > high
    assert chosen(configuration, EXAMPLES, ["heat.conductivity"]) == ("heat.conductivity",)


@pytest.mark.parametrize("name", ["HfO2-CHGNet", "TiO2-CHGNet", "Al2O3-CHGNet"])
def test_the_machine_learned_numbers_have_intervals(name):
    """Each energy and frequency by CHGNet states one, and it is what is propagated, in the units kept."""
    material = Material.load(name)
    stated = intervals(material)
    learned = [row for row in material.table() if row.confidence == "machine-learned potential" and row.range]
    assert {"vacancy.migration_barrier", "exchange.energy"} <= {f"{row.section}.{row.key}" for row in learned}
    for row in learned:
        value, low, high = stated[f"{row.section}.{row.key}"]
        assert (value, low, high) == pytest.approx((row.value, *row.range)) and low <= value <= high
