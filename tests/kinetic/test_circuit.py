"""The circuit around a device."""

import math
import random

import pytest

from frenkel.kinetic.circuit import Circuit


def operating_point(circuit, source, conductance):
    """Return voltages and current of a linear device in a circuit."""
    return circuit.solve(source, lambda voltage: conductance * voltage)


def test_without_anything_the_device_sees_the_source():
    point = operating_point(Circuit(), 1.5, 2e-4)
    assert point == (1.5, 1.5, 1.5 * 2e-4, False)


def test_series_resistance_divides():
    point = operating_point(Circuit(series_resistance=1e3), 2.0, 1e-3)
    assert point.device_voltage == pytest.approx(1.0)
    assert point.current == pytest.approx(1e-3)


def test_compliance_lowers_the_source():
    point = operating_point(Circuit(series_resistance=2e3, compliance=20e-6), 3.0, 1e-3)
    assert point.limited and point.current == 20e-6
    assert point.device_voltage == pytest.approx(0.02)
    assert point.source_voltage == pytest.approx(0.06)


@pytest.mark.parametrize(("polarity", "forward", "backward"), [
    ("positive", True, False), ("negative", False, True), ("both", True, True),
])
def test_polarity(polarity, forward, backward):
    circuit = Circuit(compliance=1e-6, polarity=polarity)
    assert operating_point(circuit, 1.0, 1e-3).limited is forward
    assert operating_point(circuit, -1.0, 1e-3).limited is backward
    assert operating_point(circuit, -1.0, 1e-3).current == (-1e-6 if backward else -1e-3)


def test_transistor_limits_both_ways_and_the_lower_limit_counts():
    circuit = Circuit(compliance=1e-5, transistor=5e-5)
    assert operating_point(circuit, 1.0, 1e-3).current == 1e-5
    assert operating_point(circuit, -1.0, 1e-3).current == -5e-5
    assert operating_point(Circuit(compliance=1e-4, transistor=5e-5), 1.0, 1e-3).current == 5e-5


def test_kirchhoff_and_limits_on_random_points():
    draw = random.Random(1)
    for _ in range(2000):
        circuit = Circuit(series_resistance=draw.choice([0.0, 10 ** draw.uniform(0, 6)]),
                          compliance=draw.choice([None, 10 ** draw.uniform(-9, -3)]), polarity="both")
        source, conductance = draw.uniform(-5, 5), 10 ** draw.uniform(-12, -2)
        point = operating_point(circuit, source, conductance)
        assert point.current == pytest.approx(conductance * point.device_voltage, rel=1e-12)
        total = point.device_voltage + circuit.series_resistance * point.current
        assert point.source_voltage == pytest.approx(total, rel=1e-12)
        assert abs(point.source_voltage) <= abs(source) * (1 + 1e-12)
        assert abs(point.current) <= (circuit.compliance or math.inf)
        assert circuit.device_voltage(source, conductance) == pytest.approx(point.device_voltage, rel=1e-12)


def test_lines_of_a_ramp_follow_the_operating_points():
    """At most three lines per ramp: limited, free, limited; each a straight line; the clock never stands."""
    draw = random.Random(2)
    for _ in range(10000):
        circuit = Circuit(series_resistance=draw.choice([0.0, 2e3, 1e5]),
                          compliance=10 ** draw.uniform(-7, -3),
                          polarity=draw.choice(["positive", "negative", "both"]))
        conductance, slope = 10 ** draw.uniform(-9, -2), draw.choice([-1, 1]) * 10 ** draw.uniform(0, 6)
        begin, start = draw.choice([0.0, 1e-3, 1.0]), draw.uniform(-3, 3)
        time, end, lines = begin, begin + draw.uniform(0.1, 6) / abs(slope), 0
        while time < end:
            source = start + slope * (time - begin)
            voltage, rate, duration = circuit.ramp(source, slope, end - time, conductance, math.ulp(end))
            for share in (0.0, 0.5, 1.0):
                expected = circuit.device_voltage(source + slope * duration * share, conductance)
                assert voltage + rate * duration * share == pytest.approx(expected, abs=1e-7)
            time = time + duration if duration < end - time else end
            lines += 1
            assert lines <= 4


