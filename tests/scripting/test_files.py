"""Files of any kind open by one name; datasets select by names and know what they are."""

import subprocess
import sys

import earlier
import numpy as np
import pytest
import xarray as xr

import frenkel as fk
from frenkel.data import store
from frenkel.data.layout import SchemaError
from frenkel.experiment.device import first_difference

DATA = earlier.today()


@pytest.fixture(scope="module")
def run():
    return fk.open(DATA / "run.nc")


@pytest.fixture(scope="module")
def ensemble():
    return fk.open(DATA / "ensemble.nc")


def test_phases_and_snapshots_have_names(run):
    plain = store.load(DATA / "run.nc")
    for number, name in enumerate(plain["phase_name"].values):
        expected = plain["current"].values[plain["phase"].values == number]
        for label in (str(name), number):
            np.testing.assert_array_equal(run.sel(phase=label)["current"], expected)
        assert float(run.sel(phases=name)["read_current"]) == float(plain["read_current"][number])
    label = plain["snapshot_label"].values[3]
    assert float(run.sel(snapshot=label)["snapshot_time"]) == float(plain["snapshot_time"][3])
    with pytest.raises(KeyError, match="no phase 'set 9' .did you mean 'set 2'"):
        run.sel(phase="set 9")


def test_names_outlive_what_is_done_to_a_dataset(run):
    expected = run.sel(phase="set 1")["current"].values
    for other in (run.copy(deep=True), run.isel(sample=slice(None)), run[["current"]], run.assign_attrs(a=1)):
        np.testing.assert_array_equal(other.sel(phase="set 1")["current"], expected)
    later = run.isel(sample=slice(40, None))
    assert later.sel(phase="set 1")["current"].values[-1] == expected[-1]


def test_what_was_opened_is_saved_as_it_was(run, tmp_path):
    fk.save(run, tmp_path / "copy.nc")
    plain = store.load(DATA / "run.nc")
    assert first_difference(plain, store.load(tmp_path / "copy.nc")) is None
    assert first_difference(plain, fk.open(tmp_path / "copy.nc")) is None


def test_a_dataset_knows_its_device(run):
    one = xr.load_dataset(DATA / "run.nc").frenkel  # as xarray opens it
    loop = one.iv("set 1")
    np.testing.assert_array_equal(loop, run.sel(phase="set 1")["current"])
    np.testing.assert_array_equal(loop["source_voltage"], run.sel(phase="set 1")["source_voltage"])
    ohms = one.resistance.sel(phases=["reset 1", "reset 2"]).values
    np.testing.assert_array_equal(ohms, one.cycles()["hrs"].values)
    np.testing.assert_array_equal(one.resistance, one.phases()["resistance"])
    shot = one.snapshot("form: end")
    assert shot.label == "form: end" and len(shot.position) == int(
        run["snapshot_size"].sel(snapshot="form: end")
    )
    assert "reset 2" in one.summary() and "iv" in repr(one)
    with pytest.raises(KeyError, match="no snapshot 'form: ende' .did you mean 'form: end'"):
        one.snapshot("form: ende")


def test_snapshots_become_atoms(run):
    pytest.importorskip("ase")
    frames = run.frenkel.to_ase()
    assert [len(one) for one in frames] == run["snapshot_size"].values.tolist()
    shot = run.frenkel.snapshot(2)
    np.testing.assert_allclose(frames[2].positions, shot.position * 1e10, atol=1e-6)


def test_an_ensemble_gives_members(ensemble):
    member = ensemble.frenkel.member(0)
    assert first_difference(member, store.load(DATA / "run.nc")) is None
    assert member.sel(phase="form").sizes["sample"] > 0
    assert ensemble.frenkel.padded("current").sizes["member"] == 2
    assert "2 ok" in ensemble.frenkel.summary()
    with pytest.raises(TypeError, match="needs the result of a device, got that of an ensemble; its frenk"):
        ensemble.frenkel.cycles()
    with pytest.raises(TypeError, match="needs the result of an ensemble, got that of a device"):
        member.frenkel.member(0)


