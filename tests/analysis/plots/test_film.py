"""The film of a run: its page holds what the result holds, asks for nothing, and obeys no title."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from frenkel.analysis.plots import caption, film, panels
from frenkel.analysis.plots.film import Film
from frenkel.analysis.results import appearance, filament
from frenkel.data import schema
from frenkel.data.store import StoreError


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the texts of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = attrs, text + data

    @property
    def data(self):
        return json.loads(next(text for attrs, text in self.scripts if attrs.get("id") == "data"))


def test_the_page_holds_the_result(result):
    """Every snapshot with its defects where they are, up to one shift; all samples of the curve."""
    found = Page(Film(result).html).data
    assert found == film.film_data(result)
    assert len(found["frames"]) == result.sizes["snapshot"]
    np.testing.assert_array_equal(found["samples"]["current"], result["current"].values)
    sizes = [len(frame["state"]) for frame in found["frames"]]
    assert sizes == list(result["snapshot_size"].values)
    heights = np.concatenate([np.reshape(frame["place"], (-1, 3))[:, 2] for frame in found["frames"]])
    np.testing.assert_allclose(heights, result["defect_z"].values * 1e9, atol=5e-4)
    conducting = np.concatenate([frame["state"] for frame in found["frames"]]) == 0
    np.testing.assert_array_equal(conducting, result["defect_conducting"].values == 1)


def test_one_shift_for_all(result):
    """A defect that stays does not jump between two pictures, whatever the filament of each does."""
    ends = np.cumsum(result["snapshot_size"].values)
    other = slice(ends[2], ends[3])
    result["defect_x"][other] = (result["defect_x"][other] + 5 * 0.26e-9) % (20 * 0.26e-9)
    frames = Page(Film(result).html).data["frames"]
    side = 20 * 0.26
    wide = np.concatenate([np.reshape(frame["place"], (-1, 3))[:, :2] for frame in frames]) - 0.13
    true = np.stack([result["defect_x"].values, result["defect_y"].values], axis=1) * 1e9
    shift = (wide - true) % side
    shift[shift > side - 1e-3] -= side  # a rounding below a whole turn
    assert np.ptp(shift, axis=0).max() < 2e-3


def test_bonds_join_neighbours_that_conduct(result):
    frame = Page(Film(result).html).data["frames"][1]
    place, state = np.reshape(frame["place"], (-1, 3)), np.array(frame["state"])
    pairs = np.reshape(frame["bonds"], (-1, 2))
    apart = np.linalg.norm(place[pairs[:, 0]] - place[pairs[:, 1]], axis=1) / 0.26
    assert len(pairs) > 20 and apart.max() < filament.LINK and (state[pairs] == 0).all()
    wire = np.flatnonzero(state == 0)
    near = np.linalg.norm(place[wire, None] - place[None, wire], axis=2) < filament.LINK * 0.26
    assert len(pairs) == (near.sum() - len(wire)) // 2


def test_voltages_lie_on_the_curve(result):
    """Between two samples of the phase, straight in time."""
    assert film.source_voltages(result)[-1] == pytest.approx(float(result["source_voltage"][-1]), abs=1e-12)
    rows = np.flatnonzero(result["phase"].values == 1)[100:102]
    moved = result.copy(deep=True)
    middle = result["time"].values[rows].mean()
    moved["snapshot_time"][2:], moved["snapshot_phase"][2:] = middle, 1
    expected = result["source_voltage"].values[rows].mean()
    assert film.source_voltages(moved)[2] == pytest.approx(expected, rel=1e-12)


def test_nothing_is_fetched(result):
    page = Page(Film(result).html)
    assert not [attrs for _, attrs in page.tags if {"src", "href", "data"} & attrs.keys()]
    policy = next(attrs["content"] for tag, attrs in page.tags if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none';") and "http" not in policy
    assert len(page.scripts) == 4


def test_licences_are_in_the_page(result):
    text = Film(result).html
    assert "University of Pittsburgh" in text and "Leon Sorokin" in text


def test_a_hostile_title_stays_text(result):
    result.attrs["title"] = "</script><script>alert(1)</script> @@data@@ --><b>"
    page = Page(Film(result).html)
    assert len(page.scripts) == 4 and page.data["title"] == result.attrs["title"]
    assert not [tag for tag, _ in page.tags if tag == "b"]


def test_numbers_that_are_none_do_not_break_it(result):
    result["current"][5] = np.nan
    assert Page(Film(result).html).data["samples"]["current"][5] is None


def test_a_notebook_shows_it_in_a_frame(result):
    text = Film(result)._repr_html_()
    (frame,) = Page(text).tags
    assert frame[0] == "iframe" and frame[1]["sandbox"] == "allow-scripts"
    assert Page(frame[1]["srcdoc"]).data["frames"]


def test_files(result, tmp_path):
    path = Film(result).save(tmp_path / "x.html")
    assert 700_000 < path.stat().st_size < 2_000_000
    with pytest.raises(StoreError, match=re.escape("x.html exists already")):
        Film(result).save(path)
    assert Film(result).save(path, force=True) == path
    with pytest.raises(ValueError, match=r"a film must end in \.html, got 'x.mp4'"):
        Film(result).save("x.mp4")


def test_no_snapshots(result):
    bare = result.isel(snapshot=slice(0), defect=slice(0))
    with pytest.raises(schema.SchemaError, match='no snapshots to make a film of; .* keep = "all"'):
        Film(bare)


def layered(result):
    """Return the same result as that of two layers, the lower one of three planes."""
    upper = int(result["lattice_shape"][2]) - 3
    return result.assign({"layer_planes": ("layer", np.array([3, upper], np.int32))}).assign_coords(
        layer=["TaOx", "HfO2-fast"]
    )


def test_a_film_shows_where_layers_meet(result):
    """Half a spacing above the planes below; nowhere in a single oxide."""
    spacing = float(result["lattice_spacing"])
    assert film.film_data(result)["levels"] == []
    assert film.film_data(layered(result))["levels"] == [round(3.5e9 * spacing, 4)]


def test_a_picture_of_layers_names_them_and_draws_where_they_meet(result):
    texts, lines = [], []
    for one in (result, layered(result)):
        axes = Figure().add_subplot()
        panels.filament_view(one, 1, axes)
        texts.append({text.get_text().strip() for text in axes.texts})
        lines.append(len(axes.lines))
    assert texts[1] - texts[0] == {"TaOx", "HfO2-fast"} and lines[1] == lines[0] + 1


def with_regions(result):
    """Return the same with a box of 2 x 3 columns of sites in the upper layer, at a corner."""
    nx, ny = (int(n) for n in result["lattice_shape"].values[:2])
    owner = np.zeros((2, nx, ny), np.int32)
    owner[1, :2, -3:] = 1
    return layered(result).assign({"layer_region": (("layer", "row", "column"), owner)})


def test_regions_are_outlined_where_their_sites_are(result):
    """Sides around the box add up to its area, counter-clockwise, and move with what is drawn."""
    one, a = with_regions(result), float(result["lattice_spacing"])
    _, ny, nz = (int(n) for n in result["lattice_shape"].values)
    for moved in (0, 1):
        sides = filament.region_sides(one, np.array([moved * a, 0.0]))
        assert len(sides) == 10 and {side.region for side in sides} == {0}
        assert {(side.low, side.high) for side in sides} == {(3.5 * a, (nz + 1) * a)}
        area = sum(x0 * y1 - x1 * y0 for x0, y0, x1, y1 in ((*one.start, *one.stop) for one in sides)) / 2
        assert area == pytest.approx(6 * a**2)
        places = np.array([end for side in sides for end in (side.start, side.stop)]) / a
        assert places.min(axis=0) == pytest.approx([moved, ny - 3])
        assert places.max(axis=0) == pytest.approx([moved + 2, ny])
    assert filament.region_sides(layered(result), np.zeros(2)) == []


def test_pictures_and_films_show_regions(result):
    pieces = []
    for one in (layered(result), with_regions(result)):
        axes = Figure().add_subplot()
        panels.filament_view(one, 1, axes)
        pieces.append(len(axes.collections))
    assert pieces[1] == pieces[0] + 2
    data = film.film_data(with_regions(result))["regions"]
    assert len(data) == 20 and {one["colour"] for one in data} == {appearance.REGIONS[0]}
    assert film.film_data(result)["regions"] == []


def test_the_caption_names_the_layers_from_the_bottom(result):
    assert caption.caption(layered(result), [0]).startswith("TaOx below HfO2-fast, ")
    assert not caption.caption(result, [0]).startswith("TaOx below")
