"""What effects, updates and mitigations do to one weight matrix, exactly: no network is trained here."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from frenkel.networks.chip import wired
from frenkel.networks.cost import WriteCost
from frenkel.networks.device_statistics import placeholder
from frenkel.networks.images import Pool
from frenkel.networks.mapping import MAPPINGS, encode
from frenkel.networks.perceptron import (
    Perceptron,
    Training,
    cross_entropy,
    descend,
    gradients,
    softmax,
)
from frenkel.networks.write_verify import ProgrammedCells, StatisticalWriteVerify
from frenkel_studies import architectures, noise, nonidealities, system_card, training, write_verify
from frenkel_studies.common.settings import Settings
from frenkel_studies.methods import cycling, distillation, hardware, onchip
from frenkel_studies.methods.cycling import settled
from frenkel_studies.methods.recalibration import recalibrated
from frenkel_studies.methods.single import Stream
from frenkel_studies.methods.splits import Splits

RANDOM = np.random.default_rng(8)
W = RANDOM.uniform(-0.7, 0.7, (2, 6, 4))
"""Of two networks."""

DEVICE = hardware.ideal(placeholder())
LOW, HIGH = DEVICE.window
G = encode(W / hardware.scales(W), "pair", LOW, HIGH)


def stream(seed=0):
    return np.random.default_rng(seed)


def network(*shape):
    """Return two networks of some widths, with biases."""
    pairs = list(pairwise(shape))
    return Perceptron(
        [RANDOM.standard_normal((2, a, b)) for a, b in pairs],
        [RANDOM.standard_normal((2, b)) for _, b in pairs],
    )


def made_up_splits(samples=30, width=6, classes=4):
    """Return samples that both networks learn from and are tested on, each in an order of its own."""
    pool = Pool(
        name="made up", source="here", x=RANDOM.random((samples, width)), shape=(1, width),
        y=np.arange(samples) % classes,
    )  # fmt: skip
    places = np.stack([RANDOM.permutation(samples) for _ in range(2)])
    return Splits(pool, places, places, places)


# --------------------------------------------------------------------------- effects on cells


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_cells_without_an_effect_show_the_weights(mapping):
    """Each network has a scale of its own."""
    both = np.stack([W[0], 3.0 * W[1]])
    exact = [np.abs(W[0]).max(), 3.0 * np.abs(W[1]).max()]
    np.testing.assert_array_equal(hardware.scales(both)[:, 0, 0], exact)
    found = hardware.shown(both, stream(), effect=lambda g, _: g, mapping=mapping, device=DEVICE)
    np.testing.assert_allclose(found, both, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_factor_of_a_chip_is_common_to_its_cells_and_its_own(mapping):
    """1 + 0.1 N(0, 1): a pair and a reference column scale every weight by it, an offset moves them too."""
    effect = hardware.common(0.1)
    factor = (effect(G, stream()) / G).reshape(2, -1)
    np.testing.assert_allclose(factor, np.repeat(factor[:, :1], factor.shape[1], axis=1), rtol=1e-14)
    np.testing.assert_allclose(factor[:, 0], 1.0 + 0.1 * stream().standard_normal(2), rtol=1e-14)
    seen = hardware.shown(W, stream(), effect=effect, mapping=mapping, device=DEVICE)
    moved = 0.0 if mapping != "offset" else (factor[:, :1, None] - 1.0) * (HIGH + LOW) / (HIGH - LOW)
    exact = W * factor[:, :1, None] + moved * hardware.scales(W)
    np.testing.assert_allclose(seen, exact, rtol=1e-10, atol=1e-12)


def test_noise_of_single_cells():
    """exp(sigma z) times each cell, sigma z added to each: one number of the stream a cell."""
    z = stream().standard_normal(G.shape)
    np.testing.assert_allclose(hardware.lognormal(0.3)(G, stream()), G * np.exp(0.3 * z), rtol=1e-14)
    np.testing.assert_allclose(hardware.additive(2e-6)(G, stream()), G + 2e-6 * z, rtol=1e-14)


def test_drift_and_its_gain():
    """(t/t0)^-nu in every cell; without a spread the gain of a layer gives all of it back."""
    t0 = DEVICE.drift_start
    np.testing.assert_allclose(hardware.drift(DEVICE, 0.1, 0.0, 1e4 * t0)(G, stream()), G * 1e-4**0.1)
    gained = hardware.with_gain(hardware.drift(DEVICE, 0.1, 0.0, 1e4 * t0))(G, stream())
    np.testing.assert_allclose(gained, G, rtol=1e-12)
    spread = hardware.drift(DEVICE, 0.1, 0.05, 1e4 * t0)
    nu = 0.1 + 0.05 * stream().standard_normal(G.shape)
    exact = G * 1e4**-nu
    np.testing.assert_allclose(spread(G, stream()), exact, rtol=1e-12)
    there = hardware.with_gain(spread)(G, stream())
    np.testing.assert_allclose(there.sum(axis=(1, 2)), G.sum(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(there[0] / exact[0], G[0].sum() / exact[0].sum(), rtol=1e-12)


def test_telegraph_noise_has_the_amplitude_asked_for():
    seen = hardware.telegraph(DEVICE.changed(rtn_occupancy=0.25), 0.1)(np.full(200, HIGH), stream()) / HIGH
    assert sorted(set(np.round(seen, 12))) == pytest.approx([0.925, 1.025])


def test_drop_along_lines_is_that_of_arrays_of_128_rows():
    """150 rows are two arrays, each with drivers of its own; no resistance is no drop."""
    g = RANDOM.uniform(LOW, HIGH, (1, 150, 3))
    found = hardware.wires(3.0)(g, stream())
    exact = np.concatenate([wired(g[:, :128], 3.0), wired(g[:, 128:], 3.0)], axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    assert hardware.wires(0.0)(g, stream()) is g and np.all(found < g)


def test_accuracies_are_means_over_chips():
    """A noise that spoils every other chip halves what is right; the same network untouched has its own."""
    net, parts = network(6, 4), made_up_splits()
    test = parts.samples(parts.test)

    def right(nets):
        return 100.0 * np.mean(nets.logits(test.x).argmax(-1) == test.y, axis=-1)

    np.testing.assert_allclose(hardware.tested(net, test, 5, stream()), right(net))
    turned = right(Perceptron([-w for w in net.weights], net.biases))
    count = iter(range(100))
    found = hardware.tested(net, test, 4, stream(), lambda w, _: -w if next(count) % 2 else w)
    np.testing.assert_allclose(found, (right(net) + turned) / 2)


# --------------------------------------------------------------------------- neurons recalibrated


def test_recalibrated_neurons_undo_any_gain_and_offset():
    """Weights of every neuron times a factor of its own: mean and spread bring the clean logits back."""
    net, x = network(6, 5, 4), RANDOM.random((40, 6))
    spoiled = [w * RANDOM.uniform(0.3, 3.0, (2, 1, w.shape[2])) for w in net.weights]
    given = RANDOM.random((7, 6))
    outputs = recalibrated(net, x)
    assert np.abs(net.logits(given, spoiled) - net.logits(given)).max() > 0.5
    np.testing.assert_allclose(outputs(net, spoiled, given), net.logits(given), rtol=1e-9, atol=1e-9)


# --------------------------------------------------------------------------- training in cells


@pytest.mark.parametrize("cells", onchip.CELLS)
def test_pulses_change_weights_by_what_is_wanted(cells):
    """Whole numbers of linear pulses without noise; of a pair each cell takes half, in opposite phase."""
    law = DEVICE.changed(pulses=100)
    layer = onchip._Weights(W, cells)
    np.testing.assert_allclose(layer.shown, W, rtol=1e-12, atol=1e-15)
    plus = layer.plus.copy()
    wanted = RANDOM.integers(-10, 11, W.shape) * 0.02
    assert (wanted == 0.0).any()  # some cells get no pulses
    layer.change(wanted, law, SimpleNamespace(random=lambda shape: np.full(shape, 0.5)))
    np.testing.assert_allclose(layer.shown, W + wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(layer.plus - plus, wanted / 2, atol=1e-12)
    if cells == "pair":
        np.testing.assert_allclose(layer.plus + layer.minus, 1.0, rtol=1e-12)


def test_numbers_of_pulses_round_at_random_to_the_right_mean():
    """Share 0.0123 of 100 pulses: 1 or 2, two in 23 %; 40,000 draws, 4.5 standard errors. Down alike."""
    law = DEVICE.changed(pulses=100)
    for sign in (1.0, -1.0):
        found = onchip.pulses_for(np.full(40_000, sign * 0.0123), law, stream())
        assert set(found) == {sign * 1.0, sign * 2.0}
        assert found.mean() == pytest.approx(sign * 1.23, abs=4.5 * np.sqrt(0.23 * 0.77 / 40_000))


def test_weights_of_cells_end_at_their_window():
    assert np.abs(onchip._Weights(np.array([[[3.0, -3.0]]]), "pair").shown).max() == 1.0


def test_training_on_chip_is_gradient_descent_by_pulses():
    """With an ideal device of a million pulses: two steps for one of training in software, to a pulse."""
    parts, settings = made_up_splits(), Settings(seeds=2, chips=1, steps=1)
    net, random = hardware.start_of(parts, settings), Stream(settings.random(5, 0))
    weights, rate = [np.clip(w, -1.0, 1.0) for w in net.weights], 0.2
    for now in (rate, rate):  # it falls over the last half of the steps
        places = np.take_along_axis(parts.train, random.integers(30, size=(2, onchip.BATCH)), axis=1)
        loss = cross_entropy(parts.pool.y, 4)
        found = gradients(parts.pool.x[places], weights, net.biases, loss, places)
        weights = [np.clip(w - now * g, -1.0, 1.0) for w, g in zip(weights, found[:2], strict=True)]
        for w in weights:
            random.random(w.shape)  # of the rounding of pulses
        for bias, gradient in zip(net.biases, found[2:], strict=True):
            bias -= now * gradient
    trained = onchip.train_on_chip(parts, settings, DEVICE.changed(pulses=10**6), rate=rate)
    for ours, exact in zip(trained.weights + trained.biases, weights + net.biases, strict=True):
        np.testing.assert_allclose(ours, exact, atol=1e-5)


def test_the_rate_that_is_best_on_validation_images_is_taken(monkeypatch):
    """Networks "trained" at a rate are right in as many images as the rate says, alike for every method."""
    monkeypatch.setattr(hardware, "tested", lambda network, *_: np.array(network))
    settings, parts = Settings(seeds=2, chips=3), made_up_splits()
    asked = []

    def made(few, own, rate):
        asked.append((few.seeds, len(own.train), rate))
        return [100.0 - 10.0 * abs(np.log10(rate / 3e-3)), 50.0]

    assert hardware.chosen_rate(settings, parts, made, None) == 3e-3
    assert asked == [(hardware.TRIED, 2, rate) for rate in hardware.RATES]


def test_adam_goes_by_its_rate_whatever_the_size_of_a_constant_gradient():
    """Both means are then the gradient's own: steps of the rate, which falls over the last half."""
    net = network(6, 4)
    slopes = [RANDOM.uniform(0.5, 5.0, p.shape) * 10.0 ** RANDOM.integers(-3, 4, p.shape)
              for p in net.weights + net.biases]  # fmt: skip
    found = descend(net, lambda _: slopes, Training(steps=4, rate=1e-3))
    way = 1e-3 * sum(min(1.0, 0.1 + 1.8 * (1.0 - step / 4)) for step in (1, 2, 3, 4))
    for ours, start in zip(found.weights + found.biases, net.weights + net.biases, strict=True):
        np.testing.assert_allclose(start - ours, way, rtol=1e-4)


