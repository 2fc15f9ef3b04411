"""Planted shifts are seen with the power that a validation states for them, within 10 points."""

import warnings

import numpy as np
import pytest

from frenkel.analysis.fitting import power
from frenkel.analysis.fitting.observations import Observations
from frenkel.cells.card import Card
from frenkel.experiment.fit_card import judge_card, power_of

pytestmark = [pytest.mark.verification, pytest.mark.timeout(3600)]

DEVICES, CYCLES, TRIALS = 12, 6, 150


def test_shifts_are_seen_with_the_stated_power():
    """HRS and LRS of other devices of the packaged card, one spread off: by judge_card itself."""
    card = Card.load("hfo2")
    names = ["hrs", "lrs"]
    features = [f for f in card.features if f.name in names]
    sampled = card.sample(DEVICES, CYCLES, 1)
    values = np.stack([f.forward(sampled[f.name]) for f in card.features], axis=2)
    held_out = Observations(card.features, values, "twelve devices")
    stated = power_of(card, held_out, trials=TRIALS)
    for feature in features:
        seen = 0
        for trial in range(TRIALS):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                drawn = card.sample(DEVICES, CYCLES, 10_000 + trial)
            drawn[feature.name] = feature.backward(
                feature.forward(drawn[feature.name]) + stated.shifts[feature.name]
            )
            rows, _ = judge_card(card, dataset(card, drawn))
            seen += any(row.verdict == "FAILED" for row in rows)
        print(f"{feature.name}: stated {stated.seen[feature.name][power.ANY]:.2f}, seen {seen / TRIALS:.2f}")
        assert abs(stated.seen[feature.name][power.ANY] - seen / TRIALS) < 0.10


def dataset(card, drawn):
    """Return numbers of cycles as a table."""
    import xarray as xr

    units = {f.name: f.unit for f in card.features}
    return xr.Dataset({n: (("device", "cycle"), v, {"units": units[n]}) for n, v in drawn.items()})
