"""What the table of a population reads from conductances that move, on made-up values (fast)."""

import math
from types import SimpleNamespace

import numpy as np
import population_noise as noise
import population_wait_rows as rows
import pytest


def test_spread_grows_by_what_was_planted():
    """ln(G/G0) of sd 0.1 + 0.04 a decade over 10 ms: 4,000 devices, one of which ran out of CPU time."""
    decades = np.log10(noise.READS) + 2.0
    score = np.random.default_rng(1).normal(size=(4000, 1))
    ratio = np.exp(0.3 + score * (0.1 + 0.04 * decades))
    ratio[0, 3:] = np.nan
    spread, growth = noise.spread_and_growth(ratio)
    assert spread[0] == pytest.approx(0.1, rel=0.05)
    assert growth == pytest.approx(0.04, rel=0.05)
    both, _ = noise.spread_and_growth(np.stack([ratio, 2.0 * ratio], axis=1))
    assert both[0] > 0.3  # levels that shift apart are part of the spread over all devices


def test_growth_is_that_from_10_ms_on():
    spread, growth = noise.spread_and_growth(
        np.exp(np.outer([-1.0, 1.0], [0.9, 0.1, 0.2])), (1e-3, 1e-2, 1e-1)
    )
    assert spread == pytest.approx(math.sqrt(2.0) * np.array([0.9, 0.1, 0.2]))
    assert growth == pytest.approx(0.1 * math.sqrt(2.0))


def test_cells_of_the_foundry_relax_as_known():
    """959 of 1,814 cells start at 2 to 70 uS: 0.091 at 10 ms, 0.039 a decade."""
    times, ratio = noise.foundry(2e-6, 7e-5)
    spread, growth = noise.spread_and_growth(ratio, times)
    assert len(ratio) == 959 and times[0] == noise.EARLY
    assert spread[0] == pytest.approx(0.091, abs=5e-4) and growth == pytest.approx(0.039, abs=5e-4)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # too few devices for an interval
def test_relaxation_rows_leave_out_other_levels(monkeypatch):
    """Three of four devices start at 10 uS, move by 0.1 and 0.01 more a decade; another by far more."""
    decades = np.log10(noise.READS) + 2.0
    moved = np.exp(np.outer([-1.0, 0.0, 1.0, 9.0], 0.1 + 0.01 * decades))[:, None]
    start = np.array([[1e-5], [1e-5], [1e-5], [1e-4]])
    monkeypatch.setattr(rows, "foundry", lambda low, high: (np.array(noise.READS), moved[:, 0]))
    monkeypatch.setattr(rows, "relaxed", lambda *arguments, **options: (start, moved))
    population = SimpleNamespace(start=None, levels=(1e-5,), state_budget=1.0, workers=None)
    early, growth = rows.relaxation_rows(population)
    assert early.value == pytest.approx(0.1) and growth.value == pytest.approx(0.01)
    assert early.n == "4 devices, 3 states of 2 to 70 uS"
    monkeypatch.setattr(rows, "relaxed", lambda *arguments, **options: (start, np.ones_like(moved)))
    still = rows.relaxation_rows(population)
    assert [row.verdict for row in still] == ["MISSED", "MISSED"]


def test_means_of_steps_are_exact():
    """1 until 0.25 s, then 3: means of parts of 0.5 s are 2 and 3."""
    assert np.exp(noise.binned([0.0, 0.25], [1.0, 3.0], 1.0, 2)) == pytest.approx([2.0, 3.0])


def planted(power, number=24, bins=8192):
    """Return traces whose density falls by a power of the frequency."""
    random = np.random.default_rng(5)
    frequency = np.arange(1, bins // 2 + 1)
    wave = random.normal(size=(number, bins // 2)) + 1j * random.normal(size=(number, bins // 2))
    wave *= frequency ** (-power / 2) * np.sinc(frequency / bins)
    return np.fft.irfft(np.concatenate([np.zeros((number, 1)), wave], axis=1), axis=1)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5])
def test_slope_of_a_planted_spectrum(power):
    frequency, density = noise.spectra(planted(power), 10.0)
    assert frequency[-1] - frequency[0] == pytest.approx(3.0, abs=0.25)
    assert noise.falling(frequency, density) == pytest.approx(power, abs=0.05)


def test_density_of_white_noise_is_its_variance_over_the_band():
    """Means of variance s^2 in parts of dt, which leave sinc^2: density 2 s^2 dt at low frequencies."""
    table = 0.1 * np.random.default_rng(6).normal(size=(64, 8192))
    _, density = noise.spectra(table, 10.0)
    assert density[:, 2:6].mean() == pytest.approx(2 * 0.01 * 10.0 / 8192, rel=0.1)


def test_what_means_take_from_high_frequencies_is_given_back():
    """Means of white noise: the highest bin as high as those of a tenth of it and below, within 8 %."""
    _, density = noise.spectra(planted(0.0), 10.0)
    assert density[:, -1].mean() == pytest.approx(density[:, 8:11].mean(), rel=0.08)


def test_noise_rows_say_where_nothing_moves(monkeypatch):
    population = SimpleNamespace(prepared=None, state_budget=1.0, workers=None, states=2)
    monkeypatch.setattr(rows, "traces", lambda *arguments, **options: np.full((8, 8192), -9.0))
    assert [row.verdict for row in rows.noise_rows(population)] == ["reported", "not measured", "MISSED"]


def test_noise_rows_read_planted_noise(monkeypatch):
    """Each trace is twice as noisy as the one before it, and has twice the resistance, but the first two."""
    size = 2.0 ** np.arange(24)[:, None] * 1e-6
    table = planted(1.0)
    table = table / table.std(axis=1, keepdims=True) * size - np.log(1e4 * size[[1, 0, *range(2, 24)]] / 1e-6)
    population = SimpleNamespace(prepared=None, state_budget=1.0, workers=None, states=6)
    monkeypatch.setattr(rows, "traces", lambda *arguments, **options: table)
    spread, rank, _ = rows.noise_rows(population)
    assert spread.value == pytest.approx(1e-6 * (2**11 + 2**12) / 2)
    assert rank.value == pytest.approx(1.0 - 6 * 2 / (24 * (24**2 - 1)))
