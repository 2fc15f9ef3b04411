"""The clock, its stations, programming and workloads on it."""

import numpy as np
import pytest
from closed_forms import accepted_share
from made_up_cells import drifting, made_up_cells
from scipy import stats

from frenkel.array.crossbar import Crossbar
from frenkel.array.lines.network import Lines
from frenkel.cells.resistors import LinearCells
from frenkel.events.clock import Clock, EnergyMeter, Station, picoseconds
from frenkel.events.controller import Controller, Timing
from frenkel.events.programming import (
    Blind,
    IncrementalPulses,
    WriteOutcome,
    WriteVerify,
    program_all,
)
from frenkel.events.workload import Products, ReadDisturb, Refresh, Retention, log_times

# --------------------------------------------------------------------------- clock


def test_picoseconds_are_whole():
    assert picoseconds(1e-9) == 1000 and picoseconds(0.0) == 0 and isinstance(picoseconds(3e-7), int)
    for bad in (-1.0, np.nan, np.inf, 1e-13):
        with pytest.raises(ValueError, match="a duration must be"):
            picoseconds(bad)


def test_times_add_exactly_after_a_long_run():
    clock = Clock()

    def run():
        yield clock.rest(3e6)
        for _ in range(1000):
            yield clock.rest(1e-12)

    clock.run(clock.process(run()))
    assert clock.now == 3 * 10**18 + 1000 and isinstance(clock.now, int)


def queue(arrival, service, count, seed):
    """Run an M/M/1 queue; return the station, the number that each arrival found and its time inside (ps).

    Last comes the time average of the number inside, from its steps.
    """
    clock, rng = Clock(), np.random.default_rng(seed)
    station, found, inside, steps = Station(clock, "server"), [], [], []

    def customer(need):
        start = clock.now
        steps.append((start, 1))
        yield from station.use(need)
        steps.append((clock.now, -1))
        inside.append(clock.now - start)

    def customers():
        for gap, need in zip(
            rng.exponential(1 / arrival, count), rng.exponential(1 / service, count), strict=True
        ):
            yield clock.timeout(round(gap * 1e12))
            found.append(len(found) - len(inside))
            clock.process(customer(round(need * 1e12) / 1e12))

    clock.process(customers())
    clock.run()
    times, changes = np.array(steps).T
    mean = np.sum(np.cumsum(changes)[:-1] * np.diff(times)) / clock.now
    return station, np.array(found), np.array(inside), mean


def test_queue():
    """X-23: found number geometric, W = 1/(mu - lambda), Little's law.

    Customers 60 apart in the chi-square, p > 1e-5; mean time by 40 batches of 1,000, |t| < 5 with 39 degrees
    of freedom (1.3e-5): false alarm about 2e-5. With a service rate 8 % lower the mean fails (t = 11), with
    one 20 % lower the chi-square too (1e-23).
    """
    arrival, service, count = 0.5e9, 1.0e9, 40_000
    station, found, inside, mean = queue(arrival, service, count, seed=4)
    rho = arrival / service
    seen = np.bincount(np.minimum(found[500::60], 5), minlength=6)
    chance = np.append((1 - rho) * rho ** np.arange(5), rho**5)
    assert stats.chisquare(seen, chance * seen.sum()).pvalue > 1e-5
    batches = inside.reshape(40, -1).mean(axis=1)
    exact = 1e12 / (service - arrival)
    assert abs(batches.mean() - exact) < 5.0 * batches.std(ddof=1) / np.sqrt(40)
    assert station.busy + station.waited == inside.sum()
    assert mean == pytest.approx(inside.sum() / station.clock.now, rel=1e-12)
    assert station.busy / station.clock.now == pytest.approx(rho, rel=0.03)


