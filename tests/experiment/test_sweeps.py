"""Sweeps over numbers of a material and over protocols: what is merged, told and drawn of them."""

import numpy as np
import pytest
import xarray as xr

import frenkel as fk
from frenkel.analysis.plots import ensemble as picture
from frenkel.cli.main import main
from frenkel.experiment import device as experiment
from frenkel.experiment import ensemble, ensemble_file
from frenkel.reports import ensemble as report

FILE = """
seed = 3
material = "HfO2-volatile"
[device]
thickness = "1.56 nm"
width = "1.56 nm"
[[phase]]
kind = "form"
amplitude = "4 V"
rate = "10 MV/s"
compliance = "10 uA"
samples = 10
[[phase]]
kind = "cycle"
repeat = 1
[[phase.phase]]
kind = "reset"
amplitude = "-1 V"
rate = "10 MV/s"
samples = 10
"""


def sweep(folder, name, *over):
    (folder / "s.toml").write_text(FILE)
    options = [word for text in over for word in ("--over", text)]
    out = folder / f"{name}.nc"
    arguments = ["sweep", str(folder / "s.toml"), *options, "--members", "2", "-o", str(out)]
    assert main([*arguments, "-q", "--engine", "serial", "--no-isolation"]) == 0
    return out


@pytest.fixture(scope="module")
def barriers(tmp_path_factory):
    over = "vacancy.migration_barrier=0.6:0.8:2 eV", "material=HfO2-volatile,HfO2-ETH"
    return sweep(tmp_path_factory.mktemp("barriers"), "barriers", *over)


def test_a_number_of_the_material_is_an_axis(barriers):
    with xr.open_dataset(barriers) as data:
        axis = data["vacancy_migration_barrier"]
        assert axis.values.tolist() == [0.6, 0.8] and axis.attrs["units"] == "eV"
        assert data["forming_voltage"].dims == ("vacancy_migration_barrier", "material", "member")
    whole = ensemble_file.open_ensemble(barriers)
    for name, species in (("HfO2-volatile", 1), ("HfO2-ETH", 2)):
        one = ensemble_file.member(whole, 1, vacancy_migration_barrier=0.8, material=name)
        asked = fk.Material.load(name).with_values({"vacancy.migration_barrier": 0.8})
        assert (one.attrs["material"], one.attrs["material_hash"]) == (name, asked.hash)
        assert one.sizes["species"] == species
        made = experiment.again(one).drop_dims(["snapshot", "defect"])
        assert experiment.first_difference(one.drop_dims(["snapshot", "defect"]), made) is None


def test_a_sweep_is_told_and_drawn_point_by_point(barriers):
    rows = [line.split() for line in report.describe(barriers).splitlines()]
    rows = [row for row in rows if row[1:2] == ["eV"]]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (barrier, name, "2") for barrier in ("0.6", "0.8") for name in ("HfO2-volatile", "HfO2-ETH")
    ]
    left, right = picture.draw(barriers).axes
    assert left.get_xlabel() == "vacancy.migration_barrier / eV" and right.get_yscale() == "log"
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    # HfO2-ETH does not form.
    assert labels[:2] == ["forming, material HfO2-volatile", "RESET, material HfO2-volatile"]
    with xr.open_dataset(barriers) as data:
        expected = np.median(data["forming_voltage"].sel(material="HfO2-volatile"), axis=1)
    np.testing.assert_array_equal(left.containers[0].lines[0].get_ydata(), expected)


def test_points_may_have_more_cycles(tmp_path):
    whole = ensemble_file.open_ensemble(sweep(tmp_path, "cycles", "phase.1.repeat=2,1"))
    assert whole["cycle"].values.tolist() == [1, 2]
    assert whole["step_name"].values.tolist() == ["form", "reset 1", "reset 2"]
    found = np.isfinite(whole["hrs"].values).all(axis=1)
    assert found.tolist() == [[True, True], [True, False]]
    for repeat, names in ((2, ["form", "reset 1", "reset 2"]), (1, ["form", "reset 1"])):
        one = ensemble_file.member(whole, 1, **{"1_repeat": repeat})
        assert one["phase_name"].values.tolist() == names


def test_points_may_have_other_phases(tmp_path):
    whole = ensemble_file.open_ensemble(sweep(tmp_path, "phases", "phase.0.repeat=1,2"))
    names = [["form", "reset 1", ""], ["form 1", "form 2", "reset 1"]]
    assert whole["step_name"].values.tolist() == names
    for repeat, expected in zip((1, 2), names, strict=True):
        one = ensemble_file.member(whole, 0, **{"0_repeat": repeat})
        assert one["phase_name"].values.tolist() == [name for name in expected if name]
        assert one["phase_kind"].values[-1] == "reset"


def test_axes_have_names_of_their_own(tmp_path):
    assert ensemble.axis("interstitial.migration_barrier=1 eV").name == "interstitial_migration_barrier"
    keys = ("layer.0.thickness", "layer.1.thickness", "layer.1.interface.barrier")
    names = [ensemble.axis(f"device.{key}=1").name for key in keys]
    assert names == ["layer_0_thickness", "layer_1_thickness", "layer_1_interface_barrier"]
    (tmp_path / "s.toml").write_text(FILE)
    axes = [ensemble.axis(text) for text in ("phase.0.amplitude=4 V", "phase.1.phase.0.amplitude=-1 V")]
    with pytest.raises(ValueError, match="each axis of a sweep needs a name of its own, got 0_ampl"):
        ensemble.sweep(lambda changes: fk.read_configuration(tmp_path / "s.toml", changes), axes, 1, tmp_path)


def test_entries_say_whose_they_are(barriers):
    """Opened by xarray alone: no selection of a member leaves the samples of all without a word."""
    with xr.open_dataset(barriers) as data:
        assert {"sample_member", "phases_member"} <= set(data.coords)
        counts = data["sample_count"].values.ravel()
        np.testing.assert_array_equal(data["sample_member"], np.repeat([0, 1] * 4, counts))
        largest = data["current"].groupby("sample_member").max()
        ends = np.cumsum(counts)
        each = [data["current"].values[end - n : end].max() for end, n in zip(ends, counts, strict=True)]
        np.testing.assert_array_equal(largest, np.reshape(each, (4, 2)).max(axis=0))


def test_members_are_not_chosen_without_their_entries(barriers, tmp_path):
    """No false alarm: numbers, samples and whole devices are had as ever, and saved as they were."""
    data = fk.open(barriers)
    with pytest.raises(ValueError, match="choosing along member would keep the entries along sample"):
        data.sel(member=1)
    with pytest.raises(ValueError, match=r"data.frenkel.member\(7, \w+=..., \w+=...\) is one device"):
        data.isel({data["status"].dims[0]: 0})
    with pytest.raises(ValueError, match="along phases of every member"):
        data.isel(sample=slice(3)).sel(member=1)
    with pytest.raises(ValueError, match="frenkel merge joins"):
        xr.concat([data, data], "member", data_vars="all")
    assert data["forming_voltage"].sel(member=1).dims == data["status"].dims[:-1]
    assert data[["lrs", "hottest"]].isel(member=[0]).sizes["member"] == 1
    assert "sample_count" not in data["hottest"].coords and "sample_member" in data["current"].coords
    whole = data.drop_indexes(["sample_member", "sample_count"]).drop_dims("sample")
    assert "sample" not in whole.sizes and data.load().isel(axis=0).sizes == data.isel(axis=0).sizes
    data.to_netcdf(tmp_path / "copy.nc")
    xr.testing.assert_identical(fk.open(tmp_path / "copy.nc").load(), data.load())
