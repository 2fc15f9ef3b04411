"""Thirty tables as instruments and laboratories write them, against what was put into them."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from made_up_loops import loop

from frenkel.analysis.measured import files, loops
from frenkel.data import store
from frenkel.data.measured import mapping, mapping_file, quantities
from frenkel.data.measured.instruments import catalogue, source
from frenkel.data.measured.schema import LAYOUT
from frenkel.data.measured.table import TableError

DATA = Path(__file__).resolve().parents[1] / "instruments"
NEAR_ZERO = 0.05
"""Fraction of the largest voltage below which samples may be cut off at the ends of a loop."""


@dataclass(frozen=True)
class Case:
    """A case of the folder: files, names of its mapping files, and units of the command line."""

    files: tuple[str, ...]
    maps: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def lines(self):
        """Lines of its longest mapping without the names of tables."""
        texts = [(DATA / "maps" / f"{name}.toml").read_text() for name in self.maps]
        return max((sum("=" in line for line in text.splitlines()) for text in texts), default=0)


CASES = {
    "easyexpert_iv": Case(("easyexpert_iv.csv",)),
    "easyexpert_blocks": Case(("easyexpert_blocks.csv",)),
    "easyexpert_sampling": Case(("easyexpert_sampling.csv",)),
    "clarius_gate": Case(("clarius_gate.xls",)),
    "clarius_runs": Case(("clarius_runs.xls",)),
    "clarius_side": Case(("clarius_side.csv",)),
    "list_devices": Case(("list.xlsx",), ("list_devices",)),
    "list_cycles": Case(("list.xlsx",), ("list_cycles",)),
    "pulses_reads": Case(("pulses_reads.csv",), ("pulses_reads",)),
    "retention": Case(("retention.csv",)),
    "matrix": Case(("matrix.csv",), ("matrix",)),
    "stamps": Case(("stamps.csv",), (), ("V", "A")),
    "leakage_tsv": Case(("leakage.tsv",), ("leakage_tsv",)),
    "leakage_dat": Case(("leakage.dat",)),
    "scope": Case(("scope.csv",), ("scope",)),
    "device_numbers": Case(("device_numbers.csv",)),
    "endurance_ratio": Case(("endurance_ratio.csv",), ("endurance_ratio",)),
    "set_sweep": Case(("set_sweep.tsv",), ("set_sweep",)),
    "arc_one": Case(("arc_one.csv",)),
    "radiant": Case(("radiant.txt",)),
    "keithley_2450": Case(("keithley_2450.csv",)),
    "keithley_2400": Case(("keithley_2400.txt",)),
    "loops_mat": Case(("loops.mat",), (), ("V", "A")),
    "pairs": Case(("pairs.csv",), (), ("mV", "uA")),
    "device_rows": Case(("device_rows.csv",), ("device_rows",)),
    "per_cycle": Case(tuple(f"per_cycle/cycle_{k:02d}.txt" for k in (10, 2, 4, 6, 8))),
    "two_maps": Case(("two_maps/wafer_a.csv", "two_maps/wafer_b.txt"), ("wafer_a", "wafer_b")),
    "alternating": Case(("alternating.csv",)),
    "logarithm": Case(("logarithm.csv",)),
    "forming": Case(("forming.txt",)),
}


def read(name):
    case = CASES[name]
    if case.files[0].endswith(".xls"):
        pytest.importorskip("python_calamine")
    if case.files[0].endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    maps = [DATA / "maps" / f"{one}.toml" for one in case.maps]
    return files.read([DATA / one for one in case.files], maps, units=case.units)


def close(ours, theirs, least=0.0):
    theirs = np.array([np.nan if x is None else x for x in theirs], float)
    return np.shape(ours) == theirs.shape and np.allclose(ours, theirs, rtol=1e-6, atol=least, equal_nan=True)


def check_loops(data, expected):
    names = [str(name) for name in data["device"].values]
    ends = np.cumsum(data["loop_size"].values)
    assert [names[k] for k in data["loop_device"].values] == [one["device"] for one in expected["loops"]]
    assert data["loop_cycle"].values.tolist() == [one["cycle"] for one in expected["loops"]]
    for one, end, size in zip(expected["loops"], ends, data["loop_size"].values, strict=True):
        volts, amperes = np.array(one["voltage"]), np.array(one["current"])
        top = NEAR_ZERO * np.abs(volts).max()
        ours = data["loop_voltage"].values[end - size : end], data["loop_current"].values[end - size : end]
        places = [np.flatnonzero(np.abs(v) >= top) for v in (volts, ours[0])]
        assert close(ours[0][places[1]], volts[places[0]]) and close(ours[1][places[1]], amperes[places[0]])
        for key in ("gate_voltage",):
            assert (key in expected) == (f"loop_{key}" in data)
            assert key not in expected or np.all(data[f"loop_{key}"].values == expected[key])
        if "step" in expected:
            assert np.allclose(np.diff(data["loop_time"].values[end - size : end]), expected["step"])


def check_cycles(data, expected):
    want = expected["cycles"]
    names = [str(name) for name in data["device"].values]
    at = [names.index(name) for name in want["device"]], np.searchsorted(data["cycle"].values, want["cycle"])
    assert data["cycle"].values[at[1]].tolist() == want["cycle"]
    for key in ("hrs", "lrs", "set_voltage", "reset_voltage"):
        assert (key in want) == (key in data)
        assert key not in want or close(data[key].values[at], want[key])


def check_pulses(data, expected):
    want, names = expected["pulses"], data["device"].values.astype(str)
    assert names[data["pulse_device"].values].tolist() == want["device"]
    for key in ("voltage", "width", "conductance", "conductance_before", "gate_voltage"):
        assert (key in want) == (f"pulse_{key}" in data)
        assert key not in want or close(data[f"pulse_{key}"].values, want[key])


@pytest.mark.parametrize("name", CASES)
def test_what_was_put_in_is_read(name):
    expected = json.loads((DATA / "expected" / f"{name}.json").read_text())
    data = read(name)
    assert CASES[name].lines <= 6
    if name == "forming":
        assert data["forming_voltage"].values == pytest.approx(expected["forming_voltage"])
        assert data.sizes["cycle"] == expected["cycles"]
        assert np.all(data["set_voltage"].values < expected["set_below"])
    elif expected["kind"] == "loops":
        check_loops(data, expected)
    elif expected["kind"] == "cycles":
        check_cycles(data, expected)
    elif expected["kind"] == "pulses":
        check_pulses(data, expected)
    elif expected["kind"] == "reads":
        want, names = expected["reads"], data["device"].values.astype(str)
        assert names[data["read_device"].values].tolist() == want["device"]
        assert close(data["read_time"].values, want["time"])
        assert close(data["read_conductance"].values, want["conductance"])
    else:
        (want,) = expected["traces"]
        assert data["device"].values.tolist() == [want["device"]]
        assert close(data["trace_time"].values, want["time"], 1e-12) and close(
            data["trace_current"].values, want["current"]
        )
        assert data["trace_voltage"].values == pytest.approx(want["voltage"])


def planned(folder, name, text, **options):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return files.planned([path], **options)[0]


def table(*columns, head):
    rows = [",".join(f"{x:.9g}" for x in row) for row in zip(*columns, strict=True)]
    return "\n".join([head, *rows])


V, I = loop()  # noqa: E741


def test_an_instrument_is_one_short_module():
    folder = Path(catalogue.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "source", "catalogue"}
    assert len(catalogue.INSTRUMENTS) == len(modules)
    assert all((folder / f"{name}.py").read_text().count("\n") <= 60 for name in modules)


@pytest.mark.parametrize(
    ("head", "factor", "units"),
    [
        ("V_TE_V,I_TE_uA", 1e-6, ()),
        ("Voltage V,Current mA", 1e-3, ()),
        ("v/V,i/nA", 1e-9, ()),
        ("mV,uA\nbias,current", 1e-6, ()),
        ("bias,current\n(mV),(uA)", 1e-6, ()),
        ("V,I", 1e-6, ("uA", "mV")),
    ],
)
def test_units_stand_inside_beside_above_or_below_names(head, factor, units, tmp_path):
    scale = 1e3 if "mV" in head or "mV" in units else 1.0
    one, plan = planned(tmp_path, "a.csv", table(V * scale, I / factor, head=head), units=units)
    (volts,), (amperes,) = plan.of("voltage"), plan.of("current")
    assert np.allclose(mapping.values(one, volts), V, rtol=1e-8, atol=1e-12)
    assert np.allclose(mapping.values(one, amperes), I, rtol=1e-8, atol=1e-20)


@pytest.mark.parametrize("head", ["log10|I| (A)", "lg(I/A)", "log10(abs(I)) (A)", "ln(I) (A)", "log_10 I_A"])
def test_logarithms_are_undone(head, tmp_path):
    with np.errstate(divide="ignore"):
        size = np.log(np.abs(I)) if head.startswith("ln") else np.log10(np.abs(I))
    one, plan = planned(tmp_path, "a.csv", table(V[1:], size[1:], head=f"V (V),{head}").replace("-inf", ""))
    (amperes,) = plan.of("current")
    found = mapping.values(one, amperes)
    assert plan.magnitude and np.allclose(found[np.isfinite(found)], np.abs(I[1:])[I[1:] != 0], rtol=1e-6)


def test_a_mapping_scales_shifts_and_undoes(tmp_path):
    (tmp_path / "m.toml").write_text(
        "[columns]\na = 'voltage (V) * -1'\nb = 'current (uA) * 1e-3 + 0.5'\nc = 'ignore'"
    )
    text = table(-V, (I * 1e6 - 0.5) / 1e-3, V, head="a,b,c")
    one, plan = planned(tmp_path, "a.csv", text, told=tmp_path / "m.toml")
    (volts,), (amperes,) = plan.of("voltage"), plan.of("current")
    assert np.allclose(mapping.values(one, volts), V) and np.allclose(
        mapping.values(one, amperes), I, atol=1e-12
    )
    (tmp_path / "again.toml").write_text(mapping.as_toml(plan))
    again = files.planned([tmp_path / "a.csv"], tmp_path / "again.toml")[0][1]
    assert again.columns == plan.columns


def test_a_second_terminal_at_a_constant_voltage_is_no_second_sweep(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(table(V, I, V * 0, I * 0, head="V1 (V),I1 (A),V2 (V),I2 (A)"))
    with pytest.raises(TableError, match="all seem to be voltage"):
        files.planned([path])
    path.write_text(table(V, I, V, I, head="V1 (V),I1 (A),V2 (V),I2 (A)"))
    ((one, plan),) = files.planned([path])
    assert plan.kind == "loops" and one.block.max() == 1 and "side by side" in one.notes[-1]


def test_groups_and_files_are_devices_where_a_mapping_says_so(tmp_path):
    (tmp_path / "m.toml").write_text("[table]\nside_by_side = 'device'\nfiles = 'device'\n")
    for k in (1, 2):
        (tmp_path / f"cycle_{k}.csv").write_text(table(V, I, V, I, head="V1 (V),I1 (A),V2 (V),I2 (A)"))
    paths = [tmp_path / f"cycle_{k}.csv" for k in (1, 2)]
    assert len(files.planned(paths, tmp_path / "m.toml")) == 2
    data = files.read(paths[:1], tmp_path / "m.toml")
    assert data["device"].values.tolist() == ["1", "2"]
    (both,) = files.planned(paths)  # else all are cycles of one device
    assert both[0].device == "cycle" and both[0].block.max() == 3


def test_several_columns_name_a_device(tmp_path):
    (tmp_path / "m.toml").write_text("[columns]\nchip = 'device'\ncell = 'device'\n")
    path = tmp_path / "a.csv"
    path.write_text("chip,cell,cycle,HRS (ohm),LRS (ohm)\nA,1,1,1e5,1e4\nA,2,1,2e5,1e4\nB,1,1,3e5,1e4\n")
    assert files.read([path], tmp_path / "m.toml")["device"].values.tolist() == ["A 1", "A 2", "B 1"]


def test_measured_files_join_tables(tmp_path):
    (tmp_path / "a.csv").write_text(table(V, I, head="V (V),I (A)"))
    (tmp_path / "b.csv").write_text(
        "device,cycle,HRS (ohm),LRS (ohm)\nb,1,1e5,1e4\nb,5,2e5,2e4\n,5,2e5,2e4\n"
    )
    (tmp_path / "c.csv").write_text("device,time (s),R (ohm)\na,1,1e5\nc,2,1e4\nc,3,1e4\n")
    for name in "ac":
        store.save(files.read([tmp_path / f"{name}.csv"]), tmp_path / f"{name}.nc", layout=LAYOUT)
    data = files.read([tmp_path / name for name in ("a.nc", "b.csv", "c.nc")])
    assert sorted(data["device"].values.tolist()) == ["a", "b", "c", "unnamed"]
    at = {str(name): k for k, name in enumerate(data["device"].values)}
    assert data["cycle"].values.tolist() == [1, 5]
    assert data["hrs"].values[at["b"]].tolist() == [1e5, 2e5]
    assert (
        data["hrs"].values[at["a"], 0] == pytest.approx(1e5) and np.isnan(data["hrs"].values[at["c"]]).all()
    )
    assert data["loop_device"].values.tolist() == [at["a"]]
    assert data["read_device"].values.tolist() == [at["a"], at["c"], at["c"]]
    assert [one["file"] for one in json.loads(data.attrs["provenance"])["measured"]] == [
        "b.csv",
        "a.csv",
        "c.csv",
    ]
    with pytest.raises(TableError, match="twice"):
        files.read([tmp_path / "a.nc", tmp_path / "a.csv"])
    store.save(files.read([tmp_path / "a.csv"], how=loops.Readout(0.2)), tmp_path / "d.nc", layout=LAYOUT)
    with pytest.raises(TableError, match="read_voltage of files that are joined must be one"):
        files.read([tmp_path / "a.nc", tmp_path / "d.nc"])


B1500 = "SetupTitle, a\nDataName, V1, I1\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", B1500, "holds no table"),
        ("a.csv", B1500 + "DataValue, 0, 0\n", "signature of Keysight EasyEXPERT, but 1 rows of numbers"),
        ("a.csv", B1500 + "DataValue, 0\n", "line 3 must have 2 values as DataName, got 1; instrument = "),
        ("a.csv", B1500 + "DataValue, 0, 0\nDataName, V2, I2\n", "line 4 names other columns"),
        (
            "a.csv",
            "Index,Reading,Unit,Value,Unit\n1,1,Amp DC,0,Volt\n2,1,Volt DC,0,Volt\n",
            "Reading must have one unit",
        ),
        ("a.mat", b"MATLAB 7.3 MAT-file, x" + bytes(600), "is of MATLAB 7.3: save it with"),
        ("a.npy", b"\x93NUMPY\x01\x00" + bytes(60), "may run code when it is read: write it as text"),
        ("a.df", b"\x80\x04\x95" + bytes(60), "may run code when it is read: write it as text"),
        ("a.dat", bytes(range(9)) * 50, "must be text or Excel, it holds bytes that are neither"),
        (
            "a.csv",
            "+0.000000E+00,+9.910000E+37,+1.000000E+03,+1.0,+2.0\n".replace(
                "1.0,+2.0", "1.000000E+00,+2.000000E+00"
            )
            * 5,
            "do not tell what was measured",
        ),
        ("a.csv", " \n\n", "holds no data"),
        ("a.csv", table(V, I, head="V (V),log(I) (A)"), 'logarithm, of base 10 or e: .*"log10 current'),
        ("a.csv", table(V, I, head="V (V),J (A/cm2)"), "needs the area of the device: area = "),
        ("a.csv", table(V, I, head="V (A),I (V)"), "do not tell what was measured"),
        ("a.csv", "device,1 s,2 s\na,1,2\nb,1,2\nc,1,2\n", "named by times; say what they hold .* values = "),
        (
            "a.csv",
            "cycle,ILRS (A),HRS (A)\n1,1,2\n2,1,2\n3,1,2\n",
            "'HRS .A.' is a current of a read, which needs",
        ),
        ("a.csv", "cycle,state,R (ohm)\n1,HRS,5\n1,HRS,6\n2,LRS,1\n", "cycle 1 of a has HRS twice"),
        (
            "a.csv",
            "cycle,state,R (ohm)\n1,HRS,5\n1,LRS,1\n2,HRS,6\n2,LRS,-2\n",
            "line 5 of a.csv: lrs must be above 0 ohm, got -2",
        ),
        (
            "a.txt",
            "Point\tTime (ms)\tDrive Voltage (V)\tPolarization\n1\t0\t0.1\t5\n2\t1\t0.2\t6\n",
            "the export has no Instantaneous Current",
        ),
    ],
)
def test_what_cannot_be_read_ends_in_a_sentence_that_says_what_to_do(name, text, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TableError, match=message):
        files.read([path])


def test_books_that_unpack_to_too_much_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "largest_table", lambda size: 5000)
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", "0" * 6000)
    with pytest.raises(TableError, match="must have at most 5000 bytes unpacked, it has 6000"):
        files.planned([tmp_path / "a.xlsx"])


def test_skeletons_are_mapping_files(tmp_path):
    (tmp_path / "a.csv").write_text(table(V, I, I, head="what,this,is"))
    (tmp_path / "b.csv").write_text("no table at all\n")
    for name in ("a.csv", "b.csv"):
        (tmp_path / "m.toml").write_text(files.skeleton(tmp_path / name))
        told = mapping_file.read_mapping(tmp_path / "m.toml")
        assert list(told.columns) == (["what", "this", "is"] if name == "a.csv" else [])


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("v_set_V", "v_set", "V"),
        ("i_on_A", "i_on", "A"),
        ("Density uA_per_cm2", "Density", "uA_per_cm2"),
        ("T_C", "T_C", ""),
        ("V_S", "V_S", ""),
        ("thing_h", "thing_h", ""),
        ("sample_1", "sample_1", ""),
        ("Time (ms)", "Time", "ms"),
    ],
)
def test_the_last_word_is_a_unit_where_it_fits_the_name(header, name, unit):
    assert quantities.name_and_unit(header) == (name, unit)


def test_states_may_be_conductances_or_currents(tmp_path):
    (tmp_path / "a.csv").write_text("HRS (uS),LRS (uA),read voltage (V)\n10,20,0.1\n5,20,0.2\n5,40,0.2\n")
    data = files.read([tmp_path / "a.csv"])
    assert np.allclose(data["hrs"], [[1e5, 2e5, 2e5]]) and np.allclose(data["lrs"], [[5e3, 1e4, 5e3]])


def test_sheets_are_devices_or_as_a_mapping_says_cycles(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["about", "this book"])
    for name in ("cell 1", "cell 2"):
        sheet = book.create_sheet(name)
        for row in [("V (V)", "I (A)"), *zip(V.tolist(), I.tolist(), strict=True)]:
            sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    plans = files.planned([tmp_path / "a.xlsx"])
    assert (
        "without a table: Sheet" in plans[0][0].notes[0]
        and "sheets are read, each a device" in plans[0][0].notes[1]
    )
    assert files.read([tmp_path / "a.xlsx"])["device"].values.tolist() == ["cell 1", "cell 2"]
    (tmp_path / "m.toml").write_text("[table]\nsheets = 'cycle'")
    data = files.read([tmp_path / "a.xlsx"], tmp_path / "m.toml")
    assert data["device"].values.tolist() == ["a"] and data["loop_cycle"].values.tolist() == [1, 2]


def test_a_cycle_that_no_column_holds_is_that_of_every_loop(tmp_path):
    """Of a mapping file: 1 uS up to a SET at 0.8 V, 100 uS down to a RESET at -0.8 V: cycle 7."""
    volts = np.concatenate([np.linspace(0, 1, 21), np.linspace(0.95, -1, 40), np.linspace(-0.95, 0, 20)])
    siemens = np.where((np.arange(81) >= 16) & (np.arange(81) < 57), 1e-4, 1e-6)
    rows = "\n".join(f"{v:.4f},{v * g:.6e}" for v, g in zip(volts, siemens, strict=True))
    (tmp_path / "a.csv").write_text("voltage (V),current (A)\n" + rows + "\n")
    (tmp_path / "map.toml").write_text('[measurement]\nkind = "loops"\ncycle = 7\n')
    data = files.read([tmp_path / "a.csv"], [tmp_path / "map.toml"])
    assert data["cycle"].values.tolist() == [7]
    assert data["set_voltage"].values.ravel() == pytest.approx([0.8], abs=0.06)
