"""Moments that a calibration of this model asks for, each once. `zerolimit.moment` makes others (results/moments.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zerolimit.basics.errors import by_name
from zerolimit.results.moments import Moment, histogram, moment
from zerolimit.vocabulary.names import SEGMENTS

WITH_A_LINE = "limit > 0"
STAYED = "lag(limit, 1) > 0 and status != 'left'"
"""Who had a line a month before, and has an account still."""
UTILISATION = "min(1000 * principal // limit, 10_000)"
"""In thousandths, at most ten times the line."""
LINES = (100_000, 300_000, 1_000_000, 3_000_000)
"""Edges of the histogram of lines, fen."""
USES = (1, 200, 600, 900)
"""Edges of the histogram of utilisation, thousandths."""


def declared() -> Iterator[Moment | Iterable[Moment]]:
    """All of them."""
    yield moment("zero_line", "limit == 0", says="accounts whose recorded line is zero")
    yield moment("zero_line_current", "late == 0", where="limit == 0", says="zero lines with nothing past due")
    yield moment("zero_line_unused", "principal == 0", where="limit == 0", says="zero lines without a balance")
    yield moment(
        "line_lost", "limit == 0", where=STAYED, says="line to zero within a month, of those who have an account still"
    )
    yield moment(
        "line_regained",
        "limit > 0",
        where="lag(limit, 1) == 0 and status != 'left'",
        says="zero line to a line within a month",
    )
    yield moment("no_usable_line", "without_line > 0", says="accounts without a usable line")
    for months in (3, 12):
        yield moment(
            f"no_usable_line_{months}", f"without_line >= {months}", says=f"without one for {months} months or more"
        )
    for months in (1, 6, 12):
        yield moment(
            f"no_usable_line_lasts_{months}",
            "without_line > 0",
            where=f"lag(without_line, {months}) > 0 and status != 'left'",
            says=f"of those without a usable line, without one {months} months later",
        )
    for segment in SEGMENTS:
        inside = f"segment == '{segment}'"
        yield moment(
            f"zero_limit_{segment}",
            "zero_limit",
            "line_on_time",
            where=inside,
            says=f"zero-limit events, on-time payers: {segment}",
        )
        yield moment(
            f"blocked_{segment}",
            "blocked",
            "at_risk",
            where=inside,
            says=f"blocked after repayment, on-time payers: {segment}",
        )
    yield moment("limit_mean", "limit", "100", where=WITH_A_LINE, says="mean line, yuan")
    yield histogram("limit", "limit", LINES, where=WITH_A_LINE, says="lines by size, fen")
    yield moment(
        "limit_decreased", "100 * limit < 95 * lag(limit, 1)", where=STAYED, says="lines lower by more than 5 % in a month"
    )
    yield moment("limit_increased", "limit > lag(limit, 1)", where=STAYED, says="lines raised within a month")
    yield moment(
        "limit_autocorrelation",
        correlation=("limit // 10_000", "lag(limit, 1) // 10_000"),
        where=f"{STAYED} and limit > 0",
        says="line and line a month before",
    )
    yield moment(
        "limit_income_correlation",
        correlation=("limit // 10_000", "income_seen // 10_000"),
        where=WITH_A_LINE,
        says="line and recorded income",
    )
    yield moment("utilisation_mean", UTILISATION, "1000", where=WITH_A_LINE, says="mean over accounts of balance over line")
    yield histogram("utilisation", UTILISATION, USES, where=WITH_A_LINE, says="accounts by utilisation, thousandths")
    yield moment("utilisation_below_200", "5 * principal < limit", where=WITH_A_LINE, says="utilisation below 0.2")
    yield moment("utilisation_aggregate", "principal", "limit", where=WITH_A_LINE, says="all balances over all lines")
    yield moment("zero_bill", "principal == 0", where=WITH_A_LINE, says="lines without a balance")
    yield moment(
        "over_limit",
        "principal + overdue_interest > limit",
        where=WITH_A_LINE,
        says="balance, interest billed included, above the line",
    )
    yield moment(
        "utilisation_autocorrelation",
        correlation=(UTILISATION, "min(1000 * lag(principal, 1) // lag(limit, 1), 10_000)"),
        where=f"{STAYED} and limit > 0",
        says="utilisation and utilisation a month before",
    )
    yield moment(
        "limit_utilisation_correlation",
        correlation=("limit // 10_000", UTILISATION),
        where=WITH_A_LINE,
        says="line and utilisation",
    )
    yield moment("balance_mean", "principal", "100", where="principal > 0", says="mean balance of those who owe, yuan")
    yield moment(
        "balance_of_users",
        "principal",
        "100",
        where="principal > 0 or idle < 12",
        says="mean balance of those who owe or drew within a year, yuan",
    )
    owner = "segment == 'owner'"
    yield moment(
        "balance_of_owners",
        "principal",
        "100",
        where=f"principal > 0 and {owner}",
        says="mean balance of owners who owe, yuan",
    )
    yield moment(
        "owners_late_90",
        "principal * (late >= 3)",
        "principal",
        where=owner,
        says="of owners' balances, 90 or more days past due",
    )
    yield moment("good_record", "late == 0", says="accounts with nothing past due")
    yield moment("debt_and_savings", "principal > 0 and cash > 0", says="accounts that owe and have savings")
    yield moment("borrowers_with_others", "other_debt > 0", where="principal > 0", says="of those who owe, owe others too")
    yield moment(
        "newly_late_cured",
        "late == 0 and status != 'left'",
        where="lag(late, 1) == 1 and lag(late, 2) == 0",
        says="newly late accounts current again a month later",
    )
    yield moment("balance_late_30", "principal * (late >= 1)", "principal", says="of balances, 30 or more days past due")
    yield moment("balance_late_90", "principal * (late >= 3)", "principal", says="of balances, 90 or more days past due")
    slow = "1 <= lag(late, 1) <= 2"
    yield moment("late_3_in_a_month", "late >= 3", where=slow, says="one or two months late: three or more a month later")
    yield moment(
        "cured_in_a_month", "late == 0 and status != 'left'", where=slow, says="one or two months late: current then"
    )
    yield moment("inquiries_mean", "inquiries", "16_384", says="applications to other lenders a month, moving average")
    yield moment("other_lenders", "other_debt > 0", says="accounts that owe other lenders too")


def every(given: Iterable[Moment | Iterable[Moment]]) -> Iterator[Moment]:
    """Moments one by one, where some are given together."""
    for one in given:
        if isinstance(one, Moment):
            yield one
        else:
            yield from one


MOMENTS = by_name("moment", every(declared()))
"""The moments that are ready, by name."""


def moments() -> dict[str, Moment]:
    """The moments that are ready, by name: what `keep=` of `zerolimit.worlds` takes beside moments of one's own."""
    return dict(MOMENTS)
