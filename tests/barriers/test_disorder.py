"""Charge states, corrections and disordered cells."""

import numpy as np
import pytest

from frenkel.barriers.disorder import correlation_length
from frenkel.barriers.errors import BarrierError
from frenkel.barriers.numbers import changes
from frenkel.barriers.study import Disorder, Findings, HopEnergy


def findings(**other):
    hop = HopEnergy("O1-O1", 2.5, 12, 0.8, 0.6, (), (), "here")
    given = {"hops": (hop,), "barrier": 0.8, "decided_by": "the hop", "cell": "48 atoms"}
    return Findings("HfO2", "O", "CHGNet 0", "machine-learned potential", **(given | other))


def test_a_planted_correlation_is_found_and_none_where_there_is_none():
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 20, (60, 3))
    gaps = places[:, None] - places
    gaps -= 20 * np.rint(gaps / 20)
    law = np.exp(-(gaps**2).sum(axis=-1) / (2 * 3.0**2)) + 1e-6 * np.eye(60)
    values = np.linalg.cholesky(law) @ rng.standard_normal(60)
    length, gain = correlation_length(places, values, 20 * np.eye(3))
    assert length == pytest.approx(3.0, abs=0.75) and gain > 5
    assert correlation_length(places, rng.standard_normal(60), 20 * np.eye(3))[1] < 1.92


def test_the_spread_of_hops_is_that_of_a_mean_of_two_sites():
    written = changes(findings(disorder=Disorder(0.2, 0.3, 20, 12, 0.0, 0.0)), ["vacancy"])["disorder"]
    assert written["site_energy"]["value"] == 0.2 and "correlation_length" not in written
    assert written["barrier"]["value"] == pytest.approx(0.3 * np.sqrt(2), rel=1e-3)


def test_charge_states_and_a_correction():
    hops = tuple(
        HopEnergy("a", 2.5, 1, e, e, (), (), "f", charge=q) for q, e in ((2, 0.7), (1, 1.1), (0, 2.4))
    )
    written = changes(findings(hops=hops), ["vacancy", "charge_states"], correction=-0.1)
    assert written["charge_states"]["migration_barrier_one"]["value"] == 1.1
    assert written["charge_states"]["migration_barrier_two"]["value"] == 2.4
    assert written["vacancy"]["migration_barrier"]["value"] == pytest.approx(0.7)
    with pytest.raises(BarrierError, match="below 0"):
        changes(findings(), ["vacancy"], correction=-0.9)
