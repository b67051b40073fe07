"""The site builds without a warning, and opens without a network."""

import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

HOME = Path(__file__).parent.parent


class Page(HTMLParser):
    """What a page loads, where it links to, and its anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") != "canonical":
            self.loads.append(given.get("href", ""))
        elif tag in {"script", "img", "iframe", "source", "video"} and "src" in given:
            self.loads.append(given["src"])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(HOME / "docs" / "build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HOME)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder / "html"


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    return {file.resolve(): Page(file) for file in sorted(site.rglob("*.html"))}


pytestmark = pytest.mark.slow


def test_every_document_notebook_and_module_has_its_page(site: Path) -> None:
    build = runpy.run_path(str(HOME / "docs" / "build.py"))
    missing = [page for page in build["pages"]().values() if not (site / page).with_suffix(".html").is_file()]
    assert missing == []
    modules = {file.stem.removeprefix("zerolimit.") for file in (site / "modules").glob("*.html")}
    some = {"agents.market", "run.simulation", "study.attribution", "results.store", "rules.rule", "engine.compiled"}
    assert some <= modules


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    outside = {file.name: bad for file, page in pages.items() if (bad := [one for one in page.loads if "//" in one])}
    assert outside == {}
    for file in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", file.read_text(encoding="utf-8")), file.name


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    lost = []
    for file, page in pages.items():
        for link in [*page.links, *page.loads]:
            if re.match(r"(\w+:|//)", link):
                continue
            path, anchor = urldefrag(link)
            target = (file.parent / unquote(path.partition("?")[0])).resolve() if path else file
            known = pages.get(target)
            if not target.is_file() or (anchor and known is not None and unquote(anchor) not in known.anchors):
                lost.append((file.name, link))
    assert lost == []
