"""`frenkel migrate`: files of commit ee91764 become files of today with the same values (tests/data/ee91764).

That commit had kB / e rounded to ten digits: what is made again is made with that number, in a process of its
own. Its files were written on another processor, whose sums round otherwise: whole numbers and text must be
equal, others within 1e-5.
"""

import json
import shutil
import subprocess
import sys

import earlier
import numpy as np
import pytest
import xarray as xr

from frenkel import provenance
from frenkel.analysis.results import metrics, switching
from frenkel.cells.card import Card
from frenkel.cells.files import CardError
from frenkel.cli.main import main
from frenkel.configuration import reader
from frenkel.data import store
from frenkel.experiment import array_file, ensemble_file
from frenkel.experiment import device as experiment
from frenkel.kinetic.extremes import Extremes
from frenkel.migrate import KEYS, LACKING, MigrationError, migrate, of_samples

OLD = earlier.EARLIER
ADDED = {"direction", *Extremes().values()}
OWNERS = {f"{dim}_member" for dim in ("sample", "phases", "snapshot", "defect")}

DEVICE = "from frenkel.experiment.device import again; from frenkel.data import store; "
DEVICE += "store.save(again(store.load(sys.argv[1])), sys.argv[2])"
ARRAY = "from frenkel.experiment import array, array_file; "
ARRAY += "array.again(array_file.load(sys.argv[1])).to_netcdf(sys.argv[2])"


@pytest.fixture(scope="module")
def today():
    return earlier.today()


TOP_LAYER = """
from frenkel.kinetic.mechanisms import reactions
from frenkel.kinetic.mechanisms.mechanism import PairInteraction
reactions._binding = lambda material, section, lattice, defect: [
    PairInteraction(defect, defect, -material.defect.binding_energy, exempt=lattice.electrode == 2)]
"""
"""Two vacancies in the top layer did not bind."""


def as_then(code, *arguments):
    """Run code with constant and binding of that commit, in force before any kernel reads them."""
    code = "import sys, frenkel.units; frenkel.units.BOLTZMANN_EV = 8.617333262e-5\n" + TOP_LAYER + code
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def same(one, other, but=()):
    """Compare all variables of two datasets."""
    assert set(one.variables) == set(other.variables)
    for name in set(one.variables) - set(but):
        first, second = one[name].values, other[name].values
        if first.dtype.kind == "f":
            # Steps of the clock have changed since: times of events within its tolerance, not to the bit.
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=0.0, err_msg=name)
        else:
            np.testing.assert_array_equal(first, second, err_msg=name)


def raw(path):
    return xr.load_dataset(path, engine="netcdf4", decode_times=False)


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("run", ADDED),
        ("ensemble", {*ADDED, *LACKING, *OWNERS}),
        ("array", set()),
    ],
)
def test_what_was_there_is_there_bit_by_bit(today, name, added):
    names = {"operation_row": "operation_word_line", "operation_column": "operation_bit_line"}
    old, new = raw(OLD / f"{name}.nc"), raw(today / f"{name}.nc")
    then = {names.get(str(one), str(one)): old[one] for one in old.variables}
    assert set(new.variables) == set(then) | added
    for one, array in then.items():
        assert new[one].dtype == array.dtype and new[one].dims == array.dims
        np.testing.assert_array_equal(new[one].values, array.values, err_msg=one)
    assert new.attrs["history"].startswith(old.attrs["history"])
    assert new.attrs["history"].endswith("migrated from commit ee91764")
    made, before = (provenance.read(one.attrs["provenance"]) for one in (new, old))
    assert made["software"] == before["software"] and made["seed"] == before["seed"]
    assert made["configuration_hash"] == provenance.digest(made["configuration"])
    assert not [key for key in KEYS if f'"{key}"' in json.dumps(made["configuration"])]


def test_switching_voltages_are_those_of_the_samples(today):
    for found in (store.load(today / "run.nc"), ensemble_file.member(raw(today / "ensemble.nc"), 1)):
        phases = metrics.phase_summary(found)
        for number in range(found.sizes["phases"]):
            of = found["phase"].values == number
            limit, kind = float(found["phase_compliance"][number]), str(found["phase_kind"].values[number])
            source, current = found["source_voltage"].values[of], found["current"].values[of]
            expected = switching.switching_voltage(source, current, kind, limit)
            np.testing.assert_equal(float(phases["switching_voltage"][number]), expected)
            assert float(phases["peak_current"][number]) == np.abs(current).max()
    voltages = metrics.cycle_summary(store.load(today / "run.nc"))["set_voltage"].values
    assert voltages.tolist() == pytest.approx([1.4479878, 1.1364879], rel=1e-6)
    comment = metrics.phase_summary(store.load(today / "run.nc"))["peak_current"].attrs["comment"]
    assert comment.startswith("of the samples")


