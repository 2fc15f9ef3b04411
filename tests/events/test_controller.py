"""A controller by itself: when cells age, what is logged, what one operation takes, to the picosecond."""

from dataclasses import replace

import numpy as np
import pytest

from frenkel.array.periphery import Converter, Periphery
from frenkel.events.clock import Clock, EnergyMeter, Log, Operation, Station
from frenkel.events.controller import Controller, Timing
from frenkel.events.monitor import Monitor
from frenkel.events.programming import (
    Blind,
    CurrentLimited,
    GateIncremental,
    IncrementalPulses,
    WriteOutcome,
    WriteVerify,
)
from frenkel.events.workload import Products, Refresh, Retention, log_times

TIMING = Timing(
    driver_latency=2e-9, driver_energy=1e-13, gate_energy=5e-13, read_width=7e-9, converter_latency=5e-9,
    converter_energy=2e-12, converters=2, read_voltage=0.2, lazy_ageing=0.0,
)  # fmt: skip


class Cells:
    """An array that writes down what it is asked; a pulse adds 1 uS per volt, a read gives what there is."""

    gate_on, shape = 1.0, (2, 3)

    def __init__(self):
        self.asked, self.values = [], np.full(self.shape, 1e-6)

    def pulse_word_line(self, row, columns, amplitude, width, gate=None):
        self.asked.append(("pulse", row, tuple(columns), tuple(amplitude), width, gate))
        self.values[row, columns] += 1e-6 * amplitude
        return 1e-15

    def read_word_line(self, row, columns, voltage, duration):
        self.asked.append(("read", row, tuple(columns), voltage, duration))
        return voltage * self.values[row, columns], 1e-16

    def pulse(self, cell, amplitude, width, gate=None):
        return self.pulse_word_line(cell[0], np.array([cell[1]]), np.array([amplitude]), width, gate)

    def read(self, cell, voltage, duration):
        current, energy = self.read_word_line(cell[0], np.array([cell[1]]), voltage, duration)
        return float(current[0]), energy

    def rest(self, duration):
        self.asked.append(("rest", round(duration * 1e12)))

    @property
    def rested(self):
        return [one[1] for one in self.asked if one[0] == "rest"]


def made(**more):
    log = Log()
    return Controller(Clock(), Cells(), replace(TIMING, **more), log), log


def run(controller, *works):
    found = [controller.clock.process(work) for work in works]
    controller.clock.run()
    return [process.value for process in found]


# --------------------------------------------------------------------------- ageing


def test_cells_live_all_but_the_time_under_voltage():
    """5 ns idle, 2 ns driver, 11 ns held; 3 ns idle, 2 ns driver, 7 ns held, 5 ns converting."""
    controller, log = made()

    def work():
        yield controller.clock.rest(5e-9)
        yield from controller.pulse((1, 2), 1.0, 11e-9)
        yield controller.clock.rest(3e-9)
        yield from controller.read((1, 2))
        controller.settle()

    run(controller, work())
    assert controller.array.rested == [7000, 5000, 5000] and controller.clock.now == 35_000
    assert log == [
        Operation("driver", 5000, 7000),
        Operation("pulse", 7000, 18_000, 1, 2),
        Operation("driver", 21_000, 23_000),
        Operation("read", 23_000, 30_000, 1, 2),
        Operation("converter", 30_000, 35_000),
    ]


def test_short_times_add_up_before_cells_live_them():
    """Lazy for 1 us: after 0.6 us nothing, after 1.2 us all of it; a look at the cells wants it at once."""
    controller, _ = made(lazy_ageing=1e-6, driver_latency=0.0)

    def work():
        for _ in range(3):
            yield controller.clock.rest(0.6e-6)
            yield from controller.read((0, 0))

    run(controller, work())
    # Conversions of 5 ns count as idle too.
    assert controller.array.rested == [2 * 600_000 + 5000]
    controller.settle()
    assert controller.array.rested == [1_205_000, 600_000 + 2 * 5000]
    controller.settle()
    assert len(controller.array.rested) == 2


def test_a_monitor_sees_cells_that_have_lived():
    controller, _ = made(lazy_ageing=1e-6)

    def work():
        yield controller.clock.rest(1e-9)

    class Looked:
        shape, scale = (2, 3), np.inf

        def current(self, voltage, where=None):
            controller.array.asked.append(("look", 0))
            return voltage, np.ones_like(voltage)

    monitor = Monitor(controller, Looked())
    run(controller, monitor.watch(work(), []))
    assert [one[0] for one in controller.array.asked] == ["look", "rest", "look"]
    run(controller, controller.read((0, 0)))
    assert monitor.energy == [{}, {}]  # rows keep what they were


