"""The clause that names the pair of sites that uses up an event budget."""

from collections import Counter

import numpy as np
from gas_runs import run

from frenkel.kinetic.engine.flicker import busiest_pair
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.mechanisms.mechanism import Mechanism, SiteEnergy


def flickering():
    """Return a gas with a vacancy that hops between sites 2 and 3 of a column."""
    hop = Mechanism(
        "hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=0.5, attempt_frequency=1e13
    )
    energy = SiteEnergy(VACANCY, np.array([0.0, 0.0, -0.4, -0.4, 0.0, 0.0]))
    lattice = Lattice.cubic((1, 1, 6), 2.6e-10)
    return LatticeGas(lattice, [hop], [0, 0, 1, 0, 0, 0], interactions=[energy], seed=1)


def test_names_the_pair():
    gas, count = flickering(), Counter()
    for _, mechanism, _, a, b in run(gas, events=200, log=True).log:
        count[mechanism, min(a, b), max(a, b)] += 1
    words = busiest_pair(count, gas.engine.mechanisms, gas.lattice)
    assert words.startswith("sites 2 and 3 near (0.00, 0.00, 1.04) nm made ")
    assert words.endswith(f" {max(count.values())} of them by 'hop'") and max(count.values()) > 190


def test_one_site():
    gas = flickering()
    words = busiest_pair({(0, -1, 4): 3, (0, 2, 3): 1}, gas.engine.mechanisms, gas.lattice)
    assert words == "site 4 and its electrode near (0.00, 0.00, 1.30) nm made 3 of them by 'hop'"
