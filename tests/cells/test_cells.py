"""Compiled sampler of cards: the numbers of the law written out in numpy; cells that keep their memory."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_cards import made_up_card
from made_up_cycles import truth

from frenkel.cells import _sampler
from frenkel.cells.card import CardError


def written_out(card, devices, cycles, seed):
    """Return a sample from the parts of the law, in the order in which the card draws."""
    random = np.random.default_rng(seed)
    locations, spreads = card.draw_devices(devices, random)
    scores = card.draw_scores(devices, cycles, random)
    found = {}
    for i, feature in enumerate(card.features):
        inner = card.quantile(i, scores[:, :, i])
        found[feature.name] = feature.backward(locations[:, i, None] + spreads[:, i, None] * inner)
    return found


def part(card, k, p):
    """Return a card of the first k features and p cycles of memory."""
    rows = [*range(k), *range(len(card.features), len(card.features) + k)]
    return replace(
        card,
        features=card.features[:k],
        means=card.means[:, rows],
        covariances=card.covariances[:, rows][:, :, rows],
        coefficients=card.coefficients[:p, :k, :k],
        innovation=card.innovation[:k, :k],
    )


@pytest.mark.parametrize(("k", "p"), [(4, 2), (4, 0), (4, 1), (3, 2), (1, 1), (1, 0)])
def test_sample_is_the_law_written_out(k, p):
    card = part(truth(), k, p)
    ours, theirs = card.sample(40, 30, 7), written_out(card, 40, 30, 7)
    for name in card.names:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-11)


def test_knots_at_uneven_places():
    scores = np.array([-3.0, -2.9, -0.1, -0.099, 0.0, 2.0, 3.0])
    features = tuple(replace(f, quantiles=tuple(np.cbrt(scores))) for f in made_up_card().features)
    card = made_up_card(scores=scores, features=features)
    ours, theirs = card.sample(200, 100, 1), written_out(card, 200, 100, 1)
    for name in card.names:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-11)


def test_cells_draw_the_law_cycle_by_cycle():
    """Mean and lag-1 correlation over cells of equal devices (4.5 errors of 20000)."""
    card = made_up_card(
        weights=np.ones(1), means=made_up_card().means[:1], covariances=1e-12 * np.eye(4)[None]
    )
    cells = card.cells(20000, 1)
    rows = [-cells.cycle()["reset_voltage"] for _ in range(3)]
    # The second feature: scores of variance 0.8/(1 - 0.16), a straight table, spread 0.1 about 1.1.
    variance = 0.01 * 0.8 / 0.84
    assert abs(rows[0].mean() - 1.1) < 4.5 * np.sqrt(variance / 20000)
    assert abs(rows[0].var() / variance - 1) < 4.5 * np.sqrt(2 / 20000)
    for lag in (1, 2):
        seen = np.corrcoef(rows[0], rows[lag])[0, 1]
        assert abs(seen - 0.4**lag) < 4.5 * (1 - 0.16**lag) / np.sqrt(20000)


def test_some_cells_leave_the_memory_of_the_others():
    """Those not asked go on from the cycle before: correlation 0.4 over a gap, not 0.16 (5 errors)."""
    card = made_up_card(
        weights=np.ones(1), means=made_up_card().means[:1], covariances=1e-12 * np.eye(4)[None]
    )
    cells = card.cells(20000, 2)
    first = cells.cycle()["reset_voltage"]
    odd = np.arange(1, 20000, 2)
    found = cells.cycle(odd)
    assert found["hrs"].shape == (10000,)
    last = cells.cycle()["reset_voltage"]
    for rows, expected in ((odd, 0.16), (odd - 1, 0.4)):
        assert abs(np.corrcoef(first[rows], last[rows])[0, 1] - expected) < 5 / np.sqrt(10000)


def test_values_go_to_the_cells_that_were_asked_for():
    """Without spread a cell shows its location, exactly."""
    means = made_up_card().means[:1].copy()
    means[:, 2:] = -60.0
    card = made_up_card(weights=np.ones(1), means=means, covariances=0.1 * np.eye(4)[None])
    cells = card.cells(50, 4)
    order = np.random.default_rng(0).permutation(50)[:20]
    assert cells.cycle(order)["hrs"] == pytest.approx(np.exp(cells.locations[order, 0]), rel=1e-12)


def test_no_cell_is_a_cycle_too():
    cells = made_up_card().cells(3, 0)
    assert cells.cycle([])["hrs"].shape == (0,)


def test_a_seed_gives_its_numbers():
    one, other = (truth().cells(9, 5) for _ in range(2))
    for _ in range(3):
        assert np.array_equal(one.cycle()["hrs"], other.cycle()["hrs"])


def test_a_long_memory_is_refused():
    card = part(truth(), 4, 2)
    longest = _sampler.widest() // 4 - 1
    assert replace(card, coefficients=np.zeros((longest, 4, 4))).cells(1, 0).cycle()["hrs"].shape == (1,)
    with pytest.raises(
        CardError, match=r"1 \+ cycles of memory, times features, must be at most 512, got 516"
    ):
        replace(card, coefficients=np.zeros((longest + 1, 4, 4)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: made_up_card().cells(0, 1), "number must be a whole number of at least 1, got 0"),
        (lambda: made_up_card().cells(1, -1), "seed must be a whole number of at least 0, got -1"),
        (lambda: made_up_card().cells(3, 1).cycle([3]), "which must be from 0 to 2, got 3 to 3"),
        (lambda: made_up_card().cells(3, 1).cycle([1, 1]), "which must name each cell at most once"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
