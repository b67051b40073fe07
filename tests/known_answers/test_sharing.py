"""Allocation rules against brute force and published optima (facts G6, G7): nobody gets more than the pool holds."""

from fractions import Fraction
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit import attribute
from zerolimit.allocation.level import Evenly
from zerolimit.allocation.rules import allocate, allocate_in_worlds
from zerolimit.allocation.user_defined import UserRule, loop_over
from zerolimit.basics.errors import BadInput, OutOfRange
from zerolimit.engine.base import Array
from zerolimit.engine.level import share_out
from zerolimit.engine.prefix import serve_prefixes
from zerolimit.engine.registry import named
from zerolimit.engine.verbs import Listed
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.allocations import ALLOCATIONS, WHOLE
from zerolimit.rules.rule import Rule, rule
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import STATE

NEEDS = some.lists(some.integers(1, 12), min_size=1, max_size=6)


def share(
    rule: str, needs: list[int], capacity: int, least: int = 1, order: list[float] | None = None, floor: int = 0
) -> Array:
    """Grants with a lottery that draws the first first."""
    rows = np.arange(len(needs))
    places = np.array(order if order is not None else [0.0] * len(needs))
    queue = Listed(rows, lambda at: at.astype(np.uint64))
    grants, _ = allocate(rule, places, np.array(needs), capacity, least, queue, floor)
    return grants


@given(
    some.sampled_from(sorted(ALLOCATIONS)),
    NEEDS,
    some.integers(0, 80),
    some.integers(1, 5),
    some.integers(0, 6),
    some.data(),
)
@settings(deadline=None, max_examples=400)
def test_no_rule_exceeds_the_pool_or_the_need_or_grants_less_than_the_least(
    rule: str, needs: list[int], capacity: int, least: int, floor: int, data: some.DataObject
) -> None:
    needs = [max(need, least) for need in needs]
    order = data.draw(some.lists(some.floats(-5, 5), min_size=len(needs), max_size=len(needs)))
    grants = share(rule, needs, capacity, least, order, floor)
    assert grants.sum() <= capacity
    assert (grants <= needs).all()
    assert ((grants == 0) | (grants >= least)).all()
    if sum(needs) <= capacity:
        assert grants.tolist() == needs


@given(NEEDS, some.integers(0, 60))
@settings(deadline=None, max_examples=200)
def test_water_filling_is_lexicographically_best_for_the_worst_off(needs: list[int], capacity: int) -> None:
    grants = share("water_filling", needs, capacity)
    level = max(k for k in range(max(needs) + 1) if sum(min(need, k) for need in needs) <= capacity)
    left = min(capacity, sum(needs)) - sum(min(need, level) for need in needs)
    best = sorted(
        [min(need, level) + (need > level and k < left) for k, need in enumerate(sorted(needs, key=lambda n: n <= level))]
    )
    assert sorted(grants.tolist()) == best


@pytest.mark.parametrize("needs", [(3, 1, 2), (2, 2, 3), (4, 1, 1)])
@pytest.mark.parametrize("capacity", range(9))
def test_and_by_trying_everything(needs: tuple[int, ...], capacity: int) -> None:
    possible = [g for g in product(*(range(need + 1) for need in needs)) if sum(g) <= capacity]
    best = max(tuple(sorted(g)) for g in possible)
    assert tuple(sorted(share("water_filling", list(needs), capacity).tolist())) == best


@given(NEEDS, some.integers(0, 60))
@settings(deadline=None, max_examples=200)
def test_pro_rata_gives_the_same_share_to_the_fen(needs: list[int], capacity: int) -> None:
    rows = np.arange(len(needs))
    order = np.zeros(len(needs))
    grants, level = allocate("pro_rata", order, np.array(needs), capacity, 1, Listed(rows, lambda at: at.astype(np.uint64)))
    step = Fraction(1, WHOLE)
    assert all(
        -1 < grant - Fraction(level) * need <= step * need + 1 for grant, need in zip(grants.tolist(), needs, strict=True)
    )
    assert grants.sum() == min(capacity, sum(needs))


