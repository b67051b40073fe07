"""A visitor's way through the page in Chromium: opened, changed, stepped, played, asked; nothing leaves the machine."""

import http.client
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import zerolimit

Visit = Callable[..., Any]
LIBRARYS_OWN = {"aria-progressbar-name": ".v-progress-linear"}
"""Rules of axe that the widget library breaks, and where: Solara's bar while its kernel is busy has no name."""


def test_it_opens_with_something_to_see(reader: Any, expect: Any) -> None:
    reader.month(24)
    expect(reader.page).to_have_title("zerolimit")
    expect(reader.page.locator(".zl-headline")).to_contain_text("were followed by a limit of zero")
    reader.drawn("why-zero")
    reader.drawn("pool")
    reader.drawn("used-up")
    reader.picture("overview")


def test_controls_act_next_month_or_at_reset(visit: Visit, expect: Any) -> None:
    visitor = visit()
    page = visitor.page
    pool = page.locator("#pool_share")
    expect(page.locator(".zl-field", has=pool)).to_contain_text("of the sum of first lines")
    expect(page.locator(".zl-field", has=pool)).to_contain_text("Size of the pool. 0 to 100.")
    expect(page.locator(".zl-field", has=pool)).to_contain_text("next month")
    pool.fill("0.2")
    pool.press("Enter")
    expect(page.locator(".zl-field", has=pool)).to_contain_text("from next month")
    expect(page.get_by_text("Policy changes take effect next month.")).to_be_visible()
    visitor.button("Step").click()
    visitor.month(25)
    expect(page.locator(".zl-field", has=pool)).not_to_contain_text("from next month")
    page.locator("#borrowers").fill("800")
    page.locator("#borrowers").press("Enter")
    expect(page.get_by_text("take effect after “Reset”")).to_be_visible()
    page.get_by_label("Trigger", exact=True).uncheck()
    visitor.button("Reset").click()
    visitor.month(0)
    expect(page.locator(".zl-headline")).to_contain_text("800 borrowers share a credit pool")
    page.get_by_label("Months at once").fill("12")
    page.get_by_label("Months at once").press("Enter")
    visitor.button("Run").click()
    visitor.month(12)
    visitor.room("Download")
    command = page.locator(".zl-command").first
    expect(command).to_contain_text("--borrowers 800")
    expect(command).to_contain_text("pool_share=0.2")
    expect(command).to_contain_text("""'off=["trigger"]'""")


@pytest.mark.slow
def test_it_plays_until_paused(visit: Visit, expect: Any) -> None:
    visitor = visit()
    visitor.page.get_by_label("Speed").select_option("10.0")
    visitor.button("▶ Play").click()
    expect(visitor.page.locator(".zl-month")).to_have_text(re.compile(r"Month (2[6-9]|[3-9]\d)"))
    visitor.button("‖ Pause").click()
    expect(visitor.button("▶ Play")).to_be_enabled()


def test_wrong_input_is_answered_beside_the_control(visit: Visit, expect: Any) -> None:
    visitor = visit()
    page = visitor.page
    for control, given, told in (
        ("base_tightness", "7", "allowed: 0 to 1"),
        ("borrowers", "2000000", "allowed: 1 to 1,000,000"),
        ("seed", "x", "a whole number from 0 is needed"),
        ("acquaintances", "7", "acquaintances must be even"),
    ):
        box = page.locator(f"#{control}")
        box.fill(given)
        box.press("Enter")
        expect(page.locator(".zl-field", has=box).get_by_role("alert")).to_contain_text(told)
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_have_value(given)
    visitor.picture("wrong-input")
    visitor.button("Step").click()
    visitor.month(25)


def test_a_borrower_is_picked_by_click_and_read(reader: Any, expect: Any) -> None:
    page = reader.page
    reader.room("Network")
    chart = reader.drawn("network")
    expect(page.locator(".zl-legend")).to_contain_text("usable line")
    expect(page.get_by_text("A connected part: 300 of 1,500 borrowers")).to_be_visible()
    reader.picture("network")
    x, y, key = chart.evaluate(
        """(figure) => { const chart = figure.__vue__.chart; const one = chart.getOption().series[1].data[40];
        return [...chart.convertToPixel({xAxisIndex: 0, yAxisIndex: 0}, one.value), one.key]; }"""
    )
    place = chart.get_by_role("img")
    place.hover(position={"x": x, "y": y})
    expect(page.get_by_text(f"Borrower {key:,}")).to_be_visible()
    place.click(position={"x": x, "y": y})
    expect(page.locator("#borrower-id")).to_have_value(str(key))
    reader.drawn(f"borrower-{key}")


