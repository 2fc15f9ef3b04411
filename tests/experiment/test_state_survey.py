"""What an ensemble looks at beside the protocol: it changes nothing and reads what the device itself says."""

import collections
import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from frenkel.cli import main as cli
from frenkel.configuration import device as config
from frenkel.configuration.base import ConfigurationError
from frenkel.data import store
from frenkel.experiment import ensemble_file
from frenkel.experiment.members import summary
from frenkel.experiment.protocol import Protocol
from frenkel.experiment.state_survey import jumps, probes
from frenkel.experiment.state_survey.measurement import Measurement
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.waveform import Waveform

COARSE = 2.0**-11
"""Largest error of a current or a rate in a file, of its size."""

SMALL = {
    "seed": 5,
    "material": "HfO2-volatile",  # forms in so small a cell
    "device": {"thickness": "1.6 nm", "width": "1.6 nm"},
    "circuit": {"series_resistance": "2 kohm"},
    "measure": {
        "cycles": 1,
        "voltages": "-1, 0, 0.5 V",
        "temperatures": "300, 350 K",
        "jumps": 10_000,
        "walks": 3,
        "steps": 2,
        "hold": {"draws": 2, "voltages": "0.2, 0.4 V", "times": "1e-15 s"},
        "rest": {"voltages": "0 V", "times": "1e-9 s", "temperatures": "350 K"},
        "ramp": {"rates": "10 MV/s", "limits": "5 uA"},
    },
    "phase": [
        {"kind": "form", "amplitude": "3 V", "rate": "1 MV/s", "compliance": "20 uA", "to_compliance": True,
         "fall_rate": "10 MV/s", "samples": 10},
        {"kind": "cycle", "phase": [
            {"kind": "reset", "amplitude": "-1.2 V", "rate": "1 MV/s", "samples": 10},
            {"kind": "set", "amplitude": "1.5 V", "rate": "1 MV/s", "compliance": "20 uA", "samples": 10}]},
    ],
}


def protocol(document):
    """Return a protocol that was carried out, and what was measured of it."""
    configuration = config.parse(document)
    material = configuration.made_of()
    device = Device(material, **configuration.arguments())

    def make(temperature):
        return Device(material, **configuration.arguments() | {"temperature": temperature})

    measurement = Measurement(configuration, device, make) if configuration.measure else None
    return Protocol.of(configuration, device, measurement), measurement, configuration


@pytest.fixture(scope="module")
def done():
    """Return the protocol, the measurement and the arrays of a small device."""
    found, measurement, configuration = protocol(SMALL)
    found.go()
    return found, measurement, measurement.arrays(), configuration


def test_the_protocol_is_the_same_to_the_last_bit(done):
    whole, _, _, configuration = done
    plain, _, _ = protocol({key: value for key, value in SMALL.items() if key != "measure"})
    plain.go()
    one, other = summary(whole.logs, configuration), summary(plain.logs, configuration)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
    for log, same in zip(whole.logs, plain.logs, strict=True):
        np.testing.assert_array_equal(log.sample["current"], same.sample["current"])


def test_end_states_are_what_the_device_says(done):
    whole, _, arrays, _ = done
    device = whole.device
    assert arrays["state_cycle"][:2].tolist() == [1, 1] and arrays["state_kind"][:2].tolist() == [0, 1]
    for heat, rates in zip(arrays["heat"], arrays["state_rate"][1], strict=True):
        told = [device.rates(volts, heat).sum() for volts in arrays["bias"]]
        np.testing.assert_allclose(rates[[0, 2]], [told[0], told[2]], rtol=COARSE, atol=0)
        assert 0.0 < rates[1] <= told[1] * (1 + COARSE)  # at 0 V without what is taken back
    current = [device.current(volts) for volts in arrays["bias"]]
    np.testing.assert_allclose(arrays["state_current"][1], current, rtol=COARSE, atol=0)
    assert arrays["state_level"][1] == np.log(device.current(0.1) / 0.1)


def test_all_events_are_kept_where_there_is_room(done):
    whole, measurement, arrays, _ = done
    in_cycles = whole.device.events - int(whole.logs[0].sample["events"][-1])
    assert arrays["jumps_seen"] == in_cycles == np.sum(arrays["jump_origin"] == jumps.PROTOCOL)
    kept = measurement.reservoir.jumps(measurement._look)
    for before, after in pairwise(kept):
        assert before.after.level == after.before.level  # one state after another
        np.testing.assert_array_equal(before.after.rate, after.before.rate)
    assert np.all(np.diff(arrays["jump_time"][arrays["jump_origin"] == jumps.PROTOCOL]) >= 0)
    # The rate of a jump lies between those of its state at the voltages around it.
    for number, volts in enumerate(arrays["jump_voltage"]):
        place = int(np.searchsorted(arrays["bias"], volts))
        if 0 < place < len(arrays["bias"]) and arrays["bias"][place - 1] >= 0:
            around = arrays["state_rate"][arrays["jump_from"][number], 0, place - 1 : place + 1]
            assert around[0] * (1 - COARSE) <= arrays["jump_rate"][number] <= around[1] * (1 + COARSE)


