"""Arrays by the command line: examples in small, pictures, repeatability, and what is refused."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from closed_forms import sneak_resistance
from made_up_cells import varied_card

import frenkel as fk
from frenkel.analysis.fitting import card_schema
from frenkel.analysis.plots import array as array_plot
from frenkel.array import crossbar
from frenkel.array.lines import newton
from frenkel.array.periphery import Converter
from frenkel.cli import main as cli
from frenkel.configuration import array as array_configuration
from frenkel.experiment import array as array_experiment
from frenkel.experiment import array_file, assembled
from frenkel.mpi_runs.farm import Serial

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SMALL = """
seed = 3

[array]
word_lines = 3
bit_lines = 5
crossing = "1T1R"

[array.transistor]
threshold = "0.4 V"
gain = "300 uA/V^2"
gate = "2.5 V"

[cells]
kind = "card"
card = "made_up.card.json"

[periphery]
bit_lines_per_adc = 2

[[phase]]
kind = "program"
parallel = "word line"
cadence = "1 us"
targets = {least = "40 uS", most = "80 uS", levels = 4}

    [phase.scheme]
    kind = "gate-incremental"
    set_amplitude = "1.5 V"
    reset_amplitude = "-1.6 V"
    gate_start = "0.8 V"
    gate_step = "0.02 V"
    gate_most = "2.5 V"
    reset_gate = "3 V"
    width = "100 ns"
    tolerance = 0.1
    back = "0.1 V"
    limit = 60

[[phase]]
kind = "rest"
duration = "1 day"
looks = 4

[[phase]]
kind = "refresh"
period = "1 hour"
tolerance = 0.5

[[phase]]
kind = "multiply"
vectors = 6
bits = 2

[[phase]]
kind = "map"
voltage = "0.2 V"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a small configuration and a card beside it, not the one that commands run in."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "small.toml").write_text(SMALL, encoding="utf-8")
    card_schema.save(varied_card(), inner / "made_up.card.json")
    monkeypatch.chdir(tmp_path)
    return inner


def frenkel(*arguments):
    return cli.main([str(one) for one in arguments])


def test_run_show_again(folder, capsys):
    assert frenkel("run", folder / "small.toml", "-o", "a.nc", "--plot", "a.png", "-q") == 0
    names = {path.name for path in Path().glob("*.png")}
    assert names == {"a.png", *(f"a-{page}.png" for page in ("products", "energy", "timeline", "maps"))}
    result = array_file.load("a.nc")
    assert result.sizes["word_line"] == 3 and result.sizes["bit_line"] == 5 and result.sizes["vector"] == 6
    assert list(result["snapshot_label"].values) == ["as made", "programmed", "after 1 day", "refreshed"]
    end = float(result["phase_end"][1] - result["phase_end"][0])
    assert end == pytest.approx(86400.0, abs=1e-9)
    assert json.loads(result.attrs["provenance"])["configuration"]["documents"]["card"]["name"]
    books_balance(result)
    products_are_those_of_the_cells(result)
    said = capsys.readouterr().out
    assert "15 cells reached their target" in said and "modelled" in said
    assert frenkel("show", "a.nc") == 0 and "products" in capsys.readouterr().out
    (folder / "made_up.card.json").unlink()
    assert frenkel("again", "a.nc", "-q") == 0 and "reproduced bit by bit" in capsys.readouterr().out
    assert frenkel("check", folder / "small.toml") == 0 and "3 x 5 of 1T1R" in capsys.readouterr().out


def books_balance(result):
    """Energy rows rise to the sum of what operations took; operations of the array do not overlap."""
    assert np.all(np.diff(result["energy"].values, axis=0) >= 0.0)
    lane = result["lane"].values[result["operation_lane"].values]
    start, stop = result["operation_start"].values, result["operation_end"].values
    held = np.isin(lane, ("pulse", "read", "product"))
    assert np.all(start[held][1:] >= stop[held][:-1])
    assert np.count_nonzero(lane == "pulse") == int(result["pulses"][-1])
    assert np.count_nonzero(lane == "read") == int(result["reads"][-1])
    # A conversion takes 9 ns.
    converter = float(result["energy"].sel(component="converter")[-1])
    uses = (stop - start)[lane == "converter"].sum() / 9000
    one = Converter(bits=8).energy
    assert converter == pytest.approx(uses * one, rel=1e-9)


