"""Cells of a card: the core's law in closed form, cycles as the card draws them, noise, drift and heat."""

from dataclasses import replace

import numpy as np
import pytest
from gap_equation import GapEquation
from made_up_cells import CORE, FEATURES, drifting, made_up_cells, varied_card, varied_cells
from scipy import stats
from scipy.integrate import solve_ivp
from spice_cell import corners
from spice_cell import features as shown

from frenkel.cells.aging import CellTelegraph
from frenkel.cells.card import CardWarning
from frenkel.cells.gap_cells import CardCells, Heat
from frenkel.cells.interface import conductance
from frenkel.cells.noise import RtnLaw, RtnState
from frenkel.units import BOLTZMANN_EV


def one_cell(**more):
    cell = GapEquation(core=CORE, **{k: float(v) for k, v in CORE.cells(FEATURES | more).items()})
    return cell


@pytest.mark.parametrize("volts", [0.7, 1.0, 1.3, -0.9, -1.2, -1.5])
def test_closed_form_is_the_rate_equation(volts):
    """Against a stiff solver, through the window's edge and from outside the window."""
    cell = one_cell()
    for start in (
        0.3 * cell.gap_min + 0.7 * cell.gap_max,
        cell.gap_min - 3 * CORE.edge,
        cell.gap_max + 3 * CORE.edge,
    ):
        for duration in (1e-9, 1e-7, 1e-5):
            cells = CardCells(CORE, FEATURES, (1, 1))
            cells._gaps.gap[:] = start
            cells.apply(np.array([[volts]]), duration)
            exact = solve_ivp(
                lambda _, g: [cell.derivative(g[0], volts)], (0, duration), [start], "LSODA",
                rtol=1e-9, atol=1e-18,
            ).y[0, -1]  # fmt: skip
            assert cells.gap[0, 0] == pytest.approx(exact, abs=2e-15)


def test_a_ramped_cell_shows_its_features():
    """As the card's own cells do on the ramps of the ensemble; a step of the ramp is 1.2 mV."""
    cells, (times, volts) = CardCells(CORE, FEATURES, (1, 1)), corners(1)
    cells.program(1e-4)
    grid = np.linspace(times[1], times[-1], 8001)
    u = np.interp(grid, times, volts)
    current = np.empty(grid.size - 1)
    for k, step in enumerate(np.diff(grid)):
        cells.apply(np.array([[0.5 * (u[k] + u[k + 1])]]), step)
        current[k] = cells.current(np.array([[u[k + 1]]]))[0][0, 0]
    found = shown(grid[1:], u[1:], current)
    assert found["hrs"] == pytest.approx(1e6, rel=1e-3) and found["lrs"] == pytest.approx(1e4, rel=1e-3)
    assert found["reset_voltage"] == pytest.approx(-1.1, abs=3e-3)
    assert found["set_voltage"] == pytest.approx(0.9, abs=4e-3)


def test_an_infinite_rate_ends_at_the_limits():
    cells = made_up_cells((2, 2))
    cells.apply(np.full((2, 2), -60.0), 1.0)
    np.testing.assert_allclose(conductance(cells), 1e-6, rtol=1e-12)
    cells.apply(np.full((2, 2), 60.0), 1.0)
    np.testing.assert_allclose(conductance(cells), 1e-4, rtol=1e-12)


# --------------------------------------------------------------------------- cycles


def cycle(cells, count):
    """Return the resistances after each full RESET and SET."""
    hrs, lrs = [], []
    for _ in range(count):
        cells.apply(np.full(cells.shape, -2.4), 1e-4)
        hrs.append(1.0 / conductance(cells))
        cells.apply(np.full(cells.shape, 2.4), 1e-4)
        lrs.append(1.0 / conductance(cells))
    return np.array(hrs), np.array(lrs)


class Numbered:
    """Draws whose cycle c has an HRS of 1 + c Mohm and an LRS of 10 + c kohm, and later SET and RESET."""

    count = 0

    def cycle(self, at):
        self.count += 1
        found = {"hrs": 1e6 * (1 + self.count), "lrs": 1e3 * (10 + self.count)}
        found |= {"set_voltage": 0.9, "reset_voltage": -1.1}
        return {name: np.full(4 if at is None else len(at), value) for name, value in found.items()}


