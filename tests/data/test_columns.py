"""Results without xarray: the same file, the same numbers, the same words and pictures."""

import netCDF4
import numpy as np
import pytest
from made_up_results import ATTRS
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from frenkel.analysis.plots import paper
from frenkel.analysis.plots.caption import caption
from frenkel.analysis.results import filament, metrics
from frenkel.data import content, schema, store
from frenkel.data.columns import ResultArray, ResultArrays


@pytest.fixture
def columns(arrays):
    return schema.columns(arrays, ATTRS)


def described(path):
    """Return all that a file says, but not when it was made."""

    def attributes(of):
        return [(name, type(of.getncattr(name)), str(of.getncattr(name))) for name in of.ncattrs()]

    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        variables = [
            (
                name, str(variable.dtype), variable.dimensions, variable.chunking(), variable.filters(),
                attributes(variable), np.asarray(variable[...]).tolist(),
            )
            for name, variable in file.variables.items()
        ]  # fmt: skip
        return {name: len(size) for name, size in file.dimensions.items()}, attributes(file), variables


def test_a_file_is_what_xarray_writes(columns, tmp_path):
    ours = store.save(columns, tmp_path / "ours.nc")
    its = store.save_table(columns.dataset(), tmp_path / "its.nc")
    assert repr(described(ours)) == repr(described(its))  # the repr, since NaN is unequal to itself


def test_a_list_of_texts_and_a_coordinate_of_no_variable_are_kept(tmp_path):
    variables = {
        "alone": ResultArray(("n",), np.arange(3), {"flag_values": np.arange(2, dtype=np.int8)}),
        "far": ResultArray(("m",), np.array(["a", "µ"]), {"units": "s"}),
        "value": ResultArray(("n",), np.array([1.0, np.nan, 3.0]), {"names": ["b", "c"]}),
    }
    columns = ResultArrays(variables, ["alone", "far"], {"title": "made up", "list": ["d", "e"], "number": 3})
    store._write_table(columns.dataset(), tmp_path / "its.nc")
    store._write(columns, tmp_path / "ours.nc")
    ours, its = described(tmp_path / "ours.nc"), described(tmp_path / "its.nc")
    assert (ours[0], sorted(map(repr, ours[1]))) == (its[0], sorted(map(repr, its[1])))
    assert sorted(map(repr, ours[2])) == sorted(map(repr, its[2]))
    assert ("coordinates", str, "far") in ours[1]


def test_a_dataset_has_the_same_columns(columns):
    dataset = columns.dataset()
    back = ResultArrays.of(dataset)
    assert back.dataset().identical(dataset) and back.coordinates == columns.coordinates
    assert back.sizes == dict(dataset.sizes) == columns.sizes
    assert "time" in columns and "nothing" not in columns and float(columns["read_voltage"]) == 0.1
    assert content.of_columns(columns) == content.of_columns(back)


def test_lengths_that_differ_are_refused():
    variables = {"a": ResultArray(("n",), np.zeros(2)), "b": ResultArray(("n",), np.zeros(3))}
    with pytest.raises(ValueError, match="b has 3 entries along n, others have 2"):
        ResultArrays(variables, [], {})


def test_words_and_numbers_are_those_of_the_dataset(columns, result):
    shown = filament.shown_snapshots(columns)
    assert shown == filament.shown_snapshots(result)
    assert caption(columns, shown) == caption(result, shown)
    summary, cycles = metrics.phase_summary(result), metrics.cycle_summary(result)
    for name, values in metrics.phase_numbers(columns).items():
        np.testing.assert_array_equal(values, summary[name].values)
    number, numbers = metrics.cycle_numbers(columns)
    np.testing.assert_array_equal(number, cycles["cycle"].values)
    assert numbers.keys() == set(cycles.data_vars)
    for name, values in numbers.items():
        np.testing.assert_array_equal(values, cycles[name].values)


def test_pictures_are_those_of_the_dataset(columns, result):
    for draw in (paper.iv, paper.filament, paper.resistance):
        pictures = []
        for data in (columns, result):
            canvas = FigureCanvasAgg(Figure(figsize=(3, 3)))
            draw(data, canvas.figure.add_subplot())
            canvas.draw()
            pictures.append(np.asarray(canvas.buffer_rgba()))
        np.testing.assert_array_equal(*pictures)
