"""Tables of instruments: what was written is found, in every style; what is odd is refused."""

import gzip
import sys

import numpy as np
import pytest

from frenkel.analysis.measured import dataset
from frenkel.data.measured import mapping, mapping_file
from frenkel.data.measured.quantities import QUANTITIES, UNITS, parted, quantity_of, unit_of
from frenkel.data.measured.reading import read_table
from frenkel.data.measured.table import Style, TableError

VOLTS = [0.0, 0.5, 1.0, 0.5, 0.0]
AMPERES = [0.0, 1e-6, 2e-6, 1.5e-6, 0.0]


def lines(mark, decimal=".", head="Voltage (V){m}Current (uA)"):
    rows = [f"{v:g}{mark}{i * 1e6:.1f}".replace(".", decimal) for v, i in zip(VOLTS, AMPERES, strict=True)]
    return [head.format(m=mark), *rows] if head else rows


STYLES = {
    "comma": lines(","),
    "semicolon": lines(";"),
    "tab": lines("\t"),
    "spaces": lines("  "),
    "decimal comma": lines(";", ","),
    "preamble": ["Keithley 4200", "Date, 2024-01-02", "Points, 5", "Start, 0", "Stop, 1", "", *lines(",")],
    "units below": ["V,I", "(V),(uA)", *lines(",", head="")],
    "units in words": ["x-axis,1", "Volt,uA", *lines(",", head="")],
    "title above": ["IV sweep,cell 7", *lines(",")],
    "comment": ["# measured by hand", "# Voltage (V), Current (uA)", *lines(",", head="")],
    "mark at ends": [line + "," for line in lines(",", head="")],
    "prefixed": ["DataName, Voltage (V), Current (uA)", *(f"DataValue, {x}" for x in lines(",", head=""))],
}


@pytest.mark.parametrize("name", STYLES)
def test_every_style_gives_the_same_numbers(name, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(STYLES[name]))
    read = read_table(path)
    found = [read.numbers(k) for k in (0, 1)]
    assert np.array_equal(found, [VOLTS, np.array(AMPERES) * 1e6])
    if name != "mark at ends":
        plan = mapping.plan(read, kind="loops")
        (volts,), (amperes,) = plan.of("voltage"), plan.of("current")
        assert np.allclose(mapping.values(read, amperes), AMPERES, rtol=1e-12, atol=0)
        assert np.array_equal(mapping.values(read, volts), VOLTS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings_and_gzip(encoding, tmp_path):
    text = "\n".join(lines(",", head="Voltage (V),Current (µA)"))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text.encode(encoding)))
    plan = mapping.plan(read_table(path))
    assert [column.unit for column in plan.columns] == ["V", "µA"] and plan.kind == "loops" and plan.guessed


def test_excel(tmp_path):
    import pandas

    pytest.importorskip("openpyxl")
    frame = pandas.DataFrame({"Voltage (V)": VOLTS, "Current (uA)": np.array(AMPERES) * 1e6})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    assert np.array_equal(read_table(tmp_path / "a.xlsx").numbers(0), VOLTS)
    (tmp_path / "b.xlsx.gz").write_bytes(gzip.compress((tmp_path / "a.xlsx").read_bytes()))
    assert np.array_equal(read_table(tmp_path / "b.xlsx.gz").numbers(0), VOLTS)
    with pytest.raises(TableError, match="a.xlsx cannot be read as Excel: .*'other' not found"):
        read_table(tmp_path / "a.xlsx", Style(sheet="other"))


@pytest.mark.parametrize(("ending", "package"), [("xlsx", "openpyxl"), ("ods", "odf")])
def test_excel_without_its_reader_is_one_sentence(ending, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / f"a.{ending}").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(TableError, match=rf"^a\.{ending} (is Excel, which needs \w+: pip install|cannot be)"):
        read_table(tmp_path / f"a.{ending}")


def test_text_that_is_called_excel_is_told(tmp_path):
    (tmp_path / "a.xlsx").write_text("V (V),I (A)\n0,1\n1,2\n2,3\n")
    with pytest.raises(
        TableError, match=r"^a\.xlsx holds no Excel, as its name says: give text another ending"
    ):
        read_table(tmp_path / "a.xlsx")


def test_a_title_above_numbers_without_names_stays(tmp_path):
    """Two words of an instrument are no names of columns."""
    (tmp_path / "a.csv").write_text("Analyser, 2.1.b\n0,5,1,5\n1,5,2,5\n2,5,3,5")
    assert read_table(tmp_path / "a.csv").headers == ("",) * 4