def test_pro_rata_in_amounts_of_some_yuan_is_the_pool_over_what_is_needed() -> None:
    needs = [50_000, 120_000, 700_000]
    assert share("pro_rata", needs, 435_000).tolist() == [25_000, 60_000, 350_000]


G7 = {"A": (30, Fraction(277, 2000)), "B": (20, Fraction(127, 1000)), "C": (50, Fraction(121, 1000))}
G7 |= {"D": (40, Fraction(29, 500)), "E": (60, Fraction(1, 2000)), "F": (25, Fraction(68, 625))}


@pytest.mark.parametrize(("capacity", "optimum"), [(100, Fraction(2549, 200)), (200, Fraction(7121, 400))])
def test_order_by_profit_solves_the_fractional_knapsack(capacity: int, optimum: Fraction) -> None:
    needs = [amount for amount, _ in G7.values()]
    value = [float(gain) for _, gain in G7.values()]
    grants = share("profit", needs, capacity, order=value)
    assert sum(int(g) * gain for g, (_, gain) in zip(grants, G7.values(), strict=True)) == optimum
    safest = list(G7).index("F")
    if capacity == 100:
        assert grants[safest] == 0


def test_the_textbook_knapsack() -> None:
    needs, worth = [10, 20, 30], [60, 100, 120]
    gains = [Fraction(w, n) for w, n in zip(worth, needs, strict=True)]
    grants = share("profit", needs, 50, order=[float(gain) for gain in gains])
    assert sum(int(g) * gain for g, gain in zip(grants, gains, strict=True)) == 240


@given(some.lists(some.tuples(some.integers(1, 6), some.integers(1, 9)), min_size=1, max_size=4), some.integers(0, 20))
@settings(deadline=None, max_examples=150)
def test_no_other_split_has_a_better_expected_profit(claims: list[tuple[int, int]], capacity: int) -> None:
    needs, gains = [need for need, _ in claims], [gain for _, gain in claims]
    grants = share("profit", needs, capacity, order=[float(gain) for gain in gains])
    every = (split for split in product(*(range(need + 1) for need in needs)) if sum(split) <= capacity)
    best = max(sum(part * gain for part, gain in zip(split, gains, strict=True)) for split in every)
    assert sum(int(g) * gain for g, gain in zip(grants, gains, strict=True)) == best


def test_an_equal_floor_comes_before_the_order() -> None:
    assert share("equal_floor", [10, 10, 10], 14, order=[3.0, 2.0, 1.0], floor=2).tolist() == [10, 2, 2]
    assert share("equal_floor", [10, 10, 10], 17, order=[3.0, 2.0, 1.0], floor=2).tolist() == [10, 5, 2]
    assert share("equal_floor", [10, 10, 10], 5, order=[3.0, 2.0, 1.0], floor=2).tolist() == [2, 2, 1]


def test_a_minimum_loan_takes_from_pro_rata_and_water_filling_what_a_small_share_is_worth() -> None:
    assert share("pro_rata", [4, 40], 22, least=1).tolist() == [2, 20]
    assert share("pro_rata", [4, 40], 22, least=3).tolist() == [0, 22]
    assert share("water_filling", [9, 9, 9], 12, least=1).tolist() == [4, 4, 4]
    assert share("water_filling", [9, 9, 9], 12, least=5).tolist() == [5, 5, 0]


@given(some.sampled_from(["score", "profit", "age", "lottery", "target"]), NEEDS, some.integers(0, 60), some.data())
@settings(deadline=None, max_examples=200)
def test_whoever_is_served_in_full_stands_before_whoever_is_not(
    rule: str, needs: list[int], capacity: int, data: some.DataObject
) -> None:
    order = data.draw(some.lists(some.integers(0, 3).map(float), min_size=len(needs), max_size=len(needs)))
    grants = share(rule, needs, capacity, order=order)
    places = sorted(range(len(needs)), key=lambda k: (-order[k], k))
    full = [bool(grants[k] == needs[k]) for k in places]
    assert full == sorted(full, reverse=True)
    assert sum(0 < grants[k] < needs[k] for k in places) <= 1