def test_someone_like_li_has_a_notice_and_a_second_world(visit: Visit, expect: Any) -> None:
    visitor = visit()
    page = visitor.page
    visitor.room("One borrower")
    visitor.button("Someone like Li").click()
    expect(page.locator(".zl-letter")).to_contain_text("your credit line was changed from")
    expect(page.locator(".zl-letter li").first).to_contain_text("frequent small loans")
    expect(page.get_by_text("What would have been enough")).to_be_visible()
    page.get_by_label("The same borrower in a second world").select_option("trigger")
    page.wait_for_function("document.querySelector('figure.zl-chart')?.__vue__?.chart?.getOption().series.length === 8")
    chart = page.locator("figure.zl-chart").first
    names = chart.evaluate("(figure) => figure.__vue__.chart.getOption().series.map((one) => one.name)")
    assert names == [name for one in ("line", "balance", "score", "trust") for name in (one, f"{one}, second world")]
    visitor.picture("borrower")
    page.locator("#borrower-id").fill("99999999")
    page.locator("#borrower-id").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("slots are numbered 0 to 1,499")


@pytest.mark.slow
def test_two_worlds_are_compared_and_shares_computed(reader: Any, expect: Any) -> None:
    page = reader.page
    reader.room("Compare")
    reader.button("Run the second world").click()
    reader.drawn("compare-zero-limits")
    expect(page.locator(".zl-table")).to_contain_text("Zero limits")
    reader.picture("compare")
    page.get_by_label("Change").select_option("own")
    box = page.locator("#own-difference")
    box.fill("pool_shar=0.5")
    box.press("Enter")
    reader.button("Run the second world").click()
    expect(page.get_by_role("alert")).to_contain_text("did you mean 'pool_share'?")
    reader.room("Overview")
    reader.button("Compute shares").click()
    expect(reader.button("Compute again")).to_be_visible(timeout=120_000)
    reader.drawn("shares")
    expect(page.get_by_text("Shares sum to the difference")).to_be_visible()


def test_results_are_taken_along_and_load_again(reader: Any, tmp_path: Path) -> None:
    page = reader.page
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as chart:
            page.get_by_label(f"Save as {kind}: why-zero").click()
        assert chart.value.suggested_filename == f"why-zero.{kind.lower()}"
        data = Path(chart.value.path()).read_bytes()
        assert data.startswith(start)
        if kind == "SVG":
            assert any(text.text and "small loans" in text.text for text in ElementTree.fromstring(data).iter())
    reader.room("Download")
    with page.expect_download() as parcel:
        page.get_by_text("Download the run (zip)").click()
    parcel.value.save_as(tmp_path / "run.zip")
    zipfile.ZipFile(tmp_path / "run.zip").extractall(tmp_path / "run")
    run = zerolimit.load(next((tmp_path / "run").iterdir()))
    assert run.scenario.borrowers == 1_500
    assert run.rate("zero_limit").shape == (24,)


def test_a_portfolio_is_uploaded_and_checked(visit: Visit, expect: Any) -> None:
    visitor = visit()
    page = visitor.page
    file = page.locator('input[type="file"]')
    file.set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": b"limit\n-3\n"})
    expect(page.locator(".zl-field", has=file).get_by_role("alert")).to_contain_text("bad.csv: column 'limit' line 2: -3")
    file.set_input_files({"name": "mine.csv", "mimeType": "text/csv", "buffer": b"limit\n" + b"20000\n" * 40})
    expect(page.get_by_text("mine.csv: 40 clients")).to_be_visible()
    visitor.button("Reset").click()
    visitor.month(0)
    expect(page.locator(".zl-headline")).to_contain_text("40 borrowers")


@pytest.mark.slow
def test_a_file_with_other_names_is_read_by_the_form(visit: Visit, expect: Any) -> None:
    visitor = visit()
    page = visitor.page
    rows = "".join(f"{k}.5,{k},{20 + k % 40}\n" for k in range(1, 41))
    text = f"额度,欠款,年龄\n{rows}".encode("gb18030")
    page.locator('input[type="file"]').set_input_files({"name": "clients.csv", "mimeType": "text/csv", "buffer": text})
    expect(page.locator(".zl-field .zl-error")).to_contain_text("no column limit")
    page.get_by_label("Limit", exact=True).select_option("额度")
    page.get_by_label("Limit: unit").select_option("wan")
    page.get_by_label("Age", exact=True).select_option("年龄")
    page.get_by_role("button", name="Read the file again").click()
    expect(page.get_by_text("clients.csv: 40 clients")).to_be_visible()
    statement = page.locator(".zl-statement")
    expect(statement).to_contain_text("GB18030")
    expect(statement.get_by_role("row", name="Limit ← 额度")).to_contain_text("405,000")
    expect(statement.get_by_role("row", name="Balance")).to_have_count(0)
    visitor.picture("portfolio")


