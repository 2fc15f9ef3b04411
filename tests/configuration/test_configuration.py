"""Configurations are read exactly, written back, and each fault becomes one sentence that names it."""

import pytest
from pydantic import BaseModel, ValidationError

import frenkel as fk
from frenkel import validation
from frenkel.configuration import array, device
from frenkel.quantity import to_si

SMALL = {
    "device": {"thickness": "2.6 nm", "width": "1.56 nm"},
    "phase": [
        {"kind": "form", "amplitude": "4 V", "rate": "0.1 MV/s", "compliance": "10 uA", "samples": 120},
        {"kind": "reset", "amplitude": "-1 V", "rate": "1 MV/s", "samples": 120},
    ],
}


def small(**changes):
    return device.parse(SMALL | changes)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5 nm", "m", 5e-9),
        ("5e-9 m", "m", 5e-9),
        (".5nm", "m", 5e-10),
        ("0.26 nm", "m", 2.6e-10),
        ("0.1 MV/s", "V/s", 1e5),
        ("-1.5 V", "V", -1.5),
        ("2 kohm", "ohm", 2e3),
        ("20 µA", "A", 20e-6),
        ("25 degC", "K", 298.15),
        ("25 C", "K", 298.15),
        ("1 V/us", "V/s", 1e6),
        ("  3 K ", "K", 3.0),
    ],
)
def test_quantities_are_exact(text, unit, value):
    assert to_si(text, unit, -1e30, 1e30) == value


def test_a_configuration_is_written_and_read_back_exactly():
    parsed = small(
        phase=[
            *SMALL["phase"],
            {"kind": "points", "times": "0, 1, 3.3 us", "voltages": "0, 0.1, 0 V"},
            {"kind": "set", "amplitude": "1 V", "rate": "0.3 MV/s", "compliance": "none"},
        ]
    )
    assert device.parse(parsed.document()) == parsed


def test_groups_and_repeats_are_unrolled():
    group = {"kind": "cycle", "repeat": 2, "phase": [SMALL["phase"][1], SMALL["phase"][0] | {"kind": "set"}]}
    pulse = {"kind": "pulse", "amplitude": "1 V", "width": "1 ns", "rise": "1 ns", "repeat": 2}
    parsed = small(phase=[SMALL["phase"][0], group, pulse])
    phases = [(name, cycle) for name, cycle, _ in parsed.phases()]
    assert phases == [
        ("form", 0),
        ("reset 1", 1),
        ("set 1", 1),
        ("reset 2", 2),
        ("set 2", 2),
        ("pulse 1", 0),
        ("pulse 2", 0),
    ]
    assert parsed.count() == len(phases)


def test_changes_reach_every_level(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(
        '[device]\nthickness="5 nm"\nwidth="5 nm"\n[[phase]]\nkind="constant"\nvoltage="1 V"\n'
        'duration="1 us"\n'
    )
    parsed = fk.read_configuration(
        path, ["device.width=8 nm", "phase.0.voltage='2 V'", "seed=7", "circuit.compliance=1 uA"]
    )
    assert parsed.device.width == 8e-9 and parsed.phase[0].voltage == 2 and parsed.seed == 7
    assert parsed.circuit.compliance == 1e-6


@pytest.mark.parametrize(
    ("model", "place", "expected"),
    [
        (device.Configuration, ["devcie"], "title, material, seed, member, read_voltage"),
        (device.Configuration, ["phase", 0, "form", "circuit", "x"], "series_resistance, compliance"),
        (device.Configuration, ["phase", 1, "cycle", "phase", 0, "points", "x"], "times, voltages"),
        (
            array.ArrayConfiguration,
            ["cells", "live", "device", "x"],
            "thickness, width, lateral, temperature",
        ),
        (
            array.ArrayConfiguration,
            ["phase", 0, "program", "scheme", "blind", "x"],
            "amplitude, width, count",
        ),
    ],
)
def test_known_keys_are_those_of_the_innermost_section(model, place, expected):
    found, section, _ = validation.follow(model, place)
    assert expected in ", ".join(validation.keys(section))
    assert found == [
        part for part in place if part not in ("form", "cycle", "points", "live", "program", "blind")
    ]


def test_what_is_filled_in_is_no_key_for_people():
    assert "material_document" not in validation.keys(device.Configuration)
    assert "documents" not in validation.keys(array.ArrayConfiguration)


def test_a_choice_names_its_kinds():
    _, _, kinds = validation.follow(device.Configuration, ["phase", 0, "cycle", "phase", 1])
    assert list(kinds) == ["form", "set", "reset", "triangle", "ramp", "pulse", "constant", "points"]


def test_the_deepest_fault_is_named():
    class Inner(BaseModel):
        size: int

    class Outer(BaseModel):
        inner: Inner
        other: int

    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": {"size": "x"}})
    assert validation.sentence(caught.value, Outer).startswith("inner.size must be a valid integer")


def test_a_seed_has_its_range():
    with pytest.raises(ValueError, match="seed must be less than 9223372036854775808, got"):
        small(seed=2**63)


def test_keys_of_an_earlier_frenkel_are_for_migrate():
    with pytest.raises(ValueError, match=r"it has a key to_limit\): frenkel migrate FILE makes"):
        small(phase=[SMALL["phase"][0] | {"to_limit": True}])
