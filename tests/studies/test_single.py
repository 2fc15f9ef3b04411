"""Single precision of the studies: its normal numbers are normal, and laws keep it and tell the same."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from frenkel.cells.relaxed import RelaxedCells
from frenkel.networks.device_statistics import placeholder
from frenkel.networks.mapping import MAPPINGS
from frenkel.networks.perceptron import cross_entropy, gradients
from frenkel.networks.windows import Windows
from frenkel.networks.write_verify import WithinTolerance
from frenkel_studies import noise
from frenkel_studies.methods import hardware, onchip
from frenkel_studies.methods.single import CHUNK, LARGEST, Stream
from frenkel_studies.methods.splits import splits

RANDOM = np.random.default_rng(12)
W = RANDOM.uniform(-0.7, 0.7, (2, 6, 4))
"""Weights of two networks."""

DEVICE = placeholder()
TIMES = np.array([1.0, 100.0])
RESTING = RelaxedCells(np.linspace(1e-6, 1e-4, 40), TIMES, np.linspace(2e-6, 5e-5, 80).reshape(40, 2))


def stream(seed=3):
    return Stream(np.random.default_rng(seed))


# --------------------------------------------------------------------------- the stream


def test_normal_numbers_are_those_of_box_and_muller():
    """Of u and v of the same bits in double precision: sqrt(-2 ln(1 - u)) times cos and sin of 2 pi v."""
    u, v = np.random.default_rng(3).random(10, dtype=np.float32).astype(float).reshape(2, 5)
    radius = np.sqrt(-2.0 * np.log(1.0 - u))
    exact = np.concatenate([radius * np.cos(2.0 * np.pi * v), radius * np.sin(2.0 * np.pi * v)])
    found = stream().standard_normal((3, 3))
    assert found.dtype == np.float32 and found.shape == (3, 3)
    np.testing.assert_allclose(found.ravel(), exact[:9], rtol=1e-4, atol=1e-6)


def test_every_number_of_every_chunk_is_made():
    """What two whole chunks and a rest hold is what the three give one after the other."""
    whole, parts = stream().standard_normal(2 * CHUNK + 4), stream()
    each = [parts.standard_normal(n) for n in (CHUNK, CHUNK, 4)]
    np.testing.assert_array_equal(whole, np.concatenate(each))
    assert np.unique(whole).size > 0.98 * whole.size and np.all(np.abs(whole) > 0.0)


def test_normal_numbers_are_normal_and_independent():
    """400,000 numbers over several chunks; each of eight checks is missed by chance at 4.9 sd: 1e-6 each."""
    n = 400_000
    z = stream().standard_normal(n).astype(float)
    near = 4.9 / np.sqrt(n)
    assert abs(z.mean()) < near
    assert abs((z**2).mean() - 1.0) < near * np.sqrt(2.0)
    assert abs((z**3).mean()) < near * np.sqrt(15.0)
    assert abs((z**4).mean() - 3.0) < near * np.sqrt(96.0)
    # 1e-6 of Kolmogorov's distance.
    assert stats.kstest(z, "norm").statistic < 2.7 / np.sqrt(n)
    half = CHUNK // 2
    pairs = z[: n // CHUNK * CHUNK].reshape(-1, 2, half)
    one, other = pairs[:, 0].ravel(), pairs[:, 1].ravel()  # cosines and sines of the same radius
    each = 4.9 / np.sqrt(one.size)
    assert abs((one * other).mean()) < each
    assert abs(((one**2 - 1.0) * (other**2 - 1.0)).mean()) < 2.0 * each
    assert abs((z[:-1] * z[1:]).mean()) < near
    assert np.abs(z).max() <= LARGEST + 1e-3


def test_even_numbers_and_others_come_from_the_bits_of_the_generator():
    assert stream().random((2, 3)).dtype == np.float32
    np.testing.assert_array_equal(stream().random(7), np.random.default_rng(3).random(7, dtype=np.float32))
    np.testing.assert_array_equal(stream().integers(9, size=5), np.random.default_rng(3).integers(9, size=5))
    assert isinstance(stream().standard_normal(), float)


# --------------------------------------------------------------------------- laws keep the precision


def same():
    """Return a stream whose numbers are the same in both precisions, and pass for either."""
    return SimpleNamespace(
        standard_normal=lambda shape: np.resize(np.linspace(-1.5, 1.7, 11, dtype=np.float32), shape),
        random=lambda shape: np.resize(np.linspace(0.02, 0.97, 13, dtype=np.float32), shape),
    )


EFFECTS = {
    "spread": hardware.lognormal(0.3),
    "one size": hardware.additive(2e-6),
    "common": hardware.common(0.1),
    "telegraph": hardware.telegraph(DEVICE, 0.1),
    "drift": hardware.drift(DEVICE, 0.05, 0.02, 1e6),
    "gain": hardware.with_gain(hardware.drift(DEVICE, 0.05, 0.02, 1e6)),
    "rest": lambda g, random: RESTING.after(g, random.random(g.shape), 10.0),
    "wires": hardware.wires(5.0),
    "verified": lambda g, random: WithinTolerance(0.02).write(g, DEVICE, random).conductance,
}


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("name", EFFECTS)
def test_cells_show_the_same_weights_in_both_precisions(name, mapping):
    noisy = hardware.noise_of(EFFECTS[name], mapping, DEVICE)
    double, single = noisy(W, same()), noisy(W.astype(np.float32), same())
    assert single.dtype == np.float32 and double.dtype == np.float64
    np.testing.assert_allclose(single, double, atol=1e-5)
    assert np.abs(double - W).max() > 1e-3


@pytest.mark.parametrize("windows", [(), (Windows(height=3, width=2, channels=1, kernel=2), None)])
def test_slopes_are_the_same_in_both_precisions(windows):
    """Of a perceptron and of a convolution before a linear layer."""
    first = RANDOM.standard_normal((2, 4 if windows else 6, 3))
    weights = [first, RANDOM.standard_normal((2, 6 if windows else 3, 4))]
    biases, x = [RANDOM.standard_normal((2, 3)), RANDOM.standard_normal((2, 4))], RANDOM.random((2, 5, 6))
    loss, places = cross_entropy(np.arange(5) % 4, 4), np.tile(np.arange(5), (2, 1))
    double = gradients(x, weights, biases, loss, places, windows)
    lower = [[a.astype(np.float32) for a in arrays] for arrays in (weights, biases)]
    single = gradients(x.astype(np.float32), *lower, loss, places, windows)
    for ours, exact in zip(single, double, strict=True):
        assert ours.dtype == np.float32 and exact.dtype == np.float64
        np.testing.assert_allclose(ours, exact, atol=1e-5)


def test_networks_of_the_studies_are_trained_in_single_precision(reduced_study):
    """Whatever noise acts, and in cells: one step of double precision would make all later ones slow."""
    few, parts = replace(reduced_study.settings, steps=1), splits("digits", 2, 1)
    noisy = hardware.noise_of(EFFECTS["telegraph"], "pair", DEVICE)
    in_cells = onchip.train_on_chip(parts, few, DEVICE, "pair", rate=0.1)
    for network in (hardware.trained(parts, few), hardware.trained(parts, few, noisy), in_cells):
        assert {a.dtype for a in network.weights + network.biases} == {np.dtype(np.float32)}
    seen = []

    def probe(w, random):
        seen.extend([w.dtype, random.standard_normal(2).dtype, random.random(2).dtype])
        return w

    hardware.tested(in_cells, parts.samples(parts.test), 1, few.random(1), probe)
    assert set(seen) == {np.dtype(np.float32)}


# --------------------------------------------------------------------------- fewer numbers drawn


def test_cells_without_pulses_stay_and_the_others_have_the_noise_of_theirs():
    """Four pulses of 0.01 each: 0.02 (sd) around where they lead; 40,000 cells, 4.5 standard errors: 7e-6."""
    law = hardware.ideal(DEVICE).changed(pulses=100, cycle_noise=0.01)
    places, count = np.full(80_000, 0.5), np.tile([0.0, 4.0], 40_000)
    onchip._pulse(places, count, law, np.random.default_rng(1))
    assert np.all(places[0::2] == 0.5)
    moved = places[1::2] - 0.54
    assert abs(moved.mean()) < 4.5 * 0.02 / 200.0
    assert moved.std() == pytest.approx(0.02, abs=4.5 * 0.02 / np.sqrt(2.0 * 40_000))


@pytest.mark.parametrize("way", ["device, own", "device, in turn"])
def test_weights_take_the_numbers_of_their_devices(way):
    """The device of weight w is w mod 5, or 37 further in each step; its cycle goes on by 11 a step."""
    rows = RANDOM.random((5, 7))
    rule = noise._uniform(way, SimpleNamespace(uniforms=lambda: rows), stream())
    weight = np.arange(2 * 3 * 4)
    for step in (0, 1, 2, 40):
        device = (weight + (37 * step if way == "device, in turn" else 0)) % 5
        exact = rows[device, (11 * step + weight // 5) % 7].reshape(2, 3, 4)
        np.testing.assert_array_equal(rule(step, (2, 3, 4)), exact)


def test_streams_of_bits_go_round(monkeypatch):
    monkeypatch.setattr(noise.entropy, "corrected", lambda _: [np.arange(3)])
    monkeypatch.setattr(noise.entropy, "numbers", lambda _: np.arange(10.0))
    source = SimpleNamespace(steered_bits=lambda: np.zeros((1, 500)))
    rule = noise._uniform("device, corrected", source, SimpleNamespace(integers=lambda size: size - 2))
    np.testing.assert_array_equal(rule(0, (1, 2, 2)).ravel(), [8.0, 9.0, 0.0, 1.0])
