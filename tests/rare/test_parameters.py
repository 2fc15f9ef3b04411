"""Parameters that are varied: which, by how much, and what twins of a device share with it."""

import numpy as np
import pytest
import xarray as xr

from frenkel.configuration import device as config
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform
from frenkel.rare import parameters, sensitivity
from frenkel.rare.members import prepared

TINY = {
    "seed": 3,
    "material": "HfO2-volatile",
    "device": {"thickness": "1.3 nm", "width": "0.78 nm", "temperature": "1500 K"},
    "circuit": {"series_resistance": "20 kohm"},
    "phase": [{"kind": "constant", "voltage": "0.3 V", "duration": "1 ps"}],
}


@pytest.fixture(scope="module")
def tiny():
    """Return a configuration with its material, and its device."""
    settings = config.parse(TINY)
    return settings, prepared(settings, 0)[0]


def test_the_usual_ones_are_those_that_the_material_has(tiny, tmp_path):
    found = parameters.chosen(tiny[0], tmp_path)
    assert "vacancy.migration_barrier" in found and "circuit.series_resistance" in found
    assert not any(name.startswith(("cation", "redox")) for name in found)
    without = config.parse(TINY | {"circuit": {}})
    assert "circuit.series_resistance" not in parameters.chosen(without, tmp_path)
    default = config.parse(TINY | {"material": "HfO2-fast", "circuit": TINY["circuit"]})
    assert len(parameters.chosen(default, tmp_path)) == 12


@pytest.mark.parametrize(("name", "words"), [
    ("vacancy.migration", "no key 'migration' in section .vacancy."),
    ("redox.barrier", "HfO2-volatile has no section .redox."),
    ("barrier", "--by: no number 'barrier'"),
    ("vacancy.charge", "--by vacancy.charge: a whole number .2. has no derivative"),
    ("disorder.relaxation_rate", "relaxations and two-level sites are no events of atoms"),
    ("disorder.memory", "relaxations and two-level sites are no events of atoms"),
    ("vacancy.heat_of_transport", None),
    ("circuit.series", "did you mean 'circuit.series_resistance'"),
])
def test_bad_names_are_named(tiny, tmp_path, name, words):
    if words is None:
        assert parameters.chosen(tiny[0], tmp_path, [name]) == (name,)
        return
    with pytest.raises(ValueError, match=words):
        parameters.chosen(tiny[0], tmp_path, [name])


def test_nothing_and_twice(tiny, tmp_path):
    nothing = config.parse(TINY | {"circuit": {}})
    with pytest.raises(ValueError, match="it is 0, and a tenth of that is nothing"):
        parameters.chosen(nothing, tmp_path, ["circuit.series_resistance"])
    with pytest.raises(ValueError, match="--by names heat.conductivity twice"):
        parameters.chosen(tiny[0], tmp_path, ["heat.conductivity"] * 2)


@pytest.mark.parametrize(("name", "low", "high", "span"), [
    ("vacancy.binding_energy", -0.01, 0.01, 0.02), ("conduction.prefactor", 1 / 1.1, 1.1, 2 * np.log(1.1))])
def test_twins_differ_in_one_number(tiny, name, low, high, span):
    settings, device = tiny
    twins = parameters.twins_of(settings, device, name)
    before, after = device.material.values(), [one.material.values() for one in (twins.low, twins.high)]
    change = [one[name] - before[name] if span == 0.02 else one[name] / before[name] for one in after]
    assert change == pytest.approx([low, high]) and twins.span == pytest.approx(span)
    for one in after:
        assert {key for key, value in one.items() if value != before[key]} == {name}
    for one in (twins.low, twins.high):  # the same disorder, and the same sites
        np.testing.assert_array_equal(one.engine.species, device.engine.species)
        np.testing.assert_array_equal(one.chemistry.bond_factor, device.chemistry.bond_factor)
        assert one.circuit == device.circuit
    series = parameters.twins_of(settings, device, parameters.SERIES)
    assert series.high.circuit.series_resistance == pytest.approx(2.2e4)
    assert series.high.material == device.material


def test_a_twin_without_a_change_goes_the_same_way(tiny):
    """Bit by bit, from the same state with the same random numbers; scores and slopes are 0."""
    settings, _ = tiny
    device = prepared(settings, 0)[0]
    wave, edge = Waveform.constant(0.3, 2e-12), 2.0 * device.conductance
    alike = parameters.FiniteDifference(prepared(settings, 0)[0], prepared(settings, 0)[0], 1.0)
    other = parameters.twins_of(settings, device, "vacancy.migration_barrier")
    found = sensitivity.observe(device, wave, edge, [alike, other])
    assert found["events"].sum() > 3
    values = [float(found[name]) for name in sensitivity.VALUES]
    for side in range(2):
        np.testing.assert_array_equal(found["varied"][side, :, 0], values)
    assert found["score"][0] == found["slope"][0] == 0.0
    # By twins and by the weight of the mechanism: one derivative, the second order of a step away.
    assert found["score"][1] == pytest.approx(found["weight"][0, 0], rel=1e-4)
    assert (found["varied"][0, 0, 1], found["varied"][1, 0, 1]) != (values[0], values[0])


def members(number=40):
    """Return a file of two parameters: one that moves the edge, one whose twins hardly ever differ."""
    random = np.random.default_rng(6)
    value = random.normal(0.0, 1.0, number)
    score = 0.5 * value[:, None] + random.normal(0.0, 1.0, (number, 2))
    varied = np.repeat(np.repeat(value[:, None, None, None], 2, 1), 3, 2) * np.ones((1, 1, 1, 2))
    varied[:, 1, :, 0] += random.normal(0.2, 0.01, (number, 1))
    varied[:5, 1, :, 1] += 0.3
    slope = np.zeros((number, 2))
    slope[:, 0] = 1.0
    named = {"time": "member", "final": "member", "voltage": "member"}
    data = {name: (dim, value) for name, dim in named.items()}
    for name, array in (("score", score), ("met_score", score), ("slope", slope), ("met_slope", slope)):
        data[name] = (("member", "parameter"), array)
    data["varied"] = (("member", "side", "value", "parameter"), varied)
    return xr.Dataset(data, coords={"parameter": ["conduction.prefactor", "heat.conductivity"]})


def test_the_way_with_the_smaller_error_is_taken():
    """Twins where many differ little; weights where hardly any twin differs: their error would be luck."""
    change, error, low, high, runs = sensitivity.parameter_rows(members())
    assert ((low < change) & (change < high)).all()
    assert runs[:, 0].all() and not runs[:, 1].any()
    np.testing.assert_allclose(change[:, 0], 0.1, atol=0.01)
    assert (error[:, 0] < 0.01).all() and (error > 0.0).all()


def test_an_edge_that_moves_with_the_parameter_is_asked_of_twins():
    """However noisy they are: weights do not see that other atoms count as met."""
    found = members()
    noise = np.random.default_rng(7).normal(0.0, 50.0, found["varied"].shape)
    found["varied"] = found["varied"] + noise
    *_, runs = sensitivity.parameter_rows(found)
    assert runs.tolist() == [[False, False], [True, False], [True, False]]


def test_intervals_are_the_ranges_of_a_material_in_units_kept():
    material = Material.load("HfO2-fast")
    found = parameters.intervals(material)
    assert found["vacancy.migration_barrier"] == (1.33, 0.7, 1.35)
    assert "exchange.dipole" not in found  # its range is from 0, which has no logarithm
    assert found["conduction.decay_length"] == pytest.approx((0.5e-9, 0.17e-9, 0.7e-9))
    assert set(found) <= set(material.values())
