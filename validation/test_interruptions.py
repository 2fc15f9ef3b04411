"""A device that is interrupted after any event, or branched there, goes on with the same bits."""

import numpy as np
import pytest

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

EVENTS, INTERRUPTIONS, ON = 120, 200, 4
VOLTAGES = (0.3, -0.5, 0.8, -1.1)
pytestmark = pytest.mark.verification


def small_device():
    """Return a small cell of the default set with a column of vacancies, whose gaps obey laws."""
    material = Material.load("HfO2-fast")
    device = Device(material, 2.6e-9, 2.6e-9, seed=1)
    nx, ny, _ = device.shape
    x, y, _ = np.unravel_index(np.arange(device.n_hosts), device.shape)
    near = np.flatnonzero((x - nx // 2) ** 2 + (y - ny // 2) ** 2 <= 4)
    state = device.engine.state()
    state["species"][: device.n_hosts] = OXYGEN.code
    state["species"][np.random.default_rng(1).choice(near, len(near) // 2, replace=False)] = VACANCY.code
    device.engine.restore(state)
    return device


def carried_out(device, first, count):
    """Return the bits of all rates before each of some events, which are drawn and carried out."""
    bits = []
    for k in range(first, first + count):
        voltage = VOLTAGES[k % len(VOLTAGES)]
        rates = device.solved().at(voltage)
        bits.append(rates.rates(voltage).tobytes())
        device.engine.catalogue()
        device.engine.fire(rates.pick(voltage, device.engine.draw()))
    return bits


def test_200_random_interruptions_change_no_bit():
    """At 200 random events: restored into another device, new or used, and two branches with one number."""
    device, states, bits = small_device(), [], []
    for k in range(EVENTS):
        states.append(device.state())
        bits += carried_out(device, k, 1)
    assert device.fields.has_laws() and len(set(bits)) > EVENTS // 2
    rng, used = np.random.default_rng(200), small_device()
    carried_out(used, 0, 30)
    for k in rng.integers(EVENTS - ON, size=INTERRUPTIONS):
        other = small_device() if k % 2 else used
        other.restore(states[k])
        branches = [other.branch(7) for _ in range(2)]
        assert carried_out(other, k, ON) == bits[k : k + ON]
        assert carried_out(branches[0], k, 2) == carried_out(branches[1], k, 2)
