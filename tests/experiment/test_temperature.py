"""Bakes: what a device does in phases with a temperature of their own, and what its file says of it."""

import numpy as np
import pytest

import frenkel as fk
from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.experiment import device as experiment
from frenkel.experiment.protocol import Protocol

SET = {"kind": "set", "amplitude": "0.5 V", "rate": "1 MV/s", "compliance": "10 uA", "samples": 20}
BAKE = {"kind": "constant", "voltage": "0 V", "duration": "1 us", "samples": 130, "temperature": "127 C"}
RAMP = BAKE | {"temperature": {"start": "27 C", "stop": "127 C"}, "duration": "10 us"}
READS = BAKE | {"name": "read", "first": "1 ns", "reads": 3, "samples": 2}


def configured(*phases, **device):
    sizes = {"thickness": "2.6 nm", "width": "1.56 nm"} | device
    return parse({"material": "HfO2-volatile", "seed": 5, "device": sizes, "phase": list(phases)})


class Stop(Exception):
    pass


def test_reads_are_at_the_temperature_of_the_device_and_samples_at_that_of_the_phase():
    result = experiment.run(configured(SET, BAKE, RAMP, READS, SET))
    kelvin, ambient = result["sample_temperature"].values, float(result["ambient_temperature"])
    rows = result["phase"].values
    assert ambient == 300.0 and np.all(result["read_temperature"].values == ambient)
    assert np.all(kelvin[(rows == 0) | (rows == 6)] == ambient) and np.all(kelvin[rows == 1] == 400.15)
    assert np.all(np.diff(kelvin[rows == 2]) >= 0)
    assert kelvin[rows == 2][[0, -1]] == pytest.approx([300, 400], 0.01)
    assert np.all(result["temperature_max"].values >= kelvin)
    assert experiment.first_difference(experiment.again(result), result) is None


def test_a_file_without_temperatures_of_phases_says_what_it_said():
    result = experiment.run(configured(SET))
    assert "sample_temperature" not in result and "read_temperature" not in result


def test_a_bake_is_what_a_device_of_that_temperature_does():
    """The same atoms, random numbers and clock at 127 C, and then read at 27 C."""
    cold = experiment.build(configured(SET))
    cold.run(fk.Waveform.triangle(0.5, 1e6), samples=20)
    hot = experiment.build(configured(SET, temperature="127 C"))
    hot.restore(cold.state())
    baked = cold.rest("1 us", temperature="127 C", samples=40)
    rested = hot.rest("1 us", samples=40)
    for name in ("time", "conductance", "events", "temperature_max"):
        np.testing.assert_array_equal(baked[name], rested[name])
    assert int(baked["events"][-1]) > int(baked["events"][0])
    assert cold.temperature == 300.0
    assert float(baked["read_current"][0]) == cold.current(0.1)


@pytest.mark.parametrize("stopped", range(1, 8))
def test_a_run_that_was_stopped_goes_on_bit_by_bit(stopped):
    """In a bake and in a ramp of the temperature as elsewhere."""
    configuration = configured(BAKE, RAMP, SET)
    whole = experiment.run(configuration)
    first, count, kept = Protocol.of(configuration, experiment.build(configuration)), 0, {}

    def pause(protocol):
        nonlocal count, kept
        count, kept = count + 1, protocol.state()
        if count == stopped:
            raise Stop

    with pytest.raises(Stop):
        first.go(pause=pause)
    assert first.device.temperature == 300.0
    device = experiment.build(configuration)
    second = Protocol.of(configuration, device)
    second.restore(kept)
    logs = second.go()
    for name in ("time", "conductance", "events", "temperature_max", "field_solves"):
        parts = np.concatenate([log.sample[name] for log in logs])
        np.testing.assert_array_equal(parts, whole[name].values)


def test_a_device_that_is_warmed_between_phases_says_so():
    device = experiment.build(configured(SET))
    device.temperature = "50 C"
    device.rest("1 ns")
    assert float(device.result["ambient_temperature"]) == 323.15 and "sample_temperature" not in device.result
    assert experiment.first_difference(experiment.again(device.result), device.result) is None
    device.temperature = 300.0
    device.rest("1 ns")
    assert device.result["read_temperature"].values.tolist() == [323.15, 300.0]
    assert "temperature of the device was set" in device.result.attrs["not_repeatable"]


def test_a_temperature_that_cannot_be_is_refused_before_anything_happens():
    device = fk.Device("TaOx", "1.56 nm", "1.56 nm", seed=1)
    with pytest.raises(ConfigurationError, match="phase rest: temperature must be below 2145 K, where TaOx"):
        device.rest("1 s", temperature="2000 C")
    with pytest.raises(ValueError, match=r"temperature must be in K, such as '300 K', got '1 V'"):
        device.rest("1 s", temperature="1 V")
    for several in ((1.0, 2.0, 3.0), {"start": "25 C"}):
        with pytest.raises(ValueError, match="temperature must be one value or a pair"):
            device.rest("1 s", temperature=several)
    with pytest.raises(ValueError, match="must be one value in a phase whose end the device decides"):
        device.set("0.1 V", "1 uA", to_compliance=True, temperature=(300.0, 310.0))
    assert not device.logs and device.time == 0.0


def test_a_budget_that_ends_a_bake_leaves_the_device_at_its_temperature():
    device = experiment.build(configured(SET))
    bake = configured(BAKE | {"budget": 1, "temperature": "500 K", "duration": "1 s"})
    with pytest.raises(RuntimeError, match="budget of 1 events"):
        Protocol.of(bake, device).go()
    assert device.temperature == 300.0


def test_the_hottest_event_is_in_the_file_with_the_time_that_atoms_had_stood():
    """Of every event, not of samples; across chunks and phases as in one."""
    device = experiment.build(configured(SET))
    result = device.set("0.5 V", "10 uA", rate="1 MV/s", samples=130)
    events = device.logs[0].extremes
    hottest, duration = (result.attrs[f"event_temperature_{name}"] for name in ("max", "duration"))
    assert hottest == events.hottest.temperature and 300.0 < hottest < 1000.0
    assert 0.0 < duration == events.hottest.duration <= events.hottest.time
    assert events.hottest.time <= events.last_event <= device.time
    baked = device.rest("1 us", temperature="400 K", samples=2)
    assert baked.attrs["event_temperature_max"] == 400.0
    in_time = experiment.build(parse(configured(SET).document() | {"thermal": {"transient": True}}))
    moved = in_time.set("0.5 V", "10 uA", rate="1 MV/s", samples=130)
    assert moved["events"].values[-1] > 0
    assert 300.0 < moved.attrs["event_temperature_max"] < 1000.0
    assert moved.attrs["event_temperature_duration"] > 0.0
    unmoved = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=1).rest("1 ps", samples=2)
    assert unmoved["events"].values[-1] > 0 or "event_temperature_max" not in unmoved.attrs


@pytest.mark.parametrize(("temperatures", "words"), [
    (("2200 K", "300 K"), "^temperature must be below 2145 K, where TaOx melts or decomposes, got 2200 K"),
    (("300 K", "2145 K"), "^phase constant: temperature must be below 2145 K"),
])
def test_an_ensemble_above_melting_is_refused_before_a_member_is_made(tmp_path, temperatures, words):
    of_device, of_phase = temperatures
    read = configured(BAKE | {"temperature": of_phase}, temperature=of_device)
    document = read.document() | {"material": "TaOx"}
    with pytest.raises(ValueError, match=words):
        fk.ensemble(document, 2, engine="serial", output=tmp_path / "x.nc")
    assert not list(tmp_path.iterdir())
