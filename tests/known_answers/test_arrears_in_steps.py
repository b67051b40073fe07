"""A missed payment trims or freezes a line, default closes it, cure gives part of it back: by hand, to the fen."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.results.frames import monthly_frame
from zerolimit.rules.caps import CAP
from zerolimit.rules.decision import decide
from zerolimit.rules.formula import risk_counted
from zerolimit.rules.outcome import set_line
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import Q2
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import CLOSED, FROZEN, LEFT, OPEN, REVIEW, SEGMENTS

QUIET: dict[str, Any] = {
    "off": [name for name in MECHANISMS if name != "rescoring"],
    **{f"habit_{segment}": 0.0 for segment in SEGMENTS},
    **dict.fromkeys(("entry_rate", "need_rate", "fear_gain", "leave_rate", "early_rate", "bridge_share"), 0.0),
    **{f"weight_{name}": 0.0 for name in ("usage", "frequency", "debt", "tenure", "early", "idle", "sector")},
    **dict.fromkeys(("hold_1", "step_2", "hold_2", "step_3", "hold_3"), 0.0),
    "cutoff": 650.0,
    "chargeoff_months": 7,
    "lgd": 0.75,
}
"""Nothing is borrowed, and the score is 700 - 260 (1 - punctuality) - 60 late, of which 650 are needed."""
LINE, OWED, DUE, INTEREST = 1_000_000, 600_000, 50_000, 7_300
"""10,000 yuan, of which 6,000 are owed over a year, at floor(600,000 x 0.0004 x 365 / 12) fen of interest a month."""
MISSES, PAYS = 1.0, 0.0
ARREARS, CUTOFF = CAP["arrears"].code, CAP["cutoff"].code
STEPS = {"arrears_steps": True}


CLIENT = read_portfolio(
    pd.DataFrame(
        {
            "limit": [LINE / 100],
            "balance": [OWED / 100],
            "late": 0,
            "term": 12,
            "income": 20_000,
            "segment": "salaried",
            "age": 38,
        }
    )
)


def borrower(**parameters: Any) -> Simulation:
    """Who has plenty, and owes as above."""
    scenario = load_scenario("defaults", **{**QUIET, **parameters})
    market = Simulation(scenario, 1, engine="objects", portfolio=CLIENT)
    known = {"income_true": 2_000_000, "cash": 100_000_000, "anchor": 1.0, "signal": 0, "punctuality": int(Q2)}
    for name, value in {**known, "risk": 700.0, "review_in": 100, "tenure": 40}.items():
        market.borrowers.put(name, None, value)
    return market


def lives(market: Simulation, *months: float) -> list[dict[str, float]]:
    """Where the borrower stands at each month's end, who pays all or nothing."""
    found = []
    for misses in months:
        market.borrowers.put("propensity", None, misses)
        market.change(cure_1=1.0 - misses, cure_2=1.0 - misses, cure_3=1.0 - misses)
        market.step()
        names = ("status", "limit", "late", "reason", "mask", "without_line", "scheduled", "overdue", "overdue_interest")
        found.append({name: float(market.column(name)[0]) for name in (*names, "risk", "punctuality")})
    return found


def count(market: Simulation, name: str) -> list[int]:
    """An outcome by month."""
    return [int(number) for number in monthly_frame(market).groupby("month").sum(numeric_only=True)[name]]


def test_a_first_miss_freezes_the_line_on_record_and_cure_gives_four_fifths_of_its_undrawn_part_back() -> None:
    """The score is 700 - 260 / 12 - 60 = 618.3 then, and closes nothing; after cure 5,000 + 0.8 x 5,000 yuan."""
    market = borrower(**STEPS)
    missed, cured, after = lives(market, MISSES, PAYS, PAYS)
    assert missed["risk"] == pytest.approx(700.0 - 260.0 / 12.0 - 60.0, abs=0.02)
    owed = (missed["late"], missed["scheduled"], missed["overdue"], missed["overdue_interest"])
    assert owed == (1.0, OWED - DUE, DUE, INTEREST)
    assert (missed["status"], missed["limit"], missed["reason"], missed["mask"]) == (FROZEN, LINE, ARREARS, 0.0)
    assert missed["without_line"] == 1.0
    assert (cured["late"], cured["scheduled"], cured["overdue"]) == (0.0, OWED - 2 * DUE, 0.0)
    assert (cured["status"], cured["limit"], cured["without_line"]) == (OPEN, 500_000 + 400_000, 0.0)
    assert (after["status"], after["limit"]) == (OPEN, 900_000)
    assert count(market, "frozen") == [1, 0, 0]
    for name in ("zero_limit", "zero_arrears", "decreases"):
        assert count(market, name) == [0, 0, 0]


def test_without_steps_the_score_closes_the_line_in_the_month_of_the_miss() -> None:
    [missed] = lives(borrower(), MISSES)
    assert (missed["status"], missed["limit"], missed["reason"]) == (CLOSED, 0.0, CUTOFF)


