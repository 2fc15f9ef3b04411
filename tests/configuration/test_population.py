"""Numbers that differ from member to member: their laws, levels and streams, and mistakes in a table."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.configuration.points import Members
from frenkel.configuration.population import with_tables
from frenkel.configuration.reader import about_population, change, read
from frenkel.errors import Doubt

DOCUMENT = {
    "seed": 11,
    "material": "HfO2-fast",
    "device": {"thickness": "5.2 nm", "width": "2.6 nm"},
    "circuit": {"series_resistance": "2 kohm"},
    "phase": [{"kind": "form", "amplitude": "4 V", "rate": "100 V/s", "compliance": "20 uA"}],
}
NUMBER = 1000
FALSE_ALARM = 1e-3
"""Probability with which each statistical test here would fail for other seeds although all is right."""


def members(population, **other):
    return Members(parse(DOCUMENT | other | {"population": population}))


def least_of(number, single):
    """Return the law of the least of so many values, as far as these tests ask for it."""
    return SimpleNamespace(cdf=lambda x: -np.expm1(number * single.logsf(x)))


def drawn(population, key, number=NUMBER, **other):
    of = members(population, **other)
    return np.array([of.draw(member).values[key] for member in range(number)])


@pytest.mark.parametrize(
    ("key", "law", "expected"),
    [
        ("exchange.barrier", {"law": "normal", "sd": "30 meV"}, stats.norm(1.91, 0.03)),
        ("exchange.barrier", {"law": "normal", "mean": "1.8 eV", "sd": "0.1 eV"}, stats.norm(1.8, 0.1)),
        ("device.thickness", {"law": "log-normal", "sigma": 0.1}, stats.lognorm(0.1, scale=5.2e-9)),
        (
            "exchange.barrier",
            {"law": "least", "mean": "3 eV", "sd": "0.1 eV", "number": 40},
            least_of(40, stats.norm(3.0, 0.1)),
        ),
        (
            "exchange.barrier",
            {"law": "least", "mean": "3 eV", "sd": "0.1 eV", "number": 2.5e9},
            least_of(2.5e9, stats.norm(3.0, 0.1)),
        ),
        (
            "circuit.series_resistance",
            {"law": "log-normal", "median": "3 kohm", "sigma": 0.5},
            stats.lognorm(0.5, scale=3e3),
        ),
        (
            "conduction.tunnel_factor",
            {"law": "uniform", "low": 0.02, "high": 0.08},
            stats.uniform(0.02, 0.06),
        ),
    ],
)
@pytest.mark.parametrize("levels", [{}, {"die": 0.3, "wafer": 0.2}])
def test_draws_have_the_law_that_is_asked_for(key, law, expected, levels):
    """One member of each wafer, so that draws are independent on every level: Kolmogorov and Smirnov."""
    alone = {"devices_per_die": 1, "dies_per_wafer": 1} if levels else {}
    values = drawn(alone | {key: law | levels}, key)
    assert stats.kstest(values, expected.cdf).pvalue > FALSE_ALARM


def test_the_least_of_one_value_is_normal():
    """Both laws are functions of one score; P(x) of the least of one is that of the normal law."""
    key, law = "exchange.barrier", {"mean": "1.8 eV", "sd": "0.1 eV"}
    plain = drawn({key: law | {"law": "normal"}}, key, 20)
    least = drawn({key: law | {"law": "least", "number": 1}}, key, 20)
    np.testing.assert_allclose(least, plain, rtol=1e-12)


def test_the_least_of_many_values_may_lie_outside_and_is_drawn_again():
    """Of 1,000 values with mean 0.1 eV and sd 0.1 eV the least is below 0 with 1 - 6e-76: none is allowed."""
    law = {"law": "least", "mean": "0.1 eV", "sd": "0.1 eV", "number": 1000}
    with pytest.raises(ConfigurationError, match="exchange.barrier"):
        members({"exchange.barrier": law}).draw(0)


def test_draws_that_are_not_allowed_leave_the_law_of_those_that_are():
    """Half of all draws are below 0 ohm: a half-normal law is left."""
    key = "circuit.series_resistance"
    values = drawn({key: {"law": "normal", "mean": "0 ohm", "sd": "1 kohm"}}, key)
    assert stats.kstest(values, stats.halfnorm(0, 1e3).cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("law", "probabilities"),
    [
        ({"law": "discrete", "values": "1, 2, 3 kohm", "weights": [5, 3, 2]}, {1e3: 0.5, 2e3: 0.3, 3e3: 0.2}),
        ({"law": "discrete", "values": ["3 kohm", "1 kohm"]}, {1e3: 0.5, 3e3: 0.5}),
        ({"law": "discrete", "values": "3, 1 kohm", "weights": [3, 1]}, {1e3: 0.25, 3e3: 0.75}),
        ({"law": "table", "values": "3, 1, 1, 2 kohm"}, {1e3: 0.5, 2e3: 0.25, 3e3: 0.25}),
    ],
)
def test_values_come_with_their_weights(law, probabilities):
    values, counts = np.unique(
        drawn({"circuit.series_resistance": law}, "circuit.series_resistance"), return_counts=True
    )
    assert values.tolist() == sorted(probabilities)
    expected = [NUMBER * probabilities[value] for value in values]
    assert stats.chisquare(counts, expected).pvalue > FALSE_ALARM


def test_a_draw_is_a_function_of_seed_member_and_name_alone():
    """Against NumPy's streams: the key is (member, 4, level, name), that of the kinetics (member,)."""
    key = "exchange.barrier"
    law = {"law": "normal", "mean": "1.5 eV", "sd": "0.1 eV"}

    def score(place, level):
        sequence = np.random.SeedSequence(11, spawn_key=(place, 4, level, *key.encode()))
        return np.random.Generator(np.random.PCG64DXSM(sequence)).standard_normal()

    grouped = {"devices_per_die": 3, "dies_per_wafer": 2, key: law | {"die": 0.25, "wafer": 0.39}}
    more = grouped | {"device.thickness": {"law": "log-normal", "sigma": 0.1}}
    for member in (0, 1, 7, 700):
        expected = 1.5 + 0.1 * (
            np.sqrt(0.36) * score(member, 0)
            + 0.5 * score(member // 3, 1)
            + np.sqrt(0.39) * score(member // 6, 2)
        )
        assert members(grouped).draw(member).values[key] == pytest.approx(expected, rel=1e-13)
        assert members(more).draw(member).values[key] == members(grouped).draw(member).values[key]
        assert members({key: law}).draw(member).values[key] == pytest.approx(
            1.5 + 0.1 * score(member, 0), rel=1e-13
        )


def test_members_of_a_die_and_of_a_wafer_share_their_parts():
    """With die + wafer = 1 all members of a die are equal, and those of its wafer differ by the die alone."""
    law = {"law": "normal", "mean": "1.5 eV", "sd": "0.1 eV", "die": 0.3, "wafer": 0.7}
    values = drawn(
        {"devices_per_die": 4, "dies_per_wafer": 25, "exchange.barrier": law}, "exchange.barrier", 4000
    )
    dies = values.reshape(-1, 25, 4)
    assert np.array_equal(dies, np.broadcast_to(dies[:, :, :1], dies.shape))
    within = dies[:, :, 0].var(axis=1, ddof=1)
    # 40 wafers of 25 dies: chi-squared of 40 * 24 degrees of freedom, and of 39 for the means.
    assert FALSE_ALARM < stats.chi2.cdf(within.sum() * 24 / 0.003, 40 * 24) < 1 - FALSE_ALARM
    means = dies[:, :, 0].mean(axis=1)
    assert FALSE_ALARM < stats.chi2.cdf(39 * means.var(ddof=1) / (0.007 + 0.003 / 25), 39) < 1 - FALSE_ALARM


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"matrix": [[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]]}, [0.6, -0.3, 0.2]),
        ({"loadings": [0.9, -0.8, 0.5]}, [-0.72, 0.45, -0.4]),
    ],
)
@pytest.mark.parametrize("die", [0.0, 0.5])
def test_scores_have_the_correlation_that_is_asked_for(group, expected, die):
    """Fisher's z of each of three correlations; every member is on a die of its own."""
    keys = ["exchange.barrier", "vacancy.migration_barrier", "device.thickness"]
    laws = {key: {"law": "normal", "sd": "1 meV", "die": die} for key in keys[:2]}
    laws[keys[2]] = {"law": "log-normal", "sigma": 0.1, "die": die}
    of = members({"devices_per_die": 1, **laws, "correlated": [{"numbers": keys, **group}]})
    values = np.array([list(of.draw(member).values.values()) for member in range(NUMBER)])
    found = np.corrcoef(np.column_stack([values[:, :2], np.log(values[:, 2])]).T)[np.triu_indices(3, 1)]
    z = (np.arctanh(found) - np.arctanh(expected)) * np.sqrt(NUMBER - 3)
    assert np.all(np.abs(z) < stats.norm.isf(FALSE_ALARM / 6))


