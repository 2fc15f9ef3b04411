"""Many devices from a script: the dataset of the command line, whatever says how a member is made."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import frenkel as fk
from frenkel.cli.main import main
from frenkel.configuration import device as config
from frenkel.experiment import device as experiment
from frenkel.experiment import ensemble as whole
from frenkel.experiment import ensemble_file
from frenkel.kinetic.lattice.species import OXYGEN
from frenkel.scripting import functions, many

SWEEP = {"rate": "10 MV/s", "samples": 10}
FORM = {"kind": "form", "amplitude": "3 V", "compliance": "10 uA"} | SWEEP
DOCUMENT = {
    "seed": 3,
    "material": "HfO2-volatile",
    "device": {"thickness": "1.56 nm", "width": "1.56 nm"},
    "phase": [FORM, {"kind": "cycle", "phase": [{"kind": "reset", "amplitude": "-1 V"} | SWEEP]}],
}
TOML = """
seed = 3
material = "HfO2-volatile"
device = {thickness = "1.56 nm", width = "1.56 nm"}
phase = [{kind = "form", amplitude = "3 V", compliance = "10 uA", rate = "10 MV/s", samples = 10},
         {kind = "cycle", phase = [{kind = "reset", amplitude = "-1 V", rate = "10 MV/s", samples = 10}]}]
"""
HERE = {"engine": "serial", "progress": False}


def scripted(seed, member, **options):
    circuit = fk.Circuit(compliance="10 uA", polarity="both")
    options |= {"seed": seed, "member": member, "circuit": circuit}
    device = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", **options)
    device.run(fk.Waveform.triangle("3 V", "10 MV/s", label="form"), samples=10)
    device.run(fk.Waveform.triangle("-1 V", "10 MV/s", label="reset"), samples=10, cycle=1)
    return device


def same(one, other):
    """Compare the values of two ensembles bit by bit."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)


@pytest.fixture(scope="module")
def by_function():
    return fk.ensemble(scripted, 3, seed=3, **HERE)


@pytest.fixture(scope="module")
def by_mapping():
    return fk.ensemble(DOCUMENT, 3, **HERE)


def test_the_dataset_is_that_of_the_command_line(tmp_path, by_mapping):
    (tmp_path / "x.toml").write_text(TOML)
    arguments = ["run", str(tmp_path / "x.toml"), "--members", "3", "-o", str(tmp_path / "x.nc"), "-q"]
    assert main([*arguments, "--engine", "serial", "--no-isolation"]) == 0
    with xr.open_dataset(tmp_path / "x.nc") as told:
        same(by_mapping, told)
        assert told.attrs["content_hash"] == by_mapping.attrs["content_hash"]


def test_processes_change_nothing(by_function):
    same(by_function, fk.ensemble(scripted, 3, seed=3, engine="pool", workers=2, progress=False))


def test_a_member_is_the_device_that_the_function_makes(by_function):
    member = ensemble_file.member(by_function, 2)
    alone = scripted(3, 2).result
    assert member["phase_name"].values.tolist() == ["form", "reset 1"]
    drop = ["snapshot", "defect"]
    assert experiment.first_difference(member.drop_dims(drop), alone.drop_dims(drop)) is None
    again = experiment.again(member).drop_dims(drop)
    assert experiment.first_difference(member.drop_dims(drop), again) is None
    assert by_function["hrs"].shape == (3, 1) and np.isfinite(by_function["hrs"]).all()


def test_a_device_is_done_again_by_each_member(by_function):
    same(by_function, fk.ensemble(scripted(3, 0), 3, **HERE))


def test_own_mechanisms_take_part_and_are_said():
    made = []

    def function(seed, member):
        plain = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=seed, member=member)
        leak = fk.Mechanism(
            "leak", before=(OXYGEN,), after=(plain.chemistry.defect,), electrode="bottom", barrier=0.5,
            attempt_frequency=1e13, energy=0.3,
        )  # fmt: skip
        made.append(member)
        return scripted(seed, member, mechanisms=[leak])

    found = fk.ensemble(function, 2, seed=3, keep="summary", **HERE)
    assert made == [0, 1] and "current" not in found
    assert found.attrs["not_repeatable"] == "mechanisms were given by a script"
    assert found["total_events"].values[0] != scripted(3, 0).events


def test_a_function_may_make_each_member_in_its_own_way():
    def function(seed, member):
        device = fk.Device("HfO2-volatile", "1.56 nm", f"{1.56 + 0.52 * member} nm", seed=seed, member=member)
        device.run(fk.Waveform.ramp("0.1 V", "10 MV/s"), samples=5)
        return device

    found = fk.ensemble(function, 2, seed=3, **HERE)
    assert "each member was made in its own way by the function" in found.attrs["not_repeatable"]
    with pytest.raises(ValueError, match="cannot be made again: each member"):
        experiment.again(ensemble_file.member(found, 1))


