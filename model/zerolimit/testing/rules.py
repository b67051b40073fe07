"""What must hold of every rule, ours and a third party's: `check_rule(rule)`."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from zerolimit.engine.compiled import alone
from zerolimit.engine.plan import check
from zerolimit.engine.registry import REFERENCE
from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import TERMS
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.rule import Rule, whole
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import FIELDS, STORABLE

BORROWERS, MONTHS, CALLS = 60, 8, 1_500
"""Worlds in which a rule is watched, and how many of its calls are looked at."""
WORLDS: tuple[dict[str, Any], ...] = (
    {"pool_share": 0.4, "admissions": 0.02, "early_warning": True, "miss_salaried": 0.1, "appeals_capacity": 0.2},
    {"notice_months": 2, "adaptation_months": 3, "term_open": 0.3, "open_repay_rate": 0.2, "macro_model": "regimes"},
    {"appeals_capacity": 0.2, "appeals_share": 0.2, "appeal_rate": 1.0, "look_rate": 1.0, "base_tightness": 0.6},
)
"""What differs from the baseline in them."""
CONSTANTS = (
    int,
    float,
    str,
    tuple,
    frozenset,
    type(None),
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    Rule,
)


def check_rule(rule: Rule, worlds: tuple[dict[str, Any], ...] = WORLDS) -> None:
    """AssertionError (BadRule for a name that nothing has), in one line, where a rule is not what rules must be.

    It is watched in small worlds, in which the laws of the account are checked of everybody. On the borrowers that it met
    there it gives as many values as it writes, each finite and storable, the same when asked again, and the same bit for bit
    when it is compiled; it keeps nothing from one borrower to the next.
    """
    check(rule, frozenset(TERMS))
    keeps = inspect.getclosurevars(rule.function)
    for name, value in {**keeps.globals, **keeps.nonlocals}.items():
        hold(isinstance(value, CONSTANTS), rule, f"reads {name}, a {type(value).__name__} that other borrowers may change")
    calls = [call for parameters in worlds for call in watched(rule, parameters)]
    hold(bool(calls), rule, "nobody met it in these worlds")
    compiled = alone(rule)
    for values in calls[:: max(1, len(calls) // CALLS)]:
        found = as_tuple(rule.function(*values))
        hold(len(found) == len(rule.writes), rule, f"gives {len(found)} values for {len(rule.writes)} fields")
        for name, value in zip(rule.writes, found, strict=True):
            hold(can_be_stored(name, value), rule, f"{name} = {value!r} is no finite number that its column can hold")
        hold(found == as_tuple(rule.function(*values)), rule, "gives something else when it is asked again")
        other = as_tuple(compiled(*values))
        hold(tuple(map(float, found)) == tuple(map(float, other)), rule, f"gives {found}, compiled {other}")


def hold(condition: bool, rule: Rule, says: str) -> None:
    """AssertionError unless a condition holds."""
    if not condition:
        raise AssertionError(f"rule {rule.name}: {says}")


def as_tuple(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


def can_be_stored(name: str, value: Any) -> bool:
    """Whether a column can hold it: of whole numbers only these."""
    if not math.isfinite(value):
        return False
    if name in MEASURED:
        return True
    storage = FIELDS[name].storage
    return abs(value) <= STORABLE.get(storage, 1.0e30) and (not storage.startswith("i") or value == whole(value))


def watched(rule: Rule, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a rule was called with in a world in which it has its place."""
    calls: list[tuple[Any, ...]] = []

    def watch(*values: Any) -> Any:
        calls.append(tuple(SimpleNamespace(**vars(one)) if isinstance(one, SimpleNamespace) else one for one in values))
        return rule.function(*values)

    scenario = load_scenario("defaults", **{"borrowers": BORROWERS, **parameters})
    run_with(replace(rule, function=watch), scenario)
    return calls


def run_with(rule: Rule, scenario: Any, engine: str = REFERENCE, **more: Any) -> Simulation:
    """A world in which a rule has its place."""
    run: Callable[..., Simulation] = Simulation
    return run(scenario, 1, engine=engine, rules=[rule], **more).run(MONTHS)