def test_line_without_a_change():
    circuit = Circuit(series_resistance=1e3, compliance=1e-6)
    assert circuit.ramp(1.0, 0.0, 5.0, 1e-3) == (1e-3, 0.0, 5.0)
    assert circuit.ramp(1.0, 2.0, 5.0, 0.0) == (1.0, 2.0, 5.0)


def test_no_conductance():
    circuit = Circuit(series_resistance=1e3, compliance=1e-6)
    assert operating_point(circuit, 2.0, 0.0) == (2.0, 2.0, 0.0, False)


def test_nonlinear_agrees_with_linear():
    circuit = Circuit(series_resistance=1e3, compliance=1e-4)
    for source in (-2.0, -0.01, 0.0, 0.05, 0.2, 4.0):
        found = circuit.solve(source, lambda voltage: 1e-3 * voltage)
        voltage = circuit.device_voltage(source, 1e-3)
        assert found[:3] == pytest.approx((voltage, 2.0 * voltage, 1e-3 * voltage), rel=1e-12)


def test_nonlinear_device():
    circuit = Circuit(series_resistance=5e3, compliance=1e-5)

    def current(voltage):
        return 1e-6 * math.sinh(voltage / 0.1)

    free = circuit.solve(0.2, current)
    assert free.device_voltage + 5e3 * current(free.device_voltage) == pytest.approx(0.2, rel=1e-12)
    clamped = circuit.solve(3.0, current)
    assert clamped.limited and clamped.current == 1e-5
    assert clamped.device_voltage == pytest.approx(0.1 * math.asinh(10), rel=1e-9)
    back = circuit.solve(-0.4, current)
    assert not back.limited and back.current < -1e-5


@pytest.mark.parametrize(("arguments", "message"), [
    ({"series_resistance": -1.0}, "series_resistance must be between 0 and 1e.12 ohm, got -1"),
    ({"series_resistance": math.nan}, "series_resistance must be between .* got nan"),
    ({"series_resistance": math.inf}, "series_resistance must be between .* got inf"),
    ({"compliance": 0.0}, "compliance must be between 1e-15 and 1 A, got 0"),
    ({"compliance": -1e-6}, "compliance must be between"),
    ({"compliance": 50}, "compliance must be between 1e-15 and 1 A, got 50"),
    ({"transistor": math.nan}, "transistor must be between"),
    ({"polarity": "up"}, "polarity must be one of positive, negative, both, got 'up'"),
])
def test_bad_circuits(arguments, message):
    with pytest.raises(ValueError, match=message):
        Circuit(**arguments)


@pytest.mark.parametrize("value", [True, [1e-6]])
def test_what_is_no_current(value):
    with pytest.raises(TypeError, match="compliance must be a number in A"):
        Circuit(compliance=value)


def test_text_with_a_unit_is_a_number():
    by_text = Circuit(series_resistance="2 kohm", compliance="50 uA", transistor="1 mA")
    assert by_text == Circuit(series_resistance=2e3, compliance=50e-6, transistor=1e-3)
    with pytest.raises(ValueError, match="compliance must be in A, such as '20 uA', got '5 V'"):
        Circuit(compliance="5 V")
    with pytest.raises(ValueError, match=r"transistor must be between 1e-15 and 1 A, got 2"):
        Circuit(transistor="2 A")


@pytest.mark.parametrize(("source", "conductance", "message"), [
    (math.nan, 1e-3, r"source_voltage must be finite \(V\), got nan"),
    (math.inf, 1e-3, r"source_voltage must be finite \(V\), got inf"),
    (1.0, -1e-3, "conductance must be at least 0 S and finite, got -0.001"),
    (1.0, math.nan, "conductance must be at least 0 S and finite, got nan"),
    (1.0, math.inf, "conductance must be at least 0 S and finite, got inf"),
])
def test_bad_points(source, conductance, message):
    circuit = Circuit(series_resistance=1e3, compliance=1e-6)
    with pytest.raises(ValueError, match=message):
        circuit.device_voltage(source, conductance)


def test_active_device_is_refused():
    with pytest.raises(ValueError, match="must be finite and have the sign of the voltage"):
        Circuit(series_resistance=1e3).solve(1.0, lambda voltage: -voltage)
    with pytest.raises(ValueError, match="must be finite"):
        Circuit().solve(1.0, lambda voltage: math.nan)
