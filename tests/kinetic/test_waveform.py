"""Waveforms: points are exact, and what a source cannot do is refused."""

import doctest
import math

import pytest

from frenkel.kinetic import waveform as module
from frenkel.kinetic.waveform import Waveform


def test_examples_in_docstrings():
    assert doctest.testmod(module).failed == 0


def test_ramp_either_way():
    assert Waveform.ramp(2.0, 1e3).times == (0.0, 2e-3)
    down = Waveform.ramp(-1.0, 10.0, start=1.0)
    assert down.voltages == (1.0, -1.0) and down.duration == 0.2


def test_triangle_with_a_fast_way_back():
    wave = Waveform.triangle(-1.5, 1e6, fall_rate=1e8, label="reset")
    assert wave.voltages == (0.0, -1.5, 0.0)
    assert wave.times == pytest.approx((0.0, 1.5e-6, 1.515e-6))
    assert wave.amplitude == -1.5 and wave.label == "reset"


def test_pulse():
    wave = Waveform.pulse(1.0, 1e-6, 1e-9, fall=2e-9, delay=1e-8, base=0.1)
    assert wave.voltages == (0.1, 0.1, 1.0, 1.0, 0.1)
    assert wave.times == pytest.approx((0.0, 1e-8, 1.1e-8, 1.011e-6, 1.013e-6))


def test_train():
    wave = Waveform.train(1.0, 1e-6, 2e-6, 1000, 1e-7)
    assert len(wave.times) == 4001 and wave.duration == pytest.approx(2e-3)
    assert wave.voltage(999 * 2e-6 + 5e-7) == 1.0 and wave.voltage(999 * 2e-6 + 1.5e-6) == 0.0


def test_train_without_rest():
    assert len(Waveform.train(1.0, 8e-7, 1e-6, 3, 1e-7).times) == 10


def test_voltage_is_exact_at_every_point():
    wave = Waveform.points([0, 0.1, 0.3, 0.7], [0.1, -0.7, 0.3, 0.3])
    assert [wave.voltage(time) for time in wave.times] == [0.1, -0.7, 0.3, 0.3]
    assert wave.voltage(0.2) == pytest.approx(-0.2)


@pytest.mark.parametrize("time", [-1e-12, 0.7001, math.nan])
def test_no_voltage_outside(time):
    with pytest.raises(ValueError, match="time must be between 0 and 0.7 s"):
        Waveform.constant(1.0, 0.7).voltage(time)


def test_breakpoints_are_never_stepped_over():
    wave = Waveform.triangle(1.0, 1.0) + Waveform.pulse(-1.0, 1.0, 0.5)
    assert wave.breakpoints == (0.0, 1.0, 2.0, 2.5, 3.5, 4.0)
    assert [segment[0] for segment in wave.segments()] == list(wave.breakpoints[:-1])


def test_then_with_an_edge():
    wave = Waveform.constant(1.0, 1.0, label="hold").then(Waveform.constant(0.5, 2.0), rise=0.5)
    assert wave.times == (0.0, 1.0, 1.5, 3.5) and wave.voltages == (1.0, 1.0, 0.5, 0.5)
    assert wave.label == "hold" and wave.named("x").label == "x"


def test_a_jump_is_refused():
    with pytest.raises(ValueError, match="ends at 1 V cannot go on at 0.5 V without a rise"):
        Waveform.constant(1.0, 1.0) + Waveform.constant(0.5, 1.0)
    with pytest.raises(TypeError):
        Waveform.constant(1.0, 1.0) + 1.0


def test_equal_and_hashable():
    assert Waveform.points([0, 1], [0, 1]) == Waveform.ramp(1.0, 1.0)
    assert len({Waveform.points([0, 1], [0, 1]), Waveform.ramp(1.0, 1.0)}) == 1


@pytest.mark.parametrize(("times", "voltages", "message"), [
    ([0.0, 2.0, 1.0], [0, 0, 0], r"strictly, in s, got times\[1\] = 2 and times\[2\] = 1"),
    ([0.0, 1.0, 1.0], [0, 0, 1], "times must increase strictly"),
    ([0.0, math.nan], [0, 0], r"times\[1\] must be finite, got nan"),
    ([0.0, math.inf], [0, 0], r"times\[1\] must be finite, got inf"),
    ([0.0, 1.0], [0, math.nan], r"voltages\[1\] must be finite, got nan"),
    ([0.0, 1.0], [0, 1500.0], r"voltages\[1\] must be between -1000 and 1000 V, got 1500"),
    ([0.5, 1.0], [0, 0], r"times\[0\] must be 0 s, got 0.5 s"),
    ([0.0], [0], "at least 2 points, got 1"),
    ([], [], "at least 2 points, got 0"),
    ([0.0, 1.0], [0], "equally many, got 2 and 1"),
    ([0.0, 1e13], [0, 0], "the duration must be between 0 and 1e.12 s, got 10000000000000"),
])
def test_bad_points(times, voltages, message):
    with pytest.raises(ValueError, match=message):
        Waveform.points(times, voltages)


