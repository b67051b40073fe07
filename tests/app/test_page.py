"""The page without a browser: texts, controls, the visitor's session, pictures, downloads, the server's doors."""

import ast
import inspect
import io
import itertools
import re
import shlex
import socket
import string
import sys
import threading
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import zerolimit
from zerolimit import CreditMarket, Simulation, attribute, load_scenario
from zerolimit.app.borrower_view import Borrowers, in_words, rows_of, someone_like_li, switched_off
from zerolimit.app.compare import OWN, REMEDIES, another, differences, puts_off
from zerolimit.app.controls import GROUPS, NAMES, kind_of, read, read_seed, says_of, unit_of
from zerolimit.app.downloads import zipped
from zerolimit.app.fonts import characters, covered
from zerolimit.app.language import LANGUAGES, Words, preferred, texts
from zerolimit.app.network_view import part_of_network, placed, spread_out
from zerolimit.app.picture import SCORES, picture_of
from zerolimit.app.reading_form import OTHERS, reading_of
from zerolimit.app.serve import is_loopback, listening
from zerolimit.app.session import Session
from zerolimit.app.uploads import received
from zerolimit.app.who import FATES, flows
from zerolimit.app.why import Shares
from zerolimit.app.work import Desk, Drawn, Job
from zerolimit.basics import wording
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.basics.wording import number_of
from zerolimit.commands import cli
from zerolimit.explanation import notice, reasons, story
from zerolimit.explanation.replay import Origin, origin_of
from zerolimit.parameters.declarations import about, bounds, choices
from zerolimit.parameters.scenario import Scenario, presets
from zerolimit.portfolio.columns import COLUMNS
from zerolimit.portfolio.options import OPTIONS, Reading, as_arguments, flag, from_texts
from zerolimit.portfolio.statement import HEADINGS
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.rules.caps import CAPS
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import ENDS, SECTORS, SEGMENTS, STATUSES, STRATEGIES
from zerolimit.vocabulary.outcomes import RATES

EN, ZH = Words("en"), Words("zh")
DECLARED = {
    "parameter",
    "unit",
    "column_unit",
    "reading_says",
    "allocation",
    "mechanism_says",
    "preset",
    "enough",
    "english",
    "reason",
}
"""Tables that only languages other than English have: they translate declarations."""


@pytest.fixture(scope="module")
def market() -> CreditMarket:
    return CreditMarket("defaults", seed=3, borrowers=2_000).run(months=24)


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + 300.0
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def done(session: Session, desk: Desk | None = None) -> Session:
    """Wait for a session's desk."""
    until(lambda: not (desk or session.desk).busy)
    return session


# texts


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    english, chinese = texts("en"), texts("zh")
    assert set(chinese) - set(english) == DECLARED
    assert not set(english) - set(chinese)
    for table, rows in english.items():
        assert set(rows) == set(chinese[table]), table
        for key, text in rows.items():
            places = [
                sorted(name for _, name, _, _ in string.Formatter().parse(one) if name)
                for one in (text, chinese[table][key])
            ]
            assert places[0] == places[1], f"{table}.{key}"


def test_what_the_model_declares_is_translated() -> None:
    chinese = texts("zh")
    assert set(chinese["parameter"]) == {*NAMES, "borrowers"} - {"off"}
    assert set(chinese["unit"]) == {
        about(name)["unit"] for name in (*NAMES, "borrowers") if kind_of(name) == "number" and name != "off"
    }
    assert {cap.says for cap in CAPS} <= set(chinese["english"])
    assert {cap.name for cap in CAPS} == set(chinese["reason"])
    assert set(chinese["allocation"]) == set(ALLOCATIONS)
    assert set(chinese["preset"]) == set(presets())
    assert set(chinese["enough"]) == {kind.name for kind in notice.KINDS}
    assert "no cap" in chinese["english"]
    assert set(texts("en")["mechanism"]) == set(MECHANISMS) == set(chinese["mechanism_says"])
    assert set(texts("en")["segment"]) == set(SEGMENTS)


PLACE = re.compile(r"\{([a-z_]+)\}")


