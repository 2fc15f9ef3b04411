"""Pictures: they are made without a display, show what is asked, and their caption follows the data."""

import os
import subprocess
import sys
from io import StringIO

import numpy as np
import pytest
from made_up_results import ATTRS, synthetic
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from frenkel.analysis.plots import colours, page, panels, paper, scene
from frenkel.analysis.plots import device as plot
from frenkel.analysis.plots.caption import caption
from frenkel.analysis.results import appearance, export, filament, metrics
from frenkel.data import schema


def agg_axes():
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.add_subplot()


@pytest.mark.parametrize(("ending", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_a_page_is_written(result, tmp_path, ending, head):
    path = page.save(plot.overview(result), tmp_path / f"page.{ending}")
    assert path.read_bytes().startswith(head)


def test_unknown_endings_are_refused(result, tmp_path):
    with pytest.raises(ValueError, match=r"a picture must end in one of .*\.png"):
        page.save(plot.overview(result), tmp_path / "page.doc")


def test_no_display_is_needed(request, tmp_path):
    oracles = str(request.config.rootpath / "tests" / "oracles")
    code = (
        f"import sys; sys.path.insert(0, {oracles!r}); import made_up_results as made_up\n"
        "from frenkel.analysis.plots import device, page\nfrom frenkel.data import schema\n"
        "result = schema.dataset(made_up.synthetic(1), made_up.ATTRS)\n"
        f"page.save(device.overview(result), {str(tmp_path / 'x.png')!r})\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    bare = {"PATH": "", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=bare)


def test_matplotlib_waits_for_the_first_picture():
    code = "import sys, frenkel.analysis.plots.device; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_legend_of_resistances_covers_no_line():
    """Of many cycles, whose line goes up and down over the whole panel."""
    many = schema.dataset(synthetic(12), ATTRS)
    sheet = plot.overview(many)
    FigureCanvasAgg(sheet).draw()
    (axes,) = [one for one in sheet.axes if one.get_title(loc="left").startswith("resistance")]
    box = axes.get_legend().get_window_extent()
    assert axes.get_window_extent().containsx(box.x0) and axes.get_window_extent().containsx(box.x1)
    lines = [line.get_path().transformed(line.get_transform()) for line in axes.get_lines()]
    assert len(lines) > 1 and not any(path.intersects_bbox(box, filled=False) for path in lines)


def test_loops_are_those_of_the_panel_with_their_limit(result):
    """Curves and names of `frenkel.plot.iv`, and a line at the current limit."""
    axes, alone = agg_axes(), paper.iv(result)
    plot.current_voltage(result, axes)
    curves = [[(*line.get_data(), line.get_color()) for line in panel.get_lines()] for panel in (axes, alone)]
    for x, y, colour in curves[1]:
        assert any(c == colour and np.array_equal(a, x) and np.array_equal(b, y) for a, b, c in curves[0])
    assert set(colours.KINDS.values()) <= {colour for _, _, colour in curves[0]}
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["forming", "RESET", "SET"] and "strong: first forming" in axes.get_title(loc="left")
    texts = {text.get_text() for text in axes.texts}
    assert texts == {text.get_text() for text in alone.texts} | {"compliance 20 µA"}


def test_views_are_in_the_order_of_time(arrays):
    from frenkel.data import schema

    arrays["phase_kind"] = ["form", *["set", "reset"] * 3]
    shown = filament.shown_snapshots(schema.dataset(arrays, {}))
    assert shown == [0, 1, 6, 7]


def test_a_run_without_sweeps_is_drawn_against_time(arrays):
    from frenkel.data import schema

    arrays["phase_kind"] = ["constant"] * 7
    axes = Figure().add_subplot()
    plot.current_voltage(schema.dataset(arrays, {}), axes)
    assert axes.get_xlabel() == "time / µs"


def test_very_uneven_times_are_drawn_by_phase(arrays):
    from frenkel.data import schema

    arrays["time"] = np.where(arrays["phase"] == 6, 10.0, 0.0) + arrays["time"]
    axes = Figure().add_subplot()
    plot.counts(schema.dataset(arrays, {}), axes)
    assert axes.get_xlabel() == "phase"


@pytest.mark.parametrize(
    ("names", "shown"),
    [(["form", "reset 1", "set 1"], True), (["form", "a long name that is no tick", "set"], False)],
)
def test_few_phases_are_named_along_the_axis(result, names, shown):
    few = result.isel(phases=[0, 1, 2]).assign(phase_name=("phases", names))
    few = few.isel(sample=few["phase"].values < 3)
    drawn = [agg_axes() for _ in range(2)]
    paper.resistance(few, drawn[0], against="phase")
    marks = {line.get_label(): line.get_ydata() for line in drawn[0].get_lines()}
    np.testing.assert_array_equal(marks["after RESET"], metrics.resistance(few)[[1]])
    few = few.assign(time=few["time"] + 10.0 * (few["phase"] == 2))  # too uneven for an axis of time
    plot.counts(few, drawn[1])
    ticks = [[text.get_text() for text in axes.get_xticklabels()] for axes in drawn]
    assert (ticks == [names, names]) is shown
    if shown:
        assert drawn[0].get_xticks().tolist() == [0, 1, 2]
        assert drawn[1].get_xticks().tolist() == [0.5, 1.5, 2.5]


def test_atoms_of_a_sheet_are_seen_through_its_electrode(arrays):
    """The plate on top hides most of a thin box; then it is nearly clear, and the eye stands higher."""
    from frenkel.data import schema

    heights = []
    for sites in (200, 20):
        arrays["lattice_shape"] = np.array([sites, sites, 20])
        axes = Figure().add_subplot()
        panels.filament_view(schema.dataset(arrays, {}), 1, axes)
        top = [patch.get_facecolor()[3] for patch in axes.patches if patch.get_zorder() == 3]
        assert len(top) == 3 and all((alpha < 0.5) is (sites > 20) for alpha in top)
        heights.append(np.ptp(axes.get_ylim()) / np.ptp(axes.get_xlim()))
    assert heights[0] > 0.5


def test_states_shown_are_start_formed_reset_set(result):
    assert filament.shown_snapshots(result) == [0, 1, 6, 7]


def test_temperature_colours_the_spheres(arrays):
    from frenkel.data import schema

    arrays["defect_temperature"] = np.linspace(300, 900, len(arrays["defect_site"]))
    shot = filament.snapshot(schema.dataset(arrays, {}), 1)
    paint = panels._paint(shot, "temperature")
    assert len(np.unique(paint, axis=0)) > 50
    axes = Figure().add_subplot()
    panels.filament_view(schema.dataset(arrays, {}), 1, axes, colour="temperature")
    assert "K (dark) to" in axes.get_title()


def test_a_gap_is_marked_and_a_chain_is_not(result):
    for index, marked in ((1, False), (2, True)):
        axes = Figure().add_subplot()
        panels.filament_view(result, index, axes)
        assert any(text.get_text() == "gap 1.30 nm" for text in axes.texts) is marked
        assert ("bridged" in axes.get_title()) is not marked


def test_one_shift_moves_all_alike(result):
    """That of the filament's middle by default; another draws the same atoms elsewhere."""
    shot = filament.snapshot(result, 1)
    pictures = []
    for shift in (None, filament.middle_shift(shot), filament.middle_shift(shot) + [shot.spacing, 0.0]):
        axes = Figure().add_subplot()
        panels.filament_view(result, 1, axes, shift=shift)
        pictures.append(np.asarray(axes.images[0].get_array()))
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any(axis=2).mean() > 0.01


def _draw(position, colour):
    axes = Figure().add_subplot()
    scene.draw_spheres(
        axes,
        np.array(position, float),
        np.full(len(position), 1.0),
        np.array(colour, float),
        (-2, 2, -2, 2),
        scene.Camera(azimuth=0, elevation=0),
    )
    image = axes.get_images()[0].get_array()
    return np.asarray(image), image.shape[0] // 2


def test_the_nearer_sphere_hides_the_farther_one():
    # The eye is on the x axis; the order of drawing must not matter.
    red, blue = (1, 0, 0), (0, 0, 1)
    for order in ([(1, 0, 0), (-1, 0, 0)], [(-1, 0, 0), (1, 0, 0)]):
        colours = [red if x > 0 else blue for x, _, _ in order]
        image, middle = _draw(order, colours)
        assert image[middle, middle, 0] > image[middle, middle, 2]


def test_spheres_are_round_and_the_rest_is_clear():
    image, _ = _draw([(0, 0, 0)], [(1, 0, 0)])
    covered = image[..., 3] > 0.5
    assert covered.sum() == pytest.approx(np.pi * (image.shape[0] / 4) ** 2, rel=0.02)
    assert not covered[0, 0]
    assert image[..., 3].max() == 1


@pytest.mark.parametrize("block", [1, 3 * 700**2, 1 << 30])
def test_each_pixel_shows_the_nearest_sphere(monkeypatch, block):
    """As spheres that are painted one after another, with depths; in blocks of any size, beyond all sides."""
    monkeypatch.setattr(scene, "BLOCK", block)
    rng = np.random.default_rng(4)
    centre = np.c_[rng.uniform(-30, 330, (60, 2)), rng.uniform(-50, 50, 60)]
    size = np.where(rng.random(60) < 0.5, 20.0, 7.3)
    centre[7], size[7] = centre[3], size[3]  # of equal ones the first is seen
    owner, nearest = np.full((300, 280), -1), np.full((300, 280), -np.inf)
    row, column = np.mgrid[:300, :280]
    for sphere, ((x, y, depth), radius) in enumerate(zip(centre, size, strict=True)):
        square = 1 - ((column - x) / radius) ** 2 - ((row - y) / radius) ** 2
        surface = depth + radius * np.sqrt(np.maximum(square, 0))
        nearer = (square > 0) & (surface > nearest)
        owner[nearer], nearest[nearer] = sphere, surface[nearer]
    found = scene._owners(centre, size, (300, 280))
    np.testing.assert_array_equal(found.reshape(300, 280), owner)
    assert 40 < len(np.unique(owner)) < 60 and 7 not in owner


def test_bonds_across_a_repeating_side_are_left_out():
    position = np.array([[0.0, 0, 0], [1, 0, 0], [9, 0, 0]])
    linked = ~np.eye(3, dtype=bool)
    beads = scene.bonds(position, linked, 1.0)
    assert len(beads) == 7
    assert beads[:, 0].min() > 0 and beads[:, 0].max() < 1


def test_caption_says_what_the_data_say(result):
    text = " ".join(caption(result, filament.shown_snapshots(result)).split())
    assert "Forms at a source voltage of 2.94 V (half rise)" in text
    assert "with a compliance of 20 µA, never exceeded" in text
    assert "3 of 3 RESET/SET cycles have HRS/LRS of at least 10 (median 30" in text
    assert (
        f"After forming: {int(result['snapshot_size'][1])} vacancies" in text
        and "a conducting filament bridges the electrodes" in text
    )
    assert "residual gap 1.30 nm" in text
    assert "649 K" in text and "seed 7" in text


def test_caption_follows_the_data(result):
    result["read_current"].values[1::2] *= 10
    result["peak_current"].values[0] *= 1.05
    text = " ".join(caption(result, filament.shown_snapshots(result)).split())
    assert "0 of 3 RESET/SET cycles" in text and "exceeded by at most 5 %" in text


def test_caption_without_switching(arrays):
    from frenkel.data import schema

    arrays["current"] = arrays["current"] * 1e-3
    text = caption(schema.dataset(arrays, {}), [0])
    assert "Forming did not reach the compliance current." in text


def _frames(text):
    lines, frames = text.splitlines(), []
    while lines:
        size = int(lines[0])
        frames.append((lines[1], [line.split() for line in lines[2 : 2 + size]]))
        lines = lines[2 + size :]
    return frames


def test_xyz_holds_every_defect(result):
    frames = _frames(export.xyz(result))
    assert [len(rows) for _, rows in frames] == list(result["snapshot_size"].values)
    comment, rows = frames[1]
    assert 'Lattice="52 0 0 0 52 0 0 0 54.6"' in comment and 'pbc="T T F"' in comment
    kinds = "defect:S:1:site:I:1:conducting:I:1:temperature:R:1:radius:R:1:color:R:3"
    assert f"=species:S:1:pos:R:3:{kinds} " in comment
    assert all(len(row) == 12 and row[0] == "X" for row in rows)
    first = int(result["snapshot_size"][0])
    assert float(rows[0][1]) == pytest.approx(float(result["defect_x"][first]) * 1e10, abs=1e-5)


def test_xyz_is_read_by_ase(result, tmp_path):
    io = pytest.importorskip("ase.io")
    frames = io.read(export.save_xyz(result, tmp_path / "x.xyz"), index=":")
    assert [len(frame) for frame in frames] == list(result["snapshot_size"].values)
    assert list(frames[1].pbc) == [True, True, False]
    assert "site" in frames[1].arrays


def test_xyz_says_how_atoms_are_drawn(result):
    io = pytest.importorskip("ase.io")
    frame = io.read(StringIO(export.xyz(result)), index="1", format="extxyz").arrays
    wired = frame["conducting"] == 1
    assert wired.any() and not wired.all()
    np.testing.assert_allclose(frame["color"][wired], np.tile(appearance.CONDUCTING, (wired.sum(), 1)))
    np.testing.assert_allclose(frame["color"][~wired], np.tile(appearance.ISOLATED, (sum(~wired), 1)))
    np.testing.assert_allclose(frame["radius"], 0.34 * 2.6)


def test_xyz_with_electrodes(result):
    """A layer of nx by ny atoms at the plane of each electrode, in every frame."""
    io = pytest.importorskip("ase.io")
    frames = io.read(StringIO(export.xyz(result, electrodes=True)), index=":", format="extxyz")
    plain = io.read(StringIO(export.xyz(result)), index=":", format="extxyz")
    for frame, bare in zip(frames, plain, strict=True):
        extra = frame[len(bare) :]
        np.testing.assert_array_equal(frame.positions[: len(bare)], bare.positions)
        assert len(extra) == 2 * 20 * 20 and (extra.arrays["site"] == -1).all()
        bottom = extra.arrays["defect"] == "bottom_electrode"
        assert set(extra.positions[bottom, 2]) == {0.0} and set(extra.positions[~bottom, 2]) == {54.6}
        assert len({tuple(place) for place in extra.positions.round(6)}) == 800


def test_a_trace_that_was_read_is_on_the_page(result, monkeypatch):
    """In the place of the counts, where a phase at constant voltage was sampled finely; not else."""
    assert plot.read_phase(result) is None
    kinds = [*result["phase_kind"].values[:6], "constant"]
    result = result.assign_coords(phase_kind=("phases", kinds))
    assert plot.read_phase(result) is None  # 300 samples show no noise
    monkeypatch.setattr(plot, "READ_SAMPLES", 300)
    titles = [axes.get_title(loc="left") for axes in plot.overview(result).axes]
    assert "current in set 3" in titles and "number of defects" not in titles
    axes = paper.rtn(result, phase=6)
    rows = result["phase"].values == 6
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), result["current"].values[rows] * 1e6)
    assert axes.get_ylabel() == "current / µA"


@pytest.mark.parametrize("azimuth", [30.0, 130.0, -130.0, -40.0])
def test_a_box_shows_its_top_and_the_two_sides_that_face_the_camera(azimuth):
    """Of the four sides those whose normals point to the camera, which stands at the azimuth."""
    camera = scene.Camera(azimuth=azimuth, elevation=20.0)
    top, *sides = scene._faces(1.0, 2.0, (4.0, 6.0), camera)
    assert {point[2] for point in top} == {2.0} and len(set(top)) == 4
    angle = np.radians(azimuth)
    for side in sides:
        assert {point[2] for point in side} == {1.0, 2.0} and len(set(side)) == 4
        outward = np.mean(side, axis=0)[:2] - np.array([2.0, 3.0])
        assert np.count_nonzero(outward) == 1 and outward @ [np.cos(angle), np.sin(angle)] > 0
    assert len({tuple(np.mean(side, axis=0)) for side in sides}) == 2
