"""Results that are sound netCDF and lack or forge what a run writes are refused in one sentence."""

import earlier
import netCDF4
import pytest

from frenkel.cli.main import main

DATA = earlier.today()


def attribute(name, value):
    return lambda file: file.setncattr(name, value)


def renamed(name):
    return lambda file: file.renameVariable(name, "other")


@pytest.mark.parametrize(
    "name, forge, words",
    [
        ("run.nc", attribute("frenkel_schema", "one"), "must be a whole number"),
        ("run.nc", attribute("material", 3.5), "the attribute material"),
        ("run.nc", attribute("melting_point", [0, 1, 2]), "melting_point of"),
        ("run.nc", attribute("event_temperature_max", "hot"), "must be one number, got 'hot'"),
        ("run.nc", attribute("provenance", "[1]"), "provenance of"),
        ("array.nc", attribute("periphery", "[1]"), "periphery of the result is damaged"),
        ("array.nc", renamed("snapshot_label"), "is not complete"),
        ("ensemble.nc", attribute("provenance", "[1]"), "provenance of"),
        ("ensemble.nc", renamed("status"), "status"),
    ],
)
def test_what_no_run_has_written_is_refused_in_a_sentence(tmp_path, capsys, name, forge, words):
    path = tmp_path / name
    path.write_bytes((DATA / name).read_bytes())
    with netCDF4.Dataset(path, "r+") as file:
        forge(file)
        if "content_hash" in file.ncattrs():  # who forges leaves it out; else the change is told by it
            file.delncattr("content_hash")
    assert main(["show", str(path)]) == 1
    said = capsys.readouterr().err
    assert words in said and "internal error" not in said and said.count("\n") == 1


def test_an_ensemble_is_shown_without_its_title(tmp_path, capsys):
    path = tmp_path / "ensemble.nc"
    path.write_bytes((DATA / "ensemble.nc").read_bytes())
    with netCDF4.Dataset(path, "r+") as file:
        file.delncattr("title")
    assert main(["show", str(path)]) == 0
    assert "2 ok" in capsys.readouterr().out