def templates() -> set[str]:
    """Every template of a story's or a reason's sentence, and the words that stand in their places."""
    found = {*SECTORS, *STRATEGIES, *STATUSES, *story.FINDS, *story.ROUTES.values(), *story.WHO.values()}
    found |= {text for one in ALLOCATIONS.values() for text in (one.ended, one.refused) if text}
    found |= {*story.ZEROS.values(), "a first application", "{some} {more}", "{some}, {more}", "{some}; {more}", "{some}."}
    for module in (wording, story, reasons, *(sys.modules[cap.function.__module__] for cap in CAPS)):
        source = inspect.getsource(module)
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "say"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
        for noun in re.findall(r'number_of\([^"\n]*"([a-z ]+)"\)|within\([^"]*".*"([a-z]+)"\)', source):
            found |= {number_of(n, noun[0] or noun[1]).says for n in (1, 2)}
    return found - {number_of(n, "borrower").says for n in (1, 2)}


def test_every_sentence_of_a_story_and_a_reason_is_translated_with_its_places() -> None:
    chinese = texts("zh")["english"]
    assert len(templates()) > 130
    assert not templates() - set(chinese)
    for template in templates():
        assert sorted(PLACE.findall(template)) == sorted(PLACE.findall(chinese[template])), template


def test_every_text_that_the_code_asks_for_is_there() -> None:
    used = {
        key
        for file in (Path(zerolimit.__file__).parent / "app").glob("*.py")
        for key in re.findall(r'(?:words|WORDS)\(\s*"([a-z_]+\.[a-z_]+)"', file.read_text(encoding="utf-8"))
    }
    assert len(used) > 100
    assert not [
        key
        for key in used
        if key.partition(".")[2] not in texts("en").get(key.partition(".")[0], {}) and key[-1] not in "._"
    ]


def test_figures_are_translated_whole(market: CreditMarket, tmp_path: Path) -> None:
    from zerolimit.results.figures import draw_summary
    from zerolimit.results.tables import tables_of

    asked: list[str] = []
    simulation = market.simulation
    draw_summary(tables_of(simulation), simulation.scenario, tmp_path / "a.png", lambda text: asked.append(text) or text)
    assert set(asked) <= set(texts("zh")["english"])
    assert {cap.short for cap in CAPS} <= set(texts("zh")["english"])


def test_the_font_has_every_character_of_every_text() -> None:
    assert not characters() - covered()
    assert "额" in characters()


@pytest.mark.parametrize(
    ("fen", "english", "chinese"),
    [
        (0, "0 yuan", "0 元"),
        (123_400, "1,234 yuan", "1,234 元"),
        (1_234_567_00, "1.23 million yuan", "123 万元"),
        (16_513_000_000, "165 million yuan", "1.65 亿元"),
        (-250_000_000_00, "-250 million yuan", "-2.50 亿元"),
        (3_000_000_000_00, "3.00 billion yuan", "30.0 亿元"),
    ],
)
def test_money_is_written_for_each_language(fen: int, english: str, chinese: str) -> None:
    assert (EN.yuan(fen), ZH.yuan(fen)) == (english, chinese)


def test_shares_and_numbers_are_written_for_each_language() -> None:
    assert [EN.percent(share) for share in (0.0, 0.00125, 0.0812, 0.5, 1.0)] == [
        "0 %",
        "0.125 %",
        "8.12 %",
        "50.0 %",
        "100 %",
    ]
    assert ZH.percent(0.5) == "50.0%"
    assert EN.percent(float("nan")) == ZH.number(float("inf")) == "–"


def test_the_browsers_language_is_taken() -> None:
    assert preferred("zh-CN,zh;q=0.9,en;q=0.8") == "zh"
    assert preferred("fr-FR,en;q=0.5") == "en"
    assert preferred("") == "en"
    assert set(LANGUAGES) == {"en", "zh"}


# controls


def test_controls_are_derived_from_the_declaration() -> None:
    for name in NAMES:
        if name == "off":
            continue
        declared = Scenario.model_fields[name].description or ""
        assert declared.lower().startswith(says_of(name, EN).lower())
        assert unit_of(name, EN) in ("", about(name)["unit"])
    for group in GROUPS.values():
        for control in group:
            if control.upto is not None:
                low, high = bounds(control.name)
                assert low is not None
                assert high is not None
                assert low <= control.upto <= high


@pytest.mark.parametrize("words", [EN, ZH])
@pytest.mark.parametrize("given", ["", "many", "nan", "inf", "-1", "101", "1e99"])
def test_a_number_that_is_none_or_out_of_range_is_refused(given: str, words: Words) -> None:
    with pytest.raises(BadInput) as error:
        read("pool_share", given, load_scenario("defaults"), words)
    allowed = words("controls.range", low="0", high="100")
    assert str(error.value) in (words("controls.number"), f"{allowed} {unit_of('pool_share', words)}")


