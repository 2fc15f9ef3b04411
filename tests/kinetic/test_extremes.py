"""Largest current and largest steps of it: those of all events, whatever is sampled."""

import numpy as np
import pytest
from whole_lattice import SWITCHES

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.extremes import CurrentSample, Extremes
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.run import Run
from frenkel.kinetic.waveform import Waveform

A = 0.26e-9
NONLINEAR = {"conduction.gap_reorganisation": 0.8, "conduction.gap_hops": 2}


def make(seed=1, *, values=None, **circuit):
    material = Material.load("HfO2-volatile").with_values(SWITCHES | (values or {}))
    return Device(material, 10 * A, 6 * A, seed=seed, circuit=Circuit(**circuit))


def moments(device, waveform, monkeypatch, **more):
    """Return the extremes of a run, and time, source, voltage and current before and after every event.

    Both currents are worked out here: before an event from the atoms of before, at the voltage of the event.
    """
    rows, fire = [], Run.fire

    def seen(run, now, source, voltage, chosen):
        before = device.circuit.solve(source, device.current)
        fire(run, now, source, voltage, chosen)
        after = device.circuit.solve(source, device.current)
        rows.append((device.time, source, before.device_voltage, before.current, after.current))

    monkeypatch.setattr(Run, "fire", seen)
    found = device.advance(waveform, **more).extremes
    return found, np.array(rows).T


@pytest.mark.parametrize("resistance", [0.0, 5e3])
def test_one_event_is_one_step(resistance):
    """The first event of a ramp: step and peak follow from the currents of both arrangements; exact."""
    device = make(series_resistance=resistance)
    both = [device.solved()]
    record = device.advance(
        Waveform.ramp(4.0, rate=1e6), samples=3, log=True, stop=lambda device, current: device.events > 0
    )
    both.append(device.solved())
    time = record.log[0][0]
    source = 1e6 * time
    points = [device.circuit.solve(source, one.current) for one in both]
    volts, currents = [one.device_voltage for one in points], [one.current for one in points]
    assert abs(currents[1] / currents[0] - 1.0) > 1e-3
    found = record.extremes
    step, none = (found.up, found.down) if currents[1] > currents[0] else (found.down, found.up)
    assert step == pytest.approx((currents[1] - currents[0], currents[0], source, volts[0], time), rel=1e-9)
    assert np.isnan(none).all()
    k = int(np.argmax(currents))
    assert found.peak == pytest.approx((currents[k], source, volts[k], time), rel=1e-9)
    assert not found.limited


def test_every_event_counts(monkeypatch):
    """Forming without a limit: peak and steps are the largest of all that are worked out one by one."""
    found, (time, source, volts, before, after) = moments(
        make(),
        Waveform.ramp(2.0, rate=1e6),
        monkeypatch,
        samples=5,
        stop=lambda device, _: device.events > 300,
    )
    k = int(np.argmax(after - before))
    expected = (after[k] - before[k], before[k], source[k], volts[k], time[k])
    assert found.up == pytest.approx(expected, rel=1e-9)
    k = int(np.argmin(after - before))
    expected = (after[k] - before[k], before[k], source[k], volts[k], time[k])
    assert found.down == pytest.approx(expected, rel=1e-9)
    assert found.peak.current == pytest.approx(max(before.max(), after.max()), rel=1e-9)


def test_steps_end_where_a_limit_acts(monkeypatch):
    """Held at the limit: the peak is its first moment, and no later step counts."""
    limit = 10e-6
    found, (time, source, volts, before, after) = moments(
        make(2, compliance=limit), Waveform.triangle(2.0, rate=1e6), monkeypatch, samples=5
    )
    first = int(np.flatnonzero(after >= limit * (1 - 1e-9))[0])
    rise, later = (after - before)[: first + 1], (after - before)[first + 1 :]
    k = int(np.argmax(rise))
    assert max(later) > rise[k] or max(-later) > max(-rise)  # otherwise the test says little
    assert found.up == pytest.approx((rise[k], before[k], source[k], volts[k], time[k]), rel=1e-9)
    assert found.limited and found.peak.current == pytest.approx(limit, rel=1e-9)
    assert found.peak.time == time[first] and found.peak.source_voltage == source[first]


