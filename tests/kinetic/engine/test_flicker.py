"""The sentence that names the pair of sites that uses up an event budget."""

import numpy as np
import pytest

from frenkel.kinetic.engine.engine import Engine
from frenkel.kinetic.engine.flicker import flicker_report, next_moves
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.mechanisms.mechanism import Mechanism, SiteEnergy


def flickering():
    """Return an engine with a vacancy that hops between sites 2 and 3 of a column."""
    hop = Mechanism(
        "hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=0.5, attempt_frequency=1e13
    )
    energy = SiteEnergy(VACANCY, np.array([0.0, 0.0, -0.4, -0.4, 0.0, 0.0]))
    return Engine(Lattice.cubic((1, 1, 6), 2.6e-10), [hop], [0, 0, 1, 0, 0, 0], interactions=[energy], seed=1)


def test_names_the_pair():
    engine = flickering()
    before = engine.state()
    words = flicker_report(next_moves(engine, 200), engine.mechanisms, engine.lattice)
    assert words.endswith("of the last 200 events are 'hop' between site 2 (layer 2) and site 3 (layer 3)")
    after = engine.state()
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_one_site_and_none():
    engine = flickering()
    words = flicker_report([(0, 4, -1)] * 3, engine.mechanisms, engine.lattice)
    assert words == "3 of the last 3 events are 'hop' at site 4 (layer 4)"
    assert flicker_report([], engine.mechanisms, engine.lattice) == "no event has happened"
    with pytest.raises(ValueError, match="events must be at least 1"):
        next_moves(engine, 0)