def test_numbers_are_read_with_separators_and_whole_where_needed() -> None:
    base = load_scenario("defaults")
    assert read("borrowers", "12,000", base, EN) == 12_000
    assert read("pool_share", " 0.4 ", base, EN) == 0.4
    assert type(read("notice_months", "3", base, EN)) is int
    for name, wrong in (("borrowers", "1000001"), ("borrowers", "0"), ("notice_months", "2.5"), ("acquaintances", "7")):
        with pytest.raises(BadInput):
            read(name, wrong, base, EN)
    assert read_seed("7", EN) == 7
    for wrong in ("-1", "1.5", "x", str(2**60)):
        with pytest.raises(BadInput):
            read_seed(wrong, EN)


# a session


def test_policy_acts_from_the_next_month_and_setup_at_reset() -> None:
    session = Session(borrowers=300)
    session.reset(2)
    done(session)
    assert session.month == 2
    session.take("pool_share", "0.15", EN)
    session.take("borrowers", "200", EN)
    assert session.policy() == {"pool_share": 0.15}
    assert session.differs_at_start() == {"borrowers"}
    assert session.waits("pool_share")
    session.run(1)
    done(session)
    assert session.market is not None
    assert session.market.simulation.scenario.pool_share == 0.15
    assert session.market.simulation.size == 300
    assert session.market.simulation.changes == [{"month": 2, "pool_share": 0.15}]
    assert not session.waits("pool_share")
    session.reset()
    done(session)
    assert session.market.simulation.size == 200
    assert session.month == 0
    assert not session.differs_at_start()


def test_a_refused_value_stays_typed_beside_its_error_and_the_run_goes_on() -> None:
    session = Session(borrowers=100)
    session.take("base_tightness", "2", EN)
    assert session.errors["base_tightness"] == "allowed: 0 to 1"
    assert session.shown("base_tightness", session.wanted.base_tightness) == "2"
    session.run(1)
    done(session)
    assert session.month == 1
    session.take("base_tightness", "0.5", EN)
    assert not session.errors
    assert session.wanted.base_tightness == 0.5


def test_before_the_first_month_a_change_is_in_the_run_from_its_beginning() -> None:
    session = Session(borrowers=100)
    session.reset()
    done(session)
    session.take("minimum_loan", "600", EN)
    session.take_seed("9", EN)
    session.run(1)
    done(session)
    assert session.market is not None
    assert session.market.seed == 9
    assert session.market.simulation.first_scenario.minimum_loan == 600.0
    assert session.market.simulation.changes == []


def test_the_command_line_repeats_the_run(tmp_path: Path) -> None:
    session = Session("jiebei-2018", borrowers=300)
    session.take("reasons_sent", True, EN)
    session.put("off", ("contagion",))
    session.run(3)
    done(session)
    session.take("pool_share", "0.25", EN)
    session.put("off", ("contagion", "trigger"))
    session.take("early_warning", True, EN)
    session.run(3)
    done(session)
    assert session.market is not None
    told = shlex.split(session.command())
    assert told[:3] == ["zerolimit", "run", "jiebei-2018"]
    ran = CliRunner().invoke(cli.app, [*told[1:], "--out", str(tmp_path / "run"), "--quiet"])
    assert ran.exit_code == 0, ran.stderr
    again = zerolimit.load(tmp_path / "run")
    assert again.monthly.equals(session.market.monthly)
    assert again.platform["principal"].tolist() == session.market.platform_months["principal"].tolist()


def test_only_presets_and_the_given_scenario_are_read() -> None:
    session = Session(borrowers=100)
    before = session.wanted
    for name in ("/etc/passwd", "../secrets.toml", "nobody"):
        session.take_base(name)
    assert session.wanted is before
    session.take_base("jiebei-2020")
    assert session.wanted.name == "jiebei-2020"


def test_a_closed_session_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerolimit.app.work.DRAWING", 600.0)
    session = Session(borrowers=100)
    session.drawn.leave()
    session.run(2)
    done(session)
    session.play()
    session.close()
    done(session)
    assert session.market is None
    assert session.picture is None
    session.run(1)
    done(session)
    assert session.market is None


