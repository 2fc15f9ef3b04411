"""A trace of any noise gets an answer with its goodness of fit; planted traps hold, planted 1/f does not."""

import numpy as np
import pytest

from frenkel.analysis.noise import markov, trace
from frenkel.analysis.noise.answer import answer, goodness
from frenkel.cli.main import main

STEP = 1e-3


def planted(samples=8000, seed=3):
    """Return the time and the current of two traps on white noise."""
    law = markov.additive(
        41.2e-9, amplitude=[6.4e-9, 1.9e-9], high=[0.085, 0.016], low=[0.031, 0.027], noise=3e-10
    )
    current, _ = markov.simulate(law, step=STEP, samples=samples, seed=seed)
    return STEP * np.arange(samples), current


def flicker(samples, seed):
    """Return 1/f noise of unit standard deviation."""
    random = np.random.default_rng(seed)
    f = np.fft.rfftfreq(samples, STEP)
    f[0] = f[1]
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(samples)) / np.sqrt(f), samples)
    return noise / noise.std()


def test_planted_traps_hold_and_have_intervals():
    time, current = planted()
    found = answer(trace.from_arrays(time, current))
    assert found.holds and found.slow == 0.0 and found.traps.sizes["trap"] == 2
    assert found.goodness.factor < 1.5 and abs(found.goodness.residual) < 0.05
    low, high = found.traps["amplitude_interval"].values[0]
    assert low < 6.4e-9 < high


def test_a_wrong_fit_is_told_by_each_number():
    """Times wrong by 5 bend the spectrum; one trap of two leaves residuals that remember."""
    from frenkel.analysis.noise import rtn

    time, current = planted()
    one = trace.from_arrays(time, current)
    found = rtn.traps(one, maximum=2, intervals=False)
    slower = found.assign(tau_capture=5 * found["tau_capture"], tau_emission=5 * found["tau_emission"])
    assert goodness(one, found).holds and goodness(one, slower).factor > 2
    single = rtn.traps(one, number=1, intervals=False)
    assert goodness(one, single).residual > 0.3 and not goodness(one, single).holds


def test_a_drift_beside_traps_is_taken_away():
    time, current = planted()
    drifting = current + 3e-8 * time / time[-1] + 4e-9 * np.sin(2 * np.pi * time / time[-1])
    found = answer(trace.from_arrays(time, drifting), 2)
    assert found.slow == pytest.approx(8000 * STEP / 16) and found.slow_share > 0.5
    assert found.traps["amplitude"].values[0] == pytest.approx(6.4e-9, rel=0.05)
    assert found.drift == pytest.approx(3e-8 / drifting.mean(), rel=0.3)


def test_flicker_noise_gets_its_slope_and_no_interval():
    samples = 4000
    current = 1e-7 + 1e-9 * flicker(samples, 5)
    found = answer(trace.from_arrays(STEP * np.arange(samples), current), 1)
    assert not found.holds and found.slope.value == pytest.approx(-1.0, abs=0.2)
    assert found.traps is None or "tau_capture_interval" not in found.traps


def test_the_command_answers_what_it_refused(tmp_path, monkeypatch, capsys):
    """A single step: no trap has a time, and that is the answer."""
    monkeypatch.chdir(tmp_path)
    current = np.where(np.arange(400) < 200, 1.0, 2.0) + 0.01 * np.random.default_rng(1).standard_normal(400)
    rows = [f"{k},{y}" for k, y in enumerate(current)]
    (tmp_path / "t.csv").write_text("\n".join(["time (ms),current (nA)", *rows]))
    assert main(["rtn", "t.csv", "--plot", "t.png"]) == 0
    out = capsys.readouterr().out
    assert (
        "no traps: a trap must change its state at least 10 times" in out and "drift over the trace +" in out
    )
    assert "t.png is not written" in out and not (tmp_path / "t.png").exists()
