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

from frenkel.analysis.fitting.observations import build
from frenkel.calibration.designs import Designs, with_material
from frenkel.calibration.rounds import Parameter, calibrate
from frenkel.configuration.device import parse
from frenkel.mpi_runs import farm

pytestmark = [pytest.mark.verification, pytest.mark.timeout(2 * 3600)]
TARGETS = 200
DEVICES = 10
"""Of each target."""

DESIGNS = 4
"""Of the small cell."""

PHASES = [
    {"kind": "form", "amplitude": "5 V", "to_compliance": True, "compliance": "40 uA"},
    {"kind": "cycle", "repeat": 1, "phase": [
        {"kind": "reset", "amplitude": "-2 V"},
        {"kind": "set", "amplitude": "2 V", "to_compliance": True, "compliance": "40 uA"},
    ]},
]  # fmt: skip
RATES = {"rate": "1 MV/s", "fall_rate": "10 MV/s", "samples": 10}
CELL = {
    "material": "HfO2-volatile",
    "seed": 1,
    "device": {"thickness": "1.56 nm", "width": "1.04 nm"},
    "circuit": {"series_resistance": "2 kohm"},
}
FREE = (Parameter("exchange.barrier", 1.6, 1.85), Parameter("vacancy.migration_barrier", 0.6, 0.85))
NUMBERS = {"hrs": "ohm", "lrs": "ohm", "set_voltage": "V", "reset_voltage": "V", "forming_voltage": "V"}


def covered(truths, draws):
    """Return ranks of the truths (targets, p), and the fractions of 95 % intervals that hold them."""
    ranks = np.array([(own < true).mean(axis=0) for own, true in zip(draws, truths, strict=True)])
    return ranks, np.mean((ranks >= 0.025) & (ranks <= 0.975), axis=0)


def assert_right(truths, draws, names):
    ranks, share = covered(truths, draws)
    for name, own, part in zip(names, ranks.T, share, strict=True):
        p = kstest(own, "uniform").pvalue
        print(f"{name}: ranks even with p = {p:.3f}, intervals hold {100 * part:.1f} %")
        assert p > 0.01 and 0.92 <= part <= 0.98


def test_a_switch_in_closed_form():
    """Targets 200 to 399: 94.0, 96.0, 95.5 %, ranks even with p of 0.76, 0.31, 0.90. The first 200, at which
    the likelihood had been looked at before, hold the energy in 90.5 %, targets 10,000 to 10,399 in 96.2 %.
    """
    truths, draws = [], []
    for seed in range(TARGETS, 2 * TARGETS):
        truth, target = planted(DEVICES, seed)
        found = calibrate(simulator(seed=1000 + seed), target, FEATURES, PARAMETERS, seed=seed)
        truths.append([truth[q.name] for q in PARAMETERS])
        draws.append(found.draws)
    assert_right(truths, draws, [q.name for q in PARAMETERS])


TRUTHS, FEW = 100, 5
"""Targets of the default, and their devices: means alone are compared."""

BANK, DRAWN = 64, 16
"""Simulated devices of each point, and how many of them are the design of a target."""


def ninety(truths, draws):
    """Return how many of the central 90 % intervals hold the truths, (p,)."""
    bounds = np.array([np.quantile(own, (0.05, 0.95), axis=0) for own in draws])
    return np.sum((bounds[:, 0] <= truths) & (truths <= bounds[:, 1]), axis=0)


