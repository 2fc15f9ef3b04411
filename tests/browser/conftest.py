"""A real browser without a screen: Chromium of the system, or of FRENKEL_CHROMIUM, led by playwright."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SOFTWARE_3D = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="make test-browser brings playwright")
    path = os.environ.get("FRENKEL_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium; make test-browser brings one")
    with api.sync_playwright() as player:
        # Without a sandbox of its own, which the root of a container may not make.
        found = player.chromium.launch(executable_path=path, args=["--no-sandbox", *SOFTWARE_3D])
        yield found
        found.close()


@pytest.fixture
def page(browser):
    """Return a page that may reach nothing but files, and that keeps what went wrong in ``faults``."""
    context = browser.new_context(viewport={"width": 1200, "height": 720}, offline=True)
    page = context.new_page()
    page.faults, page.asked = [], []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda line: page.faults.append(line.text) if line.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()
