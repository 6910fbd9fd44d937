"""One application with its console, and one browser, for the tests of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from infra.local import console
from infra.local.application import Application, free_port, running
from tests.sample import few

PRODUCTS = 80  # of the sample; enough to search in
PATIENCE = 15_000  # milliseconds; other tests keep the machine busy meanwhile
expect.set_options(timeout=PATIENCE)
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Pages that are not in front are drawn once a second otherwise, and a click waits for that.
_AWAKE = (
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
)


@dataclass
class Site:
    """A running application and the pages around it."""

    app: Application
    url: str


@dataclass
class Visitor:
    """A person with a browser of their own. `trouble` is what the browser complained of."""

    context: BrowserContext
    site: Site
    trouble: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """A new page of the console, watched."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.trouble.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._heard(page, message.type, message.text))
        page.on("request", lambda request: self._asked(request.url))
        page.goto(self.site.url + path)
        return page

    def _heard(self, page: Page, kind: str, text: str) -> None:
        # The browser itself tells of every refusal of the API; those are what some tests want.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.trouble.append(f"{page.url}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "about:", "blob:")):
            self.trouble.append(f"asked for {url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if path is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(_CHROMIUM)})")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *_AWAKE]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """After `browser`, so that nothing is started where there is none."""
    files = few(tmp_path_factory.mktemp("sample"), PRODUCTS)
    port = free_port()
    with running(run_schedules=True, console_port=port) as app:
        app.load(files)
        with console.serving(app, console.create_staff(app), port) as url:
            yield Site(app, url)


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    with _somebody(browser, site) as visitor:
        yield visitor


@pytest.fixture
def another(browser: Browser, site: Site) -> Iterator[Visitor]:
    """Somebody else, with a browser of their own."""
    with _somebody(browser, site) as visitor:
        yield visitor


@contextmanager
def _somebody(browser: Browser, site: Site) -> Iterator[Visitor]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    visitor = Visitor(context, site)
    yield visitor
    context.close()
    assert visitor.trouble == []