# --------------------------------------------------------------------------- distillation


def test_gradient_of_distillation_is_that_of_its_loss(monkeypatch):
    """Central differences of a T^2 KL + (1 - a) CE, at every weight and bias of two layers."""
    monkeypatch.setattr(distillation, "descend", lambda student, gradient, how: (student, gradient(student)))
    parts = made_up_splits(12)
    student, one, two = network(6, 5, 4), network(6, 4), network(6, 3, 4)
    how = Training(steps=1, batch=7)
    _, found = distillation.distilled(student, [(one, None), (two, None)], parts, how, None, stream(3))
    places = np.take_along_axis(parts.train, stream(3).integers(12, size=(2, 7)), axis=1)
    x, y = parts.pool.x[places], parts.pool.y[places]
    soft = distillation.SOFTNESS
    said = sum(softmax(t.logits(x) / soft) for t in (one, two)) / 2.0

    def loss():
        logits = student.logits(x)
        hard = -np.log(np.take_along_axis(softmax(logits), y[..., None], -1)).mean(axis=(1, 2))
        apart = (said * (np.log(said) - np.log(softmax(logits / soft)))).sum(axis=-1).mean(axis=1)
        return (distillation.SHARE * soft**2 * apart + (1.0 - distillation.SHARE) * hard).sum()

    for parameter, slope in zip(student.weights + student.biases, found, strict=True):
        for place in list(np.ndindex(parameter.shape))[::3]:
            keep = parameter[place]
            parameter[place] = keep + 1e-6
            up = loss()
            parameter[place] = keep - 1e-6
            down = loss()
            parameter[place] = keep
            assert slope[place] == pytest.approx((up - down) / 2e-6, abs=1e-6)


