"""What the table of a population reads, on made-up values (fast)."""

import math
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.calibration.cell import Layers

sys.path.insert(0, str(Path(__file__).resolve().parent))
cells, targets, rows = (import_module(f"population_{name}") for name in ("cell", "targets", "rows"))
rows_of_cycles = import_module("device_cycles").Cycles
sys.path.pop(0)


def test_smooth_values_seldom_look_equal_and_repeats_always_do():
    """200 made-up populations: p below 0.01 in at most 7 (binomial, false alarm 1e-3 at the stated 1 %)."""
    random = np.random.default_rng(3)
    tables = [random.normal(size=(16, 20)) * 0.3 + random.normal(size=(16, 1)) for _ in range(200)]
    assert sum(cells.equal_pairs(table)[0] < 0.01 for table in tables) <= 7
    table = tables[0].copy()
    table[:, 10:14] = table[:, :4]
    assert cells.equal_pairs(table)[0] < 1e-6


def test_values_of_two_modes_do_not_look_equal():
    random = np.random.default_rng(4)
    table = random.normal(size=(64, 20)) * 0.3 + 3.0 * random.integers(0, 2, (64, 20))
    assert cells.equal_pairs(table)[0] > 1e-3


def test_a_device_of_one_value_counts_as_repeats():
    p, found, _ = cells.equal_pairs(np.zeros((1, 5)))
    assert found == 10
    assert p == pytest.approx(0.2**10)


def test_time_of_set_is_the_last_crossing():
    seen = cells.Levels(None)
    seen.time, seen.level = [0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 0.5, 2.0, 3.0]
    assert seen.above(1.0) == 3.0
    assert seen.above(-1.0) == 0.0
    assert math.isnan(seen.above(5.0))


class OhmicBox:
    """Two layers of atoms between electrodes: columns of bonds without any to the side."""

    def __init__(self, columns):
        a = 2.0
        number = len(columns)
        self.material = SimpleNamespace(lattice=SimpleNamespace(spacing=a))
        place = [(a * k, 0.0, a * layer) for layer in (1, 2) for k in range(number)]
        self.lattice = SimpleNamespace(position=np.array(place))
        potential = np.repeat([1 / 3, 2 / 3], number)
        bonds = []
        for k, g in enumerate(columns):
            bonds += [(k, -1, g), (k, number + k, g), (number + k, -2, g)]
        self.fields = SimpleNamespace(
            has_laws=lambda: False,
            nodes=lambda: (np.arange(2 * number), potential, None),
            solver=SimpleNamespace(bonds=lambda: bonds),
        )

    def solved(self, refresh):
        assert refresh


@pytest.mark.parametrize(("columns", "number"), [([1.0] * 5, 5.0), ([1.0, 0.0, 0.0], 1.0), ([3.0, 1.0], 1.6)])
def test_radius_counts_the_atoms_that_carry_the_current(columns, number):
    assert cells.filament(OhmicBox(columns)).radius == pytest.approx(2.0 * math.sqrt(number / math.pi))


def test_conductivity_is_that_of_the_columns():
    """N columns of bonds g, N atoms of 2 m squared a layer: g N x 2 / (4 N), whatever the number."""
    for number in (1, 5):
        layers = cells.filament(OhmicBox([3.0] * number), 0.7)
        assert layers.conductivity == pytest.approx([1.5])
        assert layers.potential == pytest.approx([0.7 / 3, 1.4 / 3])


def test_conductivity_of_layers_that_are_not_neighbours_is_unknown():
    layers = Layers(
        height=np.array([1, 2, 4]), count=np.array([2.0, 4.0, 1.0]), current=np.full(3, 6.0), spacing=0.5,
        potential=np.array([0.0, 2.0, 3.0]),
    )  # fmt: skip
    assert layers.conductivity == pytest.approx([3.0 / (3.0 * 0.5)])


def test_line_of_a_linear_barrier():
    """1.91 eV, 1e14 Hz, 0.90 V after 2e-7 s at 300 K: 27.5 decades/V (issue 44)."""
    assert cells.line_of_purpose(1.91, 1e14, 0.9, 2e-7) == pytest.approx(27.5, abs=0.05)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # too few for an interval
