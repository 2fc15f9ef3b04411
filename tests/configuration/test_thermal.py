"""Section [thermal]: heat in time and the bodies round the oxide, read exactly and written back."""

import pytest

import frenkel as fk
from frenkel.configuration import device
from frenkel.configuration.base import ConfigurationError
from frenkel.experiment.device import build
from frenkel.kinetic.thermal import HeatReservoir, Thermal
from frenkel.reports import plan

SMALL = {
    "seed": 1,
    "device": {"thickness": "1.56 nm", "width": "1.56 nm"},
    "phase": [
        {"kind": "points", "name": "pulse", "times": "0, 1, 20 ps", "voltages": "0, 0.5, 0.5 V", "samples": 5}
    ],
}
STACK = {
    "transient": True,
    "top": {"resistance": "5e6 K/W", "capacity": "8e-17 J/K"},
    "surroundings": {"resistance": "1e4 K/W", "capacity": "1e-13 J/K"},
}
RAMP = {"start": "300 K", "stop": "400 K"}
THERMAL = Thermal(
    transient=True, top=HeatReservoir(5e6, 8e-17), surroundings=HeatReservoir(1e4, 1e-13)
)  # fmt: skip


def test_the_section_is_what_a_device_is_made_with():
    read = device.parse(SMALL | {"thermal": STACK})
    assert read.thermal.thermal() == THERMAL
    assert device.parse(read.document()) == read
    made = build(read)
    assert made.thermal == THERMAL
    assert made.oxide_heat.lattice.reservoirs == ("top", "surroundings")


def test_without_it_nothing_is_written_and_heat_is_steady():
    read = device.parse(SMALL)
    assert "thermal" not in read.document()
    made = build(read)
    assert made.thermal == Thermal()
    assert made.oxide_heat is None
    assert "thermal" not in made.document([])
    assert "heat" not in made.state()


def test_a_result_of_a_script_tells_its_bodies():
    made = fk.Device("HfO2-fast", "1.56 nm", "1.56 nm", seed=1, thermal=THERMAL)
    read = device.parse(SMALL | {"thermal": made.document([])["thermal"]})
    assert read.thermal.thermal() == THERMAL


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"transient": True, "top": {"resistance": "5e6 K/W"}}, "thermal.top.capacity"),
        ({"transient": True, "top": {"resistance": "0 K/W", "capacity": "1e-17 J/K"}}, "K/W"),
        ({"top": STACK["top"]}, "transient must be true"),
        ({"transient": True, "surroundings": STACK["surroundings"]}, "needs thermal.bottom"),
        ({"transient": True, "side": STACK["top"]}, "side"),
    ],
)
def test_faults_are_one_sentence(section, words):
    with pytest.raises(ConfigurationError, match=words) as fault:
        device.parse(SMALL | {"thermal": section})
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, ", taken as steady"),
        ({"thermal": {"transient": True}}, " in the oxide, followed in time;"),
        ({"thermal": STACK}, "followed in time; top and surroundings get warm;"),
    ],
)
def test_check_says_how_heat_is_treated(section, words):
    lines = plan.plan(device.parse(SMALL | section)).splitlines()
    (line,) = [line for line in lines if line.startswith("heat ")]
    assert words in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"measure": {}}, "thermal.transient must be false with measure"),
        (
            {"phase": [{"kind": "constant", "voltage": "0 V", "duration": "1 s", "temperature": RAMP}]},
            "thermal.transient must be false where a temperature is a ramp, phase 1 has one",
        ),
    ],
)
def test_what_needs_steady_heat_is_refused_before_a_run(more, words):
    with pytest.raises(ConfigurationError, match=words):
        device.parse(SMALL | {"thermal": {"transient": True}} | more)


def test_one_layer_has_its_own_heat_in_time():
    layer = {"thickness": "1.56 nm", "material": {"heat": {"conductivity": "2.8 W/(m*K)"}}}
    one = {"device": {"width": "1.56 nm", "layer": [layer]}, "thermal": {"transient": True}}
    warm = build(device.parse(SMALL | one))
    layer["material"]["heat"]["conductivity"] = "5.6 W/(m*K)"
    twice = build(device.parse(SMALL | one))
    assert warm.oxide_heat.lattice.time == pytest.approx(2 * twice.oxide_heat.lattice.time, abs=0)