def test_a_draw_that_is_not_allowed_comes_again_and_is_counted():
    """Members with an allowed first draw keep it; the others get the next allowed one of their stream."""
    key = "circuit.series_resistance"
    of = members({key: {"law": "normal", "mean": "0 ohm", "sd": "1 kohm"}})
    counted = 0
    for member in range(200):
        sequence = np.random.SeedSequence(11, spawn_key=(member, 4, 0, *key.encode()))
        stream = np.random.Generator(np.random.PCG64DXSM(sequence))
        scores = [stream.standard_normal() for _ in range(40)]
        first = next(place for place, score in enumerate(scores) if score >= 0)
        draws = of.draw(member)
        assert (
            draws.values[key] == pytest.approx(1e3 * scores[first], rel=1e-13) and draws.redrawn[key] == first
        )
        counted += first
    assert 150 < counted < 250  # 200 geometric numbers of mean 1 and sd 1.41: 2.5 standard deviations


def test_what_is_correlated_is_drawn_again_together():
    keys = ["circuit.series_resistance", "exchange.barrier"]
    laws = {
        keys[0]: {"law": "normal", "mean": "0 ohm", "sd": "1 kohm"},
        keys[1]: {"law": "normal", "sd": "0.1 eV"},
    }
    of = members(laws | {"correlated": [{"numbers": keys, "matrix": [[1.0, 0.95], [0.95, 1.0]]}]})
    values = np.array([list(of.draw(member).values.values()) for member in range(400)])
    assert values[:, 0].min() > 0.0 and values[:, 1].mean() > 1.91 + 0.06  # 0.95 sqrt(2/pi) of 0.1 eV
    assert len({tuple(of.draw(member).redrawn.values()) for member in range(50)} & {(0, 1), (1, 0)}) == 0


