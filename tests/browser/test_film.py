"""The film of a run in a real browser: its slider moves filament, curve and numbers; nothing is fetched."""

import io

import numpy as np
import pytest

from frenkel.analysis.plots.film import Film

pytestmark = pytest.mark.browser


MOVE = """(to) => {
    const slider = document.getElementById("frame");
    slider.value = to;
    slider.dispatchEvent(new Event("input"));
}"""


def pixels(page, part):
    """Return what is drawn in a part of the page, (height, width, 3)."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(page.locator(part).screenshot())).convert("RGB"), int)


def near(picture, colour, within=40):
    """Return the places (row, column) of a colour."""
    return np.argwhere(np.abs(picture - np.array(colour)).max(axis=2) <= within)


def go(page, frame):
    page.evaluate(MOVE, frame)
    page.wait_for_selector(f"body[data-frame='{frame}']")


@pytest.fixture
def film(page, result, tmp_path):
    # Snapshots a third of the way into each phase, so that their voltages differ.
    rows = np.maximum(300 * np.arange(result.sizes["snapshot"]) - 200, 0)
    result["snapshot_time"][:] = result["time"].values[rows]
    result["snapshot_current"][:] = result["current"].values[rows]
    made = Film(result)
    page.goto(made.save(tmp_path / "film.html").as_uri())
    page.wait_for_selector("body[data-ready='1']")
    page.data = made.data
    return page


def test_the_slider_moves_everything(film, result):
    """The numbers, the filament (its red grows as it forms) and the marked point of the curve."""
    seen = []
    for frame in (0, 1, 2):
        go(film, frame)
        scene, curve = pixels(film, "#scene"), pixels(film, "#curve")
        seen.append((film.inner_text("#now"), len(near(scene, (204, 69, 41), 60)), scene, curve))
        assert film.inner_text("#count") == f"{frame + 1} of {result.sizes['snapshot']}"
    assert f"{int(result['snapshot_size'][1])} vacancies, bridged" in seen[1][0]
    assert "gap" in seen[2][0] and seen[2][0].startswith("RESET 1")
    assert seen[0][1] < 0.2 * seen[1][1]  # as made few conduct
    for earlier, later in ((0, 1), (1, 2)):
        assert (seen[earlier][2] != seen[later][2]).any(axis=2).mean() > 0.01
        assert (seen[earlier][3] != seen[later][3]).any(axis=2).mean() > 1e-4
    assert not film.faults and [url for url in film.asked if not url.startswith("file:")] == []


def test_the_filament_stands_between_its_electrodes(film):
    """The top electrode is drawn above the defects, the bottom one below."""
    go(film, 1)
    scene = pixels(film, "#scene")
    red = near(scene, (204, 69, 41), 60)[:, 0]
    # Shaded by the light of the scene: golden is what is a little warmer than grey.
    warm = scene[..., 0] - scene[..., 2]
    gold = np.argwhere((warm > 20) & (warm < 80) & (scene[..., 0] - scene[..., 1] < 40))[:, 0]
    assert len(gold) > 500 and gold.mean() < np.percentile(red, 5)


def test_a_sheet_fits_and_is_seen_through_its_electrode(page, arrays, tmp_path):
    from frenkel.data import schema

    arrays["lattice_shape"] = np.array([110, 110, 20])
    page.goto(Film(schema.dataset(arrays, {})).save(tmp_path / "sheet.html").as_uri())
    page.wait_for_selector("body[data-ready='1']")
    go(page, 1)
    scene = pixels(page, "#scene")
    drawn = (scene < 240).any(axis=2)
    assert not drawn[:, :2].any() and not drawn[:, -2:].any()
    assert drawn.any(axis=1).sum() > 0.5 * drawn.any(axis=0).sum()  # 0.71 from above, 0.31 from the side
    assert len(near(scene, (204, 69, 41), 60)) > 100


@pytest.mark.parametrize(
    "title", ["<!--<script>", "</script><img src=x onerror='document.title = 1'>", "]]> --> &lt;"]
)
def test_a_hostile_title_is_shown_as_it_is(page, result, tmp_path, title):
    """Between "<!--<script>" and "-->" a browser ends no script: the page would stay blank."""
    result.attrs["title"] = title
    page.goto(Film(result).save(tmp_path / "film.html").as_uri())
    page.wait_for_selector("body[data-ready='1']")
    assert page.inner_text("h1") == page.title() == title
    go(page, 1)
    assert "bridged" in page.inner_text("#now") and not page.faults


def test_a_click_on_the_curve_goes_there(film):
    go(film, 0)
    box = film.locator("#curve .u-over").bounding_box()
    film.mouse.click(box["x"] + 0.01 * box["width"], box["y"] + 0.2 * box["height"])
    # Nothing lies nearer to the left edge than the first RESET, whose voltage is the lowest.
    film.wait_for_selector("body[data-frame='2']")
    assert film.data["frames"][2]["voltage"] == min(frame["voltage"] for frame in film.data["frames"])


def test_it_plays_to_its_end_and_stops(film, result):
    film.click("#play")
    assert film.inner_text("#play") == "pause"
    film.wait_for_selector(f"body[data-frame='{result.sizes['snapshot'] - 1}']", timeout=20_000)
    film.wait_for_selector("#play:text-is('play')", timeout=5_000)


def test_without_3d_the_curve_works(browser, result, tmp_path):
    """A browser without WebGL says so, and shows the rest."""
    page = browser.new_context(offline=True).new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = (own => function (kind, ...rest) {"
                         "return kind.startsWith('webgl') ? null : own.call(this, kind, ...rest);"
                         "})(HTMLCanvasElement.prototype.getContext);")  # fmt: skip
    page.goto(Film(result).save(tmp_path / "film.html").as_uri())
    page.wait_for_selector("body[data-ready='1']")
    assert "draws no 3-D" in page.inner_text("#scene")
    go(page, 1)
    assert "bridged" in page.inner_text("#now")
    page.context.close()
