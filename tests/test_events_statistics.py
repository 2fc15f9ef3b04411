"""What write-verify leaves behind, against bounds and against what was published."""

import numpy as np
import pytest
from made_up_cells import made_up_cells
from scipy import stats

from frenkel.array.crossbar import Crossbar
from frenkel.array.lines import Lines
from frenkel.array_report import levels_apart
from frenkel.events.clock import Clock
from frenkel.events.controller import Controller, Timing
from frenkel.events.programming import WriteVerify, program_all


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