# --------------------------------------------------------------------------- what programming takes


def done(conductance, pulses, reads, reached, pulse_sum, read_sum):
    return ProgrammedCells(
        np.array(conductance), np.array(pulses), np.array(reads), np.array(reached), pulse_sum, read_sum
    )


DONE = [
    done([[[1e-5, 3e-5]]], [[[2, 4]]], [[[3, 5]]], [[[True, False]]], 2e-4, 5e-4),
    done([[[2e-5]]], [[[6]]], [[[7]]], [[[True]]], 1e-4, 3e-4),
]


def test_energy_and_counts_of_programming_are_the_sums():
    """V^2 G t of pulses of 1.5 V, 50 ns and reads of 0.2 V, 10 ns, and 15 conversions, over 3 cells."""
    cells = 1.5**2 * 50e-9 * 3e-4 + 0.2**2 * 10e-9 * 8e-4 + 15 * 1.67e-12
    assert write_verify._energy(DONE) == pytest.approx(cells / 3)
    assert write_verify._times() == (pytest.approx(51e-9), pytest.approx(20e-9))
    assert write_verify._counts(DONE, "pulses") == pytest.approx([4.0])
    assert write_verify._counts(DONE, "reached") == pytest.approx([2 / 3])
    targets = [np.array([[[1.1e-5, 2.8e-5]]]), np.array([[[2e-5]]])]
    exact = np.sqrt((1e-6**2 + 2e-6**2) / 3) / DEVICE.g_max
    assert write_verify._error(targets, DONE, DEVICE) == pytest.approx([exact])


