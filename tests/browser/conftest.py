"""The served page in headless Chromium, the system's or Playwright's own. Without one tests are skipped; in CI they fail."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

SCENARIO = 'base = "defaults"\nborrowers = 1500\n'
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
"""Pictures of the page, kept by CI."""


def chromium(play: Any) -> str | None:
    """A browser's path."""
    if Path(play.chromium.executable_path).exists():
        return str(play.chromium.executable_path)
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        path = chromium(play)
        if path is None:
            told = "no Chromium: install the package chromium, or say `playwright install chromium`"
            if os.environ.get("CI", "").lower() in ("1", "true"):
                pytest.fail(told)
            pytest.skip(told)
        found = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def server(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address and the process of `zerolimit app`."""
    scenario = tmp_path_factory.mktemp("page") / "small.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    command = [sys.executable, "-m", "zerolimit.commands.cli", "app", str(scenario), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("zerolimit is served at http://127.0.0.1:"), said
        address = said.split()[4]
        wait_for(address)
        yield address, process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def wait_for(address: str) -> None:
    until = time.monotonic() + 240.0
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=60).read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the page did not answer")


class Visitor:
    """A tab of its own, and all that must not happen in it."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(120_000)
        self.away: list[str] = []
        self.errors: list[str] = []
        self.host = address
        self.page.route("**/*", self._route)
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", lambda response: response.status >= 400 and self.errors.append(response.url))
        self.page.goto(address)
        # the first visitor of all waits until the month has been compiled
        self.page.locator(".zl-headline .zl-small").first.wait_for(timeout=240_000)

    def _route(self, route: Any) -> None:
        if route.request.url.startswith((self.host, "data:", "blob:")):
            route.continue_()
        else:
            self.away.append(route.request.url)
            route.abort()

    def room(self, name: str) -> None:
        """Go to a room."""
        self.page.get_by_role("navigation").get_by_role("button", name=name, exact=True).click()

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def month(self, number: int) -> None:
        """Wait for a month."""
        sync_api.expect(self.page.locator(".zl-month")).to_have_text(f"Month {number}", timeout=120_000)

    def drawn(self, file: str) -> Any:
        """A chart that has been drawn."""
        chart = self.page.locator("figure.zl-chart").filter(has=self.page.locator(f'[aria-label$=": {file}"]')).first
        chart.locator("[data-drawn]").wait_for()
        return chart

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def close(self) -> None:
        self.page.close()
        assert self.away == [], "requests left the machine"
        assert self.errors == []


@pytest.fixture(scope="session")
def ordinary(browser: Any) -> Any:
    """What visitors without wishes share: a browser that has been here before."""
    return browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})


@pytest.fixture
def visit(browser: Any, ordinary: Any, server: tuple[str, int]) -> Iterator[Callable[..., Visitor]]:
    """Opens the page; what must not happen is looked at when the test ends."""
    opened: list[Visitor] = []

    def open_page(**options: Any) -> Visitor:
        wishes = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options}
        opened.append(Visitor(browser.new_context(**wishes) if options else ordinary, server[0]))
        return opened[-1]

    yield open_page
    for visitor in opened:
        visitor.close()


@pytest.fixture(scope="session")
def settled(ordinary: Any, server: tuple[str, int]) -> Iterator[Visitor]:
    visitor = Visitor(ordinary, server[0])
    yield visitor
    visitor.close()


@pytest.fixture
def reader(settled: Visitor) -> Visitor:
    """Who only looks, and leaves the run as it is: one tab for all tests of that kind, in the room where a visit begins."""
    settled.room("Overview")
    assert settled.away == [], "requests left the machine"
    assert settled.errors == []
    return settled


@pytest.fixture
def expect() -> Any:
    sync_api.expect.set_options(timeout=120_000)  # as long as the page's own: a month on a busy machine takes some seconds
    return sync_api.expect


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]
