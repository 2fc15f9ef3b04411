"""What the table of a population reads from single events and waits, on made-up values (fast)."""

import math
from types import SimpleNamespace

import numpy as np
import population_event_rows as event_rows
import population_events as events
import pytest

KT = events.BOLTZMANN * 600.0


def arrangement(linear):
    """Return an arrangement of two candidates: barriers of 2.9 and 3.1 kT at 600 K, the first softened."""
    rates = SimpleNamespace(
        ambient=300.0,
        rises=lambda voltage: np.array([300.0, 300.0 * voltage]),
        activation=lambda voltage: np.array([2.9 * KT, 3.1 * KT]),
        at_floor=lambda chosen, voltage: chosen == 0,
    )
    return SimpleNamespace(
        events=rates if linear else None, make_ends=None if linear else 1, at=lambda voltage: rates
    )


@pytest.mark.parametrize("linear", [True, False])
def test_log_reads_barrier_temperature_and_field_of_the_event(linear):
    log = events.EventLog()
    for chosen in (0, 1, 1, 1):
        log.event(arrangement(linear), 1.0, 9.0, chosen)
    assert np.array(log.rows) == pytest.approx(np.array([(2.9, 600.0, 1.0)] + 3 * [(3.1, 600.0, 0.0)]))
    assert events.field_law([np.array(log.rows), np.zeros((0, 3))]) == pytest.approx(np.array([[0.25, 0.25]]))


def test_hot_events_are_counted_above_the_melting_point():
    assert events.hot_events([300.0, 3073.0, 3073.1, 5200.0]) == (2, 4, 5200.0)
    assert math.isnan(events.hot_events([])[2])


def test_temperatures_are_of_cycles_up_to_the_limit_asked(monkeypatch):
    """Of SETs to 30, 100 and 200 uA the hottest one, which melts, is beyond the limit that counts."""
    rows = [np.array([[9.0, kelvin, 0.0]]) for kelvin in (900.0, 2000.0, 5200.0)]
    found = [(0, limit, row, row, row[:, 1]) for limit, row in zip((3e-5, 1e-4, 2e-4), rows, strict=True)]
    monkeypatch.setattr(event_rows, "events", lambda *_, **__: found)
    population = SimpleNamespace(
        prepared=[], currents=(3e-5, 1e-4, 2e-4), state_budget=1, workers=1, states=1
    )
    by_id = {row.id: row for row in event_rows.event_rows(population)}
    assert (by_id["T-1"].value, by_id["T-2"].value, by_id["T-3"].value) == (0.5, 0.0, 2000.0)


def test_paths_are_listed_by_voltage():
    text = events.listed_paths((0.0, 1.0, 2.0), [np.zeros(3), np.array([1e-3, 2e-3, 3e-3]), np.zeros(0)])
    assert text == "0 V 0, 0, 0; 1 V 2, 2.8, 3"


def test_mean_over_devices_weighs_each_value():
    row = event_rows.mean_of_devices("F-1", np.array([0.0, 0.0, 0.3]), np.array([0, 0, 1]))
    assert row.value == pytest.approx(0.1)
    assert row.low >= 0.0 and row.high <= 0.3
    assert math.isnan(event_rows.mean_of_devices("F-1", np.zeros(0), np.zeros(0)).value)


def test_interval_of_a_fraction_is_the_exact_one():
    """No hit of 20: the upper end p has (1 - p)^20 = 0.025."""
    row = event_rows.share_row("F-1", 0, 20)
    assert (row.value, row.low) == (0.0, 0.0)
    assert row.high == pytest.approx(1.0 - 0.025 ** (1 / 20))
    assert event_rows.share_row("F-1", 0, 0).verdict == "not measured"
