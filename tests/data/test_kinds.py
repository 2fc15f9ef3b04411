"""What a file is, and the sentence on a wrong one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from frenkel.data import content, forms, kinds, store

RUN = Path(__file__).parents[1] / "data" / "ee91764"
EXAMPLES = Path(kinds.__file__).parents[1] / "examples"


def marked(path, **attrs):
    """Write a small netCDF file with attributes."""
    xr.Dataset({"a": ("x", [1.0, 2.0], {"units": "seconds"})}, attrs=attrs).to_netcdf(path)
    return path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (RUN / "run.nc", "device"),
        (RUN / "array.nc", "array"),
        (EXAMPLES / "ensemble_mos2.nc", "ensemble"),
        (EXAMPLES / "hfo2.card.json", "card"),
        (EXAMPLES / "vcm.toml", "configuration"),
        (EXAMPLES / "measured_rtn.csv", "csv"),
        (next(RUN.glob("part.run/*.shard")), "shard"),
        (Path(__file__), "other"),
        (RUN / "there is none.nc", "other"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_files_of_frenkel(path, kind):
    assert kinds.kind_of(path) == kind


def test_a_checkpoint_and_a_table_of_a_laboratory(tmp_path):
    store.save_checkpoint({"a": np.zeros(2)}, tmp_path / "x.nc.checkpoint")
    (tmp_path / "x.TSV").write_text("a\tb\n")
    assert [forms.form_of(path) for path in sorted(tmp_path.iterdir())] == ["table", "checkpoint"]


@pytest.mark.parametrize(
    ("attrs", "kind"),
    [
        ({"frenkel_kind": "tails"}, "tails"),
        ({"frenkel_kind": "calibration"}, "calibration"),
        ({"study": "drift"}, "study"),
        ({"frenkel_kind": "study"}, "netcdf"),
        ({"frenkel_kind": [1, 2]}, "netcdf"),
        ({}, "netcdf"),
    ],
)
def test_marks_of_datasets(attrs, kind, tmp_path):
    path = marked(tmp_path / "a.csv", **attrs)  # its ending does not count
    assert kinds.kind_of(path) == kind
    with kinds.open(path) as data:
        assert kinds.of(data) == kind and data["a"].dtype == float  # seconds stay numbers


def test_values_are_read_when_they_are_used(tmp_path):
    path = marked(tmp_path / "a.nc", frenkel_kind="tails")
    with kinds.open(path, "tails", "device") as data:
        assert not data["a"].variable._in_memory
    assert kinds.load(path, "tails")["a"].variable._in_memory


def test_a_damaged_file_is_not_opened(tmp_path):
    path = marked(tmp_path / "a.nc", frenkel_kind="device", content_hash="0" * 64)
    with pytest.raises(content.ContentError, match="damaged or changed after it was written"):
        kinds.kind_of(path)


def test_a_wrong_file_is_refused_in_one_sentence(tmp_path):
    path = marked(tmp_path / "a.nc", frenkel_kind="ensemble")
    with pytest.raises(kinds.WrongFileError, match=r"a\.nc holds no tails or device, its kind is ensemble$"):
        kinds.load(path, "tails", "device")
    with pytest.raises(OSError, match=r"vcm\.toml is not a netCDF file; frenkel run makes"):
        kinds.open(EXAMPLES / "vcm.toml")
    with pytest.raises(OSError, match=r"test_kinds\.py is not a netCDF file$"):
        kinds.open(__file__)
    with pytest.raises(FileNotFoundError):
        kinds.open(tmp_path / "none.nc")


def test_a_configuration_of_an_array():
    assert forms.configures_array(EXAMPLES / "array_live.toml")
    assert not forms.configures_array(EXAMPLES / "vcm.toml")
    assert not forms.configures_array(RUN / "run.nc") and not forms.configures_array(Path("none.toml"))


HANDLES = """
import sys
from frenkel.data import netcdf
path = sys.argv[1]
for _ in range(30):
    first, second, third = netcdf.lazy(path), netcdf.lazy(path), netcdf.lazy(path)
    first.close()
    second.close()
    netcdf.lazy(path).close()
    with netcdf.direct(path, "r") as file:
        assert list(file["text"][:]) == list(third["text"].values)
    third.close()
"""


def test_a_file_with_texts_is_opened_and_closed_many_times(tmp_path):
    """NetCDF-C dies where it is open three times, two are closed and one is opened again."""
    path = tmp_path / "a.nc"
    texts = xr.Dataset({"text": ("x", np.array(["a", "b"], object)), "x": ("x", ["c", "d"])})
    texts.to_netcdf(path)
    done = subprocess.run([sys.executable, "-c", HANDLES, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
