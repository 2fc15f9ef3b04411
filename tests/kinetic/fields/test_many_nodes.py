"""Work of the bias in networks of some hundred nodes, against a fresh solution without the atom.

Large networks take other ways than small ones: sums of rows in the place of products of matrices, and points
that read the Green's function in blocks.
"""

import numpy as np
import pytest
from whole_lattice import put

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

A = 0.26e-9


def arranged(sites, lateral, shape=(13, 16)):
    """Return a device with vacancies at these host sites and nowhere else, and its species."""
    device = Device(Material.load("HfO2-volatile"), shape[1] * A, shape[0] * A, seed=1, lateral=lateral)
    species = device.engine.species
    species[: device.n_hosts] = OXYGEN.code
    species[sites] = VACANCY.code
    put(device, species)
    return device


def column(count):
    """Return host sites about the axis, of which vacancies take 40 %, and a few lone ones at the sides."""
    x, y, _ = np.unravel_index(np.arange(13 * 13 * 16), (13, 13, 16))
    rng = np.random.default_rng(3)
    near = np.argsort((x - 6) ** 2 + (y - 6) ** 2 + rng.random(len(x)))
    inside = rng.choice(near[: int(count / 0.4)], count, replace=False)
    return np.unique(np.r_[inside, rng.choice(near[1400:], 40, replace=False)])


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
@pytest.mark.parametrize("sites", [column(260), column(30)], ids=["260 in a column", "30 in a column"])
def test_work_is_that_of_the_potentials_without_the_atom(sites, lateral):
    """Hops of 40 atoms, of which most conduct: within the stated bound of potentials solved without them."""
    device = arranged(sites, lateral)
    found, charge = device.solved(), device.material.vacancy.charge
    events, work = device.transitions(), found.events.arrays()["energy1"]
    hops = np.flatnonzero((events["mechanism"] == 0) & (events["direction"] == 0))
    conducting = set(device.fields.nodes()[0].tolist())
    atoms = np.random.default_rng(5).permutation(np.unique(events["site_a"][hops]))[:40]
    assert sum(int(a) in conducting for a in atoms) >= 15
    for atom in atoms:
        left = np.setdiff1d(sites, [atom]) if int(atom) in conducting else sites
        device.fields.solve(left.astype(np.int32))
        for k in hops[events["site_a"][hops] == atom]:
            ends = events[["site_a", "site_b"]][k]
            start, end = device.fields.potential_at(np.array(ends.tolist(), np.int32))
            assert abs(work[k] - charge * (end - start)) <= 2.0 * abs(charge) * found.removal_error + 1e-11
