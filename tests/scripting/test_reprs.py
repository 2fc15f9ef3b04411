"""What notebooks show of ensembles and devices, what a tab lists, and quantities of pint."""

import numpy as np
import pint
import pytest
import xarray as xr

import frenkel
from frenkel.scripting.accessor import Frenkel


@pytest.fixture
def ensemble(monkeypatch):
    monkeypatch.setattr(Frenkel, "kind", "ensemble")
    ohms = np.array([[1e6, 3e6, np.nan], [2e6, 2e6, 2e6]])
    return xr.Dataset({"hrs": (("member", "cycle"), ohms, {"units": "ohm"})}, attrs={"title": "<b>"})


def test_an_ensemble_is_a_table_whose_texts_are_escaped(ensemble):
    shown = Frenkel(ensemble)._repr_html_()
    assert "<td>hrs</td>" in shown and "<td>2e+06 ohm</td>" in shown and "<td>5</td>" in shown
    assert "&lt;b&gt; (2 member, 3 cycle)" in shown and "<b></b>" not in shown


def test_a_tab_on_a_device_lists_what_its_user_needs():
    device = frenkel.Device("HfO2-fast", "2.6 nm", "1.56 nm", seed=1)
    names = dir(device)
    assert {"form", "reset", "set", "rest", "run", "result", "conductance", "view"} <= set(names)
    assert all(hasattr(device, name) for name in names if name != "result")  # there once it has run
    inner = {"solver", "engine", "hazard", "make_solver", "two_level", "bond_factor", "trial", "arrange"}
    assert not inner & set(names) and not any(name.startswith("_") for name in names)


def test_quantities_of_pint_are_those_of_texts():
    unit = pint.UnitRegistry()
    device = frenkel.Device("HfO2-fast", 2.6 * unit.nm, 1.56 * unit.nm, seed=1, temperature=350 * unit.K)
    same = frenkel.Device("HfO2-fast", "2.6 nm", "1.56 nm", seed=1, temperature="350 K")
    assert (device.width, device.thickness, device.temperature) == (same.width, same.thickness, 350.0)
    circuit = frenkel.Circuit(compliance=50 * unit.uA, series_resistance=2 * unit.kohm)
    assert circuit == frenkel.Circuit(compliance="50 uA", series_resistance="2 kohm")
    with pytest.raises(ValueError, match="thickness must be one quantity in m, got 1 volt"):
        frenkel.Device("HfO2-fast", 1 * unit.V, "1.56 nm", seed=1)