def test_a_cell_on_the_clock_follows_the_law_of_the_batch():
    """One pulse up, one down, and a read: conductance, current and energies."""
    scheme = StatisticalWriteVerify(step=0.1, step_noise=0.0)
    array = write_verify.StatisticalArray(scheme, DEVICE, 3, stream())
    step = 0.1 * (HIGH - LOW)
    assert array.pulse((0, 1), 1.5, 2e-9) == pytest.approx(1.5**2 * 2e-9 * LOW)
    assert array.pulse((0, 1), 2.0, 2e-9) == pytest.approx(2.0**2 * 2e-9 * (LOW + step))
    assert array.pulse((0, 1), -1.5, 1e-9) == pytest.approx(1.5**2 * 1e-9 * (LOW + 2 * step))
    assert array.conductance == pytest.approx([LOW, LOW + step, LOW])
    current, energy = array.read((0, 1), 0.2, 3e-9)
    assert current == pytest.approx(0.2 * (LOW + step)) and energy == pytest.approx(
        0.04 * (LOW + step) * 3e-9
    )


def test_cells_cycle_until_a_state_of_their_own_is_near():
    """First near state, with the pulses up to it; else the last; where a cell did not switch it stays."""
    nan = np.nan
    states = np.array(
        [[1.0, 9.0, 2.0, 8.0], [1.0, 9.0, 2.0, 8.0], [5.0, nan, nan, nan], [nan, 4.0, nan, 3.0]]
    )
    end, pulses, reached = settled(states, np.array([2.2, 5.0, 9.0, 1.0]), 0.5)
    assert list(reached) == [True, False, False, False]
    assert list(pulses) == [3, 4, 4, 4]
    assert list(end) == [2.0, 8.0, 5.0, 3.0]