def test_nothing_is_lived_under_voltage():
    """A look in the middle of a pulse lets no time pass."""
    controller, _ = made()

    def look():
        yield controller.clock.rest(6e-9)
        controller.settle()

    run(controller, controller.pulse((0, 0), 1.0, 11e-9), look())
    assert controller.array.rested == [2000]


# --------------------------------------------------------------------------- what operations take


def test_energy_and_counts_of_single_operations_and_word_lines():
    controller, _ = made()
    run(controller, controller.pulse((0, 1), 1.5, 11e-9, 2.5))
    assert controller.meter.energy == {"driver": pytest.approx(6e-13), "array": 1e-15}
    (read,) = run(controller, controller.read((0, 1)))
    assert read == pytest.approx(2.5e-6) and (controller.pulses, controller.reads) == (1, 1)
    assert controller.meter.energy["driver"] == pytest.approx(12e-13)
    assert controller.meter.energy["converter"] == pytest.approx(2e-12)
    (row,) = run(controller, controller.read_word_line(0, np.arange(3)))
    np.testing.assert_allclose(row, [1e-6, 2.5e-6, 1e-6])
    assert controller.meter.energy["driver"] == pytest.approx(12e-13 + 3e-13 + 5e-13)
    assert controller.meter.energy["converter"] == pytest.approx(8e-12)
    assert controller.meter.energy["array"] == pytest.approx(1e-15 + 2e-16)
    # Two converters take three conversions in two turns.
    assert controller.clock.now == 13_000 + 14_000 + 9000 + 2 * 5000
    assert controller.array.asked[1] == ("pulse", 0, (1,), (1.5,), 11e-9, 2.5)
    assert ("read", 0, (0, 1, 2), 0.2, 7e-9) in controller.array.asked


def test_two_users_of_an_array_wait_for_each_other():
    """The second driver starts when the first pulse has ended."""
    controller, log = made()
    run(controller, controller.pulse((0, 0), 1.0, 11e-9), controller.pulse((1, 1), 1.0, 4e-9))
    assert [(o.lane, o.start, o.end) for o in log] == [
        ("driver", 0, 2000), ("pulse", 2000, 13_000), ("driver", 13_000, 15_000), ("pulse", 15_000, 19_000)
    ]  # fmt: skip


def test_conductances_are_in_steps_of_the_converter():
    """Steps of 0.5 uA at 0.2 V: 2.5 uS. 1 uS reads as 0, 1.3 uS as one step."""
    controller, _ = made(resolution=0.5e-6)
    controller.array.values[0] = 1e-6, 1.3e-6, 6.2e-6
    (row,) = run(controller, controller.read_word_line(0, np.arange(3)))
    np.testing.assert_allclose(row, [0.0, 2.5e-6, 5e-6], atol=1e-18)
    (one,) = run(controller, controller.read((0, 1)))
    assert one == pytest.approx(2.5e-6)
    products = Products(vectors=np.ones((1, 2)), multiply=lambda _: np.array([0.2e-6, 0.3e-6, 1.6e-6]))
    run(controller, products.run(controller))
    np.testing.assert_allclose(products.currents, [[0.0, 0.5e-6, 1.5e-6]], atol=1e-18)


def test_timing_of_a_periphery_is_its_numbers():
    converter = Converter(bits=6, step_energy=1e-13, step_area=0.0, period=2e-9)
    around = Periphery(
        driver_energy=1e-14, gate_energy=3e-14, driver_latency=4e-9, read_voltage=0.3, read_width=6e-9,
        converter=converter, columns_per_converter=4,
    )  # fmt: skip
    timing = Timing.of(around, 10, full_scale=32e-6, lazy_ageing=2e-6)
    assert (timing.driver_latency, timing.read_voltage, timing.read_width) == (4e-9, 0.3, 6e-9)
    assert timing.driver_energy == pytest.approx(1e-14 + 3.9e-15) and timing.gate_energy == 3e-14
    assert (timing.converter_latency, timing.converter_energy) == (pytest.approx(14e-9), pytest.approx(6e-13))
    assert (timing.converters, timing.resolution, timing.lazy_ageing) == (3, pytest.approx(0.5e-6), 2e-6)