def test_two_servers_share():
    clock, meter = Clock(), EnergyMeter()
    station = Station(clock, "converter", capacity=2, latency=5e-9, energy=2e-12, meter=meter)
    for _ in range(5):
        clock.process(station.use())
    clock.run()
    assert clock.now == 15_000 and station.uses == 5
    assert meter.energy == {"converter": pytest.approx(1e-11)}
    assert station.waited == (0 + 0 + 5 + 5 + 10) * 1000


def test_a_share_of_uses_takes_no_more_servers_than_it_has_uses():
    """Of two servers one is taken for 50 ns: one use ends after 5 ns, three (two, then one) after 15 ns."""
    for count, end, uses, waited in ((1, 5_000, 2, 0), (3, 15_000, 4, 10_000)):
        clock = Clock()
        station = Station(clock, "converter", capacity=2, latency=5e-9, log=[])
        clock.process(station.use(50e-9))
        clock.run(clock.process(station.share(count)))
        assert clock.now == end
        clock.run()
        assert station.uses == uses and station.busy == 50_000 + count * 5_000
        assert station.waited == waited
        assert len(station.log) == 1 + min(count, 2)


# --------------------------------------------------------------------------- programming


class DrawnCell:
    """A cell whose every pulse gives a normal draw, on a clock of its own."""

    def __init__(self, clock, rng, mean, spread):
        self.clock, self.rng, self.mean, self.spread, self.value = clock, rng, mean, spread, -1.0

    def pulse(self, amplitude, width, gate=None):
        yield self.clock.rest(width)
        self.value = self.rng.normal(self.mean, self.spread)

    def read(self):
        yield self.clock.rest(1e-9)
        return self.value


def test_blind_write_verify():
    """X-24, A-08: pulses geometric with p, accepted values a truncated normal.

    20,000 cells; chi-square and Kolmogorov-Smirnov at 1e-5, the mean at 4.4 standard errors: false alarm
    3e-5. With p for a tolerance 5 % wider it fails.
    """
    clock, rng, n = Clock(), np.random.default_rng(12), 20_000
    mean, spread, target, tolerance = 1.04, 0.05, 1.0, 0.03
    scheme = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.0, width=1e-9, tolerance=tolerance, limit=1000)
    outcomes = []
    cells = ((DrawnCell(clock, rng, mean, spread), target) for _ in range(n))
    clock.run(clock.process(program_all(cells, scheme, outcomes)))
    pulses = np.array([o.pulses for o in outcomes])
    p = accepted_share(mean, spread, target, tolerance)
    assert all(o.reached for o in outcomes)
    assert abs(pulses.mean() - 1 / p) < 4.4 * np.sqrt((1 - p) / p**2 / n)
    last = 12
    chance = np.append(p * (1 - p) ** np.arange(last - 1), (1 - p) ** (last - 1))
    seen = np.bincount(np.minimum(pulses, last), minlength=last + 1)[1:]
    assert stats.chisquare(seen, chance * n).pvalue > 1e-5
    values = np.array([o.conductance for o in outcomes])
    low, high = (target - tolerance - mean) / spread, (target + tolerance - mean) / spread
    assert stats.kstest(values, stats.truncnorm(low, high, mean, spread).cdf).pvalue > 1e-5
    # One read before the first pulse and one after each.
    assert clock.now == 1000 * (2 * pulses.sum() + n)


def array(seed=0, n=6, **lines):
    cells = made_up_cells((n, n), 5e-6, relaxation=drifting(), seed=seed)
    return Crossbar(cells, Lines(shape=(n, n), **{"word_resistance": 2.0, "bit_resistance": 2.0} | lines))


ISPP = IncrementalPulses(set_start=0.8, reset_start=-1.0, step=0.05, most=3.0, width=2e-8, tolerance=0.05)
FIXED = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.35, width=5e-9, tolerance=0.05, limit=200)


