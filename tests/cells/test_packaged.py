"""The ensembles and the card that come with the package: they open, belong together, and pass the gate."""

import json
from pathlib import Path

import numpy as np
import pytest

import frenkel as fk
from frenkel.analysis.fitting import gate, gate_jumps, jump_fit
from frenkel.analysis.fitting.observations import Observations, from_dataset, parts
from frenkel.cells.card import Card
from frenkel.cells.jumps import ARRAYS
from frenkel.configuration.device import parse
from frenkel.experiment.ensemble_file import open_ensemble

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CYCLES, MEASURED, CARD = (EXAMPLES / name for name in
                          ("ensemble_cycles.nc", "ensemble_jumps.nc", "hfo2.card.json"))  # fmt: skip
HELD_OUT = 0.3
"""Default of frenkel fit, with seed 0."""


@pytest.fixture(scope="module")
def cycles():
    with open_ensemble(CYCLES) as ensemble:
        return from_dataset(ensemble, origin="examples/ensemble_cycles.nc")


def test_devices_switch(cycles):
    """256 devices of 100 cycles; all of the cycles have a window of 10 or more."""
    assert cycles.values.shape == (256, 100, 4)
    assert CYCLES.stat().st_size < 1.2e6
    place = {name: i for i, name in enumerate(cycles.names)}
    window = cycles.values[:, :, place["hrs"]] - cycles.values[:, :, place["lrs"]]
    assert np.mean(window > np.log(10)) > 0.999
    assert np.isfinite(cycles.values).mean() > 0.999


@pytest.mark.parametrize("path", [CYCLES, MEASURED], ids=lambda path: path.stem)
def test_configuration_is_the_example(path):
    """What the file says made it is what the example says."""
    asked = fk.read_configuration(path.with_suffix(".toml")).document()
    with open_ensemble(path) as ensemble:
        made = json.loads(ensemble.attrs["provenance"])["configuration"]["points"][0]
    made = parse(made).document()  # a version before wrote it, with some keys under other names
    for name in ("device", "circuit", "phase", "seed", "read_voltage", "material"):
        assert made[name] == asked[name], name
    assert made.get("measure") == asked.get("measure")


def test_card_belongs_to_the_ensemble():
    """It is what `frenkel fit` makes of the ensemble beside it, number by number, and passes each row."""
    card = Card.load(CARD)
    assert card.provenance["observations"] == "examples/ensemble_jumps.nc"  # of no machine
    assert card.provenance["file"] == MEASURED.name and card.provenance["devices"] == 64
    # Ramps to the higher limit reach it too early (docs/compact.md), at this rate by more than is allowed.
    failed = [row["statistic"] for row in card.gate if not row["passed"]]
    assert len(card.gate) > 80 and failed == ["ramp of hrs at 100000 V/s to 3e-05 A: switching voltage"]
    # Ramps to SET are judged, at three rates.
    assert sum(row["statistic"].startswith("ramp of hrs") for row in card.gate) >= 8
    assert len(card.intervals) > 50 and not card.core  # no scale of a sinh is in states that bend
    assert CARD.stat().st_size < 2.1e6 and MEASURED.stat().st_size < 2.2e6
    with open_ensemble(MEASURED) as ensemble:
        cycles = from_dataset(ensemble)
        data = ensemble.load()
    assert card.names == cycles.names and cycles.values.shape == (64, 12, 4)
    done = jump_fit.finished(data)
    training = done[parts(len(done), 1.0 - HELD_OUT, 0)[0]]
    law, _, _, left_out = jump_fit.gathered(data, training, np.random.default_rng([0, 6]))
    assert left_out == 0
    for name in ARRAYS:
        assert np.array_equal(getattr(law, name), getattr(card.jump_law, name)), name


def test_cells_of_the_card_do_what_devices_did(monkeypatch):
    """Devices that the law was not fitted to: fractions of moved and switched over 60 voltages and times.

    Mean errors of 0.05 are asked of 24 devices and 40 cells a probe (validation/jump_card.py).
    Here are 19 and 4: 0.06 is allowed. Cells that never jump miss by 0.2 and more, more than three times that
    (0.25 moved from HRS, so that the 0.25 and 0.08 of the former devices cannot be asked).
    """
    monkeypatch.setattr(gate_jumps, "CELLS", 4)
    monkeypatch.setattr(gate_jumps, "RAMPED", 1)  # whose ramps are not read here
    card = Card.load(CARD)
    with open_ensemble(MEASURED) as ensemble:
        data = ensemble.load()
    done = jump_fit.finished(data)
    held_out = done[parts(len(done), 1.0 - HELD_OUT, 0)[1]]
    found = {one.name: one for one in gate_jumps.compared(card.jump_law, data, held_out)}
    for state in ("hrs", "lrs"):
        for what in ("moved", "switched"):
            one = found[f"hold of {state}: {what}"]
            assert one.error() < 0.06 < 0.2 < one.measured.mean(), one.error()


def test_pooled_cycles_are_refused(cycles):
    """Planted: right pooled distribution, but every device is alike and cycles forget.

    All 256 devices judge: they are near each other, and 77 tell their KS from chance by 1.7 floors only.
    """
    pool = cycles.values.reshape(-1, cycles.values.shape[2])
    pool = pool[np.isfinite(pool).all(axis=1)]

    def sampler(devices, number, seed):
        rows = pool[np.random.default_rng(seed).integers(0, len(pool), devices * number)]
        whole = rows.reshape(devices, number, -1)
        return {f.name: f.backward(whole[:, :, i]) for i, f in enumerate(cycles.features)}

    failed = {row.statistic for row in gate.judge(cycles, sampler, repeats=4) if not row.passed}
    assert "cross-correlation at lag 1" in failed
    for statistic, fails in (("device KS", True), ("autocorrelation at lag 1", True), ("pooled KS", False)):
        assert any(name.startswith(statistic) for name in failed) == fails


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
