"""Every cap is what its declaration says; what is declared wrongly is refused in one line."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.basics.wording import say
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.rules.appeal import support
from zerolimit.rules.cap import MOST_CAPS, RETIRED, Cap, cap
from zerolimit.rules.caps import CAP, CAPS, POLICY, REASONS, checked
from zerolimit.rules.decision import decide, measure, weigh
from zerolimit.rules.formula import score_line
from zerolimit.rules.outcome import route_after
from zerolimit.rules.unrolled import caps_unrolled
from zerolimit.testing import check_cap
from zerolimit.vocabulary.fields import FIELDS, STORABLE
from zerolimit.vocabulary.mechanisms import NO_CAP
from zerolimit.vocabulary.names import END_LOOSENING, END_POOL, END_SCORE, OPEN


@pytest.mark.parametrize("name", CAP)
def test_a_cap_is_what_it_says(name: str) -> None:
    check_cap(CAP[name])


def test_numbers_are_those_of_runs_that_are_stored() -> None:
    """Fixed for ever: a reason's code and a mask's bit keep their meaning."""
    assert REASONS[:12] == (
        *("income", "cutoff", "arrears", "score", "trigger", "idle", "early"),
        *("positioning", "multiplier", "cutoff_shift", "per_person", "grant"),
    )
    assert [one.code for one in CAPS] == [float(k) for k in range(1, len(CAPS) + 1)]
    assert [one.bit for one in CAPS] == [float(2**k) for k in range(len(CAPS))]
    assert not RETIRED


def test_a_mask_has_room_for_every_cap_there_may_be() -> None:
    assert STORABLE[FIELDS["mask"].storage] >= 2**MOST_CAPS - 1
    assert FIELDS["mask"].storage == FIELDS["cap_mask"].storage


def test_who_sets_a_line_free_again() -> None:
    routes = [route_after(float(code)) for code in range(len(CAPS) + 1)]
    assert routes[:13] == [END_SCORE] * 9 + [END_LOOSENING] * 3 + [END_POOL]


def test_an_appeal_leaves_out_what_it_lifts_and_knows_true_income() -> None:
    assert [one.name for one in POLICY if one.lifted_by_appeal] == ["trigger", "idle", "early"]
    assert not {"frequency", "loan_size", "idle", "early", "income_seen", "review"} & {*support.reads}
    assert "income_true" in support.reads
    assert weigh.reads == measure.reads


def numbers(decided: Any) -> Any:
    return say("no more than {line}", line="0 yuan")


def declared(function: Callable[..., Any] | None = None, **more: Any) -> Any:
    """A cap that is in order, but for what is given."""
    given: dict[str, Any] = {
        "number": len(CAPS) + 1,
        "mechanism": "positioning",
        "says": "legal ceiling per person",
        "short": "ceiling",
        "colour": "red",
        "hatch": "xx",
        "numbers": numbers,
        "thresholds": lambda decided: (),
    }

    def ceiling(base_line, distance):  # type: ignore[no-untyped-def]
        return 0.5 * base_line if distance > 0.5 else NO_CAP

    return cap(**{**given, **more})(ceiling if function is None else function)


def with_unknown_field(base_line, distnce):  # type: ignore[no-untyped-def]
    return base_line * distnce


def with_default(base_line=1.0):  # type: ignore[no-untyped-def]
    return base_line


def with_power(base_line):  # type: ignore[no-untyped-def]
    return base_line**2.0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: declared(mechanism="positoning"), "cap ceiling: unknown mechanism .*did you mean 'positioning'"),
        (lambda: declared(number=31), "its number is a whole one from 1 to 30, not 31"),
        (lambda: declared(number=True), "its number is a whole one from 1 to 30"),
        (lambda: declared(with_unknown_field), "unknown field .distnce.; did you mean 'distance'"),
        (lambda: declared(with_default), "parameter 'base_line' must be plain"),
        (lambda: declared(with_power), "'pow' is refused"),
        (lambda: declared(3), "@cap stands above a plain function"),
        (lambda: declared(forgotten=("idel",), lifted_by_appeal=True), "unknown field .idel.; did you mean 'idle'"),
        (lambda: declared(ends_as=99.0), "ends_as is none of"),
        (lambda: declared(set_by="allocaton"), "did you mean 'allocation'"),
        (lambda: checked((*CAPS, declared(number=5))), "its number, 5, is that of cap trigger"),
        (lambda: checked((*CAPS, declared(number=len(CAPS) + 2))), f"leaves one out; {len(CAPS) + 1} is free"),
        (lambda: checked((*CAPS, replace(CAPS[0], number=13, place=13.0, hatch="x"))), "its name, 'income', is that of cap"),
        (lambda: checked((*CAPS, declared(place=5.0))), "its place, 5.0, is that of cap trigger"),
        (lambda: checked((*CAPS, declared(colour="blue", hatch=""))), "colour and hatch, .* is that of cap trigger"),
    ],
)
def test_what_is_declared_wrongly_is_refused_in_one_line(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_number_of_a_cap_that_is_no_more_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RETIRED, len(CAPS) + 1, "sector")
    with pytest.raises(BadInput, match=f"number {len(CAPS) + 1} was that of sector; {len(CAPS) + 2} is free"):
        checked((*CAPS, declared()))
    assert checked((*CAPS, declared(number=len(CAPS) + 2)))[-1].name == "ceiling"


def test_of_caps_alike_low_the_one_with_the_lowest_place_is_the_reason() -> None:
    """The check's own part on ties: a cap of a late number and an early place."""
    with pytest.raises(AssertionError, match=r"\[reason\] ceiling"):
        check_cap(declared(place=0.5))