def test_extremes_of_samples():
    """Six samples of a SET that reaches its limit of 10 at the fourth; worked out by hand."""
    source = np.array([0.0, 1.0, 2.0, 3.0, 2.0, 1.0])
    current = np.array([0.0, 1.0, 2.0, 10.0, 10.0, 11.0])
    device, time = 0.5 * source, np.arange(6.0)
    found = of_samples(current, source, device, time, compliance=10.0)
    assert tuple(found.peak) == (11.0, 1.0, 0.5, 5.0) and tuple(found.out) == (10.0, 3.0, 1.5, 3.0)
    assert tuple(found.up) == (8.0, 2.0, 3.0, 1.0, 3.0) and np.isnan(found.down.change)
    # Without the limit the step from 2 to 3 V is the largest on the way out; an ohmic ramp has none.
    assert tuple(of_samples(current, source, device, time, compliance=np.nan).up) == tuple(found.up)
    assert np.isnan(of_samples(source, source, device, time, compliance=np.nan).up.change)
    none = np.zeros(0)
    assert np.isnan(of_samples(none, none, none, none, compliance=np.nan).peak.current)


def test_a_run_is_made_again(today, tmp_path):
    as_then(DEVICE, today / "run.nc", tmp_path / "made.nc")
    same(store.load(today / "run.nc"), store.load(tmp_path / "made.nc"), but=ADDED)


def test_members_of_an_ensemble_are_those_that_were_run_alone(today, tmp_path):
    with ensemble_file.open_ensemble(today / "ensemble.nc") as opened:
        whole = opened.load()
    with pytest.raises(ValueError, match="would keep the entries along"):
        whole.sel(member=1)
    assert whole["sample_member"].values.tolist() == np.repeat([0, 1], whole["sample_count"].values).tolist()
    lacking = whole["reset_current"]
    assert np.isnan(lacking.values).all() and lacking.dims == ("member", "cycle")
    assert experiment.first_difference(ensemble_file.member(whole, 0), store.load(today / "run.nc")) is None
    store.save(ensemble_file.member(whole, 1), tmp_path / "one.nc")
    as_then(DEVICE, tmp_path / "one.nc", tmp_path / "made.nc")
    same(store.load(tmp_path / "one.nc"), store.load(tmp_path / "made.nc"), but=ADDED)


def test_an_ensemble_of_summaries(tmp_path):
    """Without samples there is nothing to take largest currents from."""
    whole = raw(OLD / "ensemble.nc")
    ragged = [name for name, one in whole.variables.items() if {*one.dims} & {*ensemble_file.RAGGED_DIMS}]
    counts = [name for name in whole.variables if str(name).endswith("_count")]
    whole.drop_vars(ragged + counts).to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as opened:
        assert "content_hash" in opened.attrs
    import netCDF4

    with netCDF4.Dataset(tmp_path / "a.nc", "a") as file:
        file.delncattr("content_hash")
    with ensemble_file.open_ensemble(migrate(tmp_path / "a.nc", tmp_path / "b.nc")) as made:
        assert made["direction"].values.tolist() == ["up", "down"] and "peak_current" not in made
        np.testing.assert_array_equal(made["hrs"].values, whole["hrs"].values)


def test_an_array_is_made_again(today, tmp_path):
    found = array_file.load(today / "array.nc")
    assert found["conductance"].sizes["word_line"] == 3 and int(found["pulses"][-1]) == 53
    as_then(ARRAY, today / "array.nc", tmp_path / "made.nc")
    same(found, xr.load_dataset(tmp_path / "made.nc"))


def test_a_card_draws_the_same_devices(today, capsys):
    card = Card.load(today / "small.card.json")
    drawn = {name: float(values[2, 1]) for name, values in card.sample(3, 2, 7).items()}
    assert drawn == {
        "hrs": 31558.728426552687,
        "lrs": 5767.331792189821,
        "set_voltage": 1.2752829256589435,
        "reset_voltage": -1.16747853711278,
    }
    old, new = (json.loads((one / "small.card.json").read_text()) for one in (OLD, today))
    assert {key for key in new if new[key] != old.get(key)} == {"schema", "checksum"} and new["jumps"] is None
    assert main(["show", str(today / "small.card.json")]) in (None, 0)
    assert "made for cycles 1 to 20" in capsys.readouterr().out


