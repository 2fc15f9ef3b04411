"""The variables of a result are those of the phases, each under its name: made-up phases of a made-up one."""

from types import SimpleNamespace

import numpy as np
import xarray as xr

from frenkel.experiment import device_file, ensemble_file
from frenkel.experiment.protocol import PhaseLog
from frenkel.kinetic.extremes import CurrentSample, CurrentStep, Extremes
from frenkel.kinetic.run import SAMPLED


def device():
    vacancy = SimpleNamespace(name="vacancy", code=1, sublattice=0)
    ion = SimpleNamespace(name="ion", code=3, sublattice=1)
    return SimpleNamespace(
        chemistry=SimpleNamespace(defect=vacancy, interstitial=ion, second=None),
        lattice=SimpleNamespace(sublattice=np.array([0, 1]), spacing=2e-10),
        shape=(4, 5, 6),
        lateral="periodic",
        stack=SimpleNamespace(planes=(6,), regions=()),
        temperature=310.0,
        circuit=SimpleNamespace(series_resistance=2e3),
        member=9,
    )


def shot(label, number, species):
    sites = np.arange(number) + 10 * number
    position = np.stack([sites + 0.1, sites + 0.2, sites + 0.3], axis=1)
    return {
        "time": float(number), "label": label, "voltage": 0.5 * number, "current": 1e-6 * number,
        "sites": sites, "species": np.array(species), "position": position,
        "conducting": np.arange(number) % 2, "temperature": 300.0 + sites,
    }  # fmt: skip


def log(name, samples, snapshots, **more):
    names = (*SAMPLED, "defect", "interstitial", "reservoir", "temperature")
    rows = {key: 100.0 * number + np.arange(samples) for number, key in enumerate(names)}
    what = {"kind": "form", "cycle": 0, "attempt": 1, "compliance": None, "document": {}} | more
    return PhaseLog(name=name, sample=rows, snapshots=snapshots, **what)


def test_every_variable_is_where_it_belongs():
    extremes = Extremes(
        CurrentSample(1, 2, 3, 4),
        CurrentSample(5, 6, 7, 8),
        CurrentStep(9, 10, 11, 12, 13),
        CurrentStep(-9, -10, -11, -12, -13),
    )
    logs = [
        log("form", 2, [shot("start", 1, [1]), shot("end", 2, [3, 1])], compliance=1e-5, read_current=1e-7,
            read_temperature=320.0),
        log("reset 1", 3, [], kind="reset", cycle=1, read_current=2e-7, extremes=extremes),
        log("set 1", 1, [shot("end", 3, [1, 1, 3])], kind="set", cycle=1, attempt=2),
    ]
    found = device_file.values(device(), logs, 0.1)
    assert (found["sample_temperature"] - 100.0 * (len(SAMPLED) + 3)).tolist() == [0, 1, 0, 1, 2, 0]
    assert found["read_temperature"].tolist() == [320.0, 0.0, 0.0]
    assert found["phase"].tolist() == [0, 0, 1, 1, 1, 2]
    for number, name in enumerate(SAMPLED):
        assert (found[name] - 100.0 * number).tolist() == [0, 1, 0, 1, 2, 0], name
    after = 100.0 * len(SAMPLED)
    assert (found["count"] - after).tolist() == [[x, x + 100.0] for x in (0, 1, 0, 1, 2, 0)]
    assert (found["reservoir"] - after - 200.0).tolist() == [[0], [1], [0], [1], [2], [0]]
    assert found["phase_name"] == ["form", "reset 1", "set 1"]
    assert found["phase_kind"] == ["form", "reset", "set"]
    assert (found["phase_cycle"].tolist(), found["phase_attempt"].tolist()) == ([0, 1, 1], [1, 1, 2])
    np.testing.assert_array_equal(found["phase_compliance"], [1e-5, np.nan, np.nan])
    assert found["read_current"].tolist() == [1e-7, 2e-7, 0.0]
    numbers = iter(range(1, 14))
    for group in ("peak", "out"):
        for name in ("current", "source_voltage", "device_voltage", "time"):
            column = found[f"{group}_{name}"]
            np.testing.assert_array_equal(column, [np.nan, next(numbers), np.nan], f"{group}_{name}")
    for name in ("current", "from", "source_voltage", "device_voltage", "time"):
        number = next(numbers)
        pair = [[np.nan] * 2, [number, -number], [np.nan] * 2]
        np.testing.assert_array_equal(found[f"step_{name}"], pair, name)
    assert found["direction"] == ["up", "down"]
    assert found["snapshot_phase"].tolist() == [0, 0, 2]
    assert found["snapshot_label"] == ["start", "end", "end"]
    assert found["snapshot_size"].tolist() == [1, 2, 3] == found["snapshot_time"].tolist()
    assert found["snapshot_voltage"].tolist() == [0.5, 1.0, 1.5]
    assert found["snapshot_current"].tolist() == [1e-6, 2e-6, 3e-6]
    sites = [10, 20, 21, 30, 31, 32]
    assert found["defect_site"].tolist() == sites
    assert found["defect_species"].tolist() == [0, 1, 0, 0, 0, 1]
    for axis, more in (("x", 0.1), ("y", 0.2), ("z", 0.3)):
        np.testing.assert_array_equal(found[f"defect_{axis}"], np.array(sites) + more)
    assert found["defect_conducting"].tolist() == [0, 0, 1, 0, 1, 0]
    assert found["defect_temperature"].tolist() == [300.0 + site for site in sites]
    constants = {
        "read_voltage": 0.1, "lattice_spacing": 2e-10, "ambient_temperature": 310.0,
        "series_resistance": 2e3, "member": 9, "species": ["vacancy", "ion"], "electrode": ["top"],
    }  # fmt: skip
    assert {name: found[name] for name in constants} == constants
    assert found["lattice_shape"].tolist() == [4, 5, 6] and found["axis"] == ["x", "y", "z"]


def test_what_lies_one_member_after_another_is_found():
    """Two points of three members, of different lengths and one of length 0."""
    counts = np.array([[3, 0, 2], [1, 4, 5]])
    whole = xr.Dataset(
        {"status": (("t", "member"), np.zeros((2, 3))), "sample_count": (("t", "member"), counts)},
        coords={"t": [300.0, 310.0], "member": [0, 1, 2]},
    )
    ends = np.cumsum(counts.ravel())
    for place in np.ndindex(2, 3):
        where = {"t": [300.0, 310.0][place[0]], "member": place[1]}
        flat = ensemble_file._flat(whole, where)
        assert flat == place[0] * 3 + place[1]
        found = ensemble_file._range(whole, "sample", flat)
        assert (found.start, found.stop) == (ends[flat] - counts[place], ends[flat])
    assert ensemble_file._range(whole, "snapshot", 1) == slice(0, 0)