@pytest.mark.parametrize("series", ["0 ohm", "7.5 kohm"])
def test_the_default_with_and_without_series_resistance(tmp_path, series):
    """90 % intervals of 100 truths, designs of 16 points x 16 devices drawn from 64; required are 82 to 97.

    The exchange barrier is in 83 of 100 with 7.5 kohm and in 89 without, the migration barrier in 89 and 89
    (another draw of the designs: 84, 84; 84, 88). With one design for all targets, whose luck they share, the
    exchange barrier was in 35 and 34 of 40. Seven minutes of CPU each.
    """
    rates = {**RATES, "rate": "0.1 MV/s"}
    cycle = PHASES[1] | {"phase": [phase | rates for phase in PHASES[1]["phase"]]}
    made = {"material": "HfO2-fast", "device": {"thickness": "2.6 nm", "width": "2.6 nm"}, "seed": 1}
    default = parse(made | {"circuit": {"series_resistance": series}, "phase": [PHASES[0] | rates, cycle]})
    free = (Parameter("exchange.barrier", 1.85, 1.99), Parameter("vacancy.migration_barrier", 1.27, 1.39))
    bank = []
    random = np.random.default_rng(12)
    truths = np.array([[q.value(random.random()) for q in free] for _ in range(TRUTHS)])
    draws = []
    for place, row in enumerate(truths):
        members = np.random.default_rng([0, place]).permutation(BANK)[:DRAWN]

        def simulate(points, turn, members=members):
            if not bank:
                bank.append(devices(default, tmp_path, points, BANK, 1, turn))
            return bank[0][:, members]

        point = {q.name: float(x) for q, x in zip(free, row, strict=True)}
        target = devices(default, tmp_path, [point], FEW, 1000 + place, 1)[0]
        found = calibrate(simulate, target, list(NUMBERS), free, rounds=1, points=16, seed=3)
        assert found.coarse == ("reset_voltage",)  # read in steps of 0.5 V
        draws.append(found.draws)
    held = ninety(truths, draws)
    print(f"{series}: 90 % intervals hold {held} of {TRUTHS}")
    assert np.all((held >= 82) & (held <= 97))


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


def hardly_told(values, random, number):
    """Return five numbers of devices, most of which follow "a"; "b" shifts them by a third of a spread."""
    far, near = np.array([4.0, -3.2, 2.4, 1.2, -0.8]), np.array([0.2, 0.6, -0.2, 0.5, -0.4])
    together = random.standard_normal((number, 5)) @ np.linalg.cholesky(0.4 + 0.6 * np.eye(5)).T
    spread = np.exp(0.8 * (values["a"] - 0.5)) * np.sinh(0.5 * together) / 0.5
    return (far * values["a"] + 0.8 * np.sin(2 * values["a"]) + near * values["b"] + spread)[:, None]


def test_a_number_that_is_hardly_told():
    """Of 200 targets, each with a design of its own, intervals of "b" as they are reported, open where its
    posterior reaches an end of the range, hold the truth in at least 92 %. Central intervals of draws of both
    held 94.2 and 95.0 % of 400 on a grid, and are asked for 90 %, nearly three standard errors less."""
    free = (Parameter("a", 0.0, 1.0), Parameter("b", 0.0, 1.0))
    held, central = [], []
    for seed in range(TARGETS):
        random = np.random.default_rng([7, seed])
        truth = {q.name: random.random() for q in free}

        def simulate(points, turn, seed=seed):
            return np.array([hardly_told(one, np.random.default_rng([seed, 5]), 32) for one in points])

        target = hardly_told(truth, random, DEVICES)
        found = calibrate(simulate, target, list("pqrst"), free, rounds=1, points=20, seed=seed)
        held.append([found.intervals[name][0] <= x <= found.intervals[name][1] for name, x in truth.items()])
        ranks = (found.draws < np.array(list(truth.values()))).mean(axis=0)
        central.append((ranks >= 0.025) & (ranks <= 0.975))
    print(f"reported {np.mean(held, axis=0)}, central {np.mean(central, axis=0)}")
    assert np.mean(held, axis=0)[1] >= 0.92 and np.mean(central, axis=0).min() >= 0.90


def test_the_small_kinetic_cell(cell, tmp_path):
    """One round of 20 points x 32 devices over the whole ranges; each of four designs serves 50 targets,
    which share its luck. Eight minutes of one core: 94.0 and 94.0 %, ranks even with p of 0.09 and 0.36;
    of the four designs 96, 94, 90, 96 and 96, 90, 96, 94 %."""
    shown = {}

    def design(seed):
        def once(points, turn):
            if seed not in shown:
                shown[seed] = devices(cell, tmp_path, points, 32, seed, turn)
            return shown[seed]

        return once

    random = np.random.default_rng(11)
    truths = np.array([[q.value(x) for q in FREE for x in random.random(1)] for _ in range(TARGETS)])
    points = [{q.name: float(x) for q, x in zip(FREE, row, strict=True)} for row in truths]
    draws = []
    for place, point in enumerate(points):
        target = devices(cell, tmp_path, [point], DEVICES, 1000 + place, 1)[0]
        simulate = design(1 + place % DESIGNS)
        found = calibrate(simulate, target, list(NUMBERS), FREE, rounds=1, points=20, seed=3)
        draws.append(found.draws)
    assert_right(truths, draws, [q.name for q in FREE])
