"""Splitting against the master equation and against counting, derivatives against differences: 15 minutes.

In the box of all states from 1e-3 to 1e-12, each estimate within three standard errors; the hundred repeats
are one test of bias and one of the variance that each run states. Seeds are fixed; a z of 3 is a false alarm
of 2.7e-3 for each of the rows.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from rare_events import Box, joined, repeated
from small_boxes import A
from whole_lattice import SMALL, small_material

from frenkel.configuration import reader
from frenkel.kinetic.device import Device
from frenkel.kinetic.waveform import Waveform
from frenkel.rare.members import prepared
from frenkel.rare.score import derivatives, differences
from frenkel.rare.sensitivity import VALUES, followed, observe
from frenkel.rare.tails import tails

DEVICES, PULSES = 4000, 5000
"""For central differences, and counted one by one."""

pytestmark = [pytest.mark.verification, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(("share", "defects", "exact", "particles"), [
    (0.3, 8, 3.84e-4, 1000), (1.0, 10, 5.23e-6, 1000), (0.4, 10, 7.24e-8, 2000), (0.2, 10, 2.51e-9, 3000),
    (0.05, 10, 1.0e-12, 4000),
])
def test_passages(share, defects, exact, particles):
    law, process = Box(share, defects).passages()
    runs = joined(repeated(process, 1.0, 8, particles, particles // 10))
    print(f"{law:.4g}: ratio {runs.probability / law:.3f}, found {runs.error / law:.3f}, "
          f"stated {runs.stated / law:.3f}, {runs.levels:.0f} levels")
    assert math.log10(law) == pytest.approx(math.log10(exact), abs=0.5)
    assert abs(runs.probability - law) < 3.0 * max(runs.error, runs.stated) < 1.5 * law


@pytest.mark.parametrize("share", [10.0, 50.0, 130.0])
def test_survivals(share):
    """2.9e-2, 2.2e-6 and some 1e-13."""
    law, process = Box(share, 6).survivals()
    runs = joined(repeated(process, math.inf, 16, 200, 20))
    print(f"{law:.4g}: ratio {runs.probability / law:.3f}, found {runs.error / law:.3f}, "
          f"stated {runs.stated / law:.3f}, {runs.levels:.0f} levels")
    assert abs(runs.probability - law) < 3.0 * max(runs.error, runs.stated) < law


def test_hundred_repeats():
    """No bias, and the variance that runs state is the one that is found, to a z of 3 each."""
    law, process = Box(50.0, 6).survivals()
    runs = repeated(process, math.inf, 100, 100, 10)
    found = np.array([one.probability for one in runs])
    assert abs(found.mean() - law) < 3.0 * found.std(ddof=1) / 10.0
    gap = np.array([one.variance for one in runs]) - (found - law) ** 2
    print(f"ratio {found.mean() / law:.3f} +- {found.std(ddof=1) / 10 / law:.3f}; of a run stated "
          f"{np.mean([one.variance for one in runs]) ** 0.5 / law:.3f}, found {found.std(ddof=1) / law:.3f}")
    assert abs(gap.mean()) < 3.0 * gap.std(ddof=1) / 10.0


@pytest.mark.parametrize("member", [0, 1])
def test_overlap_with_counting(member):
    """A SET pulse on a default device that fails once in some hundreds: 5,000 pulses, and splitting.

    The width is the second longest wait of 400 other pulses: nothing here knows the numbers of the set.
    """
    path = Path(__file__).parents[1] / "examples" / "set_pulse.toml"
    device, _ = prepared(reader.read(path), member)
    start, edge, voltage = device.state(), 1.0 / 250e3, 0.6

    def fails(number, width):
        device.restore(start, stream=(number,), keep_solved=True)
        pulse = Waveform.constant(voltage, width)
        device.advance(pulse, samples=2, stop=lambda one, _: one.conductance >= edge)
        return device.time - start["time"] if device.conductance >= edge else math.inf

    width = sorted(fails(number, 1.0) for number in range(400))[-2]
    counted = np.mean([fails(number, width) == math.inf for number in range(1000, 1000 + PULSES)])
    device.restore(start)
    found = tails(
        device, Waveform.constant(voltage, width), "set fails", resistance=1 / edge, particles=200, repeats=8
    )
    error = math.hypot(max(found.error, found.stated), math.sqrt(counted * (1 - counted) / PULSES))
    print(f"{voltage:g} V, {width:.3g} s: counted {counted:.3g}, splitting {found.probability:.3g} +- "
          f"{max(found.error, found.stated):.2g}, both apart by {(found.probability - counted) / error:.2f}")
    assert counted * PULSES >= 10.0
    assert abs(found.probability - counted) < 3.0 * error < 1.5 * counted


def test_weights_against_central_differences():
    """4,000 small devices with disorder, heat and all fields, on a ramp: V, ln t, ln G by barrier of hops.

    Cov(f, S) of the 4,000 against the means of 4,000 with 5 meV more and 4,000 with 5 meV less, the same
    random numbers: apart by a z below 3, and those of voltage and time told from 0.
    """
    set_ = small_material("HfO2-volatile", drop=("column",), **SMALL | {"exchange__barrier": 0.5})
    ramp, step = Waveform.ramp(1.2, 1e12), 0.005
    key = "vacancy.migration_barrier"

    def device(member, change=0.0):
        other = set_.with_values({key: set_.values()[key] + change}) if change else set_
        return Device(other, 4 * A, 3 * A, temperature=1000.0, seed=11, member=member, cache=1000)

    rows, ends, weights = [], [], {"": [], "met_": []}
    for member in range(DEVICES):
        one = device(member)
        edge = 1e3 * one.conductance
        found = observe(one, ramp, edge)
        rows.append([float(found[name]) for name in VALUES])
        for when, kept in weights.items():
            kept.append(found[f"{when}weight"][0, 0])
        ends.append([list(followed(device(member, sign * step), ramp, edge, False)[0].values())
                     for sign in (-1, 1)])
    rows, ends = np.array(rows), np.array(ends)
    for place, name in enumerate(VALUES):
        weight = np.array(weights["" if name == "final" else "met_"])
        mean, error = (float(one) for one in derivatives(rows[:, place], weight))
        change, spread, _ = differences(ends[:, 0, place], ends[:, 1, place])
        change, spread = float(change) / (2 * step), float(spread) / (2 * step)
        print(f"d {name} / d {key}: weights {mean:.3g} +- {error:.2g} per eV, differences {change:.3g} +- "
              f"{spread:.2g}, of {np.isfinite(rows[:, place]).sum()} devices")
        assert abs(mean - change) < 3.0 * math.hypot(error, spread)
        if name != "final":
            assert abs(mean) > 5.0 * error
