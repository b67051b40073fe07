"""What would have been enough, where the smallest change can be worked out by hand, and by trying every smaller one."""

from dataclasses import replace
from itertools import combinations
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.known_answers.test_sharing import half, newer_less
from tests.test_story import ACCOUNT, BUSY, CALM, TRAITS
from typer.testing import CliRunner

from zerolimit import CreditMarket
from zerolimit.allocation.ended import ended
from zerolimit.allocation.rules import allocate
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.basics.wording import amount, in_yuan, number_of
from zerolimit.commands import cli
from zerolimit.engine.verbs import Listed
from zerolimit.explanation.borrower_path import BorrowerPath, Change, Recorder
from zerolimit.explanation.cases.case import Scripted
from zerolimit.explanation.notice import Explanation, Notice, explain, in_columns
from zerolimit.explanation.reasons import thresholds
from zerolimit.explanation.replay import CloseUp, Origin, origin_of
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.run.simulation import Simulation, user_rules
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import LEFT

REVIEWED = 2
"""The month of the scripted borrowers' first review."""


def scripted(
    slots: tuple[int, ...] = (4,),
    borrowers: int = 10,
    account: dict[str, float] | None = None,
    cutoff_then: float | None = None,
    **parameters: Any,
) -> Origin:
    """A calm market with scripted owners, first reviewed in month 2, when the cutoff may be another one."""
    scenario = load_scenario("defaults", borrowers=borrowers, **{**CALM, **parameters})
    changes = ({"month": REVIEWED, "cutoff": cutoff_then},) if cutoff_then is not None else ()
    alike = Scripted(borrowers, slots, TRAITS, {**ACCOUNT, **(account or {})})
    return Origin("test", scenario, 1, 4, changes, portfolio=alike)


def why(origin: Origin, slot: int = 4, month: int = REVIEWED) -> Explanation:
    return explain(origin, slot, month)


def found(explanation: Explanation) -> dict[str, float]:
    """What would have been enough, by kind."""
    return {one.kind: one.amount for one in explanation.enough}


def required(explanation: Explanation) -> dict[str, tuple[float, str]]:
    """The value that each would have had to have, and its sentence."""
    return {one.kind: (one.required, one.text) for one in explanation.enough}


def notice(origin: Origin, slot: int = 4, month: int = REVIEWED) -> Notice:
    """The search itself, to try what it did not choose."""
    recorders: list[Recorder] = []

    def beside(world: Simulation) -> Recorder:
        recorders.append(Recorder(world, slot))
        return recorders[0]

    seen = origin.watched(slot, beside=beside)[0][: month + 1]
    path = BorrowerPath(recorders[0].world, slot, recorders[0].held, seen)
    return Notice(path, seen, seen[-1], 0)


# frequent small loans: the average of what was borrowed fades by an eighth a month


@pytest.mark.parametrize(("trigger", "fewer"), [(0.66, 1), (0.55, 2)])
def test_loans_fewer_are_the_last_ones_and_as_many_as_the_moving_average_needs(trigger: float, fewer: int) -> None:
    """0.6, then two loans: 0.65, 0.69375. Without the last one 0.56875, without both 0.459375."""
    frequent = {"trigger_frequency": trigger, "trigger_size": 2.0, "habit_owner": 1.0, "habit_size": 0.1}
    origin = scripted(account={"frequency": 0.6}, **frequent)
    told = why(origin)
    assert (told.kind, told.reasons[0]) == ("zero limit", "trigger")
    row = told.to_frame().set_index("says").loc["loans a month, at most"]
    assert (row.own, row.threshold) == (pytest.approx(0.69375, abs=1e-4), trigger)
    assert row.distance == pytest.approx(trigger - 0.69375, abs=1e-4)
    assert found(told)["loans"] == fewer
    last = f"{fewer} fewer, none borrowed from month {REVIEWED - fewer} on"
    assert required(told)["loans"] == (2 - fewer, f"{number_of(2 - fewer, 'loan')} (yours 2): {last}")
    one = notice(origin)
    assert one.loans == [0, 1]

    def kept_without(months: tuple[int, ...]) -> bool:
        def forgo(values: dict[str, float]) -> None:
            values.update(asked=0.0, asks=0.0)

        return one.kept(one.path.run(0, REVIEWED, Change(after={(month, "ask"): forgo for month in months})))

    for number in range(3):
        assert any(map(kept_without, combinations(one.loans, number))) == (number >= fewer)


