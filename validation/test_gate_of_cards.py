"""The gate of cards, printed: of the law itself, of a card fitted to it, and of models that are wrong.

With examples/ensemble_cycles.nc in place also that of a card of kinetic devices. ``pytest -s`` prints them.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from made_up_cycles import cycles, truth
from made_up_surrogates import forgetful, hierarchical_gaussian, independent, pooled_copula

from frenkel.analysis.fitting import gate, statistical_model
from frenkel.analysis.fitting.observations import from_dataset
from frenkel.analysis.statistics import comparison

pytestmark = pytest.mark.verification
pytest.importorskip("sklearn", reason="fitting needs the extra fit")
ENSEMBLE = Path(__file__).parents[1] / "examples" / "ensemble_cycles.nc"


def test_models_of_a_known_law():
    """256 devices of 100 cycles to fit, as many held out: law and card pass, five wrong models do not."""
    training, held_out = cycles(256, 100, 1), cycles(256, 100, 2)
    card = statistical_model.fit(training, "card", statistical_model.FitOptions(bootstrap=0))
    alone = np.array([np.diag(np.diag(c)) for c in card.covariances])
    models = {
        "law itself": truth(),
        "card": card,
        "card without correlation": replace(card, covariances=alone),
        "card without memory": forgetful(card),
        "independent": independent(training),
        "pooled copula": pooled_copula(training),
        "hierarchical Gaussian": hierarchical_gaussian(training),
    }
    judged = {name: gate.judge(held_out, model) for name, model in models.items()}
    print("\nvalue over floor (2 is the limit)\n" + ratios(judged))
    passed = {name for name, rows in judged.items() if comparison.passed(rows)}
    assert passed == {"law itself", "card"}


def ratios(judged):
    """Return a table: a statistic a row, a model a column."""
    names = [row.statistic for row in judged["card"]]
    head = f"{'':<32}" + "".join(f"{name:>26}" for name in judged)
    found = {name: {row.statistic: row for row in rows} for name, rows in judged.items()}
    lines = [head]
    for name in names:
        cells = [f"{r[name].value / r[name].floor:.2f}" if name in r else "-" for r in found.values()]
        marks = ["" if name not in r or r[name].passed else " *" for r in found.values()]
        lines.append(f"{name:<32}" + "".join(f"{c + m:>26}" for c, m in zip(cells, marks, strict=True)))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def kinetic():
    """Options and gate of the card of the shipped ensemble of HfO2 devices."""
    if not ENSEMBLE.is_file():
        pytest.skip("examples/ensemble_cycles.nc is not there")
    with xr.open_dataset(ENSEMBLE) as data:
        training, held_out = from_dataset(data).split(0.7, seed=0)
    options = statistical_model.FitOptions(bootstrap=0)
    options = replace(options, ranks=gate.choose_ranks(training, options)["ranks"])
    rows = gate.judge(held_out, statistical_model.fit(training, "HfO2-fast", options))
    print("\n" + comparison.table(rows))
    return options, rows


@pytest.mark.xfail(
    strict=True,
    reason="nor did the default before: pooled KS and sums of an array are no better with ranks by a quarter "
    "(docs/compact.md); passing means that this mark must go",
)
def test_ranks_of_kinetic_devices(kinetic):
    """Training devices ask for ranks, where levels are shared."""
    assert kinetic[0].ranks


@pytest.mark.xfail(
    strict=True,
    reason="179 devices of 100 cycles suffice to see that predictions are not quite calibrated: PIT 0.029, "
    "limit 0.022 (0.023 for the default before); passing means that this mark must go",
)
def test_card_of_kinetic_devices(kinetic):
    """The card passes its own gate."""
    assert comparison.passed(kinetic[1])


def test_only_predictions_of_kinetic_devices_fail(kinetic):
    """The other 19 rows pass."""
    assert all(row.passed or row.statistic.startswith(gate.CALIBRATION) for row in kinetic[1])
