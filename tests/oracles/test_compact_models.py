"""Reference compact models against published curves and closed forms (V-07, V-07b, V-18)."""

import math

import numpy as np
import pytest
from compact_models import StanfordPKU, Vteam, Yakopcic, integrate, switching_time
from jart import SPREADS, TRUNCATION, JartVcm, between_cycles, draw_device, set_time

V07 = {0.4: 62.0, 0.5: 1.08, 0.6: 2.0e-2, 0.7: 4.2e-4, 0.8: 1.2e-5, 0.9: 4.5e-7, 1.0: 2.4e-8}
"""SET time [s] of JART VCM v1b at minus these voltages [V]."""


@pytest.mark.parametrize(("voltage", "seconds"), V07.items())
def test_jart_set_curve(voltage, seconds):
    """V-07: within 0.3 decade at and below 1.0 V; measured -0.04 to -0.07 decade."""
    assert abs(math.log10(set_time(JartVcm(), -voltage) / seconds)) < 0.3


def test_jart_slopes_decrease():
    """Local slopes of V-07 [decades/V] between neighbouring voltages."""
    volts = sorted(V07)
    logs = [math.log10(set_time(JartVcm(), -v)) for v in volts]
    slopes = -np.diff(logs) / np.diff(volts)
    assert np.all(np.diff(slopes) < 0)
    assert np.allclose(slopes, [17.6, 17.4, 16.7, 15.6, 14.2, 12.6], atol=0.4)


def test_jart_resistances():
    """HRS and LRS at -0.2 V: 105 and 1.6 kohm."""
    model = JartVcm()
    assert -0.2 / model.current(model.n_min, -0.2) == pytest.approx(105e3, rel=0.02)
    assert -0.2 / model.current(model.n_max, -0.2) == pytest.approx(1.6e3, rel=0.02)


def test_jart_kirchhoff_and_heat():
    """Voltages of the parts add up and the heat is that of disc, plug and contact."""
    model = JartVcm()
    for voltage in (-0.9, -0.3, 0.4, 1.2):
        at = model.solve(3e26, voltage)
        lines = at.current * model._lines(at.current)
        assert at.schottky + at.disc + at.plug + lines == pytest.approx(voltage, abs=1e-9)
        factor = model.reset_thermal_factor if voltage > 0 else 1.0
        heated = at.current * (at.schottky + at.disc + at.plug) * model.thermal_resistance * factor
        assert at.temperature == pytest.approx(model.temperature + heated, rel=1e-6)


def test_jart_resets_and_stops():
    model = JartVcm()
    assert model.derivative(model.n_max, 1.2) < 0 < model.derivative(model.n_min, -1.0)
    assert model.derivative(model.n_max, -1.0) == 0 == model.derivative(model.n_min, 1.0)
    assert model.derivative(1e26, 0.0) == 0


def test_quadrature_agrees_with_the_solver():
    """The state that the solver reaches after a time is reached after that time by quadrature."""
    model = JartVcm()
    seconds = 0.999 * set_time(model, -0.9)
    states, currents = integrate(model, lambda t: -0.9, [0, seconds], model.n_min)
    assert states[-1] > 2 * model.n_min
    assert switching_time(model, -0.9, model.n_min, states[-1]) == pytest.approx(seconds, rel=1e-5)
    assert currents[-1] == model.current(states[-1], -0.9)


def test_jart_variability_is_truncated():
    """V-18: spreads of the four parameters; false alarm below 1e-4 (4.4 standard errors of 400 draws)."""
    model = JartVcm()
    devices = [draw_device(model, seed) for seed in range(400)]
    shrink = 0.98658  # standard deviation of a Gaussian cut at 3
    for name, spread in SPREADS.items():
        values = np.array([getattr(device, name) for device in devices])
        mean = getattr(model, name)
        assert np.all(np.abs(values - mean) <= TRUNCATION * spread)
        assert abs(values.mean() - mean) < 4.4 * spread / 20
        assert abs(values.std() / (spread * shrink) - 1) < 4.4 / math.sqrt(800)
    assert draw_device(model, 3) == draw_device(model, 3)


def test_between_cycles():
    assert between_cycles(45.0, 50.0, 2.0, 2.0, 20.0) == 45.0
    assert between_cycles(45.0, 50.0, 20.0, 2.0, 20.0) == 50.0