def test_where_no_number_of_fewer_loans_would_do_it_says_so() -> None:
    frequent = {"trigger_frequency": 0.45, "trigger_size": 2.0, "habit_owner": 1.0, "habit_size": 0.1}
    told = why(scripted(account={"frequency": 0.6}, **frequent))
    assert "loans" not in found(told)
    assert "fewer loans" in told.not_enough


def test_loans_no_longer_small_are_the_other_way_out() -> None:
    """Small is below 35 %; 0.350 is stored as 5,734 / 16,384 = 0.34998, so 0.351 it is."""
    origin = scripted(trigger_frequency=0.7, trigger_size=0.35)
    told = why(origin)
    assert found(told)["loan_size"] == 0.351
    one = notice(origin)
    assert [k for k in range(250, 352) if one.kept(one.lived(begins={"loan_size": k / 1000}))] == [351]


# which caps are named, and how the distances are told


MENU = {"menu_balance": 0.0, "menu_step": 0.0, "menu_close": 0.0}


@pytest.mark.parametrize(
    ("policy", "reasons", "lowering"),
    [
        ({}, ("trigger",), ("multiplier",)),
        ({"min_change": 0.9}, ("trigger",), ()),
        ({"menu_close": 1.0, "menu_close_below": 1.0}, ("trigger", "multiplier"), ()),
        ({"minimum_loan": 12_000.0}, ("trigger", "multiplier"), ()),
        ({"off": ("trigger",)}, ("multiplier",), ()),
    ],
)
def test_caps_that_would_have_closed_the_line_are_told_from_those_that_would_have_lowered_it(
    policy: dict[str, Any], reasons: tuple[str, ...], lowering: tuple[str, ...]
) -> None:
    """The trigger leaves nothing of 15,000, tightening half of the formula; by a menu, or under a minimum, nothing."""
    event = {"month": REVIEWED, "kind": "tightness", "value": 0.5}
    tight = {"calendar": [event], "cutoff_gain": 0.0, "multiplier_gain": 1.0}
    told = why(scripted(trigger_frequency=0.7, **{**tight, **MENU, **policy}))
    kept = told.to_frame().set_index("says").loc["line that tightening leaves"].line
    assert 0.0 < kept < 1_200_000 < told.before == 1_500_000
    assert (told.reasons, told.lowering) == (reasons, lowering)
    assert ("Would have lowered the line, not closed it" in str(told)) == bool(lowering)


def test_thresholds_are_told_with_unit_and_sign() -> None:
    told = why(scripted(trigger_frequency=0.7))
    rows = {one.says: in_columns(one) for one in told.thresholds}
    assert rows["recorded income a month"] == ("yuan", "7,500", "500", "+7,000", rows["recorded income a month"][-1])
    assert rows["loans a month, at most"] == ("loans", "0.76", "0.70", "-0.06", "0")
    assert rows["or loan size, share of income, at least"] == ("%", "25", "35", "-10", "0")
    assert rows["months without use, below"][::4] == ("months", "no cap")
    assert rows["distance from target customer"][0] == "0 to 1"
    assert "Distance to every threshold: + inside, - beyond it" in str(told)


@pytest.mark.parametrize(("rule", "unit"), [("score", "points"), ("age", "months"), ("profit", "yuan a yuan")])
def test_a_place_in_the_pools_order_is_told_in_the_orders_own_unit(rule: str, unit: str) -> None:
    one = notice(scripted(allocation=rule))
    assert one.values["contends"] == 1.0
    place = thresholds(one.values, one.now.measured, one.terms, level=1.0)[-1]
    assert (place.says, place.unit) == ("rank in the pool's order", unit)


# score, tightness, balance, income


