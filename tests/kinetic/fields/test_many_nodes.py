"""Work of the bias in networks of some hundred nodes, against a fresh solution without the atom.

Large networks take other ways than small ones: sums of rows in the place of products of matrices, and points
that read the Green's function in blocks.
"""

import numpy as np
import pytest
from whole_lattice import put

from frenkel.kinetic.device import Device
from frenkel.kinetic.fields.green import GreenTable
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
            start, end = device.fields.solution.potentials.potential_at(np.array(ends.tolist(), np.int32))
            assert abs(work[k] - charge * (end - start)) <= 2.0 * abs(charge) * found.removal_error + 1e-11


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_potentials_of_a_box_whose_table_is_folded_are_those_of_the_whole_table(lateral):
    """In a box whose table of the Green's function is above 4 MB a pair of layers stands for its image.

    Against NumPy on the whole table, at 60 nodes all over the box and at sites without one.
    """
    width, layers = {"periodic": (42, 36), "reflecting": (24, 36)}[lateral]
    rng = np.random.default_rng(3)
    first = rng.choice(width * width * layers, 30, replace=False)
    device = arranged(
        np.unique(np.r_[first, first - first % layers + (first + 1) % layers]), lateral, (width, layers)
    )
    fields, spacing = device.fields, device.material.lattice.spacing
    device.solver.solve_network(device.engine.species)
    nodes, potential, _ = fields.nodes()
    assert len(nodes) >= 40
    shape, table = device.shape, GreenTable(device.shape, spacing, lateral=lateral).table
    sites = np.r_[nodes, rng.choice(device.n_hosts, 40, replace=False)]
    (x, y, z), (a, b, c) = (np.array(np.unravel_index(s, shape)) for s in (sites, nodes))
    green = table[(x[:, None] - a) % table.shape[0], (y[:, None] - b) % table.shape[1], z[:, None], c]
    if lateral == "reflecting":
        for dx, dy in (
            (x[:, None] + a + 1, y[:, None] - b),
            (x[:, None] - a, y[:, None] + b + 1),
            (x[:, None] + a + 1, y[:, None] + b + 1),
        ):
            green = green + table[dx % table.shape[0], dy % table.shape[1], z[:, None], c]
    empty = (z + 1.0) / (layers + 1.0)
    inverse = np.linalg.inv(green[: len(nodes)])
    bonds, lacking = np.zeros((len(nodes), len(nodes))), inverse @ empty[: len(nodes)]
    place = {site: k for k, site in enumerate(nodes.tolist())}
    for one, other, conductance in fields.solver.bonds():
        i, g = place[one], conductance / fields.solver.background
        bonds[i, i] += g
        if other >= 0:
            j = place[other]
            bonds[j, j] += g
            bonds[i, j] = bonds[j, i] = -g
        elif other == -2:
            lacking[i] += g
    solved = np.linalg.solve(inverse + bonds, lacking)
    assert np.abs(solved - potential).max() <= 1e-7
    expected = empty + green @ (inverse @ (potential - empty[: len(nodes)]))
    assert np.abs(fields.solution.potentials.potential_at(sites.astype(np.int32)) - expected).max() <= 1e-12


def test_what_reads_a_solution_before_one_is_solved_says_so():
    device = Device(Material.load("HfO2-fast"), 1.3e-9, 1.3e-9, seed=1)
    for read in (device.fields.nodes, device.fields.law, lambda: device.fields.operate(0.5)):
        with pytest.raises(ValueError, match="no arrangement is solved yet: call solve first"):
            read()
    device.solved()
    assert len(device.fields.nodes()) == 3
