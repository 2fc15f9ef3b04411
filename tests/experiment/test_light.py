"""Phases with light: what a device does in them, what its file says of it, and what is refused."""

import numpy as np
import pytest

import frenkel as fk
from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.experiment import device as experiment
from frenkel.experiment.protocol import Protocol

LIT = {"kind": "constant", "voltage": "0.1 V", "duration": "20 us", "samples": 130, "light": "3e19 1/(m^2*s)"}
RICH = {"base": "MAPbI3-Ag", "interstitial": {"fraction": 0.02}}
DARK = {key: value for key, value in LIT.items() if key != "light"}


def configured(*phases, material=RICH, **more):
    sizes = {"thickness": "1.8 nm", "width": "1.8 nm"}
    return parse({"material": material, "seed": 5, "device": sizes, "phase": list(phases)} | more)


class Stop(Exception):
    pass


def test_light_lasts_as_long_as_its_phase():
    configuration = configured(DARK, LIT, DARK)
    result = experiment.run(configuration)
    device = experiment.build(configuration)
    for light in (None, "3e19 1/(m^2*s)", None):
        device.run(fk.Waveform.constant(0.1, 20e-6), samples=130, light=light)
        assert device.light == 0.0
    np.testing.assert_array_equal(device.result["events"], result["events"])
    assert np.all(np.diff(result["events"].values) >= 0)
    assert experiment.first_difference(experiment.again(result), result) is None
    dark = experiment.run(configured(DARK, DARK, DARK))
    assert not np.array_equal(dark["events"], result["events"])


def test_light_of_the_device_is_recorded():
    device = experiment.build(configured(LIT))
    device.light = 3e19
    result = device.run(fk.Waveform.constant(0.1, 20e-6), samples=130)
    assert device.light == 3e19 and experiment.first_difference(experiment.again(result), result) is None
    device.run(fk.Waveform.constant(0.1, 1e-6), light=0)
    assert device.logs[-1].document["light"] == "0.0 1/(m^2*s)" and not device.not_repeatable


@pytest.mark.parametrize("stopped", [1, 3, 5])
def test_a_run_that_was_stopped_goes_on_bit_by_bit(stopped):
    configuration = configured(LIT, DARK)
    whole = experiment.run(configuration)
    first, kept = Protocol.of(configuration, experiment.build(configuration)), []

    def pause(protocol):
        kept.append(protocol.state())
        if len(kept) == stopped:
            raise Stop

    with pytest.raises(Stop):
        first.go(pause=pause)
    assert first.device.light == 0.0
    second = Protocol.of(configuration, experiment.build(configuration))
    second.restore(kept[-1])
    found = np.concatenate([log.sample["events"] for log in second.go()])
    np.testing.assert_array_equal(found, whole["events"])


def test_a_material_without_light_is_refused():
    configuration = configured(LIT, material="Ag-SiO2")
    with pytest.raises(ConfigurationError, match="light must be 0 for material Ag-SiO2, which has no"):
        experiment.run(configuration)
    with pytest.raises(ConfigurationError, match="light must be between 0 and"):
        configured(LIT | {"light": "-1 1/(m^2*s)"})
    measure = {"cycles": 1, "voltages": "-1, 0, 1 V"}
    with pytest.raises(ConfigurationError, match="measure must be without light of phases, phase 1 has it"):
        configured(LIT, measure=measure)