def test_one_network_of_all_is_judged_by_its_own_cells():
    """Cells exactly on their targets give the accuracy in software; one network's cells spoil it alone."""
    parts = made_up_splits()
    net = Perceptron([W], [np.zeros((2, 4))])
    setup = hardware.Setup(Settings(seeds=2, chips=2), parts, DEVICE, net)
    exact = setup.tested(None, 1)
    for seed in range(2):
        cells = encode(W[seed] / np.abs(W[seed]).max(), "pair", LOW, HIGH).ravel()
        assert cycling.accuracy_of_one(setup, seed, cells) == pytest.approx(exact[seed])


# --------------------------------------------------------------------------- refreshing


class Fading:
    """A chip that is right at first, and wrong in more samples as time passes."""

    def __init__(self, lost):
        self.lost, self.refreshed = lost, 0

    def run(self, x, time=0.0):
        wrong = next((n for t, n in self.lost if time <= t), self.lost[-1][1])
        logits = np.tile([1.0, 0.0], (1000, 1))
        logits[:wrong] = [0.0, 1.0]
        return logits

    def refresh(self):
        self.refreshed += 1


def test_refreshing_period_and_shares():
    """Loss 0.5 pp at 1e3 s and 2.5 pp at 1e4 s: 1 pp a quarter of the way in the logarithm."""
    pool = Pool(name="", source="", x=np.zeros((1000, 1)), y=np.zeros(1000, int), shape=(1, 1))
    places = np.arange(1000)[None]
    setup = hardware.Setup(Settings(seeds=2), Splits(pool, places, places, places), DEVICE, None)
    chip = Fading([(1e2, 0), (1e3, 5), (1e4, 25)])
    writes = [WriteCost(energy=k * 3e-6, time=0.5, pulses=k, reads=k) for k in (1, 10)]
    period, after, shares, down = system_card._refreshing(chip, setup, 0, SimpleNamespace(total=1e-9), writes)
    assert period == pytest.approx(10**3.25) and after == 0.0 and chip.refreshed == 1
    power = np.array([3e-6, 3e-5]) / period
    assert shares == pytest.approx(list(power / (power + 1e-9 * system_card.RATE)))
    assert down == pytest.approx([0.5 / (period + 0.5)] * 2)
    still = Fading([(1e30, 0)])
    found = system_card._refreshing(still, setup, 0, SimpleNamespace(total=1.0), writes)
    assert found == (np.inf, 0.0, [0.0, 0.0], [0.0, 0.0])


def dataset(drops):
    """Return a dataset of the study of non-idealities with drops (pp) by time for one law."""
    times = np.logspace(1, len(drops), len(drops))
    accuracy = 95.0 - np.array(drops)[None, None, :, None] + np.array([-1.0, 1.0])
    return xr.Dataset(
        {
            "drift_accuracy": (("drift_mitigation", "law", "time_ratio", "seed"), accuracy),
            "float": (("seed",), [94.0, 96.0]),
        },
        coords={"drift_mitigation": ["none"], "time_ratio": times},
    )


def test_crossing_is_interpolated_in_the_logarithm():
    assert nonidealities.crossing(dataset([0.0, 0.5, 2.5, 9.0]), 0) == pytest.approx(10**2.25)
    assert nonidealities.crossing(dataset([2.0, 3.0]), 0) == pytest.approx(10**0.5)
    assert nonidealities.crossing(dataset([0.0, 0.9]), 0) == np.inf


# --------------------------------------------------------------------------- training for noise


