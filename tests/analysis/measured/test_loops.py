"""Loops of a cell that is known: what is read off them is what was put in, exactly."""

import numpy as np
import pytest
from made_up_loops import HRS, LIMIT, LRS, RESET, SET, loop

from frenkel.analysis.measured import loops

READ = loops.Readout(0.1)
HALF = 0.005
"""Half a step (V): a SET within one step is half way between its two samples."""


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_planted_loops_come_back(sign):
    """The last sample before RESET has the largest current; SET is half way between two samples."""
    sets, resets = [0.8, 0.7, 0.9], [-1.0, -1.1, -0.9]
    parts = [loop(set_at=s, reset_at=r, sign=sign) for s, r in zip(sets, resets, strict=True)]
    v, i = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = loops.features(v, i, READ)
    assert np.allclose(found["hrs"], HRS, rtol=1e-9) and np.allclose(found["lrs"], LRS, rtol=1e-9)
    assert np.allclose(found["on_off"], HRS / LRS) and np.allclose(found["hrs_nonlinearity"], 1.0)
    assert np.allclose(found["set_voltage"], sign * (np.array(sets) - HALF), atol=1e-9)
    assert np.allclose(found["reset_voltage"], sign * (np.array(resets) + 0.01), atol=1e-9)
    assert np.isnan(found["forming_voltage"][0])
    assert found["first"][0] <= 3 and np.all(np.diff(found["first"]) == len(parts[0][0]))


def test_forming_is_told_from_set_and_is_no_cycle():
    first = loop(set_at=1.1, start=1e8)
    v, i = (np.concatenate(column) for column in zip(first, loop(), loop(), strict=True))
    found = loops.features(v, i, READ)
    assert found["forming_voltage"][0] == pytest.approx(1.1 - HALF)
    # Its RESET goes with the SET that follows; the last RESET is left without one.
    assert len(found["hrs"]) == 2 and np.allclose(found["set_voltage"], SET - HALF)


@pytest.mark.parametrize("case", ["noise of the other sign", "higher than all others", "an ordinary SET"])
def test_a_forming_is_known_by_its_current_or_its_voltage(case):
    """The state before may read below 0 A, or as any HRS where the leakage is large."""
    v, i = loop(set_at=1.1, start=HRS / 2)
    if case.startswith("noise"):
        before = slice(0, int(np.argmax(i >= LIMIT)))
        i[before] = -1e-13
    others = [loop(set_at=0.7 if case.startswith("higher") else 1.0) for _ in range(3)]
    found = loops.features(*(np.concatenate(column) for column in zip((v, i), *others, strict=True)), READ)
    if case.startswith("an"):
        assert np.isnan(found["forming_voltage"][0]) and len(found["hrs"]) == 4
    else:
        assert found["forming_voltage"][0] == pytest.approx(1.1 - HALF, abs=1e-4) and len(found["hrs"]) == 3


def test_loops_of_one_polarity_are_sets_and_resets_in_turn_or_one_of_them():
    v, i = loop()
    sets = slice(0, int(np.argmin(v >= 0)) - 1)
    found = loops.features(np.tile(v[sets], 3), np.tile(i[sets], 3), READ)
    assert np.allclose(found["hrs"], HRS) and np.allclose(found["lrs"], LRS) and len(found["hrs"]) == 3
    assert np.allclose(found["set_voltage"], SET - HALF) and np.isnan(found["reset_voltage"]).all()
    turned = np.abs(v), np.abs(i)  # a unipolar cell
    found = loops.features(*(np.tile(column, 2) for column in turned), READ)
    assert np.allclose(found["set_voltage"], SET - HALF)
    assert np.allclose(found["reset_voltage"], -RESET - 0.01)
    assert np.allclose(found["hrs"], HRS) and np.allclose(found["lrs"], LRS) and len(found["hrs"]) == 2


def test_a_forming_alone_with_a_reset_is_a_cycle_without_a_set():
    """One loop from a virgin cell: both resistances are known, and V_SET is not; with two loops it is."""
    v, i = loop(start=1e8)
    found = loops.features(v, i, READ)
    assert np.allclose([found["hrs"][0], found["lrs"][0]], [HRS, LRS]) and len(found["hrs"]) == 1
    assert found["forming_voltage"][0] == pytest.approx(SET - HALF) and np.isnan(found["set_voltage"][0])
    again = loops.features(*(np.concatenate(pair) for pair in zip((v, i), loop(), strict=True)), READ)
    assert len(again["set_voltage"]) == 1 and np.isfinite(again["set_voltage"][0])


def test_a_current_below_the_last_digit_is_missing():
    dim, (v, i) = loop(), loop()
    dim = dim[0], np.where(np.abs(dim[1]) < 2e-6, 0.0, dim[1])
    parts = [(v, i), (v, i), dim, (v, i), (v, i)]
    found = loops.features(*(np.concatenate(column) for column in zip(*parts, strict=True)), READ)
    missing = np.isnan(found["hrs"])
    assert missing.sum() == 1 and np.array_equal(missing, np.isnan(found["on_off"]))
    assert np.allclose(found["hrs"][~missing], HRS) and np.allclose(found["lrs"], LRS)


def test_a_reset_comes_first_too():
    v, i = loop()
    turned = np.concatenate([v[len(v) // 2 :], v]), np.concatenate([i[len(v) // 2 :], i])
    found = loops.features(*turned, READ)
    assert np.all(np.isfinite(found["hrs"])) and len(found["hrs"]) >= 1


def test_a_sinh_has_its_nonlinearity():
    """R(0.1 V)/R(0.5 V) of sinh(V/0.25) is sinh(2)/(5 sinh(0.4)) = 1.766."""
    v, i = loop()
    shape = np.sinh(v / 0.25) / v[1:].size
    found = loops.features(v, np.where(np.abs(v) > 0, i * shape / np.where(v == 0, 1, v), 0.0), READ)
    assert found["hrs_nonlinearity"][0] == pytest.approx(np.sinh(2) / (5 * np.sinh(0.4)), rel=0.02)


def test_noise_near_zero_is_no_set():
    """An offset and noise of the current near 0 V make jumps of the conductance there; none is a SET."""
    random = np.random.default_rng(3)
    v, i = (np.concatenate(column) for column in zip(*[loop() for _ in range(20)], strict=True))
    found = loops.features(v, i + 4e-6 * (0.5 + random.standard_normal(len(v))), loops.Readout(0.3))
    assert np.allclose(found["set_voltage"], SET, atol=0.011)


def test_missing_samples_are_left_out():
    v, i = loop()
    i[5] = np.nan
    assert loops.features(v, i, READ)["hrs"] == pytest.approx(HRS)


@pytest.mark.parametrize(
    ("v", "message"),
    [
        (np.zeros(50), "must differ from 0 V"),
        (np.abs(loop()[0]), "no half of these loops of one polarity switches"),
    ],
)
def test_what_is_no_loop_is_refused(v, message):
    with pytest.raises(ValueError, match=message):
        loops.features(v, v * 1e-6, READ)


def test_a_read_voltage_below_all_samples_is_told():
    v, i = loop()
    known = np.abs(v) >= 0.5
    with pytest.raises(ValueError, match="at 0.1 V cannot be told: .* from 0.5 to 1.2 V; read"):
        loops.features(v[known], i[known], READ)


def test_a_resistor_has_no_set():
    v, _ = loop()
    with pytest.raises(ValueError, match="no SET is seen"):
        loops.features(v, v / 2**14, loops.Readout(0.125))
