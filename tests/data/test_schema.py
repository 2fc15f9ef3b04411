"""The layout of a result: built, checked, and refused where something is wrong."""

import numpy as np
import pytest

from frenkel.data import kinds, member_parts, schema, store
from frenkel.data.layout import Layout
from frenkel.data.schema import SchemaError
from frenkel.experiment import array_file, ensemble_file


@pytest.mark.parametrize("layout", [schema.LAYOUT, array_file.LAYOUT, ensemble_file.LAYOUT])
def test_every_variable_has_a_unit_and_a_long_name(layout):
    for name, variable in layout.variables.items():
        assert variable.long_name
        assert variable.units or variable.kind == "U", name


def test_a_result_has_the_names_of_its_layout(result):
    for name, variable in schema.VARIABLES.items():
        if name in result:
            assert result[name].attrs["long_name"] == variable.long_name


def test_files_of_another_kind_are_refused_and_told_apart(result, tmp_path):
    path = store.save(result, tmp_path / "device.nc")
    assert kinds.kind_of(path) == "device"
    with pytest.raises(SchemaError, match=r"device.nc is not the result of an array, its kind is device"):
        array_file.load(path)


def test_the_end_of_a_phase_is_marked_as_the_layout_says():
    comment = ensemble_file.LAYOUT.variables["snapshot_part"].comment
    assert f"{member_parts.SNAPSHOT_END}: end" in comment


def test_header_names_conventions_and_version(result):
    assert result.attrs["Conventions"].startswith("CF-")
    assert result.attrs["frenkel_schema"] == schema.SCHEMA_VERSION


def test_snapshots_are_contiguous_ragged(result):
    assert result["snapshot_size"].attrs["sample_dimension"] == "defect"
    assert int(result["snapshot_size"].sum()) == result.sizes["defect"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("current", None, "no variable current"),
        ("curent", [1.0], "no variable 'curent'"),
        ("current", np.zeros((3, 3)), "dimensions"),
        ("current", np.zeros(3), "do not fit"),
        ("current", np.zeros(2100, int), "floats"),
        ("events", np.zeros(2100), "integers"),
        ("conductance", np.full(2100, -1.0), "at least 0"),
        ("current", np.full(2100, np.nan), "finite"),
        ("current", np.full(2100, np.inf), "finite"),
        ("time", np.linspace(1, 0, 2100), "must not decrease"),
        ("phase", np.full(2100, 7, np.int32), "below 7"),
        ("snapshot_size", np.full(8, 3, np.int32), "add up"),
    ],
)
def test_wrong_arrays_are_refused(arrays, name, value, message):
    arrays[name] = value
    if value is None:
        del arrays[name]
    with pytest.raises(SchemaError, match=message):
        schema.dataset(arrays, {})


def test_nan_is_allowed_where_it_means_something(result):
    assert np.isnan(result["phase_compliance"].values).any()


def test_wrong_unit_is_refused(result):
    result["current"].attrs["units"] = "mA"
    with pytest.raises(SchemaError, match=r"current in the dataset must have the unit A, got mA"):
        schema.check(result)


@pytest.mark.parametrize(("version", "cure"), [(99, "a newer frenkel"), (0, "the frenkel that wrote it")])
def test_other_versions_are_refused(result, version, cure):
    result.attrs["frenkel_schema"] = version
    with pytest.raises(SchemaError, match=f"schema version {version}.*{cure}"):
        schema.check(result)


def test_other_datasets_are_refused(result):
    del result.attrs["frenkel_schema"]
    with pytest.raises(SchemaError, match="not a frenkel result"):
        schema.check(result)


def test_a_layout_is_what_its_table_says(tmp_path):
    """Its variables, the one that each file has since then, and those that only earlier files had."""
    table = tmp_path / "layout.toml"
    table.write_text(
        'time = ["float", "sample", "s", "time"]\nname = ["text", "", "", "a name", {optional = false}]\n'
    )
    found = Layout.read(table, "made-up", "a thing", optional=True, since="peak", former=("old",))
    assert (found.kind, found.what, found.since, found.former) == ("made-up", "a thing", "peak", ("old",))
    time, name = found.variables["time"], found.variables["name"]
    assert (time.dims, time.kind, time.units, time.long_name, time.optional) == (
        ("sample",), "f", "s", "time", True
    )  # fmt: skip
    assert (name.dims, name.kind, name.optional) == ((), "U", False)