def test_rank_correlation_with_its_interval():
    random = np.random.default_rng(2)
    one = random.normal(size=60)
    row = rows.ranked("I-5", one, one**3 + 0.1 * random.normal(size=60))
    assert 0.8 < row.low < row.value < row.high <= 1.0 and row.verdict == "reported"
    assert math.isnan(rows.ranked("I-5", one, np.ones(60)).value)
    assert rows.ranked("I-5", [1.0, 2.0, 3.0, 4.0, math.nan], [4.0, 3.0, 2.0, 1.0, 9.0]).value == -1.0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_set_times_are_waited_for_near_v_set(monkeypatch):
    """Times fall by 18 decades a volt to 0.7 V and by 14 above; G doubles a tenth of the time before."""
    volts = 0.9 * np.array([0.6, 0.7, 0.8])
    law = 10 ** np.interp(volts, [0.54, 0.63, 0.72], [1.0, -0.62, -1.88])
    times = law * np.exp(0.1 * np.random.default_rng(7).normal(size=(8, 1)))

    def made(prepared, voltages, **options):
        assert voltages == pytest.approx(volts.round(2))
        return cells.Waits(voltages=volts, set=times, doubled=times / 10, waited=times)

    monkeypatch.setattr(rows, "waits", made)
    brief = SimpleNamespace(v_set=np.full((2, 3), 0.9), hrs=np.ones((2, 3)))
    material = SimpleNamespace(
        has=lambda name: name == "exchange", exchange=SimpleNamespace(barrier=1.91, attempt_frequency=1e14)
    )
    population = SimpleNamespace(
        voltages=(0.6, 0.7, 0.8), brief=brief, prepared=[], states=8, state_budget=1, workers=None,
        rate=1e5, members=lambda *_: ([material], [1]),
    )  # fmt: skip
    mean, steepest, first, line = rows.time_rows(population)
    assert mean.value == pytest.approx(16.0, rel=1e-2) and mean.verdict == "met"
    assert steepest.value == pytest.approx(18.0) and steepest.verdict == "met"
    assert first.value == pytest.approx(1.0)
    wait = 1.0 / (mean.value * math.log(10.0) * 1e5)
    assert line.value == pytest.approx(cells.line_of_purpose(1.91, 1e14, 0.9, wait)) and 27 < line.value < 28


