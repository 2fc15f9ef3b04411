"""Numbers read off a run, and the geometry of its filament."""

from itertools import pairwise

import numpy as np
import pytest

from frenkel.analysis.results import filament, metrics


def test_forming_voltage_is_half_way_in_the_jump(result):
    """The jump of the made-up device lies between samples 109 and 110."""
    source = result["source_voltage"].values[:300]
    assert metrics.forming_voltage(result) == pytest.approx((source[109] + source[110]) / 2)


def test_reset_voltage_is_at_the_peak_of_the_current(result):
    phases = metrics.phase_summary(result)
    rows = result["phase"].values == 1
    peak = int(np.argmax(np.abs(result["current"].values[rows])))
    assert float(phases["switching_voltage"][1]) == result["source_voltage"].values[rows][peak] < 0


def test_resistances_come_from_the_read(result):
    np.testing.assert_allclose(metrics.resistance(result)[:3], [1 / 6e-5, 1 / 2e-6, 1 / 6e-5])


def test_window_per_cycle(result):
    cycles = metrics.cycle_summary(result)
    np.testing.assert_allclose(cycles["on_off"], 30.0)
    assert list(cycles["cycle"].values) == [1, 2, 3]


def test_a_failed_attempt_does_not_count(arrays):
    from frenkel.data import schema

    # The SET of cycle 1 is repeated: its second attempt decides.
    kinds = ["form", "reset", "set", "set", "reset", "set", "reset"]
    arrays["phase_kind"] = kinds
    arrays["phase_cycle"] = np.array([0, 1, 1, 1, 2, 2, 3], np.int32)
    arrays["read_current"] = np.array([6e-6, 2e-7, 3e-7, 6e-6, 2e-7, 6e-6, 2e-7])
    cycles = metrics.cycle_summary(schema.dataset(arrays, {}))
    np.testing.assert_allclose(cycles["on_off"], [30.0, 30.0])


def test_compliance_error_is_the_overshoot(result):
    result["peak_current"].values[0] = 20e-6 * 1.02
    error = metrics.phase_summary(result)["compliance_error"].values
    assert error[0] == pytest.approx(0.02)
    assert error[2] == 0 and np.isnan(error[1])


def _events(**changes):
    """The numbers of a phase that reaches 1 uA at 3 V, with a step from 0.2 to 0.5 uA at 2 V on the way."""
    numbers = {
        "peak_current": 1e-6,
        "peak_source_voltage": 3.0,
        "out_source_voltage": 3.0,
        "out_time": 3.0,
        "step_current": [3e-7, -1e-7],
        "step_from": [2e-7, 4e-7],
        "step_source_voltage": [2.0, 1.5],
        "step_time": [2.0, 1.5],
    }
    assert set(numbers) == set(metrics.EVENTS)
    return numbers | changes


@pytest.mark.parametrize(
    ("kind", "events", "compliance", "expected"),
    [
        ("set", _events(), 1e-6, 2.0),
        ("set", _events(), 1.1e-6, np.nan),  # 91 % of the limit
        ("set", _events(step_from=[7e-7, 4e-7]), 1e-6, 3.0),  # no jump: where the limit is reached
        ("set", _events(step_from=[-2e-7, 0], peak_current=-1e-6), 1e-6, 2.0),
        ("set", _events(step_current=[np.nan] * 2, step_from=[np.nan] * 2), 1e-6, 3.0),  # no event
        ("set", _events(), np.nan, 2.0),
        ("set", _events(step_from=[7e-7, 4e-7]), np.nan, np.nan),
        ("set", _events(step_time=[5.0, 1.5]), np.nan, np.nan),  # after the source has turned back
        ("form", _events(step_time=[5.0, 1.5]), 1e-6, 2.0),
        ("reset", _events(peak_current=-1e-6, out_source_voltage=-2.5, out_time=2.5), np.nan, -2.5),
        ("reset", _events(out_time=4.0), np.nan, np.nan),  # at the tip, or at the end of a plateau
        ("reset", _events(out_time=4.5), np.nan, np.nan),
        ("reset", _events(out_time=3.5, peak_source_voltage=9.0), np.nan, 3.0),  # on the plateau
        ("constant", _events(), np.nan, np.nan),
    ],
)
def test_switching_voltage_of_events(kind, events, compliance, expected):
    sample = {
        "time": np.arange(7.0),
        "source_voltage": np.array([0, 1.0, 2, 4, 4, 2, 0]),
        "current": np.array([0, 1.0, 2, 1, 1, 0.5, 0]),
    }
    np.testing.assert_equal(metrics.event_voltage(sample, events, kind, compliance), expected)


