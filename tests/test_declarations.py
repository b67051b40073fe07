"""What is declared twice, without what it needs, or with a name that nothing has, is refused in one line at import."""

from typing import Any

import pytest

from zerolimit.basics.errors import BadDeclaration, BadInput, BadRule, by_name, refuse_unknown
from zerolimit.month import OUTCOMES
from zerolimit.parameters.declarations import parameter
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.allocations import ALLOCATIONS, level, order
from zerolimit.rules.flags import BITS, FLAGS, flag, outcomes
from zerolimit.vocabulary.fields import FIELDS, declare_flow
from zerolimit.vocabulary.mechanisms import MECHANISMS, Mechanism, groups, switched_off_by
from zerolimit.vocabulary.names import CHARGED_OFF, CODES, coded


def refused(what: Any, *words: str) -> None:
    with pytest.raises(BadInput) as told:
        what()
    assert "\n" not in str(told.value)
    assert all(word in str(told.value) for word in words), str(told.value)


# outcomes


def test_a_rule_of_more_flags_than_a_word_holds_writes_two_words() -> None:
    before = set(FLAGS)

    @outcomes
    def count_thirteen(late, standing, terms):
        m = terms.minimum_loan
        return (
            flag("thirteen_0", late == 0.0, "none"),
            flag("thirteen_1", late == 1.0, "one"),
            flag("thirteen_2", late == 2.0, "two"),
            flag("thirteen_3", late == 3.0, "three"),
            flag("thirteen_4", late == 4.0, "four"),
            flag("thirteen_5", late == 5.0, "five"),
            flag("thirteen_6", late == 6.0, "six"),
            flag("thirteen_7", late == 7.0, "seven"),
            flag("thirteen_8", late == 8.0, "eight"),
            flag("thirteen_9", late == 9.0, "nine"),
            flag("thirteen_10", late == 10.0, "ten"),
            flag("thirteen_11", late == 11.0, "eleven"),
            flag("thirteen_12", standing == CHARGED_OFF and m > 0.0, "charged off"),
        )

    terms: Any = type("Terms", (), {"minimum_loan": 1.0})
    try:
        assert BITS == 12
        assert count_thirteen.writes == ("count_thirteen_1", "count_thirteen_2")
        assert count_thirteen(11.0, 3.0, terms) == (2.0**11, 1.0)
        assert count_thirteen(0.0, 2.0, terms) == (1.0, 0.0)
        assert FLAGS["thirteen_12"].of({"count_thirteen_1": 0.0, "count_thirteen_2": 1.0})
        assert not FLAGS["thirteen_11"].of({"count_thirteen_1": 1024.0, "count_thirteen_2": 1.0})
        assert count_thirteen.terms == ("minimum_loan",)
    finally:
        for name in set(FLAGS) - before:
            del FLAGS[name]
        for word in count_thirteen.writes:
            del FIELDS[word]


def test_an_outcome_that_is_declared_twice_is_refused() -> None:
    def count_again(late):
        return (flag("zero_limit", late > 0.0, "again"),)

    assert any(one.name == "zero_limit" for flags in OUTCOMES.values() for one in flags)
    refused(lambda: outcomes(count_again), "outcomes of count_again", "outcome zero_limit is declared twice")


def test_an_outcome_of_an_unknown_field_is_refused_with_the_nearest() -> None:
    def count_lat(lat):
        return (flag("lat", lat > 0.0, "late"),)

    refused(lambda: outcomes(count_lat), "outcomes of count_lat", "unknown field 'lat'", "'late'")


def test_what_is_no_flag_is_refused() -> None:
    def count_bare(late):
        return (late > 0.0,)

    def count_nameless(late):
        return (flag(late, late > 0.0, "late"),)

    def count_silent(late):
        return (flag("silent", late > 0.0, ""),)

    def count_one(late):
        return flag("alone", late > 0.0, "late")

    refused(lambda: outcomes(count_bare), 'flag("name", condition, "meaning") is needed')
    refused(lambda: outcomes(count_nameless), "an outcome's name is a text", "not 'late'")
    refused(lambda: outcomes(count_silent), "outcome silent: its meaning is a text")
    refused(lambda: outcomes(count_one), "ends in one return (flag(...), flag(...), ...)")
    refused(lambda: flag("late", True, "late"), "outcome late: flag() stands in what a function under @outcomes returns")


def test_a_field_that_is_declared_twice_is_refused() -> None:
    refused(lambda: declare_flow("late", "i1", "months", "late"), "field late: declared twice")


# allocation rules


def test_an_allocation_that_is_declared_twice_is_refused() -> None:
    def score(risk):
        return risk

    refused(lambda: order("again")(score), "allocation score: declared twice")


def test_an_allocation_without_a_function_or_of_an_unknown_field_is_refused() -> None:
    def riskiest(rsik):
        return -rsik

    def halves(need, share):
        return need * share

    with pytest.raises(BadRule, match="order: @order stands above a plain function"):
        order("without a function")("smallest")  # type: ignore[arg-type]
    refused(lambda: order("riskiest first")(riskiest), "allocation riskiest", "unknown field 'rsik'", "'risk'")
    refused(lambda: level("halves")(halves), "allocation halves", "unknown parameter 'share'")
    assert not {"riskiest", "halves"} & set(ALLOCATIONS)


# mechanisms and parameters


def test_a_mechanism_that_is_declared_twice_is_refused() -> None:
    twice = (*MECHANISMS.values(), Mechanism("trigger", "again", {}, "scorecard", "blue"))
    refused(lambda: by_name("mechanism", twice), "mechanism trigger: declared twice")


def test_an_unknown_term_colour_or_mechanism_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadDeclaration, match="mechanism x: unknown term 'tightnes'; did you mean 'tightness'"):
        refuse_unknown("mechanism x", "term", "tightnes", ("tightness", "cutoff"))
    says = "unknown mechanism 'scarcty'; did you mean 'scarcity'"
    refused(lambda: parameter(1.0, "share", 0, 1, "of something", mechanism="scarcty"), says)


def test_mechanisms_are_switched_off_by_a_text() -> None:
    assert load_scenario("defaults", off="all").off == tuple(MECHANISMS)
    assert load_scenario("defaults", off="all but scarcity").off == tuple(one for one in MECHANISMS if one != "scarcity")
    assert switched_off_by("all but scarcity, contagion") == ("rescoring", "trigger", "positioning", "tightening")
    assert load_scenario("defaults", off="trigger").off == ("trigger",)
    refused(lambda: load_scenario("defaults", off="all but scarcty"), "off: 'scarcty' is none of", "did you mean 'scarcity'")
    assert groups() == (("rescoring", "trigger"), ("positioning", "scarcity"), ("tightening",), ("contagion",))


def test_a_field_says_what_its_codes_mean() -> None:
    assert FIELDS["standing"].meaning == "0 nothing due, 1 on-time payer, 2 late, 3 charged off" == coded("standing")
    assert CODES["standing"][int(CHARGED_OFF)] == "charged off"