@pytest.mark.parametrize(
    ("settings", "slope"),
    [
        ({}, 5.6),
        ({"enhancement": 16.5, "oxide_thickness": 5e-9, "activation_energy": 1.5}, 14.0),
    ],
)
def test_stanford_slope(settings, slope):
    """V-07b: isothermal, gap to 0: gamma0 a0 q/(L kT ln 10), within 1 %."""
    model = StanfordPKU(thermal_resistance=0.0, gap_limits=(0.0, 1.7e-9), **settings)
    seconds = [switching_time(model, volts, 0.05e-9, 0.0) for volts in (0.9, 1.1)]
    measured = -np.diff(np.log10(seconds))[0] / 0.2
    assert measured == pytest.approx(slope, rel=0.01)
    exact = model.enhancement * model.hop_distance / model.oxide_thickness
    assert measured == pytest.approx(exact / (8.617333e-5 * 298.0) / math.log(10), rel=1e-3)


def test_stanford_resistance():
    """V-15: gap 0.2 to 1.7 nm gives 542 ohm to 219 kohm at 0.1 V."""
    model = StanfordPKU()
    assert 0.1 / model.current(0.2e-9, 0.1) == pytest.approx(542, rel=0.01)
    assert 0.1 / model.current(1.7e-9, 0.1) == pytest.approx(219e3, rel=0.01)


def test_stanford_loop_and_limits():
    model = StanfordPKU()
    times = np.linspace(0, 4e-3, 401)
    states, _ = integrate(model, lambda t: 1.5 * math.sin(2 * math.pi * t / 4e-3), times, 1.7e-9)
    low, high = model.limits
    assert np.all((states >= low) & (states <= high))
    assert states[200] < 0.3e-9 and states[-1] > 1.0e-9


def test_vteam_ramp_is_linear_above_its_threshold():
    """alpha = 1 and an abrupt window: x = k (V/v - 1) t."""
    model = Vteam(window=200)
    states, currents = integrate(model, lambda t: 0.1, [0.0, 1e-9, 2e-9], 0.0)
    assert states == pytest.approx([0.0, 2e-12, 4e-12])
    assert currents[0] == pytest.approx(0.1 / 50)
    assert model.derivative(1e-9, 0.0) == 0 == model.derivative(1e-9, -0.1)


def test_vteam_stays_inside():
    model = Vteam()
    states, _ = integrate(model, lambda t: 1.0, [0.0, 1.0], 0.0)
    assert states[-1] == pytest.approx(model.thickness, rel=1e-3)
    states, _ = integrate(model, lambda t: -1.0, [0.0, 1.0], states[-1])
    assert states[-1] == pytest.approx(0.0, abs=1e-3 * model.thickness)


def test_yakopcic_rate_and_dead_zone():
    """Below xp the rate is Ap (e^V - e^Vp), above it slows down, and thresholds leave a dead zone."""
    model = Yakopcic()
    rate = 4000 * (math.exp(0.3) - math.exp(0.16))
    assert model.derivative(0.11, 0.3) == pytest.approx(rate)
    assert model.derivative(0.3, 0.3) == pytest.approx(rate)
    assert model.derivative(1.0, 0.3) == pytest.approx(0.0, abs=1e-9)
    assert model.derivative(0.0, -0.3) == 0.0 == model.derivative(0.5, 0.1)
    assert switching_time(model, 0.3, 0.11, 0.3) == pytest.approx(0.19 / rate)
    turned = Yakopcic(eta=-1)
    assert turned.derivative(0.9, 0.3) == pytest.approx(-rate)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StanfordPKU(gap_scale=0.0), "gap_scale must be above 0"),
        (lambda: StanfordPKU(gap_limits=(2e-9, 1e-9)), "gap_limits must ascend"),
        (lambda: Vteam(k_on=1.0), "k_on must be below 0 m/s"),
        (lambda: Yakopcic(x_p=1.0), "x_p must be between 0 and 1"),
        (lambda: JartVcm(n_max=1e20), "n_max must be above n_min"),
        (lambda: set_time(JartVcm(), 0.5), "voltage must be below 0 V"),
        (lambda: switching_time(Yakopcic(), 0.1, 0.1, 0.2), "does not take the state"),
        (lambda: integrate(Vteam(), lambda t: 0.0, [0, 1], 1.0), "state must be between"),
        (lambda: integrate(Vteam(), lambda t: 0.0, [1, 0], 0.0), "times must be"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
