"""Exported cells where circuit simulators fail: abrupt edges, ideal sources, loose and tight tolerances."""

import itertools

import numpy as np
import pytest
from gap_equation import GapEquation
from made_up_core import CARD, CORE, MIDDLE, average_cell
from spice_bench import ROUTES, Bench, by_scipy, random_bench

LEG = 2.5e-5
"""Of a ramp to 2.5 V [s]."""

SERIES, RELTOL, METHODS = (1e-3, 1e3), (1e-3, 1e-4), ("trap", "gear")
CAPS, EDGES = (1e9, 1e6), (0.02, 0.1)
"""Largest rate [nm/s] and width of the limits [nm]."""

STRESS = list(itertools.product(SERIES, RELTOL, METHODS, CAPS, EDGES))
FEW = [setting for setting in STRESS if setting[3:] == (CAPS[0], EDGES[0])]
RANDOM = list(itertools.product((1e-8, 1e-6, 1e-4), (50, 5e3, 1e5), (1e-3, 1e-5), METHODS))


def lrs_after_set(route, folder, setting, rest=0.0):
    """Return the resistance after SET, RESET, SET (and a rest at 0 V) over the LRS of the average device."""
    series, reltol, method, cap, edge = setting
    corners = np.cumsum([0, LEG, LEG, LEG, LEG, LEG, LEG, *([rest] if rest else []), LEG, LEG])
    volts = [0, 2.5, 0, -2.5, 0, 2.5, 0, *([0] if rest else []), 0.1, 0.1]
    instance = {"gini": 1e9 * float(CORE.gap(np.exp(11.7)))}
    bench = Bench(
        corners,
        np.array(volts, float),
        LEG / 50,
        series,
        reltol,
        method,
        instance,
        {"rmax": cap, "rim": edge},
    )
    times, over, amps = bench.run(CARD, route, folder)
    assert times[-1] == pytest.approx(corners[-1]), f"{route} stopped before the end"
    # At other voltages than that of reading the resistance follows the hyperbolic sine.
    at_reading = over[-1] / amps[-1] * (np.sinh(over[-1] / 0.25) / over[-1]) / (np.sinh(0.4) / 0.1)
    return at_reading / np.exp(MIDDLE["lnlrs"])


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("setting", FEW, ids=str)
def test_stress(bench_folder, route, setting):
    """8 of the 32 settings."""
    assert lrs_after_set(route, bench_folder, setting) == pytest.approx(1.0, rel=0.02)


@pytest.mark.spice
@pytest.mark.parametrize(("route", "least"), [("subcircuit", 31), ("osdi", 32), ("vacask", 32)])
def test_stress_matrix(bench_folder, route, least):
    """All 32 settings, counted."""
    passed = 0
    for setting in STRESS:
        try:
            passed += abs(lrs_after_set(route, bench_folder, setting) - 1.0) < 0.02
        except AssertionError:
            continue
    print(f"{route}: {passed} of {len(STRESS)} settings")
    assert passed >= least


@pytest.mark.parametrize("route", ROUTES)
def test_the_state_is_retained(bench_folder, route):
    """The LRS is still there after a rest of 40 ramps at 0 V."""
    setting = (1e-3, 1e-3, "trap", 1e10, 0.02)
    found = lrs_after_set(route, bench_folder, setting, rest=40 * LEG)
    assert found == pytest.approx(1.0, rel=2e-3)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("series", SERIES)
def test_waveform(bench_folder, route, series):
    """Currents of SET, RESET, SET, RESET within 1e-3 of the largest, everywhere; seen: 6e-5 and 1e-5."""
    volts = np.array([0, 1.6, 0, -1.6, 0, 1.6, 0, -1.6, 0])
    bench = Bench(np.arange(9) * LEG, volts, LEG / 100, series, 1e-5)
    times, over, amps = bench.run(CARD, route, bench_folder)
    cell = average_cell()
    theory_volts, theory, _ = by_scipy(cell, bench, times, cell.gap_min)
    assert np.abs(amps - theory).max() < 1e-3 * np.abs(theory).max()
    assert np.abs(over - theory_volts).max() < 2e-3


def random_pulses(route, folder, number):
    """Return the gap [nm] of one random case in the last pulse, in a simulator and by scipy."""
    width, series, reltol, method = RANDOM[number]
    bench, drawn, gap = random_bench(CARD, CORE, number, width, series, reltol, method)
    times, over, amps = bench.run(CARD, route, folder)
    assert times[-1] == pytest.approx(bench.times[-1]), f"{route} stopped before the end"
    k = np.searchsorted(times, bench.times[-2] - 0.07 * width)
    cell = GapEquation(core=CORE, **{name: float(value) for name, value in CORE.cells(drawn).items()})
    theory_volts, theory, _ = by_scipy(cell, bench, times[k : k + 1], gap)
    return [
        -0.25 * np.log(i / np.sinh(v / 0.25)) for v, i in ((over[k], amps[k]), (theory_volts[0], theory[0]))
    ]


@pytest.mark.parametrize("route", ROUTES)
def test_random_pulses(bench_folder, route):
    """Two of the 36: 10 ns and 50 ohm, 1 us and 5 kohm."""
    for number in (0, 17):
        ours, theory = random_pulses(route, bench_folder, number)
        assert ours == pytest.approx(theory, abs=0.01)


@pytest.mark.spice
@pytest.mark.parametrize("route", ROUTES)
def test_all_random_pulses(bench_folder, route):
    """36 of 36 run to the end, with the gap of scipy within 0.01 nm in the last pulse."""
    errors = []
    for number in range(len(RANDOM)):
        try:
            ours, theory = random_pulses(route, bench_folder, number)
        except AssertionError:
            continue
        errors.append(abs(ours - theory))
    good = sum(error < 0.01 for error in errors)
    print(f"{route}: {len(errors)} ran to the end, {good} with the right gap, worst {max(errors):.2g} nm")
    assert good == len(RANDOM)