def products_are_those_of_the_cells(result):
    """Two bits, least first: 3 rows of cells of 40 to 80 uS lose less than 1 % in the lines."""
    share = result["input"].values / 3.0
    exact = 0.2 * share @ result["conductance"].values[-1]
    np.testing.assert_allclose(result["product_exact"].values, exact, rtol=1e-12)
    np.testing.assert_allclose(result["product"].values, exact, rtol=0.01, atol=1e-9)


def test_margin_without_lines_is_the_closed_form(tmp_path, monkeypatch):
    """A-04: floating lines put the sneak resistance beside the cell; V/2 adds half a current for each row."""
    monkeypatch.chdir(tmp_path)
    text = (EXAMPLES / "array_passive.toml").read_text(encoding="utf-8")
    Path("p.toml").write_text(text[: text.index('[[phase]]\nkind = "map"')], encoding="utf-8")
    small = ["--set", "phase.0.sizes=[2, 8]", "--set", "array.word_resistance=1 mohm"]
    assert frenkel("run", "p.toml", "-o", "p.nc", "-q", *small, "--set", "array.bit_resistance=1 mohm") == 0
    found = array_file.load("p.nc")["read_margin"].sel(crossing="cell alone")
    for n in (2, 8):
        on, off = ({"l": 1e4, "h": 1e6}[k] for k in "lh")
        floating = 1 - (1 / off + 1 / sneak_resistance(n, n, on)) / (1 / on + 1 / sneak_resistance(n, n, off))
        half = 1 - (1 / off + (n - 1) / 2 / on) / (1 / on + (n - 1) / 2 / off)
        third = 1 - (1 / off + (n - 1) / 3 / on) / (1 / on + (n - 1) / 3 / off)
        for scheme, exact in (("floating", floating), ("half", half), ("third", third), ("grounded", 0.99)):
            assert float(found.sel(scheme=scheme, size=n)) == pytest.approx(exact, abs=1e-5)


def test_configuration_reads_its_own_document(folder):
    for path in [folder / "small.toml", *sorted(EXAMPLES.glob("array_*.toml"))]:
        settings = fk.read_configuration(path)
        assert array_configuration.parse(settings.document()) == settings


def test_names_of_an_earlier_frenkel_are_migrated(folder):
    """Keys of a configuration, and variables of a file; neither is read as it is."""
    old = SMALL
    for new, name in (
        ("word_lines", "rows"),
        ("bit_lines_per_adc", "columns_per_adc"),
        ("bit_lines", "columns"),
    ):
        old = old.replace(f"{new} =", f"{name} =")
    (folder / "old.toml").write_text(old.replace('"word line"', '"row"'), encoding="utf-8")
    with pytest.raises(ValueError, match="it has a key rows"):
        fk.read_configuration(folder / "old.toml")
    assert frenkel("migrate", folder / "old.toml", "-o", "new.toml") == 0
    assert Path("new.toml").read_text(encoding="utf-8") == SMALL
    assert frenkel("run", folder / "small.toml", "-o", "a.nc", "-q") == 0
    result = array_file.load("a.nc")
    names = {"operation_word_line": "operation_row", "operation_bit_line": "operation_column"}
    result.rename(names).to_netcdf("old.nc")
    with pytest.raises(ValueError, match="it has a variable operation_row"):
        array_file.load("old.nc")
    assert frenkel("migrate", "old.nc", "-o", "new.nc") == 0
    new = array_file.load("new.nc")
    assert new.drop_attrs(deep=False).identical(result.drop_attrs(deep=False))


def test_pages_are_not_replaced_by_chance(folder):
    frenkel("run", folder / "small.toml", "-o", "a.nc", "-q")
    Path("b-energy.png").touch()
    with pytest.raises(OSError, match="b-energy.png exists already"):
        array_plot.save(array_file.load("a.nc"), "b.png")
    assert not Path("b.png").exists()


READ = """
seed = 5

[array]
word_lines = 3
bit_lines = 4
crossing = "CRS"
scheme = "third"
word_resistance = "2 ohm"
bit_resistance = "2 ohm"

[cells]
kind = "gap"
hrs = "1 Mohm"
lrs = "10 kohm"
set_voltage = "0.9 V"
reset_voltage = "-1.1 V"

[[phase]]
kind = "staircase"
cell = [1, 2]
start = "0.4 V"
stop = "2.8 V"
steps = 13
width = "1 us"

[[phase]]
kind = "read-disturb"
cell = [0, 1]
count = 5

[[phase]]
kind = "retention"
duration = "1 hour"
looks = 3
cells = [[0, 0], [1, 2]]
"""


