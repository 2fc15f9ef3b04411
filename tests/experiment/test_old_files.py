"""Files of an earlier version open, are shown, drawn, and made again (tests/data/README.md).

That version had kB / e rounded to ten digits: what is made again is made with that number, in a process of
its own. They were written on another processor, whose sums round otherwise: the same events fall at times
that differ in their last digits, so that whole numbers and text must be equal and others within 1e-6.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from frenkel.analysis.results import metrics, store
from frenkel.cards.card import Card
from frenkel.cli.main import main
from frenkel.experiment import array_file, ensemble_file
from frenkel.experiment import device as experiment
from frenkel.kinetic.extremes import Extremes

OLD = Path(__file__).resolve().parents[1] / "data"


LATER = {"direction", *Extremes().values()}


def as_then(code, *arguments):
    """Run code with the constant of the earlier version, in force before any kernel reads it."""
    code = "import sys, frenkel.units; frenkel.units.BOLTZMANN_EV = 8.617333262e-5\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


DEVICE = "from frenkel.experiment.device import again; from frenkel.analysis.results import store; "
DEVICE += "store.save(again(store.load(sys.argv[1])), sys.argv[2])"
ARRAY = "from frenkel.experiment import array, array_file; "
ARRAY += "array.again(array_file.load(sys.argv[1])).to_netcdf(sys.argv[2])"

THAT_SET = """
import json, xarray
from frenkel.kinetic.materials.material import Material
with xarray.open_dataset(sys.argv[3]) as run:
    document = json.loads(run.attrs["provenance"])["configuration"]["material_document"]
Material.load = classmethod(lambda cls, name: Material(document, name))
"""
"""The packaged set as it was then, which a run of that version keeps."""


def same(one, other):
    """Compare all variables of two datasets; the second may have those that came later."""
    assert set(one.variables) <= set(other.variables) <= set(one.variables) | LATER
    for name in one.variables:
        first, second = one[name].values, other[name].values
        if first.dtype.kind == "f":
            # Steps of the clock have changed since: times of events within its tolerance, not to the bit.
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=0.0, err_msg=name)
        else:
            np.testing.assert_array_equal(first, second, err_msg=name)


def test_a_run_opens_and_is_made_again(tmp_path):
    old = store.load(OLD / "run.nc")
    assert list(metrics.cycle_summary(old)["cycle"].values) == [1, 2]
    assert int(old["events"][-1]) == 336
    assert "samples" in metrics.phase_summary(old)["switching_voltage"].attrs["comment"]
    as_then(DEVICE, OLD / "run.nc", tmp_path / "made.nc")
    same(old, store.load(tmp_path / "made.nc"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("run", ["made by", "frenkel 0.1.0", "seed 5", "reset 2"]),
        ("ensemble", ["small", "members     2 ok", "kept: all"]),
        ("array", ["small array", "12 of 12 cells reached their target"]),
    ],
)
def test_files_are_shown_and_drawn(name, words, tmp_path, capsys):
    assert main(["show", str(OLD / f"{name}.nc"), "--plot", str(tmp_path / "page.png")]) in (None, 0)
    shown = capsys.readouterr().out
    assert all(word in shown for word in words), shown
    assert list(tmp_path.glob("page*.png"))


def test_an_ensemble_opens_and_its_members_are_made_again(tmp_path):
    with ensemble_file.open_ensemble(OLD / "ensemble.nc") as opened:
        old = opened.load()
    one = ensemble_file.member(old, 1)
    assert [str(name) for name in one["phase_name"].values][:3] == ["form", "reset 1", "set 1"]
    store.save(one, tmp_path / "one.nc")
    as_then(DEVICE, tmp_path / "one.nc", tmp_path / "made.nc")
    same(store.load(tmp_path / "one.nc"), store.load(tmp_path / "made.nc"))
    assert experiment.first_difference(ensemble_file.member(old, 0), store.load(OLD / "run.nc")) is None


def test_measurements_are_plotted_out_of_an_ensemble(tmp_path):
    target = tmp_path / "endurance.png"
    assert main(["plot", "endurance", str(OLD / "ensemble.nc"), "-o", str(target)]) in (None, 0)
    assert target.exists()


def test_a_run_folder_is_gone_on_with(tmp_path):
    """Member 0 was run by the earlier version, member 1 is run now; together they are its ensemble."""
    shutil.copytree(OLD / "part.run", tmp_path / "small.nc.run")
    with ensemble_file.open_ensemble(OLD / "ensemble.nc") as opened:
        old = opened.load()
    as_then(
        THAT_SET + "from frenkel.cli.main import main; sys.exit(main(['run', sys.argv[1], '-o', sys.argv[2], "
        "'-q', '--engine', 'serial', '--no-isolation']))",
        OLD / "small.toml",
        tmp_path / "small.nc",
        OLD / "run.nc",
    )
    assert len(list((tmp_path / "small.nc.run").glob("*.shard"))) == 2
    with ensemble_file.open_ensemble(tmp_path / "small.nc") as opened:
        made = opened.load()
    for number in (0, 1):
        one, other = (ensemble_file.member(whole, number) for whole in (old, made))
        same(one, other)
        assert np.isnan(other["peak_current"].values).all() == (number == 0)
        assert np.isnan(other["step_time"].values).all() == (number == 0)
    # Voltages of member 1 are of its events now.
    voltages = [name for name in ensemble_file.SUMMARY if name.endswith("_voltage")]
    rest = [name for name in ensemble_file.SUMMARY if name not in voltages and name in old]
    assert len(rest) > 5
    same(old[rest], made[rest])
    assert np.isnan(made["reset_current"][0]).all() and (made["reset_current"][1] < 0.0).all()
    for name in voltages:
        np.testing.assert_array_equal(old[name][0], made[name][0])
        assert (old[name][1] != made[name][1]).any()


def test_an_array_opens_and_is_made_again(tmp_path):
    old = array_file.load(OLD / "array.nc")
    assert old["conductance"].sizes["word_line"] == 3 and int(old["pulses"][-1]) == 53
    as_then(ARRAY, OLD / "array.nc", tmp_path / "made.nc")
    same(old, xr.load_dataset(tmp_path / "made.nc"))


def test_a_card_opens_and_draws_the_same_devices(tmp_path, capsys):
    card = Card.load(OLD / "small.card.json")
    drawn = {name: float(values[2, 1]) for name, values in card.sample(3, 2, 7).items()}
    assert drawn == {
        "hrs": 31558.728426552687,
        "lrs": 5767.331792189821,
        "set_voltage": 1.2752829256589435,
        "reset_voltage": -1.16747853711278,
    }
    assert main(["card", str(OLD / "small.card.json")]) in (None, 0)
    assert "made for cycles 1 to 20" in capsys.readouterr().out


def test_unknown_files_are_still_refused(tmp_path):
    with xr.open_dataset(OLD / "run.nc") as opened:
        other = opened.load().assign_attrs(frenkel_schema=np.int32(99))
    other.to_netcdf(tmp_path / "new.nc")
    with pytest.raises(ValueError, match="99"):
        store.load(tmp_path / "new.nc")
