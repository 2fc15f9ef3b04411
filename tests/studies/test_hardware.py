"""Studies on networks from end to end: they hold together, repeat, and their verdicts follow the numbers.

Networks are hardly trained here; orderings of accuracies need the studies themselves (`make studies`).
"""

import importlib
import json

import numpy as np
import pytest
import xarray as xr

from frenkel.networks import images
from frenkel_studies import (
    architectures,
    noise,
    nonidealities,
    system_card,
    timing,
    training,
    write_verify,
)  # fmt: skip
from frenkel_studies.common.claims import Effect, judged
from frenkel_studies.common.data import Interval
from frenkel_studies.common.settings import Settings
from frenkel_studies.methods import hardware
from frenkel_studies.methods.splits import splits

pytest.importorskip("sklearn", reason="digits come from scikit-learn")


@pytest.fixture
def found(reduced_study):
    """Return datasets of the studies, made when first asked for."""
    return lambda name: reduced_study(name).data


def test_the_same_seed_gives_the_same_study(found, reduced_study):
    again = training.run(reduced_study.settings)
    for name, values in found("training").data_vars.items():
        assert np.array_equal(values, again[name]), name


def test_networks_learn_digits_and_noise():
    """300 steps: 9 of 10 digits; trained under a noise, networks are better under it by many points."""
    settings, parts = Settings(seeds=2, chips=4, steps=300), splits("digits", 2, 1)
    noisy, test = training.lognormal(0.5), parts.samples(parts.test)
    plain, aware = (hardware.trained(parts, settings, noise) for noise in (None, noisy))
    assert np.all(hardware.tested(plain, test, 1, settings.random(1)) > 90.0)
    seen = [hardware.tested(net, test, 4, settings.random(1), noisy).mean() for net in (plain, aware)]
    assert seen[1] > seen[0] + 3.0


def test_convolutions_learn_digits():
    settings, parts = Settings(seeds=2, steps=150, network="convolution"), splits("digits", 2, 1)
    found = hardware.tested(
        hardware.trained(parts, settings), parts.samples(parts.test), 1, settings.random(1)
    )
    assert np.all(found > 88.0)


def test_every_network_has_a_split_of_its_own():
    parts = splits("digits", 3, 1)
    for k in range(3):
        every = np.concatenate([parts.train[k], parts.validation[k], parts.test[k]])
        assert len(set(every)) == len(every) == 1797
    assert not np.array_equal(parts.test[0], parts.test[1])
    again = splits("digits", 2, 1)
    assert np.array_equal(parts.test[:2], again.test) and not np.array_equal(
        parts.test[0], splits("digits", 2, 2).test[0]
    )


def test_a_published_test_part_is_dealt_out(monkeypatch):
    """Each of its images goes to one network, and none is learnt from."""
    y = np.tile([0, 1], 50)
    pool = images.Pool(name="", source="", x=np.zeros((100, 1)), y=y, shape=(1, 1), tested=21)
    monkeypatch.setattr("frenkel_studies.methods.splits.pool", lambda _: pool)
    parts = splits("", 4, 1)
    assert parts.test.shape == (4, 5) and len(set(parts.test.ravel())) == 20 and parts.test.min() >= 79
    assert max(parts.train.max(), parts.validation.max()) < 79
    with pytest.raises(images.DataError, match="too few images for 40 networks"):
        splits("", 40, 1)


def test_common_factors_cancel_in_both_analogue_subtractions(found):
    data = found("architectures")
    error = data.common_error
    assert float(error.sel(mapping="pair")) < 1e-12 and float(error.sel(mapping="reference")) < 1e-12
    assert float(error.sel(mapping="offset")) > 0.1
    assert float(data.kirchhoff_residual) < 1e-9
    # Without a transistor the closed form: R/(2/(n-1) + 1/(n-1)^2) beside the cell.
    made = json.loads(data.attrs["provenance"])["configuration"]["device"]
    n, window = 64, made["g_max"] / made["g_min"]
    floating = float(data.single_read_error.sel(scheme="floating", size=n))
    assert floating == pytest.approx(window / (2 / (n - 1) + 1 / (n - 1) ** 2), rel=1e-3)
    assert float(data.single_read_error.sel(scheme="half", size=n)) == pytest.approx(
        (n - 1) * window / 2, rel=1e-3
    )


