"""What must hold of every cap, ours and a third party's: `check_cap(cap)`."""

from __future__ import annotations

import ast
import inspect
import math
import string
import sys
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

from zerolimit.basics.wording import FEN, Phrase
from zerolimit.explanation.notice import TOLD_IN
from zerolimit.explanation.reasons import usable_line
from zerolimit.parameters.declarations import CALENDAR_KINDS
from zerolimit.parameters.terms import TERMS, from_scenario
from zerolimit.rules.allocations import USER_DEFINED
from zerolimit.rules.appeal import support
from zerolimit.rules.cap import DECISION, Cap, Decided
from zerolimit.rules.caps import CAP, CAPS, checked
from zerolimit.rules.decision import route_after, weigh
from zerolimit.rules.formula import DERIVED
from zerolimit.rules.rule import Rule, contract
from zerolimit.rules.unrolled import caps_unrolled, route_unrolled
from zerolimit.testing.scenarios import draw_scenario
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.fields import FIELDS, STORABLE
from zerolimit.vocabulary.mechanisms import BASELINE, MECHANISMS

WORLDS, ACCOUNTS = 40, 25
"""Scenarios that are drawn, and accounts in each."""
DERIVED_FROM = {name: contract(function, "cap")[0] for name, function in DERIVED.items()}
LINES = (0.0, 1.0, 50_000.0, 1_000_000.0, 1e9)
"""Lines of the formula (fen) over which a cap must not fall."""


def check_cap(cap: Cap, seed: int = 1) -> None:
    """AssertionError, in one line, where a cap is not what it says; nothing where it is.

    Alone and at zero it closes the line, is the reason, has its bit in the mask; an appeal respects it, or leaves it out if
    it says so; an episode ends by its route. On accounts drawn within what fields hold its value is finite, not below 0, and
    does not fall as the formula's line rises; accounts are found on both sides, and its numbers and thresholds can be told
    on each; with its mechanism off it closes nothing. Its words are there in every language. A cap of your own need not be
    in the package: it is put beside ours for the check (its words then are missing, unless the package has them).
    """
    caps = checked((*(one for one in CAPS if one.name != cap.name), cap))
    check_alone(cap, caps)
    phrases = check_accounts(cap, seed)
    check_words(cap, phrases)


def hold(condition: bool, cap: Cap, says: str) -> None:
    """AssertionError unless a condition holds."""
    if not condition:
        raise AssertionError(f"cap {cap.name}: {says}")


def constant(cap: Cap, value: float) -> Cap:
    """The cap with one value for everybody."""

    def function() -> float:
        return value

    function.__name__ = cap.name
    return replace(cap, function=function, reads=(), terms=())


def check_alone(cap: Cap, caps: tuple[Cap, ...]) -> None:
    """At zero while no other applies: closed by this cap, with its code, bit and route, in the appeal as it says."""
    route = route_unrolled(route_of, caps)
    hold(route(cap.code) == cap.ends_as, cap, f"ends by route {route(cap.code):g}, and says {cap.ends_as:g}")
    if cap.name in CAP:
        hold(route_after(cap.code) == cap.ends_as, cap, "the model ends its episodes by another route")
    if cap.set_by != DECISION:
        return
    policy = tuple(constant(one, 0.0 if one.name == cap.name else NO_CAP) for one in caps if one.set_by == DECISION)
    alone = caps_unrolled(all_of, policy)
    lowest, reason, mask = called(alone, {"minimum_loan": 100.0})
    hold(lowest == 0.0, cap, f"alone and at zero leaves {lowest:g} fen")
    hold(reason == cap.code, cap, f"alone and at zero the reason is {reason:g}, not its number {cap.number}")
    hold(mask == cap.bit, cap, f"alone and at zero the mask is {mask:g}, not its bit {cap.bit:g}")
    heard = tuple(one for one in policy if not one.lifted_by_appeal)
    left = called(caps_unrolled(lowest_of, heard), {}) if heard else NO_CAP
    hold((left > 0.0) == cap.lifted_by_appeal, cap, "an appeal does not treat it as it says (lifted_by_appeal)")
    for other in policy:
        first = min((cap, other), key=lambda one: one.place)
        both = tuple(constant(one, 0.0) if one.name in (cap.name, other.name) else one for one in policy)
        found = called(caps_unrolled(reason_of, both), {})
        hold(found == first.code, cap, f"at zero with {other.name} the reason is {found:g}, by place {first.code:g}")
    if cap.name in CAP:
        for rule, there in ((weigh, True), (support, not cap.lifted_by_appeal)):
            hold((f"cap_{cap.name} = " in source_of(rule)) == there, cap, f"is not in rule {rule.name} as it says")


def all_of(lowest: float, cap_reason: float, cap_mask: float) -> tuple[float, float, float]:
    return lowest, cap_reason, cap_mask


def lowest_of(lowest: float) -> float:
    return lowest


def reason_of(cap_reason: float) -> float:
    return cap_reason


def route_of(reason: float) -> float:
    """Written out by route_unrolled."""
    raise NotImplementedError


def source_of(rule: Rule) -> str:
    """The text of a rule that is written out."""
    return inspect.getsource(rule.function)


def called(function: Any, known: dict[str, Any]) -> Any:
    """A function, given by name what it reads; terms are those known."""
    terms = SimpleNamespace(**known)
    return function(*(terms if name == "terms" else known[name] for name in contract(function, "cap")[0]))