def test_a_number_without_an_allowed_draw_ends_in_a_sentence():
    """Half of the dies are far below 0 ohm, in units of what the members add."""
    law = {"law": "normal", "mean": "0 ohm", "sd": "1 kohm", "die": 0.99999999}
    of = members({"devices_per_die": 2, "circuit.series_resistance": law})
    failed = []
    for member in range(8):
        try:
            assert of.draw(member).values["circuit.series_resistance"] >= 0.0
        except ConfigurationError as error:
            failed.append(member)
            assert str(error) == (
                "population: 10000 draws of circuit.series_resistance in a row were not allowed "
                "(circuit.series_resistance must be between 0 and 1e+12 ohm)"
            )
    assert 0 < len(failed) < 8 and {member // 2 for member in failed} == {
        member // 2 for member in failed[::2]
    }


def test_a_die_is_drawn_again_for_all_of_its_members():
    law = {"law": "normal", "mean": "0 ohm", "sd": "1 kohm", "die": 1.0}
    of = members({"devices_per_die": 2, "circuit.series_resistance": law})
    draws = [of.draw(member) for member in range(40)]
    assert draws[::2] == draws[1::2] and any(draw.redrawn["circuit.series_resistance"] for draw in draws)
    fixed = members({"circuit.series_resistance": {"law": "normal", "sd": "0 ohm"}})
    assert fixed.draw(3).values == {"circuit.series_resistance": 2e3}