def test_halves_of_a_cycle_hold_in_their_order():
    """RESET first: HRS c, then LRS c, which more SET pulses keep, exact.

    It fails if the LRS is never renewed, or taken at the turn to SET.
    """
    cells = CardCells(CORE, FEATURES, (2, 2), draws=Numbered())
    hrs, lrs = cycle(cells, 4)
    np.testing.assert_allclose(hrs[:, 0, 0], [1e6, 2e6, 3e6, 4e6], rtol=1e-9)
    np.testing.assert_allclose(lrs[:, 0, 0], [10e3, 11e3, 12e3, 13e3], rtol=1e-9)
    cells.apply(np.full(cells.shape, 2.4), 1e-4)
    np.testing.assert_allclose(1.0 / conductance(cells), 13e3, rtol=1e-9)


def test_cycles_are_those_of_the_card():
    """HRS and LRS of 3 cycles of 10,000 cells against those of the card: KS at 1e-5 each, false alarm 6e-5.

    It fails with every device at its mean.
    """
    card, cells = varied_card(), varied_cells((100, 100), 3)
    hrs, lrs = cycle(cells, 3)
    sample = card.sample(10_000, 3, 4)
    good = np.log(sample["hrs"] / sample["lrs"]) > 4 * CORE.edge / CORE.gap_scale
    assert cells.skipped > 0 and np.all(cells.cycles == 3)
    for c in range(3):
        assert stats.ks_2samp(hrs[c].ravel(), sample["hrs"][:, c][good[:, c]]).pvalue > 1e-5
        assert stats.ks_2samp(lrs[c].ravel(), sample["lrs"][:, c][good[:, c]]).pvalue > 1e-5
    # Within a cycle and from cycle to cycle: correlations of 10,000 cells, 4.5 standard errors each.
    for ours, theirs in (
        (np.corrcoef(np.log(hrs[1].ravel()), np.log(lrs[1].ravel())),
         np.corrcoef(*np.log([sample[k][:, 1][good[:, 1]] for k in ("hrs", "lrs")]))),
        (np.corrcoef(np.log(hrs[1].ravel()), np.log(hrs[2].ravel())),
         np.corrcoef(*np.log(sample["hrs"][:, 1:3]).T)),
    ):  # fmt: skip
        assert abs(ours[0, 1] - theirs[0, 1]) < 4.5 * np.sqrt(2.0 / 10_000)


def test_reads_and_disturbs_begin_no_cycle():
    """Less than an edge against the last direction is no turn, however often."""
    cells = varied_cells((4, 4), 1)
    cells.apply(np.full((4, 4), 2.4), 1e-4)
    window = cells.window()
    for _ in range(50):
        cells.apply(np.full((4, 4), -0.2), 1e-8)
        cells.apply(np.full((4, 4), 0.2), 1e-8)
    np.testing.assert_array_equal(cells.window(), window)
    assert np.all(cells.cycles == 1)


def test_same_seed_same_cells():
    one, two, other = (varied_cells((3, 3), s, rtn_law=noise(), relaxation_law=drifting()) for s in (2, 2, 3))
    for cells in (one, two, other):
        cycle(cells, 2)
        cells.rest(1e3)
    np.testing.assert_array_equal(conductance(one), conductance(two))
    assert np.all(conductance(one) != conductance(other))


def test_voltage_outside_the_card_warns():
    cells = varied_cells((2, 2), 1)
    with pytest.warns(CardWarning, match="voltage 3 V lies outside"):
        cells.apply(np.full((2, 2), 3.0), 1e-9)


# --------------------------------------------------------------------------- noise, relaxation, heat


def noise(traps=1.0):
    state = RtnState(
        name="all", conductance=1e-5, traps=traps, dispersion=1.0, amplitude=(-2.0, 0.0), high=(0.0, 0.0),
        low=(np.log(3.0), 0.0),
    )  # fmt: skip
    return RtnLaw(states=(state,))