def test_phases_that_read_single_cells(folder, capsys):
    """A complementary cell goes from 0 over on to 1: it conducts between 0.9 V and twice 1.1 V alone."""
    (folder / "read.toml").write_text(READ, encoding="utf-8")
    assert frenkel("check", folder / "read.toml") == 0
    said = capsys.readouterr().out
    assert "cell (1, 2) after each of 13 pulses of 0.4 to 2.8 V" in said and "cell (0, 1) 5 times" in said
    assert "2 cells at the start and 3 times up to 1 h" in said
    assert frenkel("run", folder / "read.toml", "-o", "r.nc", "-q") == 0
    said = capsys.readouterr().out
    assert "staircase: 1 cell read 13 times" in said and "retention: 2 cells read 4 times" in said
    assert "one gain of 1 makes up for it" in said
    found = array_file.load("r.nc")
    phase = found["reading_phase"].values
    assert list(np.bincount(phase)) == [13, 5, 8]
    stairs = found.isel(reading=phase == 0)
    np.testing.assert_allclose(stairs["reading_amplitude"].values, np.linspace(0.4, 2.8, 13))
    conductance = stairs["reading_conductance"].values
    assert conductance[0] < 2e-6 and conductance[-1] < 2e-6 and conductance.max() > 2e-5
    assert stairs["reading_amplitude"].values[conductance.argmax()] == pytest.approx(1.8, abs=0.4)
    still = found["reading_conductance"].values[phase > 0]
    np.testing.assert_allclose(still, still[0], rtol=0.05)
    held = found.isel(reading=phase == 2)
    assert list(held["reading_word_line"].values) == [0, 1] * 4
    assert float(held["reading_time"][-1] - held["reading_time"][0]) == pytest.approx(3600.0, rel=1e-6)
    assert frenkel("again", "r.nc", "-q") == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("phase.0.gate=2 V", "phase 1: a gate needs a crossing of 1T1R"),
        ("phase.0.steps=1", "phase 1.steps must be greater than or equal to 2, got 1"),
        ("array.stuck=1.5", "array.stuck must be less than or equal to 1, got 1.5"),
        (
            'cells={kind="linear", lrs="1 kohm", hrs="1 Mohm"}',
            "a crossing of CRS needs cells of kind card or gap, got linear",
        ),
        (
            'phase=[{kind="margin", sizes=[2], schemes=["half"], voltage="0.2 V"}]',
            "phase 1: a margin is of single cells, not of a crossing of CRS",
        ),
    ],
)
def test_bad_phases_of_single_cells(folder, capsys, change, message):
    (folder / "read.toml").write_text(READ, encoding="utf-8")
    assert frenkel("run", folder / "read.toml", "-o", "bad.nc", "-q", "--set", change) == 1
    assert message in capsys.readouterr().err


def test_selectors_with_a_threshold_and_cells_that_rectify(folder):
    """Below the threshold a crossing is that of the selector that is off, above it that of the cell."""
    text = (EXAMPLES / "array_passive.toml").read_text(encoding="utf-8")
    head = text[: text.index("[array.selector]")].replace("word_lines = 64", "word_lines = 4")
    head = head.replace("bit_lines = 64", "bit_lines = 4")
    rest = '[cells]\nkind = "linear"\nlrs = "10 kohm"\nhrs = "1 Mohm"\nshare = 1.0\n'
    for volts in (0.3, 0.8, -0.8):
        rest += f'[[phase]]\nkind = "map"\nvoltage = "{volts} V"\n'
    selector = '[array.selector]\nkind = "threshold"\nthreshold = "0.5 V"\nhold = "0.2 V"\n'
    selector += 'on_resistance = "1 kohm"\noff_resistance = "10 Mohm"\n'
    (folder / "t.toml").write_text(head + selector + rest, encoding="utf-8")
    (folder / "r.toml").write_text(
        head.replace('"1S1R"', '"0T1R"\nrectification = 100') + rest, encoding="utf-8"
    )
    for name in "tr":
        assert frenkel("run", folder / f"{name}.toml", "-o", f"{name}.nc", "-q") == 0
    low, high, low_again = array_file.load("t.nc")["map_current"].values[:, 0, 0]
    assert low == pytest.approx(0.3 / 10.01e6, rel=1e-3) and high == pytest.approx(0.8 / 11e3, rel=1e-2)
    assert low_again == pytest.approx(-high, rel=1e-6)
    _, forward, reverse = array_file.load("r.nc")["map_current"].values[:, 0, 0]
    assert forward == pytest.approx(0.8 / 10e3, rel=1e-2) and reverse == pytest.approx(
        -forward / 100, rel=1e-2
    )