def while_building(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> list[CreditMarket]:
    """Do something once while a session's market is being built; the markets that were built."""
    built: list[CreditMarket] = []

    def build(*given: Any, **named: Any) -> CreditMarket:
        if not built:
            do()
        built.append(CreditMarket(*given, **named))
        return built[-1]

    monkeypatch.setattr("zerolimit.app.session.CreditMarket", build)
    return built


def test_what_is_typed_while_a_market_is_built_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(borrowers=100)

    def typed() -> None:
        session.take("pool_share", "0.15", EN)
        session.take("borrowers", "120", EN)
        session.take_seed("9", EN)

    while_building(monkeypatch, typed)
    session.reset()
    done(session)
    assert session.market is not None
    assert (session.market.seed, session.market.simulation.size) == (1, 100)
    assert session.policy() == {"pool_share": 0.15}
    assert session.differs_at_start() == {"borrowers", "seed"}
    session.reset()
    done(session)
    assert (session.market.seed, session.market.simulation.size) == (9, 120)
    assert session.market.simulation.first_scenario.pool_share == 0.15
    assert not session.differs_at_start()


def test_who_leaves_while_a_market_is_built_leaves_none_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go: list[Simulation] = []
    close = Simulation.close

    def closed(simulation: Simulation) -> None:
        let_go.append(simulation)
        close(simulation)

    monkeypatch.setattr(Simulation, "close", closed)
    session = Session(borrowers=100)
    built = while_building(monkeypatch, session.close)
    session.reset(2)
    done(session)
    assert session.market is None
    assert session.picture is None
    assert let_go == [one.simulation for one in built]
    assert len(built) == 1
    assert session.desk.wrong == ""


def test_playing_stops_when_asked_and_who_comes_meanwhile_is_told() -> None:
    session = Session(borrowers=50)
    session.speed = 10.0
    session.play()
    assert not session.desk.turned_away
    session.run(500)
    assert session.desk.turned_away
    until(lambda: session.month >= 3)
    session.stop()
    done(session)
    assert 3 <= session.month < 500
    assert session.picture is not None
    assert session.picture.months == session.month
    session.run(1)
    assert not session.desk.turned_away
    done(session)


class Noting(threading.Event):
    """Notes each wait; the page that is waited for draws after any time."""

    def __init__(self, look: Callable[[], Any]) -> None:
        super().__init__()
        self.look, self.waits = look, list[Any]()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(self.look())
        return super().wait(300.0)


def test_playing_waits_for_a_page_that_is_still_drawing() -> None:
    """Else each pass of a slow page finds another month, and Solara gives up."""
    session = Session(borrowers=50)
    session.speed = 10.0
    session.drawn._event = page = Noting(lambda: session.month)
    session.play()
    for months in range(1, 5):
        until(lambda months=months: len(page.waits) == months)
        session.drawn.done()
    until(lambda: len(page.waits) == 5)
    assert page.waits == [1, 2, 3, 4, 5]
    session.close()
    done(session)


@pytest.mark.parametrize("leaves", ["before", "meanwhile", "never"])
def test_nobody_waits_for_a_page_that_has_gone(leaves: str) -> None:
    """It may go before a job shows something, or while it does."""
    drawn = Drawn()
    drawn._event = page = Noting(lambda: "waited")
    if leaves == "before":
        drawn.leave()
    drawn.after(drawn.leave if leaves == "meanwhile" else drawn.done)
    assert page.waits == (["waited"] if leaves == "never" else [])


def test_two_sessions_have_runs_of_their_own() -> None:
    one, other = Session(borrowers=100), Session(borrowers=200)
    one.run(2)
    other.run(5)
    done(one)
    done(other)
    assert (one.month, other.month) == (2, 5)
    assert one.market is not other.market


def test_a_failing_run_is_one_line() -> None:
    told: list[int] = []
    desk = Desk(lambda: told.append(1))

    def wrong(job: Job) -> None:
        raise BadInput("this\ncannot be")

    def stopped(job: Job) -> None:
        raise Cancelled("stopped before all worlds were run")

    desk.start("x", wrong)
    until(lambda: not desk.busy)
    assert desk.wrong == "this cannot be"
    assert told
    desk.start("x", stopped)
    until(lambda: not desk.busy)
    assert desk.wrong == ""


def test_stopped_shares_run_no_further_month_and_are_no_failure(
    market: CreditMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = Shares(Session(market=market))
    steps: list[int] = []

    def stopped(*given: Any, **named: Any) -> Any:
        shares.desk.stop()
        monkeypatch.setattr(Simulation, "step", lambda simulation: steps.append(simulation.month))
        return attribute(*given, **named)

    monkeypatch.setattr("zerolimit.study.attribution.attribute", stopped)
    shares.ask()
    done(shares.session, shares.desk)
    assert steps == []
    assert shares.found is None
    assert shares.desk.wrong == ""


# pictures


def test_a_picture_adds_up(market: CreditMarket) -> None:
    picture = picture_of(market.simulation)
    assert picture.months == 24
    accounts = int((market.simulation.column("status") != 3.0).sum())
    assert picture.now.lines.sum() == picture.now.scores.sum() == accounts
    assert len(picture.now.scores) == len(SCORES)
    for rate in RATES:
        np.testing.assert_array_equal(picture.rate(rate, (1, 2)), market.rate(rate).to_numpy())
    reasons = picture.by_reason()
    assert sum(int(events.sum()) for events in reasons.values()) == picture.total("zero_limit")
    totals = [int(events.sum()) for events in reasons.values()]
    assert totals == sorted(totals, reverse=True)


def test_the_flow_balances(market: CreditMarket) -> None:
    picture = picture_of(market.simulation)
    counted = flows(picture)
    assert counted
    into = {node: sum(n for (_, end), n in counted.items() if end == node) for node in {end for _, end in counted}}
    assert sum(n for (start, _), n in counted.items() if start == "paid") == picture.total("at_risk")
    for node in {start for start, _ in counted} - {"paid"}:
        assert sum(n for (start, _), n in counted.items() if start == node) == into[node]
    zeros = sum(n for (start, end), n in counted.items() if start == "paid" and end.startswith("zero:"))
    assert zeros == picture.total("zero_limit")
    assert into["blocked"] == picture.total("blocked")


def test_every_end_of_an_episode_has_a_fate() -> None:
    assert sorted(end for ends in FATES.values() for end in ends) == sorted(ENDS)


@pytest.mark.parametrize("network", ["none", "ring", "small_world", "scale_free", "sector_blocks"])
def test_the_part_of_a_network_is_its_own(network: str) -> None:
    market = CreditMarket("defaults", seed=1, borrowers=300, network=network, acquaintances=4)
    whole = placed(part_of_network(market, 300, 0))
    assert whole.whole
    one, other = market.simulation.network().edges()
    assert sorted(map(tuple, whole.ties.tolist())) == sorted(zip(one.tolist(), other.tolist(), strict=True))
    part = placed(part_of_network(market, 60, 17))
    assert not part.whole
    assert len(part.slots) == len(set(part.slots.tolist())) == 60
    assert 17 in part.slots
    ties = {(part.slots[a], part.slots[b]) for a, b in part.ties}
    inside = set(part.slots.tolist())
    assert ties == {(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True) if a in inside and b in inside}
    assert ((part.at >= 0.0) & (part.at <= 1.0)).all()


def test_places_are_spread_over_the_square() -> None:
    at = spread_out(np.array([[0.0, 5.0], [1.0, 5.0], [100.0, 6.0]]))
    assert at.min() == 0.0
    assert at.max() == 1.0


# one borrower, two worlds


def test_someone_like_li_is_a_punctual_owner_hit_by_the_trigger(market: CreditMarket) -> None:
    slot = someone_like_li(market)
    assert slot is not None
    events = market.episodes
    mine = events[(events["borrower"] == slot) & (events["kind"] == "zero limit")]
    triggered = events[(events["kind"] == "zero limit") & (events["reason"] == "trigger")]
    assert len(mine)
    if (triggered["segment"] == "owner").any():
        assert (mine["segment"].astype(str) == "owner").any()
    fresh = CreditMarket("defaults", seed=3, borrowers=50)
    assert someone_like_li(fresh) is None


def test_a_borrower_is_followed_with_the_notice_that_explain_writes(market: CreditMarket) -> None:
    session = Session(market=market)
    borrowers = Borrowers(session)
    borrowers.like_li()
    done(session, borrowers.desk)
    found = borrowers.found
    assert found is not None
    assert found.notice is not None
    assert found.notice == notice.explain(market, found.who.slot, found.notice.month)
    assert found.notice.kind == "zero limit"
    for words in (EN, ZH):
        assert all(in_words(one, words) for one in found.notice.enough)
    assert [in_words(one, EN) for one in found.notice.enough] == [one.text for one in found.notice.enough]
    loans = next(one for one in found.notice.enough if one.kind == "loans")
    assert in_words(loans, ZH) == f"借款 {loans.required:.0f} 笔（当时 {loans.own:.0f} 笔），少 {loans.amount:.0f} 笔"
    borrowers.without("trigger")
    done(session, borrowers.desk)
    assert borrowers.found is not None
    assert borrowers.found.off == "trigger"
    assert [now.month for now in borrowers.found.other] == [now.month for now in found.seen]
    for wrong in ("2000", "-1", "nobody", ""):
        borrowers.pick(wrong)
        assert borrowers.wrong
        assert borrowers.typed == wrong


BUSY = {"early_warning": True, "project_rate": 0.2, "follow_appealing": 0.4, "appeal_rate": 0.6, "appeals_capacity": 0.05}
"""A market in which much happens."""


@pytest.mark.parametrize(
    ("allocation", "others"),
    [
        ("score", {}),
        ("pro_rata", {"notice_months": 2, "adaptation_months": 2}),
        pytest.param("water_filling", {}, marks=pytest.mark.slow),
        pytest.param("profit", {}, marks=pytest.mark.slow),
    ],
)
def test_chinese_readers_are_told_the_same_with_the_same_numbers(allocation: str, others: dict[str, Any]) -> None:
    """Every story of a busy market: the same rows, the same numbers in each, and no English in them."""
    number = re.compile(r"\d[\d,.]*\d|\d")
    scarce = {"pool_share": 0.26, "base_tightness": 0.2, "entry_rate": 0.4, "reapply_rate": 0.2}
    scenario = load_scenario("defaults", borrowers=120, allocation=allocation, **BUSY, **scarce, **others)
    origin, kinds, reasons_given = Origin("test", scenario, 3, 20), set(), 0
    slots = range(0, 120, 3)
    for slot, seen in zip(slots, origin.watched(*slots), strict=True):
        told = story.story_of(origin, slot, str(slot), seen, 0, 19)
        for life in told.lives:
            rows = zip(rows_of(life, EN), rows_of(life, ZH), strict=True)
            lines = [(one[2], other[2]) for one, other in rows]
            for text in (story.introduced(life, alone=True), *story.summed_up(life)):
                lines.append((text, ZH.english(text)))
            for english, chinese in lines:
                assert sorted(number.findall(english)) == sorted(number.findall(chinese)), english
                assert not re.search("[A-Za-z]", chinese), chinese
            kinds |= {event.kind for event in life.events}
            reasons_given += sum("原因：" in chinese for _, chinese in lines)
    assert len(kinds) > 22
    assert reasons_given > 20


def test_the_notice_has_its_numbers_in_chinese_too(market: CreditMarket) -> None:
    slot = someone_like_li(market)
    assert slot is not None
    event = market.episodes.query("borrower == @slot and kind == 'zero limit'").iloc[0]
    found = notice.explain(market, slot, int(event.month))
    often = re.findall(r"[\d.]+", found.reason_texts[0])
    said = ZH.english(found.reason_texts[0])
    assert said.startswith("频繁小额借款（每月借款 ")
    assert re.findall(r"[\d.]+", said) == often


def test_the_second_world_has_the_mechanism_off_throughout() -> None:
    market = CreditMarket("defaults", seed=3, borrowers=300).run(months=2)
    market.change(off=("contagion",), base_tightness=0.3).run(months=2)
    origin = origin_of(market)
    other = switched_off(origin, "trigger")
    assert other.scenario.off == ("trigger",)
    assert set(other.changes[0]["off"]) == {"contagion", "trigger"}
    world = other.begin()
    other.run(world)
    alone = Simulation(load_scenario("defaults", borrowers=300, off=("trigger",)), 3)
    for month in range(4):
        if month == 2:
            alone.change(off=("trigger", "contagion"), base_tightness=0.3)
        alone.step()
    assert [one.platform["principal"] for one in world.history] == [one.platform["principal"] for one in alone.history]


def test_every_difference_can_be_run(market: CreditMarket) -> None:
    origin = origin_of(market)
    for difference in differences(EN):
        other = another(origin, difference, "pool_share=0.5")
        assert other.scenario != origin.scenario or difference == "by:score"
    assert set(REMEDIES) <= set(Scenario.model_fields)
    for wrong in ("pool_shar=1", "pool_share=1000", "borrowers=5", "nonsense", "network_file=x"):
        with pytest.raises(BadInput):
            another(origin, OWN, wrong)


def test_what_puts_cuts_off_is_said_to() -> None:
    assert [one for one in REMEDIES if puts_off(f"set:{one}", "")] == ["notice_months", "adaptation_months"]
    assert puts_off(OWN, "notice_months = 2")
    assert not any(puts_off(one, "notice_months=2") for one in ("off:trigger", "by:lottery", "set:early_warning"))
    assert not puts_off(OWN, "pool_share=0.5")


# downloads


def test_the_zip_loads_again(market: CreditMarket, tmp_path: Path) -> None:
    parcel = zipfile.ZipFile(io.BytesIO(zipped(market, "zerolimit run defaults", ZH)))
    parcel.extractall(tmp_path)
    folder = next(tmp_path.iterdir())
    run = zerolimit.load(folder)
    assert run.monthly.equals(market.monthly)
    assert (folder / "command.txt").read_text(encoding="utf-8") == "zerolimit run defaults\n"
    assert (folder / "summary.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (folder / "summary.svg").read_text(encoding="utf-8")
    assert tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))["borrowers"] == 2_000


# uploads


def upload(name: str, data: bytes, most: int = 1_000, **reading: Any) -> Any:
    return received(name, io.BytesIO(data), len(data), most).portfolio(reading)


def test_an_upload_is_checked_like_any_portfolio() -> None:
    good = b"limit,balance\n20000,1000\n5000,0\n"
    assert upload("mine.csv", good).size == 2
    with pytest.raises(BadInput, match="more than the page takes"):
        upload("mine.csv", good, 10)
    with pytest.raises(BadInput, match=r"^mine\.exe: a portfolio is"):
        upload("C:\\secret\\mine.exe", good)
    with pytest.raises(BadInput) as error:
        upload("../../mine.csv", b"limit\n-5\n")
    assert "/" not in str(error.value)
    assert str(error.value).startswith("portfolio mine.csv: column 'limit' line 2")


def with_clients(data: bytes, name: str = "mine.csv") -> Session:
    session = Session(borrowers=100)
    session.take_portfolio(name, io.BytesIO(data), len(data))
    return session


def test_a_portfolio_becomes_the_borrowers() -> None:
    session = with_clients(b"limit\n" + b"20000\n" * 60)
    session.run(1)
    done(session)
    assert session.market is not None
    assert session.market.simulation.size == 60
    assert "--portfolio mine.csv" in session.command()
    assert "--borrowers" not in session.command()
    session.take_portfolio("mine.csv", io.BytesIO(b"x\n1\n"), 4)
    assert "mine.csv" in session.errors["portfolio"]
    assert session.portfolio is None


PPDAI = "额度,欠款,年龄,term\n" + "".join(f"{k + 1}.5万,-9,{20 + k},{1 + k % 5}\n" for k in range(40))


def test_a_file_is_read_again_as_the_form_says() -> None:
    session = with_clients(PPDAI.encode("gb18030"), "客户.csv")
    assert session.portfolio is None
    assert "no column limit" in session.errors["portfolio"]
    assert session.file_columns == ("额度", "欠款", "年龄", "term")
    for name, given in (("columns.limit", "额度"), ("columns.balance", "欠款"), ("missing", "-9"), ("columns.age", "-")):
        session.fill_in(name, given)
    session.read_upload()
    assert session.errors == {}
    assert session.portfolio.size == 40
    assert session.portfolio.given == ("limit", "balance")
    assert session.portfolio.values["limit"][1] == 25_000 * 100
    session.run(1)
    words = shlex.split(done(session).command())
    assert words[words.index("--portfolio") + 1] == "客户.csv"
    assert [b for a, b in itertools.pairwise(words) if a == "--columns"] == ["limit=额度", "balance=欠款", "age=-"]
    assert "--missing=-9" in words


def test_the_form_has_a_field_for_every_option_and_column() -> None:
    assert {*OTHERS, "columns", "units"} == set(OPTIONS)
    assert set(texts("en")["column"]) == set(COLUMNS)
    assert set(texts("zh")["reading_says"]) == set(OTHERS)
    assert set(texts("zh")["column_unit"]) == {unit for column in COLUMNS.values() for unit in column.units}
    assert {f"word_{one}" for name in OTHERS for one in OPTIONS[name].allowed} <= set(texts("en")["reading"])
    assert set(HEADINGS) <= set(texts("zh")["english"])
    form = {
        "columns.history": "PAY_0, PAY_2",
        "units.limit": "wan",
        "missing": "-9；-8",
        "header": " 2 ",
        "segments": "工薪=salaried",
    }
    assert reading_of(form | {"totals": "drop", "encoding": ""}) == {
        "columns": {"history": "PAY_0, PAY_2"},
        "units": {"limit": "wan"},
        "missing": ("-9", "-8"),
        "header": 2,
        "segments": {"工薪": "salaried"},
        "totals": "drop",
    }
    with pytest.raises(BadInput, match=r"^header: a whole number is needed, not 'two'$"):
        reading_of({"header": "two"})


@pytest.mark.parametrize(
    "given",
    [
        {"columns": {"limit": "LIMIT_BAL", "history": ("PAY_0", "PAY_2"), "age": "-"}, "scale": 0.25},
        {"missing": ["-9", "none"], "header": 0, "delimiter": ";", "decimal": ",", "segments": {"a b": "gig"}},
        {"units": {"limit": "wan"}, "totals": "drop", "encoding": "gb18030", "rows": 3},
    ],
)
def test_options_as_arguments_give_the_options_back(given: dict[str, Any]) -> None:
    words = as_arguments(Reading.of(given).given())
    told: dict[str, list[str]] = {}
    flags = {flag(name): name for name in OPTIONS}
    while words:
        name, equals, value = words.pop(0).partition("=")
        told.setdefault(flags[name], []).append(value if equals else words.pop(0))
    plain = {
        name: from_texts(name, some if OPTIONS[name].kind in (dict, tuple) else OPTIONS[name].kind(some[0]))
        for name, some in told.items()
    }
    again = Reading.of(plain).given()
    assert {**again, "columns": None} == {**Reading.of(given).given(), "columns": None}
    several = {ours: one if isinstance(one, str) else ",".join(one) for ours, one in given.get("columns", {}).items()}
    assert again.get("columns", {}) == several


# the server's doors


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


def test_a_port_in_use_or_a_strange_address_is_one_line(taken: int) -> None:
    with pytest.raises(BadInput, match=f"port: {taken} on 127.0.0.1 is in use"):
        listening("127.0.0.1", taken)
    with pytest.raises(BadInput, match="port: 70000 is not in 0 to 65,535"):
        listening("127.0.0.1", 70_000)
    with pytest.raises(BadInput, match="host"):
        listening("no such host", 0)


def test_loopback_is_told_from_the_world() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "127.8.8.8")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "::", "example.org")))


