"""Snapshots within phases: which moments they keep, and that they change nothing else."""

import json

import numpy as np
import pytest

import frenkel as fk
from frenkel.configuration import device as configuration
from frenkel.configuration.base import ConfigurationError
from frenkel.data import member_parts
from frenkel.experiment import device as experiment
from frenkel.experiment import protocol
from frenkel.experiment.snapshot import Moments

SMALL = {
    "seed": 1,
    "material": "TaOx",
    "device": {"thickness": "2.6 nm", "width": "1.56 nm"},
    "circuit": {"series_resistance": "2 kohm"},
    "phase": [
        {"kind": "form", "amplitude": "5 V", "rate": "10 MV/s", "compliance": "50 uA", "samples": 60,
         "to_compliance": True, "hold": "1 us", "snapshots": 12},
        {"kind": "reset", "amplitude": "-1.8 V", "rate": "10 MV/s", "samples": 60, "snapshots": 7},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def run():
    return experiment.run(configuration.parse(SMALL))


def without():
    plain = [{key: value for key, value in phase.items() if key != "snapshots"} for phase in SMALL["phase"]]
    return configuration.parse(SMALL | {"phase": plain})


@pytest.mark.parametrize("most", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("total", [0, 1, 5, 1000])
def test_moments_are_even_and_bounded(most, total):
    moments, kept = Moments(most), [{"label": "start"}]
    for _ in range(total):
        if moments.due():
            kept = moments.thinned(kept + [{"moment": moments.seen}])
    numbers = [shot["moment"] for shot in kept[1:]]
    assert kept[0] == {"label": "start"} and moments.seen == total
    assert numbers == list(range(moments.stride, total + 1, moments.stride)) and len(numbers) <= most
    # Half a stride would be too many, else more could have been kept.
    assert moments.stride == 1 or total // (moments.stride // 2) > most


def test_they_change_nothing_else(run):
    """Bit by bit, though each asks for maps of the fields in between."""
    plain = experiment.run(without())
    assert int(plain["events"][-1]) > 100  # else equality would say little
    for name in plain.variables:
        if not name.startswith(("snapshot", "defect")):
            np.testing.assert_array_equal(run[name].values, plain[name].values, name)
    labels = [str(label) for label in run["snapshot_label"].values]
    assert [label for label in labels if "moment" not in label] == list(plain["snapshot_label"].values)


def test_they_lie_evenly_in_their_order(run):
    labels = [str(label) for label in run["snapshot_label"].values]
    for phase, most in (("form", 12), ("reset", 7)):
        numbers = [int(label.split()[-1]) for label in labels if label.startswith(f"{phase}: moment")]
        assert most // 2 <= len(numbers) <= most and len(set(np.diff(numbers))) == 1
    time = run["snapshot_time"].values
    assert (np.diff(time) >= 0).all() and len(set(labels)) == len(labels)
    # Between the first and the last the filament has grown.
    inside = [label.startswith("form: moment") for label in labels]
    assert len(set(run["snapshot_size"].values[inside])) > 3


def test_resumed_with_them(run):
    """From a state in the middle of a phase: the same snapshots."""
    settings = configuration.parse(SMALL)
    states = []
    first = protocol.Protocol.of(settings, experiment.build(settings))
    first.go(pause=lambda present: states.append(present.state()))
    state = next(
        state for state in states if state["unfinished"] and state["logs"][-1]["moments"]["stride"] > 1
    )
    device = experiment.build(settings)
    second = protocol.Protocol.of(settings, device)
    second.restore(state)
    device.logs = second.go()
    recorded = json.loads(run.attrs["provenance"])["configuration"]
    again = experiment.columns(device, device.logs, recorded, read_voltage=0.1).dataset()
    assert experiment.first_difference(run, again) is None


def test_labels_in_ensembles():
    for label in ("form: start", "set 1: part 2", "set 1 (attempt 2): moment 128", "reset: end"):
        assert member_parts.part_name(member_parts.part_of(label)) == label.split(": ")[1]


def test_of_a_script():
    device = fk.Device("TaOx", "2.6 nm", "1.56 nm", seed=1)
    # Nothing limits the current here: at 1 V a filament of 60 uA and more flickers at its floor.
    loop = device.run(fk.Waveform.triangle("0.7 V", rate="1 MV/s"), samples=40, snapshots=8)
    assert loop.sizes["snapshot"] >= 2 + 4
    with pytest.raises(ConfigurationError, match="snapshots must be less than or equal to 10000, got 20000"):
        device.run(fk.Waveform.triangle("1 V", rate="1 MV/s"), snapshots=20_000)
    with pytest.raises(ConfigurationError, match="snapshots must be greater than or equal to 1, got 0"):
        device.run(fk.Waveform.triangle("1 V", rate="1 MV/s"), snapshots=0)
