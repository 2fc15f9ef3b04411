"""Calibrations of 200 planted targets each: of a switch in closed form, and of the small kinetic cell.

True values are drawn evenly from the ranges, so that the rank of each among the draws of its posterior is
even where the posterior is right (simulation-based calibration: S. Talts et al., arXiv:1804.06788, recalled).
Required: ranks even by Kolmogorov and Smirnov, p > 0.01; and of the 95 % intervals 92 to 98 % hold the truth.
With a right posterior the first fails in 1 of 100, the second in 1 of 20 (184 to 196 of 200).
"""

import numpy as np
import pytest
from scipy.stats import kstest
from thermal_switch import FEATURES, PARAMETERS, planted, simulator

from frenkel.analysis.calibration.rounds import Parameter, calibrate
from frenkel.analysis.fitting.observations import build
from frenkel.calibration.designs import Designs, with_material
from frenkel.configuration.device import parse
from frenkel.mpi_runs import farm

pytestmark = pytest.mark.verification
TARGETS = 200
DEVICES = 10
"""Of each target."""

PHASES = [
    {"kind": "form", "amplitude": "5 V", "to_compliance": True, "compliance": "40 uA"},
    {"kind": "cycle", "repeat": 1, "phase": [
        {"kind": "reset", "amplitude": "-2 V"},
        {"kind": "set", "amplitude": "2 V", "to_compliance": True, "compliance": "40 uA"},
    ]},
]  # fmt: skip
RATES = {"rate": "1 MV/s", "fall_rate": "10 MV/s", "samples": 10}
CELL = {
    "material": "HfO2",
    "seed": 1,
    "device": {"thickness": "1.56 nm", "width": "1.04 nm"},
    "circuit": {"series_resistance": "2 kohm"},
}
FREE = (Parameter("exchange.barrier", 1.6, 1.85), Parameter("vacancy.migration_barrier", 0.6, 0.85))
NUMBERS = {"hrs": "ohm", "lrs": "ohm", "set_voltage": "V", "reset_voltage": "V", "forming_voltage": "V"}


def covered(truths, draws):
    """Return ranks of the truths (targets, p), and the shares of 95 % intervals that hold them."""
    ranks = np.array([(own < true).mean(axis=0) for own, true in zip(draws, truths, strict=True)])
    return ranks, np.mean((ranks >= 0.025) & (ranks <= 0.975), axis=0)


def assert_right(truths, draws, names):
    ranks, share = covered(truths, draws)
    for name, own, part in zip(names, ranks.T, share, strict=True):
        p = kstest(own, "uniform").pvalue
        print(f"{name}: ranks even with p = {p:.3f}, intervals hold {100 * part:.1f} %")
        assert p > 0.01 and 0.92 <= part <= 0.98


def test_a_switch_in_closed_form():
    truths, draws = [], []
    for seed in range(TARGETS):
        truth, target = planted(DEVICES, seed)
        found = calibrate(simulator(seed=1000 + seed), target, FEATURES, PARAMETERS, seed=seed)
        truths.append([truth[q.name] for q in PARAMETERS])
        draws.append(found.draws)
    assert_right(truths, draws, [q.name for q in PARAMETERS])


@pytest.fixture
def cell():
    """The small cell: 12 layers, one forming, one cycle; 0.1 s a device."""
    cycle = PHASES[1] | {"phase": [phase | RATES for phase in PHASES[1]["phase"]]}
    return parse(CELL | {"phase": [PHASES[0] | RATES, cycle]})


def devices(cell, folder, points, members, seed, turn):
    """Return the numbers of devices of points (points, members, 1, 5), in transformed space."""
    units = list(NUMBERS.values())
    frame = build(list(NUMBERS), units, np.array([[[1e5, 1e4, 1.0, -1.0, 1.0]]]))
    with farm.serial() as workers:
        asked = Designs(
            configuration=with_material(cell, folder).model_copy(update={"seed": seed}), folder=folder,
            target=frame, members=members, output=folder / f"{seed}.toml", workers=workers,
            options={"isolated": False},
        )  # fmt: skip
        return asked(points, turn)


@pytest.mark.xfail(
    reason="intervals of 60 targets hold the exchange barrier, which these data hardly tell, in 85 % only"
)
def test_the_small_kinetic_cell(cell, tmp_path):
    """One round of 20 points x 32 devices over the whole ranges serves all targets."""
    design = {}

    def once(points, turn):
        if not design:
            design["shown"] = devices(cell, tmp_path, points, 32, 1, turn)
        return design["shown"]

    random = np.random.default_rng(11)
    truths = np.array([[q.value(x) for q in FREE for x in random.random(1)] for _ in range(TARGETS)])
    points = [{q.name: float(x) for q, x in zip(FREE, row, strict=True)} for row in truths]
    draws = []
    for place, point in enumerate(points):
        target = devices(cell, tmp_path, [point], DEVICES, 1000 + place, 1)[0]
        found = calibrate(once, target, list(NUMBERS), FREE, rounds=1, points=20, seed=3)
        draws.append(found.draws)
    assert_right(truths, draws, [q.name for q in FREE])