@pytest.mark.parametrize("scheme", [ISPP, FIXED], ids=lambda s: type(s).__name__)
def test_schemes_reach_targets(scheme):
    controller = Controller(Clock(), array())
    targets = {(1, 2): 1e-5, (4, 0): 3e-5, (5, 5): 2e-6}
    outcomes = []
    work = program_all(((controller.cell(*c), g) for c, g in targets.items()), scheme, outcomes)
    controller.clock.run(controller.clock.process(work))
    for outcome, target in zip(outcomes, targets.values(), strict=True):
        assert outcome.reached and abs(outcome.conductance / target - 1) <= 0.05
    assert controller.pulses == sum(o.pulses for o in outcomes) > 0
    assert controller.reads == controller.pulses + len(targets)


def test_failure_is_listed():
    controller, outcomes = (
        Controller(Clock(), Crossbar(LinearCells(np.full((2, 2), 1e-5)), Lines(shape=(2, 2)))),
        [],
    )
    scheme = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.0, width=1e-9, limit=3)
    controller.clock.run(
        controller.clock.process(program_all([(controller.cell(0, 1), 2e-5)], scheme, outcomes))
    )
    assert outcomes == [WriteOutcome(False, 3, pytest.approx(1e-5))]


def test_makespan_and_energy_are_the_sums():
    """A serial controller takes the sum of its parts; every joule is entered once."""
    timing = Timing(
        driver_latency=2e-9,
        driver_energy=1e-13,
        read_width=7e-9,
        converter_latency=5e-9,
        converter_energy=2e-12,
        read_voltage=0.2,
    )
    controller = Controller(
        Clock(), Crossbar(LinearCells(np.full((2, 2), 1e-5)), Lines(shape=(2, 2))), timing
    )
    scheme, outcomes = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.0, width=11e-9, limit=4), []
    controller.clock.run(
        controller.clock.process(program_all([(controller.cell(0, 1), 2e-5)], scheme, outcomes))
    )
    assert controller.clock.now == 4 * (2000 + 11_000) + 5 * (2000 + 7000 + 5000)
    # V/2 without wires: one cell at 1 V, two at 0.5 V; a read holds two cells of the row at 0.2 V.
    cells = 4 * 11e-9 * 1e-5 * (1.0 + 2 * 0.25) + 5 * 7e-9 * 1e-5 * 2 * 0.04
    assert controller.meter.energy == {
        "array": pytest.approx(cells),
        "driver": pytest.approx(9e-13),
        "converter": pytest.approx(1e-11),
    }
    assert controller.meter.total == pytest.approx(cells + 9e-13 + 1e-11)


def test_two_controllers_of_one_bus_take_turns():
    """Two processes contend for the array: conversions overlap, pulses and reads do not."""
    timing = Timing(driver_latency=1e-9, read_width=10e-9, converter_latency=9e-9, converters=2)
    controller = Controller(
        Clock(), Crossbar(LinearCells(np.full((2, 2), 1e-5)), Lines(shape=(2, 2))), timing
    )
    for cell in ((0, 0), (1, 1)):
        controller.clock.process(controller.read(cell))
    controller.clock.run()
    assert controller.clock.now == 11_000 + 11_000 + 9_000


def test_same_seed_same_run():
    def run():
        controller, outcomes = Controller(Clock(), array(seed=5)), []
        work = program_all([(controller.cell(i, i), 1e-5) for i in range(4)], FIXED, outcomes)
        controller.clock.run(controller.clock.process(work))
        return outcomes, controller.clock.now, controller.meter.energy, controller.array.cells.gap.tobytes()

    assert run() == run()


# --------------------------------------------------------------------------- workloads


def test_retention_drifts_as_the_cell_says():
    controller = Controller(Clock(), array(n=2, word_resistance=0.0, bit_resistance=0.0))
    controller.array.cells.temperature = 350.0
    times = log_times(1e3, 1e8, 7)
    work = Retention(times=times, cells=[(0, 1)])
    controller.clock.run(controller.clock.process(work.run(controller)))
    older = np.exp(1.0 / (1.380649e-23 / 1.602176634e-19) * (1 / 300.0 - 1 / 350.0))
    exact = 5e-6 * np.sinh(0.8) / 2.0 / np.sinh(0.4) * (older * times) ** -0.02
    np.testing.assert_allclose(np.ravel(work.conductance), exact, rtol=1e-3)


