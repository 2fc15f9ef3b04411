"""A circuit behind a load: that of a resistor is the circuit's own; a transistor limits inside a pulse."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from frenkel.array.crosspoint import Transistor
from frenkel.array.loads import BehindTransistor
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.load import Loaded
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.waveform import Waveform


@dataclass
class Ohms:
    """A resistor."""

    resistance: float

    def excess(self, source, voltage, current):
        return source - voltage - self.resistance * current


def advanced(material, volts, circuit):
    """Return the events of a pulse and the device after it."""
    device = Device(Material.load(material), 2e-9, 1.1e-9, seed=4, circuit=circuit)
    pulse = Waveform.pulse(volts, 2e-8, 1e-9)
    return device.advance(pulse, samples=5, log=True, stop=lambda one, _: one.events == 40), device


@pytest.mark.parametrize(
    ("material", "volts", "ohms", "limit"),
    [
        ("HfO2-volatile", 1.6, 5e4, None),  # ohmic
        ("HfO2-volatile", 1.6, 5e4, 2e-6),
        ("TiOx", 1.6, 1e3, None),  # a law
        ("TiOx", 1.6, 1e3, 2e-4),
    ],
)
def test_a_resistor_as_a_load_is_one_in_the_circuit(material, volts, ohms, limit):
    """Event by event, whether the voltage over the device is straight on the edges or bends.

    Times differ by what integrals of the rate over shorter lines differ, an error of 1e-3 each.
    """
    plain, one = advanced(material, volts, Circuit(series_resistance=ohms, compliance=limit))
    behind = Loaded.behind(Ohms(0.6 * ohms), Circuit(series_resistance=0.4 * ohms, compliance=limit))
    loaded, two = advanced(material, volts, behind)
    assert [event[1:] for event in loaded.log] == [event[1:] for event in plain.log] != []
    times = [[event[0] for event in record.log] for record in (loaded, plain)]
    np.testing.assert_allclose(*times, rtol=5e-3)
    assert two.conductance == one.conductance
    for name in ("device_voltage", "current"):
        np.testing.assert_allclose(loaded.sample[name], plain.sample[name], rtol=1e-5, atol=1e-18)


@pytest.mark.parametrize("limit", [None, 1e-7])
def test_a_law_that_only_gives_its_current(limit):
    """As that of a contact does: the same point as behind the circuit's own resistance."""
    plain = Circuit(series_resistance=2e5, compliance=limit)
    loaded = Loaded.behind(Ohms(2e5), Circuit(compliance=limit))
    for volts in (0.4, 1.3, -0.9):
        one, two = (of.solve(volts, lambda v: 1e-8 * math.sinh(4.0 * v)) for of in (plain, loaded))
        assert two.limited == one.limited == (limit is not None and volts > 1.0)
        assert two.device_voltage == pytest.approx(one.device_voltage, rel=1e-9)
        assert two.current == pytest.approx(one.current, rel=1e-9)


def test_one_transistor_is_one_of_many():
    transistor = Transistor(threshold=0.4, gain=3e-4)
    rng = np.random.default_rng(1)
    drain, source, gate = rng.uniform(0.0, 2.0, (3, 200))
    drain[:20], source[:20] = source[:20] + 1e-9, drain[:20]
    many = transistor.current(drain, source, gate)[0]
    each = [transistor.through(*of) for of in zip(drain, source, gate, strict=True)]
    np.testing.assert_allclose(each, many, rtol=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("gate", [0.6, 0.8])
def test_a_gate_limits_a_set_inside_its_pulse(gate, sign):
    """The device closes; whatever it does, it draws no more than its transistor lets through.

    With the voltage at the start of the pulse it would draw 100 uA and more.
    """
    transistor = Transistor(threshold=0.4, gain=3e-4)
    load = BehindTransistor(transistor, gate, 20.0, 30.0)
    device = Device(Material.load("HfO2-volatile"), 2e-9, 1.1e-9, seed=1, member=1)
    device.circuit = Loaded.behind(load, Circuit())
    record = device.advance(Waveform.pulse(1.8, 1e-7, 1e-10), samples=5, budget=5000)
    peak = record.extremes.peak.current
    assert 0.9 * transistor.saturation(gate) < peak <= transistor.saturation(gate) * (1.0 + 1e-9)
    # At the operating point both carry one current, whichever line is driven.
    for conductance in (1e-9, 1e-6, 1e-4, 1e-2):
        volts = device.circuit.device_voltage(1.8 * sign, conductance)
        assert math.copysign(1.0, volts) == sign
        assert load.excess(1.8 * sign, volts, conductance * volts) == pytest.approx(0.0, abs=1e-15)


def test_a_source_at_rest_and_a_gate_that_is_off():
    circuit = Loaded.behind(BehindTransistor(Transistor(threshold=5.0, gain=1e-4), 0.0, 1.0, 1.0), Circuit())
    assert circuit.device_voltage(0.0, 1e-5) == 0.0
    assert 0.0 <= circuit.device_voltage(1.5, 1e-5) < 1e-9
