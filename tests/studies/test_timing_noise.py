"""Studies of timing and of noise: laws with closed forms, streams of bits with known faults."""

import numpy as np
import pytest
from made_up_cards import made_up_card

from frenkel.networks import perceptron
from frenkel.networks.windows import Windows
from frenkel_studies import noise, timing
from frenkel_studies.common.data import Interval, interval
from frenkel_studies.common.settings import Settings
from frenkel_studies.methods import entropy


def test_state_after_two_spikes():
    """x = g + (1 - g) g exp(-gap/tau) just after the second, and it fades by exp(-1/tau) a step."""
    spikes = np.zeros((1, 1, 12))
    spikes[0, 0, [2, 7]] = 1.0
    states = timing.respond(spikes, 4.0, 0.3)[0, 0]
    assert states[7] == pytest.approx(0.3 + 0.7 * 0.3 * np.exp(-5 / 4))
    assert states[9] == pytest.approx(states[7] * np.exp(-2 / 4))
    assert timing.at_last_spike(states[None, None], spikes)[0, 0] == states[7]
    assert timing.respond(spikes, 0.0)[0, 0, 8] == 0.0


def test_devices_that_forget_at_once_have_the_smooth_law_as_mean():
    """Mean over 40,000 devices within 5 standard errors (0.5/200) at 12 steps: false alarm below 1e-5."""
    spikes = np.zeros((1, 1, 12))
    spikes[0, 0, [1, 4, 5]] = 1.0
    random = np.random.default_rng(1)
    lifetimes = random.exponential(6.0, 200_000)
    seen = timing.respond_in_steps(spikes, lifetimes, timing.GAIN, 40_000, random)
    assert np.abs(seen - timing.respond(spikes, 6.0)).max() < 5 * 0.5 / 200


def test_lifetimes_that_were_seen_last_ten_steps_in_the_mean():
    """NaN: never set; one beyond the wait counts as the longest seen: 10, 30, 30 us have a mean of 70/3."""
    found = timing.seen(np.array([[10e-6, 30e-6], [np.inf, np.nan]]))
    assert found == pytest.approx(np.array([10.0, 30.0, 30.0]) * timing.BEST * 3.0 / 70.0)
    assert list(timing.seen(np.full((2, 2), np.nan))) == [timing.BEST]


def test_level_crossings():
    x = np.array([[[0.0, 0.25, 0.3, 0.41, 0.1, 0.1]]])
    up, down = timing.level_crossings(x, 0.2)[0]
    assert list(up) == [0, 1, 0, 1, 0, 0] and list(down) == [0, 0, 0, 0, 1, 0]


def test_von_neumann_takes_away_a_bias():
    """Independent bits of mean 0.8: corrected mean 1/2 within 5 standard errors, false alarm below 1e-6."""
    bits = np.random.default_rng(2).random((4, 100_000)) < 0.8
    rows = entropy.corrected(bits)
    kept = np.concatenate(rows)
    assert kept.size == pytest.approx(400_000 / 2 * 2 * 0.8 * 0.2, rel=0.02)
    assert abs(kept.mean() - 0.5) < 5 * 0.5 / np.sqrt(kept.size)
    assert abs(entropy.autocorrelation(rows)) < 5 / np.sqrt(kept.size)


