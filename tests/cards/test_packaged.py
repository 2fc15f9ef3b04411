"""The ensemble and the card that come with the package: they open, belong together, and pass the gate."""

from pathlib import Path

import numpy as np
import pytest

import frenkel as fk
from frenkel.analysis.fitting import gate
from frenkel.analysis.fitting.observations import Observations, from_dataset
from frenkel.cards.card import Card
from frenkel.experiment.ensemble_file import open_ensemble

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ENSEMBLE, CARD = EXAMPLES / "ensemble_cycles.nc", EXAMPLES / "hfo2.card.json"
HELD_OUT = 0.3
"""Default of frenkel fit, with seed 0."""


@pytest.fixture(scope="module")
def cycles():
    with open_ensemble(ENSEMBLE) as ensemble:
        return from_dataset(ensemble, origin="examples/ensemble_cycles.nc")


@pytest.fixture(scope="module")
def held_out(cycles):
    return cycles.split(1 - HELD_OUT, 0)[1]


def test_devices_switch(cycles):
    """256 devices of 100 cycles; nearly all of the cycles have a window of 3 or more."""
    assert cycles.values.shape == (256, 100, 4)
    assert ENSEMBLE.stat().st_size < 3e6
    place = {name: i for i, name in enumerate(cycles.names)}
    window = cycles.values[:, :, place["hrs"]] - cycles.values[:, :, place["lrs"]]
    assert np.mean(window > np.log(3)) > 0.95
    assert np.isfinite(cycles.values).mean() > 0.98


def test_configuration_is_the_example():
    """What the file says made it is what the example says."""
    import json

    from frenkel.configuration.device import parse

    asked = fk.read_configuration(EXAMPLES / "ensemble_cycles.toml").document()
    with open_ensemble(ENSEMBLE) as ensemble:
        made = json.loads(ensemble.attrs["provenance"])["configuration"]["points"][0]
    made = parse(made).document()  # a version before wrote it, with some keys under other names
    made["material"] = {"HfO2": "HfO2-volatile"}[made["material"]]  # another set has the name now
    for name in ("device", "circuit", "phase", "seed", "read_voltage", "material"):
        assert made[name] == asked[name], name


def test_card_belongs_to_the_ensemble(cycles):
    card = Card.load(CARD)
    assert card.names == cycles.names
    assert card.provenance["file"] == ENSEMBLE.name
    assert card.provenance["devices"] + card.provenance["devices_without_cycles"] == 179
    assert card.gate and all(row["passed"] for row in card.gate)
    assert len(card.intervals) > 50 and card.core


def test_card_passes_its_gate(held_out):
    """Fewer repetitions than in the card, the same splits: a fixed seed."""
    rows = gate.judge(held_out, Card.load(CARD), repeats=4)
    assert gate.passed(rows), gate.table(rows)


def test_pooled_cycles_are_refused(held_out):
    """Planted: right pooled distribution, but every device is alike and cycles forget."""
    pool = held_out.values.reshape(-1, held_out.values.shape[2])
    pool = pool[np.isfinite(pool).all(axis=1)]

    def sampler(devices, number, seed):
        rows = pool[np.random.default_rng(seed).integers(0, len(pool), devices * number)]
        whole = rows.reshape(devices, number, -1)
        return {f.name: f.backward(whole[:, :, i]) for i, f in enumerate(held_out.features)}

    failed = {row.statistic for row in gate.judge(held_out, sampler, repeats=4) if not row.passed}
    assert {"device KS", "autocorrelation at lag 1"} <= failed
    assert "pooled KS" not in failed


def test_members_that_were_not_run_are_left_out():
    """Made up: of three members one failed, and a resistance without current counts as missing."""
    import xarray as xr

    values = np.array([[1e5, np.inf], [2e5, 3e5], [4e5, 5e5]])
    data = xr.Dataset(
        {"hrs": (("member", "cycle"), values, {"units": "ohm"}), "status": ("member", [0, 1, 0])}
    )
    found = from_dataset(data)
    assert isinstance(found, Observations) and found.values.shape == (2, 2, 1)
    assert np.isnan(found.values[0, 1, 0]) and found.features[0].missing == 0.25