def test_pictures(run, ensemble, tmp_path):
    assert run.frenkel.view(tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert len(ensemble.frenkel.view().axes) == 2


def test_every_kind_opens():
    assert fk.open(DATA / "array.nc").frenkel.kind == "array"
    assert isinstance(fk.open(DATA / "small.card.json"), fk.Card)
    assert fk.open("hfo2").name == "hfo2"


@pytest.mark.parametrize("mark", [{"frenkel_kind": "calibration"}, {"frenkel_kind": "tails"}, {"study": "a"}])
def test_what_is_as_its_file_opens(mark, tmp_path):
    """And is refused where its content is not that which it carries a hash of."""
    made = xr.Dataset({"a": ("x", [1.0, 2.0])}, attrs=mark)
    made.to_netcdf(tmp_path / "made.nc")
    assert fk.open(tmp_path / "made.nc").identical(made)
    made.assign_attrs(content_hash="0" * 64).to_netcdf(tmp_path / "changed.nc")
    with pytest.raises(OSError, match="damaged or changed after it was written"):
        fk.open(tmp_path / "changed.nc")


def test_a_member_or_trace_that_there_is_not_is_told(ensemble):
    number = ensemble.sizes["member"]
    with pytest.raises(SchemaError, match=f"there is no member {number}; there are: 0, 1"):
        ensemble.frenkel.member(number)
    with pytest.raises(SchemaError, match="there is no dimension 'temperature'; there are: member"):
        ensemble.frenkel.member(0, temperature=300.0)
    swept = ensemble.expand_dims(temperature=[300.0, 350.0])
    with pytest.raises(SchemaError, match="a member of a sweep needs a value of temperature"):
        swept.frenkel.member(0)
    with pytest.raises(SchemaError, match=r"there is no temperature 310.0; there are: 300.0, 350.0"):
        swept.frenkel.member(0, temperature=310.0)
    with pytest.raises(SchemaError, match="there is no 'hrs' along the samples of members; there are: "):
        ensemble.frenkel.padded("hrs")


def test_measurements_open(tmp_path):
    from frenkel.analysis.measured import files

    table = tmp_path / "reads.tsv"
    rows = ("cycle\tHRS (ohm)\tLRS (ohm)", "1\t1e5\t1e4", "2\t1.1e5\t0.9e4", "3\t9e4\t1.1e4", "")
    table.write_text("\n".join(rows), encoding="utf-8")
    made = files.read([table])
    made.to_netcdf(tmp_path / "chip.nc")
    assert fk.open(tmp_path / "chip.nc").sizes == made.sizes


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small.toml", "is not a result: frenkel.read_configuration reads a configuration"),
        ("part.run", "is not a result: it is the folder of a run"),
        ("none.nc", "there is no file"),
        ("loops.csv.gz", "the command frenkel read makes a file of a table"),
        ("begun.nc", "there is no file .*begun.nc yet: its run is in .*begun.nc.run, frenkel status tells"),
        ("text.nc", "is not a netCDF file"),
        ("other.nc", "is not a frenkel result"),
    ],
)
def test_what_is_no_result_is_told(name, message, tmp_path):
    (tmp_path / "text.nc").write_text("text")
    (tmp_path / "begun.nc.run").mkdir()
    xr.Dataset({"a": 1.0}).to_netcdf(tmp_path / "other.nc")
    path = DATA / name if (DATA / name).exists() else tmp_path / name
    with pytest.raises((OSError, SchemaError), match=message):
        fk.open(path)


def test_the_wrong_call_names_the_right_one():
    with pytest.raises(SchemaError, match="its kind is ensemble; frenkel.open reads it"):
        store.load(DATA / "ensemble.nc")


@pytest.mark.parametrize(
    "first",
    ["import xarray, frenkel", "import frenkel, xarray; frenkel.Material"]
    + [f"import frenkel; frenkel.{name}; import xarray" for name in ("Device", "run", "ensemble", "open")],
)
def test_datasets_know_frenkel_once_it_was_used(first):
    code = f"{first}; print(xarray.Dataset().frenkel.kind)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "unknown", done.stderr


def test_a_star_leaves_open_alone():
    assert "open" not in fk.__all__ and "open" in dir(fk)


def test_rooms_are_found_below_the_top():
    code = "import frenkel as fk; print(fk.units.nm, fk.analysis.__name__, 'units' in dir(fk))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1e-09", "frenkel.analysis", "True"], done.stderr


def test_objects_are_shown_in_a_line(run):
    device = fk.Device("HfO2-volatile", "1.56 nm", "1.56 nm", seed=1)
    shown = [
        (device, "<Device HfO2-volatile, 1.56 nm wide and 1.56 nm thick, "
                 "seed 1, member 0: 0 phases, 0 events, 0 s>"),
        (fk.Waveform.triangle("2 V", "1 MV/s", label="set"), "<Waveform set: 0 2 0 V in 4e-06 s, 3 points>"),
        (fk.Waveform.points(range(20), range(20)), "<Waveform: 0 1 2 3 ... 17 18 19 V in 19 s, 20 points>"),
    ]
    for one, text in shown:
        assert repr(one) == text
    assert repr(run.frenkel.snapshot("form: start")).startswith("<Snapshot 'form: start': ")
    card = repr(fk.open(DATA / "small.card.json"))
    assert card == "<Card one 0.1.0: hrs, lrs, set_voltage, reset_voltage; 21 of 21 rows of its gate passed>"
    table = fk.Material.load("HfO2-volatile")._repr_html_()
    assert table.count("<tr>") == 1 + len(fk.Material.load("HfO2-volatile").table())
    assert "<td>vacancy.migration_barrier</td><td>0.7 eV</td><td>recalled</td>" in table