def test_walks_go_on_from_the_end_states(done):
    _, _, arrays, _ = done
    walked = np.flatnonzero(arrays["jump_origin"] == jumps.WALK)
    assert walked.size == 12  # three walks of two events from each of two states
    assert set(arrays["jump_from"][walked[:6:2]]) == {0} and set(arrays["jump_from"][walked[6::2]]) == {1}
    assert np.array_equal(arrays["jump_to"][walked[::2]], arrays["jump_from"][walked[1::2]])
    # The third walk from each is at rest, the others hardly ever.
    rests = arrays["jump_voltage"][walked] == 0.0
    assert rests.tolist() == [False, False, False, False, True, True] * 2


def test_end_states_of_other_cycles_are_read_alone():
    """Of three cycles one is looked at; the ends of all three are read, and walks are those of the one."""
    measure = {key: value for key, value in SMALL["measure"].items() if key not in ("hold", "rest", "ramp")}
    form, cycle = SMALL["phase"]
    document = {**SMALL, "phase": [form, {**cycle, "repeat": 3}]}
    found = []
    for ends in ({}, {"ends": 3}):
        whole, measurement, _ = protocol({**document, "measure": {**measure, "jumps": 0, **ends}})
        whole.go()
        found.append(measurement.arrays())
    few, many = found
    assert few["state_cycle"][few["state_cycle"] >= 0].tolist() == [2, 2]
    assert many["state_cycle"][many["state_cycle"] >= 0].tolist() == [1, 1, 2, 2, 3, 3]
    own = many["state_cycle"] == 2
    np.testing.assert_array_equal(many["state_level"][own], few["state_level"][few["state_cycle"] == 2])
    np.testing.assert_array_equal(many["jump_rate"], few["jump_rate"])
    assert set(many["jump_from"][:6:2]) == {int(np.flatnonzero(own)[0])}


def test_walks_stand_under_limits_of_their_own():
    """Under 1 nA the voltage of a walk is that at which its state lets 1 nA through, whatever the source."""
    measure = {**SMALL["measure"], "walks": 12, "steps": 1, "limits": "1 nA"}
    found, measurement, _ = protocol({**SMALL, "measure": measure})
    found.go()
    arrays = measurement.arrays()
    walked = (arrays["jump_origin"] == jumps.WALK) & (arrays["jump_voltage"] > 0.0)
    volts, states = arrays["jump_voltage"][walked], arrays["jump_from"][walked]
    # An ohmic state of the set; 0.1 V is where its conductance is read.
    np.testing.assert_allclose(volts * np.exp(arrays["state_level"][states]), 1e-9, rtol=0.02)
    assert walked.sum() > 2 and np.any(arrays["jump_voltage"] < -0.1)  # a RESET has no limit


def test_a_ramp_that_flickers_at_its_limit_tells_where_it_switched(done, monkeypatch):
    """The budget ends after the limit has acted: the voltage is known, the state after is not."""
    whole, measurement, _, _ = done
    sweep = measurement._sweep(lambda one: one.kind == "set")
    bare, twin = Circuit(series_resistance=2e3), measurement._twin(300.0)
    limited = replace(bare, compliance=5e-6)
    plan, random = probes.ProbePlan(probes.RAMP, 1.5, 1.5e-7, 300.0, 5e-6), np.random.default_rng(1)

    def ramp(budget, circuit=limited):
        monkeypatch.setattr(probes, "BUDGET", budget)
        twin.restore(whole.device.state(), stream=(1, 3))
        twin.circuit = bare
        twin.advance(Waveform.triangle(-1.2, 1e7), samples=3)
        return probes.carry_out(plan, twin, circuit, sweep, 0.1, random)

    known = ramp(10_000)
    cut = ramp(known["events"] - 1)
    assert np.isfinite(known["after"]) and np.isnan(cut["after"])
    assert 0.0 < cut["switched"] == known["switched"] < 1.5
    assert np.isnan(ramp(1, bare)["switched"])