def falling(base_line, distance):  # type: ignore[no-untyped-def]
    return 1e9 - base_line if distance > 0.5 else NO_CAP


def never(base_line):  # type: ignore[no-untyped-def]
    return NO_CAP


def negative(base_line, distance):  # type: ignore[no-untyped-def]
    return -1.0


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: declared(falling), "falls as the formula's line rises|which is no line"),
        (lambda: declared(never), "closed no line"),
        (lambda: declared(negative), "which is no line"),
        (lambda: declared(numbers=lambda decided: "few"), "numbers.. gives str, not a Phrase"),
        (lambda: replace(CAP["idle"], lifted_by_appeal=False), "is not in rule support as it says"),
        (lambda: replace(CAP["multiplier"], ends_as=END_SCORE), "the model ends its episodes by another route"),
    ],
)
def test_a_cap_that_is_not_what_it_says_is_told(made: Callable[[], Cap], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_cap(made())


def with_branches(base_line, distance, terms):  # type: ignore[no-untyped-def]
    if distance > 0.5:
        return 0.5 * base_line
    return terms.minimum_loan


def with_steps(base_line, distance):  # type: ignore[no-untyped-def]
    lowest = 0.5 * base_line
    far = distance > 0.5
    return lowest if far else NO_CAP


def least_of(lowest):  # type: ignore[no-untyped-def]
    return lowest


@pytest.mark.parametrize(("function", "near"), [(with_branches, 300.0), (with_steps, 1_000.0)], ids=["called", "written"])
def test_a_body_is_written_out_where_it_is_plain_and_called_where_not(function: Callable[..., Any], near: float) -> None:
    """Beside the income cap: half of a formula's line of 2,000 fen where far; names of steps are kept apart."""
    made = caps_unrolled(least_of, (CAP["income"], declared(function)))
    known: dict[str, Any] = {"income_seen": 1_000.0, "anchor": 0.5, "risk": 950.0, "distance": 0.9}
    given = {"income_multiple": 4.0, "score_multiple": 4.0, "income_floor": 0.0, "minimum_loan": 300.0}
    known |= {
        "late": 0.0,
        "punctuality": 1.0,
        "terms": SimpleNamespace(**{**from_scenario(load_scenario("defaults")), **given}),
    }
    reads = inspect.signature(made).parameters
    assert made(*(known[name] for name in reads)) == 1_000.0
    known["distance"] = 0.5
    assert made(*(known[name] for name in reads)) == (300.0 if near == 300.0 else 2_000.0)
    assert (f"{function.__name__}(" in inspect.getsource(made).split("\n", 1)[1]) == (function is with_branches)


@pytest.mark.parametrize(
    ("zero", "risk", "months"),
    [
        (350.0, 650.0, 3.0),
        (350.0, 350.0, 0.0),
        (600.0, 600.0, 0.0),
        (600.0, 580.0, 0.0),
        (600.0, 775.0, 3.0),
        (600.0, 950.0, 6.0),
    ],
)
def test_the_line_grows_with_the_score_from_score_zero_on(zero: float, risk: float, months: float) -> None:
    """Of 6 months of income at most: half of them half-way from score_zero to 950."""
    assert score_line(1_000.0, risk, SimpleNamespace(score_multiple=6.0, score_zero=zero)) == pytest.approx(1_000.0 * months)


@pytest.mark.parametrize(
    ("reached", "calendar", "left"), [(1.0, 0.2, 800.0), (0.0, 0.2, 960.0), (0.0, 1.0, 800.0), (0.0, 0.0, 1_000.0)]
)
def test_tightening_scales_in_full_what_a_campaign_reaches(reached: float, calendar: float, left: float) -> None:
    """0.5 x 0.4 of 1,000 fen, and at the calendar's reviews a share of it."""
    said = SimpleNamespace(multiplier_gain=0.5, tightness=0.4, calendar_tightness=calendar)
    assert CAP["multiplier"](1_000.0, reached, said) == pytest.approx(left)


def test_no_line_is_raised_above_raise_tightness() -> None:
    """10,000 yuan on record, 20,000 by the formula: by growth at most, unless tightness is above the threshold."""
    for tightness, line in ((0.1, 14_000.0), (0.3, 10_000.0)):
        said = SimpleNamespace(**{**from_scenario(Scenario(growth=0.4, raise_tightness=0.2)), "tightness": tightness})
        given = {
            **dict.fromkeys(decide.reads, 0.0),
            "status": OPEN,
            "limit": 1e6,
            "base_line": 2e6,
            "lowest": 2e6,
            "terms": said,
        }
        assert decide(*(given[name] for name in decide.reads)) == line * 100.0


def test_the_decision_shows_its_text() -> None:
    text = inspect.getsource(weigh.function)
    assert all(f"cap_{one.name} = " in text for one in POLICY)
    assert "the lowest cap (fen)" in str(weigh.function.__doc__)
