"""Barrier laws: detailed balance to the last digits, and the compiled twins."""

import numpy as np
import pytest
from barrier_laws import activation, compiled, linear, rate

from frenkel.kinetic.mechanisms.barrier import sinusoidal, soret_lever

BARRIER = np.array([0.0, 1e-9, 0.05, 0.7, 1.3, 4.0])[:, None]
ENERGY = np.concatenate([-np.logspace(-12, 1, 40), [0.0], np.logspace(-12, 1, 40)])[None, :]


def test_sinusoidal_forward_minus_reverse_is_the_energy():
    forward, reverse = sinusoidal(BARRIER, ENERGY), sinusoidal(BARRIER, -ENERGY)
    energy = np.broadcast_to(ENERGY, forward.shape)
    np.testing.assert_allclose(forward - reverse, energy, rtol=1e-12, atol=2e-15)
    assert np.all(forward >= 0.0) and np.all(forward >= ENERGY - 1e-15)


def test_sinusoidal_is_the_formula_of_the_tilted_cosine():
    barrier, energy = 0.7, np.linspace(-2.1, 2.1, 99)
    g = -energy / (np.pi * barrier)
    formula = barrier * (np.sqrt(1 - g**2) - g * np.pi / 2 + g * np.arcsin(g))
    np.testing.assert_allclose(sinusoidal(barrier, energy), formula, rtol=1e-13, atol=1e-15)


def test_sinusoidal_limits():
    assert sinusoidal(0.7, 1e-6) == pytest.approx(0.7 + 5e-7, abs=1e-12)
    edge = np.pi * 0.7
    assert sinusoidal(0.7, -edge) == 0.0 and sinusoidal(0.7, edge) == pytest.approx(edge)
    assert sinusoidal(0.7, -edge * (1 - 1e-9)) == pytest.approx(0.0, abs=1e-8)
    assert sinusoidal(0.0, 0.3) == 0.3 and sinusoidal(0.0, -0.3) == 0.0 and sinusoidal(0.0, 0.0) == 0.0


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_linear_forward_minus_reverse_is_the_energy(alpha):
    forward = linear(BARRIER, ENERGY, alpha)
    reverse = linear(BARRIER, -ENERGY, alpha, reverse=True)
    energy = np.broadcast_to(ENERGY, forward.shape)
    np.testing.assert_allclose(forward - reverse, energy, rtol=1e-12, atol=2e-15)
    assert np.all(forward >= 0.0)
    assert linear(1.0, 0.1, alpha) == pytest.approx(1.0 + 0.1 * alpha)


def test_compiled_twins_are_equal():
    sine, forward = compiled(BARRIER, ENERGY, "sinusoidal"), compiled(BARRIER, ENERGY, "linear", alpha=0.3)
    np.testing.assert_allclose(sine, sinusoidal(BARRIER, ENERGY), rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(forward, linear(BARRIER, ENERGY, 0.3))
    back = compiled(BARRIER, ENERGY, "linear", alpha=0.3, direction=1)
    np.testing.assert_allclose(back, linear(BARRIER, ENERGY, 0.3, reverse=True), rtol=1e-15)


def test_rate_and_lever():
    thermal = 1.380649e-23 / 1.602176634e-19 * 300
    assert rate(1e13, 0.7, 300.0) == pytest.approx(1e13 * np.exp(-0.7 / thermal), rel=1e-12)
    assert soret_lever(0.7, 0.0) == 0.5 and soret_lever(0.7, 0.7) == 0.0 and soret_lever(0.0, 0.0) == 0.5
    assert soret_lever(0.5, -0.5) == 1.0


def test_bad_values_are_errors():
    with pytest.raises(ValueError, match="barrier must be at least 0 eV, got -0.1"):
        sinusoidal(-0.1, 0.0)
    with pytest.raises(ValueError, match="barrier must be"):
        sinusoidal(np.nan, 0.0)
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        linear(0.1, 0.0, 1.5)
    with pytest.raises(ValueError, match="no barrier law 'cubic'; there are: sinusoidal, linear"):
        activation(0.1, 0.0, "cubic")
    with pytest.raises(ValueError, match="heat_of_transport needs a barrier"):
        soret_lever(0.0, 0.1)
