"""Measured against simulated cycles through the command line: alike passes, another law does not.

The floor is the mean difference of halves of the measured devices, the limit twice of it; with these seeds
samples of one law stay within it.
"""

import re

import numpy as np
import pytest
import xarray as xr
from made_up_cycles import NAMES, truth

from frenkel.analysis.fitting import compare
from frenkel.analysis.measured.dataset import LAYOUT
from frenkel.analysis.plots.comparison import page
from frenkel.cli.main import main


def save(path, devices, cycles, seed, factor=1.0, sort=False):
    """Write cycles of the truth in the layout of measurements; sorted ones have another memory."""
    drawn = truth().sample(devices, cycles, seed)
    values = {name: np.sort(drawn[name], axis=1) if sort else drawn[name] for name in NAMES}
    values["hrs"] = values["hrs"] * factor
    names = [f"d{k}" for k in range(devices)]
    LAYOUT.dataset({"device": names, "cycle": np.arange(1, cycles + 1), **values}, {}).to_netcdf(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare")
    save(path / "measured.nc", 40, 30, 1)
    save(path / "alike.nc", 60, 40, 2)
    save(path / "other.nc", 60, 40, 3, factor=2.0)
    save(path / "one.nc", 1, 160, 4)
    save(path / "sorted.nc", 1, 160, 4, sort=True)
    return path


def test_one_law_passes_and_another_fails(folder, capsys):
    picture = folder / "c.png"
    assert (
        main(["compare", str(folder / "measured.nc"), str(folder / "alike.nc"), "--plot", str(picture)]) == 0
    )
    out = capsys.readouterr().out
    assert "40 and 60 devices, 30 cycles of each" in out and "FAILED" not in out and "device KS" in out
    assert picture.stat().st_size > 30_000
    assert main(["compare", str(folder / "measured.nc"), str(folder / "other.nc")]) == 1
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith("FAILED")]
    assert any(row.startswith("pooled KS of hrs_terminal") for row in rows)


def test_one_device_is_compared_by_blocks_and_its_memory_counts(folder, capsys):
    """The same numbers in another order differ in their memory alone."""
    assert main(["compare", str(folder / "one.nc"), str(folder / "one.nc")]) == 0
    assert "device KS" not in capsys.readouterr().out
    assert main(["compare", str(folder / "one.nc"), str(folder / "sorted.nc")]) == 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_limit_that_cannot_be_exceeded_is_no_pass(folder, capsys):
    """Two cycles of one device judge nothing; six judge little, and the rest is named."""
    words = "cannot be judged with this much data"
    for cycles in (2, 6):
        save(folder / f"{cycles}.nc", 1, cycles, 1)
    assert main(["compare", str(folder / "2.nc"), str(folder / "alike.nc")]) == 1
    out, err = capsys.readouterr()
    assert f"{words}: all 9 rows; give more devices or cycles" in out and "passed" not in out
    assert "Warning" not in err
    assert main(["compare", str(folder / "6.nc"), str(folder / "alike.nc")]) == 0
    out = capsys.readouterr().out
    assert re.search(r"passed: \d of 9 rows", out)
    assert re.search(rf"{words}: (pooled KS of \w+(, )?)+\n$", out)


def test_devices_left_out_are_counted(folder, tmp_path, capsys):
    """V_SET in coarse steps: of three cycles all devices count, of thirty not the three of one value."""
    assert main(["compare", str(folder / "measured.nc"), str(folder / "alike.nc")]) == 0
    assert "left out" not in capsys.readouterr().out
    data = xr.load_dataset(folder / "measured.nc")
    data["set_voltage"][:3] = 1.0
    data.to_netcdf(tmp_path / "coarse.nc")
    main(["compare", str(tmp_path / "coarse.nc"), str(folder / "alike.nc")])
    out = capsys.readouterr().out
    assert "37 and 60 devices, 30 cycles of each" in out and "left out of coarse.nc: 3 devices" in out
    data.isel(cycle=slice(3)).to_netcdf(tmp_path / "few.nc")
    main(["compare", str(tmp_path / "few.nc"), str(folder / "alike.nc")])
    out = capsys.readouterr().out
    assert "40 and 60 devices, 3 cycles of each" in out and "left out" not in out


