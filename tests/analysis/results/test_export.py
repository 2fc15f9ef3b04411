"""Extended XYZ: each frame is read back and compared with the dataset, column by column."""

import re

import numpy as np
import pytest

from frenkel.analysis.results import appearance, export


def frames(text):
    """Return the comment and the columns of each frame."""
    lines, found = text.splitlines(), []
    while lines:
        size = int(lines[0])
        found.append((lines[1], [line.split() for line in lines[2 : 2 + size]]))
        lines = lines[2 + size :]
    return found


def test_each_frame_has_the_defects_of_its_snapshot(result):
    result["lattice_shape"].values[:] = 20, 19, 18
    read = frames(export.xyz(result))
    ends = np.cumsum(result["snapshot_size"].values)
    assert len(read) == len(ends)
    for k, (comment, rows) in enumerate(read):
        part = slice(ends[k] - result["snapshot_size"].values[k], ends[k])
        assert len(rows) == result["snapshot_size"].values[k]
        place = np.array([row[1:4] for row in rows], float)
        for axis, column in zip("xyz", place.T, strict=True):
            np.testing.assert_allclose(column, 1e10 * result[f"defect_{axis}"].values[part], atol=1e-6)
        assert {row[0] for row in rows} == {"X"} and {row[4] for row in rows} == {"vacancy"}
        assert [int(row[5]) for row in rows] == result["defect_site"].values[part].tolist()
        assert [int(row[6]) for row in rows] == result["defect_conducting"].values[part].tolist()
        assert {float(row[7]) for row in rows} == {300.0}
        assert float(rows[0][8]) == pytest.approx(appearance.DEFECT_RADIUS * 2.6)
        cell = re.search('Lattice="([^"]*)"', comment)[1].split()
        assert [float(x) for x in cell] == pytest.approx([52.0, 0, 0, 0, 49.4, 0, 0, 0, 49.4])
        assert 'pbc="T T F"' in comment and "pos:R:3:defect:S:1" in comment
        for name in ("time", "voltage", "current"):
            value = float(re.search(rf" {name}=(\S+)", comment)[1])
            assert value == result[f"snapshot_{name}"].values[k]
        assert comment.endswith(f'label="{result["snapshot_label"].values[k]}"')


def test_electrodes_are_layers_below_and_above_the_lattice(result):
    """A lattice of 2 x 3 x 18: each layer has each pair of places once, half a spacing in radius."""
    result["lattice_shape"].values[:] = 2, 3, 18
    result["lattice_spacing"] = 0.25e-9
    size = int(result["snapshot_size"][0])
    rows = frames(export.xyz(result, electrodes=True))[0][1][size:]
    assert [row[4] for row in rows] == ["bottom_electrode"] * 6 + ["top_electrode"] * 6
    flat = [[2.5 * x, 2.5 * y] for x in range(2) for y in range(3)]
    place = np.array([row[1:4] for row in rows], float)
    np.testing.assert_allclose(place[:, :2], flat + flat)
    np.testing.assert_allclose(place[:, 2], [0.0] * 6 + [47.5] * 6)
    for row, colour in zip(rows, [appearance.BOTTOM] * 6 + [appearance.TOP] * 6, strict=True):
        red_green_blue = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        assert row[0] == "X" and row[5:7] == ["-1", "1"] and float(row[7]) == 300.0
        assert float(row[8]) == 1.25
        np.testing.assert_allclose(np.array(row[9:], float), red_green_blue, rtol=1e-5)


def test_open_sides_are_not_periodic(result):
    result.attrs["lateral"] = "open"
    assert all('pbc="F F F"' in comment for comment, _ in frames(export.xyz(result)))