def test_the_score_needed_is_the_cutoff_itself() -> None:
    origin = scripted(cutoff_then=760.0)
    told = why(origin)
    assert told.reasons[0] == "cutoff"
    row = told.to_frame().set_index("says").loc["score"]
    assert row.distance == row.own - 760.0 < 0.0
    assert found(told)["score"] == required(told)["score"][0] == 760.0
    one = notice(origin)
    tried = [k / 10 for k in range(floor(10 * row.own) + 1, 7_601)]
    assert [score for score in tried if one.kept(one.lived(after=one.edit_after("score", "risk", score)))] == [760.0]


def test_tightness_at_most_what_leaves_the_cutoff_below_the_score() -> None:
    """605 + 300 x tightness; a score of r needs a tightness of at most (r - 605) / 300."""
    origin = scripted(base_tightness=0.6, cutoff_gain=300.0, multiplier_gain=0.0, cutoff=605.0)
    told = why(origin)
    assert told.reasons[0] == "cutoff_shift"
    score = told.to_frame().set_index("says").loc["score"].own
    assert found(told)["tightness"] == pytest.approx(floor(1_000 * (score - 605.0) / 300.0) / 1_000)
    assert found(told)["score"] == pytest.approx(ceil(10 * (605.0 + 300.0 * 0.6) - 1e-9) / 10)
    assert {one.mechanism: one.shapley for one in told.shares}["tightening"] > 0.0


def test_a_ceiling_per_person_is_the_months_tightening_too() -> None:
    event = {"month": REVIEWED, "kind": "person_cap", "value": 300.0}
    told = why(scripted(calendar=[event]))
    assert told.reasons[0] == "per_person"
    assert [one.text for one in told.enough if one.kind == "tightness"] == [
        "no tightening in month 2: tightness 0 (it was 0.000), no cutoff raised, no ceiling"
    ]


def test_less_owed_by_what_a_blocked_line_lacks() -> None:
    """A line cut to the balance or to the ceiling: blocked until m can be drawn under the ceiling of 4,000 yuan."""
    event = {"month": REVIEWED, "kind": "person_cap", "value": 4_000.0}
    menu = {"menu_balance": 0.0, "menu_step": 0.0, "menu_close": 0.0}
    origin = scripted(account={"owed": 900_000.0, "months_left": 12.0}, calendar=[event], min_change=0.001, **menu)
    told = why(origin)
    assert told.kind == "zero limit" or told.kind == "blocked"
    assert found(told)["owed"] == ceil((told.balance + 50_000 - 400_000) / 100) * 100
    left = told.balance - found(told)["owed"]
    less = f"{in_yuan(left)} owed (yours {amount(told.balance)}): {amount(told.balance - left)} less"
    assert required(told)["owed"] == (left, less)
    one = notice(origin)
    assert one.target == told.balance + 50_000


def test_a_line_used_a_month_sooner_than_the_idle_trigger() -> None:
    """Idle for 28 months at the review, the trigger acts from 24 on: 23 would have been enough."""
    unused = {"owed": 0.0, "months_left": 0.0, "frequency": 0.0, "idle": 26.0}
    told = why(scripted(account=unused, trigger_idle=24.0, idle_keep=0.0))
    assert told.reasons[0] == "idle"
    assert found(told)["idle"] == 23
    assert told.to_frame().set_index("says").loc["months without use, below"].distance == 24 - 28


def test_fewer_loans_repaid_early() -> None:
    """A share of 0.9, the trigger above 0.7; 0.700 is stored as 11,469 / 16,384 = 0.70001, so 0.699 it is."""
    told = why(scripted(account={"early": 0.9, "frequency": 0.1}, early_keep=0.0))
    assert told.reasons[0] == "early"
    assert found(told)["early"] == 0.699


