"""Branches: independent futures of one state, of a lattice gas and a device; and the rates of that state."""

import numpy as np
import pytest
from gas_runs import run
from scipy import stats
from small_boxes import FALSE_ALARM, A, SmallBox
from whole_lattice import SMALL, small_material

from frenkel.kinetic.device import Device
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV


def cell(**more):
    """Return a small device with some vacancies, at 0.5 V."""
    material = small_material("HfO2-volatile", **SMALL)
    device = Device(material, 3 * A, 3 * A, temperature=2000.0, seed=4, **more)
    device.advance(Waveform.constant(0.5, 2e-12), samples=2)
    return device


def box():
    """Return a gas in the midst of a wait whose hazard is drawn already."""
    gas = SmallBox().gas()
    run(gas, events=20)
    run(gas, time=gas.time * (1 + 1e-12))
    assert gas.events == 20
    return gas


def waits(made, restored, number):
    """Return when the first event falls in branches of a gas, made again or in place."""
    start, begin, found = made.state(), made.time, []
    for k in range(number):
        if restored:
            made.restore(start, stream=(k,))
            twin = made
        else:
            twin = made.branch(k)
        run(twin, events=1)
        found.append(twin.time - begin)
    made.restore(start)
    return np.array(found)


def test_branch_of_a_gas_has_the_state_and_another_future():
    gas = box()
    before, twin, same, other = gas.state(), gas.branch(0), gas.branch(0), gas.branch(1)
    for name in ("species", "reservoir", "fired", "numbers"):
        np.testing.assert_array_equal(twin.state()["engine"][name], before["engine"][name])
    for name in ("potential", "electrodes", "temperature"):
        np.testing.assert_array_equal(getattr(twin.fields, name), getattr(gas.fields, name))
    for one in (twin, same, other):
        run(one, events=200)
    np.testing.assert_array_equal(twin.engine.species, same.engine.species)
    assert twin.time == same.time != other.time
    # The trunk goes on as if nothing had been branched off.
    now = gas.state()
    assert all(np.array_equal(now["engine"][name], before["engine"][name]) for name in before["engine"])
    assert now["hazard"] == before["hazard"]
    trunk = box()
    run(gas, events=200)
    run(trunk, events=200)
    np.testing.assert_array_equal(gas.engine.species, trunk.engine.species)
    assert gas.time == trunk.time not in (twin.time, other.time)


@pytest.mark.parametrize("restored", [False, True])
def test_waits_of_branches_are_exponential(restored):
    """KS against Exp(R), and no two alike. False alarm 1e-4.

    Fails when the hazard that was drawn before is kept, and when all branches have one stream.
    """
    gas = box()
    found = waits(gas, restored, 400)
    total = gas.transitions()["rate"].sum()
    assert len(np.unique(found)) == len(found)
    assert stats.kstest(found, stats.expon(scale=1 / total).cdf).pvalue > FALSE_ALARM


def test_in_place_and_anew_are_the_same_branches():
    gas = box()
    np.testing.assert_array_equal(waits(gas, True, 20), waits(gas, False, 20))


def test_streams_are_none_of_those_of_runs_and_of_making():
    """A branch must not repeat draws that made the device, or those of another member."""
    from frenkel.kinetic.seeds import BRANCH, MADE, random_numbers

    keys = [(0,), (1,), (0, MADE), (0, BRANCH), (0, BRANCH, 0), (0, BRANCH, MADE), (0, BRANCH, 0, 0)]
    assert len({random_numbers(1, *key).random() for key in keys}) == len(keys)


def test_branch_of_a_device_is_independent_and_repeatable():
    """The unit exponential is drawn again (KS, false alarm 1e-4); fields are the twin's own."""
    device = cell()
    before = device.state()
    twins = [device.branch(k) for k in range(200)]
    assert stats.kstest([twin.hazard for twin in twins], stats.expon.cdf).pvalue > FALSE_ALARM
    device.restore(before, stream=(7,))
    assert device.hazard == twins[7].hazard
    for one in (device, twins[7], twins[8]):
        one.advance(Waveform.constant(0.5, 2e-12), samples=2)
        assert one.time == pytest.approx(4e-12, rel=1e-9)
    assert device.events == twins[7].events > before["engine"]["numbers"][0]
    np.testing.assert_array_equal(device.engine.species, twins[7].engine.species)
    assert twins[7].solver is not device.solver and twins[7].solver.state is twins[7]
    assert (twins[8].engine.species != device.engine.species).any()


def test_branch_of_a_device_with_results_keeps_its_past():
    import frenkel

    device = frenkel.Device("HfO2-volatile", 2.6e-9, 2.08e-9, seed=1)
    device.run(Waveform.constant(0.1, 1e-9), samples=2)
    twin = device.branch(3)
    twin.run(Waveform.constant(0.1, 1e-9), samples=2)
    assert len(device.logs) == 1 and len(twin.logs) == 2
    assert "branch" in twin.result.attrs["not_repeatable"]
    assert "not_repeatable" not in device.result.attrs


def test_rates_are_the_hazard_of_the_state():
    """At the present voltage those of `transitions`; at another one and temperature, Arrhenius by hand."""
    device = cell()
    np.testing.assert_array_equal(device.rates(), device.transitions()["rate"])
    kelvin, kt = 500.0, BOLTZMANN_EV * 500.0
    frequency = device.solved().events.arrays()["frequency"]
    found = device.rates(0.0, kelvin)
    device.device_voltage = 0.0
    table = device.transitions()
    np.testing.assert_allclose(found, frequency * np.exp(-table["barrier"] / kt), rtol=1e-12)
    np.testing.assert_allclose(device.rates(), frequency * np.exp(-table["barrier"] / (4 * kt)), rtol=1e-12)
    with pytest.raises(ValueError, match="temperature must be between 1 and 3000 K, got 0"):
        device.rates(0.0, 0.0)
    with pytest.raises(ValueError, match="voltage must be finite"):
        device.rates(np.nan)
