"""The specialised loop of a plain hop: bit for bit the general one."""

import numpy as np
import pytest

from frenkel.kinetic.engine.engine import Engine
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy

A = 2.6e-10


def pair(shape, lateral="periodic", binding=0.0, crowding=None, share=0.1, rough=False):
    """Return an engine that may use the specialised loop, and one that may not."""
    lattice = Lattice.cubic(shape, A, lateral=lateral)
    n = lattice.n_sites
    codes = np.zeros(n)
    codes[np.random.default_rng(1).choice(n, max(1, int(share * n)), replace=False)] = VACANCY.code
    rng = np.random.default_rng(3)
    fields = {"potential": rng.normal(0.0, 0.1, n), "temperature": rng.uniform(900.0, 1100.0, n)}
    hop = Mechanism("hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), barrier=0.5,
                    attempt_frequency=1e13, crowding=crowding, crowding_edge=0.25 * rough,
                    crowding_start=int(rough and crowding is not None),
                    heat_of_transport=0.2 * rough,
                    barrier_shift=rng.normal(0.0, 0.05, n) if rough else None)
    parts = [PairInteraction(VACANCY, VACANCY, binding)] if binding else []
    fields = fields if rough else {"temperature": 1000.0}
    engines = [Engine(lattice, [hop], codes, interactions=parts, seed=2, **fields) for _ in range(2)]
    engines[1]._hops = None
    return engines


def equal(one, two):
    first, second = one.state(), two.state()
    return all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(("shape", "lateral"), [
    ((8, 8, 8), "periodic"), ((6, 7, 8), "reflecting"), ((3, 3, 4), "periodic"), ((1, 8, 8), "periodic"),
    ((2, 2, 9), "reflecting"),
])
@pytest.mark.parametrize(("binding", "crowding"), [
    (0.0, None), (-0.1, None), (0.0, (0.1, 2)), (0.1, (-0.1, 3)),
])
@pytest.mark.parametrize(("share", "rough"), [
    (0.05, False), (0.5, False), (0.95, False), (0.1, True), (0.6, True),
])
def test_same_trajectory(shape, lateral, binding, crowding, share, rough):
    fast, plain = pair(shape, lateral, binding, crowding, share, rough)
    assert fast._hops is not None
    for events in (2000, 5, 500):
        fast.run(events=events)
        plain.run(events=events)
        assert equal(fast, plain)
    assert fast.check()[1] == 0.0
    fast.run(time=1.01 * fast.time)
    plain.run(time=1.01 * plain.time)
    assert equal(fast, plain)


def test_it_is_used_and_given_back():
    fast, plain = pair((8, 8, 8), binding=-0.1)
    fast.run(events=1000)
    assert fast._hops_ahead
    plain.run(events=1000)
    np.testing.assert_array_equal(fast.codes, plain.codes)
    assert not fast._hops_ahead
    for engine in (fast, plain):
        engine.run(events=300)
        engine.temperature = 1200.0
        engine.run(events=300)
        engine.catalogue()
        engine.fire(3)
        engine.run(events=300)
        engine.potential = 0.01 * engine.lattice.layer
        engine.run(events=300)
        engine.potential = np.full(engine.lattice.n_sites, 0.3)
        engine.run(events=300)
    assert equal(fast, plain)


def test_stops_when_nothing_can_move_and_at_a_time():
    fast, plain = pair((4, 4, 4), share=1.0)
    for engine in (fast, plain):
        assert engine.run(events=100) == "stuck"
        assert engine.run(time=3.0) == "stuck" and engine.time == 3.0
    fast, plain = pair((6, 6, 6))
    stop = 1e-12
    for engine in (fast, plain):
        assert engine.run(time=stop) == "time" and engine.time == stop
        engine.run(events=500)
    assert equal(fast, plain)


def test_not_used_where_it_does_not_apply():
    lattice = Lattice.cubic((4, 4, 4), A)
    values = {"barrier": 0.5, "attempt_frequency": 1.0}
    hop = Mechanism("hop", before=(VACANCY, OXYGEN), after=(OXYGEN, VACANCY), **values)
    turned = Mechanism("hop", before=(OXYGEN, VACANCY), after=(VACANCY, OXYGEN), **values)
    assert Engine(lattice, [turned], np.zeros(64))._hops is None
    for parts in (
        [SiteEnergy(VACANCY, np.arange(64.0) * 1e-3)],
        [PairInteraction(VACANCY, VACANCY, 0.1, motif="second")],
        [PairInteraction(VACANCY, VACANCY, 0.1, exempt=np.arange(64) < 8)],
    ):
        assert Engine(lattice, [hop], np.zeros(64), interactions=parts)._hops is None
    assert Engine(Lattice.cubic((2, 4, 4), A), [hop], np.zeros(32))._hops is None
    assert Engine(lattice, [hop], np.zeros(64))._hops is not None
