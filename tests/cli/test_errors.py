"""Every bad input ends in one sentence that names what is wrong, and the right exit status."""

import os
import subprocess
import sys

import pytest

from frenkel.cli.main import main, printable
from frenkel.mpi_runs import launch

CONFIGURATION = """
title = "small"
seed = 5
material = "HfO2-volatile"
[device]
thickness = "2.6 nm"
width = "1.56 nm"
[circuit]
series_resistance = "2 kohm"
[[phase]]
kind = "form"
amplitude = "0.5 V"
rate = "1 MV/s"
compliance = "10 uA"
samples = 20
[[phase]]
kind = "cycle"
repeat = 1
[[phase.phase]]
kind = "reset"
amplitude = "-0.3 V"
rate = "1 MV/s"
samples = 20
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "x.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FRENKEL_DEBUG", raising=False)
    return tmp_path


def test_without_a_word_the_commands_are_shown(capsys):
    assert main([]) == 2
    shown = capsys.readouterr()
    assert not shown.out and "example" in shown.err and "materials" in shown.err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("rn", "frenkel: error: no command 'rn' (did you mean 'run'?); there are: run, show, "),
        ("run x.toml --plt y.png", "frenkel run: error: unknown option '--plt' (did you mean --plot?); "),
        ("run x.toml --zz=5", "frenkel run: error: unknown option '--zz'; frenkel run --help has all"),
        ("run x.toml y.nc", "frenkel run: error: 'y.nc' is one argument too many; frenkel run --help"),
        ("export x.nc --to xzy", "frenkel export: error: argument --to: must not be 'xzy' (did you mean "),
    ],
)
def test_a_slip_on_the_command_line_is_told(line, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(sentence)


def test_a_missing_example_and_a_script_are_told(folder, capsys):
    told = complaint(capsys, "run", "examples/switching.toml")
    assert "there is no file examples/switching.toml; frenkel examples switching copies" in told
    assert complaint(capsys, "run", "none.toml") == "frenkel: there is no file none.toml\n"
    (folder / "mine.py").touch()
    told = complaint(capsys, "check", "mine.py", status=2)
    assert told == "frenkel: mine.py is a script: python mine.py runs it\n"


def complaint(capsys, *arguments, status=1):
    """Run a command that must fail; return its one line on standard error."""
    assert main(arguments) == status
    caught = capsys.readouterr()
    assert caught.err.startswith("frenkel: ")
    assert len(caught.err.splitlines()) == 1
    assert "Traceback" not in caught.err and "pydantic" not in caught.err
    return caught.err


SETTINGS = [
    # key=value, what the sentence must say
    ("material=HfO3", ["no material 'HfO3'", "HfO2-volatile"]),
    ("material=none.toml", ["none.toml"]),
    ("material=3", ["material", "a name", "3"]),
    ("devise.width=1 nm", ["unknown key devise", "did you mean 'device'"]),
    ("temperature=350 K", ["unknown key temperature: temperature is a key of [device]"]),
    ("device.material=TaOx", ["unknown key device.material: material is a key at the top"]),
    ("device.temperature=85 F", ["device.temperature must be in K", "such as '300 K', got '85 F'"]),
    ("device=5", ["device must be a section"]),
    ("seed=-1", ["seed must be greater than or equal to 0, got -1"]),
    ("device.widht=1 nm", ["unknown key device.widht", "did you mean 'width'"]),
    ("phase.0.rte=1 V/s", ["unknown key phase 1.rte", "did you mean 'rate'"]),
    ("phase.1.phase.0.rte=1 V/s", ["unknown key phase 2.phase 1.rte"]),
    ("device.width=8", ["device.width", "text with a unit of m", "8"]),
    ('device.width="8"', ["device.width", "needs a unit of m", "'8'"]),
    ("device.width=8 V", ["device.width", "must be in m", "'8 V'"]),
    ("device.width=8 furlongs_of_nm", ["device.width", "must be in m"]),
    ("device.width=wide", ["device.width", "number and a unit", "'wide'"]),
    ("device.width=-5 nm", ["device.width", "between 1e-10 and 1e-06 m", "'-5 nm'"]),
    ("device.width=0 nm", ["device.width", "between 1e-10 and 1e-06 m", "'0 nm'"]),
    ("device.width=nan nm", ["device.width", "between 1e-10 and 1e-06 m", "'nan nm'"]),
    ("device.width=inf nm", ["device.width", "between 1e-10 and 1e-06 m", "'inf nm'"]),
    ("device.thickness=5 m", ["device.thickness", "between 1e-10 and 1e-06 m", "'5 m'"]),
    ("device.width=0.2 nm", ["width", "lattice spacings"]),
    ("device.width=900 nm", ["device.width must be smaller", "GB of memory"]),
    ("device.temperature=0 K", ["device.temperature", "between 1 and 3000 K", "'0 K'"]),
    ("device.temperature=-300 K", ["device.temperature", "between 1 and 3000 K"]),
    ("device.lateral=open", ["device.lateral", "'periodic' or 'reflecting'", "'open'"]),
    ("circuit.series_resistance=-1 ohm", ["circuit.series_resistance", "between 0", "'-1 ohm'"]),
    ("circuit.compliance=0 A", ["circuit.compliance", "A", "'0 A'"]),
    ("circuit.compliance=5 V", ["circuit.compliance", "must be in A", "'5 V'"]),
    ("circuit.polarity=up", ["circuit.polarity", "'up'"]),
    ("seed=-1", ["seed", "greater than or equal to 0", "-1"]),
    ("seed=1.5", ["seed", "integer", "1.5"]),
    ("read_voltage=0 V", ["read_voltage", "1e-06", "'0 V'"]),
    ("phase=[]", ["phase", "at least 1"]),
    ("phase=3", ["phase", "3"]),
    ("phase.0={}", ["phase 1.kind is missing", "form, set, reset"]),
    ("phase.0.kind=sett", ["phase 1.kind", "'sett'", "form, set, reset"]),
    ("phase.0.rate=0 V/s", ["phase 1.rate", "between", "'0 V/s'"]),
    ("phase.0.rate=1 V", ["phase 1.rate", "must be in V/s", "'1 V'"]),
    ("phase.0.amplitude=0 V", ["phase 1", "amplitude must not be 0 V"]),
    ("phase.0.amplitude=1 GV", ["phase 1.amplitude", "between -1000 and 1000 V"]),
    ("phase.0.samples=1", ["phase 1.samples", "greater than or equal to 2", "1"]),
    ("phase.0.verify.resistance=5 V", ["phase 1.verify.resistance", "must be in ohm"]),
    ("phase.0.verify={}", ["phase 1.verify.resistance is missing"]),
    ('phase.0.verify={resistance="1 ohm", attempts=0}', ["phase 1.verify.attempts", "0"]),
    ("phase.1.repeat=0", ["phase 2.repeat", "0"]),
    ("phase.1.repeat=1000000000", ["phase 2.repeat", "100000"]),
    ("phase.1.phase=[]", ["phase 2.phase", "at least 1"]),
    (
        'phase.0={kind="points", times="0, 2, 1 us", voltages="0, 1, 0 V"}',
        ["phase 1", "times must increase strictly", "2e-06 s and then 1e-06 s"],
    ),
    ('phase.0={kind="points", times="0, 1, 1 us", voltages="0, 1, 0 V"}', ["times must increase strictly"]),
    ('phase.0={kind="points", times="0, 1 us", voltages="0, 1, 0 V"}', ["equally many, got 2 and 3"]),
    ('phase.0={kind="points", times="1, 2 us", voltages="0, 1 V"}', ["start at 0 s", "1e-06 s"]),
    ('phase.0={kind="points", times="0, 1", voltages="0, 1 V"}', ["phase 1.times", "needs a unit of s"]),
    ('phase.0={kind="points", times="0 us", voltages="0 V"}', ["phase 1.times", "at least 2"]),
    ('phase.0={kind="ramp", stop="0 V", rate="1 V/s"}', ["phase 1", "stop must differ from start"]),
    ('phase.0={kind="constant", voltage="1 V", duration="0 s"}', ["phase 1.duration", "'0 s'"]),
    ('phase.0={kind="constant", voltage="1 V", duration="-1 s"}', ["phase 1.duration", "'-1 s'"]),
    ('phase.0={kind="constant", voltage="1 V"}', ["phase 1.duration is missing"]),
    (
        'phase.0={kind="pulse", amplitude="1 V", width="1 ns", rise="1 ns", count=2}',
        ["phase 1", "needs a period"],
    ),
    (
        'phase.0={kind="pulse", amplitude="1 V", width="1 ns", rise="1 ns", count=2, period="1 ns"}',
        ["period must be at least"],
    ),
    ("read_voltage=1 nm**9**9**9", ["read_voltage must be in V", "'1 nm**9**9**9'"]),
    ("read_voltage=1e400 V", ["read_voltage must be between", "'1e400 V'"]),
    (f"read_voltage={'1' * 400} V", ["read_voltage must be between", "1111... (404 characters)"]),
    ("read_voltage=٣ V", ["read_voltage must be a number and a unit", "'٣ V'"]),
    ("read_voltage=1.2.3 V", ["read_voltage must be in V", "'1.2.3 V'"]),
    (f"read_voltage=1 {' ' * 50_000}x", ["read_voltage must be in V"]),
    ("read_voltage=1979-05-27", ["read_voltage must be text with a unit of V", "datetime.date(1979, 5, 27)"]),
    ('read_voltage="\\u0000"', ["read_voltage must be a number and a unit", "'\\x00'"]),
    (f"seed={'1' * 5000}", ["seed must be a valid integer", "(5002 characters)"]),
    (f"{'a.' * 20_000}b=1", ["--set: a key must have at most 20 parts"]),
    ("phase.².rate=1 V/s", ["'²' must be a number from 0 to 1"]),
    (f"phase.{'9' * 5000}.rate=1 V/s", ["must be a number from 0 to 1"]),
    ("title.x=1", ["--set title.x=1", "nothing inside"]),
    ("phase.9.rate=1 V/s", ["'9' must be a number from 0 to 1"]),
]


@pytest.mark.parametrize(("setting", "words"), SETTINGS, ids=[setting[:60] for setting, _ in SETTINGS])
def test_bad_settings(folder, capsys, setting, words):
    error = complaint(capsys, "run", "x.toml", "-q", "--set", setting)
    for word in words:
        assert word in error
    assert sorted(entry.name for entry in folder.iterdir()) == ["x.toml"]


@pytest.mark.parametrize(("setting", "words"), SETTINGS[:12])
def test_check_finds_them_too(folder, capsys, setting, words):
    error = complaint(capsys, "check", "x.toml", "--set", setting)
    assert all(word in error for word in words)


MATERIAL = [
    ("unknown mechanism", "mechanisms = [", 'mechanisms = ["vacancy jump", ', ["mine.toml", "vacancy jump"]),
    ("unknown section", "[column.radius]", "[colunm]\n[column.radius]", ["mine.toml", "colunm", "'column'"]),
    (
        "unknown key",
        "[column.radius]",
        "[column.radios]\n[column.radius]",
        ["mine.toml", "radios", "'radius'"],
    ),
    ("wrong unit", 'value = 0.26\nunit = "nm"', 'value = 0.26\nunit = "eV"', ["mine.toml", "spacing", "eV"]),
    (
        "unknown unit",
        'value = 0.26\nunit = "nm"',
        'value = 0.26\nunit = "nnm"',
        ["mine.toml", "spacing", "nnm"],
    ),
    ("NaN", "value = 0.26", "value = nan", ["mine.toml", "spacing"]),
    ("negative", "value = 0.26", "value = -0.26", ["mine.toml", "spacing"]),
    ("no source", 'source = "simple cubic', 'sauce = "simple cubic', ["mine.toml"]),
    ("no TOML", "formula = ", "formula ", ["mine.toml", "not a TOML file"]),
]


@pytest.mark.parametrize(("_", "old", "new", "words"), MATERIAL, ids=[case[0] for case in MATERIAL])
def test_bad_material_files(folder, capsys, _, old, new, words):
    from frenkel.kinetic.materials.material import DIRECTORY

    text = (DIRECTORY / "HfO2-volatile.toml").read_text()
    assert old in text
    (folder / "mine.toml").write_text(text.replace(old, new))
    for arguments in (("run", "x.toml", "-q", "--set", "material=mine.toml"), ("materials", "mine.toml")):
        error = complaint(capsys, *arguments)
        assert all(word in error for word in words)


FILES = [
    # command, what the sentence must say
    (("run", "none.toml"), ["there is no file none.toml"]),
    (("check", "none.toml"), ["there is no file none.toml"]),
    (("run", "broken.toml"), ["broken.toml is not a TOML file", "Invalid value"]),
    (("run", "binary.toml"), ["binary.toml is not a TOML file"]),
    (("check", "large.toml"), ["large.toml is not a TOML file: it is larger than 1048576 bytes"]),
    (("run", "deep.toml"), ["deep.toml is not a TOML file: it is deeper than 20 levels"]),
    (("materials", "deep.toml"), ["deep.toml is not a TOML file: it is deeper than 20 levels"]),
    (("check", "digits.toml"), ["digits.toml is not", "it holds a whole number of too many digits"]),
    (("run", "."), [". is a folder, not a file"]),
    (("run", "empty.toml"), ["device is missing"]),
    (("run", "x.toml", "-o", "none/x.nc"), ["there is no folder none"]),
    (("run", "x.toml", "-o", "/proc/x.nc"), ["/proc/x.nc cannot be written"]),
    (("run", "x.toml", "-o", "old.nc"), ["old.nc exists already", "--force"]),
    (("run", "x.toml", "-o", "a_folder"), ["a_folder is a folder"]),
    (("run", "x.toml", "--plot", "none/x.png"), ["there is no folder none"]),
    (("run", "x.toml", "--plot", "old.png"), ["old.png exists already"]),
    (("run", "x.toml", "--resume"), ["there is no checkpoint x.nc.checkpoint"]),
    (("run", "x.toml", "-o", "left.nc"), ["left.nc.checkpoint is left from an interrupted run", "--resume"]),
    (("run", "x.toml", "-o", "left.nc", "--resume"), ["checkpoint left.nc.checkpoint cannot be read"]),
    (("show", "none.nc"), ["there is no file none.nc"]),
    (("plot", "pulses", "none.csv"), ["there is no file none.csv"]),
    (("plot", "pulses", "none/a.csv"), ["there is no folder none"]),
    (("show", "x.toml"), ["x.toml is not a netCDF file; frenkel run makes a result"]),
    (("show", "empty.nc"), ["empty.nc is empty"]),
    (("show", "a_folder"), ["a_folder is a folder"]),
    (("again", "none.nc"), ["there is no file none.nc"]),
    (("export", "none.nc", "--to", "xyz"), ["there is no file none.nc"]),
    (("materials", "HfO3"), ["no material 'HfO3'", "HfO2-volatile"]),
    (("materials", "none.toml"), ["none.toml"]),
]


@pytest.mark.parametrize(("arguments", "words"), FILES, ids=[" ".join(case[0]) for case in FILES])
def test_bad_files(folder, capsys, arguments, words):
    (folder / "broken.toml").write_text("device = ")
    (folder / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (folder / "large.toml").write_text("#" * (2**20 + 1))
    (folder / "deep.toml").write_text(f"{'a.' * 20_000}b = 1")
    (folder / "digits.toml").write_text(f"seed = {'1' * 5000}")
    (folder / "a_folder").mkdir()
    for name in ("empty.toml", "empty.nc", "old.nc", "old.png"):
        (folder / name).touch()
    (folder / "left.nc.checkpoint").write_bytes(b"PK\x03\x04 torn")
    error = complaint(capsys, *arguments)
    for word in words:
        assert word in error


def test_a_result_never_replaces_a_configuration(folder, capsys):
    error = complaint(capsys, "run", "x.toml", "-o", "x.toml", "--force", status=2)
    assert "--output must end in .nc, got 'x.toml'" in error
    assert (folder / "x.toml").read_text() == CONFIGURATION


RESULTS = ["show", "again", "export"]


@pytest.mark.parametrize("command", RESULTS)
def test_truncated_results(folder, capsys, result, command):
    from frenkel.data import store

    path = store.save(result, folder / "x.nc")
    path.write_bytes(path.read_bytes()[:-5000])
    arguments = (command, "x.nc", *(["--to", "xyz"] if command == "export" else []))
    assert "x.nc cannot be read, it is truncated or damaged" in complaint(capsys, *arguments)


@pytest.mark.parametrize("command", RESULTS)
def test_results_of_another_version(folder, capsys, result, command):
    result.attrs["frenkel_schema"] = 99
    result.to_netcdf(folder / "x.nc")
    arguments = (command, "x.nc", *(["--to", "xyz"] if command == "export" else []))
    assert "x.nc has schema version 99, this frenkel reads 1" in complaint(capsys, *arguments)


@pytest.mark.parametrize(
    ("provenance", "words"),
    [(None, "does not say what made it"), ("{", "is damaged"), ('{"version": 9}', "has version 9")],
)
def test_results_without_a_past(folder, capsys, result, provenance, words):
    if provenance is None:
        del result.attrs["provenance"]
    else:
        result.attrs["provenance"] = provenance
    result.to_netcdf(folder / "x.nc")
    assert words in complaint(capsys, "again", "x.nc")
    assert words in complaint(capsys, "show", "x.nc")


def test_arrays_are_not_taken_for_devices(folder, capsys):
    (folder / "cells.toml").write_text("[array]")
    words = "cells.toml is the configuration of an array, for frenkel run and check alone"
    assert words in complaint(capsys, "sweep", "cells.toml", "--over", "seed=1,2", status=2)
    (folder / "cells.toml").write_text("[cells]")
    assert "device is missing" in complaint(capsys, "check", "cells.toml")


USAGE = [
    (("run", "x.toml", "--set", "device.width"), "--set must be KEY=VALUE"),
    (("run", "x.toml", "--set", "=3"), "--set must be KEY=VALUE"),
    (("run", "x.toml", "--seed", "-3"), "--seed must be between 0 and"),
    (("run", "x.toml", "--checkpoint", "-1"), "--checkpoint must be at least 0 s"),
    (("run", "x.toml", "--checkpoint", "nan"), "--checkpoint must be at least 0 s"),
    (("run", "x.toml", "--plot", "x.doc"), "a picture must end in one of"),
]


@pytest.mark.parametrize(("arguments", "words"), USAGE, ids=[" ".join(case[0][2:]) for case in USAGE])
def test_wrong_usage(folder, capsys, arguments, words):
    assert words in complaint(capsys, *arguments, status=2)


@pytest.mark.parametrize("command", [("run", "x.toml"), ("sweep", "x.toml"), ("plan",)])
@pytest.mark.parametrize("number", ["0", str(2**31), "9" * 5000, "1_000", "٣", "1.5"])
def test_members_have_one_range(folder, capsys, command, number):
    with pytest.raises(SystemExit) as left:
        main((*command, "--members", number))
    assert left.value.code == 2
    assert "between 1 and 2147483647, got" in capsys.readouterr().err


def test_the_range_of_members_is_that_of_the_file(folder, capsys):
    from frenkel.configuration.base import ConfigurationError
    from frenkel.configuration.reader import read
    from frenkel.experiment import ensemble

    assert read("x.toml", ["ensemble.members=2147483647"]).ensemble.members == 2**31 - 1
    assert ensemble.plain(read("x.toml"), 2**31 - 1, folder).members == 2**31 - 1
    for number in (2**31, -1, 1.5):
        with pytest.raises(ConfigurationError, match="members must be a whole number between 1 and 2147"):
            ensemble.plain(read("x.toml"), number, folder)
        error = complaint(capsys, "check", "x.toml", "--set", f"ensemble.members={number}")
        assert "ensemble.members must be" in error
    with pytest.raises(SystemExit):
        main(("run", "x.toml", "--only", "2147483647"))
    assert "must be between 0 and 2147483646" in capsys.readouterr().err


def test_export_without_a_format(folder, capsys):
    """Only a physical model has a format of its own."""
    assert main(("export", "x.nc")) == 2
    assert "give a format: --to of xyz, " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("jump",),
        ("run",),
        ("run", "x.toml", "--seed", "one"),
        ("export", "x.nc", "--to", "pdb"),
        ("run", "x.toml", "y.nc"),
        ("run", "x.toml", "--nonsense"),
    ],
)
def test_wrong_commands(folder, capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_two_files_are_shown_on_a_data_sheet_only(folder, capsys):
    assert main(["show", "a.nc", "b.nc"]) == 2
    assert "b.nc is taken beside measurements, with --datasheet, only" in capsys.readouterr().err


def test_a_fault_of_ours_is_one_sentence_too(folder, capsys, monkeypatch):
    from frenkel.configuration import reader

    monkeypatch.setattr(reader, "read", lambda *_: {}["planted"])
    assert "internal error, KeyError: 'planted'" in complaint(capsys, "check", "x.toml")


def test_the_traceback_is_there_on_request(folder, monkeypatch):
    monkeypatch.setenv("FRENKEL_DEBUG", "1")
    with pytest.raises(ValueError, match="no material"):
        main(["check", "x.toml", "--set", "material=HfO3"])


def test_the_command_itself_ends_with_that_status(folder):
    done = subprocess.run(
        [sys.executable, "-m", "frenkel", "check", "none.toml"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "FRENKEL_DEBUG": "0"},
    )
    assert (done.returncode, done.stderr) == (1, "frenkel: there is no file none.toml\n")


@pytest.mark.parametrize(("option", "most"), [("--ranks", 10_000_000), ("--shards", 9)])
def test_a_plan_of_too_many_ranks_or_parts_is_refused(folder, capsys, option, most):
    arguments = ["plan", "--members", "9", "--ranks", "4", option, "9223372036854775808"]
    assert f"{option} must be a whole number between 1 and {most}" in complaint(capsys, *arguments, status=2)


def test_a_plan_of_any_spread_is_refused(folder, capsys):
    arguments = ["plan", "--members", "9", "--ranks", "4", "--spread", "1e300"]
    assert "--spread must be between 0 and 10, got 1e+300" in complaint(capsys, *arguments, status=2)


def test_a_thick_and_narrow_device_is_not_built_to_be_timed(folder, capsys):
    assert main(["check", "x.toml", "--set=device.thickness=300 nm"]) == 0
    assert "not estimated above 100 MB" in capsys.readouterr().out


def test_a_sentence_is_one_line_without_marks_that_a_terminal_obeys():
    assert printable("one\n  two\tthree \n") == "one two three"
    assert printable("a\x1b[31mb\x07\u202ec µ") == "a\\x1b[31mb\\x07\\u202ec µ"


@pytest.mark.parametrize("spread", ["-0.1", "10.5", "15", "nan"])
def test_a_plan_takes_a_spread_from_0_to_10(spread, capsys):
    assert main(["plan", "--members", "4", "--ranks", "2", f"--spread={spread}"]) == 2
    assert "--spread must be between 0 and 10" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["extend", "a.nc"], ["sweep", "a.toml", "--over", "seed=1,2"]])
def test_the_engine_is_chosen_by_its_name_and_the_part_that_is_to_run(command, monkeypatch):
    """Whatever comes after it: no file is read before."""
    calls = []
    monkeypatch.setattr(launch, "engine_of", lambda name, part: calls.append((name, part)) or "serial")
    monkeypatch.setattr(
        launch, "start", lambda engine, workers, address, go: calls.append((engine, workers)) or 0
    )
    options = ["--members", "6", "--engine", "pool", "--shard", "2/3", "--workers", "4"]
    assert main([*command, *options]) == 0
    assert calls == [("pool", (2, 3)), ("serial", 4)]