# in Mesa and in notebooks


def buttons(rc: Any) -> dict[str, Any]:
    import ipyvuetify

    return {"".join(map(str, one.children)): one for one in rc.find(ipyvuetify.Btn).widgets}


def test_the_panels_and_parameters_serve_a_plain_solaraviz() -> None:
    import solara
    from mesa.visualization import SolaraViz

    from zerolimit.app import components, model_params
    from zerolimit.app.charts import Widget

    market = CreditMarket("defaults", rng=1, borrowers=120)
    model = solara.Reactive(market)
    page = SolaraViz(model, components=components(), model_params=model_params())
    _, rc = solara.render(solara.AppLayout(children=[page]), handle_error=False)
    try:
        buttons(rc)["Step"].click()
        buttons(rc)["Step"].click()
        assert market.month == 2
        charts = {one.file for one in rc.find(Widget).widgets}
        assert {"pool", "who-zero_limit", "lines", "scores"} <= charts
        buttons(rc)["Reset"].click()
        assert model.value is not market
        assert model.value.month == 0
        assert model.value.simulation.size == 2_000
        assert model.value.seed == 1
    finally:
        rc.close()


def test_every_control_of_the_page_is_a_mesa_parameter_that_the_market_takes() -> None:
    from zerolimit.app import model_params

    made = model_params()
    assert {name for name in NAMES if name not in ("off", "network", "minimum_loan", "acquaintances")} <= set(made)
    given = {name: (one["value"] if isinstance(one, dict) else one.value) for name, one in made.items()}
    assert CreditMarket("defaults", **{**given, "borrowers": 100}).seed == 1


def test_view_shows_the_page_in_a_notebook_cell() -> None:
    import solara

    from zerolimit.app.charts import Widget

    market = CreditMarket("defaults", seed=1, borrowers=120).run(months=6)
    before = threading.active_count()
    _, rc = solara.render(market.view(language="zh"), handle_error=False)
    assert market.month == 6
    assert {"pool", "used-up"} <= {one.file for one in rc.find(Widget).widgets}
    buttons(rc)["单步"].click()
    until(lambda: market.month == 7 and threading.active_count() <= before)
    rc.close()
    with pytest.raises(BadInput, match="language: 'fr'"):
        market.view(language="fr")


def test_choices_of_the_page_are_those_of_the_parameters() -> None:
    for name in NAMES:
        for one in choices(name):
            assert one == "file" or one in texts("en")["option"], f"{name}: {one}"


@pytest.mark.parametrize("number", [0, 1])
def test_the_guides_examples_run(number: int) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "page.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert len(blocks) == 2
    exec(compile(blocks[number], "docs/page.md", "exec"), {})


def test_the_guide_names_every_room() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "page.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (.+?) \| [A-Z]", guide, re.MULTILINE) == list(texts("en")["room"].values())