def test_blocks_under_repeated_headers_are_kept_apart(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["sweep 1", *lines(","), "", "sweep 2", *lines(",")]))
    read = read_table(path)
    assert read.block.tolist() == [0] * 5 + [1] * 5 and "2 blocks" in read.notes[0]


def test_missing_values_and_overflow(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("time (s),current (A)\n0,\n1,9.9e37\n2,nan\n3,1e-6\n4,2e-6")
    assert np.array_equal(np.isnan(read_table(path).numbers(1)), [True, True, True, False, False])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no data"),
        ("a,b\nc,d\n", "holds no table: at least 3 rows"),
        ("V (V),I (A)\n0,1\n1,2\n2,x\n3,4\n4,5\n5,6", r"line 4 of a\.csv must hold numbers .*, got '2 x'"),
        (
            "V (V),I (A)\n0,1\n1,2\n2,3,9\n3,4\n4,5\n5,6",
            r"line 4 of a\.csv must have 2 columns as the others, got 3",
        ),
        ("V (V),I (A)\n0,1\n1,2\n2,3\nend", r"line 5 of a\.csv must have 2 columns as the others, got 1"),
        ("V (V),I (A)\n1_0,1\n1,2\n2,3\n3,4", r"line 2 of a\.csv"),
        (
            "V (V),I (A)\n0,1,5\n1,2,5\n2,3,5\n3,4,5",
            r"line 1 of a\.csv names 2 columns, the lines below hold 3: are there decimal commas",
        ),
        (
            "V (V),I (A)\n0,5,1,5\n1,5,2,5\n2,5,3,5\n3,5,4,5",
            r"line 1 of a\.csv names 2 columns, the lines below hold 4: are there decimal commas",
        ),
    ],
)
def test_odd_tables_are_refused_with_their_line(text, message, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "time (s),current (A)\n0,1\n2,1\n1,2\n3,1",
            "times of a trace must ascend, got 2 s and then 1 s of device a$",
        ),
        (
            "time (s),current (A)\n0,1\n0,1\n0,1\n0.01,1\n0.01,1",
            r"ascend, got 0 s and then 0 s of device a, 3 of 5 as the .* \(the mean step is 0\.0025 s\)",
        ),
        (
            "device,cycle,HRS (ohm),LRS (ohm)\n1,1,1e5,1e4\n1,2,-2e5,1e4\n1,3,1e5,1e4",
            r"line 3 of a\.csv: hrs must be above 0 ohm, got -200000; leave the cell empty",
        ),
    ],
)
def test_numbers_that_cannot_be_are_refused(text, message, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    read = read_table(tmp_path / "a.csv")
    with pytest.raises(TableError, match=message):
        dataset.dataset([(read, mapping.plan(read))])


ROUNDED = [f"{k * 0.0025:.2f}" for k in range(1000)]
"""Stamps of a trace of 400 Hz as an instrument of two digits writes them."""


def stepped(tmp_path, stamps, told):
    """Return the times of a trace of such stamps (None: no column) with this under [measurement]."""
    rows = [f"{stamp},1e-6" if stamps else "1e-6" for stamp in stamps or range(1000)]
    (tmp_path / "a.csv").write_text("\n".join(["time (s),current (A)" if stamps else "current (A)", *rows]))
    (tmp_path / "m.toml").write_text(f"[measurement]\n{told}")
    read = read_table(tmp_path / "a.csv")
    plan = mapping.plan(read, mapping_file.read_mapping(tmp_path / "m.toml"))
    assert plan.kind == "trace" and 'step = "0.0025 s"' in mapping.as_toml(plan)
    return dataset.dataset([(read, plan)])["trace_time"].values


LATE = [f"{1.7e9 + k * 0.0025:.3f}" for k in range(1000)]


@pytest.mark.parametrize("stamps", [ROUNDED, LATE, [f"{k * 0.0025:.3f}" for k in range(1000)], None])
def test_a_step_stands_for_stamps_of_too_few_digits(stamps, tmp_path):
    """Equal ones, uneven ones, and none: equal steps, exactly."""
    times = stepped(tmp_path, stamps, 'step = "2.5 ms"')
    assert np.array_equal(times, 0.0025 * np.arange(1000))


@pytest.mark.parametrize("first", [0.0, 1.7e9])
def test_stamps_of_full_precision_go_with_a_step_of_seven_digits(first, tmp_path):
    """3,000 a second, with all digits that a number has: they differ from the step in the last ones."""
    rows = [f"{first + k / 3000!r},1e-6" for k in range(3000)]
    (tmp_path / "a.csv").write_text("\n".join(["time (s),current (A)", *rows]))
    (tmp_path / "m.toml").write_text('[measurement]\nstep = "333.3333 us"')
    read = read_table(tmp_path / "a.csv")
    plan = mapping.plan(read, mapping_file.read_mapping(tmp_path / "m.toml"))
    assert dataset.dataset([(read, plan)])["trace_time"].values[-1] == pytest.approx(2999 / 3000, rel=1e-6)


@pytest.mark.parametrize(
    "stamps",
    [
        ROUNDED[:500] + ROUNDED[510:],  # lost samples
        [f"{k * 0.0026:.2f}" for k in range(1000)],  # another step
        [f"{k * 0.0025:.4f}" for k in range(1001) if k != 500],  # one lost sample, stamped exactly
        [*ROUNDED[:500], *ROUNDED[:500]],  # begun again
        [f"{k * 0.003:.2f}" for k in range(50)],  # another step, in a trace that is short against 1 s
        [f"{1.7e9 + k * 0.003:.2f}" for k in range(50)],  # the same, in seconds since 1970
    ],
)
def test_stamps_must_agree_with_a_step(stamps, tmp_path):
    with pytest.raises(TableError, match=r'must go with step 0\.0025 s, got .* mean step .* "ignore"'):
        stepped(tmp_path, stamps, 'step = "2.5 ms"')


def test_bytes_are_no_table(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x00\x01\x02\x89" * 50)
    with pytest.raises(TableError, match="must be text or Excel"):
        read_table(tmp_path / "a.csv")
    for start in (b"\x89HDF\r\n", b"CDF\x01\x00"):
        (tmp_path / "a.nc").write_bytes(start * 50)
        with pytest.raises(TableError, match="a.nc is netCDF, no table of measurements: frenkel show and"):
            read_table(tmp_path / "a.nc")
    (tmp_path / "b.csv.gz").write_bytes(b"\x1f\x8b\x08 broken")
    with pytest.raises(TableError, match="cannot be unpacked"):
        read_table(tmp_path / "b.csv.gz")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("Voltage,Current (A)", 'no unit is given for \'Voltage\'; .* "Voltage" = "voltage \\(V\\)"'),
        ("Voltage (V),Current (furlong)", "the unit 'furlong' is not known for 'Current \\(furlong\\)'"),
        ("V1 (V),V2 (V)", "all seem to be voltage|do not tell what was measured"),
        ("Foo,Bar", "the columns do not tell what was measured \\('Foo' as nothing"),
    ],
)
def test_nothing_is_guessed_in_silence(head, message, tmp_path):
    (tmp_path / "a.csv").write_text(head + "\n0,1\n1,2\n0,3\n")
    with pytest.raises(TableError, match=message):
        mapping.plan(read_table(tmp_path / "a.csv"))