def test_a_member_has_the_device_circuit_and_material_of_its_draws():
    of = members(
        {
            "exchange.barrier": {"law": "normal", "sd": "30 meV"},
            "vacancy.charge": {"law": "discrete", "values": [1, 2]},
            "conduction.tunnel_factor": {"law": "log-normal", "sigma": 0.1},
            "device.thickness": {"law": "normal", "sd": "0.5 nm"},
            "circuit.series_resistance": {"law": "uniform", "low": "1 kohm", "high": "2 kohm"},
        }
    )
    for number in range(5):
        configuration, material = of.member(number)
        values = of.draw(number).values
        assert material.exchange.barrier == values["exchange.barrier"]
        assert material.vacancy.charge == values["vacancy.charge"] and isinstance(
            material.vacancy.charge, int
        )
        assert material.conduction.tunnel_factor == values["conduction.tunnel_factor"]
        assert configuration.device.thickness == values["device.thickness"]
        assert configuration.circuit.series_resistance == values["circuit.series_resistance"]
        assert configuration.member == number and configuration.population is None
        assert configuration.made_of() == material


def test_without_a_population_a_configuration_records_what_it_did():
    configuration = parse(DOCUMENT)
    assert "population" not in configuration.document()
    own, material = Members(configuration).member(3)
    assert own == configuration.model_copy(update={"member": 3}) and material == configuration.made_of()


def test_keys_in_quotes_and_tables_are_the_same_and_the_document_reads_back():
    law = {"law": "normal", "sd": "0.1 eV"}
    nested = parse(DOCUMENT | {"population": {"exchange": {"barrier": law, "energy": law}}})
    quoted = parse(DOCUMENT | {"population": {"material.exchange.barrier": law, "exchange.energy": law}})
    assert nested.document() == quoted.document() == parse(nested.document()).document()
    document = nested.document()
    change(document, "population.exchange.barrier.sd=0.2 eV")
    assert parse(document).population.laws["exchange.barrier"].sd == "0.2 eV"


def test_a_table_may_be_a_file(tmp_path):
    (tmp_path / "ohms.txt").write_text("# measured\n1.5\n\n2.5 # twice\n2.5\n")
    table = {"law": "table", "file": "ohms.txt", "unit": "kohm"}
    document = with_tables(DOCUMENT | {"population": {"circuit": {"series_resistance": table}}}, tmp_path)
    assert parse(document).population.laws["circuit.series_resistance"].values == [
        "1.5 kohm",
        "2.5 kohm",
        "2.5 kohm",
    ]
    (tmp_path / "ohms.txt").write_text("1.5\nmany\n")
    with pytest.raises(ConfigurationError, match=r"ohms\.txt must hold one number a line: .*many"):
        with_tables(DOCUMENT | {"population": {"circuit.series_resistance": table}}, tmp_path)
    (tmp_path / "ohms.txt").unlink()
    with pytest.raises(ConfigurationError, match=r"ohms\.txt cannot be read: No such file"):
        with_tables(DOCUMENT | {"population": {"circuit.series_resistance": table}}, tmp_path)


def test_many_draws_that_are_not_allowed_are_said(tmp_path):
    law = {"law": "normal", "mean": "2 kohm", "sd": "1 kohm"}
    (doubt,) = about_population(
        parse(DOCUMENT | {"population": {"circuit.series_resistance": law}}), tmp_path
    )
    assert doubt == (
        "population.circuit.series_resistance: 2.3 % of the draws lie outside of the allowed 0 to 1e+12 ohm "
        "and are drawn again"
    )
    few = {"law": "normal", "mean": "3 kohm", "sd": "1 kohm"}
    assert not [
        *about_population(parse(DOCUMENT | {"population": {"circuit.series_resistance": few}}), tmp_path)
    ]
    text = '[device]\nthickness = "5 nm"\nwidth = "5 nm"\n[[phase]]\nkind = "constant"\nvoltage = "0 V"\n'
    text += 'duration = "1 s"\n[population]\n'
    text += 'device.temperature = {law = "normal", mean = "300 K", sd = "200 K"}\n'
    (tmp_path / "wide.toml").write_text(text)
    with pytest.warns(Doubt, match=r"population\.device\.temperature: 6\.7 % of the draws"):
        read(tmp_path / "wide.toml")


