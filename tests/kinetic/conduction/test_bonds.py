"""Bond laws: value, slope, and what is refused."""

import numpy as np
import pytest

from frenkel.kinetic.conduction.laws import BOTTOM, LAWS, TOP, Bonds, Contact, Ohmic, Sinh, Tunnelling

SPACING = 0.26e-9
DISTANCE = {"prefactor": 1e-4, "decay_length": 0.35e-9, "spacing": SPACING}
EXAMPLES = {
    "ohmic": {"conductance": 3e-5},
    "tunnelling": {**DISTANCE, "far_factor": 0.05, "near": np.sqrt(2) * SPACING},
    "contact": DISTANCE,
    "sinh": {**DISTANCE, "voltage_scale": 0.2},
}


def bonds(law, n=5):
    return Bonds(first=np.arange(n), second=np.arange(n) + 1, law=law, length=SPACING * np.linspace(1, 4, n))



@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("voltage", [-1.3, -0.02, 0.0, 0.4, 2.0])
def test_slope_is_the_derivative_and_positive(name, voltage):
    law = LAWS[name](**EXAMPLES[name])
    bond, step = bonds(law), 1e-5
    at = np.full(len(bond), voltage)
    _, slope = law.current(at, bond)
    difference = (law.current(at + step, bond)[0] - law.current(at - step, bond)[0]) / (2 * step)
    assert slope == pytest.approx(difference, rel=1e-7, abs=0)
    assert np.all(slope > 0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_current_vanishes_without_voltage_and_is_odd(name):
    law = LAWS[name](**EXAMPLES[name])
    bond = bonds(law)
    at = np.full(len(bond), 0.7)
    assert np.all(law.current(np.zeros(len(bond)), bond)[0] == 0)
    assert np.array_equal(law.current(-at, bond)[0], -law.current(at, bond)[0])


@pytest.mark.parametrize("name", EXAMPLES)
def test_linear_means_that_the_slope_is_constant(name):
    law = LAWS[name](**EXAMPLES[name])
    bond = bonds(law)
    slopes = [law.current(np.full(len(bond), v), bond)[1] for v in (0.0, 1.0)]
    assert law.linear == np.array_equal(*slopes)


def test_tunnelling_falls_with_distance_and_drops_beyond_the_metallic_bond():
    law = Tunnelling(**EXAMPLES["tunnelling"])
    near, far = np.sqrt(2) * SPACING, np.sqrt(3) * SPACING
    assert law.conductance(SPACING) == pytest.approx(1e-4)
    assert law.conductance(near) == pytest.approx(1e-4 * np.exp(-2 * (near - SPACING) / 0.35e-9))
    assert law.conductance(far) == pytest.approx(0.05e-4 * np.exp(-2 * (far - SPACING) / 0.35e-9))


def test_sinh_is_ohmic_at_small_voltage_and_exponential_at_large():
    law, bond = Sinh(**EXAMPLES["sinh"]), bonds(Sinh(**EXAMPLES["sinh"]))
    small, large = (law.current(np.full(len(bond), v), bond)[0] for v in (1e-6, 3.0))
    assert small == pytest.approx(1e-6 * law.conductance(bond.length), rel=1e-9, abs=0)
    assert large == pytest.approx(law.conductance(bond.length) * 0.1 * np.exp(3.0 / 0.2))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Ohmic(conductance=0.0), r"conductance must be positive and finite \(S\)"),
    (lambda: Ohmic(conductance=np.array([1.0, np.nan])), "conductance must be positive and finite"),
    (lambda: Contact(**{**DISTANCE, "decay_length": -1.0}), r"decay_length must be positive .* \(m\)"),
    (lambda: Sinh(**DISTANCE, voltage_scale=0.0), r"voltage_scale must be positive and finite \(V\)"),
    (lambda: Bonds(first=[1, 2], second=[3], law=Ohmic(conductance=1.0)), "one site per bond"),
    (lambda: Bonds(first=[1], second=[1], law=Ohmic(conductance=1.0)), "cannot join a site to itself"),
    (lambda: Bonds(first=[-1], second=[1], law=Ohmic(conductance=1.0)), "first must be site numbers"),
    (lambda: Bonds(first=[1], second=[-3], law=Ohmic(conductance=1.0)), "second site numbers, BOTTOM"),
    (lambda: Bonds(first=[1], second=[2], length=[0.0], law=Ohmic(conductance=1.0)), "must be 1 positive"),
])
def test_bad_laws_and_bonds_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_law_of_distance_needs_lengths():
    bond = Bonds(first=[0, 1], second=[TOP, BOTTOM], law=Contact(**DISTANCE))
    with pytest.raises(ValueError, match="length must be given for each of the 2 bonds of Contact"):
        bond.law.current(np.zeros(2), bond)