def test_refresh_brings_drifted_cells_back():
    controller, goal = Controller(Clock(), array()), [((2, 3), 3e-5), ((0, 1), 3e-5)]
    controller.array.cells.temperature = 350.0
    work = Refresh(period=2e6, rounds=2, targets=goal, scheme=ISPP)
    controller.clock.run(controller.clock.process(work.run(controller)))
    assert [len(row) for row in work.outcomes] == [2, 2]
    assert all(o.reached and o.pulses > 0 for row in work.outcomes for o in row)


def test_read_disturb_only_at_a_voltage_that_disturbs():
    drift = []
    for voltage in (0.1, 1.1):
        controller = Controller(Clock(), array(), Timing(read_voltage=voltage, read_width=1e-6))
        work = ReadDisturb(cell=(3, 3), count=20)
        controller.clock.run(controller.clock.process(work.run(controller)))
        drift.append(work.conductance[-1] / work.conductance[0] - 1.0)
    assert abs(drift[0]) < 3e-3 < 0.1 < drift[1]


def test_products_take_the_time_of_their_conversions():
    g = np.random.default_rng(3).uniform(1e-6, 1e-4, (4, 6))
    crossbar = Crossbar(LinearCells(g), Lines(shape=(4, 6), word_resistance=1.0, bit_resistance=1.0))
    timing = Timing(driver_latency=1e-9, read_width=10e-9, converter_latency=4e-9, converters=2)
    controller = Controller(Clock(), crossbar, timing)
    matrix = crossbar.effective_matrix()
    vectors = np.random.default_rng(4).uniform(0.0, 0.2, (5, 4))
    work = Products(vectors=vectors, multiply=lambda v: v @ matrix)
    controller.clock.run(controller.clock.process(work.run(controller)))
    assert controller.clock.now == 5 * (1000 + 10_000 + 3 * 4000)
    np.testing.assert_allclose(work.currents, [crossbar.multiply(v) for v in vectors], rtol=1e-10)
    assert controller.meter.energy["converter"] == pytest.approx(30 * 1.67e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blind(amplitude=30.0, width=1e-9), "amplitude must be between -20 and 20 V"),
        (lambda: WriteVerify(set_amplitude=1.0, reset_amplitude=-1.0, width=0.0), "width must be between"),
        (
            lambda: WriteVerify(set_amplitude=1.0, reset_amplitude=-1.0, width=1e-9, tolerance=0.0),
            "tolerance must be",
        ),
        (
            lambda: IncrementalPulses(set_start=1.0, reset_start=1.0, step=0.1, most=2.0, width=1e-9),
            "opposite signs",
        ),
        (lambda: Timing(read_voltage=0.0), "read_voltage must be finite and not 0 V"),
        (
            lambda: Station(Clock(), "driver", capacity=0),
            "capacity of driver must be a whole number of at least 1, got 0",
        ),
        (lambda: Controller(Clock(), array()).cell(6, 0), "cell must lie in an array of 6 x 6"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_cells_age_between_a_wait_and_a_read():
    """Without any other call: a day at 350 K passes before the second read, and shows in it."""
    controller, seen = Controller(Clock(), array()), []
    controller.array.cells.temperature = 350.0

    def work():
        seen.append((yield from controller.cell(1, 1).read()))
        yield controller.clock.rest(86400.0)
        seen.append((yield from controller.cell(1, 1).read()))

    controller.clock.run(controller.clock.process(work()))
    older = np.exp(1.0 / (1.380649e-23 / 1.602176634e-19) * (1 / 300.0 - 1 / 350.0))
    assert seen[1] / seen[0] == pytest.approx((older * 86400.0) ** -0.02, rel=1e-3)