def test_arrears_paid_are_enough_where_they_alone_were_the_reason() -> None:
    stay = dict.fromkeys(("cure_1", "hold_1", "cure_2", "step_2", "hold_2", "cure_3", "step_3", "hold_3"), 0.0)
    origin = scripted(account={"frequency": 0.1, "late": 1.0}, weight_arrears=0.0, weight_punctuality=0.0, **stay)
    told = explain(origin, 4, 0)
    assert told.reasons[0] == "arrears"
    assert told.shares == tuple(replace(one, shapley=0.0, but_for=0, alone=0) for one in told.shares)
    assert told.without == 1
    overdue = notice(origin, month=0).values
    assert found(told)["arrears"] == overdue["overdue"] + overdue["overdue_interest"] > 0.0
    assert required(told)["arrears"][0] == 0.0


@pytest.mark.parametrize("rule", ["profit", "pro_rata", "water_filling", "equal_floor"])
def test_no_smaller_pool_would_have_been_enough(rule: str) -> None:
    scenario = load_scenario("defaults", borrowers=80, pool_share=0.22, allocation=rule)
    market = CreditMarket(scenario, seed=6, engine="objects").run(2)
    rows = market.episodes.query("reason == 'grant'").itertuples()
    origin, tried = origin_of(market), 0
    for event in list(rows)[:4]:
        one = notice(origin, int(event.borrower), int(event.month))
        enough = one.larger_pool()
        if enough is None:
            assert rule == "profit"
            continue
        more = int(enough.amount)
        assert one.kept(one.in_pool(more))
        assert not any(one.kept(one.in_pool(int(less))) for less in np.linspace(0, more - 1, 40))
        tried += 1
    assert tried > 0


# the pool: three alike, who are served in the order of a lottery


@pytest.mark.parametrize("rule", ["score", "lottery"])
def test_a_pool_larger_by_exactly_what_those_before_and_a_minimum_loan_need(rule: str) -> None:
    """K = sum of balances + 1.0 x needs of those before + m, to the fen; everybody needs the same."""
    alike = {"slots": (0, 1, 2), "borrowers": 3}
    pool = {"pool_yuan": 25_000.0, "planned_use": 1.0, "appeals_capacity": 0.0, "entry_rate": 0.0, "allocation": rule}
    origin = scripted(**alike, **{**pool, "pool_share": None})
    lines = {slot: notice(origin, slot) for slot in range(3)}
    served = sorted(lines, key=lambda slot: lines[slot].path.engine.ticket("u_lottery", REVIEWED))
    need = lines[0].values["wanted"] - lines[0].values["principal_after"]
    lent = sum(one.values["principal_after"] for one in lines.values())
    assert {one.values["rank"] for one in lines.values()} == {lines[0].values["rank"]}
    kinds = []
    for place, slot in enumerate(served):
        room, whole = lent + place * need + 50_000 - 2_500_000, lent + (place + 1) * need - 2_500_000
        if whole <= 0:
            with pytest.raises(BadInput, match="no line of borrower"):
                why(origin, slot)
            continue
        told = why(origin, slot)
        kinds.append(told.kind)
        assert told.reasons[0] == "grant"
        wanted, least = (whole, need) if room <= 0 else (room, 50_000)
        assert found(told)["pool"] == wanted
        assert required(told)["pool"][0] == 2_500_000 + wanted
        assert required(told)["pool"][1].startswith(f"a pool of {in_yuan(2_500_000 + wanted)} in month 2 (it was 25,000): ")
        assert told.shares[list(MECHANISMS).index("scarcity")].shapley == 1.0
        claims = lines[slot].held.claims
        own = int(np.flatnonzero(claims.rows == slot)[0])
        grants = [int(claims.shared(2_500_000 + int(wanted) + more)[0][own]) for more in range(-3, 3)]
        assert [grant >= least for grant in grants] == [False] * 3 + [True] * 3
    assert kinds == ["cut", "blocked"]


