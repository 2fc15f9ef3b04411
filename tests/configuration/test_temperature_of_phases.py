"""Temperatures of phases in a configuration: values, lists for repeats, ramps, and the ambient."""

import pytest

from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.provenance import digest

DEVICE = {"thickness": "2.6 nm", "width": "1.56 nm"}
REST = {"kind": "constant", "voltage": "0 V", "duration": "1 h"}
SWEEP = {"kind": "set", "amplitude": "1 V", "rate": "1 MV/s"}
RAMP = {"start": "300 K", "stop": "400 K"}
BAKE = REST | {"temperature": "250 C"}


def configured(*phases, **more):
    return parse({"material": "HfO2-volatile", "device": DEVICE, "phase": list(phases)} | more)


def heats(*phases, **more):
    """Return name, temperature and duration of each phase."""
    unrolled = configured(*phases, **more).phases()
    return [(name, phase.temperature_ends, phase.duration) for name, _, phase in unrolled]


def test_a_phase_without_a_temperature_says_nothing_of_it():
    assert "temperature" not in str(configured(REST).document()["phase"])
    assert heats(REST) == [("constant", None, 3600.0)]


@pytest.mark.parametrize(
    "temperature", ["250 C", "25, 85, 250 C", {"start": "25 C", "stop": "523.15 K"}, ["300 K", "85 C", "1 K"]]
)
def test_a_temperature_is_written_and_read_back_exactly(temperature):
    again = REST | {"temperature": temperature, "repeat": 3}
    if not isinstance(temperature, list) and "," not in temperature:
        again["repeat"] = 1
    parsed = configured(again)
    assert parse(parsed.document()) == parsed and digest(parse(parsed.document()).document()) == digest(
        parsed.document()
    )


def test_a_list_has_a_value_for_each_repeat():
    bake = REST | {"name": "bake", "repeat": 2, "temperature": ["300 K", "400 K"]}
    assert [heat for _, heat, _ in heats(bake)] == [(300.0, 300.0), (400.0, 400.0)]
    group = {"kind": "cycle", "repeat": 2, "phase": [REST, REST | {"temperature": "300, 400 K", "repeat": 2}]}
    assert [heat for _, heat, _ in heats(group)] == [
        None, (300.0, 300.0), (300.0, 300.0), None, (400.0, 400.0), (400.0, 400.0),
    ]  # fmt: skip


def test_reads_divide_a_phase():
    """Their times are spread over the logarithm; a temperature that changes goes on from piece to piece."""
    bake = REST | {"name": "bake", "first": "36 s", "reads": 3, "temperature": RAMP}
    named = heats(bake)
    assert [name for name, _, _ in named] == ["bake 1", "bake 2", "bake 3"]
    assert [span for *_, span in named] == pytest.approx([36.0, 324.0, 3240.0])
    assert [heat for _, heat, _ in named] == [
        pytest.approx(pair) for pair in ((300.0, 301.0), (301.0, 310.0), (310.0, 400.0))
    ]
    twice = configured({"kind": "cycle", "repeat": 2, "phase": [bake | {"repeat": 2}]}, REST)
    assert [name for name, _, _ in twice.phases()][4:7] == ["bake 1.2.2", "bake 1.2.3", "bake 2.1.1"]
    assert twice.count() == len(list(twice.phases())) == 13


def test_the_ambient_is_the_temperature_of_the_device():
    warm = configured(REST, thermal={"ambient": "85 C"})
    assert warm.device.temperature == 358.15 and "thermal" not in warm.document()
    assert warm == configured(REST, device=DEVICE | {"temperature": "85 C"})


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (REST | {"temperature": "-300 C"}, "phase 1.temperature must be between 1 and 3000 K, got '-300 C'"),
        (REST | {"temperature": "5 V"}, "phase 1.temperature must be in K, such as '300 K', got '5 V'"),
        (REST | {"temperature": 300}, "phase 1.temperature must be text with a unit of K"),
        (REST | {"temperature": {"start": "300 K"}}, "temperature: stop is missing"),
        (REST | {"temperature": RAMP | {"rate": "1 K/s"}}, "unknown key rate"),
        (REST | {"temperature": "1, 2 K"}, "temperature must have one value for each of 1 repeats, got 2"),
        (SWEEP | {"temperature": RAMP}, "temperature must be one value in a phase whose end the device"),
        (REST | {"reads": 3}, "reads must come with the time of the first"),
        (REST | {"reads": 3, "first": "1 s", "to_share": 0.5}, "reads must be without to_share"),
        ({"kind": "cycle", "repeat": 3, "phase": [SWEEP, REST | {"temperature": "1, 2 K"}]},
         "phase 2.temperature must have one value for each of 3 repeats, got 2"),
    ],
)  # fmt: skip
def test_a_wrong_temperature_is_one_sentence(phase, message):
    with pytest.raises(ConfigurationError) as error:
        configured(phase)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_two_ambients_and_unknown_keys_of_thermal_are_refused():
    with pytest.raises(ConfigurationError, match=r"^[^:]*: thermal.ambient and device.temperature are"):
        configured(REST, thermal={"ambient": "85 C"}, device=DEVICE | {"temperature": "1 K"})
    with pytest.raises(ConfigurationError, match="unknown key thermal"):
        configured(REST, thermal={"ambient": "85 C", "transience": True})


def test_a_survey_of_states_is_of_one_temperature():
    with pytest.raises(ConfigurationError, match="measure must be without temperatures of phases, phase 1"):
        configured(BAKE, measure={})
