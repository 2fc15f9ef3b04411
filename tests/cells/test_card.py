"""Cards: the law they sample, and what they refuse."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from made_up_cards import SCORES, made_up_card

from frenkel.analysis.fitting import card_schema
from frenkel.analysis.statistics.comparison import Comparison
from frenkel.cells import schema
from frenkel.cells.card import SCHEMA_VERSION, Card, CardError, CardWarning, checksum
from frenkel.cells.law import Feature
from frenkel.data import store
from frenkel.reports.card import describe


def test_round_trip(tmp_path):
    card = made_up_card()
    path = card_schema.save(card, tmp_path / "a.card.json")
    again = Card.load(path)
    assert again.to_dict() == card.to_dict()
    for name, values in card.sample(5, 7, seed=1).items():
        assert np.array_equal(values, again.sample(5, 7, seed=1)[name])


def test_a_row_that_cannot_be_judged_is_kept_and_shown(tmp_path):
    """It has neither passed nor failed: null in the file, words where the card is shown."""
    row = Comparison("device KS", 0.65, 0.6, 1.2, 1.0).to_dict()
    card = Card.load(card_schema.save(made_up_card(gate=(row,)), tmp_path / "a.json"))
    assert card.gate == (row,) and json.loads((tmp_path / "a.json").read_text())["gate"][0]["passed"] is None
    assert "  cannot be judged with this much data  device KS: 0.65, limit 1.2" in describe(card)
    assert "cannot be judged" in card._repr_html_() and "0 of 1 rows of its gate passed" in repr(card)


def test_sampling_needs_numpy_only(tmp_path):
    """Loading imports pydantic for the schema, and nothing else that is heavy; sampling imports nothing."""
    path = card_schema.save(made_up_card(), tmp_path / "a.json")
    code = (
        "import sys; from frenkel.cells.card import Card\n"
        "def heavy(): return sorted({'pydantic', 'scipy', 'xarray', 'sklearn'} & set(sys.modules))\n"
        f"print(heavy()); Card.load({str(path)!r}).sample(2, 2, seed=0); print(heavy())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "['pydantic']"]


def test_sampled_law():
    """Locations, spreads and memory of a sample; false alarm below 1e-4 (tolerances over 4 errors)."""
    card = made_up_card(
        weights=np.array([1.0]), means=made_up_card().means[:1], covariances=made_up_card().covariances[:1]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        values = card.sample(1000, 200, seed=2)
    location = np.mean(np.log(values["hrs"]), axis=1)
    assert abs(location.mean() - 12.0) < 0.08  # 5 errors of 0.46/sqrt(1000)
    assert np.all(values["reset_voltage"] < 0)
    spread = np.log(np.std(values["reset_voltage"], axis=1))
    # Its scores have a variance of 0.8/(1 - 0.4^2), of which the removed mean takes about 1.2 per cent.
    assert abs(spread.mean() - np.log(0.1) - 0.5 * np.log(0.8 / 0.84 * 0.988)) < 0.02
    # Lag 1 of the second feature: exactly 0.4 in the scores; its table is straight.
    inner = -values["reset_voltage"]
    inner = inner - inner.mean(axis=1, keepdims=True)
    lag = np.mean(inner[:, 1:] * inner[:, :-1]) / np.mean(inner**2)
    assert abs(lag - (0.4 - 0.012)) < 0.012  # less 1/200 * (1 + 0.4)/(1 - 0.4) for the removed mean


def test_stationary_covariance_solves_its_equation():
    card = made_up_card(coefficients=np.array([[[0.5, 0.1], [0.0, 0.4]], [[0.2, 0.0], [0.1, 0.1]]]))
    total = card.stationary()
    f = np.zeros((4, 4))
    f[:2, :2], f[:2, 2:] = card.coefficients
    f[2:, :2] = np.eye(2)
    noise = np.zeros((4, 4))
    noise[:2, :2] = card.innovation
    assert np.allclose(total, f @ total @ f.T + noise, atol=1e-12)
    # Scores are stationary from the first cycle on (5 errors; 40000 draws).
    scores = card.draw_scores(40000, 3, np.random.default_rng(3))
    for c in range(3):
        assert np.allclose(np.cov(scores[:, c].T), total[:2, :2], atol=0.05)


def test_no_memory_is_allowed():
    card = made_up_card(coefficients=np.zeros((0, 2, 2)), innovation=np.eye(2))
    assert card.sample(3, 4, seed=0)["hrs"].shape == (3, 4)


def test_quantile_goes_on_straight():
    card = made_up_card()
    assert card.quantile(1, np.array([-5.0, 0.3, 6.0])) == pytest.approx([-5.0, 0.3, 6.0])


def test_tampered(tmp_path):
    path = card_schema.save(made_up_card(), tmp_path / "a.json")
    data = json.loads(path.read_text())
    data["device"]["means"][0][0] = 12.1
    path.write_text(json.dumps(data))
    with pytest.raises(CardError, match="was changed after it was written"):
        Card.load(path)


def test_truncated(tmp_path):
    path = card_schema.save(made_up_card(), tmp_path / "a.json")
    path.write_text(path.read_text()[:500])
    with pytest.raises(CardError, match="truncated or not JSON"):
        Card.load(path)


@pytest.mark.parametrize("schema", ["1.6.0", "2.0.0", "0.9.0", "0.1.0"])
def test_other_schema(tmp_path, schema):
    data = made_up_card().to_dict() | {"schema": schema}
    del data["checksum"]
    with pytest.raises(CardError, match=f"has schema {schema}, this frenkel reads up to {SCHEMA_VERSION}"):
        Card.from_dict(data | {"checksum": checksum(data)})


@pytest.mark.parametrize("schema", ["1.0.0", "1.2.0", "1.4.9"])
def test_an_earlier_schema_is_for_migrate(schema):
    data = made_up_card().to_dict() | {"schema": schema}
    del data["checksum"]
    with pytest.raises(CardError, match=rf"it has schema {schema}\): frenkel migrate FILE makes"):
        Card.from_dict(data | {"checksum": checksum(data)})


def test_a_file_has_a_line_for_each_key(tmp_path):
    """However long its lists are; the shipped card had a line for each number, four fifths of them blanks."""
    card = made_up_card()
    lines = card_schema.save(card, tmp_path / "a.json").read_text().splitlines()
    keys = [line.split('"')[1] for line in lines if ": " in line]
    assert {"scores", "means", "gate", "checksum"} <= set(keys) and len(lines) < 80
    assert Card.load(tmp_path / "a.json").to_dict() == card.to_dict()


def resigned(change):
    data = made_up_card().to_dict()
    del data["checksum"]
    change(data)
    return data | {"checksum": checksum(data)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("device"), "is not a valid card: device is missing"),
        (lambda d: d.update(kind="x"), "is not a frenkel card"),
        (lambda d: d.update(schema="one"), "no readable schema version"),
        (lambda d: d["features"][0].pop("unit"), "is not a valid card: features 1.unit is missing"),
        (
            lambda d: d["features"][0].update(unit=""),
            "features 1.unit: text must be one line of 1 to 80 printable characters",
        ),
        (lambda d: d["features"][0]["quantiles"].reverse(), "quantiles of hrs must ascend"),
        (lambda d: d["device"].update(weights=[0.5, 0.4]), "weights must be above 0 and add up to 1"),
        (lambda d: d["cycle"].update(coefficients=[[[1.1, 0], [0, 0]]]), "stationary autoregression"),
        (lambda d: d["cycle"].update(innovation=[[1, 2], [2, 1]]), "innovation must be symmetric"),
        (lambda d: d["device"].update(means=[[1.0, 2.0]]), "means must be finite and of shape"),
        (lambda d: d["device"]["means"][1].pop(), "means must be a table whose rows are equally long"),
        (lambda d: d.update(validity=0), "validity must be a valid dictionary, got 0"),
        (lambda d: d["validity"]["voltage"].update(unit="K"), "validity of voltage must be in V, got K"),
        (lambda d: d.update(gate=[3]), "gate 1 must be a section with keys of its own"),
        (lambda d: d["gate"][0].pop("floor"), "gate 1.floor is missing"),
        (lambda d: d["gate"][0].update(value=None), "gate 1.value must be a valid number, got None"),
        (lambda d: d["intervals"].update(a=[1.0]), "intervals.a: list should have at least 2 items"),
        (lambda d: d["intervals"].update(a="12"), "intervals.a must be a valid list, got '12'"),
        (lambda d: d.update(core={"rate": 1.0}), "core.rate"),
        (lambda d: d.update(scores=["0"] * 13), "scores 1 must be a valid number, got '0'"),
        (lambda d: d.update(more=1), "unknown key more"),
        (lambda d: d["scores"].__setitem__(0, 10**400), "scores 1"),
        (lambda d: d["scores"].__setitem__(0, True), "scores 1 must be a valid number, got True"),
        (lambda d: d["provenance"].update(noise={"rtn": 1}), "provenance.noise.rtn must be a section"),
    ],
)
def test_wrong_cards(change, message):
    with pytest.raises(CardError, match=message):
        Card.from_dict(resigned(change))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "1"}, "version: string should match pattern"),
        ({"core": {"rate": float("nan")}}, "plain JSON data with finite numbers"),
        ({"features": (Feature("hr s", "ohm", "log", tuple(SCORES)),) + made_up_card().features[1:]}, "name"),
    ],
)
def test_writing_checks_the_schema(tmp_path, changes, message):
    with pytest.raises(CardError, match=message):
        card_schema.save(made_up_card(**changes), tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


def test_writing_keeps_files(tmp_path):
    path = card_schema.save(made_up_card(), tmp_path / "a.json")
    with pytest.raises(store.StoreError, match="exists already"):
        card_schema.save(made_up_card(), path)
    card_schema.save(made_up_card(version="0.2.0"), path, force=True)
    assert Card.load(path).version == "0.2.0"


def test_schema_names_every_key():
    keys = schema.CardData.model_json_schema(by_alias=True)["properties"]
    assert set(keys) - {"pulses"} == set(made_up_card().to_dict())  # of a card with pulses alone


def test_box():
    card = made_up_card()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card.check(voltage=1.0, temperature=300.0, pulse_width=1.0)
        card.sample(1, 100, seed=0)
    with pytest.warns(CardWarning, match="voltage 3 V lies outside the box of card made up: -2 to 2 V"):
        card.check(voltage=3.0)
    with pytest.warns(CardWarning, match="cycles 101 lies outside"):
        card.sample(1, 101, seed=0)
    with pytest.raises(CardError, match="temperature 400 K lies outside"):
        card.check(temperature=400.0, strict=True)
    with pytest.raises(ValueError, match="a box can limit"):
        card.check(humidity=1.0)


@pytest.mark.parametrize("arguments", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_sample_sizes(arguments):
    with pytest.raises(ValueError, match="must be a whole number of at least [01], got (0|-1)$"):
        made_up_card().sample(*arguments)


@pytest.mark.parametrize(
    ("mean", "sd", "fits"),
    [(12.0, 0.4, True), (12.0, 30.0, True), (12.0, 330.0, True), (12.0, 380.0, False), (-750.0, 0.4, False)],
)
def test_a_law_must_stay_within_the_numbers_that_a_computer_holds(mean, sd, fits):
    """exp(x) is a number from -745 to 709: the mean and two deviations of devices must lie between."""
    card = made_up_card()
    means, covariances = card.means.copy(), card.covariances.copy()
    means[0, 0], covariances[0, 0, 0] = mean, sd**2
    if fits:
        made_up_card(means=means, covariances=covariances)
    else:
        with pytest.raises(CardError, match="hrs of this law reaches beyond"):
            made_up_card(means=means, covariances=covariances)


@pytest.mark.parametrize(("sd", "fits"), [(1.2, True), (3.0, False)])
def test_a_spread_of_cycles_may_grow_as_far(sd, fits):
    """Deviations of cycles grow by exp(2 sd): 0.5 exp(2.4) x 3.9 is 21, 0.5 exp(6) x 3.9 is beyond 709."""
    card = made_up_card()
    covariances = card.covariances.copy()
    covariances[0, 2, 2] = sd**2
    if fits:
        made_up_card(covariances=covariances)
    else:
        with pytest.raises(CardError, match="hrs of this law reaches beyond"):
            made_up_card(covariances=covariances)