def test_what_one_is_granted_at_the_level_is_what_all_were_granted() -> None:
    @given(
        some.sampled_from(sorted(ALLOCATIONS)),
        some.lists(some.tuples(some.integers(5, 40), some.integers(0, 3)), min_size=1, max_size=8),
        some.integers(0, 150),
        some.integers(1, 5),
        some.integers(0, 12),
    )
    @settings(deadline=None, max_examples=200)
    def holds(rule: str, claims: list[tuple[int, int]], capacity: int, least: int, top: int) -> None:
        need = np.array([one for one, _ in claims])
        order = np.array([float(place) for _, place in claims])
        rows = np.arange(len(claims)) * 7 % 11
        queue = Listed(rows, lambda at: rows[at].astype(np.uint64) % 3)
        given_to, _ = allocate(rule, order, need, capacity, least, queue, top)
        end = ended(rule, order, need, capacity, least, rows, lambda at: rows[at].astype(np.uint64) % 3, given_to, top)
        again = [end.grant(int(need[k]), order[k], int(rows[k] % 3), int(rows[k]), {}) for k in range(len(claims))]
        assert again == given_to.tolist()

    holds()


# the path itself


OWN_RULES = {"own": newer_less, "half": half}


@pytest.mark.parametrize(
    ("rule", "others"),
    [
        *((rule, {}) for rule in ("score", "pro_rata", "equal_floor", "own")),
        ("half", {"off": ("scarcity",)}),
    ],
)
def test_with_nothing_changed_the_path_is_the_recorded_one(rule: str, others: dict[str, Any]) -> None:
    allocation, rules = ("score", user_rules([OWN_RULES[rule]])) if rule in OWN_RULES else (rule, ())
    scenario = load_scenario("defaults", borrowers=60, **{**BUSY, "allocation": allocation, "pool_share": 0.3, **others})
    origin = Origin("test", scenario, 4, 15, rules=rules, engine="objects")
    world = origin.begin()
    views = [CloseUp(world, slot) for slot in range(0, 60, 4)]
    recorders = [Recorder(world, view.slot) for view in views]
    world.watch = lambda stage, rows: [watcher(stage, rows) for watcher in (*views, *recorders)] and None
    origin.run(world)
    contended = 0
    for view, recorder in zip(views, recorders, strict=True):
        lives: dict[float, list[Any]] = {}
        for now in view.seen:
            if "enter" in now.stages or now.before["status"] != LEFT:
                lives.setdefault(now.before["generation"], []).append(now)
                contended += int(now.decided["contends"])
        for life in lives.values():
            path = BorrowerPath(world, view.slot, recorder.held, life)
            path.check(life[0].month, life[-1].month)
            assert path.run(life[0].month, life[-1].month)["limit"] == life[-1].decided["limit"]
    assert contended > 25


def test_scarcity_off_for_one_grants_what_a_rule_of_ones_own_gives_at_its_highest_level() -> None:
    scarce = {"pool_yuan": 25_000.0, "pool_share": None, "planned_use": 1.0, "entry_rate": 0.0}
    origin = replace(scripted(**scarce), rules=user_rules([half]))
    one = notice(origin)
    free = one.lived(off=("scarcity",))
    need = int(free["wanted"] - free["principal_after"])
    assert one.values["granted"] < need // 2
    assert free["granted"] == need // 2


@pytest.mark.parametrize("places", [0.0, 0.5])
def test_an_empty_queue_takes_one_more_where_the_world_could_have(places: float) -> None:
    """No appeals and no applications in month 0; with capacity for none, one would not have been heard or admitted."""
    held = notice(scripted(appeals_capacity=places, admissions=places, appeals_share=places, planned_use=0.5)).path.held[0]
    served = places > 0.0
    for queue in (held.desk, held.admissions, held.aside):
        assert queue.serves(0.0, 1, 4) is served


def test_without_expected_use_the_set_aside_serves_everybody_whatever_its_share() -> None:
    held = notice(scripted(appeals_share=0.0, planned_use=0.0)).path.held[0]
    assert held.aside.serves(0.0, 1, 4)


def test_a_full_queue_takes_nobody_behind_the_last() -> None:
    """Places for two, taken by others; with one's own place among them, or a third, one is served wherever one stands."""
    order, rows = np.array([2.0, 1.0]), np.array([7, 8])
    world = Simulation(load_scenario("defaults", borrowers=10), 1, engine="objects")
    ends = {
        (slot, places): Recorder(world, slot).last(order, np.ones(2, np.bool_), rows, "u_desk", places)
        for slot in (4, 8)
        for places in (2, 3)
    }
    assert {key: end.serves(0.5, 0, key[0]) for key, end in ends.items()} == {
        (4, 2): False, (4, 3): True, (8, 2): True, (8, 3): True
    }  # fmt: skip
    assert ends[4, 2].serves(1.5, 0, 4)