@some.composite
def contenders(draw: some.DrawFn) -> dict[str, Any]:
    """A world: its rule, who contends in it, with places and draws that are often the same, and its pool."""
    needs = draw(some.lists(some.integers(0, 12), max_size=7))
    small = some.integers(0, 2)
    each = [[draw(small) for _ in needs] for _ in range(2)]
    rule = draw(some.sampled_from([*ALLOCATIONS, None]))
    numbers = draw(some.tuples(some.integers(-1, 60), some.integers(1, 5), some.integers(0, 6)))
    return {"rule": rule, "need": needs, "order": each[0], "lottery": each[1], "numbers": numbers}


@given(some.lists(contenders(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=50)
def test_rules_in_several_worlds_at_once_share_as_each_does_alone(worlds: list[dict[str, Any]]) -> None:
    starts = np.cumsum([0, *(len(one["need"]) for one in worlds)])
    keys = np.concatenate([np.arange(len(one["need"])) for one in worlds]).astype(np.int32)
    order, need, lottery = (
        np.array([x for one in worlds for x in one[name]], kind)
        for name, kind in (("order", np.float64), ("need", np.int64), ("lottery", np.uint64))
    )
    capacity, least, floors = np.array([one["numbers"] for one in worlds]).T

    def prefix(places: Array, costs: Array, room: Array) -> tuple[Array, Array, Array]:
        return serve_prefixes(places, costs, room, starts, keys, lambda at: lottery[at])

    found, ends = allocate_in_worlds([one["rule"] for one in worlds], order, need, capacity, least, floors, starts, prefix)
    for w, one in enumerate(worlds):
        here = slice(starts[w], starts[w + 1])
        if one["rule"] is None:
            assert not found[here].any()
            continue
        queue = Listed(keys[here], lambda at, here=here: lottery[here][at])
        alone = int(capacity[w]), int(least[w]), queue, int(floors[w])
        grants, level = allocate(one["rule"], order[here], need[here], *alone)
        assert (found[here].tolist(), ends[w]) == (grants.tolist(), level)


# a user-defined rule


@rule("granted")
def newer_less(level, need, tenure):
    """Accounts of less than two years get half the share of older ones."""
    return need * min(1.0, 2.0 * level) if tenure >= 24.0 else need * level


@rule("granted")
def the_same_share(level, need):
    return need * level


@rule("granted")
def falling(level, need):
    return need * (1.0 - level)


@rule("granted")
def dips(level, need):
    return need * level if level < 0.25 or level > 0.26 else 0.0


@rule("granted")
def no_number(level, need, tenure):
    return need * (level / (tenure - tenure))


def own(rule: Rule, needs: list[int], tenure: list[float] | None, least: int, compiled: bool) -> UserRule:
    columns = () if tenure is None else (np.array(tenure, np.float64),)
    engine = named("compiled" if compiled else "objects")
    loop = loop_over(rule, SimpleNamespace(fused=partial(engine.fused, None)))
    return UserRule(rule, np.array(needs), columns, {}, least, loop)


def share_by(one: UserRule, capacity: int) -> tuple[list[int], float]:
    rows = np.arange(len(one.need))
    order = np.zeros(len(rows))
    grants, level = allocate("", order, one.need, capacity, 1, Listed(rows, lambda at: at.astype(np.uint64)), user_rule=one)
    return grants.tolist(), level


@given(NEEDS, some.integers(0, 60), some.integers(1, 4), some.booleans())
@settings(deadline=None, max_examples=60)
def test_an_own_rule_of_the_same_share_is_pro_rata(needs: list[int], capacity: int, least: int, compiled: bool) -> None:
    assert share_by(own(the_same_share, needs, None, least, compiled), capacity)[0] == (
        share("pro_rata", needs, capacity, least).tolist()
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_an_own_rule_uses_up_the_pool_by_its_own_terms(compiled: bool) -> None:
    """60 among an old account and two new ones that need 40 each: 30, 15, 15. With 100: 40, 30, 30.

    Where less than 20 counts as nothing, the old one has 40 before a new one has 20; the lottery says which.
    """
    grants, level = share_by(own(newer_less, [40, 40, 40], [60, 3, 3], 1, compiled), 60)
    assert grants == [30, 15, 15]
    assert 30 / 80 <= level < 31 / 80
    assert share_by(own(newer_less, [40, 40, 40], [60, 3, 3], 1, compiled), 100)[0] == [40, 30, 30]
    assert share_by(own(newer_less, [40, 40, 40], [60, 3, 3], 20, compiled), 60)[0] == [40, 20, 0]


@given(NEEDS, some.integers(0, 60), some.integers(1, 4), some.data())
@settings(deadline=None, max_examples=100)
def test_an_own_rule_never_exceeds_the_pool(needs: list[int], capacity: int, least: int, data: some.DataObject) -> None:
    tenure = data.draw(some.lists(some.sampled_from([1.0, 60.0]), min_size=len(needs), max_size=len(needs)))
    grants = np.array(share_by(own(newer_less, needs, tenure, least, True), capacity)[0])
    assert grants.sum() <= capacity
    assert ((grants == 0) | (grants >= least)).all()
    assert (grants <= needs).all()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rule", [falling, dips])
def test_an_own_rule_that_falls_with_the_level_is_refused(rule: Rule, compiled: bool) -> None:
    with pytest.raises(OutOfRange, match=f"rule {rule.name}: grants .*must grow with it"):
        own(rule, [40, 40], None, 1, compiled).verify()


def test_an_own_rule_that_falls_is_found_in_the_search_too() -> None:
    with pytest.raises(OutOfRange, match="must grow with it"):
        share_by(own(falling, [40, 40], None, 1, False), 20)


def test_an_own_rule_that_gives_no_number_is_refused() -> None:
    with pytest.raises(OutOfRange, match="no number"):
        share_by(own(no_number, [40], [3], 1, True), 20)


@rule("granted")
def nothing(level, need, tenure):
    pass


@rule("granted")
def some_text(level, need, tenure):
    return "all"


@rule("granted")
def by_nothing(level, need, tenure):
    return need / (tenure - tenure)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rule", [nothing, some_text, no_number, by_nothing])
def test_an_own_rule_without_a_finite_number_is_refused_in_one_line_on_both_engines(rule: Rule, compiled: bool) -> None:
    with pytest.raises(OutOfRange, match=f"^rule {rule.name}: [^\n]+$"):
        own(rule, [40, 40], [3, 3], 1, compiled).verify()


@rule("granted")
def half(level, need):
    """Nobody gets more than half of what is needed, however large the pool."""
    return 0.5 * need * level


@pytest.mark.parametrize("name", [*ALLOCATIONS, "own"])
def test_a_pool_without_end_is_shared_as_one_that_is_large_enough(name: str) -> None:
    given = {} if name == "own" else {"allocation": name}

    def world(**parameters: Any) -> list[tuple[int, float]]:
        scenario = load_scenario("defaults", borrowers=100, **given, **parameters)
        one = Simulation(scenario, 2, engine="objects", rules=[half] if name == "own" else ()).run(4)
        return [(int(month.platform["granted"]), month.platform["rank_cutoff"]) for month in one.history]

    endless = world(off=("scarcity",))
    assert endless == world(pool_share=100.0)
    assert any(granted > 0 for granted, _ in endless)
    if name in ("own", "pro_rata"):
        assert {level for granted, level in endless if granted} == {1.0}


def test_scarcity_explains_nothing_where_a_rule_gives_less_than_is_needed_and_the_pool_is_ample() -> None:
    found = attribute("defaults", borrowers=400, months=6, players=("scarcity", "trigger"), rules=[half], pool_share=100.0)
    games = {outcome: found.exact(outcome)["scarcity"] for outcome in ("zero_limit", "decreases")}
    assert games == {"zero_limit": 0, "decreases": 0}
    assert found.game("decreases")[-1] > 0


def test_an_own_rule_in_a_market_is_the_same_on_both_engines_and_any_threads() -> None:
    def world(engine: str, borrowers: int, threads: int) -> Simulation:
        scenario = load_scenario("defaults", borrowers=borrowers, pool_share=0.25)
        return Simulation(scenario, 3, engine=engine, rules=[newer_less], threads=threads).run(4)

    one, other = world("objects", 300, 1), world("compiled", 300, 1)
    assert all(np.array_equal(one.column(field.name), other.column(field.name)) for field in STATE)
    few, many = world("compiled", 40_000, 1), world("compiled", 40_000, 3)
    assert [month.platform for month in few.history] == [month.platform for month in many.history]
    plain = Simulation(load_scenario("defaults", borrowers=300, pool_share=0.25), 3, engine="objects").run(4)
    assert one.history[-1].platform != plain.history[-1].platform
    levels = [month.platform["rank_cutoff"] for month in one.history]
    assert all(0.0 < level <= 1.0 for level in levels)
    assert any(level < 1.0 for level in levels)


@rule("granted")
def reads_unknown(level, need, tenur):
    return need * level


@rule("granted", "limit")
def writes_more(level, need):
    return need * level, 0.0


@rule("granted")
def reads_too_early(level, need, asked):
    return need * level


@pytest.mark.parametrize(
    ("rules", "error", "words"),
    [
        ([reads_unknown], TypeError, "unknown field 'tenur'; did you mean 'tenure'"),
        ([writes_more], BadInput, "writes `granted` alone"),
        ([newer_less, the_same_share], BadInput, "both share the pool"),
    ],
)
def test_an_own_rule_that_cannot_be_is_refused(rules: list[Rule], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Simulation(load_scenario("defaults", borrowers=5), 1, engine="objects", rules=rules)


# the prefix rule: what is left goes down the lottery until the first who does not fit, and no further


@given(
    some.sampled_from(["pro_rata", "water_filling", "own"]), NEEDS, some.integers(0, 60), some.integers(1, 6), some.data()
)
@settings(deadline=None, max_examples=200)
def test_what_a_level_leaves_goes_to_the_first_of_the_lottery(
    name: str, needs: list[int], capacity: int, least: int, data: some.DataObject
) -> None:
    tickets = np.array(data.draw(some.permutations(range(len(needs)))))
    need, rows = np.array(needs), np.arange(len(needs))
    tenure = [float(20 + 10 * (k % 2)) for k in range(len(needs))]
    rules = {name: Evenly(ALLOCATIONS[name], need, least) for name in ("pro_rata", "water_filling")}
    one = rules.get(name) or own(newer_less, needs, tenure, least, False)
    grants, level = share_out(one, capacity, rows, lambda at: tickets[at].astype(np.uint64))
    base = one.grants(level)
    if level == one.highest:
        assert grants.tolist() == base.tolist()
        return
    more = one.grants(level + 1)
    assert base.sum() <= capacity < more.sum()
    left, full = capacity - int(base.sum()), True
    for k in np.argsort(tickets):
        full = full and more[k] - base[k] <= left
        assert grants[k] == (more[k] if full else base[k])
        left -= int(grants[k] - base[k])


# published thresholds (facts G5): who stands at or above the cutoff is served


@pytest.mark.parametrize("capacity", [0, 1, 7, 480, 1_000])
def test_with_a_flat_limit_as_many_are_served_as_the_pool_holds(capacity: int) -> None:
    """A flat limit of 1, N = 1,000: the share without a line is max(0, 1 - C / N), under every order (facts G5)."""
    scores = np.random.default_rng(3).permutation(1_000).astype(float).tolist()
    for name in ("score", "age", "target", "profit"):
        grants = share(name, [1] * 1_000, capacity, order=scores)
        assert grants.sum() == capacity
        assert (grants > 0).tolist() == [score >= 1_000 - capacity for score in scores]
    assert share("lottery", [1] * 1_000, capacity).sum() == capacity


@pytest.mark.parametrize("name", [*ALLOCATIONS, "own"])
def test_no_rule_plans_above_the_pool_in_a_market(name: str) -> None:
    given = {} if name == "own" else {"allocation": name}
    scenario = load_scenario("defaults", borrowers=250, pool_share=0.25, **given)
    world = Simulation(scenario, 2, engine="objects", rules=[newer_less] if name == "own" else ()).run(6)
    rows = [month.platform for month in world.history]
    assert all(row["planned"] <= row["pool"] or row["granted"] == 0 for row in rows)
    assert any(0 < row["granted"] < row["contended"] for row in rows)