def made_up_source(devices, cycles, seed):
    """Return SET voltages of devices that differ and remember a cycle: 0.9 ± 0.06 V, 0.08 V within, 0.3."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((devices, cycles))
    for cycle in range(1, cycles):
        noise[:, cycle] = 0.3 * noise[:, cycle - 1] + np.sqrt(1 - 0.09) * noise[:, cycle]
    return entropy.EntropySource(0.9 + 0.06 * random.standard_normal((devices, 1)) + 0.08 * noise, "made up")


def test_bits_come_from_cards_that_tell_a_set_voltage():
    found = entropy.source("hfo2", 3, 5, 1)
    assert found.voltages.shape == (3, 5) and found.origin.startswith("card hfo2")
    assert entropy.source("measured:foundry_b", 3, 5, 1) is None
    assert entropy.source(made_up_card(), 3, 5, 1) is None


def test_steering_holds_the_rate():
    source = made_up_source(64, 4000, 3)
    raw, steered = source.bits(), source.steered_bits()[:, 400:]
    assert np.std(raw.mean(axis=1)) > 0.1  # devices differ
    assert np.abs(steered.mean(axis=1) - 0.5).max() < 0.01


def test_min_entropy_of_known_chains():
    """1 of fair bits, -log2 0.75 of a mean of 0.75, (1 - 127 log2 0.9)/128 of a chain that stays with 0.9."""
    random = np.random.default_rng(5)
    assert entropy.min_entropy([random.random(200_000) < 0.5]) == pytest.approx(1.0, abs=0.02)
    assert entropy.min_entropy([random.random(200_000) < 0.75]) == pytest.approx(-np.log2(0.75), abs=0.02)
    chain = np.cumsum(random.random(200_000) > 0.9) % 2 == 0
    assert entropy.min_entropy([chain]) == pytest.approx((1 - 127 * np.log2(0.9)) / 128, abs=0.02)


def test_min_entropy_of_equal_transitions_is_one():
    """0011 again and again has each transition as often as the others: exactly 1 bit per bit."""
    assert entropy.min_entropy([np.array([0, 0, 1, 1] * 5 + [0], bool)]) == pytest.approx(1.0, rel=1e-12)


def test_numbers_from_bits_cover_the_unit_interval():
    bits = np.array([[k >> s & 1 for s in range(8, -1, -1)] for k in range(512)], bool).ravel()
    assert entropy.numbers(bits) == pytest.approx((np.arange(512) + 0.5) / 512)


CONVOLUTIONS = (
    Windows(height=5, width=4, channels=1, kernel=2), Windows(height=4, width=3, channels=2, kernel=2), None,
)  # fmt: skip


@pytest.mark.parametrize(("widths", "windows"), [((5, 4, 3), ()), ((20, 2, 3, 3), CONVOLUTIONS)])
def test_gradients_are_those_of_the_loss(widths, windows):
    """Central differences of the cross entropy, at weights and biases of two networks, with convolutions."""
    random = np.random.default_rng(0)
    net = perceptron.Perceptron.start(widths, 2, random, windows)
    for bias in net.biases:
        bias += 0.1 + 0.1 * random.random(bias.shape)  # no sum stands on the edge of its rectifier
    x, y = random.random((2, 7, widths[0])), np.array([0, 1, 2, 0, 1, 2, 0])
    places = np.tile(np.arange(7), (2, 1))

    def loss(n):
        p = perceptron.softmax(n.logits(x))
        return -np.log(np.take_along_axis(p, np.tile(y, (2, 1))[:, :, None], 2)).mean(axis=(1, 2)).sum()

    loss_of = perceptron.cross_entropy(y, 3)
    found = perceptron.gradients(x, net.weights, net.biases, loss_of, places, windows)
    for parameter, slope in zip(net.weights + net.biases, found, strict=True):
        last = tuple(size - 1 for size in parameter.shape)
        for place in [(0,) * parameter.ndim, last]:
            keep = parameter[place]
            parameter[place] = keep + 1e-6
            up = loss(net)
            parameter[place] = keep - 1e-6
            down = loss(net)
            parameter[place] = keep
            assert slope[place] == pytest.approx((up - down) / 2e-6, abs=1e-7)


def test_calibration_error_of_known_predictions():
    """Always 0.8 sure and right in 0.6 of the cases: 0.2."""
    p = np.tile([0.8, 0.2], (1, 20, 1))
    y = np.array([0] * 12 + [1] * 8)
    assert noise.miscalibration(p, y)[0] == pytest.approx(0.2)
    assert noise.surprise(p, y)[0] == pytest.approx(-(12 * np.log(0.8) + 8 * np.log(0.2)) / 20)


def test_interval_is_the_t_interval():
    """Of (1, 2, 3): 2 +- 4.3027/sqrt(3)."""
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2.0 and found.half == pytest.approx(4.302653 / np.sqrt(3.0), rel=1e-6)
    assert f"{Interval(0.5, 0.25):+.2f}" == "+0.50 ± 0.25"
    assert interval([1.0]).half == np.inf


def test_settings_refuse_what_cannot_be_meant():
    with pytest.raises(ValueError, match="seeds must be a whole number between 2 and 1000"):
        Settings(seeds=1)


def test_min_entropy_of_bits_that_never_change_and_of_fair_ones():
    """A constant row holds none (and no NaN); fair bits 1 but for fluctuations of 2e5 counts (0.01)."""
    assert entropy.min_entropy([np.ones(100, bool)]) == 0.0
    fair = np.random.default_rng(3).random(200_000) < 0.5
    assert entropy.min_entropy([fair]) == pytest.approx(1.0, abs=0.02)


def test_raw_bits_are_even_by_construction_and_devices_are_not():
    source = made_up_source(64, 200, 1)
    bits = source.bits()
    assert bits.mean() == 0.5 and np.std(bits.mean(axis=1)) > 0.1