def test_an_announced_cut_is_explained_by_the_decision_that_announced_it() -> None:
    told = explain(scripted(cutoff_then=760.0, notice_months=1), 4, REVIEWED)
    assert (told.kind, told.decided) == ("announced", REVIEWED)
    later = explain(scripted(cutoff_then=760.0, notice_months=1), 4, REVIEWED + 1)
    assert (later.kind, later.month, later.decided) == ("zero limit", REVIEWED + 1, REVIEWED)
    assert found(later) == found(told)
    assert "decided and announced in month 2" in " ".join(str(later).split())


def test_mechanisms_shares_on_ones_own_path_sum_to_what_happened() -> None:
    told = why(scripted(base_tightness=0.6, cutoff_gain=300.0, trigger_frequency=0.7))
    assert sum(one.shapley for one in told.shares) == pytest.approx(1 - told.without)
    parts = {one.mechanism: (one.shapley, one.but_for, one.alone) for one in told.shares}
    assert parts["trigger"] == (0.5, 0, 1)
    assert parts["tightening"] == (0.5, 0, 1)
    assert parts["contagion"] == (0.0, 0, 0)
    assert "0.50 trigger, 0.50 tightening" in str(told)
    thirds = replace(told, shares=tuple(replace(one, shapley=1 / 3) for one in told.shares[:3]))
    assert "0.34 rescoring, 0.33 trigger, 0.33 positioning." in str(thirds)
    assert "the two need not agree" in " ".join(str(told).split())
    assert len(told.reasons) <= 4
    assert "For this borrower alone, with all others unchanged" in " ".join(str(told).split())


def test_a_notice_stops_when_asked_and_tells_how_far_it_is() -> None:
    told: list[int] = []
    with pytest.raises(Cancelled):
        explain(scripted(), 4, REVIEWED, progress=lambda done, every: told.append(done), cancel=lambda: len(told) == 2)
    assert told == [1, 2]


def test_a_score_is_as_the_platform_would_store_it() -> None:
    """760.1 is stored as 760.09998 (float32), below a cutoff of 760.1: a tenth more is needed."""
    assert found(why(scripted(cutoff_then=760.1)))["score"] == 760.2


def test_what_cannot_be_explained_is_refused_in_one_line() -> None:
    origin = scripted(cutoff_then=760.0)
    for month, words in (
        (4, "month: 4 is not one of 0 to 3"),
        (-1, "month: -1 is not one of 0 to 3"),
        (1, "month 1: no line of borrower 4 was cut, lost or refused; nor in any month before"),
        (3, "month 3: no line of borrower 4 was cut, lost or refused; earlier adverse actions: month 2"),
    ):
        with pytest.raises(BadInput, match=words):
            explain(origin, 4, month)
    with pytest.raises(BadInput, match="borrower 10: slots are numbered 0 to 9"):
        explain(origin, 10, 2)


@pytest.mark.usefixtures("undrawn")
def test_a_market_its_folder_and_the_command_line_say_the_same(tmp_path: Path) -> None:
    market = CreditMarket("defaults", seed=1, borrowers=200, pool_share=0.1).run(3)
    event = market.episodes.iloc[0]
    told = explain(market, int(event.borrower), int(event.month))
    market.save(tmp_path / "run")
    read = explain(tmp_path / "run", str(event.borrower), int(event.month))
    assert (read.reasons, read.enough, read.shares) == (told.reasons, told.enough, told.shares)
    assert told.reasons[0] == event.reason
    command = ["explain", str(tmp_path / "run"), "--borrower", str(event.borrower), "--month", str(event.month)]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.stderr
    assert "Principal reasons" in result.stdout
    assert "with all others unchanged" in " ".join(result.stdout.split())
    assert set(told.changes()["kind"]) == {one.kind for one in told.enough}