def test_telegraph_noise_relaxes_to_its_share():
    """Traps of 1 s high, 3 s low. 40,000 cells, Poisson(1) traps of exp(-2) each, 4.5 standard errors (7e-6).

    It fails with the two mean times exchanged.
    """
    cells = CardCells(CORE, FEATURES, (200, 200), telegraph=noise(), seed=8)
    quiet = CORE.current_prefactor * np.exp(-cells.gap / CORE.gap_scale)
    step, n, rows = np.exp(-2.0), 40_000, []
    for seconds in (0.0, 0.3, 0.3, 100.0):
        cells.rest(seconds)
        rows.append(np.log(cells.sinh_law()[0] / quiet).ravel() / -step)
    for row in rows:
        assert abs(row.mean() - 0.75) < 4.5 * np.sqrt(0.75 / n)
    # The number of low traps is Poisson; its covariance over t is that of one trap, low now and low then.
    for later, t in ((rows[1], 0.3), (rows[2], 0.6), (rows[3], 100.6)):
        want = 0.75 * (0.75 + 0.25 * np.exp(-4.0 * t / 3.0))
        assert abs(np.cov(rows[0], later)[0, 1] - want) < 4.5 * 1.5 / np.sqrt(n)


def traps_after(conductance, turned):
    """Return the telegraph factors of 400 cells before and after they switch."""
    cells = CellTelegraph(noise(4.0), np.full(400, 1e-5), np.random.default_rng(5), 300.0)
    before = cells.factor.copy()
    cells.switched(np.arange(400), np.full(400, conductance), turned)
    return before, cells.factor


def test_a_cell_that_has_turned_has_other_traps():
    """At the same conductance: those that turned are drawn again, the others keep theirs.

    Of two draws of Poisson(3) low traps 1 in 6 are alike by chance; 0.3 of 200 is 5 standard errors away.
    """
    turned = np.arange(400) < 200
    before, after = traps_after(1e-5, turned)
    np.testing.assert_array_equal(after[200:], before[200:])
    assert np.mean(after[:200] == before[:200]) < 0.3
    assert np.mean(np.log(after[:200])) == pytest.approx(-3.0 * np.exp(-2.0), rel=4.5 / np.sqrt(3.0 * 200))


@pytest.mark.parametrize(("change", "renewed"), [(0.99, False), (1.01, True), (-1.01, True)])
def test_traps_are_drawn_anew_after_a_change_of_e(change, renewed):
    before, after = traps_after(1e-5 * np.exp(change), np.zeros(400, dtype=bool))
    assert (np.mean(after == before) < 0.3) if renewed else np.array_equal(after, before)


def test_a_pulse_on_some_cells_keeps_the_traps_of_all():
    """What is brought up to date for the pulsed cells is what all cells would be found to be."""
    cells = CardCells(CORE, FEATURES, (3, 4), telegraph=noise(4.0), seed=3)
    cells.current(np.zeros((3, 4)))
    cells.apply(np.full(2, 0.9), 1e-9, (np.array([0, 2]), np.array([1, 3])))
    some = cells.sinh_law()[0]
    cells.rest(1e-15)  # too short for a trap; everything is computed again
    np.testing.assert_allclose(cells.sinh_law()[0], some, rtol=1e-12)


@pytest.mark.parametrize("forgetting", [0.0, 0.25])
def test_relaxation_forgets_its_rank(forgetting):
    """Correlation of the shifts at t and 100 t is 100^-forgetting: 10,000 cells, 4.5 standard errors."""
    law = replace(drifting(0.0, spread=0.01), forgetting=forgetting)
    cells = made_up_cells((100, 100), relaxation=law, seed=6)
    before = conductance(cells)
    shifts = []
    for seconds in (1e2, 1e4 - 1e2):
        cells.rest(seconds)
        shifts.append(np.log(conductance(cells) / before).ravel())
    found = np.corrcoef(*shifts)[0, 1]
    kept = 100.0**-forgetting
    assert found == pytest.approx(kept, abs=4.5 * (1.0 - kept**2) / 100.0 + 1e-9)


