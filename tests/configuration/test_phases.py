"""Phases of a protocol: their waveforms, ends and targets, number for number."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.configuration import device, phases
from frenkel.configuration.phases import CircuitSection, kind_of
from frenkel.quantity import all_to_si, to_si


def phase(**keys):
    document = {"device": {"thickness": "2.6 nm", "width": "1.56 nm"}, "phase": [keys]}
    return device.parse(document).phase[0]


SWEEP = {"kind": "set", "amplitude": "-2 V", "rate": "1 V/s"}


def test_a_sweep_goes_up_holds_and_comes_down():
    one = phase(**SWEEP, hold="3 s", fall_rate="4 V/s", samples=11)
    up, held, down = one.part(0, 0.0), one.part(1, -1.5), one.part(2, -1.5)
    assert (up[0].times, up[0].voltages, up[1]) == ((0.0, 2.0), (0.0, -2.0), 5)
    assert (held[0].times, held[0].voltages, held[1]) == ((0.0, 3.0), (-1.5, -1.5), 20)
    assert (down[0].times, down[0].voltages, down[1]) == ((0.0, 0.375), (-1.5, 0.0), 5)
    assert phase(**SWEEP).part(2, -1.0)[0].times == (0.0, 1.0)
    assert phase(**SWEEP).part(1, -1.0) is None and phase(**SWEEP).part(2, 0.0) is None


def test_a_sweep_ends_at_the_compliance_of_either_sign():
    one = phase(**SWEEP, to_compliance=True)
    ends = one.ends(0, 1e-5, 0.0)
    assert ends(None, -1e-5) and ends(None, 1e-5) and ends(None, 1e-5 * (1 - 1e-10))
    assert not ends(None, -0.999e-5)
    assert one.ends(1, 1e-5, 0.0) is None and one.ends(0, None, 0.0) is None
    assert phase(**SWEEP).ends(0, 1e-5, 0.0) is None


def test_targets_of_verify():
    made = {"verify": {"resistance": "1 kohm", "attempts": 3}}
    low, high = phase(**SWEEP, **made), phase(**{**SWEEP, "kind": "reset"}, **made)
    assert low.passes(999.0) and low.passes(1000.0) and not low.passes(1001.0)
    assert high.passes(1001.0) and high.passes(1000.0) and not high.passes(999.0)
    assert [low.unmet(attempt, 2000.0) for attempt in (1, 2, 3)] == [True, True, False]
    assert not low.unmet(1, 500.0) and not phase(**SWEEP).unmet(1, 1e9)


def test_a_compliance_of_a_phase_counts_in_both_directions():
    section = CircuitSection(compliance="5 uA", polarity="positive", series_resistance="1 kohm")
    own, none, same = section.circuit(1e-6), section.circuit(math.inf), section.circuit()
    assert (own.compliance, own.polarity, own.series_resistance) == (1e-6, "both", 1e3)
    assert none.compliance is None
    assert (same.compliance, same.polarity) == (5e-6, "positive")


def test_looks_at_a_rest_are_even_in_its_logarithm():
    one = phase(kind="constant", voltage="0 V", duration="100 s", first="1 s", samples=4)
    assert one.marks() == pytest.approx([0.0, 1.0, 10.0, 100.0], rel=1e-12)
    assert phase(kind="constant", voltage="0 V", duration="100 s").marks() == []


@pytest.mark.parametrize(("share", "ended"), [(0.5, [True, True, False]), (2, [False, False, True])])
def test_a_rest_ends_at_a_share_of_its_conductance(share, ended):
    one = phase(kind="constant", voltage="0 V", duration="1 s", to_share=float(share))
    test = one.ends(0, None, 4e-6)
    assert [test(SimpleNamespace(conductance=g), 0.0) for g in (1e-6, 2e-6, 8e-6)] == ended


def test_a_train_of_pulses_has_room_between_them():
    pulse = {"kind": "pulse", "amplitude": "1 V", "width": "2 s", "rise": "1 s", "fall": "4 s", "count": 2}
    assert phase(**pulse, period="7 s").part(0, 0.0)[0].duration == pytest.approx(14.0)
    with pytest.raises(ValueError, match=r"at least rise \+ width \+ fall = 7 s, got 6.9 s"):
        phase(**pulse, period="6.9 s")


def test_points_rise_strictly():
    points = {"kind": "points", "voltages": "0, 1, 2 V"}
    assert phase(**points, times="0, 1, 2 us").times == (0.0, 1e-6, 2e-6)
    with pytest.raises(ValueError, match="1e-06 s and then 1e-06 s at points 2 and 3"):
        phase(**points, times="0, 1, 1 us")
    named = phase(**points, times="0, 1, 2 us", name="Reset it")
    assert kind_of(named.name, named) == "reset" and kind_of("", named) == "points"


def test_phases_are_counted_with_all_repeats():
    inner = [{**SWEEP, "repeat": 3}, {**SWEEP, "kind": "reset"}]
    document = {
        "device": {"thickness": "2.6 nm", "width": "1.56 nm"},
        "phase": [SWEEP, {"kind": "cycle", "repeat": 2, "phase": inner}],
    }
    parsed = device.parse(document)
    found = [(name, cycle) for name, cycle, _ in parsed.phases()]
    assert parsed.count() == len(found) == 9
    assert found[:5] == [("set", 0), ("set 1.1", 1), ("set 1.2", 1), ("set 1.3", 1), ("reset 1", 1)]
    assert found[-1] == ("reset 2", 2)


def test_ranges_hold_at_both_ends():
    assert [to_si(text, "V", -1.0, 2.0) for text in ("-1 V", "2000 mV")] == [-1.0, 2.0]
    for text in ("-1.001 V", "2001 mV", "inf V", "-inf V", "nan V"):
        with pytest.raises(ValueError, match="must be between -1 and 2 V"):
            to_si(text, "V", -1.0, 2.0)
    assert all_to_si("0, 1, 2.5 us", "s", 0.0, 1.0) == (0.0, 1e-6, 2.5e-6)
    assert np.isinf(phase(**SWEEP, compliance="none").compliance)


@pytest.mark.parametrize(("start", "stop"), [(0.5, -1.0), (0.0, 1.5), (-1.0, -0.25)])
def test_a_ramp_goes_from_its_start_to_its_stop(start, stop):
    """At 2 V/s, whichever way; in the configuration as in the device."""
    ramp = phases.Ramp(kind="ramp", start=f"{start} V", stop=f"{stop} V", rate="2 V/s", samples=7)
    waveform, samples = ramp.part(0, 0.0)
    np.testing.assert_allclose(waveform.voltages, [start, stop], rtol=1e-12)
    np.testing.assert_allclose(waveform.times, [0.0, abs(stop - start) / 2.0], rtol=1e-12)
    assert samples == 7
