"""Measurements through the command line: read, and then taken by the commands that take simulated data."""

import gzip
import sys
from pathlib import Path

import earlier
import numpy as np
import pytest
import xarray as xr

from frenkel.cli.main import main
from frenkel.data import store
from frenkel.data.measured.schema import LAYOUT
from frenkel.experiment import measurements

DATA = earlier.today()
sys.path.append(str(Path(__file__).resolve().parents[1] / "analysis" / "measured"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def triangles(cycles=3):
    """Return rows of a table of loops of one planted cell."""
    from test_loops import loop

    rows = ["cycle,Voltage (V),Current (A)"]
    for cycle in range(1, cycles + 1):
        rows += [f"{cycle},{v:.6g},{i:.6g}" for v, i in zip(*loop(), strict=True)]
    return "\n".join(rows)


def test_loops_become_cycles_in_a_file(folder, capsys):
    (folder / "dev1.csv").write_text(triangles())
    (folder / "dev2.csv").write_text(triangles())
    assert main(["read", "dev1.csv", "dev2.csv", "-o", "chip.nc"]) == 0
    out = capsys.readouterr().out
    assert "guessed: loops" in out and "dev2.csv: 1623 rows; loops, likewise" in out and "6 loops" in out
    data = store.load("chip.nc", LAYOUT)
    assert data["device"].values.tolist() == ["dev1", "dev2"] and data.sizes["cycle"] == 3
    assert np.allclose(data["hrs"], 1e5) and np.allclose(data["lrs"], 1e4)
    assert '"file": "dev1.csv"' in data.attrs["provenance"] and "sha256" in data.attrs["provenance"]
    assert main(["plot", "endurance", "chip.nc", "-o", "e.png"]) == 0
    assert main(["plot", "probability", "chip.nc", "set_voltage", "--family", "normal", "-o", "p.png"]) in (
        0,
        1,
    )


def test_currents_without_their_sign_and_devices_without_a_loop(folder, capsys):
    """Magnitudes, as many instruments save them, get the sign of the voltage, and it is said; so is a device
    that only conducts."""
    rows = triangles().splitlines()
    size = [",".join([*row.split(",")[:2], row.split(",")[2].lstrip("-")]) for row in rows]
    (folder / "abs.csv").write_text("\n".join(size))
    (folder / "signed.csv").write_text("\n".join(rows))
    flat = [row.rsplit(",", 1)[0] + "," + f"{float(row.split(',')[1]) * 1e-5:.6g}" for row in rows[1:]]
    (folder / "flat.csv").write_text("\n".join([rows[0], *flat]))
    assert main(["read", "abs.csv", "signed.csv", "flat.csv", "-o", "chip.nc"]) == 0
    out = capsys.readouterr().out
    assert out.count("they get the sign of their voltage") == 1 and "no cycle of flat of flat.csv" in out
    data = store.load("chip.nc", LAYOUT)
    assert np.allclose(data["hrs"][:2], 1e5) and np.isnan(data["hrs"][2]).all()
    assert main(["read", "flat.csv", "-o", "flat.nc"]) == 1
    assert "no SET is seen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V (V),I (A)\n0,0\n1,1e-6\n2,2e-6\n1,1e-6\n0\n", "line 6 of a.csv must"),
        ("V (V),I (A)\n", "holds no table"),
        ("V,I\n0,1e-6\n1,2e-6\n-1,-2e-6\n", "no unit is given for 'V'"),
        ("V (V),I (A)\n0,0\n1,1e-6\n2,2e-6\n1,abc\n0,0\n", "line 5 of a.csv must hold numbers"),
        ("V (V),I1 (A),I2 (A)\n0,0,0\n1,1e-6,1e-6\n-1,-1e-6,0\n", "all seem to be current"),
        ("V (V),I (furlong)\n0,0\n1,1e-6\n-1,-1e-6\n", "the unit 'furlong' is not known"),
        ("time (s),I (A)\n-1,1e-6\n0,1e-6\n1,2e-6\n", "time must be at least 0 s, got -1"),
        ("device,cycle,HRS (ohm)\na,1,1e5\na,1,1e5\na,2,1e5\n", "must have each cycle once"),
        ('cycle,HRS (ohm)\n1,"1,200"\n2,"1,300"\n3,"1,250"\n', "a number in HRS (ohm), got '1,200'"),
        ("<!DOCTYPE html><html><body>404 Not Found</body></html>", "holds no table"),
    ],
)
def test_broken_tables_end_in_one_sentence(text, message, folder, capsys):
    """Ten ways in which a table is broken, by hand."""
    (folder / "a.csv").write_text(text)
    assert main(["read", "a.csv", "-o", "a.nc"]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (folder / "a.nc").exists()


def test_numbers_that_cannot_be_meant_are_asked_about(folder, capsys):
    """HRS below LRS is a question; a number that never changes is no card, in a sentence."""
    rows = [f"{d},{c},1e4,{1e5 + c}" for d in "abc" for c in range(1, 15)]
    (folder / "a.csv").write_text("\n".join(["device,cycle,HRS (ohm),LRS (ohm)", *rows]))
    assert main(["read", "a.csv", "-o", "a.nc"]) == 0
    assert "are the columns swapped?" in capsys.readouterr().out
    assert main(["fit", "a.nc", "-o", "a.json", "--bootstrap", "0"]) == 1
    assert "HRS of a.nc is below LRS in 100% of the cycles" in capsys.readouterr().err
    rows = [row.replace("1e4", "1e6") for row in rows]
    (folder / "b.csv").write_text("\n".join(["device,cycle,HRS (ohm),LRS (ohm)", *rows]))
    assert main(["read", "b.csv", "-o", "b.nc"]) == 0
    assert main(["fit", "b.nc", "-o", "b.json", "--bootstrap", "0"]) == 1
    assert "hrs is the same in every cycle of b.nc, 1e+06 ohm" in capsys.readouterr().err


def test_without_an_output_the_guess_is_shown_and_can_be_changed(folder, capsys):
    (folder / "a.csv").write_text(triangles().replace("Voltage (V)", "Vx"))
    assert main(["read", "a.csv"]) == 1
    assert "do not tell what was measured" in capsys.readouterr().err
    (folder / "m.toml").write_text('[columns]\nVx = "voltage (mV)"\n')
    assert main(["read", "a.csv", "--map", "m.toml", "--write-map", "w.toml"]) == 0
    assert "as told" in capsys.readouterr().out and '"voltage (mV)"' in (folder / "w.toml").read_text()
    assert not (folder / "a.nc").exists()


def test_reads_pulses_traces_and_cycles(folder, capsys):
    g = [1e-6, 2e-6, 3e-6, 2e-6, 1e-6, 0.5e-6]
    volts = [0, 1, 1, 1, -1, -1]
    (folder / "pulses.tsv").write_text(
        "device\tvoltage (V)\tG (uS)\n"
        + "\n".join(f"c\t{v}\t{x * 1e6}" for v, x in zip(volts, g, strict=True))
    )
    time = np.arange(1000) * 1e-3
    noise = np.random.default_rng(1).standard_normal(1000)
    current = 40 + 5 * (np.sin(time * 60) > 0) + 0.3 * noise
    (folder / "trace.txt").write_text(
        "Scope 1\nRecord\nSecond\tnA\n"
        + "\n".join(f"{t:g}\t{i:.3f}" for t, i in zip(time, current, strict=True))
    )
    (folder / "rest.tsv").write_text(
        "device\ttime (s)\tG (uS)\n"
        + "\n".join(f"{d}\t{t}\t{5 + 0.1 * d}" for d in range(9) for t in (1, 10, 100, 1e3))
    )
    (folder / "cycles.tsv").write_text(
        "device\tcycle\tHRS (kohm)\tLRS (kohm)\na\t1\t100\t10\na\t2\t110\t9\nb\t1\t90\t\n"
    )
    files = ["pulses.tsv", "trace.txt", "rest.tsv", "cycles.tsv"]
    assert main(["read", *files, "-o", "chip.nc"]) == 0
    data = store.load("chip.nc", LAYOUT)
    assert (
        data.sizes["read"] == 36 and data.sizes["pulse"] == 6 and data["trace_size"].values.tolist() == [1000]
    )
    assert measurements.trains(Path("chip.nc"))[0][0] == 1
    assert np.allclose(measurements.trains(Path("chip.nc"))[0][1], g[:4])
    assert np.allclose(measurements.resting(Path("chip.nc"))[""][0][1], 5e-6)
    cycle, hrs, lrs = measurements.windows(Path("chip.nc"))
    assert np.isnan(lrs[[0, 1, 2, 3]]).any() and np.nanmax(hrs) == pytest.approx(1.1e5) and len(cycle) == 2
    assert main(["plot", "relaxation", "rest.tsv", "-o", "r.png"]) == 0  # the table itself is taken, too
    capsys.readouterr()
    assert main(["rtn", "chip.nc", "--most", "1"]) == 0
    measured = capsys.readouterr().out
    assert main(["rtn", "trace.txt", "--most", "1"]) == 0
    assert capsys.readouterr().out == measured and "nA" in measured
    assert main(["rtn", "chip.nc", "--trace", "2"]) == 1
    assert "--trace must be from 1 to 1, the traces of chip.nc, got 2" in capsys.readouterr().err


def test_measured_and_simulated_cycles_have_one_layout(folder):
    """The loops of an ensemble, read as if measured, give the resistances that the ensemble says."""
    simulated = measurements.of_file(DATA / "run.nc")
    assert simulated.attrs["frenkel_kind"] == "measured" and {"hrs", "lrs"} <= set(simulated.data_vars)
    ensemble = measurements.of_file(DATA / "ensemble.nc")
    LAYOUT.check(ensemble)
    with xr.open_dataset(DATA / "ensemble.nc", decode_times=False) as whole:
        done = whole["status"].values == 0
        known = whole["hrs"].values[done]
    assert np.array_equal(ensemble["hrs"].values, np.where(np.isfinite(known), known, np.nan), equal_nan=True)


EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "measured"


@pytest.mark.parametrize(
    ("name", "words", "text"),
    [
        ("loops", ["--read-voltage", "0.3 V"], ["guessed: loops", "60 loops", "set_voltage       -884 mV"]),
        ("cycles", [], ["guessed: cycles", "19 device(s)", "missing in 20 of 3800"]),
        ("bake", [], ["guessed: reads", "5120 reads", "512 device(s)"]),
        ("traces", [], ["guessed: trace", "5 traces"]),
    ],
)
def test_measured_examples_are_read_by_a_guess(name, words, text, folder, capsys):
    assert main(["read", str(EXAMPLES / f"{name}.csv.gz"), "-o", "x.nc", *words]) == 0
    out = capsys.readouterr().out
    assert all(one in out for one in text), out


def test_endurance_of_measured_cycles_some_of_which_are_missing(folder, capsys):
    assert main(["plot", "endurance", str(EXAMPLES / "cycles.csv.gz"), "-o", "x.png"]) == 0
    assert "cycles of 19 device(s) with on/off below 10, the first is cycle 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["read", "none.csv"], 1, "there is no file none.csv"),
        (["read", "a.csv", "-o", "a.csv"], 2, "--output must end in .nc"),
        (["read", "a.csv", "--write-map", "m.txt"], 2, "--write-map must end in .toml"),
        (["read", "a.csv", "--read-voltage", "3"], 2, "--read-voltage"),
        (["read", "a.csv", "--as", "trace"], 1, "trace must have time or step, and no column holds one"),
        (["read", "a.csv", "a.csv", "-o", "x.nc"], 1, "must have each cycle once"),
        (["read", "a.csv", "--map", "none.toml"], 1, "none.toml"),
    ],
)
def test_mistakes_end_in_one_sentence(arguments, status, message, folder, capsys):
    (folder / "a.csv").write_text(triangles(1))
    assert main(arguments) == status
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_units_pictures_and_mappings_to_fill_in(folder, capsys):
    """A guess that fails leaves a mapping with the columns; units come with the command; it is drawn."""
    rows = triangles().splitlines()
    (folder / "a.csv").write_text("\n".join(["cycle,V,I", *rows[1:]]))
    assert main(["read", "a.csv", "--write-map", "m.toml", "-o", "a.nc"]) == 1
    out, err = capsys.readouterr()
    assert "wrote m.toml: say in it what the columns are" in out
    assert "such as frenkel read a.csv --unit V,A" in err
    assert '"V" = "voltage"  # 0, 0.01, 0.02' in (folder / "m.toml").read_text()
    assert main(["read", "a.csv", "--unit", "V,A", "--plot", "a.png", "-o", "a.nc"]) == 0
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    (folder / "m.toml").write_text((folder / "m.toml").read_text().replace("# units", "units"))
    assert main(["read", "a.csv", "--map", "m.toml", "-o", "b.nc"]) == 0
    capsys.readouterr()
    assert main(["read", "a.csv", "--unit", "V,furlong"]) == 2
    assert "units must be units such as V, mV" in capsys.readouterr().err
    assert main(["read", "a.csv", "a.csv", "a.csv", "--map", "m.toml", "m.toml"]) == 1
    assert "one for each of 3 tables in their order, got 2" in capsys.readouterr().err
    assert main(["read", "a.nc", "-o", "c.nc"]) == 0
    assert "3 loops" in capsys.readouterr().out
    assert np.array_equal(store.load("c.nc", LAYOUT)["hrs"], store.load("a.nc", LAYOUT)["hrs"])


@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("relaxation", "cycles"),
        ("retention", "bake"),
        ("endurance", "cycles"),
        ("relaxation", "foundry_b"),
        ("probability", "cycles"),
    ],
)
def test_plots_take_a_csv_as_they_take_it_packed(what, table, folder, capsys):
    packed = Path(__file__).resolve().parents[2] / "examples" / "measured" / f"{table}.csv.gz"
    (folder / "a.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    more = {"probability": ["lrs", "--family", "lognormal"], "retention": ["--use", "330 K"]}.get(what, [])
    said = []
    for path in (str(packed), "a.csv"):
        code = main(["plot", what, path, *more, "-o", "p.png", "--force"])
        said.append((code, capsys.readouterr().out))
    assert said[0] == said[1]
    assert said[0][0] == (1 if (what, table) == ("relaxation", "cycles") else 0)
