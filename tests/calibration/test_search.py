"""Searches towards a table of targets: bands, quantities, resumption, and a whole search by the command."""

import math
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pytest

from frenkel.calibration import bands, cell, search
from frenkel.calibration.rounds import Parameter
from frenkel.cli import main as cli
from frenkel.configuration.base import ConfigurationError
from frenkel.kinetic.materials.material import Material

PLAN = bands.Plan(setting=cell.Setting(limit=1e-5), cycles=2, waits=(0.6, 0.8, 1.0), budget=60.0)
TARGETS = """
cycles = 1
budget = "20 s"
devices = {search = 1, choice = 1, report = 1}
[free]
"conduction.tunnel_factor" = "0.03:0.12"
[[target]]
quantity = "hrs"
low = "1 Mohm"
high = "2 Mohm"
scale = 0.1
[[target]]
quantity = "window"
low = 0.9
scale = 0.1
"""


def record(**values):
    """Return a device of two cycles."""
    plain = {
        "hrs": [1e6, 1e7],
        "lrs": [1e4, 2e4],
        "set_voltage": [0.9, 1.1],
        "asked": 2,
        "waits": [],
        "lasting": [],
    }
    return plain | values


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "targets.toml"
    path.write_text(TARGETS)
    return path


# ---- quantities


def test_quantities_of_made_up_devices():
    records = [record(), record(hrs=[1e5], lrs=[1e5], set_voltage=[math.nan], failed="out of CPU time")]

    def value(name):
        return bands.QUANTITIES[name].value(records, PLAN)

    assert value("hrs") == pytest.approx(1e6)
    assert value("set_voltage") == pytest.approx(1.0)
    assert value("window") == 0.5  # two of the four cycles that were asked for
    assert value("limit_voltage") == pytest.approx(0.2)
    assert value("hrs_spread") == pytest.approx(1 / math.sqrt(2))  # of the device with two cycles
    assert math.isnan(value("forming_voltage"))
    hot = [record(lasting=[1499.0, 1501.0, 300.0]), record(lasting=[1600.0])]
    assert bands.QUANTITIES["hot"].value(hot, PLAN) == 0.5


def test_a_wait_that_did_not_end_is_longer_than_all_others():
    records = [
        record(waits=[1e2, 1.0, 1e-3]),
        record(waits=[math.nan, 1e-2, 1e-5]),
        record(waits=[1e1, 1e-1, 1e-4]),
    ]
    volts, decades = bands._decades(records, PLAN)
    assert volts.tolist() == [0.6, 0.8, 1.0]
    assert decades == pytest.approx([2.0, -1.0, -4.0])
    assert bands.QUANTITIES["set_slope"].value(records, PLAN) == pytest.approx(15.0)
    assert bands.QUANTITIES["set_steepest"].value(records, PLAN) == pytest.approx(15.0)
    assert math.isnan(bands.QUANTITIES["set_slope"].value(records[1:2], PLAN))  # two voltages are no slope


def test_distances_are_decades_of_resistances_and_scales_of_voltages():
    ohms = bands.Target(quantity="hrs", low=1e6, high=2e6, scale=0.1)
    volts = bands.Target(quantity="reset_voltage", low=-1.5, high=-0.7, scale=0.05)
    assert ohms.distance(1.5e6) == volts.distance(-0.7) == 0.0
    assert ohms.distance(1e5) == pytest.approx(10.0)
    assert ohms.distance(2e7) == pytest.approx(10.0)
    assert volts.distance(-0.6) == pytest.approx(2.0)
    assert volts.distance(math.nan) == bands.FAILURE
    targets = bands.Targets(targets=(ohms, volts), devices={}, cycles=1, waits=(), budget=1.0, free="")
    assert targets.loss({"hrs": 1e5, "reset_voltage": -0.6}) == pytest.approx(104.0)


# ---- the table


def test_a_table_is_read(table):
    found = bands.read(table)
    assert [one.quantity for one in found.targets] == ["hrs", "window"]
    assert (found.targets[0].low, found.targets[0].high, found.targets[1].high) == (1e6, 2e6, math.inf)
    assert (found.cycles, found.budget, found.devices["search"]) == (1, 20.0, 1)
    assert found.free == "conduction.tunnel_factor=0.03:0.12"
    assert bands.has_targets(table)


def test_the_table_of_the_default_is_one():
    found = bands.read(Path(__file__).parents[2] / "examples" / "targets_hfo2.toml")
    assert len(found.targets) == 16 and len(found.waits) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"hrs"', '"hsr"', "quantity of targets.toml must be one of forming_voltage, .*, got 'hsr'"),
        ('"1 Mohm"', '"3 Mohm"', r"low of hrs in targets.toml must be below high, got 3e\+06 and 2e\+06"),
        ('"1 Mohm"', "1", "low of hrs of targets.toml must be text with a unit of ohm"),
        ("scale = 0.1\n[[", "[[", "target hrs of targets.toml must have scale, and low, high or both"),
        ("cycles = 1", "cycles = 0", "cycles of targets.toml must be a whole number from 1 to 1000, got 0"),
        ("search = 1", "serch = 1", "devices of targets.toml must be of search, choice, report, got serch"),
        ("budget", "buget", "targets.toml must have .*, got buget"),
        ('"window"\nlow = 0.9', '"hrs"\nlow = "1 ohm"', "targets.toml must name each quantity once"),
    ],
)
def test_a_fault_of_a_table_is_one_sentence(table, old, new, words):
    table.write_text(TARGETS.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=words):
        bands.read(table)