def test_changes_reach_the_configuration(by_mapping):
    changes = {"vacancy.migration_barrier": "0.8 eV", "device.width": "2.08 nm"}
    found = fk.ensemble(DOCUMENT, 1, changes=changes, seed=7, keep="all", **HERE)
    member = ensemble_file.member(found, 0)
    assert member["lattice_shape"].values.tolist() == [8, 8, 6] and member.sizes["snapshot"] > 0
    asked = fk.Material.load("HfO2-volatile").with_values({"vacancy.migration_barrier": 0.8})
    assert found.attrs["material_hash"] == asked.hash and int(found["seed"]) == 7


def test_a_sweep_has_a_dimension_for_each_key():
    over = {"vacancy.migration_barrier": ["0.7 eV", "0.8 eV"], "device.temperature": "300:320:2 K"}
    found = fk.sweep(DOCUMENT, over, 1, **HERE)
    assert found["forming_voltage"].dims == ("vacancy_migration_barrier", "temperature", "member")
    assert found["temperature"].values.tolist() == [300.0, 320.0]
    where = {"vacancy_migration_barrier": 0.8, "temperature": 320.0}
    one = ensemble_file.member(found, 0, **where)
    changes = {"vacancy.migration_barrier": "0.8 eV", "device.temperature": "320 K"}
    alone = fk.ensemble(DOCUMENT, 1, changes=changes, seed=int(found["seed"].sel(where)), **HERE)
    assert experiment.first_difference(one, ensemble_file.member(alone, 0)) is None


def test_the_same_call_goes_on(tmp_path):
    calls = []

    def function(seed, member):
        calls.append(member)
        if member == 1 and len(calls) < 3:
            raise RuntimeError("not now")
        return scripted(seed, member)

    out = tmp_path / "x.nc"
    with pytest.warns(UserWarning, match="1 of 3 members failed: 1"):
        first = fk.ensemble(function, 3, output=out, **HERE)
    assert first["status"].values.tolist()[1] != 0 and np.isnan(first["forming_voltage"].values[1])
    first.close()
    second = fk.ensemble(function, 3, output=out, **HERE)
    # Of a seed that is drawn: whether all of them form is chance.
    assert sorted(calls) == [0, 1, 1, 2] and not second["status"].values.any()
    assert int(second["seed"]) == int(first["seed"])
    assert main(["status", str(out)]) == 0 and whole.known_seed(out) is None
    with pytest.raises(ValueError, match="holds members of another configuration"):
        fk.ensemble(DOCUMENT, 3, output=out, **HERE)
    content = second.attrs["content_hash"]
    second.close()
    third = fk.ensemble(function, 3, output=out, **HERE)
    assert len(calls) == 4 and third.attrs["content_hash"] == content


def failing(seed, member):
    raise ZeroDivisionError("nothing here")


@pytest.mark.parametrize(
    ("what", "options", "error", "message"),
    [
        (failing, {}, many.EnsembleError, "all members failed, one of them: ZeroDivisionError: nothing here"),
        (lambda seed, member: 3, {}, many.EnsembleError, "must return a frenkel.Device, got 3"),
        (lambda seed, member: scripted(1, member), {}, many.EnsembleError, "the seed and member that it is"),
        (failing, {"members": None}, ValueError, "members must be a whole number"),
        (failing, {"engine": "mpi"}, RuntimeError, "must run with engine serial or pool, got mpi"),
        (failing, {"changes": {"seed": 1}}, ValueError, "changes are for configurations"),
        (failing, {"keep": "everything"}, ValueError, "keep must be one of summary, traces, all"),
        (DOCUMENT, {"engine": "mpi"}, ValueError, "engine mpi needs an output"),
        (DOCUMENT, {"members": None}, ValueError, "the number of members is missing"),
        (DOCUMENT, {"changes": {"device.widht": "1 nm"}}, ValueError, "did you mean 'width'"),
        (DOCUMENT, {"output": "x.txt"}, ValueError, "output must end in .nc"),
        ("none.toml", {}, ValueError, "there is no file none.toml"),
        (3, {}, TypeError, "what must be a configuration, its file, a device or a function, got 3"),
    ],
)
def test_a_fault_is_one_sentence(what, options, error, message):
    with pytest.raises(error, match=message) as caught:
        fk.ensemble(what, **({"members": 2, "seed": 3} | HERE | options))
    assert "\n" not in str(caught.value)