def test_from_the_first_miss_to_the_write_off() -> None:
    """Frozen for two months, closed three months late, written off seven late; a quarter of 6,000 yuan is recovered."""
    market = borrower(**STEPS)
    path = lives(market, *[MISSES] * 8)
    assert [now["late"] for now in path[:6]] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert [now["status"] for now in path] == [FROZEN, FROZEN, CLOSED, CLOSED, CLOSED, CLOSED, LEFT, LEFT]
    assert [now["limit"] for now in path] == [LINE, LINE, *[0.0] * 6]
    assert [now["reason"] for now in path[:6]] == [ARREARS] * 6
    assert path[2]["mask"] == CAP["arrears"].bit
    assert [now["overdue"] for now in path[:6]] == [DUE * k for k in range(1, 7)]
    assert [now["overdue_interest"] for now in path[:6]] == [INTEREST * k for k in range(1, 7)]
    assert [now["without_line"] for now in path] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 0.0]
    assert count(market, "charged_off") == [0] * 6 + [1, 0]
    accounts = market.pool.accounts
    assert (accounts.written_off, accounts.recovered) == (OWED, OWED // 4)
    assert sum(count(market, "zero_limit")) == 0


def test_a_line_may_stay_on_record_until_the_write_off() -> None:
    path = lives(borrower(**STEPS, arrears_close=7), *[MISSES] * 7)
    assert [(now["status"], now["limit"]) for now in path] == [(FROZEN, LINE)] * 6 + [(LEFT, 0.0)]


def test_a_first_miss_may_trim_and_a_second_freeze() -> None:
    """Half of the undrawn 4,000 yuan is taken; cured from two months late, all that was left on record comes back."""
    market = borrower(**STEPS, arrears_freeze=2, arrears_trim=0.5, cure_restores=1.0)
    trimmed, frozen, cured = lives(market, MISSES, MISSES, PAYS)
    assert (trimmed["status"], trimmed["limit"], trimmed["reason"]) == (OPEN, 800_000, ARREARS)
    assert trimmed["without_line"] == 0.0
    assert (frozen["status"], frozen["limit"], frozen["reason"]) == (FROZEN, 800_000, ARREARS)
    assert (cured["status"], cured["limit"]) == (OPEN, 800_000)
    assert count(market, "decreases") == [1, 0, 0]


def test_cure_may_wait_for_the_next_review() -> None:
    market = borrower(**STEPS, cure_at_once=False)
    market.borrowers.put("review_in", None, 4)
    path = lives(market, MISSES, PAYS, PAYS, PAYS)
    assert [now["status"] for now in path] == [FROZEN, FROZEN, FROZEN, OPEN]
    assert path[-1]["limit"] == LINE - round(0.2 * (LINE - (OWED - 4 * DUE)))


def test_the_score_counts_the_mark_that_is_left_after_cure() -> None:
    """680.1 points then; a cutoff of 690 closes what 618.3 points had not."""
    market = borrower(**STEPS, cutoff=690.0)
    missed, cured = lives(market, MISSES, PAYS)
    assert (missed["status"], missed["limit"]) == (FROZEN, LINE)
    assert cured["risk"] == pytest.approx(700.0 - 260.0 * (1.0 - 11.0 / 12.0) * 11.0 / 12.0, abs=0.02)
    assert (cured["status"], cured["limit"], cured["reason"]) == (CLOSED, 0.0, CUTOFF)


def test_another_cap_closes_a_late_line_all_the_same() -> None:
    [missed] = lives(borrower(**STEPS, income_floor=30_000.0), MISSES)
    assert (missed["status"], missed["limit"], missed["reason"]) == (CLOSED, 0.0, CAP["income"].code)


@pytest.mark.parametrize("months", [1, 2, 3])
@pytest.mark.parametrize("before", [1.0, 0.6])
def test_the_score_that_counts_is_the_one_without_the_arrears(months: int, before: float) -> None:
    """260 points of punctuality and 60 a month, as they were before the misses."""
    terms = SimpleNamespace(**from_scenario(load_scenario("defaults", arrears_steps=True)))
    punctuality = before * (11.0 / 12.0) ** months
    risk = 700.0 - 260.0 * (1.0 - punctuality) - 60.0 * months
    without = 700.0 - 260.0 * (1.0 - before)
    assert risk_counted(risk, float(months), punctuality, terms) == pytest.approx(without, abs=1e-9)
    assert risk_counted(risk, 0.0, punctuality, terms) == risk
    terms.arrears_steps = 0.0
    assert risk_counted(risk, float(months), punctuality, terms) == risk


def test_a_line_that_the_pool_froze_begins_anew_and_is_no_line_on_record() -> None:
    """restart_share of the formula's line, after a freeze by arrears the line less a fifth of its undrawn part."""
    terms = SimpleNamespace(**from_scenario(load_scenario("defaults", arrears_steps=True)))
    given = dict.fromkeys(decide.reads, 0.0) | {"status": FROZEN, "limit": LINE, "scheduled": 500_000.0, "review": REVIEW}
    given |= {"base_line": 3_000_000.0, "lowest": 3_000_000.0, "terms": terms}
    assert decide.function(**{**given, "reason": ARREARS}) == 900_000.0
    assert decide.function(**{**given, "reason": CAP["grant"].code}) == 1_500_000.0


def test_an_other_cut_beside_the_freeze_keeps_its_reason() -> None:
    terms = SimpleNamespace(**from_scenario(load_scenario("defaults", arrears_steps=True)))
    given = dict.fromkeys(set_line.reads, 0.0) | {"status": OPEN, "limit": LINE, "limit_before": LINE, "late": 1.0}
    given |= {"review": REVIEW, "terms": terms, "cap_reason": CAP["per_person"].code}
    cut = set_line.function(**{**given, "wanted": 700_000.0})
    kept = set_line.function(**{**given, "wanted": LINE})
    assert cut[:3] == (700_000.0, FROZEN, CAP["per_person"].code)
    assert kept[:3] == (LINE, FROZEN, ARREARS)
