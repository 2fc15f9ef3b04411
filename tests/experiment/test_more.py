"""More members and more cycles of an ensemble: the result is that of one run of as many."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from frenkel.cli import main as cli
from frenkel.data import content, forms
from frenkel.experiment import ensemble, members, more
from frenkel.mpi_runs import runs, shards
from frenkel.mpi_runs.child import Context

SMALL = """
seed = 5
device = {thickness = "2.6 nm", width = "1.6 nm"}
ensemble = {members = 2, keep = "all", keep_state = true}
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "10 MV/s"
compliance = "20 uA"
to_compliance = true
samples = 10
[[phase]]
kind = "cycle"
repeat = 2
    [[phase.phase]]
    kind = "constant"
    voltage = "0.1 V"
    duration = "1 ns"
    samples = 5
[[phase]]
kind = "cycle"
    [[phase.phase]]
    kind = "reset"
    amplitude = "-1.2 V"
    rate = "10 MV/s"
    samples = 120
    [[phase.phase]]
    kind = "set"
    amplitude = "2 V"
    rate = "10 MV/s"
    compliance = "20 uA"
    to_compliance = true
    samples = 10
"""
INSIDE = ["-q", "--engine", "serial", "--no-isolation"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with an ensemble of three cycles, and one of five."""
    made = tmp_path_factory.mktemp("more")
    (made / "small.toml").write_text(SMALL)
    for name, changes in (("three", []), ("five", ["--set", "phase.2.repeat=3"])):
        run("run", made / "small.toml", "-o", made / f"{name}.nc", *changes)
    return made


def run(*words, status=0):
    assert cli.main([str(word) for word in [*words, *INSIDE]]) == status


def test_more_cycles_are_those_of_one_run(folder, capsys):
    """Three and two more equal five bit by bit, the counted field solutions included."""
    run("extend", folder / "three.nc", "--cycles", 4, "-o", folder / "four.nc")
    assert "2 members go on from their final states, 0 run from the start" in capsys.readouterr().out
    # The states were kept again.
    run("extend", folder / "four.nc", "--cycles", 5, "-o", folder / "longer.nc")
    assert "2 members go on" in capsys.readouterr().out
    assert content.of_file(folder / "longer.nc") == content.of_file(folder / "five.nc")
    with xr.open_dataset(folder / "longer.nc") as longer, xr.open_dataset(folder / "five.nc") as five:
        assert longer.sizes["cycle"] == 5 and members.STATE not in longer
        assert longer.attrs["provenance"].split('"configuration_hash"')[1][:70] in five.attrs["provenance"]


def test_states_that_are_kept_change_no_result(folder):
    run("run", folder / "small.toml", "-o", folder / "without.nc", "--set", "ensemble.keep_state=false")
    assert content.of_file(folder / "without.nc") == content.of_file(folder / "three.nc")


def test_a_member_goes_on_and_runs_nothing_twice(folder, monkeypatch, tmp_path):
    """It begins from its final state, and from its checkpoint where it was stopped after that."""
    phases = []

    def attempt(self, pause, progress, original=members.Protocol._attempt):
        phases.append(self.position.phase)
        original(self, pause, progress)

    whole, number = more.extended(folder / "three.nc", tmp_path / "x.nc", cycles=5)
    assert number == 2 and whole.keep_state
    settings = ensemble.job(whole, tmp_path / "x.nc").settings
    go = members.prepare(settings)
    monkeypatch.setattr(members.Protocol, "_attempt", attempt)

    class Stopping(Context):
        calls = 0

        def stopping(self):
            self.calls += 1
            return self.calls == 5

    with pytest.raises(members.Stopped):
        go(1, Stopping(tmp_path / "x.nc.run"))
    assert phases[0] == 5
    last = phases[-1]
    go(1, Context(tmp_path / "x.nc.run"))
    assert phases[phases.index(last) + 1] == last >= 6


def test_members_without_a_state_run_from_the_start(folder, tmp_path, capsys):
    """Those that were run without keeping it, those that are new, and those whose record was damaged."""
    output = tmp_path / "some.nc"
    run("run", folder / "small.toml", "-o", output, "--set", "ensemble.keep_state=false", "--members", 1)
    run("run", folder / "small.toml", "-o", output, "--members", 2)
    capsys.readouterr()
    run("extend", output, "--cycles", 5, "--members", 3, "-o", tmp_path / "longer.nc")
    assert "1 members go on from their final states, 2 run from the start" in capsys.readouterr().out
    straight = tmp_path / "straight.nc"
    run("run", folder / "small.toml", "-o", straight, "--members", 3, "--set", "phase.2.repeat=3")
    assert content.of_file(tmp_path / "longer.nc") == content.of_file(straight)


