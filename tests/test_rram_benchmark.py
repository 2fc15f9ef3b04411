"""The benchmark of models on measured devices: its split stands, its figures are 0 for the same devices."""

import sys
from pathlib import Path

import numpy as np
import pytest

from frenkel.analysis.fitting.observations import build

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "rram"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("run", "adapters"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import run

    yield run
    for name in ("run", "adapters"):
        sys.modules.pop(name, None)


def cycles(devices, number, seed=0, memory=0.0):
    """Return cycles of one number with a memory from each to the next."""
    noise = np.random.default_rng(seed).standard_normal((devices, number + 100))
    for k in range(1, number + 100):
        noise[:, k] = memory * noise[:, k - 1] + np.sqrt(1 - memory**2) * noise[:, k]
    return noise[:, 100:, None]


def test_the_split_never_changes(bench):
    names = [f"cell {k}" for k in range(12)]
    data = build(["a"], ["V"], np.arange(24.0).reshape(12, 2, 1))
    training, judge = bench.split(data, names)
    own = [name for name, row in zip(names, data.values, strict=True) if row[0, 0] in judge.values]
    assert own == [name for name in names if bench.judging(name)] and len(training.values) + len(own) == 12
    assert [bench.judging(name) for name in names[:6]] == [True, False, True, False, False, False]
    first, second = bench.split(build(["a"], ["V"], cycles(1, 9)), ["one"])
    assert first.values.shape == second.values.shape == (1, 4, 1)


def test_figures_of_known_devices(bench):
    """The same devices: 0; another memory of 0.8 and spread of 2: about what was planted."""
    one = cycles(40, 400, 1)
    assert all(value == 0.0 for value in bench.tasks(one, one).values())
    found = bench.tasks(one, 2.0 * cycles(40, 400, 2, memory=0.8))
    assert found["ln ratio of spreads"] == pytest.approx(np.log(2.0), abs=0.05)
    assert found["memory to lag 50"] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("name", ["Synaptogen's form", "independent", "training again"])
def test_models_draw_what_they_were_trained_on(bench, name):
    """Cycles without memory: all cycles within 0.1 of those of the training."""
    values = cycles(30, 60, 3)
    drawn = bench.ADAPTERS[name](build(["a"], ["V"], values))(50, 60, 4)
    assert drawn.shape == (50, 60, 1) and bench.tasks(values, drawn)["all cycles (KS)"] < 0.1
