"""Ensembles of real devices: what a member returns, what is in the file, and the commands."""

import json

import farm_tools
import numpy as np
import pytest
import xarray as xr

import frenkel as fk
from frenkel.cli import main as cli
from frenkel.configuration.base import ConfigurationError
from frenkel.data import content, forms, schema, store
from frenkel.experiment import device as experiment
from frenkel.experiment import ensemble, ensemble_file, members
from frenkel.mpi_runs import farm, shards
from frenkel.mpi_runs.child import Context
from frenkel.reports import ensemble as report

SMALL = """
title = "small"
seed = 5
material = "HfO2-volatile"
[device]
thickness = "2.6 nm"
width = "2.6 nm"
[circuit]
series_resistance = "2 kohm"
[ensemble]
members = 4
keep = "all"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "0.1 MV/s"
fall_rate = "10 MV/s"
compliance = "20 uA"
to_compliance = true
samples = 20
verify = {resistance = "30 kohm", attempts = 2}
[[phase]]
kind = "cycle"
    [[phase.phase]]
    kind = "reset"
    amplitude = "-1.2 V"
    rate = "1 MV/s"
    samples = 20
    [[phase.phase]]
    kind = "set"
    amplitude = "2 V"
    rate = "1 MV/s"
    compliance = "20 uA"
    to_compliance = true
    samples = 20
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the small configuration and its ensemble."""
    made = tmp_path_factory.mktemp("ensemble")
    (made / "small.toml").write_text(SMALL)
    assert cli.main(["run", str(made / "small.toml"), "-o", str(made / "small.nc"), "-q"]) == 0
    return made


@pytest.fixture(scope="module")
def whole(folder):
    with xr.open_dataset(folder / "small.nc") as opened:
        return opened.load()


def again(folder, name, *arguments, isolated=False):
    """Run the small configuration into another file; return the exit status."""
    arguments = [*arguments, *([] if isolated else ["--no-isolation"])]
    return cli.main(
        ["run", str(folder / "small.toml"), "-o", str(folder / name), "-q", "--workers", "1", *arguments]
    )


def test_a_member_is_the_device_with_its_number(folder, whole):
    parsed = fk.read_configuration(folder / "small.toml")
    for number in (0, 3):
        alone = experiment.run(parsed.model_copy(update={"member": number}))
        found = ensemble_file.member(whole, number)
        assert experiment.first_difference(alone, found) is None
    numbers = [float(whole["forming_voltage"][one]) for one in range(4)]
    assert len(set(numbers)) > 1


def test_a_member_can_be_run_again_from_the_file(whole):
    found = ensemble_file.member(whole, 2)
    assert experiment.first_difference(found, experiment.again(found)) is None


def test_only_replays_one_member(folder, whole):
    assert again(folder, "two.nc", "--only", "2") == 0
    assert experiment.first_difference(store.load(folder / "two.nc"), ensemble_file.member(whole, 2)) is None


def test_the_summary_is_that_of_the_metrics(whole):
    from frenkel.analysis.results import metrics

    for number in range(4):
        one = ensemble_file.member(whole, number)
        cycles = metrics.cycle_summary(one)
        np.testing.assert_equal(float(whole["forming_voltage"][number]), metrics.forming_voltage(one))
        for name in ("hrs", "lrs", "on_off", "reset_voltage", "set_voltage"):
            np.testing.assert_array_equal(whole[name][number].values, cycles[name].values)
        columns = (one[name].values for name in ("phase_kind", "phase_cycle", "out_current"))
        last = {cycle: peak for kind, cycle, peak in zip(*columns, strict=True) if kind == "reset"}
        assert whole["reset_current"][number].values.tolist() == [last[one] for one in whole["cycle"].values]
        assert int(whole["total_events"][number]) == int(one["events"][-1])


def test_the_file_explains_itself(whole):
    assert whole.attrs["frenkel_kind"] == "ensemble" and whole.sizes["member"] == 4
    assert json.loads(whole.attrs["provenance"])["seed"] == 5
    for name, variable in whole.data_vars.items():
        assert variable.attrs.get("long_name"), name
        assert "units" in variable.attrs or variable.dtype.kind in "OUT" or "flag_values" in variable.attrs, (
            name
        )
    assert whole["sample_count"].attrs["sample_dimension"] == "sample"
    assert int(whole["sample_count"].sum()) == whole.sizes["sample"]
    assert whole["status"].values.tolist() == [shards.OK] * 4


