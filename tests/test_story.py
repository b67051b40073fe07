"""Stories: the replay is the world, what is told is what happened, and what cannot be told is refused in one line."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

import zerolimit
from zerolimit import Borrower, CreditMarket
from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import amount, distinguished
from zerolimit.commands import cli
from zerolimit.explanation.cases.case import Scripted, cases, compared, follows, load_case, outcome_of, play, story_with
from zerolimit.explanation.reasons import in_words
from zerolimit.explanation.replay import CloseUp, Origin, origin_of
from zerolimit.explanation.story import FRAME, KINDS, QUIET, STYLES, Story, paragraphs, story_of, tell, whom
from zerolimit.parameters.scenario import load_scenario
from zerolimit.results.panel_columns import LABELS, column_of
from zerolimit.results.whole import PROVENANCE, write_manifest
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.rules.caps import CAPS
from zerolimit.rules.caps.grant import by_allocation
from zerolimit.rules.rule import rule
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import FIELDS, STATE
from zerolimit.vocabulary.names import LEFT

BUSY: dict[str, Any] = {
    "entry_rate": 0.5,
    "leave_rate": 0.2,
    "look_rate": 0.7,
    "appeal_rate": 0.5,
    "appeals_capacity": 0.02,
    "appeals_share": 0.02,
    "reapply_rate": 0.1,
    "cooling_months": 2,
    "jobloss_gig": 0.1,
    "miss_gig": 0.05,
    "cutoff": 620.0,
    "notice_months": 2,
    "early_warning": True,
    "base_tightness": 0.3,
}
"""A scenario in which much happens to few."""


def busy(borrowers: int = 120, months: int = 15, **others: Any) -> CreditMarket:
    return CreditMarket("defaults", seed=4, borrowers=borrowers, panel="all", **BUSY, **others).run(months)


@pytest.fixture(scope="module")
def market() -> CreditMarket:
    return busy()


def stories_of(market: CreditMarket) -> list[Story]:
    """The story of every slot."""
    origin = origin_of(market)
    seen = origin.watched(*range(market.simulation.scenario.borrowers))
    return [story_of(origin, slot, str(slot), months, 0, origin.months - 1) for slot, months in enumerate(seen)]


@pytest.fixture(scope="module")
def everybody(market: CreditMarket) -> list[Story]:
    return stories_of(market)


# the replay is the world


@pytest.mark.parametrize(("borrowers", "engine"), [(120, "objects"), (450, "compiled")])
def test_every_state_of_a_replayed_row_equals_the_worlds_bit_for_bit(borrowers: int, engine: str) -> None:
    market = busy(borrowers, 12, engine=engine)
    panel = market.frame(vacant=True)
    slots = [0, 7, 50, borrowers - 1]
    for slot, seen in zip(slots, origin_of(market).watched(*slots), strict=True):
        rows = np.flatnonzero(panel["borrower"] == slot)
        assert [now.month for now in seen] == list(range(12))
        for state in STATE:
            if not state.name.startswith("due_"):  # void schedules are shown as 0 in a panel
                told = np.array([now.after[state.name] for now in seen], np.float32)
                column = panel[column_of(state)]
                kept = np.asarray(column.cat.codes if state.name in LABELS else column)[rows].astype(np.float32)
                assert told.tolist() == kept.tolist(), (slot, state.name)


def test_the_flows_of_all_rows_sum_to_what_the_world_counted(market: CreditMarket, everybody: list[Story]) -> None:
    frame = pd.concat([story.to_frame() for story in everybody])
    monthly = market.monthly.groupby("month").sum(numeric_only=True)
    by_month = frame.groupby("month")
    for field in ("drawn", "shortfall", "elsewhere", "income", "slip_cost"):
        assert by_month[field].sum().tolist() == monthly[f"sum_{field}"].tolist(), field
    events = pd.DataFrame([(e.month, e.kind, e.values.get("how")) for s in everybody for e in s.events]).set_axis(
        ["month", "kind", "how"], axis=1
    )

    def told(*kinds: str) -> list[int]:
        mine = events[events["kind"].isin(kinds) & (events["how"] != "notice")]
        return mine["month"].value_counts().reindex(monthly.index, fill_value=0).tolist()

    for kind, column in (("zero limit", "zero_limit"), ("blocked", "blocked"), ("appeals", "appeals")):
        assert told(kind) == monthly[column].tolist(), kind
    assert told("found") == (monthly["found_at_need"] + monthly["found_looking"]).tolist()
    assert told("appeal won", "appeal rejected") == market.platform_months["appeals_heard"].tolist()
    assert sum(told("appeal won")) > 0


def test_a_row_that_parts_from_the_rules_is_noticed() -> None:
    world = Simulation(load_scenario("defaults", borrowers=20), 1, engine="objects")
    world.watch = CloseUp(world, 3)
    world.step()
    world.engine.set("cash", 3, world.engine.get("cash", 3, 1) + 1.0, 1)
    with pytest.raises(AssertionError, match="cash of borrower 3 is"):
        world.step()


def test_a_watched_world_is_the_same_world(market: CreditMarket) -> None:
    origin = origin_of(market)
    world = origin.begin()
    world.watch = CloseUp(world, 5)
    origin.run(world)
    assert [one.platform for one in world.history] == [one.platform for one in market.simulation.history]
    assert world.copy().watch is None


# what is told


def test_every_event_is_a_declared_kind_and_much_happens(everybody: list[Story]) -> None:
    told = {event.kind for story in everybody for event in story.events}
    assert told <= set(KINDS)
    assert set(QUIET) <= set(KINDS)
    assert set(STYLES) <= set(KINDS)
    assert set(FRAME) <= set(FIELDS)
    never = {
        "rushes",
        "under the trigger",
        "over the trigger",
        "blocked",
        "complains",
        "hears",
        "used up",
        "frozen",
        "closed",
        "moves",
    }
    assert set(KINDS) - told <= never


def test_a_paragraph_for_each_month_in_order_and_quiet_ones_together(everybody: list[Story]) -> None:
    for story in everybody:
        for life in story.lives:
            told = paragraphs(life, 0, 14)
            months = [month for one in told for month in range(one.first, one.last + 1)]
            assert months == [now.month for now in life.months]
            of = {now.month: [e.kind for e in life.events if e.month == now.month] for now in life.months}
            loud = {month for month, kinds in of.items() if any(kind not in QUIET for kind in kinds)}
            assert all(one.first == one.last for one in told if one.first in loud)
            for one, other in pairwise(told):
                assert one.first in loud or other.first in loud


def test_a_slot_used_again_tells_each_borrower(everybody: list[Story]) -> None:
    again = next(story for story in everybody if len(story.lives) > 2)
    text = str(again)
    assert [life.generation for life in again.lives] == sorted({life.generation for life in again.lives})
    assert text.count("From month ") == len(again.lives)
    assert all(life.events[0].kind == "enters" for life in again.lives if life.generation > 0)
    assert again.to_frame()["generation"].nunique() == len(again.lives)


@pytest.mark.parametrize("width", [80, 120])
def test_a_story_fits_the_screen(everybody: list[Story], width: int) -> None:
    for story in everybody:
        paper = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        paper.print(story)
        text = paper.export_text()
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text


def test_the_months_told_are_those_asked_for(market: CreditMarket) -> None:
    whole, part = tell(market, 7), tell(market, 7, months=(3, 5))
    assert [event for event in whole.events if 3 <= event.month <= 5] == part.events
    assert part.to_frame()["month"].unique().tolist() == [3, 4, 5]


TRAITS = {
    "segment": 2.0,
    "sector": 1.0,
    "age": 38.0,
    "strategy": 4.0,
    "income_true": 900_000.0,
    "income_seen": 750_000.0,
    "propensity": 0.0,
    "signal": 10.0,
    "cash": 2_000_000.0,
    "review_in": 3.0,
}
ACCOUNT = {
    "status": 0.0,
    "limit": 1_500_000.0,
    "owed": 600_000.0,
    "months_left": 6.0,
    "late": 0.0,
    "tenure": 40.0,
    "punctuality": 1.0,
    "frequency": 0.99,
    "loan_size": 0.25,
    "early": 0.0,
    "usage": 0.4,
    "inquiries": 0.0,
    "idle": 0.0,
    "other_debt": 0.0,
    "trust": 0.8,
}
CALM: dict[str, Any] = {
    "volatility_owner": 0.0,
    "jobloss_owner": 0.0,
    "bill_rate": 1e-9,
    "project_rate": 0.0,
    "need_rate": 0.0,
    "habit_owner": 0.0,
    "early_rate": 0.0,
    "macro_volatility": 0.0,
    "sector_volatility": 0.0,
    "pool_share": 5.0,
    "base_tightness": 0.0,
    "loss_tightness": 0.0,
    "campaign_share": 0.0,
}


def scripted(months: int, **parameters: Any) -> Story:
    """One owner with frequent small loans behind, whose first review is in month 2, in a calm market of ten."""
    scenario = load_scenario("defaults", borrowers=10, **{**CALM, **parameters})
    one = Scripted(10, (4,), TRAITS, ACCOUNT)
    origin = Origin("test", scenario, 1, months, portfolio=one)
    return story_of(origin, 4, "Li", origin.watched(4)[0], 0, months - 1)


def test_a_known_life_is_told_with_its_numbers() -> None:
    """6,000 owed over 6 months at 0.0004 x 365 / 12 a month; frequency 0.99 falls by an eighth a month: 0.7580 in month 2.

    The trigger is set to 0.7, so that the review in month 2 finds 0.758 above it.
    """
    story = scripted(5, trigger_frequency=0.7, look_rate=1.0, appeal_appealing=1.0, appeals_capacity=0.2, appeals_share=0.2)
    rate = 0.0004 * 365 / 12
    due = [1_000 + int(6_000_00 * rate * (6 - k) / 6) / 100 for k in range(3)]
    paid = [event.values["paid"] / 100 for event in story.events if event.kind == "pays"][:3]
    assert paid == pytest.approx(due, abs=0.011)
    kinds = [(event.month, event.kind) for event in story.events if event.kind != "pays"]
    assert kinds == [(0, "over the trigger"), (2, "zero limit"), (2, "found"), (2, "appeals"), (2, "appeal won")]
    text = " ".join(str(story).split())
    assert (
        "Owner of a small business, retail, 38 years old; earns 9,000 yuan a month, 7,500 recorded; strategy: appealing"
        in text
    )
    assert "line of 15,000 yuan goes to zero, though all was paid. Reason: frequent small loans (0.76 loans a month" in text
    assert "trigger above 0.70; of 25 % of a month's recorded income, small below 35 %)." in text
    assert "Appeal upheld: income 9,000 yuan a month documented (7,500 recorded), trigger waived" in text
    assert "5 months: 5 with a usable line, 0 without: zero limit in month 2 (frequent small loans)." in text
    zero = story.events[[event.kind for event in story.events].index("zero limit")]
    assert (zero.values["before"], zero.values["after"], zero.values["reason"]) == (1_500_000.0, 0.0, "trigger")


def test_quiet_months_are_told_in_one_sentence() -> None:
    story = scripted(5, off=["trigger"])
    (one,) = paragraphs(story.lives[0], 0, 4)
    total = amount(float(story.to_frame()["paid"].sum()))
    assert (one.first, one.last, one.sentences) == (0, 4, (("", f"Pays {total} on time."),))


def test_notice_is_told_ahead_and_the_cut_when_it_comes() -> None:
    story = scripted(6, trigger_frequency=0.7, notice_months=2, notice_rush=1.0, appeals_capacity=0.0)
    first = {event.kind: event.month for event in reversed(story.events)}
    assert (first["announced"], first["rushes"], first["zero limit"]) == (2, 2, 4)
    found = next(event for event in story.events if event.kind == "found")
    assert found.values["how"] == "notice"


# reasons in words


def test_who_moves_to_another_lender_is_told_to_owe_there_and_to_leave() -> None:
    market = CreditMarket("defaults", seed=4, borrowers=60, panel="all", transfer_rate=0.2).run(6)
    months = 0
    for story in stories_of(market):
        told = {kind: {event.month: event for event in story.events if event.kind == kind} for kind in ("moves", "leaves")}
        assert set(told["moves"]) <= set(told["leaves"])
        assert all(event.text.startswith("Another lender repays all that is owed, ") for event in told["moves"].values())
        months += len(told["moves"])
    assert months > 20


def test_numbers_are_told_apart() -> None:
    assert distinguished(604.96, 605.0) == ("604.96", "605.00")
    assert distinguished(598.2, 605.0) == ("598", "605")
    assert distinguished(0.773, 0.77, 2) == ("0.773", "0.770")
    assert (amount(123_456_78.0), amount(50.0), amount(700.0), amount(0.0)) == ("123,457", "0.50", "7", "0")


@pytest.mark.parametrize("cap", [cap.name for cap in CAPS])
def test_each_cap_says_what_it_is_and_the_threshold(cap: str) -> None:
    scenario = load_scenario("defaults")
    world = Simulation(load_scenario("defaults", borrowers=1), 1, engine="objects")
    terms = {**world.terms, "cutoff_shift": 4.0, "tightness": 0.2}
    values = {
        "income_seen": 300_00.0,
        "review": 1.0,
        "risk": 598.0,
        "zhima_seen": 500.0,
        "late": 1.0,
        "frequency": 0.8,
        "loan_size": 0.2,
        "idle": 30.0,
        "early": 0.9,
        "distance": 0.5,
        "punctuality": 1.0,
        "reached": 0.0,
        "rank": 640.0,
        "barred": 6.0,
    }
    measured = {f"cap_{one.name}": 1_234_00.0 for one in CAPS}
    told = in_words(cap, values, measured, terms, 655.0)
    words = {
        "income": ("300 yuan", "500 yuan"),
        "cutoff": ("598", f"{scenario.cutoff:.0f}"),
        "arrears": ("1 month late", "1,234"),
        "score": ("598", "1,234"),
        "trigger": ("0.80", "0.77", "20 %", "35 %"),
        "idle": ("30 months", "24"),
        "early": ("90 %", "70 %"),
        "positioning": ("0.50", "0.25"),
        "multiplier": ("0.20", "10 %", "1,234"),
        "cutoff_shift": ("598", "609"),
        "per_person": ("1,234",),
        "grant": ("640", "655"),
        "barred": ("6 months",),
    }
    assert all(word in told for word in words[cap]), told


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_each_allocation_rule_says_why_there_was_nothing(allocation: str) -> None:
    says = {"pro_rata": "each was granted 50 % of what", "water_filling": "each was granted 0.50 yuan at most"}
    level = 50.0 if allocation == "water_filling" else 0.5
    told = by_allocation(ALLOCATIONS[allocation], {"rank": 0.25, "review": 1.0}, level)
    assert says.get(allocation, "rank 0.2, served down to 0.5") in told


def test_the_pool_says_who_came_too_late() -> None:
    by_score, by_lottery, by_profit = (ALLOCATIONS[name] for name in ("score", "lottery", "profit"))
    told = by_allocation(by_score, {"rank": 640.0, "review": 1.0}, float("inf"))
    assert told == "rank 640, nobody was served"
    told = by_allocation(by_score, {"rank": 640.0, "review": 2.0}, 630.0)
    assert told == "rank 640, beyond the month's admissions"
    told = by_allocation(by_lottery, {"rank": 0.0, "review": 1.0}, 0.0)
    assert told == "rank 0, served down to 0, by lottery among equals"
    assert by_allocation(by_profit, {"rank": -0.1, "review": 1.0}, 0.0) == "the expected profit is negative"


# from a folder, a market, a portfolio


@pytest.mark.usefixtures("undrawn")
def test_a_folder_and_its_market_tell_the_same(tmp_path: Path) -> None:
    market = busy(months=5).change(base_tightness=0.5, cutoff=630.0).run(4)
    market = market.copy().change(reasons_sent=True).run(3)
    run = market.save(tmp_path / "a")
    borrower = next(iter(market.agents))
    told = [(event.month, event.text) for event in tell(market, borrower).events]
    for source in (run, str(run), zerolimit.load(run)):
        assert [(event.month, event.text) for event in tell(source, borrower.slot).events] == told
    assert len(told) > 10


@pytest.mark.usefixtures("undrawn")
def test_a_portfolios_client_is_told_by_its_id(tmp_path: Path) -> None:
    clients = pd.DataFrame({"id": [f"c{k}" for k in range(30)], "limit": 5_000 + 100 * np.arange(30), "balance": 1_000})
    pd.DataFrame({"source": ["c11", "c11", "c12"], "target": ["c1", "c2", "c3"]}).to_csv(tmp_path / "ties.csv", index=False)
    ties = {"network": "file", "network_file": str(tmp_path / "ties.csv")}
    run = CreditMarket(portfolio=clients, seed=2, **ties).run(4).save(tmp_path / "a")
    (tmp_path / "ties.csv").unlink()
    story = tell(run, "c11")
    assert (story.slot, story.borrower) == (11, "c11")
    assert "At the start: a line of 6,100 yuan, 1,000 owed" in " ".join(str(story).split())
    with pytest.raises(BadInput, match="'c3x': no such id in the portfolio; did you mean 'c3'"):
        tell(run, "c3x")


@rule("frequency", after="receive")
def forget(frequency):  # type: ignore[no-untyped-def]
    return 0.5 * frequency


@pytest.mark.usefixtures("undrawn")
def test_rules_of_ones_own_are_followed_where_they_are_given(tmp_path: Path) -> None:
    market = CreditMarket("defaults", seed=1, borrowers=30, engine="objects", rules=[forget]).run(3)
    run = market.save(tmp_path / "a")
    assert tell(market, 2).to_frame().equals(tell(run, 2, rules=[forget]).to_frame())
    with pytest.raises(BadInput, match="was run with forget, a user-defined rule; call zerolimit"):
        tell(run, 2)


class Thrifty(Borrower):
    """Spends nothing."""

    def spend(self) -> None:
        super().spend()
        self.outlay = 0.0


def test_what_cannot_be_repeated_is_refused_in_one_line(tmp_path: Path, market: CreditMarket) -> None:
    plain = CreditMarket("defaults", seed=1, borrowers=20, borrower_class=Thrifty).run(2)
    with pytest.raises(BadInput, match="spend ran as plain Python of a subclass of Borrower"):
        tell(plain, 1)
    written = CreditMarket("defaults", seed=1, borrowers=20).run(2)
    written.borrower(1).trust = 0.1
    with pytest.raises(BadInput, match="trust was written from outside in month 2"):
        tell(written.run(1), 1)
    secretly = CreditMarket("defaults", seed=1, borrowers=20).run(2)
    secretly.simulation.engine.put_raw("cash", slice(None), 0, 2)
    with pytest.raises(BadInput, match="repeated, it is another world from month 2 on"):
        tell(secretly.run(3), 1)
    with pytest.raises(BadInput, match="no month has been run yet"):
        tell(CreditMarket("defaults", seed=1, borrowers=20), 1)
    with pytest.raises(BadInput, match="brings its own"):
        tell(market, 1, rules=[forget])


# the command line


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders: good, of another version, of one that was edited, with a user-defined rule, and no run."""
    home = tmp_path_factory.mktemp("runs")
    good = CreditMarket("defaults", seed=1, borrowers=30).run(3).save(home / "good")
    CreditMarket("defaults", seed=1, borrowers=30, engine="objects", rules=[forget]).run(2).save(home / "own")
    record = json.loads((good / PROVENANCE).read_text(encoding="utf-8"))
    record.update(zerolimit="0.0.9", source_hash="f" * 64, git_commit="0123456789abcdef")
    for name, dirty in (("old", False), ("edited", True)):
        shutil.copytree(good, home / name)
        (home / name / PROVENANCE).write_text(json.dumps({**record, "git_dirty": dirty}), encoding="utf-8")
        write_manifest(home / name)
    (home / "empty").mkdir()
    return home


