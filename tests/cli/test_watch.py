"""`watch`: what it says of a run that goes on, and that it ends with it."""

import os
import shutil

import earlier
import numpy as np
import pytest

from frenkel.cli.main import main
from frenkel.configuration import device as configuration
from frenkel.data import store
from frenkel.experiment import device as experiment
from frenkel.experiment import protocol
from frenkel.reports import watch

SMALL = {
    "seed": 1,
    "material": "TaOx",
    "device": {"thickness": "2.6 nm", "width": "1.04 nm"},
    "phase": [{"name": "up", "kind": "triangle", "amplitude": "-1 V", "rate": "10 MV/s", "samples": 220}],
}


@pytest.fixture
def checkpoint(tmp_path):
    """Return the checkpoint of a device in the middle of its run."""
    settings = configuration.parse(SMALL)
    run = protocol.Protocol.of(settings, experiment.build(settings))
    states = []
    run.go(pause=lambda present: states.append(present.state()))
    path = tmp_path / "x.nc.checkpoint"
    store.save_checkpoint({"protocol": states[1], "seed": 1}, path)
    return path


@pytest.fixture
def part(tmp_path):
    """Return the folder of a run, with one of two members done."""
    shutil.copytree(earlier.EARLIER / "part.run", tmp_path / "e.nc.run")
    return tmp_path / "e.nc.run"


def dots(lines):
    """Return the (column, row) of every dot of a picture in braille."""
    cells = [line.partition("|")[2] for line in lines if "|" in line]
    return {
        (2 * x + across, 4 * y + down)
        for y, row in enumerate(cells)
        for x, cell in enumerate(row)
        for down, bits in enumerate(watch.DOTS)
        for across, bit in enumerate(bits)
        if (ord(cell) - 0x2800) & bit
    }


def test_a_loop_is_drawn_where_it_is():
    """A straight line of three decades over the voltage: from corner to corner, no dot beside it."""
    volts = np.linspace(-1, 2, 50)
    lines = watch.loop(volts, 10.0 ** np.linspace(-9, -6, 50), 20, 10)
    assert lines[0].startswith("    1 µA |") and lines[9].startswith("    1 nA |")
    assert lines[-1].split() == ["-1", "to", "2", "V", "of", "the", "source"]
    drawn = dots(lines)
    assert {(0, 39), (39, 0)} <= drawn and {x for x, _ in drawn} == set(range(40))
    assert max(abs(x + y - 39) for x, y in drawn) <= 1


def test_signs_and_nothing():
    """Of a negative current the magnitude is drawn; one that is zero or missing leaves no dot."""
    falling = watch.loop(np.array([0.0, 1.0]), np.array([-1e-6, -1e-9]), 4, 2)
    assert {(0, 0), (7, 7)} <= dots(falling)
    assert watch.loop(np.array([0.0, 1.0]), np.array([0.0, np.nan]), 4, 2) == ["no current yet"]
    assert len(dots(watch.loop(np.array([0.5]), np.array([1e-6]), 4, 2))) == 1


def test_quantiles_are_of_all_values():
    members = [{"set_voltage": np.array([k**2, np.nan]), "hrs": 1e3 * np.array([k, k])} for k in range(101)]
    text = "\n".join(watch.quantiles(members))
    assert "101 devices have finished" in text
    rows = {
        line.split()[0]: line.split()[1:] for line in text.splitlines() if "_voltage" in line or "hrs" in line
    }
    assert rows["set_voltage"][:7] == ["101", "25", "V", "625", "V", "2.5", "kV"]
    assert rows["hrs"][:3] == ["202", "5", "kohm"]
    assert watch.quantiles([]) == ["no device has finished yet"]


def test_a_device(checkpoint, capsys, monkeypatch):
    monkeypatch.chdir(checkpoint.parent)
    assert main(["watch", "x.nc"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("up: 1 phases begun, ") and len(dots(lines)) > 40
    assert lines[-1].split()[1:3] == ["to", "0"]


def test_a_run_of_many(part, checkpoint, capsys):
    """What has finished, and the loop of the member whose checkpoint is the newest."""
    assert main(["watch", str(part.with_suffix(""))]) == 0
    said = capsys.readouterr().out
    assert "1 devices have finished" in said and "hrs" in said and "member" not in said
    for member, changed in ((0, 1.0), (1, 1e9), (2, 2.0)):
        shutil.copy(checkpoint, part / f"member-{member}.checkpoint")
        os.utime(part / f"member-{member}.checkpoint", (changed, changed))
    assert main(["watch", str(part), "--once"]) == 0
    said = capsys.readouterr().out
    assert "member 1, up: 1 phases begun" in said and len(dots(said.splitlines())) > 40
    (part / "member-3.checkpoint").write_bytes(b"half")
    assert main(["watch", str(part), "--once"]) == 0
    assert "1 devices have finished" in capsys.readouterr().out


def test_it_ends_with_the_run(checkpoint, capsys, monkeypatch):
    """On a terminal it looks again and again, until the checkpoint is gone."""
    monkeypatch.chdir(checkpoint.parent)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    looks = []

    def wait(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            checkpoint.unlink()

    monkeypatch.setattr("frenkel.cli.cluster.time.sleep", wait)
    assert main(["watch", "x.nc", "--every", "0.5"]) == 0
    assert looks == [0.5] * 3


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["x.nc"], 1, "nothing is running for x.nc: no x.nc.run and no x.nc.checkpoint"),
        (["there.nc"], 1, "it is finished, frenkel show there.nc prints it"),
        (["there.nc", "--every", "0"], 2, "--every must be between 0.1 and 3600 s, got 0"),
    ],
)
def test_refused(tmp_path, monkeypatch, capsys, words, status, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.nc").write_bytes(b"")
    assert main(["watch", *words]) == status
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
