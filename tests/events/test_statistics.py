"""What write-verify leaves behind, against bounds and against what was published."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from made_up_cells import made_up_cells
from scipy import stats

import frenkel as fk
from frenkel.array.crossbar import Crossbar
from frenkel.array.lines.network import Lines
from frenkel.events.clock import Clock
from frenkel.events.controller import Controller, Timing
from frenkel.events.programming import WriteVerify, program_all
from frenkel.experiment import array as array_experiment
from frenkel.reports import array as array_report
from frenkel.reports.array import levels_apart


@pytest.mark.parametrize("tolerance", [0.02, 0.002])
def test_error_in_a_window(tolerance):
    """A-10: with pulses that move a cell by the width of the window, errors are even over it.

    100 cells, Kolmogorov-Smirnov at 1e-5, deviation at 4 standard errors. A pulse of 5 ns moves ln G by 5 %.
    With pulses of a quarter of the width, cells stop at the edge that they come from: deviation 0.73 of the
    tolerance, which fails.
    """
    n, target = 100, 2e-5
    start = target * np.exp(np.random.default_rng(7).uniform(-12, 12, (1, n)) * tolerance)
    crossbar = Crossbar(made_up_cells((1, n), start), Lines(shape=(1, n)))
    controller, outcomes = Controller(Clock(), crossbar, Timing(read_voltage=0.1, read_width=1e-12)), []
    width = 5e-9 * 2 * tolerance / 0.05
    scheme = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.35, width=width, tolerance=tolerance)
    work = program_all(((controller.cell(0, j), target) for j in range(n)), scheme, outcomes)
    controller.clock.run(controller.clock.process(work))
    error = np.array([o.conductance for o in outcomes]) / target - 1
    assert all(o.reached for o in outcomes) and np.all(np.abs(error) <= tolerance)
    assert stats.kstest(error / tolerance, stats.uniform(-1, 2).cdf).pvalue > 1e-5
    assert error.std() < tolerance / np.sqrt(3) * (1 + 4 / np.sqrt(5 * n))


def test_levels_apart():
    """A-11: four levels 6 deviations apart are four levels, 2 bits; with twice the spread, 2.5."""
    rng = np.random.default_rng(0)
    target = np.repeat(np.arange(1.0, 5.0), 20_000)
    for spread, number in ((1 / 6, 4.0), (1 / 3, 2.5)):
        found = levels_apart(target, target + spread * rng.standard_normal(target.size))
        assert found == pytest.approx(number, rel=0.02)


@pytest.fixture(scope="module")
def written():
    """Return what the example of write-verify leaves in 64 cells, read after an hour."""
    examples = Path(__file__).parents[2] / "examples"
    changes = ["array.word_lines=4", "phase.1.duration=1 hour", "phase.2.vectors=1"]
    settings = fk.read_configuration(examples / "array_write_verify.toml", changes)
    return array_experiment.run(settings, folder=examples)


def test_most_cells_of_the_shipped_card_are_reached(written):
    """Four levels within 5 %: 98 % of 64 cells."""
    assert np.mean(written["reached"].values == 1) > 0.85


def test_levels_of_the_shipped_card(written):
    """A-11: after an hour 2 to 4 bits in HfO2, in the cells that were reached."""
    reached = written["reached"].values == 1
    target, found = written["target"].values, written["conductance"].values[-1]
    assert 2.0 <= np.log2(levels_apart(target[reached], found[reached])) <= 4.0


@pytest.mark.xfail(
    strict=True,
    reason="0.7, 1.0, 1.2 and 1.7 uS at 25, 35, 45 and 55 uS: within 5 % of a target the error grows with it",
)
def test_error_of_programming_of_published_arrays(written):
    """A-09: a deviation of 2 to 6 uS that falls with the target, as measured from 50 to 225 uS."""
    reached = written["reached"].values == 1
    target, found = written["target"].values, written["programmed"].values
    levels = np.unique(target)
    deviation = [1e6 * found[reached & (target == level)].std() for level in levels]
    assert 2.0 < min(deviation) and max(deviation) < 6.0
    assert np.polyfit(levels, deviation, 1)[0] <= 0.0


def test_a_level_that_no_state_has_is_told():
    """Cells of n atoms of 10 uS each, 25 uS asked: none ends there, and no room between is made up."""
    target = np.repeat([[2e-5, 2.5e-5]], 20, axis=0)
    found = np.repeat([[2e-5, 3e-5]], 20, axis=0)
    cells = ("word_line", "bit_line")
    result = xr.Dataset({
        "target": (cells, target), "programmed": (cells, found), "reached": (cells, (target == found) * 1),
        "program_pulses": (cells, np.full(target.shape, 9)), "program_time": 1.0, "program_time_serial": 2.0,
        "snapshot_label": ("snapshot", ["programmed"]), "conductance": (("snapshot", *cells), found[None]),
    })  # fmt: skip
    lines = "\n".join([*array_report._programming(result), *array_report._snapshots(result)])
    assert (
        "none of 20 cells reached 25 µS: they ended at 30 µS, read with what is in series" in lines
        and "20 µS:" not in lines
    )
    found[:10, 1], result["reached"][:, 1] = 2.5e-5, [1] * 10 + [0] * 10
    lines = "\n".join([*array_report._programming(result), *array_report._snapshots(result)])
    assert "none of" not in lines and "one conductance, so that levels between are not told" in lines
