"""Works of events at a voltage lie within their stated bounds: random arrangements of every set with laws."""

import numpy as np
import pytest

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

ARRANGEMENTS = 1000
VOLTAGES = (0.05, 0.3, 0.8, 1.4, -0.6, -1.2)
MOST = 1e-6       # eV
LAWS = ("Ag-Al2O3", "Ag-SiO2", "Cu-Al2O3", "Cu-SiO2", "HfO2-fast", "SiOx", "SiOx-electrons", "Ta2O5-Pt",
        "TaOx", "TiOx")
pytestmark = pytest.mark.verification


def random_sites(device, rng, in_column):
    """Return host sites of defects, at random in the box or in a column."""
    nx, ny, _ = device.shape
    x, y, _ = np.unravel_index(np.arange(device.n_hosts), device.shape)
    sites = rng.permutation(device.n_hosts)
    if in_column:
        off = (x - nx // 2) ** 2 + (y - ny // 2) ** 2 + rng.random(device.n_hosts)
        sites = rng.permutation(np.argsort(off)[: int(rng.uniform(0.05, 0.6) * device.n_hosts)])
    return np.sort(sites[: max(4, int(rng.uniform(0.03, 0.6) * len(sites)))])


def end_of(device, sites, voltage):
    """Return what the device has at a voltage, with defects at these sites and nowhere else."""
    state = device.engine.state()
    state["species"][: device.n_hosts] = OXYGEN.code
    state["species"][sites] = VACANCY.code
    device.engine.restore(state)
    now = device.solved()
    return None if now.make_ends is None else now.make_ends([voltage])[0]


@pytest.mark.parametrize("name", LAWS)
def test_works_lie_within_the_bound_of_their_potentials(name):
    """Against `precise`: within two charges times twice the stated bound, and that within 1e-6 eV."""
    material = Material.load(name)
    size = 9 * material.lattice.spacing, 8 * material.lattice.spacing
    quick, precise = (Device(material, *size, seed=1, cache=0, precise=refine) for refine in (False, True))
    rng, compared = np.random.default_rng(41), 0
    for k in range(ARRANGEMENTS):
        sites, voltage = random_sites(quick, rng, k % 2 == 1), float(rng.choice(VOLTAGES))
        ours, exact = end_of(quick, sites, voltage), end_of(precise, sites, voltage)
        if ours is None:
            continue
        allowed = 4.0 * ours.error * abs(voltage)
        assert allowed <= MOST
        assert np.abs(ours.events[0] - exact.events[0]).max(initial=0.0) <= allowed
        compared += ours.events.shape[1]
    assert compared > 10 * ARRANGEMENTS