def test_probes_start_from_the_end_states(done):
    _, _, arrays, _ = done
    kinds = collections.Counter(arrays["probe_kind"].tolist())
    assert kinds == {0: 4, 2: 2, 3: 2}
    hold = arrays["probe_kind"] == 0
    # In a femtosecond nothing happens, at whatever limit.
    assert arrays["probe_events"][hold].tolist() == [0] * 4
    np.testing.assert_array_equal(arrays["probe_before"][hold], arrays["probe_after"][hold])
    own = arrays["probe_temperature"] == 300.0
    np.testing.assert_array_equal(arrays["probe_before"][own],
                                  arrays["state_level"][arrays["probe_state"][own]])
    ramps = arrays["probe_kind"] == 3
    assert arrays["probe_voltage"][ramps].tolist() == [1.5, -1.2]  # what switches a RESET is the SET
    np.testing.assert_allclose(arrays["probe_time"][ramps], [1.5e-7, 1.2e-7])
    np.testing.assert_array_equal(arrays["probe_limit"][ramps], [5e-6, np.nan])  # of the SET alone
    np.testing.assert_array_equal(arrays["probe_limit"][hold], 20e-6)


def test_it_goes_on_from_a_checkpoint(done):
    _, _, arrays, _ = done
    states = []
    first, _, _ = protocol(SMALL)
    first.go(pause=lambda now: states.append(store.pack({"protocol": now.state()})))
    for state in (states[len(states) // 2], states[-1]):
        second, measurement, _ = protocol(SMALL)
        second.restore(store.unpack(io.BytesIO(state), "here")["protocol"])
        second.go()
        for name, values in measurement.arrays().items():
            np.testing.assert_array_equal(values, arrays[name], err_msg=name)


def test_the_layout_holds_every_array(done):
    _, _, arrays, _ = done
    columns = ensemble_file.columns()
    for name, values in arrays.items():
        assert values.ndim == len(columns[name].dims), name
        assert columns[name].kind == ("constant" if name in ("bias", "heat") else
                                      "member" if name == "jumps_seen" else "ragged")


def test_the_reservoir_keeps_every_event_alike(monkeypatch):
    """Of 12 events 4 are kept: each in a third of 3,000 runs. False alarm: 12 events at 4.4 sigma, 1e-4."""

    class Counting:
        seed, member, events, source_voltage, circuit = 1, 0, 0, 0.0, None

        def solved(self):
            return self

        def arrangement(self):
            return {}

        def oxide(self):
            return {}

        def device_voltage(self, circuit, source):
            return 0.0

    monkeypatch.setattr(jumps, "event", lambda origin, device, *rest: device.events)
    counts = np.zeros(13)
    for member in range(3000):
        device = Counting()
        device.member = member
        found = jumps.Reservoir(4, device)
        found.begin()
        for _ in range(12):
            device.events += 1
            found.look()
            found.look()  # a sample: nothing happened
        assert found.seen == 12 and len(found.kept) == len(set(found.kept)) == 4
        counts[found.kept] += 1
    assert np.all(np.abs(counts[1:] - 1000) < 4.4 * np.sqrt(3000 * 2 / 9))


@pytest.mark.parametrize(("key", "value", "sentence"), [
    ("voltages", "0.1, 0.2, 0.3 V", "voltages must hold 0 V"),
    ("voltages", "0, 0.2, 0.1 V", "voltages must ascend"),
    ("temperatures", "300, 300 K", "temperatures must differ"),
    ("jumps", -1, "measure.jumps"),
    ("hold", {"times": "1 s"}, "measure.hold.voltages"),
    ("ramp", {"rates": "0 V/s"}, "measure.ramp.rates"),
    ("halt", 1, "measure.halt"),
])
def test_wrong_tables_are_refused_in_a_sentence(key, value, sentence):
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        config.parse(SMALL | {"measure": SMALL["measure"] | {key: value}})
    assert "\n" not in str(caught.value)


def test_draws_are_places_of_the_grid():
    random = np.random.default_rng(1)
    assert sorted(probes.chosen(3, 5, random)) == [0, 1, 2]
    assert len(set(probes.chosen(100, 7, random))) == 7


def test_one_device_is_no_ensemble(tmp_path, capsys):
    path = tmp_path / "one.toml"
    path.write_text('[device]\nthickness = "1.6 nm"\nwidth = "1.6 nm"\n[measure]\n[[phase]]\nkind = "set"\n'
                    'amplitude = "1 V"\nrate = "1 MV/s"\n')
    assert cli.main(["run", str(path), "-o", str(tmp_path / "one.nc")]) == 2
    assert "the table measure is for ensembles" in capsys.readouterr().err