def test_tolerance_is_interpolated_between_sigmas():
    """Losses of 0, 0.5, 2.5 pp at 0, 0.1, 0.2: 1 pp at 0.125; never, and at once."""
    accuracy = np.array([[95.0, 94.5, 92.5], [95.0, 95.0, 94.9], [93.0, 92.0, 91.0]])
    data = xr.Dataset(
        {"accuracy": (("training", "sigma", "seed"), np.stack([accuracy.T, accuracy.T]))},
        coords={"training": ["plain", "x"], "sigma": [0.0, 0.1, 0.2]},
    )
    base = data.accuracy.copy()
    base[0, 0] = 95.0  # of the plain network at 0, for all three seeds
    found = training.tolerance(data.assign(accuracy=base), "x")
    np.testing.assert_allclose(found, [0.125, 0.2, 0.0], atol=1e-12)


@pytest.mark.parametrize("place", training.PLACES)
def test_noise_acts_in_one_place(place):
    """With a stream of ones a fraction of the largest magnitude is added there and nowhere else."""
    net, x = network(6, 4), RANDOM.random((5, 6))
    ones = SimpleNamespace(standard_normal=np.ones)
    w, b = net.weights[0], net.biases[0][:, None]
    inside, weights, sums = np.broadcast_to(x, (2, 5, 6)), w, 0.0
    if place == "inputs":
        inside = inside + 0.1 * x.max()
    if place == "weights":
        weights = w + 0.1 * np.abs(w).max(axis=(1, 2), keepdims=True)
    if place == "outputs":
        sums = 0.1 * np.abs(x @ w).max(axis=(1, 2), keepdims=True)
    found = training.noisy_logits(net, x, place, 0.1, ones)
    np.testing.assert_allclose(found, inside @ weights + sums + b, rtol=1e-12)


# --------------------------------------------------------------------------- architectures, rounding


def test_energy_of_cells_by_mapping():
    """Half of the read voltage on all rows for 10 ns, mean over the networks."""
    setup = hardware.Setup(Settings(seeds=2), made_up_splits(), DEVICE, Perceptron([W], [np.zeros((2, 4))]))
    found = architectures._energies(setup)["cell_energy"][1]
    for mapping, energy in zip(MAPPINGS, found, strict=True):
        g = encode(W / hardware.scales(W), mapping, LOW, HIGH)
        assert energy == pytest.approx(0.1**2 * 10e-9 * g.sum() / 2)


def test_an_offset_taken_off_digitally_shows_a_common_factor():
    """Where sums are 0 a factor of 1.1 leaves 0.1 (g_max + g_min)/(g_max - g_min) times the inputs' sum."""
    setup = hardware.Setup(Settings(seeds=2), made_up_splits(), DEVICE, network(6, 4))
    found = dict(zip(MAPPINGS, architectures._rejection(setup)["common_error"][1], strict=True))
    random = setup.settings.random(4)
    w = random.uniform(-1.0, 1.0, (64, 32))
    x = random.random(64)
    scale = np.abs(w - (x @ w)[None] * x[:, None] / (x @ x)).max()
    assert found["offset"] == pytest.approx(0.1 * (HIGH + LOW) / (HIGH - LOW) * x.sum() * scale, rel=1e-9)
    assert found["pair"] < 1e-12 and found["reference"] < 1e-12


def test_single_reads_have_the_sneak_of_their_scheme(monkeypatch):
    """A cell at g_min among others at g_max: half selected rows add (n - 1)/2 g_max, thirds (n - 1)/3."""
    monkeypatch.setattr(architectures, "SIZES", (4,))
    errors = architectures._single_reads(DEVICE)["single_read_error"][1][:, 0]
    found = dict(zip(architectures.SCHEMES, errors, strict=True))
    ratio = HIGH / LOW
    assert found["floating"] == pytest.approx(ratio / (2 / 3 + 1 / 9), rel=1e-3)
    assert found["half"] == pytest.approx(1.5 * ratio, rel=1e-3)
    assert found["third"] == pytest.approx(1.0 * ratio, rel=1e-3)
    assert abs(found["transistor"]) < 0.01


