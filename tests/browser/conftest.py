"""A real Chromium for the browser tests; without one they are skipped by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.stage import ScriptedWall, make_app, serve
from tests.ports import free_port as port_that_is_free

expect.set_options(timeout=90_000)  # a starved machine takes long; who waits in vain waits rarely
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--force-color-profile=srgb"])
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page did that nobody sees on it: console errors, exceptions, requests, hosts."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("pageerror", lambda problem: self.errors.append(str(problem)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: self._saw(request.url, request.method))

    def _saw(self, url: str, method: str) -> None:
        if not url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.foreign.append(url)
        if method == "POST" and "_dash-update-component" in url:
            self.posts.append(url)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    context.set_default_timeout(90_000)
    context.set_default_navigation_timeout(120_000)
    yield context
    context.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    page = context.new_page()
    watch.attach(page)
    return page


@pytest.fixture
def without_plotly(page: Page) -> None:
    """For tests without a chart: spares the browser 4.8 MB of script a page."""
    page.route("**/vendor/plotly*", lambda route: route.fulfill(content_type="text/javascript", body=""))


@pytest.fixture
def free_port() -> int:
    return port_that_is_free()


@pytest.fixture
def scripted(free_port: int) -> Iterator[ScriptedWall]:
    """The page over scripted answers, served until the test ends."""
    wall = ScriptedWall(free_port)
    with serve(wall, make_app(wall)):
        yield wall


@pytest.fixture
def text_of(page: Page) -> Callable[[str], str]:
    """The text of a tile's body, '' before there is one."""

    def read(tile: str) -> str:
        return page.locator(f'[data-tile="{tile}"] .tile-body').inner_text()

    return read
