"""Every packaged set: complete sources, and detailed balance of every mechanism in random states."""

import numpy as np
import pytest
from round_trips import sample, stated, way_back
from whole_lattice import put, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.sections import FAMILIES, MECHANISMS

LAYERS = {"hBN-Ag": 2, "hBN-GB": 1, "MoS2-1T": 1, "MoS2-Ag": 1, "MoS2-Au": 1, "MoS2-Cu": 1}


@pytest.mark.parametrize("name", Material.names())
def test_sources_are_complete(name):
    material = Material.load(name)
    assert material.family in FAMILIES and material.description
    for row in material.table():
        assert row.source.strip() and row.unit and row.confidence, row
        assert row.confidence != "fitted" or "fitted to: " in row.note, row
    assert set(material.mechanisms) <= set(MECHANISMS)


@pytest.mark.parametrize("name", Material.names())
def test_every_mechanism_of_every_set_closes(name):
    """Fire, solve, read the way back: forward and reverse differ by dE (X-07), energies add to nothing."""
    material = Material.load(name)
    if material.has("trap"):
        material = material.with_values({"trap.density": 1e27})  # several in a small box
    a, layers = material.lattice.spacing, LAYERS.get(name, 6)
    device = Device(material, layers * a, 6 * a, seed=1)
    rng = np.random.default_rng(7)
    seen = set()
    for kind in ("pristine", "hrs", "lrs"):
        put(device, random_species(device, kind, rng))
        device.device_voltage = rng.uniform(-2, 2)
        start, events = device.engine.state(), device.transitions()
        error = stated(device)
        for k in sample(events, 4, rng):
            device.engine.restore(start)
            device.fire(int(k))
            after = device.transitions()
            back = after[way_back(device, events[k], after)]
            allowed = 1e-9 + error + stated(device)
            assert abs(events["energy"][k] + back["energy"]) <= allowed
            # A dipole multiplies the error of the drop; phonons read a temperature that the event may change.
            split = events["barrier"][k] - back["barrier"]
            if device.chemistry.mechanisms[events["mechanism"][k]].law != "multiphonon":
                assert split == pytest.approx(events["energy"][k], abs=10 * allowed)
            seen.add(int(events["mechanism"][k]))
    assert seen == set(range(len(device.chemistry.mechanisms)))