def test_a_summary_reads_voltages_off_the_curve_and_names_the_rule(arrays):
    """Largest currents are of all events, switching voltages of the samples; the files say which."""
    from frenkel.data import schema

    phases = len(arrays["phase_kind"])
    plain = metrics.phase_summary(schema.dataset(arrays, {}))["switching_voltage"].values
    more = {"peak_current": np.full(phases, -1e-3), "out_source_voltage": np.full(phases, -0.123)}
    for name in ("current", "from", "source_voltage", "time"):
        more[f"step_{name}"] = np.full((phases, 2), 1.0)
    made = schema.dataset(arrays | more, {})
    found = metrics.phase_summary(made)
    assert (found["peak_current"].values == 1e-3).all()
    np.testing.assert_array_equal(found["switching_voltage"].values, plain)
    assert found["compliance_error"].values[0] == pytest.approx(1e-3 / 20e-6 - 1)
    assert found["peak_current"].attrs["comment"] == "of all events, at the first moment that has it"
    assert found["switching_voltage"].attrs["rule"] == "half rise; RESET: largest current"
    cycles = metrics.cycle_summary(made, "limit")
    assert {name: cycles[f"{name}_voltage"].attrs["rule"] for name in ("set", "reset")} == {
        "set": "limit", "reset": "largest current"}  # fmt: skip


def _shot(sites, *, conducting=True, periodic=True):
    position = (np.array(sites, float) + [0, 0, 1]) * 1e-9
    return filament.Snapshot(
        position, np.full(len(sites), conducting), None, 1e-9, (8, 8, 10), periodic, "", 0
    )


def test_a_chain_joins_the_electrodes():
    shot = _shot([(3, 3, z) for z in range(10)])
    assert filament.longest_jump(shot).length == pytest.approx(1e-9)
    assert filament.is_continuous(shot)


def test_a_gap_is_measured_where_it_is():
    shot = _shot([(3, 3, z) for z in range(10) if z not in (6, 7)])
    jump = filament.longest_jump(shot)
    assert jump.length == pytest.approx(3e-9)
    assert (jump.low, jump.high) == pytest.approx((6e-9, 9e-9))
    assert not filament.is_continuous(shot)


def test_an_empty_oxide_is_one_jump():
    assert filament.longest_jump(_shot(np.empty((0, 3)))).length == pytest.approx(11e-9)
    assert filament.longest_jump(_shot([(3, 3, 4)], conducting=False)).length == pytest.approx(11e-9)


def test_the_easiest_path_may_cross_a_repeating_side():
    sites = [(0, 3, z) for z in range(5)] + [(7, 3, z) for z in range(5, 10)]
    assert filament.is_continuous(_shot(sites))
    assert not filament.is_continuous(_shot(sites, periodic=False))