def test_the_clock_agrees_with_the_sum_and_the_batch(found):
    data = found("write-verify")
    assert float(data.clock_time) == float(data.summed_time)
    # 4.5 standard errors of the mean over the cells on the clock: 7e-6.
    assert abs(float(data.clock_pulses - data.batch_pulses)) < 4.5 * float(data.clock_pulses_error)
    count = data.pulses_per_cell.sel(pulses="equal").mean("seed").values
    assert (np.diff(count) > 0.0).all()


def test_energies_of_a_card_add_up_and_counts_are_closed_forms(found):
    data = found("system-card")
    assert np.allclose(data.energy.sum("component"), data.total_energy, rtol=1e-12)
    assert float(data.count_dense) == float(data.closed_dense) == 64 * 32 + 32 * 10
    # The model that is fitted to one published chip is within a factor of two at its other settings.
    found = next(c for c in system_card.claims(data) if c.id == "system-card-neurram")
    assert found.verdict == "supports"


# --------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ([(1.0, 0.2)], "supports"),
        ([(1.0, 0.6)], "open"),  # what would matter, 0.5, is inside
        ([(0.2, 0.2)], "contradicts"),
        ([(-1.0, 0.2)], "contradicts"),
        ([(1.0, 0.2), (2.0, 1.0)], "supports"),
        ([(1.0, 0.2), (-1.0, 0.2)], "corrects"),
        ([(1.0, 0.2), (-1.0, 0.2), (0.5, 9.0)], "corrects"),
        ([(1.0, 0.2), (0.5, 9.0)], "open"),
        ([(-1.0, 0.2), (0.5, 9.0)], "open"),
        ([(1.0, np.inf)], "open"),
    ],
)
def test_a_verdict_follows_from_effects_and_their_intervals(effects, verdict):
    assert judged([Effect(Interval(*one), 0.5) for one in effects]) == verdict


SWAPPED = [
    (nonidealities, "nonidealities-rtn", "telegraph_accuracy", "telegraph_mitigation", ["pair"], ["offset"]),
    (nonidealities, "nonidealities-variability", "variability_accuracy", "variability_mitigation",
     ["noise-aware training", "neurons rescaled"], ["none"]),
    (nonidealities, "nonidealities-devices", "online_accuracy", "device", ["PCMO"],
     ["AlOx/HfO2", "Ag:a-Si", "TaOx/TiO2"]),
    (architectures, "architectures-noise", "independent_accuracy", "mapping", ["pair"], ["reference"]),
    (architectures, "architectures-mapping", "absolute_accuracy", "mapping", ["pair"], ["offset"]),
    (training, "training-mtrd", "accuracy", "training", ["robust teachers"], ["plain"]),
    (training, "training-teachers", "accuracy", "training", ["robust teachers"], ["clean teacher"]),
    (training, "training-fair", "accuracy", "training", ["robust teachers"], ["noise-aware"]),
    (training, "training-places", "place_accuracy", "place", ["weights"], ["inputs", "outputs"]),
    (write_verify, "write-verify-trains", "pulses_per_cell", "pulses", ["amplitude"], ["equal"]),
    (timing, "timing-forecast", "forecast_error", "forecast", ["ten past values"],
     ["devices, spread and noise"]),
    (noise, "noise-rounding", "rounding_accuracy", "rounding", ["device, corrected"], ["nearest"]),
]  # fmt: skip
"""Study, claim, variable, dimension, and values of it that are to be above others if the claim holds."""


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # shares of losses that are none here
@pytest.mark.parametrize(
    ("module", "claim", "name", "dim", "above", "below"), SWAPPED, ids=lambda v: str(v)[:30]
)
def test_verdicts_come_out_three_ways(found, module, claim, name, dim, above, below):
    """Numbers that are put in: above by much, below by much, and by what chance among networks hides."""
    data = found(module.__name__.rsplit(".", 1)[-1].replace("_", "-")).copy(deep=True)

    def verdict(high, low, chance):
        made = data.copy(deep=True)
        for names, level, sign in ((above, high, 1.0), (below, low, -1.0)):
            for one in names:
                values = made[name].loc[{dim: one}]
                made[name].loc[{dim: one}] = level + sign * chance * _turns(values)
        return next(c.verdict for c in module.claims(made) if c.id == claim)

    assert verdict(90.0, 80.0, 0.01) == "supports"
    assert verdict(80.0, 90.0, 0.01) == "contradicts"
    assert verdict(85.5, 85.0, 20.0) == "open"