def test_tell_prints_the_story(runs: Path) -> None:
    result = CliRunner().invoke(cli.app, ["tell", str(runs / "good"), "--borrower", "3", "--months", "1:2"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("Borrower 3 of ")
    assert "At the end:" in result.stdout or "Gone since" in result.stdout or "vacant" in result.stdout


def test_a_slot_is_named_as_it_is_printed_or_plainly() -> None:
    origin = Origin("test", load_scenario("defaults", borrowers=2_000_000), 1, 1)
    for given in (1_002_848, "1002848", "1,002,848"):
        assert whom(origin, given) == (1_002_848, "1,002,848")
    for given in ("1,0028,48", ",848", "2,848,", "1,002,84"):
        with pytest.raises(BadInput, match="the number of a slot is needed"):
            whom(origin, given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("tell none --borrower 1", "none: no such run folder"),
        ("tell empty --borrower 1", "is not a run folder: provenance.json is missing"),
        ("tell good --borrower 30", "borrower 30: slots are numbered 0 to 29"),
        ("tell good --borrower -1", "borrower -1: slots are numbered 0 to 29"),
        ("tell good --borrower li", "borrower: the number of a slot is needed, not 'li'"),
        ("tell good --borrower 1 --months 0:9", "months: 0:9 is not within 0:2"),
        ("tell good --borrower 1 --months 2:1", "months: 2:1 is not within 0:2"),
        ("tell good --borrower 1 --months one", "months: write them as A:B, two numbers from 0 to 2, not 'one'"),
        ("tell old --borrower 1", "install zerolimit 0.0.9 at commit 0123456789ab to tell its stories"),
        ("tell own --borrower 1", "was run with forget, a user-defined rule"),
        ("explain good --borrower 30 --month 1", "borrower 30: slots are numbered 0 to 29"),
        ("explain good --borrower 1 --month 3", "month: 3 is not one of 0 to 2"),
        ("explain good --borrower 1 --month 1", "month 1: no line of borrower 1 was cut, lost or refused"),
        ("explain old --borrower 1 --month 1", "install zerolimit 0.0.9 at commit 0123456789ab to tell its stories"),
        ("tell edited --borrower 1", "at commit 0123456789ab, with changes that were not committed, to tell its stories"),
        ("case lii", "case 'lii': there is none; there is li; did you mean 'li'?"),
        ("case nosuch", "case 'nosuch': there is none; there is li"),
    ],
)
def test_bad_input_ends_in_one_line(runs: Path, arguments: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    result = CliRunner().invoke(cli.app, arguments.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_cases_are_listed() -> None:
    result = CliRunner().invoke(cli.app, ["case"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in cases())


# the case of Li


def test_a_case_leaves_everybody_else_as_drawn() -> None:
    case = replace(load_case("li"), borrowers=300, slot=7, months=1)
    without = Simulation(load_scenario(case.scenario, borrowers=300, warm_up_months=0), case.seed)
    with_li = case.world().begin()
    for field in STATE:
        if field.name != "decile":  # deciles are those of the population with Li
            mine, theirs = with_li.engine.raw(field.name, 0), without.engine.raw(field.name, 0)
            assert np.array_equal(np.delete(mine, 7), np.delete(theirs, 7)), field.name
    assert (with_li.engine.get("limit", 7, 0), with_li.engine.get("income_true", 7, 0)) == (1_500_000.0, 900_000.0)


def test_the_script_of_li_comes_true_in_the_default_market() -> None:
    case = load_case("li")
    assert (case.scenario, case.borrowers) == ("baseline", 30_000)
    life = story_with(case).lives[0]
    told = [(event.month, event.kind) for event in life.events if event.kind not in QUIET]
    assert follows(case, life), f"another story: {told}; explanation.cases.case.find names slots that follow the script"
    assert all(now.decided["standing"] in (0.0, 1.0) and now.after["late"] == 0.0 for now in life.months)
    one = outcome_of("as scripted", life, case.months)
    assert one.zero is not None
    assert one.cause == "zero limit: frequent small loans"
    assert one.won
    assert one.known is not None
    assert one.known >= 1
    assert life.months[-1].after["status"] != LEFT


@pytest.mark.slow
def test_what_would_have_changed_for_li() -> None:
    """Signs that the rules give: common draws, so worlds are the same until what was changed acts."""
    months: list[int] = []
    played = play(load_case("li"), progress=months.append)
    of = {one.name: one for one in played.outcomes}
    told = of["as scripted"]
    assert told.zero is not None
    assert len(months) == len(of) * played.case.months
    assert of["no trigger"].zero is None or "frequent" not in of["no trigger"].cause
    assert of["reasons sent"].zero == told.zero
    assert of["reasons sent"].known == 0
    assert of["reasons sent"].trust > told.trust
    assert of["no strategy"].zero == told.zero
    assert of["no strategy"].won is None
    assert of["no strategy"].without > told.without
    assert of["monitoring"].known is not None
    assert of["monitoring"].known <= (told.known or 0)
    assert of["restraint"].zero is None or of["restraint"].zero >= told.zero
    assert of["3 months' notice"].zero is None or of["3 months' notice"].zero >= told.zero + 3
    for width in (80, 120):
        paper = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        paper.print(played)
        text = paper.export_text()
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text


def test_a_comparison_says_what_differed() -> None:
    story = scripted(5, trigger_frequency=0.7, look_rate=1.0, appeals_capacity=0.0)
    told = outcome_of("told", story.lives[0], 5)
    assert (told.zero, told.known, told.won, told.without) == (2, 0, None, 3)
    assert compared(told, told) == "Hardly anything changes."
    saved = replace(told, zero=None, known=None, without=0)
    assert compared(told, saved) == "The line does not go to zero."
    later = replace(told, zero=4, without=1, unpaid=told.unpaid + 100_000.0)
    assert (
        compared(told, later)
        == "The line goes to zero 2 months later, 2 months less without a line, 1,000 yuan more unpaid."
    )
    won = replace(told, won=True, heard=3, owed=250_000.0)
    assert compared(told, won) == "The appeal is heard in month 3, with 2,500 yuan owed, and won."