@pytest.mark.slow
def test_two_visitors_have_runs_of_their_own(visit: Visit) -> None:
    one, other = visit(), visit(locale="en-GB")
    one.button("Step").click()
    one.month(25)
    other.month(24)
    other.button("Reset").click()
    other.month(0)
    one.month(25)


def test_a_dark_system_gets_a_dark_page(visit: Visit, expect: Any) -> None:
    visitor = visit(color_scheme="dark")
    expect(visitor.button("Light")).to_be_visible()
    visitor.button("Light").click()
    expect(visitor.button("Dark")).to_be_visible()


def test_it_speaks_chinese(visit: Visit, expect: Any) -> None:
    visitor = visit(locale="zh-CN")
    page = visitor.page
    expect(page.locator(".zl-headline")).to_contain_text("总览")
    page.wait_for_function("document.fonts.check(\"12px 'Zerolimit Sans'\", '额')")
    loaded = page.evaluate("[...document.fonts].filter((one) => one.status === 'loaded').map((one) => one.family)")
    assert "Zerolimit Sans" in loaded
    visitor.drawn("why-zero")
    visitor.picture("chinese")
    visitor.button("English").click()
    expect(page.locator(".zl-headline")).to_contain_text("Overview")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen_in_light_and_dark(visit: Visit, expect: Any, width: int) -> None:
    visitor = visit(viewport={"width": width, "height": 844})
    page = visitor.page
    visitor.button("Dark").click()
    expect(visitor.button("Light")).to_be_visible()
    for room in ("Overview", "Who", "Network", "One borrower", "Compare", "Download"):
        visitor.room(room)
        expect(page.locator(".zl-card").first).to_be_visible()
        if room == "Network":
            visitor.drawn("network")
        page.wait_for_function("[...document.querySelectorAll('.zl-chart [role=img]')].every((one) => one.dataset.drawn)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut_off = page.evaluate(
            """[...document.querySelectorAll('.zl-card, .zl-runs, .zl-side')]
            .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className)"""
        )
        assert cut_off == []
        visitor.picture(f"{room.lower().replace(' ', '-')}-{width}-dark")
    if width < 760:
        controls = page.get_by_label("Controls", exact=True).and_(page.locator("aside"))
        expect(controls).to_be_hidden()
        visitor.button("Controls").click()
        expect(controls).to_be_visible()


def test_everything_has_a_name_and_is_reached_by_keyboard(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    nameless = page.evaluate(
        """[...document.querySelectorAll('.zl-page button, .zl-page input, .zl-page select, .zl-page [role=img]')]
        .filter((one) => ![one.ariaLabel, one.labels?.[0]?.innerText, one.innerText].some((name) => name?.trim()))
        .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()"))
    for wanted in ("English", "scenario", "seed", "pool_share", "mechanism-trigger", "adopt", "Step"):
        assert wanted in reached, wanted


@pytest.mark.slow
def test_an_axe_check_finds_nothing_serious(visit: Visit, expect: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    visitor = visit()
    page = visitor.page
    elsewhere = {"exclude": [[place] for place in LIBRARYS_OWN.values()]}
    wrong = set()
    for colours in ("Light", "Dark"):
        for room in ("Overview", "Who", "Network", "One borrower", "Compare", "Download"):
            visitor.room(room)
            if room == "One borrower":
                visitor.button("Someone like Li").click()
                expect(page.locator(".zl-letter")).to_be_visible()
            for one in axe.run(page, context=elsewhere).response["violations"]:
                if one["impact"] in ("serious", "critical"):
                    wrong.add((colours, room, one["id"], one["nodes"][0]["html"][:100]))
        if colours == "Light":
            visitor.button("Dark").click()
            expect(visitor.button("Light")).to_be_visible()
    assert wrong == set()


def test_strangers_and_files_stay_outside(server: tuple[str, int]) -> None:
    host = server[0].removeprefix("http://")

    def status(path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status

    assert status("/") == 200
    assert status("/zerolimit/zerolimit-sans.otf") == 200
    assert status("/", Host="evil.example") == 400
    assert status("/", Origin="http://evil.example") == 403
    for path in (
        "/zerolimit/../page.py",
        "/zerolimit/%2e%2e/page.py",
        "/_solara/cdn/../../../etc/passwd",
        "/_solara/cdn/no@1.0.0/x.js",
    ):
        assert status(path) == 404
    assert status("/resourcez") == 404


def test_another_address_than_loopback_is_warned_of() -> None:
    command = [sys.executable, "-m", "zerolimit.commands.cli", "app", "--no-browser", "--port", "0", "--host", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("zerolimit is served at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert "anybody who can reach 0.0.0.0 can use this page" in process.stderr.read()


def test_a_port_in_use_ends_in_one_line(taken: int) -> None:
    command = [sys.executable, "-m", "zerolimit.commands.cli", "app", "--no-browser", "--port", str(taken)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"port: {taken} on 127.0.0.1 is in use" in ended.stderr