def test_stuck_cells_stay_where_they_are(folder, capsys):
    """All cells are pulsed up: those that are stuck read as their resistance, all others move."""
    text = READ[: READ.index("[[phase]]")].replace(
        '"CRS"', '"0T1R"\nstuck = 0.3\nstuck_resistance = "50 kohm"'
    )
    (folder / "stuck.toml").write_text(
        text + '[[phase]]\nkind = "program"\ntargets = {least = "1 uS", most = "2 uS"}\n'
        'scheme = {kind = "blind", amplitude = "1.6 V", width = "1 us"}\n',
        encoding="utf-8",
    )
    assert frenkel("check", folder / "stuck.toml") == 0
    assert "stuck       30 % of the cells, at 5e+04 ohm" in capsys.readouterr().out
    assert frenkel("run", folder / "stuck.toml", "-o", "s.nc", "-q") == 0
    before, after = array_file.load("s.nc")["conductance"].values
    stuck = np.isclose(before, 1 / 50e3, rtol=1e-9)
    assert 0 < np.count_nonzero(stuck) < 12
    np.testing.assert_allclose(after[stuck], 1 / 50e3, rtol=1e-9)
    assert np.all(after[~stuck] > 10 * before[~stuck])


def test_refresh_of_all_cells_asks_none_before(folder):
    assert frenkel("run", folder / "small.toml", "-o", "a.nc", "-q", "--set", "phase.2.tolerance=0") == 0
    assert frenkel("run", folder / "small.toml", "-o", "b.nc", "-q", "--set", "phase.2.tolerance=1e-9") == 0
    reads = [int(array_file.load(name)["reads"][-1]) for name in ("a.nc", "b.nc")]
    assert reads[1] == reads[0] + 15