@pytest.mark.parametrize(("draw", "up"), [(0.2, True), (0.4, False)])
def test_updates_are_rounded_up_with_the_chance_of_their_rest(monkeypatch, draw, up):
    """0.3 of a step above the grid: up for a number below 0.3, down above; nearest is down."""
    grid = 2.0 * noise.WIDEST / (noise.LEVELS - 1)
    wanted = Perceptron([np.full((1, 2, 2), 5.3 * grid)], [np.ones((1, 2))])
    monkeypatch.setattr(
        hardware, "start_of", lambda *_: Perceptron([np.zeros((1, 2, 2))], [np.zeros((1, 2))])
    )
    monkeypatch.setattr(noise, "train_step", lambda *_: wanted)
    monkeypatch.setattr(noise, "_uniform", lambda *_: lambda step, shape: np.full(shape, draw))
    parts, settings = made_up_splits(8, 2, 2), Settings(seeds=2, steps=1)
    found = noise._descend(settings, parts, 0.1, "ideal", None, stream())
    np.testing.assert_allclose(found.weights[0], (5 + up) * grid, rtol=1e-12)
    assert np.all(found.biases[0] == 1.0)
    nearest = noise._descend(settings, parts, 0.1, "nearest", None, stream())
    np.testing.assert_allclose(nearest.weights[0], 5 * grid, rtol=1e-12)


def test_a_bias_of_the_numbers_rounds_up_more_often():
    rule = noise._uniform("bias +0.05", None, stream())
    np.testing.assert_allclose(rule(0, (3, 4)), stream().random((3, 4)) - 0.05, rtol=1e-12)


def test_accuracy_of_programmed_cells_is_in_percent():
    """Cells at their targets show the network; the labels are its own answers but for one of five images."""
    net = network(6, 4)
    x = RANDOM.random((5, 6))
    y = net.logits(x).argmax(axis=-1)
    y[0, 2], y[1, :4] = (y[0, 2] + 1) % 4, (y[1, :4] + 1) % 4
    device = SimpleNamespace(window=(LOW, HIGH))
    setup = SimpleNamespace(network=net, test=SimpleNamespace(x=x, y=y), device=device)
    cells = [encode(w / hardware.scales(w), "pair", LOW, HIGH) for w in net.weights]
    np.testing.assert_allclose(write_verify._accuracy(setup, cells), [80.0, 20.0])


def test_noisy_reads_are_judged_by_hits_and_by_calibration():
    """In percent: what 16 reads of networks that know the noise have over the plain one without noise."""
    spreads = [0.1, noise.BAYES_SPREAD]
    ways, reads, seeds = ["plain", "noise-aware"], [1, 16], 3
    clean = np.zeros((2, 2, seeds))
    clean[1, 0] = [0.90, 0.91, 0.92]
    read = np.zeros((2, 2, 2, seeds))
    read[1, 1, 1], read[1, 0, 0], read[1, 0, 1] = [0.93, 0.93, 0.93], [0.80, 0.81, 0.82], [0.85, 0.86, 0.87]
    calibration = np.zeros((2, 2, seeds)) + 0.5
    calibration[1, 0] = [0.06, 0.05, 0.07]
    of_reads = np.zeros((2, 2, 2, seeds)) + 0.5
    of_reads[1, 1, 1] = [0.02, 0.03, 0.01]
    dims = ("spread", "training", "seed")
    with_reads = ("spread", "training", "reads", "seed")
    data = xr.Dataset(
        {
            "clean_accuracy": (dims, clean), "read_accuracy": (with_reads, read),
            "clean_miscalibration": (dims, calibration), "read_miscalibration": (with_reads, of_reads),
        },
        {"spread": spreads, "training": ways, "reads": reads},
    )  # fmt: skip
    found = noise._bayes_claim(data)
    assert [one.found.mean for one in found.effects] == pytest.approx([2.0, 4.0])
    half = 4.302653 * np.array([1.0, 2.0]) / np.sqrt(3)  # t of two degrees of freedom; sd 1 and 2 %
    assert [one.found.half for one in found.effects] == pytest.approx(half, rel=1e-6)