def test_a_station_counts_what_it_did():
    """Three uses of 4 ns at one of two servers each: busy 12 ns of 2 x 8 ns, the third waits for 4 ns."""
    clock, meter = Clock(), EnergyMeter()
    station = Station(clock, "s", capacity=2, latency=4e-9, energy=1e-12, meter=meter)
    clock.run(clock.process(station.share(3)))
    assert (station.uses, station.busy, clock.now) == (3, 12_000, 8000)
    assert meter.energy == {"s": pytest.approx(3e-12)}
    log = Log()
    one = Station(clock, "t", latency=4e-9, log=log)
    for _ in range(3):
        clock.process(one.use(1e-9, count=2))
    clock.run()
    assert (one.uses, one.busy, one.waited) == (6, 6000, 2000 + 4000)
    assert [(o.start, o.end) for o in log] == [(8000, 10_000), (10_000, 12_000), (12_000, 14_000)]


# --------------------------------------------------------------------------- schemes, pulse by pulse


def pulses_of(scheme, readings, target):
    """Return the pulses that a scheme asks for when reads give these conductances."""
    found, left = [], list(readings)

    class Told:
        def pulse(self, amplitude, width, gate=None):
            found.append((round(amplitude, 9), None if gate is None else round(gate, 9)))
            return
            yield

        def read(self):
            return left.pop(0)
            yield

    run_ = scheme.program(Told(), target)
    try:
        next(run_)
    except StopIteration as end:
        return found, end.value
    raise AssertionError("a scheme waits for something else")


def test_incremental_pulses_grow_and_begin_anew_as_they_turn():
    scheme = IncrementalPulses(
        set_start=1.0, reset_start=-0.5, step=0.2, most=1.3, width=1e-9, tolerance=0.1, limit=9
    )
    pulses, outcome = pulses_of(scheme, [1.0, 2.0, 3.0, 20.0, 18.0, 7.0, 10.5], 10.0)
    assert [a for a, _ in pulses] == [1.0, 1.2, 1.3, -0.5, -0.7, 1.0]
    assert outcome == WriteOutcome(True, 6, 10.5)


def test_gates_grow_and_fall_back_after_a_reset():
    scheme = GateIncremental(
        set_amplitude=1.6, reset_amplitude=-1.5, gate_start=0.5, gate_step=0.1, gate_most=0.9, reset_gate=3.0,
        width=1e-9, tolerance=0.1, back=0.1, limit=9,
    )  # fmt: skip
    pulses, outcome = pulses_of(scheme, [1.0, 2.0, 3.0, 4.0, 20.0, 1.0, 10.0], 10.0)
    assert pulses == [(1.6, 0.5), (1.6, 0.6), (1.6, 0.7), (1.6, 0.8), (-1.5, 3.0), (1.6, 0.7)]
    assert outcome == WriteOutcome(True, 6, 10.0)
    pulses, _ = pulses_of(replace(scheme, gate_most=0.6), [1.0] * 4 + [10.0], 10.0)
    assert pulses == [(1.6, 0.5), (1.6, 0.6), (1.6, 0.6), (1.6, 0.6)]
    pulses, outcome = pulses_of(replace(scheme, beyond=True), [1.0, 20.0], 10.0)
    assert pulses == [(1.6, 0.5)] and outcome == WriteOutcome(True, 1, 20.0)
    pulses, _ = pulses_of(replace(scheme, back=20.0), [1.0, 5.0, 20.0, 1.0, 10.0], 10.0)
    assert pulses == [(1.6, 0.5), (1.6, 0.6), (-1.5, 3.0), (1.6, 0.5)]


def test_a_compliance_is_corrected_by_what_it_made():
    """First 0.5 V times the target; after a miss times the root of target over found, at most 1.5."""
    scheme = CurrentLimited(
        set_amplitude=1.6, reset_amplitude=-1.5, voltage=0.5, gate_for=lambda c: c, reset_gate=3.0,
        width=1e-9, tolerance=0.1, limit=9,
    )  # fmt: skip
    pulses, _ = pulses_of(scheme, [1.0, 6.25, 1.0, 40.0, 20.0, 1.0, 10.0], 10.0)
    gates = [5.0, 5.0 * np.sqrt(1.6), 5.0 * np.sqrt(1.6) * 1.5]
    after = gates[2] * 0.5
    wanted = [(1.6, g) for g in gates] + [(-1.5, 3.0), (-1.5, 3.0), (1.6, after)]
    assert pulses == [(a, pytest.approx(g, abs=1e-8)) for a, g in wanted]


