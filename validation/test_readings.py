"""What the table reads off sweeps and samples, on made-up ones whose answer is known (fast)."""

import importlib.util
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent


def load(name):
    """Import a file of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"validation_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


cell, estimates = load("cell"), load("estimates")
sys.path.insert(0, str(HERE))
laboratory = import_module("laboratory")


def sweep(voltage, conductance):
    """Return a trace: time, voltage, current, conductance."""
    return np.stack([voltage, voltage, np.abs(voltage) * conductance, conductance], axis=1)


def test_abrupt_set_with_a_precursor_that_flickers():
    """A microsecond of low resistance at 0.5 V is no start of SET."""
    voltage = np.array([0.0, 0.5, 0.500001, 1.0, 1.0])
    conductance = np.array([1e-6, 5e-5, 1e-6, 1e-6, 5e-5])
    told = cell.rise(sweep(voltage, conductance), 5e-5, 1e-6)
    assert told["width"] <= cell.METER and told["share"] == pytest.approx(1.0)


def test_gradual_set():
    voltage = np.linspace(0, 1, 101)
    conductance = 1e-6 * np.exp(np.log(50) * np.clip((voltage - 0.4) / 0.6, 0, 1))
    told = cell.rise(sweep(voltage, conductance), 5e-5, 1e-6)
    # 10 % of the compliance where V exp(...) = 5 uA, found by hand at 0.7 V; 90 % at 0.99 V.
    assert told["width"] == pytest.approx(0.26, abs=0.05) and told["share"] < 0.05 and told["steps"] > 40


def test_reset_in_one_drop_and_in_many():
    voltage = -np.concatenate([np.linspace(0, 1.5, 151), np.linspace(1.49, 0, 150)])
    once = np.where(np.arange(301) < 60, 5e-5, 1e-6)
    told = cell.fall(sweep(voltage, once), 5e-5)
    assert told["first"] == pytest.approx(1.0) and told["spread"] <= cell.METER and told["levels"] == 1
    slow = 5e-5 * np.exp(-np.log(50) * np.clip((np.minimum(np.arange(301), 150) - 60) / 90, 0, 1))
    told = cell.fall(sweep(voltage, slow), 5e-5)
    assert told["spread"] == pytest.approx(0.72, abs=0.05) and told["first"] < 0.2 and told["levels"] > 20


def test_no_reset_is_said():
    voltage = -np.linspace(0, 1.5, 151)
    assert cell.fall(sweep(voltage, np.full(151, 5e-5)), 5e-5)["spread"] is None


def test_weibull_slope():
    """400 times of slope 2.5: error 0.1; passes within 4 of them (false alarm 6e-5)."""
    slope, error = estimates.weibull(np.random.default_rng(3).weibull(2.5, 400))
    assert error == pytest.approx(0.1, rel=0.4) and abs(slope - 2.5) < 0.4


def test_line_and_its_error():
    """Slope 1 of four columns with 10 devices of noise 0.3: error 0.3 / sqrt(10 * 5) = 0.042; within 4."""
    table = np.arange(4.0) + np.random.default_rng(4).normal(0, 0.3, (10, 4))
    table[3, 2] = np.nan
    slope, error, intercept, r2 = estimates.line(np.arange(4.0), table)
    assert abs(slope - 1) < 0.17 and 0.02 < error < 0.08 and abs(intercept) < 0.4 and r2 > 0.9


def test_missing_values_are_left_out():
    assert estimates.median([None, 1.0, 3.0, None])[0] == 2.0
    assert np.isnan(estimates.median([None])[0])
    assert estimates.fraction([True] * 10)[1] > 0.05


def test_kept_results_hang_on_sources_in_folders_below(tmp_path, monkeypatch):
    """A law of a mechanism lies in a folder below: what it gave before it changed must not be taken over."""
    (tmp_path / "engine").mkdir()
    monkeypatch.setattr(laboratory.kinetic, "__file__", str(tmp_path / "__init__.py"))
    before = laboratory.source_hash()
    (tmp_path / "engine" / "_rates.pyx").write_text("rate = 1")
    after = laboratory.source_hash()
    (tmp_path / "engine" / "_rates.pyx").write_text("rate = 2")
    assert len({before, after, laboratory.source_hash()}) == 3
