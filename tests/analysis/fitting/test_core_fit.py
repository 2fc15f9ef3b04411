"""Rate equation fitted to traces: exact motion against an ODE solver, and recovery of known devices."""

import numpy as np
import pytest
import xarray as xr
from compact_models import integrate, switching_time
from gap_equation import GapEquation

from frenkel.analysis.fitting import core_fit
from frenkel.analysis.fitting.observations import ObservationError
from frenkel.cells.core import GapCore

CORE = GapCore(set_ramp=1e5, reset_ramp=1e5, drive=11.0, voltage_scale=0.3)


def sweep(samples=160):
    """Return times and voltages of a SET to 1.4 V and a RESET to -1.6 V at 0.1 MV/s."""
    volts = np.concatenate([np.linspace(0, 1.4, samples // 4), np.linspace(1.4, -1.6, samples // 2)[1:],
                            np.linspace(-1.6, 0, samples // 4)[1:]])  # fmt: skip
    return np.concatenate([[0.0], np.cumsum(np.abs(np.diff(volts)) / 1e5)]), volts


def device(seed, core=CORE):
    """Return features of a device and its parameters in the order of the fit, in logarithms."""
    random = np.random.default_rng(seed)
    features = {
        "hrs": 1e5 * np.exp(0.3 * random.standard_normal()),
        "lrs": 5e3 * np.exp(0.1 * random.standard_normal()),
        "set_voltage": 0.8 + 0.05 * random.standard_normal(),
        "reset_voltage": -0.9 + 0.05 * random.standard_normal(),
    }
    cell = {name: float(value) for name, value in core.cells(features).items()}
    rates = [cell["set_velocity"] / core.gap_scale, cell["reset_velocity"] / core.gap_scale]
    known = [features["hrs"], features["lrs"], *rates, core.voltage_scale, core.drive]
    return cell, np.log(known)


def measured(seed, noise=0.02, core=CORE, volts=(0.5, 0.6, 0.7), scatter=0.1):
    """Return a trace of a device with noise on ln|I|, and times to SET."""
    _, known = device(seed, core)
    time, voltage = sweep()
    random = np.random.default_rng([seed, 1])
    state = core_fit.simulate(known[None], time, voltage, core)
    logs = core_fit.currents(known[None], state, np.where(voltage == 0, 1e-9, voltage), core)[0]
    current = np.sign(voltage) * np.exp(logs + noise * random.standard_normal(logs.size))
    seconds = np.exp(core_fit._set_times(known[None], np.array(volts))[0]) if len(volts) else np.array([])
    seconds = seconds * np.exp(scatter * random.standard_normal(seconds.size))
    return core_fit.trace(time, voltage, current, volts, seconds)


def test_motion_is_that_of_the_rate_equation():
    """Along a sweep against an ODE solver: resistances to 1e-4, the tolerance of the solver at the edges."""
    cell, known = device(1)
    time, voltage = sweep()
    gap = GapEquation(core=CORE, **cell)
    states, currents = integrate(gap, lambda t: float(np.interp(t, time, voltage)), time, gap.gap_max)
    ours = core_fit.simulate(known[None], time, voltage, CORE)
    theirs = (
        states / CORE.gap_scale
        + np.log(CORE.read_voltage / CORE.current_prefactor)
        - np.log(np.sinh(CORE.read_voltage / CORE.voltage_scale))
    )
    assert ours[0] == pytest.approx(theirs, abs=1e-4)
    used = voltage != 0
    logs = core_fit.currents(known[None], ours[:, used], voltage[used], CORE)[0]
    assert logs == pytest.approx(np.log(np.abs(currents[used])), abs=1e-4)


def test_times_to_set_are_those_of_the_rate_equation():
    """Half of the way at a constant voltage, against a quadrature of the cell."""
    cell, known = device(3)
    gap = GapEquation(core=CORE, **cell)
    half = 0.5 * (gap.gap_max + gap.gap_min)
    volts = np.array([0.4, 0.6])
    exact = [switching_time(gap, float(v), gap.gap_max, half) for v in volts]
    assert np.exp(core_fit._set_times(known[None], volts)[0]) == pytest.approx(exact, rel=1e-6)


def test_one_device_without_noise_is_found_exactly():
    found = core_fit.fit_device(measured(2, noise=0.0, scatter=0.0), CORE)
    expected = dict(zip(core_fit.NAMES, np.exp(device(2)[1]), strict=True))
    assert {n: found[n] for n in core_fit.NAMES} == pytest.approx(expected, rel=1e-4)
    assert found["residual"] < 1e-6


def test_devices_are_recovered_from_a_wrong_start():
    """Six devices with 2 % noise: what they share to 3 %, each resistance to 2 % (errors below 0.5 %)."""
    wrong = GapCore(set_ramp=1e5, reset_ramp=1e5)
    found = core_fit.fit_devices([measured(seed) for seed in range(6)], wrong)
    for i in range(6):
        known = np.exp(device(i)[1])
        assert found["hrs"].values[i] == pytest.approx(known[0], rel=0.02)
        assert found["lrs"].values[i] == pytest.approx(known[1], rel=0.02)
    core, intervals = core_fit.shared(found, wrong)
    assert (core.voltage_scale, core.drive) == pytest.approx((0.3, 11.0), rel=0.03)
    assert intervals["core drive"][0] < core.drive < intervals["core drive"][1]
    assert core.set_ramp == wrong.set_ramp


def test_a_trace_that_begins_in_lrs():
    """RESET first, as after forming."""
    _, known = device(4)
    time, voltage = sweep()
    voltage = -voltage * 1.2
    state = core_fit.simulate(known[None], time, voltage, CORE, begins_low=True)
    assert state[0, 0] == known[1] and state[0, 70] == pytest.approx(known[0], abs=0.1)
    logs = core_fit.currents(known[None], state, np.where(voltage == 0, 1e-9, voltage), CORE)[0]
    found = core_fit.fit_device(core_fit.trace(time, voltage, np.sign(voltage) * np.exp(logs)), CORE)
    expected = dict(zip(core_fit.NAMES, np.exp(known), strict=True))
    assert {n: found[n] for n in core_fit.NAMES} == pytest.approx(expected, rel=1e-3)


def test_an_ohmic_device_is_at_the_end_of_the_range():
    core = GapCore(set_ramp=1e5, reset_ramp=1e5, drive=11.0, voltage_scale=50.0)
    found = core_fit.fit_device(measured(5, noise=0.0, scatter=0.0, core=core), CORE)
    assert found["voltage_scale"] > 2.0 and found["drive"] == pytest.approx(11.0, rel=0.01)


def test_a_device_that_does_not_switch_is_missing():
    time, voltage = sweep()
    stuck = core_fit.trace(time, voltage, voltage / 1e4)
    found = core_fit.fit_devices([stuck, measured(1)], CORE)
    assert np.isnan(found["drive"].values[0]) and np.isfinite(found["drive"].values[1])


T, V = sweep()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: core_fit.trace(T, V, V[:5]), "must be as many"),
        (lambda: core_fit.trace(T[::-1], V, V), "times must ascend"),
        (lambda: core_fit.trace(T, V, V * np.nan), "must be finite"),
        (lambda: core_fit.trace(T[:10], V[:10], V[:10]), "needs at least 20 samples above 0.02 V"),
        (lambda: core_fit.trace(T, V, V, [0.5], [0.0]), "times to SET must be above 0 s"),
        (lambda: core_fit.fit_device(core_fit.trace(T, np.abs(V) + 0.1, np.abs(V) + 0.1)), "both signs"),
        (lambda: core_fit.fit_device(core_fit.trace(T, V, V)), "does not switch"),
        (
            lambda: core_fit.shared(core_fit.fit_devices([measured(1)]), CORE),
            "at least 3 fitted devices, got 1",
        ),
    ],
)
def test_bad_traces(make, message):
    with pytest.raises(ObservationError, match=message):
        make()


def test_a_line_through_zero_turns_there():
    """A sample at 0 V between those of both signs changes nothing; exact."""
    law = np.array([[20.0, 10.0, np.log(0.5), np.log(0.01), np.log(0.25), np.log(2.0)]])
    core = GapCore()
    whole = core_fit.simulate(law, np.array([0.0, 1.0, 2.0]), np.array([1.5, 1.5, -3.0]), core)
    split = core_fit.simulate(law, np.array([0.0, 1.0, 4 / 3, 2.0]), np.array([1.5, 1.5, 0.0, -3.0]), core)
    assert whole[0, -1] == pytest.approx(split[0, -1], rel=1e-12)
    assert 10.0 < split[0, 2] < whole[0, 1] < 20.0 and whole[0, -1] > split[0, 2]


@pytest.mark.parametrize("kinds", [(0, 1), (0,), (1,)])
def test_states_tell_the_voltage_scale_and_the_drive(kinds):
    """I = G sinh(V/V0) of end states of either kind; ln(rate) of HRS rises by 9 per V. Exact."""
    bias = np.round(np.linspace(-1.0, 1.0, 21), 12)
    kind = np.array([*kinds, *kinds, -1])
    read, scale = 0.1, 0.4
    conductance = np.geomspace(1e-6, 1e-4, kind.size)
    current = conductance[:, None] * read * np.sinh(bias / scale) / np.sinh(read / scale)
    current[-1] = 1e-5 * bias * np.abs(bias) ** 3  # no end state: nobody asks it
    rate = np.exp(9.0 * bias) * np.where(kind == 0, 1.0, np.exp(-15.0 * bias[:, None])).T[:, :]
    data = xr.Dataset(
        {
            "state_kind": ("state", kind), "state_current": (("state", "bias"), current),
            "state_level": ("state", np.log(conductance)),
            "state_rate": (("state", "heat", "bias"), np.stack([rate, 10 * rate**0.5], axis=1)),
            "state_count": ("member", [kind.size]), "set_voltage": ("member", [0.8]), "read_voltage": read,
        },
        {"bias": bias, "heat": [300.0, 350.0]},
    )  # fmt: skip
    found = core_fit.of_states(data, np.array([0]))
    expected = {"voltage_scale": scale} | ({"drive": 9.0} if 0 in kinds else {})
    assert found == pytest.approx(expected, rel=1e-3)
