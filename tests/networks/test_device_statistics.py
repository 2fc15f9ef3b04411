"""Statistics of a device as a network sees it: closed forms, cards, errors."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from made_up_cards import made_up_card
from made_up_core import CARD

from frenkel.analysis.reliability import pulse_trains
from frenkel.analysis.reliability.linearity import nonlinearity
from frenkel.cells.card import CardError
from frenkel.cells.noise import NoiseError, RelaxationLaw, RelaxationState, RtnLaw, RtnState
from frenkel.networks import measured
from frenkel.networks.device_statistics import (
    DeviceStatistics,
    curvature,
    from_card,
    placeholder,
    statistics_of,
)

IDEAL = placeholder(variability=0.0, read_noise=0.0, rtn_amplitude=0.0, drift_spread=0.0, cycle_noise=0.0)


@pytest.mark.parametrize("label", [-5.0, -1.0, 0.0, 1.0, 3.0, 5.0, 9.0])
def test_pulses_have_the_label_they_were_asked_for(label):
    device = IDEAL.changed(nonlinearity_up=label, nonlinearity_down=label, pulses=500)
    place, curve = np.zeros(1), [0.0]
    for _ in range(500):
        place = device.pulsed(place, np.ones(1), np.random.default_rng(0))
        curve.append(float(place[0]))
    assert curve[-1] == pytest.approx(1.0, abs=1e-9)
    assert nonlinearity(curve) == pytest.approx(label, abs=0.02)
    down = device.pulsed(np.ones(1), -100 * np.ones(1), np.random.default_rng(0))
    assert 1.0 - down[0] == pytest.approx(curve[100], abs=1e-9)


def test_ways_up_and_down_have_their_own_labels_and_noise_adds_up():
    device = IDEAL.changed(nonlinearity_up=3.0, nonlinearity_down=0.0, pulses=100)
    random = np.random.default_rng(0)
    up, down = (
        device.pulsed(np.zeros(1), np.full(1, 50.0), random),
        device.pulsed(np.ones(1), np.full(1, -50.0), random),
    )
    b = curvature(3.0)
    assert up[0] == pytest.approx((1 - np.exp(-b / 2)) / (1 - np.exp(-b)))
    assert down[0] == pytest.approx(0.5)
    noisy = device.changed(nonlinearity_up=0.0, cycle_noise=0.01)
    seen = noisy.pulsed(np.full(20_000, 0.3), np.full(20_000, 16.0), random)
    # 16 pulses of 0.01: 0.04 around 0.46; 4.5 standard errors of mean and deviation, 7e-6.
    assert seen.mean() == pytest.approx(0.46, abs=4.5 * 0.04 / np.sqrt(seen.size))
    assert seen.std() == pytest.approx(0.04, rel=4.5 / np.sqrt(2 * seen.size))
    assert noisy.pulsed(np.full(2, 0.3), np.zeros(2), random) == pytest.approx(0.3, abs=1e-15)


def test_curvature_is_odd():
    assert curvature(-2.0) == -curvature(2.0)


def test_drift_is_a_power_law_after_its_start():
    device = IDEAL.changed(drift_mean=0.05, drift_start=2.0)
    g, nu = np.full(3, 1e-5), np.full(3, 0.05)
    assert np.array_equal(device.drifted(g, nu, 1.0), g)
    assert device.drifted(g, nu, 2e4) == pytest.approx(1e-5 * 1e4**-0.05)
    with pytest.raises(ValueError, match="time must be at least 0"):
        device.drifted(g, nu, -1.0)


def test_telegraph_noise_has_the_amplitude_of_its_law():
    device = placeholder(rtn_amplitude=0.1, rtn_occupancy=0.25)
    g = np.full(40_000, 0.25 * device.g_max)
    seen = device.telegraph(g, np.random.default_rng(3)) / g[0]
    # a (G/g_max)^-1/2 = 0.2 of G, between two levels around G.
    assert sorted(set(np.round(seen, 12))) == pytest.approx([0.85, 1.05])
    # The fraction of filled traps within 4.5 standard errors, false alarm 7e-6.
    assert np.mean(seen < 1.0) == pytest.approx(0.25, abs=4.5 * np.sqrt(0.25 * 0.75 / g.size))


def test_programming_has_the_spread_of_its_law():
    device = placeholder(variability=0.2)
    seen = np.log(device.programmed(np.full(50_000, 1e-5), np.random.default_rng(4)) / 1e-5)
    # Standard errors of a mean and of a deviation, 4.5 of each: 7e-6.
    assert seen.mean() == pytest.approx(0.0, abs=4.5 * 0.2 / np.sqrt(seen.size))
    assert seen.std() == pytest.approx(0.2, rel=4.5 / np.sqrt(2 * seen.size))


def test_scaled_multiplies_and_changed_says_so():
    device = placeholder()
    twice = device.scaled(drift=2.0, rtn=0.5)
    assert (twice.drift_mean, twice.drift_spread) == (2 * device.drift_mean, 2 * device.drift_spread)
    assert twice.rtn_amplitude == 0.5 * device.rtn_amplitude
    assert twice.hash != device.hash
    assert device.changed(variability=0.3).origins["variability"] == "stated"
    assert set(device.placeholders) == set(device.numbers)


def test_a_card_gives_its_window_and_marks_what_it_lacks():
    card = replace(CARD, core={})
    device = from_card(card)
    drawn = card.sample(400, 50, seed=0)
    assert device.g_max == pytest.approx(1.0 / np.median(drawn["lrs"]))
    assert device.origins["variability"] == "card"
    assert device.missing == ("read noise", "telegraph noise", "relaxation", "pulse trains")
    assert not device.placeholders and device.knows("blind pulses")
    # Of what it lacks nothing acts.
    g, random = np.full(5, device.g_max), np.random.default_rng(0)
    assert np.array_equal(device.telegraph(g, random), g) and device.read_noise == 0.0
    assert np.array_equal(device.drifted(g, device.exponents(g.shape, random), 1e8), g)


def test_the_core_of_a_card_answers_trains_of_pulses():
    device, trains = from_card(CARD), pulse_trains.statistics(CARD, 64)
    # The tables of benchmarks turn the sign of the way down; here positive is "first pulses most" both ways.
    assert trains.label_up > 0.0 > trains.label_down
    assert (device.nonlinearity_up, device.nonlinearity_down) == (trains.label_up, -trains.label_down)
    # The core's drive, and how many pulses a train has, are somebody's choice.
    assert device.cycle_noise == trains.cycle and device.origins["cycle_noise"] == "chosen"
    assert device.pulses == 64 and not device.knows("pulse trains")


def test_a_card_with_all_layers_lacks_nothing_but_trains():
    rtn = RtnLaw(
        states=(
            RtnState(
                name="lrs", conductance=1e-4, traps=4.0, dispersion=1.0, amplitude=(np.log(0.01), 0.0),
                high=(np.log(3.0), 0.0), low=(np.log(1.0), 0.0), noise=0.002,
            ),
        )
    )  # fmt: skip
    relaxation = RelaxationLaw(
        states=(RelaxationState(name="lrs", conductance=1e-4, location=(0.0, -0.01), spread=(0.0, 0.004)),),
        reference=10.0,
    )
    device = from_card(replace(CARD, rtn_law=rtn, relaxation_law=relaxation))
    assert device.missing == ("pulse trains",) and device.longest == np.inf
    assert device.rtn_amplitude == pytest.approx(-np.expm1(-0.02))
    assert (device.rtn_occupancy, device.read_noise) == (pytest.approx(0.25), 0.002)
    assert (device.drift_mean, device.drift_spread, device.drift_start) == (0.01, 0.004, 10.0)


def reads(cells=150, times=(0.0, 1.0, 100.0)):
    """Return cells that start at 1, 2, ... uS and lose a share each by 1 s and twice that by 100 s."""
    start = np.arange(1.0, cells + 1.0) * 1e-6
    share = np.where(np.arange(cells) % 2, 0.1, 0.3)
    later = [start * (1.0 - part * share) for part in (0.0, 1.0, 2.0)]
    count = len(times)
    return xr.Dataset(
        {
            "read_device": ("read", np.tile(np.arange(cells), count)),
            "read_time": ("read", np.repeat(times, cells)),
            "read_temperature": ("read", np.full(cells * count, 300.0)),
            "read_conductance": ("read", np.concatenate(later[:count])),
        },
        coords={"device": np.arange(cells).astype(str)},
    )


def test_measured_cells_stand_for_programmed_ones():
    """Half of the neighbours keep 0.9 and 0.8, half 0.7 and 0.4 of G; half way in ln t half way between."""
    law = measured.relaxation_of(reads(), "made up")
    g, random = np.full(20_000, 80e-6), np.random.default_rng(1)
    rank = random.random(g.size)
    assert np.array_equal(law.after(g, rank, 0.5), g)
    for time, exact in ((1.0, (0.7, 0.9)), (10.0, (0.55, 0.85)), (100.0, (0.4, 0.8))):
        share = law.after(g, rank, time) / g
        assert sorted(set(np.round(share, 12))) == pytest.approx(exact)
        # 4.5 standard errors of a fraction of a half: 7e-6.
        assert np.mean(share > np.mean(exact)) == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(g.size))
    with pytest.raises(NoiseError, match="measured up to 100 s, got a time of 101 s"):
        law.after(g, rank, 101.0)
    # Of 64 neighbours none is further than 32 of 80 uS away, and the ends have the last 64.
    near = law.like(np.array([0.0, 80.5e-6, 1.0]), np.array([0.0, 0.0, 1.0]))
    assert list(near) == [0, 48, 149]


def test_a_measurement_gives_a_window_and_names_what_was_not_measured():
    device = statistics_of("measured:foundry_b")
    start = device.relaxation.start
    assert device.window == pytest.approx(tuple(np.percentile(start, [5.0, 95.0])))
    assert device.missing == ("blind pulses", "read noise", "telegraph noise", "pulse trains")
    assert device.longest == 1e4 and not device.placeholders
    g, random = np.full(4000, 50e-6), np.random.default_rng(0)
    spread = [device.drifted(g, device.exponents(g.shape, random), t).std() for t in (0.1, 1e4)]
    assert 0.0 < spread[0] < spread[1]
    cycles = statistics_of("measured:cycles")
    assert cycles.knows("blind pulses") and cycles.origins["g_max"] == "measured"
    assert cycles.hash != device.hash


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("measured:foundry", "no measured cells 'foundry'; there are cycles, foundry_b, or give the path"),
        ("measured:traces", "no reads in time and no hrs and lrs"),
        ("measured:bake", "reads at several temperatures"),
    ],
)
def test_measurements_that_give_no_cell_are_refused(source, message):
    with pytest.raises(measured.MeasuredError, match=message):
        statistics_of(source)


def test_too_few_measured_cells_are_refused():
    with pytest.raises(measured.MeasuredError, match="at least 100 cells .* got 40 cells at 3"):
        measured.relaxation_of(reads(40), "made up")
    with pytest.raises(measured.MeasuredError, match="two times or more, got 150 cells at 1"):
        measured.relaxation_of(reads(times=(0.0,)), "made up")


def test_cards_that_do_not_fit_are_refused():
    with pytest.raises(CardError, match="no feature lrs"):
        from_card(made_up_card())
    hot = replace(CARD, validity={"temperature": (280.0, 320.0)})
    with pytest.raises(CardError, match="temperature 500"):
        statistics_of(hot, temperature=500.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("variability", -0.1),
        ("rtn_occupancy", 1.5),
        ("nonlinearity_up", 10.5),
        ("pulses", 0),
        ("g_min", 2e-4),
    ],
)
def test_numbers_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        DeviceStatistics(**(placeholder().numbers | {name: value}))
