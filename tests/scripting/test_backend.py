"""``xr.open_dataset(engine="frenkel")``: one device, or an ensemble that gives no samples of others."""

import tomllib
from pathlib import Path

import earlier
import numpy as np
import pytest
import xarray as xr

import frenkel as fk
from frenkel.scripting.backend import FrenkelBackend

ROOT, DATA = Path(__file__).resolve().parents[2], earlier.today()


def test_the_engine_is_registered():
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert entry["xarray.backends"] == {"frenkel": "frenkel.scripting.backend:FrenkelBackend"}


def test_a_member_is_opened_with_its_own_samples():
    with fk.open(DATA / "ensemble.nc") as whole:
        number = int(whole["member"].values[whole["status"].values == 0][-1])
        expected = whole.frenkel.member(number)
    with xr.open_dataset(DATA / "ensemble.nc", engine=FrenkelBackend, member=number) as one:
        np.testing.assert_array_equal(one["current"].values, expected["current"].values)
        first = str(one["phase_name"].values[0])
        assert one.sel(phase=first).sizes["sample"] == int((expected["phase"].values == 0).sum())


def test_no_selection_of_an_ensemble_keeps_the_samples_of_others():
    with xr.open_dataset(DATA / "ensemble.nc", engine=FrenkelBackend) as whole:
        with pytest.raises(ValueError, match="would keep the entries along .* of every member"):
            whole.sel(member=1)
        with pytest.raises(ValueError, match="would keep the entries"):
            whole.isel(member=[0, 1])
        assert whole["forming_voltage"].sel(member=1).ndim == 0


def test_a_result_has_names_and_variables_can_be_left_out():
    with xr.open_dataset(DATA / "run.nc", engine=FrenkelBackend, drop_variables="defect_x") as run:
        assert "defect_x" not in run and run.sel(phase="set 1").sizes["sample"] > 6
    with pytest.raises(ValueError, match="point needs member"):
        xr.open_dataset(DATA / "run.nc", engine=FrenkelBackend, point={"x": 1})