# ---- the search


class Here(Executor):
    """Runs a task where it is submitted."""

    def submit(self, call, *given):
        future = Future()
        future.set_result(call(*given))
        return future


def pretended(material, seed, member, plan):
    """Return a device whose HRS rises with one number and whose window is lost with another."""
    rng = np.random.default_rng((seed, member))
    hrs = 10 ** (6.0 + 20.0 * (material.conduction.tunnel_factor - 0.08) + 0.01 * rng.normal())
    lrs = 1e4 if material.conduction.gap_reorganisation > 0.6 else 1e6
    return record(hrs=[hrs, hrs], lrs=[lrs, lrs])


@pytest.fixture
def task(table, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "measure", pretended)
    return search.Search(
        material=Material.load("HfO2-fast"),
        parameters=[
            Parameter("conduction.tunnel_factor", 0.03, 0.12), Parameter("conduction.gap_reorganisation", 0.4, 0.8)
        ],
        targets=bands.read(table), plan=PLAN, seed=3, points=60, log=tmp_path / "log.jsonl",
    )  # fmt: skip


def test_a_search_meets_its_targets(task):
    lines = []
    chosen, reported = search.search(task, Here(), lines.append)
    assert chosen.loss == reported.loss == 0.0
    assert 1e6 <= reported.values["hrs"] <= 2e6
    assert len(lines) == 7 and lines[5].startswith("60 of 60 points: loss 0;")
    assert all(line.endswith("met") for line in search.table(task, reported))
    text = search.material_file(task, "HfO2-fast", chosen, reported, "x.toml")
    path = task.log.with_name("found.toml")
    path.write_text(text)
    found = Material.read(path)
    assert found.conduction.tunnel_factor == pytest.approx(
        task.made(chosen.place).conduction.tunnel_factor, rel=1e-3
    )


def test_a_search_that_was_stopped_goes_on_bit_by_bit(task, monkeypatch):
    whole = search.search(task, Here(), lambda line: None)
    lines = task.log.read_text().splitlines(keepends=True)
    task.log.write_text("".join(lines[:2]) + lines[2][:30])  # stopped while the third line was written
    calls = []
    monkeypatch.setattr(search, "measure", lambda *given: calls.append(given) or pretended(*given))
    assert search.search(task, Here(), lambda line: None) == whole
    assert task.log.read_text().splitlines(keepends=True) == lines
    assert len(calls) == 40 + 5 + 1


def test_the_log_of_another_search_is_refused(task):
    search.search(task, Here(), lambda line: None)
    other = search.Search(**{name: getattr(task, name) for name in task.__dataclass_fields__} | {"seed": 4})
    with pytest.raises(ConfigurationError, match="is the log of another search: use --force"):
        search.search(other, Here(), lambda line: None)


def test_search_choice_and_report_have_their_own_devices(task, monkeypatch):
    members = []
    monkeypatch.setattr(search, "measure", lambda *given: members.append(given[2]) or pretended(*given))
    search.search(task, Here(), lambda line: None)
    assert set(members) == {*range(6), search.CHOICE_MEMBERS, search.REPORT_MEMBERS}


# ---- the command

PROTOCOL = """
seed = 5
material = "HfO2-fast"
[device]
thickness = "1.56 nm"
width = "1.56 nm"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "0.1 MV/s"
compliance = "10 uA"
[[phase]]
kind = "reset"
amplitude = "-1.2 V"
rate = "1 MV/s"
[[phase]]
kind = "set"
amplitude = "2 V"
rate = "1 MV/s"
compliance = "10 uA"
"""


def test_the_command_searches_and_writes_a_material(table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(PROTOCOL)
    arguments = [
        "calibrate",
        "small.toml",
        "targets.toml",
        "--points",
        "2",
        "-o",
        "found.toml",
        "--workers",
        "1",
    ]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert "10 of 10 points: loss" in out and "wrote found.toml; every point is in found.search.jsonl" in out
    found = Material.read(tmp_path / "found.toml")
    assert 0.03 <= found.conduction.tunnel_factor <= 0.12
    assert cli.main(arguments) == 1  # the file is there
    assert "found.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'kind = "reset"\namplitude = "-1.2 V"',
            'kind = "triangle"\namplitude = "-1.2 V"',
            "needs phases of RESET and",
        ),
        ("seed = 5\n", "", "needs a seed"),
    ],
)
def test_a_protocol_that_cannot_be_searched_is_refused(table, tmp_path, capsys, old, new, words):
    (tmp_path / "small.toml").write_text(PROTOCOL.replace(old, new))
    assert (
        cli.main(["calibrate", str(tmp_path / "small.toml"), str(table), "-o", str(tmp_path / "f.toml")]) == 2
    )
    assert words in capsys.readouterr().err