def test_the_verdict_names_what_failed(folder, capsys):
    assert main(["compare", str(folder / "one.nc"), str(folder / "sorted.nc")]) == 1
    lines = capsys.readouterr().out.splitlines()
    rows = [" ".join(line.split()[:-4]) for line in lines if line.endswith("FAILED")]
    assert len(rows) > 1 and lines[-1] == f"failed: {', '.join(rows)}"


def test_each_number_has_a_row(folder, capsys):
    """HRS twice as high: its own row fails and is named, those of the others do not."""
    assert main(["compare", str(folder / "measured.nc"), str(folder / "other.nc")]) == 1
    lines = capsys.readouterr().out.splitlines()
    rows = [line.removeprefix("pooled KS of ") for line in lines if line.startswith("pooled KS of ")]
    names = ("hrs_terminal", "lrs_terminal", "set_voltage", "reset_voltage")
    failed = [row.split()[0] for row in rows if row.endswith("FAILED")]
    assert [row.split()[0] for row in rows] == list(names) and failed == ["hrs_terminal"]
    assert "pooled KS of hrs_terminal" in lines[-1] and "set_voltage" not in lines[-1]


def test_files_of_one_name_are_told_by_their_folders(folder, capsys):
    """Two runs of one protocol have one name, in two folders."""
    other = folder / "second" / "one.nc"
    other.parent.mkdir()
    save(other, 1, 160, 4)
    picture = str(folder / "d.png")
    assert main(["compare", str(folder / "one.nc"), str(other), "--plot", picture]) == 0
    assert str(other) in capsys.readouterr().out


def test_what_is_not_shared_is_said(folder):
    with xr.open_dataset(folder / "one.nc") as data:
        one = data.load()
    with pytest.raises(ValueError, match="share none of hrs"):
        other = one[["forming_voltage"]] if "forming_voltage" in one else one[[]]
        compare.pair(one, other, "measured", "simulated")


def test_what_switches_at_the_other_polarity_is_turned_round(folder, capsys):
    """Numbers and loops alike, and both say so."""
    with xr.open_dataset(folder / "one.nc") as data:
        one = data.load()
    one = one.assign(set_voltage=abs(one["set_voltage"]), reset_voltage=-abs(one["reset_voltage"]))
    turned = one.assign({name: -one[name] for name in ("set_voltage", "reset_voltage")})
    one.to_netcdf(folder / "signed.nc")
    turned.to_netcdf(folder / "turned.nc")
    said = "voltages of turned.nc are turned round: it switches at the other polarity"
    assert main(["compare", str(folder / "signed.nc"), str(folder / "turned.nc")]) == 0
    assert said in capsys.readouterr().out
    assert main(["compare", str(folder / "signed.nc"), str(folder / "signed.nc")]) == 0
    assert "turned round" not in capsys.readouterr().out
    kept = {"loop_size": ("loop", [3]), "loop_voltage": ("point", [0.0, 1.0, 0.5]),
            "loop_current": ("point", [0.0, 1e-6, 1e-7])}  # fmt: skip
    figure = page(one.assign(kept), turned.assign(kept), *compare.pair(one, turned, "signed.nc", "turned.nc"))
    panel = figure.axes[0]
    assert panel.get_title(loc="left") == "loops, voltages of turned.nc\nturned round"
    drawn = [line.get_xdata() for line in panel.lines if len(line.get_xdata())]
    assert np.array_equal(drawn[0], -drawn[1]) and drawn[0][1] == 1.0


def test_two_rules_are_not_compared_and_devices_need_their_series_resistance(folder, tmp_path, capsys):
    files = [str(folder / name) for name in ("measured.nc", "alike.nc")]
    assert main(["compare", *files, "--device"]) == 1
    assert "measured.nc has resistances at the terminals" in capsys.readouterr().err
    for name, rule in (("one", "half rise"), ("two", "limit")):
        with xr.open_dataset(files[0], engine="netcdf4") as data:
            whole = data.load()
        whole["set_voltage"].attrs["rule"] = rule
        whole.to_netcdf(tmp_path / f"{name}.nc")
    assert main(["compare", str(tmp_path / "one.nc"), str(tmp_path / "two.nc")]) == 1
    assert "set_voltage of one.nc was read by the rule 'half rise', that of two.nc by 'limit'" in (
        capsys.readouterr().err
    )