def test_a_damaged_state_is_no_state(folder, tmp_path, caplog):
    whole, _ = more.extended(folder / "three.nc", tmp_path / "x.nc", cycles=5)
    rows = np.load(tmp_path / "x.nc.run" / members.FORMER)
    damaged = bytearray(open(whole.former[0], "rb").read())
    damaged[rows[0, 2] + rows[0, 3] - 100] ^= 1
    (tmp_path / "copy.shard").write_bytes(damaged)
    settings = ensemble.job(
        dataclasses.replace(whole, former=(str(tmp_path / "copy.shard"),)), tmp_path / "x.nc"
    )
    found, _ = members.prepare(settings.settings)(0, Context(tmp_path / "x.nc.run"))
    assert "runs from the start, since its final state cannot be read" in caplog.text
    straight, _ = members.prepare(settings.settings | {"former": ()})(0, Context(tmp_path))
    assert found["current"].tolist() == straight["current"].tolist()


def test_more_members_go_into_the_same_file(folder, tmp_path):
    output = tmp_path / "grown.nc"
    run("run", folder / "small.toml", "-o", output, "--members", 1)
    run("extend", output, "--members", 2)
    assert content.of_file(output) == content.of_file(folder / "three.nc")
    found = runs.survey([forms.run_folder(output)])
    assert found.member.tolist() == [0, 1] and (found.status == shards.OK).all()


def test_sweeps_are_extended_too(folder, tmp_path, capsys):
    over = ["--over", "device.temperature=300:340:2 K", "--members", 1]
    run("sweep", folder / "small.toml", *over, "-o", tmp_path / "sweep.nc")
    run("extend", tmp_path / "sweep.nc", "--cycles", 4, "-o", tmp_path / "longer.nc")
    straight = tmp_path / "straight.nc"
    run("sweep", folder / "small.toml", *over, "-o", straight, "--set", "phase.2.repeat=2")
    assert content.of_file(tmp_path / "longer.nc") == content.of_file(straight)
    hashes = [runs.recorded(forms.run_folder(path)) for path in (tmp_path / "longer.nc", straight)]
    assert hashes[0]["configuration_hash"] == hashes[1]["configuration_hash"]
    over = ["--over", "phase.2.repeat=1,1", "--members", 1]
    run("sweep", folder / "small.toml", *over, "-o", tmp_path / "repeats.nc")
    run("extend", tmp_path / "repeats.nc", "--cycles", 5, "-o", tmp_path / "y.nc", status=2)
    assert "a sweep over the number of cycles" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["three.nc"], 2, "give the members or the cycles that there are to be"),
        (["three.nc", "--cycles", "5"], 2, "name its file with -o"),
        (["three.nc", "--cycles", "5", "-o", "three.nc"], 2, "name its file with -o"),
        (["three.nc", "--members", "5", "-o", "y.nc"], 2, "leave out -o"),
        (["three.nc", "--members", "1"], 2, "three.nc has 2 members already, got --members 1"),
        (["three.nc", "--cycles", "3", "-o", "y.nc"], 2, "there are 3 cycles already, got --cycles 3"),
        (["three.nc", "--cycles", "200000", "-o", "y.nc"], 2, "must be"),
        (["none.nc", "--members", "5"], 1, "there is no run of none.nc to go on from: no folder none.nc.run"),
        (["formed.nc", "--cycles", "5", "-o", "y.nc"], 2, "a group of kind cycle, not with a form"),
    ],
)
def test_what_cannot_be_extended(folder, monkeypatch, capsys, words, status, message):
    monkeypatch.chdir(folder)
    if words[0] == "formed.nc":
        (folder / "form.toml").write_text(SMALL.partition('[[phase]]\nkind = "cycle"')[0])
        run("run", "form.toml", "-o", "formed.nc", "--members", 1)
    run("extend", *words, status=status)
    assert message in capsys.readouterr().err and not (folder / "y.nc.run").exists()