def test_rows_of_brief_cycles_are_the_same_whether_longer_ones_are_there(monkeypatch):
    """84 cycles in which the devices drift apart: the variance fraction is that of the first 20."""
    table = np.exp(np.random.default_rng(5).normal(size=(12, 84)))

    def made(materials, seeds, number, **options):
        columns = dict.fromkeys(rows.CYCLE, table[:, :number])
        forming = np.zeros(12)
        return rows_of_cycles(**columns, limit=1.0, forming=forming, form_cpu=forming, cut=("",) * 12)

    monkeypatch.setattr(rows, "cycles", made)
    monkeypatch.setattr(rows, "members", lambda *_: ([], []))
    alone, after = rows.Population(long=84, number=20), rows.Population(long=84, number=20)
    assert after.cycled.hrs.shape == (12, 84)
    for population in (alone, after):
        assert np.array_equal(population.brief.hrs, table[:, :20])
        assert population.alike is population.brief
    assert "cycled" not in vars(alone)
    assert rows.variance_rows(alone)[0].n == "240 cycles of 12 devices"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_high_states_are_bent_and_warmed_without_disorder(monkeypatch):
    """Ohmic at 0.5 V by half, activation 0.1 eV, in gaps that are longer the more they bend."""
    ratio = np.array([2.0, 2.2, 2.4, 2.6, 2.8])
    warm = np.array([300.0, 350.0, 400.0])
    table = 1e6 * np.exp(0.1 / rows.BOLTZMANN * (1 / warm - 1 / 300.0)) * ratio[:, None]
    plain = [SimpleNamespace(high=[1])]
    monkeypatch.setattr(
        rows, "warmed", lambda states, _: (table, np.full(5, 1e6), 1e-9 * ratio) if states is plain else None
    )
    population = SimpleNamespace(plain=plain, warm=tuple(warm), states=5)
    found = {row.id: row for row in rows.off_rows(population)}
    assert found["I-1"].value == pytest.approx(2.4)
    assert found["I-2"].value == pytest.approx(np.std(ratio, ddof=1) / 2.4)
    assert found["I-3"].value == pytest.approx(0.1)
    assert found["I-5"].value == pytest.approx(1.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_median_of_equal_middle_values_has_an_interval():
    """Without any one value the median is 2 still: BCa does not exist, and percentiles of the draws hold."""
    values = np.array([1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.5, 3.0])
    row = rows.resampled("I-1", values, np.median)
    assert 1.0 <= row.low < row.value == 2.0 < row.high <= 3.0


def test_cost_is_told_by_the_number_of_atoms():
    found = SimpleNamespace(
        vacancies=np.array([[150.0, 151.0, 301.0]]), cpu=np.array([[1.0, 3.0, 9.0]]), events=np.ones((1, 3))
    )
    small, large = rows.cost_rows(SimpleNamespace(cycled=found))
    assert (small.value, large.value) == (1.0, 3.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_widths_are_judged_at_100_uA(monkeypatch):
    """Radius as the square root of the limit; R I_c in band in three of four."""
    currents = (1e-5, 1e-4, 2e-4, 4e-4)
    thin = {name: np.outer(np.ones(4), np.sqrt(currents)) for name in cells.WIDTHS}
    thin["radius"] = thin["radius"] * 1.5e-7 * np.array([0.9, 1.0, 1.0, 1.1])[:, None]
    thin["product"] = np.full((4, 4), 0.4) * np.array([1.0, 1.0, 1.0, 2.0])
    monkeypatch.setattr(
        rows, "widths", lambda prepared, limits, **options: thin if limits == currents else thick
    )
    thick = {name: np.full((4, 1), 1e-9) for name in cells.WIDTHS}
    population = SimpleNamespace(
        prepared=[], thickened=[], states=2, thick_states=2, currents=currents, state_budget=1.0, workers=None
    )
    found = {row.id: row for row in rows.width_rows(population)}
    assert found["R-1"].value == pytest.approx(1.5e-9)
    assert found["R-2"].value == pytest.approx(0.5)
    assert found["R-3"].value == 0.75
    assert found["R-4"].value == 1e-9
    assert found["R-5"].value == pytest.approx(1e-2)


def test_fewer_devices_where_a_cycle_costs_more():
    bench = rows.Population(devices=64, states=12, endurance=(12, 200))
    few = bench.scaled(0.25)
    assert (few.devices, few.states, few.endurance) == (16, 3, (3, 200))
    assert bench.scaled(1e-3).devices == rows.LEAST["devices"]


@pytest.mark.parametrize(
    ("id", "value", "low", "high", "verdict"),
    [
        ("V-1", 0.5, 0.4, 0.6, "met"),
        ("V-1", 0.5, 0.3, 0.7, "cannot be judged"),
        ("V-1", 0.5, math.nan, math.nan, "cannot be judged"),
        ("V-1", 0.39, 0.3, 0.5, "MISSED"),
        ("C-8", 0.95, math.nan, math.nan, "met"),
        ("C-8", 0.89, math.nan, math.nan, "MISSED"),
        ("C-8", math.nan, math.nan, math.nan, "not measured"),
        ("A-2", 0.05, 0.01, 0.09, "cannot be judged"),
        ("A-3", 0.02, 0.0, 0.3, "met"),
        ("A-3", 0.06, 0.0, 0.3, "MISSED"),
        ("Y-2", 0.5, 0.0, 1.0, "reported"),
    ],
)
def test_verdict(id, value, low, high, verdict):
    assert targets.Measured(id=id, value=value, low=low, high=high).verdict == verdict


def test_members_have_the_numbers_of_their_population():
    wide = {"exchange.barrier": {"law": "normal", "sd": "50 meV"}}
    materials, seeds = cells.members("HfO2-fast", wide, 3, 11)
    barriers = [one.exchange.barrier for one in materials]
    assert len(set(barriers)) == 3
    assert list(seeds) == [11, 12, 13]
    assert [one.exchange.barrier for one in cells.members("HfO2-fast", wide, 2, 11)[0]] == barriers[:2]


def test_a_population_of_other_numbers_is_refused():
    wide = {"device.width": {"law": "uniform", "low": "2 nm", "high": "3 nm"}}
    with pytest.raises(ValueError, match="numbers of the material, got device.width"):
        cells.members("HfO2-fast", wide, 2, 1)