def check_accounts(cap: Cap, seed: int) -> set[Phrase]:
    """The cap's value and words on drawn accounts, on both sides; gives every phrase that was said."""
    without = {} if cap.mechanism == BASELINE else MECHANISMS[cap.mechanism].without
    off = {**without, **{one.name: one.off for one in cap.parameters if one.off is not None}}
    acts = bool({*off} & {*cap.terms})
    needed = cap.mechanism != BASELINE and bool(cap.parameters)
    hold(acts or not needed, cap, f"none of its terms changes while {cap.mechanism} is off: give a parameter `off`")
    phrases: set[Phrase] = set()
    sides = set()
    for values, terms in drawn(cap, seed):
        value = value_on(cap, values, terms)
        hold(math.isfinite(value) and value >= 0.0, cap, f"gives {value!r} fen, which is no line")
        if "base_line" in cap.reads:
            lines = [value_on(cap, values, terms, base_line=line) for line in LINES]
            hold(lines == sorted(lines), cap, f"falls as the formula's line rises: {lines}")
        if acts:
            left = value_on(cap, values, {**terms, **off})
            hold(left >= NO_CAP, cap, f"leaves {left:g} fen while {cap.mechanism} is off")
        usable = usable_line(values, terms["minimum_loan"])
        closes = value < usable
        decided = Decided(values, terms, value, usable, values["level"])
        if closes not in sides or len(phrases) < 8:
            said = cap.numbers(decided)
            hold(isinstance(said, Phrase), cap, f"numbers() gives {type(said).__name__}, not a Phrase (basics.wording.say)")
            phrases |= set(parts(said))
        for one in cap.thresholds(decided):
            numbers = (one.own, one.threshold, one.distance)
            hold(all(map(math.isfinite, numbers)), cap, f"threshold {one.says!r} compares {numbers}")
            phrases |= {Phrase(one.says), Phrase(TOLD_IN.get(one.unit, one.unit))}
        sides.add(closes)
    hold(True in sides, cap, f"closed no line of {WORLDS * ACCOUNTS:,} that were drawn")
    hold(False in sides, cap, f"closed each line of {WORLDS * ACCOUNTS:,} that were drawn")
    return phrases


def value_on(cap: Cap, values: dict[str, float], terms: dict[str, float], **instead: float) -> float:
    """A cap's value (fen) on one account; `instead` replaces what is derived."""
    known: dict[str, Any] = {**values, "terms": SimpleNamespace(**terms)}
    for name, function in DERIVED.items():
        known[name] = function(*(known[read] for read in DERIVED_FROM[name]))
    known.update(instead)
    return float(cap(*(known[name] for name in cap.reads)))


def drawn(cap: Cap, seed: int) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """Accounts with every field, and terms with what the platform may announce, all within their bounds."""
    rng = Random(seed)
    for _ in range(WORLDS):
        terms = from_scenario(draw_scenario(rng, "mixed", off=()))
        for name, (_, unit, low, high, _) in CALENDAR_KINDS.items():
            if name in TERMS and rng.random() < 0.5:
                terms[name] = rng.uniform(low, high) * (FEN if unit == "yuan" else 1)
        for one in cap.parameters:
            number = rng.choice((one.default, one.low, one.high, rng.uniform(one.low, one.high)))
            terms[one.name] = number * (FEN if one.unit.split(" ")[0] == "yuan" else 1)
        for _ in range(ACCOUNTS):
            values = {name: drawn_field(name, rng) for name in FIELDS}
            values["level"] = rng.choice((0.0, 0.5, math.inf, rng.uniform(300.0, 1_000.0)))
            yield values, {**terms, "allocation": rng.choice((USER_DEFINED, terms["allocation"]))}


def drawn_field(name: str, rng: Random) -> float:
    """A value that a field may have."""
    field = FIELDS[name]
    if field.unit == "points":
        return float(rng.randint(350, 950))
    if field.storage == "q2":
        return rng.choice((0.0, rng.uniform(0.0, STORABLE["q2"])))
    if field.storage == "i4":
        none = field.unit == "fen" and rng.random() < 0.2
        return 0.0 if none else float(math.floor(math.exp(rng.uniform(0.0, math.log(1e8)))))
    if field.storage == "f4":
        return rng.uniform(0.0, 2.0)
    return float(rng.randint(0, 3) if field.unit in ("code", "0/1") or rng.random() < 0.5 else rng.randint(0, 120))


def parts(phrase: str) -> Iterator[Phrase]:
    """A phrase and the phrases that stand in its places."""
    if isinstance(phrase, Phrase):
        yield phrase
        for place in phrase.places.values():
            yield from parts(place)


def templates(module: Any) -> set[str]:
    """The templates of the sentences that a module says: the first argument of `say(...)`."""
    calls = (node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call) and node.args)
    said = (node.args[0] for node in calls if getattr(node.func, "id", "") == "say")
    return {one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def check_words(cap: Cap, phrases: set[Phrase]) -> None:
    """All that the cap says has a text in every other language, with the same places."""
    from zerolimit.app.language import FIRST, LANGUAGES, texts

    says = {cap.says, cap.short, *templates(sys.modules[cap.function.__module__])}
    says |= {one.says for one in phrases}
    for language in LANGUAGES:
        if language == FIRST:
            continue
        known, file = texts(language)["english"], f"app/texts/{language}.toml"
        hold(cap.name in texts(language)["reason"], cap, f'{file}: [reason] {cap.name} = "..." is missing')
        for text in sorted(says):
            hold(text in known, cap, f"{file}: [english] {text!r} is missing")
            hold(places(text) == places(known[text]), cap, f"{file}: [english] {text!r} has other places")


def places(text: str) -> list[str]:
    """The places in a template."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)