def test_a_number_of_cycles_in_a_unit_of_something_else_is_refused(tmp_path):
    """LRS in volts is no voltage in silence; a mapping may say that it is to be ignored."""
    (tmp_path / "a.csv").write_text("device,cycle,hrs (ohm),lrs (V)\n" + "a,1,1e5,1\n" * 4)
    table = read_table(tmp_path / "a.csv")
    with pytest.raises(
        TableError, match=r"^a\.csv: 'lrs \(V\)' must have a unit of ohm or S or A, got 'V'; say in a"
    ):
        mapping.plan(table)
    told = mapping_file.MappingFile(columns={"lrs (V)": "ignore"})
    assert [column.quantity for column in mapping.plan(table, told).columns] == ["device", "cycle", "hrs", ""]


def test_units_are_applied_with_their_offset(tmp_path):
    (tmp_path / "a.csv").write_text("device,time (h),T (°C),R (kΩ)\n" + "c,1,25,2\n" * 3)
    read = read_table(tmp_path / "a.csv")
    plan = mapping.plan(read)
    assert plan.kind == "reads"
    found = {column.quantity: mapping.values(read, column)[0] for column in plan.columns if column.unit}
    assert found == {"time": 3600.0, "temperature": 298.15, "resistance": 2000.0}
    data = dataset.dataset([(read, plan)])
    assert float(data["read_conductance"][0]) == pytest.approx(5e-4, rel=1e-12)


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("I [uA]", "I", "uA"),
        ("V/mV", "V", "mV"),
        ("x", "x", ""),
        (" Time (ms ", "Time", "ms"),
        ("on/off (1)", "on/off", "1"),  # a slash in the name
        ("rate (1/s)", "rate", "1/s"),  # and in the unit
        ("a/b/c", "a/b", "c"),
        ("f(x) (s)", "f(x) (s)", ""),
    ],
)
def test_a_header_has_a_name_and_a_unit(header, name, unit):
    assert parted(header) == (name, unit)


