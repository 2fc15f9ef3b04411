"""The fit of published models to loops finds features of its circuit."""

import numpy as np
import published_forms as forms
import pytest

pytestmark = [pytest.mark.verification, pytest.mark.timeout(600)]


def circuit():
    """The ramps of the measured loops: SET at negative voltage to 0.3 mA, 0.6 MV/s."""
    ramp = np.linspace(0.0, 1.5, 40)
    source = np.concatenate([-ramp, -ramp[::-1], ramp[1:], ramp[::-1]])
    return forms.Circuit(source, np.arange(len(source)) * 6.4e-8, 0.0, 3e-4, 0.3, -1, True)


def test_limit_and_resistor_act_on_a_model():
    """The current stays at its limit, and a resistor takes its voltage."""
    model = forms.StanfordPKU()
    volts, amps = forms.settle(model, 0.3e-9, 1.0, 5e3, 0.0)
    assert volts + 5e3 * amps == pytest.approx(1.0, abs=1e-3)
    assert forms.settle(model, 0.1e-9, 1.0, 0.0, 1e-5)[1] == pytest.approx(1e-5)


@pytest.mark.parametrize("form", forms.FORMS)
def test_a_published_model_has_a_loop(form):
    """The current stays below the limit; the published JART switches both ways."""
    one = circuit()
    middle = forms.start(form, one)
    current, found = forms.tried(form, middle, one)
    assert np.abs(current[one.source < 0]).max() <= 3e-4 * 1.001
    assert form != "JART VCM v1b" or np.isfinite(found).all()


def test_scores_of_equal_sets_are_zero():
    rows = np.random.default_rng(1).standard_normal((50, 4))
    found = forms.scores(rows, rows)
    assert all(found[name] == [0.0, 1.0, 0.0] for name in forms.FEATURES) and found["lost"] == 0.0