def test_ragged_variables_become_rectangles(whole):
    current = ensemble_file.padded(whole, "current")
    assert current.dims == ("member", "sample")
    for number in range(4):
        one = ensemble_file.member(whole, number)["current"].values
        np.testing.assert_array_equal(current[number, : len(one)], one)
        assert np.isnan(current[number, len(one) :]).all()


def test_ensembles_open_lazily(folder):
    with ensemble_file.open_ensemble(folder / "small.nc") as opened:
        assert float(opened["forming_voltage"].mean()) > 0
    with pytest.raises((schema.SchemaError, OSError)):
        ensemble_file.open_ensemble(folder / "small.toml")


@pytest.mark.parametrize("engine", ["parts", "mpi"])
def test_the_content_does_not_depend_on_the_engine(folder, whole, engine, monkeypatch):
    name = f"{engine}.nc"
    if engine == "parts":
        assert [again(folder, name, "--shard", f"{part}/2") for part in (2, 1)] == [0, 0]
    else:
        farm_tools.needs_mpi()
        import subprocess
        import sys

        command = [
            farm_tools.MPIEXEC,
            "-n",
            "3",
            sys.executable,
            "-m",
            "frenkel",
            "run",
            "small.toml",
            "-o",
            name,
            "-q",
        ]
        done = subprocess.run(
            command, cwd=folder, env=farm_tools.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (
        content.of_file(folder / name) == whole.attrs["content_hash"] == content.of_file(folder / "small.nc")
    )


def test_more_members_leave_the_first_as_they_are(folder, whole):
    assert again(folder, "more.nc", "--members", "2") == 0
    assert again(folder, "more.nc", "--members", "4") == 0
    assert content.of_file(folder / "more.nc") == whole.attrs["content_hash"]


def test_two_halves_joined_equal_the_whole(folder, whole):
    for part in ("1/2", "2/2"):
        assert again(folder, f"half{part[0]}.nc", "--shard", part) == 0
        run = forms.run_folder(folder / f"half{part[0]}.nc")
        ensemble.merge_folders([run], folder / f"half{part[0]}.nc")
    folders = [forms.run_folder(folder / f"half{part}.nc") for part in (1, 2)]
    assert ensemble.merge_folders(folders, folder / "joined.nc") == whole.attrs["content_hash"]


def test_launched_processes_take_a_part_each(folder, whole, monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    for rank in (1, 0):
        monkeypatch.setenv("PMI_RANK", str(rank))
        assert again(folder, "auto.nc", "--shard", "auto") == 0
    assert content.of_file(folder / "auto.nc") == whole.attrs["content_hash"]


def test_a_drawn_seed_is_kept_and_parts_need_a_common_one(folder, tmp_path, capsys):
    (tmp_path / "free.toml").write_text(SMALL.replace("seed = 5\n", ""))
    command = ["run", str(tmp_path / "free.toml"), "-o", str(tmp_path / "free.nc"), "-q", "--no-isolation"]
    assert cli.main([*command, "--shard", "1/2"]) == 2
    assert "the parts need one seed" in capsys.readouterr().err
    assert cli.main([*command, "--members", "1"]) == 0
    assert cli.main([*command, "--members", "2"]) == 0
    with xr.open_dataset(tmp_path / "free.nc") as opened:
        assert opened.sizes["member"] == 2


def test_a_wrong_picture_is_known_before_the_run(folder, capsys):
    assert again(folder, "picture.nc", "--plot", "picture.nope") != 0
    assert "picture.nope" in capsys.readouterr().err and not (folder / "picture.nc").exists()


def test_a_changed_configuration_is_refused_with_its_keys(folder, capsys):
    assert (
        again(folder, "small.nc", "--set", "device.temperature=310 K", "--set", "phase.0.amplitude=5 V") == 2
    )
    said = capsys.readouterr().err
    assert (
        'points.0.device.temperature: "300.0 K" -> "310.0 K"' in said and "points.0.phase.0.amplitude" in said
    )
    assert "--force" in said


def test_a_finished_run_is_left_alone(folder, capsys):
    before = (folder / "small.nc").stat().st_mtime_ns
    assert again(folder, "small.nc") == 0
    assert (folder / "small.nc").stat().st_mtime_ns == before
    assert "nothing was left to run" in capsys.readouterr().out


def test_commands_tell_what_is_there(folder, whole, capsys):
    assert cli.main(["hash", str(folder / "small.nc")]) == 0
    assert whole.attrs["content_hash"] in capsys.readouterr().out
    assert cli.main(["show", str(folder / "small.nc")]) == 0
    said = capsys.readouterr().out
    assert whole.attrs["content_hash"] in said and "forming_voltage" in said and "4 ok" in said
    assert cli.main(["status", str(folder / "small.nc")]) == 0
    assert "4 members are safe" in capsys.readouterr().out


def test_members_above_the_melting_point_are_counted(folder, whole, tmp_path):
    assert whole["time_above_melting"].values.tolist() == [0.0] * 4
    assert "melt or" not in report.describe(folder / "small.nc")
    hot = whole.copy()
    hot["time_above_melting"][:] = [0.0, 1e-9, 1.1e-9, 3e-6]
    hot.to_netcdf(tmp_path / "hot.nc")
    words = "2 of 4 members exceed their melting or decomposition temperature for more than 1 ns"
    assert words in report.describe(tmp_path / "hot.nc")


def test_a_sweep_adds_dimensions(folder, whole):
    out = folder / "sweep.nc"
    assert (
        cli.main(
            [
                "sweep",
                str(folder / "small.toml"),
                "--over",
                "device.temperature=300:340:2 K",
                "--over",
                "circuit.series_resistance=1 kohm,2 kohm",
                "--members",
                "1",
                "-o",
                str(out),
                "-q",
                "--no-isolation",
            ]
        )
        == 0
    )
    with xr.open_dataset(out) as opened:
        swept = opened.load()
    assert swept["forming_voltage"].dims == ("temperature", "series_resistance", "member")
    assert swept["temperature"].values.tolist() == [300.0, 340.0]
    assert len(np.unique(swept["seed"])) == 4
    one = ensemble_file.member(swept, 0, temperature=340.0, series_resistance=2000.0)
    assert float(one["ambient_temperature"]) == 340.0
    assert experiment.first_difference(one, experiment.again(one)) is None


def test_axes_are_read():
    assert ensemble.axis("device.temperature=300:400:3 K").texts == ("300.0 K", "350.0 K", "400.0 K")
    assert ensemble.axis("phase.0.amplitude=4 V,5 V").name == "0_amplitude"
    assert ensemble.axis("device.temperature=300,3.5e2, 400 K").texts == ("300 K", "3.5e2 K", "400 K")
    assert ensemble.axis("phase.0.amplitude=4 V,500 mV").texts == ("4 V", "500 mV")
    assert ensemble.axis("phase.1.repeat=1,2").texts == ("1", "2")
    with pytest.raises(ConfigurationError, match="--over"):
        ensemble.axis("device.temperature=300:x:3 K")


def test_a_stopped_member_goes_on_from_its_checkpoint(folder, tmp_path):
    """The result of a member that was stopped twice is that of one that was not."""
    parsed = fk.read_configuration(folder / "small.toml")
    settings = ensemble.plain(parsed, 1, folder).document()
    run = members.prepare(settings)

    class Stopping(Context):
        calls = 0

        def stopping(self):
            self.calls += 1
            return self.calls == 2

    straight, _ = run(0, Context(tmp_path))
    for _ in range(2):
        with pytest.raises(members.Stopped):
            run(0, Stopping(tmp_path))
        assert list(tmp_path.glob("*.checkpoint"))
    resumed, _ = run(0, Context(tmp_path))
    assert not list(tmp_path.glob("*.checkpoint"))
    for name, value in straight.items():
        np.testing.assert_array_equal(value, resumed[name], name)


def test_checkpoints_on_a_disk_of_the_node(folder, tmp_path, monkeypatch, caplog):
    """Those on the way go there, that of a stop into the run; the later one is gone on with, then both go."""
    settings = ensemble.plain(fk.read_configuration(folder / "small.toml"), 1, folder).document()
    home, scratch = tmp_path / "run", tmp_path / "disk" / "frenkel-of-this"
    home.mkdir()
    monkeypatch.setattr(members, "CHECKPOINT_INTERVAL", 0.0)
    chunks = []

    class Ending(Context):
        """Stops, or dies, when it has been asked a number of times."""

        calls, most, error = 0, 4, None

        def stopping(self):
            self.calls += 1
            chunks.append(self.calls)
            if self.error is not None and self.calls == self.most:
                raise self.error
            return self.calls == self.most

    def go(most, error=None):
        chunks.clear()
        context = Ending(home, scratch=scratch)
        context.most, context.error = most, error
        return members.prepare(settings)(0, context)

    with pytest.raises(KeyboardInterrupt):
        go(3, KeyboardInterrupt())  # a kill: the checkpoints on the way are on the disk of the node
    assert [path.name for path in scratch.iterdir()] == ["member-0.checkpoint"] and not list(home.iterdir())
    with pytest.raises(members.Stopped):
        go(3)
    assert [path.name for path in home.iterdir()] == ["member-0.checkpoint"]
    resumed, _ = go(1000)
    assert not list(home.iterdir()) and not list(scratch.iterdir())
    after = len(chunks)
    straight, _ = go(1000)
    assert after == len(chunks) - 5  # two chunks were kept, then three; that of the stop is the later one
    for name, value in straight.items():
        np.testing.assert_array_equal(value, resumed[name], name)
    (tmp_path / "file").touch()
    members.prepare(settings)(0, Context(home, scratch=tmp_path / "file" / "none"))
    assert "leaves its checkpoints in the folder of the run" in caplog.text


def test_the_disk_of_the_node_is_that_of_the_configuration(folder, tmp_path, capsys, monkeypatch):
    """Checkpoints of another configuration are elsewhere, also after --force and on other nodes."""
    used = []
    monkeypatch.setattr(members, "_local", lambda checkpoint, scratch: used.append(scratch) or checkpoint)
    (tmp_path / "disk").mkdir()
    for change in ("seed=5", "seed=6"):
        disk = ["--scratch", str(tmp_path / "disk")]
        assert again(folder, "disk.nc", "--members", "1", "--force", "--set", change, *disk) == 0
    assert all(one.parent == tmp_path / "disk" and len(one.name) == len("frenkel-") + 64 for one in used)
    assert len(set(used)) == 2
    assert again(folder, "disk.nc", "--scratch", str(tmp_path / "none")) == 1
    assert "--scratch must be a folder that can be written" in capsys.readouterr().err


def test_summaries_alone_are_small(folder, tmp_path):
    parsed = fk.read_configuration(folder / "small.toml", ['ensemble.keep="summary"'])
    with farm.serial() as crews:
        ensemble.run(ensemble.plain(parsed, 2, folder), tmp_path / "s.nc", crews, isolated=False)
    with xr.open_dataset(tmp_path / "s.nc") as opened:
        assert "current" not in opened and opened["hrs"].dims == ("member", "cycle")
        with pytest.raises(schema.SchemaError, match="summaries only"):
            ensemble_file.member(opened, 0)


def test_times_are_read_as_slurm_writes_them():
    from frenkel.cli.values import seconds

    assert seconds("23:50:00") == 85800 and seconds("1-02:00:00") == 93600
    assert seconds("90 min") == 5400 and seconds("30") == 30 and seconds("1:30") == 5400


@pytest.mark.parametrize("text", ["1 s**9**9**9", "9" * 400, "9" * 5000 + ":00", "1.2.3", "٣", "-1 s"])
def test_no_times(text):
    from argparse import ArgumentTypeError

    from frenkel.cli.values import seconds

    with pytest.raises(ArgumentTypeError, match="must be"):
        seconds(text)


def test_the_plan_names_what_limits(capsys):
    assert (
        cli.main(["plan", "--members", "20000", "--ranks", "10000", "--mean", "0.2 s", "--spread", "0.2"])
        == 0
    )
    said = capsys.readouterr().out
    assert "the manager limits" in said and "file calls" in said
    assert cli.main(["plan", "--members", "2000", "--ranks", "500", "--mean", "10 s", "--spread", "1.5"]) == 0
    assert "the longest member limits" in capsys.readouterr().out


def test_the_plan_says_how_many_devices_a_variance_fraction_needs(capsys):
    assert cli.main(["plan", "--fraction", "0.5 0.2"]) == 0
    assert capsys.readouterr().out.startswith("57 devices of 20 cycles: a 95 % interval 0.2 wide around")
    assert cli.main(["plan", "--fraction", "0.5 0.2", "--cycles", "5", "--ranks", "4", "--mean", "1 s"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("88 devices of 5 cycles") and "\n88 members on 4 ranks" in said
    assert cli.main(["plan", "--members", "9"]) == 2
    assert "plan needs --ranks, or --fraction alone" in capsys.readouterr().err
    assert cli.main(["plan", "--fraction", "0.5 0.2", "--cycles", "1"]) == 2
    assert "--cycles must be a whole number between 2 and 100000, got 1" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["plan", "--fraction", "0.5 1.2"])
    assert "must be like '0.5 0.2', both above 0 and below 1, got '0.5 1.2'" in capsys.readouterr().err


def test_the_model_of_the_farm_is_exact_where_it_can_be():
    from frenkel.mpi_runs import model

    # Equal members on idle workers: rounds of work, plus the wait of the last worker for the manager.
    one = model.simulate([10.0] * 40, 4, service=0.01, member=0.0)
    assert abs(one.wall - (10 * 10.0 + 0.04)) < 0.11 and one.tasks == 40
    # A manager that needs longer than a member: it alone sets the pace.
    assert abs(model.simulate([1.0] * 50, 100, service=2.0, member=0.0).wall - (50 * 2.0 + 1.0)) < 1e-9
    # Longest first is never worse than the longest member plus an even share.
    times = model.durations(1000, 1.0, 1.5)
    best = model.simulate(times, 10, estimates=times, service=0.0, member=0.0)
    assert best.wall <= times.sum() / 10 + times.max() and best.efficiency > 0.98


def test_workers_need_no_xarray():
    """Neither what serves on a rank nor what runs members may import what only writing files needs."""
    import subprocess
    import sys

    code = (
        "import sys, {module}\nheavy = {{'xarray', 'netCDF4', 'matplotlib', 'mpi4py.MPI', 'scipy'}}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    for module, allowed in (("frenkel.mpi_runs.worker", "[]"), ("frenkel.experiment.members", "['scipy']")):
        done = subprocess.run(
            [sys.executable, "-c", code.format(module=module)],
            env=farm_tools.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == allowed


def test_members_are_run_until_a_quantile_is_known(tmp_path, capsys):
    """For a wide interval 100 members are enough; for a narrow one 150 are not, which is said."""
    shape = SMALL.split("[[phase]]")[0].replace("2.6 nm", "1.6 nm").replace('"all"', '"summary"')
    form = (
        'kind = "form"\namplitude = "4 V"\nrate = "10 MV/s"\nfall_rate = "1 GV/s"\ncompliance = "5 uA"\n'
        "to_compliance = true\nsamples = 10\n"
    )
    (tmp_path / "tiny.toml").write_text(f"{shape}[[phase]]\n{form}")

    def run(name, until):
        words = ["run", str(tmp_path / "tiny.toml"), "-o", str(tmp_path / name), "--members", "150", "-q"]
        assert cli.main([*words, "--until", until, "--workers", "1", "--no-isolation"]) == 0
        with xr.open_dataset(tmp_path / name) as opened:
            return opened.sizes["member"], capsys.readouterr().out

    few, said = run("wide.nc", "forming_voltage 50% 60%")
    assert few == 100 and "100 members" in said
    many, said = run("narrow.nc", "forming_voltage 50% 1%")
    assert many == 150 and "would be needed" in said
    assert len(ensemble_file.values(tmp_path / "narrow.nc", "forming_voltage")) == 150
    with pytest.raises(ValueError, match="no number 'voltage' of the members"):
        ensemble_file.values(tmp_path / "narrow.nc", "voltage")