def test_drift_is_logarithmic_and_thermally_activated():
    """ln G falls by 0.02 per unit of ln t from 1 s on; time runs faster by exp(E/k (1/300 - 1/T))."""
    for temperature in (300.0, 350.0):
        cells = made_up_cells((2, 2), relaxation=drifting(-0.02), temperature=temperature)
        before = conductance(cells)
        faster = np.exp(1.0 / BOLTZMANN_EV * (1 / 300.0 - 1 / temperature))
        total = 0.0
        for seconds in (0.5 / faster, 1.5, 100.0, 1e5):
            cells.rest(seconds)
            total += seconds * faster
            want = -0.02 * max(np.log(total), 0.0)
            np.testing.assert_allclose(np.log(conductance(cells) / before), want, rtol=1e-9, atol=1e-12)


def test_programming_begins_relaxation_anew():
    cells = made_up_cells((1, 2), relaxation=drifting(-0.02))
    cells.rest(1e4)
    old = conductance(cells)
    cells.apply(np.array([1.0]), 5e-8, (np.array([0]), np.array([1])))
    set_ = conductance(cells)
    cells.rest(1e3)
    change = np.log(conductance(cells) / np.where([[True, False]], old, set_))
    np.testing.assert_allclose(change, [[-0.02 * np.log(1.1), -0.02 * np.log(1e3)]], rtol=1e-5)


def test_a_weak_pulse_makes_no_cell_young():
    """A read after 1e4 s moves it by 1e-7: what comes is the drift from 1e4 to 2e4 s."""
    cells = made_up_cells((1, 2), relaxation=drifting(-0.02))
    cells.rest(1e4)
    before = conductance(cells)
    cells.apply(np.array([0.05]), 1e-8, (np.array([0]), np.array([1])))
    cells.rest(1e4)
    np.testing.assert_allclose(np.log(conductance(cells) / before), -0.02 * np.log(2.0), rtol=1e-3)


def test_spread_of_relaxation_grows():
    """Standard deviation 0.01 ln t over 10,000 cells after 1e3 and 1e6 s, within 4.5 standard errors."""
    cells = made_up_cells((100, 100), relaxation=drifting(0.0, spread=0.01), seed=4)
    before = conductance(cells)
    for seconds, total in ((1e3, 1e3), (1e6 - 1e3, 1e6)):
        cells.rest(seconds)
        spread = np.log(conductance(cells) / before).std() / (0.01 * np.log(total))
        assert abs(spread - 1.0) < 4.5 / np.sqrt(2 * 10_000)


def test_heat():
    """Against the rate equation with the temperature in it; activation alone only scales time."""
    heat = Heat(activation=0.6, resistance=3e5)
    for volts, duration in ((1.1, 2e-8), (-1.2, 3e-7)):
        cells = made_up_cells((1, 1), 3e-5, heat=heat)
        cell, start = one_cell(), float(cells.gap[0, 0])

        def rate(_, g, volts=volts, duration=duration, cell=cell):
            hot = 300.0 + 3e5 * abs(volts * cell.current(g[0], volts))
            return [
                cell.derivative(g[0], volts) * duration * np.exp(0.6 / BOLTZMANN_EV * (1 / 300 - 1 / hot))
            ]

        exact = solve_ivp(rate, (0, 1), [start], "LSODA", rtol=1e-9, atol=1e-18).y[0, -1]
        cells.apply(np.array([[volts]]), duration)
        assert abs(exact - start) > 2e-11
        assert cells.gap[0, 0] - start == pytest.approx(exact - start, rel=2e-3)
    warm, cold = made_up_cells((1, 1), heat=Heat(activation=0.6), temperature=350.0), made_up_cells((1, 1))
    warm.apply(np.array([[0.9]]), 1e-8)
    cold.apply(np.array([[0.9]]), 1e-8 * np.exp(0.6 / BOLTZMANN_EV * (1 / 300.0 - 1 / 350.0)))
    assert warm.gap[0, 0] == pytest.approx(cold.gap[0, 0], rel=1e-12)


def test_relaxation_whose_variance_grows_is_that_of_the_law():
    """Spreads of cells in an array against those that the law draws; 3 errors of a standard deviation."""
    law = replace(drifting(spread=0.04), growth="variance")
    cells = CardCells(CORE, FEATURES, (40, 40), relaxation=law, seed=3)
    before = conductance(cells)
    cells.rest(1e4)
    found = np.log(conductance(cells) / before).std()
    assert found == pytest.approx(np.sqrt(0.04 * np.log(1e4)), rel=3 / np.sqrt(2 * 1600))