def _turns(values):
    """Return +1 and -1 in turn along the networks."""
    turns = xr.DataArray((-1.0) ** np.arange(values.sizes["seed"]), dims="seed")
    return xr.zeros_like(values) + turns


def test_the_others_follow_their_numbers_too(found):
    """Claims of one variable or of several effects, each set to what supports and to what contradicts it."""
    data = found("write-verify").copy(deep=True)

    def verdict(module, data, claim):
        return next(c.verdict for c in module.claims(data) if c.id == claim)

    for within, blind, expected in (
        (95.0, 80.0, "supports"),
        (60.0, 80.0, "contradicts"),
        (80.0, 60.0, "corrects"),
    ):
        made = data.copy(deep=True)
        made["float"][:], made["within_accuracy"][:], made["blind_accuracy"][:] = 95.0, within, blind
        assert verdict(write_verify, made, "write-verify-blind") == expected
    data = found("architectures").copy(deep=True)
    for reference, pair, expected in (
        (60.0, 60.0, "supports"),
        (95.0, 95.0, "contradicts"),
        (60.0, 95.0, "corrects"),
    ):
        made = data.copy(deep=True)
        made["float"][:] = 95.0
        for mapping, value in (("reference", reference), ("pair", pair)):
            made["wire_accuracy"].loc[{"mapping": mapping}] = value
        assert verdict(architectures, made, "architectures-drop") == expected
    data = found("timing").copy(deep=True)
    for one, expected in ((1.0, "supports"), (0.3, "contradicts")):
        made = data.copy(deep=True)
        made["interval_accuracy"][:], made["interval_parallel"][:] = 1.0, one
        assert verdict(timing, made, "timing-atoms") == expected
    data = found("nonidealities").copy(deep=True)
    for lost, expected in ((10.0, "supports"), (0.0, "contradicts")):
        made = data.copy(deep=True)
        made["float"][:], made["drift_accuracy"][:] = 95.0, 95.0 - lost
        assert verdict(nonidealities, made, "nonidealities-refresh") == expected


def test_what_follows_from_what_was_put_in_is_called_arithmetic(found):
    told = {
        c.id for name, module in (
            ("architectures", architectures), ("write-verify", write_verify), ("system-card", system_card),
        ) for c in module.claims(found(name)) if c.verdict == "arithmetic"
    }  # fmt: skip
    assert told == {
        "architectures-sneak", "architectures-common", "write-verify-noise", "write-verify-clock",
        "system-card-neurobench", "system-card-sum", "system-card-area",
    }  # fmt: skip


HEADLINES = {
    "nonidealities": ("variability of one blind pulse", "relaxation"),
    "architectures": ("one pulse of the cell", "conductance of all cells (mS)", "(range)"),
    "write-verify": ("accuracy within it", "reached by whole cycles"),
    "training": ("one pulse of the cell",),
    "timing": ("a spike adds 0.25", "a spike adds 0.75", "range"),
    "noise": ("device, corrected",),
    "system-card": ("one blind pulse of the cell", "within 0.05 (range)", "within 0.02 (range)"),
}
"""What the first table of each study holds: the cell's own, and ranges that are called so."""


@pytest.mark.parametrize("name", HEADLINES)
def test_first_tables_hold_the_cell_and_ranges(found, name):
    """No number of a cell is a placeholder or follows from a choice; no energy of a chosen pulse is there."""
    data = found(name)
    made = json.loads(data.attrs["provenance"])["configuration"]
    assert not {"placeholder", "chosen"} & set(made.get("device_origins", {}).values())
    module = importlib.import_module(f"frenkel_studies.{name.replace('-', '_')}")
    first = module.table(data).split("\n\n")[0]
    assert all(words in first for words in HEADLINES[name]), first
    if name == "architectures":
        assert " J " not in first


def test_one_pulse_of_the_cell_is_that_of_its_spread(found):
    """And the energy of the note is that of the conductance in the table."""
    data = found("architectures")
    made = json.loads(data.attrs["provenance"])["configuration"]["device"]
    assert float(data.own_spread) == made["variability"] > 0.0
    # Volt squared times seconds: half of 0.2 V for 10 ns.
    assert data.cell_energy.values == pytest.approx(0.1**2 * 10e-9 * data.driven.values)
