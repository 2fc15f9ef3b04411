"""Trains of pulses on the cells of a card: what does not depend on the currents, and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_core import CARD, CORE

from frenkel.analysis.reliability import pulse_trains
from frenkel.cells.core import GapCore

SIZES = {"devices": 24, "cycles": 6, "seed": 3}


def smaller(factor):
    """Return the card with all its resistances times a factor, and gaps as they were."""
    shift = np.zeros(8)
    shift[:2] = np.log(factor)
    core = replace(CORE, current_prefactor=CORE.current_prefactor / factor)
    return replace(CARD, means=CARD.means + shift, core=core.to_dict())


def test_shares_do_not_depend_on_the_currents():
    """A tenth of all currents at the same gaps: conductances a tenth, every share and label as before."""
    one = pulse_trains.statistics(CARD, 16, **SIZES)
    other = pulse_trains.statistics(smaller(10.0), 16, **SIZES)
    for name in ("least", "most"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) / 10, rel=1e-9)
    np.testing.assert_allclose(other.bounds, one.bounds / 10, rtol=1e-9)
    for name in (
        "label_up label_down a_up a_down residual_up residual_down reached_up reached_down states cycle "
        "device noise closed"
    ).split():
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-4), name
    np.testing.assert_allclose(other.scales, one.scales, rtol=1e-6)
    np.testing.assert_allclose(other.up, one.up, rtol=1e-4, atol=1e-9)


def test_noise_between_cycles_is_written_out():
    """The standard deviation of a step between the cycles of a device, over the mean range; exact."""
    found = pulse_trains.statistics(CARD, 16, **SIZES)
    drawn = CARD.sample(SIZES["devices"], SIZES["cycles"], SIZES["seed"])
    core = GapCore.of(CARD)
    wrong = ~(core.gap(drawn["hrs"]) - core.gap(drawn["lrs"]) > 4 * core.edge)
    assert found.closed == wrong.mean()
    law = {"core": core.row(), "pulses": found.pulses.row()}
    with np.errstate(all="ignore"):
        curves = [np.where(wrong[..., None], np.nan, c) for c in pulse_trains.gap_law.trains(law, drawn)]
    curves = [curve[wrong.sum(axis=1) <= 3] for curve in curves]
    span = np.nanmean(curves[1][..., 0]) - np.nanmean(curves[0][..., 0])
    spread = np.sqrt(np.mean([np.nanvar(np.diff(c, axis=2), axis=1) for c in curves]))
    assert found.cycle == pytest.approx(spread / span, rel=1e-12)


def test_widths_take_the_average_cell_all_the_way():
    """Speed at the pulse voltage times width times number is the way between the gaps; exact."""
    found = pulse_trains.Pulses.of(CARD, 20)
    at = {"hrs": 0.0, "lrs": 0.0, "set_voltage": found.set_voltage, "reset_voltage": found.reset_voltage}
    from frenkel.cells.core import middle

    at |= {name: middle(CARD)[name] for name in ("hrs", "lrs")}
    cell = CORE.cells(at)
    way = cell["gap_max"] - cell["gap_min"]
    up = cell["set_velocity"] * np.sinh(CORE.drive * found.set_voltage) * found.set_width
    down = cell["reset_velocity"] * np.sinh(-CORE.drive * found.reset_voltage) * found.reset_width
    assert 20 * up == pytest.approx(way, rel=1e-12) and 20 * down == pytest.approx(way, rel=1e-12)
    assert found.set_voltage > 0 > found.reset_voltage
