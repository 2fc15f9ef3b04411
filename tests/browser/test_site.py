"""Site and report of studies in a real browser: thumbnails are there, links lead on, the film moves."""

import pytest
from site_pages import build

from frenkel_studies import report as report

pytestmark = pytest.mark.browser

IMAGES = "[...document.images].map(one => [one.getAttribute('src'), one.complete ? one.naturalWidth : 0])"
NOTEBOOK = "notebooks/first_device.html"
MOVE = """(to) => {
    const slider = document.getElementById("frame");
    slider.value = to;
    slider.dispatchEvent(new Event("input"));
}"""


HEADING = """() => {
    const top = document.querySelector("section#atomristor-2d h2").getBoundingClientRect().top;
    return location.hash === "#atomristor-2d" && 0 <= top && top < 200;
}"""
"""The heading has come to the top of the window, to which furo scrolls by and by."""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    return build(tmp_path_factory.mktemp("site"), run=True)


def pictures(page, least):
    """Return how many pictures a page has, all of which are loaded and at least so wide (pixels)."""
    page.wait_for_load_state("load")
    found = page.evaluate(IMAGES)
    assert [source for source, width in found if width < least] == []
    return len(found)


def nothing_fetched(page):
    """Whether the page asked for files alone, and nothing went wrong."""
    assert not page.faults
    return [url for url in page.asked if not url.startswith(("file:", "data:", "about:", "blob:"))] == []


def test_the_first_page_has_its_thumbnails_and_leads_on(page, site):
    page.goto((site / "index.html").as_uri())
    assert pictures(page, 300) == 14  # the film, six notebooks, seven families
    page.click("article p a[href='notebooks/first_device.html'] >> nth=0")
    assert page.inner_text("h1").startswith("The first device")
    page.go_back()
    page.click("article img[alt='noise and retention']")
    assert page.inner_text("h1").startswith("Noise and retention")
    assert nothing_fetched(page)


def test_thumbnails_of_the_gallery_lead_to_their_pictures(page, site):
    page.goto((site / "gallery.html").as_uri())
    assert pictures(page, 1000) == 16
    small, large = (page.locator(f"img[alt='{name}']").first for name in ("Atomristor", "2d"))
    assert small.bounding_box()["width"] < 300 < 500 < large.bounding_box()["width"]
    small.click()
    page.wait_for_function(HEADING)
    assert nothing_fetched(page)


def test_the_film_of_a_notebook_moves(page, site):
    """Its frame is a page of its own: the slider changes the count, the numbers and what is drawn."""
    page.goto((site / NOTEBOOK).as_uri())
    assert pictures(page, 500) >= 1
    page.locator("iframe").scroll_into_view_if_needed()  # out of sight a browser hardly draws
    frame = page.locator("iframe").element_handle().content_frame()
    frame.wait_for_selector("body[data-ready='1']")
    last = int(frame.inner_text("#count").rpartition(" of ")[2]) - 1
    assert last >= 40  # twenty within each phase
    seen = []
    for number in (0, last // 2, last):
        frame.evaluate(MOVE, number)
        frame.wait_for_selector(f"body[data-frame='{number}']")
        assert frame.inner_text("#count") == f"{number + 1} of {last + 1}"
        seen.append((frame.inner_text("#now"), frame.locator("#scene").screenshot()))
    assert len({text for text, _ in seen}) == len({scene for _, scene in seen}) == 3
    assert nothing_fetched(page)


def test_search_finds_a_page(page, site):
    page.goto((site / "search.html").as_uri() + "?q=retention")
    page.wait_for_selector("#search-results li a")
    assert nothing_fetched(page)


def test_the_report_shows_tables_pictures_and_claims(page, reduced_study, tmp_path):
    outcome = reduced_study("write-verify")
    page.goto(report.write([outcome], tmp_path / "report.html").as_uri())
    assert pictures(page, 300) == len(outcome.pictures) > 0
    assert page.inner_text("h2 >> nth=1") == outcome.heading
    rows = page.locator("table").first.locator("tr")
    assert rows.count() == len(outcome.claims) + 1
    assert outcome.claims[0].sentence in rows.nth(1).inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert nothing_fetched(page)