BAD = {
    "word lines of length 0": (
        "array.bit_lines=0",
        "array.bit_lines must be greater than or equal to 1, got 0",
    ),
    "negative resistance": (
        "array.bit_resistance=-1 ohm",
        "array.bit_resistance must be between 0 and 1e\\+12 ohm",
    ),
    "resistance that is no number": (
        "array.bit_resistance=nan ohm",
        "array.bit_resistance must be between 0",
    ),
    "unknown node": ("array.node=3 nm", "array: node must be one of 130 nm"),
    "unknown scheme": (
        "array.scheme=quarter",
        "array.scheme must be 'grounded', 'floating', 'half' or 'third'",
    ),
    "unknown programming": (
        "phase.0.scheme.kind=magic",
        "phase 1.scheme.kind must not be 'magic'; there are: blind",
    ),
    "unknown kind of phase": (
        "phase.1.kind=party",
        "phase 2.kind must not be 'party'; there are: program, rest",
    ),
    "unknown kind of cells": (
        "cells.kind=wet",
        "cells.kind must not be 'wet'; there are: card, linear, gap, live",
    ),
    "unknown key": ("array.bit_line=4", "unknown key array.bit_line \\(did you mean 'bit_lines'\\?\\)"),
    "a key of an earlier frenkel": ("array.rows=4", "it has a key rows"),
    "unknown key in a choice": (
        "phase.0.scheme.widht=4",
        "unknown key phase 1.scheme.widht \\(did you mean 'width'",
    ),
    "more pulses than allowed": ("phase.0.scheme.limit=2000000", "phase 1.scheme.limit must be less than"),
    "no pulse": ("phase.0.scheme.limit=0", "phase 1.scheme.limit must be greater than or equal to 1"),
    "targets upside down": ('phase.0.targets.least="1 mS"', "targets: least must be below most"),
    "gates without transistors": ("array.crossing=0T1R", "scheme gate-incremental needs a crossing of 1T1R"),
    "a card that is not there": (
        "cells.card=no.json",
        "cells.card must name a card, there is no file .*no.json; packaged ones: hfo2",
    ),
    "weights that are not there": (
        "phase.0.targets.weights=no.csv",
        "weights must name a file, there is no file",
    ),
    "weights outside the window": (
        "phase.0.targets.weights=w.csv",
        "must lie between 0 and 1, got 1.5 in row 1, col",
    ),
    "weights that are no numbers": (
        "phase.0.targets.weights=n.csv",
        "must lie between 0 and 1, got nan in row 2",
    ),
    "weights of another shape": (
        "phase.0.targets.weights=s.csv",
        "must have 3 rows and 5 columns, got \\(1, 2\\)",
    ),
    "a cell outside": (
        "phase.4.cell=[3, 0]",
        r"phase 5: cell must lie in an array of 3 x 5 lines, got \(3, 0\)",
    ),
    "same signs": ("phase.0.scheme.reset_amplitude=1 V", "must have opposite signs"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(folder, capsys, case):
    """One sentence, status 1, and no file."""
    change, message = BAD[case]
    rows = np.full((3, 5), 0.5)
    for name, values in (("w", (0, 2, 1.5)), ("n", (1, 1, np.nan))):
        bad = rows.copy()
        bad[values[0], values[1]] = values[2]
        np.savetxt(folder / f"{name}.csv", bad, delimiter=",")
    np.savetxt(folder / "s.csv", [[0.1, 0.2]], delimiter=",")
    assert frenkel("run", folder / "small.toml", "-o", "bad.nc", "-q", "--set", change) == 1
    said = capsys.readouterr().err
    assert re.search(message, said), said
    assert said.count("\n") == 1 and said.startswith("frenkel: ")
    assert not list(Path().glob("*"))[1:]


def test_lines_that_newton_does_not_solve(folder, capsys, monkeypatch):
    """Phase, bias, cell and residual are said, and nothing is written, though the first phase went well.

    No selector was found that defeats it (1 A and 1 uV, up to 1000 V, 1 mohm to 1 Mohm), so it gets one step.
    """
    text = (EXAMPLES / "array_passive.toml").read_text(encoding="utf-8")
    head, maps = (
        text[: text.index('[[phase]]\nkind = "margin"')],
        text[text.index('[[phase]]\nkind = "map"') :],
    )
    (folder / "p.toml").write_text(
        head + '[[phase]]\nkind = "multiply"\nvectors = 1\n\n' + maps, encoding="utf-8"
    )
    changed = ["--set", "array.word_lines=8", "--set", "array.bit_lines=64"]
    find = crossbar.solve

    def solve(network, *given, **more):
        monkeypatch.setattr(newton, "MOST_STEPS", 1 if network.bias.amplitude > 1.0 else 60)
        return find(network, *given, **more)

    monkeypatch.setattr(crossbar, "solve", solve)
    assert frenkel("run", folder / "p.toml", "-o", "p.nc", "--plot", "p.png", "-q", *changed) == 1
    said = capsys.readouterr().err
    assert re.search(
        r"phase 2, map at 2 V: array: .*missed by .* A .*at a bias of 2 V.* at cell \(\d+, \d+\)", said
    )
    assert said.count("\n") == 1 and not list(Path().glob("p*"))


LIVE = [
    "array.word_lines=1",
    "array.bit_lines=2",
    "phase.0.scheme.limit=3",
    "phase.3.vectors=2",
    "phase.1.looks=2",
]


def test_workers_change_no_number(monkeypatch):
    """Live devices formed and advanced elsewhere: here by two executors, on devices of their own."""
    found = []
    for workers in ("1", "2"):
        settings = fk.read_configuration(EXAMPLES / "array_live.toml", [*LIVE, f"cells.workers={workers}"])
        monkeypatch.setattr(assembled, "processes", lambda number: nullcontext([Serial()] * number))
        found.append(array_experiment.run(settings))
    assert all(found[0][name].identical(found[1][name]) for name in found[0].variables)
    assert int(found[0]["pulses"][-1]) > 0


@pytest.mark.verification
def test_workers_of_other_processes_change_no_number():
    found = []
    for workers in ("1", "2"):
        settings = fk.read_configuration(EXAMPLES / "array_live.toml", [*LIVE, f"cells.workers={workers}"])
        found.append(array_experiment.run(settings))
    assert all(found[0][name].identical(found[1][name]) for name in found[0].variables)


def test_sweeps_are_of_devices(folder, capsys):
    assert frenkel("sweep", folder / "small.toml", "--over", "seed=1:2:2") == 2
    assert "is the configuration of an array, for frenkel run and check alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--members", "4"], "--members is for devices, not for an array"),
        (["--resume"], "--resume is for devices"),
        (["-o", "a.txt"], "--output must end in .nc"),
        (["--plot", "a.xyz"], "a picture must end in one of"),
    ],
)
def test_usage(folder, capsys, options, message):
    assert frenkel("run", folder / "small.toml", "-q", *options) == 2
    assert message in capsys.readouterr().err
    assert not list(Path().glob("*.nc"))