def test_longest_jump_is_that_of_a_spanning_tree_of_scipy():
    """Of equally long jumps, too, the same is named: the gap stands where it stood."""
    from scipy.sparse.csgraph import minimum_spanning_tree

    random = np.random.default_rng(3)
    for _ in range(60):
        site = random.choice(6 * 6 * 9, int(random.integers(0, 60)), replace=False)
        shot = _shot(np.stack(np.unravel_index(site, (6, 6, 9)), axis=1) + [0, 0, 1])
        height = np.append(shot.position[:, 2], [0.0, (shot.shape[2] + 1) * shot.spacing])
        n = len(height) - 2
        graph = np.zeros((n + 2, n + 2))
        graph[:n, :n] = filament.distances(shot.position, shot.spacing, shot.shape, shot.periodic)
        graph[n:] = np.abs(height[n:, None] - height) / shot.spacing
        tree = minimum_spanning_tree(np.maximum(graph, graph.T)).toarray()
        path = filament._path([np.flatnonzero(row).tolist() for row in tree + tree.T], n, n + 1)
        steps = [max(tree[a, b], tree[b, a]) for a, b in pairwise(path)]
        at = int(np.argmax(steps))
        low, high = sorted(height[path[at : at + 2]])
        jump = filament.longest_jump(shot)
        assert (jump.length, jump.low, jump.high) == (steps[at] * shot.spacing, low, high)


def test_longest_jump_against_trying_all_lengths():
    # A flood from the bottom with jumps up to d reaches the top exactly when d is the longest jump or more.
    random = np.random.default_rng(1)
    for _ in range(20):
        shot = _shot(np.unique(random.integers(0, [8, 8, 10], (15, 3)), axis=0))
        height = shot.position[:, 2] / 1e-9
        apart = filament.distances(shot.position, 1e-9, shot.shape, True)

        def reaches(limit, height=height, apart=apart):
            wet = height <= limit + 1e-9
            for _ in height:
                wet |= (apart[wet] <= limit + 1e-9).any(axis=0)
            return bool((11 - height[wet] <= limit + 1e-9).any())

        length = filament.longest_jump(shot).length / 1e-9
        assert reaches(length) and not reaches(length - 1e-6)


def test_centring_moves_a_split_filament_together():
    shot = _shot([(0, 3, z) for z in range(5)] + [(7, 3, z) for z in range(5)])
    x = filament.shifted(shot, filament.middle_shift(shot))[:, 0] / 1e-9
    assert np.ptp(x) == pytest.approx(1.0)
    assert 3 <= x.mean() <= 5


def test_snapshots_are_taken_out_by_number(result):
    sizes = result["snapshot_size"].values
    assert [len(filament.snapshot(result, i).position) for i in range(8)] == list(sizes)
    assert len(filament.snapshot(result, -1).position) == sizes[-1]
    with pytest.raises(ValueError, match="snapshot must be a whole number between -8 and 7, got 8"):
        filament.snapshot(result, 8)
    with pytest.raises(ValueError, match="no species 'copper'"):
        filament.snapshot(result, 0, "copper")


def test_compliance_has_no_sign(arrays):
    """A current 5 % over its limit is so on the negative side too; exact."""
    from frenkel.data import schema

    for sign in (1.0, -1.0):
        changed = dict(arrays)
        limit = float(np.asarray(arrays["phase_compliance"])[0])
        changed["peak_current"] = np.full(len(arrays["peak_current"]), sign * 1.05 * limit)
        found = metrics.phase_summary(schema.dataset(changed, {}))
        assert float(found["compliance_error"][0]) == pytest.approx(0.05, rel=1e-6)


def test_distances_across_the_sides():
    """A box of 8 x 6 x 5 spacings repeats in x and y, never in z; exact."""
    place = 0.26e-9 * np.array([[0, 0, 1], [7, 0, 1], [0, 5, 1], [0, 0, 5.0]])
    found = filament.distances(place, 0.26e-9, (8, 6, 5), True)
    np.testing.assert_allclose(found[0], [0, 1, 1, 4], atol=1e-12)
    np.testing.assert_allclose(
        filament.distances(place, 0.26e-9, (8, 6, 5), False)[0], [0, 7, 5, 4], atol=1e-12
    )