def test_equal_pulses_go_towards_the_target_and_stop():
    scheme = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.2, width=1e-9, tolerance=0.1, limit=3)
    pulses, outcome = pulses_of(scheme, [1.0, 20.0, 9.1], 10.0)
    assert [a for a, _ in pulses] == [1.0, -1.2] and outcome == WriteOutcome(True, 2, 9.1)
    _, outcome = pulses_of(scheme, [1.0, 2.0, 3.0, 8.9], 10.0)
    assert outcome == WriteOutcome(False, 3, 8.9)
    for last, reached in ((11.0, True), (11.05, False), (8.95, False)):
        _, outcome = pulses_of(scheme, [1.0, 2.0, 3.0, last], 10.0)
        assert outcome == WriteOutcome(reached, 3, last)
    pulses, outcome = pulses_of(Blind(amplitude=0.7, width=1e-9, count=3), [], 1.0)
    assert pulses == [(0.7, None)] * 3 and (outcome.reached, outcome.pulses) == (None, 3)


# --------------------------------------------------------------------------- workloads


def test_retention_reads_at_its_times_from_its_start():
    """Reads begin at 10 ns and 50 ns after the start at 100 ns; times too close follow as they can."""
    controller, log = made()
    work = Retention(times=[10e-9, 11e-9, 50e-9], cells=[(0, 1)])

    def all_of_it():
        yield controller.clock.rest(100e-9)
        yield from work.run(controller)

    run(controller, all_of_it())
    starts = [o.start - 2000 for o in log if o.lane == "read"]
    assert starts == [110_000, 124_000, 150_000]
    assert [round(r.time * 1e12) for r in work.readings] == [124_000, 138_000, 164_000]
    assert work.gain == pytest.approx(np.ones(3))


def test_gain_is_the_first_sum_over_each():
    work = Retention(times=[1.0, 2.0], cells=[(0, 0), (0, 1)])
    controller, _ = made()
    values = iter([4e-6, 8e-6, 1e-6, 2e-6])
    controller.array.read = lambda cell, voltage, duration: (voltage * next(values), 0.0)
    run(controller, work.run(controller))
    assert work.gain == pytest.approx([1.0, 4.0])


def test_refresh_waits_reads_and_programs_what_is_off():
    """1 us from the end of one round to the next; within 30 % nothing is done, without a tolerance all is."""
    scheme = WriteVerify(set_amplitude=1.0, reset_amplitude=-1.0, width=11e-9, tolerance=0.01)
    goals = [((0, 0), 3e-6), ((1, 1), 1.3e-6), ((1, 2), 0.8e-6)]
    controller, log = made()
    work = Refresh(period=1e-6, rounds=2, targets=goals[:2], scheme=scheme, tolerance=0.3)
    run(controller, work.run(controller))
    assert work.errors == [1, 0] and work.outcomes == [[WriteOutcome(True, 2, pytest.approx(3e-6))], []]
    reads = [o.start for o in log if o.lane == "read"]
    first_round = 2 * 14_000 + 3 * 14_000 + 2 * 13_000  # two reads, then three with two pulses between them
    assert reads[0] == 1_000_000 + 2000 and reads[5] == 2_000_000 + first_round + 2000
    controller, log = made()
    every = Refresh(period=1e-6, rounds=1, targets=[((0, 0), 1e-6)], scheme=scheme)
    run(controller, every.run(controller))
    assert every.errors == [1] and controller.reads == 1  # the scheme's own


def test_times_in_even_ratios():
    np.testing.assert_allclose(log_times(1e-3, 1e3, 4), [1e-3, 1e-1, 1e1, 1e3])


def test_a_read_waits_until_what_a_pulse_left_has_settled():
    """Between a pulse and the next read cells live the settling time; a second read does not wait. Exact."""
    controller, _ = made(settling=1e-6)

    def work():
        yield from controller.pulse((0, 1), 1.0, 1e-8)
        yield from controller.read((0, 1))
        yield from controller.read((0, 1))

    run(controller, work())
    # Driver 2 ns and pulse 10 ns; settling; driver, read 7 ns, conversion 5 ns; driver, read, conversion.
    assert controller.clock.now == 2_000 + 10_000 + 1_000_000 + 2 * (2_000 + 7_000 + 5_000)
    assert controller.array.rested == [2_000, 1_002_000, 7_000]