def test_keys_of_a_configuration_are_renamed_and_its_comments_stay(tmp_path):
    old = tmp_path / "old.toml"
    old.write_text((OLD / "small.toml").read_text() + "# to_limit: rows\n")
    assert migrate(old) == tmp_path / "old.today.toml"
    text = (tmp_path / "old.today.toml").read_text()
    assert text == old.read_text().replace("to_limit = true", "to_compliance = true")
    assert reader.read(tmp_path / "old.today.toml").phase[0].to_compliance
    inline = 'rows = 3\nphase = [{parallel = "row", a.columns=4}]\ncolumns_per_adc = 2\n"to_limit" = 1\n'
    old.write_text(inline.replace('"to_limit" = 1\n', ""))
    migrate(old, tmp_path / "b.toml")
    assert (tmp_path / "b.toml").read_text() == (
        'word_lines = 3\nphase = [{parallel = "word line", a.bit_lines=4}]\nbit_lines_per_adc = 2\n'
    )
    old.write_text(inline)
    with pytest.raises(MigrationError, match="rename them by hand: to_limit to to_compliance, rows to"):
        migrate(old, tmp_path / "c.toml")
    assert not (tmp_path / "c.toml").exists()


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (["show", "run.nc"], "no variable peak_current"),
        (["again", "run.nc"], "no variable peak_current"),
        (["show", "array.nc"], "a variable operation_row"),
        (["plot", "endurance", "ensemble.nc", "-o", "x.png"], "no attribute merged_hash"),
        (["show", "small.card.json"], "schema 1.2.0"),
        (["check", "small.toml"], "a key to_limit"),
    ],
)
def test_readers_of_earlier_files_name_the_command(words, sign, capsys, tmp_path, monkeypatch):
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "is of an earlier frenkel" in error and sign in error and error.count("\n") == 1
    assert "frenkel migrate FILE" in error


def test_the_command_writes_says_what_it_wrote_and_keeps_files_of_today(tmp_path, monkeypatch, capsys):
    shutil.copy(OLD / "run.nc", tmp_path / "run.nc")
    monkeypatch.chdir(tmp_path)
    assert main(["migrate", "run.nc"]) == 0 and capsys.readouterr().out == "wrote run.today.nc\n"
    assert main(["migrate", "run.nc"]) == 1 and "exists already" in capsys.readouterr().err
    assert main(["show", "run.today.nc", "--plot", "page.png"]) in (None, 0)
    assert (tmp_path / "page.png").exists()
    assert main(["migrate", "run.today.nc"]) == 0 and "is a file of today already" in capsys.readouterr().out
    assert not (tmp_path / "run.today.today.nc").exists()


@pytest.mark.parametrize("name", ["ensemble.nc", "array.nc", "small.card.json", "small.toml"])
def test_files_of_today_stay(today, name, tmp_path):
    assert migrate(today / name, tmp_path / name) is None and not list(tmp_path.iterdir())


def test_what_cannot_be_migrated_is_refused(tmp_path):
    for path in (OLD / "part.run", OLD / "part.run" / "1-of-2.host.1.1.shard", tmp_path / "x.nc.checkpoint"):
        with pytest.raises(MigrationError, match="holds a run in progress, which only the frenkel"):
            migrate(path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(MigrationError, match=r"x\.txt is no result \(\.nc\), card \(\.json\) or"):
        migrate(tmp_path / "x.txt")
    raw(OLD / "run.nc").drop_attrs().assign_attrs(frenkel_kind="study").to_netcdf(tmp_path / "s.nc")
    with pytest.raises(MigrationError, match="its kind is study"):
        migrate(tmp_path / "s.nc")
    card = json.loads((OLD / "small.card.json").read_text())
    for changed, error, words in (
        (card | {"name": "other"}, MigrationError, "was changed after it was written"),
        (card | {"schema": "1.3.0"}, CardError, "it has schema 1.3.0"),
        ([1], CardError, "is not a frenkel card"),
    ):
        (tmp_path / "a.json").write_text(json.dumps(changed))
        with pytest.raises(error, match=words):
            migrate(tmp_path / "a.json")
    run = raw(OLD / "run.nc")
    text = run.attrs["provenance"].replace('"1.56e-09 m"', '"1.82e-09 m"')
    run.attrs.pop("content_hash", None)
    run.assign_attrs(provenance=text).to_netcdf(tmp_path / "r.nc")
    with pytest.raises(provenance.ProvenanceError, match="changed after it was recorded"):
        migrate(tmp_path / "r.nc")


def test_unknown_versions_are_still_refused(today, tmp_path):
    newer = raw(today / "run.nc").assign_attrs(frenkel_schema=np.int32(99), content_hash="")
    newer.to_netcdf(tmp_path / "new.nc")
    with pytest.raises(ValueError, match="99"):
        store.load(tmp_path / "new.nc")
