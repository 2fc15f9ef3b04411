"""Tails of whole devices, with fields and clock, against the master equation of all their states.

False alarm 1e-4 (two-sided z) for each row; seeds are fixed.
"""

import numpy as np
import pytest
from rare_events import absorbed, hitting, hopping_chain, hopping_device, law_after
from scipy import stats
from small_boxes import FALSE_ALARM

from frenkel import Waveform, tails
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material

Z = stats.norm.isf(FALSE_ALARM / 2)


@pytest.fixture(scope="module")
def hopping():
    """Return a device, its rate matrix, its conductances over that at the start, and its fastest rate."""
    device = hopping_device()
    _, matrix, conductance = hopping_chain(device)
    return device, matrix, conductance / conductance[0], -matrix.diagonal().min()


def test_a_pulse_that_fails(hopping):
    """No rise to 1.5 times the conductance in 60 of the shortest waits: 2.3e-6 by the master equation.

    Fails when the hazard of a clone is not drawn again.
    """
    device, matrix, ratio, rate = hopping
    law = law_after(absorbed(matrix, ratio >= 1.5), 0, 60 / rate)
    exact = float(law[ratio < 1.5].sum())
    before = device.state()
    found = tails(device, Waveform.constant(0.3, 60 / rate), "set fails", share=1.5, particles=40, repeats=8)
    assert exact == pytest.approx(2.29e-6, rel=0.01)
    assert abs(found.probability - exact) < Z * max(found.error, found.stated) < 2 * exact
    after = device.state()
    assert before["hazard"] == after["hazard"] and before["time"] == after["time"]
    np.testing.assert_array_equal(before["engine"]["random"], after["engine"]["random"])


def test_a_disturb(hopping):
    """A rise to 40 times the conductance within three of the shortest waits, 1.5e-2; and again."""
    device, matrix, ratio, rate = hopping
    exact = hitting(matrix, 0, ratio >= 40.0, 3 / rate)
    asked = (Waveform.constant(0.3, 3 / rate), "read disturbs")
    found = tails(device, *asked, share=40.0, particles=100, repeats=6)
    assert exact == pytest.approx(1.522e-2, rel=0.01)
    assert abs(found.probability - exact) < Z * max(found.error, found.stated) < 2 * exact
    assert found == tails(device, *asked, share=40.0, particles=100, repeats=6)


def test_half_select_is_a_disturb_at_half_the_voltage(hopping):
    device, _, _, rate = hopping
    numbers = {"share": 1.5, "particles": 10, "repeats": 2}
    half = tails(device, Waveform.constant(0.6, 1 / rate), "half-select disturbs", **numbers)
    assert half == tails(device, Waveform.constant(0.3, 1 / rate), "read disturbs", **numbers)


def test_what_relaxes_at_rest_is_seen_at_the_end():
    """No atom moves, the oxide round a filament relaxes: 400 futures counted, and by splitting."""
    frozen = {"vacancy.migration_barrier": 8.0, "exchange.barrier": 8.0, "column.vacancy_fraction": 0.0}
    moves = {"disorder.bond": 0.5, "disorder.relaxation_rate": 1e6}
    material = Material.load("HfO2-volatile").with_values(frozen | moves)
    device = Device(material, 2.08e-9, 1.56e-9, seed=1)
    nx, ny, nz = device.shape
    sites = [((nx // 2) * ny + ny // 2) * nz + layer for layer in range(nz)]
    species = device.engine.species
    species[sites] = VACANCY.code
    device.arrange(species=species)
    device.look()
    start, wave, share = device.state(), Waveform.constant(0.0, 3e-7), 0.9
    first, lost = device.conductance, 0
    for number in range(400):
        device.restore(start, stream=(7, number))
        device.advance(wave, samples=2)
        lost += device.conductance <= share * first
    device.restore(start)
    found = tails(device, wave, "state is lost", share=share, particles=100, repeats=4)
    counted, error = lost / 400, (lost / 400 * (1 - lost / 400) / 400) ** 0.5
    assert 0.1 < counted < 0.9
    assert abs(found.probability - counted) < Z * np.hypot(error, max(found.error, found.stated)) < 0.3


@pytest.mark.parametrize(("event", "more", "words"), [
    ("set fail", {}, "no event 'set fail' .did you mean 'set fails'"),
    ("set fails", {}, "'set fails' needs an edge: a conductance"),
    ("set fails", {"share": 0.5}, "share must be above 1 for 'set fails', got 0.5"),
    ("read disturbs", {"share": 1.0}, "share must be below 1 .* got 1"),
    ("read disturbs", {"particles": 1}, "particles must be a whole number of at least 2, got 1"),
    ("read disturbs", {"repeats": 0}, "repeats must be a whole number of at least 1, got 0"),
    ("read disturbs", {"kill": 100}, "kill must be a whole number between 1 and 99, got 100"),
])
def test_bad_questions_are_named(hopping, event, more, words):
    with pytest.raises(ValueError, match=words):
        tails(hopping[0], Waveform.constant(0.1, 1e-15), event, **more)