@pytest.mark.parametrize("samples", [2, 37])
@pytest.mark.parametrize("values", [{}, NONLINEAR])
def test_a_limit_is_met_between_two_events(samples, values):
    """A ramp too fast for events: the limit is met where source and load give it; exact."""
    device = make(values=values, series_resistance=1e6)
    limit = device.current(1.0)
    device.circuit = Circuit(series_resistance=1e6, compliance=limit)
    record = device.advance(Waveform.triangle(2.0, rate=2e16), samples=samples)
    assert device.events == 0
    source = 1.0 + 1e6 * limit
    assert record.extremes.peak == pytest.approx((limit, source, 1.0, source / 2e16), rel=1e-6)
    assert np.isnan(record.extremes.up).all() and record.extremes.limited


def test_without_events_the_peak_is_at_the_tip():
    device = make()
    current = device.current(-2.0)
    found = device.advance(Waveform((0.0, 1e-16, 3e-16), (0.5, -2.0, 1.0)), samples=2).extremes
    assert device.events == 0
    assert found.peak == pytest.approx((current, -2.0, -2.0, 1e-16), rel=1e-12)
    assert found.out == found.peak


@pytest.mark.parametrize("values", [{}, NONLINEAR])
def test_samples_do_not_matter(values):
    """Forming, read 4 or 203 times: steps in time end at samples, which moves events by 2e-5 of the time."""
    runs = []
    for samples in (4, 203):
        device = make(2, values=values, series_resistance=2e3, compliance=10e-6)
        record = device.advance(Waveform.triangle(2.0, rate=1e6), samples=samples)
        assert device.events > 50
        runs.append((record.extremes, device.events))
    (few, events), (many, others) = runs
    assert events == others and few.limited == many.limited
    for one, other in zip((few.peak, few.up, few.down), (many.peak, many.up, many.down), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_a_piece_on_the_way_back_is_no_way_out():
    """A waveform that begins on the way back, as the pieces of a protocol do: not even its start counts."""
    found = make().advance(Waveform((0.0, 1e-16), (2.0, 1.0)), samples=2).extremes
    assert found.peak.source_voltage == 2.0 and np.isnan(found.out).all()


def test_a_phase_in_pieces_is_one_phase():
    """Two ramps that go on with the same extremes are one; the first moment of equal currents counts."""
    limits = (-np.inf, 1e-6)
    found = Extremes()
    for time, current in enumerate([1e-7, 5e-7, 5e-7 * (1 + 1e-12), 4e-7]):
        found.look(CurrentSample(current, 1.0, 1.0, float(time)), limits, 1.0)
    assert found.peak.time == 1.0 and not found.limited
    found.event(CurrentSample(-2e-7, -1.0, -1.0, 5.0), CurrentSample(-9e-7, -1.0, -1.0, 5.0), limits, 1.0)
    assert found.up == pytest.approx((7e-7, -2e-7, -1.0, -1.0, 5.0)) and found.peak.current == -9e-7
    assert found.out.time == 1.0  # at -1 V a source that rises goes back
    again = Extremes(**{name: getattr(found, name) for name in ("peak", "out", "up", "down", "limited")})
    assert again.up == found.up and np.isnan(again.down).all()
    again.event(CurrentSample(2e-7, 1.0, 1.0, 6.0), CurrentSample(1e-6, 0.8, 0.5, 6.0), limits, 0.0)
    assert again.out == again.peak == CurrentSample(1e-6, 0.8, 0.5, 6.0)
    assert again.limited and again.up.change == pytest.approx(8e-7)
    again.event(CurrentSample(1e-6, 0.8, 0.5, 7.0), CurrentSample(0.0, 0.8, 0.8, 7.0), limits, 0.0)
    assert np.isnan(again.down).all()
