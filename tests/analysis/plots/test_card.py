"""Pictures of cards: what they show is what the card and the devices have."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_cycles import cycles, truth

from frenkel.analysis.plots import card as card_plot
from frenkel.analysis.plots import page
from frenkel.cells.core import GapCore
from frenkel.data import store

pytest.importorskip("matplotlib")
CORE = GapCore(set_ramp=1e5, reset_ramp=1e5, drive=11.0)
CARD = replace(truth(), core=CORE.to_dict())


def test_currents_of_the_core_show_the_features():
    """Low-voltage resistances of the first and last sample are those of the drawn cycle."""
    drawn = CARD.sample(card_plot.FAN, 1, 3)
    for i, (volts, amps) in enumerate(card_plot.core_curves(CARD, 3)):
        at = int(np.argmin(np.abs(volts[:20] - 0.1)))
        high = volts[at] / amps[at]
        # The ohms of the card stand at the read voltage; a sinh of 0.25 V bends by 3 % per 20 mV there.
        assert high == pytest.approx(drawn["hrs"][i, 0], rel=0.1)
        assert np.abs(amps).max() < 1.0 and np.all(np.isfinite(amps))
        # Back from the SET ramp it is in LRS, at the end of the RESET ramp in HRS.
        for leg, name in ((slice(151, 301), "lrs"), (slice(451, 601), "hrs")):
            at = leg.start + int(np.argmin(np.abs(np.abs(volts[leg]) - 0.1)))
            assert abs(volts[at]) / amps[at] == pytest.approx(drawn[name][i, 0], rel=0.1)


def test_page(tmp_path):
    observed = cycles(24, 30, 1)
    figure = card_plot.page(CARD, observed, card_plot.core_curves(CARD))
    path = page.save(figure, tmp_path / "a.png", force=False)
    assert path.stat().st_size > 50000
    with pytest.raises(store.StoreError, match="exists already"):
        page.save(figure, path, force=False)
    names = {text for part in figure.subfigs for axes in part.axes for text in (axes.get_xlabel(),)}
    assert "log10(HRS / ohm), card" in names and "voltage / V, of the devices" in names


def test_page_of_one_feature_without_core():
    card = truth()
    one = replace(
        card,
        features=card.features[:1],
        means=card.means[:, [0, 4]],
        covariances=card.covariances[:, [0, 4]][:, :, [0, 4]],
        coefficients=card.coefficients[:, :1, :1],
        innovation=card.innovation[:1, :1],
    )
    observed = replace(
        cycles(20, 30, 2), features=card.features[:1], values=cycles(20, 30, 2).values[:, :, :1]
    )
    figure = card_plot.page(one, observed)
    texts = [text.get_text() for part in figure.subfigs for axes in part.axes for text in axes.texts]
    assert texts == ["no traces were given", "the card has no core"]