def test_names_of_ours_stand_for_themselves():
    assert all(quantity_of(name) == name for name in QUANTITIES)
    assert (
        quantity_of("V_Set") == "set_voltage" and quantity_of("Time 1") == "time" and not quantity_of("foo")
    )
    assert unit_of("Ω") == ("ohm", 1.0, 0.0)  # the sign of ohm, not the letter omega
    assert all(factor > 0 for _, factor, _ in UNITS.values())


def test_a_mapping_is_written_and_read_back(tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(lines(";", ",")))
    read = read_table(tmp_path / "a.csv")
    plan = mapping.plan(read)
    (tmp_path / "m.toml").write_text(mapping.as_toml(plan), encoding="utf-8")
    again = mapping.plan(read, mapping_file.read_mapping(tmp_path / "m.toml"))
    assert [(c.quantity, c.unit) for c in again.columns] == [(c.quantity, c.unit) for c in plan.columns]
    assert again.kind == plan.kind and not again.guessed


def test_a_mapping_tells_what_no_header_does(tmp_path):
    (tmp_path / "a.tsv").write_text("3\t1000\n5\t2000\n7\t4000\n")
    (tmp_path / "m.toml").write_text(
        '[measurement]\nkind = "reads"\ntime = "2 h"\ntemperature = "85 C"\nstate = "hrs"\n'
        '[columns]\n1 = "device"\n2 = "resistance (ohm)"\n'
    )
    read = read_table(tmp_path / "a.tsv", Style(header=0))
    data = dataset.dataset([(read, mapping.plan(read, mapping_file.read_mapping(tmp_path / "m.toml")))])
    assert data["device"].values.tolist() == ["3", "5", "7"] and set(data["read_state"].values) == {"hrs"}
    assert np.allclose(data["read_conductance"], [1e-3, 5e-4, 2.5e-4]) and set(data["read_time"].values) == {
        7200.0
    }
    assert np.allclose(data["read_temperature"], 358.15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[column]\n1 = 'time'", "tables must be among measurement, table, columns, got 'column'"),
        ("[measurement]\nkind = 'loop'", "kind must be one of loops, cycles, .*, got 'loop'"),
        ("[measurement]\ntime = '3 V'", "time must be a number with a unit of s, got '3 V'"),
        ("[measurement]\nstep = '0 s'", "step must be above 0 s and finite, got '0 s'"),
        ("[measurement]\nstep = '1e999 s'", "step must be above 0 s and finite, got '1e999 s'"),
        ("[measurement]\nstep = '3 V'", "step must be a number with a unit of s, got '3 V'"),
        ("[measurement]\nkind = 'loops'\nstep = '1 s'", "step is .* samples of a trace, not of loops"),
        ("[measurement]\ntime = true", "time must be a number with a unit of s, got True"),
        ("[table]\ndelimiter = '|'", "delimiter must be one of tab, semicolon, comma, space, got '|'"),
        ("[table]\nheader = -1", "header must be the number of a line"),
        ("[columns]\n1 = 3", "column 1 must be text such as"),
        ("columns = 3", "columns must be a table"),
        ("[columns]\n9 = 'time (s)'", "has no column '9' of the mapping; it has Voltage"),
        ("[columns]\n1 = 'foo (s)'", "must be one of device, .* or ignore"),
        ("[columns]\n1 = 'voltage (A)'", "'Voltage \\(V\\)' must have a unit of V, got 'A'"),
        ("no toml", "m.toml: "),
    ],
)
def test_bad_mappings(text, message, tmp_path):
    (tmp_path / "m.toml").write_text(text)
    (tmp_path / "a.csv").write_text("\n".join(lines(",")))
    with pytest.raises(TableError, match=message):
        mapping.plan(read_table(tmp_path / "a.csv"), mapping_file.read_mapping(tmp_path / "m.toml"))


def test_notes_say_what_is_not_read(tmp_path):
    """How many lines, the first 50 characters of the first, and how many blocks there are."""
    first = "".join(chr(97 + number % 26) for number in range(60))
    rows = "".join(f"{volt},{volt * 1e-6}\n" for volt in (0.1, 0.2, 0.3, 0.4))
    header = "voltage (V),current (A)\n"
    (tmp_path / "a.csv").write_text(f"{first}\nmade by hand\n{header}{rows}{header}{rows}")
    notes = read_table(tmp_path / "a.csv").notes
    assert any("2 blocks, each under its header" in note for note in notes)
    assert any(f"2 lines above the header are not read: {first[:50]!r} ..." in note for note in notes)