NORMAL = {"law": "normal", "sd": "1 meV"}
TWO = {"exchange.barrier": NORMAL, "exchange.energy": NORMAL}
NAMES = [*TWO]


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ({"exchange.barier": NORMAL}, "no key 'barier' in section [exchange] (did you mean 'barrier'?)"),
        ({"exchnge.barrier": NORMAL}, "'exchnge.barrier' is no number of the material, the device"),
        ({"device.thicknes": NORMAL}, "unknown key device.thicknes (did you mean 'thickness'?)"),
        ({"device.lateral": NORMAL}, "device.lateral is no quantity with a range of allowed values"),
        ({"phase.0.amplitude": NORMAL}, "'phase.0.amplitude' is no number of the material, the device"),
        ({"devices_per_dye": 3}, "unknown key devices_per_dye (did you mean 'devices_per_die'?)"),
        ({"exchange.barrier": "0.1 eV"}, "exchange.barrier must be a table with a law"),
        (
            {"exchange.barrier": {"sd": "1 meV"}},
            "exchange.barrier.law is missing; there are: normal, log-normal",
        ),
        ({"exchange.barrier": {"law": "gauss", "sd": "1 meV"}}, "exchange.barrier.law must not be 'gauss'"),
        ({"exchange.barrier": {"law": "normal"}}, "exchange.barrier: sd is missing"),
        (
            {"exchange.barrier": {"law": "least", "sd": "1 meV", "number": 0}},
            "exchange.barrier: number must be greater than or equal to 1, got 0",
        ),
        (
            {"exchange.barrier": {"law": "normal", "sd": "-1 meV"}},
            "exchange.barrier.sd must be between 0 and 10 eV, got '-1 meV'",
        ),
        ({"exchange.barrier": {"law": "normal", "sd": "1 nm"}}, "exchange.barrier.sd must be in eV"),
        ({"device.temperature": {"law": "normal", "sd": "5 degC"}}, "sd must be in K, being a difference"),
        (
            {"exchange.barrier": {"law": "normal", "sd": "1 meV", "mean": "11 eV"}},
            "exchange.barrier.mean must be between 0 and 10 eV, got '11 eV'",
        ),
        (
            {"conduction.tunnel_factor": {"law": "normal", "sd": -0.1}},
            "conduction.tunnel_factor.sd must be between 0 and 1, got -0.1",
        ),
        (
            {"conduction.tunnel_factor": {"law": "normal", "sd": "0.1"}},
            "conduction.tunnel_factor.sd must be a pure number",
        ),
        (
            {"device.thickness": {"law": "log-normal", "sigma": -0.1}},
            "device.thickness: sigma must be greater than or equal to 0, got -0.1",
        ),
        (
            {"exchange.energy": {"law": "log-normal", "median": "-1 eV", "sigma": 0.1}},
            "exchange.energy.median must be above 0 for a log-normal law, got -1",
        ),
        (
            {"device.width": {"law": "uniform", "low": "3 nm", "high": "2 nm"}},
            "device.width.low must be at most high, got 3e-09 and 2e-09 m",
        ),
        ({"device.width": {"law": "table", "values": []}}, "device.width: values"),
        (
            {"device.width": {"law": "table", "values": "2, 2000 nm"}},
            "device.width.values must be between 1e-10 and 1e-06 m, got '2000 nm'",
        ),
        (
            {"device.width": {"law": "discrete", "values": "2, 3 nm", "weights": [1]}},
            "device.width must have one weight for each of its 2 values, got 1",
        ),
        (
            {"device.width": {"law": "discrete", "values": "2, 3 nm", "weights": [1, -1]}},
            "device.width.weights must be at least 0",
        ),
        (
            {"vacancy.charge": {"law": "normal", "sd": 1}},
            "vacancy.charge is a whole number: its law must be discrete or table, got normal",
        ),
        (
            {"vacancy.charge": {"law": "table", "values": [1.5]}},
            "vacancy.charge.values must be whole numbers, got 1.5",
        ),
        ({"exchange.barrier": NORMAL | {"die": 0.1}}, "exchange.barrier.die needs devices_per_die"),
        (
            {"devices_per_die": 2, "exchange.barrier": NORMAL | {"wafer": 0.1}},
            "exchange.barrier.wafer needs devices_per_die and dies_per_wafer",
        ),
        (
            {
                "devices_per_die": 2,
                "dies_per_wafer": 2,
                "exchange.barrier": NORMAL | {"die": 0.6, "wafer": 0.6},
            },
            "die and wafer must add up to at most 1, got 0.6 and 0.6",
        ),
        (
            TWO | {"correlated": [{"numbers": NAMES, "matrix": [[1.0, 1.0], [1.0, 1.0]]}]},
            "must be positive definite",
        ),
        (
            TWO | {"correlated": [{"numbers": NAMES, "matrix": [[1.0, 0.3], [0.2, 1.0]]}]},
            "must be symmetric with 1 on its diagonal",
        ),
        (TWO | {"correlated": [{"numbers": NAMES, "matrix": [[1.0]]}]}, "one row and one column for each"),
        (TWO | {"correlated": [{"numbers": NAMES}]}, "must be given either a matrix or loadings"),
        (
            TWO | {"correlated": [{"numbers": [*NAMES, "device.width"], "loadings": [0.5, 0.5, 0.5]}]},
            "correlated: device.width has no law here",
        ),
        (
            TWO | {"correlated": [{"numbers": NAMES, "loadings": [0.5, 0.5]}] * 2},
            "correlated must name each number once, got exchange.barrier twice",
        ),
        (
            {
                "devices_per_die": 2,
                **TWO,
                "exchange.energy": NORMAL | {"die": 0.5},
                "correlated": [{"numbers": NAMES, "loadings": [0.5, 0.5]}],
            },
            "are correlated and must have the same die and wafer",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(population, message):
    with pytest.raises(ConfigurationError) as raised:
        parse(DOCUMENT | {"population": population}, "x.toml")
    text = str(raised.value)
    assert message in text and text.startswith("x.toml: population") and "\n" not in text and len(text) < 700


def test_a_number_without_a_value_needs_a_centre():
    (form,) = DOCUMENT["phase"]
    phases = {"phase": [{key: value for key, value in form.items() if key != "compliance"}]}
    drawn = {"population": {"circuit.compliance": {"law": "normal", "sd": "1 uA"}}}
    configuration = parse(DOCUMENT | phases | drawn)
    with pytest.raises(
        ConfigurationError, match=r"circuit\.compliance\.mean is missing, and the configuration has"
    ):
        Members(configuration)


@pytest.mark.parametrize(
    "key",
    [f"device.{key}thickness" for key in ("layer.2.", "0.", "layer.", "layer.0.0.")],
)
def test_a_number_of_no_layer_is_named(key):
    layers = {"width": "2.6 nm", "layer": [{"thickness": "2.6 nm"}, {"thickness": "1.3 nm"}]}
    law = {"law": "discrete", "values": ["2.6 nm", "3.12 nm"]}
    with pytest.raises(ValueError, match=f"{key} names no number of this configuration"):
        members({key: law}, device=layers)
    assert members({"device.layer.1.thickness": law}, device=layers).draw(0)


@pytest.mark.parametrize(("phase", "key", "own"), [
    ({"circuit": {"series_resistance": "1 kohm"}}, "circuit.series_resistance", "phase form has a circuit"),
    ({"compliance": "20 uA"}, "circuit.compliance", "each phase has a compliance"),
    ({"compliance": "20 uA"}, "circuit.series_resistance", ""),
])
def test_a_drawn_number_of_the_circuit_reaches_every_phase_or_is_refused(phase, key, own):
    values = {"circuit.compliance": "10, 20 uA", "circuit.series_resistance": "1, 2 kohm"}[key]
    document = {
        "material": "HfO2-fast", "seed": 1, "device": {"thickness": "1.56 nm", "width": "1.56 nm"},
        "phase": [{"kind": "form", "amplitude": "2 V", "rate": "10 MV/s"} | phase],
        "population": {key: {"law": "discrete", "values": values}},
    }
    if not own:
        parse(document)
        return
    with pytest.raises(ConfigurationError, match=f"{key} is drawn, but {own} of its own"):
        parse(document)
