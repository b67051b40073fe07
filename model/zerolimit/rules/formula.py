"""The formula's line, before any cap: what an income and a score support; and what else caps read that is no field.

A cap's function may name each of `DERIVED` as a parameter, as it names a field.
"""

from zerolimit.rules.rule import clip, helper
from zerolimit.vocabulary.constants import NO_CAP, SCORE_HIGH
from zerolimit.vocabulary.names import REAPPLY


@helper
def income_line(income, terms):
    """Line that an income supports, before the anchor: income_multiple x monthly income."""
    return terms.income_multiple * income


@helper
def score_line(income, risk, terms):
    """Line that a score supports, before the anchor: score_multiple x monthly income x (score - score_zero) /
    (950 - score_zero), at least 0."""
    return (
        terms.score_multiple * income * clip((risk - terms.score_zero) * (1.0 / (SCORE_HIGH - terms.score_zero)), 0.0, 1.0)
    )


@helper
def balance(scheduled, overdue):
    """fen; principal owed"""
    return scheduled + overdue


@helper
def line_by_income(income_seen, anchor, terms):
    """fen; anchor x the line that recorded income supports"""
    return min(NO_CAP, anchor * income_line(income_seen, terms))


@helper
def line_by_score(income_seen, risk, anchor, terms):
    """fen; anchor x the line that the risk score supports"""
    return min(NO_CAP, anchor * score_line(income_seen, risk, terms))


@helper
def base_line(line_by_income, line_by_score):
    """fen; the formula's line: the lower of the income line and the score line"""
    return min(line_by_income, line_by_score)


@helper
def score_needed(review, terms):
    """points; the cutoff, higher by readmission_gap for who comes back"""
    return terms.cutoff + (terms.readmission_gap if review == REAPPLY else 0.0)


DERIVED = {one.__name__: one for one in (balance, line_by_income, line_by_score, base_line, score_needed)}
"""What is worked out once a decision from a borrower's fields, each from those above it."""