@pytest.mark.parametrize(("text", "number"), [
    (Waveform.ramp("2 V", "1 MV/s", start="500 mV"), Waveform.ramp(2.0, 1e6, start=0.5)),
    (Waveform.triangle("-1 V", "0.1 V/us", fall_rate="1 V/us"), Waveform.triangle(-1, 1e5, fall_rate=1e6)),
    (Waveform.pulse("1 V", "10 ns", "1 ns", fall="2 ns", delay="1 us", base="10 mV"),
     Waveform.pulse(1.0, 1e-8, 1e-9, fall=2e-9, delay=1e-6, base=0.01)),
    (Waveform.train("1 V", "10 ns", "20 ns", 2, "1 ns", base="10 mV"),
     Waveform.train(1.0, 1e-8, 2e-8, 2, 1e-9, base=0.01)),
    (Waveform.constant("1 V", "1 us"), Waveform.constant(1.0, 1e-6)),
    (Waveform.points("0, 1, 2 us", "0, 1, 0 V"), Waveform.points([0, 1e-6, 2e-6], [0, 1, 0])),
    (Waveform.points(["0 s", 1.0], ["1 mV", 0]), Waveform.points([0, 1], [0.001, 0])),
    (Waveform.constant(0, 1).then(Waveform.constant(1, 1), rise="1 ms"),
     Waveform.constant(0, 1).then(Waveform.constant(1, 1), rise=1e-3)),
])
def test_text_with_a_unit_is_a_number(text, number):
    assert text == number


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Waveform.triangle(1.0, "1 MV"), "rate must be in V/s, such as '0.1 MV/s', got '1 MV'"),
    (lambda: Waveform.triangle("1", 1.0), "amplitude needs a unit of V, such as '1.5 V', got '1'"),
    (lambda: Waveform.points("0, 1", "0, 1 V"), "times needs a unit of s"),
    (lambda: Waveform.constant("5 kV", "1 s"), "voltages.0. must be between -1000 and 1000 V, got 5000"),
])
def test_text_that_is_no_quantity(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Waveform.triangle(1.0, 0.0), "rate must be more than 0 V/s, got 0"),
    (lambda: Waveform.triangle(1.0, -1e6), "rate must be between 0 and 1e.18 V/s, got -1000000"),
    (lambda: Waveform.triangle(1.0, math.nan), "rate must be between .* got nan"),
    (lambda: Waveform.triangle(1.0, 1.0, fall_rate=0.0), "fall_rate must be more than 0 V/s"),
    (lambda: Waveform.triangle(0.0, 1.0), "amplitude must not be 0 V"),
    (lambda: Waveform.triangle(math.inf, 1.0), "amplitude must be between -1000 and 1000 V, got inf"),
    (lambda: Waveform.ramp(1.0, 1.0, start=1.0), "stop must differ from start, both are 1 V"),
    (lambda: Waveform.ramp(1.0, 0.0), "rate must be more than 0 V/s"),
    (lambda: Waveform.constant(1.0, 0.0), "duration must be more than 0 s"),
    (lambda: Waveform.constant(1.0, -1.0), "duration must be between"),
    (lambda: Waveform.constant(math.nan, 1.0), r"voltages\[0\] must be finite"),
    (lambda: Waveform.pulse(1.0, 1e-6, 0.0), "rise must be more than 0 s"),
    (lambda: Waveform.pulse(1.0, 0.0, 1e-9), "width must be more than 0 s"),
    (lambda: Waveform.pulse(1.0, 1e-6, 1e-9, delay=-1.0), "delay must be between"),
    (lambda: Waveform.train(1.0, 1e-6, 1e-6, 3, 1e-7), "period must be at least .* = 1.2e-06 s, got 1e-06 s"),
    (lambda: Waveform.train(1.0, 1e-6, 2e-6, 0, 1e-7),
     "count must be a whole number between 1 and 10000000, got 0"),
])
def test_bad_waveforms(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_count_is_whole():
    with pytest.raises(TypeError, match="count must be a whole number, got 2.0"):
        Waveform.train(1.0, 1e-6, 2e-6, 2.0, 1e-7)


def test_rest_and_scaled():
    """What is left of a waveform has the same voltages at the same moments."""
    wave = Waveform.triangle(2.0, rate=1e6, fall_rate=4e6)
    for time in (0.0, 1e-6, 2e-6, 2.2e-6):
        rest = wave.rest(time)
        assert rest.duration == pytest.approx(wave.duration - time, rel=1e-12)
        for share in (0.0, 0.3, 0.9):
            later = time + share * (wave.duration - time)
            assert rest.voltage(share * rest.duration) == pytest.approx(wave.voltage(later), abs=1e-12)
    assert len(wave.rest(2e-6).times) == 2
    assert wave.scaled(0.5).voltages == (0.0, 1.0, 0.0) and wave.scaled(0.5).times == wave.times