def test_members_have_one_protocol():
    def function(seed, member):
        device = scripted(seed, member)
        if member:
            device.run(fk.Waveform.ramp("0.1 V", "10 MV/s"), samples=5)
        return device

    with pytest.raises(many.EnsembleError, match="must have the same phases, member 1 has others"):
        fk.ensemble(function, 2, seed=3, **HERE)


def test_an_existing_file_is_not_replaced(tmp_path):
    (tmp_path / "x.nc").write_text("mine")
    with pytest.raises(OSError, match="x.nc exists already"):
        fk.ensemble(DOCUMENT, 1, output=tmp_path / "x.nc", **HERE)
    with pytest.raises(ValueError, match="a sweep with an output needs a seed"):
        rest = {key: value for key, value in DOCUMENT.items() if key != "seed"}
        fk.sweep(rest, {"device.temperature": "300 K,310 K"}, 1, output=tmp_path / "y.nc", **HERE)
    with pytest.raises(ValueError, match="over must name at least one key"):
        fk.sweep(DOCUMENT, {}, 1, **HERE)


def test_nothing_of_a_function_is_left(by_function):
    assert not functions._given and functions.described(failing)["name"].endswith(":failing")


def test_devices_of_a_function_have_cycles():
    """RESET and SET that name no cycle are one, and one each of the ensemble's."""

    def function(seed, member, **options):
        device = fk.Device("HfO2-volatile", "1.56 nm", "0.78 nm", seed=seed, member=member, **options)
        device.form("3 V", compliance="10 uA", **SWEEP)
        for _ in range(2):
            device.reset("-1 V", **SWEEP)
            device.set("2 V", compliance="10 uA", **SWEEP)
        return device

    found = fk.ensemble(function, 2, seed=3, **HERE)
    assert found["set_voltage"].shape == found["hrs_terminal"].shape == (2, 2)
    assert found["step_name"].values.tolist() == ["form", "reset 1", "set 1", "reset 2", "set 2"]
    assert np.isfinite(found["lrs"].values).all()


def test_an_ensemble_begins_with_member_0_whatever_the_configuration_was():
    """A configuration of member 4, or of a device that is member 4, is the same one of member 0."""
    plain = config.parse(DOCUMENT, "here")
    fourth = config.parse(DOCUMENT | {"member": 4}, "here")
    found, folder = many._configuration(fourth, {}, None)
    assert (fourth.member, found.member, folder) == (4, 0, Path())
    assert found.document() == plain.document() | {"member": 0}
    changed, _ = many._configuration(fourth, {"device.width": "2.6 nm"}, 9)
    assert (changed.member, changed.seed) == (0, 9) and changed.device.width == pytest.approx(2.6e-9)


@pytest.mark.parametrize("start", [DOCUMENT, config.parse(DOCUMENT | {"member": 4}, "here")])
def test_points_of_a_sweep_are_those_of_the_configuration(monkeypatch, start):
    """With another width each, from member 0 on, but for the seed, which each has of its own."""
    monkeypatch.setattr(many._Plan, "go", lambda self, asked: asked)
    asked = fk.sweep(start, {"device.width": ["1.56 nm", "2.6 nm"]}, 2, **HERE)
    for point, width in zip(asked.points, ("1.56 nm", "2.6 nm"), strict=True):
        document = DOCUMENT | {"device": DOCUMENT["device"] | {"width": width}}
        assert point.document() | {"seed": 3} == config.parse(document, "here").document()


@pytest.mark.parametrize(("engine", "isolated"), [("serial", False), ("pool", True)])
def test_members_have_processes_of_their_own_unless_the_engine_is_serial(monkeypatch, engine, isolated):
    asked, calls = SimpleNamespace(limit=7.0), []

    def run(given, path, workers, **options):
        calls.append((given, path.name, workers, options["limit"], options["isolated"]))
        raise ValueError("no further")

    monkeypatch.setattr(many.whole, "run", run)
    monkeypatch.setattr(many.launch, "start", lambda name, workers, address, go: go((name, workers)))
    with pytest.raises(ValueError, match="no further"):
        many._Plan(None, engine, 3, None, False).go(asked)
    assert calls == [(asked, "ensemble.nc", (engine, 3), 7.0, isolated)]


def test_what_is_finished_is_not_written_again(tmp_path):
    """The same call of a function once more: the same file, untouched, and its dataset."""
    output = tmp_path / "one.nc"
    first = fk.ensemble(brief, 1, seed=3, output=output, **HERE)
    before = output.read_bytes(), output.stat().st_mtime_ns
    same(fk.ensemble(brief, 1, seed=3, output=output, **HERE), first)
    assert (output.read_bytes(), output.stat().st_mtime_ns) == before


def brief(seed, member):
    device = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=seed, member=member)
    device.run(fk.Waveform.constant("0.1 V", "1 ns"), samples=2)
    return device
